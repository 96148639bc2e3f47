//! The retry policy: what a failed request means for the address, and when it is tried again.
//!
//! Pure: the failures of an address and a time in, a decision out. The host's side (rate, back-off, holds) is in
//! [`crate::crawl::host`]; the table is in `docs/politeness.md`.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::units::{Millis, millis};

const SECOND: u64 = 1;
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

/// Waits after the first, second … transient failure, in seconds; the last one repeats. The first two are short enough
/// for the same run, so that a hiccup costs seconds.
const TRANSIENT_WAITS: [u64; 10] =
    [SECOND, 3 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR];
/// A page that only ever fails transiently is rejected once its first failure is this old …
const TRANSIENT_AGE: Duration = Duration::from_secs(7 * DAY);
/// … and it was tried this often: a crawl that runs once a week still tries more than once.
const TRANSIENT_TRIES: usize = 6;
/// Waits before a "perhaps permanent" failure is confirmed, in seconds.
const CONFIRMATION_WAITS: [u64; 2] = [4 * HOUR, 36 * HOUR];
/// Failures of an address that are remembered one by one; the rest is only counted.
const REMEMBERED: usize = 16;
/// A rejected address that a list still links to is looked at again after these waits, in seconds, and then never.
const REVISITS: [u64; 3] = [30 * DAY, 90 * DAY, 180 * DAY];
/// The same where the address was never asked for: robots.txt forbade it, and may allow it by now.
const FORBIDDEN_REVISIT: u64 = 7 * DAY;

/// What a failure says about the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureClass {
    /// Nothing: no connection, reset, time-out, body cut short, 408, 425, 429, 5xx.
    Transient,
    /// Perhaps that it is gone: other 4xx, an unasked 304, an empty body.
    Unconfirmed,
}

impl FailureClass {
    /// The class of an HTTP status; `None` where the answer can be used.
    pub fn of_status(status: u16) -> Option<Self> {
        match status {
            200..=399 => None,
            408 | 425 | 429 | 500..=u16::MAX | 0..200 => Some(Self::Transient),
            400..=499 => Some(Self::Unconfirmed),
        }
    }
}

/// One failed try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When.
    pub at: Millis,
    /// What it says about the address.
    pub class: FailureClass,
    /// What was seen: `status 503`, `no whole answer within 30s`.
    pub what: String,
}

/// The failures of an address since it was queued, or since it last answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// All failures, also those no longer remembered one by one.
    pub count: u32,
    /// When the first one was.
    pub first: Millis,
    /// The latest, oldest first.
    pub latest: Vec<Failure>,
}

/// What to do with an address that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Try again after this time.
    Retry(Duration),
    /// It has failed for good.
    Reject,
}

impl History {
    /// Adds a failure. One dated before its predecessors was seen by a clock that has been set back since; the history
    /// then begins anew, so that a clock that was wrong neither hastens nor delays a rejection.
    #[must_use]
    pub fn with(mut self, failure: Failure) -> Self {
        if self.latest.last().is_some_and(|last| last.at > failure.at) {
            self = Self::default();
        }
        if self.count == 0 {
            self.first = failure.at;
        }
        self.count = self.count.saturating_add(1);
        if self.latest.len() >= REMEMBERED {
            self.latest.remove(0);
        }
        self.latest.push(failure);
        self
    }

    /// When the latest failure was; 0 without one.
    pub fn last_at(&self) -> Millis {
        self.latest.last().map_or(0, |failure| failure.at)
    }

