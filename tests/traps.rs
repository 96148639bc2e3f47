//! Sites without an end, and the same thing under many addresses: both are noticed, counted, and cost little.

mod support;

use support::{Answer, Bench, Server, article, list, page, stderr};

const FAST: &str = "[politeness]\nrate = \"2000/s\"\nconcurrency = 4\n";

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

#[test]
fn a_calendar_without_end_ends() {
    // Each month leads to the next, and to addresses that contain themselves.
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/" => page(200, list(["/list_1.htm".to_owned(), "/a_1.htm".to_owned()])),
        path if path.starts_with("/list_") => {
            let next = format!("/list_{}.htm", number(path) + 1);
            page(200, list([next, "/a/a/a/a/a_9.htm".to_owned()]))
        }
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", &format!("{FAST}[traps]\nmax_per_pattern = 20\n"));
    let output = bench.crawl();
    let lists = server.paths().iter().filter(|path| path.starts_with("/list_")).count();
    assert_eq!(lists, 20);
    assert!(server.paths().iter().all(|path| !path.starts_with("/a/a")));
    assert!(stderr(&output).contains("would lead ever further"), "{}", stderr(&output));
    // And so does the next run: it takes up the calendar where the first left it, as far again at most.
    server.clear();
    bench.crawl();
    assert!(server.paths().iter().filter(|path| path.starts_with("/list_")).count() <= 40);

    let deep = Bench::new(&server, &["a.test"], "", &format!("{FAST}[traps]\nmax_depth = 5\n"));
    server.clear();
    deep.crawl();
    assert_eq!(server.paths().iter().filter(|path| path.starts_with("/list_")).count(), 5);
}

#[test]
fn the_same_page_under_session_ids_is_fetched_once() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/" => page(
            200,
            list((0..10).map(|n| match n % 2 {
                0 => format!("/a_1.htm;jsessionid=0A{n}"),
                _ => format!("/a_2.htm?PHPSESSID=x{n}"),
            })),
        ),
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.crawl();
    assert_eq!(bench.urls(), ["http://a.test/a_1.htm", "http://a.test/a_2.htm"]);
    assert_eq!(server.paths().iter().filter(|path| path.starts_with("/a_")).count(), 2);
}

fn twins(path: &str) -> Answer {
    match path {
        "/" => page(200, list((1..=6).map(|n| format!("/a_{n}.htm")))),
        // Three pages with one text, three with their own.
        path if path.starts_with("/a_") => page(200, article(number(path).max(3))),
        _ => page(404, ""),
    }
}

#[test]
fn a_second_page_with_the_same_text_says_whose_it_is() {
    let server = Server::start(|hit, _| twins(&hit.path));
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let output = bench.crawl();
    let articles = bench.articles();
    assert_eq!(articles.len(), 6);
    let first: Vec<_> = articles.iter().filter(|a| a["duplicate_of"].is_null()).collect();
    assert_eq!(first.len(), 4, "{articles:?}");
    for twin in articles.iter().filter(|a| !a["duplicate_of"].is_null()) {
        let original = first.iter().find(|a| a["id"] == twin["duplicate_of"]).unwrap();
        assert_eq!(original["text"], twin["text"]);
    }
    assert!(stderr(&output).contains("2 articles have the text of an earlier one"), "{}", stderr(&output));

    // Also over a restart; and an article that is fetched again is no duplicate of itself.
    let forget = bench.run(&["state", "forget", "http://a.test/a_6.htm"]);
    assert_eq!(forget.status.code(), Some(0), "{}", stderr(&forget));
    assert_eq!(bench.run(&["crawl", "http://a.test/a_6.htm"]).status.code(), Some(0));
    let again = bench.articles();
    assert_eq!(again.len(), 7);
    assert_eq!(
        (&again[6]["url"], &again[6]["duplicate_of"]),
        (&"http://a.test/a_6.htm".into(), &serde_json::Value::Null)
    );
    let shown = bench.run(&["state", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&shown["done"], &shown["queued"]), (&6.into(), &0.into()), "{shown}");
}

