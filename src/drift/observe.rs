//! What one page says about its site's selector file.

use std::sync::Arc;

use jiff::Timestamp;
use url::Url;

use crate::clean::watch::Watched;
use crate::clean::{Cleaned, FieldHit};
use crate::record::{Precision, Reason};
use crate::sites::Site;
use crate::text::visible;
use crate::urls::CanonicalUrl;

/// One page, as drift sees it.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The site with its selector file.
    pub site: Arc<Site>,
    /// The page.
    pub url: String,
    /// When it was fetched, seconds since 1970.
    pub at: i64,
    /// The template that fitted.
    pub template: Option<String>,
    /// Which step gave which field.
    pub hits: Vec<FieldHit>,
    /// Characters of the text, if it is an article.
    pub chars: Option<usize>,
    /// How much of its date the page stated.
    pub precision: Option<Precision>,
    /// The page links to a next one, by the template's rule or by the words of a link.
    pub next: bool,
    /// What the templates saw.
    pub watched: Watched,
    /// The page itself, where it was asked for.
    pub raw: Option<Raw>,
}

/// A page kept for `--propose`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPage {
    /// `Content-Type` it came with.
    pub content_type: Option<String>,
    /// Its bytes, undecoded, gzip.
    pub gz: Vec<u8>,
}

/// True if a site's selector file is meant for this page: pages that are lists, or of no kind the file names, say nothing
/// about its templates.
pub fn concerns(site: &Site, url: &Url) -> bool {
    if site.templates.is_empty() {
        return false;
    }
    let canonical = CanonicalUrl::new(url, Some(&site.crawl.urls));
    let (rules, address) = (&site.crawl, canonical.as_str());
    if rules.deny.iter().any(|r| r.is_match_of_address(address)) {
        return false;
    }
    match rules.articles.is_empty() {
        true => !rules.is_list(Some(canonical.url())),
        false => rules.articles.iter().any(|r| r.is_match_of_address(address)),
    }
}

impl Observation {
    /// Of a page just cleaned with [`crate::clean::Options::watch`]; none if it says nothing about the selector file.
    pub fn of(site: &Arc<Site>, url: &Url, at: Timestamp, cleaned: &Cleaned) -> Option<Self> {
        let watched = cleaned.watched.as_deref()?;
        if !concerns(site, url) || is_no_page(cleaned) {
            return None;
        }
        let record = cleaned.article.as_ref().ok();
        Some(Self {
            site: Arc::clone(site),
            url: url.to_string(),
            at: at.as_second(),
            template: cleaned.template.clone(),
            hits: cleaned.hits.clone(),
            chars: record.map(|r| watched.chars.unwrap_or_else(|| visible(&r.text) as usize)),
            precision: record.and_then(|r| r.published_precision),
            next: cleaned.next.is_some(),
            watched: watched.clone(),
            raw: None,
        })
    }
}

/// The server gave something else than its page, which is no fault of the file.
fn is_no_page(cleaned: &Cleaned) -> bool {
    let other = |reason| {
        matches!(
            reason,
            Reason::Challenge
                | Reason::SoftNotFound
                | Reason::Empty
                | Reason::Binary
                | Reason::OverLimit
                | Reason::Forum
                | Reason::Search
        )
    };
    cleaned.template.is_none() && cleaned.article.as_ref().is_err_and(|r| other(r.reason))
}

impl RawPage {
    /// The page as it came; none if what is kept is damaged.
    pub fn unpack(&self) -> Option<Vec<u8>> {
        use std::io::Read;
        let mut out = Vec::new();
        // It was packed from no more.
        let bounded = flate2::read::MultiGzDecoder::new(self.gz.as_slice()).take(MOST_BYTES as u64 + 1);
        { bounded }.read_to_end(&mut out).ok()?;
        Some(out)
    }

    /// Packs a page; none if it is too large to be kept.
    pub fn pack(bytes: &[u8], content_type: Option<&str>) -> Option<Self> {
        use std::io::Write;
        if bytes.len() > MOST_BYTES {
            return None;
        }
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        // Writing to memory does not fail.
        out.write_all(bytes).ok()?;
        Some(Self { content_type: content_type.map(str::to_owned), gz: out.finish().ok()? })
    }
}

/// A page as it came: only what turns out to be odd is packed and kept.
#[derive(Debug, Clone)]
pub struct Raw {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// Held while the page is in memory, where somebody counts such pages.
    pub alive: Option<Arc<()>>,
}

impl Raw {
    /// Packs it; none if it is too large to be kept.
    pub fn pack(&self) -> Option<RawPage> {
        RawPage::pack(&self.bytes, self.content_type.as_deref())
    }
}

/// Largest page kept, in bytes.
const MOST_BYTES: usize = 4 << 20;
