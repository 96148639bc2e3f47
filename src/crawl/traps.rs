//! Links that lead ever further and nowhere: calendars, addresses that contain themselves, piles of parameters.
//!
//! What an address alone shows is decided by [`shape`]. The rest is counted: lists of one host whose addresses differ
//! only in their numbers are one pattern, and a pattern may not bring forth lists without end. Articles are not capped:
//! each of them stands on a list, or in a pattern that somebody wrote.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use url::Url;

use crate::config::TrapLimits;
use crate::frontier::{HostId, Kind, NewUrl, UrlKey};
use crate::lock::lock;
use crate::urls::hash64;

/// Most segments of a path.
const SEGMENTS: usize = 24;
/// A segment may stand so often in one path: relative links on error pages pile them up.
const REPEATED: usize = 4;
/// Most parameters.
const PARAMETERS: usize = 16;
/// Patterns that are counted; whatever is beyond is counted as one of its host.
const PATTERNS: usize = 100_000;
/// Lists that are remembered one by one; of more, a link may be counted twice.
const KNOWN: usize = 200_000;
/// Shortest segment of a path that can be a serial name.
const SERIAL: usize = 12;

/// Counts of one run, which begin with what earlier runs have found.
#[derive(Debug, Default)]
pub struct Traps {
    limits: TrapLimits,
    lists: Mutex<Lists>,
    /// Pages asked for, by host.
    pages: Mutex<HashMap<HostId, u32>>,
}

/// Lists in the queue.
#[derive(Debug, Default)]
struct Lists {
    /// By pattern.
    counts: HashMap<i64, u32>,
    /// Each of them: a link to a known list is not a new one.
    known: HashSet<UrlKey>,
}

impl Lists {
    /// Counts a list, unless it is known; gives how many of its pattern there are now.
    fn count(&mut self, key: UrlKey, path: &str) -> Option<u32> {
        if self.known.contains(&key) {
            return None;
        }
        let pattern = hash64(&pattern(path)) ^ key.host.host;
        // Memory stays bounded even where each address is a pattern of its own.
        let pattern =
            if self.counts.len() < PATTERNS || self.counts.contains_key(&pattern) { pattern } else { key.host.host };
        let count = self.counts.entry(pattern).or_default();
        *count = count.saturating_add(1);
        Some(*count)
    }
}

impl Traps {
    /// With nothing counted yet.
    pub fn new(limits: TrapLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Counts the lists that earlier runs have found, so that the bounds hold over all runs.
    pub fn know(&self, found: &[(UrlKey, String)]) {
        let mut lists = lock(&self.lists);
        for (key, path) in found {
            lists.count(*key, path);
            lists.known.insert(*key);
        }
    }

    /// True if a link is not to be followed any more. Counts it.
    pub fn catches(&self, link: &NewUrl) -> bool {
        // The last lists may name articles.
        if link.depth > self.limits.depth.saturating_add(u32::from(!link.kind.recurs())) {
            return true;
        }
        if !link.kind.recurs() && link.kind != Kind::Unknown {
            return false;
        }
        let mut lists = lock(&self.lists);
        let is_over = lists.count(link.key, link.url.path_and_query()).is_some_and(|n| n > self.limits.per_pattern);
        if !is_over && lists.known.len() < KNOWN {
            lists.known.insert(link.key);
        }
        is_over
    }
}

impl Traps {
    /// Takes one of the pages that a host has in this run; false if there is none left.
    pub fn page(&self, host: HostId) -> bool {
        let Some(most) = self.limits.per_host else { return true };
        let mut pages = lock(&self.pages);
        let count = pages.entry(host).or_default();
        let is_left = *count < most.get();
        *count += u32::from(is_left);
        is_left
    }

