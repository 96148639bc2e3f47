//! The frontier's cost as it grows: memory, processor time and the time to pick what is next.
//!
//! By default a small one, as a test. `JINGWEN_URLS=1000000 cargo test --release --test frontier_growth -- --nocapture`
//! prints the figures for a million.

use std::fs;
use std::time::Instant;

use jingwen::frontier::sqlite::SqliteFrontier;
use jingwen::frontier::{Batch, Cursor, Fate, Frontier, Kind, NewUrl, now};
use jingwen::urls::CanonicalUrl;
use url::Url;

const HOSTS: usize = 100;
/// Links in one commit, as of a few pages.
const BATCH: usize = 1000;

fn link(n: usize) -> NewUrl {
    let host = n % HOSTS;
    let text = format!("http://host{host}.example.com/news/content/2026-11/20/content_{n}_some_longer_name.htm");
    NewUrl::new(CanonicalUrl::new(&Url::parse(&text).unwrap(), None), Kind::Article, 1, now())
}

/// Seconds of processor time of this process.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 = [11, 12].iter().filter_map(|i| fields.get(*i)?.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn resident_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

#[tokio::test]
async fn cost_is_flat_in_the_number_of_addresses() {
    let total: usize = std::env::var("JINGWEN_URLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frontier.sqlite");
    let frontier = SqliteFrontier::open(&path).await.unwrap();
    let (start_cpu, start_mib) = (cpu(), resident_mib());
    let begun = Instant::now();
    let step = (total / 10).max(BATCH);
    let mut last = cpu();
    for first in (0..total).step_by(BATCH) {
        let links = (first..(first + BATCH).min(total)).map(link).collect();
        frontier.commit(&Batch { run: 1, links, ..Batch::default() }).await.unwrap();
        let done = first + BATCH;
        if done.is_multiple_of(step) {
            let per_100k = (cpu() - last) * 100_000.0 / step as f64;
            println!("{done:>9} queued: {per_100k:.2} CPU-s per 100,000, resident {:.0} MiB", resident_mib());
            last = cpu();
        }
    }
    let (hosts, mut took) = (frontier.lease(1, 10, now(), now() + 600_000).await.unwrap(), Vec::new());
    assert_eq!(hosts.len(), 10);
    let mut visits = Vec::new();
    for host in &hosts {
        let mut after = Cursor::START;
        for _ in 0..20 {
            let asked = Instant::now();
            let tasks = frontier.next(host, after, now(), now(), 16).await.unwrap();
            took.push(asked.elapsed().as_secs_f64() * 1000.0);
            let Some(task) = tasks.last() else { break };
            after = Cursor::after(task);
            visits.extend(tasks.iter().map(|task| (task.key, Fate::Done)));
        }
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    let visited = visits.len();
    frontier.commit(&Batch { run: 1, visits, ..Batch::default() }).await.unwrap();
    // All known: nothing is queued again.
    let links = (0..BATCH.min(total)).map(link).collect();
    frontier.commit(&Batch { run: 1, links, ..Batch::default() }).await.unwrap();
    let counts = frontier.counts().await.unwrap();
    assert_eq!((counts.queued + counts.seen, counts.seen), (total as i64, visited as i64));
    let used = (cpu() - start_cpu) * 100_000.0 / total as f64;
    let (seconds, grown) = (begun.elapsed().as_secs_f64(), resident_mib() - start_mib);
    frontier.close().await;
    let disk = fs::metadata(&path).unwrap().len() as f64 / total as f64;
    let again = Instant::now();
    let frontier = SqliteFrontier::open(&path).await.unwrap();
    frontier.recover().await.unwrap();
    frontier.select(1, now(), &|_| true).await.unwrap();
    println!(
        "{total} addresses in {seconds:.1} s: {used:.2} CPU-s per 100,000, {grown:.0} MiB more memory, {disk:.0} bytes of \
         disk each, next 16 in {:.2} ms (median), {:.2} (90 %), {:.2} (slowest), start-up {:.0} ms",
        at(0.5),
        at(0.9),
        at(1.0),
        again.elapsed().as_secs_f64() * 1000.0
    );
    assert!(grown < 100.0, "memory grew by {grown:.0} MiB");
}
