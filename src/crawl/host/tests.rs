//! When a request may go.

use super::*;
use crate::frontier::HostId;
use crate::urls::HostKey;
use url::Url;

fn pace(interval_ms: u64, concurrency: u32) -> Pace {
    Pace { interval: Duration::from_millis(interval_ms), concurrency, rest: Rest::default() }
}

fn gate(interval_ms: u64, concurrency: u32) -> Gate {
    let origin = Url::parse("http://a.example/").unwrap();
    let host = LeasedHost {
        id: HostId::new("http://a.example"),
        key: HostKey::new(&origin).unwrap(),
        origin,
        epoch: 1,
        not_before: 0,
        asked: 0,
        failures: 0,
        robots: None,
    };
    Gate::new(pace(interval_ms, concurrency), &host, false, Duration::from_secs(60))
}

fn response(status: u16, retry_after: Option<u64>) -> Response {
    Response {
        has_new_cookies: false,
        status,
        content_type: None,
        etag: None,
        modified: None,
        retry_after: retry_after.map(Duration::from_secs),
        location: None,
        refresh: None,
        body: Vec::new(),
        at: jiff::Timestamp::now(),
        waited: Duration::from_millis(5),
        took: Duration::from_millis(5),
        warc: None,
    }
}

#[tokio::test]
async fn requests_are_spread_and_a_pause_earns_nothing() {
    let gate = gate(50, 1);
    let _ = gate.turn().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    for _ in 0..4 {
        let _ = gate.turn().await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(145), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn no_more_at_a_time_than_permitted() {
    let gate = gate(0, 2);
    let (_a, _b) = (gate.turn().await, gate.turn().await);
    let third = tokio::time::timeout(Duration::from_millis(50), gate.turn()).await;
    assert!(third.is_err());
}

/// A process that stood still wakes up with its leases over: whoever waits for a turn gets none.
#[tokio::test]
async fn nothing_is_asked_after_the_lease() {
    let gate = gate(50, 1);
    assert!(gate.turn().await.is_some() && !gate.is_shut());
    gate.hold_until(now() + 20);
    assert!(gate.turn().await.is_none(), "it ended while the turn was waited for");
    assert!(gate.is_shut());
    gate.hold_until(now() + 60_000);
    assert!(!gate.is_shut() && gate.turn().await.is_some(), "it was renewed");
}

#[tokio::test]
async fn retry_after_holds_the_whole_host() {
    let gate = gate(0, 4);
    let advice = gate.answered(&response(429, Some(1)), 0, None);
    assert!(matches!(advice.page, PageAdvice::Retry { tries: 1, .. }));
    assert!(advice.host.unwrap().not_before.unwrap() >= now() + 900);
    let begun = Instant::now();
    let _ = gate.turn().await;
    assert!(begun.elapsed() >= Duration::from_millis(950));
}

#[test]
fn statuses_mean_what_the_site_says_first() {
    let rules = CrawlRules { on_status: [(405, StatusAction::Reject)].into(), ..CrawlRules::default() };
    assert_eq!(gate(0, 1).answered(&response(405, None), 0, Some(&rules)).page, PageAdvice::Reject);
    let gate = gate(0, 1);
    assert_eq!(gate.answered(&response(404, None), 0, None).page, PageAdvice::Reject);
    assert_eq!(gate.answered(&response(200, None), 0, None).page, PageAdvice::Use);
    assert!(gate.blocked().is_none());
    assert!(matches!(gate.answered(&response(412, None), 0, None).page, PageAdvice::Retry { .. }));
    assert!(gate.blocked().is_some());
}

#[test]
fn a_host_that_keeps_failing_is_left_alone() {
    let gate = gate(0, 1);
    let reset = FetchError::Unreachable("reset".into());
    for _ in 0..30 {
        gate.failed(&reset, 1);
    }
    assert!(gate.blocked().is_none(), "one page failing again and again is not the host");
    let refused = FetchError::Connect("refused".into());
    for n in 0..FAILURES / NO_CONNECTION {
        assert!(gate.blocked().is_none(), "{n}");
        gate.failed(&refused, 0);
    }
    assert!(gate.blocked().is_some());
    assert_eq!(gate.failed(&refused, TRIES - 1).page, PageAdvice::Reject);
}

#[tokio::test]
async fn errors_slow_a_host_down_and_success_speeds_it_up_again() {
    let gate = gate(0, 1);
    gate.answered(&response(500, None), 0, None);
    assert!(gate.state().stretch >= 2.0);
    for _ in 0..20 {
        gate.answered(&response(200, None), 0, None);
    }
    assert!((gate.state().stretch - 1.0).abs() < f64::EPSILON);
}
