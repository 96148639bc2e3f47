//! What changes in the records when selector files change: page by page, and counted per site.

mod lines;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::clean::Cleaned;
use crate::record::{Method, Record};

pub use lines::{Edit, edits};

/// What happened to a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The same record, or the same reason for none.
    Same,
    /// An article now, none before.
    Gained,
    /// None now, an article before.
    Lost,
    /// Other text.
    Text,
    /// The same text; headline, date, staff or other fields differ.
    Fields,
    /// The same record, found by another template or method, or another reason for none.
    Way,
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Key of the record, or `template`, `rejected`.
    pub what: &'static str,
    /// Before; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// Now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// A page whose result differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PageDiff {
    /// Its address.
    pub url: String,
    /// The site, by the new files (by the old ones if no new one covers it); absent if none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// What happened.
    pub outcome: Outcome,
    /// Values that differ, the text apart.
    pub changes: Vec<Change>,
    /// Lines of the text that went and came.
    pub text: Vec<Edit>,
    /// Characters of the text before and now, white space not counted.
    pub chars: (usize, usize),
}

/// Counts of a site.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Pages compared.
    pub pages: usize,
    /// Each outcome's number.
    pub same: usize,
    /// See [`Outcome::Gained`].
    pub gained: usize,
    /// See [`Outcome::Lost`].
    pub lost: usize,
    /// See [`Outcome::Text`].
    pub text: usize,
    /// See [`Outcome::Fields`].
    pub fields: usize,
    /// See [`Outcome::Way`].
    pub way: usize,
    /// Pages that a template gave, before and now.
    pub by_template: (usize, usize),
    /// Characters of all texts, before and now.
    pub chars: (usize, usize),
}

/// All differences.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// By site; pages that no file covers stand under `-`.
    pub sites: BTreeMap<String, Counts>,
    /// Pages that differ, in the order in which they were compared.
    pub pages: Vec<PageDiff>,
}

impl Report {
    /// Takes a page's two results into account.
    pub fn add(&mut self, url: &str, site: Option<&str>, old: &Cleaned, new: &Cleaned) {
        let diff = compare(url, site, old, new);
        let counts = self.sites.entry(site.unwrap_or("-").to_owned()).or_default();
        counts.pages += 1;
        *match diff.outcome {
            Outcome::Same => &mut counts.same,
            Outcome::Gained => &mut counts.gained,
            Outcome::Lost => &mut counts.lost,
            Outcome::Text => &mut counts.text,
            Outcome::Fields => &mut counts.fields,
            Outcome::Way => &mut counts.way,
        } += 1;
        let by_template = |c: &Cleaned| usize::from(c.article.as_ref().is_ok_and(|r| r.method == Method::Selectors));
        counts.by_template.0 += by_template(old);
        counts.by_template.1 += by_template(new);
        counts.chars.0 += diff.chars.0;
        counts.chars.1 += diff.chars.1;
        if diff.outcome != Outcome::Same {
            self.pages.push(diff);
        }
    }

    /// True if some page's result differs.
    pub fn has_changes(&self) -> bool {
        !self.pages.is_empty()
    }
}

/// Compares two results of one page.
pub fn compare(url: &str, site: Option<&str>, old: &Cleaned, new: &Cleaned) -> PageDiff {
    let mut changes = Vec::new();
    let mut note = |what: &'static str, old: Option<String>, new: Option<String>| {
        if old != new {
            changes.push(Change { what, old, new });
        }
    };
    let (a, b) = (old.article.as_ref().ok(), new.article.as_ref().ok());
    let reason = |c: &Cleaned| c.article.as_ref().err().map(|r| format!("{}: {}", r.reason, r.detail));
    note("rejected", reason(old), reason(new));
    note("template", old.template.clone(), new.template.clone());
    note("next", old.next.as_ref().map(ToString::to_string), new.next.as_ref().map(ToString::to_string));
    let before_fields = changes.len();
    if let (Some(a), Some(b)) = (a, b) {
        for (what, read) in FIELDS {
            let (old, new) = (read(a), read(b));
            if old != new {
                changes.push(Change { what, old, new });
            }
        }
    }
    let text = |r: Option<&Box<Record>>| r.map(|r| r.text.clone()).unwrap_or_default();
    let (before, now) = (text(a), text(b));
    let text = edits(&before, &now);
    let outcome = match (a, b) {
        (None, Some(_)) => Outcome::Gained,
        (Some(_), None) => Outcome::Lost,
        _ if !text.is_empty() => Outcome::Text,
        _ if changes.len() > before_fields || changes.iter().any(|c| c.what == "next") => Outcome::Fields,
        _ if !changes.is_empty() => Outcome::Way,
        _ => Outcome::Same,
    };
    PageDiff {
        url: url.to_owned(),
        site: site.map(str::to_owned),
        outcome,
        changes,
        chars: (visible(&before), visible(&now)),
        text,
    }
}

/// Reads a field of a record as text.
type Read = fn(&Record) -> Option<String>;

/// Fields that are compared: all but `id`, `text` and what follows from it, and what made the record.
const FIELDS: [(&str, Read); 15] = [
    ("site", |r| r.site.clone()),
    ("kind", |r| Some(format!("{:?}", r.kind).to_lowercase())),
    ("canonical_url", |r| r.canonical_url.clone()),
    ("title", |r| r.title.clone()),
    ("authors", |r| some(r.authors.join(", "))),
    ("source", |r| r.source.clone()),
    ("editors", |r| some(join(r.editors.iter().map(|(role, names)| format!("{role}: {}", names.join("、")))))),
    ("published_at", |r| r.published_at.clone()),
    ("modified_at", |r| r.modified_at.clone()),
    ("section", |r| r.section.clone()),
    ("keywords", |r| some(r.keywords.join(", "))),
    ("summary", |r| r.summary.clone()),
    ("images", |r| {
        some(join(r.images.iter().map(|i| format!("{} {}", i.src, i.caption.as_deref().unwrap_or_default()))))
    }),
    ("language", |r| r.language.clone()),
    ("charset", |r| r.charset.clone()),
];

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("\n")
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn visible(text: &str) -> usize {
    crate::clean::blocks::visible(text) as usize
}
