//! A number that varies much from page to page, and since when it is another.
//!
//! Lengths of articles have no shape that one could trust, so ranks are compared (Mann and Whitney), not means: on bins
//! that grow with the number, with the variance corrected for ties.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Bins; the last takes what is larger.
const BINS: usize = 64;
/// Recent pages among which a change may have begun.
const RECENT: usize = 64;
/// Pages that are compared with all before them.
const WINDOWS: [usize; 5] = [14, 20, 28, 40, 64];
/// Least pages before a change.
const BEFORE: f64 = 40.0;
/// Least deviation, in standard deviations.
const DEVIATION: f64 = 6.0;
/// Older pages weigh as much as this many at most.
const MEMORY: f64 = 2000.0;
/// Pages that look normal again before a change counts as over.
const CALM: usize = 20;

/// How often each size was seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Pages older than the recent ones, by bin.
    old: Vec<f64>,
    /// Bins of the recent ones, the latest last.
    recent: VecDeque<u8>,
    /// A change was told: the baseline stays until it is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    frozen: bool,
}

/// A change that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Pages since it began.
    pub pages: usize,
    /// Bin in the middle before.
    pub before: usize,
    /// Bin in the middle since.
    pub after: usize,
}

impl Spread {
    /// Notes a page's bin.
    pub fn push(&mut self, bin: usize) {
        if self.recent.len() == RECENT
            && let Some(oldest) = self.recent.pop_front()
            && !self.frozen
        {
            self.settle(oldest);
        }
        self.recent.push_back(u8::try_from(bin.min(BINS - 1)).unwrap_or(u8::MAX));
    }

    fn settle(&mut self, bin: u8) {
        self.old.resize(BINS, 0.0);
        self.old[usize::from(bin)] += 1.0;
        let n: f64 = self.old.iter().sum();
        if n > MEMORY {
            self.old.iter_mut().for_each(|c| *c *= MEMORY / n);
        }
    }

    /// Pages from which on most are larger or smaller than before by `least` bins.
    pub fn shift(&self, least: usize) -> Option<Shift> {
        if self.frozen {
            return None;
        }
        WINDOWS.into_iter().filter(|w| *w <= self.recent.len()).find_map(|w| {
            let (before, after) = self.split(w);
            let shift = Shift { pages: w, before: median(&before), after: median(&after) };
            (before.iter().sum::<f64>() >= BEFORE
                && shift.before.abs_diff(shift.after) >= least
                && deviation(&before, &after).abs() >= DEVIATION)
                .then_some(shift)
        })
    }

    /// Counts before the latest `w` pages, and of these.
    fn split(&self, w: usize) -> ([f64; BINS], [f64; BINS]) {
        let (mut before, mut after) = ([0.0; BINS], [0.0; BINS]);
        before.iter_mut().zip(&self.old).for_each(|(b, o)| *b = *o);
        let cut = self.recent.len() - w;
        for (at, bin) in self.recent.iter().enumerate() {
            let side = if at < cut { &mut before } else { &mut after };
            side[usize::from(*bin).min(BINS - 1)] += 1.0;
        }
        (before, after)
    }

    /// A change was told: its pages are no part of the baseline.
    pub fn freeze(&mut self, shift: &Shift) {
        while self.recent.len() > shift.pages
            && let Some(oldest) = self.recent.pop_front()
        {
            self.settle(oldest);
        }
        self.frozen = true;
    }

    /// True if a change was told and the latest pages are again as before; the baseline then goes on.
    pub fn is_over(&mut self, least: usize) -> bool {
        if !self.frozen || self.recent.len() < CALM {
            return false;
        }
        let (_, now) = self.split(CALM);
        let mut before = [0.0; BINS];
        before.iter_mut().zip(&self.old).for_each(|(b, o)| *b = *o);
        let over = median(&before).abs_diff(median(&now)) < least && deviation(&before, &now).abs() < 3.0;
        if over {
            self.recent.drain(..self.recent.len() - CALM);
            self.frozen = false;
        }
        over
    }
}

fn median(counts: &[f64; BINS]) -> usize {
    let half = counts.iter().sum::<f64>() / 2.0;
    let mut sum = 0.0;
    counts
        .iter()
        .position(|c| {
            sum += c;
            sum >= half
        })
        .unwrap_or(0)
}

/// By how many standard deviations the ranks of `after` differ from what chance would give.
fn deviation(before: &[f64; BINS], after: &[f64; BINS]) -> f64 {
    let (n, m) = (before.iter().sum::<f64>(), after.iter().sum::<f64>());
    let all = n + m;
    if n < 1.0 || m < 1.0 {
        return 0.0;
    }
    let (mut below, mut u, mut ties) = (0.0, 0.0, 0.0);
    for (b, a) in before.iter().zip(after) {
        u += a * (below + b / 2.0);
        below += b;
        ties += (a + b).powi(3) - (a + b);
    }
    let variance = n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance <= 0.0 { 0.0 } else { (u - n * m / 2.0) / variance.sqrt() }
}

/// Bin of a length: three to each doubling.
pub fn bin_of_length(chars: usize) -> usize {
    ((chars as f64 + 1.0).log2() * 3.0).round() as usize
}

/// About the length that a bin stands for.
pub fn length_of_bin(bin: usize) -> usize {
    (2_f64.powf(bin as f64 / 3.0) - 1.0).round() as usize
}

/// Bin of a share: one to each twentieth.
pub fn bin_of_share(share: f64) -> usize {
    (share.clamp(0.0, 1.0) * 20.0).ceil() as usize
}
