//! The books of a crawl of sites that misbehave at random: once they are well again, every article is written exactly once,
//! every other address is accounted for, the requests are bounded, and nobody else is asked.

mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use support::{Answer, Bench, Hit, Server, article, list, page, path_of, redirect, with};

const FAST: &str = "timeout = \"1s\"\n---[politeness]\nrate = \"1000/s\"\nconcurrency = 2\npatience = \"50ms\"\n";
const ARTICLES: usize = 24;

/// A small generator: tests must be repeatable.
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }
}

/// How a page misbehaves while its site is ill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Status(u16),
    Closed,
    Cut,
    Empty,
    NotModified,
    BusyFor(u32),
    /// Leads away, to an address that answers.
    Moved,
    /// It never gives an article.
    Gone,
    Short,
    Binary,
    Circle,
    OffSite,
}

impl Fault {
    /// True for pages that give an article in the end.
    fn is_article(self) -> bool {
        !matches!(self, Self::Gone | Self::Short | Self::Binary | Self::Circle | Self::OffSite)
    }
}

const FAULTS: [Fault; 20] = [
    Fault::None,
    Fault::None,
    Fault::None,
    Fault::Status(404),
    Fault::Status(403),
    Fault::Status(500),
    Fault::Status(502),
    Fault::Status(408),
    Fault::Status(410),
    Fault::Status(429),
    Fault::Closed,
    Fault::Cut,
    Fault::Empty,
    Fault::NotModified,
    Fault::BusyFor(2),
    Fault::Moved,
    Fault::Gone,
    Fault::Short,
    Fault::Binary,
    Fault::Circle,
];

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn answer(fault: Fault, is_ill: bool, n: usize, asked: usize) -> Answer {
    let whole = || page(200, article(n));
    match fault {
        Fault::Moved => redirect(&format!("/a_{}.htm", n + 1000)),
        Fault::Gone => page(404, "gone"),
        Fault::Short => page(200, "<html><body><p>短</p></body></html>"),
        Fault::Binary => with(page(200, vec![0xff, 0xd8, 0xff, 0xe0, 0, 0, 1, 2]), "Content-Type", "image/jpeg"),
        Fault::Circle => redirect(&format!("/a_{n}.htm?utm_source=x")),
        Fault::OffSite => redirect("http://evil.test/a_1.htm"),
        _ if !is_ill => whole(),
        Fault::Status(status) => page(status, "<html><body>later</body></html>"),
        Fault::Closed => Answer::Raw(Vec::new()),
        Fault::Cut => {
            let body = article(n);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", body.len());
            Answer::Raw([head.as_bytes(), &body.as_bytes()[..200]].concat())
        }
        Fault::Empty => page(200, ""),
        Fault::NotModified => page(304, ""),
        Fault::BusyFor(times) if asked <= times as usize => with(page(503, ""), "Retry-After", "1"),
        _ => whole(),
    }
}

struct Site {
    faults: Vec<Fault>,
    lists: Vec<Fault>,
    is_ill: AtomicBool,
    asked: Mutex<HashMap<String, usize>>,
}

impl Site {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let fault = |random: &mut Random| FAULTS[random.next(FAULTS.len())];
        let faults = (0..ARTICLES).map(|_| if random.next(12) == 0 { Fault::OffSite } else { fault(&mut random) });
        let faults = faults.collect();
        // Lists that give nothing for ever would hide their articles.
        let lists = (0..3).map(|_| Some(fault(&mut random)).filter(|fault| fault.is_article()).unwrap_or(Fault::None));
        let lists = lists.map(|fault| if fault == Fault::Moved { Fault::None } else { fault }).collect();
        Self { faults, lists, is_ill: AtomicBool::new(true), asked: Mutex::default() }
    }

    fn answer(&self, hit: &Hit) -> Answer {
        let asked = {
            let mut asked = self.asked.lock().unwrap();
            let count = asked.entry(hit.path.clone()).or_default();
            *count += 1;
            *count
        };
        let is_ill = self.is_ill.load(Ordering::Relaxed);
        let n = number(hit.path.split('?').next().unwrap());
        match hit.path.as_str() {
            "/" => page(200, list((0..3).map(|n| format!("/list_{n}.htm")))),
            path if path.starts_with("/list_") => match (self.lists[n], is_ill) {
                (Fault::None, _) | (_, false) => {
                    page(200, list((0..ARTICLES).filter(|i| i % 3 == n).map(|i| format!("/a_{i}.htm"))))
                }
                (fault, true) => match answer(fault, true, n, asked) {
                    // Of a list that is well for once.
                    Answer::Page { status: 200, body, .. } if !body.is_empty() => page(200, list([])),
                    other => other,
                },
            },
            path if path.starts_with("/a_") && n >= 1000 => page(200, article(n)),
            path if path.starts_with("/a_") => answer(self.faults[n], is_ill, n, asked),
            _ => page(404, ""),
        }
    }
}

fn play(seed: u64) {
    let site = Arc::new(Site::new(seed));
    let server = Server::start({
        let site = site.clone();
        move |hit, _| site.answer(hit)
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let text = std::fs::read_to_string(bench.path("jingwen.toml")).unwrap();
    let evil = format!("resolve = {{ \"evil.test\" = \"{}\", ", server.addr);
    bench.write("jingwen.toml", &text.replace("resolve = { ", &evil));
    // Ill for a day: not long enough for anything to be given up that comes back.
    let crawl = || bench.run(&["crawl"]);
    crawl();
    for hours in [1, 5, 12] {
        bench.later(hours);
        crawl();
    }
    site.is_ill.store(false, Ordering::Relaxed);
    for _ in 0..8 {
        bench.later(40);
        crawl();
    }

    let mut written: HashMap<usize, usize> = HashMap::new();
    for url in bench.urls() {
        *written.entry(number(&path_of(&url)) % 1000).or_default() += 1;
    }
    let rejected = bench.lines("rejected.jsonl");
    for (n, fault) in site.faults.iter().enumerate() {
        let times = written.get(&n).copied().unwrap_or(0);
        assert_eq!(
            times,
            usize::from(fault.is_article()),
            "seed {seed}: article {n} ({fault:?}) written {times} times"
        );
        if !fault.is_article() {
            let url = format!("http://a.test/a_{n}.htm");
            let is_named = |line: &&serde_json::Value| line["url"] == url.as_str() || line["requested"] == url.as_str();
            assert!(rejected.iter().any(|line| is_named(&line)), "seed {seed}: {n} ({fault:?}) is not accounted for");
        }
    }
    let hits = server.hits();
    assert!(hits.iter().all(|hit| hit.host.starts_with("a.test")), "seed {seed}: another host was asked");
    for (path, n) in site.asked.lock().unwrap().iter().filter(|(path, _)| path.starts_with("/a_")) {
        let fault = site.faults.get(number(path.split('?').next().unwrap()));
        assert!(*n <= 12, "seed {seed}: {path} ({fault:?}) was asked for {n} times in twelve runs");
    }
}

#[test]
fn after_all_faults_every_article_is_written_once_and_everything_accounted_for() {
    let seeds: u64 = std::env::var("JINGWEN_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let next = Mutex::new(0..seeds);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(seed) = { next.lock().unwrap().next() } {
                    play(seed);
                }
            });
        }
    });
}
