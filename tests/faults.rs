//! The n-th thing fails, for n = 1, 2, 3 …: each run ends with a clear word and the next one brings everything home.

mod support;

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use support::{Answer, Bench, Server, article, list, page, stderr, wait};

const ARTICLES: usize = 40;
const FAST: &str = "[politeness]\nrate = \"2000/s\"\nconcurrency = 4\n";

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn answer(path: &str, articles: usize) -> Answer {
    match path {
        "/robots.txt" => page(404, ""),
        "/" => page(200, list((1..=articles).map(|n| format!("/a_{n}.htm")))),
        path => page(200, article(number(path))),
    }
}

/// Runs with a limit on the size of files, as a full disk would set one (`ulimit -f` counts blocks of 512 bytes).
fn run_with_small_disk(bench: &Bench, blocks: usize) -> std::process::Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" crawl");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_jingwen")]).current_dir(bench.dir.path());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    wait(command.spawn().unwrap(), Duration::from_secs(60))
}

#[test]
fn a_full_disk_stops_the_crawl_and_loses_nothing() {
    let server = Server::start(|hit, _| answer(&hit.path, ARTICLES));
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let mut failures = 0;
    for blocks in [1, 16, 48, 96, 128, 160, 192, 200, 208, 216, 224, 232, 240, 256, 272, 288] {
        let output = run_with_small_disk(&bench, blocks);
        let said = stderr(&output);
        assert!(!said.contains("panicked"), "{said}");
        match output.status.code() {
            Some(0) => {}
            Some(1) => {
                failures += 1;
                let clear = ["cannot write", "cannot open", "the state cannot be", "up to date"];
                assert!(clear.iter().any(|words| said.contains(words)), "{blocks}: {said}");
            }
            other => panic!("{blocks}: {other:?} {said}"),
        }
        bench.articles();
    }
    assert!(failures >= 3, "the limit was hardly felt: {failures}");
    bench.crawl();
    let mut urls = bench.urls();
    assert_eq!(urls.len(), ARTICLES);
    urls.dedup();
    assert_eq!(urls.len(), ARTICLES);
}

#[test]
fn the_nth_answer_is_cut_and_everything_comes_home() {
    for n in 0..8 {
        let count = Arc::new(AtomicUsize::new(0));
        let server = Server::start(move |hit, _| {
            if count.fetch_add(1, Ordering::Relaxed) == n {
                return Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n<html>".to_vec());
            }
            answer(&hit.path, 5)
        });
        let bench = Bench::new(&server, &["a.test"], "", FAST);
        bench.crawl();
        assert_eq!(bench.urls().len(), 5, "answer {n}: {:?}", server.paths());
        assert!(bench.rejected().is_empty());
    }
}