    /// Decides after the latest failure. `revisits`: how often the address was rejected before; a second rejection needs
    /// no confirmation.
    pub fn decide(&self, revisits: u32) -> Decision {
        let Some(last) = self.latest.last() else { return Decision::Reject };
        let of_class = self.latest.iter().filter(|failure| failure.class == last.class).count();
        match last.class {
            FailureClass::Unconfirmed if revisits > 0 => Decision::Reject,
            FailureClass::Unconfirmed => match CONFIRMATION_WAITS.get(of_class - 1) {
                Some(wait) => Decision::Retry(Duration::from_secs(*wait)),
                None => Decision::Reject,
            },
            FailureClass::Transient => {
                let is_old = last.at - self.first >= millis(TRANSIENT_AGE);
                if is_old && self.count as usize >= TRANSIENT_TRIES {
                    return Decision::Reject;
                }
                let at = (of_class - 1).min(TRANSIENT_WAITS.len() - 1);
                Decision::Retry(Duration::from_secs(TRANSIENT_WAITS[at]))
            }
        }
    }

    /// As a sentence for `rejected.jsonl`: `status 404; 3 failures in 2d 4h: status 404, status 404, status 404`.
    pub fn describe(&self) -> String {
        let Some(last) = self.latest.last() else { return String::new() };
        if self.count <= 1 {
            return last.what.clone();
        }
        let span = Duration::from_millis(u64::try_from(last.at - self.first).unwrap_or(0));
        let span = crate::units::Span(Duration::from_secs(span.as_secs()));
        let mut runs: Vec<(&str, u32)> = Vec::new();
        for failure in &self.latest {
            match runs.last_mut() {
                Some((what, times)) if *what == failure.what => *times += 1,
                _ => runs.push((&failure.what, 1)),
            }
        }
        let each =
            runs.iter().map(|(what, times)| if *times > 1 { format!("{times} × {what}") } else { (*what).to_owned() });
        let each: Vec<String> = each.collect();
        format!("{}; {} failures in {span}: {}", last.what, self.count, each.join(", "))
    }
}

/// How long after its rejection an address that a list still links to is looked at again; `None`: never. `revisits`: how
/// often that was done.
pub fn revisit_wait(revisits: u32, was_asked: bool) -> Option<Duration> {
    let wait = REVISITS.get(revisits as usize)?;
    Some(Duration::from_secs(if was_asked { *wait } else { FORBIDDEN_REVISIT }))
}

