//! `jingwen crawl`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::miette;
use url::Url;

use super::log::LogArgs;
use super::{Failure, Outcome, dry_run, exit};
use crate::config::{self, Cidr, Config, ConfigSource, RecheckAge, StateConfig};
use crate::crawl::context::Context;
use crate::crawl::report::{End, Report};
use crate::crawl::run::{CrawlError, Plan};
use crate::crawl::setup::{Overrides, Setup, rotation};
use crate::crawl::store::Store;
use crate::output::lock::Slot;
use crate::output::parts::Rotation;
use crate::sites::{Origin, Site, Sites};
use crate::units::{Rate, Share, Span, When};
use crate::urls::host_name;

/// Crawl sites or single addresses once, politely, and leave clean JSONL.
///
/// Articles are appended to OUT/articles.jsonl, pages that gave none to OUT/rejected.jsonl with the reason. Run again,
/// it goes on: articles are never fetched twice, lists are asked whether they have changed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  jingwen crawl sznews --limit 50\n  jingwen crawl --config jingwen.toml --since 7d\n  \
                        jingwen crawl https://www.sznews.com/news/content/2019-04/26/content_21699029.htm"
)]
pub struct Args {
    /// Sites (ids of selector files, see `jingwen sites`) or addresses; without any, the configuration's.
    #[arg(value_name = "SITE|URL")]
    what: Vec<String>,
    /// Configuration file; ./jingwen.toml is read if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder for the output files; `-`: articles go to stdout, and of pages that gave none only counts are shown.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder for the crawl's memory.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// For several workers with one volume: keep state and output in the first of the folders DIR/1, DIR/2, … that no
    /// other process has (DIR/1/state, DIR/1/out).
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "state"])]
    slots: Option<PathBuf>,
    /// Folder or file with selector files that add to and override the built-in ones.
    #[arg(long, value_name = "DIR")]
    selectors: Vec<PathBuf>,
    /// Most articles to write.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Most pages to ask for; what is left waits for the next run. robots.txt is not counted.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_pages: Option<u64>,
    /// Begin no request after this time: 30m, 2h. What is left waits for the next run.
    #[arg(long, value_name = "TIME")]
    max_time: Option<Span>,
    /// Leave out articles older than this: an age (12h, 7d), a day (2026-11-20), or an instant.
    #[arg(long, value_name = "WHEN")]
    since: Option<When>,
    /// Leave out articles newer than this; of a day, all of it is wanted.
    #[arg(long, value_name = "WHEN")]
    until: Option<When>,
    /// Most requests per time and host: 1/s, 1/3s. Wins over the configuration and the site's file, not over the
    /// Crawl-delay of its robots.txt.
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,
    /// Reject articles whose confidence is below this, between 0 and 1, with the reason `low-confidence`.
    #[arg(long, value_name = "SHARE")]
    min_confidence: Option<Share>,
    /// Write the body as blocks too, beside `text`.
    #[arg(long)]
    blocks: bool,
    /// Ask only for lists that are due: each is looked at as often as it changes, at most as often as `refresh` in the site's
    /// file says and at least once a day. For runs that come again and again.
    #[arg(long)]
    due: bool,
    /// Ask again, conditionally, for articles first written at most this long ago (31d at most), to catch corrections: an
    /// article whose text has changed is written once more, under its `id` and with `corrected`.
    #[arg(long, value_name = "AGE")]
    recheck: Option<RecheckAge>,
    /// Say what would be asked first, and why, and ask nothing; neither state nor output is changed.
    #[arg(long)]
    dry_run: bool,
    /// Crawl from an archive instead of the network.
    #[arg(long, value_name = "FILE.warc.gz")]
    replay: Option<PathBuf>,
    /// Range of private addresses that may be connected to.
    #[arg(long, value_name = "CIDR")]
    allow_private: Vec<Cidr>,
    #[command(flatten)]
    log: LogArgs,
}

/// A run, and where its state and output are.
struct Work {
    plan: Plan,
    rotation: Rotation,
    in_flight: u32,
    out: PathBuf,
    state: StateConfig,
}

