//! `crawl --recheck`: articles are asked for again, conditionally, and a changed text is written once more under its id.

mod support;

use std::sync::Mutex;

use support::{Answer, Bench, Server, article, list, page, stderr, with};

const FAST: &str = "[politeness]\nrate = \"1000/s\"\n";

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// Three articles: the first has an ETag, the second is corrected, the third disappears, once `later` is true.
fn serve(later: &'static Mutex<bool>) -> Server {
    Server::start(move |hit, _| {
        let later = *later.lock().unwrap();
        match hit.path.as_str() {
            "/robots.txt" => page(404, ""),
            "/" => page(200, list((1..=3).map(|n| format!("/a_{n}.htm")))),
            "/a_1.htm" if hit.headers.get("if-none-match").is_some_and(|tag| tag == "\"1\"") => page(304, ""),
            "/a_1.htm" => with(page(200, article(1)), "ETag", "\"1\""),
            "/a_2.htm" if later => page(200, article(2).replace("窗口的工作人员", "服务大厅的值班人员")),
            "/a_3.htm" if later => page(404, ""),
            path if path.starts_with("/a_") => page(200, article(number(path))),
            _ => page(404, ""),
        }
    })
}

fn articles_asked(server: &Server) -> Vec<String> {
    let mut asked: Vec<String> = server.paths().into_iter().filter(|path| path.starts_with("/a_")).collect();
    asked.sort();
    asked
}

