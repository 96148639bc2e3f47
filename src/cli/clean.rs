//! `jingwen clean`.

use super::Outcome;

/// Clean saved pages or flattened text to JSONL on stdout, without any network.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    pub fn run(self) -> Outcome {
        Ok(super::exit::DONE)
    }
}
