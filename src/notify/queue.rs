//! What was said and who has heard it, in SQLite. Times are milliseconds since 1970.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, Sqlite, Transaction};

use super::hook::HookError;
use super::{Event, EventKind, Hook};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS notice (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    said_at  INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    loud     INTEGER NOT NULL,
    site     TEXT    NOT NULL,            -- empty: none
    title    TEXT    NOT NULL,
    event    TEXT    NOT NULL,            -- as JSON
    repeated INTEGER NOT NULL,            -- how often the same was held back before it
    held     INTEGER NOT NULL DEFAULT 0   -- how often the same was held back after it, not told yet
) STRICT;
CREATE INDEX IF NOT EXISTS notice_same ON notice (site, kind, title, id);
CREATE INDEX IF NOT EXISTS notice_loud ON notice (loud, id);
CREATE TABLE IF NOT EXISTS delivery (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    notice    INTEGER NOT NULL,
    hook      TEXT    NOT NULL,
    queued_at INTEGER NOT NULL,
    tries     INTEGER NOT NULL DEFAULT 0,
    next_try  INTEGER NOT NULL,
    done_at   INTEGER,
    sent      INTEGER,                    -- 1: arrived, 0: given up
    result    TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS delivery_notice ON delivery (notice);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (hook, next_try) WHERE done_at IS NULL;";

/// The same is not told again within this time.
const FLOOD: i64 = 3_600_000;
/// … but what goes to and fro is told this often within it, so that the last word is the right one.
const FLAPS: i64 = 3;
/// Notices kept of each of the two sorts, loud ones and others.
const KEPT: i64 = 2_000;
/// A next try further off than any backoff: the clock was wrong when it was written.
const ABSURD: i64 = 2 * 3_600_000;

/// Telling failed.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// A hook cannot be used.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// The queue cannot be opened.
    #[error("cannot open the queue of notifications: {0}")]
    Open(sqlx::Error),
    /// The queue cannot be read.
    #[error("cannot read the queue of notifications: {0}")]
    Read(sqlx::Error),
    /// The queue cannot be written.
    #[error("cannot write the queue of notifications: {0}; is the disk full, or the state folder read-only?")]
    Write(sqlx::Error),
    /// The client cannot be made.
    #[error("cannot set up HTTP for notifications: {0}")]
    Http(reqwest::Error),
}

/// What was said, newest first: for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recent {
    /// Its number.
    pub id: i64,
    /// When it was said.
    pub said_at: Timestamp,
    /// What.
    pub event: Event,
    /// How often the same was held back before it.
    pub repeated: u32,
    /// How often the same was held back since.
    pub held: u32,
    /// To whom; empty where no hook wanted it.
    pub deliveries: Vec<Attempt>,
}

/// One delivery.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attempt {
    /// The hook's name.
    pub hook: String,
    /// Tries so far.
    pub tries: u32,
    /// Where it stands.
    pub outcome: Outcome,
    /// What came of the last try.
    pub result: Option<String>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "at")]
pub enum Outcome {
    /// It waits for its next try.
    Waiting(Timestamp),
    /// It arrived.
    Sent(Timestamp),
    /// It was given up.
    GivenUp(Timestamp),
}

/// A delivery whose time has come.
#[derive(Debug, Clone)]
pub(super) struct Due {
    pub(super) id: i64,
    pub(super) tries: u32,
    pub(super) queued_at: i64,
    pub(super) event: Event,
    pub(super) repeated: u32,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    Queued(usize),
    Held,
    Unwanted,
}

#[derive(Debug, Clone)]
pub(super) struct Queue {
    pool: SqlitePool,
}

impl Queue {
    pub(super) async fn open(pool: SqlitePool) -> Result<Self, NotifyError> {
        sqlx::raw_sql(SCHEMA).execute(&pool).await.map_err(NotifyError::Open)?;
        Ok(Self { pool })
    }

