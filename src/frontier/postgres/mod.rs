//! The shared frontier: a PostgreSQL database that many workers crawl from.
//!
//! A worker is a process with a state folder and an output folder of its own. What a crawl knows (hosts, addresses, texts)
//! is everybody's; what belongs to files (committed lengths, parts, sketches) is kept by worker.
//!
//! Hosts are leased with `SKIP LOCKED`, by the database's clock. Each lease counts its host's epoch up, and the worker
//! remembers it: a commit looks whether every host that it is about still has that epoch, and is refused as a whole if one
//! has not. So a worker that stood still for longer than its lease writes nothing.

pub mod admin;
mod errors;
mod parts;
mod runs;
#[doc(hidden)] // for the test that asks for their plans
pub mod sql;
mod write;

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Executor, PgConnection, Row as _};

use self::runs::Leases;
use self::sql::clock;
use super::place::Shared;
use super::rows;
use super::{
    Batch, Counts, Cursor, Frontier, FrontierError, HeldBack, HostId, LeasedHost, Millis, NEVER, OutputState, RunId,
    Task, UrlKey, now, reading, writing,
};
use crate::frontier::SketchRow;
use crate::lock::lock;
use crate::output::parts::{Closed, Part};

/// Connections of a worker. One commits, the others read; with hundreds of workers a database has no more to spare.
const CONNECTIONS: u32 = 4;
/// How long a start waits for an answer.
const START: Duration = Duration::from_secs(10);
/// How long a statement waits for a connection: the database may be busy, or starting again.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a database may be silent that a connection stands to, by the length of a lease.
const LEAST_SILENCE: Duration = Duration::from_secs(10);
const LONGEST_SILENCE: Duration = Duration::from_secs(180);
/// How far a machine's clock may be off: waits and rhythms are kept by the workers' own.
const SKEW_MS: i64 = 10_000;
/// Tries of a transaction that the database gave up for another one's sake.
const TRIES: u32 = 5;

/// Does a transaction again that the database gave up because two waited for each other.
macro_rules! once_more {
    ($work:expr) => {{
        let mut tries = 0;
        loop {
            match $work.await {
                Err(FrontierError::Statement { source, .. }) if errors::is_given_up(&source) && tries < TRIES => {
                    tries += 1;
                }
                done => break done,
            }
        }
    }};
}

/// The shared back end.
#[derive(Debug, Clone)]
pub struct PostgresFrontier {
    pool: PgPool,
    /// This worker.
    worker: i64,
    /// How long its leases last, and a run counts as under way that has not renewed them.
    lease: Millis,
    /// Which of its processes this is; 0 before [`Frontier::recover`].
    incarnation: Arc<AtomicI64>,
    /// What it holds, and its runs.
    leases: Arc<Mutex<Leases>>,
    /// Held from the lease to its note in `leases`.
    leasing: Arc<tokio::sync::Mutex<()>>,
}

impl PostgresFrontier {
    /// Opens the database and brings it up to date.
    ///
    /// # Errors
    ///
    /// What is wrong with the address, the database or the clocks.
    pub async fn open(shared: &Shared, worker: i64, lease: Duration) -> Result<Self, FrontierError> {
        let place = shared.address.to_string();
        let failed =
            |source: sqlx::Error| FrontierError::Connect { help: errors::help(&source), place: place.clone(), source };
        let mut options = PgConnectOptions::from_str(shared.address.url().as_str())
            .map_err(failed)?
            .application_name(&format!("jingwen {:016x}", worker.cast_unsigned()));
        if let Some(password) = &shared.password {
            options = options.password(password);
        }
        // One that is not there is told of at once; the pool would try again and again.
        let silent = |_| sqlx::Error::from(io::Error::new(io::ErrorKind::TimedOut, "no answer"));
        let first = tokio::time::timeout(START, PgConnection::connect_with(&options));
        first.await.map_err(silent).flatten().map_err(failed)?.close().await.map_err(failed)?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .after_connect(|connection, _| Box::pin(async move { connection.execute(sql::SETTINGS).await.map(drop) }))
            .connect_with(options)
            .await
            .map_err(failed)?;
        sqlx::migrate!("src/frontier/migrations/postgres")
            .run(&pool)
            .await
            .map_err(|source| FrontierError::Migrate { path: place.clone(), source })?;
        let clock: i64 = sqlx::query_scalar(concat!("SELECT ", clock!())).fetch_one(&pool).await.map_err(failed)?;
        let skew = now() - clock;
        if skew.abs() > SKEW_MS {
            return Err(FrontierError::Clock { seconds: skew / 1000, place });
        }
        let lease = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX / 4);
        Ok(Self { pool, worker, lease, incarnation: Arc::default(), leases: Arc::default(), leasing: Arc::default() })
    }

    /// Waits for something, but not for ever: who hears nothing for as long as a lease lasts has none any more.
    pub(super) async fn soon<T>(
        &self,
        work: impl Future<Output = Result<T, FrontierError>>,
    ) -> Result<T, FrontierError> {
        let longest = Duration::from_millis(self.lease.cast_unsigned()).clamp(LEAST_SILENCE, LONGEST_SILENCE);
        tokio::time::timeout(longest, work).await.unwrap_or_else(|_| {
            let silence = format!("no answer in {} s", longest.as_secs());
            Err(FrontierError::Unknown { source: io::Error::new(io::ErrorKind::TimedOut, silence).into() })
        })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The epoch under which this worker has a host, and the run that leased it.
    fn lease_of(&self, host: HostId) -> Option<(i64, RunId)> {
        lock(&self.leases).hosts.get(&host).copied()
    }

    /// Since when recurring pages count as visited for the run that has a host: since its own start, or since that of
    /// other workers' runs beside it.
    fn since(&self, host: HostId, run_start: Millis) -> Millis {
        let leases = lock(&self.leases);
        let run = leases.hosts.get(&host).and_then(|(_, run)| leases.runs.get(run));
        run.and_then(|run| run.since).map_or(run_start, |since| run_start.min(since + 1))
    }
}

