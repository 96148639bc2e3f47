//! Which host belongs to which file.

use std::collections::{BTreeMap, HashMap};

use super::load::Set;
use super::problem::{Origin, Problem};
use crate::urls::host_pattern;

/// Looks a host up: exact names first, then the longest suffix.
#[derive(Debug, Default)]
pub struct Hosts {
    exact: HashMap<String, usize>,
    /// By suffix, with its dot.
    wildcard: HashMap<String, usize>,
}

impl Hosts {
    /// Hosts as files name them, by the file's number.
    pub fn new<'a>(files: impl Iterator<Item = &'a [String]>) -> Self {
        let mut all = Self::default();
        for (n, hosts) in files.enumerate() {
            for host in hosts {
                match host.strip_prefix('*') {
                    Some(suffix) => all.wildcard.insert(suffix.to_owned(), n),
                    None => all.exact.insert(host.clone(), n),
                };
            }
        }
        all
    }

    /// The number of the file that covers a host name.
    pub fn get(&self, host: &str) -> Option<usize> {
        if let Some(&n) = self.exact.get(host) {
            return Some(n);
        }
        // From the second character on, so that `.example.com` is not its own suffix; the first found is the longest.
        let dots = host.match_indices('.').map(|(at, _)| at).filter(|&at| at > 0);
        dots.map(|at| &host[at..]).find_map(|suffix| self.wildcard.get(suffix).copied())
    }
}

/// The hosts that files on disk name, with the file: these take them from embedded files, as they take names.
pub fn on_disk(files: &Set) -> HashMap<String, String> {
    let on_disk = files.iter().filter(|(_, parsed)| parsed.file.origin != Origin::Builtin);
    on_disk.flat_map(|(id, parsed)| parsed.model.hosts.iter().map(|host| (host_pattern(host), id.clone()))).collect()
}

/// Checks that no host is named twice, in one file or in two.
pub fn check(files: &Set, problems: &mut Vec<Problem>) {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    let taken = on_disk(files);
    for (id, parsed) in files.iter().filter(|(id, parsed)| !id.starts_with('_') && !parsed.broken) {
        for host in &parsed.model.hosts {
            let name = host_pattern(host);
            if parsed.file.origin == Origin::Builtin && taken.contains_key(&name) {
                continue;
            }
            match owners.get(&name) {
                Some(owner) if owner == id => problems.push(
                    Problem::warning(
                        &parsed.file,
                        host.span.clone(),
                        "duplicate",
                        format!("host `{name}` is named twice"),
                    )
                    .help("take one of them out"),
                ),
                Some(owner) => problems.push(
                    Problem::error(
                        &parsed.file,
                        host.span.clone(),
                        "host-claimed-twice",
                        format!("host `{name}` belongs to `{owner}.toml` already"),
                    )
                    .label(format!("also in {owner}.toml"))
                    .help("a host belongs to one file: take it out of one of the two"),
                ),
                None => {
                    owners.insert(name, id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_names_then_the_longest_suffix() {
        let files = [vec!["*.a.example".to_owned()], vec!["*.b.a.example".to_owned(), "x.a.example".to_owned()]];
        let hosts = Hosts::new(files.iter().map(Vec::as_slice));
        assert_eq!(hosts.get("y.a.example"), Some(0));
        assert_eq!(hosts.get("x.a.example"), Some(1));
        assert_eq!(hosts.get("c.b.a.example"), Some(1));
        assert_eq!(hosts.get("b.a.example"), Some(0));
        assert_eq!(hosts.get("a.example"), None);
        assert_eq!(hosts.get(".a.example"), None);
    }
}
