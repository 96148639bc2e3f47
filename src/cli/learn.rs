//! `jingwen learn`.

use std::fs;
use std::path::{Path, PathBuf};

use url::Url;

use super::pages::{self, Limits};
use super::{Failure, Outcome, exit, live};
use crate::learn::{self, Learnt, Options};
use crate::sites::Sites;

/// Write a selector file from example pages of one site.
///
/// From three to ten saved articles it finds the templates, the container of the body, headline, date, source, what to take
/// out, and the form of the addresses; each with how many pages speak for it. Where a template would do worse than the
/// generic extractor it is left out. The file goes to stdout, or with --out to a folder, with copies of the pages as tests.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  jingwen learn a.html b.html c.html --url-prefix https://www.example.com/news/\n  \
                  jingwen learn saved/*.html --out my-selectors && jingwen test my-selectors/*.toml\n  \
                  jingwen learn --from-archive site.warc.gz --site www.example.com --out my-selectors"
)]
pub struct Args {
    /// Saved pages (`.gz` too), folders of them, or addresses
    #[arg(value_name = "PAGE", required_unless_present = "from_archive")]
    pages: Vec<String>,
    /// What the pages' addresses start with, where the pages do not say it themselves (canonical link, `og:url`)
    #[arg(long, value_name = "URL")]
    url_prefix: Vec<Url>,
    /// Folder for the selector file, with copies of the pages in `pages/` and a test for each; files that are there stay
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Take pages of this WARC file
    #[arg(long, value_name = "WARC")]
    from_archive: Option<PathBuf>,
    /// With --from-archive: only pages of this host and those below it
    #[arg(long, value_name = "HOST")]
    site: Option<String>,
    /// Most pages to learn from
    #[arg(long, value_name = "N", default_value_t = 30)]
    max_pages: usize,
    /// Name of the file without `.toml` [default: that of the file that covers the host, or the host's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Selector files that are there already; the embedded ones always are
    #[arg(long, value_name = "DIR")]
    selectors: Vec<PathBuf>,
}

impl Args {
    pub fn run(self) -> Outcome {
        let known = Sites::load(&self.selectors).map_err(Failure::usage)?;
        let (addresses, saved): (Vec<&String>, Vec<&String>) = self.pages.iter().partition(|p| p.contains("://"));
        let saved: Vec<String> = saved.into_iter().cloned().collect();
        let mut inputs = pages::read(&saved, Limits { pages: self.max_pages })?;
        if !addresses.is_empty() {
            let most = self.max_pages.saturating_sub(inputs.len());
            inputs.extend(live::fetch(&addresses.iter().take(most).map(|a| a.as_str()).collect::<Vec<_>>())?);
        }
        if let Some(archive) = &self.from_archive {
            inputs.extend(pages::of_archive(archive, self.site.as_deref(), self.max_pages)?);
        }
        let given = inputs.len();
        let options = Options { prefixes: self.url_prefix, id: self.name, tests: self.out.is_some() };
        let learnt = learn::learn(inputs, &known, &options).map_err(Failure::usage)?;
        match &self.out {
            Some(dir) => write(dir, &learnt)?,
            None => anstream::print!("{}", learnt.toml),
        }
        report(&learnt, given);
        Ok(if learnt.templates.is_empty() { exit::PARTIAL } else { exit::DONE })
    }
}

fn report(learnt: &Learnt, given: usize) {
    for t in &learnt.templates {
        anstream::eprintln!(
            "template {}: {} of {given} pages, agreement {:.3} (generic {:.3})",
            t.name,
            t.pages.len(),
            t.agreement(),
            t.generic()
        );
    }
    for t in &learnt.left_out {
        anstream::eprintln!(
            "left out {}: {} pages, agreement {:.3} (generic {:.3})",
            t.name,
            t.pages.len(),
            t.agreement(),
            t.generic()
        );
    }
    for u in &learnt.unused {
        anstream::eprintln!("not learnt from {}: {}: {}", u.name, u.reason, u.detail);
    }
}

fn write(dir: &Path, learnt: &Learnt) -> Result<(), Failure> {
    let cannot = |path: &Path, error: &std::io::Error| {
        Failure::usage(miette::miette!(
            help = "move what is there away, or name another folder",
            "cannot write {}: {error}",
            path.display()
        ))
    };
    let pages = dir.join("pages");
    fs::create_dir_all(&pages).map_err(|e| cannot(&pages, &e))?;
    let new = |path: PathBuf, bytes: &[u8]| {
        let file = fs::OpenOptions::new().write(true).create_new(true).open(&path);
        file.and_then(|mut f| std::io::Write::write_all(&mut f, bytes)).map_err(|e| cannot(&path, &e))
    };
    let file = dir.join(format!("{}.toml", learnt.id));
    new(file.clone(), learnt.toml.as_bytes())?;
    for (name, input) in &learnt.pages {
        new(pages.join(name), &input.bytes)?;
    }
    anstream::eprintln!("{}: try `jingwen check` and `jingwen test` on it", file.display());
    Ok(())
}
