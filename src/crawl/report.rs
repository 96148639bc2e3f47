//! What a run did, per site: a table for people, counts for exit codes.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::confidence::ConfidenceReport;
use crate::drift::Warning;
use crate::record::Reason;

/// Lists that a report names, by kind of trouble; starting points are always named.
const MOST_LISTS: usize = 50;
/// … and that its text for people names.
const SHOWN_LISTS: usize = 10;

/// Why a list gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ListFailure {
    /// What was seen.
    pub why: String,
    /// It is a starting point: a seed, feed or sitemap of the selector file.
    pub is_seed: bool,
}

/// Counts of one site.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct SiteReport {
    /// Requests answered, robots.txt included.
    pub fetched: u64,
    /// Bytes of the answers, decoded.
    pub bytes: u64,
    /// How long the answers took.
    pub took: Latency,
    /// Articles written.
    pub articles: u64,
    /// How sure the extractor was of them.
    #[serde(skip_serializing_if = "ConfidenceReport::is_empty")]
    pub confidence: ConfidenceReport,
    /// Articles joined from several pages.
    pub joined: u64,
    /// Articles whose text was written before, under another address.
    pub duplicates: u64,
    /// Articles whose text is nearly that of an earlier one.
    #[serde(skip_serializing_if = "is_zero")]
    pub near_duplicates: u64,
    /// Articles asked for again to see whether they were corrected.
    #[serde(skip_serializing_if = "is_zero")]
    pub rechecked: u64,
    /// … of which had another text, which was written.
    #[serde(skip_serializing_if = "is_zero")]
    pub corrected: u64,
    /// Lists, feeds and sitemaps read.
    pub lists: u64,
    /// Lists that had not changed (304).
    pub unchanged: u64,
    /// Redirects passed on to another address.
    pub redirected: u64,
    /// Pages that gave no article, by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Tries that failed and are tried again.
    pub retried: u64,
    /// … of articles, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub waiting: BTreeMap<Reason, u64>,
    /// Pages that were asked for in vain because their host refuses us, or nothing can be reached.
    #[serde(skip_serializing_if = "is_zero")]
    pub postponed: u64,
    /// Rejected pages that a list still links to and that were looked at again.
    #[serde(skip_serializing_if = "is_zero")]
    pub revisited: u64,
    /// Lists that could not be had or read.
    pub list_errors: u64,
    /// … by address, and why, as far as none of their later tries in the run went well.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub failed_lists: BTreeMap<String, ListFailure>,
    /// Lists that were read and named nothing to follow.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub empty_lists: BTreeMap<String, ListFailure>,
    /// Lists of which something could not be read or used.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub partial_lists: BTreeMap<String, ListFailure>,
    /// Lists that lead to another list that is known already, and to which.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub redirected_lists: BTreeMap<String, String>,
    /// The list that answered, of one visit: what was reported of it before may be over.
    #[serde(skip)]
    pub answered_list: Option<String>,
    /// Links found that were not followed, by reason.
    pub left: BTreeMap<&'static str, u64>,
    /// Hosts left alone, with the reason and how many pages wait there.
    pub blocked: BTreeMap<String, String>,
    /// Hosts that rest as planned (quiet hours, requests of the day used up, a very slow pace), with how many pages wait.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resting: BTreeMap<String, String>,
    /// The selector file that asks for certificates not to be checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepts_invalid_certs: Option<String>,
}

impl SiteReport {
    /// True where the site as a whole went wrong: a host is held, a starting point failed, or no list gave anything.
    pub fn failed(&self) -> bool {
        let is_seed_failed = self.failed_lists.values().any(|failure| failure.is_seed);
        !self.blocked.is_empty() || is_seed_failed || self.why_nothing_found().is_some()
    }

