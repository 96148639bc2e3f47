//! What the status page costs with two hundred sites and a large state: printed, not judged.
//!
//! `JINGWEN_PAGE_ARTICLES=1000000 cargo test --release --test page_speed -- --nocapture` (twenty thousand unless it says
//! otherwise).

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use support::Bench;

const SITES: usize = 200;

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.0 200") || text.starts_with("HTTP/1.1 200"), "{path}: {text}");
    text
}

fn start(bench: &Bench) -> (std::process::Child, SocketAddr, Duration) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let begun = Instant::now();
    let child = bench.command(&["daemon", "--listen", &address.to_string()]).stderr(Stdio::null()).spawn().unwrap();
    while TcpStream::connect(address).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    (child, address, begun.elapsed())
}

/// Four weeks of history, and articles that are done.
async fn fill(bench: &Bench, articles: usize) {
    let open = |name: &str| SqlitePool::connect_with(SqliteConnectOptions::new().filename(bench.path(name)));
    let state = open("state/frontier.sqlite").await.unwrap();
    let many = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {articles})");
    for insert in [
        "INSERT INTO seen (bucket, host, near, id) SELECT i % 256, i % 200, i, i * 7919 FROM n",
        "INSERT INTO text (hash, id) SELECT i * 104729, printf('%032x', i) FROM n",
    ] {
        sqlx::query(sqlx::AssertSqlSafe(format!("{many} {insert}"))).execute(&state).await.unwrap();
    }
    state.close().await;
    let history = open("state/daemon.sqlite").await.unwrap();
    let hour = jiff::Timestamp::now().as_second() / 3600;
    let each = articles / SITES / 672;
    let rows = format!(
        "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < {}), h(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM h WHERE j < 671)",
        SITES - 1
    );
    for insert in [
        format!(
            "{rows} INSERT OR REPLACE INTO hour SELECT printf('s%d', i), {hour} - 671 + j, {each} + (i + j) % 3, 1, 9, 0 FROM s, h"
        ),
        format!("{rows} INSERT OR REPLACE INTO since SELECT printf('s%d', i), {hour} - 671, {hour} * 3600000 FROM s"),
        format!(
            "{rows} INSERT INTO article (site, at, id, url, title, published_at, template, chars) SELECT printf('s%d', i), {hour} * 3600000, \
             'x', printf('https://s%d.test/%d.htm', i, j), printf('海湾市推出第%d号便民措施', j), '2026-11-20T10:00:00+08:00', 'main', 900 \
             FROM s, h WHERE j < 200"
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&history).await.unwrap();
    }
    history.close().await;
}

#[test]
fn the_page_with_two_hundred_sites() {
    let articles = std::env::var("JINGWEN_PAGE_ARTICLES").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let bench = Bench::empty();
    let sites: Vec<String> = (0..SITES).map(|n| format!("\"s{n}\"")).collect();
    for n in 0..SITES {
        let host = format!("s{n}.test");
        bench.write(
            &format!("selectors/s{n}.toml"),
            &support::selectors(&[&host], "").replace("测试网", &format!("测试网{n}")),
        );
    }
    bench.write(
        "jingwen.toml",
        &format!("selectors = \"selectors\"\nsites = [{}]\nschedule = \"0 0 1 1 *\"\n", sites.join(", ")),
    );
    let (mut child, _, _) = start(&bench);
    child.kill().unwrap();
    child.wait().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(fill(&bench, articles));
    let (mut child, address, started) = start(&bench);
    println!("{articles} articles, {SITES} sites: it listens after {:.0} ms", started.as_secs_f64() * 1000.0);
    assert!(get(address, "/").contains("测试网199"));
    for path in ["/", "/sites/s7", "/search?q=%E7%AC%AC199%E5%8F%B7", "/notices", "/metrics", "/readyz"] {
        let mut took: Vec<Duration> = (0..40)
            .map(|_| {
                let begun = Instant::now();
                get(address, path);
                begun.elapsed()
            })
            .collect();
        took.sort();
        let ms = |at: usize| took[at].as_secs_f64() * 1000.0;
        println!("{path}: {:.1} ms (median), {:.1} (90 %)", ms(20), ms(36));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
