//! 净文: a polite crawler and cleaner for Chinese news that writes clean JSONL.

pub use jingwen_core::{clean, pattern, record, schedule, sites, text, units, urls};

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
mod lock;
// A fuzzer has an allocator of its own.
#[cfg(not(fuzzing))]
pub mod memory;
pub mod notify;
pub mod output;
pub mod retry;
pub mod schema;
mod sqlite;
pub mod testing;
