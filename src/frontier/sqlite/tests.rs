//! The embedded frontier's rules.

use super::*;
use url::Url;

use crate::frontier::{Ending, Fate, HostUpdate, Kind, LIST_NAMED, LeftOut, NewUrl, RobotsCopy, StoredRobots, now};
use crate::retry::{Failure, FailureClass, History};
use crate::urls::CanonicalUrl;

async fn fresh() -> (tempfile::TempDir, SqliteFrontier) {
    let dir = tempfile::tempdir().unwrap();
    let frontier = SqliteFrontier::open(&dir.path().join("frontier.sqlite")).await.unwrap();
    (dir, frontier)
}

fn link(url: &str, kind: Kind) -> NewUrl {
    NewUrl::new(CanonicalUrl::new(&Url::parse(url).unwrap(), None), kind, 0, 1000)
}

/// So many failures, the last one now.
fn failures(n: u32) -> History {
    let failure = Failure { at: now(), class: FailureClass::Transient, what: "status 500".into() };
    (0..n).fold(History::default(), |history, _| history.with(failure.clone()))
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
    assert!(plan(&frontier, sql::LEASE).await.contains("host_ready (active=? AND ready_at<?)"));
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
    frontier.commit(&Batch { run: 1, links: links.clone(), ..Batch::default() }).await.unwrap();
    assert_eq!(frontier.counts().await.unwrap(), Counts { hosts: 2, queued: 3, seen: 0 });

    let hosts = frontier.lease(1, 10, now(), now() + 60_000).await.unwrap();
    assert_eq!(hosts.len(), 2);
    assert!(frontier.lease(1, 10, now(), now() + 60_000).await.unwrap().is_empty());
    let a = hosts.iter().find(|h| h.key.as_str() == "a.example:80").unwrap();
    let tasks = frontier.next(a, Cursor::START, now(), now(), 10).await.unwrap();
    assert_eq!(tasks.len(), 2);
    let after = Cursor::after(&tasks[0]);
    assert_eq!(frontier.next(a, after, now(), now(), 10).await.unwrap().len(), 1);

    let article = tasks.iter().find(|t| t.kind == Kind::Article).unwrap();
    let list = tasks.iter().find(|t| t.kind == Kind::List).unwrap();
    let again = Fate::Again {
        due: now() + 60_000,
        etag: Some("\"x\"".into()),
        modified: None,
        rhythm: 1,
        content: None,
        full_at: 0,
        history: History::default(),
    };
    let batch = Batch {
        run: 1,
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

    frontier.release(a, NEVER, true, 0).await.unwrap();
    assert!(frontier.lease(1, 10, now(), now() + 60_000).await.unwrap().is_empty());
    let start = now() + 10;
    frontier.wake(1, start).await.unwrap();
    let hosts = frontier.lease(1, 10, start, start + 60_000).await.unwrap();
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
    frontier.commit(&Batch { run: 1, links: vec![new.clone()], ..Batch::default() }).await.unwrap();
    let host = frontier.lease(1, 1, now(), now() + 60_000).await.unwrap().remove(0);
    let later = now() + 3_600_000;
    let robots = RobotsCopy {
        stored: StoredRobots::File(b"User-agent: *".to_vec()),
        at: 5,
        etag: Some("\"r\"".into()),
        modified: None,
    };
    let update = HostUpdate {
        not_before: Some(later),
        failures: Some(3),
        refusals: Some(4),
        blocked: Some(Some("429".into())),
        robots: Some(robots.clone()),
    };
    let retry = Fate::Retry { due: later, history: failures(1) };
    let batch = Batch { run: 1, visits: vec![(new.key, retry)], hosts: vec![(host.id, update)], ..Batch::default() };
    frontier.commit(&batch).await.unwrap();
    frontier.close().await;

    let frontier = SqliteFrontier::open(&dir.path().join("frontier.sqlite")).await.unwrap();
    frontier.recover().await.unwrap();
    frontier.select(1, now(), &|_| true).await.unwrap();
    assert_eq!(frontier.next_retry(host.id).await.unwrap(), Some(later));
    assert!(frontier.lease(1, 1, now(), now()).await.unwrap().is_empty());
    let host = frontier.lease(1, 1, later, later).await.unwrap().remove(0);
    assert_eq!((host.not_before, host.failures, host.refusals), (later, 3, 4));
    assert_eq!(host.robots, Some(robots));
    frontier.release(&host, NEVER, true, 0).await.unwrap();
    // Of another run it is none of the business.
    assert!(frontier.lease(2, 1, NEVER - 1, NEVER).await.unwrap().is_empty());
}

/// A run leaves out what it has seen; one that keeps to the rhythm of its lists, and so wakes nothing, finds them when they
/// are due, also where no seed and no new link leads to their host.
#[tokio::test]
async fn lists_are_due_again_in_a_later_run() {
    let (_dir, frontier) = fresh().await;
    let list = link("http://a.example/", Kind::List);
    frontier.commit(&Batch { run: 1, links: vec![list.clone()], ..Batch::default() }).await.unwrap();
    let host = frontier.lease(1, 1, now(), now() + 60_000).await.unwrap().remove(0);
    let (began, due) = (now() - 1, now() + 100);
    let again = Fate::Again {
        due,
        etag: None,
        modified: None,
        rhythm: 100,
        content: None,
        full_at: 0,
        history: History::default(),
    };
    frontier.commit(&Batch { run: 1, visits: vec![(list.key, again)], ..Batch::default() }).await.unwrap();
    frontier.release(&host, began, true, 0).await.unwrap();
    assert!(frontier.lease(1, 1, due + 1, due + 60_000).await.unwrap().is_empty(), "not in this run");
    frontier.select(2, due, &|_| true).await.unwrap();
    assert_eq!(frontier.lease(2, 1, due + 1, due + 60_000).await.unwrap().len(), 1);
}

/// Makes the n-th statement that writes fail, by a trigger that counts; gives the frontier's file back after each.
#[tokio::test]
async fn whichever_statement_fails_the_batch_is_wholly_there_or_not_at_all() {
    let tables = ["url", "seen", "host", "output", "text"];
    let mut failures = 0;
    for table in tables {
        for event in ["INSERT", "UPDATE", "DELETE"] {
            let (_dir, frontier) = fresh().await;
            let first = link("http://a.example/1.htm", Kind::Article);
            let list = link("http://a.example/", Kind::List);
            let links = vec![first.clone(), list.clone()];
            let outputs = vec![("/out/articles.jsonl".to_owned(), 5)];
            frontier.commit(&Batch { run: 1, links, outputs, ..Batch::default() }).await.unwrap();
            let before = everything(&frontier).await;
            let trigger = format!(
                "CREATE TRIGGER fails BEFORE {event} ON {table} BEGIN SELECT raise(ABORT, 'disk I/O error'); END"
            );
            sqlx::query(sqlx::AssertSqlSafe(trigger)).execute(&frontier.writer).await.unwrap();
            let again = Fate::Again {
                due: 9,
                etag: None,
                modified: None,
                rhythm: 1,
                content: None,
                full_at: 0,
                history: History::default(),
            };
            let update = HostUpdate { failures: Some(1), ..HostUpdate::default() };
            let batch = Batch {
                visits: vec![(first.key, Fate::Done), (list.key, again)],
                links: vec![link("http://b.example/2.htm", Kind::Article)],
                hosts: vec![(first.key.host, update)],
                outputs: vec![("/out/articles.jsonl".into(), 12)],
                texts: vec![(7, "id".into())],
                ..Batch::default()
            };
            let result = frontier.commit(&batch).await;
            sqlx::query("DROP TRIGGER fails").execute(&frontier.writer).await.unwrap();
            if let Err(error) = result {
                failures += 1;
                assert!(error.to_string().contains("the state cannot be written"), "{error}");
                assert_eq!(everything(&frontier).await, before, "{event} on {table}");
                // And it can be done again.
                frontier.commit(&batch).await.unwrap();
            }
            assert_eq!(frontier.counts().await.unwrap(), Counts { hosts: 2, queued: 2, seen: 1 });
            assert_eq!(frontier.texts(&[7, 8]).await.unwrap().len(), 1);
        }
    }
    assert!(failures >= 8, "only {failures} statements failed");
}

/// All rows, as text.
async fn everything(frontier: &SqliteFrontier) -> String {
    let text = "SELECT group_concat(r, ';') FROM (
        SELECT 'u' || id || ',' || due || ',' || visited AS r FROM url UNION ALL SELECT 's' || id FROM seen
        UNION ALL SELECT 'h' || origin || failures || ready_at FROM host UNION ALL SELECT 'o' || path || bytes FROM output
        UNION ALL SELECT 't' || hash FROM text ORDER BY 1)";
    sqlx::query_scalar(text).fetch_one(&frontier.writer).await.unwrap()
}

