//! What a shared frontier costs as it grows, in figures; `JINGWEN_URLS=1000000 cargo test --release --features postgres
//! --test postgres -- --nocapture growth` prints those for a million addresses.

use std::time::Instant;

use jingwen::frontier::{Batch, Cursor, Fate, Frontier, Kind, NewUrl, now};
use jingwen::urls::CanonicalUrl;
use url::Url;

use crate::rules::worker;
use crate::server::{Postgres, numbers, run};

const HOSTS: usize = 100;
/// Links in one commit, as of a few pages.
const BATCH: usize = 1000;

fn link(n: usize) -> NewUrl {
    let host = n % HOSTS;
    let text = format!("http://host{host}.example.com/news/content/2026-11/20/content_{n}_some_longer_name.htm");
    NewUrl::new(CanonicalUrl::new(&Url::parse(&text).unwrap(), None), Kind::Article, 1, now())
}

fn share(took: &mut [f64], share: f64) -> f64 {
    took.sort_by(f64::total_cmp);
    took[((took.len() - 1) as f64 * share) as usize]
}

#[test]
fn what_is_next_costs_the_same_however_long_the_queue_is() {
    let Some(server) = Postgres::shared() else { return };
    let total: usize = std::env::var("JINGWEN_URLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let url = server.database();
    let since = |begun: Instant| begun.elapsed().as_secs_f64() * 1000.0;
    let (mut next, mut commits) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    let queued = run(async {
        let frontier = worker(&url, 1).await;
        frontier.select(1, now(), &|_| true).await.unwrap();
        for first in (0..total).step_by(BATCH) {
            let links = (first..(first + BATCH).min(total)).map(link).collect();
            frontier.commit(&Batch { run: 1, links, ..Batch::default() }).await.unwrap();
        }
        let queued = begun.elapsed();
        let hosts = frontier.lease(1, 10, now(), now() + 600_000).await.unwrap();
        assert_eq!(hosts.len(), 10);
        for host in &hosts {
            let mut after = Cursor::START;
            for page in 0..10 {
                let asked = Instant::now();
                let tasks = frontier.next(host, after, now(), now(), 16).await.unwrap();
                next.push(since(asked));
                let Some(task) = tasks.last() else { break };
                after = Cursor::after(task);
                // Sixteen pages with twenty links each, of which two thirds are known.
                let links = (0..320).map(|n| link(if n % 3 == 0 { total + page * 320 + n } else { n * 7 })).collect();
                let visits = tasks.iter().map(|task| (task.key, Fate::Done)).collect();
                let committed = Instant::now();
                frontier.commit(&Batch { run: 1, visits, links, ..Batch::default() }).await.unwrap();
                commits.push(since(committed));
            }
        }
        queued
    });
    let disk = numbers(&url, "SELECT (pg_total_relation_size('url') + pg_total_relation_size('host'))::bigint")[0];
    let rows = numbers(&url, "SELECT count(*) FROM url")[0];
    // As though all of them were done.
    let done = "WITH done AS (INSERT INTO seen (bucket, host, near, id) SELECT bucket, host, near, id FROM url
        ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM done";
    numbers(&url, done);
    let seen = numbers(&url, "SELECT pg_total_relation_size('seen') / (SELECT count(*) FROM seen)")[0];
    println!(
        "{total} addresses queued in {:.1} s; {} bytes each, {seen} when done; next 16 in {:.2} ms (median), {:.2} (90 %); a commit of 16 \
         pages and 320 links in {:.1} ms (median), {:.1} (90 %)",
        queued.as_secs_f64(),
        disk / rows.max(1),
        share(&mut next, 0.5),
        share(&mut next, 0.9),
        share(&mut commits, 0.5),
        share(&mut commits, 0.9),
    );
    assert!(rows > total as i64 / 2);
}
