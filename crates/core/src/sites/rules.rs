//! Selector files, compiled: what cleaning and crawling read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use url::Url;

use super::css::Css;
use super::json_link::LinkTemplate;
use super::json_path::JsonPath;
use super::model;
use super::plan::Plan;
use super::problem::Origin;
use super::requests::RequestRules;
use crate::pattern::Pattern;
use crate::units::Hours;
use crate::urls::UrlRules;

/// Shared rules (`_common.toml`).
#[derive(Debug, Clone, Default)]
pub struct Common {
    /// Line rules.
    pub lines: Vec<LineRule>,
    /// Fallback steps by field, tried after a template's own.
    pub fields: Fields,
    /// Elements that are never body.
    pub remove: Vec<Css>,
}

/// A `[[test]]` as written, and where.
#[derive(Debug, Clone)]
pub struct SiteTest {
    /// What must come out.
    pub expect: model::Test,
    /// Bytes of the file it stands in.
    pub span: Range<usize>,
    /// Line of the file it begins in, from 1.
    pub line: usize,
}

/// A selector file, compiled. Can only be made from a valid file.
#[derive(Debug, Clone)]
pub struct Site {
    /// File stem: `sznews`.
    pub id: String,
    /// File name as shown to people: `selectors/sznews.toml`.
    pub file: String,
    /// First 16 hexadecimal digits of the SHA-256 of the file and of those it extends.
    pub hash: String,
    /// 深圳新闻网.
    pub name: String,
    /// 深圳报业集团.
    pub outlet: Option<String>,
    /// Hosts as written: exact names or `*.example.com`.
    pub hosts: Vec<String>,
    /// Outlet's name by host, for files with several.
    pub names: BTreeMap<String, String>,
    /// Zone of dates without one.
    pub timezone: TimeZone,
    /// Overrides what the bytes say.
    pub charset: Option<&'static encoding_rs::Encoding>,
    /// BCP 47 tag of the site's language, if the file says so.
    pub language: Option<String>,
    /// `high`, `medium` or `low`: how well the selectors are evidenced.
    pub confidence: Confidence,
    /// How to crawl it.
    pub crawl: CrawlRules,
    /// Tried in order; the first whose `when` and `require` hold wins.
    pub templates: Vec<Template>,
    /// Line rules for all templates: own ones first, then the common ones.
    pub lines: Vec<LineRule>,
    /// Where the file came from.
    pub origin: Origin,
    /// What must come out of pages.
    pub tests: Vec<SiteTest>,
    /// What of a page these rules look at; made when the first page is cleaned.
    pub(crate) plan: OnceLock<Plan>,
}

/// How well a file's selectors are evidenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Checked on real pages.
    High,
    /// Several independent sources agree.
    #[default]
    Medium,
    /// Never seen on a real page.
    Low,
}

/// What a selector file says about crawling.
#[derive(Debug, Clone, Default)]
pub struct CrawlRules {
    /// Where to start.
    pub seeds: Vec<Url>,
    /// RSS or Atom.
    pub feeds: Vec<Url>,
    /// XML sitemaps, news sitemaps included.
    pub sitemaps: Vec<Url>,
    /// Pages to collect links from (matched against the whole canonical URL).
    pub lists: Vec<ListRule>,
    /// Article pages.
    pub articles: Vec<Arc<Pattern>>,
    /// Never fetched.
    pub deny: Vec<Arc<Pattern>>,
    /// How addresses are made canonical.
    pub urls: UrlRules,
    /// On list pages, only these links (the element itself or links inside it).
    pub links: Vec<Css>,
    /// Time between two requests to a host.
    pub interval: Option<Duration>,
    /// Requests in flight per host.
    pub concurrency: Option<u32>,
    /// Hours in which nothing is asked, in the site's zone.
    pub quiet: Vec<Hours>,
    /// Most requests on one day, over all hosts.
    pub per_day: Option<u64>,
    /// How often a list is looked at again.
    pub refresh: Option<Duration>,
    /// What to do on a status.
    pub on_status: BTreeMap<u16, StatusAction>,
    /// The site's own schedule (daemon).
    pub schedule: Option<String>,
    /// Articles older than this are left out.
    pub since: Option<Duration>,
    /// Articles first written so long ago or less are asked for again.
    pub recheck: Option<Duration>,
    /// Most articles of one run.
    pub limit: Option<u64>,
    /// Most requests of one run.
    pub max_pages: Option<u64>,
    /// What goes along with requests.
    pub requests: RequestRules,
}

