//! What every back end does, tried on both: the same calls, the same answers.

use jingwen::frontier::place::{Address, Shared};
use jingwen::frontier::postgres::PostgresFrontier;
use jingwen::frontier::sqlite::SqliteFrontier;
use jingwen::frontier::{
    Batch, Counts, Cursor, Fate, Frontier, HostUpdate, Kind, NEVER, NewUrl, Recent, RobotsCopy, StoredRobots, now,
};
use jingwen::output::parts::{Closed, Part};
use jingwen::retry::{Failure, FailureClass, History};
use jingwen::urls::CanonicalUrl;
use std::time::Duration;
use url::Url;

use crate::server::{Postgres, run};

pub fn link(url: &str, kind: Kind) -> NewUrl {
    NewUrl::new(CanonicalUrl::new(&Url::parse(url).unwrap(), None), kind, 0, 1000)
}

/// So many failures, the last one now.
fn failures(n: u32) -> History {
    let failure = Failure { at: now(), class: FailureClass::Transient, what: "status 500".into() };
    (0..n).fold(History::default(), |history, _| history.with(failure.clone()))
}

pub fn shared(url: &str) -> Shared {
    Shared { address: Address::try_from(url.to_owned()).unwrap(), password: None }
}

/// A worker of a shared frontier.
pub async fn worker(url: &str, number: i64) -> PostgresFrontier {
    let frontier = PostgresFrontier::open(&shared(url), number, Duration::from_secs(60)).await.unwrap();
    frontier.recover().await.unwrap();
    frontier
}

/// Tries each rule on a new frontier of each kind.
macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident($frontier:ident) $body:block)*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            async fn rule($frontier: &impl Frontier) $body
            let folder = tempfile::tempdir().unwrap();
            run(async {
                let frontier = SqliteFrontier::open(&folder.path().join("frontier.sqlite")).await.unwrap();
                rule(&frontier).await;
            });
            let Some(server) = Postgres::shared() else { return };
            let url = server.database();
            run(async { rule(&worker(&url, 1).await).await });
        }
    )*};
}

