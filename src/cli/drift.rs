//! `jingwen drift`, and the watching that other commands share.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use jiff::Timestamp;
use miette::miette;
use tokio::runtime::Runtime;
use url::Url;

use super::crawl::find;
use super::{Failure, Outcome, check_config, exit, pages};
use crate::clean::{Body, Cleaned, Page};
use crate::config::Config;
use crate::drift::propose::{self, Changed};
use crate::drift::{FILE, KeptPage, Observation, Raw, StoreError, Warning, Watch};
use crate::learn::Input;
use crate::sites::Sites;

/// Tell which sites are no longer what their selector files say.
///
/// `crawl`, and `clean --state`, note how the pages of each site look: which template fits, which step gives which field, how
/// long texts are, what stands in the body's container. What became different is listed here until the pages are as they were,
/// the selector file has changed, or it is acknowledged with --forget. Exit code 0 if nothing is, 3 if something is.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  jingwen drift\n  jingwen drift sznews --format json\n  jingwen drift --forget sznews\n  \
                  jingwen drift sznews --propose | git apply"
)]
pub struct Args {
    /// Only this site (id of a selector file, or one of its hosts)
    #[arg(value_name = "SITE")]
    site: Option<String>,
    /// Folder of the state [default: that of ./jingwen.toml, else `state`]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Folder or file with selector files that add to and override the built-in ones
    #[arg(long, value_name = "DIR")]
    selectors: Vec<PathBuf>,
    /// How it is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Take what the pages of this site look like now for normal
    #[arg(long, value_name = "SITE", conflicts_with = "site")]
    forget: Vec<String>,
    /// Learn from the pages that show it how the selector file could be changed, and print that as a diff to review
    #[arg(long, conflicts_with = "forget")]
    propose: bool,
    /// With --propose: pages of this WARC file beside those kept in the state
    #[arg(long, value_name = "WARC", requires = "propose")]
    archive: Option<PathBuf>,
    /// With --propose: write the changed files here as well
    #[arg(long, value_name = "DIR", requires = "propose")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// `[{site, template, field, kind, since, evidence, looked_for, …}]`
    Json,
}

impl Args {
    pub fn run(self) -> Outcome {
        let folder = folder(self.state.clone())?;
        if !folder.join(FILE).is_file() {
            return self.nothing(&folder);
        }
        let watching = Watching::open(&folder)?;
        let mut files = check_config::folders(&self.selectors)?;
        if self.selectors.is_empty() {
            // Those that the pages were cleaned with are the ones that count.
            files.extend(watching.watch.files());
        }
        let sites = Sites::load(&files).map_err(Failure::usage)?;
        if !self.forget.is_empty() {
            for site in &self.forget {
                match watching.watch.forget(site) {
                    true => say(&format!("{site}: what its pages look like now is taken for normal"))?,
                    false => return Err(unknown(site, &folder)),
                }
            }
            watching.close()?;
            return Ok(exit::DONE);
        }
        let site = match self.site.as_deref() {
            Some(name) if watching.watch.knows(name) => Some(name.to_owned()),
            Some(name) => match find(name, &sites) {
                Some(site) => Some(site.id.clone()),
                None => {
                    return Err(Failure::usage(miette!(
                        help = "`jingwen sites` lists them",
                        "no site is called `{name}`"
                    )));
                }
            },
            None => None,
        };
        let open = watching.watch.open_warnings(&sites, site.as_deref());
        match self.propose {
            true => self.propose(&watching, &sites, &open)?,
            false => self.show(&open)?,
        }
        watching.close()?;
        Ok(if open.is_empty() { exit::DONE } else { exit::PARTIAL })
    }

    /// Nothing was ever noted: with a state that is no error, for a job that asks after each crawl.
    fn nothing(&self, folder: &Path) -> Outcome {
        if !folder.is_dir() {
            return Err(Failure::usage(miette!(
                help = "name the folder with --state; `jingwen crawl` and `jingwen clean --state` make it",
                "there is no state in {}",
                folder.display()
            )));
        }
        match self.forget.first() {
            Some(site) => Err(unknown(site, folder)),
            None => self.show(&[]).map(|()| exit::DONE),
        }
    }

    /// Prints what could be changed; what was tried and how it did goes to stderr.
    fn propose(&self, watching: &Watching, sites: &Sites, open: &[Warning]) -> Result<(), Failure> {
        let ids: BTreeSet<&str> = open.iter().map(|w| w.site.as_str()).collect();
        if ids.is_empty() {
            anstream::eprintln!("no drift, so nothing is proposed");
        }
        for site in ids.into_iter().filter_map(|id| sites.by_id(id)) {
            let kept = watching.runtime.block_on(watching.watch.pages(&site.id)).map_err(failed)?;
            let mut inputs: Vec<Input> = kept.into_iter().filter_map(input).collect();
            if let Some(archive) = &self.archive {
                let of_site = |url: &Url| sites.for_url(url).is_some_and(|s| s.id == site.id);
                pages::each_of_archive(archive, &of_site, &mut |input| {
                    inputs.push(input);
                    inputs.len() < MOST_PAGES
                })?;
            }
            let proposal = propose::propose(site, open, &inputs);
            for note in &proposal.notes {
                anstream::eprintln!("{}: {note}", site.id);
            }
            for changed in &proposal.changed {
                say(propose::unified(changed).trim_end())?;
                if let Some(dir) = &self.out {
                    write(dir, changed)?;
                }
            }
        }
        Ok(())
    }

