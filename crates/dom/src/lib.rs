//! Text to tree.
//!
//! Most of html5ever's time goes into its tokenizer and into nodes that cleaning never looks at. So the page is first
//! read by a small tokenizer of our own that drops scripts, styles, comments and attributes that nothing reads, and
//! `fast` builds `scraper`'s tree of the rest, as long as the tags nest as they should. Where they do not, what the
//! tokenizer kept goes to html5ever, which mends any markup. Both ways give the same records (`tests/differential.rs`).
//!
//! The limits hold while parsing: html5ever's time grows with the square of nesting depth and of attributes in a tag.

mod entities;
mod fast;
mod scan;

use rustc_hash::FxHashSet;

use scraper::Html;

pub use scan::{Attributes, Scanner, Tag, Token};

/// Bounds on what is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most open elements; deeper ones are left out, their text stays.
    pub depth: usize,
    /// Most attributes of an element; further ones are left out.
    pub attributes: usize,
    /// Most elements; what follows is left out.
    pub elements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 400, attributes: 64, elements: 200_000 }
    }
}

/// Attributes that hold a picture's address; those of lazy loading first, as `src` is then a placeholder.
pub const PICTURE_SOURCES: &[&str] = &[
    "data-src",
    "data-original",
    "data-lazy-src",
    "data-echo",
    "data-url",
    "data-actualsrc",
    "data-lazyload",
    "data-lazy",
    "data-original-src",
    "data-img",
    "data-image",
    "zoomfile",
    "file",
    "original",
    "src",
];

/// What of a page is kept in the tree.
#[derive(Debug, Clone, Default)]
pub struct Keep {
    /// All scripts; otherwise only JSON-LD.
    pub scripts: bool,
    /// Attributes beyond those that are always kept.
    pub attributes: FxHashSet<String>,
    /// Leave out the addresses of links, unless they are among `attributes`: most of a page's attributes by length.
    pub no_links: bool,
    /// Everything: for tools that show the page.
    pub all: bool,
}

impl Keep {
    fn attribute(&self, element: &str, name: &str) -> bool {
        self.all
            || match name {
                "href" => !self.no_links || element != "area" || self.attributes.contains(name),
                "class" | "id" | "src" | "style" | "align" | "name" | "type" | "hidden" | "rel" => true,
                "content" | "property" | "itemprop" | "http-equiv" => element == "meta" || name == "itemprop",
                "lang" => element == "html",
                "datetime" => element == "time",
                "alt" | "width" | "height" => matches!(element, "img" | "amp-img"),
                "data-srcset" | "data-lazy-srcset" | "srcset" => matches!(element, "img" | "amp-img" | "source"),
                _ => element == "img" && PICTURE_SOURCES.contains(&name) || self.attributes.contains(name),
            }
    }
}

/// An attribute's value with its character references decoded, as far as they are common.
pub fn attribute_text(value: &str) -> std::borrow::Cow<'_, str> {
    entities::decode(value, true).unwrap_or(std::borrow::Cow::Borrowed(value))
}

/// The ending of an address that leads to a document or an archive.
pub fn file_ending(href: &str) -> Option<&str> {
    const FILES: [&str; 14] = [
        ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".pdf", ".wps", ".et", ".ofd", ".zip", ".rar", ".7z", ".csv",
    ];
    let path = href.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rfind('.').map(|at| &path[at..])?;
    FILES.iter().any(|f| ending.eq_ignore_ascii_case(f)).then_some(ending)
}

/// What is kept of an attribute's value. Where nobody asks for the addresses of links, there is left of them what tells an
/// anchor, a button and a link to a file from a link to a page.
fn kept_value<'v>(keep: &Keep, element: &str, name: &str, value: &'v str) -> &'v str {
    let short = keep.no_links && !keep.all && element == "a" && name == "href" && !keep.attributes.contains(name);
    match value.trim_start() {
        _ if !short => value,
        v if v.get(..11).is_some_and(|scheme| scheme.eq_ignore_ascii_case("javascript:")) => "javascript:",
        _ => file_ending(value).unwrap_or("#"),
    }
}

