//! The links of a page.

use std::collections::HashSet;

use scraper::{ElementRef, Html, Node};
use url::Url;

use super::Link;
use super::blocks::text_of;

/// Most links that are taken from one page.
pub const MAX_LINKS: usize = 5_000;

/// Every link of the page, in page order, each address once: absolute, http or https, without fragment.
pub fn links(html: &Html, base: &Url) -> Vec<Link> {
    let mut seen: HashSet<Url> = HashSet::new();
    let mut out = Vec::new();
    for node in html.tree.nodes() {
        let Node::Element(e) = node.value() else { continue };
        if e.name() != "a" && e.name() != "area" {
            continue;
        }
        let Some((_, href)) = e.attrs().find(|(n, _)| *n == "href") else { continue };
        let Some(url) = resolve(base, href) else { continue };
        if !seen.insert(url.clone()) {
            continue;
        }
        let text = ElementRef::wrap(node).map(text_of).unwrap_or_default();
        out.push(Link { url, text });
        if out.len() >= MAX_LINKS {
            break;
        }
    }
    out
}

/// An address on a page, made absolute. The fragment stays, as some papers keep the article's id there.
pub fn resolve(base: &Url, href: &str) -> Option<Url> {
    let href = href.trim();
    if href.is_empty() || href.starts_with('#') || href.starts_with("javascript:") || href.starts_with("mailto:") {
        return None;
    }
    base.join(href).ok().filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
}