    fn show(&self, open: &[Warning]) -> Result<(), Failure> {
        match self.format {
            // Strings, and lists of them, always serialise.
            Format::Json => say(&serde_json::to_string_pretty(open).unwrap_or_default()),
            Format::Text if open.is_empty() => say("no drift"),
            Format::Text => open.iter().try_for_each(|warning| say(text(warning).trim_end())),
        }
    }
}

/// Most pages that a proposal is made from.
const MOST_PAGES: usize = 400;

/// A kept page as it came.
fn input(kept: KeptPage) -> Option<Input> {
    // What cannot be unpacked was damaged, and there are others.
    let bytes = kept.raw.unpack()?;
    Some(Input {
        name: kept.url.clone(),
        url: Url::parse(&kept.url).ok(),
        fetched_at: kept.time(),
        content_type: kept.raw.content_type,
        bytes,
    })
}

fn write(dir: &Path, changed: &Changed) -> Result<(), Failure> {
    let path = dir.join(format!("{}.toml", changed.file.id));
    fs::create_dir_all(dir).and_then(|()| fs::write(&path, &changed.text)).map_err(|e| {
        Failure::usage(miette!(help = "name a folder that can be written to", "cannot write {}: {e}", path.display()))
    })?;
    anstream::eprintln!("{}: try `jingwen check` and `jingwen test` on it", path.display());
    Ok(())
}

/// A warning as a person reads it.
fn text(warning: &Warning) -> String {
    let mut text = format!(
        "{}{}  {}  {}{}\n  {}\n  since {}",
        if warning.new { "new  " } else { "" },
        warning.site,
        warning.kind.as_str(),
        warning.field,
        warning.template.as_ref().map(|t| format!(" of template `{t}`")).unwrap_or_default(),
        warning.detail,
        warning.since
    );
    if !warning.looked_for.is_empty() {
        text += &format!("\n  looked for: {}", warning.looked_for);
    }
    if let Some(written) = &warning.written {
        text += &format!("\n  written in: {written}");
    }
    for url in &warning.evidence {
        text += &format!("\n  {url}");
    }
    text
}

fn unknown(site: &str, folder: &Path) -> Failure {
    Failure::usage(miette!(
        help = "`jingwen drift` lists what was noticed",
        "nothing is known of `{site}` in {}",
        folder.display()
    ))
}

/// The folder named, or the configuration's.
fn folder(named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    Ok(match named {
        Some(folder) => folder,
        None if Path::new("jingwen.toml").is_file() => {
            Config::load("jingwen.toml".as_ref()).map_err(Failure::usage)?.0.state.dir
        }
        None => Config::default().state.dir,
    })
}

fn say(text: &str) -> Result<(), Failure> {
    writeln!(anstream::stdout().lock(), "{text}")
        .map_err(|e| Failure::unexpected(miette!("cannot write to stdout: {e}")))
}

fn failed(error: StoreError) -> Failure {
    match error {
        StoreError::Open { .. } => Failure::usage(miette!("{error}")),
        error => Failure::unexpected(miette!("{error}")),
    }
}

/// Watches pages in commands that are not asynchronous.
pub struct Watching {
    /// The memory.
    pub watch: Watch,
    runtime: Runtime,
}

impl Watching {
    /// Opens a state folder, making it if it is absent.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder)
            .map_err(|e| Failure::usage(miette!("cannot make the folder {}: {e}", folder.display())))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Failure::unexpected(miette!("cannot start: {e}")))?;
        let watch = runtime.block_on(Watch::open(folder)).map_err(failed)?;
        Ok(Self { watch, runtime })
    }

    /// What a page just cleaned says about its site's selector file.
    pub fn look(&self, sites: &Sites, page: &Page<'_>, cleaned: &Cleaned) -> Option<Box<Observation>> {
        let url = page.url?;
        let (bytes, content_type) = match page.body {
            Body::Html(bytes) => (bytes, page.content_type),
            // Decoded already, whatever it says of itself.
            Body::Markup(text) => (text.as_bytes(), Some("text/html; charset=utf-8")),
            Body::Text(_) => return None,
        };
        let site = sites.for_url(url)?;
        let at = page.fetched_at.unwrap_or_else(Timestamp::now);
        let mut seen = Observation::of(site, url, at, cleaned)?;
        if self.watch.wants_page(&site.id) {
            seen.raw = Some(Raw { bytes: bytes.to_vec(), content_type: content_type.map(str::to_owned), alive: None });
        }
        Some(Box::new(seen))
    }

    /// Notes a page.
    pub fn observe(&self, seen: Observation) -> Result<(), Failure> {
        for warning in self.watch.observe(seen) {
            anstream::eprintln!("drift: {warning}");
        }
        self.runtime.block_on(self.watch.save_if_due()).map_err(failed)
    }

    /// Saves, and says how much is open.
    pub fn finish(&self) -> Result<(), Failure> {
        let open: usize = self.watch.report(&|_| true).values().map(Vec::len).sum();
        if open > 0 {
            anstream::eprintln!("{open} signs of drift are open; `jingwen drift` shows them");
        }
        self.close()
    }

    /// Saves.
    pub fn close(&self) -> Result<(), Failure> {
        self.runtime.block_on(self.watch.close()).map_err(failed)
    }
}
