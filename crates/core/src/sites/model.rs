//! The selector file as written. Doc comments here become editor help and the reference in `selectors/README.md`.
//!
//! Nothing is required at this stage: what is missing is reported by `compile`, so that one run tells everything.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, DateText, Many, StrOr};
use super::{Confidence, LineAction, Pick, StatusAction, TemplateKind};
use crate::record::{Kind, Reason};

/// A selector file: one site, or a family of sister sites.
///
/// A file whose name begins with `_` is no site of its own: other files take from it by `extends`. `_common.toml` applies
/// to all sites that do not say `common = false`, and to the generic extractor.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    /// Address of the JSON Schema, for editors; ignored.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// The site's name as its readers know it: `深圳新闻网`.
    pub name: Option<At<String>>,
    /// The publishing house: `深圳报业集团`.
    pub outlet: Option<At<String>>,
    /// Host names without scheme, port or path: exact (`www.sznews.com`) or all below one (`*.sznews.com`). Exact names
    /// win over wildcards, longer wildcards over shorter ones. A name stands for every port.
    pub hosts: Many<String>,
    /// Names of single hosts, where a file covers several papers: `{ "sztqb.sznews.com" = "深圳特区报" }`.
    pub names: BTreeMap<String, At<String>>,
    /// IANA time zone of dates that name none. `Asia/Shanghai` unless given.
    pub timezone: Option<At<String>>,
    /// Overrides the encoding that bytes, headers and metas say. Rarely needed.
    pub charset: Option<At<String>>,
    /// Language of the site's articles as a BCP 47 tag: `zh-CN`, `zh-Hant`, `en`. Found from the text unless given.
    pub language: Option<At<String>>,
    /// How well the selectors are evidenced: `high` checked on real pages, `medium` several sources agree, `low` never
    /// seen on a real page.
    pub confidence: Option<Confidence>,
    /// Another file (its name without `.toml`) whose templates, line rules, `fields` and `remove` are taken over. Own
    /// ones come first; an own template replaces the inherited one of the same name. Hosts and `[crawl]` are not taken.
    pub extends: Option<At<String>>,
    /// `false`: do without the shared rules of `_common.toml`.
    pub common: Option<At<bool>>,
    /// Elements (CSS) that are never body, in all templates of this file.
    pub remove: Many<String>,
    /// Steps tried after those of a template itself, in all templates of this file.
    pub fields: FieldTable,
    /// What to fetch, and how.
    pub crawl: Option<At<Crawl>>,
    /// Layouts of the site, tried in order: the first whose `when` and `require` hold wins.
    pub template: Vec<At<Template>>,
    /// Rules on the finished text, line by line, for all templates. A template's own are tried first.
    pub line: Vec<At<Line>>,
    /// What must come out of a page. Run by `jingwen test`.
    pub test: Vec<At<Test>>,
}

/// One way to find a value: a CSS selector, or a table that says more.
pub type Step = StrOr<StepTable>;

/// Where each field is found. A field is a CSS selector, a step table, or a list of either: the first that gives a value
/// which passes its checks wins.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FieldTable {
    /// Headline.
    pub title: Many<Step>,
    /// Element that holds the article's paragraphs.
    pub body: Many<Step>,
    /// Summary shown apart from the body.
    pub summary: Many<Step>,
    /// Section or channel.
    pub section: Many<Step>,
    /// Keywords.
    pub keywords: Many<Step>,
    /// Authors and reporters (作者, 记者, 通讯员).
    pub authors: Many<Step>,
    /// 来源.
    pub source: Many<Step>,
    /// Editorial roles: named groups of `capture` are roles, `(?P<责任编辑>\S+)`.
    pub editors: Many<Step>,
    /// Date of publication.
    pub published: Many<Step>,
    /// Date of the last change.
    pub modified: Many<Step>,
}

