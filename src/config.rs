//! `jingwen.toml`: read strictly, with errors that name the file, the line and what to do.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use miette::{NamedSource, SourceSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::frontier::place::without_passwords;
pub use crate::frontier::place::{LeaseTime, StateConfig};
use crate::notify::{self, Hook};
use crate::output::parts::Compress;
use crate::schedule::{self, Schedule};
use crate::sites::did_you_mean;
pub use crate::sites::recheck::RecheckAge;
pub use crate::sites::requests::UserAgent;
use crate::units::{Hours, Rate, Share, Size, Span, not_zero, some_not_zero};
use crate::urls::host_pattern;

/// The user agent that `jingwen init` writes and that asks to be replaced.
pub const EXAMPLE_CONTACT: &str = "contact@example.org";

/// The default user agent.
pub fn default_user_agent() -> String {
    format!("jingwen/{} (+https://example.org/jingwen; {EXAMPLE_CONTACT})", env!("CARGO_PKG_VERSION"))
}

/// The whole file.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder with selector files that add to and override the built-in ones.
    pub selectors: Option<PathBuf>,
    /// Sites to crawl when the command line names none: ids of selector files (`sznews`). Absent: all of the folder
    /// `selectors` that say where to start.
    #[schemars(with = "Option<Vec<String>>")]
    pub sites: Option<Vec<toml::Spanned<String>>>,
    /// When `jingwen daemon` crawls the sites whose own files do not say: a cron expression (`"*/10 6-23 * * *"`, with a
    /// time zone behind it if it is another than the site's), or an interval (`"every 30m"`).
    #[schemars(with = "Option<String>")]
    pub schedule: Option<toml::Spanned<String>>,
    /// Requests.
    pub http: HttpConfig,
    /// How gently.
    pub politeness: Politeness,
    /// Where links lead ever further.
    pub traps: TrapsConfig,
    /// What records hold, and how sure they must be.
    pub clean: CleanConfig,
    /// Where records go.
    pub output: OutputConfig,
    /// Where the crawl's memory is.
    pub state: StateConfig,
    /// How `jingwen daemon` works.
    pub daemon: DaemonConfig,
    /// What runs leave out, look at again, and end with.
    pub crawl: CrawlConfig,
    /// Whom to tell of what.
    pub notify: Vec<Hook>,
}

/// `[crawl]`: what runs leave out, look at again, and end with. A site's own file wins for runs of that site alone, as the
/// daemon's are, and the command line over both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CrawlConfig {
    /// Leave out articles older than this: `"7d"`. Absent: none.
    #[serde(deserialize_with = "some_not_zero")]
    pub since: Option<Span>,
    /// Ask again, conditionally, for articles first written at most this long ago (31d at most), to catch corrections.
    /// Each is asked for seldomer as it grows older: after five minutes at first, then when half of its age has passed.
    pub recheck: Option<RecheckAge>,
    /// Most articles of one run.
    pub limit: Option<NonZeroU64>,
    /// Most pages asked for in one run.
    pub max_pages: Option<NonZeroU64>,
    /// Longest that a run begins new requests.
    #[serde(deserialize_with = "some_not_zero")]
    pub max_time: Option<Span>,
    /// Ask only for lists that are due by their own rhythm, as runs do that come again and again.
    pub due: bool,
}

/// `[daemon]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DaemonConfig {
    /// Where the status page, health checks and metrics are.
    pub listen: SocketAddr,
    /// Names under which a proxy in front asks for the status page, where it listens on loopback: `["status.example.org"]`.
    /// Others than these, `localhost` and loopback addresses are refused there, so that no web page can lead a name of its
    /// own to it (DNS rebinding).
    pub hosts: Vec<String>,
    /// Runs begin up to so much later than their time, each site by an amount of its own, so that not all begin at once.
    pub jitter: Span,
    /// How long requests under way may take when the program is asked to stop; what is left then is fetched anew at the
    /// next start.
    pub grace: Span,
    /// A file that holds the token which the buttons of the status page ask for. Without one (and without
    /// `JINGWEN_TOKEN` in the environment) the page only shows.
    pub token_file: Option<PathBuf>,
    /// Time zone of the status page where a site has none: `"Asia/Shanghai"`.
    pub timezone: ZoneName,
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            hosts: Vec::new(),
            jitter: Span(std::time::Duration::from_secs(30)),
            grace: Span(std::time::Duration::from_secs(20)),
            token_file: None,
            timezone: ZoneName("Asia/Shanghai".to_owned()),
        }
    }
}

