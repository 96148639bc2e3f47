//! `jingwen daemon` through the real binary: schedules, reload, restart, health, the page.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Bench, Server, article, list, page, stderr, wait, with};

const TOKEN: &str = "a-token-for-tests-of-the-page";

/// A site with so many articles, which may grow.
fn site(articles: Arc<AtomicUsize>) -> Server {
    Server::start(move |hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, "User-agent: *\nDisallow: /private/\n"),
        "/" => {
            let n = articles.load(Ordering::Relaxed);
            let body = list((1..=n).map(|n| format!("/a_{n}.htm")));
            let etag = format!("\"{n}\"");
            if hit.headers.get("if-none-match") == Some(&etag) {
                return with(page(304, ""), "ETag", &etag);
            }
            with(page(200, body), "ETag", &etag)
        }
        path if path.starts_with("/a_") => {
            let n = path.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
            page(200, article(n))
        }
        _ => page(404, ""),
    })
}

/// A daemon that is running; it is killed with the test.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn start(bench: &Bench) -> Running {
    let address = free_port();
    let log = fs::OpenOptions::new().create(true).append(true).open(bench.path("daemon.log")).unwrap();
    let child = bench
        .command(&["daemon", "--listen", &address.to_string()])
        .env("JINGWEN_TOKEN", TOKEN)
        .stderr(Stdio::from(log))
        .spawn()
        .unwrap();
    let running = Running { child, address };
    until("it listens", || TcpStream::connect(address).is_ok());
    running
}

/// Waits until something is so, at most half a minute.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Running {
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if method == "POST" {
            request.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut body = body.to_owned();
        if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            body = unchunked(&body);
        }
        Reply { status, head: head.to_owned(), body }
    }

    fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], "")
    }

    fn metric(&self, name: &str) -> Option<f64> {
        let text = self.get("/metrics").body;
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// SIGTERM, and the end; gives the exit code.
    fn stop(mut self) -> Option<i32> {
        self.signal(rustix::process::Signal::TERM);
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < Duration::from_secs(15), "it does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn unchunked(body: &str) -> String {
    let (mut rest, mut out) = (body.as_bytes(), Vec::new());
    while let Some(at) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..at]).unwrap().trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        out.extend_from_slice(&rest[at + 2..at + 2 + size]);
        rest = &rest[at + 4 + size..];
    }
    String::from_utf8_lossy(&out).into_owned()
}

const FAST: &str = "[politeness]\nrate = \"200/s\"\n[daemon]\njitter = \"0s\"\n";

fn bench(server: &Server, schedule: &str, more: &str) -> Bench {
    let bench = Bench::new(server, &["a.test"], "", &format!("{FAST}{more}"));
    let text = fs::read_to_string(bench.path("jingwen.toml")).unwrap();
    bench.write("jingwen.toml", &format!("schedule = \"{schedule}\"\n{text}"));
    bench
}

#[test]
fn what_appears_on_the_site_is_out_once_and_a_restart_goes_on() {
    let articles = Arc::new(AtomicUsize::new(4));
    let server = site(articles.clone());
    let bench = bench(&server, "every 1s", "");
    let daemon = start(&bench);
    until("the first articles", || bench.articles().len() == 4);
    articles.store(7, Ordering::Relaxed);
    until("the new ones", || bench.articles().len() == 7);
    until("the metrics", || daemon.metric("jingwen_articles_total{site=\"local\"}") == Some(7.0));
    assert_eq!(daemon.stop(), Some(0));

    articles.store(9, Ordering::Relaxed);
    let mut daemon = start(&bench);
    until("those of meanwhile", || bench.articles().len() == 9);
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();
    articles.store(10, Ordering::Relaxed);
    let daemon = start(&bench);
    until("those after a kill", || bench.articles().len() == 10);
    assert_eq!(daemon.stop(), Some(0));
    let mut urls = bench.urls();
    urls.dedup();
    assert_eq!(urls.len(), 10);
    // Nothing was asked for twice but the list and, at most, the two that may not have been committed at the kill.
    let asked = server.paths().iter().filter(|path| path.starts_with("/a_")).count();
    assert!((10..=12).contains(&asked), "{asked}");
}

