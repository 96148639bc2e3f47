//! Everything that comes from files, checked as a whole and swapped as a whole.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;

use crate::config::{Config, ConfigSource};
use crate::crawl::setup::Setup;
use crate::schedule::{HELP, Schedule, ScheduleError};
use crate::sites::load::Set;
use crate::sites::{Site, load};

/// Reads the files anew; called on a thread that may take its time.
pub type Loader = Arc<dyn Fn() -> Result<Live, miette::Report> + Send + Sync>;

/// What is in force.
#[derive(Clone)]
pub struct Live {
    /// The configuration.
    pub config: Config,
    /// What runs are made with.
    pub setup: Setup,
    /// The schedule of each site that is crawled.
    pub schedules: BTreeMap<String, Schedule>,
    /// Files and folders that all of this was read from.
    pub files: Vec<PathBuf>,
    /// Folders of selector files.
    folders: Vec<PathBuf>,
    /// Selector files as written, read when they are first shown.
    written: Arc<OnceLock<Set>>,
    /// What the buttons of the status page ask for.
    pub token: Option<String>,
    sites: BTreeMap<String, Arc<Site>>,
}

/// Why a configuration cannot be worked with.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LiveError {
    /// Nobody says when a site is due.
    #[error("{site} has no schedule")]
    #[diagnostic(help(
        "set `schedule = \"*/10 6-23 * * *\"` at the top of jingwen.toml, or `schedule` under [crawl] of the site's file"
    ))]
    NoSchedule {
        /// The site.
        site: String,
    },
    /// A site's own schedule cannot be read.
    #[error("{file}: {source}")]
    #[diagnostic(help("{HELP}"))]
    Site {
        /// Its selector file.
        file: String,
        /// What is wrong.
        source: ScheduleError,
    },
    /// The token cannot be read.
    #[error("cannot read the token {}: {source}", path.display())]
    #[diagnostic(help("make the file, readable by this user, or leave `token_file` out"))]
    Token {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A token that anyone can guess.
    #[error("the token has {chars} characters")]
    #[diagnostic(help("16 or more, drawn at random: `openssl rand -hex 24`"))]
    WeakToken {
        /// Its length.
        chars: usize,
    },
}

impl Live {
    /// Puts together what is in force.
    ///
    /// # Errors
    ///
    /// A schedule or token that is missing or wrong, naming the place.
    pub fn new(
        config: Config,
        source: Option<&ConfigSource>,
        setup: Setup,
        chosen: Vec<Arc<Site>>,
        folders: Vec<PathBuf>,
        files: Vec<PathBuf>,
    ) -> Result<Self, miette::Report> {
        let mut schedules = BTreeMap::new();
        for site in &chosen {
            let schedule = match (&site.crawl.schedule, &config.schedule) {
                (Some(own), _) => Schedule::parse(own, &site.timezone)
                    .map_err(|source| LiveError::Site { file: site.file.clone(), source })?,
                (None, Some(global)) => {
                    Schedule::parse(global.get_ref(), &site.timezone).map_err(|error| match source {
                        Some(file) => file.error(error.to_string(), global.span(), Some(HELP.into())).into(),
                        None => miette::Report::msg(error.to_string()),
                    })?
                }
                (None, None) => return Err(LiveError::NoSchedule { site: site.id.clone() }.into()),
            };
            schedules.insert(site.id.clone(), schedule);
        }
        let token = token(&config)?;
        let sites = chosen.into_iter().map(|site| (site.id.clone(), site)).collect();
        Ok(Self { config, setup, schedules, files, folders, written: Arc::default(), token, sites })
    }

    /// A site that is crawled.
    pub fn site(&self, id: &str) -> Option<&Arc<Site>> {
        self.sites.get(id)
    }

    /// The selector files as written, for showing what they say. Whatever is wrong with them was told when they were read.
    pub fn written(&self) -> &Set {
        self.written.get_or_init(|| {
            let mut files = load::builtin();
            files.extend(load::read(&self.folders).unwrap_or_default());
            load::parse(files, &mut Vec::new())
        })
    }

    /// The sites that are crawled, by id.
    pub fn sites(&self) -> impl Iterator<Item = &Arc<Site>> {
        self.sites.values()
    }

    /// The time zone of what is shown about a site.
    pub fn zone(&self, site: &str) -> TimeZone {
        match self.sites.get(site) {
            Some(site) => site.timezone.clone(),
            None => TimeZone::get(&self.config.daemon.timezone.0).unwrap_or(TimeZone::UTC),
        }
    }

    /// True if a run of a site that began under another would be made otherwise under this one.
    pub fn changes(&self, before: &Live, site: &str) -> bool {
        let hash = |live: &Live| live.site(site).map(|site| site.hash.clone());
        hash(self) != hash(before) || self.manners() != before.manners()
    }

    /// What of the configuration decides how runs are made, as text.
    fn manners(&self) -> [Option<String>; 4] {
        let config = &self.config;
        [
            toml::to_string(&config.http).ok(),
            toml::to_string(&config.politeness).ok(),
            toml::to_string(&config.traps).ok(),
            toml::to_string(&config.crawl).ok(),
        ]
    }

    /// What of a changed configuration is not taken over before the next start.
    pub fn needs_restart(&self, before: &Live) -> Vec<&'static str> {
        let (new, old) = (&self.config, &before.config);
        let mut keys = Vec::new();
        let mut note = |changed: bool, key| {
            if changed {
                keys.push(key);
            }
        };
        note(toml::to_string(&new.state).ok() != toml::to_string(&old.state).ok(), "[state]");
        note(toml::to_string(&new.output).ok() != toml::to_string(&old.output).ok(), "[output]");
        note(new.daemon.listen != old.daemon.listen, "[daemon] listen");
        note(new.http.in_flight != old.http.in_flight, "[http] in_flight");
        keys
    }
}

fn token(config: &Config) -> Result<Option<String>, LiveError> {
    let text = match &config.daemon.token_file {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|source| LiveError::Token { path: path.clone(), source })?
        }
        None => match std::env::var("JINGWEN_TOKEN") {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    let token = text.trim();
    match token.chars().count() {
        chars @ 0..16 => Err(LiveError::WeakToken { chars }),
        _ => Ok(Some(token.to_owned())),
    }
}
