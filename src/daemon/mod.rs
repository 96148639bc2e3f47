//! The daemon: crawls each site on its schedule, for as long as it is left alone.
//!
//! A site's run is what `jingwen crawl SITE` does, in a [`Store`] that all runs share. [`book`] says which site is due;
//! `runs` has it crawled; [`model`] knows at every moment what has come of it, and [`history`] keeps that; `watch`
//! reads changed files; `tell` tells people; `web` shows it all.
//!
//! # Stopping
//!
//! `closing` is cancelled, once. Then no run begins, and each run finishes what is under way ([`Context::finish`]); what
//! is not done when the grace period is over is dropped. A run that did not come to its end is remembered as such and is
//! gone on with at the next start, as it is after a kill.
//!
//! # Reloading
//!
//! Everything that comes from files is one value, [`Live`], made and checked as a whole and then swapped. Runs of sites
//! that it changes are asked to finish what is under way and are gone on with under the new one; so a page is cleaned
//! wholly by what it was started with.

pub mod book;
pub mod history;
pub mod lists;
pub mod live;
mod metrics;
pub mod model;
mod reports;
pub mod rhythm;
mod runs;
mod tell;
mod watch;
mod web;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::book::Book;
use self::history::{History, HistoryError};
use self::live::{Live, Loader};
use self::model::Model;
use crate::crawl::context::Context;
use crate::crawl::report::End;
use crate::crawl::run::CrawlError;
use crate::crawl::setup::rotation;
use crate::crawl::store::Store;
use crate::frontier::FrontierError;
use crate::lock::lock;
use crate::notify::{Notifier, NotifyError};
use crate::{clean, pattern};

/// How often the history is written.
const FLUSH: Duration = Duration::from_secs(1);
/// In which a pattern must have much to do, to be compiled.
const SPAN: Duration = Duration::from_secs(60);

/// Why the daemon cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// State, output or a run.
    #[error(transparent)]
    Crawl(#[from] CrawlError),
    /// The state.
    #[error(transparent)]
    Frontier(#[from] FrontierError),
    /// What it remembers.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Notifications.
    #[error(transparent)]
    Notify(#[from] NotifyError),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}; choose another with --listen or `listen` under [daemon]")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

impl DaemonError {
    /// True where the fault is in how the program was called, and nothing was fetched.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Crawl(error) => error.is_usage(),
            Self::Frontier(error) => error.is_usage(),
            Self::Listen { .. } => true,
            _ => false,
        }
    }
}

/// What the last reload came to.
#[derive(Debug, Clone)]
pub struct Reload {
    /// When the values in force were read.
    pub since: Timestamp,
    /// What is wrong with the files as they are now; none if they are in force.
    pub error: Option<String>,
    /// When that was noticed.
    pub failed_at: Option<Timestamp>,
}

/// The daemon.
pub struct Daemon {
    store: Arc<Store>,
    history: History,
    model: Arc<Model>,
    notifier: Arc<Notifier>,
    live: RwLock<Arc<Live>>,
    load: Loader,
    reload: Mutex<Reload>,
    /// Files have changed, or somebody says so.
    reload_now: Notify,
    book: Mutex<Book>,
    /// The book has something to do.
    wake: Notify,
    /// What waits at hosts may have changed.
    look: Notify,
    /// Runs that go on, by site.
    running: Mutex<BTreeMap<String, Arc<Context>>>,
    tasks: TaskTracker,
    closing: CancellationToken,
    started: Timestamp,
    /// When the leading loop last came round; for the watchdog and `/healthz`.
    pulse: Mutex<Instant>,
    /// Why the history could not be written, if it could not.
    unwritten: Mutex<Option<String>>,
    /// For each output file, how often what other programs did to it was reported to hooks.
    touches_reported: Mutex<BTreeMap<&'static str, u64>>,
}

/// How it is to work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mode {
    /// Run what is due and end.
    pub once: bool,
}

