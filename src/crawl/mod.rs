//! The crawl: the async shell around the pure core.
//!
//! `store` is what all runs of a process share. `run` leases hosts from the frontier; a `worker` for each takes its addresses in order and starts a `visit` when
//! the `host`'s gate lets it; `commit` writes what visits hand over. Only `host` knows when a request may go.

pub mod address;
mod ask;
mod client;
pub mod commit;
pub mod confidence;
pub mod context;
mod cookies;
pub mod detours;
pub mod discover;
mod failure;
pub mod fetch;
pub mod guard;
pub mod host;
mod inflate;
pub mod lists;
pub mod outage;
mod parts;
pub mod pool;
pub mod report;
pub mod rest;
pub mod rhythm;
pub mod robots;
pub mod run;
pub mod series;
pub mod setup;
pub mod sketch;
pub mod store;
pub mod traps;
mod unpack;
mod validators;
mod visit;
pub mod warc;
mod worker;
