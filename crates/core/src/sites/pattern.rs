//! Compiles the CSS selectors and regexes of a file, with errors that say what to write instead.

use std::ops::Range;
use std::sync::Arc;

use regex::Regex;

use super::at::At;
use super::css::Css;
use super::problem::{Problem, SourceFile};
use super::shelf::Patterns;
use crate::pattern::{self, Pattern};

/// Compiles a CSS selector.
pub fn css(file: &Arc<SourceFile>, text: &At<String>, problems: &mut Vec<Problem>) -> Option<Css> {
    match Css::parse(text) {
        // The engine closes by itself what is left open at the end, as browsers do; in a file it is a slip.
        Some(css) if !text.trim().is_empty() && unbalanced(text).is_none() => Some(css),
        _ => {
            problems.push(css_problem(file, text));
            None
        }
    }
}

/// What people write because another tool has it, and what to write here.
const FOREIGN: &[(&str, &str)] = &[
    ("::text", "leave `::text` out: a step reads the element's text anyway"),
    ("::attr", "leave `::attr(…)` out, and say `attr = \"…\"` beside `css`"),
    (":contains", "text cannot be selected by; use `capture` on the value, or `text` in `next` and `whole`"),
    (":has-text", "text cannot be selected by; use `capture` on the value"),
    (":matches", "text cannot be selected by; use `capture` on the value"),
    (":eq(", "jQuery's `:eq(n)` is not CSS; use `:nth-of-type(n+1)`"),
    (":gt(", "jQuery's `:gt(n)` is not CSS; use `:nth-of-type(n+…)`"),
    (":lt(", "jQuery's `:lt(n)` is not CSS; use `:nth-of-type(-n+…)`"),
    (":visible", "nothing is laid out, so nothing is visible; leave it out"),
    (":hidden", "nothing is laid out, so nothing is hidden; use `[style*=\"none\"]`"),
    (":parent", "jQuery's `:parent` is not CSS; use `:has(> …)`"),
    (":hover", "a saved page has no state; leave `:hover` out"),
    ("::before", "generated content is not on the page"),
    ("::after", "generated content is not on the page"),
    ("::", "pseudo-elements are not on the page; leave it out"),
];

fn css_problem(file: &Arc<SourceFile>, text: &At<String>) -> Problem {
    let trimmed = text.trim_start();
    let problem = |span: Range<usize>, message: String| Problem::error(file, span, "bad-css", message);
    if trimmed.is_empty() {
        return problem(text.span.clone(), "the CSS selector is empty".to_owned())
            .help("write a selector, or take the entry out");
    }
    if trimmed.starts_with('/') || trimmed.starts_with("./") || trimmed.contains("[@") {
        return problem(text.span.clone(), format!("`{trimmed}` is XPath, not a CSS selector"))
            .label("XPath")
            .help(xpath_hint(trimmed));
    }
    for &(found, advice) in FOREIGN {
        if let Some(at) = text.find(found) {
            let end = at + found.trim_end_matches('(').len();
            let name = &found.trim_end_matches('(');
            return problem(inside(file, &text.span, text, at..end), format!("the engine has no `{name}`"))
                .label("not known")
                .help(advice);
        }
    }
    if trimmed.ends_with(['>', '+', '~', ',']) {
        let at = text.trim_end().len() - 1;
        return problem(inside(file, &text.span, text, at..at + 1), "the selector ends in the middle".to_owned())
            .label("nothing follows")
            .help("write what follows, or take the last sign out");
    }
    if let Some(missing) = unbalanced(text) {
        return problem(text.span.clone(), format!("`{missing}` is missing in the selector `{trimmed}`"))
            .label(format!("`{missing}` missing"))
            .help(format!("write the `{missing}`"));
    }
    let bare = format!("`{trimmed}` is not a CSS selector");
    let digit = text.find(['.', '#']).filter(|&i| text[i + 1..].starts_with(|c: char| c.is_ascii_digit()));
    if let Some(at) = digit {
        let sign = if text[at..].starts_with('#') { "id" } else { "class" };
        let name: String =
            text[at + 1..].chars().take_while(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect();
        return problem(inside(file, &text.span, text, at..at + 1 + name.len()), bare)
            .label("a name cannot begin with a digit")
            .help(format!("write `[{sign}~=\"{name}\"]`"));
    }
    match unknown_pseudo(text) {
        Some((at, name)) => {
            problem(inside(file, &text.span, text, at..at + name.len() + 1), format!("the engine has no `:{name}`"))
                .label("not known")
                .help(format!("there are {}", PSEUDO.map(|p| format!(":{p}")).join(", ")))
        }
        None => problem(text.span.clone(), bare)
            .label("not understood")
            .help("see https://developer.mozilla.org/docs/Web/CSS/CSS_selectors"),
    }
}

/// Pseudo-classes that the engine has.
const PSEUDO: [&str; 17] = [
    "not",
    "is",
    "where",
    "has",
    "empty",
    "root",
    "scope",
    "first-child",
    "last-child",
    "only-child",
    "nth-child",
    "nth-last-child",
    "first-of-type",
    "last-of-type",
    "only-of-type",
    "nth-of-type",
    "nth-last-of-type",
];

/// The first pseudo-class that the engine does not have, and where.
fn unknown_pseudo(css: &str) -> Option<(usize, &str)> {
    css.match_indices(':').find_map(|(at, _)| {
        let rest = &css[at + 1..];
        let name = &rest[..rest.find(|c: char| !(c.is_alphanumeric() || c == '-')).unwrap_or(rest.len())];
        (!name.is_empty() && !PSEUDO.contains(&name)).then_some((at, name))
    })
}

/// The bracket that is missing, if one is.
fn unbalanced(css: &str) -> Option<char> {
    let (mut open, mut quote) = (Vec::new(), None);
    let mut chars = css.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            // What is escaped opens and closes nothing.
            (_, '\\') => {
                chars.next();
            }
            (Some(q), c) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => open.push(')'),
            (None, '[') => open.push(']'),
            (None, ')' | ']') if open.pop() != Some(c) => return Some(if c == ')' { '(' } else { '[' }),
            _ => {}
        }
    }
    quote.or(open.pop())
}