impl Args {
    pub fn run(mut self) -> Outcome {
        let log = self.log.clone();
        log.start()?;
        let _slot = slot(self.slots.as_deref(), &mut self.state, &mut self.out)?;
        let is_dry = self.dry_run;
        let work = self.work()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|e| Failure::unexpected(miette!("cannot start: {e}")))?;
        if is_dry {
            return runtime.block_on(dry_run::show(work.plan, &work.state));
        }
        let report = runtime.block_on(crawl(work, log.quiet == 0))?;
        let code = match report.end {
            End::Interrupted => exit::INTERRUPTED,
            _ if report.failed() => exit::PARTIAL,
            _ => exit::DONE,
        };
        if log.quiet == 0 || log.quiet == 1 && code != exit::DONE {
            print(&report, log.is_json());
        }
        Ok(code)
    }

    /// Everything that can be wrong is found here, before anything is fetched.
    fn work(self) -> Result<Work, Failure> {
        let (config, source) = self.configuration()?;
        let mut folders: Vec<PathBuf> = config.selectors.iter().cloned().collect();
        folders.extend(self.selectors.iter().cloned());
        let sites = Arc::new(Sites::load(&folders).map_err(|e| Failure::usage(miette::Report::new(e)))?);
        let (chosen, pages) = targets(&self.what, &config, source.as_ref(), &sites)?;
        if chosen.is_empty() && pages.is_empty() {
            return Err(Failure::usage(miette!(
                help = "name a site or an address, or set `sites = [\"sznews\"]` or a folder of `selectors` in jingwen.toml; \
                        `jingwen sites` lists them",
                "nothing to crawl"
            )));
        }
        let user_agent = &config.http.user_agent.0;
        if user_agent.contains(config::EXAMPLE_CONTACT) && self.replay.is_none() {
            tracing::warn!(
                "the user agent names no contact of yours; set `user_agent` under [http] so that sites can reach you"
            );
        }
        let overrides = Overrides {
            interval: self.rate.map(|rate| rate.interval),
            replay: self.replay.clone(),
            allow_private: self.allow_private.iter().map(|c| c.0).collect(),
            due_only: self.due,
            since: self.since,
            until: self.until,
            recheck: self.recheck.map(|age| age.0),
            limit: self.limit,
            max_pages: self.max_pages,
            max_time: self.max_time.map(|time| time.0),
            min_confidence: self.min_confidence,
            blocks: self.blocks,
        };
        let setup = Setup::new(&config, sites, &overrides).map_err(|error| match error.is_usage() {
            true => Failure::usage(miette!("{error}")),
            false => Failure::unexpected(miette!("{error}")),
        })?;
        Ok(Work {
            plan: setup.plan(chosen, pages),
            rotation: rotation(&config),
            in_flight: config.http.in_flight,
            out: self.out.unwrap_or(config.output.dir),
            state: StateConfig { dir: self.state.unwrap_or(config.state.dir), ..config.state },
        })
    }

    fn configuration(&self) -> Result<(Config, Option<ConfigSource>), Failure> {
        let usual = PathBuf::from("jingwen.toml");
        let path = match &self.config {
            Some(path) => path,
            None if usual.is_file() => &usual,
            None => return Ok((Config::default(), None)),
        };
        let (config, source) = Config::load(path).map_err(Failure::usage)?;
        Ok((config, Some(source)))
    }
}

/// Takes a folder of its own for this process, where that is asked for; held as long as it is kept.
pub fn slot(
    parent: Option<&Path>,
    state: &mut Option<PathBuf>,
    out: &mut Option<PathBuf>,
) -> Result<Option<Slot>, Failure> {
    let slot = parent.map(Slot::take).transpose().map_err(|e| Failure::usage(miette!("{e}")))?;
    if let Some(slot) = &slot {
        tracing::info!("state and output are in {}", slot.folder.display());
        (*state, *out) = (Some(slot.state()), Some(slot.out()));
    }
    Ok(slot)
}

