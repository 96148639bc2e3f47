//! Rows as values.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use url::Url;

use super::super::{HostId, Kind, LeasedHost, RobotsCopy, StoredRobots, Task, UrlKey};
use crate::urls::HostKey;

/// A host from a row of [`super::sql::LEASE`]; none where its origin does not parse, which this program never wrote.
pub fn leased(row: &SqliteRow) -> Result<Option<LeasedHost>, sqlx::Error> {
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
        id: HostId { bucket: row.try_get("bucket")?, host: row.try_get("host")? },
        origin,
        key,
        epoch: row.try_get("epoch")?,
        not_before: row.try_get("not_before")?,
        asked: row.try_get("asked")?,
        failures: row.try_get("failures")?,
        robots,
    }))
}

/// An address from a row of [`super::sql::NEXT`].
pub fn task(row: &SqliteRow, host: &LeasedHost) -> Result<Option<Task>, sqlx::Error> {
    let Ok(url) = host.origin.join(row.try_get("path")?) else { return Ok(None) };
    Ok(Some(Task {
        key: UrlKey { host: host.id, near: row.try_get("near")?, id: row.try_get("id")? },
        url,
        kind: Kind::from_i64(row.try_get("kind")?),
        depth: row.try_get("depth")?,
        hops: row.try_get("hops")?,
        tries: row.try_get("tries")?,
        due: row.try_get("due")?,
        etag: row.try_get("etag")?,
        modified: row.try_get("modified")?,
        rhythm: row.try_get("rhythm")?,
        content: row.try_get("content")?,
        dated: row.try_get("dated")?,
    }))
}
