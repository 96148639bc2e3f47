//! Rows as values, and what errors of the database mean.

use sqlx::Row;
use sqlx::postgres::PgRow;
use url::Url;

use super::super::{HeldBack, HostId, Kind, LeasedHost, RobotsCopy, StoredRobots, Task, UrlKey};
use crate::urls::HostKey;

/// The key of a host.
pub fn host(row: &PgRow) -> Result<HostId, sqlx::Error> {
    Ok(HostId { bucket: row.try_get("bucket")?, host: row.try_get("host")? })
}

/// A host from a row of a lease; none where its origin does not parse, which this program never wrote.
pub fn leased(row: &PgRow) -> Result<Option<LeasedHost>, sqlx::Error> {
    let Ok(origin) = Url::parse(row.try_get("origin")?) else { return Ok(None) };
    let Some(key) = HostKey::new(&origin) else { return Ok(None) };
    let stored = match row.try_get::<Option<i64>, _>("robots_state")? {
        None => None,
        Some(0) => Some(StoredRobots::Free),
        Some(1) => Some(StoredRobots::File(row.try_get::<Option<Vec<u8>>, _>("robots")?.unwrap_or_default())),
        Some(_) => Some(StoredRobots::Unavailable),
    };
    let robots = match stored.zip(row.try_get::<Option<i64>, _>("robots_at")?) {
        None => None,
        Some((stored, at)) => Some(RobotsCopy {
            stored,
            at,
            etag: row.try_get("robots_etag")?,
            modified: row.try_get("robots_modified")?,
        }),
    };
    Ok(Some(LeasedHost {
        id: host(row)?,
        origin,
        key,
        epoch: row.try_get("epoch")?,
        not_before: row.try_get("not_before")?,
        asked: row.try_get("asked")?,
        failures: count(row, "failures")?,
        robots,
    }))
}

/// An address from a row of [`super::sql::NEXT`].
pub fn task(row: &PgRow, host: &LeasedHost) -> Result<Option<Task>, sqlx::Error> {
    let Ok(url) = host.origin.join(row.try_get("path")?) else { return Ok(None) };
    Ok(Some(Task {
        key: UrlKey { host: host.id, near: row.try_get("near")?, id: row.try_get("id")? },
        url,
        kind: Kind::from_i64(row.try_get("kind")?),
        depth: count(row, "depth")?,
        hops: count(row, "hops")?,
        tries: count(row, "tries")?,
        due: row.try_get("due")?,
        etag: row.try_get("etag")?,
        modified: row.try_get("modified")?,
        rhythm: row.try_get("rhythm")?,
        content: row.try_get("content")?,
        dated: row.try_get("dated")?,
    }))
}

/// A host that may not be asked.
pub fn held_back(row: &PgRow) -> Result<HeldBack, sqlx::Error> {
    Ok(HeldBack {
        origin: row.try_get("origin")?,
        until: row.try_get("until")?,
        why: row.try_get("blocked")?,
        waiting: row.try_get("waiting")?,
    })
}

fn count(row: &PgRow, name: &str) -> Result<u32, sqlx::Error> {
    Ok(u32::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0))
}

/// True where the database ended a transaction because two waited for each other; done once more, it succeeds.
pub fn is_given_up(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("40P01" | "40001"))
}

/// What to do about an error at the start.
pub fn help(error: &sqlx::Error) -> &'static str {
    let code = error.as_database_error().and_then(|error| error.code());
    match (error, code.as_deref()) {
        (_, Some(code)) if code.starts_with("28") => {
            "check the user and the password (`password_file` under [state], JINGWEN_POSTGRES_PASSWORD_FILE, PGPASSWORD, ~/.pgpass)"
        }
        (_, Some("3D000")) => "make the database first: createdb",
        (_, Some(code)) if code.starts_with("42") => {
            "the user must own the database, or be allowed to make tables in it"
        }
        (sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut, _) => {
            "nobody answers there; check host and port, and that the server runs and lets this machine in"
        }
        (sqlx::Error::Configuration(_), _) => "write \"postgres://user@host/database\"",
        _ => "the database's log may say more",
    }
}
