//! How often a list is looked at again: as often as it changes, within bounds. Numbers in, numbers out.

use std::hash::Hasher;
use std::time::Duration;

use rustc_hash::FxHasher;
use url::Url;

use crate::frontier::Millis;

/// First wait where the site's file says nothing (`refresh`), and the shortest.
const REFRESH: Duration = Duration::from_secs(900);
/// Longest wait, unless the site's file asks for a longer one.
const LONGEST: Millis = 24 * 3_600_000;
/// A sitemap whose index says when it changed is asked when it says so, and once in this time besides.
pub const DATED: Millis = 7 * 24 * 3_600_000;

/// The wait after a visit: half as long where there was news, twice as long where there was none, never below the site's
/// `refresh` and never above a day. `before` is the wait before this visit, 0 where it was the first.
pub fn next(refresh: Option<Duration>, before: Millis, changed: bool) -> Millis {
    let least = Millis::try_from(refresh.unwrap_or(REFRESH).as_millis()).unwrap_or(Millis::MAX / 4);
    match (before, changed) {
        (0, _) => least,
        (before, true) => (before / 2).max(least),
        (before, false) => before.saturating_mul(2).min(LONGEST).max(least),
    }
}

/// What a list holds: a hash of its links, whatever their order.
pub fn content<'a>(links: impl Iterator<Item = &'a Url>) -> i64 {
    let hash = |url: &Url| {
        let mut hasher = FxHasher::default();
        hasher.write(url.as_str().as_bytes());
        // As it always was: these are kept.
        (hasher.finish() | 1).cast_signed()
    };
    links.fold(0_i64, |sum, url| sum.wrapping_add(hash(url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_looked_at_as_often_as_it_changes() {
        let minutes = |n: u64| Some(Duration::from_secs(60 * n));
        assert_eq!(next(None, 0, false), 900_000);
        assert_eq!(next(minutes(10), 0, true), 600_000);
        let quiet: Vec<Millis> =
            std::iter::successors(Some(600_000), |before| Some(next(minutes(10), *before, false))).take(12).collect();
        assert_eq!(quiet[..3], [600_000, 1_200_000, 2_400_000]);
        assert_eq!(quiet[11], LONGEST, "bounded");
        let busy: Vec<Millis> =
            std::iter::successors(Some(LONGEST), |before| Some(next(minutes(10), *before, true))).take(12).collect();
        assert_eq!((busy[1], busy[11]), (LONGEST / 2, 600_000));
        // A file that asks for less than once a day is obeyed.
        assert_eq!(next(minutes(2880), 172_800_000, false), 172_800_000);
    }

    #[test]
    fn the_order_of_links_says_nothing() {
        let url = |n: u32| Url::parse(&format!("http://a.example/{n}.htm")).unwrap();
        let (one, two, three) = (url(1), url(2), url(3));
        assert_eq!(content([&one, &two].into_iter()), content([&two, &one].into_iter()));
        assert_ne!(content([&one, &two].into_iter()), content([&one, &three].into_iter()));
    }
}