/// `[http]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Sent with every request; name a contact, so that a site can reach you instead of blocking you.
    pub user_agent: UserAgent,
    /// For a whole request, body included.
    #[serde(deserialize_with = "not_zero")]
    pub timeout: Span,
    /// For the connection.
    #[serde(deserialize_with = "not_zero")]
    pub connect_timeout: Span,
    /// Largest decoded body.
    #[serde(deserialize_with = "not_zero")]
    pub max_body: Size,
    /// Redirects followed from one address.
    pub max_redirects: u32,
    /// Requests under way at a time, over all hosts.
    #[serde(deserialize_with = "not_zero")]
    pub in_flight: u32,
    /// Ranges of private addresses that may be connected to: `["127.0.0.0/8"]`.
    pub allow_private: Vec<Cidr>,
    /// A proxy that all requests go through: `"http://name:password@proxy.example:3128"`; also `https`, `socks5` (names are
    /// looked up here) and `socks5h` (by the proxy). What it may connect to is then the proxy's business: of the hosts, only
    /// those that are addresses themselves can be checked here.
    pub proxy: Option<ProxyUrl>,
    /// Hosts, domains and address ranges that are asked without the proxy: `["intranet.example", "10.0.0.0/8"]`.
    pub no_proxy: Vec<String>,
    /// File with certificates (PEM) of authorities that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Connect only by IPv4 (`"4"`) or IPv6 (`"6"`).
    pub ip: Option<IpFamily>,
    /// Names that are not looked up: host to address, with a port if another than the usual one is meant. A port other
    /// than 443 is spoken to in plain HTTP, also for https addresses.
    pub resolve: BTreeMap<String, Target>,
}

/// `[politeness]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Politeness {
    /// Most requests per time and host; a site's own file and its robots.txt can only make it slower. Absent: what the
    /// site's file says, else one per second.
    pub rate: Option<Rate>,
    /// Most requests under way at one host. Absent: what the site's file says, else one.
    pub concurrency: Option<Concurrency>,
    /// Hours of the day, in each site's time zone, in which nothing is asked: `["00:00-06:30"]`; a site's own file can
    /// only add to them.
    pub quiet: Vec<Hours>,
    /// Most requests to one site on one day; a site's own file can only make it fewer. Absent: as many as the rate gives.
    pub per_day: Option<NonZeroU64>,
    /// Hosts whose names lead to the same address share one limit: their requests are as far apart as those to one host.
    pub per_address: bool,
    /// Keep to robots.txt.
    pub respect_robots: bool,
    /// Ask for the sitemaps that robots.txt names, where a site's file names none; they find what stands on no list, and
    /// cost a request each.
    pub sitemaps: bool,
    /// How long a run waits for a host that asked to wait; longer waits are left to the next run.
    pub patience: Span,
}

/// `[traps]`: bounds for lists, of which some sites have no end (calendars, filters). Articles are not counted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrapsConfig {
    /// Most links from a seed to a list.
    pub max_depth: u32,
    /// Most new lists in one run of a host whose addresses differ only in their numbers.
    pub max_per_pattern: u32,
    /// Most pages of one host in one run; the rest waits for the next one. Absent: all.
    pub max_per_host: Option<NonZeroU32>,
}

impl Default for TrapsConfig {
    fn default() -> Self {
        let TrapLimits { depth, per_pattern, per_host } = TrapLimits::default();
        Self { max_depth: depth, max_per_pattern: per_pattern, max_per_host: per_host }
    }
}