fn wants_script(keep: &Keep, attributes: &str) -> bool {
    keep.scripts
        || keep.all
        || attributes.contains("ld+json")
            && Attributes::new(attributes).any(|(_, v)| v.trim().eq_ignore_ascii_case("application/ld+json"))
}

/// Parses a document.
pub fn document(text: &str, keep: &Keep) -> Html {
    let limits = Limits::default();
    match fast::build(text, keep, limits) {
        Ok(html) => html,
        Err(fast::Irregular(why)) => {
            tracing::trace!(why, "parsed in full");
            full(text, keep, limits)
        }
    }
}

/// Parses a document by html5ever alone, after the tokenizer has taken out what is not kept.
pub fn full(text: &str, keep: &Keep, limits: Limits) -> Html {
    Html::parse_document(&reduce(text, keep, limits))
}

/// Parses a piece of markup.
pub fn fragment(text: &str) -> Html {
    document(text, &Keep::default())
}

/// Why the quick way could not build a page, if it could not.
pub fn irregular(text: &str, keep: &Keep) -> Option<&'static str> {
    fast::build(text, keep, Limits::default()).err().map(|e| e.0)
}

/// The page without scripts, styles, comments and attributes that are not kept, within the limits.
fn reduce(text: &str, keep: &Keep, limits: Limits) -> String {
    let mut out = String::with_capacity(text.len() / 2);
    let mut scanner = Scanner::new(text);
    let (mut depth, mut elements) = (0usize, 0usize);
    let mut behind_text = 0;
    while let Some(token) = scanner.next_token() {
        match token {
            Token::Doctype(plain) => out.push_str(if plain {
                "<!DOCTYPE html>"
            } else {
                "<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 3.2//EN\">"
            }),
            Token::Text(text) => {
                // What stood between two texts is gone; side by side they could read as a tag or a reference.
                if behind_text == out.len() && !out.is_empty() {
                    out.push_str("<!---->");
                }
                out.push_str(text);
                behind_text = out.len();
            }
            Token::Start(tag) => {
                elements += 1;
                if elements > limits.elements {
                    break;
                }
                let name = tag.name.as_str();
                if matches!(name, "style" | "iframe" | "noembed" | "noframes" | "noscript") {
                    scanner.raw_text(name);
                    continue;
                }
                let nests = nests(name);
                if nests {
                    depth += 1;
                    if depth > limits.depth {
                        continue;
                    }
                }
                if name == "plaintext" {
                    open_tag(&mut out, name, tag.attributes, keep, limits);
                    out.push_str(&text[scanner.position()..]);
                    break;
                }
                if name == "script" {
                    let text = scanner.raw_text("script");
                    if wants_script(keep, tag.attributes) {
                        open_tag(&mut out, name, tag.attributes, keep, limits);
                        out.push_str(text);
                        out.push_str("</script>");
                    }
                    continue;
                }
                open_tag(&mut out, name, tag.attributes, keep, limits);
                if tag.self_closing {
                    out.insert(out.len() - 1, '/');
                }
                if matches!(name, "title" | "textarea" | "xmp") {
                    out.push_str(scanner.raw_text(name));
                    out.push_str("</");
                    out.push_str(name);
                    out.push('>');
                    depth = depth.saturating_sub(1);
                }
            }
            Token::End(name) => {
                let name = name.as_str();
                if nests(name) {
                    let over = depth > limits.depth;
                    depth = depth.saturating_sub(1);
                    if over {
                        continue;
                    }
                }
                out.push_str("</");
                out.push_str(name);
                out.push('>');
            }
        }
    }
    out
}

/// Elements that stay open until they are closed. Those that the next of their kind closes do not add to depth.
fn nests(name: &str) -> bool {
    !matches!(
        name,
        "p" | "li"
            | "dt"
            | "dd"
            | "tr"
            | "td"
            | "th"
            | "tbody"
            | "thead"
            | "tfoot"
            | "option"
            | "optgroup"
            | "br"
            | "img"
            | "input"
            | "hr"
            | "meta"
            | "link"
            | "base"
            | "area"
            | "embed"
            | "param"
            | "source"
            | "track"
            | "wbr"
            | "col"
            | "html"
            | "head"
            | "body"
            | "script"
    )
}

