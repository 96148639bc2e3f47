//! The durability promise, tried by killing the real binary: every committed article exactly once, no torn line,
//! nothing committed fetched again.
//!
//! `JINGWEN_CRASH_ROUNDS=200 JINGWEN_CRASH_LISTS=150 cargo test --release --test crash -- --nocapture killed` makes more
//! rounds, in one crawl of 3,000 articles.

mod support;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use support::{Bench, Server, article, list, page, stderr};

const PER_LIST: usize = 20;
const CONCURRENCY: usize = 4;

/// Lists of the site.
fn lists() -> usize {
    std::env::var("JINGWEN_CRASH_LISTS").ok().and_then(|n| n.parse().ok()).unwrap_or(10)
}

fn serve() -> Server {
    Server::start(|hit, _| {
        let number: usize = hit.path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0);
        match hit.path.as_str() {
            "/" => page(200, list((1..=lists()).map(|n| format!("/list_{n}.htm")))),
            path if path.starts_with("/list_") => {
                page(200, list((0..PER_LIST).map(|i| format!("/a_{}.htm", number * 1000 + i))))
            }
            path if path.starts_with("/a_") => page(200, article(number)),
            _ => page(404, ""),
        }
    })
}

fn bench(server: &Server) -> Bench {
    let politeness = format!("[politeness]\nrate = \"5000/s\"\nconcurrency = {CONCURRENCY}\n");
    Bench::new(server, &["a.test"], "", &politeness)
}

/// Checks output and log after the last, undisturbed run.
fn check(server: &Server, bench: &Bench, kills: usize) {
    let output = bench.run_for(&["crawl"], 300);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut times: HashMap<String, usize> = HashMap::new();
    for url in bench.urls() {
        *times.entry(url).or_default() += 1;
    }
    assert_eq!(times.len(), lists() * PER_LIST, "articles lost");
    assert!(times.values().all(|n| *n == 1), "articles doubled");
    let mut asked: HashMap<String, usize> = HashMap::new();
    for path in server.paths().into_iter().filter(|p| p.starts_with("/a_")) {
        *asked.entry(path).or_default() += 1;
    }
    let again: usize = asked.values().map(|n| n - 1).sum();
    // Besides those under way at the server, those fetched and waiting for the commit are asked for again.
    let under_way = kills * (CONCURRENCY + 256);
    assert!(again <= under_way, "{again} fetched again by {kills} kills");
    println!("{kills} kills: {again} of {} articles fetched again, 0 lost, 0 doubled", times.len());
}

#[test]
fn killed_at_random_points() {
    let rounds: usize = std::env::var("JINGWEN_CRASH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    let server = serve();
    // Slow enough that the crawl is not over before the last kill.
    let rate = if rounds > 50 { 100 } else { 5000 };
    let politeness = format!("[politeness]\nrate = \"{rate}/s\"\nconcurrency = {CONCURRENCY}\n");
    let bench = Bench::new(&server, &["a.test"], "", &politeness);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let begun = Instant::now();
    let mut kills = 0;
    while kills < rounds && begun.elapsed() < Duration::from_secs(600) {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut child = bench.command(&["crawl"]).spawn().unwrap();
        // Count from the first sign of life, so that a slow start does not make the kill come too early.
        let before = server.hits().len();
        let patience = Instant::now();
        while server.hits().len() == before && patience.elapsed() < Duration::from_secs(10) {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis((seed >> 33) % 250));
        let over = child.try_wait().unwrap().is_some();
        let _ = child.kill();
        child.wait().unwrap();
        kills += 1;
        if over {
            break;
        }
    }
    check(&server, &bench, kills);
}

#[test]
fn dead_between_append_sync_and_commit() {
    if !cfg!(debug_assertions) {
        println!("skipped: release builds have no fault points");
        return;
    }
    let server = serve();
    let bench = bench(&server);
    let mut kills = 0;
    for point in ["append:1", "sync:1", "commit:1", "committed:1", "append:2", "sync:3", "commit:3", "committed:2"] {
        let output = bench.command(&["crawl"]).env("JINGWEN_FAULT", point).output().unwrap();
        kills += usize::from(!output.status.success());
    }
    assert!(kills >= 4, "only {kills} of the faults were reached");
    check(&server, &bench, kills);
}

/// Lines of all finished parts, by what their index says of them, and of the file that is being written.
fn lines_of_parts(out: &std::path::Path) -> (usize, Vec<String>) {
    let index: Vec<serde_json::Value> =
        serde_json::from_slice(&std::fs::read(out.join("articles-parts.json")).unwrap()).unwrap();
    let mut lines = Vec::new();
    for part in &index {
        let bytes = std::fs::read(out.join(part["name"].as_str().unwrap())).unwrap();
        assert_eq!(part["stored"], bytes.len());
        let text = match bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            true => zstd::decode_all(&bytes[..]).unwrap(),
            false => bytes,
        };
        let text = String::from_utf8(text).unwrap();
        assert!(text.ends_with('\n') && part["bytes"] == text.len());
        assert_eq!(part["records"], text.lines().count());
        lines.extend(text.lines().map(ToOwned::to_owned));
    }
    lines.extend(std::fs::read_to_string(out.join("articles.jsonl")).unwrap().lines().map(ToOwned::to_owned));
    (index.len(), lines)
}

