//! What fails is tried again, for hours and days, and every end is named.

mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use support::{Answer, Bench, Hit, Server, article, list, page, redirect, stderr, with};

/// Waits within a run are left to the next one, which comes at once.
const FAST: &str = "[politeness]\nrate = \"500/s\"\npatience = \"50ms\"\n";

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// A newspaper with so many articles; `answer` may answer in its place.
fn newspaper(articles: usize, answer: impl Fn(&Hit) -> Option<Answer> + Send + Sync + 'static) -> Server {
    Server::start(move |hit, _| {
        answer(hit).unwrap_or_else(|| match hit.path.as_str() {
            "/" => page(200, list((1..=articles).map(|n| format!("/a_{n}.htm")))),
            path if path.starts_with("/a_") => page(200, article(number(path))),
            _ => page(404, ""),
        })
    })
}

/// A crawl that may report trouble.
fn crawl(bench: &Bench) -> std::process::Output {
    bench.run(&["crawl"])
}

fn asked(server: &Server, path: &str) -> usize {
    server.paths().iter().filter(|asked| *asked == path).count()
}

fn numbers(bench: &Bench) -> Vec<usize> {
    let mut numbers: Vec<usize> = bench.urls().iter().map(|url| number(&support::path_of(url))).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn a_page_that_fails_for_days_comes_in_the_end() {
    static ILL: AtomicBool = AtomicBool::new(true);
    let server =
        newspaper(3, |hit| (ILL.load(Ordering::Relaxed) && hit.path == "/a_2.htm").then(|| Answer::Raw(Vec::new())));
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    for _ in 0..10 {
        bench.crawl();
        bench.later(12);
    }
    assert_eq!(numbers(&bench), [1, 3]);
    assert!(bench.rejected().is_empty());
    // The first time it may be a connection that was kept too long, which is repeated at once and does not count as a try. After that
    // the page is asked on connections of its own, and each request is a try.
    let tries = bench.failures("/a_2.htm");
    assert!((5..=15).contains(&tries), "{tries}");
    let requests = asked(&server, "/a_2.htm") as u64;
    assert!((tries..=tries + 2).contains(&requests), "{requests} requests for {tries} tries");
    ILL.store(false, Ordering::Relaxed);
    bench.crawl();
    assert_eq!(numbers(&bench), [1, 2, 3]);
    assert!(bench.failing().is_empty());
}

#[test]
fn a_page_that_fails_for_good_is_rejected_with_its_history() {
    let server = newspaper(2, |hit| (hit.path == "/a_2.htm").then(|| page(500, "")));
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    for _ in 0..20 {
        bench.crawl();
        bench.later(12);
    }
    let rejected = &bench.lines("rejected.jsonl");
    assert_eq!(rejected.len(), 1, "{rejected:?}");
    let detail = rejected[0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("status 500; ") && detail.contains("failures in"), "{detail}");
}

#[test]
fn what_is_missing_is_confirmed_twice_and_looked_at_again_after_a_month() {
    static BACK: AtomicBool = AtomicBool::new(false);
    let server = newspaper(2, |hit| (!BACK.load(Ordering::Relaxed) && hit.path == "/a_2.htm").then(|| page(404, "")));
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let mut tries = Vec::new();
    bench.crawl();
    for hours in [0, 1, 5, 40, 24, 24] {
        bench.later(hours);
        bench.crawl();
        tries.push(asked(&server, "/a_2.htm"));
    }
    assert_eq!(tries, [1, 1, 2, 3, 3, 3]);
    assert_eq!(bench.rejected()["/a_2.htm"], "http-status");
    let why = |bench: &Bench| {
        let output = bench.run(&["state", "why", "http://a.test/a_2.htm", "--selectors", "selectors"]);
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(why(&bench).contains("rejected at ") && why(&bench).contains("3 failures in"), "{}", why(&bench));

    bench.later(31 * 24);
    bench.crawl();
    bench.later(24);
    let report = stderr(&bench.crawl());
    assert_eq!(asked(&server, "/a_2.htm"), 4, "once, and once more after three months\n{report}");
    BACK.store(true, Ordering::Relaxed);
    bench.later(91 * 24);
    let report = stderr(&bench.crawl());
    assert!(report.contains("1 rejected pages were looked at again"), "{report}");
    assert_eq!(numbers(&bench), [1, 2]);
    assert!(!why(&bench).contains("rejected at"), "{}", why(&bench));
}

#[test]
fn a_ban_holds_the_host_and_costs_no_article() {
    static BAN: AtomicBool = AtomicBool::new(true);
    static SERVED: Mutex<usize> = Mutex::new(0);
    let server = newspaper(40, |hit| {
        if !hit.path.starts_with("/a_") || !BAN.load(Ordering::Relaxed) {
            return None;
        }
        let mut served = SERVED.lock().unwrap();
        *served += 1;
        (*served > 4).then(|| page(403, "<html><body>no</body></html>"))
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let output = crawl(&bench);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("a.test:80 is left alone: it refuses us (status 403"), "{}", stderr(&output));
    // Days of it: a probe now and then, and nothing is rejected.
    for _ in 0..12 {
        bench.later(7);
        crawl(&bench);
    }
    assert_eq!(numbers(&bench).len(), 4);
    assert!(bench.rejected().is_empty(), "{:?}", bench.rejected());
    assert!(*SERVED.lock().unwrap() < 40, "{:?}", SERVED.lock().unwrap());
    BAN.store(false, Ordering::Relaxed);
    for _ in 0..2 {
        bench.later(30);
        bench.crawl();
    }
    assert_eq!(numbers(&bench), (1..=40).collect::<Vec<_>>());
}

#[test]
fn lists_that_give_nothing_are_named_and_stay_in_their_rhythm() {
    type Case = (&'static str, fn() -> Answer, &'static str);
    let cases: [Case; 6] = [
        ("missing", || page(404, ""), "status 404"),
        ("broken", || page(500, ""), "status 500"),
        ("empty", || page(200, ""), "empty body"),
        ("without links", || page(200, "<html><body><p>维护中</p></body></html>"), "there is no link on it"),
        ("in a circle", || redirect("/b.htm"), "circle"),
        ("gone elsewhere", || redirect("http://other.test/"), "http://other.test/"),
    ];
    for (name, answer, told) in cases {
        let ill = std::sync::Arc::new(AtomicBool::new(true));
        let server = newspaper(2, {
            let ill = ill.clone();
            move |hit| match hit.path.as_str() {
                "/" if ill.load(Ordering::Relaxed) => Some(answer()),
                "/b.htm" => Some(redirect("/")),
                _ => None,
            }
        });
        let bench = Bench::new(&server, &["a.test"], "", FAST);
        let output = crawl(&bench);
        let report = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{name}: {report}");
        assert!(report.contains("list http://a.test/ ") && report.contains(told), "{name}: {report}");
        ill.store(false, Ordering::Relaxed);
        bench.later(1);
        let output = bench.crawl();
        assert_eq!((output.status.code(), numbers(&bench)), (Some(0), vec![1, 2]), "{name}: {}", stderr(&output));
    }
}

#[test]
fn a_wider_window_takes_up_what_a_narrower_one_left_out() {
    let server = newspaper(3, |hit| {
        let days = 10 * i64::try_from(number(&hit.path)).unwrap();
        let at = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_hours(24 * days - 1)).unwrap();
        let at =
            at.to_zoned_datetime(jiff::tz::TimeZone::fixed(jiff::tz::offset(8))).strftime("%Y-%m-%d %H:%M").to_string();
        hit.path.starts_with("/a_").then(|| page(200, article(number(&hit.path)).replace("2026-11-20 10:00", &at)))
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let mut counts = Vec::new();
    for args in [
        &["crawl", "--since", "15d"][..],
        &["crawl", "--since", "15d"],
        &["crawl", "--since", "25d"],
        &["crawl"],
        &["crawl"],
    ] {
        bench.run(args);
        counts.push(numbers(&bench).len());
    }
    assert_eq!(counts, [1, 1, 2, 3, 3]);
    assert!((1..=3).all(|n| asked(&server, &format!("/a_{n}.htm")) <= 3));
}

#[test]
fn unasked_not_modified_and_wrong_validators_freeze_nothing() {
    let server = newspaper(2, |hit| match hit.path.as_str() {
        "/a_1.htm" => Some(page(304, "")),
        "/" if hit.headers.contains_key("if-none-match") => Some(page(304, "")),
        "/" => Some(with(page(200, list(["/a_1.htm".to_owned(), "/a_2.htm".to_owned()])), "ETag", "\"0\"")),
        _ => None,
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.crawl();
    assert!(bench.failing()["/a_1.htm"].contains("304"), "{:?}", bench.failing());
    for hours in [1, 30] {
        server.clear();
        bench.later(hours);
        bench.crawl();
        let asked = server.hits().into_iter().find(|hit| hit.path == "/").unwrap();
        assert_eq!(
            asked.headers.contains_key("if-none-match"),
            hours == 1,
            "a day after its last full answer it is asked in full"
        );
    }
}

#[test]
fn records_and_rejections_name_the_address_that_was_asked_for() {
    let server = newspaper(4, |hit| match hit.path.as_str() {
        "/a_1.htm" => Some(redirect("/a_101.htm")),
        "/a_2.htm" => Some(redirect("/a_102.htm")),
        "/a_102.htm" => Some(page(200, "<html><body><p>短</p></body></html>")),
        "/a_3.htm" => Some(redirect("/a_4.htm")),
        _ => None,
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.crawl();
    let articles = bench.articles();
    let moved = articles.iter().find(|a| a["url"] == "http://a.test/a_101.htm").unwrap();
    assert_eq!(moved["requested"], "http://a.test/a_1.htm");
    assert!(articles.iter().filter(|a| a["requested"].is_string()).count() == 1);
    let rejected = bench.lines("rejected.jsonl");
    let short = rejected.iter().find(|r| r["url"] == "http://a.test/a_102.htm").unwrap();
    assert_eq!(short["requested"], "http://a.test/a_2.htm");
    let known = rejected.iter().find(|r| r["url"] == "http://a.test/a_3.htm").unwrap();
    assert!(known["detail"].as_str().unwrap().contains("a_4.htm, which is known already"), "{known}");
    let output = bench.run(&["state", "why", "http://a.test/a_1.htm", "--selectors", "selectors"]);
    let why = String::from_utf8(output.stdout).unwrap();
    assert!(why.contains("redirect: leads to http://a.test/a_101.htm"), "{why}");
}
