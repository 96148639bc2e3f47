//! One batch, one transaction.
//!
//! Rows are taken in one order by all workers: the worker's own, then hosts by key, then addresses, texts and the rest. So
//! transactions wait for each other, and not in a circle.

use std::collections::{BTreeMap, HashMap};

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Postgres, Row, Transaction};

use super::super::rows::history_text;
use super::super::{
    Batch, Ending, Fate, FrontierError, HostId, HostUpdate, Kind, LeftOut, Millis, NAMED_EVERY, NewUrl, RunId,
    StoredRobots, UrlKey, now, reading, rows, writing,
};
use super::{PostgresFrontier, committing, sql};
use crate::lock::lock;
use crate::units::millis;

pub type Tx<'a> = Transaction<'a, Postgres>;
type Statement = Query<'static, Postgres, PgArguments>;

/// Keys of hosts as arrays, one for each column.
#[derive(Debug, Default)]
pub struct Columns {
    pub buckets: Vec<i64>,
    pub hosts: Vec<i64>,
}

impl Columns {
    /// Of these hosts, in their order.
    pub fn of(hosts: impl Iterator<Item = HostId>) -> Self {
        let (buckets, hosts) = hosts.map(|host| (host.bucket, host.host)).unzip();
        Self { buckets, hosts }
    }
}

/// A query whose first four values are the columns of these keys.
pub fn by_keys<'k>(text: &'static str, keys: impl IntoIterator<Item = &'k UrlKey>) -> Statement {
    let keys: Vec<&UrlKey> = keys.into_iter().collect();
    let column = |part: fn(&UrlKey) -> i64| keys.iter().map(|key| part(key)).collect::<Vec<i64>>();
    sqlx::query(text)
        .bind(column(|key| key.host.bucket))
        .bind(column(|key| key.host.host))
        .bind(column(|key| key.near))
        .bind(column(|key| key.id))
}

/// A query whose first four values are a key.
pub fn by_key(text: &'static str, key: &UrlKey) -> Statement {
    sqlx::query(text).bind(key.host.bucket).bind(key.host.host).bind(key.near).bind(key.id)
}

/// A query whose values are a link's key, when it is due, its kind, depth, path and query.
fn by_link(text: &'static str, link: &NewUrl) -> Statement {
    by_key(text, &link.key)
        .bind(link.due)
        .bind(link.kind as i64)
        .bind(i64::from(link.depth))
        .bind(link.url.path_and_query().to_owned())
}

impl PostgresFrontier {
    /// Writes everything of a batch, or nothing.
    pub(super) async fn write_batch(&self, batch: &Batch) -> Result<(), FrontierError> {
        let mut tx = self.pool.begin().await.map_err(writing)?;
        self.hold_worker(&mut tx).await?;
        self.hold_hosts(&mut tx, batch).await?;
        let joined = write(&mut tx, self.worker, batch, now()).await.map_err(writing)?;
        tx.commit().await.map_err(committing)?;
        if let Some(run) = lock(&self.leases).runs.get_mut(&batch.run) {
            run.add(joined);
        }
        Ok(())
    }

    /// Holds the hosts that a batch is about until it is committed, and fails if one that was visited is not ours any more.
    async fn hold_hosts(&self, tx: &mut Tx<'_>, batch: &Batch) -> Result<(), FrontierError> {
        let visited = batch.visits.iter().map(|(key, _)| key.host).chain(batch.hosts.iter().map(|(host, _)| *host));
        // Of each host: whether it was visited.
        let links = batch.links.iter().chain(&batch.revisits).chain(&batch.again);
        let mut wanted: BTreeMap<HostId, bool> = links.map(|link| (link.key.host, false)).collect();
        wanted.extend(visited.map(|host| (host, true)));
        if wanted.is_empty() {
            return Ok(());
        }
        let columns = Columns::of(wanted.keys().copied());
        let found = sqlx::query(sql::HOLD_HOSTS)
            .bind(columns.buckets)
            .bind(columns.hosts)
            .bind(self.worker)
            .fetch_all(&mut **tx)
            .await
            .map_err(writing)?;
        for row in &found {
            let id = rows::host(row).map_err(reading)?;
            let epoch: i64 = row.try_get("epoch").map_err(reading)?;
            let ours = row.try_get::<Option<bool>, _>("ours").map_err(reading)? == Some(true);
            let is_held = ours && self.lease_of(id).is_some_and(|(held, _)| held == epoch);
            if wanted.remove(&id) == Some(true) && !is_held {
                return Err(FrontierError::Lost { origin: row.try_get("origin").map_err(reading)? });
            }
        }
        match wanted.values().any(|visited| *visited) {
            // Forgotten by hand, with all that was known of it.
            true => Err(FrontierError::Lost { origin: "a host that was forgotten meanwhile".to_owned() }),
            false => Ok(()),
        }
    }
}

