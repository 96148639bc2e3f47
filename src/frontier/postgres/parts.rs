//! Output files and the parts cut from them, each worker's its own.

use sqlx::Row;
use sqlx::postgres::PgRow;

use super::super::{FrontierError, OutputState};
use super::write::signed;
use super::{PostgresFrontier, committing, reading, writing};
use crate::output::parts::{Closed, Part};

impl PostgresFrontier {
    pub(super) async fn read_output(&self, path: &str) -> Result<Option<OutputState>, FrontierError> {
        let row = sqlx::query("SELECT bytes, begun FROM output WHERE worker = $1 AND path = $2")
            .bind(self.worker)
            .bind(path)
            .fetch_optional(&self.pool)
            .await
            .map_err(reading)?;
        let state = |row: PgRow| Ok(OutputState { bytes: unsigned(&row, "bytes")?, begun: row.try_get("begun")? });
        row.map(state).transpose().map_err(reading)
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
        rows.iter().map(part).collect::<Result<_, _>>().map_err(reading)
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

fn unsigned(row: &PgRow, name: &str) -> Result<u64, sqlx::Error> {
    Ok(u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0))
}

fn part(row: &PgRow) -> Result<Part, sqlx::Error> {
    let bytes = unsigned(row, "bytes")?;
    let closed = match row.try_get::<Option<String>, _>("name")? {
        None => None,
        Some(name) => Some(Closed {
            name,
            records: unsigned(row, "records")?,
            bytes,
            stored: unsigned(row, "stored")?,
            sha256: row.try_get("sha256")?,
        }),
    };
    let number = u32::try_from(row.try_get::<i64, _>("number")?).unwrap_or(0);
    Ok(Part { path: row.try_get("path")?, number, bytes, closed })
}
