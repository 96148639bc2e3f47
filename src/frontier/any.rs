//! The frontier that a process works with: one of the back ends, chosen when it is opened.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use super::SketchRow;
use super::admin::{AddressState, HostQueue, Overview, Retry, Waiting};
use super::place::Place;
#[cfg(feature = "postgres")]
use super::postgres::PostgresFrontier;
use super::sqlite::SqliteFrontier;
use super::{
    Batch, Counts, Cursor, Frontier, FrontierError, HeldBack, HostId, LeasedHost, Millis, OutputState, RunId, Task,
    UrlKey,
};
use crate::output::parts::{Closed, Part};

/// One of the back ends.
#[derive(Debug, Clone)]
pub enum AnyFrontier {
    /// A file in the state folder.
    Sqlite(SqliteFrontier),
    /// Shared by many workers.
    #[cfg(feature = "postgres")]
    Postgres(PostgresFrontier),
}

/// Says the same to whichever it is.
macro_rules! each {
    ($self:ident, $frontier:ident => $call:expr) => {
        match $self {
            AnyFrontier::Sqlite($frontier) => $call.await,
            #[cfg(feature = "postgres")]
            AnyFrontier::Postgres($frontier) => $call.await,
        }
    };
}

/// The same where a crawl waits for it: a database that falls silent must not hold it for ever.
macro_rules! soon {
    ($self:ident, $frontier:ident => $call:expr) => {
        match $self {
            AnyFrontier::Sqlite($frontier) => $call.await,
            #[cfg(feature = "postgres")]
            AnyFrontier::Postgres($frontier) => $frontier.soon($call).await,
        }
    };
}

impl AnyFrontier {
    /// Opens the frontier of a worker whose state is in a folder.
    ///
    /// # Errors
    ///
    /// What could not be opened or brought up to date.
    pub async fn open(place: &Place, folder: &Path) -> Result<Self, FrontierError> {
        Self::at(place, folder, || Ok(super::place::identity(folder)?)).await
    }

    /// Opens it for looking and mending; it needs no worker's identity.
    ///
    /// # Errors
    ///
    /// What could not be opened or brought up to date.
    pub async fn look(place: &Place, folder: &Path) -> Result<Self, FrontierError> {
        Self::at(place, folder, || Ok(0)).await
    }

    /// The worker is asked for only where the frontier is shared.
    #[cfg_attr(not(feature = "postgres"), allow(unused_variables))]
    async fn at(
        place: &Place,
        folder: &Path,
        worker: impl FnOnce() -> Result<i64, FrontierError>,
    ) -> Result<Self, FrontierError> {
        #[cfg(feature = "postgres")]
        if let Some(shared) = &place.shared {
            return Ok(Self::Postgres(PostgresFrontier::open(shared, worker()?, place.lease).await?));
        }
        Ok(Self::Sqlite(SqliteFrontier::open(&folder.join("frontier.sqlite")).await?))
    }

    /// Closes it.
    pub async fn close(&self) {
        each!(self, frontier => frontier.close());
    }

    /// Forgets what is remembered of articles for so long only.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn forget_old(&self) -> Result<(), FrontierError> {
        each!(self, frontier => frontier.forget_old())
    }

    /// What waits at every host. Counts the queue: the longer it is, the longer this takes.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn waiting(&self, now: Millis) -> Result<Vec<Waiting>, FrontierError> {
        each!(self, frontier => frontier.waiting(now))
    }

    /// The state in numbers.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn overview(&self, now: Millis) -> Result<Overview, FrontierError> {
        each!(self, frontier => frontier.overview(now))
    }

    /// Hosts by the length of their queue, at most `n`.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn queues(&self, now: Millis, n: u32) -> Result<Vec<HostQueue>, FrontierError> {
        each!(self, frontier => frontier.queues(now, n))
    }

    /// Pages that wait for another try, the soonest first, at most `n`.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn retries(&self, n: u32) -> Result<Vec<Retry>, FrontierError> {
        each!(self, frontier => frontier.retries(n))
    }

    /// Origins of a host name, with and without port.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn origins(&self, name: &str) -> Result<Vec<String>, FrontierError> {
        each!(self, frontier => frontier.origins(name))
    }

    /// What is known of an address.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn address(&self, key: &UrlKey) -> Result<AddressState, FrontierError> {
        each!(self, frontier => frontier.address(key))
    }

    /// Forgets an address, so that the next link to it (or start with it) has it fetched again. Gives the rows
    /// removed.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn forget_url(&self, key: &UrlKey) -> Result<u64, FrontierError> {
        each!(self, frontier => frontier.forget_url(key))
    }

    /// Forgets all of an origin: its queue, what is done, robots.txt, waits. Gives the rows removed.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn forget_host(&self, origin: &str) -> Result<u64, FrontierError> {
        each!(self, frontier => frontier.forget_host(origin))
    }

    /// Lets a host be asked again at once: no wait, no failures, robots.txt to be fetched anew.
    ///
    /// # Errors
    ///
    /// A statement that failed.
    pub async fn unblock(&self, origin: &str) -> Result<u64, FrontierError> {
        each!(self, frontier => frontier.unblock(origin))
    }
}

