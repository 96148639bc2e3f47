//! Selector files: the product's rules, as data. See `selectors/README.md` for the format.
//!
//! The way of a file: `load` (bytes) → `shape` (keys and types) → `model` (as written) → `compile` (selectors, regexes,
//! inheritance) → [`Site`]. What is hardly meant so, yet usable, is told by `lint`.

pub mod at;
mod compile;
pub mod lint;
pub mod load;
pub mod model;
pub mod pages;
mod pattern;
mod problem;
mod rules;
pub mod select;
mod shape;
pub mod testing;
mod units;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

pub use problem::{Origin, Problem, Severity, SiteErrors, SourceFile};
pub use rules::*;
pub use shape::SCHEMA;

/// All selector files of a run, compiled. Cheap to share, swapped whole on reload.
#[derive(Debug, Default)]
pub struct Sites {
    /// One per file, in order of file name.
    pub sites: Vec<Arc<Site>>,
    /// What `_common.toml` holds: applied to the generic extractor, and merged into every site that has not opted out.
    pub common: Common,
    exact: HashMap<String, usize>,
    /// Suffixes with their dot, the longest first.
    wildcard: Vec<(String, usize)>,
}

impl Sites {
    /// The selector files embedded in the program.
    ///
    /// # Errors
    ///
    /// Those of [`Sites::load`]; not in a released program, whose tests check its own files.
    pub fn builtin() -> Result<Self, SiteErrors> {
        Self::load(&[])
    }

    /// The embedded selector files, and those of the given files and folders, which take the place of embedded ones with the
    /// same name (and later ones that of earlier ones).
    ///
    /// # Errors
    ///
    /// [`SiteErrors::Unreadable`] for a path that cannot be read, [`SiteErrors::Invalid`] with all errors of all files.
    pub fn load(paths: &[PathBuf]) -> Result<Self, SiteErrors> {
        let mut files = load::builtin();
        files.extend(load::read(paths)?);
        Self::compile(files)
    }

    /// Selector files given as text, nothing else.
    ///
    /// # Errors
    ///
    /// [`SiteErrors::Invalid`] with all errors of all files.
    pub fn compile(files: Vec<SourceFile>) -> Result<Self, SiteErrors> {
        let mut problems = Vec::new();
        let set = load::parse(files, &mut problems);
        let sites = compile::compile(&set, &mut problems);
        problems.retain(|p| p.severity == Severity::Error);
        if problems.is_empty() { Ok(sites) } else { Err(SiteErrors::Invalid(load::in_order(problems))) }
    }

    /// The site of a selector file, by the file's stem.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Site>> {
        self.sites.iter().find(|s| s.id == id)
    }

    /// The site whose `hosts` cover this host name (without port), exact names first.
    pub fn for_host(&self, host: &str) -> Option<&Arc<Site>> {
        if let Some(&i) = self.exact.get(host) {
            return self.sites.get(i);
        }
        self.wildcard
            .iter()
            .find(|(suffix, _)| host.len() > suffix.len() && host.ends_with(suffix.as_str()))
            .and_then(|&(_, i)| self.sites.get(i))
    }

    /// The site that covers a URL.
    pub fn for_url(&self, url: &Url) -> Option<&Arc<Site>> {
        self.for_host(url.host_str()?)
    }
}
