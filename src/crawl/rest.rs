//! When a site is not asked at all: in its quiet hours, and on a day whose share of requests is used up. A time in, an
//! answer out; nobody waits here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::frontier::AT_REST;
use crate::lock::lock;
use crate::units::Hours;

/// When a site rests.
#[derive(Debug, Clone)]
pub struct Rest {
    /// Quiet hours, each day.
    pub hours: Vec<Hours>,
    /// The site's zone.
    pub zone: TimeZone,
    /// Requests of a day, over all of the site's hosts.
    pub budget: Option<Arc<Budget>>,
}

impl Default for Rest {
    fn default() -> Self {
        Self { hours: Vec::new(), zone: TimeZone::UTC, budget: None }
    }
}

impl Rest {
    /// Takes one request of the day's; or says until when there is none, and why.
    pub fn take(&self, at: Timestamp) -> Result<(), (Timestamp, String)> {
        if self.hours.is_empty() && self.budget.is_none() {
            return Ok(());
        }
        let here = at.to_zoned_datetime(self.zone.clone());
        let quiet = self.hours.iter().filter_map(|hours| Some((hours.end(&here)?.timestamp(), hours)));
        if let Some((until, hours)) = quiet.max_by_key(|(until, _)| *until) {
            return Err((until, format!("{AT_REST}quiet hours {hours}")));
        }
        let Some(budget) = &self.budget else { return Ok(()) };
        if budget.take(here.date()) {
            return Ok(());
        }
        let tomorrow = here.date().tomorrow().ok().and_then(|day| day.to_zoned_datetime(self.zone.clone()).ok());
        let until = tomorrow.map_or_else(|| at.saturating_add(24.hours()).unwrap_or(at), |day| day.timestamp());
        Err((until, format!("{AT_REST}the {} requests of a day are used up", budget.most)))
    }
}

/// Requests of one site on one day.
#[derive(Debug)]
pub struct Budget {
    /// Most.
    most: u64,
    /// Day, and requests on it.
    used: Mutex<(Date, u64)>,
    /// … and those by other workers, as far as they are known.
    elsewhere: Mutex<(Date, u64)>,
}

impl Budget {
    /// With what was used before, as [`Budget::used`] gave it.
    pub fn new(most: u64, before: Option<(&str, u64)>) -> Self {
        let used = before.and_then(|(day, used)| Some((day.parse().ok()?, used))).unwrap_or((Date::ZERO, 0));
        Self { most, used: Mutex::new(used), elsewhere: Mutex::new((Date::ZERO, 0)) }
    }

    /// Other workers have made so many requests on a day.
    fn note(&self, day: &str, requests: u64) {
        if let Ok(day) = day.parse() {
            *lock(&self.elsewhere) = (day, requests);
        }
    }

    /// Takes one; false if there is none left.
    fn take(&self, today: Date) -> bool {
        let mut used = lock(&self.used);
        if used.0 != today {
            *used = (today, 0);
        }
        let elsewhere = Some(*lock(&self.elsewhere)).filter(|(day, _)| *day == today).map_or(0, |(_, n)| n);
        let is_left = used.1 + elsewhere < self.most;
        used.1 += u64::from(is_left);
        is_left
    }

    /// Day, and requests on it.
    pub fn used(&self) -> (String, u64) {
        let (day, used) = *lock(&self.used);
        (day.to_string(), used)
    }
}

/// The budgets of all runs, by site.
#[derive(Debug, Default)]
pub struct Budgets {
    /// What was used before this process: day and requests.
    before: HashMap<String, (String, u64)>,
    /// What other workers have used, likewise.
    elsewhere: Mutex<HashMap<String, (String, u64)>>,
    made: Mutex<HashMap<String, Arc<Budget>>>,
}

impl Budgets {
    /// With what the state says was used.
    pub fn new(before: HashMap<String, (String, u64)>) -> Self {
        Self { before, ..Self::default() }
    }

