//! From the configuration to what runs are made with: the same for one-shot crawls and the daemon.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use url::Url;

use super::context::{Recheck, Settings};
use super::discover::Period;
use super::fetch::{ClientOptions, Fetch, Http, HttpError, Limits, ProxyOptions};
use super::guard::Guard;
use super::run::Plan;
use super::warc::{Archive, WarcError};
use crate::clean::Options;
use crate::config::{Config, CrawlConfig, ProxyUrl, TrapLimits};
use crate::output::parts::Rotation;
use crate::sites::requests::product_token;
use crate::sites::{Site, Sites};
use crate::units::{Share, Span, When};

/// What a command line says beyond the configuration.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Time between two requests, whatever files say.
    pub interval: Option<Duration>,
    /// An archive in place of the network.
    pub replay: Option<PathBuf>,
    /// More ranges that may be connected to.
    pub allow_private: Vec<IpNet>,
    /// Ask only the lists that are due by their own rhythm.
    pub due_only: bool,
    /// Leave out what is older.
    pub since: Option<When>,
    /// Leave out what is newer.
    pub until: Option<When>,
    /// Look again at articles that were first written so long ago or less.
    pub recheck: Option<Duration>,
    /// Articles to write at most.
    pub limit: Option<u64>,
    /// Pages to ask for at most.
    pub max_pages: Option<u64>,
    /// Begin no request later than this after the start.
    pub max_time: Option<Duration>,
    /// Reject articles of less confidence.
    pub min_confidence: Option<Share>,
    /// Write the body as blocks too.
    pub blocks: bool,
}

/// Why runs cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The HTTP client.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] WarcError),
}

/// What runs are made with.
#[derive(Clone)]
pub struct Setup {
    fetch: Arc<dyn Fetch>,
    guard: Guard,
    sites: Arc<Sites>,
    settings: Settings,
    /// What the configuration says of runs.
    rules: CrawlConfig,
    /// What the command line says.
    overrides: Overrides,
}

impl SetupError {
    /// True where what the operator wrote is at fault.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Http(error) => error.is_usage(),
            Self::Archive(_) => true,
        }
    }
}

impl Setup {
    /// From a configuration and selector files.
    ///
    /// # Errors
    ///
    /// An archive that cannot be read, or a client that cannot be made.
    pub fn new(config: &Config, sites: Arc<Sites>, overrides: &Overrides) -> Result<Self, SetupError> {
        let user_agent = &config.http.user_agent.0;
        let guard = guard(config, &overrides.allow_private);
        let concurrency = config.politeness.concurrency.map(|c| c.0);
        let fetch: Arc<dyn Fetch> = match &overrides.replay {
            Some(path) => Arc::new(Archive::open(path, config.http.max_body.0)?),
            None => Arc::new(Http::new(&client_options(config)?, guard.clone(), sites.clone())?),
        };
        let settings = Settings {
            interval: config.politeness.rate.map(|rate| rate.interval),
            forced_interval: overrides.interval,
            concurrency,
            quiet: config.politeness.quiet.clone(),
            per_day: config.politeness.per_day.map(NonZeroU64::get),
            due_only: overrides.due_only || config.crawl.due,
            recheck: None,
            per_address: config.politeness.per_address,
            respect_robots: config.politeness.respect_robots,
            sitemaps: config.politeness.sitemaps,
            patience: config.politeness.patience.0,
            max_redirects: config.http.max_redirects,
            traps: TrapLimits {
                depth: config.traps.max_depth,
                per_pattern: config.traps.max_per_pattern,
                per_host: config.traps.max_per_host,
            },
            limit: None,
            max_pages: None,
            max_time: overrides.max_time.or(config.crawl.max_time.map(|time| time.0)),
            token: product_token(user_agent).to_owned(),
            clean: Options {
                watch: true,
                links: true,
                blocks: overrides.blocks || config.clean.blocks,
                outline: config.clean.learn_repeats,
                min_confidence: overrides.min_confidence.or(config.clean.min_confidence).map(|share| share.0),
                ..Options::default()
            },
        };
        Ok(Self { fetch, guard, sites, settings, rules: config.crawl.clone(), overrides: overrides.clone() })
    }