    /// Writes an event and a delivery for each hook, unless the same was told a short while ago.
    pub(super) async fn add(&self, event: &Event, hooks: &[&str], now: i64) -> Result<Added, NotifyError> {
        // What happens all the time is kept only where somebody wants to hear it.
        if hooks.is_empty() && !event.kind.is_loud() {
            return Ok(Added::Unwanted);
        }
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(NotifyError::Write)?;
        let site = event.site.as_deref().unwrap_or_default();
        let same = last(&mut tx, event, site).await.map_err(NotifyError::Read)?;
        // Runs and parts are not news of one thing but each a thing of its own, which somebody may count on.
        if let Some((id, _)) = same
            && !matches!(event.kind, EventKind::Run | EventKind::Part)
            && held_back(&mut tx, event, site, id, now).await.map_err(NotifyError::Read)?
        {
            sqlx::query("UPDATE notice SET held = held + 1 WHERE id = ?1")
                .bind(id)
                .execute(&mut *tx)
                .await
                .map_err(NotifyError::Write)?;
            tx.commit().await.map_err(NotifyError::Write)?;
            return Ok(Added::Held);
        }
        let queued = insert(&mut tx, event, site, same, hooks, now).await.map_err(NotifyError::Write)?;
        tx.commit().await.map_err(NotifyError::Write)?;
        Ok(Added::Queued(queued))
    }

    /// The delivery of a hook that has waited longest past its time.
    pub(super) async fn next(&self, hook: &str, now: i64) -> Result<Option<Due>, NotifyError> {
        let row = sqlx::query(
            "SELECT d.id, d.tries, d.queued_at, n.event, n.repeated FROM delivery d JOIN notice n ON n.id = d.notice
             WHERE d.done_at IS NULL AND d.hook = ?1 AND (d.next_try <= ?2 OR d.next_try > ?3)
             ORDER BY d.next_try, d.id LIMIT 1",
        )
        .bind(hook)
        .bind(now)
        .bind(now + ABSURD)
        .fetch_optional(&self.pool)
        .await
        .map_err(NotifyError::Read)?;
        row.map(|row| due(&row)).transpose().map_err(NotifyError::Read)
    }

    /// When a hook's next delivery is due.
    pub(super) async fn when(&self, hook: &str) -> Result<Option<i64>, NotifyError> {
        sqlx::query_scalar("SELECT min(next_try) FROM delivery WHERE done_at IS NULL AND hook = ?1")
            .bind(hook)
            .fetch_one(&self.pool)
            .await
            .map_err(NotifyError::Read)
    }

    /// It arrived, or was given up.
    pub(super) async fn done(&self, id: i64, sent: bool, result: &str, now: i64) -> Result<(), NotifyError> {
        sqlx::query("UPDATE delivery SET done_at = ?2, sent = ?3, result = ?4, tries = tries + 1 WHERE id = ?1")
            .bind(id)
            .bind(now)
            .bind(sent)
            .bind(result)
            .execute(&self.pool)
            .await
            .map_err(NotifyError::Write)?;
        Ok(())
    }

    /// It did not arrive and is tried again.
    pub(super) async fn later(&self, id: i64, next_try: i64, result: &str) -> Result<(), NotifyError> {
        sqlx::query("UPDATE delivery SET next_try = ?2, result = ?3, tries = tries + 1 WHERE id = ?1")
            .bind(id)
            .bind(next_try)
            .bind(result)
            .execute(&self.pool)
            .await
            .map_err(NotifyError::Write)?;
        Ok(())
    }

    /// What waits for a hook is tried at once.
    pub(super) async fn hurry(&self, hook: &str, now: i64) -> Result<(), NotifyError> {
        sqlx::query("UPDATE delivery SET next_try = ?2 WHERE hook = ?1 AND done_at IS NULL AND next_try > ?2")
            .bind(hook)
            .bind(now)
            .execute(&self.pool)
            .await
            .map_err(NotifyError::Write)?;
        Ok(())
    }

