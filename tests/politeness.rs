//! Manners, judged by the server's own log.

mod support;

use std::time::{Duration, Instant};

use support::{Bench, Hit, Server, article, list, page, stderr, with};

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn start(robots: &'static str, articles: usize) -> Server {
    Server::start(move |hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, robots),
        "/" => page(200, list((1..=articles).map(|n| format!("/a_{n}.htm")))),
        path if path.starts_with("/a_") => {
            support::Answer::Late(Duration::from_millis(20), Box::new(page(200, article(number(path)))))
        }
        _ => page(404, ""),
    })
}

fn least_gap(hits: &[Hit]) -> Duration {
    hits.windows(2).map(|pair| pair[1].at - pair[0].at).min().unwrap()
}

fn most_at_once(hits: &[Hit]) -> usize {
    let busy = |t: Instant| hits.iter().filter(|h| h.at <= t && h.over.is_none_or(|over| over > t)).count();
    hits.iter().map(|hit| busy(hit.at)).max().unwrap_or(0)
}

#[test]
fn never_faster_than_the_rate_robots_included() {
    let server = start("User-agent: *\nDisallow: /a_3.htm\n", 12);
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"10/s\"\nconcurrency = 4\n");
    bench.crawl();
    let hits = server.hits();
    assert_eq!(hits[0].path, "/robots.txt");
    assert_eq!(hits.len(), 13);
    assert!(hits.iter().all(|hit| hit.path != "/a_3.htm"));
    assert!(least_gap(&hits) >= Duration::from_millis(85), "{:?}", least_gap(&hits));
    // The rate is also used: nothing else slows the crawl down.
    let took = hits[hits.len() - 1].at - hits[0].at;
    assert!(took < Duration::from_millis(2500), "{took:?}");
}

#[test]
fn never_more_at_once_than_permitted() {
    for (concurrency, most) in [(1, 1), (3, 3)] {
        let server = start("", 20);
        let politeness = format!("[politeness]\nrate = \"5000/s\"\nconcurrency = {concurrency}\n");
        let bench = Bench::new(&server, &["a.test"], "", &politeness);
        bench.crawl();
        assert_eq!(bench.articles().len(), 20);
        assert!(most_at_once(&server.hits()) <= most, "{}", most_at_once(&server.hits()));
    }
}

#[test]
fn crawl_delay_is_a_floor() {
    let server = start("User-agent: jingwen-test\nCrawl-delay: 0.5\n", 3);
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"100/s\"\nconcurrency = 4\n");
    bench.crawl();
    let hits = server.hits();
    assert_eq!(hits.len(), 5);
    assert!(least_gap(&hits) >= Duration::from_millis(450), "{:?}", least_gap(&hits));
}

#[test]
fn a_site_file_can_only_make_it_slower() {
    let server = start("", 4);
    let bench = Bench::new(
        &server,
        &["a.test"],
        "rate = \"5/s\"\nconcurrency = 1",
        "[politeness]\nrate = \"100/s\"\nconcurrency = 8\n",
    );
    bench.crawl();
    assert!(least_gap(&server.hits()) >= Duration::from_millis(180), "{:?}", least_gap(&server.hits()));
}

/// The first request for `/a_2.htm` is answered with a status and a `Retry-After`.
fn held_back(status: u16, retry_after: fn() -> String) -> (Server, Bench) {
    let server = Server::start(move |hit, before| match hit.path.as_str() {
        "/" => page(200, list((1..=6).map(|n| format!("/a_{n}.htm")))),
        "/a_2.htm" if before == 0 => with(page(status, "later"), "Retry-After", &retry_after()),
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"50/s\"\n");
    (server, bench)
}

fn silence_after_refusal(server: &Server) -> Duration {
    let hits = server.hits();
    let at = hits.iter().position(|hit| hit.path == "/a_2.htm").unwrap();
    hits[at + 1].at - hits[at].at
}

#[test]
fn retry_after_in_seconds_holds_the_whole_host() {
    let (server, bench) = held_back(429, || "2".into());
    bench.crawl();
    assert_eq!(bench.articles().len(), 6);
    let silence = silence_after_refusal(&server);
    assert!(silence >= Duration::from_secs(2) && silence < Duration::from_secs(4), "{silence:?}");
}

#[test]
fn retry_after_as_a_date_holds_the_whole_host() {
    let (server, bench) =
        held_back(503, || httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(3)));
    bench.crawl();
    assert_eq!(bench.articles().len(), 6);
    let silence = silence_after_refusal(&server);
    assert!(silence >= Duration::from_millis(1900) && silence < Duration::from_secs(5), "{silence:?}");
}

