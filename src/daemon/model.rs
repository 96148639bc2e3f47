//! What is known of the sites at this moment, in memory: fed by every commit, read by the status page and the metrics,
//! written to the history every second.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::book::Outcome;
use super::history::{History, HistoryError, PastRun, Pending};
use super::lists::{FaultyLists, ListChange};
use super::rhythm::{Hour, Rhythm, hour_of};
use crate::crawl::report::SiteReport;
use crate::crawl::store::{Brief, Committed, Observer};
use crate::drift::Warning;
use crate::frontier::{AT_REST, HeldBack};
use crate::lock::lock;

/// A site's last page is kept anew at most this often.
const PAGE_EVERY: Duration = Duration::from_secs(30);

/// Most rows that wait to be written where the disk does not take them.
const MOST_WAITING: usize = 5_000;

/// What is known of one site.
#[derive(Debug, Clone, Default)]
pub struct SiteStat {
    /// Counts since the process began.
    pub totals: SiteReport,
    /// Runs that ended since the process began.
    pub runs: BTreeMap<Outcome, u64>,
    /// Pages by template since the process began; the generic extractor's under `generic`.
    pub templates: BTreeMap<String, u64>,
    /// Its hours.
    pub rhythm: Rhythm,
    /// From publication to record, of the last article that says when it was published; in seconds.
    pub lag: Option<f64>,
    /// Addresses that wait.
    pub queue: i64,
    /// Addresses that failed and wait for their next try.
    pub retries: i64,
    /// Lists that fail or give nothing.
    pub lists: FaultyLists,
    /// Counts of the last run that ended in this process.
    pub last_run: Option<Box<SiteReport>>,
    /// Hosts that are left alone.
    pub held_back: Vec<HeldBack>,
    /// Hosts whose robots.txt cannot be had.
    pub robots_unavailable: i64,
    /// What is open of changes noticed.
    pub drift: Vec<Warning>,
    /// Silence was told.
    pub silent: bool,
    /// When its last page was kept.
    page: Option<Instant>,
}

impl SiteStat {
    /// Hosts that are left alone because they refuse us or do not answer, and not because they rest as planned or asked
    /// for a wait.
    pub fn blocked(&self) -> impl Iterator<Item = (&HeldBack, &str)> {
        let held = self.held_back.iter().filter_map(|host| Some((host, host.why.as_deref()?)));
        held.filter(|(_, why)| !why.starts_with(AT_REST))
    }
}

/// The sites, and what is to be written of them.
pub struct Model {
    inner: Mutex<Inner>,
    drifted: mpsc::UnboundedSender<Warning>,
}

#[derive(Default)]
struct Inner {
    sites: BTreeMap<String, SiteStat>,
    pending: Pending,
}

impl Model {
    /// Empty; what is noticed of changes goes into `drifted`.
    pub fn new(drifted: mpsc::UnboundedSender<Warning>) -> Self {
        Self { inner: Mutex::default(), drifted }
    }

    /// Takes in what the history knows; before anything else happens.
    pub fn fill(&self, rhythms: BTreeMap<String, Rhythm>, lists: BTreeMap<String, FaultyLists>) {
        let mut inner = self.lock();
        rhythms.into_iter().for_each(|(id, rhythm)| inner.sites.entry(id).or_default().rhythm = rhythm);
        lists.into_iter().for_each(|(id, lists)| inner.sites.entry(id).or_default().lists = lists);
    }

    /// Reads what is known of a site.
    pub fn with<T>(&self, site: &str, read: impl FnOnce(&SiteStat) -> T) -> T {
        let inner = self.lock();
        match inner.sites.get(site) {
            Some(stat) => read(stat),
            None => read(&SiteStat::default()),
        }
    }

    /// Changes what is known of a site.
    pub fn change<T>(&self, site: &str, change: impl FnOnce(&mut SiteStat) -> T) -> T {
        change(self.lock().sites.entry(site.to_owned()).or_default())
    }

    /// Adds to what is to be written.
    pub fn write(&self, add: impl FnOnce(&mut Pending)) {
        add(&mut self.lock().pending);
    }

