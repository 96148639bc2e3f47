//! Each limit from both sides: what is just below it passes, what is just above it does not, and says so.

mod support;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use jingwen::crawl::lists::{ListOutcome, MAX_LOCS, Source, read};
use support::{Answer, Bench, Server, article, list, page, redirect, stderr, with};
use url::Url;

const FAST: &str = "[politeness]\nrate = \"500/s\"\nconcurrency = 4\npatience = \"20s\"\n";

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// Crawls a host with these pages in the place of articles, linked from its home page.
fn crawl(limits: &str, pages: &'static [usize], answer: fn(usize) -> Answer) -> (Server, Bench) {
    let server = Server::start(move |hit, _| match hit.path.as_str() {
        "/robots.txt" => page(404, ""),
        "/" => page(200, list(pages.iter().map(|n| format!("/a_{n}.htm")))),
        path if path.starts_with("/a_") => answer(number(path)),
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", &format!("{limits}---{FAST}"));
    let output = bench.run_for(&["crawl"], 60);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", stderr(&output));
    (server, bench)
}

/// The first is written, the second fails for now with this.
fn check_failing(bench: &Bench, below: usize, above: usize, why: &str) {
    let failing = bench.failing();
    assert!(bench.urls().contains(&format!("http://a.test/a_{below}.htm")), "{failing:?}");
    assert!(failing.get(&format!("/a_{above}.htm")).is_some_and(|seen| seen.contains(why)), "{failing:?}");
}

/// The first is written, the second rejected for the reason.
fn check(bench: &Bench, below: usize, above: usize, reason: &str) {
    let rejected = bench.rejected();
    assert!(bench.urls().contains(&format!("http://a.test/a_{below}.htm")), "{rejected:?}");
    assert_eq!(rejected.get(&format!("/a_{above}.htm")).map(String::as_str), Some(reason), "{rejected:?}");
}

#[test]
fn the_time_of_a_request() {
    let (_server, bench) = crawl("timeout = \"2s\"\n", &[1, 2], |n| {
        let wait = Duration::from_millis(if n == 1 { 1200 } else { 2800 });
        Answer::Late(wait, Box::new(page(200, article(n))))
    });
    check_failing(&bench, 1, 2, "no whole answer within 2s");
}

#[test]
fn the_time_of_a_connection() {
    // A server that accepts nobody: once its queue is full, the system answers no further connection.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let full = tokio::net::TcpSocket::new_v4().unwrap();
    full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = full.listen(1).unwrap();
    let address: SocketAddr = full.local_addr().unwrap();
    let waiting: Vec<_> =
        (0..4).filter_map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok()).collect();
    assert!(waiting.len() < 4, "the queue is not full");

    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(404, ""),
        "/" => page(200, list(["/a_1.htm".to_owned()])),
        path => page(200, article(number(path))),
    });
    let bench = Bench::new(&server, &["a.test"], "", &format!("connect_timeout = \"700ms\"\n---{FAST}"));
    bench.write("selectors/local.toml", &support::selectors(&["a.test", "full.test"], ""));
    let text = std::fs::read_to_string(bench.path("jingwen.toml")).unwrap();
    bench
        .write("jingwen.toml", &text.replace("resolve = { ", &format!("resolve = {{ \"full.test\" = \"{address}\", ")));
    let output = bench.run_for(&["crawl"], 60);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(bench.urls(), ["http://a.test/a_1.htm"]);
    assert!(stderr(&output).contains("full.test:80 is left alone"), "{}", stderr(&output));
    assert!(stderr(&output).contains("no connection: not within 700ms"), "{}", stderr(&output));
}

#[test]
fn the_size_of_a_body() {
    let (_server, bench) = crawl("max_body = \"64KiB\"\n", &[1, 2], |n| {
        let mut text = article(n).into_bytes();
        text.resize((64 << 10) + n - 1, b' ');
        page(200, text)
    });
    check(&bench, 1, 2, "over-limit");
}