/// A state made by the first version of the schema is brought up to date with everything in it.
#[tokio::test]
async fn states_of_older_versions_are_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frontier.sqlite");
    let migrator = sqlx::migrate!("src/frontier/migrations/sqlite");
    let first = migrator.iter().next().unwrap().clone();
    let old =
        SqlitePool::connect_with(SqliteConnectOptions::new().filename(&path).create_if_missing(true)).await.unwrap();
    sqlx::migrate::Migrator::with_migrations(vec![first]).run(&old).await.unwrap();
    let fill = "INSERT INTO host (bucket, host, origin, ready_at) VALUES (1, 2, 'http://a.example', 0);
        INSERT INTO url (bucket, host, near, id, due, kind, depth, path) VALUES (1, 2, 3, 4, 0, 0, 1, '/1.htm');
        INSERT INTO seen (bucket, host, near, id) VALUES (1, 2, 3, 5);
        INSERT INTO output (path, bytes) VALUES ('/out/articles.jsonl', 77);";
    sqlx::raw_sql(fill).execute(&old).await.unwrap();
    old.close().await;

    let frontier = SqliteFrontier::open(&path).await.unwrap();
    assert_eq!(frontier.counts().await.unwrap(), Counts { hosts: 1, queued: 1, seen: 1 });
    assert_eq!(frontier.output("/out/articles.jsonl").await.unwrap().unwrap().bytes, 77);
    assert!(frontier.parts("/out/articles.jsonl").await.unwrap().is_empty());
    assert!(frontier.damage().await.unwrap().is_empty());
    // Opening it again changes nothing, and a newer state than this program knows is refused, not damaged.
    frontier.close().await;
    let newer = SqlitePool::connect_with(SqliteConnectOptions::new().filename(&path)).await.unwrap();
    sqlx::query("INSERT INTO _sqlx_migrations SELECT 9999, 'later', installed_on, success, checksum, execution_time FROM _sqlx_migrations LIMIT 1")
        .execute(&newer)
        .await
        .unwrap();
    newer.close().await;
    assert!(matches!(SqliteFrontier::open(&path).await, Err(FrontierError::Migrate { .. })));
}

