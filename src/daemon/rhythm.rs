//! What is usual for a site: articles by the hour over four weeks. Tells silence against the site's own rhythm.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Hours that are remembered: four weeks.
pub const HOURS: i64 = 28 * 24;

/// Days over which "usual" is an average.
const USUAL_DAYS: i64 = 14;

/// Articles that must have been expected since the last one before silence is told. Were articles independent of each
/// other, none would come by chance once in twenty thousand such times; they are not, hence the second condition.
const EXPECTED: f64 = 10.0;

/// … and the time since must be longer than the longest pause of four weeks, by this factor.
const BEYOND: f64 = 1.25;

/// Days a site must have been watched for.
const LEAST_DAYS: i64 = 3;

/// Counts of an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// Articles written.
    pub articles: u64,
    /// Pages that gave none.
    pub rejected: u64,
    /// Requests answered.
    pub fetched: u64,
    /// Lists that could not be had, and tries that failed.
    pub errors: u64,
}

impl Hour {
    /// Adds another hour.
    pub fn add(&mut self, other: Hour) {
        self.articles += other.articles;
        self.rejected += other.rejected;
        self.fetched += other.fetched;
        self.errors += other.errors;
    }
}

/// Number of the hour of a time, since 1970.
pub fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3600)
}

/// A site's hours.
#[derive(Debug, Clone, Default)]
pub struct Rhythm {
    /// Number of the first hour in `hours`.
    first: i64,
    /// One after the other, those without anything too: every view sums over them.
    hours: VecDeque<Hour>,
    /// First hour it was watched in.
    since: Option<i64>,
    /// When the last article was written.
    pub last_article: Option<Timestamp>,
}

impl Rhythm {
    /// From what is stored; `since` is the first hour ever.
    pub fn new(hours: BTreeMap<i64, Hour>, since: Option<i64>, last_article: Option<Timestamp>) -> Self {
        let mut rhythm = Self { since, last_article, ..Self::default() };
        hours.into_iter().for_each(|(hour, counts)| rhythm.add(hour, counts));
        rhythm
    }

    fn add(&mut self, hour: i64, counts: Hour) {
        if self.hours.is_empty() {
            self.first = hour;
        }
        // The clock was put back: it counts for the first hour known.
        let at = usize::try_from(hour - self.first).unwrap_or(0);
        // After a long pause nothing of before is of use.
        if at > 2 * HOURS as usize {
            self.hours.clear();
            self.first = hour;
            return self.add(hour, counts);
        }
        if at >= self.hours.len() {
            self.hours.resize(at + 1, Hour::default());
        }
        self.hours[at].add(counts);
        while self.hours.len() as i64 > HOURS + 1 {
            self.hours.pop_front();
            self.first += 1;
        }
    }

    /// Counts.
    pub fn note(&mut self, at: Timestamp, counts: Hour) {
        let hour = hour_of(at);
        self.since.get_or_insert(hour);
        self.add(hour, counts);
        if counts.articles > 0 {
            self.last_article = Some(at);
        }
    }

    /// Counts of an hour.
    pub fn hour(&self, hour: i64) -> Hour {
        let at = usize::try_from(hour - self.first).ok();
        at.and_then(|at| self.hours.get(at)).copied().unwrap_or_default()
    }

    /// Sum over hours, from the first to before the second.
    pub fn sum(&self, from: i64, to: i64) -> Hour {
        let mut sum = Hour::default();
        let place = |hour: i64| usize::try_from(hour - self.first).unwrap_or(0).min(self.hours.len());
        let (from, to) = (place(from), place(to));
        if from < to {
            self.hours.range(from..to).for_each(|hour| sum.add(*hour));
        }
        sum
    }

    /// Whole days for which the site has been watched before an hour, at most those that count for the average.
    fn days(&self, hour: i64) -> i64 {
        self.since.map_or(0, |since| ((hour - since) / 24).clamp(0, USUAL_DAYS))
    }

    /// Articles of the day that began at `midnight`, and how many are usual by this time of day (none in the first
    /// day).
    pub fn today(&self, midnight: i64, now: i64) -> (u64, Option<f64>) {
        let today = self.sum(midnight, now + 1).articles;
        let days = self.days(midnight);
        let past: u64 = (1..=days).map(|day| self.sum(midnight - day * 24, now + 1 - day * 24).articles).sum();
        (today, (days > 0).then(|| past as f64 / days as f64))
    }

