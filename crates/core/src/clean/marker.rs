//! How the lines that newsrooms leave in a body begin.

use crate::pattern::Pattern;

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
pub struct Marker(Pattern);

impl Marker {
    /// Of alternatives, which are matched at the beginning of a line. `\d` stands for ASCII digits.
    pub fn new(alternatives: &str) -> Self {
        Self(Pattern::later(format!("^(?:{})", alternatives.replace(r"\d", "[0-9]"))))
    }

    /// True if the line begins with one of the alternatives.
    pub fn matches(&self, line: &str) -> bool {
        self.0.is_match(line)
    }

    /// True if lines that cannot match are told without running the regex.
    #[cfg(test)]
    pub fn is_quick(&self) -> bool {
        self.0.knows_beginning()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives() {
        let marker = Marker::new(r"(?:来源|\d+条)");
        assert!(marker.matches("来源：") && marker.matches("12条") && !marker.matches("条") && marker.is_quick());
    }

    #[test]
    fn what_stands_before_a_marker() {
        assert_eq!(opened(" 【（相关阅读】"), "相关阅读】");
        assert_eq!(opened("——"), "");
    }
}