/// Sites and addresses asked for.
pub fn targets(
    what: &[String],
    config: &Config,
    source: Option<&ConfigSource>,
    sites: &Sites,
) -> Result<(Vec<Arc<Site>>, Vec<Url>), Failure> {
    let (mut chosen, mut pages) = (Vec::new(), Vec::new());
    for text in what {
        if text.contains("://") {
            match Url::parse(text) {
                Ok(url) if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() => pages.push(url),
                Ok(url) => {
                    return Err(Failure::usage(miette!(
                        help = "only http and https addresses are crawled",
                        "cannot crawl `{text}`: its scheme is `{}`",
                        url.scheme()
                    )));
                }
                Err(error) => return Err(Failure::usage(miette!("`{text}` is no address: {error}"))),
            }
        } else {
            let site = find(text, sites).ok_or_else(|| {
                Failure::usage(miette!(help = unknown_help(text, sites), "no site is called `{text}`"))
            })?;
            chosen.push(site);
        }
    }
    if what.is_empty() && config.sites.is_none() {
        chosen.extend(own(sites));
    } else if what.is_empty() {
        for name in config.sites.iter().flatten() {
            match (find(name.get_ref(), sites), source) {
                (Some(site), _) => chosen.push(site),
                (None, Some(source)) => {
                    let message = format!("no site is called `{}`", name.get_ref());
                    let help = unknown_help(name.get_ref(), sites);
                    return Err(Failure::usage(source.error(message, name.span(), Some(help))));
                }
                (None, None) => {}
            }
        }
    }
    if let Some(site) = chosen.iter().find(|site| !site.crawl.has_start()) {
        return Err(Failure::usage(miette!(
            help = "give it `seeds`, `feeds` or `sitemaps` under [crawl], or name an address",
            "{} says nowhere to start a crawl of {}",
            site.file,
            site.id
        )));
    }
    Ok((chosen, pages))
}

/// The sites of the operator's own selector files that say where to start: what is crawled where nothing is named.
fn own(sites: &Sites) -> impl Iterator<Item = Arc<Site>> {
    let is_own = |site: &&Arc<Site>| matches!(site.origin, Origin::File(_)) && site.crawl.has_start();
    sites.all().into_iter().filter(is_own).cloned()
}

/// A site by id, or by one of its host names, or by its name.
pub fn find(text: &str, sites: &Sites) -> Option<Arc<Site>> {
    let by_host = || sites.for_host(&host_name(text)?);
    sites.by_id(text).or_else(by_host).or_else(|| sites.by_name(text)).cloned()
}

fn unknown_help(text: &str, sites: &Sites) -> String {
    match crate::sites::did_you_mean(text, sites.ids()) {
        Some(near) => {
            format!("did you mean `{near}`? `jingwen sites` lists all; an address begins with http:// or https://")
        }
        None => "`jingwen sites` lists those known; an address begins with http:// or https://".to_owned(),
    }
}

async fn crawl(work: Work, shows_progress: bool) -> Result<Report, Failure> {
    let opened = Store::open(&work.state, &work.out, work.rotation, work.in_flight, None).await;
    let store = Arc::new(opened.map_err(failure)?);
    let result = in_store(work.plan, &store, shows_progress).await;
    let closed = store.close().await.map_err(failure);
    let report = result?;
    closed.map(|()| report)
}

async fn in_store(plan: Plan, store: &Arc<Store>, shows_progress: bool) -> Result<Report, Failure> {
    let run = plan.prepare(store.clone()).await.map_err(failure)?;
    let context = run.context.clone();
    let signals = tokio::spawn(signals(context.clone()));
    let progress = shows_progress.then(|| super::progress::start(context));
    let result = run.go().await;
    signals.abort();
    progress.into_iter().for_each(super::progress::Progress::stop);
    result.map_err(failure)
}

fn failure(error: CrawlError) -> Failure {
    match error.is_usage() {
        true => Failure::usage(miette!("{error}")),
        false => Failure::unexpected(miette!("{error}")),
    }
}

/// The first Ctrl-C or SIGTERM stops cleanly, the second at once (which is safe as well, only less tidy).
async fn signals(context: Arc<Context>) {
    let mut term = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(term) => term,
        Err(error) => return tracing::warn!(%error, "signals are not watched"),
    };
    for first in [true, false] {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = term.recv() => {}
        }
        if first {
            tracing::info!("stopping; once more to stop at once");
            context.stop(End::Interrupted);
        } else {
            std::process::exit(exit::INTERRUPTED.into());
        }
    }
}

fn print(report: &Report, json: bool) {
    let mut err = anstream::stderr().lock();
    // Nobody is left to tell if stderr is gone.
    let _ = match json {
        true => serde_json::to_string(report).map_or(Ok(()), |text| writeln!(err, "{{\"report\":{text}}}")),
        false => write!(err, "{report}"),
    };
}
