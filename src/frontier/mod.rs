//! What to fetch next, and what is done: the crawl's memory, kept outside the process.
//!
//! The trait has two back ends: an embedded one ([`sqlite`]), and one that many workers share (`postgres`, a feature of
//! the build). A worker leases *hosts*, not addresses: a host has one owner at a time, so politeness needs no
//! coordination. A lease ends by itself at its deadline and counts an epoch up.

use std::collections::HashMap;
use std::future::Future;
use std::ops::Range;
use std::time::Duration;

use url::Url;

use crate::output::parts::{Closed, Part};
use crate::retry::History;
use crate::urls::{CanonicalUrl, HostKey, hash64};

mod address;
pub mod admin;
pub mod any;
pub mod place;
#[cfg(feature = "postgres")]
pub mod postgres;
mod rows;
pub mod sqlite;

pub use crate::sites::recheck::REMEMBERED;
pub use crate::units::{Millis, now};

/// What the reason of a hold begins with when the host is only at rest: nothing is wrong with it.
pub const AT_REST: &str = "at rest: ";

/// A sketch of a text, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SketchRow {
    /// Its place in the ring.
    pub slot: i64,
    /// Count of texts.
    pub serial: i64,
    /// `id` of the record.
    pub id: String,
    /// The hashes.
    pub hashes: Vec<u8>,
}

/// A list that no seed, selector file or page has named for so long leaves the queue.
pub const LIST_NAMED: Duration = Duration::from_secs(30 * 86_400);

/// How often it is noted that a list is still named.
const NAMED_EVERY: Duration = Duration::from_secs(86_400);

/// Later than any other time.
pub const NEVER: Millis = i64::MAX;

/// Why the frontier could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrontierError {
    /// The state could not be opened.
    #[error(
        "cannot open the state {path}: {source}; check that the folder can be written, or choose another with --state"
    )]
    Open {
        /// File.
        path: String,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The state was made by a newer version, or is damaged.
    #[error("cannot bring the state {path} up to date: {source}")]
    Migrate {
        /// File.
        path: String,
        /// What the migration said.
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("the state cannot be {doing}: {source}; crawling has stopped, what was committed is safe")]
    Statement {
        /// `read` or `written`.
        doing: &'static str,
        /// What the database said (disk full, read-only, I/O error, connection lost …).
        source: sqlx::Error,
    },
    /// The connection broke while the database was asked to commit, or it fell silent.
    #[error(
        "the connection to the database broke in the middle of a change ({source}), so it is not known whether it was \
         made; crawling has stopped, and the next start finds out: nothing is lost or doubled"
    )]
    Unknown {
        /// What the database said, or the system.
        source: sqlx::Error,
    },
    /// A host that was being crawled has another owner by now.
    #[error(
        "the lease of {origin} was lost to another worker, because this process stood still for longer than a lease \
         lasts ([state] lease); nothing of the last pages was committed, and the next start goes on"
    )]
    Lost {
        /// `scheme://name[:port]`.
        origin: String,
    },
    /// Another process has the identity that this one began with.
    #[error(
        "another process crawls under this worker's identity (STATE/worker), so this one has stopped; was the state \
         folder copied? Give each worker folders of its own, and remove `worker` from a copy"
    )]
    Replaced,
    /// The shared frontier could not be opened.
    #[error("cannot open the frontier {place}: {source}; {help}")]
    Connect {
        /// Its address, without the password.
        place: String,
        /// What the database said, or the system.
        source: sqlx::Error,
        /// What to do.
        help: &'static str,
    },
    /// Where the frontier is cannot be told.
    #[error(transparent)]
    Place(#[from] place::PlaceError),
    /// Clocks that differ would take hosts from each other too early.
    #[error("this machine's clock is {seconds} s off that of {place}; set it (NTP), for waits are kept by it")]
    Clock {
        /// By how much.
        seconds: i64,
        /// The frontier's address, without the password.
        place: String,
    },
    /// A worker is at it.
    #[error("{origin} is being crawled by a worker now; stop the workers, or try again when it is done")]
    Held {
        /// `scheme://name[:port]`.
        origin: String,
    },
}

