//! Addresses that a page writes elsewhere than in the `href` of a link: `data-href`, `onclick="location.href='…'"`,
//! `javascript:window.open('…')`, the values of `option`s, links in `noscript` and in SVG.
//!
//! Scripts are not run: an address counts where it stands there as it is, in one piece.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use regex::Regex;

use super::dom::{Attributes, Scanner, Tag, Token, attribute_text};

/// Most addresses of one page.
const MAX_ADDRESSES: usize = 1000;
/// Bytes of an attribute or element that are looked at for the quick answer.
const NEAR: usize = 1024;

/// Where an address may stand, as pages spell it; one without any of them is not read a second time. Without regard to case the
/// search would take ten times as long.
const SIGNS: [(&[&str], Sign); 5] = [
    (
        &["onclick", "onClick", "OnClick", "ONCLICK", "javascript:", "Javascript:", "JavaScript:", "JAVASCRIPT:"],
        Sign::Script,
    ),
    (&["<option", "<OPTION", "<Option"], Sign::Option),
    (&["<noscript", "<NOSCRIPT", "<noframes", "<NOFRAMES"], Sign::Hidden),
    (&["data-href", "data-link", "data-url", "data-Href"], Sign::Data),
    (&["xlink:href"], Sign::Data),
];

/// What a sign may be followed by.
#[derive(Debug, Clone, Copy)]
enum Sign {
    Script,
    Option,
    Hidden,
    Data,
}

/// Finds the signs, and what each is.
static SEARCH: LazyLock<Option<(AhoCorasick, Vec<Sign>)>> = LazyLock::new(|| {
    let all = || SIGNS.iter().flat_map(|(spellings, sign)| spellings.iter().map(move |text| (*text, *sign)));
    let search =
        AhoCorasickBuilder::new().match_kind(MatchKind::LeftmostFirst).build(all().map(|(text, _)| text)).ok()?;
    Some((search, all().map(|(_, sign)| sign).collect()))
});

/// The addresses, as written, in page order.
pub fn addresses(markup: &str) -> Vec<String> {
    let mut out = Vec::new();
    if !has_sign(markup) {
        return out;
    }
    let mut scanner = Scanner::new(markup);
    // Links in these elements are not in the page's tree.
    let mut hidden = 0_usize;
    while let Some(token) = scanner.next_token() {
        match token {
            Token::Start(tag) => match tag.name.as_str() {
                name @ ("script" | "style" | "title" | "textarea" | "xmp" | "iframe" | "noembed") => {
                    scanner.raw_text(name);
                }
                "noscript" | "noframes" | "svg" => hidden += usize::from(!tag.self_closing),
                _ => collect(&tag, hidden > 0, &mut out),
            },
            Token::End(name) if matches!(name.as_str(), "noscript" | "noframes" | "svg") => {
                hidden = hidden.saturating_sub(1);
            }
            _ => {}
        }
        if out.len() >= MAX_ADDRESSES {
            break;
        }
    }
    out
}

/// Whether there may be an address: what stands behind each sign is looked at, as nearly every page has some sign.
fn has_sign(markup: &str) -> bool {
    let Some((search, signs)) = &*SEARCH else { return false };
    search.find_iter(markup).any(|found| {
        let rest = &markup.as_bytes()[found.end()..];
        let near = &rest[..rest.len().min(NEAR)];
        match signs.get(found.pattern().as_usize()) {
            Some(Sign::Script) => is_navigation(near),
            Some(Sign::Option) => {
                memchr::memchr(b'>', near).is_some_and(|end| memchr::memchr2(b'/', b'.', &near[..end]).is_some())
            }
            Some(Sign::Hidden) => memchr::memmem::find(near, b"href").is_some(),
            Some(Sign::Data) => true,
            None => false,
        }
    })
}

