//! Texts that are nearly the same: reprints with a sentence more, less or changed.
//!
//! A text is the set of its sentences. Of their hashes the smallest are kept (a bottom-k sketch), which is enough to tell
//! what share of their sentences two texts have in common. Sentences, and not runs of characters as SimHash has them,
//! because the news has a great many texts that differ in their numbers only (weather, markets, lottery) and are not
//! duplicates. Only the latest texts are remembered, so that memory and disk are bounded.

use std::borrow::Cow;
use std::collections::HashMap;

use memchr::{memchr2, memchr3_iter};
use rustc_hash::FxBuildHasher;

use crate::frontier::SketchRow;
use crate::text::{has_blank, squashed};

/// Texts remembered: as many as fill a table of 65,536 places for [`INDEXED`] hashes each.
const RING: usize = 14_000;
/// Hashes kept of a text.
const KEPT: usize = 16;
/// … by which it is found: texts that are alike have most of their smallest hashes in common.
const INDEXED: usize = 4;
/// … that are looked up.
const LOOKED_UP: usize = 8;
/// Sentences shorter than this, in characters, say nothing.
const SHORTEST: usize = 8;
/// Texts with fewer sentences have no sketch: one changed sentence is too much of them.
const FEWEST: usize = 5;
/// Two texts are nearly the same if so many of a hundred sentences of both are common to both.
const ALIKE: usize = 80;

/// The smallest hashes of a text's sentences, ascending. Of fixed size, for there are many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sketch {
    hashes: [u32; KEPT],
    /// How many of them there are.
    kept: u8,
}

impl Sketch {
    /// Not zeros, which would take no memory before they are written over.
    const EMPTY: Self = Self { hashes: [u32::MAX; KEPT], kept: 0 };

    /// Of a text; none where it has too few sentences.
    pub fn of(text: &str) -> Option<Self> {
        let mut sketch = Self::EMPTY;
        sentences(text).filter_map(hash).for_each(|hash| sketch.insert(hash));
        (sketch.all().len() >= FEWEST).then_some(sketch)
    }

    fn all(&self) -> &[u32] {
        &self.hashes[..usize::from(self.kept)]
    }

    /// Puts a hash in its place, if it is among the smallest and not there.
    fn insert(&mut self, hash: u32) {
        let Err(at) = self.all().binary_search(&hash) else { return };
        if at < KEPT {
            self.kept = (self.kept + 1).min(KEPT as u8);
            let end = usize::from(self.kept);
            self.hashes.copy_within(at..end - 1, at + 1);
            self.hashes[at] = hash;
        }
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let mut sketch = Self::EMPTY;
        bytes.as_chunks::<4>().0.iter().for_each(|four| sketch.insert(u32::from_be_bytes(*four)));
        sketch
    }

    fn to_bytes(self) -> Vec<u8> {
        self.all().iter().flat_map(|hash| hash.to_be_bytes()).collect()
    }

    /// True where the texts are nearly the same.
    fn is_like(&self, other: &Self) -> bool {
        let (mut mine, mut theirs) = (self.all().iter().peekable(), other.all().iter().peekable());
        // The smallest hashes of both together are a fair sample of all their sentences.
        let (mut all, mut common) = (0, 0);
        while all < KEPT {
            match (mine.peek(), theirs.peek()) {
                (None, None) => break,
                (Some(a), Some(b)) if a == b => {
                    common += 1;
                    mine.next();
                    theirs.next();
                }
                (Some(a), Some(b)) if a < b => drop(mine.next()),
                (Some(_), None) => drop(mine.next()),
                _ => drop(theirs.next()),
            }
            all += 1;
        }
        common * 100 >= all * ALIKE
    }
}

/// The sentences of a text. Their ends are looked for by the bytes that they begin with, many at a time.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let mut ends = memchr3_iter(b'\n', 0xe3, 0xef, bytes).filter_map(move |at| {
        let length = match bytes[at..] {
            [b'\n', ..] => 1,
            // 。 and ！, ？, ；
            [0xe3, 0x80, 0x82, ..] | [0xef, 0xbc, 0x81 | 0x9f | 0x9b, ..] => 3,
            _ => return None,
        };
        Some((at, at + length))
    });
    let mut from = Some(0);
    let lines = std::iter::from_fn(move || {
        let start = from?;
        let (end, next) = ends.next().map_or((text.len(), None), |(end, next)| (end, Some(next)));
        from = next;
        Some(&text[start..end])
    });
    // Few texts have any.
    let has_ascii = memchr2(b'!', b'?', bytes).is_some();
    lines.flat_map(move |sentence| {
        let (whole, parts) = if has_ascii { (None, Some(sentence.split(['!', '?']))) } else { (Some(sentence), None) };
        whole.into_iter().chain(parts.into_iter().flatten())
    })
}

/// Hash of a sentence without its white space. A fixed rule, as sketches are kept.
fn hash(sentence: &str) -> Option<u32> {
    let sentence = sentence.trim();
    let squashed = if has_blank(sentence) { Cow::Owned(squashed(sentence)) } else { Cow::Borrowed(sentence) };
    // No character takes more than four bytes.
    let is_long = squashed.len() >= SHORTEST * 4 || squashed.chars().count() >= SHORTEST;
    is_long.then(|| hash_of(squashed.as_bytes()))
}

