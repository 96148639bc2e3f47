//! The embedded frontier: one SQLite file in WAL mode, which anyone can look into with `sqlite3`.

pub mod admin;
mod parts;
mod sql;
mod write;

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::{
    Batch, Counts, Cursor, Frontier, FrontierError, HeldBack, HostId, LeasedHost, Millis, NEVER, OutputState, RunId,
    Task, UrlKey, reading, rows, writing,
};
use crate::frontier::SketchRow;
use crate::output::parts::{Closed, Part};
use crate::units::millis;

/// Page cache of the writing connection, in KiB: bounded, whatever the size of the file. Small, as the system keeps the
/// file's pages too.
const WRITE_CACHE_KIB: &str = "-1024";
/// Pages of the WAL before it is folded into the file. Keys are hashes, so a commit touches pages all over; folding
/// seldom writes each of them once for many commits. 32 MiB of disk, and well under a second to read at start.
const WAL_PAGES: &str = "8192";
/// Page cache of each reading connection, in KiB.
const READ_CACHE_KIB: &str = "-256";

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
}

impl Frontier for SqliteFrontier {
    async fn lease(&self, run: RunId, n: u32, now: Millis, deadline: Millis) -> Result<Vec<LeasedHost>, FrontierError> {
        let lease = sqlx::query(sql::LEASE).bind(n).bind(now).bind(deadline).bind(run);
        let rows = lease.fetch_all(&self.writer).await.map_err(writing)?;
        // An origin that does not parse cannot have been written by this program.
        rows.iter().map(|row| rows::leased(row).map_err(reading)).filter_map(Result::transpose).collect()
    }

    async fn next(
        &self,
        host: &LeasedHost,
        after: Cursor,
        now: Millis,
        run_start: Millis,
        n: u32,
    ) -> Result<Vec<Task>, FrontierError> {
        let rows = sqlx::query(sql::NEXT)
            .bind(host.id.bucket)
            .bind(host.id.host)
            .bind(after.due)
            .bind(after.near)
            .bind(after.id)
            .bind(now)
            .bind(run_start)
            .bind(n)
            .fetch_all(&self.reader)
            .await
            .map_err(reading)?;
        rows.iter().map(|row| rows::task(row, host).map_err(reading)).collect()
    }

    async fn next_wait(&self, run: RunId, now: Millis) -> Result<Option<Millis>, FrontierError> {
        sqlx::query_scalar::<_, Option<i64>>(
            "SELECT min(ready_at) FROM host WHERE active = ?1 AND ready_at > ?2 AND ready_at = not_before",
        )
        .bind(run)
        .bind(now)
        .fetch_one(&self.reader)
        .await
        .map_err(reading)
    }

    async fn next_retry(&self, host: HostId) -> Result<Option<Millis>, FrontierError> {
        sqlx::query_scalar::<_, Option<i64>>(sql::NEXT_RETRY)
            .bind(host.bucket)
            .bind(host.host)
            .fetch_one(&self.reader)
            .await
            .map_err(reading)
    }

    async fn renew(&self, _run: RunId, hosts: &[HostId], deadline: Millis) -> Result<Vec<HostId>, FrontierError> {
        let rows: Vec<_> = hosts.iter().map(|h| (h.bucket, h.host)).collect();
        sqlx::query(
            "UPDATE host SET ready_at = ?2 WHERE leased = 1 AND (bucket, host) IN
             (SELECT value ->> 0, value ->> 1 FROM json_each(?1))",
        )
        .bind(write::json(&rows))
        .bind(deadline)
        .execute(&self.writer)
        .await
        .map_err(writing)?;
        // Nobody else has this file.
        Ok(Vec::new())
    }

    async fn release(
        &self,
        host: &LeasedHost,
        run_start: Millis,
        keep: bool,
        asked: Millis,
    ) -> Result<(), FrontierError> {
        sqlx::query(sql::RELEASE)
            .bind(host.id.bucket)
            .bind(host.id.host)
            .bind(host.epoch)
            .bind(run_start)
            .bind(keep)
            .bind(asked)
            .bind(super::now())
            .execute(&self.writer)
            .await
            .map_err(writing)?;
        Ok(())
    }

    async fn commit(&self, batch: &Batch) -> Result<(), FrontierError> {
        let mut tx = self.writer.begin().await.map_err(writing)?;
        write::batch(&mut tx, batch, super::now()).await.map_err(writing)?;
        tx.commit().await.map_err(writing)
    }

    async fn known(&self, keys: &[UrlKey]) -> Result<Vec<bool>, FrontierError> {
        let mut known = Vec::with_capacity(keys.len());
        for key in keys {
            let row = write::by_key(sql::KNOWN, key).fetch_one(&self.reader).await.map_err(reading)?;
            let found: bool = row.try_get(0).map_err(reading)?;
            known.push(found);
        }
        Ok(known)
    }