    /// Gives up what is too old and what no hook waits for; says whose deliveries those were.
    pub(super) async fn give_up(&self, hooks: &[&str], now: i64, most: Duration) -> Result<Vec<String>, NotifyError> {
        let most = i64::try_from(most.as_millis()).unwrap_or(i64::MAX);
        sqlx::query_scalar(
            "UPDATE delivery SET done_at = ?1, sent = 0, result = CASE
                 WHEN hook NOT IN (SELECT value FROM json_each(?3)) THEN 'the hook is no longer configured'
                 ELSE 'given up: ' || coalesce(result, 'not tried') END
             WHERE done_at IS NULL AND (queued_at < ?2 OR hook NOT IN (SELECT value FROM json_each(?3)))
             RETURNING hook",
        )
        .bind(now)
        .bind(now.saturating_sub(most))
        .bind(serde_json::to_string(hooks).unwrap_or_else(|_| "[]".into()))
        .fetch_all(&self.pool)
        .await
        .map_err(NotifyError::Write)
    }

    /// Deletes the oldest, so that the file stays small. What still waits for a hook is among the newest, or so old that
    /// it would be given up.
    pub(super) async fn prune(&self) -> Result<(), NotifyError> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(NotifyError::Write)?;
        for loud in [0, 1] {
            sqlx::query(
                "DELETE FROM notice WHERE loud = ?1 AND id <=
                     (SELECT id FROM notice WHERE loud = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            )
            .bind(loud)
            .bind(KEPT)
            .execute(&mut *tx)
            .await
            .map_err(NotifyError::Write)?;
        }
        sqlx::query("DELETE FROM delivery WHERE notice NOT IN (SELECT id FROM notice)")
            .execute(&mut *tx)
            .await
            .map_err(NotifyError::Write)?;
        tx.commit().await.map_err(NotifyError::Write)
    }

    pub(super) async fn pending(&self) -> Result<u64, NotifyError> {
        let n: i64 = sqlx::query_scalar("SELECT count(*) FROM delivery WHERE done_at IS NULL")
            .fetch_one(&self.pool)
            .await
            .map_err(NotifyError::Read)?;
        Ok(n.unsigned_abs())
    }

    pub(super) async fn recent(&self, n: u32) -> Result<Vec<Recent>, NotifyError> {
        let rows = sqlx::query("SELECT id, said_at, event, repeated, held FROM notice ORDER BY id DESC LIMIT ?1")
            .bind(n)
            .fetch_all(&self.pool)
            .await
            .map_err(NotifyError::Read)?;
        let mut recent: Vec<Recent> = rows.iter().map(notice).collect::<Result<_, _>>().map_err(NotifyError::Read)?;
        let Some(oldest) = recent.last().map(|notice| notice.id) else { return Ok(recent) };
        let rows = sqlx::query(
            "SELECT notice, hook, tries, next_try, done_at, sent, result FROM delivery WHERE notice >= ?1 ORDER BY id",
        )
        .bind(oldest)
        .fetch_all(&self.pool)
        .await
        .map_err(NotifyError::Read)?;
        for row in rows {
            let (id, attempt) = attempt(&row).map_err(NotifyError::Read)?;
            if let Some(notice) = recent.iter_mut().find(|notice| notice.id == id) {
                notice.deliveries.push(attempt);
            }
        }
        Ok(recent)
    }
}

/// The last notice of the same thing: its number, and how often it was held back since.
async fn last(tx: &mut Transaction<'_, Sqlite>, event: &Event, site: &str) -> Result<Option<(i64, u32)>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT id, held FROM notice WHERE site = ?1 AND kind = ?2 AND title = ?3 ORDER BY id DESC LIMIT 1",
    )
    .bind(site)
    .bind(event.kind.as_str())
    .bind(&event.title)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
}

