//! The record: one JSON object a line of `articles.jsonl`, and the reasons why a page gave none.

mod block;
mod markdown;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::has_control;
pub use block::Block;

/// What kind of page a record was made from. Other kinds of page are not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A text of its own.
    #[default]
    Article,
    /// Pictures with some text of their own.
    Gallery,
    /// A video with some text of its own.
    Video,
}

/// How the body was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// By a template of a selector file.
    Selectors,
    /// Without one, by the generic extractor.
    #[default]
    Generic,
    /// From text that had been flattened before we got it.
    Flattened,
}

/// How much of `published_at` the page itself stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// A day only.
    Day,
    /// A day and a time.
    Minute,
    /// The page was relative (昨天 10:20, 3小时前) or had no year; resolved against the fetch time.
    Relative,
}

/// A picture of the article.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Image {
    /// Absolute address.
    pub src: String,
    /// The caption beneath it, if the page has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
}

/// What made the record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// Program and version, `jingwen/0.1.0`.
    pub program: String,
    /// File name of the selector file used, absent for the generic extractor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selectors: Option<String>,
    /// First 16 hexadecimal digits of the SHA-256 of that file and of those it extends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selectors_hash: Option<String>,
    /// `WARC-Record-ID` where the page came from or went to an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warc: Option<String>,
}

/// A cleaned article. Names follow what training pipelines read (`id`, `text`) and schema.org otherwise.
///
/// What the page does not state is left out, never guessed; lists and maps are always present.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Stable: first 32 hexadecimal digits of the SHA-256 of `canonical_url`
    /// (or the `id` given in the input of `clean --pages`).
    pub id: String,
    /// Address as fetched, after redirects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The address that was first asked for, where redirects led from it to `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<String>,
    /// Address after the site's rewrites and canonicalisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical_url: Option<String>,
    /// Name of the selector file's site, if one covers the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Name of the template that matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// How the body was found.
    pub method: Method,
    /// Kind of page.
    pub kind: Kind,
    /// Headline, without the site's suffix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Body paragraphs joined by `\n`, no noise, no captions.
    pub text: String,
    /// The same text as blocks with their kind, and its pictures between them, where `--blocks` asks for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
    /// Names of authors and reporters (作者, 记者, 通讯员).
    #[serde(default)]
    pub authors: Vec<String>,
    /// 来源, as the page words it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Editorial role, as the page writes it, to names: `{"责任编辑": ["…"], "审读": ["…"]}`.
    #[serde(default)]
    pub editors: IndexMap<String, Vec<String>>,
    /// RFC 3339 with offset (`+08:00` for mainland sites), or a date only where the page has only a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<String>,
    /// How much of `published_at` the page stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_precision: Option<Precision>,
    /// As `published_at`, of the last change the page states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<String>,
    /// When the page was fetched, RFC 3339 in UTC; absent for saved pages of unknown time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<String>,
    /// Section or channel, as the page words it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Keywords the page declares.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Summary or abstract the page shows apart from the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Pictures of the body, with their captions.
    #[serde(default)]
    pub images: Vec<Image>,
    /// BCP 47 tag: `zh-CN`, `zh-Hant`, `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// WHATWG label of the encoding the bytes were decoded with, lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// How many pages were joined.
    pub pages: u32,
    /// First 32 hexadecimal digits of the SHA-256 of `text` without white space.
    pub text_hash: String,
    /// `id` of an earlier record with the same or nearly the same text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<String>,
    /// True where an earlier record of this `id` has another text: the page was corrected, and the newest record counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub corrected: bool,
    /// True where the page says that it shows only a part (a paywall's lead).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// The chance, between 0 and 1, that `text` is the article: nothing missing, nothing of the rest of the page in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// What speaks against the record, whatever the confidence is.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
    /// What made this record.
    pub provenance: Provenance,
}

/// What speaks against a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// Some of the text is mojibake that could not be repaired, or characters that could not be decoded.
    Garbled,
    /// Two fifths of the text or more are links.
    MostlyLinks,
    /// The page's headline does not stand above the text, or other text stands between them.
    OutsideHeadlineContainer,
    /// A fifth of the text or more reads as a page's footer.
    FooterLike,
    /// The text is less than a quarter of the sentences that the page shows.
    ShareOfPage,
    /// Another part of the page is worth nearly as much as the one that was chosen.
    RivalContainer,
    /// Other ways to find the body choose another part of the page.
    ViewsDisagree,
    /// No headline was found.
    NoTitle,
    /// No date of publication was found.
    NoDate,
    /// The page shows only a part of the article.
    Truncated,
    /// A selector file covers the host, and none of its templates fits the page.
    SelectorFallback,
}

