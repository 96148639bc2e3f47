//! Rows as values. Both databases give the same columns by the same names.

use sqlx::Row;
use url::Url;

use super::admin::{HostQueue, Overview, QueuedAddress, Retry, Waiting};
use super::{Counts, Ending, HeldBack, HostId, Kind, LeasedHost, OutputState, RobotsCopy, StoredRobots, Task, UrlKey};
use crate::output::parts::{Closed, Part};
use crate::retry::History;
use crate::urls::{HostKey, at_origin};

/// The columns of a row, by name.
pub trait Cells {
    /// A whole number.
    fn number(&self, name: &str) -> Result<i64, sqlx::Error>;
    /// A whole number that may be absent.
    fn some_number(&self, name: &str) -> Result<Option<i64>, sqlx::Error>;
    /// A text.
    fn text(&self, name: &str) -> Result<String, sqlx::Error>;
    /// A text that may be absent.
    fn some_text(&self, name: &str) -> Result<Option<String>, sqlx::Error>;
    /// Bytes that may be absent.
    fn some_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, sqlx::Error>;
    /// Yes or no.
    fn flag(&self, name: &str) -> Result<bool, sqlx::Error>;
}

/// What a row of either kind reads with `try_get`; the bounds of one function for both would be longer than this.
macro_rules! cells {
    ($row:ty) => {
        impl Cells for $row {
            fn number(&self, name: &str) -> Result<i64, sqlx::Error> {
                self.try_get(name)
            }
            fn some_number(&self, name: &str) -> Result<Option<i64>, sqlx::Error> {
                self.try_get(name)
            }
            fn text(&self, name: &str) -> Result<String, sqlx::Error> {
                self.try_get(name)
            }
            fn some_text(&self, name: &str) -> Result<Option<String>, sqlx::Error> {
                self.try_get(name)
            }
            fn some_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
                self.try_get(name)
            }
            fn flag(&self, name: &str) -> Result<bool, sqlx::Error> {
                self.try_get(name)
            }
        }
    };
}

cells!(sqlx::sqlite::SqliteRow);
#[cfg(feature = "postgres")]
cells!(sqlx::postgres::PgRow);

/// The key of a host.
pub fn host(row: &impl Cells) -> Result<HostId, sqlx::Error> {
    Ok(HostId { bucket: row.number("bucket")?, host: row.number("host")? })
}

/// A host from a row of a lease; none where its origin does not parse, which this program never wrote.
pub fn leased(row: &impl Cells) -> Result<Option<LeasedHost>, sqlx::Error> {
    let Ok(origin) = Url::parse(&row.text("origin")?) else { return Ok(None) };
    let Some(key) = HostKey::new(&origin) else { return Ok(None) };
    let stored = match row.some_number("robots_state")? {
        None => None,
        Some(0) => Some(StoredRobots::Free),
        Some(1) => Some(StoredRobots::File(row.some_bytes("robots")?.unwrap_or_default())),
        Some(_) => Some(StoredRobots::Unavailable),
    };
    let robots = match stored.zip(row.some_number("robots_at")?) {
        None => None,
        Some((stored, at)) => Some(RobotsCopy {
            stored,
            at,
            etag: row.some_text("robots_etag")?,
            modified: row.some_text("robots_modified")?,
        }),
    };
    Ok(Some(LeasedHost {
        id: host(row)?,
        origin,
        key,
        epoch: row.number("epoch")?,
        not_before: row.number("not_before")?,
        asked: row.number("asked")?,
        failures: small(row, "failures")?,
        refusals: small(row, "refusals")?,
        robots,
    }))
}

/// An address of a host's queue.
pub fn task(row: &impl Cells, host: &LeasedHost) -> Result<Task, sqlx::Error> {
    Ok(Task {
        key: UrlKey { host: host.id, near: row.number("near")?, id: row.number("id")? },
        url: at_origin(&host.origin, &row.text("path")?),
        kind: Kind::from_i64(row.number("kind")?),
        depth: small(row, "depth")?,
        hops: small(row, "hops")?,
        tries: small(row, "tries")?,
        due: row.number("due")?,
        etag: row.some_text("etag")?,
        modified: row.some_text("modified")?,
        rhythm: row.number("rhythm")?,
        content: row.some_number("content")?,
        dated: row.flag("dated")?,
        history: history(row)?,
        revisits: small(row, "revisits")?,
        requested: row.some_text("requested")?,
        full_at: row.number("full_at")?,
    })
}

