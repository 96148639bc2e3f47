//! What a search gave, whichever engine did it.

use std::fmt;
use std::ops::{Index, Range};
use std::sync::Arc;

use regex_syntax::hir::{Hir, HirKind};

/// Names of groups, by number.
pub type Names = Arc<[Option<Box<str>>]>;

/// The names of a regex's groups; the whole match, which has none, comes first.
pub fn names(hir: &Hir) -> Names {
    let mut all = vec![None];
    gather(hir, &mut all);
    all.into()
}

fn gather(hir: &Hir, all: &mut Vec<Option<Box<str>>>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            // Groups are numbered by where they begin, which is the order of this walk.
            all.push(capture.name.clone());
            gather(&capture.sub, all);
        }
        HirKind::Repetition(repetition) => gather(&repetition.sub, all),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().for_each(|part| gather(part, all)),
        _ => {}
    }
}

/// Where groups matched, as offsets in bytes.
pub struct Spans(Vec<Option<(usize, usize)>>);

impl Spans {
    pub fn light(found: &regex_lite::Captures<'_>) -> Self {
        Self(found.iter().map(|group| group.map(|m| (m.start(), m.end()))).collect())
    }

    pub fn full(found: &regex::Captures<'_>) -> Self {
        Self(found.iter().map(|group| group.map(|m| (m.start(), m.end()))).collect())
    }
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match<'t> {
    text: &'t str,
    start: usize,
    end: usize,
}

impl<'t> Match<'t> {
    pub(super) fn new(text: &'t str, start: usize, end: usize) -> Self {
        Self { text, start, end }
    }

    /// The piece.
    pub fn as_str(&self) -> &'t str {
        &self.text[self.start..self.end]
    }

    /// Where it begins, in bytes.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Where it ends, in bytes.
    pub fn end(&self) -> usize {
        self.end
    }

    /// From where to where, in bytes.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// A match with its groups. Group 0 is all of it; indexing by a group that took no part panics, as in the `regex` crate.
pub struct Captures<'t> {
    text: &'t str,
    spans: Spans,
    names: Names,
}

impl<'t> Captures<'t> {
    pub(super) fn new(text: &'t str, spans: Spans, names: Names) -> Self {
        Self { text, spans, names }
    }

    /// A group by its number.
    pub fn get(&self, n: usize) -> Option<Match<'t>> {
        let (start, end) = (*self.spans.0.get(n)?)?;
        Some(Match { text: self.text, start, end })
    }

    /// A group by its name.
    pub fn name(&self, name: &str) -> Option<Match<'t>> {
        self.names.iter().position(|n| n.as_deref() == Some(name)).and_then(|n| self.get(n))
    }

    /// All groups in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<Match<'t>>> {
        (0..self.spans.0.len()).map(|n| self.get(n))
    }
}

impl fmt::Debug for Captures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|group| group.map(|m| m.as_str()))).finish()
    }
}

impl Index<usize> for Captures<'_> {
    type Output = str;

    #[allow(clippy::panic)]
    fn index(&self, n: usize) -> &str {
        self.get(n).map_or_else(|| panic!("no group {n}"), |m| m.as_str())
    }
}

impl Index<&str> for Captures<'_> {
    type Output = str;

    #[allow(clippy::panic)]
    fn index(&self, name: &str) -> &str {
        self.name(name).map_or_else(|| panic!("no group `{name}`"), |m| m.as_str())
    }
}
