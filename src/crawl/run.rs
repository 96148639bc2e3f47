//! One run: from what was asked for to the report.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::commit::Committer;
use super::context::{Context, Host, Recheck, Settings};
use super::detours::Detours;
use super::discover::{Period, Scope};
use super::fetch::{Fetch, HttpError};
use super::guard::Guard;
use super::report::{End, Report};
use super::series::SeriesError;
use super::store::Store;
use super::traps::Traps;
use super::warc::WarcError;
use super::worker;
use crate::drift::StoreError;
use crate::frontier::any::AnyFrontier;
use crate::frontier::{
    AT_REST, Batch, Cursor, Frontier, FrontierError, HostId, Kind, LeasedHost, Millis, NewUrl, RunId, UrlKey, now,
};
use crate::lock::lock;
use crate::output::OutputError;
use crate::sites::{Site, Sites};
use crate::units::millis;
use crate::urls::{HostKey, registered};

/// Hosts held at a time.
const HELD: u32 = 200;
/// Renewals of a lease in the time that it lasts.
const RENEWALS: u32 = 5;
/// Rejected addresses that one run looks at again at most.
const REVISITS: u32 = 10_000;
/// With no host held, how long a run waits before it looks again: another worker may give one back meanwhile.
const LOOK: Duration = Duration::from_secs(2);
/// What the reasons begin with where a host named the wait itself (Retry-After) and nothing else is wrong.
pub const ASKED_TO_WAIT: &str = "it asked to wait";