/// The failures of an address; one that cannot be read counts as none.
fn history(row: &impl Cells) -> Result<History, sqlx::Error> {
    Ok(row.some_text("history")?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// The failures of an address as they are kept; none where it has not failed.
pub fn history_text(history: &History) -> Option<String> {
    // Numbers and strings always serialise.
    (history.count > 0).then(|| serde_json::to_string(history).unwrap_or_default())
}

/// The key of an address.
pub fn key(row: &impl Cells) -> Result<UrlKey, sqlx::Error> {
    Ok(UrlKey { host: host(row)?, near: row.number("near")?, id: row.number("id")? })
}

/// An address that waits.
pub fn queued(row: &impl Cells) -> Result<QueuedAddress, sqlx::Error> {
    Ok(QueuedAddress {
        kind: Kind::from_i64(row.number("kind")?),
        due: row.number("due")?,
        depth: small(row, "depth")?,
        visited: row.number("visited")?,
        history: history(row)?,
        requested: row.some_text("requested")?,
    })
}

/// Why an address gave no article.
pub fn ending(row: &impl Cells) -> Result<Ending, sqlx::Error> {
    Ok(Ending {
        at: row.number("at")?,
        reason: row.text("reason")?,
        detail: row.text("detail")?,
        revisits: small(row, "revisits")?,
        revisit_at: row.some_number("revisit_at")?,
    })
}

/// A host that may not be asked.
pub fn held_back(row: &impl Cells) -> Result<HeldBack, sqlx::Error> {
    Ok(HeldBack {
        origin: row.text("origin")?,
        until: row.number("until")?,
        why: row.some_text("blocked")?,
        waiting: row.number("waiting")?,
    })
}

/// What waits at a host.
pub fn waiting(row: &impl Cells) -> Result<Waiting, sqlx::Error> {
    Ok(Waiting { held: held_back(row)?, without_robots: row.flag("without")?, retries: row.number("retries")? })
}

/// Numbers for reports.
pub fn counts(row: &impl Cells) -> Result<Counts, sqlx::Error> {
    Ok(Counts { hosts: row.number("hosts")?, queued: row.number("queued")?, seen: row.number("seen")? })
}

/// The state in numbers, with its output files.
pub fn overview(row: &impl Cells, outputs: Vec<(String, i64)>) -> Result<Overview, sqlx::Error> {
    Ok(Overview {
        hosts: row.number("hosts")?,
        held_back: row.number("held_back")?,
        queued: row.number("queued")?,
        retries: row.number("retries")?,
        recurring: row.number("recurring")?,
        done: row.number("done")?,
        bytes: row.number("bytes")?,
        free: row.number("free")?,
        outputs,
        parts: row.number("parts")?,
    })
}

/// A host's queue.
pub fn queue(row: &impl Cells) -> Result<HostQueue, sqlx::Error> {
    Ok(HostQueue {
        origin: row.text("origin")?,
        queued: row.number("queued")?,
        retries: row.number("retries")?,
        done: row.number("done")?,
        not_before: row.number("until")?,
        failures: row.number("failures")?,
        blocked: row.some_text("blocked")?,
    })
}

/// A page that waits for another try.
pub fn retry(row: &impl Cells) -> Result<Retry, sqlx::Error> {
    let why = history(row)?.latest.pop().map(|failure| failure.what).unwrap_or_default();
    Ok(Retry { url: row.text("url")?, tries: row.number("tries")?, due: row.number("due")?, why })
}

/// What is committed of an output file.
pub fn output(row: &impl Cells) -> Result<OutputState, sqlx::Error> {
    Ok(OutputState { bytes: unsigned(row, "bytes")?, begun: row.number("begun")? })
}

/// A part of an output file.
pub fn part(row: &impl Cells) -> Result<Part, sqlx::Error> {
    let bytes = unsigned(row, "bytes")?;
    let closed = match row.some_text("name")? {
        None => None,
        Some(name) => Some(Closed {
            name,
            records: unsigned(row, "records")?,
            bytes,
            stored: unsigned(row, "stored")?,
            sha256: row.text("sha256")?,
        }),
    };
    Ok(Part { path: row.text("path")?, number: small(row, "number")?, bytes, closed })
}

fn small(row: &impl Cells, name: &str) -> Result<u32, sqlx::Error> {
    Ok(u32::try_from(row.number(name)?).unwrap_or(0))
}

fn unsigned(row: &impl Cells, name: &str) -> Result<u64, sqlx::Error> {
    Ok(u64::try_from(row.number(name)?).unwrap_or(0))
}

/// A count as a database keeps it.
pub fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