    async fn texts(&self, hashes: &[i64]) -> Result<HashMap<i64, String>, FrontierError> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as(sql::TEXTS).bind(write::json(hashes)).fetch_all(&self.reader).await.map_err(reading)?;
        Ok(rows.into_iter().collect())
    }

    async fn wake(&self, run: RunId, now: Millis) -> Result<(), FrontierError> {
        let mut tx = self.writer.begin().await.map_err(writing)?;
        sqlx::query(
            "UPDATE url SET due = ?1 WHERE kind IN (1, 2, 3) AND due > ?1 AND tries = 0 AND dated = 0
             AND (bucket, host) IN (SELECT bucket, host FROM host WHERE active = ?2)",
        )
        .bind(now)
        .bind(run)
        .execute(&mut *tx)
        .await
        .map_err(writing)?;
        sqlx::query(
            "UPDATE host SET ready_at = max(not_before, min(ready_at, ?1)) WHERE active = ?2 AND leased = 0
             AND EXISTS (SELECT 1 FROM url WHERE url.bucket = host.bucket AND url.host = host.host
                         AND url.kind IN (1, 2, 3))",
        )
        .bind(now)
        .bind(run)
        .execute(&mut *tx)
        .await
        .map_err(writing)?;
        tx.commit().await.map_err(writing)
    }

    async fn recheck(
        &self,
        run: RunId,
        since: Millis,
        now: Millis,
        keys: Option<&[UrlKey]>,
        is_spread: bool,
    ) -> Result<u64, FrontierError> {
        let keys = keys.map(|keys| {
            let rows: Vec<_> = keys.iter().map(|key| (key.host.bucket, key.host.host, key.near, key.id)).collect();
            write::json(&rows)
        });
        let mut tx = self.writer.begin().await.map_err(writing)?;
        let recheck = sqlx::query(sql::RECHECK).bind(since).bind(now).bind(keys).bind(run).bind(is_spread);
        let queued = recheck.execute(&mut *tx).await.map_err(writing)?;
        sqlx::query(
            "UPDATE host SET ready_at = max(not_before, min(ready_at, ?2)) WHERE active = ?3 AND leased = 0
             AND (bucket, host) IN (SELECT bucket, host FROM recent WHERE at >= ?1)",
        )
        .bind(since)
        .bind(now)
        .bind(run)
        .execute(&mut *tx)
        .await
        .map_err(writing)?;
        tx.commit().await.map_err(writing)?;
        Ok(queued.rows_affected())
    }

    async fn recover(&self) -> Result<(), FrontierError> {
        let mut tx = self.writer.begin().await.map_err(writing)?;
        // Whoever calls this holds the lock on the state, so whoever held a lease is dead.
        sqlx::query(
            "UPDATE host SET leased = 0, asked = ?2, ready_at = max(not_before, coalesce((SELECT min(due) FROM url
             WHERE url.bucket = host.bucket AND url.host = host.host), ?1)) WHERE leased = 1",
        )
        .bind(NEVER)
        .bind(super::now())
        .execute(&mut *tx)
        .await
        .map_err(writing)?;
        sqlx::query("UPDATE host SET active = 0 WHERE active <> 0").execute(&mut *tx).await.map_err(writing)?;
        tx.commit().await.map_err(writing)?;
        self.forget_old().await
    }

    async fn select(
        &self,
        run: RunId,
        _began: Millis,
        belongs: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<(), FrontierError> {
        let rows =
            sqlx::query("SELECT bucket, host, origin FROM host").fetch_all(&self.reader).await.map_err(reading)?;
        let mut chosen: Vec<(i64, i64)> = Vec::new();
        for row in &rows {
            if belongs(row.try_get("origin").map_err(reading)?) {
                chosen.push((row.try_get("bucket").map_err(reading)?, row.try_get("host").map_err(reading)?));
            }
        }
        let mut tx = self.writer.begin().await.map_err(writing)?;
        sqlx::query(
            "UPDATE host SET active = ?2 WHERE (bucket, host) IN
             (SELECT value ->> 0, value ->> 1 FROM json_each(?1))",
        )
        .bind(write::json(&chosen))
        .bind(run)
        .execute(&mut *tx)
        .await
        .map_err(writing)?;
        // Plans may have changed; the gate looks at them anew before anything is asked.
        sqlx::query("UPDATE host SET not_before = 0, blocked = NULL WHERE active = ?1 AND leased = 0 AND blocked LIKE ?2 || '%'")
            .bind(run)
            .bind(crate::frontier::AT_REST)
            .execute(&mut *tx)
            .await
            .map_err(writing)?;
        for text in sql::HEAL_CLOCK {
            sqlx::query(text).bind(run).bind(super::now()).execute(&mut *tx).await.map_err(writing)?;
        }
        let named = super::now() - millis(super::LIST_NAMED);
        sqlx::query(sql::EXPIRE_LISTS).bind(run).bind(named).execute(&mut *tx).await.map_err(writing)?;
        // A run leaves out what it has visited; when that is due again is for this one to see.
        sqlx::query(sql::MAKE_READY).bind(NEVER).bind(run).execute(&mut *tx).await.map_err(writing)?;
        tx.commit().await.map_err(writing)
    }

    async fn left_out_hosts(&self, run: RunId) -> Result<Vec<(HostId, String)>, FrontierError> {
        let rows = sqlx::query(sql::LEFT_OUT_HOSTS).bind(run).fetch_all(&self.reader).await.map_err(reading)?;
        let host = |row| Ok((rows::host(row)?, rows::Cells::text(row, "origin")?));
        rows.iter().map(host).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }

    async fn admit_left_out(&self, host: HostId, window: Range<Millis>, now: Millis) -> Result<u64, FrontierError> {
        let mut tx = self.writer.begin().await.map_err(writing)?;
        let query = |text: &'static str| {
            sqlx::query(text).bind(host.bucket).bind(host.host).bind(window.start).bind(window.end).bind(now)
        };
        let admitted = query(sql::ADMIT).execute(&mut *tx).await.map_err(writing)?.rows_affected();
        for text in sql::ADMIT_REST {
            query(text).execute(&mut *tx).await.map_err(writing)?;
        }
        query(sql::ADMIT_HOST).execute(&mut *tx).await.map_err(writing)?;
        tx.commit().await.map_err(writing)?;
        Ok(admitted)
    }

    async fn revisitable(&self, run: RunId, now: Millis, n: u32) -> Result<Vec<UrlKey>, FrontierError> {
        let rows =
            sqlx::query(sql::REVISITABLE).bind(run).bind(now).bind(n).fetch_all(&self.reader).await.map_err(reading)?;
        rows.iter().map(rows::key).collect::<Result<_, _>>().map_err(reading)
    }

    async fn known_lists(&self, run: RunId) -> Result<Vec<(UrlKey, String)>, FrontierError> {
        let rows = sqlx::query(sql::KNOWN_LISTS).bind(run).fetch_all(&self.reader).await.map_err(reading)?;
        let list = |row| Ok((rows::key(row)?, rows::Cells::text(row, "path")?));
        rows.iter().map(list).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }

    async fn finish(&self, _run: RunId) -> Result<(), FrontierError> {
        // The next selection takes its hosts over.
        Ok(())
    }

    async fn settle(&self) -> Result<(), FrontierError> {
        // A statement that has returned is over.
        Ok(())
    }

    async fn sketches(&self) -> Result<Vec<SketchRow>, FrontierError> {
        let rows: Vec<(i64, i64, String, Vec<u8>)> = sqlx::query_as("SELECT slot, serial, id, hashes FROM sketch")
            .fetch_all(&self.reader)
            .await
            .map_err(reading)?;
        Ok(rows.into_iter().map(|(slot, serial, id, hashes)| SketchRow { slot, serial, id, hashes }).collect())
    }

    async fn budgets(&self) -> Result<HashMap<String, (String, u64)>, FrontierError> {
        let rows: Vec<(String, String, i64)> =
            sqlx::query_as("SELECT site, day, requests FROM budget").fetch_all(&self.reader).await.map_err(reading)?;
        Ok(rows.into_iter().map(|(site, day, n)| (site, (day, u64::try_from(n).unwrap_or(0)))).collect())
    }

    async fn spent_elsewhere(&self) -> Result<Vec<(String, String, u64)>, FrontierError> {
        Ok(Vec::new())
    }

    async fn output(&self, path: &str) -> Result<Option<OutputState>, FrontierError> {
        self.read_output(path).await
    }

    async fn parts(&self, path: &str) -> Result<Vec<Part>, FrontierError> {
        self.read_parts(path).await
    }

    async fn begin_part(&self, part: &Part) -> Result<(), FrontierError> {
        self.write_part(part).await
    }

    async fn finish_part(&self, part: &Part, closed: &Closed) -> Result<(), FrontierError> {
        self.write_closed(part, closed).await
    }

    async fn counts(&self) -> Result<Counts, FrontierError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM host) AS hosts, (SELECT count(*) FROM url) AS queued,
                    (SELECT count(*) FROM seen) AS seen",
        )
        .fetch_one(&self.reader)
        .await
        .map_err(reading)?;
        rows::counts(&row).map_err(reading)
    }

    async fn held_back(&self, run: RunId, now: Millis, n: u32) -> Result<Vec<HeldBack>, FrontierError> {
        let rows = sqlx::query(
            "SELECT origin, not_before AS until, blocked, (SELECT count(*) FROM url
                 WHERE url.bucket = host.bucket AND url.host = host.host AND visited = 0) AS waiting
             FROM host WHERE active = ?3 AND ready_at > ?1 AND not_before > ?1 ORDER BY ready_at LIMIT ?2",
        )
        .bind(now)
        .bind(n)
        .bind(run)
        .fetch_all(&self.reader)
        .await
        .map_err(reading)?;
        rows.iter().map(rows::held_back).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }
}

#[cfg(test)]
mod tests;