/// True where the same, `id`, was told within the last hour. A recovery makes trouble news again, and new trouble a
/// recovery; but not without end.
async fn held_back(
    tx: &mut Transaction<'_, Sqlite>,
    event: &Event,
    site: &str,
    id: i64,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let told: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM notice
         WHERE site = ?1 AND kind = ?2 AND title = ?3 AND said_at > ?4 AND said_at <= ?5 + 60000",
    )
    .bind(site)
    .bind(event.kind.as_str())
    .bind(&event.title)
    .bind(now - FLOOD)
    .bind(now)
    .fetch_one(&mut **tx)
    .await?;
    let turned: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM notice WHERE site = ?1 AND id > ?2 AND loud = 1
             AND (kind = ?4) <> (?3 = ?4))",
    )
    .bind(site)
    .bind(id)
    .bind(event.kind.as_str())
    .bind(event.kind.recovery().as_str())
    .fetch_one(&mut **tx)
    .await?;
    Ok(told > 0 && (!turned || told >= FLAPS))
}

async fn insert(
    tx: &mut Transaction<'_, Sqlite>,
    event: &Event,
    site: &str,
    same: Option<(i64, u32)>,
    hooks: &[&str],
    now: i64,
) -> Result<usize, sqlx::Error> {
    let repeated = same.map_or(0, |(_, held)| held);
    if let Some((id, _)) = same {
        sqlx::query("UPDATE notice SET held = 0 WHERE id = ?1").bind(id).execute(&mut **tx).await?;
    }
    let text = serde_json::to_string(event).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let id = sqlx::query(
        "INSERT INTO notice (said_at, kind, loud, site, title, event, repeated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(now)
    .bind(event.kind.as_str())
    .bind(event.kind.is_loud())
    .bind(site)
    .bind(&event.title)
    .bind(text)
    .bind(repeated)
    .execute(&mut **tx)
    .await?
    .last_insert_rowid();
    for hook in hooks {
        sqlx::query("INSERT INTO delivery (notice, hook, queued_at, next_try) VALUES (?1, ?2, ?3, ?3)")
            .bind(id)
            .bind(hook)
            .bind(now)
            .execute(&mut **tx)
            .await?;
    }
    Ok(hooks.len())
}

fn due(row: &SqliteRow) -> Result<Due, sqlx::Error> {
    Ok(Due {
        id: row.try_get(0)?,
        tries: row.try_get(1)?,
        queued_at: row.try_get(2)?,
        event: event(row, 3)?,
        repeated: row.try_get(4)?,
    })
}

fn notice(row: &SqliteRow) -> Result<Recent, sqlx::Error> {
    Ok(Recent {
        id: row.try_get(0)?,
        said_at: time(row.try_get(1)?),
        event: event(row, 2)?,
        repeated: row.try_get(3)?,
        held: row.try_get(4)?,
        deliveries: Vec::new(),
    })
}

fn attempt(row: &SqliteRow) -> Result<(i64, Attempt), sqlx::Error> {
    let done_at: Option<i64> = row.try_get(4)?;
    let outcome = match (done_at, row.try_get::<Option<bool>, _>(5)?) {
        (None, _) => Outcome::Waiting(time(row.try_get(3)?)),
        (Some(at), Some(true)) => Outcome::Sent(time(at)),
        (Some(at), _) => Outcome::GivenUp(time(at)),
    };
    Ok((row.try_get(0)?, Attempt { hook: row.try_get(1)?, tries: row.try_get(2)?, outcome, result: row.try_get(6)? }))
}

fn event(row: &SqliteRow, column: usize) -> Result<Event, sqlx::Error> {
    serde_json::from_str(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Names of the hooks that want an event.
pub(super) fn wanting<'a>(hooks: &'a [Hook], event: &Event) -> Vec<&'a str> {
    hooks.iter().filter(|hook| hook.wants(event)).map(|hook| hook.name.as_str()).collect()
}
