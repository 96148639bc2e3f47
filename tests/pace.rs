//! What a host may rely on whatever happens to the process: the time between two requests, its robots.txt and its waits,
//! over runs, over SIGKILL, and where a host is left and taken up again within a run. Judged by the server's own log.

mod support;

use std::process::Child;
use std::time::{Duration, Instant};

use support::{Answer, Bench, Hit, Server, article, list, page, stderr, with};

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn site(articles: usize) -> Server {
    Server::start(move |hit, _| match hit.path.as_str() {
        "/robots.txt" => page(404, ""),
        "/" => page(200, list((1..=articles).map(|n| format!("/a_{n}.htm")))),
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(404, ""),
    })
}

fn least_gap(hits: &[Hit]) -> Duration {
    hits.windows(2).map(|pair| pair[1].at - pair[0].at).min().unwrap()
}

fn wait_for(server: &Server, hits: usize) {
    let begun = Instant::now();
    while server.hits().len() < hits && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_gap_holds_from_one_run_to_the_next() {
    let server = site(3);
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"1/s\"\n");
    for limit in ["1", "1", "9"] {
        let output = bench.run(&["crawl", "--limit", limit]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    assert!(server.hits().len() >= 6, "{:?}", server.paths());
    assert!(least_gap(&server.hits()) >= Duration::from_millis(900), "{:?}", least_gap(&server.hits()));
}

#[test]
fn the_gap_holds_over_sigkill_at_any_moment() {
    let server = site(200);
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"1/700ms\"\n");
    // Just after a request has gone, while its page is written, and when all of it is committed.
    for (n, after) in [0, 5, 20, 60, 200, 500, 0, 80].into_iter().enumerate() {
        let child = bench.command(&["crawl"]).spawn().unwrap();
        wait_for(&server, server.hits().len() + 1 + n % 2);
        std::thread::sleep(Duration::from_millis(after));
        kill(child);
    }
    let hits = server.hits();
    assert!(hits.len() >= 8);
    assert!(least_gap(&hits) >= Duration::from_millis(630), "{:?}", least_gap(&hits));
    // robots.txt was known after the first run.
    assert!(hits.iter().filter(|hit| hit.path == "/robots.txt").count() <= 2);
}

#[test]
fn the_gap_holds_where_a_host_is_left_and_taken_up_again() {
    // b is done long before a's lists bring its next article.
    let server = Server::start(|hit, _| match (hit.host.as_str(), hit.path.as_str()) {
        (_, "/robots.txt") => page(404, ""),
        ("a.test", "/") => page(200, list((1..=12).map(|n| format!("/list_{n}.htm")))),
        ("a.test", path) => page(200, list([format!("http://b.test/a_{}.htm", number(path))])),
        ("b.test", path) if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(404, ""),
    });
    let bench = Bench::empty();
    let seeds = support::selectors(&["a.test", "b.test"], "").replace(", \"http://b.test/\"", "");
    bench.write("selectors/local.toml", &seeds);
    bench.configure(&server, &["a.test", "b.test"], "[politeness]\nrate = \"1/300ms\"\n");
    bench.crawl();
    let of_b: Vec<Hit> = server.hits().into_iter().filter(|hit| hit.host == "b.test").collect();
    assert_eq!(of_b.len(), 13);
    assert!(least_gap(&of_b) >= Duration::from_millis(270), "{:?}", least_gap(&of_b));
}

#[test]
fn crawl_delay_holds_from_one_run_to_the_next() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, "User-agent: *\nCrawl-delay: 1.5\n"),
        "/" => page(200, list((1..=3).map(|n| format!("/a_{n}.htm")))),
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"100/s\"\n");
    for _ in 0..3 {
        bench.run(&["crawl", "--limit", "1"]);
    }
    assert!(server.hits().len() >= 5);
    assert!(least_gap(&server.hits()) >= Duration::from_millis(1350), "{:?}", least_gap(&server.hits()));
}

#[test]
fn a_pace_beyond_any_run_is_left_to_the_next_one_and_said() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, "User-agent: *\nCrawl-delay: 86400\n"),
        _ => page(200, article(1)),
    });
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"100/s\"\n");
    for _ in 0..2 {
        let output = bench.run_for(&["crawl"], 20);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("at rest: it may be asked once in 1d; 1 pages wait until"),
            "{}",
            stderr(&output)
        );
        assert_eq!(server.paths(), ["/robots.txt"]);
    }
}

/// robots.txt forbids one article and can be asked for conditionally.
fn with_robots(answer_304: bool) -> Server {
    Server::start(move |hit, before| match hit.path.as_str() {
        "/robots.txt" if before > 0 && (answer_304 || hit.headers.contains_key("if-none-match")) => page(304, ""),
        "/robots.txt" => with(page(200, "User-agent: *\nDisallow: /a_2.htm\n"), "ETag", "\"r1\""),
        "/" => page(200, list((1..=3).map(|n| format!("/a_{n}.htm")))),
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(404, ""),
    })
}

const FORGET_A_PAGE: &str = "DELETE FROM seen";
const A_DAY_LATER: &str = "UPDATE host SET robots_at = robots_at - 90000000";