/// `[clean]`: what records hold, and how sure they must be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CleanConfig {
    /// Reject articles whose confidence is below this, between 0 and 1, with the reason `low-confidence`: `0.5`. Absent: none.
    pub min_confidence: Option<Share>,
    /// Learn which lines repeat on the pages of a host that no selector file covers, and leave them out of later ones. A record
    /// then depends on the pages that came before it; without this it depends on its page alone.
    pub learn_repeats: bool,
    /// Write the body as blocks too (paragraphs, headings, lists, tables, figures, …), beside `text`.
    pub blocks: bool,
}

/// `[output]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutputConfig {
    /// Folder for `articles.jsonl` and `rejected.jsonl`.
    pub dir: PathBuf,
    /// Cut a file into a part of its own (`articles-000001.jsonl`) once it has this size: "256MiB". Absent: never.
    #[serde(deserialize_with = "some_not_zero")]
    pub rotate_size: Option<Size>,
    /// … or once its first record is this old: "1d". Absent: never.
    #[serde(deserialize_with = "some_not_zero")]
    pub rotate_every: Option<Span>,
    /// How parts are stored.
    pub compress: Compress,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            user_agent: UserAgent(default_user_agent()),
            timeout: Span(std::time::Duration::from_secs(30)),
            connect_timeout: Span(std::time::Duration::from_secs(10)),
            max_body: Size(10 << 20),
            max_redirects: 10,
            in_flight: 256,
            allow_private: Vec::new(),
            proxy: None,
            no_proxy: Vec::new(),
            ca_file: None,
            ip: None,
            resolve: BTreeMap::new(),
        }
    }
}

impl Default for Politeness {
    fn default() -> Self {
        Self {
            rate: None,
            concurrency: None,
            quiet: Vec::new(),
            per_day: None,
            per_address: false,
            respect_robots: true,
            sitemaps: true,
            patience: Span(std::time::Duration::from_secs(60)),
        }
    }
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self { dir: PathBuf::from("out"), rotate_size: None, rotate_every: None, compress: Compress::None }
    }
}

/// How far lists are followed.
#[derive(Debug, Clone, Copy)]
pub struct TrapLimits {
    /// Links from a seed.
    pub depth: u32,
    /// Lists of one host and pattern that are in the queue at a time.
    pub per_pattern: u32,
    /// Pages of one host in one run.
    pub per_host: Option<NonZeroU32>,
}

impl Default for TrapLimits {
    fn default() -> Self {
        Self { depth: 500, per_pattern: 5000, per_host: None }
    }
}

/// A family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IpFamily {
    /// IPv4.
    #[serde(rename = "4")]
    V4,
    /// IPv6.
    #[serde(rename = "6")]
    V6,
}

impl IpFamily {
    /// True for its own addresses.
    pub fn has(self, ip: IpAddr) -> bool {
        ip.to_canonical().is_ipv4() == (self == Self::V4)
    }
}

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident($inner:ty), $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(pub $inner);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let check: fn(&str) -> Result<$inner, String> = $check;
                check(&text).map(Self)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0.to_string()
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::try_from(text.to_owned())
            }
        }
    };
}

checked_text!(
    /// The address of a proxy.
    ProxyUrl(String),
    |text| {
        let bad = |why: String| format!("{why}; write \"http://proxy.example:3128\" or \"socks5://127.0.0.1:1080\"");
        let url = Url::parse(text).map_err(|error| bad(format!("the proxy's address cannot be read: {error}")))?;
        match (url.scheme(), url.host_str()) {
            ("http" | "https" | "socks5" | "socks5h", Some(_)) => Ok(text.to_owned()),
            (scheme, _) => Err(bad(format!("a proxy is not spoken to by `{scheme}`"))),
        }
    }
);

impl ProxyUrl {
    /// The name or address of the proxy's host.
    pub fn host(&self) -> Option<String> {
        Url::parse(&self.0).ok()?.host_str().map(str::to_ascii_lowercase)
    }
}

