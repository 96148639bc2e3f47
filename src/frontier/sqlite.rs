//! The embedded frontier: one SQLite file in WAL mode, which anyone can look into with `sqlite3`.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Row, Sqlite, Transaction};
use url::Url;

use super::{
    Batch, Counts, Cursor, Fate, Frontier, FrontierError, HeldBack, HostId, HostUpdate, Kind, LeasedHost, Millis,
    NEVER, NewUrl, StoredRobots, Task, UrlKey,
};
use crate::urls::HostKey;

/// Page cache of the writing connection, in KiB: bounded, whatever the size of the file.
const WRITE_CACHE_KIB: &str = "-16384";
/// Pages of the WAL before it is folded into the file. Keys are hashes, so a commit touches pages all over; folding
/// seldom writes each of them once for many commits. 32 MiB of disk, and well under a second to read at start.
const WAL_PAGES: &str = "8192";
/// Page cache of each reading connection, in KiB.
const READ_CACHE_KIB: &str = "-4096";

const LEASE: &str = "UPDATE host SET leased = 1, epoch = epoch + 1, ready_at = ?3
    WHERE (bucket, host) IN (SELECT bucket, host FROM host WHERE active = 1 AND ready_at <= ?2 ORDER BY ready_at LIMIT ?1)
    RETURNING bucket, host, origin, epoch, not_before, failures, robots, robots_state, robots_at";

const NEXT: &str = "SELECT id, due, kind, depth, hops, tries, path, etag, modified FROM url
    WHERE bucket = ?1 AND host = ?2 AND (due, id) > (?3, ?4) AND due <= ?5 AND visited < ?6
    ORDER BY due, id LIMIT ?7";

const NEXT_RETRY: &str = "SELECT min(due) FROM url WHERE bucket = ?1 AND host = ?2 AND tries > 0";

const RELEASE: &str = "UPDATE host SET leased = 0, active = min(active, ?5), ready_at = max(not_before,
        coalesce((SELECT due FROM url WHERE url.bucket = ?1 AND url.host = ?2 AND url.visited < ?4
                  ORDER BY due LIMIT 1), 9223372036854775807))
    WHERE bucket = ?1 AND host = ?2 AND epoch = ?3";

const DONE: &str = "DELETE FROM url WHERE (bucket, host, id) IN
    (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1))";

const SEEN: &str = "INSERT OR IGNORE INTO seen (bucket, host, id)
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)";

const LINKS: &str = "INSERT OR IGNORE INTO url (bucket, host, id, due, kind, depth, hops, path)
    SELECT j.b, j.h, j.i, j.due, j.kind, j.depth, j.hops, j.path FROM (
        SELECT value ->> 0 AS b, value ->> 1 AS h, value ->> 2 AS i, value ->> 3 AS due, value ->> 4 AS kind,
               value ->> 5 AS depth, value ->> 6 AS hops, value ->> 7 AS path FROM json_each(?1)) AS j
    WHERE NOT EXISTS (SELECT 1 FROM seen AS s WHERE s.bucket = j.b AND s.host = j.h AND s.id = j.i)";

const HOST: &str = "INSERT INTO host (bucket, host, origin, ready_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (bucket, host) DO UPDATE SET active = 1,
        ready_at = CASE WHEN leased = 1 THEN ready_at ELSE max(not_before, min(ready_at, excluded.ready_at)) END";

/// The embedded back end.
#[derive(Debug, Clone)]
pub struct SqliteFrontier {
    /// One connection: SQLite has one writer, and waiting in a queue of our own is cheaper than its busy loop.
    writer: SqlitePool,
    /// WAL lets these read while the writer commits.
    reader: SqlitePool,
}

