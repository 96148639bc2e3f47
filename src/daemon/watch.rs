//! Reads files anew when they change; looks after sites between their runs.
//!
//! Files are looked at twice a second instead of being watched by the system: that works on network file systems and
//! with the links by which Kubernetes swaps mounted files, and costs one `stat` for each file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Daemon;
use super::live::Live;
use crate::crawl::report::End;
use crate::diagnostics::render;
use crate::frontier::{Frontier, HeldBack};
use crate::lock::lock;
use crate::urls::registered;

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How often the state forgets what it remembers for a time only.
const TIDY: Duration = Duration::from_secs(6 * 3600);
/// How often sites are looked after.
const ROUND: Duration = Duration::from_secs(20);

/// What waits at the hosts of one site.
#[derive(Default)]
struct Queues {
    waiting: i64,
    retries: i64,
    held_back: Vec<HeldBack>,
    without_robots: i64,
}

impl Daemon {
    /// Reads files anew whenever they have changed, or somebody asks for it.
    pub(super) async fn watch_files(self: Arc<Self>, closing: CancellationToken) {
        let mut files = self.live().files.clone();
        let mut known = looks(&files);
        loop {
            let asked = tokio::select! {
                () = tokio::time::sleep(LOOK) => false,
                () = self.reload_now.notified() => true,
                () = closing.cancelled() => return,
            };
            if looks(&files) == known && !asked {
                continue;
            }
            // Whoever is writing should come to the end.
            tokio::time::sleep(Duration::from_millis(100)).await;
            // Before they are read: what is written meanwhile is seen the next time.
            known = looks(&files);
            self.read_anew().await;
            // A configuration may name another folder.
            let now = self.live().files.clone();
            if now != files {
                known = looks(&now);
                files = now;
            }
        }
    }

    /// Reads the files; takes them over if all of them are right, and else keeps what is in force and says so.
    async fn read_anew(&self) {
        let load = self.load.clone();
        let read = tokio::task::spawn_blocking(move || load().map_err(|report| render(report.as_ref()))).await;
        match read.unwrap_or_else(|panic| Err(format!("reading the files died: {panic}"))) {
            Ok(live) => self.take_over(live).await,
            Err(error) => {
                tracing::error!("the files have changed and cannot be used; what was in force stays\n{error}");
                let news = {
                    let mut reload = lock(&self.reload);
                    let news = reload.error.as_ref() != Some(&error);
                    reload.error = Some(error.clone());
                    reload.failed_at.get_or_insert(Timestamp::now());
                    news
                };
                if news {
                    self.tell_bad_reload(&error).await;
                }
            }
        }
    }

    async fn take_over(&self, live: Live) {
        let before = self.live();
        let restart = live.needs_restart(&before);
        if !restart.is_empty() {
            tracing::warn!("{} changed and is taken over at the next start only", restart.join(", "));
        }
        if let Err(error) = self.notifier.set_hooks(live.config.notify.clone()) {
            tracing::error!("{error}");
        }
        let live = Arc::new(live);
        *self.live.write().unwrap_or_else(std::sync::PoisonError::into_inner) = live.clone();
        {
            let mut book = lock(&self.book);
            let jitter = live.config.daemon.jitter.0;
            book.take_over(live.schedules.clone(), jitter, Timestamp::now(), &|_| None, false);
        }
        for (site, context) in lock(&self.running).iter() {
            if live.changes(&before, site) {
                context.finish(End::Reloaded);
            }
        }
        for site in live.sites() {
            let open = self.store.drift.open_of(&site.id, &site.hash);
            self.model.change(&site.id, |stat| stat.drift = open);
        }
        self.model.retain(&live.schedules.keys().cloned().collect::<BTreeSet<_>>());
        *lock(&self.reload) = super::Reload { since: Timestamp::now(), error: None, failed_at: None };
        self.remember();
        self.wake.notify_one();
        tracing::info!(sites = live.schedules.len(), "the files were read anew and are in force");
        self.tell_reloaded(&restart).await;
    }

