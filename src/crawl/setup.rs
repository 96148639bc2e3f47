//! From the configuration to what runs are made with: the same for one-shot crawls and the daemon.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use url::Url;

use super::context::Settings;
use super::fetch::{Fetch, Http, HttpError, Limits};
use super::guard::Guard;
use super::robots::product_token;
use super::run::Plan;
use super::traps;
use super::warc::{Archive, WarcError};
use crate::clean::Options;
use crate::config::Config;
use crate::output::parts::Rotation;
use crate::sites::{Site, Sites};

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
    /// Look again at articles that were first written so long ago or less.
    pub recheck: Option<Duration>,
    /// Articles to write at most.
    pub limit: Option<u64>,
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
}

impl Setup {
    /// From a configuration and selector files.
    ///
    /// # Errors
    ///
    /// An archive that cannot be read, or a client that cannot be made.
    pub fn new(config: &Config, sites: Arc<Sites>, overrides: &Overrides) -> Result<Self, SetupError> {
        let user_agent = &config.http.user_agent.0;
        let limits = Limits {
            timeout: config.http.timeout.0,
            connect_timeout: config.http.connect_timeout.0,
            max_body: config.http.max_body.0,
            ..Limits::default()
        };
        let mut private = config.allow_private();
        private.extend(&overrides.allow_private);
        let guard = Guard::new(private, config.resolve());
        let concurrency = config.politeness.concurrency.map(|c| c.0);
        let fetch: Arc<dyn Fetch> = match &overrides.replay {
            Some(path) => Arc::new(Archive::open(path, limits.max_body)?),
            None => Arc::new(Http::new(user_agent, guard.clone(), limits, concurrency.unwrap_or(4) as usize)?),
        };
        let settings = Settings {
            interval: config.politeness.rate.map(|rate| rate.interval),
            forced_interval: overrides.interval,
            concurrency,
            quiet: config.politeness.quiet.clone(),
            per_day: config.politeness.per_day.map(NonZeroU64::get),
            due_only: overrides.due_only,
            recheck: overrides.recheck,
            per_address: config.politeness.per_address,
            respect_robots: config.politeness.respect_robots,
            sitemaps: config.politeness.sitemaps,
            patience: config.politeness.patience.0,
            max_redirects: config.http.max_redirects,
            traps: traps::Limits {
                depth: config.traps.max_depth,
                per_pattern: config.traps.max_per_pattern,
                per_host: config.traps.max_per_host,
            },
            limit: overrides.limit,
            token: product_token(user_agent).to_owned(),
            clean: Options { watch: true, links: true, ..Options::default() },
        };
        Ok(Self { fetch, guard, sites, settings })
    }

    /// The selector files.
    pub fn sites(&self) -> &Arc<Sites> {
        &self.sites
    }

    /// A run over whole sites and single pages.
    pub fn plan(&self, chosen: Vec<Arc<Site>>, pages: Vec<Url>, since: Option<Timestamp>) -> Plan {
        Plan {
            fetch: self.fetch.clone(),
            guard: self.guard.clone(),
            sites: self.sites.clone(),
            chosen,
            pages,
            since,
            settings: self.settings.clone(),
            resumed: None,
        }
    }
}

/// When output files are cut, as the configuration says.
pub fn rotation(config: &Config) -> Rotation {
    Rotation { size: config.output.rotate_size, every: config.output.rotate_every, compress: config.output.compress }
}
