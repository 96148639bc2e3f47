//! The daemon over a changing site of twenty hosts, at a compressed schedule: articles appear, some change, hosts go down
//! and come back, half of the hosts are redesigned half-way, selector files are edited rightly and wrongly.
//!
//! `JINGWEN_SOAK_MINUTES=60 cargo test --release --test soak -- --nocapture` (two minutes unless it says otherwise). At
//! the end every article that appeared is in the output exactly once, the redesign was told, no scheduled time was
//! missed; memory and file descriptors of the first and the last quarter are printed, and compared in long runs.

mod support;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Bench, Hit, Server, list, page, paragraphs};

const HOSTS: usize = 20;
/// Articles of each host before it begins: what pages are like must be known before they can change.
const BEFORE: usize = 60;
/// Most articles on a host's list.
const LISTED: usize = 120;
/// Runs in which memory must be flat; shorter ones are still warming up.
const LONG: Duration = Duration::from_secs(20 * 60);

fn length() -> Duration {
    let minutes = std::env::var("JINGWEN_SOAK_MINUTES").ok().and_then(|m| m.parse::<f64>().ok()).unwrap_or(2.0);
    Duration::from_secs_f64(minutes * 60.0)
}

/// The site as it is at a time.
struct Site {
    begun: Instant,
    length: Duration,
    /// When it stops to change.
    over: Mutex<Option<Duration>>,
}

impl Site {
    fn now(&self) -> Duration {
        let elapsed = self.begun.elapsed();
        self.over.lock().unwrap().map_or(elapsed, |over| over.min(elapsed))
    }

    /// Articles of a host by now: one every five to nine seconds.
    fn articles(&self, host: usize) -> usize {
        BEFORE + usize::try_from(self.now().as_secs()).unwrap() / (5 + host % 5)
    }

    fn is_redesigned(&self, host: usize) -> bool {
        host.is_multiple_of(2) && self.begun.elapsed() > self.length / 2
    }

    /// Three hosts are down for eight seconds of every fifty.
    fn is_down(&self, host: usize) -> bool {
        let over = self.over.lock().unwrap().is_some();
        !over && (5..8).contains(&host) && self.begun.elapsed().as_secs() % 50 > 41
    }

    fn answer(&self, hit: &Hit) -> support::Answer {
        let host: usize = hit.host.trim_start_matches('h').split('.').next().unwrap().parse().unwrap_or(0);
        if self.is_down(host) {
            return page(503, "");
        }
        match hit.path.as_str() {
            "/robots.txt" => page(200, "User-agent: *\nDisallow: /private/\n"),
            "/" => {
                let n = self.articles(host);
                page(200, list((n.saturating_sub(LISTED) + 1..=n).map(|n| format!("/a_{n}.htm"))))
            }
            path if path.starts_with("/a_") => {
                let n: usize = path.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
                let class = if self.is_redesigned(host) { "story-2027" } else { "art" };
                // Of some the text changes; nobody asked for corrections, so the first one stays.
                let note = if n.is_multiple_of(7) {
                    format!("<p>更正第{}版。</p>", self.now().as_secs() / 10)
                } else {
                    String::new()
                };
                let id = host * 100_000 + n;
                page(
                    200,
                    format!(
                        "<html><head><meta charset=utf-8><title>海湾市推出第{id}号便民措施_测试网</title></head><body><h1>海湾市推出第\
                         {id}号便民措施</h1><div class=time>2026-11-20 10:00</div><div class=\"{class}\">{}{note}</div></body></html>",
                        paragraphs(id)
                    ),
                )
            }
            _ => page(404, ""),
        }
    }
}

fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

