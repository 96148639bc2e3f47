//! The command line: one file per command.

use std::process::ExitCode;

use clap::{FromArgMatches, Parser, Subcommand};

use crate::diagnostics::bounded;
use crate::sites::{Problem, SiteErrors};

mod batch;
mod check;
mod check_config;
mod clean;
mod completions;
mod crawl;
mod daemon;
mod diff;
mod drift;
mod dry_run;
mod entry;
mod environment;
mod explain;
mod health;
mod import;
mod init;
mod inspect;
mod learn;
mod live;
mod log;
mod pages;
mod progress;
mod sites;
mod state;
mod test;

/// Exit codes that every command keeps to.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// Unexpected failure.
    pub const FAILURE: u8 = 1;
    /// Wrong usage or configuration; nothing was fetched.
    pub const USAGE: u8 = 2;
    /// Done, but some site failed or drifted, or some input gave no article for a reason that is ours to mend.
    pub const PARTIAL: u8 = 3;
    /// Interrupted, state saved.
    pub const INTERRUPTED: u8 = 130;
}

/// 净文: crawl Chinese news politely, keep only the article, write clean JSONL.
#[derive(Debug, Parser)]
#[command(name = "jingwen", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Crawl(crawl::Args),
    Daemon(daemon::Args),
    Clean(clean::Args),
    Check(check::Args),
    Test(test::Args),
    Sites(sites::Args),
    Explain(explain::Args),
    Inspect(inspect::Args),
    Learn(learn::Args),
    Diff(diff::Args),
    Drift(drift::Args),
    Health(health::Args),
    Import(import::Args),
    Init(init::Args),
    State(state::Args),
    Completions(completions::Args),
    Man(completions::ManArgs),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::from_arg_matches(&command().get_matches()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let result = match cli.command {
        Command::Crawl(args) => args.run(),
        Command::Daemon(args) => args.run(),
        Command::Clean(args) => args.run(),
        Command::Check(args) => args.run(),
        Command::Test(args) => args.run(),
        Command::Sites(args) => args.run(),
        Command::Explain(args) => args.run(),
        Command::Inspect(args) => args.run(),
        Command::Learn(args) => args.run(),
        Command::Diff(args) => args.run(),
        Command::Drift(args) => args.run(),
        Command::Health(args) => args.run(),
        Command::Import(args) => args.run(),
        Command::Init(args) => args.run(),
        Command::State(args) => args.run(),
        Command::Completions(args) => args.run(),
        Command::Man(args) => args.run(),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.code)
        }
    }
}

/// An error that ends a command: what to say, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// One of [`exit`].
    pub code: u8,
    /// What is said on stderr.
    pub report: miette::Report,
}

impl Failure {
    /// Wrong usage or configuration.
    pub fn usage(report: impl Into<miette::Report>) -> Self {
        Self { code: exit::USAGE, report: report.into() }
    }

    /// Unexpected failure.
    pub fn unexpected(report: impl Into<miette::Report>) -> Self {
        Self { code: exit::FAILURE, report: report.into() }
    }

    fn print(&self) {
        // Each of the problems of selector files is a message of its own.
        match self.report.downcast_ref::<SiteErrors>() {
            Some(SiteErrors::Invalid(problems)) => {
                problems.iter().for_each(print_problem);
                anstream::eprintln!("{}; `jingwen check` shows these and the warnings", self.report);
            }
            _ => anstream::eprintln!("{}", bounded(&format!("{:?}", self.report))),
        }
    }
}

/// Shows a problem of a file on stderr.
fn print_problem(problem: &Problem) {
    anstream::eprintln!("{}", bounded(&format!("{:?}", miette::Report::new(problem.clone()))));
}

/// What every command's `run` gives.
pub type Outcome = Result<u8, Failure>;

/// The whole command line.
fn command() -> clap::Command {
    environment::with_variables(<Cli as clap::CommandFactory>::command())
}
