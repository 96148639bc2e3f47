//! The generic extractor: the article of a page that no selector file covers.
//!
//! Two steps. *Where*: every line gets a value (long and punctuated: plus; short, linked or in a frame: minus), and
//! the element whose lines add up to most holds the article. An element's sum is two look-ups, as lines lie in
//! document order. *What*: inside it, `tidy` drops what is not body.

use memchr::memchr3_iter;

use super::blocks::{Blocks, Elem, Line, Tag};
use super::hints::Hints;
use super::noise::{self, Class};
use super::title::Headline;
use super::trust::trusted_frames;

/// Sum of the values of the lines between two texts that makes them strangers: some twelve links.
const FAR: f32 = 80.0;
/// What is left of the value of a line beyond such a gap.
const FADED: f32 = 0.35;
/// The same, if the gap is made of other articles' headlines and the text is Chinese. English pages put a standfirst, and then
/// boxes, between headline and body.
const FADED_BEYOND_HEADLINES: f32 = 0.08;
/// Least sum of sentences above such a gap that can be the article.
const SEEN: f32 = 20.0;

/// By how much a run of children must be worth more than an element of several lines to be chosen in its place.
const RUN: f32 = 2.0;

/// What the generic extractor chose.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Index of the container in the table of elements.
    pub elem: usize,
    /// Its lines, or those of the children in it that were chosen: `first..end`.
    pub first: usize,
    /// See `first`.
    pub end: usize,
    /// Sum of the values of its lines.
    pub score: f32,
    /// Value of each line of the page.
    pub values: Vec<f32>,
}

/// Sentence ends and pauses in a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Punctuation {
    /// 。！？…; and their Latin forms at the end of a word.
    pub stops: u32,
    /// ，、；：and their Latin forms.
    pub pauses: u32,
}

/// Counts a line's punctuation.
pub fn punctuation(text: &str) -> Punctuation {
    let mut p = Punctuation::default();
    let bytes = text.as_bytes();
    // By their first bytes, which no other character has within.
    for at in memchr3_iter(0xe2, 0xe3, 0xef, bytes) {
        match text[at..].chars().next() {
            Some('。' | '！' | '？' | '…') => p.stops += 1,
            Some('，' | '、' | '；' | '：' | '“' | '”' | '《') => p.pauses += 1,
            _ => {}
        }
    }
    p.pauses += memchr3_iter(b',', b';', b':', bytes).count() as u32;
    for at in memchr3_iter(b'.', b'!', b'?', bytes) {
        let next = text[at + 1..].chars().next();
        p.stops += u32::from(next.is_none_or(|n| n.is_whitespace() || n == '"' || n == '”'));
    }
    p
}

/// True if a line ends as a sentence does.
pub fn ends_sentence(text: &str) -> bool {
    let text = text.trim_end_matches(|c: char| {
        c.is_whitespace() || matches!(c, '”' | '’' | '"' | '\'' | '）' | ')' | '」' | '』' | '】')
    });
    text.ends_with(['。', '！', '？', '…', '；', '.', '!', '?', '：', ':', ';'])
}

/// Value of a heading or a point of a list without a link, in Latin letters.
const POINT: f32 = -0.5;