impl Frontier for PostgresFrontier {
    async fn lease(&self, run: RunId, n: u32, now: Millis, deadline: Millis) -> Result<Vec<LeasedHost>, FrontierError> {
        let text = match lock(&self.leases).runs.get(&run).is_some_and(|run| run.is_large()) {
            true => sql::LEASE_OF_MANY,
            false => sql::LEASE_OF_FEW,
        };
        let _leasing = self.leasing.lock().await;
        let rows = sqlx::query(text)
            .bind(self.worker)
            .bind(run)
            .bind(now)
            .bind(i64::from(n))
            .bind(deadline - now)
            .fetch_all(&self.pool)
            .await
            .map_err(writing)?;
        let hosts: Result<Vec<LeasedHost>, _> =
            rows.iter().map(|row| rows::leased(row).map_err(reading)).filter_map(Result::transpose).collect();
        let hosts = hosts?;
        lock(&self.leases).hosts.extend(hosts.iter().map(|host| (host.id, (host.epoch, run))));
        Ok(hosts)
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
            .bind(self.since(host.id, run_start))
            .bind(i64::from(n))
            .fetch_all(&self.pool)
            .await
            .map_err(reading)?;
        rows.iter().map(|row| rows::task(row, host).map_err(reading)).collect()
    }

    async fn next_wait(&self, run: RunId, now: Millis) -> Result<Option<Millis>, FrontierError> {
        let at: Option<Millis> = sqlx::query_scalar(sql::NEXT_WAIT)
            .bind(self.worker)
            .bind(run)
            .bind(now)
            .fetch_one(&self.pool)
            .await
            .map_err(reading)?;
        Ok(at.filter(|at| *at < NEVER))
    }

    async fn next_retry(&self, host: HostId) -> Result<Option<Millis>, FrontierError> {
        sqlx::query_scalar(sql::NEXT_RETRY)
            .bind(host.bucket)
            .bind(host.host)
            .fetch_one(&self.pool)
            .await
            .map_err(reading)
    }

    async fn renew(&self, run: RunId, hosts: &[HostId], deadline: Millis) -> Result<Vec<HostId>, FrontierError> {
        self.prolong(run, hosts, deadline - now()).await
    }

    async fn release(
        &self,
        host: &LeasedHost,
        run_start: Millis,
        keep: bool,
        asked: Millis,
    ) -> Result<(), FrontierError> {
        self.give_back(host, self.since(host.id, run_start), keep, asked).await
    }

    async fn commit(&self, batch: &Batch) -> Result<(), FrontierError> {
        once_more!(self.write_batch(batch))
    }

    async fn known(&self, keys: &[UrlKey]) -> Result<Vec<bool>, FrontierError> {
        let rows = write::by_keys(sql::KNOWN, keys).fetch_all(&self.pool).await.map_err(reading)?;
        rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(reading)
    }

