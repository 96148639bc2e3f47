//! Measurements of the container, and views of the page that do not depend on how the container was chosen.

use std::ops::Range;

use super::Signals;
use crate::clean::blocks::{Blocks, Line, Tag};
use crate::clean::generic::Choice;
use crate::clean::hints::Hints;
use crate::clean::title::Headline;

/// Weight of a line: its characters as Chinese ones count.
pub(super) fn weight(line: &Line<'_>) -> f32 {
    line.chars as f32 * if line.is_latin() { 0.4 } else { 1.0 }
}

pub(super) fn ratio(part: f32, whole: f32) -> f32 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Which lines of a page were kept, with their weights.
pub(super) struct Kept<'b, 'a> {
    pub blocks: &'b Blocks<'a>,
    pub choice: &'b Choice,
    /// Indices of the kept lines, ascending.
    pub lines: &'b [u32],
    /// Weight of each of the page's lines, summed up: `sums[a]..sums[b]` is that of the lines `a..b`.
    weights: Vec<f32>,
    /// The same of the kept ones.
    kept: Vec<f32>,
}

impl<'b, 'a> Kept<'b, 'a> {
    pub fn new(blocks: &'b Blocks<'a>, choice: &'b Choice, lines: &'b [u32]) -> Self {
        let mut weights = Vec::with_capacity(blocks.lines.len() + 1);
        let mut kept = Vec::with_capacity(blocks.lines.len() + 1);
        let (mut all, mut own) = (0.0, 0.0);
        let mut next = lines.iter().peekable();
        weights.push(all);
        kept.push(own);
        for (at, line) in blocks.lines.iter().enumerate() {
            let is_kept = next.next_if(|n| **n as usize == at).is_some();
            let w = if is_kept || (!line.hidden && line.link_share() <= 0.5) { weight(line) } else { 0.0 };
            all += w;
            own += if is_kept { w } else { 0.0 };
            weights.push(all);
            kept.push(own);
        }
        Self { blocks, choice, lines, weights, kept }
    }

    fn total(&self) -> f32 {
        self.kept[self.kept.len() - 1]
    }

    /// Share of the text that a range of lines holds, and share of the range's text that was kept.
    fn overlap(&self, lines: Range<usize>) -> (f32, f32) {
        let kept = self.kept[lines.end] - self.kept[lines.start];
        (ratio(kept, self.total()), ratio(kept, self.weights[lines.end] - self.weights[lines.start]))
    }

    fn is_kept(&self, at: usize) -> bool {
        self.kept[at + 1] > self.kept[at]
    }

    fn value(&self, lines: Range<usize>) -> f32 {
        self.choice.values.get(lines).unwrap_or_default().iter().filter(|v| **v > 0.0).sum()
    }

