//! Site knowledge without a selector file: a line that stands on many pages of one host and address shape is frame.
//!
//! [`Frames`] learns from the [`Outline`] of each page, in the order in which pages come; [`Known`] is what it knows at
//! one moment, which the cleaner of the next pages reads. Only lines are counted, as hashes, and their number is bounded.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use url::Url;

use super::blocks::Line;

/// Pages with different headlines that must have shown a line before it is believed to be frame.
const LEAST_PAGES: u32 = 4;

/// Of the pages since a line was first seen, one in this many must have it.
const SHARE: u32 = 3;

/// Most lines remembered in all; beyond it, those seen once are forgotten.
const MOST_LINES: usize = 200_000;

/// Pages of a group after which a line that only one of them had is forgotten: nearly all lines are such, and in a program
/// that runs for months they would fill the room for all.
const ONCE: u32 = 24;

/// Most lines of one page that are counted.
const MOST_OF_PAGE: usize = 1_500;

/// Pages of a group that are remembered, so that one that comes twice counts once.
const RECENT: usize = 256;

/// What a page shows, as hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    group: u64,
    headline: u64,
    lines: Vec<u64>,
}

impl Outline {
    /// The outline of a page; `None` for pages without an address, which belong to no group.
    pub fn new(url: Option<&Url>, headline: &str, lines: &[Line<'_>]) -> Option<Self> {
        let lines = lines.iter().take(MOST_OF_PAGE).map(|l| hash(&l.text)).collect();
        Some(Self { group: group(url?), headline: hash(headline), lines })
    }
}

/// Lines known to be frame, by group. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Known(Arc<FxHashMap<u64, Arc<FxHashSet<u64>>>>);

impl Known {
    /// Marks the lines of a page that are frame.
    pub fn mark(&self, url: Option<&Url>, lines: &mut [Line<'_>]) {
        let Some(frame) = url.and_then(|u| self.0.get(&group(u))) else { return };
        for line in lines {
            line.repeated = frame.contains(&hash(&line.text));
        }
    }
}

/// What is known of one line.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Pages of the group when it was first seen.
    since: u32,
    pages: u32,
    /// Pages whose headline was another than that of the page before it.
    headlines: u32,
    /// Half of the last headline's hash; there are many of these.
    last: u32,
}

#[derive(Debug, Default)]
struct Group {
    pages: u32,
    lines: FxHashMap<u64, Seen>,
    recent: Vec<u64>,
    frame: Arc<FxHashSet<u64>>,
    changed: bool,
}

/// Learns the frames of sites.
#[derive(Debug, Default)]
pub struct Frames {
    groups: FxHashMap<u64, Group>,
    lines: usize,
    known: Known,
}

impl Frames {
    /// Counts a page's lines.
    pub fn learn(&mut self, page: &Outline) {
        let group = self.groups.entry(page.group).or_default();
        let mut own = FxHasher::default();
        page.hash(&mut own);
        let own = own.finish();
        if group.recent.contains(&own) {
            return;
        }
        if group.recent.len() < RECENT {
            group.recent.push(own);
        } else {
            group.recent[group.pages as usize % RECENT] = own;
        }
        group.pages += 1;
        group.changed |= group.pages <= 16 || group.pages.is_multiple_of(8);
        let mut once = FxHashSet::default();
        let (pages, headline) = (group.pages, (page.headline >> 32) as u32);
        for &line in page.lines.iter().filter(|line| once.insert(**line)) {
            let seen = group.lines.entry(line).or_insert_with(|| {
                self.lines += 1;
                Seen { since: pages, pages: 0, headlines: 0, last: !headline }
            });
            seen.pages += 1;
            if seen.last != headline {
                seen.headlines += 1;
                seen.last = headline;
            }
        }
        if group.pages.is_multiple_of(ONCE) {
            let before = group.lines.len();
            let pages = group.pages;
            group.lines.retain(|_, seen| seen.pages > 1 || pages - seen.since < ONCE);
            group.lines.shrink_to(group.lines.len() * 2);
            self.lines -= before - group.lines.len();
        }
        if self.lines > MOST_LINES {
            self.forget();
        }
    }

    /// Forgets what was seen least, until half of the room is free.
    fn forget(&mut self) {
        let mut least = 1;
        while self.lines > MOST_LINES / 2 {
            for group in self.groups.values_mut() {
                group.lines.retain(|_, seen| seen.pages > least);
            }
            self.groups.retain(|_, group| !group.lines.is_empty());
            self.lines = self.groups.values().map(|g| g.lines.len()).sum();
            least *= 2;
        }
    }

    /// What is known by now.
    pub fn known(&mut self) -> Known {
        let mut all = FxHashMap::default();
        let mut changed = false;
        for (key, group) in &mut self.groups {
            if std::mem::take(&mut group.changed) {
                let is_frame =
                    |seen: &Seen| seen.headlines >= LEAST_PAGES && seen.pages * SHARE > group.pages - seen.since;
                let lines: FxHashSet<u64> =
                    group.lines.iter().filter(|(_, seen)| is_frame(seen)).map(|(line, _)| *line).collect();
                changed |= lines != *group.frame;
                group.frame = Arc::new(lines);
            }
            if !group.frame.is_empty() {
                all.insert(*key, group.frame.clone());
            }
        }
        if changed || all.len() != self.known.0.len() {
            self.known = Known(Arc::new(all));
        }
        self.known.clone()
    }
}

/// Frames that several threads learn, each page as it comes.
#[derive(Debug, Clone, Default)]
pub struct Shared(Arc<Mutex<Frames>>);

impl Shared {
    /// Counts a page's lines.
    pub fn learn(&self, page: &Outline) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).learn(page);
    }

    /// What is known by now.
    pub fn known(&self) -> Known {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).known()
    }
}

