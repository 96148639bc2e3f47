//! The loop that delivers. Each hook is served by itself, one message at a time: one that hangs holds up no other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::sqlite::SqlitePool;
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::Event;
use super::deliver::{Trouble, client, deliver};
use super::hook::{Hook, check};
use super::queue::{Added, Due, NotifyError, Queue, Recent, wanting};
use crate::lock::lock;
use crate::units::{millis, now};

/// How often what is too old is given up and deleted.
const TIDY: Duration = Duration::from_secs(600);
/// How long the loop waits after the file failed.
const STORE_AGAIN: Duration = Duration::from_secs(5);
/// How long deliveries under way may take once the program is closing. What is cut off is made again after the start.
const CLOSING: Duration = Duration::from_secs(3);

/// How tries follow each other.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Wait after the first failure; it doubles with each.
    pub first: Duration,
    /// The longest wait.
    pub most: Duration,
    /// After this time a delivery is given up.
    pub give_up: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { first: Duration::from_secs(5), most: Duration::from_secs(3_600), give_up: Duration::from_secs(86_400) }
    }
}

impl Pace {
    /// The wait after the n-th failure: doubled each time, and up to a quarter shorter, so that hooks that failed
    /// together do not come back together.
    fn wait(&self, failures: u32) -> Duration {
        use std::hash::{BuildHasher, RandomState};
        let whole = self.first.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(self.most);
        let part = (RandomState::new().hash_one(0u8) >> 11) as f64 / (1u64 << 53) as f64;
        whole.mul_f64(1.0 - part / 4.0)
    }
}

/// What became of an event that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It goes to so many hooks.
    Queued(usize),
    /// The same was told within the last hour; it is counted in the next one.
    Held,
    /// No hook asks for this kind, and it is not worth keeping.
    Unwanted,
}

/// What became of a hook's deliveries since the program started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HookCounts {
    /// Arrived.
    pub sent: u64,
    /// Tries that failed.
    pub failed: u64,
    /// Given up.
    pub given_up: u64,
}

/// Tells hooks of events.
#[derive(Debug)]
pub struct Notifier {
    queue: Queue,
    client: reqwest::Client,
    pace: Pace,
    hooks: Mutex<Arc<Vec<Hook>>>,
    /// Hooks that were changed since the loop last looked: what waits for them is tried at once.
    changed: Mutex<BTreeSet<String>>,
    counts: Mutex<BTreeMap<String, HookCounts>>,
    /// Something is there to be delivered, or the hooks are others.
    wake: Notify,
}

impl Notifier {
    /// Opens the queue in a database, making its tables if they are absent.
    pub async fn open(pool: SqlitePool, hooks: Vec<Hook>) -> Result<Self, NotifyError> {
        Self::open_with(pool, hooks, Pace::default()).await
    }

    /// The same with other waits.
    pub async fn open_with(pool: SqlitePool, hooks: Vec<Hook>, pace: Pace) -> Result<Self, NotifyError> {
        check(&hooks)?;
        Ok(Self {
            queue: Queue::open(pool).await?,
            client: client().map_err(NotifyError::Http)?,
            pace,
            hooks: Mutex::new(Arc::new(hooks)),
            changed: Mutex::default(),
            counts: Mutex::default(),
            wake: Notify::new(),
        })
    }

    /// Replaces the hooks, all or none. What waits for one that stays is delivered by what it says now, and at once
    /// where it was changed; what waits for one that is gone is given up.
    pub fn set_hooks(&self, hooks: Vec<Hook>) -> Result<(), NotifyError> {
        check(&hooks)?;
        let before = std::mem::replace(&mut *lock(&self.hooks), Arc::new(hooks.clone()));
        let changed = hooks.into_iter().filter(|hook| !before.contains(hook)).map(|hook| hook.name);
        lock(&self.changed).extend(changed);
        self.wake.notify_one();
        Ok(())
    }

    /// The hooks in force.
    pub fn hooks(&self) -> Arc<Vec<Hook>> {
        lock(&self.hooks).clone()
    }