    async fn texts(&self, hashes: &[i64]) -> Result<HashMap<i64, String>, FrontierError> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as(sql::TEXTS).bind(hashes).fetch_all(&self.pool).await.map_err(reading)?;
        Ok(rows.into_iter().collect())
    }

    async fn wake(&self, run: RunId, now: Millis) -> Result<(), FrontierError> {
        once_more!(self.wake_run(run, now))
    }

    async fn recheck(
        &self,
        run: RunId,
        since: Millis,
        now: Millis,
        keys: Option<&[UrlKey]>,
        is_spread: bool,
    ) -> Result<u64, FrontierError> {
        once_more!(self.recheck_run(run, since, now, keys, is_spread))
    }

    async fn recover(&self) -> Result<(), FrontierError> {
        self.take_back().await?;
        self.forget_old().await
    }

    async fn select(
        &self,
        run: RunId,
        began: Millis,
        belongs: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<(), FrontierError> {
        let rows = sqlx::query("SELECT bucket::bigint, host, origin FROM host")
            .fetch_all(&self.pool)
            .await
            .map_err(reading)?;
        let mut chosen = Vec::new();
        for row in &rows {
            if belongs(row.try_get("origin").map_err(reading)?) {
                chosen.push(rows::host(row).map_err(reading)?);
            }
        }
        once_more!(self.begin_run(run, began, &chosen))
    }

    async fn left_out_hosts(&self, run: RunId) -> Result<Vec<(HostId, String)>, FrontierError> {
        let query = sqlx::query(sql::LEFT_OUT_HOSTS).bind(self.worker).bind(run);
        let rows = query.fetch_all(&self.pool).await.map_err(reading)?;
        let host = |row| Ok((rows::host(row)?, rows::Cells::text(row, "origin")?));
        rows.iter().map(host).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }

    async fn admit_left_out(&self, host: HostId, window: Range<Millis>, now: Millis) -> Result<u64, FrontierError> {
        once_more!(self.admit_host(host, window.clone(), now))
    }

    async fn revisitable(&self, run: RunId, now: Millis, n: u32) -> Result<Vec<UrlKey>, FrontierError> {
        let query = sqlx::query(sql::REVISITABLE).bind(self.worker).bind(run).bind(now).bind(i64::from(n));
        let rows = query.fetch_all(&self.pool).await.map_err(reading)?;
        rows.iter().map(rows::key).collect::<Result<_, _>>().map_err(reading)
    }

    async fn known_lists(&self, run: RunId) -> Result<Vec<(UrlKey, String)>, FrontierError> {
        let query = sqlx::query(sql::KNOWN_LISTS).bind(self.worker).bind(run);
        let rows = query.fetch_all(&self.pool).await.map_err(reading)?;
        let list = |row| Ok((rows::key(row)?, rows::Cells::text(row, "path")?));
        rows.iter().map(list).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }

    async fn finish(&self, run: RunId) -> Result<(), FrontierError> {
        self.end_run(run).await;
        Ok(())
    }

    async fn settle(&self) -> Result<(), FrontierError> {
        // A commit holds this worker's row until the database is through with it.
        let mut tx = self.pool.begin().await.map_err(reading)?;
        self.hold_worker(&mut tx).await?;
        tx.commit().await.map_err(reading)
    }

    async fn sketches(&self) -> Result<Vec<SketchRow>, FrontierError> {
        let rows: Vec<(i64, i64, String, Vec<u8>)> =
            sqlx::query_as("SELECT slot, serial, id, hashes FROM sketch WHERE worker = $1")
                .bind(self.worker)
                .fetch_all(&self.pool)
                .await
                .map_err(reading)?;
        Ok(rows.into_iter().map(|(slot, serial, id, hashes)| SketchRow { slot, serial, id, hashes }).collect())
    }

    async fn budgets(&self) -> Result<HashMap<String, (String, u64)>, FrontierError> {
        let rows: Vec<(String, String, i64)> =
            sqlx::query_as("SELECT site, day, requests FROM budget WHERE worker = $1")
                .bind(self.worker)
                .fetch_all(&self.pool)
                .await
                .map_err(reading)?;
        Ok(rows.into_iter().map(|(site, day, n)| (site, (day, u64::try_from(n).unwrap_or(0)))).collect())
    }

    async fn spent_elsewhere(&self) -> Result<Vec<(String, String, u64)>, FrontierError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT site, day, sum(requests)::bigint FROM budget WHERE worker <> $1 GROUP BY site, day ORDER BY site, day",
        )
        .bind(self.worker)
        .fetch_all(&self.pool)
        .await
        .map_err(reading)?;
        // The latest day comes last, and counts.
        Ok(rows.into_iter().map(|(site, day, n)| (site, day, u64::try_from(n).unwrap_or(0))).collect())
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
        .fetch_one(&self.pool)
        .await
        .map_err(reading)?;
        rows::counts(&row).map_err(reading)
    }

    async fn held_back(&self, run: RunId, now: Millis, n: u32) -> Result<Vec<HeldBack>, FrontierError> {
        let rows = sqlx::query(
            "SELECT h.origin, h.not_before AS until, h.blocked, (SELECT count(*) FROM url
                 WHERE url.bucket = h.bucket AND url.host = h.host AND visited = 0) AS waiting
             FROM member m JOIN host h ON h.bucket = m.bucket AND h.host = m.host
             WHERE m.worker = $1 AND m.run = $2 AND h.ready_at > $3 AND h.not_before > $3 ORDER BY h.ready_at LIMIT $4",
        )
        .bind(self.worker)
        .bind(run)
        .bind(now)
        .bind(i64::from(n))
        .fetch_all(&self.pool)
        .await
        .map_err(reading)?;
        rows.iter().map(rows::held_back).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }
}

impl PostgresFrontier {
    /// Fails if the identity is another process's by now; else nobody else begins with it until the transaction ends.
    async fn hold_worker(&self, tx: &mut write::Tx<'_>) -> Result<(), FrontierError> {
        let held = sqlx::query(sql::HOLD_WORKER)
            .bind(self.worker)
            .bind(self.incarnation.load(Ordering::Acquire))
            .fetch_optional(&mut **tx)
            .await
            .map_err(writing)?;
        held.map(drop).ok_or(FrontierError::Replaced)
    }
}

/// What went wrong with a `COMMIT`: the database may have done it before the connection broke.
fn committing(source: sqlx::Error) -> FrontierError {
    FrontierError::Unknown { source }
}
