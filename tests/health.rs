//! `jingwen health` against servers that are well, unwell, deaf, and none at all.

mod support;

use std::time::{Duration, Instant};

use support::{Answer, Bench, Hit, Server, page, stderr};

#[test]
fn the_exit_code_says_how_it_is() {
    let server = Server::start(|hit: &Hit, _| match hit.path.as_str() {
        "/healthz?from=docker" => page(200, "ok"),
        "/readyz" => page(503, "state: not writable\n"),
        "/odd" => Answer::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        _ => Answer::Silence,
    });
    let bench = Bench::empty();
    let ask = |path: &str| bench.run(&["health", "--url", &format!("http://{}{path}", server.addr)]);
    // Messages are wrapped to the terminal's width.
    let said = |output: &std::process::Output| {
        stderr(output).replace('│', "").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    // The test's server keeps connections open, as a proxy may; what it said in full is enough all the same.
    let well = ask("/healthz?from=docker");
    assert_eq!(well.status.code(), Some(0), "{}", stderr(&well));
    let unwell = ask("/readyz");
    assert_eq!(unwell.status.code(), Some(1));
    assert!(said(&unwell).contains("answers 503: state: not writable"), "{}", stderr(&unwell));
    let odd = ask("/odd");
    assert!(odd.status.code() == Some(1) && said(&odd).contains("speaks no HTTP"), "{}", stderr(&odd));
    let begun = Instant::now();
    let deaf = ask("/deaf");
    assert!(deaf.status.code() == Some(1) && said(&deaf).contains("no answer within 3s"), "{}", stderr(&deaf));
    assert!(begun.elapsed() < Duration::from_secs(10));
    let none = bench.run(&["health", "--url", "http://127.0.0.1:1/healthz"]);
    assert!(none.status.code() == Some(1) && said(&none).contains("does not answer"), "{}", stderr(&none));
    let https = bench.run(&["health", "--url", "https://127.0.0.1/healthz"]);
    assert_eq!(https.status.code(), Some(2), "{}", stderr(&https));
}