    /// Why no list of the site gave anything, if none did.
    pub fn why_nothing_found(&self) -> Option<String> {
        if self.unchanged > 0 {
            return None;
        }
        match self.lists {
            0 if self.list_errors > 0 => Some(format!("{} lists could not be had or read", self.list_errors)),
            0 if !self.redirected_lists.is_empty() => {
                Some(format!("{} lists lead to others that are known already", self.redirected_lists.len()))
            }
            lists if lists <= self.empty_lists.len() as u64 && self.empty_lists.values().any(|list| list.is_seed) => {
                Some(format!("{lists} lists were read and named nothing to follow"))
            }
            _ => None,
        }
    }

    /// Adds lists to those named, the starting points in any case.
    fn add_lists(mine: &mut BTreeMap<String, ListFailure>, theirs: &BTreeMap<String, ListFailure>) {
        for (url, failure) in theirs {
            if mine.len() < MOST_LISTS || failure.is_seed || mine.contains_key(url) {
                mine.insert(url.clone(), failure.clone());
            }
        }
    }

    /// Adds the counts of another.
    pub fn add(&mut self, other: &SiteReport) {
        self.fetched += other.fetched;
        self.bytes += other.bytes;
        self.took.add(&other.took);
        self.articles += other.articles;
        self.confidence.add(&other.confidence);
        self.joined += other.joined;
        self.duplicates += other.duplicates;
        self.near_duplicates += other.near_duplicates;
        self.rechecked += other.rechecked;
        self.corrected += other.corrected;
        self.lists += other.lists;
        self.unchanged += other.unchanged;
        self.redirected += other.redirected;
        self.retried += other.retried;
        self.list_errors += other.list_errors;
        self.postponed += other.postponed;
        self.revisited += other.revisited;
        for (reason, n) in &other.waiting {
            *self.waiting.entry(*reason).or_default() += n;
        }
        if let Some(url) = &other.answered_list {
            self.failed_lists.remove(url);
        }
        Self::add_lists(&mut self.failed_lists, &other.failed_lists);
        Self::add_lists(&mut self.empty_lists, &other.empty_lists);
        Self::add_lists(&mut self.partial_lists, &other.partial_lists);
        for (url, to) in other.redirected_lists.iter().take(MOST_LISTS.saturating_sub(self.redirected_lists.len())) {
            self.redirected_lists.insert(url.clone(), to.clone());
        }
        for (reason, n) in &other.rejected {
            *self.rejected.entry(*reason).or_default() += n;
        }
        for (why, n) in &other.left {
            *self.left.entry(why).or_default() += n;
        }
        for (host, why) in &other.blocked {
            self.blocked.insert(host.clone(), why.clone());
        }
        for (host, why) in &other.resting {
            self.resting.insert(host.clone(), why.clone());
        }
        self.accepts_invalid_certs = self.accepts_invalid_certs.take().or_else(|| other.accepts_invalid_certs.clone());
    }
}

/// Upper bounds of [`Latency`]'s buckets, in milliseconds; beyond the last there is one more.
pub const LATENCY_MS: [u64; 9] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];

/// A histogram of times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Latency {
    /// Answers within each of [`LATENCY_MS`] and not within the one before; the last took longer than all.
    pub buckets: [u64; LATENCY_MS.len() + 1],
    /// Of all, in milliseconds.
    pub sum_ms: u64,
}

impl Latency {
    /// Counts one answer.
    pub fn note(&mut self, took: Duration) {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let at = LATENCY_MS.iter().position(|bound| ms <= *bound).unwrap_or(LATENCY_MS.len());
        self.buckets[at] += 1;
        self.sum_ms = self.sum_ms.saturating_add(ms);
    }

