//! `jingwen sites`.

use super::Outcome;

/// List the sites known.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    pub fn run(self) -> Outcome {
        Ok(super::exit::DONE)
    }
}
