//! What a text must have to match a regex, read off its syntax tree.

use memchr::memmem::Finder;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};

/// What a match cannot do without. What is not known is not asked for.
#[derive(Debug, Default)]
pub struct Glance {
    /// Characters that a text begins with, sorted ranges; empty if any may.
    first: Vec<(char, char)>,
    /// Characters that a text ends with.
    last: Vec<(char, char)>,
    /// Words of which a text has one.
    words: Vec<Finder<'static>>,
}

/// Most words that are looked for even if the regex is compiled.
const FEW: usize = 3;
/// Most words that are looked for.
const MOST: usize = 48;
/// A class with at most so many characters counts as that many words.
const CLASS: u32 = 4;

impl Glance {
    /// Of a regex's syntax tree.
    pub fn of(hir: &Hir) -> Self {
        let looks = hir.properties();
        let end = |anchored: bool, from: fn(&Hir) -> Option<Edge>| match anchored.then(|| from(hir)).flatten() {
            Some(edge) if !edge.nullable => merged(edge.chars),
            _ => Vec::new(),
        };
        let first = end(looks.look_set_prefix().contains(Look::Start), |h| edge(h, Side::First));
        let last = end(looks.look_set_suffix().contains(Look::End), |h| edge(h, Side::Last));
        let words = words(hir).unwrap_or_default();
        Self { first, last, words: words.iter().map(|w| Finder::new(w).into_owned()).collect() }
    }

    /// False if the first or last character cannot be one of a match.
    pub fn allows_ends(&self, text: &str) -> bool {
        within(&self.first, text.chars().next()) && within(&self.last, text.chars().next_back())
    }

    /// False if the text has none of the words that every match has one of.
    pub fn allows_words(&self, text: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| word.find(text.as_bytes()).is_some())
    }

    /// True if looking for the words is cheaper than a search.
    pub fn is_quick(&self) -> bool {
        self.words.len() <= FEW
    }

    /// True if it is known what a match begins with.
    #[cfg(test)]
    pub fn knows_beginning(&self) -> bool {
        !self.first.is_empty()
    }
}

fn within(ranges: &[(char, char)], c: Option<char>) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let place = |c: char, &(from, to): &(char, char)| match (to < c, from > c) {
        (true, _) => Less,
        (_, true) => Greater,
        _ => Equal,
    };
    ranges.is_empty() || c.is_some_and(|c| ranges.binary_search_by(|range| place(c, range)).is_ok())
}

/// Sorted, without overlaps.
fn merged(ranges: Vec<(char, char)>) -> Vec<(char, char)> {
    let class = ClassUnicode::new(ranges.into_iter().map(|(from, to)| ClassUnicodeRange::new(from, to)));
    class.ranges().iter().map(|r| (r.start(), r.end())).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    First,
    Last,
}

/// What stands at one end of a match.
struct Edge {
    chars: Vec<(char, char)>,
    /// It may be empty, so that what is next to it stands there.
    nullable: bool,
}

/// `None` if that is not known.
fn edge(hir: &Hir, side: Side) -> Option<Edge> {
    let nothing = || Edge { chars: Vec::new(), nullable: true };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(nothing()),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            let c = if side == Side::First { text.chars().next()? } else { text.chars().next_back()? };
            Some(Edge { chars: vec![(c, c)], nullable: false })
        }
        HirKind::Class(Class::Unicode(class)) => {
            let chars: Vec<(char, char)> = class.ranges().iter().map(|r| (r.start(), r.end())).collect();
            Some(Edge { chars, nullable: false })
        }
        HirKind::Class(Class::Bytes(_)) => None,
        HirKind::Capture(capture) => edge(&capture.sub, side),
        HirKind::Repetition(repetition) => {
            let mut inner = edge(&repetition.sub, side)?;
            inner.nullable |= repetition.min == 0;
            Some(inner)
        }
        HirKind::Concat(parts) => {
            let mut all = nothing();
            for n in 0..parts.len() {
                let part = edge(&parts[if side == Side::First { n } else { parts.len() - 1 - n }], side)?;
                all.chars.extend(part.chars);
                all.nullable = part.nullable;
                if !all.nullable {
                    break;
                }
            }
            Some(all)
        }
        HirKind::Alternation(parts) => {
            let mut all = Edge { chars: Vec::new(), nullable: false };
            for part in parts {
                let edge = edge(part, side)?;
                all.chars.extend(edge.chars);
                all.nullable |= edge.nullable;
            }
            Some(all)
        }
    }
}

