//! Runs and leases: who crawls what, and since when.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::Row as _;

use super::super::{
    FrontierError, HostId, LIST_NAMED, LeasedHost, Millis, NEVER, RunId, UrlKey, now, reading, rows, writing,
};
use super::sql::clock;
use super::write::{Columns, Tx};
use super::{PostgresFrontier, committing, sql};
use crate::frontier::AT_REST;
use crate::lock::lock;
use crate::units::millis;

/// Hosts of a run up to which looking at each of them is quick.
const FEW: u64 = 1000;
/// A run that ended so short a time ago still counts as under way, so that workers which were started together, or keep
/// the same schedule, ask for a list once.
const AFTER_MS: i64 = 60_000;
/// A run of which nothing was heard for so long beyond its leases is forgotten.
const LOST_MS: i64 = 3_600_000;
/// How long a run waits at its end for a database that may be gone.
const LAST_WORD: Duration = Duration::from_secs(5);
/// Runs begin one after the other, so that of two the later one sees the earlier.
const BEGINNING: i64 = 0x6a69_6e67_7765_6e01;

/// What a process holds.
#[derive(Debug, Default)]
pub struct Leases {
    /// Epoch of each lease, and the run that has it.
    pub hosts: HashMap<HostId, (i64, RunId)>,
    /// Its runs.
    pub runs: HashMap<RunId, RunState>,
}

/// A run under way.
#[derive(Debug, Default)]
pub struct RunState {
    /// Hosts that take part, about.
    members: u64,
    /// Since when recurring pages are left out, where all of them were made due.
    pub since: Option<Millis>,
    /// Earliest start of other workers' runs beside it.
    beside: Option<Millis>,
}

impl RunState {
    /// True if it is quicker to look for what is ready than at each of its hosts.
    pub fn is_large(&self) -> bool {
        self.members > FEW
    }

    /// Links have brought hosts into it.
    pub fn add(&mut self, hosts: u64) {
        self.members += hosts;
    }
}

