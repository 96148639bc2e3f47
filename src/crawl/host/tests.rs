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
        refusals: 0,
        robots: None,
    };
    Gate::new(pace(interval_ms, concurrency), &host, false, Duration::from_secs(60))
}

fn response(status: u16, retry_after: Option<u64>) -> Response {
    Response {
        sets_cookies: false,
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
    let advice = gate.answered(&response(429, Some(1)), PageState::default(), None);
    assert!(
        matches!(advice.page, PageAdvice::Failed { class: FailureClass::Transient, earliest } if earliest >= now() + 900)
    );
    assert!(advice.host.unwrap().not_before.unwrap() >= now() + 900);
    let begun = Instant::now();
    let _ = gate.turn().await;
    assert!(begun.elapsed() >= Duration::from_millis(950));
}

const NEW: PageState = PageState { recurs: false, has_failed: false, was_refused: false };
const REFUSED: PageState = PageState { recurs: false, has_failed: true, was_refused: true };
const LIST: PageState = PageState { recurs: true, has_failed: false, was_refused: false };

fn is_unconfirmed(advice: &Advice) -> bool {
    matches!(advice.page, PageAdvice::Failed { class: FailureClass::Unconfirmed, .. })
}

#[test]
fn statuses_mean_what_the_site_says_first() {
    let rules = CrawlRules { on_status: [(405, StatusAction::Reject)].into(), ..CrawlRules::default() };
    assert_eq!(gate(0, 1).answered(&response(405, None), NEW, Some(&rules)).page, PageAdvice::Reject);
    let gate = gate(0, 1);
    assert!(is_unconfirmed(&gate.answered(&response(404, None), NEW, None)));
    assert_eq!(gate.answered(&response(200, None), NEW, None).page, PageAdvice::Use);
    assert!(gate.blocked().is_none());
    assert!(is_unconfirmed(&gate.answered(&response(412, None), NEW, None)));
    assert!(gate.blocked().is_some());
}

#[test]
fn the_reaction_to_every_status() {
    for status in 100..=999 {
        let expected = match status {
            200..=399 => Reaction::Use,
            429 | 503 => Reaction::BackOff,
            401 | 403 | 451 => Reaction::Refused { most: REFUSALS },
            405 | 412 | 444 | 468 | 493 | 521 => Reaction::Refused { most: 1 },
            408 | 425 => Reaction::Fail(FailureClass::Transient),
            400..=499 => Reaction::Fail(FailureClass::Unconfirmed),
            _ => Reaction::Fail(FailureClass::Transient),
        };
        assert_eq!(reaction(status), expected, "{status}");
    }
}

#[test]
fn refusals_in_a_row_hold_the_host_and_single_ones_do_not() {
    let gate = gate(0, 1);
    for _ in 0..5 * REFUSALS {
        assert!(is_unconfirmed(&gate.answered(&response(403, None), NEW, None)));
        gate.answered(&response(200, None), NEW, None);
    }
    assert!(gate.blocked().is_none(), "single ones among good answers");
    for _ in 0..5 * REFUSALS {
        assert!(is_unconfirmed(&gate.answered(&response(403, None), REFUSED, None)));
    }
    assert!(gate.blocked().is_none(), "pages that were refused before say nothing new");
    for n in 1..=REFUSALS {
        assert!(gate.blocked().is_none(), "{n}");
        let advice = gate.answered(&response(403, None), NEW, None);
        assert!(is_unconfirmed(&advice));
        assert_eq!(advice.host.unwrap().refusals, Some(n));
    }
    assert!(gate.blocked().unwrap().contains("status 403"));
}

#[test]
fn while_a_host_is_held_refusals_are_no_tries_until_it_gives_a_page() {
    let gate = gate(0, 1);
    for _ in 0..REFUSALS {
        gate.answered(&response(403, None), NEW, None);
    }
    for page in [NEW, REFUSED, NEW] {
        assert!(matches!(gate.answered(&response(403, None), page, None).page, PageAdvice::Postpone { .. }));
        // A list that is let through says nothing about articles.
        gate.answered(&response(200, None), LIST, None);
    }
    gate.answered(&response(200, None), NEW, None);
    assert!(is_unconfirmed(&gate.answered(&response(403, None), REFUSED, None)));
}

#[test]
fn a_firewall_holds_the_host_at_once_and_one_page_of_its_own_does_not_twice() {
    let gate = gate(0, 1);
    assert!(is_unconfirmed(&gate.challenged(NEW)));
    assert!(gate.blocked().is_some());
    gate.answered(&response(200, None), NEW, None);
    let advice = gate.challenged(REFUSED);
    assert!(is_unconfirmed(&advice) && advice.host.is_none(), "the others are served: it is this page");
}

#[test]
fn an_outage_of_our_own_is_held_against_nobody() {
    let gate = gate(0, 1);
    let refused = FetchError::Connect("refused".into());
    for n in 0..20 {
        let advice = gate.failed(&refused, NEW, true);
        let PageAdvice::Postpone { at } = advice.page else { panic!("{advice:?}") };
        assert!(at <= now() + millis(LONG_OUTAGE) + 10, "{n}");
        assert_eq!((advice.host.unwrap().failures, gate.state().failures), (None, 0));
    }
    assert!(gate.blocked().unwrap().starts_with(OWN_NETWORK));
}

#[test]
fn a_host_that_keeps_failing_is_left_alone() {
    let gate = gate(0, 1);
    let reset = FetchError::Unreachable("reset".into());
    for _ in 0..30 {
        gate.failed(&reset, PageState { has_failed: true, ..NEW }, false);
    }
    assert!(gate.blocked().is_none(), "one page failing again and again is not the host");
    let refused = FetchError::Connect("refused".into());
    for n in 0..FAILURES / NO_CONNECTION {
        assert!(gate.blocked().is_none(), "{n}");
        assert!(matches!(gate.failed(&refused, NEW, false).page, PageAdvice::Failed { .. }));
    }
    assert!(gate.blocked().is_some());
    assert!(
        matches!(gate.failed(&refused, NEW, false).page, PageAdvice::Postpone { .. }),
        "the host is down, not the page"
    );
}

#[tokio::test]
async fn errors_slow_a_host_down_and_success_speeds_it_up_again() {
    let gate = gate(0, 1);
    gate.answered(&response(500, None), NEW, None);
    assert!(gate.state().stretch >= 2.0);
    for _ in 0..20 {
        gate.answered(&response(200, None), NEW, None);
    }
    assert!((gate.state().stretch - 1.0).abs() < f64::EPSILON);
}
