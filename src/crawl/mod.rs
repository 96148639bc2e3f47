//! The crawl: the async shell around the pure core.

pub mod fetch;
pub mod guard;
pub mod host;
pub mod robots;
