//! A small web server on loopback that answers as a test says and keeps a log with times, and the real binary run
//! against it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub struct Hit {
    pub at: Instant,
    pub over: Option<Instant>,
    pub host: String,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

/// What the server answers.
pub enum Answer {
    /// A whole answer with a length.
    Page { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// These bytes, then the connection is closed.
    Raw(Vec<u8>),
    /// These bytes, then one more byte of the second part every so often.
    Drip(Vec<u8>, u8, Duration),
    /// These bytes, then the second part again and again.
    Endless(Vec<u8>, Vec<u8>),
    /// Nothing, but the connection stays.
    Silence,
    /// After a while.
    Late(Duration, Box<Answer>),
}

pub fn page(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer::Page {
        status,
        headers: vec![("Content-Type".into(), "text/html; charset=utf-8".into())],
        body: body.into(),
    }
}

pub fn with(answer: Answer, name: &str, value: &str) -> Answer {
    match answer {
        Answer::Page { status, mut headers, body } => {
            headers.push((name.into(), value.into()));
            Answer::Page { status, headers, body }
        }
        other => other,
    }
}

pub fn redirect(to: &str) -> Answer {
    with(page(302, ""), "Location", to)
}

type Handler = dyn Fn(&Hit, usize) -> Answer + Send + Sync;

/// The server. It ends with the test.
pub struct Server {
    pub addr: SocketAddr,
    log: Arc<Mutex<Vec<Hit>>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Server {
    /// `handler` gets the request and how often this host and path was asked for before.
    pub fn start(handler: impl Fn(&Hit, usize) -> Answer + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let addr = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let handler: Arc<Handler> = Arc::new(handler);
        let shared = log.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone(), handler.clone()));
            }
        });
        Self { addr, log, runtime: Some(runtime) }
    }

    pub fn hits(&self) -> Vec<Hit> {
        self.log.lock().unwrap().clone()
    }

    pub fn paths(&self) -> Vec<String> {
        self.hits().into_iter().map(|hit| hit.path).collect()
    }

    pub fn clear(&self) {
        self.log.lock().unwrap().clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(mut stream: TcpStream, log: Arc<Mutex<Vec<Hit>>>, handler: Arc<Handler>) {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk).await {
                Ok(n) if n > 0 => buffer.extend_from_slice(&chunk[..n]),
                _ => return,
            }
        };
        let head: Vec<u8> = buffer.drain(..end).collect();
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.lines();
        let path = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned();
        let headers: HashMap<String, String> = lines
            .filter_map(|l| l.split_once(':'))
            .map(|(k, v)| (k.trim().to_ascii_lowercase(), v.trim().to_owned()))
            .collect();
        let host = headers.get("host").cloned().unwrap_or_default();
        let length: usize = headers.get("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
        while buffer.len() < length {
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk).await {
                Ok(n) if n > 0 => buffer.extend_from_slice(&chunk[..n]),
                _ => return,
            }
        }
        let body: Vec<u8> = buffer.drain(..length).collect();
        let hit = Hit { at: Instant::now(), over: None, host, path, headers, body };
        let (index, before) = {
            let mut log = log.lock().unwrap();
            let before = log.iter().filter(|h| h.path == hit.path && h.host == hit.host).count();
            log.push(hit.clone());
            (log.len() - 1, before)
        };
        let keep = answer(&mut stream, handler(&hit, before)).await;
        if let Some(hit) = log.lock().unwrap().get_mut(index) {
            hit.over = Some(Instant::now());
        }
        if !keep {
            return;
        }
    }
}

async fn answer(stream: &mut TcpStream, mut answer: Answer) -> bool {
    while let Answer::Late(wait, inner) = answer {
        tokio::time::sleep(wait).await;
        answer = *inner;
    }
    match answer {
        Answer::Page { status, headers, body } => {
            let mut out = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len());
            for (name, value) in headers {
                out.push_str(&format!("{name}: {value}\r\n"));
            }
            let mut out = format!("{out}\r\n").into_bytes();
            if status != 304 {
                out.extend_from_slice(&body);
            }
            stream.write_all(&out).await.is_ok()
        }
        Answer::Raw(bytes) => {
            let _ = stream.write_all(&bytes).await;
            false
        }
        Answer::Drip(start, byte, every) => {
            let mut ok = stream.write_all(&start).await.is_ok();
            while ok {
                tokio::time::sleep(every).await;
                ok = stream.write_all(&[byte]).await.is_ok();
            }
            false
        }
        Answer::Endless(start, again) => {
            let mut ok = stream.write_all(&start).await.is_ok();
            while ok {
                ok = stream.write_all(&again).await.is_ok();
            }
            false
        }
        Answer::Silence => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            false
        }
        Answer::Late(..) => false,
    }
}