fn sum_of(metrics: &str, name: &str) -> f64 {
    let values = metrics.lines().filter(|line| line.starts_with(&format!("{name}{{")));
    values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// Resident memory in KiB and open file descriptors of a process.
fn used(pid: u32) -> Option<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let rss = status.lines().find_map(|l| l.strip_prefix("VmRSS:")?.trim().trim_end_matches(" kB").parse().ok())?;
    Some((rss, fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as f64))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[test]
fn a_changing_site_for_as_long_as_asked() {
    let length = length();
    let site = Arc::new(Site { begun: Instant::now(), length, over: Mutex::new(None) });
    let served = site.clone();
    let server = Server::start(move |hit, _| served.answer(hit));
    let hosts: Vec<String> = (0..HOSTS).map(|n| format!("h{n}.test")).collect();
    let bench = Bench::empty();
    let file = |n: usize| support::selectors(&[&hosts[n]], "").replace("测试网", &format!("测试网{n}"));
    for n in 0..HOSTS {
        bench.write(&format!("selectors/s{n}.toml"), &file(n));
    }
    let resolve: Vec<String> = hosts.iter().map(|h| format!("\"{h}\" = \"{}\"", server.addr)).collect();
    let sites: Vec<String> = (0..HOSTS).map(|n| format!("\"s{n}\"")).collect();
    bench.write(
        "jingwen.toml",
        &format!(
            "selectors = \"selectors\"\nsites = [{}]\nschedule = \"every 4s\"\n[http]\nuser_agent = \"jingwen-soak/1.0 \
             (+mailto:t@a.test)\"\nresolve = {{ {} }}\n[politeness]\nrate = \"100/s\"\npatience = \"1s\"\n[daemon]\njitter = \"2s\"\n\
             [[notify]]\nname = \"file\"\ncommand = [\"/bin/sh\", \"-c\", \"cat >> told.jsonl; echo >> told.jsonl\"]\n",
            sites.join(", "),
            resolve.join(", ")
        ),
    );
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let log = fs::File::create(bench.path("daemon.log")).unwrap();
    let mut daemon =
        bench.command(&["daemon", "--listen", &address.to_string()]).stderr(Stdio::from(log)).spawn().unwrap();
    let (mut samples, mut broken, mut second) = (Vec::new(), false, 0);
    while site.begun.elapsed() < length {
        std::thread::sleep(Duration::from_secs(1));
        assert!(daemon.try_wait().unwrap().is_none(), "it ended: {}", tail(&bench));
        second += 1;
        samples.extend(used(daemon.id()));
        get(address, "/");
        if second % 5 == 0 {
            assert!(get(address, "/healthz").is_some_and(|body| body == "ok\n"));
        }
        // Files are edited now rightly, now wrongly, now back.
        match second % 40 {
            10 => bench.write("selectors/s3.toml", &file(3).replace("测试网", "改名网")),
            20 => {
                bench.write("selectors/s4.toml", &file(4).replace("title = \"h1\"", "titel = \"h1\""));
                broken = true;
            }
            24 => {
                let page = get(address, "/").unwrap();
                assert!(page.contains("s4.toml:"), "the broken file is told of");
            }
            28 => bench.write("selectors/s4.toml", &file(4)),
            _ => {}
        }
    }
    *site.over.lock().unwrap() = Some(site.begun.elapsed());
    bench.write("selectors/s4.toml", &file(4));
    let wanted: usize = (0..HOSTS).map(|host| site.articles(host)).sum();
    let begun = Instant::now();
    while bench.articles().len() < wanted {
        assert!(begun.elapsed() < Duration::from_secs(120), "{} of {wanted}: {}", bench.articles().len(), tail(&bench));
        std::thread::sleep(Duration::from_millis(500));
    }
    let metrics = get(address, "/metrics").unwrap();
    let ready = get(address, "/readyz").unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(daemon.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let out = support::wait_plain(&mut daemon, Duration::from_secs(30));
    assert_eq!(out, Some(0), "{}", tail(&bench));

    let mut times: HashMap<String, usize> = HashMap::new();
    bench.urls().into_iter().for_each(|url| *times.entry(url).or_default() += 1);
    assert_eq!(times.len(), wanted, "every article that appeared");
    assert!(times.values().all(|n| *n == 1), "… exactly once");
    assert_eq!(ready, "ready\n");
    assert_eq!(sum_of(&metrics, "jingwen_runs_missed_total"), 0.0, "no scheduled time was missed");
    let told = fs::read_to_string(bench.path("told.jsonl")).unwrap_or_default();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut drifted: Vec<String> = Vec::new();
    for event in told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        *kinds.entry(event["kind"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        if event["kind"] == "drift" {
            drifted.push(event["site"].as_str().unwrap_or_default().to_owned());
        }
    }
    drifted.sort();
    drifted.dedup();
    let mut redesigned: Vec<String> = (0..HOSTS).filter(|n| n.is_multiple_of(2)).map(|n| format!("s{n}")).collect();
    redesigned.sort();
    assert!(!broken || kinds.contains_key("bad-reload"), "{kinds:?}");

    let quarter = samples.len() / 4;
    let of = |part: &[(f64, f64)], pick: fn(&(f64, f64)) -> f64| mean(&part.iter().map(pick).collect::<Vec<_>>());
    let (first, last) = (&samples[..quarter], &samples[samples.len() - quarter..]);
    let ratio = |pick: fn(&(f64, f64)) -> f64| of(last, pick) / of(first, pick);
    let (rss, fds) = (ratio(|s| s.0), ratio(|s| s.1));
    println!(
        "{:.1} min: {wanted} articles of {HOSTS} hosts, each once; {} runs, {} overlapped, {} missed; told: {kinds:?}; drift told of {} \
         of {} redesigned hosts; memory {:.1} MiB in the first quarter, {:.1} in the last ({rss:.3}); file descriptors {:.1}, {:.1} ({fds:.3})",
        length.as_secs_f64() / 60.0,
        sum_of(&metrics, "jingwen_runs_total"),
        sum_of(&metrics, "jingwen_runs_overlapped_total"),
        sum_of(&metrics, "jingwen_runs_missed_total"),
        drifted.iter().filter(|site| redesigned.contains(site)).count(),
        redesigned.len(),
        of(first, |s| s.0) / 1024.0,
        of(last, |s| s.0) / 1024.0,
        of(first, |s| s.1),
        of(last, |s| s.1),
    );
    assert!(drifted.iter().all(|site| redesigned.contains(site)), "no alarm of the others: {drifted:?}");
    // A host gives an article every five to nine seconds: in short runs not enough of them after the redesign.
    if length >= Duration::from_secs(10 * 60) {
        assert_eq!(drifted, redesigned, "every redesign is told");
    }
    if length >= LONG {
        assert!(rss < 1.05 && fds < 1.05, "memory and file descriptors are flat");
    }
}

fn tail(bench: &Bench) -> String {
    let text = fs::read_to_string(bench.path("daemon.log")).unwrap_or_default();
    text.lines().rev().take(15).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
}
