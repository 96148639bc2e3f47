//! 净文: a polite crawler and cleaner for Chinese news that writes clean JSONL.

pub mod clean;
pub mod cli;
pub mod config;
pub mod crawl;
pub mod daemon;
pub mod diagnostics;
pub mod diff;
pub mod drift;
pub mod frontier;
pub mod inspect;
pub mod learn;
// A fuzzer has an allocator of its own.
#[cfg(not(fuzzing))]
pub mod memory;
pub mod notify;
pub mod output;
pub mod pattern;
pub mod record;
pub mod retry;
pub mod schedule;
pub mod schema;
pub mod sites;
mod sqlite;
pub mod units;
pub mod urls;