impl FrontierError {
    /// True where the fault is in how the program was called, and nothing was fetched.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Connect { source, .. } => is_mistake(source),
            Self::Place(_) | Self::Clock { .. } | Self::Held { .. } => true,
            _ => false,
        }
    }

    /// True where a commit may have happened or not.
    pub fn is_doubtful(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

/// True where a database was asked for that is none of the caller's. One that is not there, starting, or full is no mistake:
/// the next start may find it.
fn is_mistake(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    // Who asks (28), for what (3D), and what they may (42).
    code.is_some_and(|code| ["28", "3D", "42"].iter().any(|class| code.starts_with(class)))
        || matches!(error, sqlx::Error::Configuration(_) | sqlx::Error::Tls(_))
}

/// Number of a run within one process, from 1. Several runs can share a frontier: each leases only the hosts it has
/// selected.
pub type RunId = i64;

/// Key of a host: a fixed hash of its origin, so that it never depends on lists that change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId {
    /// 0..255; first in every key, so that a sharded store can place it.
    pub bucket: i64,
    /// 8 bytes of the hash.
    pub host: i64,
}

impl HostId {
    /// Key of an origin, `http://www.sznews.com` or `http://127.0.0.1:8080`.
    pub fn new(origin: &str) -> Self {
        let host = hash64(origin);
        Self { bucket: (host >> 56) & 0xff, host }
    }
}

/// Key of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UrlKey {
    /// Its host.
    pub host: HostId,
    /// Where it stands among its host's: addresses that look alike, with numbers and dates that lie close together, are
    /// neighbours. What one list brings then falls on few pages of the store, and is fetched in its own order.
    pub near: i64,
    /// 8 bytes of the hash of path and query.
    pub id: i64,
}

impl UrlKey {
    /// Key of a canonical address.
    pub fn new(url: &CanonicalUrl) -> Self {
        let path = url.path_and_query();
        Self { host: HostId::new(&url.url().origin().ascii_serialization()), near: near(path), id: hash64(path) }
    }
}

/// Order among the addresses of a host: 24 bits for what stands before the first digit, 40 for the first twelve digits,
/// which mostly are a date and the beginning of a serial number. A fixed rule, as keys must never change.
fn near(path: &str) -> i64 {
    let start = path.find(|c: char| c.is_ascii_digit()).unwrap_or(path.len());
    let digits = path[start..].bytes().filter(u8::is_ascii_digit).take(12);
    let number = digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    // The highest bits of the hash.
    (hash64(&path[..start]) & !((1 << 40) - 1)) | number
}

/// What an address is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i64)]
pub enum Kind {
    /// Fetched once.
    Article = 0,
    /// Visited again and again; gives links.
    List = 1,
    /// RSS or Atom.
    Feed = 2,
    /// Sitemap or index of sitemaps.
    Sitemap = 3,
    /// Given by hand: an article if it has one, else a list.
    Unknown = 4,
    /// An article that was written before and may have been corrected.
    Recheck = 5,
}

impl Kind {
    /// True for pages that are visited again.
    pub fn recurs(self) -> bool {
        matches!(self, Kind::List | Kind::Feed | Kind::Sitemap)
    }

    fn from_i64(value: i64) -> Self {
        match value {
            1 => Kind::List,
            2 => Kind::Feed,
            3 => Kind::Sitemap,
            4 => Kind::Unknown,
            5 => Kind::Recheck,
            _ => Kind::Article,
        }
    }
}

/// A link that may be new.
#[derive(Debug, Clone)]
pub struct NewUrl {
    /// Canonical address.
    pub url: CanonicalUrl,
    /// Key, computed once.
    pub key: UrlKey,
    /// What it is asked for.
    pub kind: Kind,
    /// Links from a seed.
    pub depth: u32,
    /// Redirects that led here.
    pub hops: u32,
    /// Earliest time to fetch it.
    pub due: Millis,
    /// When it last changed, by the sitemap that names it: a sitemap, and an article that is to be checked again, are asked
    /// again only for a later change.
    pub dated: Option<Millis>,
    /// The address that was first asked for, where redirects led here.
    pub requested: Option<String>,
}

impl NewUrl {
    /// A link due at a time.
    pub fn new(url: CanonicalUrl, kind: Kind, depth: u32, due: Millis) -> Self {
        let key = UrlKey::new(&url);
        Self { url, key, kind, depth, hops: 0, due, dated: None, requested: None }
    }
}

/// An address to fetch.
#[derive(Debug, Clone)]
pub struct Task {
    /// Key.
    pub key: UrlKey,
    /// Address.
    pub url: Url,
    /// What it is asked for.
    pub kind: Kind,
    /// Links from a seed.
    pub depth: u32,
    /// Redirects that led here.
    pub hops: u32,
    /// Failures so far.
    pub tries: u32,
    /// When it became due.
    pub due: Millis,
    /// `ETag` of the last visit.
    pub etag: Option<String>,
    /// `Last-Modified` of the last visit.
    pub modified: Option<String>,
    /// Wait before this visit, for pages that are visited again; 0 before the first.
    pub rhythm: Millis,
    /// Hash of the links at the last visit; of an article that is checked again, of its text.
    pub content: Option<i64>,
    /// True for sitemaps whose index says when they changed.
    pub dated: bool,
    /// Its failures since it was queued or last answered.
    pub history: History,
    /// How often it was rejected before and looked at again.
    pub revisits: u32,
    /// The address that was first asked for, where redirects led here.
    pub requested: Option<String>,
    /// When it last answered in full, of pages that are visited again; 0 for never.
    pub full_at: Millis,
}