impl Daemon {
    /// Opens state and output.
    ///
    /// # Errors
    ///
    /// What could not be opened.
    pub async fn open(live: Live, load: Loader, mode: Mode) -> Result<Arc<Self>, DaemonError> {
        let config = live.config.clone();
        let (drifted, warnings) = mpsc::unbounded_channel();
        let model = Arc::new(Model::new(drifted));
        let (state, out) = (&config.state, &config.output.dir);
        let store = Store::open(state, out, rotation(&config), config.http.in_flight, Some(model.clone())).await?;
        let history = History::open(&store.state).await?;
        model.fill(history.rhythms().await?, history.lists().await?);
        let memories = history.memories().await?;
        let notifier = Arc::new(Notifier::open(history.pool().clone(), config.notify.clone()).await?);
        let now = Timestamp::now();
        let jitter = if mode.once { Duration::ZERO } else { config.daemon.jitter.0 };
        let mut book = Book::new(jitter);
        book.take_over(live.schedules.clone(), jitter, now, &|id| memories.get(id).cloned(), mode.once);
        for site in live.sites() {
            model.change(&site.id, |stat| stat.drift = store.drift.open_of(&site.id, &site.hash));
        }
        let daemon = Arc::new(Self {
            store: Arc::new(store),
            history,
            model,
            notifier,
            live: RwLock::new(Arc::new(live)),
            load,
            reload: Mutex::new(Reload { since: now, error: None, failed_at: None }),
            reload_now: Notify::new(),
            book: Mutex::new(book),
            wake: Notify::new(),
            look: Notify::new(),
            running: Mutex::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            started: now,
            pulse: Mutex::new(Instant::now()),
            unwritten: Mutex::default(),
            touches_reported: Mutex::default(),
        });
        daemon.remember();
        daemon.tasks.spawn(daemon.clone().tell_of_drift(warnings));
        Ok(daemon)
    }

    /// What comes from files, as it is now.
    fn live(&self) -> Arc<Live> {
        self.live.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Works until it is asked to stop, or, with [`Mode::once`], until what was due is done. `ready` is called when it
    /// listens.
    ///
    /// # Errors
    ///
    /// What could not be listened to, opened or saved.
    pub async fn run(self: Arc<Self>, mode: Mode, ready: impl FnOnce(std::net::SocketAddr)) -> Result<(), DaemonError> {
        let helpers = CancellationToken::new();
        let mut background = tokio::task::JoinSet::new();
        background.spawn(self.notifier.clone().run(helpers.clone()));
        background.spawn(self.clone().keep(helpers.clone()));
        if !mode.once {
            let address = self.live().config.daemon.listen;
            let listen = |source| DaemonError::Listen { address, source };
            let listener = TcpListener::bind(address).await.map_err(listen)?;
            ready(listener.local_addr().map_err(listen)?);
            background.spawn(web::serve(self.clone(), listener, helpers.clone()));
            background.spawn(self.clone().watch_files(helpers.clone()));
            background.spawn(self.clone().watch_sites(helpers.clone()));
            background.spawn(async { clean::warm() });
        }
        self.clone().lead(mode).await;
        self.finish().await;
        if let Err(error) = self.tell_of_parts().await {
            tracing::warn!("{error}");
        }
        self.report_touched_output().await;
        if mode.once {
            self.delivered().await;
        }
        helpers.cancel();
        while background.join_next().await.is_some() {}
        self.remember();
        let flushed = self.model.flush(&self.history).await;
        let closed = self.store.close().await;
        self.history.close().await;
        flushed?;
        Ok(closed?)
    }

    /// Asks it to stop.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Asks it to read its files anew.
    pub fn reload(&self) {
        self.reload_now.notify_one();
    }

    /// True unless the leading loop hangs.
    pub fn is_alive(&self) -> bool {
        lock(&self.pulse).elapsed() < Duration::from_secs(60)
    }

    /// Lets every run finish what is under way, and drops what is not done after the grace period.
    async fn finish(&self) {
        self.closing.cancel();
        for context in lock(&self.running).values() {
            context.finish(End::Interrupted);
        }
        self.tasks.close();
        let grace = self.live().config.daemon.grace.0;
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            tracing::warn!("requests under way took longer than the grace period and are dropped");
            for context in lock(&self.running).values() {
                context.stop(End::Interrupted);
            }
            self.tasks.wait().await;
        }
    }

    /// Waits until notifications are delivered, or for half a minute: those that are not stay in the queue.
    async fn delivered(&self) {
        for _ in 0..300 {
            if !matches!(self.notifier.pending().await, Ok(1..)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Has the book's memory written.
    fn remember(&self) {
        let memories: Vec<_> =
            lock(&self.book).sites().iter().map(|(id, entry)| (id.clone(), entry.memory.clone())).collect();
        self.model.write(|pending| pending.memories.extend(memories));
    }

    /// Writes the history now and then.
    async fn keep(self: Arc<Self>, closing: CancellationToken) {
        let mut tick = tokio::time::interval(FLUSH);
        let mut spans = tokio::time::interval(SPAN);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                _ = spans.tick() => {
                    pattern::begin_span();
                    continue;
                }
                () = closing.cancelled() => return,
            }
            let failed = self.model.flush(&self.history).await.err().map(|error| error.to_string());
            let mut unwritten = lock(&self.unwritten);
            if let Some(error) = failed.as_ref().filter(|_| unwritten.is_none()) {
                tracing::error!("{error}");
            }
            *unwritten = failed;
        }
    }
}
