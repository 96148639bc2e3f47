//! `STATE/daemon.sqlite`: what the daemon remembers besides the crawl itself, as aggregates that are written when
//! something happens, so that looking at them costs the same however long the history is.
//!
//! A file of its own: statistics can neither slow the crawl's memory down nor damage it. It is written every second; a
//! kill loses the counts since, and no article. Deleting it loses only history.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use super::book::Memory;
use super::lists::{FaultyList, FaultyLists, ListFault};
use super::rhythm::{HOURS, Hour, Rhythm};
use crate::crawl::store::{Brief, RawCopy};
use crate::drift::RawPage;
use crate::record::Rejected;
use crate::sqlite;

/// Name of the file in a state folder.
pub const FILE: &str = "daemon.sqlite";

/// Articles that are remembered of a site, for the status page.
pub const ARTICLES: i64 = 200;
/// Rejected pages that are remembered of a site.
const REJECTS: i64 = 100;
/// Runs that are remembered of a site.
const RUNS: i64 = 100;
/// Days for which reasons are counted.
const DAYS: i64 = 28;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS site (id TEXT PRIMARY KEY, memory TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hour (
    site TEXT NOT NULL, hour INTEGER NOT NULL, articles INTEGER NOT NULL, rejected INTEGER NOT NULL,
    fetched INTEGER NOT NULL, errors INTEGER NOT NULL, PRIMARY KEY (site, hour)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS since (site TEXT PRIMARY KEY, hour INTEGER NOT NULL, last_article INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reason (
    site TEXT NOT NULL, day INTEGER NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (site, day, reason)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS template (
    site TEXT NOT NULL, day INTEGER NOT NULL, template TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (site, day, template)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS article (
    n INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL, url TEXT NOT NULL,
    title TEXT NOT NULL, published_at TEXT, template TEXT, chars INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS article_site ON article (site, n);
CREATE TABLE IF NOT EXISTS reject (
    n INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, at INTEGER NOT NULL, url TEXT NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS reject_site ON reject (site, n);
CREATE TABLE IF NOT EXISTS page (
    site TEXT PRIMARY KEY, url TEXT NOT NULL, at INTEGER NOT NULL, content_type TEXT, gz BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS run (
    n INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, begun INTEGER NOT NULL, ended INTEGER NOT NULL,
    outcome TEXT NOT NULL, articles INTEGER NOT NULL, fetched INTEGER NOT NULL, rejected INTEGER NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS run_site ON run (site, n);
CREATE TABLE IF NOT EXISTS faulty_list (
    site TEXT NOT NULL, url TEXT NOT NULL, fault TEXT NOT NULL, why TEXT NOT NULL, is_seed INTEGER NOT NULL,
    since INTEGER NOT NULL, latest INTEGER NOT NULL, is_reported INTEGER NOT NULL, is_over INTEGER NOT NULL,
    PRIMARY KEY (site, url, fault)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS part_told (path TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// The file failed.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It cannot be opened.
    #[error("cannot open {}: {source}; if it is damaged, delete it: only history is lost", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// It cannot be read or written.
    #[error("the daemon's history cannot be {doing}: {source}")]
    Statement {
        /// `read` or `written`.
        doing: &'static str,
        /// Why.
        source: sqlx::Error,
    },
}

fn reading(source: sqlx::Error) -> HistoryError {
    HistoryError::Statement { doing: "read", source }
}

fn writing(source: sqlx::Error) -> HistoryError {
    HistoryError::Statement { doing: "written", source }
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRun {
    /// The site.
    pub site: String,
    /// When it began.
    pub begun: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How, as [`super::book::Outcome`] names it.
    pub outcome: String,
    /// Articles written.
    pub articles: u64,
    /// Requests answered.
    pub fetched: u64,
    /// Pages that gave no article.
    pub rejected: u64,
    /// What went wrong, for people.
    pub detail: String,
}

/// An article in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastArticle {
    /// The site.
    pub site: String,
    /// When it was written.
    pub at: Timestamp,
    /// `id` of the record.
    pub id: String,
    /// Its address.
    pub url: String,
    /// Headline.
    pub title: String,
    /// As the record has it.
    pub published_at: Option<String>,
    /// Template; none: the generic extractor.
    pub template: Option<String>,
    /// Characters of its text.
    pub chars: i64,
}

/// A page that gave no article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastReject {
    /// When.
    pub at: Timestamp,
    /// Its address.
    pub url: String,
    /// Why.
    pub reason: String,
    /// Why, in detail.
    pub detail: String,
}

/// The last page of a site that gave an article.
pub struct LastPage {
    /// Its address.
    pub url: String,
    /// When it was fetched.
    pub at: Timestamp,
    /// The page.
    pub raw: RawPage,
}

/// What is to be written.
#[derive(Default)]
pub struct Pending {
    /// What is remembered of sites.
    pub memories: BTreeMap<String, Memory>,
    /// Counts by site and hour.
    pub hours: BTreeMap<(String, i64), Hour>,
    /// When a site's last article was written.
    pub last: BTreeMap<String, Timestamp>,
    /// Rejections by site, day and reason.
    pub reasons: BTreeMap<(String, i64, String), u64>,
    /// Pages by site, day and template.
    pub templates: BTreeMap<(String, i64, String), u64>,
    /// Articles.
    pub articles: Vec<(String, Timestamp, Brief)>,
    /// Rejections.
    pub rejects: Vec<(String, Timestamp, Rejected)>,
    /// Each site's last page.
    pub pages: BTreeMap<String, (String, Timestamp, RawCopy)>,
    /// Runs that ended.
    pub runs: Vec<PastRun>,
    /// The lists of sites that fail or give nothing, in place of those that were.
    pub lists: BTreeMap<String, FaultyLists>,
}

impl Pending {
    /// True if there is nothing to write.
    pub fn is_empty(&self) -> bool {
        let no_rows = self.hours.is_empty() && self.runs.is_empty() && self.rejects.is_empty();
        no_rows && self.memories.is_empty() && self.lists.is_empty()
    }
}

impl Pending {
    /// Adds what came later.
    pub fn merge(&mut self, later: Pending) {
        self.memories.extend(later.memories);
        later.hours.into_iter().for_each(|(key, hour)| self.hours.entry(key).or_default().add(hour));
        self.last.extend(later.last);
        later.reasons.into_iter().for_each(|(key, n)| *self.reasons.entry(key).or_default() += n);
        later.templates.into_iter().for_each(|(key, n)| *self.templates.entry(key).or_default() += n);
        self.articles.extend(later.articles);
        self.rejects.extend(later.rejects);
        self.pages.extend(later.pages);
        self.runs.extend(later.runs);
        self.lists.extend(later.lists);
    }
}

/// The open file.
#[derive(Debug, Clone)]
pub struct History {
    pool: SqlitePool,
}

impl History {
    /// Opens the file of a state folder, making it if it is absent.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Open`].
    pub async fn open(state: &Path) -> Result<Self, HistoryError> {
        let path = state.join(FILE);
        let pool = sqlite::open(&path, SCHEMA, 2).await.map_err(|source| HistoryError::Open { path, source })?;
        Ok(Self { pool })
    }

    /// For what else is kept in the file.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// What is remembered of all sites.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Statement`].
    pub async fn memories(&self) -> Result<BTreeMap<String, Memory>, HistoryError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT id, memory FROM site").fetch_all(&self.pool).await.map_err(reading)?;
        let read = |(id, text): (String, String)| match serde_json::from_str(&text) {
            Ok(memory) => Some((id, memory)),
            Err(error) => {
                tracing::warn!(site = id, %error, "what was remembered of a site cannot be read and begins anew");
                None
            }
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// The rhythms of all sites.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Statement`].
    pub async fn rhythms(&self) -> Result<BTreeMap<String, Rhythm>, HistoryError> {
        let rows = sqlx::query("SELECT site, hour, articles, rejected, fetched, errors FROM hour")
            .fetch_all(&self.pool)
            .await
            .map_err(reading)?;
        let mut hours: BTreeMap<String, BTreeMap<i64, Hour>> = BTreeMap::new();
        for row in &rows {
            let (site, hour) = (row.try_get("site").map_err(reading)?, row.try_get("hour").map_err(reading)?);
            hours.entry(site).or_default().insert(hour, read_hour(row).map_err(reading)?);
        }
        let since: Vec<(String, i64, Option<i64>)> = sqlx::query_as("SELECT site, hour, last_article FROM since")
            .fetch_all(&self.pool)
            .await
            .map_err(reading)?;
        let rhythm = |(site, since, last): (String, i64, Option<i64>)| {
            let hours = hours.remove(&site).unwrap_or_default();
            let last = last.and_then(|at| Timestamp::from_millisecond(at).ok());
            (site, Rhythm::new(hours, Some(since), last))
        };
        Ok(since.into_iter().map(rhythm).collect())
    }

    /// The lists of all sites that fail or give nothing.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Statement`].
    pub async fn lists(&self) -> Result<BTreeMap<String, FaultyLists>, HistoryError> {
        let rows = sqlx::query("SELECT * FROM faulty_list").fetch_all(&self.pool).await.map_err(reading)?;
        let mut lists: BTreeMap<String, Vec<(String, FaultyList)>> = BTreeMap::new();
        for row in &rows {
            let (site, list) = read_list(row).map_err(reading)?;
            lists.entry(site).or_default().extend(list);
        }
        Ok(lists.into_iter().map(|(site, lists)| (site, FaultyLists::new(lists))).collect())
    }

    /// Writes what has come since.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Statement`]; then nothing of it was written.
    pub async fn write(&self, pending: &Pending) -> Result<(), HistoryError> {
        let mut tx = self.pool.begin().await.map_err(writing)?;
        write(&mut tx, pending).await.map_err(writing)?;
        tx.commit().await.map_err(writing)
    }

    /// The latest articles, of one site or of all; with a text only those whose headline holds it.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Statement`].
    pub async fn articles(
        &self,
        site: Option<&str>,
        text: Option<&str>,
        most: u32,
    ) -> Result<Vec<PastArticle>, HistoryError> {
        let like = text.map(|text| {
            let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            format!("%{escaped}%")
        });
        let rows = sqlx::query(
            "SELECT site, at, id, url, title, published_at, template, chars FROM article
             WHERE (?1 IS NULL OR site = ?1) AND (?2 IS NULL OR title LIKE ?2 ESCAPE '\\' OR url LIKE ?2 ESCAPE '\\')
             ORDER BY n DESC LIMIT ?3",
        )
        .bind(site)
        .bind(like)
        .bind(most)
        .fetch_all(&self.pool)
        .await
        .map_err(reading)?;
        rows.iter().map(read_article).collect::<Result<_, _>>().map_err(reading)
    }

    /// The latest rejected pages of a site.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Statement`].
    pub async fn rejects(&self, site: &str, most: u32) -> Result<Vec<PastReject>, HistoryError> {
        let rows = sqlx::query("SELECT at, url, reason, detail FROM reject WHERE site = ?1 ORDER BY n DESC LIMIT ?2")
            .bind(site)
            .bind(most)
            .fetch_all(&self.pool)
            .await
            .map_err(reading)?;
        let reject = |row: &SqliteRow| {
            Ok(PastReject {
                at: time(row, "at")?,
                url: row.try_get("url")?,
                reason: row.try_get("reason")?,
                detail: row.try_get("detail")?,
            })
        };
        rows.iter().map(reject).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }

    /// The latest runs of a site.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Statement`].
    pub async fn runs(&self, site: &str, most: u32) -> Result<Vec<PastRun>, HistoryError> {
        let rows = sqlx::query("SELECT * FROM run WHERE site = ?1 ORDER BY n DESC LIMIT ?2")
            .bind(site)
            .bind(most)
            .fetch_all(&self.pool)
            .await
            .map_err(reading)?;
        let run = |row: &SqliteRow| {
            let count = |name: &str| row.try_get::<i64, _>(name).map(|n| u64::try_from(n).unwrap_or(0));
            Ok(PastRun {
                site: row.try_get("site")?,
                begun: time(row, "begun")?,
                ended: time(row, "ended")?,
                outcome: row.try_get("outcome")?,
                articles: count("articles")?,
                fetched: count("fetched")?,
                rejected: count("rejected")?,
                detail: row.try_get("detail")?,
            })
        };
        rows.iter().map(run).collect::<Result<_, sqlx::Error>>().map_err(reading)
    }

    /// Counts of four weeks by reason and by template, the most frequent first.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Statement`].
    pub async fn tallies(&self, site: &str) -> Result<[Vec<(String, i64)>; 2], HistoryError> {
        let reasons =
            sqlx::query_as("SELECT reason, sum(n) AS n FROM reason WHERE site = ?1 GROUP BY reason ORDER BY n DESC")
                .bind(site)
                .fetch_all(&self.pool)
                .await
                .map_err(reading)?;
        let templates = sqlx::query_as(
            "SELECT template, sum(n) AS n FROM template WHERE site = ?1 GROUP BY template ORDER BY n DESC LIMIT 50",
        )
        .bind(site)
        .fetch_all(&self.pool)
        .await
        .map_err(reading)?;
        Ok([reasons, templates])
    }

    /// The last page of a site that gave an article.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Statement`].
    pub async fn page(&self, site: &str) -> Result<Option<LastPage>, HistoryError> {
        let row = sqlx::query("SELECT url, at, content_type, gz FROM page WHERE site = ?1")
            .bind(site)
            .fetch_optional(&self.pool)
            .await
            .map_err(reading)?;
        let page = |row: SqliteRow| {
            let raw = RawPage { gz: row.try_get("gz")?, content_type: row.try_get("content_type")? };
            Ok(LastPage { url: row.try_get("url")?, at: time(&row, "at")?, raw })
        };
        row.map(page).transpose().map_err(reading)
    }

    /// The last part of an output file that people were told of; none before the first.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Statement`].
    pub async fn part_told(&self, path: &str) -> Result<Option<u32>, HistoryError> {
        sqlx::query_scalar("SELECT number FROM part_told WHERE path = ?1")
            .bind(path)
            .fetch_optional(&self.pool)
            .await
            .map_err(reading)
    }

    /// People were told of a part.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Statement`].
    pub async fn tell_part(&self, path: &str, number: u32) -> Result<(), HistoryError> {
        sqlx::query("INSERT OR REPLACE INTO part_told (path, number) VALUES (?1, ?2)")
            .bind(path)
            .bind(number)
            .execute(&self.pool)
            .await
            .map_err(writing)?;
        Ok(())
    }

    /// Nothing if the file can be written.
    pub async fn is_writable(&self) -> Result<(), HistoryError> {
        let mut tx = self.pool.begin().await.map_err(writing)?;
        sqlx::query("INSERT OR REPLACE INTO site (id, memory) VALUES ('', '{}')")
            .execute(&mut *tx)
            .await
            .map_err(writing)?;
        sqlx::query("DELETE FROM site WHERE id = ''").execute(&mut *tx).await.map_err(writing)?;
        tx.commit().await.map_err(writing)
    }

    /// Closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn time(row: &SqliteRow, name: &str) -> Result<Timestamp, sqlx::Error> {
    Ok(Timestamp::from_millisecond(row.try_get(name)?).unwrap_or_default())
}

fn read_hour(row: &SqliteRow) -> Result<Hour, sqlx::Error> {
    let count = |name: &str| row.try_get::<i64, _>(name).map(|n| u64::try_from(n).unwrap_or(0));
    Ok(Hour {
        articles: count("articles")?,
        rejected: count("rejected")?,
        fetched: count("fetched")?,
        errors: count("errors")?,
    })
}

fn read_article(row: &SqliteRow) -> Result<PastArticle, sqlx::Error> {
    Ok(PastArticle {
        site: row.try_get("site")?,
        at: time(row, "at")?,
        id: row.try_get("id")?,
        url: row.try_get("url")?,
        title: row.try_get("title")?,
        published_at: row.try_get("published_at")?,
        template: row.try_get("template")?,
        chars: row.try_get("chars")?,
    })
}

/// The site, and the list unless another version of the program wrote of a fault that this one does not know.
fn read_list(row: &SqliteRow) -> Result<(String, Option<(String, FaultyList)>), sqlx::Error> {
    let fault: String = row.try_get("fault")?;
    let known = ListFault::ALL.into_iter().find(|known| known.as_str() == fault);
    let list = |fault| {
        let list = FaultyList {
            fault,
            why: row.try_get("why")?,
            is_seed: row.try_get("is_seed")?,
            since: time(row, "since")?,
            latest: time(row, "latest")?,
            is_reported: row.try_get("is_reported")?,
            is_over: row.try_get("is_over")?,
        };
        Ok::<_, sqlx::Error>((row.try_get("url")?, list))
    };
    Ok((row.try_get("site")?, known.map(list).transpose()?))
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

async fn write(tx: &mut sqlx::Transaction<'_, sqlx::Sqlite>, pending: &Pending) -> Result<(), sqlx::Error> {
    for (site, memory) in &pending.memories {
        // A struct of times and numbers always serialises.
        let text = serde_json::to_string(memory).unwrap_or_default();
        sqlx::query("INSERT OR REPLACE INTO site (id, memory) VALUES (?1, ?2)")
            .bind(site)
            .bind(text)
            .execute(&mut **tx)
            .await?;
    }
    for ((site, hour), counts) in &pending.hours {
        sqlx::query(
            "INSERT INTO hour (site, hour, articles, rejected, fetched, errors) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (site, hour) DO UPDATE SET articles = articles + ?3, rejected = rejected + ?4,
                fetched = fetched + ?5, errors = errors + ?6",
        )
        .bind(site)
        .bind(hour)
        .bind(signed(counts.articles))
        .bind(signed(counts.rejected))
        .bind(signed(counts.fetched))
        .bind(signed(counts.errors))
        .execute(&mut **tx)
        .await?;
        sqlx::query(
            "INSERT INTO since (site, hour, last_article) VALUES (?1, ?2, ?3)
             ON CONFLICT (site) DO UPDATE SET last_article = coalesce(?3, last_article)",
        )
        .bind(site)
        .bind(hour)
        .bind(pending.last.get(site).map(|at| at.as_millisecond()))
        .execute(&mut **tx)
        .await?;
        sqlx::query("DELETE FROM hour WHERE site = ?1 AND hour < ?2")
            .bind(site)
            .bind(hour - HOURS)
            .execute(&mut **tx)
            .await?;
    }
    tallies(tx, "reason", &pending.reasons).await?;
    tallies(tx, "template", &pending.templates).await?;
    for (site, at, brief) in &pending.articles {
        sqlx::query(
            "INSERT INTO article (site, at, id, url, title, published_at, template, chars)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .bind(site)
        .bind(at.as_millisecond())
        .bind(&brief.id)
        .bind(&brief.url)
        .bind(&brief.title)
        .bind(&brief.published_at)
        .bind(&brief.template)
        .bind(i64::try_from(brief.chars).unwrap_or(i64::MAX))
        .execute(&mut **tx)
        .await?;
    }
    for (site, at, rejected) in &pending.rejects {
        sqlx::query("INSERT INTO reject (site, at, url, reason, detail) VALUES (?1, ?2, ?3, ?4, ?5)")
            .bind(site)
            .bind(at.as_millisecond())
            .bind(&rejected.url)
            .bind(rejected.reason.to_string())
            .bind(&rejected.detail)
            .execute(&mut **tx)
            .await?;
    }
    for (site, (url, at, copy)) in &pending.pages {
        // A page that is too large to be packed is shown no more than the one before it.
        let Some(raw) = RawPage::pack(&copy.body, copy.content_type.as_deref()) else { continue };
        sqlx::query("INSERT OR REPLACE INTO page (site, url, at, content_type, gz) VALUES (?1, ?2, ?3, ?4, ?5)")
            .bind(site)
            .bind(url)
            .bind(at.as_millisecond())
            .bind(raw.content_type)
            .bind(raw.gz)
            .execute(&mut **tx)
            .await?;
    }
    for run in &pending.runs {
        sqlx::query(
            "INSERT INTO run (site, begun, ended, outcome, articles, fetched, rejected, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .bind(&run.site)
        .bind(run.begun.as_millisecond())
        .bind(run.ended.as_millisecond())
        .bind(&run.outcome)
        .bind(signed(run.articles))
        .bind(signed(run.fetched))
        .bind(signed(run.rejected))
        .bind(&run.detail)
        .execute(&mut **tx)
        .await?;
    }
    for (site, lists) in &pending.lists {
        write_lists(tx, site, lists).await?;
    }
    prune(tx, pending).await
}

async fn write_lists(
    tx: &mut sqlx::Transaction<'_, sqlx::Sqlite>,
    site: &str,
    lists: &FaultyLists,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM faulty_list WHERE site = ?1").bind(site).execute(&mut **tx).await?;
    for (url, list) in lists.all() {
        sqlx::query("INSERT INTO faulty_list VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
            .bind(site)
            .bind(url)
            .bind(list.fault.as_str())
            .bind(&list.why)
            .bind(list.is_seed)
            .bind(list.since.as_millisecond())
            .bind(list.latest.as_millisecond())
            .bind(list.is_reported)
            .bind(list.is_over)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

async fn tallies(
    tx: &mut sqlx::Transaction<'_, sqlx::Sqlite>,
    table: &'static str,
    counts: &BTreeMap<(String, i64, String), u64>,
) -> Result<(), sqlx::Error> {
    let insert = format!(
        "INSERT INTO {table} (site, day, {table}, n) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (site, day, {table}) DO UPDATE SET n = n + ?4"
    );
    let delete = format!("DELETE FROM {table} WHERE site = ?1 AND day < ?2");
    for ((site, day, name), n) in counts {
        sqlx::query(sqlx::AssertSqlSafe(insert.as_str()))
            .bind(site)
            .bind(day)
            .bind(name)
            .bind(signed(*n))
            .execute(&mut **tx)
            .await?;
        sqlx::query(sqlx::AssertSqlSafe(delete.as_str())).bind(site).bind(day - DAYS).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Keeps the latest rows of each site that got new ones.
async fn prune(tx: &mut sqlx::Transaction<'_, sqlx::Sqlite>, pending: &Pending) -> Result<(), sqlx::Error> {
    let grown = [
        ("article", ARTICLES, pending.articles.iter().map(|(site, ..)| site).collect::<BTreeSet<_>>()),
        ("reject", REJECTS, pending.rejects.iter().map(|(site, ..)| site).collect()),
        ("run", RUNS, pending.runs.iter().map(|run| &run.site).collect()),
    ];
    for (table, most, sites) in grown {
        let delete = format!(
            "DELETE FROM {table} WHERE site = ?1 AND n <=
             (SELECT n FROM {table} WHERE site = ?1 ORDER BY n DESC LIMIT 1 OFFSET ?2)"
        );
        for site in sites {
            sqlx::query(sqlx::AssertSqlSafe(delete.as_str())).bind(site).bind(most).execute(&mut **tx).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_written_is_there_again_and_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let history = History::open(dir.path()).await.unwrap();
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        let brief = |n: usize| Brief {
            url: format!("https://a.example/{n}"),
            title: format!("第{n}篇 50%_"),
            ..Brief::default()
        };
        let mut pending = Pending::default();
        pending.hours.insert(("a".into(), 472_222), Hour { articles: 3, ..Hour::default() });
        pending.last.insert("a".into(), at);
        pending.reasons.insert(("a".into(), 19_675, "list".into()), 2);
        pending.articles = (0..250).map(|n| ("a".to_owned(), at, brief(n))).collect();
        pending.memories.insert("a".into(), Memory { handled: Some(at), paused: true, ..Memory::default() });
        pending.pages.insert(
            "a".into(),
            ("https://a.example/1".into(), at, RawCopy { body: b"<p>x".to_vec(), content_type: None }),
        );
        let list = FaultyList {
            fault: ListFault::Empty,
            why: "no link".into(),
            is_seed: true,
            since: at,
            latest: at,
            is_reported: true,
            is_over: false,
        };
        pending.lists.insert("a".into(), FaultyLists::new([("https://a.example/".to_owned(), list)]));
        history.write(&pending).await.unwrap();
        history.write(&pending).await.unwrap();
        history.close().await;

        let history = History::open(dir.path()).await.unwrap();
        assert_eq!(history.articles(Some("a"), None, 1000).await.unwrap().len(), 200);
        assert_eq!(history.articles(None, Some("第249篇"), 1000).await.unwrap().len(), 1);
        assert_eq!(history.articles(None, Some("0%_"), 1000).await.unwrap().len(), 200);
        assert!(history.articles(None, Some("5%篇"), 1000).await.unwrap().is_empty(), "signs are taken as they are");
        assert_eq!(history.rhythms().await.unwrap()["a"].hour(472_222).articles, 6);
        assert_eq!(history.lists().await.unwrap(), pending.lists);
        assert_eq!(history.tallies("a").await.unwrap()[0], [("list".to_owned(), 4)]);
        assert!(history.memories().await.unwrap()["a"].paused);
        assert_eq!(history.page("a").await.unwrap().unwrap().raw.unpack().unwrap(), b"<p>x");
        history.is_writable().await.unwrap();
        assert_eq!(history.memories().await.unwrap().len(), 1);
    }
}
