//! The way of a page through the cleaner, step by step.

use indexmap::IndexMap;
use scraper::Html;
use sha2::{Digest, Sha256};
use url::Url;

use super::blocks::{self, Blocks};
use super::date::{self, Context};
use super::meta::Meta;
use super::tidy::Body;
use super::title::Headline;
use super::{Cleaned, Options, Page, PageKind, Rejection, decode, generic, links, published, tidy, title};
use crate::record::{Kind, Method, Provenance, Reason, Record};
use crate::sites::Sites;
use crate::urls::{CanonicalUrl, hex};

/// Least characters of a body that is believed to be one.
const MIN_BODY: usize = 25;

pub(super) fn clean(page: &Page<'_>, sites: &Sites, options: &Options) -> Cleaned {
    match page.body {
        super::Body::Html(bytes) => html(page, bytes, sites, options),
        super::Body::Text(_) => reject(Reason::NoBody, "flattened text".to_owned()),
    }
}

fn reject(reason: Reason, detail: String) -> Cleaned {
    Cleaned {
        kind: PageKind::Other,
        article: Err(Rejection { reason, detail }),
        links: Vec::new(),
        next: None,
        whole: None,
        declared_canonical: None,
        template: None,
        hits: Vec::new(),
    }
}

fn html(page: &Page<'_>, bytes: &[u8], sites: &Sites, _options: &Options) -> Cleaned {
    if bytes.trim_ascii().is_empty() {
        return reject(Reason::Empty, format!("{} bytes, all white space", bytes.len()));
    }
    let site = page.url.and_then(|u| sites.for_url(u));
    let decoded = decode::decode(bytes, page.content_type, site.and_then(|s| s.charset));
    let html = Html::parse_document(&decoded.text);
    let meta = Meta::of(&html);
    let base = page.url.and_then(|u| match &meta.base {
        Some(b) => u.join(b).ok(),
        None => Some(u.clone()),
    });
    let found_links = base.as_ref().map(|b| links::links(&html, b)).unwrap_or_default();
    let context = Context {
        zone: site.map_or_else(date::shanghai, |s| s.timezone.clone()),
        fetched_at: page.fetched_at,
        url_date: page.url.and_then(|u| date::in_url(u.path())),
    };
    let all = blocks::blocks(&html, html.root_element().id(), &|_| false);
    let headline = title::choose(&all, &meta);
    let mut out = reject(Reason::NoBody, "no text that could be a body".to_owned());
    out.links = found_links;
    out.declared_canonical = canonical(page.url, &meta);
    let Some(choice) = generic::choose(&all, headline.as_ref()) else { return out };
    let (first, end) = (all.elems[choice.elem].first as usize, all.elems[choice.elem].end as usize);
    let squashed = headline.as_ref().map(|h| title::squash(&h.text)).unwrap_or_default();
    let body = tidy::tidy(&all, first, end, &squashed, true);
    if body.chars() < MIN_BODY {
        out.article =
            Err(Rejection { reason: Reason::TooShort, detail: format!("{} characters of body", body.chars()) });
        return out;
    }
    let when = published::find(&all, &meta, headline.as_ref(), end, &context);
    let mut record = record(page, &body, headline.as_ref());
    record.published_at = when.map(|w| w.to_rfc3339(&context.zone));
    record.published_precision = when.map(|w| w.precision());
    record.charset = Some(decoded.label());
    let staff = staff(&all, &body, headline.as_ref(), first, end);
    record.source = staff.source;
    record.editors = staff.editors;
    record.authors = staff.authors;
    out.kind = PageKind::Content(Kind::Article);
    out.article = Ok(Box::new(record));
    out
}

fn canonical(url: Option<&Url>, meta: &Meta) -> Option<Url> {
    let href = meta.canonical.as_deref().or_else(|| meta.get("og:url"))?;
    match url {
        Some(base) => base.join(href).ok(),
        None => Url::parse(href).ok(),
    }
}

fn staff(all: &Blocks<'_>, body: &Body, headline: Option<&Headline>, first: usize, end: usize) -> super::byline::Staff {
    let mut staff = body.staff.clone();
    let from = headline.and_then(|h| h.line).unwrap_or(first).min(first);
    let near = all.lines[from..first.max(from)].iter().chain(all.lines[end..].iter().take(12));
    for line in near.filter(|l| !l.hidden && l.chars <= 120) {
        if let Some(said) = super::byline::staff_line(&line.text) {
            staff.merge(said);
        } else if staff.source.is_none()
            && let Some(source) = super::byline::source_in(&line.text)
        {
            staff.source = Some(source);
        }
    }
    staff
}

fn record(page: &Page<'_>, body: &Body, headline: Option<&Headline>) -> Record {
    let text = body.text();
    let canonical = page.url.map(|u| CanonicalUrl::new(u, None));
    let squashed: String = text.chars().filter(|c| !blocks::is_blank(*c)).collect();
    Record {
        id: canonical.as_ref().map_or_else(|| hash(&squashed), CanonicalUrl::id),
        url: page.url.map(ToString::to_string),
        canonical_url: canonical.map(|c| c.as_str().to_owned()),
        method: Method::Generic,
        kind: Kind::Article,
        title: headline.map(|h| h.text.clone()),
        text_hash: hash(&squashed),
        text,
        editors: IndexMap::new(),
        pages: 1,
        provenance: Provenance {
            program: concat!("jingwen/", env!("CARGO_PKG_VERSION")).to_owned(),
            ..Provenance::default()
        },
        fetched_at: page.fetched_at.map(|t| t.to_string()),
        ..Record::default()
    }
}

fn hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..16])
}
