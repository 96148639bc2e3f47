//! Selector files from example pages.
//!
//! The generic extractor finds the article of most pages, one page at a time. Several pages of one site say more: what
//! repeats is the frame, what differs is the article; a container that holds what differs on every page, and names that are
//! on every page, make a selector file. The way of the pages: `study` (what the generic extractor takes for the body) →
//! `container` (which selector finds it on which pages: the templates) → `fields`, `noise` → `trial` (the real
//! cleaner on the same pages; what does worse than the generic extractor is left out) → `write`.

mod address;
mod container;
mod draft;
mod fields;
pub(crate) mod names;
mod noise;
mod study;
mod summary;
mod template;
mod text;
mod trial;
mod write;

use std::collections::HashSet;

use url::Url;

pub use draft::{Draft, Score};
pub use study::Input;
pub use text::agreement;

use crate::clean::{decode, dom, meta::Meta};
use crate::record::Reason;
use crate::sites::{SiteErrors, Sites};
use study::Study;

/// What is known beside the pages.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What the pages' addresses start with, where pages do not say it themselves.
    pub prefixes: Vec<Url>,
    /// Stem of the file; found from the host unless given.
    pub id: Option<String>,
    /// Write `[[test]]`s that refer to copies of the pages in `pages/` next to the file.
    pub tests: bool,
}

/// A page that taught nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// Its name.
    pub name: String,
    /// Its address, if it is known.
    pub url: Option<Url>,
    /// What the generic extractor said, or that it repeats another page.
    pub reason: Reason,
    /// For a person.
    pub detail: String,
}

/// A selector file that was learnt.
#[derive(Debug)]
pub struct Learnt {
    /// Stem of the file's name. That of a built-in file if one covers the hosts: it then takes that file's place.
    pub id: String,
    /// The file.
    pub toml: String,
    /// Templates that are in it.
    pub templates: Vec<Draft>,
    /// Templates that did worse than the generic extractor and are not in it.
    pub left_out: Vec<Draft>,
    /// Pages that were learnt from, with the file names that the tests give them.
    pub pages: Vec<(String, Input)>,
    /// Pages that were not.
    pub unused: Vec<Unused>,
}

/// Why nothing was learnt.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LearnError {
    /// No page holds an article.
    #[error("none of the {pages} pages holds an article ({first})")]
    #[diagnostic(help("give saved pages of articles, three or more of one site; list pages alone teach nothing"))]
    NoArticle {
        /// How many there were.
        pages: usize,
        /// What was said of the first.
        first: String,
    },
    /// Nobody says where the pages come from.
    #[error("no page says which site it is from")]
    #[diagnostic(help("add --url-prefix https://www.example.com/ (what the pages' addresses begin with)"))]
    NoHost,
    /// The file that was written cannot be used.
    #[error("the learnt file cannot be used; this is a mistake of the program, please report it")]
    Unusable(#[source] SiteErrors),
}

/// Learns a selector file from pages of one site.
///
/// # Errors
///
/// [`LearnError`].
pub fn learn(inputs: Vec<Input>, known: &Sites, options: &Options) -> Result<Learnt, LearnError> {
    let (mut studies, unused) = read(inputs, known, options);
    if studies.is_empty() {
        let first =
            unused.first().map_or_else(|| "there were none".to_owned(), |u| format!("{}: {}", u.name, u.detail));
        return Err(LearnError::NoArticle { pages: unused.len(), first });
    }
    study::unteach_repeats(&mut studies);
    summary::unteach(&mut studies);
    let urls: Vec<&Url> = studies.iter().filter_map(|s| s.url.as_ref()).chain(&options.prefixes).collect();
    let hosts = address::hosts(urls.iter().copied());
    if hosts.is_empty() {
        return Err(LearnError::NoHost);
    }
    let id = options.id.clone().unwrap_or_else(|| id_of(&urls, known));
    let home = urls.first().copied().cloned();
    drop(urls);
    for study in studies.iter_mut().filter(|s| s.url.is_none()) {
        // The site's own rules apply to a page only by its host.
        study.url = home.as_ref().and_then(|h| h.join("/").ok()).and_then(|h| made_up(&h, &study.input.name));
    }
    let site = template::Trial { id: &id, hosts: &hosts, studies: &studies };
    let (templates, left_out) = site.templates().map_err(LearnError::Unusable)?;
    let file = write::File {
        id: &id,
        hosts: &hosts,
        studies: &studies,
        unused: &unused,
        templates: &templates,
        left_out: &left_out,
        known,
    };
    let toml = file.toml(options.tests).map_err(LearnError::Unusable)?;
    trial::compile(&id, &toml).map_err(LearnError::Unusable)?;
    let pages = write::page_names(&id, &studies).into_iter().zip(studies).map(|(n, s)| (n, s.input)).collect();
    Ok(Learnt { id, toml, templates, left_out, pages, unused })
}

/// Reads the pages; what is no article, or an article that was there before, is set aside.
fn read(inputs: Vec<Input>, known: &Sites, options: &Options) -> (Vec<Study>, Vec<Unused>) {
    let mut studies: Vec<Study> = Vec::new();
    let mut unused = Vec::new();
    let mut seen = HashSet::new();
    for input in inputs {
        let decoded = decode::decode(&input.bytes, input.content_type.as_deref(), None);
        let meta = Meta::of(&dom::document(&decoded.text, &dom::Keep::default()));
        let declared = input.url.clone().or_else(|| address::declared(&decoded.text, &meta));
        drop(decoded);
        let is_known = declared.is_some();
        let url = declared.or_else(|| options.prefixes.first().and_then(|p| made_up(p, &input.name)));
        let (reason, detail) = match study::cleaned(&input, url.as_ref(), known, true).article {
            Ok(record) if !seen.insert(record.text_hash.clone()) => {
                (Reason::Duplicate, "the same article as another page".to_owned())
            }
            Ok(record) => {
                studies.push(Study::new(input, url, is_known, record));
                continue;
            }
            Err(rejection) => (rejection.reason, rejection.detail),
        };
        unused.push(Unused { name: input.name, url: url.filter(|_| is_known), reason, detail });
    }
    (studies, unused)
}

/// An address for a page of which only the beginning of its address is known.
fn made_up(prefix: &Url, name: &str) -> Option<Url> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let file = file.strip_suffix(".gz").unwrap_or(file);
    Url::parse(&format!("{prefix}{file}")).ok()
}

/// The built-in file's stem if one covers a host, else the owner's name: `sznews` of `www.sznews.com`.
fn id_of(urls: &[&Url], known: &Sites) -> String {
    if let Some(site) = urls.iter().find_map(|u| known.for_url(u)) {
        return site.id.clone();
    }
    let host = urls.iter().find_map(|u| u.host_str()).unwrap_or("site");
    let owner = crate::urls::registered(host).split('.').next().unwrap_or("site");
    let id: String = owner.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    if id.is_empty() { "site".to_owned() } else { id }
}
