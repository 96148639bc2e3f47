//! A crawl from its seeds to clean records, and what a second one does.

mod support;

use support::{Answer, Bench, Hit, Server, article, list, page, paragraphs, path_of, stderr, with};

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// A home page, two lists with validators, ten articles.
fn site(hit: &Hit, extra: bool) -> Answer {
    let etag = if extra { "\"v2\"" } else { "\"v1\"" };
    let listing = |links: Vec<String>| match hit.headers.get("if-none-match").map(String::as_str) {
        Some(seen) if seen == etag => with(page(304, ""), "ETag", etag),
        _ => with(page(200, list(links)), "ETag", etag),
    };
    match hit.path.as_str() {
        "/robots.txt" => page(200, "User-agent: *\nDisallow: /forbidden/\n"),
        "/" => listing(vec!["/list_1.htm".into(), "/list_2.htm?utm_source=x".into(), "/forbidden/a_99.htm".into()]),
        "/list_1.htm" => listing((1..=5).map(|n| format!("/a_{n}.htm?from=list")).collect()),
        "/list_2.htm" => {
            let mut links: Vec<String> = (4..=10).map(|n| format!("/a_{n}.htm#top")).collect();
            links.extend(extra.then(|| "/a_11.htm".to_owned()));
            links.push("http://elsewhere.test/a_1.htm".into());
            listing(links)
        }
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(404, "nothing"),
    }
}

#[test]
fn a_second_crawl_goes_on_where_the_first_ended() {
    let extra = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = extra.clone();
    let server = Server::start(move |hit, _| site(hit, flag.load(std::sync::atomic::Ordering::Relaxed)));
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"200/s\"\nconcurrency = 4\n");
    bench.crawl();
    let paths: Vec<String> = bench.urls().iter().map(|u| path_of(u)).collect();
    assert_eq!(paths.len(), 10, "{paths:?}");
    assert_eq!(bench.rejected().get("/forbidden/a_99.htm").map(String::as_str), Some("robots-denied"));
    let asked = server.paths();
    assert_eq!(asked[0], "/robots.txt");
    assert_eq!(asked.len(), 14, "{asked:?}");
    let first = &bench.articles()[0];
    assert_eq!(first["site"], "local");
    assert!(first["text"].as_str().unwrap().contains("便民措施"));
    assert!(server.hits().iter().all(|hit| hit.headers["user-agent"].starts_with("jingwen-test/1.0")));

    server.clear();
    let output = bench.crawl();
    let hits = server.hits();
    assert_eq!(hits.len(), 3, "{hits:?}");
    assert!(hits.iter().all(|hit| hit.headers.contains_key("if-none-match")), "{hits:?}");
    assert_eq!(bench.articles().len(), 10);
    assert!(stderr(&output).contains("local"));

    server.clear();
    extra.store(true, std::sync::atomic::Ordering::Relaxed);
    bench.crawl();
    assert_eq!(server.paths().iter().filter(|p| p.starts_with("/a_")).count(), 1);
    assert_eq!(bench.articles().len(), 11);
}

#[test]
fn limit_and_then_the_rest() {
    let server = Server::start(|hit, _| site(hit, false));
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"200/s\"\nconcurrency = 4\n");
    let output = bench.run(&["crawl", "--limit", "3"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(bench.articles().len(), 3);
    bench.crawl();
    assert_eq!(bench.articles().len(), 10);
    let fetched: Vec<_> = server.paths().into_iter().filter(|p| p.starts_with("/a_")).collect();
    let distinct: std::collections::HashSet<_> = fetched.iter().collect();
    assert!(fetched.len() - distinct.len() <= 4, "{fetched:?}");
}

#[test]
fn an_address_by_hand_is_just_that() {
    let server = Server::start(|hit, _| site(hit, false));
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"200/s\"\n");
    let output = bench.run(&["crawl", "http://a.test/a_7.htm"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(bench.urls(), ["http://a.test/a_7.htm"]);
    assert_eq!(server.paths(), ["/robots.txt", "/a_7.htm"]);
    bench.run(&["crawl", "http://a.test/list_1.htm"]);
    assert_eq!(bench.articles().len(), 6);
    bench.crawl();
    assert_eq!(bench.articles().len(), 10);
}

#[test]
fn further_pages_are_joined_and_are_no_articles_of_their_own() {
    let server = Server::start(|hit, _| {
        let part = |n: usize, next: &str| {
            let body = article(n).replace("</body>", &format!("<a class=\"next\" href=\"{next}\">下一页</a></body>"));
            page(200, body)
        };
        match hit.path.as_str() {
            "/" => page(200, list(["/a_1.htm".into(), "/a_5.htm".into()])),
            "/a_1.htm" => part(1, "/a_1_2.htm"),
            "/a_1_2.htm" => part(2, "/a_1_3.htm"),
            "/a_1_3.htm" => part(3, "/a_1_3.htm"),
            "/a_5.htm" => part(5, "/a_5.htm#"),
            _ => page(404, ""),
        }
    });
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"200/s\"\n");
    bench.crawl();
    let articles = bench.articles();
    assert_eq!(articles.len(), 2, "{articles:?}");
    let joined = articles.iter().find(|a| a["url"] == "http://a.test/a_1.htm").unwrap();
    assert_eq!(joined["pages"], 3);
    let text = joined["text"].as_str().unwrap();
    for n in 1..=3 {
        assert!(text.contains(&format!("第{n}篇测试稿件的第3段")), "{text}");
    }
    assert!(paragraphs(1).contains("第1篇"));
}

#[test]
fn what_the_state_holds_beside_is_left_alone_by_an_address_by_hand() {
    let server = Server::start(|hit, _| site(hit, false));
    // A refresh so short that lists are due again at once, which must not matter within a run.
    let bench = Bench::new(&server, &["a.test"], "refresh = \"1ms\"", "[politeness]\nrate = \"200/s\"\n");
    bench.run(&["crawl", "--limit", "1"]);
    let before = bench.articles().len();
    let waiting: Vec<_> =
        (1..=10).map(|n| format!("http://a.test/a_{n}.htm")).filter(|u| !bench.urls().contains(u)).collect();
    let output = bench.run_for(&["crawl", &waiting[0]], 20);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(bench.articles().len(), before + 1);
    bench.crawl();
    assert_eq!(bench.articles().len(), 10);
}
