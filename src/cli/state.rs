//! `jingwen state`.

mod why;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use miette::miette;
use serde::Serialize;
use url::Url;

use super::{Failure, Outcome, check_config, exit};
use crate::config::{Config, StateConfig};
use crate::frontier::admin::{HostQueue, Overview, Retry};
use crate::frontier::any::AnyFrontier;
use crate::frontier::place::Place;
use crate::frontier::sqlite::SqliteFrontier;
use crate::frontier::{FrontierError, UrlKey, now};
use crate::output::lock::StateLock;
use crate::sites::Sites;
use crate::units::Size;
use crate::urls::{CanonicalUrl, host_name};

/// Look into a crawl's memory, and mend it.
///
/// The state is plain SQLite (STATE/frontier.sqlite), so `sqlite3` can look further. Changing it needs the crawl to be
/// stopped; looking does not. A frontier in PostgreSQL (`postgres` under [state], or JINGWEN_POSTGRES) is looked into
/// likewise, and what is changed in it is only what no worker is at.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  jingwen state\n  jingwen state hosts --limit 5\n  jingwen state forget https://www.sznews.com/content/1.htm\n  \
                  jingwen state unblock www.sznews.com"
)]
pub struct Args {
    /// Folder of the state [default: that of the configuration, else `state`]
    #[arg(long, value_name = "DIR", global = true)]
    state: Option<PathBuf>,
    /// Configuration file [default: ./jingwen.toml, if it is there and --state is not given]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// How it is shown
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// JSON
    Json,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Counts (what `jingwen state` alone shows)
    Show,
    /// Queue per host, the longest first, with waits and their reasons
    Hosts {
        /// Most hosts shown
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Pages that failed and are tried again
    Retries {
        /// Most pages shown
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Say what became of an address: written, rejected and why, queued and until when, or left out
    Why {
        /// Address
        #[arg(value_name = "URL")]
        url: String,
        /// Folder or file with selector files, for how addresses are written
        #[arg(long, value_name = "DIR")]
        selectors: Vec<PathBuf>,
    },
    /// Forget addresses or whole hosts: they are fetched again when found, and an article is then written a second time
    Forget {
        /// Address, or host name
        #[arg(value_name = "URL|HOST", required = true)]
        targets: Vec<String>,
        /// Folder or file with selector files, for how addresses are written
        #[arg(long, value_name = "DIR")]
        selectors: Vec<PathBuf>,
    },
    /// Let hosts be asked again at once
    Unblock {
        /// Host name
        #[arg(value_name = "HOST", required = true)]
        hosts: Vec<String>,
    },
    /// Check the file, and give free room back
    Vacuum,
}

impl Args {
    pub fn run(self) -> Outcome {
        let config = self.load()?.unwrap_or_default();
        let state = StateConfig { dir: self.state.clone().unwrap_or(config.state.dir), ..config.state };
        let place = Place::of(&state).map_err(|e| Failure::usage(miette!("{e}")))?;
        let _lock = match place.shared {
            Some(_) => None,
            None => self.lock(&state.dir)?,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Failure::unexpected(miette!("cannot start: {e}")))?;
        runtime.block_on(async {
            let opened = AnyFrontier::look(&place, &state.dir).await;
            let frontier = opened.map_err(|e| Failure::usage(miette!("{e}")))?;
            let outcome = self.on(&frontier).await;
            frontier.close().await;
            outcome
        })
    }

    /// Whoever changes something must be alone; whoever looks need not be.
    fn lock(&self, folder: &Path) -> Result<Option<StateLock>, Failure> {
        if !folder.join("frontier.sqlite").is_file() {
            return Err(Failure::usage(miette!(
                help = "name the folder with --state; `jingwen crawl` makes it",
                "there is no state in {}",
                folder.display()
            )));
        }
        let changes = matches!(self.what, Some(What::Forget { .. } | What::Unblock { .. } | What::Vacuum));
        let lock = changes.then(|| StateLock::take(folder)).transpose();
        lock.map_err(|e| Failure::usage(miette!("{e}")))
    }

    async fn on(&self, frontier: &AnyFrontier) -> Outcome {
        match &self.what {
            None | Some(What::Show) => self.show(&frontier.overview(now()).await.map_err(failed)?, overview),
            Some(What::Hosts { limit }) => {
                self.show(&frontier.queues(now(), *limit).await.map_err(failed)?, |all| hosts(all))
            }
            Some(What::Retries { limit }) => {
                self.show(&frontier.retries(*limit).await.map_err(failed)?, |all| retries(all))
            }
            Some(What::Why { url, selectors }) => self.why(frontier, url, selectors).await,
            Some(What::Forget { targets, selectors }) => {
                let sites = Sites::load(&check_config::folders(selectors)?).map_err(Failure::usage)?;
                for target in targets {
                    forget(frontier, target, &sites).await?;
                }
                Ok(exit::DONE)
            }
            Some(What::Unblock { hosts }) => {
                for name in hosts {
                    for origin in known(frontier, name).await? {
                        frontier.unblock(&origin).await.map_err(failed)?;
                        say(&format!("{origin} may be asked again"))?;
                    }
                }
                Ok(exit::DONE)
            }
            Some(What::Vacuum) => match frontier {
                AnyFrontier::Sqlite(file) => vacuum(file).await,
                #[cfg(feature = "postgres")]
                AnyFrontier::Postgres(_) => Err(Failure::usage(miette!(
                    help = "`VACUUM (VERBOSE)` in psql gives a report, `pg_amcheck` looks for damage",
                    "PostgreSQL gives free room back by itself (autovacuum); there is nothing to do here"
                ))),
            },
        }
    }

    async fn why(&self, frontier: &AnyFrontier, url: &str, selectors: &[PathBuf]) -> Outcome {
        let sites = Sites::load(&self.selectors(selectors)?).map_err(Failure::usage)?;
        let canonical = canonical(url, &sites)?;
        let state = frontier.address(&UrlKey::new(&canonical)).await.map_err(failed)?;
        say(why::text(&canonical, &state, now()).trim_end())?;
        Ok(exit::DONE)
    }

    /// Folders of selector files: those named, else the configuration's.
    fn selectors(&self, named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
        let configured = self.load()?.and_then(|config| config.selectors);
        match configured.filter(|_| named.is_empty()) {
            Some(folder) => check_config::folders(&[folder]),
            None => check_config::folders(named),
        }
    }

    /// The configuration: the file named, else the usual one if it is there and no state is named.
    fn load(&self) -> Result<Option<Config>, Failure> {
        let usual = PathBuf::from("jingwen.toml");
        let file = self.config.as_ref().or_else(|| (self.state.is_none() && usual.is_file()).then_some(&usual));
        file.map(|file| Config::load(file).map(|(config, _)| config).map_err(Failure::usage)).transpose()
    }

    fn show<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> String) -> Outcome {
        let shown = match self.format {
            // Numbers and strings always serialise.
            Format::Json => serde_json::to_string_pretty(value).unwrap_or_default(),
            Format::Text => text(value),
        };
        say(shown.trim_end())?;
        Ok(exit::DONE)
    }
}

async fn vacuum(file: &SqliteFrontier) -> Outcome {
    let damage = file.damage().await.map_err(failed)?;
    if !damage.is_empty() {
        return Err(Failure::unexpected(miette!(
            help = "keep the file and the output; `sqlite3 frontier.sqlite .recover` saves what can be saved",
            "the state is damaged: {}",
            damage.join("; ")
        )));
    }
    let before = file.overview(now()).await.map_err(failed)?.bytes;
    file.vacuum().await.map_err(failed)?;
    let after = file.overview(now()).await.map_err(failed)?.bytes;
    say(&format!("sound; {} before, {} now", size(before), size(after)))?;
    Ok(exit::DONE)
}

/// Origins of a host name, or the error that there are none.
async fn known(frontier: &AnyFrontier, name: &str) -> Result<Vec<String>, Failure> {
    let origins = frontier.origins(&host_form(name)).await.map_err(failed)?;
    match origins.is_empty() {
        true => {
            Err(Failure::usage(miette!(help = "`jingwen state hosts` lists them", "the state knows no host `{name}`")))
        }
        false => Ok(origins),
    }
}

/// A host, with or without scheme and port, as the state has it: Punycode, lower case, no dot at its end.
fn host_form(text: &str) -> String {
    if let Some((scheme, host)) = text.split_once("://") {
        return format!("{}://{}", scheme.to_lowercase(), host_form(host.trim_end_matches('/')));
    }
    match text.rsplit_once(':') {
        // As reports name hosts; the state has them without the usual ports.
        Some((host, "80")) => format!("http://{}", host_form(host)),
        Some((host, "443")) => format!("https://{}", host_form(host)),
        // The last part of an IPv6 address is not a port.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            format!("{}:{port}", host_name(host).unwrap_or_else(|| host.to_owned()))
        }
        _ => host_name(text).unwrap_or_else(|| text.to_owned()),
    }
}