#[tokio::test]
async fn what_is_forgotten_is_new_again() {
    let (_dir, frontier) = fresh().await;
    let links = vec![link("http://a.example/1.htm", Kind::Article), link("http://a.example/2.htm", Kind::Article)];
    frontier.commit(&Batch { run: 1, links: links.clone(), ..Batch::default() }).await.unwrap();
    let done = vec![(links[0].key, Fate::Done), (links[1].key, Fate::Retry { due: 5, history: failures(2) })];
    let update =
        HostUpdate { not_before: Some(now() + 60_000), blocked: Some(Some("429".into())), ..HostUpdate::default() };
    let hosts = vec![(links[0].key.host, update)];
    frontier.commit(&Batch { run: 1, visits: done, hosts, ..Batch::default() }).await.unwrap();
    let overview = frontier.overview(now()).await.unwrap();
    assert_eq!((overview.hosts, overview.held_back, overview.queued, overview.retries, overview.done), (1, 1, 1, 1, 1));
    assert_eq!(frontier.retries(10).await.unwrap()[0].url, "http://a.example/2.htm");
    assert_eq!(frontier.queues(now(), 10).await.unwrap()[0].blocked.as_deref(), Some("429"));

    assert_eq!(frontier.origins("a.example").await.unwrap(), ["http://a.example"]);
    assert_eq!(frontier.unblock("http://a.example").await.unwrap(), 2, "the host, and the page that failed");
    assert_eq!(frontier.overview(now()).await.unwrap().held_back, 0);
    assert_eq!(frontier.forget_url(&links[0].key).await.unwrap(), 1);
    assert_eq!(frontier.known(&[links[0].key]).await.unwrap(), [false]);
    assert_eq!(frontier.forget_host("http://a.example").await.unwrap(), 2);
    assert_eq!(frontier.counts().await.unwrap(), Counts::default());
    frontier.vacuum().await.unwrap();
}

