//! Pages that are not HTML and only lead to others: sitemaps, feeds, JSON lists. Bytes in, links out.
//!
//! They are made by hand-written programs, so what can be read of one is used: a bare `&`, an undeclared entity, a missing end,
//! a wrong charset or a warning of PHP before the document cost at most the item that they are in. What could not be read is
//! counted, and a list that gives nothing always says why.

mod date;
mod feed;
mod items;
mod json;
mod loose;
mod markup;
mod outcome;
mod sitemap;
mod text;

use url::Url;

pub use date::date;
pub use json::read as read_json;
pub use outcome::{Entry, ListOutcome, ListProblem, Problems};
pub use text::MAX_BYTES;

use crate::clean::{dom, links};
use crate::units::Size;
use markup::{Tag, Token, Tokens, local};

/// Addresses taken from one list; the limit of the sitemap protocol.
pub const MAX_LOCS: usize = 50_000;
/// Tags that are looked at for the root element: a server's warning may stand before it.
const MAX_BEFORE_ROOT: usize = 200;

/// A list as it came.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The body.
    pub body: &'a [u8],
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// Its address, from which relative ones count.
    pub base: &'a Url,
}

/// Reads a feed, a sitemap, an index of sitemaps, or a list of addresses in plain text, whichever it is: sites name one where
/// the other is expected. Of a page of HTML in its place, the links.
pub fn read(source: &Source<'_>) -> ListOutcome {
    with_text(source, |text| of_text(text, source))
}

/// Unpacks and decodes a list, and reads it.
fn with_text(source: &Source<'_>, read: impl FnOnce(&str) -> ListOutcome) -> ListOutcome {
    let (body, failure) = text::unpacked(source.body);
    let text = text::decoded(&body, source);
    let mut out = match (text.trim().is_empty(), &failure) {
        (true, None) => ListOutcome::of(ListProblem::Empty, ""),
        (true, Some(_)) => ListOutcome::default(),
        (false, _) => read(&text),
    };
    if body.len() >= MAX_BYTES {
        out.problems.add(ListProblem::Broken, format!("{} were read, what follows was not", Size(MAX_BYTES as u64)));
    }
    if let Some(error) = failure {
        out.problems.add(ListProblem::Packed, error);
    }
    out
}

fn of_text(text: &str, source: &Source<'_>) -> ListOutcome {
    if text.starts_with('{')
        && let Some(out) = loose::values(text).iter().find_map(|found| feed::json(&found.value, source))
    {
        return out;
    }
    let mut tokens = Tokens::new(text);
    match root(&mut tokens) {
        Some((Root::Sitemap, tag)) => sitemap::read(tokens, tag.name, source),
        Some((Root::Feed, tag)) => feed::read(tokens, &tag, source),
        Some((Root::Page, _)) => page(text, source),
        None => sitemap::plain(text, source).unwrap_or_else(|| {
            ListOutcome::of(ListProblem::OtherFormat, format!("neither feed nor sitemap: {}", beginning(text)))
        }),
    }
}

/// True for a body that is a feed or sitemap by its root element, whatever it was asked for as.
pub fn is_list(body: &[u8]) -> bool {
    const ROOTS: [&[u8]; 5] = [b"<rss", b"<feed", b"<rdf:RDF", b"<urlset", b"<sitemapindex"];
    /// A declaration, a style sheet and a comment stand before the root.
    const HEAD: usize = 512;
    let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    let head = &start[..start.len().min(HEAD)];
    let has_root = |root: &[u8]| memchr::memmem::find(head, root).is_some();
    match head.starts_with(b"<?xml") {
        true => ROOTS.into_iter().any(has_root),
        false => ROOTS.into_iter().any(|root| head.starts_with(root)),
    }
}

enum Root {
    Sitemap,
    Feed,
    Page,
}

/// The element that says what a document is.
fn root<'a>(tokens: &mut Tokens<'a>) -> Option<(Root, Tag<'a>)> {
    let tags = tokens.by_ref().filter_map(|token| match token {
        Token::Start(tag) => Some(tag),
        _ => None,
    });
    for tag in tags.take(MAX_BEFORE_ROOT) {
        let root = match local(tag.name).to_ascii_lowercase().as_str() {
            "urlset" | "sitemapindex" => Root::Sitemap,
            "rss" | "feed" | "rdf" | "channel" => Root::Feed,
            "html" | "head" | "body" => Root::Page,
            _ => continue,
        };
        return Some((root, tag));
    }
    None
}

/// The links of a page of HTML that stands where a list is expected.
fn page(text: &str, source: &Source<'_>) -> ListOutcome {
    let mut out = ListOutcome::of(ListProblem::OtherFormat, "a page of HTML");
    out.add_page(source.base, &links::links(&dom::fragment(text), text, &links::Base::utf8(source.base), None));
    out
}

/// The beginning of a text, for a message.
fn beginning(text: &str) -> String {
    let mut out: String = text.split_whitespace().take(12).collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = out.char_indices().nth(60) {
        out.truncate(at);
    }
    format!("`{out}`")
}

#[cfg(test)]
mod tests;