    /// Keeps an event and queues it for the hooks that want it. When this returns, it is on disk.
    pub async fn send(&self, event: Event) -> Result<Told, NotifyError> {
        let hooks = self.hooks();
        let added = self.queue.add(&event, &wanting(&hooks, &event), now()).await?;
        Ok(match added {
            Added::Queued(n) => {
                if n > 0 {
                    self.wake.notify_one();
                }
                Told::Queued(n)
            }
            Added::Held => Told::Held,
            Added::Unwanted => Told::Unwanted,
        })
    }

    /// The last `n` events with what became of their deliveries, newest first.
    pub async fn recent(&self, n: u32) -> Result<Vec<Recent>, NotifyError> {
        self.queue.recent(n).await
    }

    /// Deliveries that wait.
    pub async fn pending(&self) -> Result<u64, NotifyError> {
        self.queue.pending().await
    }

    /// What became of deliveries since the start, by hook; every hook in force is there.
    pub fn counts(&self) -> BTreeMap<String, HookCounts> {
        let mut counts = lock(&self.counts).clone();
        for hook in self.hooks().iter() {
            counts.entry(hook.name.clone()).or_default();
        }
        counts
    }

    /// Delivers until the program closes.
    pub async fn run(self: Arc<Self>, closing: CancellationToken) {
        let mut desk = Desk {
            notifier: self.clone(),
            hooks: HashMap::new(),
            under_way: JoinSet::new(),
            whose: HashMap::new(),
            tidy_at: 0,
        };
        loop {
            let wait = match desk.turn().await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(%error, "notifications are held up");
                    STORE_AGAIN
                }
            };
            tokio::select! {
                () = closing.cancelled() => break,
                () = self.wake.notified() => {}
                Some(ended) = desk.under_way.join_next_with_id() => desk.ended(ended),
                () = tokio::time::sleep(wait) => {}
            }
        }
        let last = async {
            while let Some(ended) = desk.under_way.join_next_with_id().await {
                desk.ended(ended);
            }
        };
        let _ = tokio::time::timeout(CLOSING, last).await;
    }

    fn count(&self, hook: &str, add: impl FnOnce(&mut HookCounts)) {
        add(lock(&self.counts).entry(hook.to_owned()).or_default());
    }

    /// Makes a delivery and records what came of it.
    async fn make(&self, hook: &Hook, due: &Due, failures: u32) -> Delivered {
        let result = deliver(&self.client, hook, due).await;
        let (sent, away) = match &result {
            Ok(_) => (true, None),
            Err(trouble) => {
                let asked = trouble.wait.unwrap_or_default().min(self.pace.most);
                (false, trouble.away.then(|| self.pace.wait(failures + 1).max(asked)))
            }
        };
        self.count(&hook.name, |counts| match sent {
            true => counts.sent += 1,
            false => counts.failed += 1,
        });
        // What cannot be recorded must not be sent again for that: with a full disk that would be a flood.
        while let Err(error) = self.record(&hook.name, due, &result).await {
            tracing::error!(%error, hook = hook.name, "what came of a notification is not recorded yet");
            tokio::time::sleep(STORE_AGAIN).await;
        }
        Delivered { away, sent }
    }

    async fn record(&self, hook: &str, due: &Due, result: &Result<String, Trouble>) -> Result<(), NotifyError> {
        let trouble = match result {
            Ok(text) => return self.queue.done(due.id, true, text, now()).await,
            Err(trouble) => trouble,
        };
        let (text, kind, tries) = (&trouble.text, due.event.kind, due.tries + 1);
        let wait = self.pace.wait(tries).max(trouble.wait.unwrap_or_default().min(self.pace.most));
        let next = now().saturating_add(millis(wait));
        if next > due.queued_at.saturating_add(millis(self.pace.give_up)) {
            self.queue.done(due.id, false, &format!("given up: {text}"), now()).await?;
            self.count(hook, |counts| counts.given_up += 1);
            tracing::error!(hook, %kind, tries, title = due.event.title, "notification given up: {text}");
        } else {
            self.queue.later(due.id, next, text).await?;
            let seconds = wait.as_secs();
            tracing::warn!(hook, %kind, tries, again_in_seconds = seconds, "notification failed: {text}");
        }
        Ok(())
    }
}

