//! One delivery: a POST, or a program.

use std::ffi::OsString;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::hook::{Address, Hook, To};
use super::message;
use super::queue::Due;
use crate::lock::lock;
use crate::retry::retry_after;

/// Bytes of an answer that are looked at.
const ANSWER: usize = 64 << 10;
/// Bytes of a program's last words that are kept.
const LAST_WORDS: usize = 4 << 10;

/// Why a delivery did not arrive.
#[derive(Debug)]
pub(super) struct Trouble {
    /// What happened.
    pub(super) text: String,
    /// The whole hook is out of order, not only this message.
    pub(super) away: bool,
    /// The other side asked to wait.
    pub(super) wait: Option<Duration>,
}

impl Trouble {
    fn new(text: impl Into<String>, away: bool) -> Self {
        Self { text: text.into(), away, wait: None }
    }
}

pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Fails only if a provider is there already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("jingwen/", env!("CARGO_PKG_VERSION")))
        // A message is for the address that was configured; where that has moved, somebody should know.
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(Duration::from_secs(10))
        .pool_max_idle_per_host(1)
        .build()
}

/// Makes a delivery; says what came of it.
pub(super) async fn deliver(client: &reqwest::Client, hook: &Hook, due: &Due) -> Result<String, Trouble> {
    match &hook.to {
        To::Url(address) => {
            let within = hook.timeout.0;
            match tokio::time::timeout(within, post(client, hook, address, due)).await {
                Ok(result) => result,
                Err(_) => Err(Trouble::new(format!("no answer within {}", hook.timeout), true)),
            }
        }
        To::Command(command) => run(hook, command, due).await,
    }
}

async fn post(client: &reqwest::Client, hook: &Hook, address: &Address, due: &Due) -> Result<String, Trouble> {
    let secret = hook.read_secret().map_err(|error| Trouble::new(error.problem, true))?;
    let now = Timestamp::now();
    let out = message::outgoing(hook, address.url(), secret.as_ref(), &due.event, due.repeated, due.id, now);
    let mut request = client.post(out.url).header("Content-Type", "application/json; charset=utf-8").body(out.body);
    for (name, value) in out.headers {
        request = request.header(name, value);
    }
    let mut answer = request.send().await.map_err(|error| Trouble::new(cause(error), true))?;
    let status = answer.status().as_u16();
    let wait = answer
        .headers()
        .get("Retry-After")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| retry_after(value, now));
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| Trouble::new(cause(error), true))? {
        body.extend_from_slice(&chunk[..chunk.len().min(ANSWER - body.len())]);
        if body.len() == ANSWER {
            break;
        }
    }
    let away = status == 429 || status >= 500;
    message::verdict(hook.format, status, &String::from_utf8_lossy(&body)).map_err(|text| Trouble { text, away, wait })
}

/// What is at the bottom of an error, without the address: that holds the key.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match error.is_connect() {
        true => format!("no connection: {cause}"),
        false => cause.to_string(),
    }
}

/// A program and all that it started; they end with this value, unless the program ended by itself.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // Gone already is as good.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

async fn run(hook: &Hook, command: &[String], due: &Due) -> Result<String, Trouble> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Trouble::new("`command` names no program", true));
    };
    let event = &due.event;
    let variable = |text: &str| text.chars().filter(|c| *c != '\0').take(1_000).collect::<String>();
    let mut child = Command::new(program)
        .args(arguments)
        // Passwords and tokens that this process was started with are not the hook's.
        .env_clear()
        .envs(environment(&hook.env))
        .env("JINGWEN_KIND", event.kind.as_str())
        .env("JINGWEN_SITE", variable(event.site.as_deref().unwrap_or_default()))
        .env("JINGWEN_TITLE", variable(&event.title))
        .env("JINGWEN_DELIVERY", due.id.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Trouble::new(format!("cannot start {program}: {error}"), true))?;
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let words = Arc::new(Mutex::new(Vec::new()));
    let listening = stderr.map(|stderr| tokio::spawn(listen(stderr, words.clone())));
    let input = message::plain(hook, event, due.repeated);
    let telling = async {
        if let Some(mut stdin) = stdin {
            // A program need not read what it is told.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        child.wait().await
    };
    let ended = tokio::time::timeout(hook.timeout.0, telling).await;
    if ended.is_ok() {
        group.0 = None;
    }
    drop(group);
    if let Some(mut listening) = listening {
        // What it left running may hold the pipe open for ever.
        if tokio::time::timeout(Duration::from_millis(200), &mut listening).await.is_err() {
            listening.abort();
        }
    }
    let words = String::from_utf8_lossy(&lock(&words)).into_owned();
    let last = words.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let said = if last.is_empty() { String::new() } else { format!(": {last}") };
    match ended {
        Ok(Ok(status)) if status.success() => Ok("exit code 0".into()),
        Ok(Ok(status)) => Err(Trouble::new(format!("{status}{said}"), false)),
        Ok(Err(error)) => Err(Trouble::new(format!("cannot wait for {program}: {error}"), false)),
        Err(_) => Err(Trouble::new(format!("killed after {}{said}", hook.timeout), false)),
    }
}

/// Variables that a hook's program gets: those that programs need to find files, to speak a language and to tell the time.
/// Whatever else it needs is named by `env` of the hook.
const PASSED: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "TERM",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

fn environment(more: &[String]) -> Vec<(OsString, OsString)> {
    let is_passed = |name: &OsString| {
        let Some(name) = name.to_str() else { return false };
        PASSED.contains(&name) || name.starts_with("LC_") || more.iter().any(|other| other == name)
    };
    std::env::vars_os().filter(|(name, _)| is_passed(name)).collect()
}

/// Keeps the end of what a program says.
async fn listen(mut from: impl AsyncRead + Unpin, words: Arc<Mutex<Vec<u8>>>) {
    let mut chunk = [0; 1024];
    while let Ok(n @ 1..) = from.read(&mut chunk).await {
        let mut words = lock(&words);
        words.extend_from_slice(&chunk[..n]);
        let over = words.len().saturating_sub(LAST_WORDS);
        words.drain(..over);
    }
}