/// Value of a line for the choice of the container.
fn value(line: &Line<'_>, tag: Tag, frame: Hints) -> f32 {
    if line.hidden || line.repeated {
        return -2.0;
    }
    if line.chars <= 100 && noise::is_subscription(&line.text) {
        return -4.0;
    }
    let n = line.chars as f32;
    // Latin text needs about three letters for what a Chinese character says.
    let weight = if line.is_latin() { 0.4 } else { 1.0 };
    let share = line.link_share();
    if share > 0.5 {
        return -(6.0 + (n * weight).min(24.0) * 0.4);
    }
    let p = punctuation(&line.text);
    let weighted = n * weight;
    let ends = ends_sentence(&line.text);
    let base = if line.code || line.text.contains('\t') {
        // Cells and code part the text, and speak neither for nor against it.
        0.5
    } else if weighted >= 24.0 && p.stops + p.pauses >= 1 && (ends || p.stops > 0 || p.pauses > 1) {
        weighted.min(300.0) * (1.0 - share) * if ends { 1.0 } else { 0.7 }
    } else if ends && weighted >= 5.0 && p.stops > 0 {
        weighted * 0.8
    } else if weighted >= 40.0 {
        weighted * 0.3
    } else if line.links > 0 {
        -7.0
    } else if line.is_latin() && matches!(tag, Tag::H(2..) | Tag::Item | Tag::Cell | Tag::Caption) {
        // Lists of things have headings and short points; what surrounds an article has them as links.
        POINT
    } else {
        -4.0
    };
    if line.hints.intersects(frame) {
        return if base > 0.0 { -base.min(30.0) * 0.3 } else { base * 1.5 };
    }
    if line.hints.contains(Hints::META) && base > 0.0 && weighted < 80.0 {
        return base * 0.3;
    }
    base
}

/// Finds the element that holds the article.
pub fn choose(blocks: &Blocks<'_>, headline: Option<&Headline>) -> Option<Choice> {
    let lines = &blocks.lines;
    if lines.is_empty() {
        return None;
    }
    let anchor = headline.and_then(|h| h.line);
    let frame = trusted_frames(blocks, anchor.filter(|_| headline.is_some_and(|h| h.agrees)));
    let mut values: Vec<f32> =
        lines.iter().zip(&frame).map(|(l, f)| value(l, blocks.elems[l.block as usize].tag, *f)).collect();
    if let Some(anchor) = anchor {
        for v in values.iter_mut().take(anchor).filter(|v| **v > 0.0) {
            *v *= 0.25;
        }
        fade_after_second_headline(blocks, anchor, &mut values);
        fade_beyond_a_gap(blocks, anchor, &mut values);
    }
    let sums = prefix_sums(&values);
    let best = blocks
        .elems
        .iter()
        .enumerate()
        .filter(|(_, e)| e.tag.is_block() && e.end > e.first)
        .map(|(i, e)| {
            let sum = sums[e.end as usize] - sums[e.first as usize];
            let bonus = if e.hints.contains(Hints::BODY) { 1.06 } else { 1.0 };
            (i, sum * bonus)
        })
        // Of equal sums the deepest wins: a child follows its parent in the table.
        .max_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)))?;
    let (elem, score) = best;
    let (first, end) = (blocks.elems[elem].first as usize, blocks.elems[elem].end as usize);
    // Where body and link lists are children of one element, no element is worth what the body is.
    let much_more = if end - first == 1 { 1.0 } else { RUN };
    let run = best_run(blocks, &values, &sums).filter(|run| run.elem < elem && run.score > score * much_more);
    let choice = match run {
        Some(run) => Choice { elem: run.elem, first: run.first, end: run.end, score: run.score, values },
        None => Choice { elem, first, end, score, values },
    };
    if choice.score < VERSE
        && let Some(verse) = verse(blocks, anchor, &frame, &choice)
    {
        return Some(Choice { values: choice.values, ..verse });
    }
    Some(widen(blocks, choice, &frame))
}

/// Below this value, lines without punctuation may be worth more: some three sentences.
const VERSE: f32 = 60.0;

/// Lines by which a chosen run may be widened.
const MARGIN: usize = 16;

/// Takes the short lines at both ends of a run of children along, up to the next link: a salutation, a signature, the files
/// attached. What of them is text, the cleaner decides.
fn widen(blocks: &Blocks<'_>, mut choice: Choice, frame: &[Hints]) -> Choice {
    let e = &blocks.elems[choice.elem];
    let is_own = |at: usize| {
        let line = &blocks.lines[at];
        let attached = line.attached * 2 > line.linked;
        !line.hidden
            && frame[at] == Hints::empty()
            && !line.hints.intersects(Hints::FRAME)
            && (line.link_share() <= 0.5 || attached)
            && (!parts(line) || line.text.starts_with("附件"))
    };
    let until = (choice.end + MARGIN).min(e.end as usize);
    while choice.end < until && is_own(choice.end) {
        choice.end += 1;
    }
    let from = choice.first.saturating_sub(MARGIN).max(e.first as usize);
    while choice.first > from
        && is_own(choice.first - 1)
        && blocks.elems[blocks.lines[choice.first - 1].block as usize].tag != Tag::H(1)
    {
        choice.first -= 1;
    }
    choice
}

