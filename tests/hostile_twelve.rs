//! Twelve hosts at once, each bad in its own way, with default limits except for the timeout: the crawl ends by itself,
//! in bounded memory, brings home every page that can be had, names each that cannot, and a healthy host beside them
//! is as quick as alone.

mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant, SystemTime};

use support::{Answer, Bench, Server, article, list, page, redirect, stderr, with};

const HOSTS: [&str; 12] = [
    "normal.test",
    "broken-robots.test",
    "no-robots.test",
    "silent-robots.test",
    "rules.test",
    "slow-please.test",
    "late-robots.test",
    "busy.test",
    "away.test",
    "circles.test",
    "resets.test",
    "healthy.test",
];
/// Good articles on each host.
const GOOD: usize = 20;
/// … and on the healthy one.
const HEALTHY: usize = 100;

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn header(rest: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{rest}").into_bytes()
}

fn gzipped(plain: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(plain).unwrap();
    out.finish().unwrap()
}

/// An article with something in front of its body.
fn around(n: usize, before: &str) -> String {
    article(n).replacen("<h1>", &format!("{before}<h1>"), 1)
}

/// Faults that no later try mends, from 101 on.
fn fault(n: usize) -> Answer {
    match n {
        101 => Answer::Drip(b"HTTP/1.1 200 OK\r\nX: ".to_vec(), b'x', Duration::from_millis(200)),
        102 => Answer::Drip(header("\r\n<html>"), b'x', Duration::from_millis(200)),
        103 => Answer::Endless(header("\r\n<html>"), vec![b'x'; 4096]),
        104 => Answer::Endless(header(""), b"X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".to_vec()),
        105 => Answer::Silence,
        106 => with(page(200, gzipped(&vec![b' '; 64 << 20])), "Content-Encoding", "gzip"),
        107 => page(200, vec![b'x'; 12 << 20]),
        108 => Answer::Raw(header("Content-Length: 90000\r\n\r\n<html>")),
        109 => Answer::Raw(header("Transfer-Encoding: chunked\r\n\r\nffff\r\n<html>")),
        110 => Answer::Raw(b"HTTP/1.1 abc\r\n\r\n".to_vec()),
        111 => Answer::Raw(b"\x16\x03\x01 no http at all".to_vec()),
        112 => Answer::Raw(Vec::new()),
        113 => redirect("http://10.0.0.1/a_1.htm"),
        114 => redirect("file:///etc/passwd"),
        115 => redirect("/a_115.htm?utm_source=x"),
        116 => redirect("http://user:secret@[::1]:1/"),
        117 => page(404, "<html><body>没有</body></html>"),
        118 => page(410, ""),
        119 => page(200, ""),
        120 => with(page(200, vec![0_u8; 4096]), "Content-Type", "application/octet-stream"),
        121 => page(200, format!("<html><body{}>", " a=1".repeat(200_000))),
        _ => page(500, ""),
    }
}
const FAULTS: std::ops::RangeInclusive<usize> = 101..=122;

/// Pages that are odd and yet whole, from 201 on.
fn odd(n: usize, before: usize) -> Answer {
    let later = SystemTime::now() + Duration::from_secs(2);
    let whole = || page(200, article(n));
    match n {
        201 if before == 0 => with(page(429, ""), "Retry-After", "2"),
        202 if before == 0 => with(page(429, ""), "Retry-After", &httpdate::fmt_http_date(later)),
        203 if before == 0 => page(429, ""),
        204 if before < 2 => with(page(503, ""), "Retry-After", "1"),
        205 => (0..300).fold(whole(), |answer, i| with(answer, &format!("X-{i}"), "1")),
        206 => page(200, around(n, &"<div>".repeat(3_000))),
        207 => page(200, article(n).replace("第207篇", "第207篇\0")),
        208 => with(whole(), "Set-Cookie", "wall=1"),
        209 if before == 0 => Answer::Raw(header("Content-Length: 90000\r\n\r\n<html>")),
        _ => whole(),
    }
}
const ODD: std::ops::RangeInclusive<usize> = 201..=209;

