//! Regexes that are tried on many short texts and match few of them.
//!
//! A news page has thousands of lines, and selector files hundreds of patterns. Nearly every line is refused by its first
//! character, its last one, or by a word that is not in it, which the pattern's syntax tree tells beforehand (`Glance`);
//! only for the others the regex runs, and only then it is compiled, which costs more than a whole page.

mod glance;

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::OnceLock;

use regex::{Captures, Regex, RegexBuilder};

use glance::Glance;

/// Most memory that one regex's lazily built automaton may take in one thread, in bytes; beyond it, it starts afresh.
/// The crate's own limit is eight times this, and a site has some hundred regexes.
const AUTOMATON: usize = 256 << 10;

/// A regex that is compiled when a text is met that it may match. Derefs to it.
#[derive(Debug)]
pub struct Pattern {
    text: Box<str>,
    glance: OnceLock<Glance>,
    regex: OnceLock<Regex>,
}

impl Pattern {
    /// Compiles a regex at once.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        Ok(Self { text: text.into(), ..Self::from(regex(text)?) })
    }

    /// A regex that is known to be sound, compiled later. What is not sound matches nothing.
    pub fn later(text: impl Into<Box<str>>) -> Self {
        Self { text: text.into(), glance: OnceLock::new(), regex: OnceLock::new() }
    }

    /// The regex as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As [`Regex::is_match`].
    pub fn is_match(&self, text: &str) -> bool {
        self.may_match(text) && self.regex().is_match(text)
    }

    /// As [`Regex::captures`].
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        if self.may_match(text) { self.regex().captures(text) } else { None }
    }

    /// As [`Regex::replace_all`].
    pub fn replace_all<'t>(&self, text: &'t str, with: &str) -> Cow<'t, str> {
        if self.may_match(text) { self.regex().replace_all(text, with) } else { Cow::Borrowed(text) }
    }

    /// False only if the regex cannot match.
    fn may_match(&self, text: &str) -> bool {
        let glance = self.glance.get_or_init(|| Glance::of(&self.text));
        // Once it is compiled, a search is as cheap as looking for more than a few words.
        glance.allows_ends(text) && ((self.regex.get().is_some() && !glance.is_quick()) || glance.allows_words(text))
    }

    #[allow(clippy::expect_used)]
    fn regex(&self) -> &Regex {
        // Not in a released program, whose tests compile all its patterns; a class without members matches nothing.
        self.regex.get_or_init(|| {
            regex(&self.text).unwrap_or_else(|error| {
                debug_assert!(false, "{error}");
                Regex::new("[a&&b]").expect("a constant that the tests compile")
            })
        })
    }

    /// True if texts that cannot match are told by their first character.
    #[cfg(test)]
    pub fn knows_beginning(&self) -> bool {
        Glance::of(&self.text).knows_beginning()
    }
}

impl From<Regex> for Pattern {
    fn from(regex: Regex) -> Self {
        Self { text: regex.as_str().into(), glance: OnceLock::new(), regex: regex.into() }
    }
}

impl Deref for Pattern {
    type Target = Regex;

    fn deref(&self) -> &Regex {
        self.regex()
    }
}

/// Compiles a regex, with bounded memory when it runs. `\d` is a digit as news pages write it, ASCII or full-width, and
/// `\p{Han}` means blocks of characters that are Han: Unicode's own classes hold digits of 70 scripts, and cost more to
/// compile than all else.
///
/// # Errors
///
/// What is wrong with it.
pub fn regex(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&plain(text)).dfa_size_limit(AUTOMATON).build()
}

/// Han in few ranges: radicals, 々〇〡, the basic block with extension A, compatibility, the supplementary planes.
const HAN: &str = r"[\u{2e80}-\u{2fd5}々〇〡-〩\u{3400}-\u{4dbf}\u{4e00}-\u{9fff}\u{f900}-\u{fad9}\u{20000}-\u{323af}]";

/// The regex with lighter classes.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(r"\d") && !text.contains(r"\p{Han}") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (put, len) = match () {
            () if rest.starts_with(r"\d") => ("[0-9０-９]", 2),
            () if rest.starts_with(r"\p{Han}") => (HAN, 7),
            // Whatever is escaped, a backslash too.
            () => {
                let len = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                (&rest[..len], len)
            }
        };
        out.push_str(put);
        rest = &rest[len..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_regex_is_compiled_for_a_text_that_it_may_match() {
        let pattern = Pattern::later("^(?:来源|记者).*摄$");
        assert!(
            !pattern.is_match("本报记者 某某 摄") && !pattern.is_match("记者某某") && pattern.captures("摄").is_none()
        );
        assert!(pattern.regex.get().is_none());
        assert!(pattern.is_match("记者 某某 摄") && pattern.replace_all("记者摄", "").is_empty());
    }

    #[test]
    fn lighter_classes() {
        assert_eq!(plain(r"[\d年]\\d\D"), r"[[0-9０-９]年]\\d\D");
        assert!(regex(r"^\d{4}[\d/]\p{Han}+[^\p{Han}]$").unwrap().is_match("202６/年〇𠮷a"));
        assert!(regex(r"\p{Latin}").unwrap().is_match("a"));
        assert_eq!(plain("a\\"), "a\\");
    }

    #[test]
    fn nothing_is_matched_by_the_class_without_members() {
        assert!(!Regex::new("[a&&b]").unwrap().is_match("ab"));
    }
}
