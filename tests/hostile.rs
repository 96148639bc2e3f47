//! Answers that no server should give. Each ends in a named reason, none takes the crawl with it, and a healthy host
//! beside them loses nothing.

mod support;

use std::io::Write;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use support::{Answer, Bench, Server, article, list, page, redirect, stderr, with};

/// Small limits, so that the tests are quick.
const LIMITS: &str = "timeout = \"3s\"\nmax_body = \"256KiB\"\nmax_redirects = 4\n";
const FAST: &str = "[politeness]\nrate = \"500/s\"\nconcurrency = 4\npatience = \"20s\"\n";

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// An article's number, and what is answered in its place.
type Bad = (usize, fn() -> Answer);

/// A host whose home page links to these (from 70 on only to those that end in 1), beside five good articles.
fn host(answers: &'static [Bad]) -> Server {
    Server::start(move |hit, _| match hit.path.as_str() {
        "/robots.txt" => page(404, ""),
        "/" => {
            let linked = answers.iter().filter(|(n, _)| *n < 70 || n % 10 == 1);
            let bad = linked.map(|(n, _)| format!("/a_{n}.htm"));
            page(200, list(bad.chain((1..=5).map(|n| format!("/a_{n}.htm")))))
        }
        path => match answers.iter().find(|(n, _)| *n == number(path)) {
            Some((_, answer)) => answer(),
            None if path.starts_with("/a_") => page(200, article(number(path))),
            None => page(404, ""),
        },
    })
}

fn crawl(server: &Server) -> (Bench, Duration) {
    let bench = Bench::new(server, &["a.test"], "", &format!("{LIMITS}---{FAST}"));
    let begun = Instant::now();
    let output = bench.run_for(&["crawl"], 60);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", stderr(&output));
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    for n in 1..=5 {
        assert!(bench.urls().contains(&format!("http://a.test/a_{n}.htm")), "{n}: {}", stderr(&output));
    }
    (bench, begun.elapsed())
}

fn header(rest: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{rest}").into_bytes()
}

fn gzipped(plain: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(plain).unwrap();
    out.finish().unwrap()
}

#[test]
fn slow_and_endless_answers_end_at_their_limits() {
    let server = host(&[
        (11, || Answer::Drip(b"HTTP/1.1 200 OK\r\nX: ".to_vec(), b'x', Duration::from_millis(100))),
        (12, || Answer::Drip(header("\r\n<html>"), b'x', Duration::from_millis(100))),
        (13, || Answer::Endless(header("\r\n<html>"), vec![b'x'; 4096])),
        (14, || Answer::Endless(header(""), b"X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".to_vec())),
        (15, || Answer::Silence),
    ]);
    let (bench, took) = crawl(&server);
    // Slowness may pass; size does not.
    let (rejected, failing) = (bench.rejected(), bench.failing());
    for n in [11, 12, 15] {
        assert!(failing[&format!("/a_{n}.htm")].contains("no whole answer within"), "{n}: {failing:?}");
    }
    assert_eq!(rejected["/a_13.htm"], "over-limit");
    assert!(rejected.contains_key("/a_14.htm") || failing.contains_key("/a_14.htm"));
    assert!(took < Duration::from_secs(40), "{took:?}");
}

#[test]
fn bombs_and_large_bodies_are_cut_just_above_the_limit() {
    // Made beforehand: packing it takes longer than a request may.
    static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| gzipped(&vec![b' '; 64 << 20]));
    assert!(BOMB.len() < 1 << 20);
    let server = host(&[
        (21, || with(page(200, BOMB.clone()), "Content-Encoding", "gzip")),
        (22, || page(200, vec![b'x'; (256 << 10) + 1])),
        (23, || {
            let mut text = article(23).into_bytes();
            text.resize(256 << 10, b' ');
            page(200, text)
        }),
        (24, || with(page(200, gzipped(article(24).as_bytes())), "Content-Encoding", "gzip")),
    ]);
    let (bench, _) = crawl(&server);
    let rejected = bench.rejected();
    assert_eq!(rejected["/a_21.htm"], "over-limit");
    assert_eq!(rejected["/a_22.htm"], "over-limit");
    let urls = bench.urls();
    assert!(urls.contains(&"http://a.test/a_23.htm".into()) && urls.contains(&"http://a.test/a_24.htm".into()));
}

#[test]
fn headers_are_limited_as_well() {
    let server = host(&[
        (31, || with(page(200, article(31)), "X-Large", &"x".repeat(70 << 10))),
        (32, || with(page(200, article(32)), "X-Large", &"x".repeat(60 << 10))),
        (33, || (0..300).fold(page(200, article(33)), |answer, n| with(answer, &format!("X-{n}"), "x"))),
    ]);
    let (bench, _) = crawl(&server);
    assert_eq!(bench.rejected()["/a_31.htm"], "over-limit");
    let urls = bench.urls();
    assert!(urls.contains(&"http://a.test/a_32.htm".into()) && urls.contains(&"http://a.test/a_33.htm".into()));
}

