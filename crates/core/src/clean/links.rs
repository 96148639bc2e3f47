//! The links of a page.

use std::borrow::Cow;
use std::collections::HashSet;

use encoding_rs::{EncoderResult, Encoding, UTF_8};
use foldhash::fast::RandomState;
use scraper::{ElementRef, Html, Node};
use url::Url;

use super::Link;
use super::blocks::text_of;
use super::lately::{Keys, Lately};
use super::scripted;
use crate::sites::Css;

/// Most links that are taken from one page.
pub const MAX_LINKS: usize = 5_000;

/// As many as most pages have.
const SOME: usize = 100;
/// … and as many as are new on most.
const FEW: usize = 14;

/// What the links of a page count from.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// The page's address, as its `base` changes it.
    pub url: &'a Url,
    /// The page's encoding, in which the queries of its links are sent.
    pub encoding: &'static Encoding,
}

impl<'a> Base<'a> {
    /// For pages in UTF-8.
    pub fn utf8(url: &'a Url) -> Self {
        Self { url, encoding: UTF_8 }
    }

    /// An address on the page, made absolute, as browsers do it: characters of the query are sent in the page's encoding,
    /// those of the path as UTF-8. The fragment stays, as some papers keep the article's id there.
    pub fn resolve(&self, href: &str) -> Option<Url> {
        let href = href.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}');
        if href.is_empty() || href.starts_with('#') || href.starts_with("javascript:") || href.starts_with("mailto:") {
            return None;
        }
        let url = match self.depends_on_encoding(href) {
            true => {
                let encode = override_with(|text| Cow::Owned(in_encoding(text, self.encoding)));
                Url::options().base_url(Some(self.url)).encoding_override(Some(&encode)).parse(href)
            }
            false => self.url.join(href),
        };
        url.ok().filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
    }

    fn depends_on_encoding(&self, href: &str) -> bool {
        self.encoding != UTF_8 && !href.is_ascii() && href.contains('?')
    }
}

/// Gives a closure the lifetimes that the address parser asks of it.
fn override_with<F: Fn(&str) -> Cow<'_, [u8]>>(encode: F) -> F {
    encode
}

/// The bytes of a text in an encoding; what it lacks as `&#…;`, which is escaped at once (URL standard, "percent-encode
/// after encoding").
fn in_encoding(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    let mut encoder = encoding.output_encoding().new_encoder();
    let mut out = Vec::with_capacity(text.len() * 2);
    let mut rest = text;
    loop {
        out.reserve(encoder.max_buffer_length_from_utf8_without_replacement(rest.len()).unwrap_or(rest.len() * 4));
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut out, true);
        rest = &rest[read..];
        match result {
            EncoderResult::Unmappable(c) => out.extend_from_slice(format!("%26%23{}%3B", u32::from(c)).as_bytes()),
            EncoderResult::InputEmpty => return out,
            EncoderResult::OutputFull => {}
        }
    }
}

/// The links of a page, and how many more it has.
#[derive(Debug, Default)]
pub struct PageLinks {
    /// At most [`MAX_LINKS`].
    pub links: Vec<Link>,
    /// Addresses beyond those.
    pub left_out: u64,
}

/// Every link of the page, in page order, each address once: absolute, http or https. Behind them those that are not the `href`
/// of an `a`. Without those handled lately, where somebody keeps them in mind.
pub fn links(html: &Html, markup: &str, base: &Base<'_>, lately: Option<&Lately>) -> PageLinks {
    let scripted = scripted::addresses(markup);
    let mut links = Links::new(base, lately);
    links.add_elements(html.tree.nodes().filter_map(ElementRef::wrap));
    for href in &scripted {
        links.add(href, String::new);
    }
    links.found()
}

/// The links that these selectors find, each a link or an element with links in it: what a site's file names as the
/// list among all that frames it.
pub fn selected(html: &Html, selectors: &[Css], base: &Base<'_>) -> PageLinks {
    let found = selectors.iter().flat_map(|selector| html.select(selector));
    let mut links = Links::new(base, None);
    links.add_elements(found.flat_map(|element| element.descendants().filter_map(ElementRef::wrap)));
    links.found()
}

/// The links of a page, as they are found.
struct Links<'a> {
    base: &'a Base<'a>,
    keys: Keys<'a>,
    lately: Option<&'a Lately>,
    /// As the page writes them: a picture and a headline are often links to the same.
    written: HashSet<&'a str, RandomState>,
    seen: HashSet<Url, RandomState>,
    out: Vec<Link>,
    left_out: u64,
}

impl<'a> Links<'a> {
    fn new(base: &'a Base<'a>, lately: Option<&'a Lately>) -> Self {
        let some = if lately.is_some() { FEW } else { SOME };
        Self {
            base,
            keys: Keys::of(base.url),
            lately,
            written: HashSet::with_capacity_and_hasher(some, RandomState::default()),
            seen: HashSet::with_capacity_and_hasher(some, RandomState::default()),
            out: Vec::with_capacity(some),
            left_out: 0,
        }
    }

    fn found(self) -> PageLinks {
        PageLinks { links: self.out, left_out: self.left_out }
    }

    fn add_elements(&mut self, elements: impl Iterator<Item = ElementRef<'a>>) {
        for element in elements {
            let e = element.value();
            if e.name() != "a" && e.name() != "area" {
                continue;
            }
            let Some((_, href)) = e.attrs().find(|(n, _)| *n == "href") else { continue };
            self.add(href, || text_of(element));
        }
    }

