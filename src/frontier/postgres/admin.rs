//! What people ask of the state, and mend in it: behind `jingwen state`.

use super::super::address::{self, AddressRows};
use super::super::admin::{AddressState, HostQueue, Overview, Retry, Waiting};
use super::super::{FrontierError, HostId, Millis, NEVER, REMEMBERED, UrlKey, now, reading, rows, writing};
use super::sql::clock;
use super::{PostgresFrontier, write};

impl PostgresFrontier {
    /// Forgets what is remembered of articles for so long only.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn forget_old(&self) -> Result<(), FrontierError> {
        let oldest = now() - i64::try_from(REMEMBERED.as_millis()).unwrap_or(i64::MAX / 4);
        sqlx::query("DELETE FROM recent WHERE at < $1").bind(oldest).execute(&self.pool).await.map_err(writing)?;
        Ok(())
    }

    /// What waits at every host. Counts the queue: the longer it is, the longer this takes.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn waiting(&self, now: Millis) -> Result<Vec<Waiting>, FrontierError> {
        let rows = sqlx::query(
            "SELECT origin, CASE WHEN not_before > $1 THEN not_before ELSE 0 END AS until, blocked,
                coalesce(robots_state, 0) = 2 AS without,
                (SELECT count(*) FROM url WHERE url.bucket = host.bucket AND url.host = host.host AND visited = 0) AS waiting,
                (SELECT count(*) FROM url WHERE url.bucket = host.bucket AND url.host = host.host AND tries > 0) AS retries
             FROM host",
        )
        .bind(now)
        .fetch_all(&self.pool)
        .await
        .map_err(reading)?;
        rows.iter().map(rows::waiting).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }

    /// The state in numbers.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn overview(&self, now: Millis) -> Result<Overview, FrontierError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM host) AS hosts, (SELECT count(*) FROM host WHERE not_before > $1) AS held_back,
                (SELECT count(*) FROM url WHERE visited = 0) AS queued, (SELECT count(*) FROM url WHERE tries > 0) AS retries,
                (SELECT count(*) FROM url WHERE kind IN (1, 2, 3)) AS recurring, (SELECT count(*) FROM seen) AS done,
                pg_database_size(current_database()) AS bytes, 0::bigint AS free,
                (SELECT count(*) FROM part WHERE name IS NOT NULL) AS parts",
        )
        .bind(now)
        .fetch_one(&self.pool)
        .await
        .map_err(reading)?;
        let outputs: Vec<(i64, String, i64)> =
            sqlx::query_as("SELECT worker, path, bytes FROM output ORDER BY worker, path")
                .fetch_all(&self.pool)
                .await
                .map_err(reading)?;
        let named =
            |(worker, path, bytes): (i64, String, i64)| (format!("{:016x}:{path}", worker.cast_unsigned()), bytes);
        rows::overview(&row, outputs.into_iter().map(named).collect()).map_err(reading)
    }

    /// Hosts by the length of their queue, at most `n`.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn queues(&self, now: Millis, n: u32) -> Result<Vec<HostQueue>, FrontierError> {
        let rows = sqlx::query(
            "SELECT origin, CASE WHEN not_before > $1 THEN not_before ELSE 0 END AS until, failures::bigint, blocked,
                (SELECT count(*) FROM url WHERE url.bucket = host.bucket AND url.host = host.host) AS queued,
                (SELECT count(*) FROM url WHERE url.bucket = host.bucket AND url.host = host.host AND tries > 0) AS retries,
                (SELECT count(*) FROM seen WHERE seen.bucket = host.bucket AND seen.host = host.host) AS done
             FROM host ORDER BY queued DESC, origin LIMIT $2",
        )
        .bind(now)
        .bind(i64::from(n))
        .fetch_all(&self.pool)
        .await
        .map_err(reading)?;
        rows.iter().map(rows::queue).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }

    /// Pages that wait for another try, the soonest first, at most `n`.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn retries(&self, n: u32) -> Result<Vec<Retry>, FrontierError> {
        let rows = sqlx::query(
            "SELECT h.origin || u.path AS url, u.tries::bigint, u.due, u.history
             FROM url u JOIN host h ON h.bucket = u.bucket AND h.host = u.host WHERE u.tries > 0 ORDER BY u.due LIMIT $1",
        )
        .bind(i64::from(n))
        .fetch_all(&self.pool)
        .await
        .map_err(reading)?;
        rows.iter().map(rows::retry).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }

    /// Origins of a host name, with and without port: `http://a.example`, `https://a.example:8080`.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn origins(&self, name: &str) -> Result<Vec<String>, FrontierError> {
        sqlx::query_scalar(
            "SELECT origin FROM host WHERE origin = $1 OR split_part(origin, '://', 2) = $1
                 OR regexp_replace(split_part(origin, '://', 2), ':\\d+$', '') = $1 ORDER BY origin",
        )
        .bind(name)
        .fetch_all(&self.pool)
        .await
        .map_err(reading)
    }

    /// What is known of an address.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn address(&self, key: &UrlKey) -> Result<AddressState, FrontierError> {
        let one = async |text| write::by_key(text, key).fetch_optional(&self.pool).await.map_err(reading);
        let hold = sqlx::query(address::HOLD).bind(key.host.bucket).bind(key.host.host);
        let rows = AddressRows {
            queued: one(address::QUEUED).await?,
            ending: one(address::ENDING).await?,
            left_out: one(address::LEFT_OUT).await?,
            written: one(address::WRITTEN).await?,
            done: one(address::DONE).await?,
            hold: hold.fetch_optional(&self.pool).await.map_err(reading)?,
        };
        rows.read().map_err(reading)
    }

    /// Forgets an address, so that the next link to it (or start with it) has it fetched again. Gives the rows removed.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn forget_url(&self, key: &UrlKey) -> Result<u64, FrontierError> {
        let mut tx = self.pool.begin().await.map_err(writing)?;
        let mut gone = 0;
        for text in [
            "DELETE FROM url WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4",
            "DELETE FROM seen WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4",
            "DELETE FROM recent WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4",
            "DELETE FROM ending WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4",
            "DELETE FROM left_out WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4",
        ] {
            gone += write::by_key(text, key).execute(&mut *tx).await.map_err(writing)?.rows_affected();
        }
        tx.commit().await.map_err(writing)?;
        Ok(gone)
    }

    /// Forgets all of an origin: its queue, what is done, robots.txt, waits. Gives the rows removed.
    ///
    /// # Errors
    ///
    /// A worker that crawls it now, or a statement that failed.
    pub async fn forget_host(&self, origin: &str) -> Result<u64, FrontierError> {
        self.on_host(
            origin,
            &[
                "DELETE FROM url WHERE bucket = $1 AND host = $2",
                "DELETE FROM seen WHERE bucket = $1 AND host = $2",
                "DELETE FROM recent WHERE bucket = $1 AND host = $2",
                "DELETE FROM ending WHERE bucket = $1 AND host = $2",
                "DELETE FROM left_out WHERE bucket = $1 AND host = $2",
                "DELETE FROM host WHERE bucket = $1 AND host = $2",
            ],
        )
        .await
    }

    /// Lets a host be asked again at once: no wait, no failures, robots.txt to be fetched again, and whatever failed there
    /// is due.
    ///
    /// # Errors
    ///
    /// A worker that crawls it now, or a statement that failed.
    pub async fn unblock(&self, origin: &str) -> Result<u64, FrontierError> {
        self.on_host(
            origin,
            &[
                "UPDATE url SET due = 0 WHERE bucket = $1 AND host = $2 AND (tries > 0 OR kind NOT IN (1, 2, 3))",
                "UPDATE host SET not_before = 0, failures = 0, refusals = 0, blocked = NULL, robots = NULL, robots_state = NULL,
                   robots_at = NULL, robots_etag = NULL, robots_modified = NULL, ready_at = coalesce((SELECT min(due)
                   FROM url WHERE url.bucket = $1 AND url.host = $2), 9223372036854775807)
               WHERE bucket = $1 AND host = $2",
            ],
        )
        .await
    }

    /// Changes a host that no worker has.
    async fn on_host(&self, origin: &str, texts: &[&'static str]) -> Result<u64, FrontierError> {
        let id = HostId::new(origin);
        let mut tx = self.pool.begin().await.map_err(writing)?;
        let held: Option<bool> = sqlx::query_scalar(concat!(
            "SELECT leased AND ready_at > ",
            clock!(),
            " FROM host WHERE bucket = $1 AND host = $2 FOR UPDATE"
        ))
        .bind(id.bucket)
        .bind(id.host)
        .fetch_optional(&mut *tx)
        .await
        .map_err(writing)?;
        if held == Some(true) {
            return Err(FrontierError::Held { origin: origin.to_owned() });
        }
        // A lease that is over must not come to life again.
        sqlx::query("UPDATE host SET leased = FALSE, worker = NULL WHERE bucket = $1 AND host = $2 AND ready_at < $3")
            .bind(id.bucket)
            .bind(id.host)
            .bind(NEVER)
            .execute(&mut *tx)
            .await
            .map_err(writing)?;
        let mut changed = 0;
        for text in texts {
            let done = sqlx::query(*text).bind(id.bucket).bind(id.host).execute(&mut *tx).await.map_err(writing)?;
            changed += done.rows_affected();
        }
        tx.commit().await.map_err(writing)?;
        Ok(changed)
    }
}