#[test]
fn the_size_and_the_number_of_headers() {
    let (_server, bench) = crawl("", &[1, 2, 3, 4], |n| {
        let answer = page(200, article(n));
        match n {
            // Beside it are some 80 bytes of other headers.
            1 => with(answer, "X-Large", &"x".repeat((64 << 10) - 200)),
            2 => with(answer, "X-Large", &"x".repeat(64 << 10)),
            n => (0..if n == 3 { 990 } else { 1010 }).fold(answer, |answer, i| with(answer, &format!("X-{i}"), "x")),
        }
    });
    check(&bench, 1, 2, "over-limit");
    check_failing(&bench, 3, 4, "head is too large");
}

#[test]
fn the_number_of_redirects() {
    let (server, bench) = crawl("max_redirects = 3\n", &[100, 200], |n| match n {
        // Three hops, and four.
        100..=102 | 200..=203 => redirect(&format!("/a_{}.htm", n + 1)),
        n => page(200, article(n)),
    });
    check(&bench, 103, 203, "redirect");
    assert!(server.paths().iter().all(|path| path != "/a_204.htm"));
}

#[test]
fn the_redirects_of_robots_txt() {
    for (hops, allowed) in [(5, false), (6, true)] {
        let server = Server::start(move |hit, _| match hit.path.as_str() {
            "/robots.txt" => redirect("/r_1"),
            path if path == format!("/r_{hops}") => page(200, "User-agent: *\nDisallow: /a_\n"),
            path if path.starts_with("/r_") => redirect(&format!("/r_{}", number(path) + 1)),
            "/" => page(200, list(["/a_1.htm".to_owned()])),
            path => page(200, article(number(path))),
        });
        let bench = Bench::new(&server, &["a.test"], "", FAST);
        bench.crawl();
        assert_eq!(server.paths().contains(&"/a_1.htm".to_owned()), allowed, "{hops} redirects");
    }
}

#[test]
fn the_pages_of_an_article() {
    // The template joins five at most.
    let (_server, bench) = crawl("", &[1, 2], |n| match n {
        1 | 2 | 10..=100 => {
            let (first, part) = if n < 10 { (n, 1) } else { (n / 10, n % 10) };
            let last = if first == 1 { 5 } else { 6 };
            let next = match part < last {
                true => format!("<a class=\"next\" href=\"/a_{first}_{}.htm\">下一页</a>", part + 1),
                false => String::new(),
            };
            page(200, article(n).replace("</body>", &format!("{next}</body>")))
        }
        _ => page(404, ""),
    });
    let articles = bench.articles();
    assert_eq!(articles.len(), 2);
    for one in articles {
        assert_eq!(one["pages"], 5);
        assert_eq!(one["truncated"] == true, one["url"] == "http://a.test/a_2.htm", "{one}");
    }
}