#[test]
fn files_are_taken_over_when_right_and_told_of_when_wrong() {
    let server = site(Arc::new(AtomicUsize::new(2)));
    let bench = bench(&server, "every 1s", "");
    let daemon = start(&bench);
    until("the first articles", || bench.articles().len() == 2);
    assert_eq!(daemon.metric("jingwen_config_last_reload_successful"), Some(1.0));

    let good = fs::read_to_string(bench.path("selectors/local.toml")).unwrap();
    let changed = Instant::now();
    bench.write("selectors/local.toml", &good.replace("body = [\"div.art\"]", "body = [\"div.art\"\"]"));
    until("the page tells", || daemon.get("/").body.contains("local.toml:"));
    assert!(changed.elapsed() < Duration::from_secs(2), "{:?}", changed.elapsed());
    let body = daemon.get("/").body;
    assert!(body.contains("role=\"alert\"") && body.contains("local.toml:13"), "{body}");
    assert_eq!(daemon.metric("jingwen_config_last_reload_successful"), Some(0.0));
    // The site goes on under the old one.
    let lists = || server.paths().iter().filter(|path| *path == "/").count();
    let before = lists();
    until("it is still crawled", || lists() > before + 1);

    bench.write("selectors/local.toml", &good.replace("测试网", "改名网"));
    until("the new name", || daemon.get("/").body.contains("改名网"));
    assert!(!daemon.get("/").body.contains("role=\"alert\""));
    assert_eq!(daemon.metric("jingwen_config_last_reload_successful"), Some(1.0));

    // The configuration as well, and by SIGHUP.
    let config = fs::read_to_string(bench.path("jingwen.toml")).unwrap();
    bench.write("jingwen.toml", &config.replace("every 1s", "every 1 blink"));
    until("the page tells", || daemon.get("/").body.contains("no duration"));
    bench.write("jingwen.toml", &config);
    daemon.signal(rustix::process::Signal::HUP);
    until("all is well", || !daemon.get("/").body.contains("role=\"alert\""));
    assert_eq!(daemon.stop(), Some(0));
    let asked = server.paths().iter().filter(|path| path.starts_with("/a_")).count();
    assert_eq!(asked, 2, "a reload fetches nothing again");
}

#[test]
fn names_that_others_lead_here_are_not_answered_and_wrong_tokens_late() {
    let server = site(Arc::new(AtomicUsize::new(1)));
    let bench = bench(&server, "every 1h", "hosts = [\"status.test\"]\n");
    let daemon = start(&bench);
    let status = |host: &str| {
        let mut stream = TcpStream::connect(daemon.address).unwrap();
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    let port = daemon.address.port();
    for (host, expected) in [
        (format!("localhost:{port}"), 200),
        (format!("127.0.0.1:{port}"), 200),
        ("status.test".to_owned(), 200),
        (format!("evil.test:{port}"), 421),
        ("127.0.0.1.evil.test".to_owned(), 421),
    ] {
        assert_eq!(status(&host), expected, "{host}");
    }
    let begun = Instant::now();
    for _ in 0..3 {
        let wrong = daemon.ask("POST", "/reload", &[("Authorization", "Bearer not-the-token-of-this-page")], "");
        assert_eq!(wrong.status, 401);
    }
    assert!(begun.elapsed() > Duration::from_secs(1), "{:?}", begun.elapsed());
    // A client that does not say what it wants is not waited for.
    let mut silent = TcpStream::connect(daemon.address).unwrap();
    silent.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(25))).unwrap();
    assert!(silent.read_to_end(&mut Vec::new()).is_ok(), "the connection stays open");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn output_that_others_touch_is_noticed_between_runs() {
    let server = site(Arc::new(AtomicUsize::new(3)));
    let bench = bench(&server, "every 1h", HOOK);
    let daemon = start(&bench);
    daemon.ask("POST", "/sites/local/run", &[("Authorization", &format!("Bearer {TOKEN}"))], "");
    until("the articles", || bench.articles().len() == 3);
    assert_eq!(daemon.get("/readyz").status, 200);
    assert_eq!(daemon.metric("jingwen_output_touched_total{file=\"articles.jsonl\"}"), Some(0.0));
    fs::rename(bench.path("out/articles.jsonl"), bench.path("out/moved.jsonl")).unwrap();
    until("it is said", || daemon.get("/readyz").body.contains("articles.jsonl was moved or removed"));
    assert!(fs::read_to_string(bench.path("daemon.log")).unwrap().contains("was moved or removed by somebody else"));
    until("hooks hear of it", || !told(&bench, "output-touched").is_empty());
    let event = told(&bench, "output-touched").remove(0);
    assert_eq!(event["title"], "articles.jsonl was moved or removed by somebody else");
    assert_eq!(event["data"]["file"], "articles.jsonl");
    assert!(daemon.get("/").body.contains("articles.jsonl was moved or removed"));
    assert_eq!(daemon.metric("jingwen_output_touched_total{file=\"articles.jsonl\"}"), Some(1.0));
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(fs::read(bench.path("out/articles.jsonl")).unwrap(), b"");
}

