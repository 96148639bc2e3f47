//! Compares what a page gave with what a test says: what is missing, what is too much.

use std::collections::BTreeMap;

use crate::clean::{Cleaned, PageKind};
use crate::record::{Kind, Record};
use crate::sites::at::At;
use crate::sites::model::Test;

/// One thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// What it is about: a key of `[[test]]`.
    pub what: String,
    /// What the test says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What the page gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What to know or do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Difference {
    pub(super) fn note(what: &str, note: String) -> Self {
        Self { what: what.to_owned(), expected: None, found: None, note: Some(note) }
    }
}

const NOTHING: &str = "nothing";

/// Everything that does not hold.
pub fn compare(test: &Test, cleaned: &Cleaned) -> Vec<Difference> {
    let mut all = Compare(Vec::new());
    let template = test.template.as_ref();
    all.equal(
        "template",
        template.map(|t| t.value.clone()),
        Some(cleaned.template.clone().unwrap_or_else(|| "the generic extractor".to_owned())),
    );
    all.equal(
        "next",
        test.next.as_ref().map(|n| n.value.clone()),
        Some(cleaned.next.as_ref().map_or(NOTHING.to_owned(), ToString::to_string)),
    );
    match (&cleaned.article, &test.rejected) {
        (Ok(record), None) => all.article(test, record),
        (Ok(record), Some(reason)) => all.0.push(Difference {
            what: "rejected".to_owned(),
            expected: Some(reason.value.to_string()),
            found: Some(format!("{} “{}”", kind(record.kind), record.title.as_deref().unwrap_or_default())),
            note: Some(format!("its text begins “{}”", short(record.text.lines().next().unwrap_or_default()))),
        }),
        (Err(rejection), Some(reason)) => {
            all.equal("rejected", Some(reason.value.to_string()), Some(rejection.reason.to_string()));
        }
        (Err(rejection), None) if cleaned.kind != PageKind::List || says_article(test) => all.0.push(Difference {
            what: "article".to_owned(),
            expected: Some("an article".to_owned()),
            found: Some(format!("rejected: {}", rejection.reason)),
            note: (!rejection.detail.is_empty()).then(|| rejection.detail.clone()),
        }),
        // A test of a list page that says only which template must win.
        (Err(_), None) => {}
    }
    all.0
}

fn says_article(test: &Test) -> bool {
    test.title.is_some() || test.chars.is_some() || test.kind.is_some() || !test.contains.is_empty()
}

struct Compare(Vec<Difference>);

impl Compare {
    fn equal(&mut self, what: &str, expected: Option<String>, found: Option<String>) {
        let Some(expected) = expected else { return };
        if found.as_deref() != Some(&expected) {
            let found = found.unwrap_or_else(|| NOTHING.to_owned());
            self.0.push(Difference { what: what.to_owned(), expected: Some(expected), found: Some(found), note: None });
        }
    }

    fn article(&mut self, test: &Test, record: &Record) {
        let text = |value: &Option<At<String>>| value.as_ref().map(|v| v.value.clone());
        self.equal("kind", test.kind.as_ref().map(|k| kind(k.value).to_owned()), Some(kind(record.kind).to_owned()));
        self.equal("title", text(&test.title), record.title.clone());
        self.equal("published", test.published.as_ref().map(|p| p.value.0.clone()), record.published_at.clone());
        self.equal("modified", test.modified.as_ref().map(|p| p.value.0.clone()), record.modified_at.clone());
        self.equal("source", text(&test.source), record.source.clone());
        self.equal("section", text(&test.section), record.section.clone());
        self.equal("summary", text(&test.summary), record.summary.clone());
        let authors = test.authors.as_ref().map(|list| join(list.iter().map(|a| a.value.as_str())));
        self.equal("authors", authors, Some(join(record.authors.iter().map(String::as_str))));
        let roles = |map: BTreeMap<&str, String>| join(map.iter().map(|(role, names)| format!("{role}: {names}")));
        let editors = test.editors.as_ref().map(|map| {
            roles(
                map.iter().map(|(role, names)| (role.as_str(), join(names.iter().map(|n| n.value.as_str())))).collect(),
            )
        });
        let found = record.editors.iter().map(|(role, names)| (role.as_str(), join(names.iter().map(String::as_str))));
        self.equal("editors", editors, Some(roles(found.collect())));
        self.contains(test, record);
        self.excludes(test, record);
        self.chars(test, record);
    }

