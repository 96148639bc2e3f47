//! Cleaning: a page's bytes in, a value out. Pure: no clock, no files, no network, no globals.
//!
//! The way of a page: `decode` (bytes to text) → `dom` (text to tree) → `extract` (a template's selectors) or
//! `generic` (no template) → `lines` (what newsrooms leave inside the container) → [`Record`].

pub mod blank;
pub mod blocks;
pub mod byline;
pub mod date;
pub mod decode;
pub mod dom;
pub mod extract;
mod flat;
pub mod frames;
pub mod generic;
pub mod hints;
pub mod kind;
pub mod language;
mod line_rules;
pub mod links;
mod marker;
pub mod meta;
pub mod noise;
mod pipeline;
mod plan;
pub mod published;
mod roles;
mod script;
pub mod steps;
pub mod tidy;
pub mod title;
pub mod watch;

pub use plan::{Index, Plan};

use jiff::Timestamp;
use url::Url;

use crate::record::{Kind, Reason, Record};
use crate::sites::Sites;

/// One page as it came.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Address after redirects, if known.
    pub url: Option<&'a Url>,
    /// The content.
    pub body: Body<'a>,
    /// Value of the `Content-Type` header, if there was one.
    pub content_type: Option<&'a str>,
    /// When it was fetched: relative times (3小时前) are resolved against it, and only then.
    pub fetched_at: Option<Timestamp>,
}

/// A page's content.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// HTML, undecoded.
    Html(&'a [u8]),
    /// HTML that someone decoded before.
    Markup(&'a str),
    /// Lines of text that someone flattened before; no markup left.
    Text(&'a str),
}

/// How to clean.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Ignore selector files.
    pub generic_only: bool,
    /// Note what drift is told by ([`Cleaned::watched`]).
    pub watch: bool,
    /// Read the page's links, and with them the next page of an article; they cost a fifth of a page's time.
    pub links: bool,
    /// What repeats on the site's pages, as far as it is known: for the generic extractor and flattened text.
    pub frames: frames::Known,
}

/// A link found on a page, absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Absolute address, fragment removed, otherwise as the page wrote it.
    pub url: Url,
    /// The link's text.
    pub text: String,
}

/// What a page turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// Something with text of its own.
    Content(Kind),
    /// A page of links.
    List,
    /// None of these.
    Other,
}

/// Why a page gave no article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The class of reason.
    pub reason: Reason,
    /// What exactly was seen, for a person.
    pub detail: String,
}

/// How often a field's selectors were looked for and found, for drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldHit {
    /// `title`, `body`, `published`, …
    pub field: &'static str,
    /// Index of the step that gave the value; `None` if no step did.
    pub step: Option<usize>,
}

/// Everything that one page gave.
#[derive(Debug, Clone)]
pub struct Cleaned {
    /// What the page is.
    pub kind: PageKind,
    /// The article, or why there is none.
    pub article: Result<Box<Record>, Rejection>,
    /// Every link of the page, in page order, each address once.
    pub links: Vec<Link>,
    /// The next page of a paginated article.
    pub next: Option<Url>,
    /// A twin that holds the whole article on one page.
    pub whole: Option<Url>,
    /// Address the page declares as its canonical one.
    pub declared_canonical: Option<Url>,
    /// Name of the template that matched.
    pub template: Option<String>,
    /// Hits of the template's fields.
    pub hits: Vec<FieldHit>,
    /// What the page shows, for learning what repeats; of pages that no template fits.
    pub outline: Option<frames::Outline>,
    /// What drift is told by, if asked for, on pages of a site with a selector file.
    pub watched: Option<Box<watch::Watched>>,
}

/// Cleans one page.
pub fn clean(page: &Page<'_>, sites: &Sites, options: &Options) -> Cleaned {
    pipeline::clean(page, sites, options)
}
