//! One batch, one transaction.

use std::collections::HashMap;

use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite, Transaction};
use url::Url;

use super::super::rows::history_text;
use super::super::{Batch, Fate, HostId, HostUpdate, Kind, Millis, NAMED_EVERY, NewUrl, RunId, StoredRobots, UrlKey};
use super::sql;
use crate::units::millis;
use crate::urls::hex;

type Tx<'a> = Transaction<'a, Sqlite>;

/// Writes everything of a batch.
pub async fn batch(tx: &mut Tx<'_>, batch: &Batch, now: Millis) -> Result<(), sqlx::Error> {
    left_out(tx, batch).await?;
    visits(tx, batch, now).await?;
    endings(tx, batch).await?;
    if !batch.links.is_empty() {
        hosts(tx, batch.run, &batch.links).await?;
        links(tx, &batch.links, now).await?;
    }
    if !batch.revisits.is_empty() {
        hosts(tx, batch.run, &batch.revisits).await?;
        revisits(tx, &batch.revisits).await?;
    }
    if !batch.again.is_empty() {
        hosts(tx, batch.run, &batch.again).await?;
        again(tx, &batch.again).await?;
    }
    if !batch.texts.is_empty() {
        sqlx::query(sql::NEW_TEXTS).bind(json(&batch.texts)).execute(&mut **tx).await?;
    }
    for (id, update) in &batch.hosts {
        host(tx, *id, update).await?;
    }
    if !batch.sketches.is_empty() {
        let rows: Vec<_> = batch.sketches.iter().map(|row| (row.slot, row.serial, &row.id, hex(&row.hashes))).collect();
        sqlx::query(sql::SKETCHES).bind(json(&rows)).execute(&mut **tx).await?;
    }
    if !batch.recent.is_empty() {
        let rows: Vec<_> = batch
            .recent
            .iter()
            .map(|r| {
                let (bucket, host, near, id) = columns(&r.key);
                (bucket, host, near, id, r.looked, &r.path, &r.etag, &r.modified, r.text)
            })
            .collect();
        sqlx::query(sql::RECENT).bind(json(&rows)).execute(&mut **tx).await?;
    }
    if !batch.gone.is_empty() {
        let rows: Vec<_> = batch.gone.iter().map(columns).collect();
        sqlx::query(sql::GONE).bind(json(&rows)).execute(&mut **tx).await?;
    }
    if !batch.budgets.is_empty() {
        sqlx::query(sql::BUDGETS).bind(json(&batch.budgets)).execute(&mut **tx).await?;
    }
    for (path, bytes) in &batch.outputs {
        sqlx::query(sql::OUTPUT)
            .bind(path)
            .bind(i64::try_from(*bytes).unwrap_or(i64::MAX))
            .bind(now)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

async fn visits(tx: &mut Tx<'_>, batch: &Batch, now: Millis) -> Result<(), sqlx::Error> {
    let is_done = |(key, fate): &(UrlKey, Fate)| matches!(fate, Fate::Done).then_some(columns(key));
    let done: Vec<_> = batch.visits.iter().filter_map(is_done).chain(batch.seen.iter().map(columns)).collect();
    if !done.is_empty() {
        let done = json(&done);
        sqlx::query(sql::DONE).bind(done.as_str()).execute(&mut **tx).await?;
        sqlx::query(sql::SEEN).bind(done.as_str()).execute(&mut **tx).await?;
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
                let query = by_key(sql::RETRY, key).bind(due).bind(history.count);
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
    let rows: Vec<_> = batch
        .left_out
        .iter()
        .map(|one| {
            let (bucket, host, near, id) = columns(&one.key);
            (bucket, host, near, id, one.published, i64::from(one.was_fetched), one.kind as i64, one.depth, &one.path)
        })
        .collect();
    sqlx::query(sql::LEFT_OUT).bind(json(&rows)).execute(&mut **tx).await?;
    Ok(())
}

async fn endings(tx: &mut Tx<'_>, batch: &Batch) -> Result<(), sqlx::Error> {
    if !batch.endings.is_empty() {
        let rows: Vec<_> = batch
            .endings
            .iter()
            .map(|(key, end)| {
                let (bucket, host, near, id) = columns(key);
                (bucket, host, near, id, end.at, &end.reason, &end.detail, end.revisits, end.revisit_at)
            })
            .collect();
        sqlx::query(sql::ENDINGS).bind(json(&rows)).execute(&mut **tx).await?;
    }
    if !batch.recovered.is_empty() {
        let rows: Vec<_> = batch.recovered.iter().map(columns).collect();
        sqlx::query(sql::RECOVERED).bind(json(&rows)).execute(&mut **tx).await?;
    }
    Ok(())
}

/// A key's four values, as rows in JSON begin with them.
fn columns(key: &UrlKey) -> (i64, i64, i64, i64) {
    (key.host.bucket, key.host.host, key.near, key.id)
}

/// A query whose first four values are a key.
pub fn by_key(text: &'static str, key: &UrlKey) -> Query<'static, Sqlite, SqliteArguments> {
    sqlx::query(text).bind(key.host.bucket).bind(key.host.host).bind(key.near).bind(key.id)
}

/// A query whose values are a link's key, when it is due, its kind, depth, path and query.
fn by_link(text: &'static str, link: &NewUrl) -> Query<'static, Sqlite, SqliteArguments> {
    by_key(text, &link.key)
        .bind(link.due)
        .bind(link.kind as i64)
        .bind(link.depth)
        .bind(link.url.path_and_query().to_owned())
}

async fn hosts(tx: &mut Tx<'_>, run: RunId, links: &[NewUrl]) -> Result<(), sqlx::Error> {
    let mut found: HashMap<HostId, (&Url, Millis)> = HashMap::new();
    for link in links {
        let host = found.entry(link.key.host).or_insert((link.url.url(), link.due));
        host.1 = host.1.min(link.due);
    }
    let rows: Vec<_> = found
        .into_iter()
        .map(|(id, (url, due))| (id.bucket, id.host, url.origin().ascii_serialization(), due))
        .collect();
    sqlx::query(sql::HOSTS).bind(json(&rows)).bind(run).execute(&mut **tx).await?;
    Ok(())
}

async fn links(tx: &mut Tx<'_>, all: &[NewUrl], now: Millis) -> Result<(), sqlx::Error> {
    // In the order of the store, so that neighbours are written together.
    let mut links: Vec<&NewUrl> = all.iter().collect();
    links.sort_unstable_by_key(|link| link.key);
    links.dedup_by_key(|link| link.key);
    let mut left = links.as_slice();
    for (n, text) in sql::LINKS.iter() {
        while left.len() >= *n {
            let (now, later) = left.split_at(*n);
            left = later;
            let mut query = sqlx::query(AssertSqlSafe(text.as_str()));
            for link in now {
                let key = &link.key;
                query = query.bind(key.host.bucket).bind(key.host.host).bind(key.near).bind(key.id);
                query = query.bind(link.due).bind(link.kind as i64).bind(link.depth).bind(link.hops);
                query = query.bind(link.url.path_and_query());
            }
            query.execute(&mut **tx).await?;
        }
    }
    for (link, at) in all.iter().filter_map(|link| Some((link, link.dated?))) {
        let text = if link.kind == Kind::Sitemap { sql::DATED } else { sql::DATED_ARTICLE };
        by_key(text, &link.key).bind(at).bind(link.due).execute(&mut **tx).await?;
    }
    for (link, requested) in all.iter().filter_map(|link| Some((link, link.requested.as_deref()?))) {
        by_key(sql::REQUESTED, &link.key).bind(requested).execute(&mut **tx).await?;
    }
    let named: Vec<_> = all.iter().filter(|link| link.kind.recurs()).map(|link| columns(&link.key)).collect();
    if !named.is_empty() {
        let named = sqlx::query(sql::NAMED).bind(json(&named)).bind(now).bind(now - millis(NAMED_EVERY));
        named.execute(&mut **tx).await?;
    }
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
    let by_host = |text: &'static str| sqlx::query::<Sqlite>(text).bind(id.bucket).bind(id.host);
    if let Some(not_before) = update.not_before {
        by_host("UPDATE host SET not_before = ?3, held_at = ?4 WHERE bucket = ?1 AND host = ?2")
            .bind(not_before)
            .bind(super::super::now())
            .execute(&mut **tx)
            .await?;
    }
    if let Some(refusals) = update.refusals {
        by_host("UPDATE host SET refusals = ?3 WHERE bucket = ?1 AND host = ?2")
            .bind(refusals)
            .execute(&mut **tx)
            .await?;
    }
    if let Some(failures) = update.failures {
        by_host("UPDATE host SET failures = ?3 WHERE bucket = ?1 AND host = ?2")
            .bind(failures)
            .execute(&mut **tx)
            .await?;
    }
    if let Some(blocked) = &update.blocked {
        by_host("UPDATE host SET blocked = ?3 WHERE bucket = ?1 AND host = ?2")
            .bind(blocked.as_deref())
            .execute(&mut **tx)
            .await?;
    }
    if let Some(robots) = &update.robots {
        let (state, body) = match &robots.stored {
            StoredRobots::Free => (0, None),
            StoredRobots::File(bytes) => (1, Some(bytes.as_slice())),
            StoredRobots::Unavailable => (2, None),
        };
        by_host(
            "UPDATE host SET robots = ?3, robots_state = ?4, robots_at = ?5, robots_etag = ?6, robots_modified = ?7
             WHERE bucket = ?1 AND host = ?2",
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

/// Rows for `json_each`: many rows, one statement, whatever their number.
pub fn json<T: serde::Serialize>(rows: &[T]) -> String {
    // Tuples of numbers and strings always serialise.
    serde_json::to_string(rows).unwrap_or_else(|_| "[]".to_owned())
}
