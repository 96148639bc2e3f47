//! `jingwen check`.

use super::Outcome;

/// Check selector files and the configuration.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    pub fn run(self) -> Outcome {
        Ok(super::exit::DONE)
    }
}
