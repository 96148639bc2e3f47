//! Output files and the parts cut from them, each worker's its own.

use super::super::rows::{self, signed};
use super::super::{FrontierError, OutputState, reading, writing};
use super::{PostgresFrontier, committing};
use crate::output::parts::{Closed, Part};

impl PostgresFrontier {
    pub(super) async fn read_output(&self, path: &str) -> Result<Option<OutputState>, FrontierError> {
        let row = sqlx::query("SELECT bytes, begun FROM output WHERE worker = $1 AND path = $2")
            .bind(self.worker)
            .bind(path)
            .fetch_optional(&self.pool)
            .await
            .map_err(reading)?;
        row.as_ref().map(rows::output).transpose().map_err(reading)
    }

    pub(super) async fn read_parts(&self, path: &str) -> Result<Vec<Part>, FrontierError> {
        let rows = sqlx::query(
            "SELECT path, number, bytes, name, records, stored, sha256 FROM part WHERE worker = $1 AND path = $2
             ORDER BY number",
        )
        .bind(self.worker)
        .bind(path)
        .fetch_all(&self.pool)
        .await
        .map_err(reading)?;
        rows.iter().map(rows::part).collect::<Result<_, _>>().map_err(reading)
    }

    /// The lines so far are a part, and the file is empty: both or neither.
    pub(super) async fn write_part(&self, part: &Part) -> Result<(), FrontierError> {
        let mut tx = self.pool.begin().await.map_err(writing)?;
        self.hold_worker(&mut tx).await?;
        sqlx::query("INSERT INTO part (worker, path, number, bytes) VALUES ($1, $2, $3, $4)")
            .bind(self.worker)
            .bind(&part.path)
            .bind(i64::from(part.number))
            .bind(signed(part.bytes))
            .execute(&mut *tx)
            .await
            .map_err(writing)?;
        sqlx::query("UPDATE output SET bytes = 0, begun = 0 WHERE worker = $1 AND path = $2")
            .bind(self.worker)
            .bind(&part.path)
            .execute(&mut *tx)
            .await
            .map_err(writing)?;
        tx.commit().await.map_err(committing)
    }

    pub(super) async fn write_closed(&self, part: &Part, closed: &Closed) -> Result<(), FrontierError> {
        sqlx::query(
            "UPDATE part SET name = $4, records = $5, stored = $6, sha256 = $7
             WHERE worker = $1 AND path = $2 AND number = $3",
        )
        .bind(self.worker)
        .bind(&part.path)
        .bind(i64::from(part.number))
        .bind(&closed.name)
        .bind(signed(closed.records))
        .bind(signed(closed.stored))
        .bind(&closed.sha256)
        .execute(&self.pool)
        .await
        .map_err(writing)?;
        Ok(())
    }
}