/// Whether a script that begins here may go somewhere: `void(0)` and `return false` do not.
fn is_navigation(near: &[u8]) -> bool {
    let script = &near[..memchr::memchr(b'>', near).unwrap_or(near.len())];
    let has_text = |at: usize| matches!(script.get(at + 1), Some(b'\'' | b'"' | b'&' | b'%' | b' '));
    memchr::memmem::find(script, b"location").is_some() || memchr::memchr_iter(b'(', script).any(has_text)
}

fn collect(tag: &Tag<'_>, is_hidden: bool, out: &mut Vec<String>) {
    let name = tag.name.as_str();
    for (key, value) in Attributes::new(tag.attributes) {
        if value.is_empty() {
            continue;
        }
        let is = |wanted: &str| key.eq_ignore_ascii_case(wanted);
        let value = || attribute_text(value);
        if key.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("on")) {
            out.extend(in_script(&value()).into_iter().map(str::to_owned));
        } else if is("href") || is("xlink:href") {
            let value = value();
            match script_of(&value) {
                Some(script) => out.extend(in_script(&script).into_iter().map(str::to_owned)),
                None if is_hidden && matches!(name, "a" | "area") => out.push(value.into_owned()),
                None => {}
            }
        } else if is("data-href") || is("data-link") || is("data-url") {
            let value = value();
            // Pictures have such attributes for themselves.
            if !matches!(name, "img" | "video" | "audio" | "source") && looks_like_address(value.trim()) {
                out.push(value.into_owned());
            }
        } else if is("value") && name == "option" {
            out.extend(Some(value()).filter(|value| looks_like_address(value.trim())).map(Cow::into_owned));
        }
    }
}

/// The script of a `javascript:` address, with its quotes unescaped.
fn script_of(href: &str) -> Option<Cow<'_, str>> {
    let start = href.trim_start();
    let script = start.get(..11).filter(|scheme| scheme.eq_ignore_ascii_case("javascript:")).map(|_| &start[11..])?;
    match script.contains('%') {
        true => Some(script.replace("%27", "'").replace("%22", "\"").replace("%20", " ").into()),
        false => Some(script.into()),
    }
}

/// An assignment to `location`, or a call of one of its methods, with a text.
static LOCATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?ix) (?: \blocation (?:\.href)? \s* = | \blocation\.(?:assign|replace) \s* \( | \bnavigate \s* \( ) \s*
           (?: '([^'\s]+)' | ["`]([^"`\s]+)["`] ) \s* ([+]?)"#,
    )
    .ok()
});

/// A window that is opened; other things have a method of that name.
static OPEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)(?:^|[^.\w$]|\bwindow\.)open\s*\(\s*(?:'([^'\s]+)'|"([^"\s]+)")\s*([+]?)"#).ok()
});

/// A call of a function whose name says that it opens a page.
static CALL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)[\w$]*(?:open|goto|jump|href|link|url|page|redirect)[\w$]*\s*\(([^()]*)\)").ok());

/// A text in quotes.
static QUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"([+]?)\s*(?:'([^'\s]+)'|"([^"\s]+)")\s*([+]?)"#).ok());

/// The addresses that a script sends the page to, where they stand in it in one piece.
pub fn navigation(script: &str) -> Vec<&str> {
    texts(LOCATION.as_ref(), script)
}

fn texts<'s>(regex: Option<&Regex>, script: &'s str) -> Vec<&'s str> {
    let found = regex.into_iter().flat_map(|regex| regex.captures_iter(script));
    let whole = found.filter(|found| found.get(3).is_none_or(|plus| plus.is_empty()));
    let addresses = whole.filter_map(|found| quoted(&found, [1, 2]).map(|range| &script[range]));
    addresses.filter(|address| is_plain(address)).collect()
}

/// Where the text is that stands in one of two kinds of quotes.
fn quoted(found: &regex::Captures<'_>, groups: [usize; 2]) -> Option<std::ops::Range<usize>> {
    groups.into_iter().find_map(|group| found.get(group)).map(|text| text.range())
}