/// Eight bytes at a time: multiplied, and the well mixed half folded into the other.
fn hash_of(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let hash = words.iter().chain([&last]).fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| {
        let mixed = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 32)
    });
    (hash.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as u32
}

/// The latest texts. Its memory, some 2 MB, is taken at the start: a daemon that grows for weeks looks like one that leaks.
#[derive(Debug)]
pub struct Nearby {
    /// By place in the ring, with the record's id, which is 32 hexadecimal digits.
    texts: Box<[(Sketch, [u8; 16])]>,
    /// Place of the latest text with a hash among its smallest.
    by_hash: HashMap<u32, u32, FxBuildHasher>,
    /// Texts so far.
    serial: usize,
}

impl Nearby {
    /// With what was kept, in any order.
    pub fn new(mut rows: Vec<SketchRow>) -> Self {
        rows.sort_unstable_by_key(|row| row.serial);
        let mut by_hash = HashMap::default();
        by_hash.reserve(RING * INDEXED);
        let mut nearby = Self { texts: vec![(Sketch::EMPTY, [0; 16]); RING].into(), by_hash, serial: 0 };
        if let Some(first) = rows.first() {
            // Places are serials modulo the ring's size; what is missing before the first was never there.
            nearby.serial = usize::try_from(first.serial).unwrap_or(0);
        }
        for row in rows {
            nearby.add(Sketch::from_bytes(&row.hashes), &row.id);
        }
        nearby
    }

    /// The record of a text that is nearly the same.
    pub fn find(&self, sketch: &Sketch) -> Option<String> {
        let mut last = None;
        for hash in sketch.all().iter().take(LOOKED_UP) {
            let Some(slot) = self.by_hash.get(hash).filter(|slot| last != Some(**slot)) else { continue };
            last = Some(*slot);
            if let Some((known, id)) = self.texts.get(*slot as usize)
                && known.is_like(sketch)
            {
                return Some(format!("{:032x}", u128::from_be_bytes(*id)));
            }
        }
        None
    }

    /// Remembers a text, in the place of the oldest if the ring is full. Gives what is to be kept.
    pub fn add(&mut self, sketch: Sketch, id: &str) -> SketchRow {
        let place = self.serial % RING;
        let slot = place as u32;
        let row = SketchRow {
            slot: i64::from(slot),
            serial: self.serial as i64,
            id: id.to_owned(),
            hashes: sketch.to_bytes(),
        };
        let id = u128::from_str_radix(id, 16).unwrap_or(0).to_be_bytes();
        self.serial += 1;
        for hash in sketch.all().iter().take(INDEXED) {
            self.by_hash.insert(*hash, slot);
        }
        let (old, _) = std::mem::replace(&mut self.texts[place], (sketch, id));
        for hash in old.all().iter().take(INDEXED).filter(|hash| !sketch.all().contains(hash)) {
            if self.by_hash.get(hash) == Some(&slot) {
                self.by_hash.remove(hash);
            }
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sentences: impl Iterator<Item = usize>) -> String {
        sentences.map(|n| format!("这是第{n}句话，说的是海湾市的事情。")).collect()
    }

    fn sketch(sentences: impl Iterator<Item = usize>) -> Sketch {
        Sketch::of(&text(sentences)).unwrap()
    }

    #[test]
    fn a_sentence_more_or_changed_is_nearly_the_same_and_other_numbers_are_not() {
        let one = sketch(0..20);
        assert!(one.is_like(&one));
        assert!(one.is_like(&sketch(0..21)) && one.is_like(&sketch(1..20)));
        assert!(one.is_like(&sketch((0..19).chain([77]))));
        assert!(!one.is_like(&sketch(0..10)), "half of it");
        assert!(!one.is_like(&sketch(100..120)), "the same words with other numbers");
        // Long texts, of which only a sample is kept.
        assert!(sketch(0..300).is_like(&sketch(3..300)) && !sketch(0..300).is_like(&sketch(150..450)));
        assert!(Sketch::of(&text(0..4)).is_none() && Sketch::of(&text(0..5)).is_some());
        // White space and the way sentences are parted say nothing.
        assert_eq!(Sketch::of(&text(0..20).replace('。', "。\n").replace('，', "， ")).unwrap(), one);
    }

    #[test]
    fn the_ring_forgets_the_oldest_and_outlives_the_process() {
        let mut nearby = Nearby::new(Vec::new());
        let mut rows: HashMap<i64, SketchRow> = HashMap::new();
        for n in 0..RING + 10 {
            let row = nearby.add(sketch(n * 100..n * 100 + 6), &format!("{n:032x}"));
            rows.insert(row.slot, row);
        }
        assert_eq!(rows.len(), RING);
        let again = Nearby::new(rows.into_values().collect());
        for nearby in [&nearby, &again] {
            let found = |n: usize| nearby.find(&sketch(n * 100..n * 100 + 6));
            assert_eq!((found(0), found(9)), (None, None));
            assert_eq!(found(10), Some(format!("{:032x}", 10)));
            assert_eq!(found(RING + 9), Some(format!("{:032x}", RING + 9)));
            assert!(nearby.by_hash.len() <= RING * INDEXED);
        }
        let mut again = again;
        let row = again.add(sketch(7..14), "f");
        assert_eq!((row.serial, row.slot), ((RING + 10) as i64, 10), "in the oldest's place");
    }
}