/// What the last robots.txt request gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredRobots {
    /// No file there: everything is allowed.
    Free,
    /// The file.
    File(Vec<u8>),
    /// It could not be had: stay away.
    Unavailable,
}

/// robots.txt as it was last had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RobotsCopy {
    /// What came.
    pub stored: StoredRobots,
    /// When.
    pub at: Millis,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub modified: Option<String>,
}

/// A host that this worker owns for a while.
#[derive(Debug, Clone)]
pub struct LeasedHost {
    /// Key.
    pub id: HostId,
    /// `scheme://name[:port]`.
    pub origin: Url,
    /// Host and port.
    pub key: HostKey,
    /// Count of leases.
    pub epoch: i64,
    /// Not to be asked before.
    pub not_before: Millis,
    /// When it was last asked; 0 where it never was.
    pub asked: Millis,
    /// Failures in a row.
    pub failures: u32,
    /// Refusals (403 and the like) in a row.
    pub refusals: u32,
    /// robots.txt.
    pub robots: Option<RobotsCopy>,
}

/// What is to be remembered about a host.
#[derive(Debug, Clone, Default)]
pub struct HostUpdate {
    /// Not to be asked before.
    pub not_before: Option<Millis>,
    /// Failures in a row.
    pub failures: Option<u32>,
    /// Refusals in a row.
    pub refusals: Option<u32>,
    /// Why it is left alone; `Some(None)` clears it.
    pub blocked: Option<Option<String>>,
    /// robots.txt.
    pub robots: Option<RobotsCopy>,
}

/// What became of a visited address.
#[derive(Debug, Clone)]
pub enum Fate {
    /// Never again.
    Done,
    /// Again at `due`, with the validators for a conditional request.
    Again {
        /// When.
        due: Millis,
        /// `ETag`.
        etag: Option<String>,
        /// `Last-Modified`.
        modified: Option<String>,
        /// Wait until then, which the next visit makes shorter or longer.
        rhythm: Millis,
        /// Hash of the links.
        content: Option<i64>,
        /// When it last answered in full, and not with "unchanged"; 0 for never.
        full_at: Millis,
        /// Its failures since it last answered; empty if it just did.
        history: History,
    },
    /// Failed; once more at `due`.
    Retry {
        /// When.
        due: Millis,
        /// All its failures.
        history: History,
    },
    /// Not its own fault (its host is held, or the network is down): once more at `due`, and this was no try.
    Postpone {
        /// When.
        due: Millis,
    },
    /// A list that nothing names any more, or that has failed for weeks: taken from the queue, and taken up again by the
    /// next link to it.
    Forget,
}

/// Why an address gave no article, for `jingwen state why`, and when it is looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: Millis,
    /// As in `rejected.jsonl`.
    pub reason: String,
    /// What exactly was seen.
    pub detail: String,
    /// How often it was rejected before.
    pub revisits: u32,
    /// When a link to it has it looked at again; none for never.
    pub revisit_at: Option<Millis>,
}

/// An article that `since` leaves out: a later run with a wider window takes it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Key.
    pub key: UrlKey,
    /// Path and query.
    pub path: String,
    /// What it is asked for.
    pub kind: Kind,
    /// Links from a seed.
    pub depth: u32,
    /// When it was published.
    pub published: Millis,
    /// Only the page itself said so: it was fetched and counts as done.
    pub was_fetched: bool,
}

/// An article that was looked at, for finding corrections later.
#[derive(Debug, Clone)]
pub struct Recent {
    /// Key.
    pub key: UrlKey,
    /// When.
    pub looked: Millis,
    /// Path and query.
    pub path: String,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub modified: Option<String>,
    /// Hash of its text.
    pub text: i64,
}

