//! Workers that share a frontier: who owns what, and what is refused.

use std::time::Duration;

use jingwen::frontier::{Batch, Cursor, Fate, Frontier, FrontierError, Kind, LeasedHost, NewUrl, now};
use jingwen::retry::History;
use sqlx::postgres::PgPool;

use crate::rules::{link, worker};
use crate::server::{Postgres, run};

const MINUTE: i64 = 60_000;

fn links() -> Vec<NewUrl> {
    ["http://a.example/1.htm", "http://a.example/2.htm", "http://b.example/1.htm"]
        .map(|url| link(url, Kind::Article))
        .into()
}

fn lines(bytes: u64) -> Vec<(String, u64)> {
    vec![("/data/out/articles.jsonl".into(), bytes)]
}

async fn all(frontier: &impl Frontier, lasting: i64) -> Vec<LeasedHost> {
    frontier.lease(1, 10, now(), now() + lasting).await.unwrap()
}

#[test]
fn a_host_has_one_owner_and_who_lost_it_commits_nothing() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.database();
    run(async {
        let (one, two) = (worker(&url, 1).await, worker(&url, 2).await);
        one.commit(&Batch { run: 1, links: links(), ..Batch::default() }).await.unwrap();
        two.select(1, now(), &|_| true).await.unwrap();
        let held = all(&one, 300).await;
        assert_eq!(held.len(), 2);
        assert!(all(&two, MINUTE).await.is_empty());
        let wait = two.next_wait(1, now()).await.unwrap().unwrap() - now();
        assert!((1..=400).contains(&wait), "it waits until the lease is over: {wait} ms");
        // Renewed it lasts longer.
        let ids: Vec<_> = held.iter().map(|host| host.id).collect();
        assert!(one.renew(1, &ids, now() + 500).await.unwrap().is_empty());
        tokio::time::sleep(Duration::from_millis(350)).await;
        assert!(all(&two, MINUTE).await.is_empty());
        // Not renewed it is over; nobody took the hosts yet, so what was fetched still counts.
        tokio::time::sleep(Duration::from_millis(400)).await;
        let all_links = links();
        let visits = vec![(all_links[0].key, Fate::Done)];
        one.commit(&Batch { run: 1, visits, outputs: lines(10), ..Batch::default() }).await.unwrap();
        let taken = all(&two, MINUTE).await;
        assert_eq!(taken.len(), 2);
        assert!(taken.iter().all(|host| host.epoch == 2 && now() - host.asked < 5000), "as asked just now");
        // Now they are another's.
        let batch = Batch {
            run: 1,
            visits: vec![(all_links[1].key, Fate::Done)],
            links: vec![link("http://c.example/", Kind::List)],
            texts: vec![(5, "id".into())],
            outputs: lines(20),
            ..Batch::default()
        };
        let error = one.commit(&batch).await.unwrap_err();
        assert!(matches!(&error, FrontierError::Lost { origin } if origin == "http://a.example"), "{error}");
        assert!(error.to_string().contains("the lease of http://a.example was lost to another worker"), "{error}");
        assert!(!error.is_doubtful() && !error.is_usage());
        assert_eq!(one.output("/data/out/articles.jsonl").await.unwrap().unwrap().bytes, 10);
        assert!(one.texts(&[5]).await.unwrap().is_empty());
        assert_eq!(one.counts().await.unwrap().hosts, 2);
        let mut lost = one.renew(1, &ids, now() + MINUTE).await.unwrap();
        lost.sort_unstable();
        assert_eq!(lost.len(), 2);
        for host in &held {
            one.release(host, now(), true, now()).await.unwrap();
        }
        assert!(all(&one, MINUTE).await.is_empty(), "they stay where they are");
        two.commit(&Batch { run: 1, visits: batch.visits, outputs: lines(7), ..Batch::default() }).await.unwrap();
        // The same path is another file.
        assert_eq!(one.output("/data/out/articles.jsonl").await.unwrap().unwrap().bytes, 10);
        assert_eq!(two.output("/data/out/articles.jsonl").await.unwrap().unwrap().bytes, 7);
    });
}