#[test]
fn a_long_wait_is_left_to_a_later_run_and_outlives_this_one() {
    let (server, bench) = held_back(429, || "3600".into());
    for _ in 0..2 {
        let output = bench.run(&["crawl"]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(stderr(&output).contains("it asked to wait; "), "{}", stderr(&output));
        let asked = server.paths().iter().filter(|p| *p == "/a_2.htm").count();
        assert_eq!(asked, 1, "asked again: {}", stderr(&output));
    }
    let after = server.paths().iter().position(|p| p == "/a_2.htm").unwrap();
    assert_eq!(server.paths().len(), after + 1, "the host was asked during its wait");
}

#[test]
fn a_block_status_ends_the_host_for_now_and_is_reported() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/" => page(200, list((1..=6).map(|n| format!("/a_{n}.htm")))),
        path if path.starts_with("/a_") => page(412, "blocked"),
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"50/s\"\n");
    let output = bench.run(&["crawl"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("is left alone: status 412"), "{}", stderr(&output));
    assert_eq!(server.paths().iter().filter(|p| p.starts_with("/a_")).count(), 1);
}

#[test]
fn a_firewalls_script_page_ends_the_host_for_now_and_is_no_answer() {
    let script =
        || page(200, "<html><script>var arg1='3A5C0F'; setCookie('acw_sc__v2', x); location.reload();</script></html>");
    let wall = |on: &'static str| {
        Server::start(move |hit, _| match hit.path.as_str() {
            path if path == on => script(),
            "/" => page(200, list((1..=12).map(|n| format!("/a_{n}.htm")))),
            path if path.starts_with("/a_") => page(200, article(number(path))),
            _ => page(404, ""),
        })
    };
    // In place of the list, and of an article.
    for on in ["/", "/a_1.htm"] {
        let server = wall(on);
        let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"50/s\"\n");
        let output = bench.run(&["crawl"]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(stderr(&output).contains("is left alone: a challenge page"), "{}", stderr(&output));
        assert_eq!(server.paths().last().map(String::as_str), Some(on), "asked on");
        assert!(bench.rejected().is_empty(), "it waits for its turn: {:?}", bench.rejected());
    }
}

#[test]
fn robots_that_cannot_be_had_mean_stay_away() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(500, ""),
        _ => page(200, article(1)),
    });
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"50/s\"\n");
    let output = bench.run(&["crawl"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(server.paths().iter().all(|path| path == "/robots.txt"), "{:?}", server.paths());
    assert_eq!(bench.rejected()["/robots.txt"], "robots-unavailable");
}

#[test]
fn robots_that_come_back_are_waited_for_and_missing_ones_allow() {
    let server = Server::start(|hit, before| match hit.path.as_str() {
        "/robots.txt" if hit.host == "a.test" && before < 2 => page(503, ""),
        "/robots.txt" if hit.host == "a.test" => page(200, "User-agent: *\nDisallow: /a_2.htm\n"),
        "/" => page(200, list((1..=3).map(|n| format!("/a_{n}.htm")))),
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(403, ""),
    });
    let bench = Bench::new(&server, &["a.test", "b.test"], "", "[politeness]\nrate = \"50/s\"\n");
    bench.crawl();
    assert_eq!(bench.urls().iter().filter(|u| u.starts_with("http://a.test/")).count(), 2);
    assert_eq!(bench.urls().iter().filter(|u| u.starts_with("http://b.test/")).count(), 3);
}