fn answer(host: &str, path: &str, before: usize) -> Answer {
    let n = number(path);
    let good = if host == "healthy.test" { HEALTHY } else { GOOD };
    match (host, path) {
        ("resets.test", _) => Answer::Raw(Vec::new()),
        ("broken-robots.test", "/robots.txt") => page(500, ""),
        ("silent-robots.test", "/robots.txt") => Answer::Silence,
        ("rules.test", "/robots.txt") => page(200, "User-agent: *\nDisallow: /a_1.htm$\n"),
        ("slow-please.test", "/robots.txt") => page(200, "User-agent: *\nCrawl-delay: 1\n"),
        ("late-robots.test", "/robots.txt") if before < 2 => with(page(503, ""), "Retry-After", "1"),
        (_, "/robots.txt") => page(404, ""),
        ("normal.test" | "no-robots.test", "/") => {
            page(200, list((1..=GOOD).chain(FAULTS).chain(ODD).map(|n| format!("/a_{n}.htm"))))
        }
        ("circles.test", "/") => page(200, list((1..=GOOD).chain(301..=320).map(|n| format!("/a_{n}.htm")))),
        ("circles.test", _) if n > 300 => redirect(&format!("/a_{}.htm", 301 + (n - 300) % 20)),
        ("busy.test", _) if n % 5 == 1 && before == 0 => with(page(429, ""), "Retry-After", "1"),
        ("away.test", _) if n % 5 == 1 && before == 0 => with(page(503, ""), "Retry-After", "2"),
        (_, "/") => page(200, list((1..=good).map(|n| format!("/a_{n}.htm")))),
        _ if FAULTS.contains(&n) => fault(n),
        _ if ODD.contains(&n) => odd(n, before),
        _ if path.starts_with("/a_") => page(200, article(n)),
        _ => page(404, ""),
    }
}

/// Peak memory of the run in MiB, with what it said and how long it took.
fn run(bench: &Bench) -> (f64, String, Duration) {
    let begun = Instant::now();
    let child = bench.command(&["crawl"]).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let watch = std::thread::spawn(move || {
        let mut peak = 0.0_f64;
        while let Ok(text) = std::fs::read_to_string(&status) {
            let kib =
                text.lines().find(|l| l.starts_with("VmHWM")).and_then(|l| l.split_whitespace().nth(1)?.parse().ok());
            match kib {
                Some(kib) => peak = peak.max(kib),
                None => break,
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        peak / 1024.0
    });
    let output = support::wait(child, Duration::from_secs(120));
    let said = stderr(&output);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    (watch.join().unwrap(), said, begun.elapsed())
}

/// Time from the healthy host's first page to its last.
fn healthy_time(server: &Server) -> Duration {
    let hits: Vec<Instant> = server.hits().iter().filter(|hit| hit.host == "healthy.test").map(|hit| hit.at).collect();
    *hits.last().unwrap() - hits[0]
}

#[test]
fn twelve_bad_hosts_at_once() {
    let start = || Server::start(|hit, before| answer(&hit.host, &hit.path, before));
    let config = "timeout = \"8s\"\n---[politeness]\nrate = \"25/s\"\nconcurrency = 4\npatience = \"20s\"\n";
    let alone = start();
    run(&Bench::new(&alone, &["healthy.test"], "", config));
    let server = start();
    let bench = Bench::new(&server, &HOSTS, "", config);
    let (peak, said, took) = run(&bench);

    let mut articles: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for url in bench.urls() {
        let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
        articles.entry(host.to_owned()).or_default().push(number(path));
    }
    let good = |host: &str| articles.get(host).map_or(0, |all| all.iter().filter(|n| **n <= HEALTHY).count());
    for host in HOSTS {
        let wanted = match host {
            "broken-robots.test" | "silent-robots.test" | "resets.test" => 0,
            "rules.test" => GOOD - 1,
            "healthy.test" => HEALTHY,
            _ => GOOD,
        };
        assert_eq!(good(host), wanted, "{host}: {said}");
    }
    for host in ["normal.test", "no-robots.test"] {
        let got = &articles[host];
        let missing: Vec<_> = ODD.filter(|n| !got.contains(n)).collect();
        assert!(missing.is_empty(), "{host}: {missing:?} not brought home: {said}");
        assert!(!FAULTS.into_iter().any(|n| got.contains(&n)), "{host}: {got:?}");
    }
    // Each failure is named, on both hosts: rejected, or queued for another try.
    let rejected = bench.lines("rejected.jsonl").into_iter().map(|line| line["url"].as_str().unwrap().to_owned());
    let accounted: Vec<String> = rejected.chain(bench.retries().into_iter().map(|(url, _)| url)).collect();
    for n in FAULTS {
        let named = accounted.iter().filter(|url| url.ends_with(&format!("/a_{n}.htm"))).count();
        assert_eq!(named, 2, "fault {n}: {said}");
    }
    let hits = server.hits();
    for host in ["broken-robots.test", "silent-robots.test", "resets.test"] {
        assert!(hits.iter().all(|hit| hit.host != host || hit.path == "/robots.txt"), "{host} was asked for a page");
    }
    assert!(hits.iter().all(|hit| !(hit.host == "rules.test" && hit.path == "/a_1.htm")));
    let (before, beside) = (healthy_time(&alone), healthy_time(&server));
    println!(
        "ended in {:.1} s, peak {peak:.0} MiB; the healthy host took {:.2} s alone and {:.2} s beside the others",
        took.as_secs_f64(),
        before.as_secs_f64(),
        beside.as_secs_f64()
    );
    assert!(took < Duration::from_secs(120), "{took:?}");
    assert!(peak < 300.0, "{peak} MiB");
    // 10 % is the promise; a test machine may be busy with other things.
    assert!(beside < before.mul_f64(1.3), "{before:?} alone, {beside:?} beside");
}