    /// Notes a run that ended.
    pub fn run_ended(&self, run: PastRun) {
        self.lock().pending.runs.push(run);
    }

    /// Notes what a run came to. Gives the changes of lists that are not reported yet.
    pub fn settle_run(&self, site: &str, counts: SiteReport, starting_points: &HashSet<String>) -> Vec<ListChange> {
        let mut inner = self.lock();
        let Inner { sites, pending } = &mut *inner;
        let stat = sites.entry(site.to_owned()).or_default();
        let before = stat.lists.clone();
        let changes = stat.lists.settle(&counts, starting_points, Timestamp::now());
        if stat.lists != before {
            pending.lists.insert(site.to_owned(), stat.lists.clone());
        }
        stat.last_run = Some(Box::new(counts));
        changes
    }

    /// Forgets sites that are configured no more.
    pub fn retain(&self, sites: &BTreeSet<String>) {
        self.lock().sites.retain(|id, _| sites.contains(id));
    }

    /// Writes what has come since the last time; on failure it is kept, within bounds.
    ///
    /// # Errors
    ///
    /// [`HistoryError`].
    pub async fn flush(&self, history: &History) -> Result<(), HistoryError> {
        let mut pending = std::mem::take(&mut self.lock().pending);
        if pending.is_empty() {
            return Ok(());
        }
        let result = history.write(&pending).await;
        if result.is_err() {
            pending.articles.truncate(MOST_WAITING);
            pending.rejects.truncate(MOST_WAITING);
            let later = std::mem::replace(&mut self.lock().pending, pending);
            self.lock().pending.merge(later);
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

impl Observer for Model {
    fn wants_page(&self, site: &str) -> bool {
        self.with(site, |stat| stat.page.is_none_or(|at| at.elapsed() >= PAGE_EVERY))
    }

    fn committed(&self, seen: Committed<'_>) {
        let now = Timestamp::now();
        let counts = seen.counts;
        let rejected: u64 = counts.rejected.values().sum();
        let hour = Hour {
            articles: counts.articles,
            rejected,
            fetched: counts.fetched,
            errors: counts.list_errors + counts.retried,
        };
        let (number, day) = (hour_of(now), hour_of(now).div_euclid(24));
        let site = seen.site;
        let mut inner = self.lock();
        let Inner { sites, pending } = &mut *inner;
        let stat = sites.entry(site.to_owned()).or_default();
        stat.totals.add(counts);
        stat.rhythm.note(now, hour);
        if stat.lists.note(counts, now) {
            pending.lists.insert(site.to_owned(), stat.lists.clone());
        }
        pending.hours.entry((site.to_owned(), number)).or_default().add(hour);
        for (reason, n) in &counts.rejected {
            *pending.reasons.entry((site.to_owned(), day, reason.to_string())).or_default() += n;
        }
        if let Some(rejected) = seen.rejected {
            pending.rejects.push((site.to_owned(), now, rejected.clone()));
        }
        let Some(brief) = seen.article.filter(|_| counts.articles > 0) else { return };
        pending.last.insert(site.to_owned(), now);
        let template = brief.template.clone().unwrap_or_else(|| "generic".to_owned());
        *stat.templates.entry(template.clone()).or_default() += 1;
        *pending.templates.entry((site.to_owned(), day, template)).or_default() += 1;
        if let Some(published) = brief.published_at.as_deref().and_then(|text| text.parse::<Timestamp>().ok()) {
            stat.lag = Some(now.duration_since(published).as_secs_f64().max(0.0));
        }
        if let Some(copy) = &brief.page {
            stat.page = Some(Instant::now());
            pending.pages.insert(site.to_owned(), (brief.url.clone(), now, (**copy).clone()));
        }
        pending.articles.push((site.to_owned(), now, Brief { page: None, ..brief.clone() }));
    }

    fn drifted(&self, warning: &Warning) {
        // Nobody listens any more only while the program ends.
        let _ = self.drifted.send(warning.clone());
    }
}
