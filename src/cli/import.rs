//! `jingwen import`.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Failure, Outcome, exit};
use crate::sites::import;

/// Turn another tool's selector file into ours, as far as it goes.
///
/// What could not be carried over stands in the result as a comment, and is counted on stderr.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  jingwen import ftr example.com.txt > selectors/example.toml\n  jingwen import ftr --out selectors *.txt"
)]
pub struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, clap::Subcommand)]
enum From {
    /// Site patterns of Full-Text RSS, wallabag and others (fivefilters/ftr-site-config)
    Ftr {
        /// Files as they are named there: `example.com.txt`, or `.example.com.txt` for all hosts below
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Write `example.com.toml` into this folder instead of to stdout; files that are there stay
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

impl Args {
    pub fn run(self) -> Outcome {
        let From::Ftr { files, out } = self.from;
        for file in &files {
            let bytes =
                fs::read(file).map_err(|e| failure(file, "read", &e, "name a file of fivefilters/ftr-site-config"))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let stem = name.strip_suffix(".txt").unwrap_or(&name);
            let imported = import::ftr(stem, &String::from_utf8_lossy(&bytes));
            match &out {
                Some(dir) => {
                    let path = dir.join(format!("{}.toml", stem.trim_start_matches('.')));
                    let new = fs::OpenOptions::new().write(true).create_new(true).open(&path);
                    new.and_then(|mut f| std::io::Write::write_all(&mut f, imported.toml.as_bytes())).map_err(|e| {
                        failure(&path, "write", &e, "move the file that is there away, or name another folder")
                    })?;
                }
                None => anstream::print!("{}", imported.toml),
            }
            let dropped = imported.dropped.len();
            anstream::eprintln!("{}: {} lines carried over, {dropped} not", file.display(), imported.carried);
        }
        Ok(exit::DONE)
    }
}

fn failure(path: &Path, what: &str, error: &std::io::Error, help: &'static str) -> Failure {
    Failure::usage(miette::miette!(help = help, "cannot {what} {}: {error}", path.display()))
}
