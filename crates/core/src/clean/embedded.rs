//! Text that a page carries where no reader sees it until a script has run: in JSON-LD, in the data of a page made by
//! scripts, in a `template`, `noscript` or `textarea`.
//!
//! It is asked for only where the page itself shows no article.

use memchr::memmem;
use serde_json::Value;

use super::blocks::visible;
use super::generic::punctuation;
use super::meta::Meta;

/// A text found, as markup or lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded {
    /// The text; with tags where `is_markup`.
    pub text: String,
    /// It is HTML.
    pub is_markup: bool,
    /// The title that stands beside it.
    pub title: Option<String>,
}

/// Least characters of prose that are believed to be the article.
const MIN_PROSE: u32 = 40;

/// Most bytes of a script that are read as data.
const MAX_SCRIPT: usize = 2 << 20;

/// Finds the longest text that the page carries, the declared one first.
pub fn find(markup: &str, meta: &Meta) -> Option<Embedded> {
    let declared = meta.json_ld_text("articleBody").filter(|t| prose(t) >= MIN_PROSE).map(|t| Embedded {
        text: t.to_owned(),
        is_markup: is_markup(t),
        title: meta.json_ld_text("headline").map(ToOwned::to_owned),
    });
    declared.or_else(|| elements(markup)).or_else(|| data(markup))
}

/// The longest of the elements whose content is markup that is not shown.
fn elements(markup: &str) -> Option<Embedded> {
    ["template", "noscript", "textarea"]
        .iter()
        .flat_map(|name| inner(markup, name))
        .map(|text| match text.trim_start().starts_with("&lt;") {
            true => unescape(text),
            false => text.to_owned(),
        })
        .filter(|text| prose(text) >= MIN_PROSE)
        .max_by_key(|text| prose(text))
        .map(|text| Embedded { is_markup: is_markup(&text), text, title: None })
}

/// The longest text in the data of scripts.
fn data(markup: &str) -> Option<Embedded> {
    let mut best: Option<(u32, Embedded)> = None;
    for script in inner(markup, "script").filter(|s| (80..MAX_SCRIPT).contains(&s.len())) {
        let mut found: Vec<Embedded> = Vec::new();
        for value in values(script) {
            strings(&value, &mut found, 0);
        }
        if found.is_empty() {
            found.extend(literals(script));
        }
        for one in found {
            let n = prose(&one.text);
            if n >= MIN_PROSE && best.as_ref().is_none_or(|(most, _)| n > *most) {
                best = Some((n, one));
            }
        }
    }
    best.map(|(_, one)| one)
}

/// Contents of all elements of a name whose content is no markup to a browser.
fn inner<'a>(markup: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}"), format!("</{name}"));
    let starts: Vec<usize> = memmem::find_iter(markup.as_bytes(), open.as_bytes()).collect();
    starts.into_iter().filter_map(move |at| {
        let rest = &markup[at..];
        let from = rest.find('>')? + 1;
        let end = memmem::find(&rest.as_bytes()[from..], close.as_bytes())?;
        rest.get(from..from + end)
    })
}

/// JSON values of a script: it is one, or gives some names.
fn values(script: &str) -> Vec<Value> {
    const NAMES: [&str; 8] = [
        "__NEXT_DATA__",
        "__NUXT__",
        "__INITIAL_STATE__",
        "__INITIAL_DATA__",
        "__PRELOADED_STATE__",
        "__APOLLO_STATE__",
        "__DATA__",
        "self.__next_f.push(",
    ];
    let first = |text: &str| {
        let text = text.trim_start();
        let starts = text.starts_with(['{', '[']);
        starts
            .then(|| serde_json::Deserializer::from_str(text).into_iter::<Value>().next())
            .flatten()
            .and_then(Result::ok)
    };
    if let Some(value) = first(script) {
        return vec![value];
    }
    let named = NAMES.iter().any(|n| script.contains(n));
    let marks = memmem::find_iter(script.as_bytes(), if named { b"=".as_slice() } else { b"= {".as_slice() });
    let mut out: Vec<Value> = marks.take(64).filter_map(|at| first(script[at + 1..].trim_start())).collect();
    if let Some(at) = script.find("__next_f.push(")
        && let Some(Value::Array(parts)) = first(&script[at + "__next_f.push(".len()..])
    {
        out.extend(parts);
    }
    out
}

