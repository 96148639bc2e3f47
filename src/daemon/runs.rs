//! Has sites crawled: one task for each run, and the loop that starts them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::book::{Action, Outcome};
use super::history::PastRun;
use super::{Daemon, Mode};
use crate::crawl::report::{End, Report, SiteReport};
use crate::crawl::run::{ASKED_TO_WAIT, CrawlError};
use crate::drift::Warning;
use crate::lock::lock;

/// How often the leading loop comes round at least.
const PULSE: Duration = Duration::from_secs(10);

impl Daemon {
    /// Starts what is due until it is asked to stop, or, once, until that has ended.
    pub(super) async fn lead(self: Arc<Self>, mode: Mode) {
        loop {
            *lock(&self.pulse) = Instant::now();
            if self.closing.is_cancelled() {
                return;
            }
            let now = Timestamp::now();
            let actions = lock(&self.book).tick(now);
            if !actions.is_empty() {
                self.remember();
            }
            for action in actions {
                match action {
                    Action::Start { site, resumed } => {
                        tracing::info!(site, resumed = resumed.is_some(), "a run begins");
                        self.tasks.spawn(self.clone().have_crawled(site, resumed, now));
                    }
                    Action::Missed { site, times } => self.tell_missed(&site, times, false).await,
                    Action::Overlapped { site } => self.tell_missed(&site, 1, true).await,
                }
            }
            let (next, idle) = {
                let book = lock(&self.book);
                (book.wake_at(), !book.sites().values().any(super::book::Entry::runs))
            };
            if mode.once && idle {
                return;
            }
            let wait = next.map_or(PULSE, |at| at.duration_since(Timestamp::now()).unsigned_abs()).min(PULSE);
            let wait = if next.is_some_and(|at| at <= Timestamp::now()) { Duration::from_millis(10) } else { wait };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.wake.notified() => {}
                () = self.closing.cancelled() => return,
            }
        }
    }

    /// A site's run, from its beginning to its end, over as many sets of files as there come meanwhile.
    async fn have_crawled(self: Arc<Self>, site: String, resumed: Option<Timestamp>, now: Timestamp) {
        let begun = resumed.unwrap_or(now);
        let mut goes_on = resumed.is_some();
        let mut counts = SiteReport::default();
        let (mut drift, mut starting_points) = (None, Arc::default());
        let (outcome, detail) = loop {
            match self.one(&site, begun, goes_on).await {
                Ok(None) => break (Outcome::Done, "it is no longer configured".to_owned()),
                Ok(Some(mut report)) => {
                    for part in report.sites.values() {
                        counts.add(part);
                    }
                    drift = report.drift.remove(&site).or(drift);
                    starting_points = report.starting_points.clone();
                    match report.end {
                        End::Reloaded => goes_on = true,
                        End::Interrupted => break (Outcome::Interrupted, String::new()),
                        End::Done | End::Limit => break verdict(&report),
                    }
                }
                Err(error) => break (Outcome::Failed, error.to_string()),
            }
        };
        let ended = Timestamp::now();
        lock(&self.book).ended(&site, outcome, ended);
        self.remember();
        let run = PastRun {
            site: site.clone(),
            begun,
            ended,
            outcome: outcome.as_str().to_owned(),
            articles: counts.articles,
            fetched: counts.fetched,
            rejected: counts.rejected.values().sum(),
            detail,
        };
        let (articles, fetched, detail) = (run.articles, run.fetched, run.detail.as_str());
        tracing::info!(site, outcome = outcome.as_str(), articles, fetched, detail, "a run ended");
        self.note_end(&site, outcome, drift);
        if outcome != Outcome::Interrupted {
            self.tell_run(&run, &counts).await;
            if !starting_points.is_empty() {
                let changes = self.model.settle_run(&site, counts, &starting_points);
                self.report_lists(&site, changes).await;
            }
            self.model.run_ended(run);
        }
        self.wake.notify_one();
        self.look.notify_one();
    }

    /// One set of files' share of a run; none if the site is not crawled any more.
    async fn one(&self, site: &str, begun: Timestamp, goes_on: bool) -> Result<Option<Report>, CrawlError> {
        let live = self.live();
        let Some(rules) = live.site(site) else { return Ok(None) };
        let mut plan = live.setup.plan(vec![rules.clone()], Vec::new());
        plan.resumed = goes_on.then(|| begun.as_millisecond());
        let run = plan.prepare(self.store.clone()).await?;
        lock(&self.running).insert(site.to_owned(), run.context.clone());
        // What changed or was asked between the reading of the files and now.
        if self.closing.is_cancelled() {
            run.context.finish(End::Interrupted);
        } else if self.live().changes(&live, site) {
            run.context.finish(End::Reloaded);
        }
        let result = run.go().await;
        lock(&self.running).remove(site);
        result.map(Some)
    }

    fn note_end(&self, site: &str, outcome: Outcome, drift: Option<Vec<Warning>>) {
        let live = self.live();
        let open = live.site(site).map(|rules| self.store.drift.open_of(site, &rules.hash));
        self.model.change(site, |stat| {
            *stat.runs.entry(outcome).or_default() += 1;
            if let Some(open) = open.or(drift) {
                stat.drift = open;
            }
        });
    }
}

/// What a run that came to its end came to.
fn verdict(report: &Report) -> (Outcome, String) {
    let wrong = |site: &SiteReport| {
        let mut said: Vec<String> = refused(site).map(|(host, why)| format!("{host}: {why}")).collect();
        said.extend(site.why_nothing_found());
        said
    };
    let said: BTreeMap<&String, Vec<String>> =
        report.sites.iter().map(|(id, site)| (id, wrong(site))).filter(|(_, said)| !said.is_empty()).collect();
    match said.is_empty() {
        true => (Outcome::Done, String::new()),
        false => (Outcome::Failed, said.into_values().flatten().collect::<Vec<_>>().join("; ")),
    }
}

/// Hosts that are left alone because something is wrong, and not because they asked for a wait.
pub(super) fn refused(site: &SiteReport) -> impl Iterator<Item = (&String, &String)> {
    site.blocked.iter().filter(|(_, why)| !why.starts_with(ASKED_TO_WAIT))
}