fn open_tag(out: &mut String, name: &str, attributes: &str, keep: &Keep, limits: Limits) {
    out.push('<');
    out.push_str(name);
    let mut kept = 0;
    // html5ever compares each attribute with all before it; the cut bounds that, whatever is kept.
    for (key, value) in Attributes::new(attributes).take(4096) {
        let lower = key.to_ascii_lowercase();
        if kept >= limits.attributes || !keep.attribute(name, &lower) {
            continue;
        }
        kept += 1;
        let value = kept_value(keep, name, &lower, value);
        out.push(' ');
        out.push_str(&lower);
        let quote = if value.contains('"') { '\'' } else { '"' };
        out.push('=');
        out.push(quote);
        out.push_str(value);
        out.push(quote);
    }
    out.push('>');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(text: &str) {
        let keep = Keep::default();
        let quick = fast::build(text, &keep, Limits::default());
        let Ok(quick) = quick else { panic!("{text}: {quick:?}") };
        let full = Html::parse_document(text);
        assert_eq!(shape(&quick), shape(&full), "{text}");
    }

    /// The tree as text, blank texts and dropped elements left out.
    fn shape(html: &Html) -> String {
        let mut out = String::new();
        for edge in html.tree.root().traverse() {
            match edge {
                ego_tree::iter::Edge::Open(n) => match n.value() {
                    scraper::Node::Element(e) => out.push_str(&format!("<{}>", e.name())),
                    scraper::Node::Text(t) if !t.trim().is_empty() => out.push_str(t.trim()),
                    _ => {}
                },
                ego_tree::iter::Edge::Close(n) => {
                    if let scraper::Node::Element(e) = n.value() {
                        out.push_str(&format!("</{}>", e.name()));
                    }
                }
            }
        }
        out
    }

    #[test]
    fn regular_pages_are_built_as_the_standard_says() {
        for text in [
            "<!DOCTYPE html><html><head><title>a &amp; b</title></head><body><p>一<p>二<div>三</div></body></html>",
            "文字",
            "<ul><li>一<li>二<ul><li>三</ul><li>四</ul>",
            "<table><tr><td>一<td>二<tr><td>三</table>四",
            "<!DOCTYPE html><p>一<table><td>二</table>",
            "<dl><dt>一<dd>二<dt>三</dl>",
            "<div><h1>一<h2>二</h2></div></div></p>三",
            "<p><b>一</b></p></b><span>二</div>三</span>",
            "<a href=x>一</a><p>二</body>三</html>四",
            "<table><thead><tr><th>一</thead><tbody><tr><td><table><tr><td>二</table>三</table>",
            "<div><span>一<div>二</span>三</div>四</div>",
            "<form><p>一</form><button>二</button>",
            "<meta name=a content=b><link rel=x><p>一",
            "<p>一<hr>二<br>三</p>四",
            "<li>一<div><li>二</div><li>三",
            "<section><p>一<article>二</section>三",
            "<body class=a><p>一<body class=b id=c>二<html lang=zh>三",
        ] {
            same(text);
        }
    }

    #[test]
    fn irregular_pages_go_to_the_full_parser() {
        for text in [
            "<b><p>一</b>二</p>",
            "<table>一<tr><td>二</table>",
            "<p><b>一</p><p>二",
            "<a>一<a>二</a>",
            "<svg><p>一</svg>",
        ] {
            assert!(irregular(text, &Keep::default()).is_some(), "{text}");
        }
    }

    #[test]
    fn hostile_markup_is_bounded() {
        let deep = "<div>".repeat(100_000) + "深";
        assert!(document(&deep, &Keep::default()).root_element().text().any(|t| t == "深"));
        let many: String = (0..100_000).map(|n| format!(" a{n}=1")).collect();
        assert!(document(&format!("<p{many}>宽</p>"), &Keep::default()).root_element().text().any(|t| t == "宽"));
    }
}
