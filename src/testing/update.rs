//! `jingwen test --update`: writes what came out into the tests, in place, without touching the rest of the file.
//!
//! `contains` and `excludes` are a person's claims about a page: they are only filled in where a test says nothing yet,
//! never changed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use super::compare::{compare, visible};
use super::{Run, Verdict};
use crate::clean::Cleaned;
use crate::record::Record;
use crate::sites::Origin;
use crate::sites::model::Test;

/// Changes to one selector file.
#[derive(Debug)]
pub struct Update {
    /// The file.
    pub path: PathBuf,
    /// Its text after the changes.
    pub text: String,
    /// How many values were changed or added.
    pub values: usize,
}

/// The changes that make tests agree with what came out. `text_of` gives a file's present text.
pub fn updates(runs: &[Run], text_of: impl Fn(&str) -> Option<String>) -> Vec<Update> {
    let mut files: BTreeMap<PathBuf, (String, Vec<Edit>)> = BTreeMap::new();
    for run in runs {
        let (Origin::File(path), Some(cleaned)) = (&run.site.origin, &run.cleaned) else { continue };
        if run.verdict == Verdict::Passed && !says_nothing(&run.test.expect) {
            continue;
        }
        let Some(text) = text_of(&run.site.id) else { continue };
        let (text, edits) = files.entry(path.clone()).or_insert((text, Vec::new()));
        edits.extend(edits_of(&run.test.expect, cleaned, text));
    }
    let apply = |(path, (text, edits)): (PathBuf, (String, Vec<Edit>))| {
        (!edits.is_empty()).then(|| Update { path, values: edits.len(), text: apply(text, edits) })
    };
    files.into_iter().filter_map(apply).collect()
}

/// Bytes of the file, and what is put there.
type Edit = (Range<usize>, String);

fn apply(mut text: String, mut edits: Vec<Edit>) -> String {
    // From the end, so that earlier places stay where they are; at one place, in the order in which they were made.
    edits.reverse();
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    for (range, new) in edits {
        text.replace_range(range, &new);
    }
    text
}

fn says_nothing(test: &Test) -> bool {
    test.title.is_none() && test.rejected.is_none() && test.contains.is_empty() && test.chars.is_none()
}

fn edits_of(test: &Test, cleaned: &Cleaned, text: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    let Some(page) = &test.page else { return edits };
    // New keys go below `page`.
    let below = text[page.span.end..].find('\n').map_or(text.len(), |i| page.span.end + i + 1);
    let newline = if text[..below].ends_with('\n') { "" } else { "\n" };
    let add = |edits: &mut Vec<Edit>, key: &str, value: String| {
        edits.push((below..below, format!("{newline}{key} = {value}\n")));
    };
    let empty = says_nothing(test);
    let failed: Vec<String> = compare(test, cleaned).into_iter().map(|d| d.what).collect();
    let differs = |what: &str| failed.iter().any(|f| f == what);

    match (&test.template, &cleaned.template) {
        (Some(old), Some(new)) if differs("template") => edits.push((old.span.clone(), quoted(new))),
        (None, Some(new)) if empty => add(&mut edits, "template", quoted(new)),
        _ => {}
    }
    match (&cleaned.article, &test.rejected) {
        (Err(rejection), Some(old)) if differs("rejected") => {
            edits.push((old.span.clone(), quoted(rejection.reason.as_str())));
        }
        (Err(rejection), None) if empty => add(&mut edits, "rejected", quoted(rejection.reason.as_str())),
        (Ok(record), None) => article(test, record, empty, &differs, text, &mut edits, &add),
        _ => {}
    }
    edits
}

fn article(
    test: &Test,
    record: &Record,
    empty: bool,
    differs: &dyn Fn(&str) -> bool,
    text: &str,
    edits: &mut Vec<Edit>,
    add: &dyn Fn(&mut Vec<Edit>, &str, String),
) {
    let span = |value: &Option<crate::sites::at::At<String>>| value.as_ref().map(|v| v.span.clone());
    let date =
        |value: &Option<crate::sites::at::At<crate::sites::at::DateText>>| value.as_ref().map(|v| v.span.clone());
    for (key, old, new) in [
        ("title", span(&test.title), &record.title),
        ("published", date(&test.published), &record.published_at),
        ("modified", date(&test.modified), &record.modified_at),
        ("source", span(&test.source), &record.source),
        ("section", span(&test.section), &record.section),
        ("summary", span(&test.summary), &record.summary),
    ] {
        match (old, new) {
            (Some(span), Some(new)) if differs(key) => edits.push((span, quoted(new))),
            (None, Some(new)) if empty && matches!(key, "title" | "published" | "source") => {
                add(edits, key, quoted(new))
            }
            _ => {}
        }
    }
    let authors = || format!("[{}]", record.authors.iter().map(|a| quoted(a)).collect::<Vec<_>>().join(", "));
    match &test.authors {
        Some(old) if differs("authors") => edits.push((old.span.clone(), authors())),
        None if empty && !record.authors.is_empty() => add(edits, "authors", authors()),
        _ => {}
    }
    let editors = || {
        let names = |names: &[String]| match names {
            [one] => quoted(one),
            several => format!("[{}]", several.iter().map(|n| quoted(n)).collect::<Vec<_>>().join(", ")),
        };
        let roles = record.editors.iter().map(|(role, list)| format!("{} = {}", quoted(role), names(list)));
        format!("{{ {} }}", roles.collect::<Vec<_>>().join(", "))
    };
    match &test.editors {
        // Under a header of its own it stands in several places, which are left to a person.
        Some(old) if differs("editors") && text[old.span.clone()].starts_with('{') => {
            edits.push((old.span.clone(), editors()))
        }
        None if empty && !record.editors.is_empty() => add(edits, "editors", editors()),
        _ => {}
    }
    let chars = visible(&record.text);
    let range = || format!("[{}, {}]", chars * 9 / 10, chars * 11 / 10 + 1);
    match &test.chars {
        Some(old) if differs("chars") => edits.push((old.span.clone(), range())),
        None if empty => add(edits, "chars", range()),
        _ => {}
    }
    if empty {
        let ends = |line: Option<&str>| line.map(|l| l.chars().take(20).collect::<String>());
        let mut parts: Vec<String> =
            [ends(record.text.lines().next()), ends(record.text.lines().last())].into_iter().flatten().collect();
        parts.dedup();
        if !parts.is_empty() {
            add(edits, "contains", format!("[{}]", parts.iter().map(|p| quoted(p)).collect::<Vec<_>>().join(", ")));
        }
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