#[test]
fn the_length_of_an_address() {
    let long = |n: usize, length: usize| {
        let start = format!("http://a.test/a_{n}.htm?x=");
        format!("{start}{}", "y".repeat(length - start.len()))
    };
    let server = Server::start(move |hit, _| match hit.path.as_str() {
        "/robots.txt" => page(404, ""),
        "/" => page(200, list([long(1, 2048), long(2, 2049)])),
        path => page(200, article(number(path))),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.write(
        "selectors/local.toml",
        &support::selectors(&["a.test"], "").replace(r"/a_\d+(_\d+)?\.htm$", r"/a_\d+\.htm"),
    );
    bench.crawl();
    let urls = bench.urls();
    assert_eq!(urls.len(), 1);
    assert!(urls[0].starts_with("http://a.test/a_1.htm?x=") && urls[0].len() == 2048);
}

#[test]
fn the_size_of_a_sitemap() {
    let base = Url::parse("http://a.example/s.xml").unwrap();
    let sitemap = |body: &[u8]| -> ListOutcome { read(&Source { body, content_type: None, base: &base }) };
    let of = |n: usize| {
        let locs: String = (0..n).map(|i| format!("<url><loc>/{i}.htm</loc></url>")).collect();
        format!("<urlset>{locs}</urlset>")
    };
    let full = sitemap(of(MAX_LOCS).as_bytes());
    assert_eq!((full.entries.len(), full.problems.to_string().as_str()), (50_000, ""));
    let over = sitemap(of(MAX_LOCS + 1).as_bytes());
    let said = "1 item beyond the limit (50000 are taken of one list)";
    assert_eq!((over.entries.len(), over.problems.to_string().as_str()), (50_000, said));
    let packed = |length: usize| {
        let mut plain = of(2).into_bytes();
        plain.resize(length, b' ');
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(&plain).unwrap();
        out.finish().unwrap()
    };
    let full = sitemap(&packed((50 << 20) - 1));
    assert_eq!((full.entries.len(), full.problems.to_string().as_str()), (2, ""));
    let over = sitemap(&packed((50 << 20) + 1));
    assert_eq!(over.entries.len(), 2);
    assert!(over.problems.to_string().contains("50MiB were read"), "{}", over.problems);
}

#[test]
fn private_addresses_in_every_spelling_and_their_public_neighbours() {
    use jingwen::crawl::guard::Guard;
    let guard = Guard::default();
    let refused = |url: &str| guard.check(&Url::parse(url).unwrap()).is_err();
    // First and last of each range, and the address beside it.
    for (inside, outside) in [
        ("10.0.0.0", "9.255.255.255"),
        ("10.255.255.255", "11.0.0.0"),
        ("127.0.0.0", "126.255.255.255"),
        ("127.255.255.255", "128.0.0.1"),
        ("172.16.0.0", "172.15.255.255"),
        ("172.31.255.255", "172.32.0.0"),
        ("192.168.0.0", "192.167.255.255"),
        ("192.168.255.255", "192.169.0.0"),
        ("169.254.0.0", "169.253.255.255"),
        ("169.254.255.255", "169.255.0.0"),
        ("100.64.0.0", "100.63.255.255"),
        ("100.127.255.255", "100.128.0.0"),
        ("0.255.255.255", "1.0.0.0"),
        ("224.0.0.0", "223.255.255.255"),
        // Only 2000::/3 is given out.
        ("[1fff:ffff::1]", "[2000::1]"),
        ("[4000::]", "[3fff:1000::1]"),
        ("[fc00::]", "[2400:3200::1]"),
        ("[fbff::1]", "[2400:3200::2]"),
        ("[fe80::]", "[2400:3200::3]"),
        ("[febf:ffff::]", "[2400:3200::1]"),
        ("[::ffff:10.0.0.1]", "[::ffff:11.0.0.1]"),
        ("[64:ff9b::a00:1]", "[64:ff9b::b00:1]"),
        // Decimal, hexadecimal, octal, short.
        ("2130706433", "134744072"),
        ("0x7f000001", "0x08080808"),
        ("0177.0.0.1", "010.010.010.010"),
        ("10.1", "11.1"),
    ] {
        assert!(refused(&format!("http://{inside}/")), "{inside}");
        assert!(!refused(&format!("http://{outside}/")), "{outside}");
    }
}

#[test]
fn depth_elements_and_attributes_of_a_page() {
    use jingwen::clean::dom::{Keep, Limits, document};
    let limits = Limits::default();
    assert_eq!((limits.depth, limits.attributes, limits.elements), (400, 64, 200_000));
    let count = |text: &str, keep: &Keep, css: &str| {
        document(text, keep).select(&scraper::Selector::parse(css).unwrap()).count()
    };
    let plain = Keep::default();
    // Some of the depth is the page's own.
    let nested = |n: usize| count(&"<div>".repeat(n), &plain, "div");
    assert_eq!(nested(limits.depth - 10), limits.depth - 10);
    assert!(nested(limits.depth + 1) <= limits.depth && nested(100_000) <= limits.depth);
    let siblings = |n: usize| count(&"<p>x</p>".repeat(n), &plain, "p");
    assert_eq!(siblings(limits.elements - 10), limits.elements - 10);
    assert!(siblings(limits.elements + 10) <= limits.elements);
    // Attributes that a rule asks for, so many in one tag.
    let keep = Keep { attributes: (0..200).map(|n| format!("a{n}")).collect(), ..Keep::default() };
    let has = |n: usize, name: usize| {
        let all: String = (0..n).map(|i| format!(" a{i}=1")).collect();
        count(&format!("<p{all}>x</p>"), &keep, &format!("p[a{name}]")) == 1
    };
    assert!(has(limits.attributes, limits.attributes - 1));
    assert!(!has(limits.attributes + 1, limits.attributes), "the last one is left out");
}
