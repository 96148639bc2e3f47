//! What every part of one run shares.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::commit::Finished;
use super::detours::Detours;
use super::discover::Scope;
use super::fetch::Fetch;
use super::guard::Guard;
use super::host::{Gate, Pace};
use super::report::{End, Report};
use super::rest::Rest;
use super::robots::Robots;
use super::store::Store;
use super::traps::Traps;
use crate::clean;
use crate::clean::lately::Lately;
use crate::config::TrapLimits;
use crate::frontier::any::AnyFrontier;
use crate::frontier::{HostId, LeasedHost, Millis, RunId, UrlKey};
use crate::lock::lock;
use crate::sites::Site;
use crate::units::Hours;

/// How a run is to be done.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Time between two requests where the site's file says nothing, and the least anywhere.
    pub interval: Option<Duration>,
    /// Time between two requests whatever the site's file says; robots.txt can still make it longer.
    pub forced_interval: Option<Duration>,
    /// Requests under way at a host where the site's file says nothing, and the most anywhere.
    pub concurrency: Option<u32>,
    /// Hours in which nothing is asked of any site, beside its own.
    pub quiet: Vec<Hours>,
    /// Requests to one site on one day, at most.
    pub per_day: Option<u64>,
    /// Hosts at one address share a limit.
    pub per_address: bool,
    /// Keep to robots.txt.
    pub respect_robots: bool,
    /// Ask only for lists that are due by their own rhythm, as a run does that comes again and again.
    pub due_only: bool,
    /// Ask again for articles first written at most this long ago, to catch corrections.
    pub recheck: Option<Recheck>,
    /// Ask for the sitemaps that robots.txt names.
    pub sitemaps: bool,
    /// How long to wait for a host that asked to wait.
    pub patience: Duration,
    /// Redirects followed from one address.
    pub max_redirects: u32,
    /// How far lists are followed.
    pub traps: TrapLimits,
    /// Articles to write at most.
    pub limit: Option<u64>,
    /// Pages to ask for at most.
    pub max_pages: Option<u64>,
    /// No visit begins later than this after the start.
    pub max_time: Option<Duration>,
    /// The name robots.txt calls us by.
    pub token: String,
    /// How pages are cleaned.
    pub clean: clean::Options,
}

/// Which articles are asked for again.
#[derive(Debug, Clone, Copy)]
pub struct Recheck {
    /// First written at most this long ago.
    pub age: Duration,
    /// Each only when some time has passed since it was last looked at, the more the older it is.
    pub is_spread: bool,
}

/// One run's shared parts.
///
/// # Stopping
///
/// There is one idea with two steps. `closing` is cancelled, once, with the reason in `end`: from then on no visit
/// begins, and those under way finish. `stop` drops those as well; their addresses stay in the frontier, so nothing is
/// lost. A host's worker ends when all its visits are committed or dropped; when all workers have ended, `closed` ends
/// the committer. Nobody else needs to clean up.
pub struct Context {
    /// Its number among those of the process.
    pub run: RunId,
    /// What it shares with other runs.
    pub store: Arc<Store>,
    /// Where pages come from.
    pub fetch: Arc<dyn Fetch>,
    /// Which addresses may be connected to.
    pub guard: Guard,
    /// What to fetch next.
    pub frontier: AnyFrontier,
    /// What the run covers.
    pub scope: Scope,
    /// How it is done.
    pub settings: Settings,
    /// When it began; recurring pages are visited once after this.
    pub began: Millis,
    /// Links handled lately.
    pub lately: Arc<Lately>,
    /// Pages that doors of other hosts led back to.
    pub detours: Detours,
    /// How many lists of each pattern were found.
    pub traps: Traps,
    /// Rejected addresses that the next link to them has looked at again.
    pub revisitable: Mutex<HashSet<UrlKey>>,
    /// Addresses that the run begins with.
    pub starting_points: Arc<HashSet<String>>,
    /// Only these, where addresses were given by hand.
    pub focus: Option<Mutex<HashSet<UrlKey>>>,
    /// One permit for each article still wanted.
    pub wanted: Option<Arc<Semaphore>>,
    /// Pages that may still be asked for, where there is a limit.
    pub pages_left: Option<AtomicU64>,
    /// To the committer.
    pub finished: mpsc::Sender<Finished>,
    /// Visits begun and not yet handed to the committer; at zero it need not wait for more.
    pub active: AtomicUsize,
    /// Held by each whole page on its way to the committer, which counts them.
    pub raw: Arc<()>,
    /// Hosts held now.
    pub held: Mutex<HashMap<HostId, Arc<Host>>>,
    /// Something may have become ready.
    pub ready: Notify,
    /// No further visits.
    pub closing: CancellationToken,
    /// No further requests, and those under way are dropped.
    pub stop: CancellationToken,
    /// Why.
    pub end: OnceLock<End>,
    /// Every visit is handed over and settled: the committer may end.
    pub closed: CancellationToken,
    /// Set when the store or the output failed.
    pub broken: AtomicBool,
    /// Counts, of what is committed.
    pub report: Mutex<Report>,
}