async fn forget(frontier: &AnyFrontier, target: &str, sites: &Sites) -> Result<(), Failure> {
    if !target.contains("://") {
        for origin in known(frontier, target).await? {
            let gone = frontier.forget_host(&origin).await.map_err(failed)?;
            say(&format!("{origin} is forgotten ({gone} rows)"))?;
        }
        return Ok(());
    }
    let canonical = canonical(target, sites)?;
    match frontier.forget_url(&UrlKey::new(&canonical)).await.map_err(failed)? {
        0 => Err(Failure::usage(miette!(
            help = "addresses are kept in their canonical form; `jingwen explain URL` shows it",
            "the state knows nothing of {canonical}"
        ))),
        _ => say(&format!("{canonical} is forgotten")),
    }
}

fn canonical(text: &str, sites: &Sites) -> Result<CanonicalUrl, Failure> {
    let url = Url::parse(text).map_err(|e| Failure::usage(miette!("`{text}` is not an address: {e}")))?;
    Ok(CanonicalUrl::new(&url, sites.for_url(&url).map(|site| &site.crawl.urls)))
}

fn overview(all: &Overview) -> String {
    let mut text = format!(
        "hosts      {}, {} of them left alone now\nqueued     {}, {} of them after a failure\nrecurring  {} lists, feeds and sitemaps\n\
         done       {}\nfile       {}, {} of it free\n",
        all.hosts,
        all.held_back,
        all.queued,
        all.retries,
        all.recurring,
        all.done,
        size(all.bytes),
        size(all.free)
    );
    for (path, bytes) in &all.outputs {
        text += &format!("output     {path}: {}\n", size(*bytes));
    }
    if all.parts > 0 {
        text += &format!("parts      {} finished\n", all.parts);
    }
    text
}

