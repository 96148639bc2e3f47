//! `jingwen inspect`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use url::Url;

use super::{Failure, Outcome, check_config, exit, live, pages};
use crate::clean::{Body, Page};
use crate::inspect;
use crate::learn::Input;
use crate::sites::select::Selection;
use crate::sites::{Sites, SourceFile, load};

/// Show what of a page is kept and what is cut, and by which rule, as one HTML file.
///
/// The report needs nothing else: it runs no script and loads nothing, so it is safe to open whatever the page holds.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  jingwen inspect page.html --url https://www.sznews.com/news/content/1.htm --out report.html\n  \
                  jingwen inspect page.html --url https://www.example.com/1.html --selectors my-selectors --open"
)]
pub struct Args {
    /// A saved page (`.gz` too, `-` for standard input), or an address to fetch
    #[arg(value_name = "URL|FILE")]
    page: String,
    /// Address of the page: chooses the selector file
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// Folder (or file) of selector files that add to and override the embedded ones
    #[arg(long, value_name = "DIR")]
    selectors: Vec<PathBuf>,
    /// Ignore selector files
    #[arg(long)]
    generic: bool,
    /// Write the report here [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Open the report in a browser
    #[arg(long)]
    open: bool,
}

impl Args {
    pub fn run(self) -> Outcome {
        let selection = Selection::new(&check_config::folders(&self.selectors)?, &[]).map_err(Failure::usage)?;
        let copies = selection.files.iter().map(SourceFile::copy).collect();
        let sites = Sites::compile(selection.files).map_err(Failure::usage)?;
        // Whatever is wrong with the files was told just now.
        let files = load::parse(copies, &mut Vec::new());
        let input = self.input()?;
        let page = Page {
            url: input.url.as_ref(),
            body: Body::Html(&input.bytes),
            content_type: input.content_type.as_deref(),
            fetched_at: input.fetched_at,
        };
        let seen = inspect::inspect(&input.name, &page, &sites, &files, self.generic);
        let html = inspect::report(&seen);
        let path = match (&self.out, self.open) {
            (Some(path), _) => Some(path.clone()),
            (None, true) => Some(std::env::temp_dir().join(format!("jingwen-inspect-{}.html", std::process::id()))),
            (None, false) => None,
        };
        match &path {
            Some(path) => {
                fs::write(path, &html).map_err(|e| {
                    Failure::usage(miette::miette!(
                        help = "name a file in a folder that can be written to",
                        "cannot write {}: {e}",
                        path.display()
                    ))
                })?;
                anstream::eprintln!("{}", path.display());
                if self.open {
                    open(path)?;
                }
            }
            None => anstream::print!("{html}"),
        }
        Ok(exit::DONE)
    }

    fn input(&self) -> Result<Input, Failure> {
        if self.page.contains("://") {
            let mut found = live::fetch(&[self.page.as_str()])?;
            return found.pop().ok_or_else(|| Failure::unexpected(miette::miette!("{} gave no page", self.page)));
        }
        let mut found = pages::read(std::slice::from_ref(&self.page), pages::Limits { pages: 1 })?;
        let Some(mut input) = found.pop() else {
            return Err(Failure::usage(miette::miette!(
                help = "name a saved page",
                "there is no page in {}",
                self.page
            )));
        };
        input.url.clone_from(&self.url);
        Ok(input)
    }
}

fn open(path: &Path) -> Result<(), Failure> {
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let started =
        Command::new(program).arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    started.map(drop).map_err(|e| {
        Failure::unexpected(miette::miette!(
            help = "open it by hand",
            "cannot start {program}: {e}; the report is {}",
            path.display()
        ))
    })
}