/// Our own sentences, so that each page has a text of its own.
pub fn paragraphs(n: usize) -> String {
    (0..4)
        .map(|i| {
            format!(
                "<p>这是第{n}篇测试稿件的第{i}段，海湾市今天公布了编号{n}的便民措施，居民王先生说办事比从前快了许多，\
                 窗口的工作人员也更有耐心，预计下个月起在全市各个街道陆续推行。</p>\n"
            )
        })
        .collect()
}

pub fn article(n: usize) -> String {
    format!(
        "<html><head><meta charset=\"utf-8\"><title>海湾市推出第{n}号便民措施_测试网</title></head><body>\
         <h1>海湾市推出第{n}号便民措施</h1><div class=\"time\">2026-11-20 10:00</div><div class=\"art\">{}</div></body></html>",
        paragraphs(n)
    )
}

pub fn list(links: impl IntoIterator<Item = String>) -> String {
    let items: String = links.into_iter().map(|l| format!("<li><a href=\"{l}\">{l}</a></li>")).collect();
    format!("<html><head><title>列表</title></head><body><ul>{items}</ul></body></html>")
}

/// A selector file for a host of ours.
pub fn selectors(hosts: &[&str], extra: &str) -> String {
    let list: Vec<String> = hosts.iter().map(|h| format!("\"{h}\"")).collect();
    let seeds: Vec<String> = hosts.iter().map(|h| format!("\"http://{h}/\"")).collect();
    format!(
        "name = \"测试网\"\nhosts = [{}]\n[crawl]\nseeds = [{}]\nlists = ['/list_\\d+\\.htm$']\n\
         articles = ['/a_\\d+(_\\d+)?\\.htm$']\n{extra}\n\n[[template]]\nname = \"main\"\nwhen = {{ has = [\"div.art\"] }}\n\
         title = \"h1\"\nbody = [\"div.art\"]\npublished = \".time\"\nnext = {{ css = \"a.next\", max = 5 }}\n",
        list.join(", "),
        seeds.join(", ")
    )
}

/// A folder with configuration and selector files in which the real binary is run.
pub struct Bench {
    pub dir: tempfile::TempDir,
}

impl Bench {
    /// `hosts` lead to the server; `config` is added to the configuration as it is.
    pub fn new(server: &Server, hosts: &[&str], crawl: &str, config: &str) -> Self {
        let bench = Self::empty();
        bench.write("selectors/local.toml", &selectors(hosts, crawl));
        bench.configure(server, hosts, config);
        bench
    }