async fn tasks(frontier: &SqliteFrontier) -> Vec<Task> {
    let hosts = frontier.lease(1, 10, now(), now() + 60_000).await.unwrap();
    let mut tasks = Vec::new();
    for host in &hosts {
        tasks.extend(frontier.next(host, Cursor::START, now(), now() + 1, 100).await.unwrap());
        frontier.release(host, NEVER, true, 0).await.unwrap();
    }
    tasks
}

#[tokio::test]
async fn failures_are_kept_with_the_address_and_a_postponed_page_keeps_its_own() {
    let (_dir, frontier) = fresh().await;
    let links = vec![link("http://a.example/1.htm", Kind::Article), link("http://a.example/2.htm", Kind::Article)];
    let visits =
        vec![(links[0].key, Fate::Retry { due: 5, history: failures(2) }), (links[1].key, Fate::Postpone { due: 5 })];
    frontier.commit(&Batch { run: 1, links: links.clone(), ..Batch::default() }).await.unwrap();
    frontier.commit(&Batch { run: 1, visits, ..Batch::default() }).await.unwrap();
    let of = async |key: UrlKey| tasks(&frontier).await.into_iter().find(|task| task.key == key).unwrap();
    assert_eq!((of(links[0].key).await.tries, of(links[0].key).await.history.count), (2, 2));
    assert_eq!((of(links[1].key).await.tries, of(links[1].key).await.history), (0, History::default()));
    let visits = vec![(links[0].key, Fate::Postpone { due: 6 })];
    frontier.commit(&Batch { run: 1, visits, ..Batch::default() }).await.unwrap();
    assert_eq!(of(links[0].key).await.history.count, 2);
    let why = frontier.address(&links[0].key).await.unwrap();
    assert_eq!(why.queued.unwrap().history.latest.len(), 2);
}

#[tokio::test]
async fn a_rejected_address_is_done_until_its_time_to_be_looked_at_again() {
    let (_dir, frontier) = fresh().await;
    let page = link("http://a.example/1.htm", Kind::Article);
    frontier.commit(&Batch { run: 1, links: vec![page.clone()], ..Batch::default() }).await.unwrap();
    let ending = |revisits, revisit_at| Ending {
        at: now(),
        reason: "http-status".into(),
        detail: "status 404".into(),
        revisits,
        revisit_at,
    };
    let reject = async |ending: Ending| {
        let visits = vec![(page.key, Fate::Done)];
        frontier
            .commit(&Batch { run: 1, visits, endings: vec![(page.key, ending)], ..Batch::default() })
            .await
            .unwrap();
    };
    reject(ending(0, Some(now() + 60_000))).await;
    assert!(frontier.revisitable(1, now(), 9).await.unwrap().is_empty());
    assert_eq!(frontier.revisitable(1, now() + 60_001, 9).await.unwrap(), [page.key]);
    frontier.commit(&Batch { run: 1, links: vec![page.clone()], ..Batch::default() }).await.unwrap();
    assert!(tasks(&frontier).await.is_empty(), "a link alone does nothing");
    assert_eq!(frontier.address(&page.key).await.unwrap().ending.unwrap().detail, "status 404");

    frontier.commit(&Batch { run: 1, revisits: vec![page.clone()], ..Batch::default() }).await.unwrap();
    assert_eq!(tasks(&frontier).await[0].revisits, 1);
    assert!(frontier.revisitable(1, now() + 60_001, 9).await.unwrap().is_empty(), "once");
    reject(ending(1, None)).await;
    assert!(tasks(&frontier).await.is_empty() && frontier.revisitable(1, NEVER, 9).await.unwrap().is_empty());
    frontier.commit(&Batch { run: 1, recovered: vec![page.key], ..Batch::default() }).await.unwrap();
    assert!(frontier.address(&page.key).await.unwrap().ending.is_none());
}