impl SqliteFrontier {
    /// Opens the state file, making it if it is absent and bringing it up to date.
    pub async fn open(path: &Path) -> Result<Self, FrontierError> {
        let shown = path.display().to_string();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let open = |source| FrontierError::Open { path: shown.clone(), source };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone().pragma("cache_size", WRITE_CACHE_KIB).pragma("wal_autocheckpoint", WAL_PAGES))
            .await
            .map_err(open)?;
        sqlx::migrate!("src/frontier/migrations/sqlite")
            .run(&writer)
            .await
            .map_err(|source| FrontierError::Migrate { path: shown.clone(), source })?;
        let reader = SqlitePoolOptions::new()
            .max_connections(2)
            .connect_with(options.pragma("cache_size", READ_CACHE_KIB))
            .await
            .map_err(open)?;
        Ok(Self { writer, reader })
    }

    /// Closes the file; the WAL is folded into it.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    async fn write_links(tx: &mut Transaction<'_, Sqlite>, links: &[NewUrl]) -> Result<(), sqlx::Error> {
        let mut hosts: HashMap<HostId, (&Url, Millis)> = HashMap::new();
        let mut rows = Vec::with_capacity(links.len());
        for link in links {
            let host = hosts.entry(link.key.host).or_insert((link.url.url(), link.due));
            host.1 = host.1.min(link.due);
            rows.push((
                link.key.host.bucket,
                link.key.host.host,
                link.key.id,
                link.due,
                link.kind as i64,
                link.depth,
                link.hops,
                link.url.path_and_query(),
            ));
        }
        for (id, (url, due)) in hosts {
            sqlx::query(HOST)
                .bind(id.bucket)
                .bind(id.host)
                .bind(url.origin().ascii_serialization())
                .bind(due)
                .execute(&mut **tx)
                .await?;
        }
        sqlx::query(LINKS).bind(json(&rows)).execute(&mut **tx).await?;
        Ok(())
    }

    async fn write_host(tx: &mut Transaction<'_, Sqlite>, id: HostId, update: &HostUpdate) -> Result<(), sqlx::Error> {
        if let Some(not_before) = update.not_before {
            sqlx::query("UPDATE host SET not_before = ?3 WHERE bucket = ?1 AND host = ?2")
                .bind(id.bucket)
                .bind(id.host)
                .bind(not_before)
                .execute(&mut **tx)
                .await?;
        }
        if let Some(failures) = update.failures {
            sqlx::query("UPDATE host SET failures = ?3 WHERE bucket = ?1 AND host = ?2")
                .bind(id.bucket)
                .bind(id.host)
                .bind(failures)
                .execute(&mut **tx)
                .await?;
        }
        if let Some(blocked) = &update.blocked {
            sqlx::query("UPDATE host SET blocked = ?3 WHERE bucket = ?1 AND host = ?2")
                .bind(id.bucket)
                .bind(id.host)
                .bind(blocked.as_deref())
                .execute(&mut **tx)
                .await?;
        }
        if let Some((robots, at)) = &update.robots {
            let (state, body) = match robots {
                StoredRobots::Free => (0, None),
                StoredRobots::File(bytes) => (1, Some(bytes.as_slice())),
                StoredRobots::Unavailable => (2, None),
            };
            sqlx::query(
                "UPDATE host SET robots = ?3, robots_state = ?4, robots_at = ?5 WHERE bucket = ?1 AND host = ?2",
            )
            .bind(id.bucket)
            .bind(id.host)
            .bind(body)
            .bind(state)
            .bind(at)
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }

    async fn write_visits(tx: &mut Transaction<'_, Sqlite>, batch: &Batch, now: Millis) -> Result<(), sqlx::Error> {
        let row = |key: &UrlKey| (key.host.bucket, key.host.host, key.id);
        let done: Vec<_> = batch
            .visits
            .iter()
            .filter(|(_, fate)| matches!(fate, Fate::Done))
            .map(|(key, _)| row(key))
            .chain(batch.seen.iter().map(row))
            .collect();
        if !done.is_empty() {
            let done = json(&done);
            sqlx::query(DONE).bind(done.as_str()).execute(&mut **tx).await?;
            sqlx::query(SEEN).bind(done.as_str()).execute(&mut **tx).await?;
        }
        for (key, fate) in &batch.visits {
            match fate {
                Fate::Done => {}
                Fate::Again { due, etag, modified } => {
                    sqlx::query(
                        "UPDATE url SET due = ?4, visited = ?5, tries = 0, etag = ?6, modified = ?7,
                             kind = CASE kind WHEN 4 THEN 1 ELSE kind END
                         WHERE bucket = ?1 AND host = ?2 AND id = ?3",
                    )
                    .bind(key.host.bucket)
                    .bind(key.host.host)
                    .bind(key.id)
                    .bind(due)
                    .bind(now)
                    .bind(etag.as_deref())
                    .bind(modified.as_deref())
                    .execute(&mut **tx)
                    .await?;
                }
                Fate::Retry { due, tries } => {
                    sqlx::query("UPDATE url SET due = ?4, tries = ?5 WHERE bucket = ?1 AND host = ?2 AND id = ?3")
                        .bind(key.host.bucket)
                        .bind(key.host.host)
                        .bind(key.id)
                        .bind(due)
                        .bind(tries)
                        .execute(&mut **tx)
                        .await?;
                }
            }
        }
        Ok(())
    }
}