/// Words of which every match has one; `None` if there are none, or too many.
fn words(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![literal.0.to_vec()]),
        HirKind::Class(Class::Unicode(class)) => {
            let count: u32 = class.ranges().iter().map(|r| u32::from(r.end()) - u32::from(r.start()) + 1).sum();
            let chars = class.ranges().iter().flat_map(|r| r.start()..=r.end());
            (count <= CLASS).then(|| chars.map(|c| c.to_string().into_bytes()).collect())
        }
        HirKind::Capture(capture) => words(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => words(&repetition.sub),
        // Few words, and long ones, refuse the most texts.
        HirKind::Concat(parts) => parts
            .iter()
            .filter_map(words)
            .min_by_key(|all| (all.len(), std::cmp::Reverse(all.iter().map(Vec::len).min()))),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(words(part)?);
            }
            (all.len() <= MOST).then_some(all)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glance(regex: &str) -> Glance {
        Glance::of(&regex_syntax::parse(regex).unwrap())
    }

    fn ends(regex: &str, text: &str) -> bool {
        glance(regex).allows_ends(text)
    }

    #[test]
    fn the_first_character() {
        let regex = r"^[（(]?\s*(?:甲|乙[0-2]|(?:丙)?丁)戊*";
        ["甲", "（甲", " 丁", "丙丁", "乙9"].iter().for_each(|t| assert!(ends(regex, t), "{t}"));
        ["戊", "", "）甲"].iter().for_each(|t| assert!(!ends(regex, t), "{t}"));
        // Anything may stand before what is not anchored, and in the place of what may be empty.
        ["甲", "甲*", "^甲*", "^甲*|乙", "^(?:甲|.)"].iter().for_each(|r| assert!(ends(r, "子"), "{r}"));
        assert!(!ends("^[^甲]乙", "甲乙"));
    }

    #[test]
    fn the_last_character() {
        assert!(ends("摄[）)]?$", "某某摄") && ends("摄[）)]?$", "某某摄）") && !ends("摄[）)]?$", "摄影"));
        assert!(ends("摄[）)]?", "摄影") && ends("摄$|图", "摄影") && !ends("(?:摄|图)$", "摄影"));
    }

    #[test]
    fn words_that_a_match_has() {
        let has = |regex: &str, text: &str| glance(regex).allows_words(text);
        assert!(has("(?:记者|通讯员).{2,4}摄", "摄影的记者") && !has("(?:记者|通讯员).{2,4}甲", "摄影"));
        // The fewest are taken.
        assert!(!has("(?:记者|通讯员).{2,4}摄影", "记者"));
        assert!(has("(?:记者|.*)甲*", "乙") && !has("(?i)abc", "xy") && has("(?i)abc", "xABCx"));
    }

    proptest::proptest! {
        /// What matches is never refused.
        #[test]
        fn no_match_is_refused(regex in r"\^?[甲a]?(\([甲乙]\|[丙a-c]?\))?[甲乙][*+?]?(\[\^?[a-c丁]\])?\$?", text in "[甲乙丙丁a-d]{0,6}") {
            if let Ok(compiled) = regex::Regex::new(&regex) {
                let glance = glance(&regex);
                if compiled.is_match(&text) {
                    proptest::prop_assert!(glance.allows_ends(&text) && glance.allows_words(&text), "{} {}", regex, text);
                }
            }
        }
    }
}
