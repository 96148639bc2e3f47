//! What a crawl costs: processor time per page and peak memory of the real binary, the server's left out.
//!
//! `cargo test --release --test crawl_speed -- --ignored --nocapture`; `JINGWEN_ARTICLES` sets the number a host.

mod support;

use std::time::{Duration, Instant};

use support::{Answer, Bench, Server, page, paragraphs};

const HOSTS: [&str; 4] = ["a.test", "b.test", "c.test", "d.test"];
const PER_LIST: usize = 20;

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// A page of about 20 KiB with the usual frame around it.
fn framed(title: &str, links: impl Iterator<Item = String>, body: &str) -> String {
    let nav: String = (0..60).map(|n| format!("<li><a href=\"/channel/{n}/\">频道{n}</a></li>")).collect();
    let links: String = links.map(|l| format!("<li><a href=\"{l}\">海湾市今天的另一条消息 {l}</a></li>")).collect();
    format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>{title}_测试网</title></head><body><ul class=\"nav\">{nav}</ul>\
         <h1>{title}</h1><div class=\"time\">2026-11-20 10:00</div>{body}<ul class=\"hot\">{links}</ul>\
         <div class=\"footer\">版权所有</div></body></html>"
    )
}

fn answer(path: &str, articles: usize) -> Answer {
    let n = number(path);
    let lists = articles.div_ceil(PER_LIST);
    match path {
        "/robots.txt" => page(200, "User-agent: *\nDisallow: /calendar/\n"),
        "/" => page(200, framed("首页", (1..=lists).map(|n| format!("/list_{n}.htm")), "")),
        path if path.starts_with("/list_") => {
            let first = (n - 1) * PER_LIST;
            let links = (first..(first + PER_LIST).min(articles)).map(|n| format!("/a_{n}.htm?from=list"));
            page(200, framed("列表", links, ""))
        }
        path if path.starts_with("/a_") => {
            let body: String = (0..6).map(|part| paragraphs(n * 10 + part)).collect();
            let related = (1..=30).map(|k| format!("/a_{}.htm?utm_source=related", (n + k * 7) % articles));
            page(200, framed(&format!("海湾市第{n}号消息"), related, &format!("<div class=\"art\">{body}</div>")))
        }
        _ => page(404, ""),
    }
}

#[test]
#[ignore = "a measurement, not a test"]
fn cost_per_page() {
    let articles: usize = std::env::var("JINGWEN_ARTICLES").ok().and_then(|n| n.parse().ok()).unwrap_or(500);
    let server = Server::start(move |hit, _| answer(&hit.path, articles));
    let bench = Bench::new(&server, &HOSTS, "", "[politeness]\nrate = \"100000/s\"\nconcurrency = 8\n");
    for round in ["first", "second"] {
        server.clear();
        let begun = Instant::now();
        let mut child = bench.command(&["crawl"]).spawn().unwrap();
        let (mut peak, mut cpu) = (0.0_f64, 0.0_f64);
        let status = loop {
            let base = format!("/proc/{}", child.id());
            if let Ok(text) = std::fs::read_to_string(format!("{base}/status"))
                && let Some(line) = text.lines().find(|line| line.starts_with("VmHWM"))
            {
                let kib = line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok());
                peak = peak.max(kib.unwrap_or(0.0) / 1024.0);
            }
            if let Ok(text) = std::fs::read_to_string(format!("{base}/stat")) {
                let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
                let ticks = [11, 12].iter().filter_map(|i| fields.get(*i)?.parse::<f64>().ok()).sum::<f64>();
                cpu = cpu.max(ticks / 100.0);
            }
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        assert!(status.success());
        let (pages, seconds) = (server.hits().len() as f64, begun.elapsed().as_secs_f64());
        println!(
            "{round}: {pages} requests in {seconds:.1} s, {:.0}/s, {:.2} CPU-s per 1,000, peak {peak:.0} MiB",
            pages / seconds,
            cpu * 1000.0 / pages
        );
        assert_eq!(bench.articles().len(), HOSTS.len() * articles);
    }
}
