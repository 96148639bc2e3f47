//! What a list gave, and what was wrong with it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use url::Url;

use super::MAX_LOCS;
use crate::clean::links::{MAX_LINKS, PageLinks};

/// A link of a list, with the date that the list gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Address.
    pub url: Url,
    /// Published or last changed.
    pub at: Option<Timestamp>,
    /// Last changed, at the latest: where only a day is given, its end.
    pub changed: Option<Timestamp>,
    /// True for an index's link to another sitemap.
    pub is_sitemap: bool,
}

impl Entry {
    /// A link without a date.
    pub fn new(url: Url) -> Self {
        Self { url, at: None, changed: None, is_sitemap: false }
    }
}

/// What can be wrong with a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListProblem {
    /// No bytes, or only white space.
    Empty,
    /// Compressed, and damaged or too large.
    Packed,
    /// Something else than what it is read as: a page, an error message.
    OtherFormat,
    /// Broken, so that not all of it could be read.
    Broken,
    /// A path into JSON leads nowhere.
    NoMatch,
    /// Nothing is in it.
    NoItems,
    /// Items without an address.
    NoAddress,
    /// Items whose address is not one that can be fetched.
    BadAddress,
    /// More items than are taken from one list.
    OverLimit,
}

impl ListProblem {
    fn text(self) -> &'static str {
        match self {
            ListProblem::Empty => "empty",
            ListProblem::Packed => "cannot be unpacked",
            ListProblem::OtherFormat => "not a list",
            ListProblem::Broken => "broken",
            ListProblem::NoMatch => "no match",
            ListProblem::NoItems => "no items",
            ListProblem::NoAddress => "items without an address",
            ListProblem::BadAddress => "items whose address cannot be fetched",
            ListProblem::OverLimit => "items beyond the limit",
        }
    }
}

/// What was wrong, by kind: how often, and the first example.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(BTreeMap<ListProblem, (u64, String)>);

impl Problems {
    /// Counts a problem; of each kind the first detail is kept.
    pub fn add(&mut self, problem: ListProblem, detail: impl Into<String>) {
        self.0.entry(problem).or_insert_with(|| (0, short(detail.into()))).0 += 1;
    }

    /// True if this was wrong, and nothing else.
    pub fn is_only(&self, problem: ListProblem) -> bool {
        self.0.len() == 1 && self.0.contains_key(&problem)
    }

    /// True if nothing was wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of items that were skipped.
    pub fn skipped(&self) -> u64 {
        let items = [ListProblem::NoAddress, ListProblem::BadAddress, ListProblem::OverLimit];
        items.iter().filter_map(|problem| self.0.get(problem)).map(|(n, _)| n).sum()
    }

    /// True if a problem was met.
    pub fn has(&self, problem: ListProblem) -> bool {
        self.0.contains_key(&problem)
    }
}

/// An address without what generators put into it: control characters, white space around, an ampersand escaped twice.
fn plain(address: &str) -> Cow<'_, str> {
    let address = address.trim_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}');
    match address.contains(char::is_control) || address.contains("&amp;") {
        true => Cow::Owned(address.replace("&amp;", "&").chars().filter(|c| !c.is_control()).collect()),
        false => Cow::Borrowed(address),
    }
}

/// Longest detail, in characters: it may come from the list.
const MAX_DETAIL: usize = 200;

fn short(detail: String) -> String {
    match detail.char_indices().nth(MAX_DETAIL) {
        Some((at, _)) => format!("{}…", &detail[..at]),
        None => detail,
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (problem, (count, detail))) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            let is_counted =
                matches!(problem, ListProblem::NoAddress | ListProblem::BadAddress | ListProblem::OverLimit);
            match (is_counted, *count) {
                (false, _) => f.write_str(problem.text())?,
                (true, 1) => write!(f, "1 {}", problem.text().replacen("items", "item", 1))?,
                (true, n) => write!(f, "{n} {}", problem.text())?,
            }
            if !detail.is_empty() {
                write!(f, " ({detail})")?;
            }
        }
        Ok(())
    }
}

/// What a list gave, and what was wrong with it. A list without entries always has a problem that says why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListOutcome {
    /// Its links, in order.
    pub entries: Vec<Entry>,
    /// What could not be read or used.
    pub problems: Problems,
}

impl ListOutcome {
    /// An outcome that is one problem and nothing else.
    pub fn of(problem: ListProblem, detail: impl Into<String>) -> Self {
        let mut out = Self::default();
        out.problems.add(problem, detail);
        out
    }

    /// True if nothing could be had of the list.
    pub fn is_failure(&self) -> bool {
        self.entries.is_empty()
    }

    /// True while more entries are taken.
    pub fn has_room(&self) -> bool {
        self.entries.len() < MAX_LOCS
    }

    /// Adds an item by its address as written, relative to `base`; counts it as a problem if it is not one.
    pub fn add(&mut self, base: &Url, address: &str, entry: impl FnOnce(Url) -> Entry) {
        let address = plain(address);
        let address = &*address;
        if address.is_empty() {
            return self.problems.add(ListProblem::NoAddress, "");
        }
        match base.join(address) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => match self.has_room() {
                true => self.entries.push(entry(url)),
                false => self.problems.add(ListProblem::OverLimit, format!("{MAX_LOCS} are taken of one list")),
            },
            _ => self.problems.add(ListProblem::BadAddress, format!("the first is `{address}`")),
        }
    }

    /// Adds the links of a page, and counts those beyond what is taken of one page.
    pub fn add_page(&mut self, base: &Url, page: &PageLinks) {
        for link in &page.links {
            self.add(base, link.url.as_str(), Entry::new);
        }
        for _ in 0..page.left_out {
            self.problems.add(ListProblem::OverLimit, format!("{MAX_LINKS} are taken of one page"));
        }
    }

    /// The same outcome; a list without entries and without a problem had no items.
    pub fn settled(mut self, what: &str) -> Self {
        if self.entries.is_empty() && self.problems.is_empty() {
            self.problems.add(ListProblem::NoItems, what);
        }
        self
    }
}
