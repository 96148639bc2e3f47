//! The embedded frontier's rules.

use super::*;
use url::Url;

use crate::frontier::{Fate, HostUpdate, Kind, NewUrl, StoredRobots, now};
use crate::urls::CanonicalUrl;

async fn fresh() -> (tempfile::TempDir, SqliteFrontier) {
    let dir = tempfile::tempdir().unwrap();
    let frontier = SqliteFrontier::open(&dir.path().join("frontier.sqlite")).await.unwrap();
    (dir, frontier)
}

fn link(url: &str, kind: Kind) -> NewUrl {
    NewUrl::new(CanonicalUrl::new(&Url::parse(url).unwrap(), None), kind, 0, 1000)
}

async fn plan(frontier: &SqliteFrontier, sql: &str) -> String {
    let sql = format!("EXPLAIN QUERY PLAN {sql}");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&frontier.reader).await.unwrap();
    rows.iter().map(|r| r.get::<String, _>("detail")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_is_next_is_one_index_seek() {
    let (_dir, frontier) = fresh().await;
    let links = &sql::LINKS[0].1;
    for sql in [
        sql::NEXT,
        sql::NEXT_RETRY,
        sql::LEASE,
        sql::RELEASE,
        sql::DONE,
        sql::KNOWN,
        sql::AGAIN,
        sql::RETRY,
        sql::TEXTS,
        links,
    ] {
        let plan = plan(&frontier, sql).await;
        assert!(!plan.contains("SCAN url") && !plan.contains("SCAN host") && !plan.contains("SCAN seen"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
    assert!(plan(&frontier, sql::NEXT).await.contains("url_due (bucket=? AND host=?"));
    assert!(plan(&frontier, sql::LEASE).await.contains("host_ready (ready_at<?)"));
}

#[tokio::test]
async fn links_are_taken_once_and_done_ones_never_again() {
    let (_dir, frontier) = fresh().await;
    let links = vec![
        link("http://a.example/", Kind::List),
        link("http://a.example/1.htm", Kind::Article),
        link("http://a.example/1.htm", Kind::Article),
        link("http://b.example/2.htm", Kind::Article),
    ];
    frontier.commit(&Batch { links: links.clone(), ..Batch::default() }).await.unwrap();
    assert_eq!(frontier.counts().await.unwrap(), Counts { hosts: 2, queued: 3, seen: 0 });

    let hosts = frontier.lease(10, now(), now() + 60_000).await.unwrap();
    assert_eq!(hosts.len(), 2);
    assert!(frontier.lease(10, now(), now() + 60_000).await.unwrap().is_empty());
    let a = hosts.iter().find(|h| h.key.as_str() == "a.example:80").unwrap();
    let tasks = frontier.next(a, Cursor::START, now(), now(), 10).await.unwrap();
    assert_eq!(tasks.len(), 2);
    let after = Cursor::after(&tasks[0]);
    assert_eq!(frontier.next(a, after, now(), now(), 10).await.unwrap().len(), 1);

    let article = tasks.iter().find(|t| t.kind == Kind::Article).unwrap();
    let list = tasks.iter().find(|t| t.kind == Kind::List).unwrap();
    let again = Fate::Again { due: now() + 60_000, etag: Some("\"x\"".into()), modified: None };
    let batch = Batch {
        visits: vec![(article.key, Fate::Done), (list.key, again)],
        links,
        outputs: vec![("/out/articles.jsonl".into(), 12)],
        ..Batch::default()
    };
    frontier.commit(&batch).await.unwrap();
    assert_eq!(frontier.counts().await.unwrap(), Counts { hosts: 2, queued: 2, seen: 1 });
    assert_eq!(frontier.output("/out/articles.jsonl").await.unwrap().map(|output| output.bytes), Some(12));
    assert_eq!(frontier.known(&[article.key]).await.unwrap(), [true]);
    assert!(frontier.next(a, Cursor::START, now(), now() + 1, 10).await.unwrap().is_empty());

    frontier.release(a, NEVER, true).await.unwrap();
    assert!(frontier.lease(10, now(), now() + 60_000).await.unwrap().is_empty());
    let start = now() + 10;
    frontier.wake(start).await.unwrap();
    let hosts = frontier.lease(10, start, start + 60_000).await.unwrap();
    assert_eq!(hosts.len(), 1);
    assert_eq!(hosts[0].epoch, 2);
    let tasks = frontier.next(&hosts[0], Cursor::START, start, start, 10).await.unwrap();
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].etag.as_deref(), Some("\"x\""));
}

#[tokio::test]
async fn waits_and_robots_outlive_the_process() {
    let (dir, frontier) = fresh().await;
    let new = link("http://a.example/1.htm", Kind::Article);
    frontier.commit(&Batch { links: vec![new.clone()], ..Batch::default() }).await.unwrap();
    let host = frontier.lease(1, now(), now() + 60_000).await.unwrap().remove(0);
    let later = now() + 3_600_000;
    let update = HostUpdate {
        not_before: Some(later),
        failures: Some(3),
        blocked: Some(Some("429".into())),
        robots: Some((StoredRobots::File(b"User-agent: *".to_vec()), 5)),
    };
    let retry = Fate::Retry { due: later, tries: 1 };
    let batch = Batch { visits: vec![(new.key, retry)], hosts: vec![(host.id, update)], ..Batch::default() };
    frontier.commit(&batch).await.unwrap();
    frontier.close().await;

    let frontier = SqliteFrontier::open(&dir.path().join("frontier.sqlite")).await.unwrap();
    frontier.select(&|_| true).await.unwrap();
    assert_eq!(frontier.next_retry(host.id).await.unwrap(), Some(later));
    assert!(frontier.lease(1, now(), now()).await.unwrap().is_empty());
    let host = frontier.lease(1, later, later).await.unwrap().remove(0);
    assert_eq!((host.not_before, host.failures), (later, 3));
    assert_eq!(host.robots, Some((StoredRobots::File(b"User-agent: *".to_vec()), 5)));
    frontier.select(&|_| false).await.unwrap();
    assert!(frontier.lease(1, NEVER - 1, NEVER).await.unwrap().is_empty());
}