impl CrawlRules {
    /// True where the file says something of runs of this site alone.
    pub fn has_run_rules(&self) -> bool {
        self.limit.is_some() || self.max_pages.is_some() || self.recheck.is_some()
    }

    /// True where the file says where a crawl begins.
    pub fn has_start(&self) -> bool {
        !self.seeds.is_empty() || !self.feeds.is_empty() || !self.sitemaps.is_empty()
    }

    /// True for pages to collect links from: those that `lists` names, and the seeds.
    pub fn is_list(&self, url: Option<&Url>) -> bool {
        url.is_some_and(|url| {
            self.lists.iter().any(|rule| rule.url.is_match_of_address(url.as_str()))
                || self.seeds.iter().any(|seed| seed == url)
        })
    }
}

/// A pattern of list pages.
#[derive(Debug, Clone)]
pub struct ListRule {
    /// Matched against the whole canonical URL.
    pub url: Arc<Pattern>,
    /// For lists in JSON: how to read them.
    pub json: Option<Arc<JsonRule>>,
}

/// How a list in JSON is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonRule {
    /// Paths to the addresses, `data[].URL`, or to the items that `link` makes them of.
    pub paths: Vec<JsonPath>,
    /// The address of an item.
    pub link: Option<LinkTemplate>,
}

/// Reaction to an HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StatusAction {
    /// Leave the host alone for a while and report it.
    Block,
    /// Wait (Retry-After, else exponentially) and try again.
    Backoff,
    /// The page is gone: reject it.
    Reject,
    /// Retry the page only.
    Retry,
}

/// One layout of a site.
#[derive(Debug, Clone)]
pub struct Template {
    /// Unique in its file.
    pub name: String,
    /// What pages of this layout are.
    pub kind: TemplateKind,
    /// When it applies.
    pub when: When,
    /// First day it was in use, for ordering and warnings.
    pub since: Option<Date>,
    /// Last day it was in use.
    pub until: Option<Date>,
    /// Where each field is found.
    pub fields: Fields,
    /// Cut from the body's container.
    pub remove: Vec<Css>,
    /// What `remove` must not touch.
    pub keep: Vec<Css>,
    /// Captions inside the container: out of the body, into `images`.
    pub captions: Vec<Css>,
    /// Short lines are kept only where the container's paragraphs stand.
    pub strict: bool,
    /// Next page of a paginated article.
    pub next: Option<NextRule>,
    /// Single-page twin.
    pub whole: Option<WholeRule>,
    /// What the result must satisfy for the template to win.
    pub require: Require,
    /// Line rules of this template alone; tried before the site's.
    pub lines: Vec<LineRule>,
    /// Where it was written, `selectors/sznews.toml:12`.
    pub origin: String,
}

/// Kind of a template's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TemplateKind {
    /// Written as an article.
    #[default]
    Article,
    /// Written as a gallery, if it has text of its own.
    Gallery,
    /// Written as a video, if it has text of its own.
    Video,
    /// Only links are taken.
    List,
    /// Not written; the reason names the template.
    Skip,
}

/// When a template applies; all that are given must hold.
#[derive(Debug, Clone, Default)]
pub struct When {
    /// Any of these matches the URL.
    pub url: Vec<Arc<Pattern>>,
    /// Each of these finds an element.
    pub has: Vec<Css>,
    /// None of these finds an element.
    pub lacks: Vec<Css>,
}

/// A template's fields: lists of steps; the first step that gives a value which passes its checks wins.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    pub title: Vec<Step>,
    pub body: Vec<Step>,
    pub summary: Vec<Step>,
    pub section: Vec<Step>,
    pub keywords: Vec<Step>,
    pub authors: Vec<Step>,
    pub source: Vec<Step>,
    pub editors: Vec<Step>,
    pub published: Vec<Step>,
    pub modified: Vec<Step>,
}

impl Fields {
    /// Names of the fields.
    pub const NAMES: [&'static str; 10] =
        ["title", "body", "summary", "section", "keywords", "authors", "source", "editors", "published", "modified"];

    /// Steps of a field by its name.
    pub fn get(&self, name: &str) -> Option<&Vec<Step>> {
        Some(match name {
            "title" => &self.title,
            "body" => &self.body,
            "summary" => &self.summary,
            "section" => &self.section,
            "keywords" => &self.keywords,
            "authors" => &self.authors,
            "source" => &self.source,
            "editors" => &self.editors,
            "published" => &self.published,
            "modified" => &self.modified,
            _ => return None,
        })
    }

    /// Steps of a field by its name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Vec<Step>> {
        Some(match name {
            "title" => &mut self.title,
            "body" => &mut self.body,
            "summary" => &mut self.summary,
            "section" => &mut self.section,
            "keywords" => &mut self.keywords,
            "authors" => &mut self.authors,
            "source" => &mut self.source,
            "editors" => &mut self.editors,
            "published" => &mut self.published,
            "modified" => &mut self.modified,
            _ => return None,
        })
    }