impl Frontier for AnyFrontier {
    async fn lease(&self, run: RunId, n: u32, now: Millis, deadline: Millis) -> Result<Vec<LeasedHost>, FrontierError> {
        soon!(self, frontier => frontier.lease(run, n, now, deadline))
    }

    async fn next(
        &self,
        host: &LeasedHost,
        after: Cursor,
        now: Millis,
        run_start: Millis,
        n: u32,
    ) -> Result<Vec<Task>, FrontierError> {
        soon!(self, frontier => frontier.next(host, after, now, run_start, n))
    }

    async fn next_wait(&self, run: RunId, now: Millis) -> Result<Option<Millis>, FrontierError> {
        soon!(self, frontier => frontier.next_wait(run, now))
    }

    async fn next_retry(&self, host: HostId) -> Result<Option<Millis>, FrontierError> {
        soon!(self, frontier => frontier.next_retry(host))
    }

    async fn renew(&self, run: RunId, hosts: &[HostId], deadline: Millis) -> Result<Vec<HostId>, FrontierError> {
        soon!(self, frontier => frontier.renew(run, hosts, deadline))
    }

    async fn release(
        &self,
        host: &LeasedHost,
        run_start: Millis,
        keep: bool,
        asked: Millis,
    ) -> Result<(), FrontierError> {
        soon!(self, frontier => frontier.release(host, run_start, keep, asked))
    }

    async fn commit(&self, batch: &Batch) -> Result<(), FrontierError> {
        soon!(self, frontier => frontier.commit(batch))
    }

    async fn known(&self, keys: &[UrlKey]) -> Result<Vec<bool>, FrontierError> {
        soon!(self, frontier => frontier.known(keys))
    }

    async fn texts(&self, hashes: &[i64]) -> Result<HashMap<i64, String>, FrontierError> {
        soon!(self, frontier => frontier.texts(hashes))
    }

    async fn wake(&self, run: RunId, now: Millis) -> Result<(), FrontierError> {
        soon!(self, frontier => frontier.wake(run, now))
    }

    async fn recheck(
        &self,
        run: RunId,
        since: Millis,
        now: Millis,
        keys: Option<&[UrlKey]>,
        is_spread: bool,
    ) -> Result<u64, FrontierError> {
        soon!(self, frontier => frontier.recheck(run, since, now, keys, is_spread))
    }

    async fn recover(&self) -> Result<(), FrontierError> {
        soon!(self, frontier => frontier.recover())
    }

    async fn select(
        &self,
        run: RunId,
        began: Millis,
        belongs: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<(), FrontierError> {
        soon!(self, frontier => frontier.select(run, began, belongs))
    }

    async fn left_out_hosts(&self, run: RunId) -> Result<Vec<(HostId, String)>, FrontierError> {
        soon!(self, frontier => frontier.left_out_hosts(run))
    }

    async fn admit_left_out(&self, host: HostId, window: Range<Millis>, now: Millis) -> Result<u64, FrontierError> {
        soon!(self, frontier => frontier.admit_left_out(host, window, now))
    }

    async fn revisitable(&self, run: RunId, now: Millis, n: u32) -> Result<Vec<UrlKey>, FrontierError> {
        soon!(self, frontier => frontier.revisitable(run, now, n))
    }

    async fn known_lists(&self, run: RunId) -> Result<Vec<(UrlKey, String)>, FrontierError> {
        soon!(self, frontier => frontier.known_lists(run))
    }

    async fn finish(&self, run: RunId) -> Result<(), FrontierError> {
        soon!(self, frontier => frontier.finish(run))
    }

    async fn settle(&self) -> Result<(), FrontierError> {
        soon!(self, frontier => frontier.settle())
    }

    async fn sketches(&self) -> Result<Vec<SketchRow>, FrontierError> {
        soon!(self, frontier => frontier.sketches())
    }

    async fn budgets(&self) -> Result<HashMap<String, (String, u64)>, FrontierError> {
        soon!(self, frontier => frontier.budgets())
    }

    async fn spent_elsewhere(&self) -> Result<Vec<(String, String, u64)>, FrontierError> {
        soon!(self, frontier => frontier.spent_elsewhere())
    }

    async fn output(&self, path: &str) -> Result<Option<OutputState>, FrontierError> {
        soon!(self, frontier => frontier.output(path))
    }

    async fn parts(&self, path: &str) -> Result<Vec<Part>, FrontierError> {
        soon!(self, frontier => frontier.parts(path))
    }

    async fn begin_part(&self, part: &Part) -> Result<(), FrontierError> {
        soon!(self, frontier => frontier.begin_part(part))
    }

    async fn finish_part(&self, part: &Part, closed: &Closed) -> Result<(), FrontierError> {
        soon!(self, frontier => frontier.finish_part(part, closed))
    }

    async fn counts(&self) -> Result<Counts, FrontierError> {
        soon!(self, frontier => frontier.counts())
    }

    async fn held_back(&self, run: RunId, now: Millis, n: u32) -> Result<Vec<HeldBack>, FrontierError> {
        soon!(self, frontier => frontier.held_back(run, now, n))
    }
}