checked_text!(
    /// The IANA name of a time zone.
    ZoneName(String),
    |text| match TimeZone::get(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!("`{text}` is no time zone; write \"Asia/Shanghai\" or the like")),
    }
);

checked_text!(
    /// A range of addresses (`127.0.0.0/8`) or one address.
    Cidr(IpNet),
    |text| {
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| format!("`{text}` is no address range; write \"127.0.0.0/8\", \"::1\" or the like"))
    }
);

/// Where a name leads: an address, with a port if another than the usual one is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Target(pub SocketAddr);

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        text.parse::<SocketAddr>()
            .or_else(|_| bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0)))
            .map(Self)
            .map_err(|_| format!("`{text}` is no address; write \"127.0.0.1\" or \"127.0.0.1:8080\""))
    }
}

impl From<Target> for String {
    fn from(target: Target) -> String {
        match target.0.port() {
            0 => target.0.ip().to_string(),
            _ => target.0.to_string(),
        }
    }
}

/// Requests under way at one host, 1 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i64", into = "i64")]
pub struct Concurrency(#[schemars(range(min = 1, max = 1000))] pub u32);

impl TryFrom<i64> for Concurrency {
    type Error = String;

    fn try_from(n: i64) -> Result<Self, String> {
        match u32::try_from(n) {
            Ok(n @ 1..=1000) => Ok(Self(n)),
            _ => Err(format!("concurrency is 1 to 1000, not {n}")),
        }
    }
}

impl From<Concurrency> for i64 {
    fn from(value: Concurrency) -> i64 {
        value.0.into()
    }
}

/// What is wrong with a configuration file.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ConfigError {
    /// It could not be read.
    #[error("cannot read {path}: {source}")]
    #[diagnostic(help("give the right file with --config, or write one with `jingwen init DIR`"))]
    Read {
        /// File.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its text is wrong.
    #[error("{message}")]
    Text {
        /// What is wrong.
        message: String,
        /// The file's text.
        #[source_code]
        text: Arc<NamedSource<String>>,
        /// Where.
        #[label("here")]
        at: SourceSpan,
        /// What to do.
        #[help]
        help: Option<String>,
    },
}

impl Config {
    /// Reads a file; paths in it become relative to it.
    pub fn load(path: &Path) -> Result<(Self, ConfigSource), ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let source = ConfigSource { name: path.display().to_string(), text };
        let mut config = source.parse()?;
        let base = path.parent().unwrap_or(Path::new(""));
        let dirs = [Some(&mut config.output.dir), Some(&mut config.state.dir), config.selectors.as_mut()];
        let files =
            [config.daemon.token_file.as_mut(), config.state.password_file.as_mut(), config.http.ca_file.as_mut()];
        for dir in dirs.into_iter().chain(files).flatten() {
            *dir = base.join(&*dir);
        }
        config.notify.iter_mut().for_each(|hook| hook.rebase(base));
        if let Some(schedule) = &config.schedule
            && let Err(error) = Schedule::parse(schedule.get_ref(), &TimeZone::UTC)
        {
            return Err(source.error(error.to_string(), schedule.span(), Some(schedule::HELP.into())));
        }
        if let Err(error) = notify::check(&config.notify) {
            let at = source.find(&error.hook);
            return Err(source.error(error.to_string(), at, None));
        }
        if let Some(dir) = &config.selectors
            && !dir.is_dir()
        {
            let at = source.find("selectors");
            return Err(source.error(
                format!("there is no folder {}", dir.display()),
                at,
                Some("make it, or leave `selectors` out to use the built-in files alone".into()),
            ));
        }
        Ok((config, source))
    }

    /// The address guard's table of names.
    pub fn resolve(&self) -> HashMap<String, SocketAddr> {
        self.http.resolve.iter().map(|(name, to)| (host_pattern(name), to.0)).collect()
    }

    /// Permitted private ranges.
    pub fn allow_private(&self) -> Vec<IpNet> {
        self.http.allow_private.iter().map(|c| c.0).collect()
    }
}

