//! What is told.

use serde::{Deserialize, Serialize};

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Pages fit no template any more, or never did.
    NoTemplate,
    /// Part of the pages is in a layout that no template knows.
    NewLayout,
    /// Pages go to another template than they did.
    TemplateShare,
    /// A field's selectors, or one step of them, stopped matching.
    SelectorMissed,
    /// Pages have a next page and the template's link is not found on them.
    Paging,
    /// The date is written in another way.
    DateFormat,
    /// Dates lost their time of day.
    DatePrecision,
    /// A block of a kind that was never there stands in the body's container.
    NewBlock,
    /// Texts are much shorter than before.
    TextShrank,
    /// Texts are much longer than before.
    TextSwelled,
    /// Much more of the container is inside links than before.
    LinkDensity,
}

impl Kind {
    /// The name as written in JSON (`no-template`).
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::NoTemplate => "no-template",
            Kind::NewLayout => "new-layout",
            Kind::TemplateShare => "template-share",
            Kind::SelectorMissed => "selector-missed",
            Kind::Paging => "paging",
            Kind::DateFormat => "date-format",
            Kind::DatePrecision => "date-precision",
            Kind::NewBlock => "new-block",
            Kind::TextShrank => "text-shrank",
            Kind::TextSwelled => "text-swelled",
            Kind::LinkDensity => "link-density",
        }
    }
}

/// One thing that changed, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stem of the selector file.
    pub site: String,
    /// The template it is about: of pages that fit none, the one that came nearest.
    pub template: Option<String>,
    /// `body`, `published`, …, or `when.has`, `next`.
    pub field: String,
    /// What changed.
    pub kind: Kind,
    /// When the first page of the change was fetched, RFC 3339 in UTC.
    pub since: String,
    /// Pages that show it, the latest last.
    pub evidence: Vec<String>,
    /// The selectors that were looked for, as written; of a new block, what it is.
    pub looked_for: String,
    /// For a person: how much of what before and now.
    pub detail: String,
    /// Where the template is written, `selectors/sznews.toml:12`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
    /// Nobody was told before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new: bool,
}

/// Most addresses kept as evidence.
pub(super) const EVIDENCE: usize = 6;

impl Warning {
    /// Adds a page that shows it: the first three stay, and the latest three.
    pub(super) fn add_evidence(&mut self, url: &str) {
        if self.evidence.iter().any(|known| known == url) {
            return;
        }
        if self.evidence.len() >= EVIDENCE {
            self.evidence.remove(EVIDENCE / 2);
        }
        self.evidence.push(url.to_owned());
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (site, kind, field) = (&self.site, self.kind.as_str(), &self.field);
        let template = self.template.as_deref().unwrap_or("-");
        write!(f, "{site}: {kind}: {field} of `{template}`: {} since {}", self.detail, self.since)
    }
}