    /// Adds another histogram.
    pub fn add(&mut self, other: &Latency) {
        self.buckets.iter_mut().zip(other.buckets).for_each(|(mine, theirs)| *mine += theirs);
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Nothing was left to do.
    #[default]
    Done,
    /// `--limit` was reached.
    Limit,
    /// Somebody stopped it; state is saved.
    Interrupted,
    /// It was asked to make room for one with newer selector files; state is saved.
    Reloaded,
}

/// What a run did.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Report {
    /// By site id, or host where no selector file covers it.
    pub sites: BTreeMap<String, SiteReport>,
    /// What is open of changes noticed on the sites of this run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub drift: BTreeMap<String, Vec<Warning>>,
    /// How long it took.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
    /// Why it ended.
    pub end: End,
    /// Where the run began, as [`SiteReport::failed_lists`] names lists.
    #[serde(skip)]
    pub starting_points: Arc<HashSet<String>>,
}

fn seconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(took.as_secs_f64())
}

impl Report {
    /// Adds counts to a site's.
    pub fn add(&mut self, site: &str, counts: &SiteReport) {
        if let Some(report) = self.sites.get_mut(site) {
            report.add(counts);
        } else {
            self.sites.insert(site.to_owned(), counts.clone());
        }
    }

    /// Articles written, over all sites.
    pub fn articles(&self) -> u64 {
        self.sites.values().map(|site| site.articles).sum()
    }

    /// True where some site as a whole went wrong, or is no longer what its selector file says.
    pub fn failed(&self) -> bool {
        !self.drift.is_empty() || self.sites.values().any(SiteReport::failed)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["site", "fetched", "articles", "rejected", "lists", "unchanged", "errors", "pages/s"];
        let seconds = self.took.as_secs_f64().max(0.001);
        let rows: Vec<[String; 8]> = self
            .sites
            .iter()
            .map(|(name, site)| {
                let rejected: u64 = site.rejected.values().sum();
                [
                    name.clone(),
                    site.fetched.to_string(),
                    site.articles.to_string(),
                    rejected.to_string(),
                    site.lists.to_string(),
                    site.unchanged.to_string(),
                    (site.retried + site.list_errors).to_string(),
                    format!("{:.1}", site.fetched as f64 / seconds),
                ]
            })
            .collect();
        let width = |column: usize| {
            rows.iter().map(|row| row[column].chars().count()).chain([header[column].len()]).max().unwrap_or(0)
        };
        let line = |f: &mut fmt::Formatter<'_>, cells: &[&str]| {
            for (column, cell) in cells.iter().enumerate() {
                match column {
                    0 => write!(f, "{cell:<0$}", width(0))?,
                    _ => write!(f, "  {cell:>0$}", width(column))?,
                }
            }
            writeln!(f)
        };
        line(f, &header)?;
        for row in &rows {
            line(f, &row.each_ref().map(String::as_str))?;
        }
        for (name, site) in &self.sites {
            details(f, name, site)?;
        }
        for warning in self.drift.values().flatten() {
            writeln!(f, "{}{warning}", if warning.new { "drift, new: " } else { "drift: " })?;
        }
        if !self.drift.is_empty() {
            writeln!(f, "`jingwen drift` shows the evidence")?;
        }
        match self.end {
            End::Done => writeln!(f, "done in {seconds:.1} s"),
            End::Limit => writeln!(f, "stopped at the limit after {seconds:.1} s; run again to go on"),
            End::Reloaded => writeln!(f, "left off after {seconds:.1} s for newer selector files"),
            End::Interrupted => writeln!(f, "interrupted after {seconds:.1} s, state saved; run again to go on"),
        }
    }
}