/// Everything that one transaction commits.
#[derive(Debug, Default)]
pub struct Batch {
    /// The run it is of: hosts of its links take part in it.
    pub run: RunId,
    /// Visited addresses.
    pub visits: Vec<(UrlKey, Fate)>,
    /// Addresses that need no visit of their own (further pages of an article).
    pub seen: Vec<UrlKey>,
    /// Links found.
    pub links: Vec<NewUrl>,
    /// What is now known about hosts.
    pub hosts: Vec<(HostId, HostUpdate)>,
    /// Texts written: their hashes, and the records' ids.
    pub texts: Vec<(i64, String)>,
    /// Sketches of texts written.
    pub sketches: Vec<SketchRow>,
    /// Articles looked at.
    pub recent: Vec<Recent>,
    /// Articles that are none any more.
    pub gone: Vec<UrlKey>,
    /// Addresses that gave no article, and why.
    pub endings: Vec<(UrlKey, Ending)>,
    /// Addresses that were rejected before and have given an article now.
    pub recovered: Vec<UrlKey>,
    /// Links to rejected addresses whose time to be looked at again has come.
    pub revisits: Vec<NewUrl>,
    /// Pages that were visited and are asked for once more in this run.
    pub again: Vec<NewUrl>,
    /// Articles older than the run's `since`.
    pub left_out: Vec<LeftOut>,
    /// Requests of sites on their last day: site, day, requests.
    pub budgets: Vec<(String, String, u64)>,
    /// Lengths of the output files after what was written for these visits.
    pub outputs: Vec<(String, u64)>,
}

/// Position in a host's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// `due` of the last address taken.
    pub due: Millis,
    /// Its place.
    pub near: i64,
    /// Its id.
    pub id: i64,
}

impl Cursor {
    /// Before everything.
    pub const START: Cursor = Cursor { due: i64::MIN, near: i64::MIN, id: i64::MIN };

    /// After an address.
    pub fn after(task: &Task) -> Self {
        Self { due: task.due, near: task.key.near, id: task.key.id }
    }
}

/// A host that may not be asked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// `scheme://name[:port]`.
    pub origin: String,
    /// When it may be asked again.
    pub until: Millis,
    /// Why it is left alone; none where it asked for the wait itself.
    pub why: Option<String>,
    /// Addresses that wait there.
    pub waiting: i64,
}

/// What is committed of an output file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputState {
    /// Its length.
    pub bytes: u64,
    /// When its first record was written; 0 where that is not known.
    pub begun: Millis,
}

/// Numbers for reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Hosts known.
    pub hosts: i64,
    /// Addresses waiting or visited again.
    pub queued: i64,
    /// Addresses done.
    pub seen: i64,
}

fn reading(source: sqlx::Error) -> FrontierError {
    FrontierError::Statement { doing: "read", source }
}

fn writing(source: sqlx::Error) -> FrontierError {
    FrontierError::Statement { doing: "written", source }
}