#[test]
fn a_start_takes_back_what_its_own_worker_held_and_shuts_an_older_process_out() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.database();
    run(async {
        let (one, two) = (worker(&url, 1).await, worker(&url, 2).await);
        one.commit(&Batch { run: 1, links: links(), ..Batch::default() }).await.unwrap();
        two.select(1, now(), &|_| true).await.unwrap();
        assert_eq!(one.lease(1, 1, now(), now() + MINUTE).await.unwrap().len(), 1);
        assert_eq!(all(&two, MINUTE).await.len(), 1);
        // Killed and started again; or its state folder was copied.
        let again = worker(&url, 1).await;
        again.select(1, now(), &|_| true).await.unwrap();
        assert_eq!(all(&again, MINUTE).await.len(), 1, "its own, and not the other worker's");
        let error = one.commit(&Batch { outputs: lines(1), ..Batch::default() }).await.unwrap_err();
        assert!(matches!(error, FrontierError::Replaced), "{error}");
        assert!(matches!(one.select(2, now(), &|_| true).await, Err(FrontierError::Replaced)));
        again.commit(&Batch { outputs: lines(2), ..Batch::default() }).await.unwrap();
    });
}

/// The database was not told of a run's end: its hosts are free again when the next run begins, and not only when their
/// leases end.
#[test]
fn what_a_broken_run_held_is_given_back_by_the_next() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.database();
    run(async {
        let one = worker(&url, 1).await;
        one.commit(&Batch { run: 1, links: links(), ..Batch::default() }).await.unwrap();
        one.select(2, now(), &|_| true).await.unwrap();
        let kept = one.lease(2, 1, now(), now() + MINUTE).await.unwrap();
        assert_eq!((kept.len(), all(&one, MINUTE).await.len()), (1, 1));
        let pool = PgPool::connect(&url).await.unwrap();
        let rename = async |from, to| {
            let text = format!("ALTER TABLE {from} RENAME TO {to}");
            sqlx::query(sqlx::AssertSqlSafe(text)).execute(&pool).await.unwrap();
        };
        rename("run", "lost").await;
        one.finish(1).await.unwrap();
        rename("lost", "run").await;
        one.select(3, now(), &|_| true).await.unwrap();
        let again = one.lease(3, 10, now(), now() + MINUTE).await.unwrap();
        assert_eq!(again.len(), 1, "the other one is another run's");
        assert_ne!(again[0].id, kept[0].id);
    });
}

/// A commit that the database has received is done or not done before a start reads the lengths, though its process is
/// dead.
#[test]
fn a_start_waits_for_the_last_commit_of_the_dead() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.database();
    run(async {
        let one = worker(&url, 1).await;
        one.commit(&Batch { outputs: lines(1), ..Batch::default() }).await.unwrap();
        let pool = PgPool::connect(&url).await.unwrap();
        let mut dead = pool.begin().await.unwrap();
        sqlx::query("SELECT 1 FROM worker WHERE id = 1 FOR NO KEY UPDATE").execute(&mut *dead).await.unwrap();
        sqlx::query("UPDATE output SET bytes = 2").execute(&mut *dead).await.unwrap();
        let soon = Duration::from_millis(300);
        assert!(tokio::time::timeout(soon, one.settle()).await.is_err());
        let (ended, length) = tokio::join!(
            async {
                tokio::time::sleep(soon).await;
                dead.commit().await
            },
            async {
                let again = worker(&url, 1).await;
                again.output("/data/out/articles.jsonl").await.unwrap().unwrap().bytes
            }
        );
        ended.unwrap();
        assert_eq!(length, 2);
    });
}

/// Takes the only host, visits its list, and gives it back; the run began at a time. False if there was nothing to visit.
async fn visit(frontier: &impl Frontier, run: i64, began: i64) -> bool {
    let Some(host) = frontier.lease(run, 1, now(), now() + MINUTE).await.unwrap().pop() else { return false };
    let tasks = frontier.next(&host, Cursor::START, now(), began + 1, 10).await.unwrap();
    let again = Fate::Again {
        due: now() + MINUTE,
        etag: None,
        modified: None,
        rhythm: 1,
        content: None,
        full_at: 0,
        history: History::default(),
    };
    let visits = tasks.iter().map(|task| (task.key, again.clone())).collect();
    frontier.commit(&Batch { run, visits, ..Batch::default() }).await.unwrap();
    frontier.release(&host, began + 1, true, now()).await.unwrap();
    !tasks.is_empty()
}