/// Two starting points, of which one works and the other answers as `second` says; the list names two more.
fn site_with_two_lists(second: Arc<AtomicUsize>) -> Server {
    Server::start(move |hit, _| match (hit.path.as_str(), second.load(Ordering::Relaxed)) {
        ("/robots.txt", _) => page(200, ""),
        ("/", _) => page(200, list(["/a_1.htm".into(), "/list_9.htm".into(), "http://elsewhere.test/".into()])),
        ("/a_1.htm", _) => page(200, article(1)),
        ("/second", 0) => page(404, ""),
        ("/second", 1) => page(200, list([])),
        ("/second", _) => page(200, list(["/a_1.htm".into()])),
        _ => page(404, ""),
    })
}

const HOOK: &str =
    "[[notify]]\nname = \"file\"\ncommand = [\"/bin/sh\", \"-c\", \"cat >> told.jsonl; echo >> told.jsonl\"]\n";

/// Messages of a kind that [`HOOK`] wrote.
fn told(bench: &Bench, kind: &str) -> Vec<Value> {
    let text = fs::read_to_string(bench.path("told.jsonl")).unwrap_or_default();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n') && line.len() > 1);
    let all = whole.map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|event| event["kind"] == kind).collect()
}

#[test]
fn lists_that_fail_or_give_nothing_are_reported_everywhere_until_they_work() {
    let second = Arc::new(AtomicUsize::new(0));
    let server = site_with_two_lists(second.clone());
    let bench = bench(&server, "every 1s", HOOK);
    let selectors = fs::read_to_string(bench.path("selectors/local.toml")).unwrap();
    let seeds = "seeds = [\"http://a.test/\", \"http://a.test/second\"]\nrefresh = \"1s\"";
    bench.write("selectors/local.toml", &selectors.replace("seeds = [\"http://a.test/\"]", seeds));
    let daemon = start(&bench);
    let readyz = |what: &str| {
        let reply = daemon.get("/readyz");
        reply.status == 200 && reply.body.starts_with("ready\n") && reply.body.contains(what)
    };
    until("/readyz names it", || readyz("degraded: local: list http://a.test/second failed since "));
    until("hooks hear of it", || !told(&bench, "list-failed").is_empty());
    let event = told(&bench, "list-failed").remove(0);
    assert!(event["title"].as_str().unwrap().starts_with("local: list http://a.test/second"), "{event}");
    assert_eq!(event["evidence"].as_array().unwrap().len(), 2, "the list found on the way as well: {event}");
    assert!(event["detail"].as_str().unwrap().contains("404") && !event["since"].is_null(), "{event}");
    let shown = daemon.get("/sites/local").body;
    assert!(shown.contains("http://a.test/second") && shown.contains("http://a.test/list_9.htm"), "{shown}");
    assert!(shown.contains("starting point") && shown.contains("off-site 1"), "{shown}");
    assert!(daemon.get("/").body.contains("lists fail"));
    let metric = |name: &str| daemon.metric(name);
    assert_eq!(metric("jingwen_starting_points_without_links{site=\"local\"}"), Some(1.0));
    assert_eq!(metric("jingwen_faulty_lists{site=\"local\",fault=\"failed\"}"), Some(2.0));
    assert!(metric("jingwen_links_left_total{site=\"local\",reason=\"off-site\"}") >= Some(1.0));

    // It answers, and gives nothing: since the same time. That outlives the process.
    let since = |text: &str| text.split(" since ").nth(1).map(|rest| rest[..20].to_owned());
    let first = since(&daemon.get("/readyz").body).unwrap();
    second.store(1, Ordering::Relaxed);
    bench.change("UPDATE url SET due = 0 WHERE kind IN (1, 2, 3)");
    until("/readyz says so", || readyz("list http://a.test/second gave nothing since "));
    assert_eq!(daemon.stop(), Some(0));
    let daemon = start(&bench);
    let body = daemon.get("/readyz").body;
    assert_eq!(since(&body), Some(first), "{body}");
    // A list that gave nothing is asked in full, so it is reported for as long as that is so.
    until("it is asked again", || server.paths().iter().filter(|path| *path == "/second").count() > 3);
    assert!(told(&bench, "list-empty").is_empty(), "hooks have heard that it gives nothing");

    second.store(2, Ordering::Relaxed);
    until("it is well again", || !daemon.get("/readyz").body.contains("/second"));
    until("hooks hear of it", || !told(&bench, "list-recovered").is_empty());
    let event = told(&bench, "list-recovered").remove(0);
    assert!(event["title"].as_str().unwrap().contains("http://a.test/second"), "{event}");
    assert_eq!(told(&bench, "list-failed").len(), 1);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_starting_point_that_was_taken_out_is_no_longer_reported() {
    let server = site_with_two_lists(Arc::new(AtomicUsize::new(0)));
    let bench = bench(&server, "every 1s", "");
    let selectors = fs::read_to_string(bench.path("selectors/local.toml")).unwrap();
    let two =
        selectors.replace("seeds = [\"http://a.test/\"]", "seeds = [\"http://a.test/\", \"http://a.test/second\"]");
    bench.write("selectors/local.toml", &two);
    assert_eq!(bench.run(&["crawl"]).status.code(), Some(3));
    let daemon = start(&bench);
    until("/readyz names it", || daemon.get("/readyz").body.contains("/second failed"));
    bench.write("selectors/local.toml", &selectors);
    until("it is forgotten", || !daemon.get("/readyz").body.contains("/second"));
    assert_eq!(daemon.stop(), Some(0));
    // It is still in the state, as a list like any other.
    assert_eq!(bench.run(&["crawl"]).status.code(), Some(0));
}

#[test]
fn hosts_that_refuse_pages_that_wait_and_unchecked_certificates_are_shown() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, ""),
        "/" => page(200, list((1..=9).map(|n| format!("/a_{n}.htm")))),
        "/a_1.htm" => page(200, article(1)),
        "/a_2.htm" => page(500, ""),
        _ => page(403, ""),
    });
    let bench = bench(&server, "every 1s", "");
    let selectors = fs::read_to_string(bench.path("selectors/local.toml")).unwrap();
    bench.write("selectors/local.toml", &selectors.replace("[crawl]\n", "[crawl]\naccept_invalid_certs = true\n"));
    let output = bench.run(&["crawl"]);
    assert!(stderr(&output).contains("local: certificates are not checked"), "{}", stderr(&output));
    let daemon = start(&bench);
    until("/readyz names the host", || {
        let reply = daemon.get("/readyz");
        reply.status == 200 && reply.body.contains("degraded: local: http://a.test is left alone: it refuses us")
    });
    until("metrics have it", || daemon.metric("jingwen_hosts_blocked{site=\"local\"}") == Some(1.0));
    assert!(daemon.metric("jingwen_retry_queue{site=\"local\"}") >= Some(1.0));
    assert_eq!(daemon.metric("jingwen_certificates_unchecked{site=\"local\"}"), Some(1.0));
    let shown = daemon.get("/sites/local").body;
    assert!(shown.contains("Certificates are not checked") && shown.contains("local.toml"), "{shown}");
    assert!(shown.contains("jingwen state retries"), "{shown}");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn health_says_what_fails() {
    let server = site(Arc::new(AtomicUsize::new(1)));
    let bench = bench(&server, "every 1s", "");
    let daemon = start(&bench);
    assert_eq!(daemon.get("/healthz").status, 200);
    until("it is ready", || daemon.get("/readyz").status == 200);
    let health = bench.run(&["health", "--url", &format!("http://{}/readyz", daemon.address)]);
    assert_eq!(health.status.code(), Some(0), "{}", stderr(&health));
    until("the first article", || bench.articles().len() == 1);
    // The output folder is gone: root may write anywhere, so rights would say nothing.
    fs::rename(bench.path("out"), bench.path("away")).unwrap();
    let reply = daemon.get("/readyz");
    assert!(reply.status == 503 && reply.body.contains("output: "), "{} {}", reply.status, reply.body);
    assert_eq!(daemon.get("/healthz").status, 200);
    let health = bench.run(&["health", "--url", &format!("http://{}/readyz", daemon.address)]);
    assert_eq!(health.status.code(), Some(1));
}

