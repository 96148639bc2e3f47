//! `jingwen completions` and `jingwen man`.

use std::io;

use super::{Failure, Outcome, command, exit};

/// Print shell completions.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  jingwen completions bash > ~/.local/share/bash-completion/completions/jingwen")]
pub struct Args {
    /// The shell to print them for.
    shell: clap_complete::Shell,
}

impl Args {
    pub fn run(self) -> Outcome {
        clap_complete::generate(self.shell, &mut command(), "jingwen", &mut io::stdout());
        Ok(exit::DONE)
    }
}

/// Print the man page of the program or of one command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  jingwen man crawl | man -l -")]
pub struct ManArgs {
    /// A command; without it, the program's own page.
    command: Option<String>,
}

impl ManArgs {
    pub fn run(self) -> Outcome {
        let mut root = command();
        root.build();
        let page = match &self.command {
            None => root,
            Some(name) => root.find_subcommand(name).cloned().ok_or_else(|| {
                Failure::usage(miette::miette!(help = "`jingwen --help` lists the commands", "no command `{name}`"))
            })?,
        };
        clap_mangen::Man::new(page)
            .render(&mut io::stdout())
            .map_err(|e| Failure::unexpected(miette::miette!("{e}")))?;
        Ok(exit::DONE)
    }
}