#[test]
fn robots_rules_outlive_the_process_for_a_day_and_are_confirmed_by_304_after_it() {
    for answer_304 in [false, true] {
        let server = with_robots(answer_304);
        let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"100/s\"\n");
        let child = bench.command(&["crawl"]).spawn().unwrap();
        wait_for(&server, 2);
        kill(child);
        // Within a day the copy holds, also after SIGKILL.
        bench.run(&["crawl"]);
        let asked = |server: &Server| server.hits().into_iter().filter(|hit| hit.path == "/robots.txt").count();
        let before = asked(&server);
        assert!(before <= 2);
        bench.change(FORGET_A_PAGE);
        bench.crawl();
        assert_eq!(asked(&server), before);
        // After a day it is asked for again, conditionally; the answer that nothing changed leaves the rules in force.
        for _ in 0..2 {
            bench.change(FORGET_A_PAGE);
            bench.change(A_DAY_LATER);
            bench.crawl();
        }
        assert_eq!(asked(&server), before + 2);
        let last = server.hits().into_iter().rfind(|hit| hit.path == "/robots.txt").unwrap();
        assert_eq!(last.headers.get("if-none-match").map(String::as_str), Some("\"r1\""));
        assert!(server.paths().iter().all(|path| path != "/a_2.htm"), "{:?}", server.paths());
    }
}

#[test]
fn a_304_for_a_file_never_had_means_stay_away() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(304, ""),
        _ => page(200, article(1)),
    });
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"50/s\"\n");
    let output = bench.run(&["crawl"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(server.paths().iter().all(|path| path == "/robots.txt"), "{:?}", server.paths());
}

#[test]
fn a_wait_that_the_host_asked_for_outlives_sigkill() {
    let server = Server::start(|hit, before| match hit.path.as_str() {
        "/robots.txt" => page(404, ""),
        "/" => page(200, list((1..=6).map(|n| format!("/a_{n}.htm")))),
        "/a_2.htm" if before == 0 => with(page(429, "later"), "Retry-After", "4"),
        path if path.starts_with("/a_") => {
            Answer::Late(Duration::from_millis(20), Box::new(page(200, article(number(path)))))
        }
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"20/s\"\n");
    let child = bench.command(&["crawl"]).spawn().unwrap();
    let begun = Instant::now();
    while !server.paths().iter().any(|path| path == "/a_2.htm") && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(2));
    }
    // The group is committed within 50 ms.
    std::thread::sleep(Duration::from_millis(400));
    kill(child);
    bench.crawl();
    let hits = server.hits();
    let at = hits.iter().position(|hit| hit.path == "/a_2.htm").unwrap();
    let silence = hits[at + 1].at - hits[at].at;
    assert!(silence >= Duration::from_secs(4) && silence < Duration::from_secs(8), "{silence:?}");
    assert_eq!(bench.articles().len(), 6);
}

/// Hours that begin and end so many minutes from now, as a site in China writes them.
fn hours(from: i64, to: i64) -> String {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let at = |minutes: i64| {
        let time = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes);
        time.to_zoned_datetime(zone.clone()).strftime("%H:%M").to_string()
    };
    format!("{}-{}", at(from), at(to))
}

#[test]
fn nothing_is_asked_in_quiet_hours() {
    let server = site(3);
    for (file, config) in [(format!("quiet = \"{}\"", hours(-60, 60)), String::new()), (String::new(), hours(-60, 60))]
    {
        server.clear();
        let politeness = match config.is_empty() {
            true => "[politeness]\nrate = \"100/s\"\n".to_owned(),
            false => format!("[politeness]\nrate = \"100/s\"\nquiet = [\"{config}\"]\n"),
        };
        let bench = Bench::new(&server, &["a.test"], &file, &politeness);
        let output = bench.crawl();
        assert!(server.hits().is_empty(), "{:?}", server.paths());
        assert!(stderr(&output).contains("a.test:80 is at rest: quiet hours "), "{}", stderr(&output));
        // Other hours, and it goes on at once.
        bench.write(
            "selectors/local.toml",
            &support::selectors(&["a.test"], &format!("quiet = [\"{}\"]", hours(60, 120))),
        );
        bench.configure(&server, &["a.test"], "[politeness]\nrate = \"100/s\"\n");
        bench.crawl();
        assert_eq!(bench.articles().len(), 3);
    }
}

#[test]
fn a_site_is_asked_so_many_times_a_day_over_all_runs_and_hosts() {
    let server = site(6);
    let bench = Bench::new(&server, &["a.test", "b.test"], "per_day = 7", "[politeness]\nrate = \"100/s\"\n");
    let output = bench.crawl();
    assert_eq!(server.hits().len(), 7, "{:?}", server.paths());
    assert!(stderr(&output).contains("is at rest: the 7 requests of a day are used up; "), "{}", stderr(&output));
    bench.crawl();
    assert_eq!(server.hits().len(), 7, "asked again on the same day");
    bench.change("UPDATE budget SET day = '2020-01-01'");
    bench.crawl();
    assert_eq!(server.hits().len(), 14, "{:?}", server.paths());
    // The configuration can only make it fewer.
    bench.configure(&server, &["a.test", "b.test"], "[politeness]\nrate = \"100/s\"\nper_day = 3\n");
    bench.change("UPDATE budget SET day = '2020-01-01'");
    bench.crawl();
    assert_eq!(server.hits().len(), 17, "{:?}", server.paths());
}

#[test]
fn hosts_at_one_address_share_a_limit_where_that_is_wanted() {
    let server = site(4);
    for (shared, hosts) in [(true, 3), (false, 3)] {
        server.clear();
        let config = format!("[politeness]\nrate = \"1/150ms\"\nper_address = {shared}\n");
        let names = ["a.test", "b.test", "c.test"];
        let bench = Bench::new(&server, &names[..hosts], "", &config);
        bench.crawl();
        assert_eq!(bench.articles().len(), 4 * hosts);
        let gap = least_gap(&server.hits());
        assert_eq!(gap >= Duration::from_millis(130), shared, "{gap:?}");
    }
}
