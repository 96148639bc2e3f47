//! How a visit ends: done, rejected, tried again, or back in the rhythm of its list.

use std::time::Duration;

use super::super::ask::RequestFailure;
use super::super::commit::Finished;
use super::super::report::ListFailure;
use super::super::rhythm;
use super::{Validators, Visit};
use crate::frontier::{Ending, Fate, Millis, Task, now};
use crate::record::Reason;
use crate::retry::{Decision, Failure, FailureClass, History, revisit_wait};
use crate::units::millis;

/// Most characters of a rejection's detail in the state; `rejected.jsonl` has all of it.
const DETAIL: usize = 500;
/// A list that has failed so often …
const LIST_TRIES: u32 = 30;
/// … and for so long leaves the queue, until something names it again.
const LIST_AGE: Duration = Duration::from_secs(30 * 86_400);
/// A failed list is tried again within this time at most, whatever its rhythm.
const LIST_RETRY: Duration = Duration::from_secs(900);

impl Visit {
    /// The page failed: it is tried again as the retry policy says, or rejected.
    pub(super) fn fail(&mut self, failure: RequestFailure) {
        if self.is_outside() {
            return self.forget_door();
        }
        let RequestFailure { class, reason, what, earliest } = failure;
        let history = self.task.history.clone().with(Failure { at: now(), class, what });
        let decision = history.decide(self.task.revisits);
        if self.task.kind.recurs() {
            return self.list_failed(&history, decision, earliest);
        }
        match decision {
            Decision::Retry(wait) => {
                self.out.counts.retried += 1;
                *self.out.counts.waiting.entry(reason).or_default() += 1;
                let due = earliest.max(now() + millis(jittered(wait)));
                self.out.visit = Some((self.task.key, Fate::Retry { due, history }));
            }
            Decision::Reject => self.reject(reason, history.describe()),
        }
    }

    /// The visit panicked: the page is tried again, not before a time.
    pub fn panicked(mut self, earliest: Millis) -> Finished {
        let what = "the program failed on this page (see stderr)".to_owned();
        self.fail(RequestFailure { class: FailureClass::Transient, reason: Reason::OverLimit, what, earliest });
        self.out
    }

    /// True where a failure of one of its pages has the whole article tried again.
    pub fn may_retry(&self, failure: &RequestFailure) -> bool {
        let failure = Failure { at: now(), class: failure.class, what: String::new() };
        self.task.history.clone().with(failure).decide(self.task.revisits) != Decision::Reject
    }

    /// Neither done nor failed: asked again at a time.
    pub(super) fn postpone(&mut self, due: Millis) {
        if self.is_outside() {
            return self.forget_door();
        }
        self.out.counts.postponed += 1;
        self.out.visit = Some((self.task.key, Fate::Postpone { due }));
    }

    /// No further try can change it: an article is rejected, a list reported.
    pub(super) fn give_up(&mut self, reason: Reason, detail: impl Into<String>) {
        if self.is_outside() {
            return self.forget_door();
        }
        if self.task.kind.recurs() {
            self.list_useless(&format!("{reason}: {}", detail.into()));
        } else {
            self.reject(reason, detail);
        }
    }

    /// A door outside the sites crawled did not lead back. The page that led to it has counted as failed since, so it is
    /// neither lost nor left unreported.
    pub(super) fn forget_door(&mut self) {
        self.out.visit = Some((self.task.key, Fate::Forget));
    }

    /// The page gives no article. A link to it has it looked at again after long.
    pub(super) fn reject(&mut self, reason: Reason, detail: impl Into<String>) {
        let (detail, at) = (detail.into(), now());
        let was_asked = !matches!(reason, Reason::RobotsDenied | Reason::AddressRefused);
        let revisit = revisit_wait(self.task.revisits, was_asked);
        let ending = Ending {
            at,
            reason: reason.as_str().to_owned(),
            detail: detail.chars().take(DETAIL).collect(),
            revisits: self.task.revisits,
            revisit_at: revisit.map(|wait| at + millis(wait)),
        };
        self.out.endings.push((self.task.key, ending));
        self.out.counts.revisited += u64::from(self.task.revisits > 0);
        self.out.visit = Some((self.task.key, Fate::Done));
        let url = self.task.url.clone();
        self.out.reject(&url, self.task.requested.as_deref(), reason, detail);
    }

