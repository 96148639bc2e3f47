//! Drift: noticing that a site is no longer what its selector file says.
//!
//! A selector that matches nothing says nothing by itself. So each page of a site with a selector file is an
//! [`Observation`] (which template fitted, which step gave which field, what stands in the container); a [`SiteState`]
//! remembers how the pages were and tells, as [`Warning`]s, when they become different. That core is pure: observations
//! in, warnings out. Around it, [`Watch`] keeps the states in a [`Store`] and is shared by all that clean pages.

mod detect;
mod looked;
mod observe;
pub mod propose;
mod rate;
mod spread;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod warning;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

pub use detect::Outcome;
pub use observe::{Observation, Raw, RawPage, concerns};
pub use state::SiteState;
pub use store::{Change, FILE, KeptPage, Store, StoreError};
pub use warning::{Kind, Warning};

use crate::lock::lock;
use crate::sites::Sites;

/// Longest that what was seen is kept in memory only.
const SAVE_EVERY: Duration = Duration::from_secs(3);

/// Watches the pages of a run, and remembers from run to run.
pub struct Watch {
    store: Store,
    memory: Mutex<Memory>,
    /// Sites of which the next pages are worth keeping. Asked for every page, and seldom another: not behind the lock that
    /// is held while a page is looked at.
    wanted: RwLock<BTreeSet<String>>,
}

#[derive(Default)]
struct Memory {
    sites: BTreeMap<String, Slot>,
    /// Sites seen and not reported yet, with the warnings that are new.
    seen: BTreeMap<String, Vec<Warning>>,
    /// Not written yet.
    changed: BTreeSet<String>,
    pages: BTreeMap<String, Vec<KeptPage>>,
    forgotten: BTreeSet<String>,
    saved: Option<Instant>,
}

/// A site's state, read when it is needed.
#[derive(Default)]
struct Slot {
    written: Option<String>,
    state: SiteState,
}