/// A store of hosts and addresses. Every method is one statement or one transaction; none is held while fetching.
pub trait Frontier: Send + Sync + 'static {
    /// Takes up to `n` hosts of a run that are ready, until `deadline`.
    fn lease(
        &self,
        run: RunId,
        n: u32,
        now: Millis,
        deadline: Millis,
    ) -> impl Future<Output = Result<Vec<LeasedHost>, FrontierError>> + Send;

    /// The next addresses of a leased host that are due, after a cursor. Pages that recur are left out if they were
    /// visited at or after `run_start`.
    fn next(
        &self,
        host: &LeasedHost,
        after: Cursor,
        now: Millis,
        run_start: Millis,
        n: u32,
    ) -> impl Future<Output = Result<Vec<Task>, FrontierError>> + Send;

    /// When the first of a run's hosts that are held back (Retry-After, backoff, block) may be asked again.
    fn next_wait(&self, run: RunId, now: Millis) -> impl Future<Output = Result<Option<Millis>, FrontierError>> + Send;

    /// When the earliest retry of a host is due.
    fn next_retry(&self, host: HostId) -> impl Future<Output = Result<Option<Millis>, FrontierError>> + Send;

    /// Prolongs a run's leases, and says that it is under way. Gives the hosts that have another owner by now.
    fn renew(
        &self,
        run: RunId,
        hosts: &[HostId],
        deadline: Millis,
    ) -> impl Future<Output = Result<Vec<HostId>, FrontierError>> + Send;

    /// Gives a host back, last asked at `asked`; it becomes ready when something of it is due. Recurring pages visited at
    /// or after `run_start` do not count, and without `keep` the host takes no part in this run any more, unless new links
    /// are found.
    fn release(
        &self,
        host: &LeasedHost,
        run_start: Millis,
        keep: bool,
        asked: Millis,
    ) -> impl Future<Output = Result<(), FrontierError>> + Send;

    /// Commits a batch, all or nothing; an error that [is doubtful](FrontierError::is_doubtful) leaves open which.
    fn commit(&self, batch: &Batch) -> impl Future<Output = Result<(), FrontierError>> + Send;

    /// True for those keys that are done or waiting.
    fn known(&self, keys: &[UrlKey]) -> impl Future<Output = Result<Vec<bool>, FrontierError>> + Send;

    /// Ids of the first records with these texts, as far as there are any.
    fn texts(&self, hashes: &[i64]) -> impl Future<Output = Result<HashMap<i64, String>, FrontierError>> + Send;

    /// Makes every recurring page of a run's hosts due, except sitemaps that wait for their index to say so.
    fn wake(&self, run: RunId, now: Millis) -> impl Future<Output = Result<(), FrontierError>> + Send;

    /// Queues the articles of a run's hosts that were first written at or after `since`, or of them only `keys`; where they
    /// are spread, each only when half of its age, and five minutes at least, have passed since it was last looked at. Gives
    /// their number.
    fn recheck(
        &self,
        run: RunId,
        since: Millis,
        now: Millis,
        keys: Option<&[UrlKey]>,
        is_spread: bool,
    ) -> impl Future<Output = Result<u64, FrontierError>> + Send;

    /// Takes back every lease and every selection of a process that has died: nobody knows when it last asked, so its
    /// hosts count as asked just now.
    fn recover(&self) -> impl Future<Output = Result<(), FrontierError>> + Send;

    /// Says which hosts belong to a run that began at a time, by origin. Marks that were made by a clock ahead of this one
    /// are taken back, and lists that nothing has named for [`LIST_NAMED`] are forgotten.
    fn select(
        &self,
        run: RunId,
        began: Millis,
        belongs: &(dyn Fn(&str) -> bool + Sync),
    ) -> impl Future<Output = Result<(), FrontierError>> + Send;

    /// A run's hosts of which earlier runs have left out articles for their age, with their origins.
    fn left_out_hosts(&self, run: RunId) -> impl Future<Output = Result<Vec<(HostId, String)>, FrontierError>> + Send;

    /// Queues what was left out of a host and was published within a window. Gives its number.
    fn admit_left_out(
        &self,
        host: HostId,
        window: Range<Millis>,
        now: Millis,
    ) -> impl Future<Output = Result<u64, FrontierError>> + Send;

    /// Rejected addresses of a run's hosts whose time to be looked at again has come, at most `n`.
    fn revisitable(
        &self,
        run: RunId,
        now: Millis,
        n: u32,
    ) -> impl Future<Output = Result<Vec<UrlKey>, FrontierError>> + Send;

    /// Lists, feeds and sitemaps of a run's hosts, with path and query.
    fn known_lists(&self, run: RunId) -> impl Future<Output = Result<Vec<(UrlKey, String)>, FrontierError>> + Send;

    /// A run is over: what it still held is given back.
    fn finish(&self, run: RunId) -> impl Future<Output = Result<(), FrontierError>> + Send;

    /// Waits until the store has done, or not done, everything that it was asked to: after an error that
    /// [is doubtful](FrontierError::is_doubtful), what is read afterwards is certain.
    fn settle(&self) -> impl Future<Output = Result<(), FrontierError>> + Send;

    /// Sketches of the latest texts.
    fn sketches(&self) -> impl Future<Output = Result<Vec<SketchRow>, FrontierError>> + Send;

    /// Requests of sites on their last day, by site, as batches had them.
    fn budgets(&self) -> impl Future<Output = Result<HashMap<String, (String, u64)>, FrontierError>> + Send;

    /// Requests of sites on a day by other workers: site, day, requests.
    fn spent_elsewhere(&self) -> impl Future<Output = Result<Vec<(String, String, u64)>, FrontierError>> + Send;

    /// What is committed of an output file.
    fn output(&self, path: &str) -> impl Future<Output = Result<Option<OutputState>, FrontierError>> + Send;

    /// Parts cut from an output file, by number.
    fn parts(&self, path: &str) -> impl Future<Output = Result<Vec<Part>, FrontierError>> + Send;

    /// Notes that the file's lines so far are a part, and that the file is empty.
    fn begin_part(&self, part: &Part) -> impl Future<Output = Result<(), FrontierError>> + Send;

    /// Notes that a part is finished.
    fn finish_part(&self, part: &Part, closed: &Closed) -> impl Future<Output = Result<(), FrontierError>> + Send;

    /// Numbers for reports.
    fn counts(&self) -> impl Future<Output = Result<Counts, FrontierError>> + Send;

    /// Hosts of a run that may not be asked now, with the reason; at most `n`, the soonest first.
    fn held_back(
        &self,
        run: RunId,
        now: Millis,
        n: u32,
    ) -> impl Future<Output = Result<Vec<HeldBack>, FrontierError>> + Send;
}
