//! Output files and the parts cut from them.

use super::super::rows::{self, signed};
use super::super::{FrontierError, OutputState, reading, writing};
use super::SqliteFrontier;
use crate::output::parts::{Closed, Part};

impl SqliteFrontier {
    pub(super) async fn read_output(&self, path: &str) -> Result<Option<OutputState>, FrontierError> {
        let row = sqlx::query("SELECT bytes, begun FROM output WHERE path = ?1")
            .bind(path)
            .fetch_optional(&self.reader)
            .await
            .map_err(reading)?;
        row.as_ref().map(rows::output).transpose().map_err(reading)
    }

    pub(super) async fn read_parts(&self, path: &str) -> Result<Vec<Part>, FrontierError> {
        let rows = sqlx::query(
            "SELECT path, number, bytes, name, records, stored, sha256 FROM part WHERE path = ?1 ORDER BY number",
        )
        .bind(path)
        .fetch_all(&self.reader)
        .await
        .map_err(reading)?;
        rows.iter().map(rows::part).collect::<Result<_, _>>().map_err(reading)
    }

    /// The lines so far are a part, and the file is empty: both or neither.
    pub(super) async fn write_part(&self, part: &Part) -> Result<(), FrontierError> {
        let mut tx = self.writer.begin().await.map_err(writing)?;
        sqlx::query("INSERT INTO part (path, number, bytes) VALUES (?1, ?2, ?3)")
            .bind(&part.path)
            .bind(part.number)
            .bind(signed(part.bytes))
            .execute(&mut *tx)
            .await
            .map_err(writing)?;
        sqlx::query("UPDATE output SET bytes = 0, begun = 0 WHERE path = ?1")
            .bind(&part.path)
            .execute(&mut *tx)
            .await
            .map_err(writing)?;
        tx.commit().await.map_err(writing)
    }

    pub(super) async fn write_closed(&self, part: &Part, closed: &Closed) -> Result<(), FrontierError> {
        sqlx::query(
            "UPDATE part SET name = ?3, records = ?4, stored = ?5, sha256 = ?6 WHERE path = ?1 AND number = ?2",
        )
        .bind(&part.path)
        .bind(part.number)
        .bind(&closed.name)
        .bind(signed(closed.records))
        .bind(signed(closed.stored))
        .bind(&closed.sha256)
        .execute(&self.writer)
        .await
        .map_err(writing)?;
        Ok(())
    }
}
