//! What all runs of a process share: the state, the output files, the memory of changes, the threads that clean.
//!
//! A one-shot crawl opens it for one run; the daemon keeps it open and starts a run of each site in it, several at a
//! time. A host takes part in one run at most, and the output files have one writer at a time.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, Semaphore};

use super::address::Addresses;
use super::outage::Network;
use super::pool::Pool;
use super::rest::Budgets;
use super::run::CrawlError;
use super::series::Series;
use super::sketch::Nearby;
use crate::clean::frames::Shared as Frames;
use crate::config::StateConfig;
use crate::drift::{Warning, Watch};
use crate::frontier::any::AnyFrontier;
use crate::frontier::place::Place;
use crate::frontier::{Batch, Frontier, FrontierError, RunId};
use crate::output::lock::StateLock;
use crate::output::parts::Rotation;
use crate::output::{Appender, JsonLines, Nowhere, OutputError, Stdout};
use crate::record::{Record, Rejected};

use super::report::SiteReport;

/// `articles.jsonl` and `rejected.jsonl`.
pub struct Outputs {
    /// Records.
    pub articles: Series<AnyFrontier>,
    /// Pages that gave none.
    pub rejected: Series<AnyFrontier>,
    /// The latest texts.
    pub nearby: Nearby,
    /// These may differ from what the state has of them: the last commit, or the cutting of a part, went wrong.
    pub doubtful: bool,
    /// What another program did to the files, by name.
    pub touched: BTreeMap<&'static str, Touched>,
}

/// What another program did to an output file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// When it was noticed the last time.
    pub at: Timestamp,
    /// What was noticed then.
    pub what: String,
    /// How often anything was noticed.
    pub times: u64,
}

impl Outputs {
    /// Makes certain what counts, as the next start would, and that the files are still those that were written last.
    ///
    /// # Errors
    ///
    /// What went wrong with the files or the state.
    pub async fn settle(&mut self, frontier: &AnyFrontier) -> Result<(), CrawlError> {
        if self.doubtful {
            frontier.settle().await?;
            self.articles.reopen().await?;
            self.rejected.reopen().await?;
            self.nearby = Nearby::new(frontier.sketches().await?);
            self.doubtful = false;
        }
        self.notice_changes()?;
        Ok(())
    }

    /// Notices what others did to the files.
    ///
    /// # Errors
    ///
    /// A file that cannot be written on. The next settling opens it again, in case somebody has mended it.
    pub fn notice_changes(&mut self) -> Result<(), OutputError> {
        if self.doubtful {
            return Ok(());
        }
        for name in ["articles.jsonl", "rejected.jsonl"] {
            let series = if name == "articles.jsonl" { &mut self.articles } else { &mut self.rejected };
            let noticed = series.lines.notice_change();
            let what = match &noticed {
                Ok(None) => continue,
                Ok(Some(what)) => format!("{name} {what} by somebody else"),
                Err(error) => error.to_string(),
            };
            let times = self.touched.get(name).map_or(0, |touched| touched.times) + 1;
            self.touched.insert(name, Touched { at: Timestamp::now(), what, times });
            self.doubtful |= noticed.is_err();
            noticed?;
        }
        Ok(())
    }
}

/// What a page gave, in short: for whoever watches.
#[derive(Debug, Clone, Default)]
pub struct Brief {
    /// `id` of the record.
    pub id: String,
    /// Its address.
    pub url: String,
    /// Headline.
    pub title: String,
    /// As the record has it.
    pub published_at: Option<String>,
    /// Template, or none where the generic extractor found the text.
    pub template: Option<String>,
    /// Characters of the text.
    pub chars: usize,
    /// The page itself, where the observer wanted it.
    pub page: Option<Box<RawCopy>>,
}

impl Brief {
    /// Of a record; without the page.
    pub fn of(record: &Record) -> Self {
        Self {
            id: record.id.clone(),
            url: record.url.clone().unwrap_or_default(),
            title: record.title.clone().unwrap_or_default(),
            published_at: record.published_at.clone(),
            template: record.template.clone(),
            chars: record.text.chars().count(),
            page: None,
        }
    }
}

/// A page as it came.
#[derive(Debug, Clone)]
pub struct RawCopy {
    /// The bytes.
    pub body: Vec<u8>,
    /// `Content-Type`.
    pub content_type: Option<String>,
}

/// A visit that has just been committed.
pub struct Committed<'a> {
    /// Id of the selector file, or host where none covers it.
    pub site: &'a str,
    /// What it adds to the report.
    pub counts: &'a SiteReport,
    /// The article, if it gave one.
    pub article: Option<&'a Brief>,
    /// The rejection, if it gave that.
    pub rejected: Option<&'a Rejected>,
}

