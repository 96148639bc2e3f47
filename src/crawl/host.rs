//! When a request may go. Everything that is true of one host lives in one value, and nothing else in the program
//! knows how politeness works.
//!
//! A request goes when five things allow it: the host's lease, a concurrency permit, the host's `not_before`
//! (Retry-After, backoff, block), the pace (interval and slow-down, counted from the last request of any run) and the
//! limiter, which never lets two requests closer together than the interval, not even after a pause. robots.txt counts
//! like any other request.

use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::{Address, Addresses};
use super::fetch::{FetchError, Response};
use super::rest::Rest;
use super::robots::Robots;
use crate::frontier::{AT_REST, HostUpdate, Kind, LeasedHost, Millis, NEVER, now};
use crate::lock::lock;
use crate::retry::{FailureClass, History};
use crate::sites::{CrawlRules, StatusAction};
use crate::units::{Span, millis};

/// What the reason begins with where a host waits because nothing can be reached at all.
pub const OWN_NETWORK: &str = "our own network seems to be down";
/// First wait after a failure; doubled with each further one.
const BACKOFF: Duration = Duration::from_secs(1);
/// Longest wait between tries of one page.
const BACKOFF_MAX: Duration = Duration::from_secs(300);
/// First block of a host; doubled with each further one.
const BLOCK: Duration = Duration::from_secs(600);
/// Longest block.
const BLOCK_MAX: Duration = Duration::from_secs(6 * 3600);
/// Longest `Retry-After` that is believed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(7 * 86_400);
/// Weight of failures in a row after which the host is left alone.
const FAILURES: u32 = 20;
/// Weight of a failed connection: it says more about the host than a bad page does.
const NO_CONNECTION: u32 = 4;
/// Refusals (403 and the like) in a row, of pages that were not refused before, after which the host is held: it is we who
/// are unwelcome, not the pages that are gone.
const REFUSALS: u32 = 5;
/// How long a host waits while the own network seems to be down, the first times …
const OUTAGE: Duration = Duration::from_secs(45);
/// … of which there are so many in a run; …
const OUTAGES: u32 = 3;
/// … and after them, so that the run leaves it to a later one.
const LONG_OUTAGE: Duration = Duration::from_secs(75);
/// Most that slow answers and errors stretch the interval.
const SLOWEST: f64 = 8.0;
/// What is stretched where the interval itself is shorter.
const SLOW_UNIT: Duration = Duration::from_millis(100);
/// Shortest interval that timers can keep.
const TICK: Duration = Duration::from_millis(1);
/// Of the interval, what is waited for after an answer has come, where requests go one at a time: however late a request
/// was delivered, the server sees the next one no sooner than this after it.
const AFTER_ANSWER: f64 = 0.92;
/// A pace slower than one request in this time is left to later runs.
const SLOWEST_PACE: Duration = Duration::from_secs(600);

/// How fast a host may be asked.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// Time between the starts of two requests.
    pub interval: Duration,
    /// Requests under way at a time.
    pub concurrency: u32,
    /// When it is not asked at all.
    pub rest: Rest,
}

/// One host's gate.
pub struct Gate {
    permits: Arc<Semaphore>,
    state: Mutex<State>,
    /// Requests under way at a time.
    concurrency: u32,
    /// When nothing is asked at all.
    rest: Rest,
    /// The limit shared with other hosts at its address.
    address: OnceLock<Arc<Address>>,
    /// Nobody is at the other end: nothing waits.
    replay: bool,
    /// Longest time this run waits for the host.
    patience: Duration,
    /// Until when the lease lasts: afterwards the host may be another worker's.
    leased_until: AtomicI64,
}

