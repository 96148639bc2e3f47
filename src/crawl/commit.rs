//! Group commit: append the records, sync them, then one transaction for pages, links and output lengths.
//!
//! One task writes. It takes what visits hand over until 50 ms have passed or 256 are there (or nobody is about to add
//! anything), so durability costs one sync for many pages.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;

use super::context::{Context, Host};
use super::discover::Why;
use super::report::{End, SiteReport};
use super::run::CrawlError;
use super::sketch::{Nearby, Sketch};
use super::store::{Brief, Committed, Outputs};
use crate::drift::Observation;
use crate::frontier::{
    Batch, Ending, Fate, Frontier, HostUpdate, Kind, LeftOut, NewUrl, Recent, SketchRow, Task, UrlKey, now,
};
use crate::lock::lock;
use crate::output::fault;
use crate::record::{Reason, Rejected};

/// Longest that a finished visit waits for company.
const WAIT: Duration = Duration::from_millis(50);
/// Most visits in one commit.
const MOST: usize = 256;
/// Most bytes of records in one commit.
const MOST_BYTES: usize = 8 << 20;

/// A page so many links away from a seed whose text was written before is not followed further: chains of such pages have no
/// end, and what is new stands on lists.
const SAME_TEXT_DEPTH: u32 = 4;

/// What a visit wrote.
#[derive(Debug, Default)]
pub enum Line {
    /// Nothing.
    #[default]
    None,
    /// A record.
    Article {
        /// As JSON, with its line end.
        line: Vec<u8>,
        /// Hash of its text.
        text: i64,
        /// Sketch of its text, for finding others that are nearly the same.
        sketch: Option<Sketch>,
        /// Its `id`.
        id: String,
    },
    /// A rejection.
    Rejected(Box<Rejected>),
}

/// A visit that is over.
pub struct Finished {
    /// Where.
    pub host: Arc<Host>,
    /// Which address; none for robots.txt.
    pub visit: Option<(UrlKey, Fate)>,
    /// What to write.
    pub line: Line,
    /// Links found.
    pub links: Vec<NewUrl>,
    /// Where it was redirected to.
    pub redirect: Option<(Task, NewUrl)>,
    /// The article, for finding corrections later.
    pub recent: Option<Recent>,
    /// An article that is none any more.
    pub gone: Option<UrlKey>,
    /// Further addresses that are done with it.
    pub seen: Vec<UrlKey>,
    /// Why addresses gave no article.
    pub endings: Vec<(UrlKey, Ending)>,
    /// Rejected before, and written now.
    pub recovered: Vec<UrlKey>,
    /// Links to rejected addresses that are looked at again.
    pub revisits: Vec<NewUrl>,
    /// Pages that were visited and are asked for once more in this run.
    pub again: Vec<NewUrl>,
    /// Articles that this run's `since` leaves out.
    pub left_out: Vec<LeftOut>,
    /// Links from a seed to the page.
    pub depth: u32,
    /// What is now known about the host, oldest first.
    pub updates: Vec<HostUpdate>,
    /// Counts for the report.
    pub counts: SiteReport,
    /// The article in short, where somebody watches.
    pub brief: Option<Box<Brief>>,
    /// What the page says about its site's selector file.
    pub look: Option<Box<Observation>>,
    /// The claim on one of the articles wanted.
    pub claim: Option<OwnedSemaphorePermit>,
}

impl Finished {
    /// Nothing yet.
    pub fn new(host: Arc<Host>) -> Self {
        Self {
            host,
            visit: None,
            line: Line::None,
            links: Vec::new(),
            redirect: None,
            recent: None,
            gone: None,
            seen: Vec::new(),
            endings: Vec::new(),
            recovered: Vec::new(),
            revisits: Vec::new(),
            again: Vec::new(),
            left_out: Vec::new(),
            depth: 0,
            updates: Vec::new(),
            counts: SiteReport::default(),
            brief: None,
            look: None,
            claim: None,
        }
    }