    /// Puts the steps of other fields after these.
    pub fn append(&mut self, other: &Fields) {
        self.title.extend_from_slice(&other.title);
        self.body.extend_from_slice(&other.body);
        self.summary.extend_from_slice(&other.summary);
        self.section.extend_from_slice(&other.section);
        self.keywords.extend_from_slice(&other.keywords);
        self.authors.extend_from_slice(&other.authors);
        self.source.extend_from_slice(&other.source);
        self.editors.extend_from_slice(&other.editors);
        self.published.extend_from_slice(&other.published);
        self.modified.extend_from_slice(&other.modified);
    }
}

/// One way to find a value.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where to read.
    pub read: Read,
    /// Which of several matches.
    pub pick: Pick,
    /// Removed from the value, each wherever it stands.
    pub strip: Vec<Arc<Pattern>>,
    /// The value is the first group (or the whole match); named groups are roles of `editors`.
    pub capture: Option<Arc<Pattern>>,
    /// For dates: a `strptime` pattern, tried before the general parser.
    pub format: Option<String>,
    /// The value is a string that holds markup: unescape and parse it before it is cleaned as a body.
    pub html: bool,
}

/// Where a step reads.
#[derive(Debug, Clone)]
pub enum Read {
    /// Text (or an attribute) of elements.
    Css { selector: Css, attr: Option<String> },
    /// `content` of the `meta` with this `name`, `property` or `itemprop` (compared trimmed, without case).
    Meta(String),
    /// Path into the page's JSON-LD.
    JsonLd(String),
    /// Path into a script's JSON: of the script that `script` selects, or after the text that `after` matches.
    Json { script: Option<Css>, after: Option<Arc<Pattern>>, path: String },
    /// Regex over all scripts.
    Script(Arc<Pattern>),
    /// Regex over the page's address.
    Url(Arc<Pattern>),
    /// A constant.
    Value(String),
}

/// Which of several matches a step takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pick {
    /// The first that holds text.
    #[default]
    First,
    /// The one with the most text.
    Longest,
    /// All of them, in page order.
    All,
    /// Only if there is exactly one.
    Only,
}

/// Link to the next page.
#[derive(Debug, Clone)]
pub struct NextRule {
    /// The link.
    pub css: Css,
    /// Its text must match, if given.
    pub text: Option<Arc<Pattern>>,
    /// Most pages to join.
    pub max: u32,
}

/// A single-page twin: a link, or a rewrite of the address.
#[derive(Debug, Clone)]
pub enum WholeRule {
    /// A link, with the text it must match.
    Link { css: Css, text: Option<Arc<Pattern>> },
    /// A rewrite of the address.
    Url { from: Arc<Pattern>, to: String },
}

/// What a template's result must satisfy.
#[derive(Debug, Clone, Default)]
pub struct Require {
    /// Least characters of body, white space not counted.
    pub min_chars: usize,
    /// Fields that must have a value.
    pub fields: Vec<String>,
    /// Most share of the body's characters inside links.
    pub max_link_density: Option<f64>,
    /// No line of the body may match.
    pub forbid: Vec<Arc<Pattern>>,
}

/// A rule on a finished line of the body.
#[derive(Debug, Clone)]
pub struct LineRule {
    /// What the trimmed line must match.
    pub pattern: Arc<Pattern>,
    /// What happens then.
    pub action: LineAction,
    /// Named groups are editorial roles, or `source`, `author`.
    pub capture: Option<Arc<Pattern>>,
    /// Only within this many lines from the end.
    pub within_last: Option<usize>,
    /// Only within this many lines from the start.
    pub within_first: Option<usize>,
    /// Only lines of at most this many characters.
    pub max_chars: Option<usize>,
    /// Where it was written, `_common.toml:12`.
    pub origin: String,
    /// It holds for all sites, and knows none of them.
    pub is_common: bool,
}

/// What a line rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LineAction {
    /// Drop this line.
    Drop,
    /// Drop this line and all after it.
    Cut,
    /// Remove only what matched from the line.
    Strip,
}