struct State {
    /// Asked for by configuration or Crawl-delay.
    interval: Duration,
    /// None where the interval is below what a timer can tell apart.
    limiter: Option<Arc<DefaultDirectRateLimiter>>,
    /// No request before: the host asked for it, or fails.
    not_before: Instant,
    /// No request before, by the pace.
    paced: Instant,
    /// When the last request went, of this run or one before.
    asked: Option<Instant>,
    /// How far the interval is stretched, 1 or more: up with errors and slow answers, slowly down again.
    stretch: f64,
    /// Usual time of an answer, for noticing slow ones.
    usual: Option<Duration>,
    /// Weight of failures in a row, over all runs.
    failures: u32,
    /// Refusals in a row over all runs, of articles and of lists: a firewall may let one of them pass.
    refusals: [u32; 2],
    /// Blocks so far, for doubling.
    blocks: u32,
    /// Waits of this run because the own network seemed to be down.
    outages: u32,
    /// Why the host is left alone, if it is.
    blocked: Option<String>,
    /// Why it rests, if it does.
    resting: Option<String>,
}

/// Leave for one request; the next of the same host may go when it is dropped (and the interval is over).
#[derive(Debug)]
pub struct Turn {
    permit: Option<OwnedSemaphorePermit>,
    _place: Option<OwnedSemaphorePermit>,
}

/// What an answer, or its absence, means for the page and its host.
#[derive(Debug, Clone)]
pub struct Advice {
    /// What to do with the page.
    pub page: PageAdvice,
    /// What to remember about the host, if anything changed.
    pub host: Option<HostUpdate>,
}

/// What to do with a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageAdvice {
    /// Use the answer.
    Use,
    /// Give up on the page: the site's file says so, or no further try can change it.
    Reject,
    /// The page failed: the retry policy decides when it is tried again, not before `earliest`.
    Failed {
        /// What the failure says about the page.
        class: FailureClass,
        /// When the host may be asked again.
        earliest: Millis,
    },
    /// The host, or the own network, is at fault: the page is asked again at a time, and this was no try.
    Postpone {
        /// When.
        at: Millis,
    },
}

/// What the gate has to know of the page that a request is for.
#[derive(Debug, Clone, Copy, Default)]
pub struct PageState {
    /// A list, feed or sitemap.
    pub recurs: bool,
    /// It failed before.
    pub has_failed: bool,
    /// It was refused before, or was not there.
    pub was_refused: bool,
}

impl PageState {
    /// Of a page with these failures.
    pub fn of(kind: Kind, history: &History) -> Self {
        Self {
            recurs: kind.recurs(),
            has_failed: history.count > 0,
            was_refused: history.latest.iter().any(|failure| failure.class == FailureClass::Unconfirmed),
        }
    }
}

impl Gate {
    /// The gate of a host just leased.
    pub fn new(pace: Pace, host: &LeasedHost, replay: bool, patience: Duration) -> Self {
        let (here, clock) = (Instant::now(), now());
        let wait = Duration::from_millis(u64::try_from(host.not_before - clock).unwrap_or(0));
        // Not later than now, or a clock that was set back would hold the host for long. What was asked before this machine
        // started is so long ago that only `Crawl-delay` could tell.
        let ago = Duration::from_millis(u64::try_from(clock - host.asked).unwrap_or(0));
        let asked = (host.asked > 0).then(|| here.checked_sub(ago)).flatten();
        Self {
            permits: Arc::new(Semaphore::new(pace.concurrency.max(1) as usize)),
            concurrency: pace.concurrency.max(1),
            state: Mutex::new(State {
                interval: pace.interval,
                limiter: limiter(pace.interval),
                not_before: here + wait,
                paced: asked.filter(|_| pace.interval >= TICK).map_or(here, |asked| asked + pace.interval),
                asked,
                stretch: 1.0,
                usual: None,
                failures: host.failures,
                refusals: [host.refusals, 0],
                blocks: 0,
                outages: 0,
                blocked: None,
                resting: None,
            }),
            rest: pace.rest,
            address: OnceLock::new(),
            replay,
            patience,
            leased_until: AtomicI64::new(NEVER),
        }
    }