/// The addresses that a script goes to: by `location`, in a new window, or by a function whose name says so.
fn in_script(script: &str) -> Vec<&str> {
    let mut out = navigation(script);
    out.extend(texts(OPEN.as_ref(), script));
    if !out.is_empty() {
        return out;
    }
    for call in CALL.iter().flat_map(|regex| regex.captures_iter(script)) {
        let Some(arguments) = call.get(1).map(|m| &script[m.range()]) else { continue };
        for found in QUOTED.iter().flat_map(|regex| regex.captures_iter(arguments)) {
            let is_whole = [1, 4].into_iter().all(|group| found.get(group).is_none_or(|plus| plus.is_empty()));
            let Some(address) = quoted(&found, [2, 3]).map(|range| &arguments[range]) else { continue };
            if is_whole && looks_like_address(address) {
                out.push(address);
            }
        }
    }
    out
}

/// An address and not an expression.
fn is_plain(text: &str) -> bool {
    let scheme = |name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    !text.starts_with('#') && !scheme("javascript:") && !scheme("about:") && !text.contains(['<', '>', '{', '}', '$'])
}

/// What would hardly be anything else: absolute, or with a path, or with a page's extension.
fn looks_like_address(text: &str) -> bool {
    static EXTENSION: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)^[^\s?#:]+\.(?:s?html?|jhtml|php|aspx?|jsp|do)(?:[?#]\S*)?$").ok());
    let is_path = text.len() > 1 && (text.starts_with('/') || text.starts_with("./") || text.starts_with("../"));
    let is_absolute = ["http://", "https://"].iter().any(|scheme| {
        text.len() > scheme.len() && text.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme))
    });
    is_plain(text)
        && !text.contains(char::is_whitespace)
        && (is_path || is_absolute || EXTENSION.as_ref().is_some_and(|regex| regex.is_match(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_beside_links() {
        for (markup, expected) in [
            ("<li data-href=\"/a/1.htm\">一</li>", &["/a/1.htm"][..]),
            ("<div onClick=\"location.href='/a/1.htm'\">一</div>", &["/a/1.htm"]),
            ("<tr onclick='window.location=\"1.htm\";return false'>", &["1.htm"]),
            ("<a href=\"javascript:window.open('/a/1.htm','_blank')\">一</a>", &["/a/1.htm"]),
            ("<a href=\"JavaScript:window.open(%27/a/1.htm%27)\">一</a>", &["/a/1.htm"]),
            ("<a href='#' onclick='openNews(&quot;/a/1.htm?x=1&amp;y=2&quot;, 3)'>", &["/a/1.htm?x=1&y=2"]),
            ("<span onclick=\"self.location.replace( '/a/1.htm' )\">", &["/a/1.htm"]),
            ("<select><option value=\"\">选</option><option value=\"/a/1.htm\">一</option></select>", &["/a/1.htm"]),
            ("<option value=http://a.example/1.htm selected>", &["http://a.example/1.htm"]),
            ("<noscript><a href=\"/a/1.htm\">一</a></noscript><a href=/b>", &["/a/1.htm"]),
            ("<svg><a xlink:href=\"/a/1.htm\"><text>一</text></a></svg>", &["/a/1.htm"]),
        ] {
            assert_eq!(addresses(markup), expected, "{markup}");
        }
    }

    #[test]
    fn no_addresses() {
        for markup in [
            "<a href=\"javascript:void(0)\" onclick=\"return false\">",
            "<a href='javascript:;'>",
            "<div onclick=\"location.href='/a/' + id + '.htm'\">",
            "<div onclick=\"if (location.href == '/a/1.htm') x()\">",
            "<div onclick=\"track('/a/1.htm')\">",
            "<option value=\"2026\">",
            "<!-- <li data-href=\"/a/1.htm\"> -->",
            "<script>var x = '<li data-href=\"/a/1.htm\">'</script>",
            "<img data-url=\"/a/1.jpg\">",
            "<li data-url=\"news\">",
            "<a href=/a/1.htm>",
        ] {
            assert!(addresses(markup).is_empty(), "{markup}: {:?}", addresses(markup));
        }
    }
}
