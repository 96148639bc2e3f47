//! When a site is due: a cron expression with a time zone, or an interval.

use std::time::Duration;

use cronexpr::{Crontab, MakeTimestamp};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::units::Span;
use crate::urls::hash64;

/// Most missed times that are counted one by one.
const MOST_COUNTED: usize = 10_000;

/// Why a schedule cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no schedule: {why}")]
pub struct ScheduleError {
    /// As written.
    pub text: String,
    /// What is wrong.
    pub why: String,
}

/// What helps with a [`ScheduleError`].
pub const HELP: &str = "five fields, minute hour day month weekday, with a time zone behind them if it is another than the \
                        site's: \"*/20 6-23 * * *\", \"0 7 * * 1-5 Asia/Shanghai\"; or an interval: \"every 30m\"";

/// Times at which a site is due.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// A cron expression.
    Cron(Box<Crontab>),
    /// Every so often, counted from 1970, so that a restart does not shift it.
    Every(Duration),
}

impl Schedule {
    /// Reads `*/20 6-23 * * *`, the same with a time zone behind it, or `every 30m`. Without a time zone it is `zone`.
    ///
    /// # Errors
    ///
    /// [`ScheduleError`].
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, ScheduleError> {
        let bad = |why: String| ScheduleError { text: text.to_owned(), why };
        let trimmed = text.trim();
        if let Some(span) = trimmed.strip_prefix("every ") {
            let span = span.parse::<Span>().map_err(|e| bad(e.to_string()))?.0;
            if span < Duration::from_secs(1) {
                return Err(bad("an interval is a second or more".into()));
            }
            return Ok(Self::Every(span));
        }
        let fields = trimmed.split_whitespace().count();
        let full = match fields {
            5 => format!("{trimmed} {}", zone.iana_name().unwrap_or("UTC")),
            6 => trimmed.to_owned(),
            n => return Err(bad(format!("it has {n} fields"))),
        };
        // The library's errors draw the expression over several lines; the last one says what is wrong.
        let said = |e: cronexpr::Error| e.to_string().lines().last().unwrap_or_default().trim().to_owned();
        let crontab = cronexpr::parse_crontab(&full).map_err(|e| bad(said(e)))?;
        Ok(Self::Cron(Box::new(crontab)))
    }

    /// The first time after `after`; none if there will never be one.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            // The library has a `jiff` of its own; milliseconds are the same in both.
            Self::Cron(crontab) => {
                let after = MakeTimestamp::from_millisecond(after.as_millisecond()).ok()?;
                let next = crontab.find_next(after).ok()?.timestamp().as_millisecond();
                Timestamp::from_millisecond(next).ok()
            }
            Self::Every(span) => {
                let every = i64::try_from(span.as_millis()).ok()?.max(1);
                let at = (after.as_millisecond().div_euclid(every) + 1).checked_mul(every)?;
                Timestamp::from_millisecond(at).ok()
            }
        }
    }

    /// How many times lie after `after` and not after `until`; counted up to ten thousand.
    pub fn count(&self, after: Timestamp, until: Timestamp) -> u64 {
        let times = std::iter::successors(self.next(after), |at| self.next(*at));
        times.take_while(|at| *at <= until).take(MOST_COUNTED).count() as u64
    }

    /// The time between the next two times: how long a site may go without a run.
    pub fn gap(&self, after: Timestamp) -> Duration {
        let next = self.next(after);
        let second = next.and_then(|at| self.next(at));
        match (next, second) {
            (Some(next), Some(second)) => second.duration_since(next).unsigned_abs(),
            _ => Duration::from_secs(86_400),
        }
    }
}

/// How much later than its time a site's run begins: 0 to `most`, the same for the same site and time, so that many
/// sites with one schedule don't all begin at once, and a restart changes nothing.
pub fn jitter(site: &str, at: Timestamp, most: Duration) -> SignedDuration {
    let most = i64::try_from(most.as_millis()).unwrap_or(0);
    if most == 0 {
        return SignedDuration::ZERO;
    }
    SignedDuration::from_millis(hash64(&format!("{site} {}", at.as_millisecond())).rem_euclid(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn shanghai() -> TimeZone {
        TimeZone::get("Asia/Shanghai").unwrap()
    }

    #[test]
    fn a_cron_expression_is_read_in_the_sites_zone_unless_it_names_one() {
        let schedule = Schedule::parse("*/10 6-23 * * *", &shanghai()).unwrap();
        assert_eq!(schedule.next(at("2026-11-25T15:55:00Z")), Some(at("2026-11-25T22:00:00Z")));
        assert_eq!(schedule.next(at("2026-11-25T22:00:00Z")), Some(at("2026-11-25T22:10:00Z")));
        let schedule = Schedule::parse("0 7 * * * Europe/Berlin", &shanghai()).unwrap();
        // Through the change to summer time.
        assert_eq!(schedule.next(at("2026-03-28T12:00:00Z")), Some(at("2026-03-29T05:00:00Z")));
        assert_eq!(schedule.next(at("2026-03-27T12:00:00Z")), Some(at("2026-03-28T06:00:00Z")));
    }

    #[test]
    fn an_interval_does_not_shift() {
        let schedule = Schedule::parse("every 15m", &shanghai()).unwrap();
        assert_eq!(schedule.next(at("2026-11-25T22:01:07Z")), Some(at("2026-11-25T22:15:00Z")));
        assert_eq!(schedule.count(at("2026-11-25T22:01:07Z"), at("2026-11-25T23:00:00Z")), 4);
        assert_eq!(schedule.gap(at("2026-11-25T22:01:07Z")), Duration::from_secs(900));
    }

    #[test]
    fn what_is_no_schedule_is_told() {
        for (text, words) in [
            ("* * *", "3 fields"),
            ("61 * * * *", "61"),
            ("every 10", "no duration"),
            ("every 1ms", "a second"),
            ("* * * * * Nowhere/Else", "Nowhere"),
            ("", "0 fields"),
        ] {
            let error = Schedule::parse(text, &TimeZone::UTC).unwrap_err();
            assert!(error.to_string().contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn jitter_is_bounded_and_always_the_same() {
        let (time, most) = (at("2026-11-25T22:00:00Z"), Duration::from_secs(30));
        let a = jitter("sznews", time, most);
        assert_eq!(a, jitter("sznews", time, most));
        assert!((0..30_000).contains(&i64::try_from(a.as_millis()).unwrap()));
        assert_ne!(a, jitter("people", time, most));
        assert_eq!(jitter("people", time, Duration::ZERO), SignedDuration::ZERO);
    }
}