/// How to crawl the site.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Crawl {
    /// Addresses to start from: home and section pages.
    pub seeds: Many<String>,
    /// RSS or Atom feeds.
    pub feeds: Many<String>,
    /// XML sitemaps, news sitemaps included. Those of robots.txt are found anyway.
    pub sitemaps: Many<String>,
    /// Regexes over the whole canonical address: pages to collect links from. A table for lists in JSON.
    pub lists: Many<StrOr<JsonList>>,
    /// Regexes over the whole canonical address: article pages.
    pub articles: Many<String>,
    /// Regexes over the whole canonical address: never fetched.
    pub deny: Many<String>,
    /// Rewrites of addresses, in order, before the fragment goes and the address is made canonical.
    pub rewrite: Many<Rewrite>,
    /// Query keys that do not change the page and are dropped.
    pub drop_query: Many<String>,
    /// The only query keys that change the page: all others are dropped.
    pub keep_query: Option<Many<String>>,
    /// On list pages, follow only these links (CSS; the element may be the link itself or hold it).
    pub links: Many<String>,
    /// Requests per time and host: `"1/3s"`, `"1/s"`, `"20/m"`.
    pub rate: Option<At<String>>,
    /// Requests in flight per host, at least 1.
    pub concurrency: Option<At<u32>>,
    /// Hours of the day, in the site's time zone, in which nothing is asked of it: `"00:00-06:30"`.
    pub quiet: Many<String>,
    /// Most requests on one day, over all hosts of the file.
    pub per_day: Option<At<u64>>,
    /// How often a list is looked at again: `"15m"`.
    pub refresh: Option<At<String>>,
    /// What to do on an HTTP status: `{ "405" = "block", "429" = "backoff" }`. Unless given, 405, 412 and 521 block the
    /// host for a while, 429 and 503 back off.
    pub on_status: BTreeMap<String, At<StatusAction>>,
    /// When `jingwen daemon` crawls the site: a cron expression (five fields, in the site's time zone, or with another
    /// behind them), `"*/20 6-23 * * *"`, or an interval, `"every 30m"`.
    pub schedule: Option<At<String>>,
    /// Leave out articles older than this: `"7d"`.
    pub since: Option<At<String>>,
    /// Ask again, conditionally, for articles first written at most this long ago, to catch corrections: `"48h"`.
    pub recheck: Option<At<String>>,
    /// Most articles of one run.
    pub limit: Option<At<u64>>,
    /// Most requests of one run.
    pub max_pages: Option<At<u64>>,
    /// Headers sent with every request to the file's hosts, and to no others: `{ Referer = "https://www.example.com/" }`.
    pub headers: BTreeMap<String, At<String>>,
    /// Cookies sent from the start, `"age=ok; region=sz"` or `{ age = "ok" }`; those that the site sets are kept for the run.
    /// `false`: none are kept.
    pub cookies: Option<At<Cookies>>,
    /// In place of the configured user agent.
    pub user_agent: Option<At<String>>,
    /// Take any certificate, also one that is expired or for another name: whoever is on the way can then change what is
    /// read. Every report says so.
    pub accept_invalid_certs: bool,
    /// Basic authentication: a name, and where the password is.
    pub auth: Option<At<Auth>>,
}

/// Cookies of a site: text, a table, or whether any are kept.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Cookies {
    /// Whether those that the site sets are kept.
    Switch(bool),
    /// `"age=ok; region=sz"`.
    Text(String),
    /// `{ age = "ok" }`.
    Table(BTreeMap<String, String>),
}

/// Basic authentication.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Name.
    pub user: Option<At<String>>,
    /// Variable of the environment that holds the password: `JINGWEN_AUTH_…`.
    pub password_env: Option<At<String>>,
    /// File that holds the password, in this file's folder.
    pub password_file: Option<At<String>>,
}

/// A list in JSON.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JsonList {
    /// Regex over the address.
    pub url: Option<At<String>>,
    /// Paths to the links: `data[].URL`. `[]` goes into every item, `[0]` into one. A text of HTML gives all its links.
    pub json: Many<String>,
    /// Address of an item, where the list has only a number: `https://news.example.com/a/{id}.html`. The paths then lead to the
    /// items.
    pub link: Option<At<String>>,
}

/// A rewrite of an address.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rewrite {
    /// Regex.
    pub from: Option<At<String>>,
    /// What is put in place of each match; `$1` is the first group, `${1}2` where a digit follows.
    pub to: Option<At<String>>,
}

