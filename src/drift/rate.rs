//! How often something is so, and since when it is more seldom or more often so than before.
//!
//! A change point is looked for among the last [`WINDOW`] pages: for each beginning, the pages from there on are compared
//! with all before them by a likelihood ratio of two binomials. Both sides are estimated, so a short baseline raises no
//! alarm by itself; nobody has to say how often a selector should match. Numbers and false alarms: `docs/drift.md`.

use serde::{Deserialize, Serialize};

/// Most recent pages among which a change may have begun.
pub const WINDOW: usize = 128;
/// Older pages weigh as much as this many at most, so that the baseline is carried on slowly.
const MEMORY: f64 = 2000.0;
/// Pages that look normal again before a change counts as over.
const CALM: u32 = 20;

/// Which way a rate may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Something that was found is missed.
    Fall,
    /// Something new is there.
    Rise,
}

/// When a change is one.
#[derive(Debug, Clone, Copy)]
pub struct Bar {
    /// Which way.
    pub way: Way,
    /// Least natural logarithm of the likelihood ratio.
    pub evidence: f64,
    /// Least pages that speak for the change.
    pub odd: usize,
    /// Least pages before the change.
    pub before: f64,
    /// Fall: least rate before. Rise: most rate before.
    pub from: f64,
    /// Fall: most rate after, as a share of that before. Rise: least rate after.
    pub to: f64,
}

/// A change that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Pages since it began, this one included.
    pub pages: usize,
    /// Those among them that speak for it.
    pub odd: usize,
    /// Rate before it.
    pub before: f64,
    /// Rate since.
    pub after: f64,
    /// Natural logarithm of the likelihood ratio.
    pub evidence: f64,
}

impl Change {
    /// True if it is to be told.
    pub fn passes(&self, bar: &Bar) -> bool {
        self.evidence >= bar.evidence && self.odd >= bar.odd
    }

    /// True if something may be going on.
    pub fn is_suspicious(&self, bar: &Bar) -> bool {
        self.evidence >= bar.evidence * 0.3
    }
}

/// How often something was so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Pages older than the recent ones.
    n: f64,
    /// Those among them where it was so.
    k: f64,
    /// Recent pages, the latest in the lowest bit.
    #[serde(with = "hex")]
    bits: u128,
    /// How many recent ones there are.
    len: usize,
    /// A change was told: the baseline stays as it was until it is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    frozen: bool,
}

impl Rate {
    /// Nothing of the kind on so many pages before.
    pub fn never(pages: f64) -> Self {
        Self { n: pages.min(MEMORY), ..Self::default() }
    }

    /// Pages seen, as far as they are remembered.
    pub fn pages(&self) -> f64 {
        self.n + self.len as f64
    }

    /// Pages seen where it was so, as far as they are remembered.
    pub fn hits(&self) -> f64 {
        self.k + f64::from(self.bits.count_ones())
    }

    /// Notes a page.
    pub fn push(&mut self, hit: bool) {
        if self.len == WINDOW {
            if !self.frozen {
                self.n += 1.0;
                self.k += ((self.bits >> (WINDOW - 1)) & 1) as f64;
                if self.n > MEMORY {
                    (self.n, self.k) = (MEMORY, self.k * MEMORY / self.n);
                }
            }
        } else {
            self.len += 1;
        }
        self.bits = self.bits << 1 | u128::from(hit);
    }

    /// True if it was so `ago` pages ago (0: the latest).
    pub fn was(&self, ago: usize) -> bool {
        ago < self.len && (self.bits >> ago) & 1 == 1
    }

    /// True while a change that was told is not over.
    pub fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// What speaks most for a change of this kind, if the latest page does; it is one if it [`Change::passes`] the bar.
    pub fn clearest(&self, bar: &Bar) -> Option<Change> {
        let odd = bar.way == Way::Rise;
        if self.frozen || self.len == 0 || self.was(0) != odd {
            return None;
        }
        // Quick ways out: what is as often so as ever, and what never was.
        let hopeless = match bar.way {
            Way::Rise => self.hits() > bar.from * self.pages() + self.len as f64,
            Way::Fall => self.hits() < bar.from * bar.before,
        };
        if hopeless {
            return None;
        }
        let mut best: Option<Change> = None;
        let (mut recent, mut odd_pages) = (0.0, 0);
        for pages in 1..=self.len {
            let hit = self.was(pages - 1);
            recent += f64::from(u8::from(hit));
            let (n, k) = (self.n + (self.len - pages) as f64, self.hits() - recent);
            if n < bar.before {
                break;
            }
            // A change begins with a page that speaks for it.
            if hit != odd {
                continue;
            }
            odd_pages += 1;
            let w = pages as f64;
            let (before, after) = (k / n, recent / w);
            let fits = match bar.way {
                Way::Fall => before >= bar.from && after <= before * bar.to,
                Way::Rise => before <= bar.from && after >= bar.to,
            };
            if !fits {
                continue;
            }
            let both = (k + recent) / (n + w);
            let evidence = log(k, n, before) + log(recent, w, after) - log(k + recent, n + w, both);
            if best.is_none_or(|b| evidence > b.evidence) {
                best = Some(Change { pages, odd: odd_pages, before, after, evidence });
            }
        }
        best
    }

    /// A change was told: from now on its pages are no part of the baseline.
    pub fn freeze(&mut self, change: &Change) {
        let older = self.len - change.pages.min(self.len);
        let kept = mask(change.pages);
        self.n += older as f64;
        self.k += f64::from((self.bits & !kept).count_ones());
        (self.bits, self.len, self.frozen) = (self.bits & kept, change.pages.min(self.len), true);
    }

    /// True if a change was told and the latest pages are again as they were before it; the baseline then goes on.
    pub fn is_over(&mut self, way: Way) -> bool {
        if !self.frozen || self.len < CALM as usize {
            return false;
        }
        let before = if self.n > 0.0 { self.k / self.n } else { 1.0 };
        let now = f64::from((self.bits & mask(CALM as usize)).count_ones()) / f64::from(CALM);
        let over = match way {
            Way::Fall => now >= before * 0.8,
            Way::Rise => now <= before + 0.1,
        };
        if over {
            // What was odd is forgotten.
            (self.bits, self.len, self.frozen) = (self.bits & mask(CALM as usize), CALM as usize, false);
        }
        over
    }

    /// From the first page on it never was so: told once, and the baseline to come back to is "nearly always".
    pub fn freeze_as_never(&mut self) {
        (self.n, self.k, self.frozen) = (1.0, 1.0, true);
    }
}

fn mask(pages: usize) -> u128 {
    if pages >= WINDOW { u128::MAX } else { (1 << pages) - 1 }
}

/// Log likelihood of `k` of `n` at rate `p`.
fn log(k: f64, n: f64, p: f64) -> f64 {
    let part = |count: f64, p: f64| if count > 0.0 { count * p.ln() } else { 0.0 };
    part(k, p) + part(n - k, 1.0 - p)
}

mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bits: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{bits:x}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map_err(serde::de::Error::custom)
    }
}