/// Gives the number of hosts that joined the run.
async fn write(tx: &mut Tx<'_>, worker: i64, batch: &Batch, now: Millis) -> Result<u64, sqlx::Error> {
    left_out(tx, batch).await?;
    visits(tx, batch, now).await?;
    endings(tx, batch).await?;
    let mut joined = 0;
    if !batch.links.is_empty() {
        joined += hosts(tx, worker, batch.run, &batch.links).await?;
        links(tx, &batch.links, now).await?;
    }
    if !batch.revisits.is_empty() {
        joined += hosts(tx, worker, batch.run, &batch.revisits).await?;
        revisits(tx, &batch.revisits).await?;
    }
    if !batch.again.is_empty() {
        joined += hosts(tx, worker, batch.run, &batch.again).await?;
        again(tx, &batch.again).await?;
    }
    if !batch.texts.is_empty() {
        let texts: BTreeMap<i64, &str> = batch.texts.iter().rev().map(|(hash, id)| (*hash, id.as_str())).collect();
        let (hashes, ids): (Vec<i64>, Vec<&str>) = texts.into_iter().unzip();
        sqlx::query(sql::NEW_TEXTS).bind(hashes).bind(ids).execute(&mut **tx).await?;
    }
    for (id, update) in &batch.hosts {
        host(tx, *id, update).await?;
    }
    if !batch.sketches.is_empty() {
        let rows = &batch.sketches;
        sqlx::query(sql::SKETCHES)
            .bind(worker)
            .bind(rows.iter().map(|row| row.slot).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.serial).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.hashes.as_slice()).collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
    }
    if !batch.recent.is_empty() {
        // The last word on each.
        let rows: BTreeMap<UrlKey, _> = batch.recent.iter().map(|row| (row.key, row)).collect();
        by_keys(sql::RECENT, rows.keys())
            .bind(rows.values().map(|row| row.looked).collect::<Vec<_>>())
            .bind(rows.values().map(|row| row.path.as_str()).collect::<Vec<_>>())
            .bind(rows.values().map(|row| row.etag.as_deref()).collect::<Vec<_>>())
            .bind(rows.values().map(|row| row.modified.as_deref()).collect::<Vec<_>>())
            .bind(rows.values().map(|row| row.text).collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
    }
    if !batch.gone.is_empty() {
        by_keys(sql::GONE, &batch.gone).execute(&mut **tx).await?;
    }
    if !batch.budgets.is_empty() {
        let rows: BTreeMap<&str, (&str, i64)> =
            batch.budgets.iter().map(|(site, day, n)| (site.as_str(), (day.as_str(), rows::signed(*n)))).collect();
        sqlx::query(sql::BUDGETS)
            .bind(worker)
            .bind(rows.keys().copied().collect::<Vec<_>>())
            .bind(rows.values().map(|(day, _)| *day).collect::<Vec<_>>())
            .bind(rows.values().map(|(_, n)| *n).collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
    }
    for (path, bytes) in &batch.outputs {
        sqlx::query(sql::OUTPUT)
            .bind(worker)
            .bind(path)
            .bind(rows::signed(*bytes))
            .bind(now)
            .execute(&mut **tx)
            .await?;
    }
    Ok(joined)
}

async fn visits(tx: &mut Tx<'_>, batch: &Batch, now: Millis) -> Result<(), sqlx::Error> {
    let is_done = |(key, fate): &'_ (UrlKey, Fate)| matches!(fate, Fate::Done).then_some(*key);
    let mut done: Vec<UrlKey> = batch.visits.iter().filter_map(is_done).chain(batch.seen.iter().copied()).collect();
    if !done.is_empty() {
        done.sort_unstable();
        by_keys(sql::DONE, &done).execute(&mut **tx).await?;
        by_keys(sql::SEEN, &done).execute(&mut **tx).await?;
    }
    for (key, fate) in &batch.visits {
        match fate {
            Fate::Done => {}
            Fate::Again { due, etag, modified, rhythm, content, full_at, history } => {
                let query = by_key(sql::AGAIN, key).bind(due).bind(now).bind(etag.as_deref()).bind(modified.as_deref());
                let query = query.bind(rhythm).bind(content).bind(full_at);
                query.bind(history_text(history)).bind(history.last_at()).execute(&mut **tx).await?;
            }
            Fate::Retry { due, history } => {
                let query = by_key(sql::RETRY, key).bind(due).bind(i64::from(history.count));
                query.bind(history_text(history)).bind(history.last_at()).execute(&mut **tx).await?;
            }
            Fate::Postpone { due } => {
                by_key(sql::POSTPONE, key).bind(due).execute(&mut **tx).await?;
            }
            Fate::Forget => {
                by_key(sql::FORGET, key).execute(&mut **tx).await?;
            }
        }
    }
    Ok(())
}

async fn left_out(tx: &mut Tx<'_>, batch: &Batch) -> Result<(), sqlx::Error> {
    if batch.left_out.is_empty() {
        return Ok(());
    }
    let rows: BTreeMap<UrlKey, &LeftOut> = batch.left_out.iter().map(|row| (row.key, row)).collect();
    by_keys(sql::LEFT_OUT, rows.keys())
        .bind(rows.values().map(|row| row.published).collect::<Vec<_>>())
        .bind(rows.values().map(|row| row.was_fetched).collect::<Vec<_>>())
        .bind(rows.values().map(|row| row.kind as i64).collect::<Vec<_>>())
        .bind(rows.values().map(|row| i64::from(row.depth)).collect::<Vec<_>>())
        .bind(rows.values().map(|row| row.path.as_str()).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn endings(tx: &mut Tx<'_>, batch: &Batch) -> Result<(), sqlx::Error> {
    if !batch.endings.is_empty() {
        let rows: BTreeMap<UrlKey, &Ending> = batch.endings.iter().map(|(key, row)| (*key, row)).collect();
        by_keys(sql::ENDINGS, rows.keys())
            .bind(rows.values().map(|row| row.at).collect::<Vec<_>>())
            .bind(rows.values().map(|row| row.reason.as_str()).collect::<Vec<_>>())
            .bind(rows.values().map(|row| row.detail.as_str()).collect::<Vec<_>>())
            .bind(rows.values().map(|row| i64::from(row.revisits)).collect::<Vec<_>>())
            .bind(rows.values().map(|row| row.revisit_at).collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
    }
    if !batch.recovered.is_empty() {
        by_keys(sql::RECOVERED, &batch.recovered).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Gives the number of hosts that joined the run.
async fn hosts(tx: &mut Tx<'_>, worker: i64, run: RunId, links: &[NewUrl]) -> Result<u64, sqlx::Error> {
    let mut found: HashMap<HostId, (&NewUrl, Millis)> = HashMap::new();
    for link in links {
        let host = found.entry(link.key.host).or_insert((link, link.due));
        host.1 = host.1.min(link.due);
    }
    let origins: Vec<String> = found.values().map(|(link, _)| link.url.url().origin().ascii_serialization()).collect();
    let dues: Vec<Millis> = found.values().map(|(_, due)| *due).collect();
    let Columns { buckets, hosts } = Columns::of(found.keys().copied());
    sqlx::query(sql::HOSTS).bind(&buckets).bind(&hosts).bind(origins).bind(dues).execute(&mut **tx).await?;
    let members = sqlx::query(sql::MEMBERS).bind(worker).bind(run).bind(buckets).bind(hosts);
    Ok(members.execute(&mut **tx).await?.rows_affected())
}

async fn links(tx: &mut Tx<'_>, all: &[NewUrl], now: Millis) -> Result<(), sqlx::Error> {
    // In the order of the store, so that neighbours are written together.
    let mut links: Vec<&NewUrl> = all.iter().collect();
    links.sort_by_key(|link| link.key);
    links.dedup_by_key(|link| link.key);
    let column = |part: fn(&NewUrl) -> i64| links.iter().map(|link| part(link)).collect::<Vec<i64>>();
    by_keys(sql::LINKS, links.iter().map(|link| &link.key))
        .bind(column(|link| link.due))
        .bind(column(|link| link.kind as i64))
        .bind(column(|link| link.depth.into()))
        .bind(column(|link| link.hops.into()))
        .bind(links.iter().map(|link| link.url.path_and_query()).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    for (link, at) in all.iter().filter_map(|link| Some((link, link.dated?))) {
        let text = if link.kind == Kind::Sitemap { sql::DATED } else { sql::DATED_ARTICLE };
        by_key(text, &link.key).bind(at).bind(link.due).execute(&mut **tx).await?;
    }
    for (link, requested) in all.iter().filter_map(|link| Some((link, link.requested.as_deref()?))) {
        by_key(sql::REQUESTED, &link.key).bind(requested).execute(&mut **tx).await?;
    }
    let named = links.iter().filter(|link| link.kind.recurs()).map(|link| &link.key);
    by_keys(sql::NAMED, named).bind(now).bind(now - millis(NAMED_EVERY)).execute(&mut **tx).await?;
    Ok(())
}

async fn revisits(tx: &mut Tx<'_>, links: &[NewUrl]) -> Result<(), sqlx::Error> {
    for link in links {
        by_key(sql::REVISIT_UNSEEN, &link.key).execute(&mut **tx).await?;
        by_link(sql::REVISIT, link).execute(&mut **tx).await?;
        by_key(sql::REVISIT_NOTED, &link.key).execute(&mut **tx).await?;
    }
    Ok(())
}

async fn again(tx: &mut Tx<'_>, links: &[NewUrl]) -> Result<(), sqlx::Error> {
    for link in links {
        by_key(sql::AGAIN_UNSEEN, &link.key).execute(&mut **tx).await?;
        by_key(sql::AGAIN_NOT_ENDED, &link.key).execute(&mut **tx).await?;
        by_link(sql::AGAIN_QUEUED, link).execute(&mut **tx).await?;
        if let Some(requested) = &link.requested {
            by_key(sql::REQUESTED, &link.key).bind(requested.as_str()).execute(&mut **tx).await?;
        }
    }
    Ok(())
}

async fn host(tx: &mut Tx<'_>, id: HostId, update: &HostUpdate) -> Result<(), sqlx::Error> {
    let by_host = |text: &'static str| sqlx::query(text).bind(id.bucket).bind(id.host);
    let HostUpdate { not_before, failures, refusals, blocked, robots } = update;
    if not_before.is_some() || failures.is_some() || refusals.is_some() || blocked.is_some() {
        by_host(
            "UPDATE host SET not_before = coalesce($3, not_before), failures = coalesce($4, failures),
                 blocked = CASE WHEN $5 THEN $6 ELSE blocked END, refusals = coalesce($7, refusals),
                 held_at = CASE WHEN $3 IS NULL THEN held_at ELSE $8 END WHERE bucket = $1 AND host = $2",
        )
        .bind(not_before)
        .bind(failures.map(i64::from))
        .bind(blocked.is_some())
        .bind(blocked.as_ref().and_then(Option::as_deref))
        .bind(refusals.map(i64::from))
        .bind(now())
        .execute(&mut **tx)
        .await?;
    }
    if let Some(robots) = robots {
        let (state, body) = match &robots.stored {
            StoredRobots::Free => (0_i64, None),
            StoredRobots::File(bytes) => (1, Some(bytes.as_slice())),
            StoredRobots::Unavailable => (2, None),
        };
        by_host(
            "UPDATE host SET robots = $3, robots_state = $4, robots_at = $5, robots_etag = $6, robots_modified = $7
             WHERE bucket = $1 AND host = $2",
        )
        .bind(body)
        .bind(state)
        .bind(robots.at)
        .bind(robots.etag.as_deref())
        .bind(robots.modified.as_deref())
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}
