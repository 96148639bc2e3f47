//! A backup taken while a crawl is going, as docs/operations.md says it: put back, nothing is lost and nothing is doubled.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use support::{Answer, Bench, Server, article, list, page, wait};

const ARTICLES: usize = 30;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_backup_of_a_running_crawl_can_be_put_back() {
    if let Err(error) = Command::new("sqlite3").arg("--version").output() {
        return eprintln!("skipped: sqlite3 is not here ({error})");
    }
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/" => page(200, list((1..=ARTICLES).map(|n| format!("/a_{n}.htm")))),
        path if path.starts_with("/a_") => {
            let n = path.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
            Answer::Late(Duration::from_millis(100), Box::new(page(200, article(n))))
        }
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["news.example"], "rate = \"100/s\"", "");
    let crawl = bench.command(&["crawl"]).spawn().unwrap();
    let begun = Instant::now();
    let lines = |path: &Path| fs::read_to_string(path).unwrap_or_default().matches('\n').count();
    while lines(&bench.path("out/articles.jsonl")) < 5 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not crawl");
        std::thread::sleep(Duration::from_millis(20));
    }
    // State first, then output; more is written in between.
    fs::create_dir_all(bench.path("backup/state")).unwrap();
    for name in ["frontier.sqlite", "drift.sqlite"] {
        let to = format!(".backup '{}'", bench.path("backup/state").join(name).display());
        let output = Command::new("sqlite3").arg(bench.path("state").join(name)).arg(to).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    std::thread::sleep(Duration::from_millis(500));
    copy(&bench.path("out"), &bench.path("backup/out"));
    assert_eq!(wait(crawl, Duration::from_secs(60)).status.code(), Some(0));
    let (whole, saved) = (bench.urls(), lines(&bench.path("backup/out/articles.jsonl")));
    assert!(whole.len() == ARTICLES && saved < ARTICLES, "{saved} of {} were saved", whole.len());

    fs::remove_dir_all(bench.path("out")).unwrap();
    fs::remove_dir_all(bench.path("state")).unwrap();
    copy(&bench.path("backup/out"), &bench.path("out"));
    copy(&bench.path("backup/state"), &bench.path("state"));
    let checked = bench.run(&["state", "vacuum"]);
    assert!(checked.status.success(), "{}", support::stderr(&checked));
    let output = bench.crawl();
    assert!(support::stderr(&output).contains("cut off what was not committed"), "{}", support::stderr(&output));
    assert_eq!(bench.urls(), whole);
}