impl PostgresFrontier {
    /// Begins with this worker's identity: waits for the last commit of the process that had it, and takes back what that
    /// process held.
    pub(super) async fn take_back(&self) -> Result<(), FrontierError> {
        let mut tx = self.pool.begin().await.map_err(writing)?;
        let incarnation: i64 =
            sqlx::query_scalar(sql::NEW_INCARNATION).bind(self.worker).fetch_one(&mut *tx).await.map_err(writing)?;
        sqlx::query("SELECT 1 FROM host WHERE leased AND worker = $1 ORDER BY bucket, host FOR NO KEY UPDATE")
            .bind(self.worker)
            .execute(&mut *tx)
            .await
            .map_err(writing)?;
        // Nobody knows when they were last asked, so they count as asked just now.
        sqlx::query(
            "UPDATE host SET leased = FALSE, worker = NULL, asked = $2, ready_at = greatest(not_before,
                 coalesce((SELECT min(due) FROM url WHERE url.bucket = host.bucket AND url.host = host.host), $3))
             WHERE leased AND worker = $1",
        )
        .bind(self.worker)
        .bind(now())
        .bind(NEVER)
        .execute(&mut *tx)
        .await
        .map_err(writing)?;
        for text in ["DELETE FROM member WHERE worker = $1", "DELETE FROM run WHERE worker = $1"] {
            sqlx::query(text).bind(self.worker).execute(&mut *tx).await.map_err(writing)?;
        }
        tx.commit().await.map_err(committing)?;
        self.incarnation.store(incarnation, Ordering::Release);
        *lock(&self.leases) = Leases::default();
        Ok(())
    }

    pub(super) async fn begin_run(&self, run: RunId, began: Millis, hosts: &[HostId]) -> Result<(), FrontierError> {
        self.drop_orphans().await.map_err(writing)?;
        let mut tx = self.pool.begin().await.map_err(writing)?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(BEGINNING).execute(&mut *tx).await.map_err(writing)?;
        self.hold_worker(&mut tx).await?;
        forget_runs(&mut tx).await.map_err(writing)?;
        for text in
            ["DELETE FROM member WHERE worker = $1 AND run = $2", "DELETE FROM run WHERE worker = $1 AND run = $2"]
        {
            sqlx::query(text).bind(self.worker).bind(run).execute(&mut *tx).await.map_err(writing)?;
        }
        sqlx::query(concat!(
            "INSERT INTO run (worker, run, began, alive_until) VALUES ($1, $2, $3, $4 + ",
            clock!(),
            ")"
        ))
        .bind(self.worker)
        .bind(run)
        .bind(began)
        .bind(self.lease)
        .execute(&mut *tx)
        .await
        .map_err(writing)?;
        let columns = Columns::of(hosts.iter().copied());
        sqlx::query(sql::MEMBERS)
            .bind(self.worker)
            .bind(run)
            .bind(columns.buckets)
            .bind(columns.hosts)
            .execute(&mut *tx)
            .await
            .map_err(writing)?;
        let beside: Option<Millis> =
            sqlx::query_scalar(sql::SINCE).bind(self.worker).bind(run).fetch_one(&mut *tx).await.map_err(writing)?;
        self.heal(&mut tx, run).await.map_err(writing)?;
        sqlx::query(sql::BEGIN).bind(self.worker).bind(run).bind(AT_REST).execute(&mut *tx).await.map_err(writing)?;
        tx.commit().await.map_err(committing)?;
        lock(&self.leases).runs.insert(run, RunState { members: hosts.len() as u64, since: None, beside });
        Ok(())
    }

    /// Takes back marks of the future, and forgets lists that nothing names any more.
    async fn heal(&self, tx: &mut Tx<'_>, run: RunId) -> Result<(), sqlx::Error> {
        for text in sql::HEAL_CLOCK {
            sqlx::query(text).bind(self.worker).bind(run).bind(now()).execute(&mut **tx).await?;
        }
        let named = now() - millis(LIST_NAMED);
        sqlx::query(sql::EXPIRE_LISTS).bind(self.worker).bind(run).bind(named).execute(&mut **tx).await?;
        Ok(())
    }

    pub(super) async fn admit_host(
        &self,
        host: HostId,
        window: Range<Millis>,
        at: Millis,
    ) -> Result<u64, FrontierError> {
        let mut tx = self.pool.begin().await.map_err(writing)?;
        let query = |text: &'static str| {
            sqlx::query(text).bind(host.bucket).bind(host.host).bind(window.start).bind(window.end).bind(at)
        };
        // The host first: its row is what a worker that leases it waits for.
        query(sql::ADMIT_HOST).execute(&mut *tx).await.map_err(writing)?;
        let admitted = query(sql::ADMIT).execute(&mut *tx).await.map_err(writing)?.rows_affected();
        for text in sql::ADMIT_REST {
            query(text).execute(&mut *tx).await.map_err(writing)?;
        }
        tx.commit().await.map_err(writing)?;
        Ok(admitted)
    }

    /// Lets a run's hosts go; those that the database is not told of are given back when the next run begins.
    pub(super) async fn end_run(&self, run: RunId) {
        let held: Vec<(HostId, i64)> = {
            let mut leases = lock(&self.leases);
            leases.runs.remove(&run);
            let held = leases.hosts.extract_if(|_, (_, of)| *of == run);
            held.map(|(host, (epoch, _))| (host, epoch)).collect()
        };
        let told = async {
            let mut tx = self.pool.begin().await.map_err(writing)?;
            self.drop_leases(&mut tx, held).await.map_err(writing)?;
            sqlx::query(concat!(
                "UPDATE run SET over = TRUE, alive_until = $3 + ",
                clock!(),
                " WHERE worker = $1 AND run = $2"
            ))
            .bind(self.worker)
            .bind(run)
            .bind(AFTER_MS)
            .execute(&mut *tx)
            .await
            .map_err(writing)?;
            tx.commit().await.map_err(writing)
        };
        match tokio::time::timeout(LAST_WORD, told).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("the end of a run could not be noted: {error}"),
            Err(_) => tracing::warn!("the end of a run could not be noted: the database does not answer"),
        }
    }

    /// Gives back hosts of a run that broke off. They were asked a moment ago.
    async fn drop_leases(&self, tx: &mut Tx<'_>, mut held: Vec<(HostId, i64)>) -> Result<(), sqlx::Error> {
        if held.is_empty() {
            return Ok(());
        }
        held.sort_unstable();
        let columns = Columns::of(held.iter().map(|(host, _)| *host));
        let epochs: Vec<i64> = held.iter().map(|(_, epoch)| *epoch).collect();
        sqlx::query(sql::DROP)
            .bind(self.worker)
            .bind(now())
            .bind(columns.buckets)
            .bind(columns.hosts)
            .bind(epochs)
            .execute(&mut **tx)
            .await
            .map(drop)
    }

    /// Gives back what the database takes for this worker's and what no run of this process holds: of runs that broke off
    /// while the database could not be told.
    async fn drop_orphans(&self) -> Result<(), sqlx::Error> {
        // What is being leased at this moment is no orphan. Before a connection is taken, for whoever leases waits for one.
        let _leasing = self.leasing.lock().await;
        let mut tx = self.pool.begin().await?;
        let rows = sqlx::query("SELECT bucket::bigint, host, epoch FROM host WHERE leased AND worker = $1")
            .bind(self.worker)
            .fetch_all(&mut *tx)
            .await?;
        let mut orphans = Vec::new();
        for row in &rows {
            let (id, epoch) = (rows::host(row)?, row.try_get("epoch")?);
            if self.lease_of(id).is_none() {
                orphans.push((id, epoch));
            }
        }
        self.drop_leases(&mut tx, orphans).await?;
        tx.commit().await
    }

    pub(super) async fn prolong(
        &self,
        run: RunId,
        hosts: &[HostId],
        millis: Millis,
    ) -> Result<Vec<HostId>, FrontierError> {
        sqlx::query(sql::RENEW_RUN)
            .bind(self.worker)
            .bind(run)
            .bind(millis)
            .execute(&self.pool)
            .await
            .map_err(writing)?;
        let mut hosts = hosts.to_vec();
        hosts.sort_unstable();
        let epochs: Vec<i64> = hosts.iter().map(|host| self.lease_of(*host).map_or(0, |(epoch, _)| epoch)).collect();
        let columns = Columns::of(hosts.iter().copied());
        let renewed = sqlx::query(sql::RENEW)
            .bind(millis)
            .bind(columns.buckets)
            .bind(columns.hosts)
            .bind(epochs)
            .fetch_all(&self.pool)
            .await
            .map_err(writing)?;
        let kept: Vec<HostId> = renewed.iter().map(rows::host).collect::<Result<_, _>>().map_err(reading)?;
        hosts.retain(|host| !kept.contains(host));
        Ok(hosts)
    }

    pub(super) async fn give_back(
        &self,
        host: &LeasedHost,
        since: Millis,
        keep: bool,
        asked: Millis,
    ) -> Result<(), FrontierError> {
        let run = lock(&self.leases).hosts.remove(&host.id).map(|(_, run)| run);
        let mut tx = self.pool.begin().await.map_err(writing)?;
        let ours: Option<Option<bool>> = sqlx::query_scalar(sql::HOLD_HOST)
            .bind(host.id.bucket)
            .bind(host.id.host)
            .bind(host.epoch)
            .bind(self.worker)
            .fetch_optional(&mut *tx)
            .await
            .map_err(writing)?;
        if ours.flatten() == Some(true) {
            sqlx::query(sql::RELEASE)
                .bind(host.id.bucket)
                .bind(host.id.host)
                .bind(since)
                .bind(asked)
                .bind(now())
                .execute(&mut *tx)
                .await
                .map_err(writing)?;
        } else {
            tracing::warn!(host = %host.key, "not given back, for another worker has it by now");
        }
        if let Some(run) = run.filter(|_| !keep) {
            sqlx::query("DELETE FROM member WHERE worker = $1 AND run = $2 AND bucket = $3 AND host = $4")
                .bind(self.worker)
                .bind(run)
                .bind(host.id.bucket)
                .bind(host.id.host)
                .execute(&mut *tx)
                .await
                .map_err(writing)?;
        }
        tx.commit().await.map_err(writing)
    }

    pub(super) async fn wake_run(&self, run: RunId, now: Millis) -> Result<(), FrontierError> {
        let since = {
            let mut leases = lock(&self.leases);
            let state = leases.runs.entry(run).or_default();
            let since = state.beside.map_or(now, |beside| beside.min(now));
            state.since = Some(since);
            since
        };
        let mut tx = self.pool.begin().await.map_err(writing)?;
        // Hosts first, as commits do.
        for text in [sql::WAKE_HOSTS, sql::WAKE] {
            sqlx::query(text)
                .bind(self.worker)
                .bind(run)
                .bind(now)
                .bind(since)
                .execute(&mut *tx)
                .await
                .map_err(writing)?;
        }
        tx.commit().await.map_err(writing)
    }

    pub(super) async fn recheck_run(
        &self,
        run: RunId,
        at: Millis,
        now: Millis,
        keys: Option<&[UrlKey]>,
        is_spread: bool,
    ) -> Result<u64, FrontierError> {
        let since = lock(&self.leases).runs.get(&run).and_then(|run| run.beside).map_or(now, |beside| beside.min(now));
        let column = |part: fn(&UrlKey) -> i64| keys.map(|keys| keys.iter().map(part).collect::<Vec<i64>>());
        let mut tx = self.pool.begin().await.map_err(writing)?;
        sqlx::query(sql::RECHECK_HOSTS)
            .bind(self.worker)
            .bind(run)
            .bind(at)
            .bind(now)
            .execute(&mut *tx)
            .await
            .map_err(writing)?;
        let queued = sqlx::query(sql::RECHECK)
            .bind(self.worker)
            .bind(run)
            .bind(at)
            .bind(now)
            .bind(since)
            .bind(column(|key| key.host.bucket))
            .bind(column(|key| key.host.host))
            .bind(column(|key| key.near))
            .bind(column(|key| key.id))
            .bind(is_spread)
            .execute(&mut *tx)
            .await
            .map_err(writing)?;
        tx.commit().await.map_err(writing)?;
        Ok(queued.rows_affected())
    }
}

/// Forgets runs that are over, and those of workers that were not heard of for long.
async fn forget_runs(tx: &mut Tx<'_>) -> Result<(), sqlx::Error> {
    let gone: Vec<(i64, i64)> = sqlx::query_as(concat!(
        "DELETE FROM run WHERE over AND alive_until < ",
        clock!(),
        " OR alive_until + $1 < ",
        clock!(),
        " RETURNING worker, run"
    ))
    .bind(LOST_MS)
    .fetch_all(&mut **tx)
    .await?;
    let (workers, runs): (Vec<i64>, Vec<i64>) = gone.into_iter().unzip();
    sqlx::query(
        "DELETE FROM member USING unnest($1::bigint[], $2::bigint[]) AS k (worker, run)
         WHERE member.worker = k.worker AND member.run = k.run",
    )
    .bind(workers)
    .bind(runs)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