fn details(f: &mut fmt::Formatter<'_>, name: &str, site: &SiteReport) -> fmt::Result {
    if !site.rejected.is_empty() {
        let reasons: Vec<String> = site.rejected.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
        writeln!(f, "{name}: rejected: {}", reasons.join(", "))?;
    }
    if site.confidence.unsure() > 0 {
        writeln!(f, "{name}: confidence in articles: {}", site.confidence)?;
        for (url, confidence) in &site.confidence.least_sure {
            writeln!(f, "{name}: not sure of {url} ({confidence})")?;
        }
    }
    if site.duplicates > 0 {
        writeln!(f, "{name}: {} articles have the text of an earlier one (`duplicate_of`)", site.duplicates)?;
    }
    if site.near_duplicates > 0 {
        writeln!(
            f,
            "{name}: {} articles have nearly the text of an earlier one (`duplicate_of`)",
            site.near_duplicates
        )?;
    }
    if site.rechecked > 0 {
        writeln!(
            f,
            "{name}: {} articles were looked at again, {} of them had another text",
            site.rechecked, site.corrected
        )?;
    }
    if let Some(trapped) = site.left.get("trap") {
        writeln!(f, "{name}: {trapped} links would lead ever further and were not followed")?;
    }
    if let Some(same) = site.left.get("same-text") {
        writeln!(f, "{name}: {same} links stand on pages with the text of an earlier one and were not followed")?;
    }
    if let Some(beyond) = site.left.get("page-limit") {
        writeln!(f, "{name}: {beyond} links are beyond those that are taken of one page and were not followed")?;
    }
    if let Some(old) = site.left.get("old") {
        writeln!(f, "{name}: {old} links are older than --since; a run without it takes them up")?;
    }
    if !site.waiting.is_empty() {
        let reasons: Vec<String> = site.waiting.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
        writeln!(f, "{name}: failed and tried again later (`jingwen state retries`): {}", reasons.join(", "))?;
    }
    if site.revisited > 0 {
        writeln!(f, "{name}: {} rejected pages were looked at again", site.revisited)?;
    }
    lists(f, name, "failed", &site.failed_lists)?;
    lists(f, name, "gave nothing", &site.empty_lists)?;
    lists(f, name, "could not be used as a whole", &site.partial_lists)?;
    if site.lists == 0 && site.unchanged == 0 {
        for (url, to) in &site.redirected_lists {
            writeln!(f, "{name}: list {url} leads to {to}, which is known already")?;
        }
    }
    for (host, why) in &site.blocked {
        writeln!(f, "{name}: {host} is left alone: {why}")?;
    }
    for (host, why) in &site.resting {
        writeln!(f, "{name}: {host} is {why}")?;
    }
    if let Some(file) = &site.accepts_invalid_certs {
        writeln!(
            f,
            "{name}: certificates are not checked, as `accept_invalid_certs` of {file} asks: anybody on the way can change \
             what is read"
        )?;
    }
    Ok(())
}

fn lists(f: &mut fmt::Formatter<'_>, name: &str, what: &str, all: &BTreeMap<String, ListFailure>) -> fmt::Result {
    // Starting points first.
    let mut sorted: Vec<_> = all.iter().collect();
    sorted.sort_by_key(|(_, failure)| !failure.is_seed);
    for (url, failure) in sorted.iter().take(SHOWN_LISTS) {
        writeln!(f, "{name}: list {url} {what}: {}", failure.why)?;
    }
    match sorted.len().saturating_sub(SHOWN_LISTS) {
        0 => Ok(()),
        more => writeln!(f, "{name}: {more} more lists {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_reasons_and_blocked_hosts() {
        let mut report = Report { took: Duration::from_secs(2), ..Report::default() };
        let counts = SiteReport {
            fetched: 10,
            articles: 7,
            rejected: [(Reason::Video, 2), (Reason::HttpStatus, 1)].into(),
            blocked: [("a.example:80".into(), "status 412; 3 pages wait".into())].into(),
            ..SiteReport::default()
        };
        report.add("sznews", &counts);
        report.add("sznews", &counts);
        assert_eq!(report.articles(), 14);
        assert!(report.failed());
        let text = report.to_string();
        assert!(text.contains("sznews       20        14         6"), "{text}");
        assert!(text.contains("video 4, http-status 2"), "{text}");
        assert!(text.contains("a.example:80 is left alone: status 412; 3 pages wait"), "{text}");
    }
}