impl Frontier for SqliteFrontier {
    async fn lease(&self, n: u32, now: Millis, deadline: Millis) -> Result<Vec<LeasedHost>, FrontierError> {
        let rows =
            sqlx::query(LEASE).bind(n).bind(now).bind(deadline).fetch_all(&self.writer).await.map_err(writing)?;
        // An origin that does not parse cannot have been written by this program.
        rows.iter().map(|row| leased(row).map_err(reading)).filter_map(Result::transpose).collect()
    }

    async fn next(
        &self,
        host: &LeasedHost,
        after: Cursor,
        now: Millis,
        run_start: Millis,
        n: u32,
    ) -> Result<Vec<Task>, FrontierError> {
        let rows = sqlx::query(NEXT)
            .bind(host.id.bucket)
            .bind(host.id.host)
            .bind(after.due)
            .bind(after.id)
            .bind(now)
            .bind(run_start)
            .bind(n)
            .fetch_all(&self.reader)
            .await
            .map_err(reading)?;
        rows.iter().map(|row| task(row, host).map_err(reading)).filter_map(Result::transpose).collect()
    }

    async fn next_wait(&self, now: Millis) -> Result<Option<Millis>, FrontierError> {
        sqlx::query_scalar::<_, Option<i64>>(
            "SELECT min(ready_at) FROM host WHERE active = 1 AND ready_at > ?1 AND ready_at = not_before",
        )
        .bind(now)
        .fetch_one(&self.reader)
        .await
        .map_err(reading)
    }

    async fn next_retry(&self, host: HostId) -> Result<Option<Millis>, FrontierError> {
        sqlx::query_scalar::<_, Option<i64>>(NEXT_RETRY)
            .bind(host.bucket)
            .bind(host.host)
            .fetch_one(&self.reader)
            .await
            .map_err(reading)
    }

    async fn renew(&self, hosts: &[HostId], deadline: Millis) -> Result<(), FrontierError> {
        let rows: Vec<_> = hosts.iter().map(|h| (h.bucket, h.host)).collect();
        sqlx::query(
            "UPDATE host SET ready_at = ?2 WHERE leased = 1 AND (bucket, host) IN
             (SELECT value ->> 0, value ->> 1 FROM json_each(?1))",
        )
        .bind(json(&rows))
        .bind(deadline)
        .execute(&self.writer)
        .await
        .map_err(writing)?;
        Ok(())
    }

    async fn release(&self, host: &LeasedHost, run_start: Millis, keep: bool) -> Result<(), FrontierError> {
        sqlx::query(RELEASE)
            .bind(host.id.bucket)
            .bind(host.id.host)
            .bind(host.epoch)
            .bind(run_start)
            .bind(keep)
            .execute(&self.writer)
            .await
            .map_err(writing)?;
        Ok(())
    }

    async fn commit(&self, batch: &Batch) -> Result<(), FrontierError> {
        let now = super::now();
        let mut tx = self.writer.begin().await.map_err(writing)?;
        Self::write_visits(&mut tx, batch, now).await.map_err(writing)?;
        if !batch.links.is_empty() {
            Self::write_links(&mut tx, &batch.links).await.map_err(writing)?;
        }
        for (id, update) in &batch.hosts {
            Self::write_host(&mut tx, *id, update).await.map_err(writing)?;
        }
        for (path, bytes) in &batch.outputs {
            sqlx::query("INSERT INTO output (path, bytes) VALUES (?1, ?2) ON CONFLICT (path) DO UPDATE SET bytes = ?2")
                .bind(path)
                .bind(i64::try_from(*bytes).unwrap_or(i64::MAX))
                .execute(&mut *tx)
                .await
                .map_err(writing)?;
        }
        tx.commit().await.map_err(writing)
    }