fn hosts(all: &[HostQueue]) -> String {
    let mut text = format!("{:>9} {:>8} {:>9}  HOST\n", "QUEUED", "RETRIES", "DONE");
    for host in all {
        text += &format!("{:>9} {:>8} {:>9}  {}", host.queued, host.retries, host.done, host.origin);
        if host.not_before > 0 {
            text += &format!("  until {}", time(host.not_before));
        }
        if let Some(why) = &host.blocked {
            text += &format!("  ({why})");
        }
        text.push('\n');
    }
    text
}

fn retries(all: &[Retry]) -> String {
    let mut text = format!("{:>5}  {:<20}  URL\n", "TRIES", "AGAIN AT");
    for retry in all {
        text += &format!("{:>5}  {:<20}  {}  ({})\n", retry.tries, time(retry.due), retry.url, retry.why);
    }
    text
}

pub(super) fn time(millis: i64) -> String {
    Timestamp::from_millisecond(millis)
        .map_or_else(|_| "never".to_owned(), |at| at.round(jiff::Unit::Second).unwrap_or(at).to_string())
}

fn size(bytes: i64) -> String {
    Size(u64::try_from(bytes).unwrap_or(0)).to_string()
}

fn say(text: &str) -> Result<(), Failure> {
    writeln!(anstream::stdout().lock(), "{text}")
        .map_err(|e| Failure::unexpected(miette!("cannot write to stdout: {e}")))
}

fn failed(error: FrontierError) -> Failure {
    match error.is_usage() {
        true => Failure::usage(miette!("{error}")),
        false => Failure::unexpected(miette!("{error}")),
    }
}
