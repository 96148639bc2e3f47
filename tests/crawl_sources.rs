//! Where articles are found beside lists: sitemaps, feeds, JSON, redirects between hosts, an archive.

mod support;

use std::io::Write;

use support::{Answer, Bench, Server, article, list, page, redirect, stderr, with};

const FAST: &str = "[politeness]\nrate = \"500/s\"\nconcurrency = 4\n";

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn xml(body: impl Into<Vec<u8>>) -> Answer {
    Answer::Page { status: 200, headers: vec![("Content-Type".into(), "application/xml".into())], body: body.into() }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn locs(numbers: &[usize]) -> String {
    numbers
        .iter()
        .map(|n| format!("<url><loc>http://a.test/a_{n}.htm</loc><lastmod>2026-11-20</lastmod></url>"))
        .collect()
}

fn paths(bench: &Bench) -> Vec<usize> {
    let mut numbers: Vec<usize> = bench.urls().iter().map(|u| number(&support::path_of(u))).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn sitemaps_feeds_and_json_lead_to_articles() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, "Sitemap: http://a.test/index.xml\nSitemap: http://elsewhere.test/s.xml\n"),
        "/index.xml" => xml("<sitemapindex><sitemap><loc>http://a.test/one.xml.gz</loc></sitemap></sitemapindex>"),
        "/one.xml.gz" => xml(gzip(format!("<urlset>{}</urlset>", locs(&[1, 2])).as_bytes())),
        "/feed.xml" => xml(
            "<rss version=\"2.0\"><channel><title>t</title><item><link>http://a.test/a_3.htm?from=rss</link></item></channel></rss>",
        ),
        "/list_9.htm" => with(page(200, "{\"data\":[{\"URL\":\"/a_4.htm\"}]}"), "X", "y"),
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(200, list(["/list_9.htm".to_owned()])),
    });
    let crawl = "feeds = [\"http://a.test/feed.xml\"]";
    let bench = Bench::new(&server, &["a.test"], crawl, FAST);
    let text = support::selectors(&["a.test"], crawl)
        .replace("lists = ['/list_\\d+\\.htm$']", "lists = [{ url = '/list_\\d+\\.htm$', json = \"data[].URL\" }]");
    bench.write("selectors/local.toml", &text);
    bench.crawl();
    assert_eq!(paths(&bench), [1, 2, 3, 4], "{:?}", server.paths());
}

#[test]
fn a_broken_sitemap_is_reported_and_the_rest_goes_on() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, "Sitemap: http://a.test/bad.xml\n"),
        "/bad.xml" => xml("<urlset><url><loc>http://a.test/<"),
        "/a_1.htm" => page(200, article(1)),
        _ => page(200, list(["/a_1.htm".to_owned()])),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let output = bench.crawl();
    assert_eq!(paths(&bench), [1]);
    assert!(stderr(&output).contains("list http://a.test/bad.xml failed: "), "{}", stderr(&output));
}

#[test]
fn since_leaves_out_what_is_old() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(404, ""),
        "/s.xml" => xml("<urlset><url><loc>http://a.test/a_1.htm</loc><lastmod>2020-01-01</lastmod></url>\
             <url><loc>http://a.test/a_2.htm</loc></url></urlset>"),
        "/a_2.htm" => page(200, article(2).replace("2026-11-20 10:00", "2020-01-01 10:00")),
        path if path.starts_with("/a_") => page(200, article(3).replace("2026-11-20 10:00", "2099-01-01 10:00")),
        _ => page(200, list(["/a_3.htm".to_owned()])),
    });
    let bench = Bench::new(&server, &["a.test"], "sitemaps = [\"http://a.test/s.xml\"]", FAST);
    let output = bench.run(&["crawl", "--since", "30d"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(paths(&bench), [3]);
    assert_eq!(bench.rejected()["/a_2.htm"], "skipped");
    assert!(!server.paths().contains(&"/a_1.htm".to_owned()));
}

#[test]
fn a_redirect_to_another_host_of_the_site_waits_for_that_hosts_turn() {
    let server = Server::start(|hit, _| match (hit.host.as_str(), hit.path.as_str()) {
        ("b.test", "/robots.txt") => page(200, "User-agent: *\nDisallow: /a_2.htm\n"),
        (_, "/robots.txt") => page(404, ""),
        ("a.test", "/a_1.htm" | "/a_2.htm") => redirect(&format!("http://b.test{}", hit.path)),
        (_, path) if path.starts_with("/a_") => page(200, article(number(path))),
        ("a.test", _) => page(200, list((1..=3).map(|n| format!("/a_{n}.htm")))),
        _ => page(200, list([])),
    });
    let bench = Bench::new(&server, &["a.test", "b.test"], "", FAST);
    bench.crawl();
    assert_eq!(bench.urls(), ["http://a.test/a_3.htm", "http://b.test/a_1.htm"]);
    assert!(!server.hits().iter().any(|hit| hit.host == "b.test" && hit.path == "/a_2.htm"));
}

#[test]
fn an_archive_is_crawled_without_any_network() {
    let bench = Bench::empty();
    bench.write("selectors/local.toml", &support::selectors(&["a.test"], ""));
    let record = |url: &str, body: &str| {
        let http = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nETag: \"x\"\r\n\r\n{body}");
        let head = format!(
            "WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-11-21T08:00:00Z\r\n\
             WARC-Record-ID: <urn:uuid:{}>\r\nContent-Length: {}\r\n\r\n",
            url.len(),
            http.len()
        );
        gzip(format!("{head}{http}\r\n\r\n").as_bytes())
    };
    let mut warc = record("http://a.test/", &list(["/a_1.htm".into(), "/a_2.htm".into(), "/a_3.htm".into()]));
    warc.extend(record("http://a.test/a_1.htm", &article(1)));
    warc.extend(record("http://a.test/a_2.htm", &article(2)));
    std::fs::write(bench.path("a.warc.gz"), warc).unwrap();
    for _ in 0..2 {
        let args = ["crawl", "local", "--selectors", "selectors", "--replay", "a.warc.gz", "--log-format", "json"];
        let output = bench.run(&args);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let last = stderr(&output).lines().last().unwrap_or_default().to_owned();
        let report: serde_json::Value = serde_json::from_str(&last).unwrap();
        assert_eq!(report["report"]["end"], "done");
        assert_eq!(paths(&bench), [1, 2]);
        assert_eq!(bench.rejected()["/a_3.htm"], "unreachable");
    }
    let first = &bench.articles()[0];
    assert_eq!(first["fetched_at"], "2026-11-21T08:00:00Z");
    assert!(first["provenance"]["warc"].as_str().unwrap().starts_with("urn:uuid:"));
}

#[test]
fn only_the_links_that_the_file_names_are_taken_from_lists() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(404, ""),
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(
            200,
            "<div class=\"hot\"><a href=\"/a_1.htm\">热榜里的一条消息</a></div><ul class=\"news\"><li><a href=\"/a_2.htm\">列表里的一条消息</a>\
             </li></ul><a class=\"item\" href=\"/a_3.htm\">本身就是列表的一项</a>",
        ),
    });
    let bench = Bench::new(&server, &["a.test"], "links = [\".news\", \"a.item\"]", FAST);
    bench.crawl();
    assert_eq!(paths(&bench), [2, 3]);
}
