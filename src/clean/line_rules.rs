//! Line rules of selector files, on the finished lines of a body.

use super::blocks;
use super::byline::{self, Staff};
use crate::sites::{LineAction, LineRule};

/// Applies rules in order, the first that matches a line acts on it (`strip` lets later ones look at what is left).
///
/// `within_first` and `within_last` count the lines as they were before any rule acted.
pub fn apply(paragraphs: &mut Vec<String>, rules: &[&LineRule], staff: &mut Staff) {
    let n = paragraphs.len();
    let mut out = Vec::with_capacity(n);
    'lines: for (i, mut text) in std::mem::take(paragraphs).into_iter().enumerate() {
        let mut chars = None;
        for rule in rules {
            // As the line was before any rule acted.
            if rule.max_chars.is_some_and(|max| *chars.get_or_insert_with(|| blocks::visible(&text) as usize) > max)
                || rule.within_first.is_some_and(|first| i >= first)
                || rule.within_last.is_some_and(|last| n - i > last)
                || !rule.pattern.is_match(&text)
            {
                continue;
            }
            if let Some(said) = captured(rule, &text) {
                staff.merge(said);
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
    }
    *paragraphs = out;
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