impl Watch {
    /// Opens a state folder's memory of changes.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn open(state: &Path) -> Result<Self, StoreError> {
        let store = Store::open(state).await?;
        let sites =
            store.states().await?.into_iter().map(|(id, state)| (id, Slot { written: Some(state), ..Slot::default() }));
        let sites = sites.collect();
        let memory = Mutex::new(Memory { sites, saved: Some(Instant::now()), ..Memory::default() });
        Ok(Self { store, memory, wanted: RwLock::default() })
    }

    /// True if the next page of a site should come with its bytes.
    pub fn wants_page(&self, site: &str) -> bool {
        self.wanted.read().unwrap_or_else(PoisonError::into_inner).contains(site)
    }

    /// Notes a page; gives what is told for the first time.
    pub fn observe(&self, mut seen: Observation) -> Vec<Warning> {
        let mut memory = self.lock();
        let raw = seen.raw.take();
        let id = seen.site.id.clone();
        let outcome = memory.site(&id).observe(&seen);
        memory.changed.insert(id.clone());
        if outcome.suspicious != self.wants_page(&id) {
            let mut wanted = self.wanted.write().unwrap_or_else(PoisonError::into_inner);
            match outcome.suspicious {
                true => wanted.insert(id.clone()),
                false => wanted.remove(&id),
            };
        }
        // As many as are kept, until they are written.
        let waiting = memory.pages.get(&id).map_or(0, Vec::len) as i64;
        if let Some(raw) = raw.filter(|_| outcome.odd && waiting < store::PAGES).and_then(|raw| raw.pack()) {
            memory.pages.entry(id.clone()).or_default().push(KeptPage { url: seen.url, at: seen.at, raw });
        }
        memory.seen.entry(id).or_default().extend(outcome.new.iter().cloned());
        outcome.new
    }

    /// Writes what was seen if that is due.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`]; it is tried again with the next save.
    pub async fn save_if_due(&self) -> Result<(), StoreError> {
        let due = self.lock().saved.is_none_or(|at| at.elapsed() >= SAVE_EVERY);
        if due { self.save().await } else { Ok(()) }
    }

    /// Writes what was seen.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`].
    pub async fn save(&self) -> Result<(), StoreError> {
        let changes = self.lock().take_changes();
        if changes.is_empty() {
            return Ok(());
        }
        let result = self.store.save(&changes).await;
        if result.is_err() {
            self.lock().changed.extend(changes.into_iter().map(|c| c.site));
        }
        result
    }

    /// Writes what was seen and closes the file.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`].
    pub async fn close(&self) -> Result<(), StoreError> {
        let result = self.save().await;
        self.store.close().await;
        result
    }

    /// Of the sites asked for, those whose pages were seen since they were last reported: what is open, with what was
    /// told first since then marked as new.
    pub fn report(&self, asked: &dyn Fn(&str) -> bool) -> BTreeMap<String, Vec<Warning>> {
        let mut memory = self.lock();
        let seen: Vec<(String, Vec<Warning>)> = memory.seen.extract_if(.., |id, _| asked(id)).collect();
        let mut out = BTreeMap::new();
        for (id, new) in seen {
            let is_new = |w: &Warning| new.iter().any(|n| (n.kind, &n.field, &n.since) == (w.kind, &w.field, &w.since));
            let open: Vec<Warning> =
                memory.site(&id).warnings().map(|w| Warning { new: is_new(w), ..w.clone() }).collect();
            if !open.is_empty() {
                out.insert(id, open);
            }
        }
        out
    }

    /// Selector files on disk that the sites known are of, as far as they are still there.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut memory = self.lock();
        let ids: Vec<String> = memory.sites.keys().cloned().collect();
        ids.iter().filter_map(|id| memory.site(id).file.clone()).filter(|file| file.is_file()).collect()
    }

    /// True if something is known of a site.
    pub fn knows(&self, site: &str) -> bool {
        self.lock().sites.contains_key(site)
    }

    /// What is open about the sites of these files; what is about another version of a file is not.
    pub fn open_warnings(&self, sites: &Sites, only: Option<&str>) -> Vec<Warning> {
        let mut memory = self.lock();
        let ids: Vec<String> = memory.sites.keys().filter(|id| only.is_none_or(|o| o == *id)).cloned().collect();
        let mut out = Vec::new();
        for id in ids {
            let hash = sites.by_id(&id).map(|site| site.hash.clone());
            let state = memory.site(&id);
            if hash.is_none_or(|hash| hash == state.hash) {
                out.extend(state.warnings().cloned());
                if state.told() {
                    memory.changed.insert(id);
                }
            }
        }
        out
    }

    /// What is open about a site, without taking it for told.
    pub fn open_of(&self, site: &str, hash: &str) -> Vec<Warning> {
        let mut memory = self.lock();
        if !memory.sites.contains_key(site) {
            return Vec::new();
        }
        let state = memory.site(site);
        if state.hash == hash { state.warnings().cloned().collect() } else { Vec::new() }
    }

    /// Takes what a site's pages look like now for normal. False if nothing is known of it.
    pub fn forget(&self, site: &str) -> bool {
        let mut memory = self.lock();
        if !memory.sites.contains_key(site) {
            return false;
        }
        memory.site(site).forget();
        memory.pages.remove(site);
        memory.changed.insert(site.to_owned());
        memory.forgotten.insert(site.to_owned());
        true
    }

    /// Pages kept of a site, the latest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Read`].
    pub async fn pages(&self, site: &str) -> Result<Vec<KeptPage>, StoreError> {
        self.store.pages(site).await
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }
}

impl Memory {
    fn site(&mut self, id: &str) -> &mut SiteState {
        let slot = self.sites.entry(id.to_owned()).or_default();
        if let Some(text) = slot.written.take() {
            slot.state = serde_json::from_str(&text).unwrap_or_else(|error| {
                tracing::warn!(site = id, %error, "what was noticed of changes cannot be read and begins anew");
                SiteState::default()
            });
        }
        &mut slot.state
    }

    fn take_changes(&mut self) -> Vec<Change> {
        self.saved = Some(Instant::now());
        let mut out = Vec::new();
        for id in std::mem::take(&mut self.changed) {
            // Maps with strings as keys, numbers and strings always serialise.
            let state = serde_json::to_string(self.site(&id)).ok();
            let pages = self.pages.remove(&id).unwrap_or_default();
            out.push(Change { drop_pages: self.forgotten.remove(&id), site: id, state, pages });
        }
        out
    }
}