#[test]
fn metrics_are_as_documented() {
    let server = site(Arc::new(AtomicUsize::new(3)));
    let bench = bench(&server, "every 1s", "");
    let daemon = start(&bench);
    until("the articles", || daemon.metric("jingwen_articles_total{site=\"local\"}") == Some(3.0));
    let text = daemon.get("/metrics").body;
    let documented = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md")).unwrap();
    let families: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(families.len() > 25, "{families:?}");
    for family in families {
        assert!(documented.contains(&format!("`{family}`")), "{family} is not in docs/metrics.md");
    }
    let promtool = std::process::Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    match promtool {
        Ok(mut promtool) => {
            promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            assert!(promtool.wait().unwrap().success(), "promtool has something to say");
        }
        Err(_) => println!("skipped: promtool is not here"),
    }
}

#[test]
fn buttons_ask_for_the_token_and_for_a_form_of_this_page() {
    let server = site(Arc::new(AtomicUsize::new(1)));
    let bench = bench(&server, "0 0 1 1 *", "");
    let daemon = start(&bench);
    let press = |headers: &[(&str, &str)], body: &str| daemon.ask("POST", "/sites/local/run", headers, body).status;
    assert_eq!(press(&[], ""), 401);
    assert_eq!(press(&[("Authorization", "Bearer wrong")], ""), 401);
    assert_eq!(press(&[("Cookie", "jingwen=made-up")], "csrf=x"), 401);
    assert_eq!(daemon.ask("POST", "/login", &[], "token=wrong").status, 401);
    assert_eq!(bench.articles().len(), 0);

    let login = daemon.ask("POST", "/login", &[], &format!("token={TOKEN}"));
    assert_eq!(login.status, 303);
    let set = login.header("set-cookie").unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    let cookie = set.split(';').next().unwrap().to_owned();
    assert_eq!(press(&[("Cookie", &cookie)], "csrf=made-up"), 403);
    let shown = daemon.ask("GET", "/sites/local", &[("Cookie", &cookie)], "").body;
    let csrf = shown.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(press(&[("Cookie", &cookie)], &format!("csrf={csrf}")), 303);
    until("the run that was asked for", || bench.articles().len() == 1);

    let bearer = [("Authorization", &*format!("Bearer {TOKEN}"))];
    assert_eq!(daemon.ask("POST", "/sites/local/pause", &bearer, "").status, 303);
    until("it is paused", || daemon.metric("jingwen_paused{site=\"local\"}") == Some(1.0));
    assert_eq!(daemon.ask("POST", "/sites/nowhere/pause", &bearer, "").status, 404);
    assert_eq!(daemon.stop(), Some(0));
    let daemon = start(&bench);
    assert_eq!(daemon.metric("jingwen_paused{site=\"local\"}"), Some(1.0), "a pause outlives the process");
}