impl Context {
    /// Stops the run at once; the first reason counts.
    pub fn stop(&self, end: End) {
        self.finish(end);
        self.stop.cancel();
    }

    /// Begins nothing more and lets what is under way finish; the first reason counts.
    pub fn finish(&self, end: End) {
        self.end.get_or_init(|| end);
        self.closing.cancel();
    }

    /// Takes one of the pages that may be asked for; with the last one the run begins no more. False if there is none.
    pub fn take_page(&self) -> bool {
        let Some(left) = &self.pages_left else { return true };
        let taken = left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        if !matches!(taken, Ok(2..)) {
            self.finish(End::Limit);
        }
        taken.is_ok()
    }

    /// True if an address belongs to the run.
    pub fn in_focus(&self, key: &UrlKey) -> bool {
        self.focus.as_ref().is_none_or(|focus| lock(focus).contains(key))
    }

    /// True, once, if an address was rejected so long ago that it is looked at again.
    pub fn take_revisit(&self, key: &UrlKey) -> bool {
        let mut keys = lock(&self.revisitable);
        !keys.is_empty() && keys.remove(key)
    }

    /// Takes addresses into the run.
    pub fn focus_on(&self, keys: impl Iterator<Item = UrlKey>) {
        if let Some(focus) = &self.focus {
            lock(focus).extend(keys);
        }
    }
}

/// A host that this process holds.
pub struct Host {
    /// The lease.
    pub lease: LeasedHost,
    /// When requests may go.
    pub gate: Gate,
    /// The site that covers it.
    pub site: Option<Arc<Site>>,
    /// Name in the report.
    pub name: String,
    /// robots.txt, once it is known.
    pub robots: OnceLock<Robots>,
    /// When robots.txt was fetched.
    pub robots_at: AtomicI64,
    /// Visits begun and not yet committed.
    pub outstanding: AtomicUsize,
    /// Something of this host was committed.
    pub wake: Notify,
}

impl Host {
    /// A host just leased.
    pub fn new(lease: LeasedHost, context: &Context) -> Self {
        let site = context.scope.site(&lease.origin).cloned();
        let rules = site.as_ref().map(|site| &site.crawl);
        let settings = &context.settings;
        // The site's own rate is known to be borne; the configuration may only be slower than it, or fill the gap.
        let interval =
            settings.forced_interval.unwrap_or_else(|| match (rules.and_then(|r| r.interval), settings.interval) {
                (Some(site), Some(ours)) => site.max(ours),
                (site, ours) => site.or(ours).unwrap_or(Duration::from_secs(1)),
            });
        let concurrency = match (rules.and_then(|r| r.concurrency), settings.concurrency) {
            (Some(site), Some(ours)) => site.min(ours),
            (site, ours) => site.or(ours).unwrap_or(1),
        };
        let name = site.as_ref().map_or_else(|| lease.key.to_string(), |site| site.id.clone());
        let mut hours = settings.quiet.clone();
        hours.extend(rules.into_iter().flat_map(|rules| &rules.quiet));
        let per_day = [rules.and_then(|rules| rules.per_day), settings.per_day].into_iter().flatten().min();
        let zone = site.as_ref().map_or_else(|| TimeZone::fixed(jiff::tz::offset(8)), |site| site.timezone.clone());
        let rest = Rest { hours, zone, budget: per_day.map(|most| context.store.budgets.of(&name, most)) };
        let pace = Pace { interval, concurrency, rest };
        let gate = Gate::new(pace, &lease, context.fetch.is_replay(), settings.patience);
        Self {
            lease,
            gate,
            site,
            name,
            robots: OnceLock::new(),
            robots_at: AtomicI64::new(Millis::MAX),
            outstanding: AtomicUsize::new(0),
            wake: Notify::new(),
        }
    }

    /// A visit of this host is committed or given up.
    pub fn settled(&self) {
        self.outstanding.fetch_sub(1, Ordering::AcqRel);
        self.wake.notify_one();
    }
}
