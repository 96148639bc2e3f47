//! The daemon's page in a real browser: what it shows, its buttons, no error in its console, no accessibility violation
//! that axe-core finds, in light and dark, wide and narrow, Chinese and English. Screenshots go to `target/screenshots`.
//!
//! Needs `chromedriver` and Chromium; axe-core where `AXE_CORE` or `target/axe` has it. Says so and skips where they are
//! absent.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};
use support::{Bench, Server, article, list, page};

const TOKEN: &str = "a-token-for-tests-of-the-page";

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not within 60 s: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|dir| names.iter().map(move |name| dir.join(name)))
        .find(|file| file.is_file())
}

/// axe-core's source, where it is.
fn axe() -> Option<String> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe/node_modules/axe-core/axe.min.js");
    let path = std::env::var_os("AXE_CORE").map_or(target, PathBuf::from);
    fs::read_to_string(path).ok()
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A session of WebDriver: as much of it as is needed.
struct Browser {
    _driver: Killed,
    address: SocketAddr,
    session: String,
}

impl Browser {
    fn start(chromium: &Path, driver: &Path, profile: &Path) -> Self {
        let port = free_port();
        let child = Command::new(driver)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut browser = Self { _driver: Killed(child), address, session: String::new() };
        until("chromedriver listens", || TcpStream::connect(address).is_ok());
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": chromium, "args": args },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let answer = browser.call("POST", "/session", &wanted);
        browser.session = answer["sessionId"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        browser
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let body = if method == "GET" { String::new() } else { body.to_string() };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut bytes = Vec::new();
        // The connection may stay open although we asked otherwise: the length says where the answer ends.
        let mut chunk = [0; 65_536];
        loop {
            let n = stream.read(&mut chunk).unwrap();
            bytes.extend_from_slice(&chunk[..n]);
            if n == 0 || complete(&bytes) {
                break;
            }
        }
        let at = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let mut answer: Value = serde_json::from_slice(&bytes[at + 4..]).unwrap();
        answer["value"].take()
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let value = self.call(method, &format!("/session/{}{path}", self.session), body);
        assert!(value.get("error").is_none(), "{path}: {value}");
        value
    }

    fn cdp(&self, cmd: &str, params: &Value) {
        self.command("POST", "/goog/cdp/execute", &json!({ "cmd": cmd, "params": params }));
    }

    fn open(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    fn run(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    fn screenshot(&self, name: &str) {
        let text = self.command("GET", "/screenshot", &Value::Null);
        let png = base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), &png).unwrap();
        println!("screenshot: target/screenshots/{name}.png, {} bytes", png.len());
    }

    /// Errors in the console since the last look.
    fn errors(&self) -> Vec<String> {
        let log = self.command("POST", "/se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().cloned().unwrap_or_default();
        entries.iter().filter(|e| e["level"] == "SEVERE").map(|e| e["message"].to_string()).collect()
    }

    /// What axe-core finds wrong.
    fn violations(&self, axe: &str) -> Vec<String> {
        self.run(&format!("{axe}; return true"));
        let script = "const done = arguments[arguments.length - 1]; \
                      axe.run(document, { iframes: false }).then(r => done(r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).join(' | '))))\
                      .catch(e => done(['axe failed: ' + e]))";
        let found = self.command("POST", "/execute/async", &json!({ "script": script, "args": [] }));
        found.as_array().unwrap().iter().map(|v| v.as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = TcpStream::connect(self.address).map(|mut stream| {
                write!(stream, "DELETE /session/{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", self.session)
            });
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

fn complete(bytes: &[u8]) -> bool {
    let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&bytes[..at]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| bytes.len() >= at + 4 + length)
}

/// A site with articles, a list that is no article, and a host that is down.
fn site() -> Server {
    Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(404, ""),
        "/" if hit.host.starts_with("down") => page(412, ""),
        "/" => page(200, list((1..=12).map(|n| format!("/a_{n}.htm")))),
        "/a_3.htm" => page(200, "<html><body><h1>空</h1></body></html>"),
        path if path.starts_with("/a_") => {
            page(200, article(path.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()))
        }
        _ => page(404, ""),
    })
}

#[test]
fn the_page_in_a_real_browser() {
    let (Some(chromium), Some(driver)) =
        (on_path(&["chromium", "chromium-browser", "google-chrome"]), on_path(&["chromedriver"]))
    else {
        println!("skipped: there is no chromium, or no chromedriver");
        return;
    };
    let axe = axe();
    if axe.is_none() {
        println!("axe-core is not there: accessibility is not checked (npm install --prefix target/axe axe-core)");
    }
    let server = site();
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"200/s\"\n[daemon]\njitter = \"0s\"\n");
    let second = support::selectors(&["down.test"], "").replace("测试网", "断线网");
    bench.write("selectors/down.toml", &second);
    let config = fs::read_to_string(bench.path("jingwen.toml")).unwrap();
    let config = config
        .replace("sites = [\"local\"]", "sites = [\"local\", \"down\"]")
        .replace("resolve = {", &format!("resolve = {{ \"down.test\" = \"{}\",", server.addr));
    bench.write("jingwen.toml", &format!("schedule = \"every 5s\"\n{config}"));
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let log = fs::File::create(bench.path("daemon.log")).unwrap();
    let daemon = bench
        .command(&["daemon", "--listen", &address.to_string()])
        .env("JINGWEN_TOKEN", TOKEN)
        .stderr(Stdio::from(log))
        .spawn()
        .unwrap();
    let _daemon = Killed(daemon);
    until("the articles", || bench.articles().len() == 11);
    std::thread::sleep(Duration::from_millis(1500));

    let profile = tempfile::tempdir().unwrap();
    let browser = Browser::start(&chromium, &driver, profile.path());
    let base = format!("http://{address}");
    let looks = [("zh-CN", "light", 1280), ("en", "dark", 1280), ("zh-CN", "dark", 390), ("en", "light", 390)];
    let pages = [
        ("overview", "/"),
        ("site", "/sites/local"),
        ("site-down", "/sites/down"),
        ("last", "/sites/local/last"),
        ("search", "/search?q=便民"),
        ("notices", "/notices"),
        ("login", "/login"),
    ];
    for (language, scheme, width) in looks {
        browser.cdp("Network.enable", &json!({}));
        browser.cdp("Network.setExtraHTTPHeaders", &json!({ "headers": { "Accept-Language": language } }));
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        browser.cdp("Emulation.setEmulatedMedia", &json!({ "features": features }));
        let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500 });
        browser.cdp("Emulation.setDeviceMetricsOverride", &metrics);
        for (name, path) in pages {
            browser.open(&format!("{base}{path}"));
            browser.screenshot(&format!("{name}-{language}-{scheme}-{width}"));
            assert_eq!(browser.errors(), Vec::<String>::new(), "{name} {language} {scheme} {width}");
            assert_eq!(browser.run("return document.documentElement.lang"), language);
            let overflow =
                browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
            assert_eq!(overflow, 0, "{name} at {width}: the page is wider than the window");
            if let Some(axe) = &axe {
                assert_eq!(browser.violations(axe), Vec::<String>::new(), "{name} {language} {scheme} {width}");
            }
        }
    }
    // The buttons, as a person presses them.
    browser.open(&format!("{base}/login"));
    browser.run(&format!(
        "document.querySelector('#token').value = '{TOKEN}'; document.querySelector('main form').submit()"
    ));
    until("logged in", || browser.run("return document.querySelector('form[action=\"/logout\"]') !== null") == true);
    browser.open(&format!("{base}/sites/local"));
    browser.run("document.querySelector('form[action=\"/sites/local/pause\"] button').click()");
    until("paused", || {
        browser.run("return document.querySelector('form[action=\"/sites/local/resume\"]') !== null") == true
    });
    browser.screenshot("site-paused");
    if let Some(axe) = &axe {
        assert_eq!(browser.violations(axe), Vec::<String>::new(), "with buttons");
    }
    assert_eq!(browser.errors(), Vec::<String>::new());
    // A broken file, as the page tells of it.
    bench.write("selectors/broken.toml", "name = \"断\"\nhosts = [\"x.test\"]\nbodi = \".x\"\n");
    until("the page tells", || {
        browser.open(&format!("{base}/"));
        browser
            .run("return document.querySelector('[role=alert] pre')?.textContent ?? ''")
            .as_str()
            .unwrap()
            .contains("bodi")
    });
    browser.screenshot("broken-file");
    if let Some(axe) = &axe {
        assert_eq!(browser.violations(axe), Vec::<String>::new(), "with a banner");
    }
}