rules! {
    links_are_taken_once_and_done_ones_never_again(frontier) {
        let links = vec![
            link("http://a.example/", Kind::List),
            link("http://a.example/1.htm", Kind::Article),
            link("http://a.example/1.htm", Kind::Article),
            link("http://b.example/2.htm", Kind::Article),
        ];
        frontier.select(1, now(), &|_| true).await.unwrap();
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
        let again =
            Fate::Again { due: now() + 60_000, etag: Some("\"x\"".into()), modified: None, rhythm: 1, content: None, full_at: 0, history: History::default() };
        let batch = Batch {
            run: 1,
            visits: vec![(article.key, Fate::Done), (list.key, again)],
            seen: vec![link("http://a.example/1_2.htm", Kind::Article).key],
            links,
            outputs: vec![("/out/articles.jsonl".into(), 12)],
            ..Batch::default()
        };
        frontier.commit(&batch).await.unwrap();
        assert_eq!(frontier.counts().await.unwrap(), Counts { hosts: 2, queued: 2, seen: 2 });
        assert_eq!(frontier.output("/out/articles.jsonl").await.unwrap().map(|output| output.bytes), Some(12));
        let never = link("http://a.example/9.htm", Kind::Article).key;
        assert_eq!(frontier.known(&[never, article.key, list.key]).await.unwrap(), [false, true, true]);
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

    waits_and_robots_are_remembered(frontier) {
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
        // The process dies here.
        frontier.recover().await.unwrap();
        frontier.select(1, now(), &|_| true).await.unwrap();
        assert_eq!(frontier.next_retry(host.id).await.unwrap(), Some(later));
        assert_eq!(frontier.next_wait(1, now()).await.unwrap(), Some(later));
        let held = frontier.held_back(1, now(), 10).await.unwrap();
        assert_eq!((held[0].until, held[0].why.as_deref(), held[0].waiting), (later, Some("429"), 1));
        assert!(frontier.lease(1, 1, now(), now()).await.unwrap().is_empty());
        let host = frontier.lease(1, 1, later, later).await.unwrap().remove(0);
        assert_eq!((host.not_before, host.failures, host.refusals), (later, 3, 4));
        assert!(now() - host.asked < 60_000, "as asked just now");
        assert_eq!(host.robots, Some(robots));
        frontier.release(&host, NEVER, true, 0).await.unwrap();
        // Of another run it is none of the business.
        assert!(frontier.lease(2, 1, NEVER - 1, NEVER).await.unwrap().is_empty());
    }

    a_host_that_is_not_kept_takes_no_part_any_more(frontier) {
        let links = vec![link("http://a.example/1.htm", Kind::Article)];
        frontier.commit(&Batch { run: 1, links, ..Batch::default() }).await.unwrap();
        let host = frontier.lease(1, 1, now(), now() + 60_000).await.unwrap().remove(0);
        frontier.release(&host, NEVER, false, 7).await.unwrap();
        assert!(frontier.lease(1, 1, now(), now() + 60_000).await.unwrap().is_empty());
        // Unless links are found.
        let links = vec![link("http://a.example/2.htm", Kind::Article)];
        frontier.commit(&Batch { run: 1, links, ..Batch::default() }).await.unwrap();
        assert_eq!(frontier.lease(1, 1, now(), now() + 60_000).await.unwrap()[0].asked, 7);
    }

    /// What one run has seen, a later one that keeps to the rhythm of its lists looks at when it is due.
    lists_are_due_again_in_a_later_run(frontier) {
        let list = link("http://a.example/", Kind::List);
        frontier.commit(&Batch { run: 1, links: vec![list.clone()], ..Batch::default() }).await.unwrap();
        let host = frontier.lease(1, 1, now(), now() + 60_000).await.unwrap().remove(0);
        let began = now() - 1;
        let due = now() + 100;
        let again = Fate::Again { due, etag: None, modified: None, rhythm: 100, content: None, full_at: 0, history: History::default() };
        frontier.commit(&Batch { run: 1, visits: vec![(list.key, again)], ..Batch::default() }).await.unwrap();
        frontier.release(&host, began, true, 0).await.unwrap();
        assert!(frontier.lease(1, 1, due + 1, due + 60_000).await.unwrap().is_empty(), "not in this run");
        frontier.select(2, due, &|_| true).await.unwrap();
        assert!(frontier.lease(2, 1, due - 1, due + 60_000).await.unwrap().is_empty(), "not before its time");
        assert_eq!(frontier.lease(2, 1, due + 1, due + 60_000).await.unwrap().len(), 1);
    }

    articles_are_looked_at_again_and_texts_are_known(frontier) {
        let new = link("http://a.example/1.htm", Kind::Article);
        frontier.commit(&Batch { run: 1, links: vec![new.clone()], ..Batch::default() }).await.unwrap();
        frontier.lease(1, 1, now(), now() + 60_000).await.unwrap();
        let recent =
            Recent { key: new.key, looked: now() - 5, path: "/1.htm".into(), etag: None, modified: None, text: 77 };
        let batch = Batch {
            run: 1,
            visits: vec![(new.key, Fate::Done)],
            recent: vec![recent.clone(), recent],
            texts: vec![(77, "first".into()), (77, "second".into())],
            budgets: vec![("a".into(), "2026-11-26".into(), 3)],
            ..Batch::default()
        };
        frontier.commit(&batch).await.unwrap();
        let texts = frontier.texts(&[77, 78]).await.unwrap();
        assert_eq!((texts.len(), texts[&77].as_str()), (1, "first"));
        assert_eq!(frontier.budgets().await.unwrap()["a"], ("2026-11-26".to_owned(), 3));
        assert!(frontier.spent_elsewhere().await.unwrap().is_empty());
        let other = link("http://a.example/2.htm", Kind::Article).key;
        assert_eq!(frontier.recheck(1, 0, now(), Some(&[other]), false).await.unwrap(), 0);
        assert_eq!(frontier.recheck(1, 0, now(), Some(&[other, new.key]), false).await.unwrap(), 1);
        assert_eq!(frontier.recheck(1, 0, now(), None, false).await.unwrap(), 0, "it is queued");
        let gone = Batch { run: 1, visits: vec![(new.key, Fate::Done)], gone: vec![new.key], ..Batch::default() };
        frontier.commit(&gone).await.unwrap();
        assert_eq!(frontier.recheck(1, 0, now(), None, false).await.unwrap(), 0, "it is none any more");
    }

    parts_are_noted_with_the_length(frontier) {
        let outputs = vec![("/out/articles.jsonl".to_owned(), 12)];
        frontier.commit(&Batch { outputs, ..Batch::default() }).await.unwrap();
        let begun = frontier.output("/out/articles.jsonl").await.unwrap().unwrap().begun;
        assert!(now() - begun < 60_000);
        let mut part = Part { path: "/out/articles.jsonl".into(), number: 1, bytes: 12, closed: None };
        frontier.begin_part(&part).await.unwrap();
        let output = frontier.output(&part.path).await.unwrap().unwrap();
        assert_eq!((output.bytes, output.begun), (0, 0));
        assert_eq!(frontier.parts(&part.path).await.unwrap(), [part.clone()]);
        let closed =
            Closed { name: "articles-000001.jsonl".into(), records: 1, bytes: 12, stored: 12, sha256: "x".into() };
        frontier.finish_part(&part, &closed).await.unwrap();
        part.closed = Some(closed);
        assert_eq!(frontier.parts(&part.path).await.unwrap(), [part]);
        assert!(frontier.parts("/out/rejected.jsonl").await.unwrap().is_empty());
    }
}