/// One layout of the site.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Template {
    /// Unique in its file; the record and reports name it.
    pub name: Option<At<String>>,
    /// `article` (default), `gallery`, `video`, `list` (only links are taken) or `skip` (not written).
    pub kind: TemplateKind,
    /// When the template applies; all that is given must hold.
    pub when: WhenTable,
    /// First day this layout was in use. For ordering and warnings.
    pub since: Option<At<DateText>>,
    /// Last day this layout was in use.
    pub until: Option<At<DateText>>,
    /// Headline.
    pub title: Many<Step>,
    /// Element that holds the article's paragraphs.
    pub body: Many<Step>,
    /// Summary shown apart from the body.
    pub summary: Many<Step>,
    /// Section or channel.
    pub section: Many<Step>,
    /// Keywords.
    pub keywords: Many<Step>,
    /// Authors and reporters (作者, 记者, 通讯员).
    pub authors: Many<Step>,
    /// 来源.
    pub source: Many<Step>,
    /// Editorial roles: named groups of `capture` are roles, `(?P<责任编辑>\S+)`.
    pub editors: Many<Step>,
    /// Date of publication.
    pub published: Many<Step>,
    /// Date of the last change.
    pub modified: Many<Step>,
    /// Elements (CSS) inside the body's container that are not body.
    pub remove: Many<String>,
    /// Elements that `remove` must not touch.
    pub keep: Many<String>,
    /// Picture captions inside the container: out of the body, into `images`.
    pub captions: Many<String>,
    /// Short lines are kept only where the container's paragraphs stand (same kind of element, same parent), as the generic
    /// extractor does. For containers into which the site puts ever new boxes; what `learn` writes has it.
    pub strict: bool,
    /// Link to the next page of an article over several pages; they are joined.
    pub next: Option<At<StrOr<NextTable>>>,
    /// Link (or rewrite of the address) to a twin that holds the whole article on one page.
    pub whole: Option<At<StrOr<WholeTable>>>,
    /// What the result must satisfy for this template to win. Else the next one is tried, then the generic extractor.
    pub require: RequireTable,
    /// Line rules of this template alone.
    pub line: Vec<At<Line>>,
}

/// When a template applies; all that is given must hold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WhenTable {
    /// Regexes over the page's address; any of them matches.
    pub url: Many<String>,
    /// CSS; each finds an element.
    pub has: Many<String>,
    /// CSS; none finds an element.
    pub lacks: Many<String>,
}

/// A step: reads from one place, then trims the value.
///
/// Exactly one of `css`, `meta`, `jsonld`, `json`, `script`, `url`, `value`; `css` may go with `json` to say which script.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StepTable {
    /// CSS selector: the text of the element.
    pub css: Option<At<String>>,
    /// With `css`: this attribute in place of the text.
    pub attr: Option<At<String>>,
    /// With `css`: `first` that holds text (default), `longest`, `all`, or `only` if there is exactly one.
    pub pick: Option<At<Pick>>,
    /// Name, property or itemprop of a `<meta>`; compared trimmed and without case.
    pub meta: Option<At<String>>,
    /// Path into the page's JSON-LD: `author.name`.
    pub jsonld: Option<At<String>>,
    /// Path into JSON inside a script: `props.pageProps.detail.content`. `[0]` picks an item, `[]` every item. Of the script
    /// that `css` selects, or of what follows the text `after` matches.
    pub json: Option<At<String>>,
    /// With `json`: regex; the JSON begins right after its match: `window\._CONFIG\s*=`.
    pub after: Option<At<String>>,
    /// Regex over the page's scripts: the first group, or the whole match.
    pub script: Option<At<String>>,
    /// Regex over the page's address: the first group, or the whole match.
    pub url: Option<At<String>>,
    /// A constant.
    pub value: Option<At<String>>,
    /// Taken out of the value wherever it stands: literal text (`"来源："`), or a regex between slashes (`"/\\s+责编.*/"`).
    pub strip: Many<String>,
    /// Regex: the value is its first group, or the whole match if it has none. Where nothing matches there is no value.
    /// Named groups are editorial roles.
    pub capture: Option<At<String>>,
    /// For dates: a `strptime` pattern (`%Y年%m月%d日 %H:%M`), tried before the general parser.
    pub format: Option<At<String>>,
    /// The value is a string that holds markup: it is unescaped and parsed before it is cleaned as a body.
    pub html: bool,
}