    /// The selector files.
    pub fn sites(&self) -> &Arc<Sites> {
        &self.sites
    }

    /// A run over whole sites and single pages.
    pub fn plan(&self, chosen: Vec<Arc<Site>>, pages: Vec<Url>) -> Plan {
        let mut settings = self.settings.clone();
        let alone = chosen.first().filter(|_| chosen.len() == 1 && pages.is_empty()).map(|site| &site.crawl);
        let (flags, rules) = (&self.overrides, &self.rules);
        let number = |n: Option<NonZeroU64>| n.map(NonZeroU64::get);
        settings.limit = flags.limit.or(alone.and_then(|own| own.limit)).or(number(rules.limit));
        settings.max_pages = flags.max_pages.or(alone.and_then(|own| own.max_pages)).or(number(rules.max_pages));
        // An order for this run looks at all of them; what is written for every run has to be spread.
        let spread = |age| Recheck { age, is_spread: true };
        let every = alone.and_then(|own| own.recheck).or(rules.recheck.map(|age| age.0)).map(spread);
        settings.recheck = flags.recheck.map(|age| Recheck { age, is_spread: false }).or(every);
        if alone.is_none() {
            for site in chosen.iter().filter(|site| site.crawl.has_run_rules()) {
                let file = &site.file;
                tracing::warn!(
                    "`limit`, `max_pages` and `recheck` of {file} hold for runs of that site alone; use the options for this one"
                );
            }
        }
        Plan {
            fetch: self.fetch.for_run().unwrap_or_else(|| self.fetch.clone()),
            guard: self.guard.clone(),
            sites: self.sites.clone(),
            period: self.period(&chosen),
            chosen,
            pages,
            settings,
            resumed: None,
        }
    }

    /// The time that articles are wanted of: what the command line says, or a site's own file, or the configuration.
    fn period(&self, chosen: &[Arc<Site>]) -> Period {
        let now = Timestamp::now();
        let since = |age: Duration| When::Ago(Span(age)).begin(now);
        let own = chosen.iter().filter_map(|site| Some((site.id.clone(), since(site.crawl.since?))));
        let flag = self.overrides.since.map(|when| when.begin(now));
        Period {
            since: flag.or_else(|| self.rules.since.map(|age| since(age.0))),
            since_of: if flag.is_none() { own.collect() } else { HashMap::new() },
            until: self.overrides.until.map(|when| when.end(now)),
        }
    }
}

/// The address guard, as the configuration has it; `more` ranges are permitted beside those it permits.
pub fn guard(config: &Config, more: &[IpNet]) -> Guard {
    let mut private = config.allow_private();
    private.extend(more);
    let proxy = config.http.proxy.as_ref().and_then(ProxyUrl::host);
    Guard::new(private, config.resolve()).with_family(config.http.ip).with_proxy(proxy)
}

/// The HTTP client, as the configuration has it.
///
/// # Errors
///
/// A file of certificates that cannot be read.
pub fn client_options(config: &Config) -> Result<ClientOptions, HttpError> {
    let http = &config.http;
    let read =
        |path: &PathBuf| std::fs::read(path).map_err(|source| HttpError::Authorities { path: path.clone(), source });
    Ok(ClientOptions {
        user_agent: http.user_agent.0.clone(),
        limits: Limits {
            timeout: http.timeout.0,
            connect_timeout: http.connect_timeout.0,
            max_body: http.max_body.0,
            ..Limits::default()
        },
        idle_per_host: config.politeness.concurrency.map_or(4, |c| c.0) as usize,
        proxy: http.proxy.as_ref().map(|url| ProxyOptions { url: url.0.clone(), except: http.no_proxy.clone() }),
        authorities: http.ca_file.as_ref().map(read).transpose()?,
    })
}

/// When output files are cut, as the configuration says.
pub fn rotation(config: &Config) -> Rotation {
    Rotation { size: config.output.rotate_size, every: config.output.rotate_every, compress: config.output.compress }
}