#[test]
fn dead_while_a_part_is_cut_off() {
    let faults = ["part-begun", "part-detached", "part-stored", "part-named"];
    for compress in ["none", "zstd"] {
        let server = serve();
        let config = format!(
            "[politeness]\nrate = \"5000/s\"\nconcurrency = {CONCURRENCY}\n[output]\nrotate_size = \"20KiB\"\ncompress = \"{compress}\"\n"
        );
        let bench = Bench::new(&server, &["a.test"], "", &config);
        if cfg!(debug_assertions) {
            for (n, point) in faults.iter().chain(&faults).enumerate() {
                let fault = format!("{point}:{}", 1 + n % 2);
                let _ = bench.command(&["crawl"]).env("JINGWEN_FAULT", fault).output().unwrap();
            }
        }
        let output = bench.run(&["crawl"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let (parts, lines) = lines_of_parts(&bench.path("out"));
        assert!(parts >= 3, "{parts} parts");
        let mut urls: Vec<String> = lines
            .iter()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["url"].as_str().unwrap().to_owned())
            .collect();
        urls.sort();
        assert_eq!(urls.len(), lists() * PER_LIST, "{compress}");
        urls.dedup();
        assert_eq!(urls.len(), lists() * PER_LIST, "{compress}: doubled");
        let left: Vec<_> = std::fs::read_dir(bench.path("out"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with('.'))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn two_on_one_state_are_refused() {
    let server = serve();
    let politeness = "[politeness]\nrate = \"5/s\"\n";
    let bench = Bench::new(&server, &["a.test"], "", politeness);
    let mut first = bench.command(&["crawl"]).spawn().unwrap();
    let begun = Instant::now();
    while server.hits().is_empty() && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = bench.run(&["crawl"]);
    assert_eq!(second.status.code(), Some(2), "{}", stderr(&second));
    assert!(stderr(&second).contains("in use by another jingwen"), "{}", stderr(&second));
    let other = bench.run(&["crawl", "--state", "other-state"]);
    assert_eq!(other.status.code(), Some(2), "{}", stderr(&other));
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn ctrl_c_saves_the_state() {
    let server = serve();
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"20/s\"\n");
    let child = bench.command(&["crawl"]).spawn().unwrap();
    let begun = Instant::now();
    while server.hits().len() < 20 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let stopped = Instant::now();
    let output = support::wait(child, Duration::from_secs(10));
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stopped.elapsed() < Duration::from_secs(3));
    let asked = server.paths().iter().filter(|p| p.starts_with("/a_")).count();
    assert!(bench.articles().len() + 1 >= asked, "{} of {asked}", bench.articles().len());
}