fn recheck(server: &Server, bench: &Bench, age: &str) -> (Vec<String>, String) {
    server.clear();
    let output = bench.run(&["crawl", "--recheck", age]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    (articles_asked(server), stderr(&output))
}

#[test]
fn a_corrected_article_is_written_once_more_and_the_rest_costs_a_question() {
    static LATER: Mutex<bool> = Mutex::new(false);
    let server = serve(&LATER);
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.crawl();
    assert_eq!(bench.articles().len(), 3);
    let (asked, _) = recheck(&server, &bench, "7d");
    assert_eq!(asked, ["/a_1.htm", "/a_2.htm", "/a_3.htm"]);
    assert_eq!(bench.articles().len(), 3, "nothing changed, nothing is written");

    *LATER.lock().unwrap() = true;
    server.clear();
    bench.crawl();
    assert_eq!(articles_asked(&server), [""; 0], "without the flag articles are fetched once");
    let (_, report) = recheck(&server, &bench, "7d");
    assert!(report.contains("2 articles were looked at again, 1 of them had another text"), "{report}");
    let articles = bench.articles();
    assert_eq!(articles.len(), 4);
    let first = articles.iter().find(|a| a["url"] == "http://a.test/a_2.htm").unwrap();
    let last = &articles[3];
    assert_eq!((&first["id"], &first["corrected"]), (&last["id"], &serde_json::Value::Null));
    assert_eq!(last["corrected"], true);
    assert!(last["duplicate_of"].is_null() && last["text"].as_str().unwrap().contains("值班人员"));
    assert_eq!(bench.failing()["/a_3.htm"], "status 404");
    for hours in [5, 48] {
        bench.later(hours);
        bench.crawl();
    }
    bench.change("UPDATE recent SET at = at + 53 * 3600000");
    let gone = &bench.lines("rejected.jsonl")[0];
    assert_eq!((&gone["url"], &gone["reason"]), (&"http://a.test/a_3.htm".into(), &"http-status".into()));
    let detail = gone["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("status 404; 3 failures in ") && detail.ends_with("; there was an article before"),
        "{detail}"
    );

    // What is gone is not asked for again, and what was corrected is written once.
    let (asked, _) = recheck(&server, &bench, "7d");
    assert_eq!(asked, ["/a_1.htm", "/a_2.htm"]);
    assert_eq!((bench.articles().len(), bench.lines("rejected.jsonl").len()), (4, 1));

    // By hand one address is enough.
    server.clear();
    bench.run(&["crawl", "--recheck", "7d", "http://a.test/a_2.htm"]);
    assert_eq!(articles_asked(&server), ["/a_2.htm"]);

    // Older ones are left, and after a month they are forgotten.
    bench.change("UPDATE recent SET at = at - 8 * 86400000");
    assert_eq!(recheck(&server, &bench, "7d").0, [""; 0]);
    assert_eq!(recheck(&server, &bench, "9d").0.len(), 2);
    bench.change("UPDATE recent SET at = at - 24 * 86400000");
    assert_eq!(recheck(&server, &bench, "31d").0, [""; 0]);
    assert_eq!(bench.numbers("SELECT count(*) FROM recent"), [0]);
    let output = bench.run(&["crawl", "--recheck", "32d"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn killed_while_it_checks_a_correction_is_still_written_once() {
    static LATER: Mutex<bool> = Mutex::new(false);
    let server = serve(&LATER);
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.crawl();
    *LATER.lock().unwrap() = true;
    if cfg!(debug_assertions) {
        for point in ["append:1", "sync:1", "commit:1", "committed:1"] {
            let _ = bench.command(&["crawl", "--recheck", "7d"]).env("JINGWEN_FAULT", point).output().unwrap();
        }
    }
    // What was queued is checked by any run.
    bench.crawl();
    let (_, _) = recheck(&server, &bench, "7d");
    let corrected: Vec<_> = bench.articles().into_iter().filter(|a| a["corrected"] == true).collect();
    assert_eq!((corrected.len(), bench.articles().len()), (1, 4));
}

#[test]
fn a_sitemap_that_says_an_old_article_changed_is_believed_when_checking() {
    static CHANGED: Mutex<&str> = Mutex::new("2020-01-01");
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, "Sitemap: http://a.test/s.xml\n"),
        "/" => page(200, list(["/a_1.htm".to_owned(), "/a_2.htm".to_owned()])),
        "/s.xml" => {
            let changed = CHANGED.lock().unwrap();
            let entry =
                |n: u32, at: &str| format!("<url><loc>http://a.test/a_{n}.htm</loc><lastmod>{at}</lastmod></url>");
            page(200, format!("<urlset>{}{}</urlset>", entry(1, &changed), entry(2, "2020-01-01")))
        }
        path if path.starts_with("/a_") => {
            Answer::Late(std::time::Duration::ZERO, Box::new(page(200, article(number(path)))))
        }
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.crawl();
    bench.change("UPDATE recent SET at = at - 10 * 86400000");
    assert_eq!(recheck(&server, &bench, "7d").0, [""; 0]);
    *CHANGED.lock().unwrap() = "2099-01-01";
    assert_eq!(recheck(&server, &bench, "7d").0, ["/a_1.htm"]);
}

#[test]
fn written_for_every_run_it_looks_at_each_article_the_seldomer_the_older_it_is() {
    static LATER: Mutex<bool> = Mutex::new(false);
    let server = serve(&LATER);
    for (site, config) in [("", "[crawl]\nrecheck = \"48h\"\n"), ("recheck = \"48h\"", "")] {
        let bench = Bench::new(&server, &["a.test"], site, &format!("{FAST}{config}"));
        bench.crawl();
        let asked = || {
            server.clear();
            bench.crawl();
            articles_asked(&server).len()
        };
        assert_eq!(asked(), 0, "they were just written");
        bench.change("UPDATE recent SET at = at - 400000, looked = looked - 400000");
        assert_eq!((asked(), asked()), (3, 0));
        // After ten hours they are not looked at before another five have passed.
        bench.change("UPDATE recent SET at = at - 36000000, looked = looked - 14400000");
        assert_eq!(asked(), 0);
        bench.change("UPDATE recent SET looked = looked - 7200000");
        assert_eq!(asked(), 3);
        bench.change("UPDATE recent SET at = at - 172800000, looked = looked - 172800000");
        assert_eq!(asked(), 0, "older than it looks back");
    }
}
