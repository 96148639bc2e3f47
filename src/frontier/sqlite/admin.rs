//! What people ask of the state, and mend in it: behind `jingwen state`.

use super::super::address::{self, AddressRows};
use super::super::admin::{AddressState, HostQueue, Overview, Retry, Waiting};
use super::super::{FrontierError, HostId, Millis, REMEMBERED, UrlKey, now, reading, rows, writing};
use super::{SqliteFrontier, write};

impl SqliteFrontier {
    /// Forgets what is remembered of articles for so long only.
    pub async fn forget_old(&self) -> Result<(), FrontierError> {
        let oldest = now() - i64::try_from(REMEMBERED.as_millis()).unwrap_or(i64::MAX / 4);
        sqlx::query("DELETE FROM recent WHERE at < ?1").bind(oldest).execute(&self.writer).await.map_err(writing)?;
        Ok(())
    }

    /// What waits at every host. Counts the queue: the longer it is, the longer this takes.
    pub async fn waiting(&self, now: Millis) -> Result<Vec<Waiting>, FrontierError> {
        let rows = sqlx::query(
            "SELECT origin, iif(not_before > ?1, not_before, 0) AS until, blocked, coalesce(robots_state, 0) = 2 AS without,
                (SELECT count(*) FROM url WHERE url.bucket = host.bucket AND url.host = host.host AND visited = 0) AS waiting,
                (SELECT count(*) FROM url WHERE url.bucket = host.bucket AND url.host = host.host AND tries > 0) AS retries
             FROM host",
        )
        .bind(now)
        .fetch_all(&self.reader)
        .await
        .map_err(reading)?;
        rows.iter().map(rows::waiting).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }

