//! Selectors of the usual form, matched without the engine: tags, ids, classes and attributes, one inside another.
//!
//! The engine takes a few thousand instructions to begin with an element, and interns every class it meets. What stands
//! in selector files is mostly `div.article > p.note`.

use html5ever::{LocalName, local_name};
use scraper::ElementRef;
use scraper::node::Element;

/// One alternative of a selector, from its last part to its first.
#[derive(Debug, Clone)]
pub struct Quick(Vec<Part>);

/// What is asked of one element.
#[derive(Debug, Clone, Default)]
struct Part {
    tag: Option<LocalName>,
    id: Option<String>,
    classes: Vec<String>,
    attributes: Vec<(LocalName, Value)>,
    /// The next part is its parent; else any element above it.
    child: bool,
}

/// What is asked of an attribute.
#[derive(Debug, Clone)]
enum Value {
    Any,
    Is(String),
    Begins(String),
    Ends(String),
    Contains(String),
}

impl Value {
    fn fits(&self, value: &str) -> bool {
        match self {
            Value::Any => true,
            Value::Is(wanted) => value == wanted,
            Value::Begins(wanted) => !wanted.is_empty() && value.starts_with(wanted),
            Value::Ends(wanted) => !wanted.is_empty() && value.ends_with(wanted),
            Value::Contains(wanted) => !wanted.is_empty() && value.contains(wanted),
        }
    }
}

/// Attributes whose values are compared as they are; those of some others are compared without regard to case.
const EXACT: [&str; 7] = ["class", "id", "name", "itemprop", "property", "href", "src"];

impl Quick {
    /// Of one alternative of a sound selector; none where it has more than that.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut parts: Vec<Part> = Vec::new();
        loop {
            let (mut part, after) = part(rest)?;
            let next = after.trim_start();
            if next.is_empty() {
                parts.push(part);
                break;
            }
            if let Some(inside) = next.strip_prefix('>') {
                part.child = true;
                rest = inside.trim_start();
            } else if next.len() < after.len() {
                rest = next;
            } else {
                return None;
            }
            parts.push(part);
        }
        // A part says how the one behind it is found.
        for n in (1..parts.len()).rev() {
            parts[n].child = parts[n - 1].child;
        }
        parts[0].child = false;
        parts.reverse();
        // Above any of several elements, a parent would have to be tried for each.
        let first_above = parts.iter().position(|part| !part.child).unwrap_or(parts.len());
        parts[first_above..].iter().all(|part| !part.child).then_some(Self(parts))
    }

    /// True if the element matches.
    pub fn matches(&self, element: ElementRef<'_>) -> bool {
        let Some((last, above)) = self.0.split_first() else { return false };
        if !last.fits(element.value()) {
            return false;
        }
        let mut child = last.child;
        let mut at = element.parent();
        for part in above {
            loop {
                let Some(element) = at.and_then(ElementRef::wrap) else { return false };
                at = element.parent();
                if part.fits(element.value()) {
                    break;
                }
                if child {
                    return false;
                }
            }
            child = part.child;
        }
        true
    }
}

impl Part {
    fn fits(&self, element: &Element) -> bool {
        let value = |wanted: &LocalName| {
            element.attrs.iter().find(|(name, _)| name.local == *wanted).map(|(_, value)| &**value)
        };
        self.tag.as_ref().is_none_or(|tag| element.name.local == *tag)
            && self.id.as_ref().is_none_or(|id| value(&local_name!("id")) == Some(id))
            && (self.classes.is_empty()
                || value(&local_name!("class")).is_some_and(|classes| {
                    self.classes.iter().all(|wanted| classes.split_ascii_whitespace().any(|class| class == wanted))
                }))
            && self.attributes.iter().all(|(name, wanted)| value(name).is_some_and(|value| wanted.fits(value)))
    }
}

/// The part that a text begins with, and what follows it.
fn part(text: &str) -> Option<(Part, &str)> {
    let mut part = Part::default();
    let mut rest = text;
    if let Some(after) = rest.strip_prefix('*') {
        rest = after;
    } else if let Some((tag, after)) = name(rest) {
        // Names of elements of other kinds are written with capitals.
        if tag.bytes().any(|b| b.is_ascii_uppercase()) {
            return None;
        }
        part.tag = Some(LocalName::from(tag));
        rest = after;
    }
    loop {
        if let Some(after) = rest.strip_prefix('#') {
            let (id, after) = name(after)?;
            // A second one is never matched, which is left to the engine.
            if part.id.replace(id.to_owned()).is_some() {
                return None;
            }
            rest = after;
        } else if let Some(after) = rest.strip_prefix('.') {
            let (class, after) = name(after)?;
            part.classes.push(class.to_owned());
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (attribute, after) = name(after.trim_start())?;
            let attribute = attribute.to_ascii_lowercase();
            let after = after.trim_start();
            if let Some(after) = after.strip_prefix(']') {
                part.attributes.push((LocalName::from(attribute), Value::Any));
                rest = after;
                continue;
            }
            if !EXACT.contains(&attribute.as_str()) && !attribute.starts_with("data-") {
                return None;
            }
            let (sign, after) = after.split_once('=')?;
            let after = after.trim_start();
            let (value, after) = match after.chars().next()? {
                quote @ ('"' | '\'') => after[1..].split_once(quote)?,
                _ => name(after)?,
            };
            let value = value.to_owned();
            let value = match sign {
                "" => Value::Is(value),
                "^" => Value::Begins(value),
                "$" => Value::Ends(value),
                "*" => Value::Contains(value),
                _ => return None,
            };
            part.attributes.push((LocalName::from(attribute), value));
            rest = after.trim_start().strip_prefix(']')?;
        } else if rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace() || c == '>') {
            return (rest.len() < text.len()).then_some((part, rest));
        } else {
            return None;
        }
    }
}

/// A name without escapes.
fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use scraper::{Html, Selector};

    use super::*;

    #[test]
    fn forms_that_are_left_to_the_engine() {
        for css in [
            "a:first-child",
            "a + b",
            "a ~ b",
            "DIV",
            "[type=text]",
            "a > b c",
            "p[class~=x]",
            r"a\.b",
            "a|b",
            "#a#b",
            "",
        ] {
            assert!(Quick::parse(css).is_none(), "{css}");
        }
        for css in ["a", "*.a", "#a .b > p.c[x]", "a b > c", "[class='x y']", "div[data-x^=1]", " a > b > c "] {
            assert!(Quick::parse(css).is_some(), "{css}");
        }
    }

    proptest::proptest! {
        /// As the engine matches it.
        #[test]
        fn as_the_engine_matches_it(
            css in r"(\*|p|div|a|)(\.[xy]|#[xy]|\[class\]|\[id[*$^]?='x'\]|\[class[*$^]?='y?'\]|\[data-a=x\])?((( | ?> ?)(p|div|\*|)(\.[xy]|#x|\[class='x y'\])){0,2})",
            page in r"(<(div|p|a|span)( class='(x|y|x y|z)'| id=x| id=y| data-a=x)?>|</(div|p|a)>|t){1,24}",
        ) {
            if let (Ok(selector), Some(quick)) = (Selector::parse(&css), Quick::parse(&css)) {
                let html = Html::parse_document(&page);
                for element in html.root_element().descendants().filter_map(ElementRef::wrap) {
                    proptest::prop_assert_eq!(
                        quick.matches(element), selector.matches(&element), "{} on {} in {}", css, element.html(), page
                    );
                }
            }
        }
    }
}