/// What the loop knows of a hook.
#[derive(Debug, Default)]
struct Line {
    busy: bool,
    /// Not before this time: its service's pace, or it is out of order.
    not_before: i64,
    /// Failures of the whole hook in a row.
    failures: u32,
}

struct Delivered {
    /// How long the hook is left alone, where it is out of order.
    away: Option<Duration>,
    sent: bool,
}

/// A delivery that ended, with its task's id in both cases.
type Ended = Result<(Id, Delivered), JoinError>;

struct Desk {
    notifier: Arc<Notifier>,
    hooks: HashMap<String, Line>,
    under_way: JoinSet<Delivered>,
    /// Whose deliveries those are.
    whose: HashMap<Id, String>,
    tidy_at: i64,
}

impl Desk {
    /// Starts what is due; says how long nothing else will be.
    async fn turn(&mut self) -> Result<Duration, NotifyError> {
        let notifier = self.notifier.clone();
        let hooks = notifier.hooks();
        let changed = std::mem::take(&mut *lock(&notifier.changed));
        for name in &changed {
            notifier.queue.hurry(name, now()).await?;
            if let Some(line) = self.hooks.get_mut(name) {
                (line.not_before, line.failures) = (0, 0);
            }
        }
        self.hooks.retain(|name, line| line.busy || hooks.iter().any(|hook| hook.name == *name));
        let at = now();
        if at >= self.tidy_at || !changed.is_empty() || self.tidy_at > at + 2 * millis(TIDY) {
            self.tidy(&hooks).await?;
        }
        let mut wait = TIDY;
        for (n, hook) in hooks.iter().enumerate() {
            let line = self.hooks.entry(hook.name.clone()).or_default();
            if line.busy {
                continue;
            }
            // A clock that was set back must not hold a hook for longer than its own waits.
            line.not_before = line.not_before.min(at + millis(notifier.pace.most).max(millis(hook.format.gap())));
            if line.not_before > at {
                wait = wait.min(between(at, line.not_before));
                continue;
            }
            match notifier.queue.next(&hook.name, at).await? {
                Some(due) => {
                    line.busy = true;
                    let (notifier, hooks, failures) = (notifier.clone(), hooks.clone(), line.failures);
                    let task = self.under_way.spawn(async move { notifier.make(&hooks[n], &due, failures).await });
                    self.whose.insert(task.id(), hook.name.clone());
                }
                None => {
                    if let Some(next) = notifier.queue.when(&hook.name).await? {
                        wait = wait.min(between(at, next));
                    }
                }
            }
        }
        Ok(wait)
    }

    async fn tidy(&mut self, hooks: &[Hook]) -> Result<(), NotifyError> {
        let names: Vec<&str> = hooks.iter().map(|hook| hook.name.as_str()).collect();
        for hook in self.notifier.queue.give_up(&names, now(), self.notifier.pace.give_up).await? {
            self.notifier.count(&hook, |counts| counts.given_up += 1);
        }
        self.notifier.queue.prune().await?;
        self.tidy_at = now() + millis(TIDY);
        Ok(())
    }

    fn ended(&mut self, ended: Ended) {
        let (id, away, sent) = match ended {
            Ok((id, delivered)) => (id, delivered.away, delivered.sent),
            Err(error) => {
                tracing::error!(%error, "a notification was broken off");
                (error.id(), Some(self.notifier.pace.first), false)
            }
        };
        let Some(hook) = self.whose.remove(&id) else { return };
        let Some(line) = self.hooks.get_mut(&hook) else { return };
        line.busy = false;
        line.failures = match away {
            Some(_) => line.failures + 1,
            None if sent => 0,
            None => line.failures,
        };
        let gap = self.notifier.hooks().iter().find(|other| other.name == hook).map(|hook| hook.format.gap());
        line.not_before = now() + millis(gap.unwrap_or_default().max(away.unwrap_or_default()));
    }
}

/// From one time to another; at least a little, so that a loop is not a busy loop.
fn between(from: i64, to: i64) -> Duration {
    Duration::from_millis(u64::try_from(to.saturating_sub(from)).unwrap_or(0).max(10)).min(TIDY)
}
