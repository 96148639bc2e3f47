//! Line rules of selector files, on the finished lines of a body.

use super::blocks;
use super::byline::{self, Staff};
use super::generic::{ends_sentence, punctuation};
use super::tidy::Body;
use crate::sites::{LineAction, LineRule};

/// Which lines of a body a rule may act on.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// Number of lines.
    lines: usize,
    /// First and last paragraph of running text: `first..end`.
    first: usize,
    end: usize,
}

impl Reach {
    /// Running text begins and ends with a paragraph that no rule would drop or cut.
    pub fn of<T: AsRef<str>>(lines: &[T], rules: &[&LineRule]) -> Self {
        let mut reach = Self { lines: lines.len(), first: 0, end: 0 };
        let is_text = |i: &usize| {
            let text = lines[*i].as_ref();
            let chars = blocks::visible(text) as usize;
            let matched = |r: &&LineRule| r.action != LineAction::Strip && reach.window(r, *i, chars);
            is_paragraph(text, chars) && !rules.iter().any(|r| matched(r) && r.pattern.is_match(text))
        };
        let first = (0..lines.len()).find(is_text).unwrap_or(lines.len());
        let end = (first..lines.len()).rev().find(is_text).map_or(first, |last| last + 1);
        (reach.first, reach.end) = (first, end);
        reach
    }

    /// True if a rule may look at line `i`: by its keys, and a rule of `_common` not between two paragraphs of running text,
    /// where words alone condemn nothing. What is glued to a paragraph stands there, and is looked at.
    pub fn covers(self, rule: &LineRule, i: usize, chars: usize) -> bool {
        let between = i >= self.first && i < self.end;
        self.window(rule, i, chars) && !(between && rule.is_common && rule.action != LineAction::Strip)
    }

    fn window(self, rule: &LineRule, i: usize, chars: usize) -> bool {
        rule.max_chars.is_none_or(|max| chars <= max)
            && rule.within_first.is_none_or(|first| i < first)
            && rule.within_last.is_none_or(|last| self.lines - i <= last)
    }
}

/// Long and punctuated, as running text is.
fn is_paragraph(text: &str, chars: usize) -> bool {
    chars >= 14 && {
        let p = punctuation(text);
        chars >= 30 && p.stops + p.pauses >= 2 || p.stops >= 1 && ends_sentence(text)
    }
}

/// Applies rules in order, the first that matches a line acts on it (`strip` lets later ones look at what is left).
///
/// `within_first` and `within_last` count the lines as they were before any rule acted.
pub fn apply(body: &mut Body, rules: &[&LineRule]) {
    if rules.is_empty() {
        return;
    }
    let reach = Reach::of(&body.paragraphs, rules);
    let mut out = Vec::with_capacity(body.paragraphs.len());
    let mut lines = Vec::with_capacity(body.lines.len());
    'lines: for (i, mut text) in std::mem::take(&mut body.paragraphs).into_iter().enumerate() {
        // As the line was before any rule acted.
        let chars = blocks::visible(&text) as usize;
        for rule in rules {
            if !reach.covers(rule, i, chars) || !rule.pattern.is_match(&text) {
                continue;
            }
            if let Some(said) = captured(rule, &text) {
                body.staff.merge(said);
            }
            match rule.action {
                LineAction::Drop => continue 'lines,
                LineAction::Cut => break 'lines,
                LineAction::Strip => {
                    let left = rule.pattern.without(&text);
                    let left = left.trim_matches(blocks::is_blank);
                    if left.is_empty() {
                        continue 'lines;
                    }
                    text = left.to_owned();
                }
            }
        }
        out.push(text);
        lines.extend(body.lines.get(i));
    }
    body.paragraphs = out;
    body.lines = lines;
}

/// What a rule's named groups say: `source`, `author`, or an editorial role each.
fn captured(rule: &LineRule, text: &str) -> Option<Staff> {
    let regex = rule.capture.as_ref()?;
    let captures = regex.captures(text)?;
    let mut staff = Staff::default();
    for name in regex.capture_names().flatten() {
        let Some(value) = captures.name(name).map(|m| m.as_str()) else { continue };
        match name {
            "source" => staff.source = byline::source_value(value),
            "author" | "authors" => staff.authors = byline::loose_names(value),
            role => {
                let names = byline::names(value.trim_matches(|c: char| blocks::is_blank(c) || ":：|/".contains(c)));
                if !names.is_empty() {
                    staff.editors.insert(role.to_owned(), names);
                }
            }
        }
    }
    Some(staff)
}
