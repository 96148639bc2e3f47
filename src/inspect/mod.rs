//! Looking at a page: what is kept, what is cut, and which rule decided.
//!
//! What is kept is what the record holds; the rules are found by going through the cleaner's steps once more, with each of
//! them asked in turn. Cleaning itself knows nothing of this and pays nothing for it.

pub(crate) mod hits;
mod html;
mod lines;
mod trace;

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::clean::meta::Meta;
use crate::clean::{Body, Cleaned, Options, Page, clean, decode, dom};
use crate::sites::load::Set;
use crate::sites::{Site, Sites};

pub use hits::Hit;
pub use html::report;

/// What became of a line of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// In the text.
    Kept,
    /// In the text, without a part of it.
    Trimmed,
    /// Read as something else: headline, caption, staff, date.
    Read,
    /// Cut although it stands in the container.
    Cut,
    /// Outside of the container.
    Outside,
}

/// A line of the page as a reader sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// Its text.
    pub text: String,
    /// What became of it.
    pub fate: Fate,
    /// The rule that decided.
    pub rule: String,
    /// Where that rule is written, `selectors/_common.toml:12`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Value of the line for the generic extractor: what it adds to its container's sum.
    pub score: f32,
    /// The element it stands in: `div#content > p.intro`.
    pub place: String,
}

/// What happened to a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// Its name.
    pub template: String,
    /// It won.
    pub won: bool,
    /// Why it did, or did not.
    pub why: String,
}

/// How long each step took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Timings {
    /// Bytes to text.
    pub decode: Duration,
    /// Text to tree, with all attributes and scripts.
    pub parse: Duration,
    /// The whole way to the record, as `clean` goes it.
    pub clean: Duration,
}

/// A page that was looked at.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// What people call it: the file or the address.
    pub name: String,
    /// Its address, if it is known.
    pub url: Option<String>,
    /// The site's id, and its file.
    pub site: Option<(String, String)>,
    /// What came out.
    pub cleaned: Cleaned,
    /// Templates of the site in their order.
    pub tried: Vec<Tried>,
    /// The selector or step that found the body, or how the generic extractor chose it.
    pub container: String,
    /// Lines of the page, in order.
    pub lines: Vec<Shown>,
    /// Body lines that stand nowhere on the page: from a script's JSON, or joined.
    pub unplaced: Vec<String>,
    /// Hits of every selector of the site's templates.
    pub hits: Vec<Hit>,
    /// Characters of the decoded page.
    pub chars: usize,
    /// How long it took.
    pub timings: Timings,
}

/// Looks at a page. `files` are the selector files as written, for showing what they say; `sites` the same, compiled.
pub fn inspect(name: &str, page: &Page<'_>, sites: &Sites, files: &Set, generic: bool) -> Inspection {
    let options = Options { generic_only: generic, links: true, ..Options::default() };
    // The first time, regexes are still being made ready.
    clean(page, sites, &options);
    let began = Instant::now();
    let cleaned = clean(page, sites, &options);
    let clean = began.elapsed();
    let site = page.url.and_then(|u| sites.for_url(u)).filter(|_| !generic).map(|s| &**s);
    let bytes: &[u8] = match page.body {
        Body::Html(bytes) => bytes,
        Body::Markup(text) | Body::Text(text) => text.as_bytes(),
    };
    let began = Instant::now();
    let decoded = decode::decode(bytes, page.content_type, site.and_then(|s| s.charset));
    let decode = began.elapsed();
    let began = Instant::now();
    let html = dom::document(&decoded.text, &dom::Keep { all: true, ..dom::Keep::default() });
    let parse = began.elapsed();
    let meta = Meta::of(&html);
    let seen = trace::Seen { page, html: &html, meta: &meta, site, sites, files, cleaned: &cleaned };
    let traced = seen.trace();
    Inspection {
        name: name.to_owned(),
        url: page.url.map(ToString::to_string),
        site: site.map(|s: &Site| (s.id.clone(), s.file.clone())),
        tried: traced.tried,
        container: traced.container,
        lines: traced.lines,
        unplaced: traced.unplaced,
        hits: site.map(|s| hits::of(s, files, &html, &meta, page.url)).unwrap_or_default(),
        chars: decoded.text.chars().count(),
        timings: Timings { decode, parse, clean },
        cleaned,
    }
}
