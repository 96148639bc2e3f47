//! The links of a page.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use scraper::{ElementRef, Html, Node};
use url::Url;

use super::Link;
use super::blocks::text_of;
use super::lately::{Keys, Lately};
use crate::sites::Css;

/// Most links that are taken from one page.
pub const MAX_LINKS: usize = 5_000;

/// As many as most pages have.
const SOME: usize = 100;
/// … and as many as are new on most.
const FEW: usize = 14;

/// Every link of the page, in page order, each address once: absolute, http or https, without fragment.
/// Without those handled lately, where somebody keeps them in mind.
pub fn links(html: &Html, base: &Url, lately: Option<&Lately>) -> Vec<Link> {
    collect(html.tree.nodes().filter_map(ElementRef::wrap), base, lately)
}

/// The links that these selectors find, each a link or an element with links in it: what a site's file names as the
/// list among all that frames it.
pub fn selected(html: &Html, selectors: &[Css], base: &Url) -> Vec<Link> {
    let found = selectors.iter().flat_map(|selector| html.select(selector));
    collect(found.flat_map(|element| element.descendants().filter_map(ElementRef::wrap)), base, None)
}

fn collect<'a>(elements: impl Iterator<Item = ElementRef<'a>>, base: &Url, lately: Option<&Lately>) -> Vec<Link> {
    let keys = Keys::of(base);
    // A picture and a headline are often links to the same.
    let some = if lately.is_some() { FEW } else { SOME };
    let mut written: HashSet<&str, RandomState> = HashSet::with_capacity_and_hasher(some, RandomState::default());
    let mut seen: HashSet<Url, RandomState> = HashSet::with_capacity_and_hasher(some, RandomState::default());
    let mut out = Vec::with_capacity(some);
    for element in elements {
        let e = element.value();
        if e.name() != "a" && e.name() != "area" {
            continue;
        }
        let Some((_, href)) = e.attrs().find(|(n, _)| *n == "href") else { continue };
        let key = keys.key(href);
        if lately.is_some_and(|lately| lately.knows(key)) || !written.insert(href) {
            continue;
        }
        let Some(url) = resolve(base, href) else { continue };
        if !seen.insert(url.clone()) {
            continue;
        }
        out.push(Link { url, text: text_of(element), key });
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

/// The next page of a paginated article, by the words of its link: 下一页, 下页, 余下全文.
///
/// Only an address that differs from this page's by a page number counts (`content_1.htm`, `content_1_2.htm`).
pub fn next_page(html: &Html, url: &Url) -> Option<Url> {
    for node in html.tree.nodes() {
        let Node::Element(e) = node.value() else { continue };
        if e.name() != "a" {
            continue;
        }
        let says = |t: &str| t.contains(['下', '余']) || t.contains("Next");
        if !node.descendants().any(|n| n.value().as_text().is_some_and(|t| says(t))) {
            continue;
        }
        let Some((_, href)) = e.attrs().find(|(n, _)| *n == "href") else { continue };
        let Some(text) = ElementRef::wrap(node).map(text_of) else { continue };
        let word = text.trim_matches(|c: char| !c.is_alphanumeric());
        if !matches!(word, "下一页" | "下页" | "余下全文" | "Next page") {
            continue;
        }
        if let Some(next) = resolve(url, href)
            && is_page_after(url, &next)
        {
            return Some(next);
        }
    }
    None
}

/// Highest page number believed; above it stand the numbers of articles.
const MOST_PAGES: u32 = 20;

/// True if `next` is the page of the same article that follows `url`.
fn is_page_after(url: &Url, next: &Url) -> bool {
    if url.host() != next.host() {
        return false;
    }
    let (here, there) = (page_number(url), page_number(next));
    let Some(n) = there.1 else { return false };
    // What looks like the number of this page may be that of the article: `content_31.htm`, `content_31_2.htm`.
    let follows = there.0 == here.0 && n == here.1.unwrap_or(1) + 1;
    (there.0 == url.path() && n == 2) || (follows && n <= MOST_PAGES)
}

/// An address without its page number, and the number: `…/content_1_2.htm` is (`…/content_1.htm`, 2).
fn page_number(url: &Url) -> (String, Option<u32>) {
    let path = url.path();
    let (stem, extension) = match path.rfind('.') {
        Some(dot) if dot > path.rfind('/').unwrap_or(0) => path.split_at(dot),
        _ => (path, ""),
    };
    // A letter after a digit counts pages as well: `story-3a.html`, `story-3b.html`.
    if let [.., digit, letter @ b'a'..=b'z'] = stem.as_bytes()
        && digit.is_ascii_digit()
    {
        return (format!("{}{extension}", &stem[..stem.len() - 1]), Some(u32::from(letter - b'a') + 1));
    }
    let digits = stem.len() - stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let cut = stem.len() - digits;
    if (1..=2).contains(&digits)
        && stem[..cut].ends_with(['_', '-'])
        && let Ok(n) = stem[cut..].parse()
    {
        return (format!("{}{extension}", &stem[..cut - 1]), Some(n));
    }
    let page =
        url.query_pairs().find(|(k, _)| matches!(&**k, "page" | "p" | "pageno")).and_then(|(_, v)| v.parse().ok());
    (format!("{stem}{extension}"), page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(here: &str, markup: &str) -> Option<String> {
        let url = Url::parse(here).ok()?;
        next_page(&Html::parse_document(markup), &url).map(|u| u.to_string())
    }

    #[test]
    fn next_pages() {
        let here = "https://a.example/c/2025-01/28/content_31.htm";
        assert_eq!(
            next(here, "<a href='content_31_2.htm'>下一页</a>").as_deref(),
            Some("https://a.example/c/2025-01/28/content_31_2.htm")
        );
        let (a, b) = ("https://a.example/c/story-3a.html", "https://a.example/c/story-3b.html");
        assert_eq!(next(a, "<a href=story-3b.html rel=next>下一页</a>").as_deref(), Some(b));
        assert_eq!(next(here, "<a href='content_32.htm'>下一页</a>"), None);
        assert_eq!(next(here, "<a href='content_31.htm'>下一页</a>"), None);
        assert_eq!(next("https://a.example/c/content_31_2.htm", "<a href='content_31_2.htm'>下一页</a>"), None);
    }

    #[test]
    fn what_was_handled_lately_is_left_out_of_articles_and_lists_are_nothing_but_links() {
        use crate::clean::{Body, Options, Page, clean};
        use crate::record::Reason;
        use crate::sites::Sites;

        let lately = std::sync::Arc::new(Lately::default());
        let url = Url::parse("https://a.example/1.htm").unwrap();
        let asked = |n: usize, options: &Options| {
            let anchors: String =
                (0..n).map(|i| format!("<li><a href=/c_{i}.htm>海湾市的第{i}条新闻</a></li>")).collect();
            let markup =
                format!("<h1>海湾市推出便民措施</h1><p>海湾市昨天推出多项便民措施，市民叫好。</p><ul>{anchors}</ul>");
            let page = Page { url: Some(&url), body: Body::Markup(&markup), content_type: None, fetched_at: None };
            clean(&page, &Sites::default(), options)
        };
        let article = Options { links: true, lately: Some(lately.clone()), ..Options::default() };
        let links = asked(3, &article).links;
        assert_eq!(links.len(), 3);
        links.iter().take(2).for_each(|link| lately.note(link.key));
        assert_eq!(asked(3, &article).links, links[2..]);

        let list = Options { links: true, list: true, ..Options::default() };
        let page = asked(20, &list);
        assert_eq!((page.links.len(), page.article.unwrap_err().reason), (20, Reason::List));
        assert!(page.outline.is_none(), "nothing else is looked at");
        // With next to no links it may be anything.
        assert!(asked(2, &list).outline.is_some());
    }
}