/// A text of short lines without a full stop (verse, a list of names, rows of prices): the element below the headline with most
/// characters outside of links, among those that hold no link.
fn verse(blocks: &Blocks<'_>, anchor: Option<usize>, frame: &[Hints], choice: &Choice) -> Option<Choice> {
    let anchor = anchor?;
    let mut best: Option<(f32, usize)> = None;
    for (i, e) in blocks.elems.iter().enumerate() {
        let (first, end) = (e.first as usize, e.end as usize);
        if !e.tag.is_block() || first <= anchor || end < first + 3 || first > anchor + 16 {
            continue;
        }
        let lines = &blocks.lines[first..end];
        let framed = frame[first..end].iter().any(|f| *f != Hints::empty());
        let odd = |l: &Line<'_>| l.hidden || l.repeated || l.hints.intersects(Hints::FRAME.union(Hints::META));
        let linked: u32 = lines.iter().map(|l| l.linked).sum();
        let chars: u32 = lines.iter().map(|l| l.chars).sum();
        if framed || linked * 10 > chars || lines.iter().any(odd) {
            continue;
        }
        let value = chars as f32 * if e.hints.contains(Hints::BODY) { 1.5 } else { 1.0 };
        if best.is_none_or(|(b, _)| value >= b) {
            best = Some((value, i));
        }
    }
    let (value, elem) = best?;
    let e = &blocks.elems[elem];
    let (first, end) = (e.first as usize, e.end as usize);
    let holds = first <= choice.first && choice.end <= end && choice.score > 0.0;
    let above = end <= choice.first && value > choice.score * 2.0;
    (holds || above || choice.score <= 0.0).then_some(Choice { elem, first, end, score: value, values: Vec::new() })
}

/// Neighbouring children (elements or lines) of one element.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Run {
    elem: usize,
    first: usize,
    end: usize,
    score: f32,
}

/// The children of one element on their way.
#[derive(Clone, Copy)]
struct Children {
    /// Lines up to here have been added.
    at: usize,
    /// The run that ends here.
    first: usize,
    sum: f32,
    best: (f32, usize, usize),
}

impl Children {
    fn add(&mut self, end: usize, sum: f32) {
        if self.sum <= 0.0 {
            self.sum = 0.0;
            self.first = self.at;
        }
        self.sum += sum;
        self.at = end;
        if self.sum > self.best.0 {
            self.best = (self.sum, self.first, end);
        }
    }

    /// Adds the lines up to `end` that stand in no child.
    fn lines(&mut self, end: usize, values: &[f32]) {
        while self.at < end {
            self.add(self.at + 1, values[self.at]);
        }
    }
}

/// The run of neighbouring children of one element with the highest sum; of equal ones the deepest.
fn best_run(blocks: &Blocks<'_>, values: &[f32], sums: &[f32]) -> Option<Run> {
    let mut children: Vec<Children> = blocks
        .elems
        .iter()
        .map(|e| Children { at: e.first as usize, first: e.first as usize, sum: 0.0, best: (f32::MIN, 0, 0) })
        .collect();
    for (i, e) in blocks.elems.iter().enumerate() {
        let (first, end) = (e.first as usize, e.end as usize);
        let parent = e.parent as usize;
        if parent == i || !e.tag.is_block() || end <= first || first < children[parent].at {
            continue;
        }
        children[parent].lines(first, values);
        children[parent].add(end, sums[end] - sums[first]);
    }
    let mut best: Option<Run> = None;
    for (elem, (e, c)) in blocks.elems.iter().zip(&mut children).enumerate() {
        if !e.tag.is_block() {
            continue;
        }
        c.lines(e.end as usize, values);
        let (score, first, end) = c.best;
        if end > first && best.is_none_or(|b| score >= b.score) {
            best = Some(Run { elem, first, end, score });
        }
    }
    best
}