    /// Writes a rejection and counts it. `requested`: the address first asked for, where redirects led to this one.
    pub fn reject(&mut self, url: &url::Url, requested: Option<&str>, reason: Reason, detail: impl Into<String>) {
        *self.counts.rejected.entry(reason).or_default() += 1;
        self.line = Line::Rejected(Box::new(Rejected {
            url: url.to_string(),
            requested: requested.map(str::to_owned),
            reason,
            detail: detail.into(),
            site: self.host.site.as_ref().map(|site| site.id.clone()),
            fetched_at: Some(now_text()),
        }));
    }

    fn bytes(&self) -> usize {
        match &self.line {
            Line::Article { line, .. } => line.len(),
            _ => 256,
        }
    }
}

/// The present time as records have it.
pub fn now_text() -> String {
    let now = jiff::Timestamp::now();
    // Whole seconds are enough and read better.
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

/// How an address ended that redirects led away from.
fn ending(task: &Task, detail: &str) -> Ending {
    let (reason, detail) = (Reason::Redirect.as_str().to_owned(), detail.to_owned());
    Ending { at: now(), reason, detail, revisits: task.revisits, revisit_at: None }
}

/// Writes and commits.
pub struct Committer {
    /// The run.
    pub context: Arc<Context>,
}

impl Committer {
    /// Runs until the context is closed. On an error the run is stopped and what was not committed is taken back.
    pub async fn run(self, mut finished: mpsc::Receiver<Finished>) -> Result<(), CrawlError> {
        let mut written = 0;
        let mut group = Vec::new();
        while let Some(first) = self.first(&mut finished).await {
            self.gather(first, &mut group, &mut finished).await;
            if let Err(error) = self.commit(&mut group).await {
                self.context.broken.store(true, Ordering::Release);
                self.context.stop(End::Interrupted);
                for done in group.drain(..) {
                    done.host.settled();
                }
                while let Some(done) = self.first(&mut finished).await {
                    done.host.settled();
                }
                return Err(error);
            }
            written += self.announce(&mut group);
            if let Err(error) = self.context.store.drift.save_if_due().await {
                tracing::warn!("{error}");
            }
            if self.context.settings.limit.is_some_and(|limit| written >= limit) {
                self.context.stop(End::Limit);
            }
        }
        Ok(())
    }

    /// The next visit; `None` when there will be no more.
    async fn first(&self, finished: &mut mpsc::Receiver<Finished>) -> Option<Finished> {
        tokio::select! {
            first = finished.recv() => first,
            () = self.context.closed.cancelled() => None,
        }
    }

    async fn gather(&self, first: Finished, group: &mut Vec<Finished>, finished: &mut mpsc::Receiver<Finished>) {
        let until = Instant::now() + WAIT;
        let mut bytes = first.bytes();
        group.push(first);
        while group.len() < MOST && bytes < MOST_BYTES {
            let next = match finished.try_recv() {
                Ok(next) => next,
                Err(_) if self.context.active.load(Ordering::Acquire) == 0 => break,
                Err(_) => match tokio::time::timeout_at(until, finished.recv()).await {
                    Ok(Some(next)) => next,
                    _ => break,
                },
            };
            bytes += next.bytes();
            group.push(next);
        }
    }

    async fn commit(&self, group: &mut [Finished]) -> Result<(), CrawlError> {
        // Held to the end, so that of two runs with the same text the second one sees the first.
        let mut outputs = self.context.store.outputs.lock().await;
        outputs.settle(&self.context.frontier).await?;
        let written = self.write(group, &mut outputs).await;
        if let Err(error) = written {
            // What was noted of texts that are not written after all goes as well, before anything else is written.
            outputs.doubtful = true;
            // What was appended may count, where it is not known what was committed; then it stays until that is known.
            if !matches!(&error, CrawlError::Frontier(error) if error.is_doubtful()) {
                outputs.articles.lines.roll_back();
                outputs.rejected.lines.roll_back();
            }
            return Err(error);
        }
        // What is wrong with a part now must not take the commit back.
        outputs.articles.lines.committed();
        outputs.rejected.lines.committed();
        let cut = async {
            outputs.articles.committed().await?;
            outputs.rejected.committed().await
        };
        let cut = cut.await;
        // A part may be noted and not cut off.
        outputs.doubtful = cut.is_err();
        Ok(cut?)
    }

    async fn write(&self, group: &mut [Finished], outputs: &mut Outputs) -> Result<(), CrawlError> {
        self.settle_redirects(group).await?;
        let sketches = self.settle_duplicates(group, &mut outputs.nearby).await?;
        let mut batch = Batch { run: self.context.run, sketches, ..Batch::default() };
        let lines = group.iter().map(|done| if let Line::Article { line, .. } = &done.line { line.len() } else { 0 });
        let (mut articles, mut rejected) = (Vec::with_capacity(lines.sum()), Vec::new());
        for done in group.iter_mut() {
            match &mut done.line {
                Line::None => {}
                Line::Article { line, text, id, .. } => {
                    articles.append(line);
                    batch.texts.push((*text, std::mem::take(id)));
                }
                Line::Rejected(line) => {
                    // A struct of strings always serialises.
                    serde_json::to_writer(&mut rejected, line).unwrap_or_default();
                    rejected.push(b'\n');
                }
            }
            batch.visits.extend(done.visit.take());
            batch.seen.append(&mut done.seen);
            batch.recent.extend(done.recent.take());
            batch.gone.extend(done.gone.take());
            batch.endings.append(&mut done.endings);
            batch.recovered.append(&mut done.recovered);
            batch.left_out.append(&mut done.left_out);
            batch.links.append(&mut done.links);
            batch.revisits.append(&mut done.revisits);
            batch.again.append(&mut done.again);
            let id = done.host.lease.id;
            batch.hosts.extend(done.updates.drain(..).map(|update| (id, update)));
        }
        // The disk may be slow; other tasks move to another thread meanwhile.
        tokio::task::block_in_place(|| {
            outputs.articles.lines.append(&articles)?;
            outputs.rejected.lines.append(&rejected)
        })?;
        batch.budgets = self.context.store.budgets.used();
        batch.outputs = [(&articles, &outputs.articles), (&rejected, &outputs.rejected)]
            .into_iter()
            .filter(|(bytes, file)| !bytes.is_empty() && file.lines.is_file())
            .map(|(_, file)| file.lines.state())
            .collect();
        fault("commit");
        self.context.frontier.commit(&batch).await?;
        fault("committed");
        if !batch.budgets.is_empty() {
            self.context.store.budgets.note(self.context.frontier.spent_elsewhere().await?);
        }
        self.wake(&batch);
        Ok(())
    }

    /// A redirect to an address that is known already leads nowhere new: a loop, or a second address of a page.
    async fn settle_redirects(&self, group: &mut [Finished]) -> Result<(), CrawlError> {
        let mut taken = HashSet::new();
        for done in group.iter_mut() {
            let Some((task, target)) = done.redirect.take() else { continue };
            let known = !taken.insert(target.key) || self.context.frontier.known(&[target.key]).await? == [true];
            let (reason, requested) = (Reason::Redirect, task.requested.as_deref());
            match (known, task.kind.recurs()) {
                (true, false) => {
                    let detail = format!("leads to {}, which is known already", target.url);
                    done.endings.push((task.key, ending(&task, &detail)));
                    done.reject(&task.url, requested, reason, detail);
                }
                (true, true) => {
                    done.counts.redirected += 1;
                    let name = task.requested.unwrap_or_else(|| task.url.to_string());
                    done.counts.redirected_lists.insert(name, target.url.to_string());
                }
                (false, recurs) => {
                    done.counts.redirected += 1;
                    if !recurs {
                        done.endings.push((task.key, ending(&task, &format!("leads to {}", target.url))));
                    }
                    done.links.push(target);
                }
            }
        }
        Ok(())
    }

    /// A text that was written before, or nearly, is written again, under its own address, and says whose it is. Gives the
    /// sketches of new ones.
    async fn settle_duplicates(
        &self,
        group: &mut [Finished],
        nearby: &mut Nearby,
    ) -> Result<Vec<SketchRow>, CrawlError> {
        let text_of = |done: &Finished| match &done.line {
            Line::Article { text, .. } => Some(*text),
            _ => None,
        };
        let texts: Vec<i64> = group.iter().filter_map(text_of).collect();
        let mut sketches = Vec::new();
        if texts.is_empty() {
            return Ok(sketches);
        }
        let mut first = self.context.frontier.texts(&texts).await?;
        for done in group.iter_mut() {
            let Line::Article { line, text, id, sketch } = &mut done.line else { continue };
            let depth = done.depth;
            let known = match first.get(text) {
                // The same page again.
                Some(known) if known == id => continue,
                Some(known) => {
                    done.counts.duplicates += 1;
                    known.clone()
                }
                None => {
                    first.insert(*text, id.clone());
                    let Some(sketch) = sketch.take() else { continue };
                    // A corrected article is like its own earlier text.
                    match nearby.find(&sketch).filter(|known| known != id) {
                        Some(known) => {
                            done.counts.near_duplicates += 1;
                            known
                        }
                        None => {
                            // Only the first of them is remembered.
                            sketches.push(nearby.add(sketch, id));
                            continue;
                        }
                    }
                }
            };
            if depth >= SAME_TEXT_DEPTH {
                let left = done.links.extract_if(.., |link| !link.kind.recurs()).count();
                *done.counts.left.entry(Why::SameText.as_str()).or_default() += left as u64;
            }
            // Every record is an object, and ends with `}` and the line end; ids are hexadecimal digits.
            line.truncate(line.len().saturating_sub(2));
            line.extend_from_slice(format!(",\"duplicate_of\":\"{known}\"}}\n").as_bytes());
        }
        Ok(sketches)
    }

    fn wake(&self, batch: &Batch) {
        let hosts: HashSet<_> =
            batch.links.iter().chain(&batch.revisits).chain(&batch.again).map(|link| link.key.host).collect();
        if hosts.is_empty() {
            return;
        }
        let held = lock(&self.context.held);
        for id in hosts {
            match held.get(&id) {
                Some(host) => host.wake.notify_one(),
                None => self.context.ready.notify_one(),
            }
        }
    }

    /// Counts what is now durable, and lets hosts go on. Gives the number of articles.
    fn announce(&self, group: &mut Vec<Finished>) -> u64 {
        let mut articles = 0;
        let mut report = lock(&self.context.report);
        for mut done in group.drain(..) {
            report.add(&done.host.name, &done.counts);
            articles += done.counts.articles;
            let store = &self.context.store;
            let changes = done.look.take().map(|look| store.drift.observe(*look)).unwrap_or_default();
            for warning in &changes {
                tracing::warn!("drift: {warning}");
            }
            if let Some(observer) = &store.observer {
                let rejected = match &done.line {
                    Line::Rejected(rejected) => Some(&**rejected),
                    _ => None,
                };
                let (site, counts, article) = (done.host.name.as_str(), &done.counts, done.brief.as_deref());
                observer.committed(Committed { site, counts, article, rejected });
                changes.iter().for_each(|warning| observer.drifted(warning));
            }
            if done.counts.articles > 0
                && let Some(claim) = done.claim.take()
            {
                claim.forget();
            }
            done.host.settled();
        }
        articles
    }
}

/// True for pages whose visit can give an article.
pub fn may_be_article(kind: Kind) -> bool {
    matches!(kind, Kind::Article | Kind::Unknown | Kind::Recheck)
}