    /// Articles that this site usually has in the time since its last one; none where too little is known.
    pub fn expected(&self, now: Timestamp) -> Option<f64> {
        let last = self.last_article?;
        let (first, current) = (hour_of(last), hour_of(now));
        let days = self.days(first);
        if days < LEAST_DAYS {
            return None;
        }
        // The usual of each hour of the day, from the days before the last article.
        let mut usual = [0.0; 24];
        for hour in first - days * 24..first {
            usual[usize::try_from(hour.rem_euclid(24)).unwrap_or(0)] += self.hour(hour).articles as f64 / days as f64;
        }
        let day: f64 = usual.iter().sum();
        let mut expected = ((current - first) / 24) as f64 * day;
        for hour in current - (current - first) % 24..current {
            expected += usual[usize::try_from(hour.rem_euclid(24)).unwrap_or(0)];
        }
        Some(expected)
    }

    /// True if the site has had no article for longer than fits its own past.
    pub fn is_silent(&self, now: Timestamp) -> bool {
        let (Some(expected), Some(last)) = (self.expected(now), self.last_article) else { return false };
        let pause = (hour_of(now) - hour_of(last)) as f64;
        expected >= EXPECTED && pause > self.longest_pause(hour_of(last)) as f64 * BEYOND
    }

    /// The longest time between two hours with articles before an hour.
    fn longest_pause(&self, before: i64) -> i64 {
        let busy = (self.first..=before).filter(|hour| self.hour(*hour).articles > 0);
        let (mut longest, mut last) = (0, None);
        for hour in busy {
            longest = last.map_or(0, |last| hour - last).max(longest);
            last = Some(hour);
        }
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(480_000 * 3600 + hour * 3600 + 60).unwrap()
    }

    /// A site that has `articles` at the given hours of each day.
    fn site(days: i64, busy: &[i64], articles: u64) -> Rhythm {
        let mut rhythm = Rhythm::default();
        for day in 0..days {
            for hour in 0..24 {
                let articles = if busy.contains(&hour) { articles } else { 0 };
                rhythm.note(at(day * 24 + hour), Hour { articles, fetched: 1, ..Hour::default() });
            }
        }
        rhythm
    }

    /// Hours of silence after which it is told.
    fn told_after(rhythm: &Rhythm, days: i64) -> i64 {
        (1..2000).find(|hours| rhythm.is_silent(at(days * 24 + hours))).unwrap()
    }

    #[test]
    fn three_and_three_hundred_articles_a_day_have_their_own_patience() {
        let slow = site(20, &[9, 14, 20], 1);
        let slow_after = told_after(&slow, 20);
        assert!((72..120).contains(&slow_after), "{slow_after}");
        // From six in the morning to midnight; the last day ended in the busy hours.
        let busy: Vec<i64> = (6..24).collect();
        let fast = site(20, &busy, 17);
        let fast_after = told_after(&fast, 20);
        assert!((7..12).contains(&fast_after), "the night is no silence: {fast_after}");
    }

    #[test]
    fn nothing_is_told_of_what_is_hardly_known() {
        let young = site(2, &[8, 9, 10, 11], 20);
        assert!(!(1..500).any(|hours| young.is_silent(at(48 + hours))));
        assert!(!Rhythm::default().is_silent(at(1000)));
    }

    #[test]
    fn weekends_of_the_past_are_no_silence() {
        let mut rhythm = Rhythm::default();
        for day in 0..26_i64 {
            for hour in 8..20 {
                let articles = if day % 7 < 5 { 6 } else { 0 };
                rhythm.note(at(day * 24 + hour), Hour { articles, ..Hour::default() });
            }
        }
        // Day 25 is a Friday; two days without anything follow as always.
        assert!(!(1..60).any(|hours| rhythm.is_silent(at(25 * 24 + 20 + hours))));
        assert!((60..120).any(|hours| rhythm.is_silent(at(25 * 24 + 20 + hours))));
    }

    #[test]
    fn today_is_compared_with_the_same_time_of_day() {
        let rhythm = site(10, &[6, 12, 18], 5);
        let first = hour_of(at(0));
        let (today, usual) = rhythm.today(first + 9 * 24, first + 9 * 24 + 12);
        assert_eq!((today, usual), (10, Some(10.0)));
        assert_eq!(rhythm.today(first, first + 12).1, None);
    }

    #[test]
    fn what_is_older_than_four_weeks_is_forgotten() {
        let rhythm = site(40, &[1], 1);
        assert!(rhythm.hours.len() <= usize::try_from(HOURS).unwrap() + 1);
        let last = hour_of(at(39 * 24 + 23));
        assert_eq!(rhythm.hour(last - 22).articles, 1);
        // Years later, and with the clock put back.
        let mut rhythm = rhythm;
        rhythm.note(at(100_000), Hour { articles: 1, ..Hour::default() });
        rhythm.note(at(90_000), Hour { articles: 1, ..Hour::default() });
        assert!(rhythm.hours.len() <= usize::try_from(HOURS).unwrap() + 1);
        assert_eq!(rhythm.hour(hour_of(at(100_000))).articles, 2);
    }
}