/// A configuration's text, kept for errors that are found later.
#[derive(Debug, Clone)]
pub struct ConfigSource {
    name: String,
    text: String,
}

impl ConfigSource {
    /// Text under a name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Reads the text.
    pub fn parse(&self) -> Result<Config, ConfigError> {
        toml::from_str(&self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let message = error.message().trim().to_owned();
            let help = suggestion(&message);
            self.error(message, span, help)
        })
    }

    /// An error at a place of the text.
    pub fn error(&self, message: String, at: std::ops::Range<usize>, help: Option<String>) -> ConfigError {
        let text = Arc::new(NamedSource::new(&self.name, without_passwords(&self.text)));
        ConfigError::Text { message, text, at: at.into(), help }
    }

    fn find(&self, key: &str) -> std::ops::Range<usize> {
        let at = self.text.find(key).unwrap_or(0);
        at..(at + key.len()).min(self.text.len())
    }
}

/// `did you mean …` for messages of the form ``unknown field `x`, expected one of `a`, `b` ``.
fn suggestion(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    let (unknown, rest) = rest.split_once('`')?;
    let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    match did_you_mean(unknown, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None => Some(format!("known here: {}", known.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> (String, usize, Option<String>) {
        match ConfigSource::new("jingwen.toml", text).parse() {
            Err(ConfigError::Text { message, at, help, .. }) => (message, at.offset(), help),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
            selectors = "selectors"
            sites = ["sznews"]
            [http]
            user_agent = "mine/1.0 (+https://a.example; me@a.example)"
            timeout = "20s"
            max_body = "5MiB"
            allow_private = ["127.0.0.0/8", "::1"]
            resolve = { "www.sznews.com" = "127.0.0.1:8080", "b.example" = "127.0.0.2" }
            [politeness]
            rate = "1/3s"
            concurrency = 2
            respect_robots = true
            [output]
            dir = "out"
            [state]
            dir = "state"
        "#;
        let config = ConfigSource::new("x", text).parse().unwrap();
        assert_eq!(config.resolve()["www.sznews.com"], "127.0.0.1:8080".parse().unwrap());
        assert_eq!(config.resolve()["b.example"], "127.0.0.2:0".parse().unwrap());
        let again = toml::to_string(&config).unwrap();
        assert_eq!(ConfigSource::new("x", again).parse().unwrap().http.max_body, Size(5 << 20));
    }

    #[test]
    fn errors_point_at_the_place_and_name_the_cure() {
        let (message, at, help) = broken("[http]\ntimout = \"30s\"\n");
        assert!(message.contains("timout"), "{message}");
        assert_eq!((at, help.as_deref()), (7, Some("did you mean `timeout`?")));
        for (text, words) in [
            ("[http]\ntimeout = 30\n", "expected a"),
            ("[http]\ntimeout = \"30 parsecs\"\n", "\"30s\""),
            ("[http]\nmax_body = \"big\"\n", "\"10MiB\""),
            ("[http]\nallow_private = [\"lan\"]\n", "127.0.0.0/8"),
            ("[http]\nresolve = { \"a.example\" = \"b.example\" }\n", "127.0.0.1:8080"),
            ("[http]\nuser_agent = \"中\"\n", "ASCII"),
            ("[http]\nuser_agent = \"(x)\"\n", "name"),
            ("[politeness]\nrate = \"fast\"\n", "1/3s"),
            ("[politeness]\nconcurrency = 0\n", "1 to 1000"),
            ("[state]\nlease = \"10ms\"\n", "a second or more"),
            ("[state]\npostgres = \"mysql://a:s3cret@b/c\"\n", "`mysql:`"),
        ] {
            let (message, at, _) = broken(text);
            assert!(message.contains(words), "{text}: {message}");
            assert!(at > 0, "{text}");
        }
    }

    #[test]
    fn likeness() {
        assert_eq!(did_you_mean("politness", ["politeness", "output"]), Some("politeness"));
        assert_eq!(did_you_mean("xyz", ["politeness", "output"]), None);
    }
}
