//! `jingwen diff`: a selector file is changed, and the change in the records is told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(path)
}

fn diff(old: &Path, new: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jingwen"))
        .args(["diff", "--archive"])
        .arg(example("site.warc.gz"))
        .arg("--old")
        .arg(old)
        .arg("--new")
        .arg(new)
        .args(more)
        .output()
        .unwrap()
}

fn changed(from: &str, to: &str) -> (tempfile::TempDir, PathBuf) {
    let text = fs::read_to_string(example("selectors/pengwan.toml")).unwrap();
    assert!(text.contains(from), "{from}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pengwan.toml");
    fs::write(&file, text.replacen(from, to, 1)).unwrap();
    (dir, file)
}

#[test]
fn no_change_is_exit_code_0() {
    let file = example("selectors/pengwan.toml");
    let out = diff(&file, &file, &[]);
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    assert!(String::from_utf8_lossy(&out.stdout).contains("pengwan"));
}

#[test]
fn what_changes_is_told_page_by_page() {
    let old = example("selectors/pengwan.toml");
    // A container that holds one paragraph only.
    let (_dir, new) = changed("body  = \"#content .txt\"", "body  = \"#content .txt p\"");
    let out = diff(&old, &new, &["--format", "json"]);
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let counts = &report["sites"]["pengwan"];
    let pages = report["pages"].as_array().unwrap();
    assert!(!pages.is_empty());
    let n = |key: &str| counts[key].as_u64().unwrap();
    assert_eq!(n("pages"), n("same") + n("gained") + n("lost") + n("text") + n("fields") + n("way"), "{counts}");
    assert_eq!(pages.len() as u64, n("pages") - n("same"));
    let text = pages.iter().find(|p| p["outcome"] == "text").unwrap();
    assert!(text["url"].as_str().unwrap().starts_with("https://news.pengwan.example/"));
    assert!(text["text"].as_array().unwrap().iter().any(|e| e["edit"] == "gone"), "{text}");
    assert!(text["chars"][0].as_u64() > text["chars"][1].as_u64());

    let out = diff(&old, &new, &["--site", "www.example.com"]);
    assert_eq!(out.status.code(), Some(0), "no page of that site: {out:?}");
}

#[test]
fn lines_that_went_are_shown() {
    let old = example("selectors/pengwan.toml");
    let text = fs::read_to_string(&old).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let new = dir.path().join("pengwan.toml");
    fs::write(&new, format!("{text}\n[[line]]\nmatch = '缆车'\naction = \"drop\"\n")).unwrap();
    let out = diff(&old, &new, &["--site", "pengwan"]);
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    let shown = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(shown.lines().any(|l| l.trim_start().starts_with("- ") && l.contains("缆车")), "{shown}");
    assert!(!shown.lines().any(|l| l.trim_start().starts_with("+ ")), "{shown}");
}
