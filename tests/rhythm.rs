//! Lists are looked at as often as they change: by `crawl --due`, in the bounds that the site's file sets; `crawl` without it
//! asks for each. Sitemaps are asked when their index says that they changed.

mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::{Bench, Server, article, list, page};

const FAST: &str = "[politeness]\nrate = \"1000/s\"\n";

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

#[test]
fn a_list_is_asked_when_it_is_due_and_rests_the_longer_the_less_it_changes() {
    static ARTICLES: AtomicUsize = AtomicUsize::new(2);
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(404, ""),
        "/" => page(200, list((1..=ARTICLES.load(Ordering::Relaxed)).map(|n| format!("/a_{n}.htm")))),
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "refresh = \"1h\"", FAST);
    let due = |server: &Server| {
        server.clear();
        let output = bench.run(&["crawl", "--due"]);
        assert_eq!(output.status.code(), Some(0), "{}", support::stderr(&output));
        server.paths()
    };
    let later = || bench.change("UPDATE url SET due = due - rhythm WHERE kind = 1");
    let hours = || bench.numbers("SELECT rhythm FROM url WHERE kind = 1")[0] / 3_600_000;
    assert_eq!(due(&server).len(), 4, "a new list is due at once");
    assert_eq!(due(&server), [""; 0], "and then not before its time");
    assert_eq!(hours(), 1);
    for expected in [2, 4, 8, 16, 24, 24] {
        later();
        assert_eq!(due(&server), ["/"]);
        assert_eq!(hours(), expected, "nothing new: bounded by a day");
    }
    ARTICLES.store(3, Ordering::Relaxed);
    later();
    assert_eq!(due(&server), ["/", "/a_3.htm"]);
    assert_eq!(hours(), 12);
    // By hand each list is asked.
    server.clear();
    bench.crawl();
    assert_eq!(server.paths(), ["/"]);
}

#[test]
fn a_sitemap_is_asked_again_when_its_index_says_that_it_changed() {
    static CHANGED: Mutex<&str> = Mutex::new("2026-11-01T08:00:00+08:00");
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, "Sitemap: http://a.test/index.xml\n"),
        "/" => page(200, list(["/a_1.htm".to_owned()])),
        "/index.xml" => {
            let changed = CHANGED.lock().unwrap();
            let entry = |n: u32, at: &str| format!("<sitemap><loc>http://a.test/s{n}.xml</loc>{at}</sitemap>");
            let index = entry(1, &format!("<lastmod>{changed}</lastmod>"))
                + &entry(2, "<lastmod>2026-10-01</lastmod>")
                + &entry(3, "");
            page(200, format!("<sitemapindex>{index}</sitemapindex>"))
        }
        path if path.starts_with("/s") => {
            page(200, format!("<urlset><url><loc>http://a.test/a_{}.htm</loc></url></urlset>", number(path) + 10))
        }
        path if path.starts_with("/a_") => page(200, article(number(path))),
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let sitemaps = || {
        server.clear();
        bench.crawl();
        let mut asked: Vec<String> = server.paths().into_iter().filter(|path| path.starts_with("/s")).collect();
        asked.sort();
        asked
    };
    assert_eq!(sitemaps(), ["/s1.xml", "/s2.xml", "/s3.xml"]);
    assert_eq!(bench.articles().len(), 4);
    // Of the third nobody knows whether it changed.
    assert_eq!(sitemaps(), ["/s3.xml"]);
    *CHANGED.lock().unwrap() = "2099-01-01";
    assert_eq!(sitemaps(), ["/s1.xml", "/s3.xml"]);
}