/// An article of ten sentences about a place, with the last sentences given.
fn long(place: &str, last: &[&str]) -> String {
    let body: String =
        (1..=10).map(|n| format!("<p>{place}的居民在第{n}次座谈会上谈了自己的看法，会场里坐满了人。</p>")).collect();
    let last: String = last.iter().map(|text| format!("<p>{text}</p>")).collect();
    article(1).replace(&support::paragraphs(1), &(body + &last))
}

#[test]
fn a_reprint_with_a_sentence_more_says_whose_it_is_and_another_place_does_not() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/" => page(200, list((1..=4).map(|n| format!("/a_{n}.htm")))),
        "/a_1.htm" => page(200, long("海湾市", &[])),
        "/a_2.htm" => page(200, long("海湾市", &["本报将继续关注此事的进展。"])),
        "/a_3.htm" => page(200, long("山城县", &[])),
        "/a_4.htm" => page(200, long("海湾市", &["市民可以拨打热线电话提出意见。"])),
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"50/s\"\n");
    // The last one after a restart.
    bench.run(&["crawl", "--limit", "3"]);
    let output = bench.crawl();
    let articles = bench.articles();
    assert_eq!(articles.len(), 4);
    let of = |n: usize| articles.iter().find(|a| a["url"] == format!("http://a.test/a_{n}.htm")).unwrap();
    // Whichever of the three was written first is the original.
    let alike = [of(1), of(2), of(4)];
    let first: Vec<_> = alike.iter().filter(|a| a["duplicate_of"].is_null()).collect();
    assert_eq!(first.len(), 1, "{articles:?}");
    assert_eq!(alike.iter().filter(|a| a["duplicate_of"] == first[0]["id"]).count(), 2, "{articles:?}");
    assert!(of(3)["duplicate_of"].is_null());
    assert!(stderr(&output).contains("1 articles have nearly the text of an earlier one"), "{}", stderr(&output));
    let ids: std::collections::HashSet<_> = articles.iter().map(|a| a["text_hash"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_host_has_so_many_pages_in_a_run_and_the_rest_in_the_next() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(404, ""),
        "/" => page(200, list((1..=9).map(|n| format!("/a_{n}.htm")))),
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test", "b.test"], "", &format!("{FAST}[traps]\nmax_per_host = 5\n"));
    let output = bench.crawl();
    assert_eq!(bench.articles().len(), 8, "a list and four articles of each host");
    assert!(stderr(&output).contains("a.test:80 is at rest: the 5 pages of a run are used up"), "{}", stderr(&output));
    bench.crawl();
    assert_eq!(bench.articles().len(), 18);
    assert_eq!(server.paths().iter().filter(|path| path.starts_with("/a_")).count(), 18);
}

#[test]
fn a_chain_of_pages_with_one_text_ends() {
    // Each page has the same text and three links to pages that are not there yet.
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/" => page(200, list(["/a_1.htm".to_owned()])),
        path if path.starts_with("/a_") => {
            let n = number(path);
            let next: String = (0..3).map(|i| format!("<a href=\"/a_{}.htm\">再看一篇</a>", n * 3 + i)).collect();
            page(200, article(1).replace("</body>", &format!("{next}</body>")))
        }
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let output = bench.crawl();
    let asked = server.paths().iter().filter(|path| path.starts_with("/a_")).count();
    assert!((5..=200).contains(&asked), "{asked}");
    let said = stderr(&output);
    assert!(said.contains("links stand on pages with the text of an earlier one and were not followed"), "{said}");
    // The bound holds over runs: nothing is left to take up.
    server.clear();
    bench.crawl();
    assert_eq!(server.paths().iter().filter(|path| path.starts_with("/a_")).count(), 0, "{:?}", server.paths());
}
