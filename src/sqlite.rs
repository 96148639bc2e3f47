//! Opening the small databases beside the frontier: what drifted, what the daemon remembers.
//!
//! They may lose the last moments at a power cut (`synchronous = NORMAL`), which the frontier may not; so it opens itself.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

/// Page cache of each connection, in KiB.
const CACHE_KIB: &str = "-128";

/// Opens a file, making it and what its schema names if they are absent, with so many connections at most.
///
/// # Errors
///
/// What SQLite says.
pub async fn open(path: &Path, schema: &'static str, connections: u32) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("cache_size", CACHE_KIB)
        .busy_timeout(Duration::from_secs(10));
    let pool = SqlitePoolOptions::new().max_connections(connections).connect_with(options).await?;
    sqlx::raw_sql(schema).execute(&pool).await?;
    Ok(pool)
}
