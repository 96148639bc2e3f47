//! Which site is due, runs, is paused, was missed: the daemon's diary. Pure: times in, what to do out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::schedule::{Schedule, jitter};

/// What is remembered of a site from one process to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The latest scheduled time that was seen to, by a run or otherwise; at first, when the site was met.
    pub handled: Option<Timestamp>,
    /// When the run that goes on began; what a process left of it when it died is taken up again.
    pub running: Option<Timestamp>,
    /// When the last run that ended began.
    pub begun: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Somebody paused it.
    pub paused: bool,
    /// Scheduled times that passed while no process was there, beyond the one that was caught up.
    pub missed: u64,
    /// Scheduled times that fell into a run.
    pub overlapped: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing was left to do.
    Done,
    /// Done, but the site as a whole went wrong: hosts blocked, lists not to be had.
    Failed,
    /// The program stopped; the next one goes on.
    Interrupted,
}

impl Outcome {
    /// As metrics have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Failed => "failed",
            Outcome::Interrupted => "interrupted",
        }
    }
}

/// One site.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What outlives the process.
    pub memory: Memory,
    schedule: Arc<Schedule>,
    /// The next scheduled time, without jitter.
    next: Option<Timestamp>,
    /// Asked for by hand.
    asked: bool,
    /// A run goes on in this process.
    live: bool,
    /// It is no longer configured, and goes when its run has ended.
    gone: bool,
}

impl Entry {
    /// When the next run begins, jitter left out; none while it is paused.
    pub fn next(&self) -> Option<Timestamp> {
        if self.memory.paused || self.gone { None } else { self.next }
    }

    /// When the run of a scheduled time begins: jitter never moves it beyond half of the way to the next one.
    fn late(&self, site: &str, at: Timestamp, most: Duration) -> Timestamp {
        let most = most.min(self.schedule.gap(at) / 2);
        at.checked_add(jitter(site, at, most)).unwrap_or(at)
    }

    /// True while a run goes on.
    pub fn runs(&self) -> bool {
        self.live
    }

    /// True if no run ended for longer than the schedule and a tolerance allow.
    pub fn is_overdue(&self, now: Timestamp, tolerance: Duration) -> bool {
        if self.memory.paused || self.live {
            return false;
        }
        let Some(handled) = self.memory.handled else { return false };
        // A time that came after the last one seen to and is still not seen to.
        self.schedule.next(handled).is_some_and(|due| {
            now.duration_since(due).is_positive() && now.duration_since(due).unsigned_abs() > tolerance
        })
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Begin a run.
    Start {
        /// The site.
        site: String,
        /// Begin of the interrupted run that this one goes on with.
        resumed: Option<Timestamp>,
    },
    /// Tell that scheduled times passed without a run.
    Missed {
        /// The site.
        site: String,
        /// How many.
        times: u64,
    },
    /// Tell that a run still went on when the next was due.
    Overlapped {
        /// The site.
        site: String,
    },
}

/// All sites.
#[derive(Debug, Default)]
pub struct Book {
    sites: BTreeMap<String, Entry>,
    jitter: Duration,
}

impl Book {
    /// With a bound for the jitter.
    pub fn new(jitter: Duration) -> Self {
        Self { sites: BTreeMap::new(), jitter }
    }

    /// Takes over the schedules of a configuration: sites that are gone are dropped (a run of theirs goes on to its
    /// end), new ones wait for their first time, or are due at once with `at_once`.
    pub fn take_over(
        &mut self,
        schedules: BTreeMap<String, Schedule>,
        jitter: Duration,
        now: Timestamp,
        known: &dyn Fn(&str) -> Option<Memory>,
        at_once: bool,
    ) {
        self.jitter = jitter;
        let mut before = std::mem::take(&mut self.sites);
        for (id, schedule) in schedules {
            let schedule = Arc::new(schedule);
            let mut entry = before.remove(&id).unwrap_or_else(|| {
                let memory = known(&id).unwrap_or_default();
                Entry { memory, schedule: schedule.clone(), next: None, asked: false, live: false, gone: false }
            });
            entry.schedule = schedule;
            entry.gone = false;
            let met = entry.memory.handled.is_some();
            let handled = *entry.memory.handled.get_or_insert(now);
            entry.next = match !met && at_once {
                true => Some(now),
                false => entry.schedule.next(handled),
            };
            self.sites.insert(id, entry);
        }
        // What still runs is needed until it has ended.
        self.sites.extend(before.into_iter().filter(|(_, entry)| entry.live).map(|(id, mut entry)| {
            entry.next = None;
            entry.gone = true;
            (id, entry)
        }));
    }

