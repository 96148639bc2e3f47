//! What is known of a site: how its pages were, and what was told.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rate::{Rate, WINDOW};
use super::spread::Spread;
use super::warning::Warning;
use crate::sites::{Origin, Site};

/// A site's memory. Bounded: about 60 KB for each template.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SiteState {
    /// Hash of the selector file it is about.
    pub hash: String,
    /// The file, if it is not embedded.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// Whether a page fits some template.
    pub(super) fits: Rate,
    /// Latest pages.
    pub(super) trail: Trail,
    /// What the latest pages lacked that fitted none.
    pub(super) misfits: VecDeque<Lack>,
    /// By name.
    pub(super) templates: BTreeMap<String, TemplateState>,
    /// What was told and is not over.
    pub(super) open: Vec<Open>,
    /// Somebody knows that no template ever fitted.
    #[serde(default)]
    pub(super) never_told: bool,
}

/// A template's memory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TemplateState {
    /// Its part of the pages that fit some template.
    pub(super) share: Rate,
    /// By what is looked at: `field:title`, `step:published:0`, `next`, `kind:div.share`, …
    pub(super) rates: BTreeMap<String, Rate>,
    /// `length` and `linked`.
    pub(super) spreads: BTreeMap<String, Spread>,
    /// Latest pages.
    pub(super) trail: Trail,
    /// Latest pages of what is not looked at on every page.
    pub(super) trails: BTreeMap<String, Trail>,
    /// Pages seen.
    pub(super) pages: f64,
}

/// What a page lacked to fit the template that came nearest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lack {
    pub(super) template: String,
    pub(super) key: String,
    pub(super) at: usize,
    pub(super) why: String,
}

/// A warning, and what it hangs on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Open {
    /// What was told.
    pub(super) warning: Warning,
    /// Names of the rates or spreads in its template; `fits` stands for the site.
    pub(super) on: Vec<String>,
    /// Pages of the template when it was told.
    pub(super) told_at: f64,
}

/// Times and addresses of the latest pages.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Trail(VecDeque<(i64, String)>);

/// Latest pages whose addresses are kept; of the others, the time.
const ADDRESSES: usize = 24;

impl Trail {
    /// Notes a page.
    pub fn push(&mut self, at: i64, url: &str) {
        if self.0.len() == WINDOW {
            self.0.pop_front();
        }
        self.0.push_back((at, url.to_owned()));
        if let Some(old) = self.0.len().checked_sub(ADDRESSES + 1) {
            self.0[old].1 = String::new();
        }
    }

    /// When the page `ago` pages ago (0: the latest) was fetched, RFC 3339.
    pub fn time(&self, ago: usize) -> String {
        let at = self.0.iter().rev().nth(ago).or(self.0.front()).map_or(0, |(at, _)| *at);
        Timestamp::from_second(at).unwrap_or_default().to_string()
    }

    /// The address of the page `ago` pages ago, if it is still known.
    pub fn url(&self, ago: usize) -> Option<&str> {
        self.0.iter().rev().nth(ago).map(|(_, url)| url.as_str()).filter(|url| !url.is_empty())
    }
}

impl SiteState {
    /// Nothing known yet.
    pub fn new(site: &Site) -> Self {
        let file = match &site.origin {
            // Another command may be called from another folder.
            Origin::File(path) => std::path::absolute(path).ok(),
            Origin::Builtin => None,
        };
        Self { hash: site.hash.clone(), file, ..Self::default() }
    }

    /// Takes everything that is for normal, and learns anew what that is.
    pub fn forget(&mut self) {
        let (hash, file) = (std::mem::take(&mut self.hash), self.file.take());
        *self = Self { hash, file, never_told: true, ..Self::default() };
    }

    /// What was told and is not over.
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.open.iter().map(|o| &o.warning)
    }

    /// Everything that is open counts as told.
    pub fn told(&mut self) -> bool {
        let new = self.open.iter().any(|o| o.warning.new);
        self.open.iter_mut().for_each(|o| o.warning.new = false);
        new
    }
}