#[test]
fn pages_are_bilingual_and_may_do_nothing() {
    let server = site(Arc::new(AtomicUsize::new(3)));
    let bench = bench(&server, "every 1s", "");
    let daemon = start(&bench);
    until("the articles are known", || daemon.get("/sites/local").body.contains("第3号便民措施"));
    let zh = daemon.ask("GET", "/", &[("Accept-Language", "zh-CN,zh;q=0.9,en;q=0.5")], "");
    assert!(zh.body.contains("今日文章") && zh.body.contains("lang=\"zh-CN\""));
    let en = daemon.ask("GET", "/", &[("Accept-Language", "en-GB")], "");
    assert!(en.body.contains("Articles today"));
    for path in ["/", "/sites/local", "/sites/local/last", "/search?q=便民", "/notices", "/login", "/nowhere"] {
        let reply = daemon.get(&path.replace("便民", "%E4%BE%BF%E6%B0%91"));
        assert!(reply.header("content-security-policy").unwrap().starts_with("default-src 'none'"), "{path}");
        assert!(!reply.body.contains("<script") && !reply.body.contains("style=\""), "{path}");
    }
    assert!(daemon.get("/search?q=%E4%BE%BF%E6%B0%91").body.contains("第2号便民措施"));
    assert!(daemon.get("/search?q=nothing-like-it").body.contains("Nothing found"));
    let last = daemon.get("/sites/local/last").body;
    assert!(last.contains("sandbox") && last.contains("便民措施"), "{last}");
    let report = daemon.get("/sites/local/last/report");
    assert!(
        report.body.contains("class=\"kept\"") && report.header("content-security-policy").unwrap().contains("sandbox")
    );
    assert_eq!(daemon.get("/sites/nowhere").status, 404);
}

