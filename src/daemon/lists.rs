//! The lists of a site that fail or give nothing: since when, and whether that was reported to hooks. Pure.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::crawl::report::{ListFailure, SiteReport};

/// Lists other than starting points that are remembered of a site, of each sort.
const MOST: usize = 50;
/// A list that no run has had to do with for so long is forgotten; the crawl forgets lists that nothing names as soon.
const FORGET: Duration = Duration::from_secs(30 * 86_400);

/// What is wrong with a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListFault {
    /// It could not be had or read.
    Failed,
    /// It was read and named nothing to follow.
    Empty,
    /// It leads to another list that is known already, and the site had no other.
    Redirected,
    /// Some of it could not be used.
    Partial,
}

impl ListFault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Failed, Self::Empty, Self::Redirected, Self::Partial];

    /// As metrics and the history write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Empty => "empty",
            Self::Redirected => "redirected",
            Self::Partial => "partial",
        }
    }

    /// As sentences say it of a list.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Empty | Self::Redirected => "gave nothing",
            Self::Partial => "could not be used as a whole",
        }
    }
}

/// A list with something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultyList {
    /// What.
    pub fault: ListFault,
    /// What was seen the last time.
    pub why: String,
    /// It is a seed, feed or sitemap of the selector file.
    pub is_seed: bool,
    /// Since when it has given nothing, or not everything.
    pub since: Timestamp,
    /// When that was last seen.
    pub latest: Timestamp,
    /// It was reported to hooks.
    pub is_reported: bool,
    /// It answered again, and that is not reported yet.
    pub is_over: bool,
}

/// A change that is reported to hooks at the end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListChange {
    /// The list, as it was first asked for.
    pub url: String,
    /// What is wrong with it, or was where `list.is_over`.
    pub list: FaultyList,
}

/// The lists of one site that have something wrong, by address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultyLists(BTreeMap<(bool, String), FaultyList>);

impl FaultyLists {
    /// As the history has them.
    pub fn new(lists: impl IntoIterator<Item = (String, FaultyList)>) -> Self {
        Self(lists.into_iter().map(|(url, list)| (key(list.fault, &url), list)).collect())
    }

    /// All, also those that are over, for the history.
    pub fn all(&self) -> impl Iterator<Item = (&str, &FaultyList)> {
        self.0.iter().map(|((_, url), list)| (url.as_str(), list))
    }

