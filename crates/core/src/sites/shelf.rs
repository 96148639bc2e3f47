//! Sites that are compiled when they are first needed: a crawl of three sites pays for three, whatever the number of files.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::Deserialize;

use super::load::{self, COMMON, Set};
use super::problem::{Origin, Problem, Severity, SourceFile};
use super::{Common, Site, compile};
use crate::pattern::Pattern;
use crate::urls::host_pattern;

/// A value that is made when it is first asked for.
pub struct Lazy<T>(LazyLock<T, Box<dyn FnOnce() -> T + Send>>);

impl<T: 'static> Lazy<T> {
    /// Made by `make`, later.
    pub fn new(make: impl FnOnce() -> T + Send + 'static) -> Self {
        Self(LazyLock::new(Box::new(make)))
    }
}

impl<T: Send + 'static> From<T> for Lazy<T> {
    fn from(value: T) -> Self {
        Self::new(move || value)
    }
}

impl<T: Default + 'static> Default for Lazy<T> {
    fn default() -> Self {
        Self::new(T::default)
    }
}

impl<T> Deref for Lazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Regexes of line rules and steps, each text compiled once: sites share most of them by `_common.toml` and `extends`.
#[derive(Debug, Default)]
pub struct Patterns {
    known: Mutex<BTreeMap<String, Arc<Pattern>>>,
    /// Compile those of embedded files at once too, so that what is wrong with them is told.
    thorough: bool,
}

impl Patterns {
    /// Patterns that compile everything at once, embedded files included.
    pub fn thorough() -> Self {
        Self { thorough: true, ..Self::default() }
    }

    /// True for files whose regexes are known to be sound.
    pub fn trusts(&self, file: &SourceFile) -> bool {
        file.origin == Origin::Builtin && !self.thorough
    }

    /// The regex of this text.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn get(&self, text: &str) -> Result<Arc<Pattern>, regex::Error> {
        if let Some(known) = self.lock().get(text) {
            return Ok(known.clone());
        }
        // Not under the lock: compiling is what takes long.
        let regex = Arc::new(Pattern::new(text)?);
        Ok(self.lock().entry(text.to_owned()).or_insert(regex).clone())
    }

    /// The regex of this text, which is known to be sound: compiled when it is first matched.
    pub fn later(&self, text: &str) -> Arc<Pattern> {
        self.lock().entry(text.to_owned()).or_insert_with(|| Arc::new(Pattern::later(text))).clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Pattern>>> {
        // A map of finished values is sound whatever panicked.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is read of a file before anybody asks for it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Head {
    /// `name`.
    pub name: Option<String>,
    /// `hosts`.
    hosts: Hosts,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Hosts {
    One(String),
    Many(Vec<String>),
}

impl Default for Hosts {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Head {
    /// Hosts, each in its one form.
    pub fn hosts(&self) -> Vec<String> {
        match &self.hosts {
            Hosts::One(host) => vec![host_pattern(host)],
            Hosts::Many(hosts) => hosts.iter().map(|host| host_pattern(host)).collect(),
        }
    }

    /// Reads what stands above the first table; all of it only where that makes no sense alone.
    pub fn of(text: &str) -> Self {
        let above = match text.strip_prefix('[') {
            Some(_) => 0,
            None => text.find("\n[").map_or(text.len(), |at| at + 1),
        };
        // A file that is no TOML at all has no hosts: it is told of where files are checked.
        toml::from_str(&text[..above]).or_else(|_| toml::from_str(text)).unwrap_or_default()
    }
}

/// Files not compiled yet, and what is shared by all that they become.
#[derive(Debug)]
pub struct Shelf {
    /// The embedded files that no other takes the place of.
    pub embedded: BTreeMap<String, SourceFile>,
    /// Files from disk, which were checked already.
    pub checked: Set,
    /// Of `_common.toml`.
    pub common: Lazy<Arc<Common>>,
    /// Regexes so far.
    pub patterns: Arc<Patterns>,
}

impl Shelf {
    /// Compiles the site of an embedded file.
    pub fn site(&self, id: &str) -> Option<Arc<Site>> {
        let mut problems = Vec::new();
        let mut set = Set::new();
        self.with_parents(id, &mut set, &mut problems);
        let known = compile::Known { common: Some(self.common.clone()), patterns: &self.patterns, others: &[] };
        let compiled = compile::compile(&set, &known, &mut problems);
        if let Some(problem) = problems.iter().find(|p| p.severity == Severity::Error) {
            // Not in a released program, whose tests compile all its files; its pages go to the generic extractor.
            tracing::error!(file = problem.file.name, error = %problem.message, "an embedded selector file is not used");
            return None;
        }
        compiled.sites.into_iter().find(|site| site.id == id)
    }

    /// Puts a file and those it extends into a set.
    pub fn with_parents(&self, id: &str, set: &mut Set, problems: &mut Vec<Problem>) {
        let mut next = Some(id.to_owned());
        while let Some(id) = next.take().filter(|id| id != COMMON && !set.contains_key(id)) {
            if let Some(parsed) = self.checked.get(&id) {
                set.insert(id.clone(), parsed.clone());
            } else if let Some(file) = self.embedded.get(&id) {
                set.extend(load::parse_embedded(vec![file.clone()], problems));
            }
            next = set.get(&id).and_then(|p| p.model.extends.as_ref()).map(|e| e.trim_end_matches(".toml").to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_read_whatever_follows() {
        let head =
            Head::of("name = 'A'\nhosts = [\n  'a.example.com', # one\n  '*.B.example.com',\n]\n[crawl]\nno toml");
        assert_eq!(head.hosts(), ["a.example.com", "*.b.example.com"]);
        assert_eq!(Head::of("hosts = 'a.example.com'").hosts(), ["a.example.com"]);
        assert_eq!(Head::of("[crawl]\nseeds = []").hosts(), [""; 0]);
        let odd = "name = '''\n[a]\n'''\nhosts = 'a.example.com'\n[crawl]";
        assert_eq!(Head::of(odd).hosts(), ["a.example.com"]);
    }

    #[test]
    fn the_same_text_is_one_regex() {
        let patterns = Patterns::default();
        assert!(Arc::ptr_eq(&patterns.get("^a+$").unwrap(), &patterns.get("^a+$").unwrap()));
        assert!(Arc::ptr_eq(&patterns.later("^a+$"), &patterns.get("^a+$").unwrap()));
        assert!(patterns.get("(").is_err());
    }
}