    /// What is to be done now. Every scheduled time is seen to exactly once: by a run, or by being told.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Action> {
        let mut actions = Vec::new();
        for (site, entry) in &mut self.sites {
            let resumed = entry.memory.running.filter(|_| !entry.live);
            let starts = |entry: &mut Entry, resumed: Option<Timestamp>| {
                entry.live = true;
                entry.asked = false;
                entry.memory.running = Some(resumed.unwrap_or(now));
                Action::Start { site: site.clone(), resumed }
            };
            if entry.memory.paused && !entry.asked {
                // Times that pass meanwhile are nobody's fault.
                if !entry.live && entry.next.is_some_and(|next| next <= now) {
                    entry.memory.handled = Some(now);
                    entry.next = entry.schedule.next(now);
                }
                continue;
            }
            if entry.asked && !entry.live {
                actions.push(starts(entry, resumed));
                continue;
            }
            let due = entry.next.filter(|next| entry.late(site, *next, self.jitter) <= now);
            match (due, resumed) {
                (None, None) => {}
                (None, Some(_)) => actions.push(starts(entry, resumed)),
                (Some(due), _) => {
                    // Times that lie behind `due` and before now.
                    let more = entry.schedule.count(due, now);
                    if entry.live {
                        entry.memory.overlapped += 1 + more;
                        actions.push(Action::Overlapped { site: site.clone() });
                    } else {
                        if more > 0 {
                            entry.memory.missed += more;
                            actions.push(Action::Missed { site: site.clone(), times: more });
                        }
                        actions.push(starts(entry, resumed));
                    }
                    let handled = if more > 0 { now } else { due };
                    entry.memory.handled = Some(handled);
                    entry.next = entry.schedule.next(handled);
                }
            }
        }
        actions
    }

    /// When `tick` has something to do again.
    pub fn wake_at(&self) -> Option<Timestamp> {
        let times = self.sites.iter().filter_map(|(site, entry)| Some(entry.late(site, entry.next?, self.jitter)));
        times.min()
    }

    /// A run ended.
    pub fn ended(&mut self, site: &str, outcome: Outcome, now: Timestamp) {
        let Some(entry) = self.sites.get_mut(site) else { return };
        entry.live = false;
        if entry.gone {
            self.sites.remove(site);
            return;
        }
        entry.memory.outcome = Some(outcome);
        if outcome != Outcome::Interrupted {
            entry.memory.begun = entry.memory.running.take();
            entry.memory.ended = Some(now);
        }
    }

    /// Has a site run at the next tick. False if it is not known.
    pub fn ask(&mut self, site: &str) -> bool {
        self.sites.get_mut(site).is_some_and(|entry| {
            entry.asked = !entry.live;
            true
        })
    }

    /// Pauses a site or lets it go on. False if it is not known.
    pub fn pause(&mut self, site: &str, paused: bool, now: Timestamp) -> bool {
        self.sites.get_mut(site).is_some_and(|entry| {
            entry.memory.paused = paused;
            if !paused {
                entry.memory.handled = Some(now);
                entry.next = entry.schedule.next(now);
            }
            true
        })
    }