/// Why a run could not be done.
#[derive(Debug, thiserror::Error)]
pub enum CrawlError {
    /// The state.
    #[error(transparent)]
    Frontier(#[from] FrontierError),
    /// The output.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// What was noticed of changes.
    #[error(transparent)]
    Drift(#[from] StoreError),
    /// The HTTP client.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The archive.
    #[error(transparent)]
    Warc(#[from] WarcError),
    /// The system gives no threads.
    #[error("cannot start a thread to clean pages with: {0}")]
    Threads(std::io::Error),
    /// A part of the program died.
    #[error("a part of the crawl died: {0}; what was committed is safe")]
    Task(#[from] tokio::task::JoinError),
}

impl CrawlError {
    /// True where the fault is in how the program was called, and nothing was fetched.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Output(error) => matches!(error, OutputError::Locked { .. } | OutputError::Torn { .. }),
            Self::Frontier(error) => error.is_usage(),
            Self::Warc(_) => true,
            _ => false,
        }
    }
}

impl From<SeriesError> for CrawlError {
    fn from(error: SeriesError) -> Self {
        match error {
            SeriesError::Output(error) => Self::Output(error),
            SeriesError::Frontier(error) => Self::Frontier(error),
            SeriesError::Task(error) => Self::Task(error),
        }
    }
}

/// What to crawl, and with what.
pub struct Plan {
    /// Where pages come from.
    pub fetch: Arc<dyn Fetch>,
    /// Which addresses may be connected to.
    pub guard: Guard,
    /// All selector files.
    pub sites: Arc<Sites>,
    /// Sites to crawl as a whole.
    pub chosen: Vec<Arc<Site>>,
    /// Addresses given by hand.
    pub pages: Vec<Url>,
    /// The time that articles are wanted of.
    pub period: Period,
    /// How it is done.
    pub settings: Settings,
    /// When the run began that this one goes on with: lists visited since then are not asked again.
    pub resumed: Option<Millis>,
}

/// A run that is ready to start; its context can be watched and stopped from outside.
pub struct Run {
    /// Shared parts, for progress and for stopping.
    pub context: Arc<Context>,
    committer: Committer,
    finished: mpsc::Receiver<super::commit::Finished>,
}

impl Plan {
    /// Queues the starting points.
    ///
    /// # Errors
    ///
    /// What went wrong with the state.
    pub async fn prepare(self, store: Arc<Store>) -> Result<Run, CrawlError> {
        let run = store.next_run();
        let frontier = &store.frontier;
        let scope = self.scope();
        let began = self.resumed.unwrap_or_else(now);
        let (links, focus) = self.starting_points(&scope, began);
        let origins = origins(&links);
        let starting_points = Arc::new(links.iter().map(|link| link.url.to_string()).collect());
        // Where single pages were given, only their hosts take part, whatever else the state holds.
        let by_hand = focus.is_some();
        frontier
            .select(run, began, &|origin| match by_hand {
                true => origins.contains(origin),
                false => Url::parse(origin).is_ok_and(|url| scope.covers(&url)),
            })
            .await?;
        frontier.commit(&Batch { run, links, ..Batch::default() }).await?;
        let traps = Traps::new(self.settings.traps);
        let mut revisitable = HashSet::new();
        if !by_hand {
            traps.know(&frontier.known_lists(run).await?);
            revisitable.extend(frontier.revisitable(run, now(), REVISITS).await?);
            admit_left_out(frontier, run, &scope).await?;
        }
        if !self.settings.due_only {
            frontier.wake(run, began).await?;
        }

        if let Some(Recheck { age, is_spread }) = self.settings.recheck {
            let keys: Option<Vec<UrlKey>> = focus.as_ref().map(|focus| focus.iter().copied().collect());
            let since = began - millis(age);
            let queued = frontier.recheck(run, since, began, keys.as_deref(), is_spread).await?;
            tracing::info!("{queued} articles are looked at again");
        }
        store.budgets.note(frontier.spent_elsewhere().await?);
        let (sender, finished) = mpsc::channel(256);
        let context = Arc::new(Context {
            run,
            fetch: self.fetch,
            guard: self.guard,
            frontier: store.frontier.clone(),
            scope,
            began: began + 1,
            lately: Arc::default(),
            detours: Detours::default(),
            traps,
            revisitable: Mutex::new(revisitable),
            starting_points,
            focus: focus.map(Mutex::new),
            wanted: self.settings.limit.map(|n| {
                let most = Semaphore::MAX_PERMITS;
                Arc::new(Semaphore::new(usize::try_from(n).unwrap_or(most).min(most)))
            }),
            pages_left: self.settings.max_pages.map(AtomicU64::new),
            settings: self.settings,
            finished: sender,
            active: AtomicUsize::new(0),
            raw: Arc::new(()),
            held: Mutex::new(HashMap::new()),
            ready: Notify::new(),
            closing: CancellationToken::new(),
            stop: CancellationToken::new(),
            end: OnceLock::new(),
            closed: CancellationToken::new(),
            broken: AtomicBool::new(false),
            store,
            report: Mutex::new(Report::default()),
        });
        let committer = Committer { context: context.clone() };
        Ok(Run { context, committer, finished })
    }

    fn scope(&self) -> Scope {
        let mut chosen: BTreeSet<String> = self.chosen.iter().map(|site| site.id.clone()).collect();
        let mut open = HashSet::new();
        for page in &self.pages {
            match self.sites.for_url(page) {
                Some(site) => {
                    chosen.insert(site.id.clone());
                }
                None => open.extend(page.host_str().map(|host| registered(host).to_owned())),
            }
        }
        Scope { sites: self.sites.clone(), chosen, open, period: self.period.clone() }
    }

    fn starting_points(&self, scope: &Scope, due: i64) -> (Vec<NewUrl>, Option<HashSet<UrlKey>>) {
        let start = |url: &Url, kind| NewUrl::new(scope.canonical(url), kind, 0, due);
        let mut links = Vec::new();
        for page in &self.pages {
            let canonical = scope.canonical(page);
            let kind = match scope.kind(&canonical) {
                Ok(kind) if scope.site(canonical.url()).is_some() => kind,
                _ => Kind::Unknown,
            };
            links.push(NewUrl::new(canonical, kind, 0, due));
        }
        // With whole sites beside them, single pages are only more starting points.
        let focus = self.chosen.is_empty().then(|| links.iter().map(|link| link.key).collect());
        for site in &self.chosen {
            links.extend(site.crawl.seeds.iter().map(|url| start(url, Kind::List)));
            links.extend(site.crawl.feeds.iter().map(|url| start(url, Kind::Feed)));
            links.extend(site.crawl.sitemaps.iter().map(|url| start(url, Kind::Sitemap)));
        }
        (links, focus)
    }
}

/// Queues what earlier runs left out for its age and what is within this run's window.
async fn admit_left_out(frontier: &AnyFrontier, run: RunId, scope: &Scope) -> Result<(), CrawlError> {
    let mut admitted = 0;
    for (host, origin) in frontier.left_out_hosts(run).await? {
        let Ok(origin) = Url::parse(&origin) else { continue };
        let (since, until) = scope.window(&origin);
        let ms = |at: Timestamp| at.as_millisecond();
        let window = since.map_or(Millis::MIN, ms)..until.map_or(Millis::MAX, ms);
        admitted += frontier.admit_left_out(host, window, now()).await?;
    }
    if admitted > 0 {
        tracing::info!("{admitted} articles that earlier runs left out for their age are queued");
    }
    Ok(())
}

fn origins(links: &[NewUrl]) -> HashSet<String> {
    links.iter().map(|link| link.url.url().origin().ascii_serialization()).collect()
}

impl Run {
    /// Crawls until nothing is left, the limit is reached or somebody stops it.
    pub async fn go(self) -> Result<Report, CrawlError> {
        let begun = Instant::now();
        let Run { context, committer, finished } = self;
        let committing = tokio::spawn(committer.run(finished));
        let timer = context.settings.max_time.map(|most| {
            let context = context.clone();
            tokio::spawn(async move {
                tokio::time::sleep(most).await;
                context.finish(End::Limit);
            })
        });
        let mut leading = lead(&context).await;
        if leading.is_err() {
            // Nobody renews the leases any more.
            context.stop(End::Interrupted);
        }
        timer.iter().for_each(JoinHandle::abort);
        // Workers end only when all their visits are settled, so nothing is on its way to the committer any more.
        context.closed.cancel();
        let committed = committing.await;
        if leading.is_ok() && !context.broken.load(Ordering::Acquire) {
            leading = held_back(&context).await;
        }
        let over = context.frontier.finish(context.run).await;
        committed??;
        leading?;
        over?;
        let mut report = lock(&context.report).clone();
        report.drift = context.store.drift.report(&|site| context.scope.chosen.contains(site));
        report.starting_points = context.starting_points.clone();
        for (name, counts) in &mut report.sites {
            let site = context.scope.sites.by_id(name).filter(|site| site.crawl.requests.accept_invalid_certs);
            counts.accepts_invalid_certs = site.map(|site| site.file.clone());
        }
        report.took = begun.elapsed();
        report.end = context.end.get().copied().unwrap_or_default();
        Ok(report)
    }
}

/// Leases hosts and lets workers work through them.
async fn lead(context: &Arc<Context>) -> Result<(), CrawlError> {
    let mut workers: JoinSet<(Arc<Host>, Result<(), CrawlError>)> = JoinSet::new();
    let lease = millis(context.store.lease);
    // By both clocks: one stands still while the machine sleeps, and the other may be set back.
    let (every, mut renewed) = (context.store.lease / RENEWALS, (now(), Instant::now()));
    let most = HELD.min(context.store.most_in_flight);
    let mut failure = None;
    loop {
        // Before anything is leased, for a process that stood still may find its own leases over.
        let slept = u128::try_from(now() - renewed.0).is_ok_and(|age| age >= every.as_millis());
        if slept || renewed.1.elapsed() >= every {
            renewed = (now(), Instant::now());
            renew(context, renewed.0 + lease).await?;
        }
        if !context.closing.is_cancelled() {
            let free = most.saturating_sub(u32::try_from(workers.len()).unwrap_or(most));
            if free > 0 {
                let until = now() + lease;
                for lease in context.frontier.lease(context.run, free, now(), until).await? {
                    hold(context, lease, until, &mut workers);
                }
            }
        }
        if workers.is_empty() && !wait_for_host(context).await? {
            break;
        }
        tokio::select! {
            Some(done) = workers.join_next() => {
                let (host, result) = done?;
                let_go(context, &host).await?;
                if let Err(error) = result {
                    context.stop(End::Interrupted);
                    failure.get_or_insert(error);
                }
            }
            () = context.ready.notified() => {}
            () = tokio::time::sleep(every) => {}
            () = context.closing.cancelled(), if !workers.is_empty() && !context.closing.is_cancelled() => {}
        }
    }
    failure.map_or(Ok(()), Err)
}

/// Prolongs the leases of the hosts held. One that was lost is asked nothing more; whether something of it was lost with
/// it, the commit finds out.
async fn renew(context: &Context, until: Millis) -> Result<(), CrawlError> {
    let held: Vec<Arc<Host>> = lock(&context.held).values().cloned().collect();
    let ids: Vec<HostId> = held.iter().map(|host| host.lease.id).collect();
    let lost = context.frontier.renew(context.run, &ids, until).await?;
    for host in held {
        let is_lost = lost.contains(&host.lease.id);
        if is_lost {
            tracing::warn!(host = %host.lease.key, "another worker has it now, for this process stood still");
        }
        host.gate.hold_until(if is_lost { 0 } else { until });
    }
    Ok(())
}

fn hold(
    context: &Arc<Context>,
    lease: LeasedHost,
    until: Millis,
    workers: &mut JoinSet<(Arc<Host>, Result<(), CrawlError>)>,
) {
    let host = Arc::new(Host::new(lease, context));
    host.gate.hold_until(until);
    lock(&context.held).insert(host.lease.id, host.clone());
    let context = context.clone();
    workers.spawn(async move {
        let result = worker::work(context, host.clone()).await;
        (host, result)
    });
}

/// Gives a host back. First out of the table, then the lease: a link committed in between finds one or the other.
async fn let_go(context: &Arc<Context>, host: &Host) -> Result<(), CrawlError> {
    let lease = &host.lease;
    lock(&context.held).remove(&lease.id);
    if context.broken.load(Ordering::Acquire) {
        return Ok(());
    }
    if let Some(most) = context.traps.used_up(lease.id) {
        let why = format!("{AT_REST}the {most} pages of a run are used up; more wait for the next run");
        lock(&context.report).sites.entry(host.name.clone()).or_default().resting.insert(lease.key.to_string(), why);
        return Ok(context.frontier.release(lease, context.began, false, host.gate.asked()).await?);
    }
    // Where pages were given by hand, the state may hold others of the same host that are not for this run.
    let keep = match context.focus {
        None => true,
        Some(_) => {
            let due = context.frontier.next(lease, Cursor::START, now(), context.began, 1000).await?;
            due.iter().any(|task| context.in_focus(&task.key))
        }
    };
    Ok(context.frontier.release(lease, context.began, keep, host.gate.asked()).await?)
}

/// Says which hosts wait for what until when, also those that this run never came to ask.
async fn held_back(context: &Arc<Context>) -> Result<(), CrawlError> {
    let held = context.frontier.held_back(context.run, now(), 1000).await?;
    let mut report = lock(&context.report);
    for host in held {
        let Ok(origin) = Url::parse(&host.origin) else { continue };
        let Some(key) = HostKey::new(&origin) else { continue };
        let name = context.scope.site(&origin).map_or_else(|| key.to_string(), |site| site.id.clone());
        let why = host.why.unwrap_or_else(|| ASKED_TO_WAIT.to_owned());
        let until = Timestamp::from_millisecond(host.until)
            .map_or_else(|_| "later".to_owned(), |at| at.round(jiff::Unit::Second).unwrap_or(at).to_string());
        let pages = host.waiting;
        let site = report.sites.entry(name).or_default();
        let hosts = if why.starts_with(AT_REST) { &mut site.resting } else { &mut site.blocked };
        hosts.insert(key.to_string(), format!("{why}; {pages} pages wait until {until}"));
    }
    Ok(())
}

/// With no host held: waits for one that is held back for a time this run has patience for. False if there is none.
async fn wait_for_host(context: &Arc<Context>) -> Result<bool, CrawlError> {
    if context.closing.is_cancelled() {
        return Ok(false);
    }
    let Some(at) = context.frontier.next_wait(context.run, now()).await? else { return Ok(false) };
    let wait = Duration::from_millis(u64::try_from(at - now()).unwrap_or(0) + 1);
    if wait > context.settings.patience {
        return Ok(false);
    }
    tokio::select! {
        () = tokio::time::sleep(wait.min(LOOK)) => {}
        () = context.closing.cancelled() => {}
    }
    context.ready.notify_one();
    Ok(true)
}
