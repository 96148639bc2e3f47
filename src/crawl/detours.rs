//! Detours by way of another page or host: a page leads to a door, which sets a cookie and leads back. A page is asked once more
//! for that in a run, so that a door that is never content ends.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use crate::frontier::UrlKey;
use crate::lock::lock;

/// Redirects that are remembered. Only the first pages of a host lead to its door, before its cookie is there.
const MOST: usize = 10_000;

/// The redirects of one run, and the pages that were led back to.
#[derive(Debug, Default)]
pub struct Detours(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// By target: the pages that led to it, one after the other.
    chains: HashMap<UrlKey, Vec<Hop>>,
    passed: HashSet<UrlKey>,
}

/// A page that led elsewhere.
#[derive(Debug, Clone)]
struct Hop {
    page: UrlKey,
    sets_cookies: bool,
}

impl Detours {
    /// Notes that a page led to another one, and whether its answer set a cookie.
    pub fn leave(&self, page: UrlKey, target: UrlKey, sets_cookies: bool) {
        let mut known = lock(&self.0);
        if known.chains.len() < MOST {
            let mut chain = known.chains.get(&page).cloned().unwrap_or_default();
            chain.push(Hop { page, sets_cookies });
            known.chains.insert(target, chain);
        }
    }

    /// True, once, where a door leads back to a page of its chain that may have another answer now: a cookie was set on the
    /// way. `sets_cookies`: the door's answer did.
    pub fn pass(&self, door: &UrlKey, page: UrlKey, sets_cookies: bool) -> bool {
        let mut known = lock(&self.0);
        let chain = known.chains.get(door).map(Vec::as_slice).unwrap_or_default();
        let Some(at) = chain.iter().position(|hop| hop.page == page) else { return false };
        let has_cookie = sets_cookies || chain[at..].iter().any(|hop| hop.sets_cookies);
        has_cookie && known.passed.len() < MOST && known.passed.insert(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontier::HostId;

    fn key(id: i64) -> UrlKey {
        UrlKey { host: HostId::new("http://a.example"), near: id, id }
    }

    #[test]
    fn a_page_that_a_chain_with_a_cookie_leads_back_to_is_asked_once_more() {
        let detours = Detours::default();
        detours.leave(key(1), key(2), false);
        detours.leave(key(2), key(3), false);
        assert!(!detours.pass(&key(3), key(2), false), "no cookie was set");
        assert!(!detours.pass(&key(3), key(4), true), "that page did not lead there");
        assert!(detours.pass(&key(3), key(2), true));
        assert!(!detours.pass(&key(3), key(2), true), "once");
        // A cookie that was set on the way counts, one that was set before the page does not.
        detours.leave(key(5), key(6), true);
        detours.leave(key(6), key(7), false);
        assert!(!detours.pass(&key(7), key(6), false));
        assert!(detours.pass(&key(7), key(5), false));
    }
}