impl Doubt {
    /// The name as written in JSON (`no-date`).
    pub fn as_str(self) -> &'static str {
        match self {
            Doubt::Garbled => "garbled",
            Doubt::MostlyLinks => "mostly-links",
            Doubt::OutsideHeadlineContainer => "outside-headline-container",
            Doubt::FooterLike => "footer-like",
            Doubt::ShareOfPage => "share-of-page",
            Doubt::RivalContainer => "rival-container",
            Doubt::ViewsDisagree => "views-disagree",
            Doubt::NoTitle => "no-title",
            Doubt::NoDate => "no-date",
            Doubt::Truncated => "truncated",
            Doubt::SelectorFallback => "selector-fallback",
        }
    }
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Record {
    /// Takes control characters out of every field: what a page declares (`meta`, JSON-LD, attributes) may hold any.
    /// The line breaks that part the paragraphs of `text` stay, and the tabs that part the cells of a row.
    pub fn drop_control_characters(&mut self) {
        let clean = |text: &mut String| {
            if text.contains(char::is_control) {
                text.retain(|c| !c.is_control());
            }
        };
        if has_control(&self.text) {
            self.text.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
        }
        [&mut self.title, &mut self.source, &mut self.section, &mut self.summary, &mut self.language]
            .into_iter()
            .flatten()
            .chain(&mut self.authors)
            .chain(&mut self.keywords)
            .chain(self.editors.values_mut().flatten())
            .chain(self.images.iter_mut().flat_map(|i| std::iter::once(&mut i.src).chain(&mut i.caption)))
            .for_each(clean);
        self.blocks.iter_mut().for_each(Block::drop_control_characters);
    }
}

/// Why a page gave no article. The names are what `rejected.jsonl` and reports show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A page of links: section, topic, ranking or home page.
    List,
    /// A forum thread.
    Forum,
    /// A page of search results.
    Search,
    /// A page that a template says to skip.
    Skipped,
    /// No body text could be found.
    NoBody,
    /// A body was found and was too short to be an article.
    TooShort,
    /// A gallery without text of its own.
    Gallery,
    /// A video without text of its own.
    Video,
    /// A firewall's script page in place of the page.
    Challenge,
    /// An error page served with status 200.
    SoftNotFound,
    /// Only a paywall's stub.
    Paywall,
    /// No bytes, or only white space.
    Empty,
    /// Not HTML: picture, PDF, archive, audio, video, or bytes that are no text.
    Binary,
    /// Text decoded to garbage, in no encoding that is known.
    Garbled,
    /// An article whose confidence is below the least that was asked for.
    LowConfidence,
    /// Over a limit (body size, nodes, time budget).
    OverLimit,
    /// The text is that of a record already written.
    Duplicate,
    /// HTTP status other than 200.
    HttpStatus,
    /// The connection failed: name, connect, TLS, reset, truncated.
    Unreachable,
    /// The server did not answer in time.
    Timeout,
    /// robots.txt does not allow it.
    RobotsDenied,
    /// robots.txt could not be had (5xx, unreachable), which means stay away.
    RobotsUnavailable,
    /// The address is not one we may connect to (private, loopback, reserved, not http).
    AddressRefused,
    /// Too many redirects, a loop, or a target that is not allowed.
    Redirect,
    /// The host asked to be left alone (429, 503, challenge) and the run ended before it could be asked again.
    HostBlocked,
    /// The input could not be read (file missing, bad JSON).
    BadInput,
}

impl Reason {
    /// The name as written in JSON (`no-body`).
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::List => "list",
            Reason::Forum => "forum",
            Reason::Search => "search",
            Reason::Skipped => "skipped",
            Reason::NoBody => "no-body",
            Reason::TooShort => "too-short",
            Reason::Gallery => "gallery",
            Reason::Video => "video",
            Reason::Challenge => "challenge",
            Reason::SoftNotFound => "soft-not-found",
            Reason::Paywall => "paywall",
            Reason::Empty => "empty",
            Reason::Binary => "binary",
            Reason::Garbled => "garbled",
            Reason::LowConfidence => "low-confidence",
            Reason::OverLimit => "over-limit",
            Reason::Duplicate => "duplicate",
            Reason::HttpStatus => "http-status",
            Reason::Unreachable => "unreachable",
            Reason::Timeout => "timeout",
            Reason::RobotsDenied => "robots-denied",
            Reason::RobotsUnavailable => "robots-unavailable",
            Reason::AddressRefused => "address-refused",
            Reason::Redirect => "redirect",
            Reason::HostBlocked => "host-blocked",
            Reason::BadInput => "bad-input",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A page that gave no article, as `rejected.jsonl` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// Address asked for.
    pub url: String,
    /// The address that was first asked for, where redirects led from it to `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<String>,
    /// Why.
    pub reason: Reason,
    /// What exactly was seen, for a person.
    pub detail: String,
    /// Site, if a selector file covers the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// When, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<String>,
}