    async fn known(&self, keys: &[UrlKey]) -> Result<Vec<bool>, FrontierError> {
        let mut known = Vec::with_capacity(keys.len());
        for key in keys {
            let found: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM url WHERE bucket = ?1 AND host = ?2 AND id = ?3)
                     OR EXISTS (SELECT 1 FROM seen WHERE bucket = ?1 AND host = ?2 AND id = ?3)",
            )
            .bind(key.host.bucket)
            .bind(key.host.host)
            .bind(key.id)
            .fetch_one(&self.reader)
            .await
            .map_err(reading)?;
            known.push(found);
        }
        Ok(known)
    }

    async fn wake(&self, now: Millis) -> Result<(), FrontierError> {
        let mut tx = self.writer.begin().await.map_err(writing)?;
        sqlx::query(
            "UPDATE url SET due = ?1 WHERE kind IN (1, 2, 3) AND due > ?1 AND tries = 0
             AND (bucket, host) IN (SELECT bucket, host FROM host WHERE active = 1)",
        )
        .bind(now)
        .execute(&mut *tx)
        .await
        .map_err(writing)?;
        sqlx::query(
            "UPDATE host SET ready_at = max(not_before, min(ready_at, ?1)) WHERE active = 1 AND leased = 0
             AND EXISTS (SELECT 1 FROM url WHERE url.bucket = host.bucket AND url.host = host.host
                         AND url.kind IN (1, 2, 3))",
        )
        .bind(now)
        .execute(&mut *tx)
        .await
        .map_err(writing)?;
        tx.commit().await.map_err(writing)
    }

    async fn select(&self, belongs: &(dyn Fn(&str) -> bool + Sync)) -> Result<(), FrontierError> {
        let rows = sqlx::query("SELECT bucket, host, origin, active FROM host")
            .fetch_all(&self.reader)
            .await
            .map_err(reading)?;
        let mut changed = [Vec::new(), Vec::new()];
        for row in &rows {
            let belongs = belongs(row.try_get("origin").map_err(reading)?);
            if row.try_get::<bool, _>("active").map_err(reading)? != belongs {
                let key: (i64, i64) = (row.try_get("bucket").map_err(reading)?, row.try_get("host").map_err(reading)?);
                changed[usize::from(belongs)].push(key);
            }
        }
        let mut tx = self.writer.begin().await.map_err(writing)?;
        for (active, keys) in [(0, &changed[0]), (1, &changed[1])] {
            sqlx::query(
                "UPDATE host SET active = ?2 WHERE (bucket, host) IN
                 (SELECT value ->> 0, value ->> 1 FROM json_each(?1))",
            )
            .bind(json(keys))
            .bind(active)
            .execute(&mut *tx)
            .await
            .map_err(writing)?;
        }
        // This process holds the lock on the state, so whoever held a lease is dead.
        sqlx::query(
            "UPDATE host SET leased = 0, ready_at = max(not_before, coalesce((SELECT min(due) FROM url
             WHERE url.bucket = host.bucket AND url.host = host.host), ?1)) WHERE leased = 1",
        )
        .bind(NEVER)
        .execute(&mut *tx)
        .await
        .map_err(writing)?;
        tx.commit().await.map_err(writing)
    }

    async fn output_len(&self, path: &str) -> Result<Option<u64>, FrontierError> {
        let bytes: Option<i64> = sqlx::query_scalar("SELECT bytes FROM output WHERE path = ?1")
            .bind(path)
            .fetch_optional(&self.reader)
            .await
            .map_err(reading)?;
        Ok(bytes.and_then(|b| u64::try_from(b).ok()))
    }

    async fn counts(&self) -> Result<Counts, FrontierError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM host) AS hosts, (SELECT count(*) FROM url) AS queued,
                    (SELECT count(*) FROM seen) AS seen",
        )
        .fetch_one(&self.reader)
        .await
        .map_err(reading)?;
        let get = |name: &str| row.try_get(name).map_err(reading);
        Ok(Counts { hosts: get("hosts")?, queued: get("queued")?, seen: get("seen")? })
    }

    async fn held_back(&self, now: Millis, n: u32) -> Result<Vec<HeldBack>, FrontierError> {
        let rows = sqlx::query(
            "SELECT origin, not_before, blocked, (SELECT count(*) FROM url
                 WHERE url.bucket = host.bucket AND url.host = host.host AND visited = 0) AS waiting
             FROM host WHERE active = 1 AND ready_at > ?1 AND not_before > ?1 ORDER BY ready_at LIMIT ?2",
        )
        .bind(now)
        .bind(n)
        .fetch_all(&self.reader)
        .await
        .map_err(reading)?;
        let held = rows.iter().map(|row| {
            Ok(HeldBack {
                origin: row.try_get("origin")?,
                until: row.try_get("not_before")?,
                why: row.try_get("blocked")?,
                waiting: row.try_get("waiting")?,
            })
        });
        held.collect::<Result<_, sqlx::Error>>().map_err(reading)
    }
}

