//! Selector files: the product's rules, as data. See `selectors/README.md` for the format.
//!
//! The way of a file: `load` (bytes) → `shape` (keys and types) → `model` (as written) → `compile` (selectors, regexes,
//! inheritance) → [`Site`]. What is hardly meant so, yet usable, is told by `lint`. The files embedded in the program are
//! compiled when they are first needed (`shelf`); those given to it are checked wholly at start.

pub mod at;
mod compile;
mod css;
mod hosts;
pub mod import;
pub mod json_link;
pub mod json_path;
pub mod lint;
pub mod load;
pub mod model;
pub mod names;
pub mod pages;
mod pattern;
pub mod plan;
mod problem;
pub mod recheck;
pub mod requests;
mod rules;
pub mod select;
pub mod shape;
mod shelf;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

pub use css::{Css, Handle};
use hosts::Hosts;
pub use json_link::LinkTemplate;
pub use json_path::JsonPath;
use load::{COMMON, Set};
pub use problem::{Origin, Problem, Severity, SiteErrors, SourceFile, did_you_mean};
pub use rules::*;
pub use shape::SCHEMA;
use shelf::{Head, Lazy, Patterns, Shelf};

/// All selector files of a run. Cheap to share, swapped whole on reload.
#[derive(Debug, Default)]
pub struct Sites {
    /// What `_common.toml` holds: applied to the generic extractor, and merged into every site that has not opted out.
    pub common: Lazy<Arc<Common>>,
    /// One per file, in order of file name.
    entries: Vec<Entry>,
    /// Which host belongs to which.
    hosts: Hosts,
}

/// A site that may still have to be compiled.
#[derive(Debug)]
struct Entry {
    id: String,
    name: String,
    /// None if the file turns out to be unusable, which is told then.
    site: Lazy<Option<Arc<Site>>>,
}

impl Sites {
    /// The selector files embedded in the program.
    pub fn builtin() -> Self {
        let files = load::builtin().into_iter().map(|f| (f.id.clone(), f)).collect();
        Self::lazily(files, Set::new(), Vec::new(), None, Arc::default(), &HashMap::new())
    }

    /// The embedded selector files, and those of the given files and folders, which take the place of embedded ones with the
    /// same name (and later ones that of earlier ones). What is given is checked wholly now.
    ///
    /// # Errors
    ///
    /// [`SiteErrors::Unreadable`] for a path that cannot be read, [`SiteErrors::Invalid`] with all errors of all files.
    pub fn load(paths: &[PathBuf]) -> Result<Self, SiteErrors> {
        let given = load::read(paths)?;
        if given.is_empty() {
            return Ok(Self::builtin());
        }
        let mut problems = Vec::new();
        let given = load::parse(given, &mut problems);
        let embedded: BTreeMap<String, SourceFile> =
            load::builtin().into_iter().filter(|f| !given.contains_key(&f.id)).map(|f| (f.id.clone(), f)).collect();

        let patterns = Arc::new(Patterns::default());
        let shelf = Shelf { embedded, checked: given, common: Lazy::default(), patterns };
        let mut set = Set::new();
        for id in shelf.checked.keys() {
            shelf.with_parents(id, &mut set, &mut problems);
        }
        if let Some(common) = shelf.checked.get(COMMON) {
            set.insert(COMMON.to_owned(), common.clone());
        } else if let Some(common) = shelf.embedded.get(COMMON) {
            set.extend(load::parse(vec![common.clone()], &mut problems));
        }
        let others: Vec<&str> = shelf.embedded.keys().map(String::as_str).collect();
        let known = compile::Known { common: None, patterns: &shelf.patterns, others: &others };
        let compiled = compile::compile(&set, &known, &mut problems);
        let Shelf { embedded, checked, patterns, .. } = shelf;
        hosts::check(&checked, &mut problems);
        let taken = hosts::on_disk(&checked);
        errors(problems)?;
        Ok(Self::lazily(embedded, checked, compiled.sites, Some(compiled.common), patterns, &taken))
    }

    /// Selector files given as text, nothing else, all compiled now.
    ///
    /// # Errors
    ///
    /// [`SiteErrors::Invalid`] with all errors of all files.
    pub fn compile(files: Vec<SourceFile>) -> Result<Self, SiteErrors> {
        let mut problems = Vec::new();
        let set = load::parse(files, &mut problems);
        let sites = Self::of(&set, &mut problems);
        errors(problems)?;
        Ok(sites)
    }

