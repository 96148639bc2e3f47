//! Whether the names of elements are believed: sites wrap text in `widget`, `tag` or `related-news`, opinion pieces in
//! `comment`, and all of a page in `hot`.

use super::blocks::{Blocks, Elem, Line};
use super::generic::punctuation;
use super::hints::Hints;
use super::noise::{self, Class};

/// Names that builders of pages put around text as well: `widget`, `menu`, `tag`, `like`. Comments and footers are named by
/// what they are.
const LOOSE: [Hints; 4] = [Hints::NAV, Hints::RELATED, Hints::SHARE, Hints::AD];

/// Least text, in Chinese characters, by which an element named as a frame proves to be none.
const PROSE: f32 = 160.0;

/// What the lines of an element hold.
#[derive(Debug, Clone, Copy, Default)]
struct Measure {
    /// Characters of sentences outside of links, as Chinese ones count.
    prose: f32,
    /// Characters in all, and those inside links, counted in the same way.
    all: f32,
    linked: f32,
}

impl Measure {
    /// Sentences, and hardly a link.
    fn reads_as_text(self) -> bool {
        self.prose > self.all * 0.55 && self.linked < self.all * 0.25
    }
}

/// Sums over the lines, so that an element is two look-ups.
struct Measures(Vec<Measure>);

