//! Patterns that are tried on every line of a page, made cheap: most lines begin with a character that none of a
//! pattern's alternatives begins with, and then the regex need not run.

use regex::Regex;
use regex_syntax::hir::literal::{ExtractKind, Extractor};

/// Blanks, opening brackets and bullets that may stand before a marker.
const OPEN: &[char] = &[
    '[', '【', '（', '(', '〔', '「', '<', '《', '■', '●', '◆', '▲', '△', '▍', '|', '>', '»', '＞', '*', '·', '・',
    '—', '-',
];

/// The line without what may stand before a marker.
pub fn opened(line: &str) -> &str {
    line.trim_start_matches(|c: char| c.is_whitespace() || OPEN.contains(&c))
}

/// Alternatives that a line begins with.
#[derive(Debug)]
pub struct Marker {
    regex: Regex,
    /// Sorted; empty if any character may begin it.
    first: Vec<char>,
}

impl Marker {
    /// Compiles alternatives, which are matched at the beginning of a line. `\d` stands for ASCII digits.
    #[allow(clippy::expect_used)]
    pub fn new(alternatives: &str) -> Self {
        let pattern = alternatives.replace(r"\d", "[0-9]");
        let regex = Regex::new(&format!("^(?:{pattern})")).expect("a constant pattern");
        Self { regex, first: first_chars(&pattern).unwrap_or_default() }
    }

    /// True if the line begins with one of the alternatives.
    pub fn matches(&self, line: &str) -> bool {
        let may = self.first.is_empty() || line.chars().next().is_some_and(|c| self.first.binary_search(&c).is_ok());
        may && self.regex.is_match(line)
    }

    /// True if lines that cannot match are told without running the regex.
    #[cfg(test)]
    pub fn is_quick(&self) -> bool {
        !self.first.is_empty()
    }
}

/// Every character that a match can begin with, sorted; `None` if these are too many to list.
fn first_chars(pattern: &str) -> Option<Vec<char>> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_class(64).limit_total(20_000).limit_literal_len(8);
    let seq = extractor.extract(&hir);
    let mut first = Vec::new();
    for literal in seq.literals()? {
        let text = literal.as_bytes();
        let valid = match std::str::from_utf8(text) {
            Ok(text) => text,
            Err(e) => std::str::from_utf8(&text[..e.valid_up_to()]).unwrap_or_default(),
        };
        first.push(valid.chars().next()?);
    }
    first.sort_unstable();
    first.dedup();
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_characters() {
        assert_eq!(first_chars("(?:甲|乙[0-2]|(?:丙)?丁)戊*"), Some(vec!['丁', '丙', '乙', '甲']));
        assert_eq!(first_chars("[^甲]乙"), None);
        assert_eq!(first_chars("甲*"), None);
        let marker = Marker::new(r"(?:来源|\d+条)");
        assert!(marker.matches("来源：") && marker.matches("12条") && !marker.matches("条") && marker.is_quick());
    }

    #[test]
    fn what_stands_before_a_marker() {
        assert_eq!(opened(" 【（相关阅读】"), "相关阅读】");
        assert_eq!(opened("——"), "");
    }
}