/// Link to the next page of an article.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NextTable {
    /// CSS of the link.
    pub css: Option<At<String>>,
    /// Regex that the link's text matches: `下一页`.
    pub text: Option<At<String>>,
    /// Most pages to join. 20 unless given.
    pub max: Option<At<u32>>,
}

/// A twin that holds the whole article on one page: `css` (and `text`), or `from` and `to`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WholeTable {
    /// CSS of the link.
    pub css: Option<At<String>>,
    /// Regex that the link's text matches: `全文阅读`.
    pub text: Option<At<String>>,
    /// Regex over the page's address.
    pub from: Option<At<String>>,
    /// What is put in place of the match.
    pub to: Option<At<String>>,
}

/// What a template's result must satisfy.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RequireTable {
    /// Least characters of body, white space not counted.
    pub min_chars: Option<At<u32>>,
    /// Fields that must have a value.
    pub fields: Many<String>,
    /// Most share (0 to 1) of the body's characters that may stand inside links.
    pub max_link_density: Option<At<f64>>,
    /// Regexes; no line of the body may match.
    pub forbid: Many<String>,
}

/// A rule on a finished line of the text.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Line {
    /// Regex on the trimmed line.
    #[serde(rename = "match")]
    pub pattern: Option<At<String>>,
    /// `drop` this line (default), `cut` this line and all after it, or `strip` only what matched.
    pub action: Option<At<LineAction>>,
    /// Regex on the line whose named groups are kept: editorial roles (`责任编辑`), `source` or `author`.
    pub capture: Option<At<String>>,
    /// Only within this many lines from the end, at least 1.
    pub within_last: Option<At<u32>>,
    /// Only within this many lines from the start, at least 1.
    pub within_first: Option<At<u32>>,
    /// Only lines of at most this many characters.
    pub max_chars: Option<At<u32>>,
}

/// What must come out of a page.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Test {
    /// File in `tests/pages/` (built-in files) or in `pages/` next to the selector file.
    pub page: Option<At<String>>,
    /// Address of the page.
    pub url: Option<At<String>>,
    /// When the page was fetched, for relative dates: `2024-05-01T12:00:00+08:00`.
    pub fetched: Option<At<DateText>>,
    /// Name of the template that must win.
    pub template: Option<At<String>>,
    /// Headline, exactly.
    pub title: Option<At<String>>,
    /// `published_at`, exactly.
    pub published: Option<At<DateText>>,
    /// `modified_at`, exactly.
    pub modified: Option<At<DateText>>,
    /// 来源, exactly.
    pub source: Option<At<String>>,
    /// Section, exactly.
    pub section: Option<At<String>>,
    /// Summary, exactly.
    pub summary: Option<At<String>>,
    /// Authors, all of them in order; `[]` for none.
    pub authors: Option<At<Many<String>>>,
    /// Editors by role, all of them: `{ "责任编辑" = "…" }`; `{}` for none.
    pub editors: Option<At<BTreeMap<String, Many<String>>>>,
    /// Texts that stand in the body.
    pub contains: Many<String>,
    /// Texts that stand nowhere in the body.
    pub excludes: Many<String>,
    /// Least and most characters of the body, white space not counted.
    pub chars: Option<At<Vec<u32>>>,
    /// `article`, `gallery` or `video`.
    pub kind: Option<At<Kind>>,
    /// The page gives no article, for this reason.
    pub rejected: Option<At<Reason>>,
    /// Address of the next page that is found.
    pub next: Option<At<String>>,
}

/// The ten fields by name, in the order in which people read them.
pub trait HasFields {
    /// Names and steps.
    fn fields(&self) -> [(&'static str, &Many<Step>); 10];
}

macro_rules! has_fields {
    ($type:ty) => {
        impl HasFields for $type {
            fn fields(&self) -> [(&'static str, &Many<Step>); 10] {
                [
                    ("title", &self.title),
                    ("body", &self.body),
                    ("summary", &self.summary),
                    ("section", &self.section),
                    ("keywords", &self.keywords),
                    ("authors", &self.authors),
                    ("source", &self.source),
                    ("editors", &self.editors),
                    ("published", &self.published),
                    ("modified", &self.modified),
                ]
            }
        }
    };
}
has_fields!(FieldTable);
has_fields!(Template);