    /// Share of the text in lines for which `is` holds.
    fn share(&self, is: impl Fn(&Line<'_>) -> bool) -> f32 {
        let lines = self.lines.iter().map(|at| &self.blocks.lines[*at as usize]);
        ratio(lines.filter(|l| is(l)).map(weight).sum(), self.total())
    }

    pub fn measure(&self, headline: Option<&Headline>, out: &mut Signals) {
        self.container(out);
        self.page(out);
        self.elements(out);
        self.leavings(headline, out);
        self.shapes(out);
        self.by_paragraphs(out);
        self.by_name(out);
        if let Some(headline) = headline {
            self.headline(headline, out);
        }
    }

    fn container(&self, out: &mut Signals) {
        let values = &self.choice.values;
        let (first, end) = (self.choice.first, self.choice.end.min(values.len()));
        let own = self.choice.score.max(1.0);
        let best = best_run(&values[..first.min(end)]).max(best_run(&values[end..]));
        out.value = own.ln();
        out.rival = (best / own).min(2.0);
        out.above = (self.value(0..first) / own).min(2.0);
        out.below = (self.value(end..values.len()) / own).min(2.0);
        let cut: f32 = (first..end).filter(|at| !self.is_kept(*at)).map(|at| values[at].max(0.0)).sum();
        out.cut_value = (cut / own).min(2.0);
        out.cut_lines = 1.0 - ratio(self.lines.len() as f32, (end - first) as f32).min(1.0);
        let holes = self.lines.windows(2).map(|w| w[1] - w[0] - 1).max().unwrap_or_default();
        out.hole = (1.0 + holes as f32).ln();
    }

    fn page(&self, out: &mut Signals) {
        let lines = &self.blocks.lines;
        let all = self.weights[self.weights.len() - 1];
        let linked = lines.iter().filter(|l| l.link_share() > 0.5).count();
        out.share_of_page = ratio(self.total(), all);
        out.page_links = ratio(linked as f32, lines.len() as f32);
        out.page_lines = (1.0 + lines.len() as f32).ln();
        let is_comment = |l: &&Line<'_>| l.hints.contains(Hints::COMMENT) && l.chars >= 20 && l.link_share() < 0.5;
        let comments: f32 = lines.iter().filter(is_comment).map(weight).sum();
        out.comments = ratio(comments, self.total().max(1.0)).min(4.0);
    }

    fn elements(&self, out: &mut Signals) {
        let tag = |l: &Line<'_>| self.blocks.elems[l.block as usize].tag;
        const FRAME: Hints = Hints::COMMENT.union(Hints::NAV).union(Hints::FOOT).union(Hints::RELATED).union(Hints::AD);
        out.items = self.share(|l| tag(l) == Tag::Item);
        out.framed = self.share(|l| l.hints.intersects(FRAME));
        out.named_body = self.share(|l| l.hints.contains(Hints::BODY));
        let own = || self.lines.iter().map(|at| &self.blocks.lines[*at as usize]);
        let headings = own().filter(|l| matches!(tag(l), Tag::H(_))).count();
        out.headings = ratio(headings as f32, self.lines.len() as f32);
        let mut homes: Vec<(u32, f32)> = Vec::new();
        for line in own() {
            let parent = self.blocks.elems[line.block as usize].parent;
            match homes.iter_mut().rev().find(|(p, _)| *p == parent) {
                Some((_, sum)) => *sum += weight(line),
                None => homes.push((parent, weight(line))),
            }
        }
        out.home = ratio(homes.iter().map(|h| h.1).fold(0.0, f32::max), self.total());
        out.homes = ratio(homes.len() as f32, self.lines.len() as f32);
    }

    /// What stands below the headline and was not kept.
    fn leavings(&self, headline: Option<&Headline>, out: &mut Signals) {
        const FRAME: Hints = Hints::NAV.union(Hints::FOOT).union(Hints::RELATED).union(Hints::AD).union(Hints::COMMENT);
        let from = headline.and_then(|h| h.line.map(|at| at + h.lines.max(1))).unwrap_or_default();
        let (first, last) = (self.lines.first().copied().unwrap_or_default() as usize, self.lines.last().copied());
        let last = last.unwrap_or_default() as usize;
        let (mut left, mut items, mut headings, mut outside) = (0.0, 0.0, 0.0, 0.0);
        for (at, line) in self.blocks.lines.iter().enumerate().skip(from) {
            let tag = self.blocks.elems[line.block as usize].tag;
            if line.hidden || line.hints.intersects(FRAME) {
                continue;
            }
            if matches!(tag, Tag::H(2..=4)) {
                headings += 1.0;
                outside += if at < first || at > last { 1.0 } else { 0.0 };
            }
            if self.is_kept(at) {
                continue;
            }
            left += if line.link_share() <= 0.5 { weight(line) } else { 0.0 };
            items += if tag == Tag::Item && at > first && at < self.choice.end { weight(line) } else { 0.0 };
        }
        let total = self.total().max(1.0);
        out.left = (left / total).min(4.0);
        out.items_left = (items / total).min(4.0);
        out.headings_left = ratio(outside, headings);
        out.page_text = (1.0 + self.weights[self.weights.len() - 1]).ln();
    }

    fn shapes(&self, out: &mut Signals) {
        let own = || self.lines.iter().map(|at| &self.blocks.lines[*at as usize]);
        let n = self.lines.len();
        out.link_lines = ratio(own().filter(|l| l.links > 0).count() as f32, n as f32);
        let mut shapes: Vec<((Tag, u16), f32)> = Vec::new();
        for line in own() {
            let elem = &self.blocks.elems[line.block as usize];
            let shape = (elem.tag, elem.depth);
            match shapes.iter_mut().find(|(s, _)| *s == shape) {
                Some((_, sum)) => *sum += weight(line),
                None => shapes.push((shape, weight(line))),
            }
        }
        out.shape = ratio(shapes.iter().map(|s| s.1).fold(0.0, f32::max), self.total());
        let tail = own().skip(n - n.div_ceil(3)).map(weight).sum::<f32>() / n.div_ceil(3).max(1) as f32;
        out.tail = ratio(tail, self.total() / n.max(1) as f32).min(4.0);
    }

    /// The element that readability's measure picks: paragraphs count for their parents, and by half for those above.
    fn by_paragraphs(&self, out: &mut Signals) {
        let elems = &self.blocks.elems;
        let mut scores = vec![0.0_f32; elems.len()];
        for line in self.blocks.lines.iter().filter(|l| !l.hidden && l.link_share() < 0.5) {
            let w = weight(line);
            if w >= 12.0 {
                let parent = elems[line.block as usize].parent as usize;
                let points = 1.0 + (w / 20.0).min(5.0);
                scores[parent] += points;
                scores[elems[parent].parent as usize] += points / 2.0;
            }
        }
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
        if let Some((at, _)) = best.filter(|(_, score)| **score > 0.0) {
            (out.paragraphs_hold, out.paragraphs_kept) =
                self.overlap(elems[at].first as usize..elems[at].end.max(elems[at].first) as usize);
        }
    }

    /// The element named as the article's body that holds most text.
    fn by_name(&self, out: &mut Signals) {
        let named = self.blocks.elems.iter().filter(|e| e.hints.contains(Hints::BODY) && e.end > e.first);
        let text = |e: &crate::clean::blocks::Elem| self.weights[e.end as usize] - self.weights[e.first as usize];
        let best = named.max_by(|a, b| text(a).total_cmp(&text(b)).then(a.depth.cmp(&b.depth)));
        if let Some(e) = best.filter(|e| text(e) >= 40.0) {
            (out.body_holds, out.body_kept) = self.overlap(e.first as usize..e.end as usize);
        }
    }

    fn headline(&self, headline: &Headline, out: &mut Signals) {
        let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
        out.headline_agrees = flag(headline.agrees);
        let (Some(at), Some(first)) = (headline.line, self.lines.first()) else {
            out.headline_above = 0.0;
            return;
        };
        let (from, first) = (at + headline.lines.max(1), *first as usize);
        out.headline_above = flag(from <= first);
        if from <= first {
            out.headline_gap = (1.0 + (first - from) as f32).ln();
            out.headline_skips = (self.value(from..first) / self.choice.score.max(1.0)).min(2.0);
        }
    }
}

/// The highest sum of neighbouring values (Kadane's maximum run).
fn best_run(values: &[f32]) -> f32 {
    let (mut best, mut sum) = (0.0_f32, 0.0_f32);
    for v in values {
        sum = (sum + v).max(0.0);
        best = best.max(sum);
    }
    best
}
