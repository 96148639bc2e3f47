//! `STATE/drift.sqlite`: one row for each site, and the few pages kept for `--propose`.
//!
//! A file of its own, so that watching can neither slow the crawl's memory down nor damage it. What a kill loses is what
//! was seen since the last save; the pages themselves are safe.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::sqlite::SqlitePool;

use super::observe::RawPage;
use crate::sqlite;

/// Name of the file in a state folder.
pub const FILE: &str = "drift.sqlite";

/// Most pages kept of a site.
pub const PAGES: i64 = 10;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS site (id TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS page (
    site TEXT NOT NULL, url TEXT NOT NULL, at INTEGER NOT NULL, content_type TEXT, gz BLOB NOT NULL,
    PRIMARY KEY (site, url)
) STRICT;";

/// The file failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened.
    #[error("cannot open {}: {source}; if it is damaged, delete it: only what was noticed of changes is lost", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// It cannot be read.
    #[error("cannot read what was noticed of changes: {0}")]
    Read(sqlx::Error),
    /// It cannot be written.
    #[error("cannot save what was noticed of changes: {0}")]
    Write(sqlx::Error),
}

/// A page that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPage {
    /// Its address.
    pub url: String,
    /// When it was fetched, seconds since 1970.
    pub at: i64,
    /// The page.
    pub raw: RawPage,
}

impl KeptPage {
    /// When it was fetched.
    pub fn time(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.at).ok()
    }
}

/// What is to be written of a site.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The site.
    pub site: String,
    /// Its state; none: everything about it is deleted but what follows.
    pub state: Option<String>,
    /// Pages to keep; older ones make room.
    pub pages: Vec<KeptPage>,
    /// The pages kept so far are of no use any more.
    pub drop_pages: bool,
}

/// The open file.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the file of a state folder, making it if it is absent.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`].
    pub async fn open(state: &Path) -> Result<Self, StoreError> {
        let path = state.join(FILE);
        let pool = sqlite::open(&path, SCHEMA, 1).await.map_err(|source| StoreError::Open { path, source })?;
        Ok(Self { pool })
    }

    /// All sites' states, as they were written.
    ///
    /// # Errors
    ///
    /// [`StoreError::Read`].
    pub async fn states(&self) -> Result<Vec<(String, String)>, StoreError> {
        sqlx::query_as("SELECT id, state FROM site ORDER BY id").fetch_all(&self.pool).await.map_err(StoreError::Read)
    }

    /// Pages kept of a site, the latest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Read`].
    pub async fn pages(&self, site: &str) -> Result<Vec<KeptPage>, StoreError> {
        let rows: Vec<(String, i64, Option<String>, Vec<u8>)> =
            sqlx::query_as("SELECT url, at, content_type, gz FROM page WHERE site = ?1 ORDER BY at DESC, rowid DESC")
                .bind(site)
                .fetch_all(&self.pool)
                .await
                .map_err(StoreError::Read)?;
        let kept = |(url, at, content_type, gz)| KeptPage { url, at, raw: RawPage { content_type, gz } };
        Ok(rows.into_iter().map(kept).collect())
    }

    /// Writes changes, all or none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`].
    pub async fn save(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut all = self.pool.begin().await.map_err(StoreError::Write)?;
        for change in changes {
            let query = match &change.state {
                Some(state) => sqlx::query("INSERT OR REPLACE INTO site (id, state) VALUES (?1, ?2)")
                    .bind(&change.site)
                    .bind(state),
                None => sqlx::query("DELETE FROM site WHERE id = ?1").bind(&change.site),
            };
            query.execute(&mut *all).await.map_err(StoreError::Write)?;
            if change.drop_pages || change.state.is_none() {
                let query = sqlx::query("DELETE FROM page WHERE site = ?1").bind(&change.site);
                query.execute(&mut *all).await.map_err(StoreError::Write)?;
            }
            for page in &change.pages {
                sqlx::query(
                    "INSERT OR REPLACE INTO page (site, url, at, content_type, gz) VALUES (?1, ?2, ?3, ?4, ?5)",
                )
                .bind(&change.site)
                .bind(&page.url)
                .bind(page.at)
                .bind(&page.raw.content_type)
                .bind(&page.raw.gz)
                .execute(&mut *all)
                .await
                .map_err(StoreError::Write)?;
            }
            if !change.pages.is_empty() {
                sqlx::query(
                    "DELETE FROM page WHERE site = ?1 AND url NOT IN \
                     (SELECT url FROM page WHERE site = ?1 ORDER BY at DESC, rowid DESC LIMIT ?2)",
                )
                .bind(&change.site)
                .bind(PAGES)
                .execute(&mut *all)
                .await
                .map_err(StoreError::Write)?;
            }
        }
        all.commit().await.map_err(StoreError::Write)
    }

    /// Closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