#[test]
fn people_are_told_by_signed_webhooks_and_programs() {
    let heard = Server::start(|_, _| page(200, "{}"));
    let server = site(Arc::new(AtomicUsize::new(1)));
    let hooks = format!(
        "[[notify]]\nname = \"ops\"\nurl = \"http://{}/hook\"\nkinds = [\"run\"]\nsecret = \"s3cret\"\n\
         [[notify]]\nname = \"file\"\ncommand = [\"/bin/sh\", \"-c\", \"cat >> told.jsonl; echo >> told.jsonl\"]\n\
         kinds = [\"bad-reload\"]\n",
        heard.addr
    );
    let bench = bench(&server, "every 1s", &hooks);
    let daemon = start(&bench);
    until("a run is told", || heard.paths().iter().any(|path| path == "/hook"));
    let hit = heard.hits().remove(0);
    assert!(hit.headers["x-jingwen-signature"].starts_with("sha256="));
    bench.write("selectors/broken.toml", "name = \n");
    // The shell makes the file before anything is in it.
    until("the bad file is told", || {
        fs::read_to_string(bench.path("told.jsonl")).is_ok_and(|text| text.contains('\n'))
    });
    let told: Value =
        serde_json::from_str(fs::read_to_string(bench.path("told.jsonl")).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!(told["kind"], "bad-reload");
    assert!(told["detail"].as_str().unwrap().contains("broken.toml:1"), "{told}");
    assert!(daemon.get("/notices").body.contains("broken.toml"));
}

#[test]
fn once_runs_what_is_due_and_ends() {
    let articles = Arc::new(AtomicUsize::new(2));
    let server = site(articles.clone());
    let bench = bench(&server, "every 1h", "");
    let once = || wait(bench.command(&["daemon", "--once"]).spawn().unwrap(), Duration::from_secs(30));
    let first = once();
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    assert_eq!(bench.articles().len(), 2);
    let asked = server.hits().len();
    let second = once();
    assert_eq!(second.status.code(), Some(0));
    assert_eq!(server.hits().len(), asked, "nothing is due");
}

#[test]
fn wrong_configurations_are_told_before_anything_is_fetched() {
    let server = site(Arc::new(AtomicUsize::new(1)));
    for (from, to, words) in [
        ("schedule = \"every 1s\"", "", "has no schedule"),
        ("every 1s", "99 * * * *", "no schedule"),
        ("sites = [\"local\"]", "sites = []", "no sites"),
        ("[daemon]", "[daemon]\nlisten = \"nowhere\"", "invalid socket address"),
        ("[daemon]", "[daemon]\ntoken_file = \"absent\"", "absent"),
    ] {
        let bench = bench(&server, "every 1s", "");
        let text = fs::read_to_string(bench.path("jingwen.toml")).unwrap();
        assert!(text.contains(from));
        bench.write("jingwen.toml", &text.replace(from, to));
        let out = wait(bench.command(&["daemon"]).spawn().unwrap(), Duration::from_secs(20));
        assert_eq!(out.status.code(), Some(2), "{to}: {}", stderr(&out));
        assert!(stderr(&out).contains(words), "{to}: {}", stderr(&out));
    }
    assert!(server.hits().is_empty());
}

#[test]
fn two_processes_on_one_state_are_refused() {
    let server = site(Arc::new(AtomicUsize::new(1)));
    let bench = bench(&server, "every 1s", "");
    let daemon = start(&bench);
    let out = bench.run(&["crawl"]);
    assert_eq!(out.status.code(), Some(2), "{}", stderr(&out));
    assert!(stderr(&out).contains("in use"), "{}", stderr(&out));
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(bench.run(&["crawl"]).status.code(), Some(0));
}

#[test]
fn manners_hold_over_a_kill() {
    let server = site(Arc::new(AtomicUsize::new(30)));
    let bench = bench(&server, "every 1s", "");
    let config = fs::read_to_string(bench.path("jingwen.toml")).unwrap();
    bench.write("jingwen.toml", &config.replace("rate = \"200/s\"", "rate = \"1/2s\""));
    let mut daemon = start(&bench);
    until("a few requests", || server.hits().len() >= 3);
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();
    let before = server.hits().len();
    let _daemon = start(&bench);
    until("more requests", || server.hits().len() >= before + 2);
    let hits = server.hits();
    for pair in hits.windows(2) {
        let gap = pair[1].at - pair[0].at;
        assert!(gap >= Duration::from_millis(1900), "{gap:?} between {} and {}", pair[0].path, pair[1].path);
    }
    // What robots.txt said is remembered as well.
    assert_eq!(hits.iter().filter(|hit| hit.path == "/robots.txt").count(), 1);
}