    /// Looks after sites between their runs: silence, queues, hosts that are left alone.
    pub(super) async fn watch_sites(self: Arc<Self>, closing: CancellationToken) {
        let mut tidied = Instant::now();
        loop {
            let begun = Instant::now();
            if tidied.elapsed() > TIDY {
                tidied = begun;
                if let Err(error) = self.store.frontier.forget_old().await {
                    tracing::warn!("{error}");
                }
            }
            if let Err(error) = self.look_at_queues().await {
                tracing::warn!("{error}");
            }
            self.listen_for_silence().await;
            // Said by the files themselves, or here where nothing can be written any more.
            if let Err(error) = self.store.outputs.lock().await.notice_changes() {
                tracing::error!("{error}");
            }
            self.report_touched_output().await;
            if let Err(error) = self.tell_of_parts().await {
                tracing::warn!("{error}");
            }
            // Counting takes longer the longer the queue is; it must never take more than a hundredth of the time.
            let pause = (begun.elapsed() * 100).clamp(LOOK, Duration::from_secs(3600));
            let waits = async {
                tokio::time::sleep(pause).await;
                // A run that ends changes what waits; nothing else does it soon.
                let _ = tokio::time::timeout(ROUND, self.look.notified()).await;
            };
            tokio::select! {
                () = waits => {}
                () = closing.cancelled() => return,
            }
        }
    }

    async fn look_at_queues(&self) -> Result<(), crate::frontier::FrontierError> {
        let now = Timestamp::now().as_millisecond();
        let hosts = self.store.frontier.waiting(now).await?;
        let live = self.live();
        let mut found: BTreeMap<String, Queues> = BTreeMap::new();
        for host in hosts {
            let Ok(url) = url::Url::parse(&host.held.origin) else { continue };
            let site = url.host_str().and_then(|name| live.setup.sites().id_for_host(name));
            let Some(site) = site.map(str::to_owned).or_else(|| Some(registered(url.host_str()?).to_owned())) else {
                continue;
            };
            let entry = found.entry(site).or_default();
            entry.waiting += host.held.waiting;
            entry.retries += host.retries;
            entry.without_robots += i64::from(host.without_robots);
            if host.held.until > now {
                entry.held_back.push(host.held);
            }
        }
        for site in live.sites() {
            let queues = found.remove(&site.id).unwrap_or_default();
            self.model.change(&site.id, |stat| {
                stat.queue = queues.waiting;
                stat.retries = queues.retries;
                stat.held_back = queues.held_back;
                stat.robots_unavailable = queues.without_robots;
            });
        }
        Ok(())
    }

    /// Tells of parts that were finished, each once, also those that were finished while nobody could be told.
    pub(super) async fn tell_of_parts(&self) -> Result<(), super::DaemonError> {
        let paths = {
            let outputs = self.store.outputs.lock().await;
            [outputs.articles.lines.state().0, outputs.rejected.lines.state().0]
        };
        for path in paths {
            let told = self.history.part_told(&path).await?.unwrap_or(0);
            for part in self.store.frontier.parts(&path).await? {
                if let Some(closed) = part.closed.filter(|_| part.number > told) {
                    self.tell_part(&closed).await;
                    self.history.tell_part(&path, part.number).await?;
                }
            }
        }
        Ok(())
    }

    async fn listen_for_silence(&self) {
        let now = Timestamp::now();
        for site in self.live().sites() {
            let paused = lock(&self.book).sites().get(&site.id).is_some_and(|entry| entry.memory.paused);
            let change = self.model.change(&site.id, |stat| {
                let silent = !paused && stat.rhythm.is_silent(now);
                let change = silent != stat.silent;
                stat.silent = silent;
                change.then_some((silent, stat.rhythm.expected(now), stat.rhythm.last_article))
            });
            if let Some((silent, expected, last)) = change {
                self.tell_silence(site, silent, expected, last).await;
            }
        }
    }
}

/// What files look like from outside: changed ones look otherwise.
fn looks(files: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in files {
        look(path, &mut hasher);
        if path.is_dir() {
            let mut inside: Vec<PathBuf> =
                fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
            inside.retain(|file| file.extension().is_some_and(|e| e == "toml"));
            inside.sort();
            inside.iter().for_each(|file| look(file, &mut hasher));
        }
    }
    hasher.finish()
}

fn look(path: &Path, hasher: &mut DefaultHasher) {
    use std::os::unix::fs::MetadataExt;
    path.hash(hasher);
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => {}
        Ok(meta) => (meta.len(), meta.mtime(), meta.mtime_nsec(), meta.ino()).hash(hasher),
        Err(error) => error.kind().hash(hasher),
    }
}