    /// The sites by id.
    pub fn sites(&self) -> &BTreeMap<String, Entry> {
        &self.sites
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 / 3600 * 3600 + minute * 60).unwrap()
    }

    fn book(known: Option<Memory>, now: i64) -> Book {
        let mut book = Book::new(Duration::ZERO);
        let every = Schedule::parse("*/10 * * * *", &TimeZone::UTC).unwrap();
        book.take_over([("a".to_owned(), every)].into(), Duration::ZERO, at(now), &|_| known.clone(), false);
        book
    }

    fn start(resumed: Option<i64>) -> Vec<Action> {
        vec![Action::Start { site: "a".into(), resumed: resumed.map(at) }]
    }

    #[test]
    fn each_scheduled_time_is_seen_to_once() {
        let mut book = book(None, 3);
        assert_eq!(book.wake_at(), Some(at(10)));
        assert!(book.tick(at(9)).is_empty());
        assert_eq!(book.tick(at(10)), start(None));
        assert!(book.tick(at(10)).is_empty());
        book.ended("a", Outcome::Done, at(12));
        assert!(book.tick(at(19)).is_empty());
        assert_eq!(book.tick(at(20)), start(None));
    }

    #[test]
    fn a_run_that_goes_on_is_not_overlapped_and_that_is_counted() {
        let mut book = book(None, 3);
        book.tick(at(10));
        assert_eq!(book.tick(at(20)), [Action::Overlapped { site: "a".into() }]);
        assert!(book.tick(at(21)).is_empty());
        book.ended("a", Outcome::Done, at(25));
        assert!(book.tick(at(26)).is_empty());
        assert_eq!(book.tick(at(30)), start(None));
        assert_eq!(book.sites()["a"].memory.overlapped, 1);
    }

    #[test]
    fn missed_times_are_caught_up_once_and_told() {
        let memory = Memory { handled: Some(at(0)), ..Memory::default() };
        let mut book = book(Some(memory), 35);
        let actions = book.tick(at(35));
        assert_eq!(actions[0], Action::Missed { site: "a".into(), times: 2 });
        assert_eq!(actions[1..], start(None));
        book.ended("a", Outcome::Done, at(36));
        assert!(book.tick(at(39)).is_empty());
        assert_eq!(book.tick(at(40)), start(None));
        assert_eq!(book.sites()["a"].memory.missed, 2);
    }

    #[test]
    fn what_a_dead_process_left_is_taken_up_at_once() {
        let memory = Memory { handled: Some(at(10)), running: Some(at(10)), ..Memory::default() };
        let mut book = book(Some(memory), 13);
        assert_eq!(book.tick(at(13)), start(Some(10)));
        book.ended("a", Outcome::Interrupted, at(14));
        assert_eq!(book.sites()["a"].memory.running, Some(at(10)));
    }

    #[test]
    fn paused_sites_rest_until_they_are_asked() {
        let mut book = book(None, 3);
        book.pause("a", true, at(4));
        assert!(book.tick(at(10)).is_empty() && book.tick(at(30)).is_empty());
        assert_eq!(book.sites()["a"].memory.missed, 0);
        assert!(book.ask("a"));
        assert_eq!(book.tick(at(31)), start(None));
        book.ended("a", Outcome::Done, at(32));
        book.pause("a", false, at(33));
        assert_eq!(book.tick(at(40)), start(None));
    }

    #[test]
    fn a_new_schedule_counts_from_what_was_seen_to() {
        let mut book = book(None, 3);
        book.tick(at(10));
        book.ended("a", Outcome::Done, at(11));
        let hourly = Schedule::parse("0 * * * *", &TimeZone::UTC).unwrap();
        book.take_over([("a".to_owned(), hourly)].into(), Duration::ZERO, at(12), &|_| None, false);
        assert_eq!(book.wake_at(), Some(at(60)));
        book.take_over(BTreeMap::new(), Duration::ZERO, at(13), &|_| None, false);
        assert!(book.sites().is_empty());
    }

    #[test]
    fn jitter_makes_nobody_miss_a_time() {
        let mut book = Book::new(Duration::ZERO);
        let every = Schedule::parse("*/10 * * * *", &TimeZone::UTC).unwrap();
        let sites: BTreeMap<String, Schedule> = (0..50).map(|n| (format!("s{n}"), every.clone())).collect();
        // More than the time between two runs.
        book.take_over(sites, Duration::from_secs(3600), at(3), &|_| None, false);
        for second in 3 * 60..60 * 60 {
            let now = at(0).checked_add(jiff::SignedDuration::from_secs(second)).unwrap();
            for action in book.tick(now) {
                match action {
                    Action::Start { site, .. } => book.ended(&site, Outcome::Done, now),
                    other => panic!("{other:?}"),
                }
            }
        }
        assert!(book.sites().values().all(|entry| entry.memory.missed == 0));
    }

    #[test]
    fn a_site_that_comes_back_is_not_paused() {
        let mut book = book(None, 3);
        book.tick(at(10));
        let every = Schedule::parse("*/10 * * * *", &TimeZone::UTC).unwrap();
        book.take_over(BTreeMap::new(), Duration::ZERO, at(11), &|_| None, false);
        assert_eq!(book.sites()["a"].next(), None, "its run goes on");
        book.take_over([("a".to_owned(), every)].into(), Duration::ZERO, at(12), &|_| None, false);
        book.ended("a", Outcome::Done, at(13));
        assert_eq!(book.tick(at(20)), start(None));
        book.take_over(BTreeMap::new(), Duration::ZERO, at(21), &|_| None, false);
        book.ended("a", Outcome::Done, at(22));
        assert!(book.sites().is_empty());
    }

    #[test]
    fn overdue_is_told_only_after_a_tolerance() {
        let book = book(Some(Memory { handled: Some(at(0)), ..Memory::default() }), 5);
        let entry = &book.sites()["a"];
        assert!(!entry.is_overdue(at(11), Duration::from_secs(120)));
        assert!(entry.is_overdue(at(13), Duration::from_secs(120)));
    }
}
