//! Progress: one line a site on a terminal, a log line now and then elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

use crate::crawl::context::Context;
use crate::lock::lock;

/// How often lines change.
const TICK: Duration = Duration::from_millis(250);

/// How often the log says how far it is.
const SAY: Duration = Duration::from_secs(15);

/// Progress being shown.
pub struct Progress {
    task: JoinHandle<()>,
}

impl Progress {
    /// Takes the lines away.
    pub fn stop(self) {
        self.task.abort();
    }
}

/// Starts to show progress.
pub fn start(context: Arc<Context>) -> Progress {
    let task = match std::io::stderr().is_terminal() {
        true => tokio::spawn(show(context)),
        false => tokio::spawn(say(context)),
    };
    Progress { task }
}

async fn say(context: Arc<Context>) {
    loop {
        tokio::time::sleep(SAY).await;
        let report = lock(&context.report).clone();
        for (site, counts) in &report.sites {
            let rejected: u64 = counts.rejected.values().sum();
            tracing::info!(site, fetched = counts.fetched, articles = counts.articles, rejected, "crawling");
        }
    }
}

async fn show(context: Arc<Context>) {
    let all = MultiProgress::new();
    let mut lines: BTreeMap<String, ProgressBar> = BTreeMap::new();
    let begun = Instant::now();
    let mut tick = tokio::time::interval(TICK);
    while !context.closed.is_cancelled() {
        tick.tick().await;
        let report = lock(&context.report).clone();
        let mut active: BTreeMap<String, usize> = BTreeMap::new();
        for host in lock(&context.held).values() {
            *active.entry(host.name.clone()).or_default() +=
                host.outstanding.load(std::sync::atomic::Ordering::Relaxed);
        }
        for (name, site) in &report.sites {
            let line = lines.entry(name.clone()).or_insert_with(|| {
                let style = ProgressStyle::with_template("{spinner} {prefix:.bold} {msg}");
                let bar = all.add(ProgressBar::new_spinner());
                bar.set_prefix(name.clone());
                bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
            });
            let rejected: u64 = site.rejected.values().sum();
            let rate = site.fetched as f64 / begun.elapsed().as_secs_f64().max(0.1);
            let under_way = active.get(name).copied().unwrap_or(0);
            line.set_message(format!(
                "{} fetched, {under_way} under way, {} articles, {rejected} rejected, {rate:.1}/s",
                site.fetched, site.articles
            ));
            line.tick();
        }
    }
    let _ = all.clear();
}