fn reading(source: sqlx::Error) -> FrontierError {
    FrontierError::Statement { doing: "read", source }
}

fn writing(source: sqlx::Error) -> FrontierError {
    FrontierError::Statement { doing: "written", source }
}

/// Rows for `json_each`: many rows, one statement, whatever their number.
fn json<T: serde::Serialize>(rows: &[T]) -> String {
    // Tuples of numbers and strings always serialise.
    serde_json::to_string(rows).unwrap_or_else(|_| "[]".to_owned())
}

fn leased(row: &SqliteRow) -> Result<Option<LeasedHost>, sqlx::Error> {
    let Ok(origin) = Url::parse(row.try_get("origin")?) else { return Ok(None) };
    let Some(key) = HostKey::new(&origin) else { return Ok(None) };
    let robots = match row.try_get::<Option<i64>, _>("robots_state")? {
        None => None,
        Some(0) => Some(StoredRobots::Free),
        Some(1) => Some(StoredRobots::File(row.try_get::<Option<Vec<u8>>, _>("robots")?.unwrap_or_default())),
        Some(_) => Some(StoredRobots::Unavailable),
    };
    let robots_at: Option<i64> = row.try_get("robots_at")?;
    Ok(Some(LeasedHost {
        id: HostId { bucket: row.try_get("bucket")?, host: row.try_get("host")? },
        origin,
        key,
        epoch: row.try_get("epoch")?,
        not_before: row.try_get("not_before")?,
        failures: row.try_get("failures")?,
        robots: robots.zip(robots_at),
    }))
}

fn task(row: &SqliteRow, host: &LeasedHost) -> Result<Option<Task>, sqlx::Error> {
    let Ok(url) = host.origin.join(row.try_get("path")?) else { return Ok(None) };
    Ok(Some(Task {
        key: UrlKey { host: host.id, id: row.try_get("id")? },
        url,
        kind: Kind::from_i64(row.try_get("kind")?),
        depth: row.try_get("depth")?,
        hops: row.try_get("hops")?,
        tries: row.try_get("tries")?,
        due: row.try_get("due")?,
        etag: row.try_get("etag")?,
        modified: row.try_get("modified")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontier::now;
    use crate::urls::CanonicalUrl;

    async fn fresh() -> (tempfile::TempDir, SqliteFrontier) {
        let dir = tempfile::tempdir().unwrap();
        let frontier = SqliteFrontier::open(&dir.path().join("frontier.sqlite")).await.unwrap();
        (dir, frontier)
    }

    fn link(url: &str, kind: Kind) -> NewUrl {
        NewUrl::new(CanonicalUrl::new(&Url::parse(url).unwrap(), None), kind, 0, 1000)
    }

    async fn plan(frontier: &SqliteFrontier, sql: &'static str) -> String {
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&frontier.reader).await.unwrap();
        rows.iter().map(|r| r.get::<String, _>("detail")).collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn what_is_next_is_one_index_seek() {
        let (_dir, frontier) = fresh().await;
        for sql in [NEXT, NEXT_RETRY, LEASE, RELEASE, DONE, LINKS] {
            let plan = plan(&frontier, sql).await;
            assert!(!plan.contains("SCAN url") && !plan.contains("SCAN host") && !plan.contains("SCAN seen"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
        assert!(plan(&frontier, NEXT).await.contains("url_due (bucket=? AND host=?"));
        assert!(plan(&frontier, LEASE).await.contains("host_ready (ready_at<?)"));
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
        let after = Cursor { due: tasks[0].due, id: tasks[0].key.id };
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
        assert_eq!(frontier.output_len("/out/articles.jsonl").await.unwrap(), Some(12));
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
}