/// The CSS form of the commonest XPaths.
fn xpath_hint(xpath: &str) -> String {
    let Ok(simple) = Regex::new(r#"^\.?//(\*|\w+)\[@(id|class)=['"]([\w -]+)['"]\](?:/text\(\)|//text\(\))?$"#) else {
        return String::new();
    };
    match simple.captures(xpath.trim()) {
        Some(found) => {
            let tag = if &found[1] == "*" { "" } else { &found[1] };
            let css =
                if &found[2] == "id" { format!("#{}", &found[3]) } else { format!(".{}", found[3].replace(' ', ".")) };
            format!("write `{tag}{css}`")
        }
        None => "write CSS: `//div[@id=\"a\"]` is `div#a`, `//p[@class=\"b\"]` is `p.b`, `/` is ` > `, `//` is a blank"
            .to_owned(),
    }
}

/// A regex, shared with all who have the same text.
pub fn shared(
    file: &Arc<SourceFile>,
    text: &str,
    span: &Range<usize>,
    patterns: &Patterns,
    problems: &mut Vec<Problem>,
) -> Option<Arc<Pattern>> {
    if patterns.trusts(file) {
        return Some(patterns.later(text));
    }
    match patterns.get(text).ok().filter(|_| !text.is_empty()) {
        Some(regex) => Some(regex),
        // Again, for what is wrong with it.
        None => regex_at(file, text, span, problems).map(|regex| Arc::new(regex.into())),
    }
}

/// Compiles a regex that is (part of) the string at `span`.
pub fn regex_at(file: &Arc<SourceFile>, text: &str, span: &Range<usize>, problems: &mut Vec<Problem>) -> Option<Regex> {
    let mut fail = |span: Range<usize>, message: String, label: &str, help: &str| {
        problems.push(Problem::error(file, span, "bad-regex", message).label(label).help(help));
    };
    if text.is_empty() {
        fail(
            span.clone(),
            "the regex is empty and would match everything".to_owned(),
            "empty",
            "write what it should match",
        );
        return None;
    }
    match pattern::regex(text) {
        Ok(regex) => Some(regex),
        Err(error) => {
            let (range, what) = match regex_syntax::Parser::new().parse(text) {
                Err(regex_syntax::Error::Parse(e)) => {
                    (e.span().start.offset..e.span().end.offset, e.kind().to_string())
                }
                Err(regex_syntax::Error::Translate(e)) => {
                    (e.span().start.offset..e.span().end.offset, e.kind().to_string())
                }
                _ => (0..text.len(), error.to_string()),
            };
            let part = text.get(range.clone()).unwrap_or(text);
            let help = if what.contains("look-around") {
                "look-ahead and look-behind are not supported; match more and take a group with `capture`"
            } else if what.contains("backreference") {
                "backreferences (\\1) are not supported; write the alternatives out"
            } else if what.contains("unclosed group") {
                "close the group with `)`, or write `\\(` for the sign itself (and （ needs nothing)"
            } else if what.contains("unopened group") {
                "write `\\)` for the sign itself"
            } else if what.contains("unclosed character class") {
                "close the class with `]`, or write `\\[` for the sign itself"
            } else if what.contains("missing expression") {
                "write `\\` before the sign to mean the sign itself"
            } else if what.contains("unrecognized escape") {
                "there is no such escape; in TOML use single quotes around a regex"
            } else {
                "see https://docs.rs/regex/#syntax; in TOML use single quotes around a regex"
            };
            fail(inside(file, span, text, range.clone()), format!("bad regex: {what}"), &format!("`{part}`"), help);
            None
        }
    }
}

/// Bytes of the file that a part of a string's value stands in: exact where the string has no escapes, else all of it.
pub fn inside(file: &SourceFile, span: &Range<usize>, value: &str, part: Range<usize>) -> Range<usize> {
    let Some(raw) = file.text.get(span.clone()) else { return span.clone() };
    match raw.find(value) {
        Some(start) if !value.is_empty() => {
            span.start + start + part.start..span.start + start + part.end.max(part.start)
        }
        _ => span.clone(),
    }
}