impl Measures {
    fn of(lines: &[Line<'_>]) -> Self {
        let mut total = Measure::default();
        let mut sums = vec![total];
        for line in lines {
            if !line.hidden {
                let weight = if line.is_latin() { 0.4 } else { 1.0 };
                let chars = line.chars as f32 * weight;
                total.all += chars;
                total.linked += line.linked as f32 * weight;
                if chars >= 20.0 && line.link_share() < 0.3 && punctuation(&line.text).stops > 0 {
                    total.prose += chars;
                }
            }
            sums.push(total);
        }
        Self(sums)
    }

    fn inside(&self, e: &Elem) -> Measure {
        let (a, b) = (self.0[e.first as usize], self.0[e.end.max(e.first) as usize]);
        Measure { prose: b.prose - a.prose, all: b.all - a.all, linked: b.linked - a.linked }
    }

    fn total(&self) -> Measure {
        self.0.last().copied().unwrap_or_default()
    }
}

/// The elements whose names speak of a frame, and whether that is believed: not of an element that holds the headline or most
/// of the page's text, nor of one that reads as text.
fn trust(blocks: &Blocks<'_>, headline: Option<usize>) -> Vec<(usize, bool)> {
    let mut text: Vec<u32> = vec![0; blocks.lines.len() + 1];
    for (i, line) in blocks.lines.iter().enumerate() {
        let plain = if line.hidden || line.link_share() > 0.5 || line.chars < 20 { 0 } else { line.chars };
        text[i + 1] = text[i] + plain;
    }
    let total = text.last().copied().unwrap_or(0);
    let measures = Measures::of(&blocks.lines);
    let overused = overused(blocks, &measures);
    let frames = blocks.elems.iter().enumerate().filter(|(_, e)| e.hints.intersects(Hints::FRAME) && e.end > e.first);
    let is_trusted = |e: &Elem| {
        if headline.is_some_and(|at| (e.first as usize..e.end as usize).contains(&at)) {
            return false;
        }
        let of_comments = e.hints.contains(Hints::COMMENT);
        if !of_comments && !e.hints.contains(Hints::FOOT) {
            let measure = measures.inside(e);
            let least = if e.hints.and(Hints::FRAME).without(overused) == Hints::empty() { 0.0 } else { PROSE };
            if measure.prose > least && measure.reads_as_text() {
                return false;
            }
        }
        if of_comments && headline.is_some_and(|at| is_first_text(blocks, at, e)) {
            return false;
        }
        let inside = text[e.end as usize] - text[e.first as usize];
        // Comments can be longer than the article; other frames rarely are.
        let limit = if of_comments { 0.95 } else { 0.5 };
        let believed = if e.hints.contains(Hints::BODY) && !of_comments { 0.15 } else { limit };
        f64::from(inside) <= f64::from(total) * believed
    };
    frames.map(|(i, e)| (i, is_trusted(e))).collect()
}

/// Kinds of names that this page gives to a large part of its text.
fn overused(blocks: &Blocks<'_>, measures: &Measures) -> Hints {
    let total = measures.total().prose;
    let mut out = Hints::empty();
    for kind in LOOSE {
        let (mut prose, mut until) = (0.0, 0);
        for e in blocks.elems.iter().filter(|e| e.hints.contains(kind)) {
            if e.first >= until {
                prose += measures.inside(e).prose;
                until = e.end;
            }
        }
        if prose > 80.0 && prose > total * 0.25 {
            out = out.union(kind);
        }
    }
    out
}

/// The first sentences below the headline stand in this element, and no reader's name, time or answer: an opinion piece in an
/// element called `comment`.
fn is_first_text(blocks: &Blocks<'_>, headline: usize, e: &Elem) -> bool {
    let (first, end) = (e.first as usize, e.end as usize);
    let is_text = |l: &Line<'_>| !l.hidden && l.chars >= 14 && l.link_share() < 0.3 && punctuation(&l.text).stops > 0;
    let of_readers = |l: &Line<'_>| matches!(noise::classify(&l.text, l.chars), Class::Reply | Class::CommentHead);
    first > headline
        && !blocks.lines[headline..first].iter().any(is_text)
        && blocks.lines[first..end].iter().any(is_text)
        && !blocks.lines[first..end].iter().any(of_readers)
}

/// Shows what a style hides until a script has run, where that is most of the page's text.
pub fn reveal(blocks: &mut Blocks<'_>) {
    let (mut shown, mut hidden) = (0, 0);
    for line in blocks.lines.iter().filter(|l| l.chars >= 20 && l.link_share() < 0.3) {
        if punctuation(&line.text).stops > 0 && !line.hints.intersects(Hints::FRAME) {
            *(if line.hidden { &mut hidden } else { &mut shown }) += line.chars;
        }
    }
    let most = hidden >= 60 && hidden > shown * 3;
    let mut folded = false;
    let mut place = None;
    for line in &mut blocks.lines {
        let parent = blocks.elems[line.block as usize].parent;
        if !line.hidden {
            // «展开全文»: what is hidden behind it is the rest.
            folded = noise::is_fold(&line.text) || folded && line.chars < 14;
            place = if folded { place } else { Some(parent) };
            continue;
        }
        let above = blocks.elems[parent as usize].parent;
        let rest = folded && place.is_some_and(|p| p == parent || p == above);
        if (most || rest) && !line.hints.intersects(Hints::FRAME) {
            line.hidden = false;
        }
    }
}

/// Frame hints per line, of elements whose names are believed.
pub(super) fn trusted_frames(blocks: &Blocks<'_>, headline: Option<usize>) -> Vec<Hints> {
    let mut frames = vec![Hints::empty(); blocks.lines.len()];
    for (i, _) in trust(blocks, headline).into_iter().filter(|(_, trusted)| *trusted) {
        let e = &blocks.elems[i];
        for f in &mut frames[e.first as usize..e.end as usize] {
            *f = f.union(Hints::FRAME);
        }
    }
    frames
}

/// Takes names that speak of a frame off the lines of elements that hold the headline or most of the page's text: sites wrap
/// all of a page in `hot` or `related-news`, too.
pub fn disbelieve(blocks: &mut Blocks<'_>, headline: Option<usize>) {
    let frames = trust(blocks, headline);
    if frames.iter().all(|(_, trusted)| *trusted) {
        return;
    }
    let range = |blocks: &Blocks<'_>, i: usize| blocks.elems[i].first as usize..blocks.elems[i].end as usize;
    for (i, _) in frames.iter().filter(|(_, trusted)| !trusted) {
        let wrong = blocks.elems[*i].hints.and(Hints::FRAME);
        for at in range(blocks, *i) {
            blocks.lines[at].hints = blocks.lines[at].hints.without(wrong);
        }
    }
    for (i, _) in frames.iter().filter(|(_, trusted)| *trusted) {
        let right = blocks.elems[*i].hints.and(Hints::FRAME);
        for at in range(blocks, *i) {
            blocks.lines[at].hints = blocks.lines[at].hints.union(right);
        }
    }
}