    /// A list could not be had. It stays in its rhythm, however often.
    fn list_failed(&mut self, history: &History, decision: Decision, earliest: Millis) {
        let why = history.describe();
        self.report_list(&why);
        self.out.counts.list_errors += 1;
        let at = now();
        let wait = match decision {
            Decision::Retry(wait) => jittered(wait),
            Decision::Reject => LIST_RETRY,
        };
        let is_over = !self.is_starting_point()
            && history.count >= LIST_TRIES
            && history.last_at() - history.first >= millis(LIST_AGE);
        let fate = if is_over {
            Fate::Forget
        } else if wait <= self.context.settings.patience && history.count <= 2 {
            // A hiccup: once more in this run.
            self.out.counts.retried += 1;
            Fate::Retry { due: earliest.max(at + millis(wait)), history: history.clone() }
        } else {
            let Task { content, rhythm, full_at, .. } = &self.task;
            // The sooner the fewer failures, and then in its rhythm.
            let rhythm = rhythm::next(self.refresh(), *rhythm, false);
            let due = earliest.max(at + rhythm.min(millis(wait.max(LIST_RETRY))));
            let history = history.clone();
            Fate::Again { due, etag: None, modified: None, rhythm, content: *content, full_at: *full_at, history }
        };
        self.out.visit = Some((self.task.key, fate));
    }

    /// A list was had, and is of no use as it is: it cannot be read, leads away, or is not permitted. It is asked again in
    /// its rhythm, unconditionally.
    pub(super) fn list_useless(&mut self, why: &str) {
        self.report_list(why);
        self.out.counts.list_errors += 1;
        self.out.visit = Some((self.task.key, self.again((None, None), self.task.content, 0)));
    }

    /// A list answered and named nothing to follow.
    pub(super) fn list_empty(&mut self, why: String) {
        tracing::warn!(url = %self.task.url, why, "a list gave nothing");
        let failure = ListFailure { why, is_seed: self.is_starting_point() };
        self.out.counts.empty_lists.insert(self.list_name(), failure);
    }

    /// A list was read, but not all of it.
    pub(super) fn list_partly_read(&mut self, why: String) {
        tracing::warn!(url = %self.task.url, why, "not all of a list could be used");
        let failure = ListFailure { why, is_seed: self.is_starting_point() };
        self.out.counts.partial_lists.insert(self.list_name(), failure);
    }

    /// A list answered: what was reported of it in this run is over.
    pub(super) fn list_answered(&mut self) {
        self.out.counts.answered_list = Some(self.list_name());
    }

    fn report_list(&mut self, why: &str) {
        tracing::warn!(url = %self.task.url, why, "a list could not be had");
        let failure = ListFailure { why: why.to_owned(), is_seed: self.is_starting_point() };
        self.out.counts.failed_lists.insert(self.list_name(), failure);
    }

    /// A list as it was first asked for.
    fn list_name(&self) -> String {
        self.task.requested.clone().unwrap_or_else(|| self.task.url.to_string())
    }

    /// True for what the run begins with. One that was taken out of the selector file is a list like any other.
    fn is_starting_point(&self) -> bool {
        self.context.starting_points.contains(&self.list_name())
    }

    fn refresh(&self) -> Option<Duration> {
        self.host.site.as_ref().and_then(|site| site.crawl.refresh)
    }

    /// A list is looked at again, the sooner the more often it changes.
    pub(super) fn again(&self, validators: Validators, content: Option<i64>, full_at: Millis) -> Fate {
        let (etag, modified) = validators;
        let rhythm = rhythm::next(self.refresh(), self.task.rhythm, content != self.task.content);
        let wait = if self.task.dated { rhythm.max(rhythm::DATED) } else { rhythm };
        Fate::Again { due: now() + wait, etag, modified, rhythm, content, full_at, history: History::default() }
    }
}

/// Between three quarters and the whole of a wait, so that many pages do not come back at once.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.75 + 0.25 * super::super::host::noise())
}