#[tokio::test]
async fn what_is_left_out_is_taken_up_by_a_wider_window_and_nothing_twice() {
    let (_dir, frontier) = fresh().await;
    let urls: Vec<NewUrl> = (1..=4).map(|n| link(&format!("http://a.example/{n}.htm"), Kind::Article)).collect();
    let left = |n: usize, published, was_fetched| LeftOut {
        key: urls[n].key,
        path: urls[n].url.path_and_query().to_owned(),
        kind: Kind::Article,
        depth: 1,
        published,
        was_fetched,
    };
    // The first two are fetched: one is written, one is too old by its own date. The third stands in a feed only, the fourth
    // was left out by its feed and then came from a page without dates.
    frontier.commit(&Batch { run: 1, links: urls[..2].to_vec(), ..Batch::default() }).await.unwrap();
    let visits = vec![(urls[0].key, Fate::Done), (urls[1].key, Fate::Done)];
    let left_out = vec![left(0, 50, false), left(1, 50, true), left(2, 60, false), left(3, 60, false)];
    frontier.commit(&Batch { run: 1, visits, left_out, ..Batch::default() }).await.unwrap();
    frontier.commit(&Batch { run: 1, visits: vec![(urls[3].key, Fate::Done)], ..Batch::default() }).await.unwrap();
    frontier.commit(&Batch { run: 1, left_out: vec![left(0, 50, false)], ..Batch::default() }).await.unwrap();

    let admit = async |window| frontier.admit_left_out(urls[0].key.host, window, now()).await.unwrap();
    assert_eq!(frontier.left_out_hosts(1).await.unwrap(), [(urls[0].key.host, "http://a.example".to_owned())]);
    assert_eq!(admit(70..100).await, 0);
    assert_eq!(admit(55..100).await, 1, "the third");
    assert_eq!(admit(Millis::MIN..Millis::MAX).await, 1, "the second; the first is written");
    let mut found: Vec<String> = tasks(&frontier).await.iter().map(|task| task.url.path().to_owned()).collect();
    found.sort();
    assert_eq!(found, ["/2.htm", "/3.htm"]);
    assert_eq!(admit(Millis::MIN..Millis::MAX).await, 0);
    assert!(frontier.left_out_hosts(1).await.unwrap().is_empty());
}

#[tokio::test]
async fn marks_of_a_clock_that_was_ahead_are_taken_back() {
    let (_dir, frontier) = fresh().await;
    let year = now() + 365 * 86_400_000;
    let links: Vec<NewUrl> = ["list.htm", "1.htm", "2.htm"]
        .iter()
        .map(|path| {
            let kind = if path.starts_with("list") { Kind::List } else { Kind::Article };
            NewUrl { due: year, ..link(&format!("http://a.example/{path}"), kind) }
        })
        .collect();
    frontier.commit(&Batch { run: 1, links: links.clone(), ..Batch::default() }).await.unwrap();
    let history = History::default().with(Failure { at: year, class: FailureClass::Transient, what: "reset".into() });
    let visits = vec![(links[1].key, Fate::Retry { due: year + 1, history })];
    let update = HostUpdate { not_before: Some(year), ..HostUpdate::default() };
    let hosts = vec![(links[0].key.host, update)];
    frontier.commit(&Batch { run: 1, visits, hosts, ..Batch::default() }).await.unwrap();
    for text in ["UPDATE url SET visited = ?1 WHERE kind = 1", "UPDATE host SET held_at = ?1"] {
        sqlx::query(text).bind(year).execute(&frontier.writer).await.unwrap();
    }
    assert!(tasks(&frontier).await.is_empty());
    frontier.select(1, now(), &|_| true).await.unwrap();
    assert_eq!(tasks(&frontier).await.len(), 3);
}

#[tokio::test]
async fn a_list_that_nothing_names_leaves_the_queue_and_comes_back_with_the_next_link() {
    let (_dir, frontier) = fresh().await;
    let seed = link("http://a.example/", Kind::List);
    let list = NewUrl { depth: 1, ..link("http://a.example/list.htm", Kind::List) };
    let links = vec![seed, list.clone()];
    frontier.commit(&Batch { run: 1, links: links.clone(), ..Batch::default() }).await.unwrap();
    frontier.select(1, now(), &|_| true).await.unwrap();
    assert_eq!(frontier.known_lists(1).await.unwrap().len(), 2);
    let long_ago = now() - millis(LIST_NAMED) - 1000;
    sqlx::query("UPDATE url SET named_at = ?1").bind(long_ago).execute(&frontier.writer).await.unwrap();
    frontier.select(1, now(), &|_| true).await.unwrap();
    assert_eq!(frontier.known_lists(1).await.unwrap().len(), 0, "a run names its starting points again");
    frontier.commit(&Batch { run: 1, links, ..Batch::default() }).await.unwrap();
    assert_eq!(frontier.known_lists(1).await.unwrap().len(), 2);
    frontier.commit(&Batch { run: 1, visits: vec![(list.key, Fate::Forget)], ..Batch::default() }).await.unwrap();
    assert_eq!(frontier.known(&[list.key]).await.unwrap(), [false]);
}
