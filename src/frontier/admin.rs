//! What people see of the state: behind `jingwen state` and the daemon's page.

use serde::Serialize;

use super::{HeldBack, Millis};

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
}

/// A host, and what waits there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its queue, and until when it is left alone (0: not at all).
    pub held: HeldBack,
    /// Its robots.txt cannot be had.
    pub without_robots: bool,
}