    /// Those with something wrong now; those that give nothing come first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FaultyList)> {
        self.all().filter(|(_, list)| !list.is_over)
    }

    /// Starting points that give nothing.
    pub fn starting_points(&self) -> impl Iterator<Item = (&str, &FaultyList)> {
        self.iter().filter(|(_, list)| list.is_seed && list.fault != ListFault::Partial)
    }

    /// How many have a fault.
    pub fn count(&self, fault: ListFault) -> usize {
        self.iter().filter(|(_, list)| list.fault == fault).count()
    }

    /// Takes in one visit. True if anything changed.
    pub fn note(&mut self, visit: &SiteReport, now: Timestamp) -> bool {
        let found = [
            (ListFault::Failed, &visit.failed_lists),
            (ListFault::Empty, &visit.empty_lists),
            (ListFault::Partial, &visit.partial_lists),
        ];
        let mut is_changed = false;
        if let Some(url) = &visit.answered_list {
            if !visit.empty_lists.contains_key(url) {
                is_changed |= self.end(url);
            }
            // A list that has not changed is as incomplete as it was.
            if visit.unchanged == 0 && !visit.partial_lists.contains_key(url) {
                is_changed |= self.0.remove(&key(ListFault::Partial, url)).is_some();
            }
        }
        for (fault, lists) in found {
            for (url, failure) in lists {
                self.put(url, fault, failure, now);
                is_changed = true;
            }
        }
        is_changed
    }

    /// Takes in the end of a run: forgets what it no longer begins with, and gives what is not reported yet.
    pub fn settle(&mut self, run: &SiteReport, starting_points: &HashSet<String>, now: Timestamp) -> Vec<ListChange> {
        let nothing_read = run.lists == 0 && run.unchanged == 0;
        for (url, to) in run.redirected_lists.iter().filter(|_| nothing_read) {
            let why = format!("leads to {to}, which is known already");
            let failure = ListFailure { why, is_seed: starting_points.contains(url) };
            self.put(url, ListFault::Redirected, &failure, now);
        }
        if !nothing_read {
            let led: Vec<String> =
                self.iter().filter(|(_, l)| l.fault == ListFault::Redirected).map(|(url, _)| url.to_owned()).collect();
            for url in led {
                self.end(&url);
            }
        }
        self.0.retain(|(_, url), list| match list.is_seed {
            true => starting_points.contains(url),
            false => now.duration_since(list.latest).unsigned_abs() < FORGET,
        });
        let changes =
            self.0.iter_mut().filter(|(_, list)| list.fault != ListFault::Partial).filter_map(|(key, list)| {
                let is_news = list.is_over || !list.is_reported;
                list.is_reported = true;
                is_news.then(|| ListChange { url: key.1.clone(), list: list.clone() })
            });
        let changes = changes.collect();
        self.0.retain(|_, list| !list.is_over);
        changes
    }

    fn put(&mut self, url: &str, fault: ListFault, failure: &ListFailure, now: Timestamp) {
        let key = key(fault, url);
        let before = self.0.get(&key);
        let same_sort = self.0.keys().filter(|(is_partial, _)| *is_partial == key.0).count();
        if before.is_none() && same_sort >= MOST && !failure.is_seed {
            return;
        }
        // Whether it fails or is empty: it gives nothing since the first of the two.
        let since = before.filter(|list| !list.is_over).map_or(now, |list| list.since);
        let is_reported = before.is_some_and(|list| list.is_reported);
        let ListFailure { why, is_seed } = failure.clone();
        self.0.insert(key, FaultyList { fault, why, is_seed, since, latest: now, is_reported, is_over: false });
    }

    /// A list gives something again. One that was reported is kept until this is reported as well.
    fn end(&mut self, url: &str) -> bool {
        let key = key(ListFault::Failed, url);
        match self.0.get_mut(&key) {
            Some(list) if list.is_reported => !std::mem::replace(&mut list.is_over, true),
            Some(_) => self.0.remove(&key).is_some(),
            None => false,
        }
    }
}

