//! `jingwen explain`.

use super::Outcome;

/// Say what would happen to an address: canonical form, selector file, template, robots.txt.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    pub fn run(self) -> Outcome {
        Ok(super::exit::DONE)
    }
}
