//! Links that lead ever further and nowhere: calendars, addresses that contain themselves, piles of parameters.
//!
//! What an address alone shows is decided by [`shape`]. The rest is counted: lists of one host whose addresses differ
//! only in their numbers are one pattern, and a pattern may not bring forth lists without end. Articles are not capped:
//! each of them stands on a list, or in a pattern that somebody wrote.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Mutex;

use url::Url;

use super::context::lock;
use crate::frontier::{HostId, Kind, NewUrl};
use crate::urls::hash64;

/// Most segments of a path.
const SEGMENTS: usize = 24;
/// A segment may stand so often in one path: relative links on error pages pile them up.
const REPEATED: usize = 4;
/// Most parameters.
const PARAMETERS: usize = 16;
/// Patterns that are counted; whatever is beyond is counted as one.
const PATTERNS: usize = 100_000;

/// How far lists are followed.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Links from a seed.
    pub depth: u32,
    /// New lists of one pattern in one run.
    pub per_pattern: u32,
    /// Pages of one host in one run.
    pub per_host: Option<NonZeroU32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 500, per_pattern: 5000, per_host: None }
    }
}

/// Counts of one run.
#[derive(Debug, Default)]
pub struct Traps {
    limits: Limits,
    /// New lists by pattern.
    lists: Mutex<HashMap<i64, u32>>,
    /// Pages asked for, by host.
    pages: Mutex<HashMap<HostId, u32>>,
}

impl Traps {
    /// With nothing counted yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// True if a link is not to be followed any more. Counts it.
    pub fn catches(&self, link: &NewUrl) -> bool {
        if !link.kind.recurs() && link.kind != Kind::Unknown {
            return false;
        }
        if link.depth > self.limits.depth {
            return true;
        }
        let pattern = hash64(&pattern(link.url.url()));
        let mut lists = lock(&self.lists);
        // Memory stays bounded even where each address is a pattern of its own.
        let key = if lists.len() < PATTERNS || lists.contains_key(&pattern) { pattern } else { 0 };
        let count = lists.entry(key).or_default();
        *count += 1;
        *count > self.limits.per_pattern
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

/// The address without its numbers, and of its query only the names.
fn pattern(url: &Url) -> String {
    let mut out = url.origin().ascii_serialization();
    let mut in_number = false;
    for c in url.path().chars() {
        match c.is_ascii_digit() {
            true if in_number => {}
            true => out.push('#'),
            false => out.push(c),
        }
        in_number = c.is_ascii_digit();
    }
    for pair in url.query().into_iter().flat_map(|query| query.split('&')) {
        out.push('&');
        out.push_str(pair.split('=').next().unwrap_or_default());
    }
    out
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
    fn a_calendar_ends() {
        let traps = Traps::new(Limits { depth: 10, per_pattern: 3, ..Limits::default() });
        let link = |path: &str, kind, depth| {
            let canonical = CanonicalUrl::new(&url(&format!("http://a.example{path}")), None);
            NewUrl::new(canonical, kind, depth, 0)
        };
        for day in 1..=3 {
            assert!(!traps.catches(&link(&format!("/list_2026-11-{day}.htm"), Kind::List, 1)));
        }
        assert!(traps.catches(&link("/list_2026-12-24.htm", Kind::List, 1)));
        assert!(!traps.catches(&link("/other_1.htm", Kind::List, 1)), "another pattern");
        assert!(!traps.catches(&link("/list_2026-12-25.htm", Kind::Article, 99)), "articles are not capped");
        assert!(
            traps.catches(&link("/deep.htm", Kind::List, 11)) && !traps.catches(&link("/deep.htm", Kind::List, 10))
        );
    }
}