/// A list may give nothing, or not everything; those that give nothing come first.
fn key(fault: ListFault, url: &str) -> (bool, String) {
    (fault == ListFault::Partial, url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &str = "http://a.example/";

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600).unwrap()
    }

    fn failure(url: &str) -> BTreeMap<String, ListFailure> {
        [(url.to_owned(), ListFailure { why: "status 500".into(), is_seed: url == SEED })].into()
    }

    fn failed(url: &str) -> SiteReport {
        SiteReport { failed_lists: failure(url), list_errors: 1, ..SiteReport::default() }
    }

    fn empty(url: &str) -> SiteReport {
        let answered_list = Some(url.to_owned());
        SiteReport { empty_lists: failure(url), answered_list, lists: 1, ..SiteReport::default() }
    }

    fn partial(url: &str) -> SiteReport {
        let answered_list = Some(url.to_owned());
        SiteReport { partial_lists: failure(url), answered_list, lists: 1, ..SiteReport::default() }
    }

    fn good(url: &str) -> SiteReport {
        SiteReport { answered_list: Some(url.to_owned()), lists: 1, ..SiteReport::default() }
    }

    fn settle(lists: &mut FaultyLists, now: Timestamp) -> Vec<(String, ListFault, bool)> {
        let changes = lists.settle(&good(SEED), &HashSet::from([SEED.to_owned()]), now);
        changes.into_iter().map(|change| (change.url, change.list.fault, change.list.is_over)).collect()
    }

    #[test]
    fn a_fault_and_its_end_are_reported_once_each() {
        let mut lists = FaultyLists::default();
        assert!(lists.note(&failed(SEED), at(1)));
        assert_eq!(settle(&mut lists, at(1)), [(SEED.to_owned(), ListFault::Failed, false)]);
        // It is empty now, and has given nothing for as long.
        lists.note(&empty(SEED), at(2));
        assert_eq!(settle(&mut lists, at(2)), []);
        let (_, list) = lists.starting_points().next().unwrap();
        assert_eq!((list.fault, list.since, list.latest), (ListFault::Empty, at(1), at(2)));
        assert!(lists.note(&good(SEED), at(3)));
        assert_eq!(lists.iter().count(), 0);
        assert_eq!(settle(&mut lists, at(3)), [(SEED.to_owned(), ListFault::Empty, true)]);
        assert_eq!(settle(&mut lists, at(4)), []);
        assert!(!lists.note(&good(SEED), at(5)));
    }

    #[test]
    fn a_fault_that_is_over_within_its_run_is_not_reported() {
        let mut lists = FaultyLists::default();
        lists.note(&failed(SEED), at(1));
        lists.note(&good(SEED), at(1));
        assert_eq!(settle(&mut lists, at(1)), []);
        // Neither is an end that does not last.
        lists.note(&failed(SEED), at(2));
        assert_eq!(settle(&mut lists, at(2)).len(), 1);
        lists.note(&good(SEED), at(3));
        lists.note(&failed(SEED), at(3));
        assert_eq!(settle(&mut lists, at(3)), []);
    }

    #[test]
    fn a_list_with_broken_items_is_shown_and_not_reported() {
        let mut lists = FaultyLists::default();
        lists.note(&partial(SEED), at(1));
        assert_eq!((lists.count(ListFault::Partial), lists.starting_points().count()), (1, 0));
        assert_eq!(settle(&mut lists, at(1)), []);
        let unchanged = SiteReport { unchanged: 1, lists: 0, ..good(SEED) };
        assert!(!lists.note(&unchanged, at(2)));
        assert_eq!(lists.count(ListFault::Partial), 1, "what has not changed is as incomplete as before");
        lists.note(&good(SEED), at(3));
        assert_eq!(lists.iter().count(), 0);
    }

    #[test]
    fn what_a_site_no_longer_begins_with_is_forgotten() {
        let mut lists = FaultyLists::default();
        lists.note(&failed(SEED), at(1));
        lists.note(&failed("http://a.example/list"), at(1));
        assert_eq!(lists.settle(&good(SEED), &HashSet::new(), at(1)).len(), 1);
        assert_eq!(lists.iter().count(), 1);
        assert_eq!(settle(&mut lists, at(31 * 24)), []);
        assert_eq!(lists.iter().count(), 0);
    }

    #[test]
    fn a_list_that_leads_away_counts_where_nothing_else_was_read() {
        let mut lists = FaultyLists::default();
        let redirected = [(SEED.to_owned(), "http://a.example/b".to_owned())].into();
        let run = SiteReport { redirected_lists: redirected, ..SiteReport::default() };
        let starting_points = HashSet::from([SEED.to_owned()]);
        assert_eq!(lists.settle(&run, &starting_points, at(1)).len(), 1);
        assert_eq!(lists.starting_points().count(), 1);
        let read = SiteReport { lists: 1, ..run };
        assert!(lists.settle(&read, &starting_points, at(2))[0].list.is_over);
        assert_eq!(lists.iter().count(), 0);
    }

    #[test]
    fn other_lists_than_starting_points_are_bounded() {
        let mut lists = FaultyLists::default();
        for n in 0..MOST + 9 {
            lists.note(&failed(&format!("http://a.example/{n}")), at(1));
        }
        lists.note(&failed(SEED), at(1));
        assert_eq!(lists.iter().count(), MOST + 1);
    }
}
