//! `jingwen init`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use miette::miette;

use super::{Failure, Outcome, exit};

const CONFIG: &str = include_str!("init/jingwen.toml");
const SITE: &str = include_str!("init/example.toml");

/// Write a commented jingwen.toml and a selectors folder to start from.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  jingwen init my-crawl && cd my-crawl && jingwen crawl")]
pub struct Args {
    /// Folder to write to; made if it is absent.
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

impl Args {
    pub fn run(self) -> Outcome {
        let selectors = self.dir.join("selectors");
        let files = [(self.dir.join("jingwen.toml"), CONFIG), (selectors.join("example.toml"), SITE)];
        // All or nothing: look before writing the first.
        if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
            return Err(Failure::usage(miette!(
                help = "choose another folder, or move the file away",
                "{} is there already and is not overwritten",
                path.display()
            )));
        }
        fs::create_dir_all(&selectors).map_err(|e| cannot(&selectors, &e))?;
        for (path, text) in &files {
            // `create_new`, so that a file made a moment ago is not overwritten either.
            let mut file = fs::File::create_new(path).map_err(|e| cannot(path, &e))?;
            file.write_all(text.as_bytes()).map_err(|e| cannot(path, &e))?;
            anstream::println!("wrote {}", path.display());
        }
        Ok(exit::DONE)
    }
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(miette!("cannot write {}: {error}", path.display()))
}