    /// How many pages a host has in a run, if it has had them.
    pub fn used_up(&self, host: HostId) -> Option<u32> {
        let most = self.limits.per_host?.get();
        (lock(&self.pages).get(&host).copied() >= Some(most)).then_some(most)
    }
}

/// True for an address that no site has for a page of its own.
pub fn shape(url: &Url) -> bool {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut segments = 0;
    for segment in url.path().split('/').filter(|segment| !segment.is_empty()) {
        segments += 1;
        // Dates repeat their numbers: /2026/11/11/11.
        if segment.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        let times = seen.entry(segment).or_default();
        *times += 1;
        if *times >= REPEATED {
            return true;
        }
    }
    segments > SEGMENTS || url.query().is_some_and(|query| query.split('&').count() > PARAMETERS)
}

/// A path without its numbers and serial names, and of its query only the names.
fn pattern(path_and_query: &str) -> String {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let mut out = String::with_capacity(path.len());
    for segment in path.split('/') {
        out.push('/');
        // Sessions and hashes: no word is long and mixes letters with digits.
        if segment.len() >= SERIAL && is_serial(segment) {
            out.push('#');
            continue;
        }
        let mut in_number = false;
        for c in segment.chars() {
            match c.is_ascii_digit() {
                true if in_number => {}
                true => out.push('#'),
                false => out.push(c),
            }
            in_number = c.is_ascii_digit();
        }
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        out.push('&');
        out.push_str(pair.split('=').next().unwrap_or_default());
    }
    out
}

/// True for a name made by a machine: letters and digits take turns in it.
fn is_serial(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let turns = bytes.windows(2).filter(|two| two[0].is_ascii_digit() != two[1].is_ascii_digit()).count();
    turns >= 4 && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::urls::CanonicalUrl;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn shapes() {
        for (path, caught) in [
            ("/news/content/2026-11/20/content_1.htm", false),
            ("/2026/11/11/11/11/11.htm", false),
            ("/a/b/a/b/a/b/", false),
            ("/a/b/a/b/a/b/a/b/", true),
            ("/x?a=1&b=2&c=3&d=4", false),
        ] {
            assert_eq!(shape(&url(&format!("http://a.example{path}"))), caught, "{path}");
        }
        let parameters = |n: usize| format!("http://a.example/x?{}", vec!["a=1"; n].join("&"));
        assert!(!shape(&url(&parameters(PARAMETERS))) && shape(&url(&parameters(PARAMETERS + 1))));
        let segments = |n: usize| (0..n).map(|i| format!("/s{i}")).collect::<String>();
        assert!(!shape(&url(&format!("http://a.example{}", segments(SEGMENTS)))));
        assert!(shape(&url(&format!("http://a.example{}", segments(SEGMENTS + 1)))));
    }

    #[test]
    fn what_earlier_runs_found_counts_and_is_never_new() {
        let link = |path: &str| {
            let canonical = CanonicalUrl::new(&url(&format!("http://a.example{path}")), None);
            NewUrl::new(canonical, Kind::List, 1, 0)
        };
        let traps = Traps::new(TrapLimits { per_pattern: 2, ..TrapLimits::default() });
        let known = [link("/list.htm?t=1"), link("/list.htm?t=2")];
        traps.know(&known.clone().map(|link| (link.key, link.url.path_and_query().to_owned())));
        assert!(known.iter().all(|link| !traps.catches(link)));
        assert!(traps.catches(&link("/list.htm?t=3")), "the pattern is full");
        assert!(!traps.catches(&link("/other.htm?t=3")), "another has room");
    }

    #[test]
    fn patterns() {
        for (one, other, same) in [
            ("/list_1.htm", "/list_22.htm", true),
            ("/list?page=1", "/list?page=2", true),
            ("/list?page=1", "/list?p=1", false),
            ("/s/a1b2c3d4e5f6/list.htm", "/s/9f8e7d6c5b4a/list.htm", true),
            ("/shenzhen/list.htm", "/guangzhou/list.htm", false),
        ] {
            assert_eq!(pattern(one) == pattern(other), same, "{one} {other}");
        }
    }

    #[test]
    fn a_calendar_ends() {
        let traps = Traps::new(TrapLimits { depth: 10, per_pattern: 3, ..TrapLimits::default() });
        let link = |path: &str, kind, depth| {
            let canonical = CanonicalUrl::new(&url(&format!("http://a.example{path}")), None);
            NewUrl::new(canonical, kind, depth, 0)
        };
        for day in 1..=3 {
            assert!(!traps.catches(&link(&format!("/list_2026-11-{day}.htm"), Kind::List, 1)));
        }
        assert!(traps.catches(&link("/list_2026-12-24.htm", Kind::List, 1)));
        assert!(!traps.catches(&link("/other_1.htm", Kind::List, 1)), "another pattern");
        assert!(!traps.catches(&link("/list_2026-12-25.htm", Kind::Article, 11)), "articles have no patterns");
        assert!(
            traps.catches(&link("/list_2026-12-26.htm", Kind::Article, 12)),
            "but a depth: they may name each other for ever"
        );
        assert!(
            traps.catches(&link("/deep.htm", Kind::List, 11)) && !traps.catches(&link("/deep.htm", Kind::List, 10))
        );
    }
}