/// Frames that are learnt in the order of a batch, whatever the number of threads: the page with number `n` is cleaned
/// with what the pages before `n - LAG` showed.
#[derive(Debug, Default)]
pub struct InOrder {
    frames: Frames,
    learnt: usize,
    /// What was known after how many pages.
    versions: VecDeque<(usize, Known)>,
}

impl InOrder {
    /// So many pages may be under way at a time.
    pub const LAG: usize = 32;

    /// Pages from one version to the next.
    const STEP: usize = 8;

    /// Counts the next page of the batch, if it showed anything.
    pub fn learn(&mut self, page: Option<&Outline>) {
        if let Some(page) = page {
            self.frames.learn(page);
        }
        self.learnt += 1;
        if self.learnt.is_multiple_of(Self::STEP) {
            self.versions.push_back((self.learnt, self.frames.known()));
            if self.versions.len() > Self::LAG / Self::STEP + 2 {
                self.versions.pop_front();
            }
        }
    }

    /// What the page with this number is cleaned with; all but the last [`Self::LAG`] before it must have been learnt.
    pub fn for_page(&self, number: usize) -> Known {
        let after = number.saturating_sub(Self::LAG) / Self::STEP * Self::STEP;
        self.versions.iter().find(|(learnt, _)| *learnt == after).map(|(_, known)| known.clone()).unwrap_or_default()
    }
}

impl Hash for Outline {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.headline.hash(state);
        self.lines.hash(state);
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Host and shape of an address: its path with every run of digits alike and the last part's name left out.
fn group(url: &Url) -> u64 {
    let mut hasher = FxHasher::default();
    url.host_str().unwrap_or_default().hash(&mut hasher);
    let path = url.path();
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut digits = false;
    for c in folders.chars() {
        let was = std::mem::replace(&mut digits, c.is_ascii_digit());
        if !digits {
            c.hash(&mut hasher);
        } else if !was {
            '0'.hash(&mut hasher);
        }
    }
    name.rsplit_once('.').map(|(_, end)| end).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::super::blocks::Blocks;
    use super::*;

    fn url(n: u32) -> Url {
        #[allow(clippy::unwrap_used)]
        Url::parse(&format!("https://a.example/2026-03/{n:02}/content_{n}.htm")).unwrap()
    }

    fn page(n: u32) -> String {
        format!("标题{n}\n第{n}篇的正文说了一件事。\n请关注某某新闻的读者群，入群可得纪念品一份。")
    }

    fn marked(known: &Known, n: u32) -> Vec<bool> {
        let text = page(n);
        let mut blocks = Blocks::of_text(&text);
        known.mark(Some(&url(n)), &mut blocks.lines);
        blocks.lines.iter().map(|l| l.repeated).collect()
    }

    fn learn(frames: &mut Frames, n: u32, text: &str) {
        let blocks = Blocks::of_text(text);
        let outline = Outline::new(Some(&url(n)), &format!("标题{n}"), &blocks.lines);
        outline.iter().for_each(|o| frames.learn(o));
    }

    #[test]
    fn lines_of_one_page_are_forgotten_in_time() {
        let mut frames = Frames::default();
        for n in 0..1_000 {
            learn(&mut frames, n, &page(n));
            // Two lines a page are its own.
            assert!(frames.lines <= 4 * ONCE as usize + 1, "{}", frames.lines);
            assert_eq!(frames.lines, frames.groups.values().map(|group| group.lines.len()).sum::<usize>());
        }
        assert_eq!(marked(&frames.known(), 1_001), [false, false, true]);
    }

    #[test]
    fn what_repeats_is_frame() {
        let mut frames = Frames::default();
        for n in 0..LEAST_PAGES {
            assert_eq!(marked(&frames.known(), n), [false; 3]);
            learn(&mut frames, n, &page(n));
        }
        assert_eq!(marked(&frames.known(), 90), [false, false, true]);
        let other = Url::parse("https://b.example/2026-03/01/content_1.htm").ok();
        let text = page(1);
        let mut blocks = Blocks::of_text(&text);
        frames.known().mark(other.as_ref(), &mut blocks.lines);
        assert!(!blocks.lines[2].repeated);
    }

    #[test]
    fn one_page_many_times_is_no_frame() {
        let mut frames = Frames::default();
        for n in 0..40 {
            // The same article, now and then with another hot list beside it.
            learn(&mut frames, 7, &format!("{}\n热榜{}", page(7), n / 3));
        }
        assert_eq!(marked(&frames.known(), 7), [false; 3]);
    }

    #[test]
    fn a_batch_is_learnt_in_its_order() {
        let (mut ahead, mut behind) = (InOrder::default(), InOrder::default());
        let mut waiting = VecDeque::new();
        for n in 0..100 {
            let text = page(n);
            let blocks = Blocks::of_text(&text);
            let outline = Outline::new(Some(&url(n)), &format!("标题{n}"), &blocks.lines);
            let known = ahead.for_page(n as usize);
            assert_eq!(marked(&known, 999)[2], n as usize >= InOrder::LAG + InOrder::STEP);
            ahead.learn(outline.as_ref());
            // As many pages are under way as may be.
            assert_eq!(marked(&behind.for_page(n as usize), 999), marked(&known, 999));
            waiting.push_back(outline);
            if waiting.len() == InOrder::LAG {
                behind.learn(waiting.pop_front().flatten().as_ref());
            }
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut frames = Frames::default();
        for n in 0..3_000 {
            let text: String = (0..200).map(|i| format!("行{n}之{i}\n")).collect();
            learn(&mut frames, n, &text);
        }
        assert!(frames.lines <= MOST_LINES);
    }
}