/// `Retry-After` in either form: seconds, or a date.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    // To the second, upwards: the date has no fractions.
    let now = Duration::from_millis(u64::try_from(now.as_millisecond()).ok()?);
    Some(at.duration_since(std::time::UNIX_EPOCH + now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_retry_after() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Mon, 23 Nov 2026 10:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Mon, 23 Nov 2026 09:00:30 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-5", now), None);
    }
    use FailureClass::{Transient, Unconfirmed};

    fn failure(hours: i64, class: FailureClass) -> Failure {
        Failure { at: 1_000 + hours * 3_600_000, class, what: format!("{class:?}") }
    }

    /// Plays failures of one class at the times that the policy asks for; gives the hours of the tries.
    fn play(class: FailureClass, revisits: u32) -> (Vec<f64>, History) {
        let (mut history, mut at, mut tries) = (History::default(), 1_000, Vec::new());
        for _ in 0..100 {
            tries.push((at - 1_000) as f64 / 3_600_000.0);
            history = history.with(Failure { at, class, what: "x".into() });
            match history.decide(revisits) {
                Decision::Reject => return (tries, history),
                Decision::Retry(wait) => at += millis(wait),
            }
        }
        unreachable!("it never ends: {tries:?}")
    }

    #[test]
    fn the_whole_table_of_statuses() {
        for status in 100..=999_u16 {
            let expected = match status {
                200..=399 => None,
                408 | 425 | 429 => Some(Transient),
                400..=499 => Some(Unconfirmed),
                _ => Some(Transient),
            };
            assert_eq!(FailureClass::of_status(status), expected, "{status}");
        }
    }

    #[test]
    fn transient_failures_are_tried_for_a_week_and_then_end() {
        let (tries, history) = play(Transient, 0);
        assert!(tries.len() >= 15 && tries.len() <= 30, "{tries:?}");
        assert!(tries[tries.len() - 1] >= 7.0 * 24.0 && tries[tries.len() - 2] < 7.0 * 24.0, "{tries:?}");
        assert!(tries.windows(2).all(|pair| pair[1] - pair[0] <= 12.01), "no wait is longer than half a day");
        assert_eq!(history.count as usize, tries.len());
        assert!(history.latest.len() <= REMEMBERED);
        // Tried once a week only: still more than two tries.
        let weekly = (0..TRANSIENT_TRIES as i64 - 1).fold(History::default(), |history, week| {
            let history = history.with(failure(week * 168, Transient));
            assert_ne!(history.decide(0), Decision::Reject);
            history
        });
        assert_eq!(weekly.with(failure(9999, Transient)).decide(0), Decision::Reject);
    }

    #[test]
    fn perhaps_permanent_failures_are_confirmed_hours_and_days_later() {
        let (tries, _) = play(Unconfirmed, 0);
        assert_eq!(tries.len(), 3);
        assert!(tries[1] >= 1.0 && tries[2] - tries[1] >= 24.0, "{tries:?}");
        assert_eq!(play(Unconfirmed, 1).0.len(), 1, "a rejection is confirmed by one more");
    }

    #[test]
    fn a_mixed_history_ends_as_well() {
        let mut history = History::default();
        for n in 0..5 {
            history = history.with(failure(n * 10, if n % 2 == 0 { Unconfirmed } else { Transient }));
            assert_eq!(history.decide(0) == Decision::Reject, n == 4, "{n}");
        }
        assert_eq!(
            history.describe(),
            "Unconfirmed; 5 failures in 40h: Unconfirmed, Transient, Unconfirmed, Transient, Unconfirmed"
        );
    }

    #[test]
    fn a_clock_that_was_wrong_is_forgotten() {
        let history = History::default().with(failure(1_000_000, Transient)).with(failure(0, Transient));
        assert_eq!((history.count, history.first), (1, 1_000));
        assert_eq!(history.decide(0), Decision::Retry(Duration::from_secs(TRANSIENT_WAITS[0])));
    }

    #[test]
    fn revisits_are_rare_and_end() {
        let waits: Vec<_> = (0..).map_while(|n| revisit_wait(n, true)).collect();
        assert_eq!(waits.len(), REVISITS.len());
        assert!(waits.windows(2).all(|pair| pair[0] < pair[1]));
    }

    /// The times in a sentence, in seconds: `1 s, 2 and 10 minutes, 4 hours and then every 12`.
    fn times(sentence: &str) -> Vec<u64> {
        let (mut times, mut numbers, mut last_unit) = (Vec::new(), Vec::new(), SECOND);
        for word in sentence.split([' ', ',', '\n', '(', ':']) {
            let unit = match word {
                "s" => SECOND,
                "minutes" => MINUTE,
                "hours" => HOUR,
                "days" => DAY,
                number => {
                    numbers.extend(number.parse::<u64>());
                    continue;
                }
            };
            times.extend(numbers.drain(..).map(|n| n * unit));
            last_unit = unit;
        }
        times.extend(numbers.into_iter().map(|n| n * last_unit));
        times
    }

    #[test]
    fn the_waits_are_as_documented() {
        let guide = include_str!("../docs/politeness.md");
        let between = |from: &str, to: &str| {
            let rest = guide.split_once(from).unwrap_or_else(|| panic!("`{from}` is not in the guide")).1;
            times(rest.split_once(to).unwrap().0)
        };
        assert_eq!(between("**Transient**: tried again after", ", over restarts"), TRANSIENT_WAITS);
        assert_eq!(between("its history when the first failure is", "old"), [TRANSIENT_AGE.as_secs()]);
        assert!(guide.contains("and there were six tries at least") && TRANSIENT_TRIES == 6);
        assert_eq!(between("**Perhaps gone**: tried again", ", then rejected"), CONFIRMATION_WAITS);
        assert_eq!(between("looked at again after", "(one that"), REVISITS);
        assert_eq!(between("(one that robots.txt forbids: after", ", which"), [FORBIDDEN_REVISIT]);
    }
}