    /// The lease lasts until a time. A process that stood still for longer finds it over, and asks nothing more.
    pub fn hold_until(&self, deadline: Millis) {
        self.leased_until.store(deadline, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        now() >= self.leased_until.load(Ordering::Relaxed)
    }

    /// Waits until a request may go; `None` if that is further off than this run has patience for.
    pub async fn turn(&self) -> Option<Turn> {
        if self.replay {
            return Some(Turn { permit: None, _place: None });
        }
        // The semaphore is never closed.
        let permit = self.permits.clone().acquire_owned().await.ok();
        self.wait(permit).await
    }

    /// The next request of the same visit: it waits for the pace, and no other visit goes in between.
    pub async fn next_turn(&self, turn: Turn) -> Option<Turn> {
        if self.replay { Some(turn) } else { self.wait(turn.permit).await }
    }

    async fn wait(&self, permit: Option<OwnedSemaphorePermit>) -> Option<Turn> {
        loop {
            let address = self.address.get();
            let (limiter, at) = {
                let state = self.state();
                if self.too_long(&state) || self.is_over() {
                    return None;
                }
                (state.limiter.clone(), state.not_before.max(state.paced))
            };
            let at = address.map_or(at, |address| at.max(address.next()));
            tokio::time::sleep_until(at.into()).await;
            if let Some(limiter) = limiter {
                limiter.until_ready().await;
            }
            // Last, so that a host that waits for itself holds nobody up.
            let place = match address {
                Some(address) => address.place().await,
                None => None,
            };
            let mut state = self.state();
            let here = Instant::now();
            if self.is_over() {
                return None;
            }
            // Something may have happened while this one waited.
            if state.not_before.max(state.paced) <= here {
                let next = if state.stretch > 1.0 {
                    here + state.interval.max(SLOW_UNIT).mul_f64(state.stretch)
                } else if state.interval >= TICK {
                    here + state.interval
                } else {
                    here
                };
                if address.is_some_and(|address| !address.take(here, next)) {
                    continue;
                }
                if let Err((until, why)) = self.rest.take(Timestamp::now()) {
                    let wait = until.as_millisecond() - now();
                    state.wait(Duration::from_millis(u64::try_from(wait).unwrap_or(0)));
                    state.resting = Some(why);
                    continue;
                }
                state.resting = None;
                state.asked = Some(here);
                state.paced = next;
                return Some(Turn { permit, _place: place });
            }
        }
    }

    /// The server must have seen a request by now: an answer began to come, or did not within its time.
    pub fn heard(&self, at: Instant) {
        let mut state = self.state();
        if self.concurrency == 1 && state.interval >= TICK {
            state.paced = state.paced.max(at + state.interval.mul_f64(AFTER_ANSWER));
            if let Some(address) = self.address.get() {
                address.hold(state.paced);
            }
        }
    }

    /// Shares a limit with the other hosts at its address.
    pub fn share(&self, addresses: &Addresses, ip: IpAddr) {
        let address = addresses.of(ip, self.concurrency);
        // What the host was asked before this run counts for the others as well.
        address.hold(self.state().paced);
        // Set once, before the first turn.
        let _ = self.address.set(address);
    }

    /// When the host was last asked, for the state; 0 where it never was.
    pub fn asked(&self) -> Millis {
        let asked = self.state().asked.filter(|_| !self.replay);
        asked.map_or(0, |asked| now() - millis(asked.elapsed()))
    }

    /// What the state has to know of a host that is left because its turn comes too late for this run.
    pub fn left_for_later(&self) -> Option<HostUpdate> {
        let mut state = self.state();
        if self.replay || !self.too_long(&state) {
            return None;
        }
        let here = Instant::now();
        let wait = state.paced.saturating_duration_since(here);
        let why = match state.resting.take() {
            Some(why) => why,
            None if wait > SLOWEST_PACE => format!("{AT_REST}it may be asked once in {}", Span(state.interval)),
            // Committed when it was noticed.
            None => return None,
        };
        let at = state.wait(wait);
        Some(HostUpdate { not_before: Some(at), blocked: Some(Some(why)), ..HostUpdate::default() })
    }

    fn too_long(&self, state: &State) -> bool {
        let here = Instant::now();
        state.not_before > here + self.patience || state.paced > here + SLOWEST_PACE.max(self.patience)
    }

    /// robots.txt is known: its Crawl-delay is a floor.
    pub fn obey(&self, robots: &Robots) {
        let Some(delay) = robots.crawl_delay.filter(|d| *d > 0.0).map(|d| Duration::from_secs_f64(d.min(86_400.0)))
        else {
            return;
        };
        let mut state = self.state();
        if delay > state.interval {
            state.interval = delay;
            state.limiter = limiter(delay);
            // Counted from the last request, which mostly was the one for robots.txt.
            if let Some(asked) = state.asked {
                state.paced = state.paced.max(asked + delay);
            }
        }
    }

    /// Why the host is left alone, if it is.
    pub fn blocked(&self) -> Option<String> {
        self.state().blocked.clone()
    }

    /// True while the host's next turn is so far off that it is left to a later run, or the lease is over.
    pub fn is_shut(&self) -> bool {
        !self.replay && (self.too_long(&self.state()) || self.is_over())
    }

    /// An answer came.
    pub fn answered(&self, response: &Response, page: PageState, rules: Option<&CrawlRules>) -> Advice {
        let status = response.status;
        let action =
            rules.and_then(|r| r.on_status.get(&status).copied()).map_or_else(|| reaction(status), Reaction::of);
        let mut state = self.state();
        match action {
            Reaction::Use => {
                let changed = state.failures > 0 || state.refusals != [0; 2];
                state.failures = 0;
                state.welcome(page.recurs);
                state.notice(response.took);
                let host = changed.then(|| HostUpdate {
                    failures: Some(0),
                    refusals: Some(state.most_refusals()),
                    blocked: Some(None),
                    ..HostUpdate::default()
                });
                Advice { page: PageAdvice::Use, host }
            }
            Reaction::Reject => Advice { page: PageAdvice::Reject, host: None },
            // The host is well.
            Reaction::Fail(class @ FailureClass::Unconfirmed) => {
                Advice { page: PageAdvice::Failed { class, earliest: now() }, host: None }
            }
            Reaction::Fail(class @ FailureClass::Transient) => {
                state.slow_down();
                let host = state.fail(&format!("status {status}"), u32::from(!page.has_failed));
                let earliest = host.not_before.unwrap_or_else(now);
                Advice { page: PageAdvice::Failed { class, earliest }, host: Some(host) }
            }
            Reaction::BackOff => {
                state.slow_down();
                let mut host = state.fail(&format!("status {status}"), u32::from(!page.has_failed));
                let wait = match response.retry_after {
                    Some(wait) => wait.min(RETRY_AFTER_MAX),
                    None => jittered(BACKOFF * 2, u32::from(page.has_failed)),
                };
                let earliest = state.wait(wait);
                host.not_before = Some(earliest);
                let class = FailureClass::Transient;
                Advice { page: PageAdvice::Failed { class, earliest }, host: Some(host) }
            }
            Reaction::Refused { most } => state.refused(&format!("status {status}"), page, most),
        }
    }

    /// No answer came. `is_outage`: many hosts fail at this moment, so it is the own network that is down.
    pub fn failed(&self, error: &FetchError, page: PageState, is_outage: bool) -> Advice {
        if !error.is_transient() {
            return Advice { page: PageAdvice::Reject, host: None };
        }
        let mut state = self.state();
        if is_outage {
            return state.suspend(&error.to_string());
        }
        // A page that fails again says nothing new about its host.
        let weight = match error.is_before_request() {
            true => NO_CONNECTION,
            false => u32::from(!page.has_failed),
        };
        if matches!(error, FetchError::Timeout(_)) {
            state.slow_down();
        }
        let was_down = state.failures >= FAILURES;
        let host = state.fail(&error.to_string(), weight);
        let earliest = host.not_before.unwrap_or_else(now);
        let advice = match was_down && error.is_before_request() {
            true => PageAdvice::Postpone { at: earliest },
            false => PageAdvice::Failed { class: FailureClass::Transient, earliest },
        };
        Advice { page: advice, host: Some(host) }
    }

    /// A firewall's page came in place of the page.
    pub fn challenged(&self, page: PageState) -> Advice {
        self.state().refused("a challenge page", page, 1)
    }

    /// robots.txt could not be had, for the `n`-th time: stay away, and ask for it again later.
    pub fn robots_unavailable(&self, n: u32, retry_after: Option<Duration>, why: &str) -> HostUpdate {
        let mut state = self.state();
        let wait = retry_after.map_or_else(|| jittered(BACKOFF, n), |wait| wait.min(RETRY_AFTER_MAX));
        let at = state.wait(wait);
        state.failures += 1;
        HostUpdate {
            not_before: Some(at),
            failures: Some(state.failures),
            blocked: Some(Some(format!("robots.txt: {why}"))),
            ..HostUpdate::default()
        }
    }

    /// robots.txt could not be asked for, because the own network is down.
    pub fn suspend(&self, why: &str) -> HostUpdate {
        self.state().suspend(why).host.unwrap_or_default()
    }

    /// Leaves the host alone for a while.
    pub fn block(&self, why: &str) -> HostUpdate {
        self.state().block(why)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    /// Learns from the time an answer took: slower than usual means the host is under load.
    fn notice(&mut self, took: Duration) {
        let usual = match self.usual {
            None => took,
            Some(usual) => usual.mul_f64(0.9) + took.mul_f64(0.1),
        };
        let slow = self.usual.is_some_and(|before| took > before * 4 && took > Duration::from_secs(1));
        self.usual = Some(usual);
        if slow {
            self.stretch = (self.stretch * 1.3).min(SLOWEST);
        } else if self.stretch > 1.0 {
            self.stretch = (self.stretch * 0.8).max(1.0);
        }
    }

    /// The host shows that it has too much to do.
    fn slow_down(&mut self) {
        self.stretch = (self.stretch * 2.0).min(SLOWEST);
    }

    fn fail(&mut self, why: &str, weight: u32) -> HostUpdate {
        self.failures = self.failures.saturating_add(weight);
        if self.failures >= FAILURES {
            return self.block(&format!("it kept failing, the last time: {why}"));
        }
        HostUpdate { failures: Some(self.failures), ..HostUpdate::default() }
    }

    /// An article or a list was answered: its kind is welcome here. A host that is held for refusing articles stays so until
    /// it gives one.
    fn welcome(&mut self, recurs: bool) {
        self.refusals[usize::from(recurs)] = 0;
    }

    fn most_refusals(&self) -> u32 {
        self.refusals[0].max(self.refusals[1])
    }

    /// The host refused a page. After `most` in a row it is held, and until it gives a page again no further refusal is
    /// held against the page.
    fn refused(&mut self, what: &str, page: PageState, most: u32) -> Advice {
        let class = FailureClass::Unconfirmed;
        let was_held = self.most_refusals() >= REFUSALS;
        if !was_held && page.was_refused {
            // It is this page that is not for us.
            return Advice { page: PageAdvice::Failed { class, earliest: now() }, host: None };
        }
        self.slow_down();
        let row = &mut self.refusals[usize::from(page.recurs)];
        *row += 1;
        if most == 1 {
            *row = (*row).max(REFUSALS);
        }
        let refusals = Some(self.most_refusals());
        if self.most_refusals() < REFUSALS {
            let host = HostUpdate { refusals, ..HostUpdate::default() };
            return Advice { page: PageAdvice::Failed { class, earliest: now() }, host: Some(host) };
        }
        self.blocks = self.most_refusals() - REFUSALS;
        let why = match most {
            1 => what.to_owned(),
            _ => format!("it refuses us ({what}, {} in a row)", self.most_refusals()),
        };
        let host = HostUpdate { refusals, ..self.block(&why) };
        let at = host.not_before.unwrap_or_else(now);
        let advice = match was_held {
            true => PageAdvice::Postpone { at },
            false => PageAdvice::Failed { class, earliest: at },
        };
        Advice { page: advice, host: Some(host) }
    }

    /// The own network seems to be down: nothing is held against the host or the page.
    fn suspend(&mut self, why: &str) -> Advice {
        self.outages += 1;
        let wait = if self.outages > OUTAGES { LONG_OUTAGE } else { OUTAGE };
        let why = format!("{OWN_NETWORK} ({why})");
        self.blocked = Some(why.clone());
        let at = self.wait(wait);
        let host = HostUpdate { not_before: Some(at), blocked: Some(Some(why)), ..HostUpdate::default() };
        Advice { page: PageAdvice::Postpone { at }, host: Some(host) }
    }

    fn block(&mut self, why: &str) -> HostUpdate {
        let wait = BLOCK.saturating_mul(1 << self.blocks.min(10)).min(BLOCK_MAX);
        self.blocks += 1;
        self.blocked = Some(why.to_owned());
        let at = self.wait(wait);
        HostUpdate {
            not_before: Some(at),
            failures: Some(self.failures),
            blocked: Some(Some(why.to_owned())),
            ..HostUpdate::default()
        }
    }

    /// No request before this time is over; gives the time for the state.
    fn wait(&mut self, wait: Duration) -> Millis {
        self.not_before = self.not_before.max(Instant::now() + wait);
        let left = self.not_before.saturating_duration_since(Instant::now());
        // Upwards, so that the state never allows a request earlier than this process does.
        now() + millis(left) + 1
    }
}

/// What an answer's status asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reaction {
    Use,
    Reject,
    Fail(FailureClass),
    BackOff,
    /// The host is held after so many in a row.
    Refused {
        most: u32,
    },
}

impl Reaction {
    /// What the site's file says.
    fn of(action: StatusAction) -> Self {
        match action {
            StatusAction::Reject => Self::Reject,
            StatusAction::Retry => Self::Fail(FailureClass::Transient),
            StatusAction::Backoff => Self::BackOff,
            StatusAction::Block => Self::Refused { most: 1 },
        }
    }
}

/// Reaction to a status where the site's file says nothing. The table is in `docs/politeness.md`.
fn reaction(status: u16) -> Reaction {
    match status {
        429 | 503 => Reaction::BackOff,
        401 | 403 | 451 => Reaction::Refused { most: REFUSALS },
        // Firewalls answer with these: no page has them of its own.
        405 | 412 | 444 | 468 | 493 | 521 => Reaction::Refused { most: 1 },
        _ => FailureClass::of_status(status).map_or(Reaction::Use, Reaction::Fail),
    }
}

/// Exponential, between half and the whole, so that many pages do not come back at once.
fn jittered(first: Duration, tries: u32) -> Duration {
    let whole = first.saturating_mul(1 << tries.min(16)).min(BACKOFF_MAX);
    whole.mul_f64(0.5 + 0.5 * noise())
}

/// A number from 0 to 1 that differs from call to call; nothing hangs on its quality.
pub fn noise() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    (RandomState::new().hash_one(0u8) >> 11) as f64 / (1u64 << 53) as f64
}

fn limiter(interval: Duration) -> Option<Arc<DefaultDirectRateLimiter>> {
    // Timers tell milliseconds apart; a limit beyond a thousand a second is none.
    if interval < TICK {
        return None;
    }
    // One cell: `with_period` has a burst of one, so that a pause earns nothing.
    Quota::with_period(interval).map(|quota| Arc::new(RateLimiter::direct(quota)))
}

#[cfg(test)]
mod tests;
