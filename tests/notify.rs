//! Telling someone: hooks against a real server on loopback and real programs, with restarts, failures and floods.

mod support;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jingwen::notify::{Event, EventKind, Hook, Notifier, Outcome, Pace, Recent, Told, sign};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use support::{Answer, Hit, Server, page, with};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Quick enough for a test.
const QUICK: Pace =
    Pace { first: Duration::from_millis(100), most: Duration::from_millis(400), give_up: Duration::from_secs(60) };

async fn pool(path: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(10));
    SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap()
}

/// A notifier that delivers, until it is stopped or killed.
struct Running {
    notifier: Arc<Notifier>,
    closing: CancellationToken,
    task: JoinHandle<()>,
    pool: SqlitePool,
}

impl Running {
    async fn start(path: &Path, hooks: Vec<Hook>, pace: Pace) -> Self {
        let pool = pool(path).await;
        let notifier = Arc::new(Notifier::open_with(pool.clone(), hooks, pace).await.unwrap());
        let closing = CancellationToken::new();
        let task = tokio::spawn(notifier.clone().run(closing.clone()));
        Self { notifier, closing, task, pool }
    }

    async fn stop(self) {
        self.closing.cancel();
        self.task.await.unwrap();
        self.pool.close().await;
    }

    /// As a process that dies: nothing is finished.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
        self.pool.close().await;
    }

    async fn until(&self, what: &str, is: impl Fn(&[Recent]) -> bool) -> Vec<Recent> {
        let begun = Instant::now();
        loop {
            let recent = self.notifier.recent(50).await.unwrap();
            if is(&recent) {
                return recent;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {recent:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn until_done(&self, n: usize) -> Vec<Recent> {
        self.until(&format!("{n} deliveries done"), |recent| {
            let all = recent.iter().flat_map(|notice| &notice.deliveries);
            all.filter(|attempt| !matches!(attempt.outcome, Outcome::Waiting(_))).count() >= n
        })
        .await
    }
}

fn hook(name: &str, rest: &str) -> Hook {
    toml::from_str(&format!("name = '{name}'\n{rest}")).unwrap()
}

fn to(server: &Server, name: &str, rest: &str) -> Hook {
    hook(name, &format!("url = 'http://{}/{name}?key=k'\n{rest}", server.addr))
}

fn event(kind: EventKind, site: &str, title: &str) -> Event {
    Event {
        site: Some(site.into()),
        detail: "It usually has 31 articles in that time.".into(),
        looked_for: Some("div.art".into()),
        since: Some("2026-11-25T14:00:00Z".into()),
        evidence: vec!["https://news.example/1.htm".into()],
        silence: format!("jingwen drift --forget {site}"),
        data: json!({ "expected": 31 }),
        ..Event::new(kind, title)
    }
}

fn body(hit: &Hit) -> Value {
    serde_json::from_slice(&hit.body).unwrap()
}

/// The server has a runtime of its own, which must not be made inside the test's.
fn server(handler: impl Fn(&Hit, usize) -> Answer + Send + Sync + 'static) -> Server {
    std::thread::spawn(move || Server::start(handler)).join().unwrap()
}

fn ok(_: &Hit, _: usize) -> Answer {
    page(200, "ok")
}

#[tokio::test]
async fn a_signed_message_reaches_the_hooks_that_want_it() {
    let server = server(ok);
    let dir = tempfile::tempdir().unwrap();
    let hooks = vec![
        to(&server, "all", "secret = 's3cret'"),
        to(&server, "people", "sites = ['people']"),
        to(&server, "runs", "kinds = ['run']"),
    ];
    let running = Running::start(&dir.path().join("d.sqlite"), hooks, QUICK).await;
    let told = running.notifier.send(event(EventKind::Silent, "sznews", "深圳新闻网 is silent")).await.unwrap();
    assert_eq!(told, Told::Queued(1));
    assert_eq!(running.notifier.send(event(EventKind::Part, "sznews", "part 1")).await.unwrap(), Told::Unwanted);
    let recent = running.until_done(1).await;
    assert_eq!(recent.len(), 1);
    assert_eq!(recent[0].deliveries[0].result.as_deref(), Some("answered 200"));
    let hits = server.hits();
    assert_eq!(hits.len(), 1, "{hits:?}");
    let (hit, told) = (&hits[0], body(&hits[0]));
    assert_eq!((hit.path.as_str(), &told["kind"], &told["site"]), ("/all?key=k", &json!("silent"), &json!("sznews")));
    assert_eq!(serde_json::from_value::<Event>(told).unwrap(), recent[0].event);
    let seconds: i64 = hit.headers["x-jingwen-timestamp"].parse().unwrap();
    let text = String::from_utf8(hit.body.clone()).unwrap();
    assert_eq!(hit.headers["x-jingwen-signature"], sign::ours("s3cret", seconds, &text));
    assert!(jiff::Timestamp::now().as_second() - seconds < 60);
    assert_eq!(running.notifier.pending().await.unwrap(), 0);
    let counts = running.notifier.counts();
    assert_eq!((counts["all"].sent, counts["all"].failed, counts["people"].sent), (1, 0, 0));
    running.stop().await;
}

/// What is written down can be believed by whoever checks it with another implementation.
#[tokio::test]
async fn the_signature_is_what_python_computes() {
    let server = server(ok);
    let dir = tempfile::tempdir().unwrap();
    let hooks = vec![to(&server, "all", "secret = '密钥 with a blank'")];
    let running = Running::start(&dir.path().join("d.sqlite"), hooks, QUICK).await;
    running.notifier.send(event(EventKind::Drift, "sznews", "标题变了")).await.unwrap();
    running.until_done(1).await;
    let hit = server.hits().remove(0);
    std::fs::write(dir.path().join("body"), &hit.body).unwrap();
    let program = "import hmac, hashlib, sys\nbody = open(sys.argv[1], 'rb').read()\n\
                   key, text = '密钥 with a blank'.encode(), sys.argv[2].encode() + b'.' + body\n\
                   print('sha256=' + hmac.new(key, text, hashlib.sha256).hexdigest())";
    let output = std::process::Command::new("python3")
        .env("PYTHONUTF8", "1")
        .args(["-c", program])
        .arg(dir.path().join("body"))
        .arg(&hit.headers["x-jingwen-timestamp"])
        .output();
    match output {
        Ok(output) if output.status.success() => {
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), hit.headers["x-jingwen-signature"]);
        }
        other => eprintln!("skipped: no python3 here: {other:?}"),
    }
    running.stop().await;
}

#[tokio::test]
async fn what_fails_is_tried_again_and_holds_up_no_other_hook() {
    let server = server(|hit: &Hit, before| match (hit.path.as_str(), before) {
        ("/flaky?key=k", 0) => page(503, "later"),
        // 200, and yet not taken.
        ("/flaky?key=k", 1) => page(200, r#"{"code":19021,"msg":"sign match fail"}"#),
        ("/flaky?key=k", _) => page(200, r#"{"code":0,"msg":"success"}"#),
        ("/deaf?key=k", _) => Answer::Silence,
        _ => page(200, "ok"),
    });
    let dir = tempfile::tempdir().unwrap();
    let hooks = vec![
        to(&server, "deaf", "timeout = '300ms'"),
        to(&server, "flaky", "format = 'feishu'\nsecret = 'CST'"),
        to(&server, "good", ""),
    ];
    let running = Running::start(&dir.path().join("d.sqlite"), hooks, QUICK).await;
    running.notifier.send(event(EventKind::Drift, "sznews", "t")).await.unwrap();
    let recent = running.until_done(2).await;
    let by: HashMap<&str, _> = recent[0].deliveries.iter().map(|a| (a.hook.as_str(), a)).collect();
    assert!(matches!(by["good"].outcome, Outcome::Sent(_)) && by["good"].tries == 1);
    assert!(matches!(by["flaky"].outcome, Outcome::Sent(_)) && by["flaky"].tries == 3, "{by:?}");
    assert!(matches!(by["deaf"].outcome, Outcome::Waiting(_)), "{by:?}");
    assert_eq!(by["deaf"].result.as_deref(), Some("no answer within 300ms"));
    assert_eq!(running.notifier.pending().await.unwrap(), 1);
    assert_eq!(running.notifier.counts()["flaky"].failed, 2);
    let flaky: Vec<Hit> = server.hits().into_iter().filter(|hit| hit.path.starts_with("/flaky")).collect();
    let number = |hit: &Hit| hit.headers["x-jingwen-delivery"].clone();
    assert!(flaky.iter().all(|hit| number(hit) == number(&flaky[0])), "a second try is known as one");
    let posted = body(&flaky[0]);
    let seconds: i64 = posted["timestamp"].as_str().unwrap().parse().unwrap();
    assert_eq!(posted["sign"], sign::feishu("CST", seconds));
    running.stop().await;
}

#[tokio::test]
async fn retry_after_is_kept_to() {
    let server = server(|_: &Hit, before| match before {
        0 => with(page(429, ""), "Retry-After", "1"),
        _ => page(200, "ok"),
    });
    let dir = tempfile::tempdir().unwrap();
    let pace = Pace { most: Duration::from_secs(2), ..QUICK };
    let running = Running::start(&dir.path().join("d.sqlite"), vec![to(&server, "a", "")], pace).await;
    running.notifier.send(event(EventKind::Drift, "sznews", "t")).await.unwrap();
    running.until_done(1).await;
    let hits = server.hits();
    let between = hits[1].at.duration_since(hits[0].at);
    assert!(hits.len() == 2 && between >= Duration::from_millis(990), "{between:?}");
    running.stop().await;
}

#[tokio::test]
async fn a_death_in_the_middle_of_a_delivery_loses_nothing() {
    let up = Arc::new(AtomicBool::new(false));
    let answers = up.clone();
    let server = server(move |_: &Hit, _| match answers.load(Ordering::Relaxed) {
        true => page(200, "ok"),
        false => Answer::Silence,
    });
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("d.sqlite");
    let hooks = vec![to(&server, "a", "timeout = '30s'")];
    let running = Running::start(&file, hooks.clone(), QUICK).await;
    for n in 0..3 {
        running.notifier.send(event(EventKind::Drift, "sznews", &format!("t{n}"))).await.unwrap();
    }
    let begun = Instant::now();
    while server.hits().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The message is at the other side, and its answer will never come.
    running.kill().await;
    up.store(true, Ordering::Relaxed);
    let running = Running::start(&file, hooks, QUICK).await;
    let recent = running.until_done(3).await;
    assert!(recent.iter().all(|notice| matches!(notice.deliveries[0].outcome, Outcome::Sent(_))), "{recent:#?}");
    let titles: Vec<Value> = server.hits().iter().map(|hit| body(hit)["title"].clone()).collect();
    assert_eq!(titles, ["t0", "t0", "t1", "t2"], "in their order, the one whose answer was lost once more");
    running.stop().await;
}

#[tokio::test]
async fn closing_does_not_wait_for_the_deaf() {
    let server = server(|_: &Hit, _| Answer::Silence);
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(&dir.path().join("d.sqlite"), vec![to(&server, "a", "timeout = '60s'")], QUICK).await;
    running.notifier.send(event(EventKind::Drift, "sznews", "t")).await.unwrap();
    while server.hits().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let begun = Instant::now();
    running.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_nobody_takes_is_given_up_and_recorded_as_such() {
    let server = server(|_: &Hit, _| page(500, "broken"));
    let dir = tempfile::tempdir().unwrap();
    let pace = Pace { give_up: Duration::from_secs(2), ..QUICK };
    let running = Running::start(&dir.path().join("d.sqlite"), vec![to(&server, "a", "")], pace).await;
    running.notifier.send(event(EventKind::Drift, "sznews", "t")).await.unwrap();
    let recent = running.until_done(1).await;
    let attempt = &recent[0].deliveries[0];
    assert!(matches!(attempt.outcome, Outcome::GivenUp(_)), "{attempt:?}");
    assert_eq!(attempt.result.as_deref(), Some("given up: answered 500: broken"));
    let counts = running.notifier.counts()["a"];
    assert!(counts.given_up == 1 && counts.failed >= 2 && counts.sent == 0, "{counts:?}");
    running.stop().await;
}

#[tokio::test]
async fn hooks_are_replaced_while_it_runs() {
    let server = server(|hit: &Hit, _| match hit.path.as_str() {
        "/new?key=k" => page(200, "ok"),
        _ => page(500, ""),
    });
    let dir = tempfile::tempdir().unwrap();
    let slow = Pace { first: Duration::from_secs(600), most: Duration::from_secs(3_600), ..Pace::default() };
    let wrong = hook("a", &format!("url = 'http://{}/old'", server.addr));
    let running = Running::start(&dir.path().join("d.sqlite"), vec![wrong, to(&server, "gone", "")], slow).await;
    running.notifier.send(event(EventKind::Drift, "sznews", "t")).await.unwrap();
    running.until("both failed", |recent| recent[0].deliveries.iter().all(|attempt| attempt.tries == 1)).await;
    let right = hook("a", &format!("url = 'http://{}/new?key=k'", server.addr));
    // All or none.
    let error = running.notifier.set_hooks(vec![right.clone(), right.clone()]).unwrap_err().to_string();
    assert!(error.contains("two of this name"), "{error}");
    assert_eq!(running.notifier.hooks().len(), 2);
    running.notifier.set_hooks(vec![right]).unwrap();
    let recent = running.until_done(2).await;
    let by: HashMap<&str, _> = recent[0].deliveries.iter().map(|a| (a.hook.as_str(), a)).collect();
    assert!(matches!(by["a"].outcome, Outcome::Sent(_)), "mended, and not ten minutes later: {by:?}");
    assert_eq!(by["gone"].result.as_deref(), Some("the hook is no longer configured"));
    running.stop().await;
}

#[tokio::test]
async fn a_flood_is_told_once_and_counted() {
    let server = server(ok);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("d.sqlite");
    let running = Running::start(&file, vec![to(&server, "a", "")], QUICK).await;
    let silent = || event(EventKind::Silent, "sznews", "silent");
    assert_eq!(running.notifier.send(silent()).await.unwrap(), Told::Queued(1));
    for _ in 0..5 {
        assert_eq!(running.notifier.send(silent()).await.unwrap(), Told::Held);
    }
    // Another site, another title and another kind are not the same.
    for other in [
        event(EventKind::Silent, "people", "silent"),
        event(EventKind::Silent, "sznews", "else"),
        event(EventKind::Drift, "sznews", "silent"),
    ] {
        assert_eq!(running.notifier.send(other).await.unwrap(), Told::Queued(1));
    }
    // An hour later it is news again, with what was held back.
    sqlx::query("UPDATE notice SET said_at = said_at - 3600001").execute(&running.pool).await.unwrap();
    assert_eq!(running.notifier.send(silent()).await.unwrap(), Told::Queued(1));
    let recent = running.until_done(5).await;
    assert_eq!((recent[0].repeated, recent[0].held), (5, 0));
    assert_eq!(body(server.hits().last().unwrap())["repeated"], 5);
    // A recovery makes it news at once, but what goes to and fro ends at three times.
    let recovered = || event(EventKind::Recovered, "sznews", "articles again");
    let mut told = Vec::new();
    for _ in 0..6 {
        told.push(running.notifier.send(recovered()).await.unwrap());
        told.push(running.notifier.send(silent()).await.unwrap());
    }
    assert_eq!(told.iter().filter(|told| **told == Told::Queued(1)).count(), 5, "{told:?}");
    running.stop().await;
}

#[tokio::test]
async fn each_run_is_told_to_who_asks_for_runs() {
    let server = server(ok);
    let dir = tempfile::tempdir().unwrap();
    let hooks = vec![to(&server, "a", "kinds = ['run']")];
    let running = Running::start(&dir.path().join("d.sqlite"), hooks, QUICK).await;
    for _ in 0..3 {
        assert_eq!(running.notifier.send(event(EventKind::Run, "sznews", "done")).await.unwrap(), Told::Queued(1));
    }
    running.until_done(3).await;
    running.stop().await;
}

#[tokio::test]
async fn the_queue_does_not_grow_without_end() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("d.sqlite");
    let server = server(ok);
    let running = Running::start(&file, vec![to(&server, "a", "kinds = ['drift']")], QUICK).await;
    let row = "INSERT INTO notice (said_at, kind, loud, site, title, event, repeated)
               WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
               SELECT i, 'silent', 1, 'x', 't' || i, '{}', 0 FROM n";
    sqlx::query(row).execute(&running.pool).await.unwrap();
    sqlx::query("INSERT INTO delivery (notice, hook, queued_at, next_try, done_at, sent) SELECT id, 'a', 0, 0, 0, 1 FROM notice")
        .execute(&running.pool)
        .await
        .unwrap();
    let pool = running.pool.clone();
    let count = |table: &'static str| {
        let pool = pool.clone();
        async move {
            let text = format!("SELECT count(*) FROM {table}");
            sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(text)).fetch_one(&pool).await.unwrap()
        }
    };
    assert_eq!((count("notice").await, count("delivery").await), (5_000, 5_000));
    // Tidied with the next change of hooks, otherwise every ten minutes.
    running.notifier.set_hooks(vec![to(&server, "a", "kinds = ['failed']")]).unwrap();
    let begun = Instant::now();
    while count("delivery").await > 2_000 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(count("notice").await, 2_000);
    running.stop().await;
}

#[tokio::test]
async fn a_program_gets_the_event_and_what_it_says_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let command = |name: &str, script: &str, rest: &str| {
        let array = toml::Value::try_from(["sh", "-c", script, "sh", out.to_str().unwrap()]).unwrap();
        hook(name, &format!("command = {array}\ntemplate = '{{site}}: {{title}}'\n{rest}"))
    };
    let hooks = vec![
        command(
            "good",
            "cat > $1; echo \"$JINGWEN_KIND $JINGWEN_SITE $JINGWEN_TITLE\" > $1.env; env | grep CARGO > $1.all",
            "env = ['CARGO_PKG_NAME']",
        ),
        command("bad", "echo first >&2; echo cannot reach the pager >&2; exit 7", ""),
        // What it started ends with it, and does not read what it is told.
        command("stuck", "echo $$ > $1.pid; sleep 300 & sleep 300", "timeout = '1500ms'"),
    ];
    let pace =
        Pace { first: Duration::from_secs(60), most: Duration::from_secs(60), give_up: Duration::from_secs(86_400) };
    let running = Running::start(&dir.path().join("d.sqlite"), hooks, pace).await;
    let mut told = event(EventKind::Blocked, "sznews", "www.sznews.com refuses us\0");
    told.evidence = vec!["x".repeat(200_000)];
    running.notifier.send(told.clone()).await.unwrap();
    let recent = running.until("each was run", |r| r[0].deliveries.iter().all(|a| a.tries == 1)).await;
    let by: HashMap<&str, _> = recent[0].deliveries.iter().map(|a| (a.hook.as_str(), a)).collect();
    assert!(matches!(by["good"].outcome, Outcome::Sent(_)), "{by:?}");
    let input: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(serde_json::from_value::<Event>(input.clone()).unwrap(), told);
    assert_eq!(input["text"], "sznews: www.sznews.com refuses us");
    let env = std::fs::read_to_string(dir.path().join("out.env")).unwrap();
    assert_eq!(env.trim(), "blocked sznews www.sznews.com refuses us");
    // Of what this process was started with it gets what programs need, and what the hook names.
    let all = std::fs::read_to_string(dir.path().join("out.all")).unwrap();
    assert_eq!(all.trim(), "CARGO_PKG_NAME=jingwen");
    assert_eq!(by["bad"].result.as_deref(), Some("exit status: 7: cannot reach the pager"));
    assert_eq!(by["stuck"].result.as_deref(), Some("killed after 1500ms"));
    let group = std::fs::read_to_string(dir.path().join("out.pid")).unwrap();
    let alive =
        std::process::Command::new("sh").args(["-c", &format!("kill -0 -- -{}", group.trim())]).output().unwrap();
    let begun = Instant::now();
    let mut gone = !alive.status.success();
    while !gone && begun.elapsed() < Duration::from_secs(5) {
        // Killed, and not yet reaped by whoever does that here.
        let text = format!("ps -o stat= -g {} | grep -qv Z", group.trim());
        gone = !std::process::Command::new("sh").args(["-c", &text]).status().unwrap().success();
    }
    assert!(gone, "what it started still runs");
    running.stop().await;
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_refused_at_once_and_told_later() {
    let server = server(ok);
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    let signed = to(&server, "a", &format!("secret_file = '{}'", key.display()));
    let error = Notifier::open(pool(&dir.path().join("d.sqlite")).await, vec![signed.clone()]).await.unwrap_err();
    assert!(error.to_string().contains("cannot read its `secret_file`"), "{error}");
    std::fs::write(&key, "one\n").unwrap();
    let running = Running::start(&dir.path().join("d.sqlite"), vec![signed], QUICK).await;
    std::fs::remove_file(&key).unwrap();
    running.notifier.send(event(EventKind::Drift, "sznews", "t")).await.unwrap();
    let recent = running.until("failed", |recent| recent[0].deliveries[0].tries > 0).await;
    assert!(recent[0].deliveries[0].result.as_deref().unwrap().contains("secret_file"), "{recent:?}");
    std::fs::write(&key, "two\n").unwrap();
    running.until_done(1).await;
    let hit = server.hits().remove(0);
    let seconds = hit.headers["x-jingwen-timestamp"].parse().unwrap();
    let text = String::from_utf8(hit.body).unwrap();
    assert_eq!(hit.headers["x-jingwen-signature"], sign::ours("two", seconds, &text));
    running.stop().await;
}