fn prefix_sums(values: &[f32]) -> Vec<f32> {
    let mut sums = Vec::with_capacity(values.len() + 1);
    let mut total = 0.0;
    sums.push(total);
    for v in values {
        total += v;
        sums.push(total);
    }
    sums
}

/// A second headline after some body begins another article.
fn fade_after_second_headline(blocks: &Blocks<'_>, anchor: usize, values: &mut [f32]) {
    let mut seen = 0.0;
    let mut from = None;
    let mut next = anchor;
    for e in &blocks.elems {
        let first = e.first as usize;
        if first <= anchor || e.end <= e.first {
            continue;
        }
        while next < first {
            seen += values[next].max(0.0);
            next += 1;
        }
        if e.tag == Tag::H(1) && seen >= 50.0 && blocks.lines[first].chars >= 8 && is_dated(blocks, e) {
            from = Some(first);
            break;
        }
    }
    if let Some(from) = from {
        for v in values.iter_mut().skip(from).filter(|v| **v > 0.0) {
            *v = -2.0;
        }
    }
}

/// A heading of another article has its date below it, or leads there; one of a part of the text has neither.
fn is_dated(blocks: &Blocks<'_>, heading: &Elem) -> bool {
    let end = heading.end as usize;
    let dated = |l: &Line<'_>| l.chars < 100 && punctuation(&l.text).stops == 0 && super::kind::has_date(&l.text);
    blocks.lines[heading.first as usize].link_share() > 0.5
        || blocks.lines.iter().skip(end).take(4).any(dated)
        || !blocks.lines[heading.first as usize].is_latin()
}

/// Text far below the headline, with a long run of links or short lines above it, is hardly the article's: picture lists and
/// comments of a page are often longer than a body of one to three paragraphs.
///
/// What stands where the text above the gap stands goes on with it: the gap is a box of links inside the text.
fn fade_beyond_a_gap(blocks: &Blocks<'_>, anchor: usize, values: &mut [f32]) {
    let place = |line: &Line<'_>| {
        let parent = blocks.elems[line.block as usize].parent;
        (parent, blocks.elems[parent as usize].parent)
    };
    let mut places: Vec<(u32, u32)> = Vec::new();
    let (mut seen, mut gap, mut headlines) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (line, v) in blocks.lines[anchor..].iter().zip(&mut values[anchor..]) {
        if gap >= FAR && seen >= SEEN {
            let (parent, above) = place(line);
            let goes_on = places.iter().any(|(p, a)| *p == parent || *a == above && above != *p);
            if *v > 0.0 && goes_on {
                (gap, headlines) = (0.0, 0.0);
            } else if *v > 0.0 {
                *v *= if headlines >= FAR && !line.is_latin() { FADED_BEYOND_HEADLINES } else { FADED };
            } else if *v < 0.0 && line.link_share() > 0.5 && line.chars >= 8 {
                headlines -= *v;
            }
        } else if *v > 0.0 {
            (gap, headlines) = (0.0, 0.0);
            if punctuation(&line.text).stops > 0 && !line.hints.intersects(Hints::SUMMARY.union(Hints::META)) {
                seen += *v;
                let here = place(line);
                if !places.contains(&here) && places.len() < 8 {
                    places.push(here);
                }
            }
        } else {
            gap -= *v;
            if line.link_share() > 0.5 && line.chars >= 8 {
                headlines -= *v;
            }
            if seen >= SEEN && !line.hidden && line.link_share() <= 0.5 && parts(line) {
                gap += FAR / 2.0;
            }
        }
    }
}

/// An editors' line, or a heading of related articles or comments.
fn parts(line: &Line<'_>) -> bool {
    match noise::classify(&line.text, line.chars) {
        Class::Staff(staff) => !staff.editors.is_empty(),
        Class::RelatedHead | Class::CommentHead => true,
        _ => false,
    }
}
