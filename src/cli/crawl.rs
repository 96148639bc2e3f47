//! `jingwen crawl`.

use super::Outcome;

/// Crawl sites or single addresses once, politely, and leave clean JSONL.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    pub fn run(self) -> Outcome {
        Ok(super::exit::DONE)
    }
}
