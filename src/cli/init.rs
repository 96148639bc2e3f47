//! `jingwen init`.

use super::Outcome;

/// Write a commented jingwen.toml and a selectors folder to start from.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    pub fn run(self) -> Outcome {
        Ok(super::exit::DONE)
    }
}