    fn contains(&mut self, test: &Test, record: &Record) {
        for wanted in test.contains.iter().filter(|w| !record.text.contains(w.as_str())) {
            let nearest = nearest(wanted, &record.text);
            self.0.push(Difference {
                what: "contains".to_owned(),
                expected: Some(wanted.value.clone()),
                note: Some(match nearest {
                    Some(_) => "missing; the nearest line is shown".to_owned(),
                    None => "missing, and nothing like it is in the text: was it cut, or is it outside of `body`?"
                        .to_owned(),
                }),
                found: nearest.map(|line| short_around(line, wanted)),
            });
        }
    }

    fn excludes(&mut self, test: &Test, record: &Record) {
        let lines = record.text.lines().count();
        for unwanted in &test.excludes {
            let Some((i, line)) = record.text.lines().enumerate().find(|(_, line)| line.contains(unwanted.as_str()))
            else {
                continue;
            };
            self.0.push(Difference {
                what: "excludes".to_owned(),
                expected: Some(format!("no “{}”", unwanted.value)),
                found: Some(short_around(line, unwanted)),
                note: Some(format!(
                    "too much, in line {} of {lines}: put its element into `remove`, or add a [[line]] rule",
                    i + 1
                )),
            });
        }
    }

    fn chars(&mut self, test: &Test, record: &Record) {
        let Some([least, most]) = test.chars.as_ref().map(|c| c.value.as_slice()) else { return };
        let found = visible(&record.text);
        if found < *least as usize || found > *most as usize {
            let lines: Vec<&str> = record.text.lines().collect();
            let ends = match lines[..] {
                [] => "the text is empty".to_owned(),
                [one] => format!("the text is “{}”", short(one)),
                [first, .., last] => format!("from “{}” to “{}”", short(first), short(last)),
            };
            self.0.push(Difference {
                what: "chars".to_owned(),
                expected: Some(format!("{least} to {most}")),
                found: Some(found.to_string()),
                note: Some(ends),
            });
        }
    }
}

/// Characters without white space.
pub(super) fn visible(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Article => "article",
        Kind::Gallery => "gallery",
        Kind::Video => "video",
    }
}

fn join<T: AsRef<str>>(items: impl Iterator<Item = T>) -> String {
    let list: Vec<T> = items.collect();
    if list.is_empty() { NOTHING.to_owned() } else { list.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ") }
}

/// The line that shares the longest run of characters with the text wanted, if that is a third of it.
fn nearest<'a>(wanted: &str, text: &'a str) -> Option<&'a str> {
    let wanted: Vec<char> = wanted.chars().collect();
    text.lines()
        .map(|line| (longest_run(&wanted, line), line))
        .filter(|&(run, _)| run >= 2 && run * 3 >= wanted.len())
        .max_by_key(|&(run, _)| run)
        .map(|(_, line)| line)
}

fn longest_run(wanted: &[char], line: &str) -> usize {
    let mut best = 0;
    let mut above = vec![0_usize; wanted.len() + 1];
    for c in line.chars() {
        let mut row = vec![0; wanted.len() + 1];
        for (i, w) in wanted.iter().enumerate().filter(|&(_, w)| *w == c) {
            let _ = w;
            row[i + 1] = above[i] + 1;
            best = best.max(row[i + 1]);
        }
        above = row;
    }
    best
}

/// The first characters of a line.
fn short(line: &str) -> String {
    let mut chars = line.chars();
    let head: String = chars.by_ref().take(40).collect();
    if chars.next().is_some() { format!("{head}…") } else { head }
}

/// The part of a line around a text, or its first characters.
fn short_around(line: &str, text: &str) -> String {
    const SIDE: usize = 30;
    let Some(at) = line.find(text) else {
        let mut chars = line.chars();
        let head: String = chars.by_ref().take(text.chars().count() + 2 * SIDE).collect();
        return if chars.next().is_some() { format!("{head}…") } else { head };
    };
    let before: Vec<char> = line[..at].chars().collect();
    let after: Vec<char> = line[at + text.len()..].chars().collect();
    let head: String = before[before.len().saturating_sub(SIDE)..].iter().collect();
    let tail: String = after[..after.len().min(SIDE)].iter().collect();
    let (left, right) = (before.len() > SIDE, after.len() > SIDE);
    format!("{}{head}{text}{tail}{}", if left { "…" } else { "" }, if right { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_line() {
        let text = "第一段讲海。\n第二段讲湖泊和河流。\n末段。";
        assert_eq!(nearest("讲湖泊与河流", text), Some("第二段讲湖泊和河流。"));
        assert_eq!(nearest("完全不同的话", text), None);
    }

    #[test]
    fn shortens_around_what_matters() {
        let line = format!("{}责任编辑{}", "前".repeat(50), "后".repeat(50));
        let shown = short_around(&line, "责任编辑");
        assert!(shown.starts_with("…前") && shown.contains("前责任编辑后") && shown.ends_with("后…"), "{shown}");
        assert_eq!(short_around("短", "无"), "短");
    }
}