    pub fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("selectors")).unwrap();
        Self { dir }
    }

    pub fn configure(&self, server: &Server, hosts: &[&str], config: &str) {
        let resolve: Vec<String> = hosts.iter().map(|h| format!("\"{h}\" = \"{}\"", server.addr)).collect();
        let (http, rest) = config.split_once("---").unwrap_or(("", config));
        self.write(
            "jingwen.toml",
            &format!(
                "selectors = \"selectors\"\nsites = [\"local\"]\n[http]\nuser_agent = \"jingwen-test/1.0 (+mailto:t@a.test)\"\n\
                 resolve = {{ {} }}\n{http}\n{rest}\n",
                resolve.join(", ")
            ),
        );
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        // Another binary than the one just built can be tried with JINGWEN_BIN.
        let binary = std::env::var_os("JINGWEN_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_jingwen").into());
        let mut command = Command::new(binary);
        // A frontier that whoever runs the tests works with is none of theirs.
        command.env_remove("JINGWEN_POSTGRES").env_remove("JINGWEN_POSTGRES_PASSWORD_FILE");
        command.current_dir(self.dir.path()).args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs to the end, at most `seconds`.
    pub fn run_for(&self, args: &[&str], seconds: u64) -> Output {
        wait(self.command(args).spawn().unwrap(), Duration::from_secs(seconds))
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.run_for(args, 60)
    }

    pub fn crawl(&self) -> Output {
        let output = self.run(&["crawl"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    pub fn lines(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path("out").join(name)).unwrap_or_default();
        assert!(text.is_empty() || text.ends_with('\n'), "torn line in {name}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn articles(&self) -> Vec<Value> {
        self.lines("articles.jsonl")
    }

    pub fn urls(&self) -> Vec<String> {
        let mut urls: Vec<String> = self.articles().iter().map(|a| a["url"].as_str().unwrap().to_owned()).collect();
        urls.sort();
        urls
    }

    /// Changes the state as time would.
    pub fn change(&self, sql: impl Into<String>) {
        self.state(async |pool| sqlx::query(AssertSqlSafe(sql.into())).execute(&pool).await.map(|_| ()).unwrap());
    }

    /// Numbers out of the state.
    pub fn numbers(&self, sql: &'static str) -> Vec<i64> {
        self.state(async |pool| sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap())
    }

    fn state<T>(&self, work: impl AsyncFnOnce(SqlitePool) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(self.path("state/frontier.sqlite"));
            let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
            let result = work(pool.clone()).await;
            pool.close().await;
            result
        })
    }

    /// Lets so many hours pass: every time in the state is moved back, which is the same for the program.
    pub fn later(&self, hours: i64) {
        let ms = hours * 3_600_000;
        let history = format!(
            "json_object('count', history ->> 'count', 'first', (history ->> 'first') - {ms}, 'latest', (SELECT
             json_group_array(json_set(value, '$.at', (value ->> 'at') - {ms})) FROM json_each(history, '$.latest')))"
        );
        for sql in [
            format!(
                "UPDATE url SET due = due - {ms}, visited = max(0, visited - {ms}), full_at = max(0, full_at - {ms}),
                 named_at = max(0, named_at - {ms}), failed_at = max(0, failed_at - {ms}),
                 history = CASE WHEN history IS NULL THEN NULL ELSE {history} END"
            ),
            format!(
                "UPDATE host SET not_before = max(0, not_before - {ms}), held_at = max(0, held_at - {ms}),
                 asked = max(0, asked - {ms}), ready_at = max(0, ready_at - {ms}), robots_at = robots_at - {ms}"
            ),
            format!("UPDATE ending SET at = at - {ms}, revisit_at = revisit_at - {ms}"),
            format!("UPDATE recent SET at = at - {ms}, looked = looked - {ms}"),
        ] {
            self.change(sql);
        }
    }

    fn state_retries(&self) -> Vec<Value> {
        let output = self.run(&["state", "retries", "--limit", "1000", "--format", "json"]);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Addresses that failed and are tried again, each with the last failure.
    pub fn retries(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.state_retries().iter().map(|retry| (text(&retry["url"]), text(&retry["why"]))).collect()
    }

    /// How often an address that is tried again has failed.
    pub fn failures(&self, path: &str) -> u64 {
        let retries = self.state_retries();
        let retry = retries.iter().find(|retry| path_of(retry["url"].as_str().unwrap()) == path).unwrap();
        retry["tries"].as_u64().unwrap()
    }

    /// The same, by path.
    pub fn failing(&self) -> HashMap<String, String> {
        self.retries().into_iter().map(|(url, why)| (path_of(&url), why)).collect()
    }

    /// Reasons by path.
    pub fn rejected(&self) -> HashMap<String, String> {
        self.lines("rejected.jsonl")
            .iter()
            .map(|r| (path_of(r["url"].as_str().unwrap()), r["reason"].as_str().unwrap().to_owned()))
            .collect()
    }
}

pub fn path_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/".to_owned(), |at| rest[at..].to_owned())
}

/// Waits for a child, and kills it when its time is over.
pub fn wait(mut child: Child, most: Duration) -> Output {
    let out = collect(child.stdout.take().unwrap());
    let err = collect(child.stderr.take().unwrap());
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > most {
            child.kill().unwrap();
            child.wait().unwrap();
            let err = String::from_utf8_lossy(&err.join().unwrap()).into_owned();
            panic!("did not end within {most:?}: {err}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
}

/// Waits for a child whose output is nobody's; kills it when its time is over, and then gives no exit code.
pub fn wait_plain(child: &mut Child, most: Duration) -> Option<i32> {
    let begun = Instant::now();
    while begun.elapsed() < most {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

fn collect(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
