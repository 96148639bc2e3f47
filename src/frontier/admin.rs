//! What people see of the state: behind `jingwen state` and the daemon's page.

use serde::Serialize;

use super::{Ending, HeldBack, Kind, Millis};
use crate::retry::History;

/// The state in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Hosts known.
    pub hosts: i64,
    /// … of which are left alone now.
    pub held_back: i64,
    /// Addresses that wait for their first visit.
    pub queued: i64,
    /// … of which failed before and are tried again.
    pub retries: i64,
    /// Lists, feeds and sitemaps that are visited again and again.
    pub recurring: i64,
    /// Pages that are done.
    pub done: i64,
    /// Bytes of the database.
    pub bytes: i64,
    /// … of which are free.
    pub free: i64,
    /// Output files with their committed length; of many workers, with the worker's name before it.
    pub outputs: Vec<(String, i64)>,
    /// Finished parts.
    pub parts: i64,
}

/// One host's queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostQueue {
    /// `scheme://name[:port]`.
    pub origin: String,
    /// Addresses that wait.
    pub queued: i64,
    /// … of which failed before.
    pub retries: i64,
    /// Pages that are done.
    pub done: i64,
    /// Not to be asked before; 0 if it may be asked.
    pub not_before: Millis,
    /// Failures in a row.
    pub failures: i64,
    /// Why it is left alone.
    pub blocked: Option<String>,
}

/// A page that failed and is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// Address.
    pub url: String,
    /// Failures so far.
    pub tries: i64,
    /// When.
    pub due: Millis,
    /// The last failure.
    pub why: String,
}

/// A host, and what waits there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its queue, and until when it is left alone (0: not at all).
    pub held: HeldBack,
    /// Its robots.txt cannot be had.
    pub without_robots: bool,
    /// Addresses that failed and wait for their next try.
    pub retries: i64,
}

/// An address that waits in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedAddress {
    /// What it is asked for.
    pub kind: Kind,
    /// When.
    pub due: Millis,
    /// Links from a seed.
    pub depth: u32,
    /// Its last visit, of pages that are visited again; 0 for never.
    pub visited: Millis,
    /// Its failures.
    pub history: History,
    /// The address that was first asked for, where redirects led here.
    pub requested: Option<String>,
}

/// What is known of one address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressState {
    /// It waits in the queue.
    pub queued: Option<QueuedAddress>,
    /// It is done: written, rejected, redirected, or part of another page's article.
    pub is_done: bool,
    /// Why it gave no article.
    pub ending: Option<Ending>,
    /// It is older than the `since` of the runs so far: when it was published.
    pub left_out: Option<Millis>,
    /// An article was written, first at this time; known for a month.
    pub written_at: Option<Millis>,
    /// Its host, until when it is held, and why.
    pub host: Option<HeldBack>,
}