/// Told of everything that is committed. Called on the committing task: must be quick.
pub trait Observer: Send + Sync {
    /// True if the next page of a site that gives an article should come with its bytes.
    fn wants_page(&self, _site: &str) -> bool {
        false
    }

    /// A visit is committed.
    fn committed(&self, seen: Committed<'_>);

    /// A change of a site was noticed for the first time.
    fn drifted(&self, warning: &Warning);
}

/// See the module.
pub struct Store {
    /// What to fetch next.
    pub frontier: AnyFrontier,
    /// How long its leases last.
    pub lease: Duration,
    /// The files; whoever commits holds them from the first append to the commit.
    pub outputs: Mutex<Outputs>,
    /// What sites' pages were like.
    pub drift: Watch,
    /// Threads that clean pages.
    pub cleaning: Pool,
    /// What repeats on the pages of hosts without a fitting selector file.
    pub frames: Frames,
    /// What sites with so many requests a day have used, by the site's name in the report.
    pub budgets: Budgets,
    /// Limits that hosts at one address share.
    pub addresses: Addresses,
    /// Whether anything can be reached at all.
    pub network: Network,
    /// Bounds requests under way, over all runs.
    pub in_flight: Arc<Semaphore>,
    /// How many of those there are.
    pub most_in_flight: u32,
    /// Who watches.
    pub observer: Option<Arc<dyn Observer>>,
    /// Folder of the state.
    pub state: PathBuf,
    /// Folder of the output files.
    pub out: PathBuf,
    runs: AtomicI64,
    _lock: StateLock,
}

impl Store {
    /// Opens state and output, and brings what a dead process left in order.
    ///
    /// # Errors
    ///
    /// What went wrong with the state or the output.
    pub async fn open(
        config: &StateConfig,
        out: &Path,
        rotation: Rotation,
        in_flight: u32,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Self, CrawlError> {
        let place = Place::of(config).map_err(FrontierError::from)?;
        let state = folder(&config.dir)?;
        let is_stream = out == Path::new("-");
        let out = if is_stream { state.clone() } else { folder(out)? };
        let lock = StateLock::take(&state)?;
        let frontier = AnyFrontier::open(&place, &state).await?;
        frontier.recover().await?;
        let (articles, rejected) = match is_stream {
            true => {
                let stream = |to: Box<dyn Appender>| Series::stream(frontier.clone(), to);
                (stream(Box::new(Stdout)), stream(Box::new(Nowhere)))
            }
            false => (
                Series::open(frontier.clone(), &out.join("articles.jsonl"), rotation).await?,
                Series::open(frontier.clone(), &out.join("rejected.jsonl"), rotation).await?,
            ),
        };
        // Known before the first append, so that a torn first line is cut off as well.
        let files = [&articles.lines, &rejected.lines];
        let outputs = files.into_iter().filter(|file| file.is_file()).map(JsonLines::state).collect();
        frontier.commit(&Batch { outputs, ..Batch::default() }).await?;
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let most_in_flight = in_flight.max(1);
        let nearby = Nearby::new(frontier.sketches().await?);
        let budgets = Budgets::new(frontier.budgets().await?);
        Ok(Self {
            budgets,
            frontier,
            lease: place.lease,
            outputs: Mutex::new(Outputs { articles, rejected, nearby, doubtful: false, touched: BTreeMap::new() }),
            addresses: Addresses::default(),
            network: Network::default(),
            drift: Watch::open(&state).await?,
            cleaning: Pool::new(processors).map_err(CrawlError::Threads)?,
            frames: Frames::default(),
            in_flight: Arc::new(Semaphore::new(most_in_flight as usize)),
            most_in_flight,
            observer,
            state,
            out,
            runs: AtomicI64::new(0),
            _lock: lock,
        })
    }

    /// A number for the next run.
    pub fn next_run(&self) -> RunId {
        self.runs.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Finishes parts, saves and closes. All runs must have ended.
    ///
    /// # Errors
    ///
    /// What could not be finished or saved; everything is tried first.
    pub async fn close(&self) -> Result<(), CrawlError> {
        let mut outputs = self.outputs.lock().await;
        let articles = outputs.articles.close().await;
        let rejected = outputs.rejected.close().await;
        self.frontier.close().await;
        let saved = self.drift.close().await;
        articles?;
        rejected?;
        Ok(saved?)
    }
}

/// Makes a folder if it is absent; gives its absolute path.
fn folder(path: &Path) -> Result<PathBuf, OutputError> {
    let open = |source| OutputError::Open { path: path.to_owned(), source };
    fs::create_dir_all(path).map_err(open)?;
    path.canonicalize().map_err(open)
}
