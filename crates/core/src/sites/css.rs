//! A compiled CSS selector, and by which ids, classes or tags its elements can be found without trying every one.

mod quick;

use std::ops::Deref;

use quick::Quick;
use scraper::{ElementRef, Selector};

/// What an element must have to match a selector.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Handle {
    /// This id.
    Id(String),
    /// This class.
    Class(String),
    /// This tag.
    Tag(String),
}

/// A compiled selector.
#[derive(Debug, Clone)]
pub struct Css {
    selector: Selector,
    handles: Option<Vec<Handle>>,
    /// Its alternatives, if all are of the usual form.
    quick: Option<Vec<Quick>>,
}

impl Css {
    /// Compiles a selector; `None` if the engine does not take it.
    pub fn parse(text: &str) -> Option<Self> {
        let selector = Selector::parse(text).ok()?;
        // The engine writes names back without their escapes, so handles are read from the text; an escape or comment in
        // it may hide any sign, and such a selector is tried on every element.
        let plain = !text.contains('\\') && !text.contains("/*");
        let handles = plain.then(|| split(text, |c| c == ',').into_iter().map(handle).collect()).flatten();
        let quick = plain.then(|| split(text, |c| c == ',').into_iter().map(Quick::parse).collect()).flatten();
        Some(Self { selector, handles, quick })
    }

    /// True if the element matches.
    pub fn matches(&self, element: &ElementRef<'_>) -> bool {
        match &self.quick {
            Some(alternatives) => alternatives.iter().any(|quick| quick.matches(*element)),
            None => self.selector.matches(element),
        }
    }

    /// One for each alternative of the selector: every element that matches has at least one of them. `None` if any
    /// element might match.
    pub fn handles(&self) -> Option<&[Handle]> {
        self.handles.as_deref()
    }
}

impl Deref for Css {
    type Target = Selector;

    fn deref(&self) -> &Selector {
        &self.selector
    }
}

/// Pieces of a selector between separators that stand outside brackets and strings.
fn split(css: &str, is_separator: impl Fn(char) -> bool) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut depth, mut quote, mut escaped, mut from) = (0u32, None, false, 0);
    for (at, c) in css.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match (quote, c) {
            (_, '\\') => escaped = true,
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth = depth.saturating_sub(1),
            (None, c) if depth == 0 && is_separator(c) => {
                out.push(&css[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    out.push(&css[from..]);
    out
}

/// The id, class or tag that the element of one alternative must have: those of its last compound.
fn handle(alternative: &str) -> Option<Handle> {
    let compound = split(alternative.trim(), |c| c.is_whitespace() || matches!(c, '>' | '+' | '~')).pop()?;
    let name = |text: &str| -> Option<String> {
        let end = text.find(['.', '#']).unwrap_or(text.len());
        (end > 0).then(|| text[..end].to_owned())
    };
    // What stands in the brackets of attributes and functions is not asked of this element itself.
    let own = &compound[..compound.find(['[', ':', '(']).unwrap_or(compound.len())];
    if let Some((_, id)) = own.split_once('#') {
        return name(id).map(Handle::Id);
    }
    if let Some((_, class)) = own.split_once('.') {
        return name(class).map(Handle::Class);
    }
    let tag = own.trim_start_matches("*|");
    (!tag.is_empty() && !tag.contains(['*', '|'])).then(|| Handle::Tag(tag.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handles(css: &str) -> Option<Vec<Handle>> {
        Css::parse(css).and_then(|c| c.handles().map(<[Handle]>::to_vec))
    }

    #[test]
    fn of_the_last_compound() {
        let (id, class, tag) =
            (|s: &str| Handle::Id(s.into()), |s: &str| Handle::Class(s.into()), |s: &str| Handle::Tag(s.into()));
        assert_eq!(handles("#a .b > p"), Some(vec![tag("p")]));
        assert_eq!(handles("div.a.b"), Some(vec![class("a")]));
        assert_eq!(handles("ul li#x.y[data-a='b c, .d']"), Some(vec![id("x")]));
        assert_eq!(handles("h1, .t:not(.u, .v)"), Some(vec![tag("h1"), class("t")]));
        assert_eq!(handles(".a:has(> b) ~ EM"), Some(vec![tag("em")]));
        assert_eq!(handles("p:nth-of-type(2n + 1)"), Some(vec![tag("p")]));
    }

    #[test]
    fn none_where_any_element_may_match() {
        for css in ["*", "[itemprop]", ".a > *", "p, [x]", ":not(.a)", r"#\31 23", r"#a\.b", "p/* */.a", "a :is(b, i)"]
        {
            assert_eq!(handles(css), None, "{css}");
        }
    }
}