    /// Compiles a set of files. With errors among the problems the result must not be used.
    fn of(set: &Set, problems: &mut Vec<Problem>) -> Self {
        let patterns = Arc::new(Patterns::thorough());
        let known = compile::Known { common: None, patterns: &patterns, others: &[] };
        let compiled = compile::compile(set, &known, problems);
        hosts::check(set, problems);
        let taken = hosts::on_disk(set);
        Self::lazily(BTreeMap::new(), Set::new(), compiled.sites, Some(compiled.common), patterns, &taken)
    }

    /// Puts together what is compiled already and what will be when it is needed. A host in `taken` belongs to that file.
    fn lazily(
        embedded: BTreeMap<String, SourceFile>,
        checked: Set,
        compiled: Vec<Arc<Site>>,
        common: Option<Arc<Common>>,
        patterns: Arc<Patterns>,
        taken: &HashMap<String, String>,
    ) -> Self {
        let mut entries: BTreeMap<String, (Entry, Vec<String>)> = BTreeMap::new();
        let heads: Vec<(String, Head)> = embedded
            .values()
            .filter(|file| !file.id.starts_with('_'))
            .map(|file| (file.id.clone(), Head::of(&file.text)))
            .collect();
        let common = match common {
            Some(common) => Lazy::from(common),
            None => {
                let (file, patterns) = (embedded.get(COMMON).cloned(), patterns.clone());
                Lazy::new(move || {
                    let mut problems = Vec::new();
                    let set = load::parse_embedded(file.into_iter().collect(), &mut problems);
                    let known = compile::Known { common: None, patterns: &patterns, others: &[] };
                    compile::compile(&set, &known, &mut problems).common
                })
            }
        };
        let shelf = Arc::new(Shelf { embedded, checked, common, patterns });
        for (id, head) in heads {
            let hosts = head.hosts();
            let name = head.name.unwrap_or_else(|| id.clone());
            let site = Lazy::new({
                let (shelf, id) = (shelf.clone(), id.clone());
                move || shelf.site(&id)
            });
            entries.insert(id.clone(), (Entry { id, name, site }, hosts));
        }
        for site in compiled {
            let entry = Entry { id: site.id.clone(), name: site.name.clone(), site: Lazy::from(Some(site.clone())) };
            entries.insert(site.id.clone(), (entry, site.hosts.clone()));
        }
        for (id, (_, hosts)) in &mut entries {
            hosts.retain(|host| taken.get(host).is_none_or(|owner| owner == id));
        }
        let hosts = Hosts::new(entries.values().map(|(_, hosts)| hosts.as_slice()));
        let common = Lazy::new(move || Arc::clone(&shelf.common));
        Self { common, entries: entries.into_values().map(|(entry, _)| entry).collect(), hosts }
    }

    /// All sites, in order of file name; compiles those that are not yet.
    pub fn all(&self) -> Vec<&Arc<Site>> {
        self.entries.iter().filter_map(|entry| entry.site.as_ref()).collect()
    }

    /// Stems of all files that are sites, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.id.as_str())
    }

    /// The site of a selector file, by the file's stem.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Site>> {
        let found = self.entries.binary_search_by(|entry| entry.id.as_str().cmp(id)).ok()?;
        self.entries[found].site.as_ref()
    }

    /// The site that its file calls so.
    pub fn by_name(&self, name: &str) -> Option<&Arc<Site>> {
        self.entries.iter().find(|entry| entry.name == name)?.site.as_ref()
    }

    /// The stem of the file that covers a host name (without port), as an address has it, also with a dot at its end; nothing
    /// is compiled for the answer.
    pub fn id_for_host(&self, host: &str) -> Option<&str> {
        Some(&self.entries.get(self.hosts.get(host.trim_end_matches('.'))?)?.id)
    }

    /// The site whose `hosts` cover this host name (without port), exact names first.
    pub fn for_host(&self, host: &str) -> Option<&Arc<Site>> {
        self.entries.get(self.hosts.get(host.trim_end_matches('.'))?)?.site.as_ref()
    }

    /// The site that covers a URL.
    pub fn for_url(&self, url: &Url) -> Option<&Arc<Site>> {
        self.for_host(url.host_str()?)
    }
}

/// The errors among problems, if there are any.
fn errors(mut problems: Vec<Problem>) -> Result<(), SiteErrors> {
    problems.retain(|p| p.severity == Severity::Error);
    if problems.is_empty() { Ok(()) } else { Err(SiteErrors::Invalid(load::in_order(problems))) }
}
