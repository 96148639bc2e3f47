//! What line rules do to the paragraphs of a container.

use super::Fate;
use super::hits;
use crate::clean::blocks::{self, is_blank};
use crate::clean::line_rules::Reach;
use crate::sites::{LineAction, LineRule};

/// A paragraph before line rules, and what the first rule that acts on it does.
pub struct Paragraph {
    /// Without white space.
    pub squashed: String,
    /// What became of it.
    pub fate: Fate,
    /// The rule that decided.
    pub rule: String,
    /// Where that is written.
    pub origin: Option<String>,
}

/// What the line rules do to each paragraph: the first that matches acts, `strip` lets later ones look at what is left.
pub fn paragraphs(lines: &[String], rules: &[&LineRule]) -> Vec<Paragraph> {
    let reach = Reach::of(lines, rules);
    let mut cut: Option<(String, Option<String>)> = None;
    let mut out = Vec::with_capacity(lines.len());
    for (i, line) in lines.iter().enumerate() {
        let mut paragraph =
            Paragraph { squashed: squash(line), fate: Fate::Kept, rule: "body".to_owned(), origin: None };
        if let Some((rule, origin)) = &cut {
            paragraph.fate = Fate::Cut;
            paragraph.rule = format!("after a line that a rule cuts at: {rule}");
            paragraph.origin.clone_from(origin);
            out.push(paragraph);
            continue;
        }
        let mut text = line.clone();
        let chars = blocks::visible(line) as usize;
        for rule in rules {
            if !reach.covers(rule, i, chars) || !rule.pattern.is_match(&text) {
                continue;
            }
            let shown = hits::short(rule.pattern.as_str());
            paragraph.origin = Some(rule.origin.clone());
            match rule.action {
                LineAction::Drop => {
                    paragraph.fate = Fate::Cut;
                    paragraph.rule = format!("line rule, drop: {shown}");
                    break;
                }
                LineAction::Cut => {
                    paragraph.fate = Fate::Cut;
                    paragraph.rule = format!("line rule, cut: {shown}");
                    cut = Some((shown, Some(rule.origin.clone())));
                    break;
                }
                LineAction::Strip => {
                    text = rule.pattern.without(&text).trim_matches(is_blank).to_owned();
                    paragraph.fate = if text.is_empty() { Fate::Cut } else { Fate::Trimmed };
                    paragraph.rule = format!("line rule, strip: {shown}");
                    if text.is_empty() {
                        break;
                    }
                }
            }
        }
        out.push(paragraph);
    }
    out
}

/// A text without white space.
pub fn squash(text: &str) -> String {
    text.chars().filter(|c| !is_blank(*c)).collect()
}

/// A line of the page and a paragraph are the same, but for what was cut out of the line.
pub fn same(line: &str, paragraph: &str) -> bool {
    line == paragraph
        || paragraph.len() * 3 > line.len() && line.starts_with(paragraph)
        || paragraph.len() > 60 && line.len() >= paragraph.len() && crate::learn::agreement(line, paragraph) > 0.7
}