    /// The state in numbers.
    pub async fn overview(&self, now: Millis) -> Result<Overview, FrontierError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM host) AS hosts, (SELECT count(*) FROM host WHERE not_before > ?1) AS held_back,
                (SELECT count(*) FROM url WHERE visited = 0) AS queued, (SELECT count(*) FROM url WHERE tries > 0) AS retries,
                (SELECT count(*) FROM url WHERE kind IN (1, 2, 3)) AS recurring, (SELECT count(*) FROM seen) AS done,
                (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size) AS bytes,
                (SELECT freelist_count FROM pragma_freelist_count) * (SELECT page_size FROM pragma_page_size) AS free,
                (SELECT count(*) FROM part WHERE name IS NOT NULL) AS parts",
        )
        .bind(now)
        .fetch_one(&self.reader)
        .await
        .map_err(reading)?;
        let outputs = sqlx::query_as("SELECT path, bytes FROM output ORDER BY path")
            .fetch_all(&self.reader)
            .await
            .map_err(reading)?;
        rows::overview(&row, outputs).map_err(reading)
    }

    /// Hosts by the length of their queue, at most `n`.
    pub async fn queues(&self, now: Millis, n: u32) -> Result<Vec<HostQueue>, FrontierError> {
        let rows = sqlx::query(
            "SELECT origin, iif(not_before > ?1, not_before, 0) AS until, failures, blocked,
                (SELECT count(*) FROM url WHERE url.bucket = host.bucket AND url.host = host.host) AS queued,
                (SELECT count(*) FROM url WHERE url.bucket = host.bucket AND url.host = host.host AND tries > 0) AS retries,
                (SELECT count(*) FROM seen WHERE seen.bucket = host.bucket AND seen.host = host.host) AS done
             FROM host ORDER BY queued DESC, origin LIMIT ?2",
        )
        .bind(now)
        .bind(n)
        .fetch_all(&self.reader)
        .await
        .map_err(reading)?;
        rows.iter().map(rows::queue).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }

    /// Pages that wait for another try, the soonest first, at most `n`.
    pub async fn retries(&self, n: u32) -> Result<Vec<Retry>, FrontierError> {
        let rows = sqlx::query(
            "SELECT origin || path AS url, tries, due, history FROM url JOIN host USING (bucket, host) WHERE tries > 0
             ORDER BY due LIMIT ?1",
        )
        .bind(n)
        .fetch_all(&self.reader)
        .await
        .map_err(reading)?;
        rows.iter().map(rows::retry).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }

    /// Origins of a host name, with and without port: `http://a.example`, `https://a.example:8080`.
    pub async fn origins(&self, name: &str) -> Result<Vec<String>, FrontierError> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT origin FROM host").fetch_all(&self.reader).await.map_err(reading)?;
        let is_it = |origin: &String| {
            let bare = origin.split_once("://").map_or(origin.as_str(), |(_, bare)| bare);
            origin == name || bare == name || bare.rsplit_once(':').is_some_and(|(host, _)| host == name)
        };
        Ok(rows.into_iter().map(|(origin,)| origin).filter(is_it).collect())
    }

    /// What is known of an address.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn address(&self, key: &UrlKey) -> Result<AddressState, FrontierError> {
        let one = async |text| write::by_key(text, key).fetch_optional(&self.reader).await.map_err(reading);
        let hold = sqlx::query(address::HOLD).bind(key.host.bucket).bind(key.host.host);
        let rows = AddressRows {
            queued: one(address::QUEUED).await?,
            ending: one(address::ENDING).await?,
            left_out: one(address::LEFT_OUT).await?,
            written: one(address::WRITTEN).await?,
            done: one(address::DONE).await?,
            hold: hold.fetch_optional(&self.reader).await.map_err(reading)?,
        };
        rows.read().map_err(reading)
    }

    /// Forgets an address, so that the next link to it (or start with it) has it fetched again. Gives the rows removed.
    pub async fn forget_url(&self, key: &UrlKey) -> Result<u64, FrontierError> {
        let mut tx = self.writer.begin().await.map_err(writing)?;
        let mut gone = 0;
        for text in [
            "DELETE FROM url WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4",
            "DELETE FROM seen WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4",
            "DELETE FROM recent WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4",
            "DELETE FROM ending WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4",
            "DELETE FROM left_out WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4",
        ] {
            gone += write::by_key(text, key).execute(&mut *tx).await.map_err(writing)?.rows_affected();
        }
        tx.commit().await.map_err(writing)?;
        Ok(gone)
    }

    /// Forgets all of an origin: its queue, what is done, robots.txt, waits. Gives the rows removed.
    pub async fn forget_host(&self, origin: &str) -> Result<u64, FrontierError> {
        self.on_host(
            origin,
            &[
                "DELETE FROM url WHERE bucket = ?1 AND host = ?2",
                "DELETE FROM seen WHERE bucket = ?1 AND host = ?2",
                "DELETE FROM recent WHERE bucket = ?1 AND host = ?2",
                "DELETE FROM ending WHERE bucket = ?1 AND host = ?2",
                "DELETE FROM left_out WHERE bucket = ?1 AND host = ?2",
                "DELETE FROM host WHERE bucket = ?1 AND host = ?2",
            ],
        )
        .await
    }

    /// Lets a host be asked again at once: no wait, no failures, robots.txt to be fetched again, and whatever failed there
    /// is due.
    pub async fn unblock(&self, origin: &str) -> Result<u64, FrontierError> {
        self.on_host(
            origin,
            &[
                "UPDATE url SET due = 0 WHERE bucket = ?1 AND host = ?2 AND (tries > 0 OR kind NOT IN (1, 2, 3))",
                "UPDATE host SET not_before = 0, failures = 0, refusals = 0, blocked = NULL, robots = NULL, robots_state = NULL,
                   robots_at = NULL, robots_etag = NULL, robots_modified = NULL, ready_at = coalesce((SELECT min(due) FROM url WHERE url.bucket = ?1 AND url.host = ?2),
                   9223372036854775807) WHERE bucket = ?1 AND host = ?2",
            ],
        )
        .await
    }

    async fn on_host(&self, origin: &str, texts: &[&'static str]) -> Result<u64, FrontierError> {
        let id = HostId::new(origin);
        let mut tx = self.writer.begin().await.map_err(writing)?;
        let mut changed = 0;
        for text in texts {
            let done = sqlx::query(*text).bind(id.bucket).bind(id.host).execute(&mut *tx).await.map_err(writing)?;
            changed += done.rows_affected();
        }
        tx.commit().await.map_err(writing)?;
        Ok(changed)
    }

    /// Gives free pages back to the file system. Needs room for a second copy meanwhile.
    pub async fn vacuum(&self) -> Result<(), FrontierError> {
        for text in ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA optimize"] {
            sqlx::query(text).execute(&self.writer).await.map_err(writing)?;
        }
        Ok(())
    }

    /// What SQLite finds wrong with the file; empty if it is sound.
    pub async fn damage(&self) -> Result<Vec<String>, FrontierError> {
        let rows: Vec<(String,)> =
            sqlx::query_as("PRAGMA integrity_check(20)").fetch_all(&self.reader).await.map_err(reading)?;
        Ok(rows.into_iter().map(|(text,)| text).filter(|text| text != "ok").collect())
    }
}