#[test]
fn broken_protocol_is_named_and_not_believed() {
    let server = host(&[
        (41, || Answer::Raw(header("Content-Length: 5000\r\n\r\n<html>short"))),
        (42, || Answer::Raw(header("Transfer-Encoding: chunked\r\n\r\n50\r\nshort"))),
        (43, || Answer::Raw(b"I am no HTTP server\r\n\r\n".to_vec())),
        (44, || Answer::Raw(Vec::new())),
    ]);
    let (bench, _) = crawl(&server);
    let (failing, urls) = (bench.failing(), bench.urls());
    for n in 41..=44 {
        let path = format!("/a_{n}.htm");
        assert!(failing.get(&path).is_some_and(|why| !why.is_empty()), "{n}: {failing:?}");
        assert!(!urls.iter().any(|url| url.ends_with(&path)), "{n}");
    }
}

#[test]
fn pages_without_an_article_end_with_a_reason() {
    let server = host(&[
        (51, || page(404, "gone")),
        (52, || page(200, "")),
        (53, || with(page(200, vec![0xff, 0xd8, 0xff, 0xe0, 0, 0, 1, 2]), "Content-Type", "image/jpeg")),
        (54, || page(200, "<html><body><p>短</p></body></html>")),
        (55, || page(503, article(55))),
    ]);
    let (bench, _) = crawl(&server);
    let (rejected, failing) = (bench.rejected(), bench.failing());
    for n in 53..=54 {
        assert!(rejected.contains_key(&format!("/a_{n}.htm")), "{n}: {rejected:?}");
    }
    // These may come back, and are confirmed by later tries.
    assert_eq!(failing["/a_51.htm"], "status 404");
    assert_eq!(failing["/a_52.htm"], "status 200 with an empty body");
    assert_eq!(failing["/a_55.htm"], "status 503");
    assert!(!bench.urls().contains(&"http://a.test/a_55.htm".into()));
}

#[test]
fn redirects_stay_within_bounds() {
    let server = host(&[
        (61, || redirect("http://10.0.0.1/a_1.htm")),
        (62, || redirect("file:///etc/passwd")),
        (63, || redirect("http://elsewhere.test/a_1.htm")),
        (64, || redirect("http://[::1]:1/")),
        (65, || redirect("/a_65.htm?utm_source=again")),
        (66, || redirect("/a_67.htm")),
        (67, || redirect("/a_66.htm")),
        (71, || redirect("/a_72.htm")),
        (72, || redirect("/a_73.htm")),
        (73, || redirect("/a_74.htm")),
        (74, || redirect("/a_75.htm")),
        (75, || redirect("/a_76.htm")),
        (81, || redirect("/a_82.htm")),
        (91, || redirect("http://2130706433/a_1.htm")),
    ]);
    let (bench, _) = crawl(&server);
    let rejected = bench.rejected();
    for n in [61, 62, 64, 91] {
        assert_eq!(
            rejected.get(&format!("/a_{n}.htm")).map(String::as_str),
            Some("address-refused"),
            "{n}: {rejected:?}"
        );
    }
    for n in [63, 65] {
        assert_eq!(rejected.get(&format!("/a_{n}.htm")).map(String::as_str), Some("redirect"), "{n}: {rejected:?}");
    }
    // Both ends of the loop were links of their own, so each leads to a known address.
    assert_eq!((rejected["/a_66.htm"].as_str(), rejected["/a_67.htm"].as_str()), ("redirect", "redirect"));
    assert!(bench.urls().contains(&"http://a.test/a_82.htm".into()), "one redirect is fine");
    assert!(server.paths().iter().all(|path| path != "/a_76.htm"), "the chain is cut at its limit");
}

#[test]
fn private_addresses_are_refused_by_name_too() {
    let server = host(&[]);
    let bench = Bench::new(&server, &["a.test"], "", &format!("{LIMITS}---{FAST}"));
    let port = server.addr.port();
    for url in [format!("http://127.0.0.1:{port}/a_1.htm"), format!("http://localhost:{port}/a_1.htm")] {
        let output = bench.run(&["crawl", &url]);
        assert!(server.paths().is_empty(), "{url}: {}", stderr(&output));
        assert!(stderr(&output).contains("address-refused 1"), "{url}: {}", stderr(&output));
    }
    let url = format!("http://127.0.0.1:{port}/a_1.htm");
    let output = bench.run(&["crawl", "--out", "o2", "--state", "s2", "--allow-private", "127.0.0.0/8", &url]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.paths(), ["/robots.txt", "/a_1.htm"]);
}

#[test]
fn an_unreachable_host_is_reported_and_the_others_go_on() {
    let server = host(&[]);
    let bench = Bench::new(&server, &["a.test"], "", &format!("{LIMITS}---{FAST}"));
    bench.write("selectors/local.toml", &support::selectors(&["a.test", "dead.test"], ""));
    let text = std::fs::read_to_string(bench.path("jingwen.toml")).unwrap();
    bench.write("jingwen.toml", &text.replace("resolve = { ", "resolve = { \"dead.test\" = \"127.0.0.1:9\", "));
    let output = bench.run_for(&["crawl"], 40);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(bench.urls().len(), 5);
    assert!(stderr(&output).contains("dead.test:80 is left alone"), "{}", stderr(&output));
}