    /// The budget of a site, shared by its hosts.
    pub fn of(&self, site: &str, most: u64) -> Arc<Budget> {
        let before = self.before.get(site).map(|(day, used)| (day.as_str(), *used));
        let mut made = lock(&self.made);
        let budget = made.entry(site.to_owned()).or_insert_with(|| Arc::new(Budget::new(most, before)));
        if budget.most != most {
            // The file was changed; the day goes on.
            let (day, used) = budget.used();
            *budget = Arc::new(Budget::new(most, Some((&day, used))));
        }
        if let Some((day, requests)) = lock(&self.elsewhere).get(site) {
            budget.note(day, *requests);
        }
        budget.clone()
    }

    /// What other workers have used: site, day, requests.
    pub fn note(&self, elsewhere: Vec<(String, String, u64)>) {
        for (site, day, requests) in elsewhere {
            if let Some(budget) = lock(&self.made).get(&site) {
                budget.note(&day, requests);
            }
            lock(&self.elsewhere).insert(site, (day, requests));
        }
    }

    /// What is to be kept of them: site, day, requests.
    pub fn used(&self) -> Vec<(String, String, u64)> {
        let entry = |(site, budget): (&String, &Arc<Budget>)| {
            let (day, used) = budget.used();
            (site.clone(), day, used)
        };
        lock(&self.made).iter().map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn rest(hours: &[&str], budget: Option<Budget>) -> Rest {
        let hours = hours.iter().map(|text| text.parse().unwrap()).collect();
        Rest { hours, zone: TimeZone::fixed(jiff::tz::offset(8)), budget: budget.map(Arc::new) }
    }

    #[test]
    fn quiet_hours_end_when_the_last_of_them_does() {
        let rest = rest(&["00:00-06:00", "05:00-07:00"], None);
        assert!(rest.take(at("2026-11-25T07:00:00+08:00")).is_ok());
        assert_eq!(rest.take(at("2026-11-25T03:00:00+08:00")).unwrap_err().0, at("2026-11-25T06:00:00+08:00"));
        assert_eq!(rest.take(at("2026-11-25T05:30:00+08:00")).unwrap_err().0, at("2026-11-25T07:00:00+08:00"));
    }

    #[test]
    fn a_day_has_so_many_requests_and_the_next_day_as_many_again() {
        let rest = rest(&[], Some(Budget::new(3, Some(("2026-11-25", 1)))));
        let day = at("2026-11-25T23:00:00+08:00");
        assert!(rest.take(day).is_ok() && rest.take(day).is_ok());
        let (until, why) = rest.take(day).unwrap_err();
        assert_eq!(until, at("2026-11-26T00:00:00+08:00"));
        assert!(why.contains("the 3 requests of a day are used up"), "{why}");
        assert_eq!(rest.budget.as_ref().unwrap().used(), ("2026-11-25".into(), 3));
        assert!(rest.take(until).is_ok());
        assert_eq!(rest.budget.as_ref().unwrap().used(), ("2026-11-26".into(), 1));
    }

    #[test]
    fn what_other_workers_ask_counts_on_its_day() {
        let budgets = Budgets::new(HashMap::from([("a".into(), ("2026-11-25".into(), 1))]));
        budgets.note(vec![("a".into(), "2026-11-25".into(), 3)]);
        let rest = Rest { budget: Some(budgets.of("a", 5)), ..rest(&[], None) };
        let day = at("2026-11-25T12:00:00+08:00");
        assert!(rest.take(day).is_ok() && rest.take(day).is_err());
        assert_eq!(budgets.used(), [("a".into(), "2026-11-25".into(), 2)], "only our own is written");
        let tomorrow = at("2026-11-26T12:00:00+08:00");
        assert!((0..5).all(|_| rest.take(tomorrow).is_ok()) && rest.take(tomorrow).is_err());
        budgets.note(vec![("b".into(), "2026-11-26".into(), 5)]);
        assert!(!budgets.of("b", 5).take("2026-11-26".parse().unwrap()));
    }
}