    fn add(&mut self, href: &'a str, text: impl FnOnce() -> String) {
        // What it becomes depends on more than the key is made of.
        let key = if self.base.depends_on_encoding(href) { 0 } else { self.keys.key(href) };
        if self.lately.is_some_and(|lately| lately.knows(key)) || !self.written.insert(href) {
            return;
        }
        let Some(url) = self.base.resolve(href) else { return };
        match self.out.len() < MAX_LINKS {
            true if self.seen.insert(url.clone()) => self.out.push(Link { url, text: text(), key }),
            false if self.seen.insert(url) => self.left_out += 1,
            _ => {}
        }
    }
}

/// An address on a page in UTF-8, made absolute.
pub fn resolve(base: &Url, href: &str) -> Option<Url> {
    Base::utf8(base).resolve(href)
}

/// The next page of a paginated article, by the words of its link: 下一页, 下页, 余下全文.
///
/// Only an address that differs from this page's by a page number counts (`content_1.htm`, `content_1_2.htm`).
pub fn next_page(html: &Html, base: &Base<'_>) -> Option<Url> {
    let url = base.url;
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
        if let Some(next) = base.resolve(href)
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
    use crate::urls;

    fn next(here: &str, markup: &str) -> Option<String> {
        let url = Url::parse(here).ok()?;
        next_page(&Html::parse_document(markup), &Base::utf8(&url)).map(|u| u.to_string())
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

    fn resolved(label: &str, href: &str) -> Option<String> {
        let url = Url::parse("http://a.example/x/1.htm").ok()?;
        let base = Base { url: &url, encoding: Encoding::for_label(label.as_bytes())? };
        base.resolve(href).map(|url| url.to_string())
    }

    #[test]
    fn queries_are_sent_in_the_encoding_of_the_page() {
        for (label, href, expected) in [
            ("gb2312", "/s.asp?lm=深圳&b=1", "http://a.example/s.asp?lm=%C9%EE%DB%DA&b=1"),
            ("gbk", "?q=洪1#x", "http://a.example/x/1.htm?q=%BA%E91#x"),
            ("big5", "/s?t=香港", "http://a.example/s?t=%AD%BB%B4%E4"),
            ("gbk", "/深圳.htm?a=b", "http://a.example/%E6%B7%B1%E5%9C%B3.htm?a=b"),
            ("gbk", "/s?lm=%C9%EE", "http://a.example/s?lm=%C9%EE"),
            ("gbk", "/s?a=ก", "http://a.example/s?a=%26%233585%3B"),
            ("utf-8", "/s?lm=深圳", "http://a.example/s?lm=%E6%B7%B1%E5%9C%B3"),
            ("utf-16le", "/s?lm=深", "http://a.example/s?lm=%E6%B7%B1"),
        ] {
            assert_eq!(resolved(label, href).as_deref(), Some(expected), "{label} {href}");
        }
    }

    #[test]
    fn links_beyond_the_most_of_one_page_are_counted_once_each() {
        let url = Url::parse("http://a.example/").unwrap();
        let anchors: String =
            (0..MAX_LINKS + 7).map(|n| format!("<a href=/{n}>{n}</a><a href=./{n}>{n}</a>")).collect();
        let found = links(&Html::parse_document(&anchors), "", &Base::utf8(&url), None);
        assert_eq!((found.links.len(), found.left_out), (MAX_LINKS, 7));
    }

    #[test]
    fn addresses_as_pages_write_them() {
        for (href, expected) in [
            ("\u{3000}/a/1.htm\u{feff}", Some("http://a.example/a/1.htm")),
            ("/a/\n1.htm", Some("http://a.example/a/1.htm")),
            ("\\a\\1.htm", Some("http://a.example/a/1.htm")),
            ("http:/a/1.htm", Some("http://a.example/a/1.htm")),
            ("//b.example/1.htm", Some("http://b.example/1.htm")),
            ("JavaScript:void(0)", None),
            ("tel:1", None),
            ("http://", None),
        ] {
            assert_eq!(resolved("utf-8", href).as_deref(), expected, "{href}");
        }
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

        let list = Options { links: true, list: true, outline: true, ..Options::default() };
        let page = asked(20, &list);
        assert_eq!((page.links.len(), page.article.unwrap_err().reason), (20, Reason::List));
        assert!(page.outline.is_none(), "nothing else is looked at");
        // With next to no links it may be anything.
        assert!(asked(2, &list).outline.is_some());
    }

    proptest::proptest! {
        #[test]
        fn the_host_asked_is_the_host_of_the_canonical_address(
            base in "http://(a\\.example|b\\.example:81|海\\.example)/{1,3}[a-c/.]{0,6}",
            link in "(https?:|HTTP:|/|//|///|\\\\|[.]{1,2}/|@|:|[?#&=%;]|\\[|\\]|[a-c]|b\\.example|海|。| |\t){0,9}",
        ) {
            let Some(url) = Url::parse(&base).ok().and_then(|b| resolve(&b, &link)) else { return Ok(()) };
            let canonical = urls::CanonicalUrl::new(&url, None);
            let origin = Url::parse(&canonical.url().origin().ascii_serialization()).unwrap();
            let asked = urls::at_origin(&origin, canonical.path_and_query());
            proptest::prop_assert_eq!(&asked, canonical.url());
            proptest::prop_assert_eq!(urls::HostKey::new(&asked), urls::HostKey::new(canonical.url()));
        }
    }
}