#[test]
fn runs_beside_each_other_ask_for_a_list_once() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.database();
    run(async {
        let (one, two) = (worker(&url, 1).await, worker(&url, 2).await);
        let links = vec![link("http://a.example/", Kind::List)];
        let begin = async |frontier: &jingwen::frontier::postgres::PostgresFrontier, run: i64| {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let began = now();
            frontier.select(run, began, &|_| true).await.unwrap();
            frontier.commit(&Batch { run, links: links.clone(), ..Batch::default() }).await.unwrap();
            frontier.wake(run, began).await.unwrap();
            began
        };
        let began = begin(&one, 1).await;
        assert!(visit(&one, 1, began).await);
        let beside = begin(&two, 1).await;
        assert!(!visit(&two, 1, beside).await, "the first worker's run is under way and has seen it");
        one.finish(1).await.unwrap();
        two.finish(1).await.unwrap();
        let soon = begin(&two, 2).await;
        assert!(!visit(&two, 2, soon).await, "it ended a moment ago");
        // A worker's own next run asks anew, as it does where there is no other.
        let own = begin(&one, 2).await;
        assert!(visit(&one, 2, own).await);
        one.finish(2).await.unwrap();
        two.finish(2).await.unwrap();
        let pool = PgPool::connect(&url).await.unwrap();
        sqlx::query("UPDATE run SET alive_until = 0 WHERE over").execute(&pool).await.unwrap();
        let later = begin(&two, 3).await;
        assert!(visit(&two, 3, later).await, "a minute later");
    });
}

#[test]
fn a_day_s_requests_count_over_all_workers_and_texts_are_everybody_s() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.database();
    run(async {
        let (one, two, three) = (worker(&url, 1).await, worker(&url, 2).await, worker(&url, 3).await);
        for (frontier, requests) in [(&one, 3), (&two, 4), (&two, 5)] {
            let budgets = vec![("a".into(), "2026-11-26".into(), requests)];
            let texts = vec![(9, format!("by {requests}"))];
            frontier.commit(&Batch { budgets, texts, ..Batch::default() }).await.unwrap();
        }
        assert_eq!(one.spent_elsewhere().await.unwrap(), [("a".into(), "2026-11-26".into(), 5)]);
        assert_eq!(three.spent_elsewhere().await.unwrap(), [("a".into(), "2026-11-26".into(), 8)]);
        assert_eq!(three.texts(&[9]).await.unwrap()[&9], "by 3");
    });
}

/// Four workers commit links to each other's hosts all the time: they wait for each other, and nobody is lost.
#[test]
fn commits_that_touch_the_same_hosts_do_not_fail() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.database();
    let work = async |number: i64| {
        let frontier = worker(&url, number).await;
        for round in 0..40_i64 {
            let links = (0..20)
                .map(|n| (n * 7 + round * 3 + number) % 20)
                .map(|n| link(&format!("http://h{n}.example/{}.htm", n * 100 + round % 10), Kind::Article));
            let texts = (0..5).rev().map(|n| (n * number % 7, "x".to_owned())).collect();
            frontier.commit(&Batch { run: 1, links: links.collect(), texts, ..Batch::default() }).await.unwrap();
            let hosts = frontier.lease(1, 3, now(), now() + MINUTE).await.unwrap();
            for host in hosts {
                let tasks = frontier.next(&host, Cursor::START, now(), now(), 3).await.unwrap();
                let visits = tasks.iter().map(|task| (task.key, Fate::Done)).collect();
                frontier.commit(&Batch { run: 1, visits, ..Batch::default() }).await.unwrap();
                frontier.release(&host, now(), true, now()).await.unwrap();
            }
        }
    };
    run(async { tokio::join!(work(1), work(2), work(3), work(4)) });
}

#[test]
fn a_connection_that_is_lost_while_idle_is_made_anew() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.database();
    run(async {
        let one = worker(&url, 1).await;
        let pool = PgPool::connect(&url).await.unwrap();
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name LIKE 'jingwen%' AND datname = current_database()";
        sqlx::query(cut).execute(&pool).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        one.commit(&Batch { run: 1, links: links(), ..Batch::default() }).await.unwrap();
        assert_eq!(one.counts().await.unwrap().queued, 3);
    });
}
