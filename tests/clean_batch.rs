//! `jingwen clean` on many pages: a record depends on its page alone.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

/// Pages of one host, on all of which the same sentence stands below the text.
fn pages() -> Vec<String> {
    let page = |n: usize| {
        let html = format!(
            "<html><head><meta charset=utf-8><title>第{n}座桥修好通车_青石新闻</title></head><body><h1>第{n}座桥修好通车</h1>\
             <div>2026-03-02 08:{:02} 来源：青石日报</div><div><p>第{n}座桥昨天修好，桥长{n}十米，能走校车，镇里派了两个人守夜。</p>\
             <p>镇交通站说，每座桥都有人守，汛期每小时记一次水位。</p></div></body></html>",
            n % 60
        );
        let url = format!("https://news.qingshi.example/2026-03/02/content_{n}.htm");
        json!({ "id": n.to_string(), "url": url, "html": html }).to_string()
    };
    (1..=80).map(page).collect()
}

fn clean(lines: &[String], more: &[&str]) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pages.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let out =
        Command::new(env!("CARGO_BIN_EXE_jingwen")).arg("clean").args(more).arg("--pages").arg(&file).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
    text.lines().map(|l| (id(l), l.to_owned())).collect()
}

#[test]
fn order_and_threads_change_nothing() {
    let mut lines = pages();
    let first = clean(&lines, &["--generic"]);
    lines.reverse();
    assert_eq!(clean(&lines, &["--generic", "--threads", "2"]), first);
    assert!(first.values().all(|line| line.contains("汛期每小时记一次水位")));
    // Asked for, what repeats on a site's pages is learned.
    assert!(
        clean(&lines, &["--generic", "--learn-repeats"]).values().any(|line| !line.contains("汛期每小时记一次水位"))
    );
}

#[test]
fn an_empty_address_is_none() {
    let line = pages()[0].replace("https://news.qingshi.example/2026-03/02/content_1.htm", "");
    let record = clean(&[line], &[]).remove("1").unwrap();
    assert!(!record.contains("rejected") && !record.contains("\"url\""), "{record}");
}