/// Strings of a value that are texts, with the title beside them.
fn strings(value: &Value, out: &mut Vec<Embedded>, depth: u8) {
    if depth > 12 {
        return;
    }
    match value {
        Value::String(text) if prose(text) >= MIN_PROSE => {
            out.push(Embedded { text: text.clone(), is_markup: is_markup(text), title: None });
        }
        // JSON in a string of JSON.
        Value::Array(items) => items.iter().for_each(|v| strings(v, out, depth + 1)),
        Value::Object(map) => {
            let from = out.len();
            map.values().for_each(|v| strings(v, out, depth + 1));
            let title = ["title", "headline", "Title"].iter().find_map(|k| map.get(*k)?.as_str());
            for one in &mut out[from..] {
                one.title = one.title.take().or_else(|| title.map(ToOwned::to_owned));
            }
        }
        _ => {}
    }
}

/// String literals of a script that is no JSON, by the names that texts have: `desc = htmlDecode("…")`.
fn literals(script: &str) -> Vec<Embedded> {
    const NAMES: [&str; 6] = ["content_noencode", "content", "desc", "articleBody", "article_body", "text"];
    let mut out = Vec::new();
    for name in NAMES {
        for at in memmem::find_iter(script.as_bytes(), name.as_bytes()).take(32) {
            let Some(rest) = script.get(at + name.len()..) else { continue };
            let head: String = rest.chars().take(40).collect();
            let Some(quote) = head.find(['"', '\'']).filter(|q| head[..*q].contains(['=', ':'])) else { continue };
            if let Some(text) = literal(&rest[quote..]).filter(|t| prose(t) >= MIN_PROSE / 2) {
                out.push(Embedded { is_markup: is_markup(&text), text, title: None });
            }
        }
    }
    out
}

/// A string literal of JavaScript that a text begins with.
fn literal(text: &str) -> Option<String> {
    let mut chars = text.chars();
    let quote = chars.next()?;
    let mut out = String::new();
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => return Some(unescape(&out)),
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                't' | 'r' => out.push(' '),
                'x' => out.push(code(&mut chars, 2)?),
                'u' => out.push(code(&mut chars, 4)?),
                c => out.push(c),
            },
            c => out.push(c),
        }
    }
    None
}

fn code(chars: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let hex: String = chars.take(digits).collect();
    u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)
}

fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    text.replace("&nbsp;", " ").replace("&amp;", "&")
}

fn is_markup(text: &str) -> bool {
    ["<p", "<div", "<br", "<section", "</"].iter().any(|t| text.contains(t))
}

/// Characters of a text that has sentences, as Chinese ones count; 0 of one that has none, or is code.
fn prose(text: &str) -> u32 {
    if text.len() < 60 || text.contains("function(") || text.contains("=>") {
        return 0;
    }
    let mut bare = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => bare.push(c),
            _ => {}
        }
    }
    let chars = visible(&bare);
    let latin = bare.len() < chars as usize * 3 / 2;
    if punctuation(&bare).stops == 0 || latin && !bare.contains(' ') {
        return 0;
    }
    if latin { chars * 2 / 5 } else { chars }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clean::dom;

    const TEXT: &str = "青石镇今年修好了三座木桥，每座都能走拖拉机。桥面用的是山上伐下的老杉木，村里人说能用三十年，孩子们上学不再绕路。";

    fn found(markup: &str) -> Option<Embedded> {
        let html = dom::document(markup, &dom::Keep::default());
        find(markup, &Meta::of(&html))
    }

    #[test]
    fn texts_that_no_reader_sees() {
        for markup in [
            format!(
                r#"<script type="application/ld+json">{{"@type":"NewsArticle","headline":"木桥","articleBody":"{TEXT}"}}</script>"#
            ),
            format!(
                r#"<script>window.__INITIAL_STATE__={{"a":{{"title":"木桥","content":"<p>{TEXT}<\/p>"}}}};(function(){{}})()</script>"#
            ),
            format!(r#"<script id="__NEXT_DATA__" type="application/json">{{"props":{{"body":"{TEXT}"}}}}</script>"#),
            format!("<template><p>{TEXT}</p></template>"),
            format!("<noscript><p>{TEXT}</p></noscript>"),
            format!("<textarea>&lt;p&gt;{TEXT}&lt;/p&gt;</textarea>"),
            format!("<script>var a = 1;window.desc = htmlDecode(\"{TEXT}\");</script>"),
        ] {
            let text = found(&markup).map(|f| f.text).unwrap_or_default();
            assert!(text.contains(TEXT), "{markup}");
        }
    }

    #[test]
    fn code_is_no_text() {
        assert_eq!(found("<script>var a = {\"b\": \"请稍候\"};</script><noscript>请启用脚本。</noscript>"), None);
    }
}
