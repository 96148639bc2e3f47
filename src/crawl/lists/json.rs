//! Lists in JSON, by the paths of a selector file.

use serde_json::Value;

use super::loose::{self, Found};
use super::{Entry, ListOutcome, ListProblem, Source};
use crate::clean::{dom, links};
use crate::sites::json_path::{Miss, describe};
use crate::sites::{JsonPath, JsonRule};

/// Reads a list in JSON.
pub fn read(source: &Source<'_>, rule: &JsonRule) -> ListOutcome {
    super::with_text(source, |text| of_text(text, source, rule))
}

fn of_text(text: &str, source: &Source<'_>, rule: &JsonRule) -> ListOutcome {
    let values = loose::values(text);
    if values.is_empty() {
        let seen = super::beginning(text);
        return ListOutcome::of(ListProblem::OtherFormat, format!("neither object nor array in it: {seen}"));
    }
    let mut out = ListOutcome::default();
    if values.iter().any(|found| found.is_cut) {
        out.problems.add(ListProblem::Broken, "it ends within a value");
    }
    for path in &rule.paths {
        collect(&mut out, path, rule, &values, source);
    }
    out
}

/// The links that one path leads to. Of a script with several values those count that the path fits.
fn collect(out: &mut ListOutcome, path: &JsonPath, rule: &JsonRule, values: &[Found], source: &Source<'_>) {
    let mut misses = Vec::new();
    let mut found = Vec::new();
    for value in values {
        match path.find(&value.value) {
            Ok(values) => found.extend(values),
            Err(miss) => misses.push(miss),
        }
    }
    if found.is_empty() {
        match misses.into_iter().find(|miss| *miss != Miss::Empty) {
            Some(Miss::Nowhere(seen)) => out.problems.add(ListProblem::NoMatch, format!("`{}`: {seen}", path.as_str())),
            _ => out.problems.add(ListProblem::NoItems, format!("the list at `{}` is empty", path.as_str())),
        }
    }
    for value in &found {
        let address = match (&rule.link, value) {
            (Some(link), value) => link.fill(value).unwrap_or_default(),
            (None, Value::String(text)) if text.contains('<') => {
                of_html(out, text, source);
                continue;
            }
            (None, Value::String(text)) => text.clone(),
            (None, Value::Null) => String::new(),
            (None, other) => {
                let detail = format!("`{}` leads to {}", path.as_str(), describe(other));
                out.problems.add(ListProblem::NoAddress, detail);
                continue;
            }
        };
        out.add(source.base, &address, Entry::new);
    }
}

/// The links in a text that is markup.
fn of_html(out: &mut ListOutcome, text: &str, source: &Source<'_>) {
    let found = links::links(&dom::fragment(text), text, &links::Base::utf8(source.base), None);
    if found.links.is_empty() {
        out.problems.add(ListProblem::NoAddress, "markup without links");
    }
    out.add_page(source.base, &found);
}
