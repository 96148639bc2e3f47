//! CSS selectors: names that are no elements, and a little of their structure, as text.

use super::Lint;
use crate::sites::at::{At, Many};
use crate::sites::pattern;

/// Elements of HTML, of old HTML, and of SVG and MathML that pages use.
const ELEMENTS: &str = " a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink blockquote \
    body br button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed fieldset \
    figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe image img input ins kbd \
    keygen label legend li link listing main map mark marquee math menu menuitem meta meter nav nobr noembed noframes noscript object \
    ol optgroup option output p param picture plaintext pre progress q rb rp rt rtc ruby s samp script search section select slot small \
    source span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var \
    video wbr xmp path g use rect circle text zoom mpvoice mpvideo ";

impl Lint<'_> {
    /// Names that are no elements: most often a `.` or `#` was forgotten.
    pub(super) fn tags(&mut self, key: &str, list: &Many<String>) {
        for text in list {
            self.tag(key, text);
        }
    }

    pub(super) fn tag(&mut self, key: &str, text: &At<String>) {
        for (at, name) in element_names(text) {
            let lower = name.to_ascii_lowercase();
            // A hyphen makes a custom element, which is fine.
            if !lower.contains('-') && !ELEMENTS.contains(&format!(" {lower} ")) {
                let span = pattern::inside(self.source(), &text.span, text, at..at + name.len());
                let help = format!("a class is `.{name}`, an id `#{name}`");
                self.warn(&span, "unknown-element", format!("`{name}` in `{key}` is no element of HTML"), help);
            }
        }
    }
}

/// Names of elements in a selector, with their places.
fn element_names(css: &str) -> Vec<(usize, &str)> {
    let mut names = Vec::new();
    let (mut brackets, mut start, mut before) = (0_u32, None, ' ');
    // Where the inside of `(` is no selector, as in `:nth-child(2n + 1)`.
    let mut plain_depth: Vec<bool> = Vec::new();
    for (i, c) in css.char_indices().chain([(css.len(), ' ')]) {
        let part = c.is_alphanumeric() || c == '-' || c == '_' || c == '\\';
        if !part && let Some(from) = start.take() {
            names.push((from, &css[from..i]));
        }
        match c {
            '[' => brackets += 1,
            ']' => brackets = brackets.saturating_sub(1),
            '(' => {
                let head = &css[..i];
                plain_depth.push(![":not", ":is", ":where", ":has"].iter().any(|p| head.ends_with(p)));
            }
            ')' => {
                plain_depth.pop();
            }
            _ => {}
        }
        let free = brackets == 0 && !plain_depth.contains(&true);
        if part && start.is_none() && free && matches!(before, ' ' | '>' | '+' | '~' | ',' | '(' | '\t' | '\n') {
            start = Some(i);
        }
        before = c;
    }
    names
}

/// The alternatives of a selector: what stands between its commas.
pub(super) fn branches(css: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (i, c) in css.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(css[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(css[start..].trim());
    parts
}

/// Whether every element that `css` finds is one that `other`, a single compound (`p.a.b`), finds too, as far as the text of
/// the two tells: the last compound of `css` says all that `other` says.
pub(super) fn last_says_all_of(css: &str, other: &str) -> bool {
    let [other] = &compounds(other)[..] else { return css.trim() == other.trim() };
    let Some(last) = compounds(css).pop() else { return false };
    let has = simples(last);
    simples(other).iter().all(|wanted| has.contains(wanted))
}

fn compounds(css: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (i, c) in css.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ' ' | '>' | '+' | '~' if depth == 0 => {
                parts.push(css[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(css[start..].trim());
    parts.retain(|p| !p.is_empty());
    parts
}

fn simples(compound: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (i, c) in compound.char_indices() {
        if depth == 0 && matches!(c, '.' | '#' | '[' | ':') && i > start && !compound[..i].ends_with(':') {
            parts.push(&compound[start..i]);
            start = i;
        }
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
    }
    parts.push(&compound[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_element_names() {
        let names = |css| element_names(css).into_iter().map(|(_, n)| n).collect::<Vec<_>>();
        assert_eq!(names("div.a > content p:nth-child(2n + 1)"), ["div", "content", "p"]);
        assert_eq!(names(".a:not(script, .b) [data-x=y z] a"), ["script", "a"]);
        assert_eq!(names("#a.b"), [""; 0]);
    }

    #[test]
    fn knows_what_is_found_by_both() {
        assert!(last_says_all_of("div.a.b", ".b"));
        assert!(last_says_all_of(".x > .b", ".b"));
        assert!(last_says_all_of(".x .b", ".x .b"));
        assert!(!last_says_all_of(".b", "div.b"));
        assert!(!last_says_all_of(".b p", ".b"));
        assert!(!last_says_all_of(".b", ".x .b"));
    }

    #[test]
    fn splits_at_outer_commas() {
        assert_eq!(branches("a, .b:not(c, d) , e[x=\"1,2\"]"), ["a", ".b:not(c, d)", "e[x=\"1,2\"]"]);
    }
}
