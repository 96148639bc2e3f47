//! From the lines of a container to the body: what is cut at both ends, and what is dropped in between.

use std::ops::Range;

use super::blocks::{Blocks, Line, Tag};
use super::byline::{self, Staff};
use super::endings::{comments_from, survey_from, teasers_from};
use super::generic::{ends_sentence, punctuation};
use super::hints::Hints;
use super::noise::{self, Class};
use super::truncated::{self, Fold};
use super::verdict::{Place, ends_text, verdict};
pub use super::verdict::{Rule, Verdict};
use super::{line_rules, title};
use crate::sites::LineRule;

/// A body, and what its container said besides.
#[derive(Debug, Default, Clone)]
pub struct Body {
    /// Paragraphs.
    pub paragraphs: Vec<String>,
    /// The container's line that each of them was made from; empty once the body has a part of another container.
    pub lines: Vec<u32>,
    /// Captions found among them.
    pub captions: Vec<String>,
    /// Lines of the container that these are, in the same order; none of those that a selector named.
    pub caption_lines: Vec<u32>,
    /// Staff, source and author lines.
    pub staff: Staff,
    /// Characters of the paragraphs that were inside links.
    pub linked: u32,
    /// What the lines behind the last paragraph say of a rest.
    pub fold: Option<Fold>,
}

impl Body {
    /// Characters without white space.
    pub fn chars(&self) -> usize {
        self.paragraphs.iter().map(|p| super::blocks::visible(p) as usize).sum()
    }

    /// Puts another part of the body behind this one.
    pub fn append(&mut self, other: Body) {
        if self.paragraphs.is_empty() {
            self.lines = other.lines;
        } else if !other.paragraphs.is_empty() {
            self.lines.clear();
        }
        self.paragraphs.extend(other.paragraphs);
        self.captions.extend(other.captions);
        self.caption_lines.extend(other.caption_lines);
        self.staff.merge(other.staff);
        self.linked += other.linked;
        self.fold = other.fold;
    }

    /// Paragraphs joined by line breaks.
    pub fn text(&self) -> String {
        self.paragraphs.join("\n")
    }
}

/// A candidate line.
pub(super) struct Item<'l, 'a> {
    pub(super) line: &'l Line<'a>,
    /// Index of the line.
    at: u32,
    /// Element in which the line's block stands.
    pub(super) parent: u32,
    /// Tag of the line's block.
    pub(super) tag: Tag,
    pub(super) class: Class,
    /// Long and punctuated: certainly running text.
    pub(super) solid: bool,
    /// A picture stands right before or behind it.
    pub(super) pictured: bool,
    verdict: Verdict,
}

impl Item<'_, '_> {
    fn is_kept(&self) -> bool {
        self.verdict == Verdict::Keep
    }

    /// The first reason stands.
    fn cut(&mut self, rule: Rule) {
        if self.is_kept() {
            self.verdict = Verdict::Cut(rule);
        }
    }

    /// Nothing in its markup speaks of a frame, a button or a link.
    pub(super) fn is_plain_markup(&self) -> bool {
        self.line.links == 0 && !is_frame(self.line)
    }
}

/// Makes the body of the lines `first..end`.
///
/// `headline` is squashed. `strict` is for containers that were guessed: short lines must then belong to the body's
/// own structure; lines of a container that a selector named are body unless something speaks against them.
pub fn tidy(blocks: &Blocks<'_>, first: usize, end: usize, headline: &str, strict: bool, rules: &[&LineRule]) -> Body {
    let (items, body) = judged(blocks, first..end, headline, strict);
    let last = items.iter().rposition(Item::is_kept);
    let behind = items[last.map_or(0, |at| at + 1)..].iter().map(|i| i.line.text.as_ref());
    let outside = blocks.lines[end..].iter().filter(|l| !l.hidden).map(|l| l.text.as_ref());
    let fold = truncated::fold(last.map(|at| items[at].line.text.as_ref()), behind.chain(outside));
    let mut body = finish(items, Body { fold, ..body });
    line_rules::apply(&mut body, rules);
    body
}

/// Verdicts on the lines of a container, for a report.
pub fn verdicts(blocks: &Blocks<'_>, lines: Range<usize>, headline: &str, strict: bool) -> Vec<(String, Verdict)> {
    let (items, _) = judged(blocks, lines, headline, strict);
    items.into_iter().map(|i| (i.line.text.to_string(), i.verdict)).collect()
}

fn judged<'l, 'a>(
    blocks: &'l Blocks<'a>,
    lines: Range<usize>,
    headline: &str,
    strict: bool,
) -> (Vec<Item<'l, 'a>>, Body) {
    let mut items = items(blocks, lines.start, lines.end);
    let mut body = Body::default();
    let extent = Extent::of(blocks, &items, strict);
    by_class(blocks, &mut items, extent, &mut body, headline);
    cut_rights(&mut items);
    if strict {
        cut_strangers(blocks, &mut items, extent);
    }
    cut_links(blocks, &mut items, extent);
    cut_ends(&mut items, headline);
    (items, body)
}

fn items<'l, 'a>(blocks: &'l Blocks<'a>, first: usize, end: usize) -> Vec<Item<'l, 'a>> {
    let lines = &blocks.lines[first..end];
    let all_hidden = lines.iter().all(|l| l.hidden);
    let shown = lines.iter().enumerate().filter(|(_, l)| !l.hidden || all_hidden);
    let has_picture = |before: usize| blocks.pictures.binary_search_by_key(&(before as u32), |p| p.before).is_ok();
    shown
        .map(|(at, line)| {
            let class = match line.code || blocks.elems[line.block as usize].tag == Tag::Row {
                true => Class::Plain,
                false => noise::classify(&line.text, line.chars),
            };
            let mut verdict = Verdict::Keep;
            // A numeral or sub-heading of a few characters may well stand in several articles.
            if class.is_plain() && line.repeated && line.chars > 8 {
                verdict = Verdict::Cut(Rule::Repeated);
            }
            let caption = class.is_plain() && line.strong == 0 && is_caption(blocks, first + at);
            let class = if caption { Class::Caption } else { class };
            let solid = verdict == Verdict::Keep && class.is_plain() && is_solid(line);
            let pictured = has_picture(first + at) || has_picture(first + at + 1);
            Item {
                line,
                at: (first + at) as u32,
                parent: blocks.elems[line.block as usize].parent,
                tag: blocks.elems[line.block as usize].tag,
                class,
                solid,
                pictured,
                verdict,
            }
        })
        .collect()
}

/// First and last paragraph of the body among the items: `first..end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) first: usize,
    pub(super) end: usize,
}

impl Extent {
    /// In a guessed container, paragraphs outside of the element that holds most of the text are not the body's.
    fn of(blocks: &Blocks<'_>, items: &[Item<'_, '_>], strict: bool) -> Self {
        let home = if strict { home(blocks, items) } else { None };
        let is_text = |i: &Item<'_, '_>| {
            let inside = |e: usize| {
                let at = i.line.block as usize;
                let beside = blocks.elems[at].parent == blocks.elems[e].parent;
                beside || at >= e && at < (blocks.elems[e].until as usize).max(e + 1)
            };
            i.solid && (!strict || !is_frame(i.line)) && home.is_none_or(inside)
        };
        let first = items.iter().position(is_text).unwrap_or(items.len());
        let end = items.iter().rposition(is_text).map_or(first, |last| last + 1);
        Self { first, end }
    }

    pub(super) fn place(self, at: usize) -> Place {
        if at < self.first {
            Place::Above
        } else if at < self.end {
            Place::Between
        } else {
            Place::Below
        }
    }
}

/// The deepest element that holds most of the text of the paragraphs.
fn home(blocks: &Blocks<'_>, items: &[Item<'_, '_>]) -> Option<usize> {
    let solid: Vec<&Item<'_, '_>> = items.iter().filter(|i| i.solid && !is_frame(i.line)).collect();
    let total: u32 = solid.iter().map(|i| i.line.chars).sum();
    // By element: a page may have as many paragraphs as it likes.
    let mut inside: Vec<u32> = vec![0; blocks.elems.len()];
    for item in &solid {
        let mut at = item.line.block as usize;
        loop {
            inside[at] += item.line.chars;
            let parent = blocks.elems[at].parent as usize;
            if parent == at {
                break;
            }
            at = parent;
        }
    }
    inside.iter().rposition(|chars| *chars > 0 && u64::from(*chars) * 10 >= u64::from(total) * 7)
}

/// A line right under a picture that reads as its caption, or the sentence behind a gallery's counter.
fn is_caption(blocks: &Blocks<'_>, at: usize) -> bool {
    let line = &blocks.lines[at];
    let counted = at > 0 && noise::is_counter(&blocks.lines[at - 1].text);
    let under = || blocks.pictures.binary_search_by_key(&(at as u32), |p| p.before).is_ok();
    counted && line.chars <= 60 && punctuation(&line.text).stops <= 1
        || noise::is_under_picture(&line.text, line.chars) && under()
}

fn is_solid(line: &Line<'_>) -> bool {
    // The address of a page in a sentence is a link, and no teaser.
    let most = if line.text.contains("http") { 0.7 } else { 0.3 };
    if line.chars < 14 || line.link_share() >= most || noise::is_contact(&line.text) {
        return false;
    }
    let p = punctuation(&line.text);
    (line.chars >= 30 && p.stops + p.pauses >= 2) || (p.stops >= 1 && ends_sentence(&line.text))
}

/// Acts on what the lines themselves say, with the evidence that their place asks for.
fn by_class(blocks: &Blocks<'_>, items: &mut [Item<'_, '_>], extent: Extent, body: &mut Body, headline: &str) {
    let ends = comments_from(items).min(teasers_from(blocks, items)).min(survey_from(items));
    let mut ended = false;
    let mut staff_goes_on = true;
    for i in 0..items.len() {
        ended |= i >= ends;
        if ended {
            // One role a line: those right behind the first are read too.
            match &items[i].class {
                Class::Staff(staff) if staff_goes_on => body.staff.merge((**staff).clone()),
                // Teasers may stand between the text and who edited it.
                Class::Staff(staff) if body.staff.editors.is_empty() && !staff.editors.is_empty() => {
                    body.staff.merge((**staff).clone());
                }
                _ => staff_goes_on = false,
            }
            items[i].cut(Rule::Ended);
            continue;
        }
        let verdict = verdict(items, i, extent, headline);
        if let Verdict::Cut(rule) = verdict {
            collect(&items[i], rule, body);
            items[i].cut(rule);
            ended = ends_text(items, i, extent);
        }
    }
}

/// What a cut line says of the article.
fn collect(item: &Item<'_, '_>, rule: Rule, body: &mut Body) {
    let text = item.line.text.as_ref();
    match (&item.class, rule) {
        (Class::Staff(staff), _) => body.staff.merge((**staff).clone()),
        (_, Rule::Caption) => {
            body.captions.push(text.to_owned());
            body.caption_lines.push(item.at);
        }
        (_, Rule::Meta | Rule::Prompt | Rule::Origin) => {
            if let Some(source) = byline::source_in(text) {
                body.staff.source.get_or_insert(source);
            }
            if body.staff.authors.is_empty() {
                body.staff.authors = byline::labelled_authors(text);
            }
        }
        _ => {}
    }
}

pub(super) fn is_numeral(text: &str) -> bool {
    let text = text.trim_matches(|c: char| !c.is_alphanumeric());
    !text.is_empty()
        && text.chars().count() <= 3
        && text.chars().all(|c| c.is_ascii_digit() || "一二三四五六七八九十壹贰叁肆伍".contains(c))
}

/// What follows a head of related articles looks like that, rather than like more body.
pub(super) fn ends_article(rest: &[Item<'_, '_>], before: usize) -> bool {
    let solid = rest.iter().filter(|x| x.solid && x.line.link_share() < 0.3).count();
    solid * 2 <= before || rest.iter().take(3).any(|x| x.line.link_share() > 0.5)
}

/// A box of links in the middle of the text: behind it, paragraphs of the body follow.
pub(super) fn resumes(items: &[Item<'_, '_>], i: usize, extent: Extent) -> bool {
    let links = items[i + 1..].iter().take_while(|x| x.line.link_share() > 0.5).count();
    let behind = &items[i + 1 + links..extent.end.max(i + 1 + links)];
    let solid: Vec<u32> = behind.iter().filter(|x| x.solid && x.line.links == 0).map(|x| x.parent).collect();
    let known = |parent: &u32| items[..i].iter().any(|x| x.solid && x.parent == *parent);
    // Where the body's paragraphs stood; in another element it is another text.
    links > 0 && solid.len() >= 2 && solid.iter().all(known)
}

/// What lawyers say below the text, in lines of any length; not where the article itself speaks of such things.
fn cut_rights(items: &mut [Item<'_, '_>]) {
    let rights = |x: &Item<'_, '_>| x.class == Class::Notice || noise::is_rights(&x.line.text);
    let mut from = items.len();
    for at in (0..items.len()).rev() {
        if rights(&items[at]) {
            from = at;
        } else if items[at].is_kept() && items[at].solid {
            break;
        }
    }
    if from == items.len() {
        return;
    }
    let mut own = items[..from].iter().filter(|x| x.is_kept() && x.solid);
    if own.clone().count() >= 2 && !own.any(rights) {
        for item in &mut items[from..] {
            item.cut(Rule::Notice);
        }
    }
}

/// Lines that are links and nothing else are teasers, unless the body is made of them.
fn cut_links(blocks: &Blocks<'_>, items: &mut [Item<'_, '_>], extent: Extent) {
    let chars = |i: &Item<'_, '_>| i.line.chars;
    let is_link = |i: &Item<'_, '_>| i.line.link_share() > 0.8;
    let kept: u32 = items.iter().filter(|i| i.is_kept()).map(chars).sum();
    let linked: u32 = items.iter().filter(|i| i.is_kept() && is_link(i)).map(chars).sum();
    if linked * 2 > kept {
        return;
    }
    let mut listed = false;
    for at in 0..items.len() {
        let text = items[at].line.text.as_ref();
        if !is_link(&items[at]) {
            // What a colon announces belongs to the text.
            listed = items[at].is_kept() && text.ends_with(['：', ':']) && items[at].class.is_plain();
            continue;
        }
        let between = extent.place(at) == Place::Between;
        let tag = blocks.elems[items[at].line.block as usize].tag;
        let own = between
            && !is_frame(items[at].line)
            && (listed
                || tag == Tag::Row
                || is_sentence(items[at].line)
                || matches!(tag, Tag::H(_)) && !is_related(items, at));
        let short = items[at].line.chars < 12 && items[at].solid;
        let attached = items[at].line.attached * 2 > items[at].line.chars;
        if !own && !short && !attached {
            items[at].cut(Rule::Link);
        }
    }
}

/// Ends as a sentence does, and is as long as one.
fn is_sentence(line: &Line<'_>) -> bool {
    line.chars >= 20 && punctuation(&line.text).stops > 0 && ends_sentence(&line.text)
}

/// Stands beside other links.
fn is_related(items: &[Item<'_, '_>], at: usize) -> bool {
    let linked = |x: Option<&Item<'_, '_>>| x.is_some_and(|x| x.line.link_share() > 0.8);
    linked(items.get(at + 1)) || at > 0 && linked(items.get(at - 1))
}

type Shape = (Tag, u16, Tag);

fn shape(blocks: &Blocks<'_>, line: &Line<'_>) -> Shape {
    let e = &blocks.elems[line.block as usize];
    (e.tag, e.depth, blocks.elems[e.parent as usize].tag)
}

/// In a guessed container, short lines must stand where the body stands: same kind of block, same parent or cousin; between
/// paragraphs, lists, rows, headings and rows of lines of one shape belong to the text too.
fn cut_strangers(blocks: &Blocks<'_>, items: &mut [Item<'_, '_>], extent: Extent) {
    let parent = |line: &Line<'_>| blocks.elems[line.block as usize].parent;
    let above = |line: &Line<'_>| blocks.elems[parent(line) as usize].parent;
    let mut parents: Vec<u32> = Vec::new();
    let mut own: Vec<u32> = Vec::new();
    let mut shapes: Vec<Shape> = Vec::new();
    for i in items.iter().filter(|i| i.is_kept() && i.solid && !is_frame(i.line)) {
        parents.push(parent(i.line));
        own.push(i.line.block);
        shapes.push(shape(blocks, i.line));
    }
    if parents.is_empty() {
        return;
    }
    let mut rows: Vec<(Shape, u32)> = Vec::new();
    for i in items.iter().filter(|i| i.is_kept() && i.line.links == 0) {
        let shape = shape(blocks, i.line);
        match rows.iter_mut().find(|(s, _)| *s == shape) {
            Some((_, n)) => *n += 1,
            None => rows.push((shape, 1)),
        }
    }
    let mut listed = false;
    for (at, item) in items.iter_mut().enumerate() {
        let (line, between) = (item.line, extent.place(at) == Place::Between);
        if !item.is_kept() {
            listed = false;
            continue;
        }
        if is_frame(line) && !(between && item.solid) {
            item.cut(Rule::Frame);
            continue;
        }
        if item.solid {
            listed = line.text.ends_with(['：', ':']);
            continue;
        }
        let tag = blocks.elems[line.block as usize].tag;
        let same = || {
            own.contains(&line.block)
                || parents.contains(&parent(line))
                || own.contains(&parent(line))
                || parents.contains(&line.block)
        };
        let structure = || {
            shapes.contains(&shape(blocks, line))
                || matches!(tag, Tag::H(_) | Tag::Item | Tag::Row | Tag::Cell | Tag::Pre)
                || line.links == 0 && rows.iter().any(|(s, n)| *s == shape(blocks, line) && *n >= 3)
        };
        // A list that ends the text: its items stand one element deeper than the paragraphs.
        let last_list = || {
            matches!(tag, Tag::Item | Tag::Row | Tag::Pre)
                && line.links == 0
                && (parents.contains(&above(line)) || parents.contains(&blocks.elems[above(line) as usize].parent))
        };
        // A short sentence in a box like those of the others.
        let sentence = || line.links == 0 && ends_sentence(&line.text) && shapes.contains(&shape(blocks, line));
        let belongs =
            same() || sentence() || between && structure() || !between && at >= extent.end && (listed || last_list());
        if !belongs {
            item.cut(Rule::Stranger);
        }
        listed = listed && belongs;
    }
}

fn is_frame(line: &Line<'_>) -> bool {
    line.hints.intersects(Hints::COMMENT.union(Hints::SHARE).union(Hints::AD).union(Hints::RELATED))
}

/// Cuts short, odd lines off both ends.
fn cut_ends(items: &mut [Item<'_, '_>], headline: &str) {
    let Some(first) = items.iter().position(|i| i.is_kept() && i.solid) else { return };
    let last = items.iter().rposition(|i| i.is_kept() && i.solid).unwrap_or(first);
    // Above the first sentence: keep a sub-heading or a salutation that stands right before it, nothing more.
    for item in items[..first].iter_mut().filter(|i| i.is_kept()) {
        let text = item.line.text.as_ref();
        let squashed = title::squash(text);
        let echo = !headline.is_empty()
            && squashed.chars().count() >= 4
            && (headline.contains(&squashed)
                || squashed.contains(headline)
                || title::overlap(&squashed, headline) >= 0.6);
        if echo
            || item.line.links > 0
            || item.line.hints.intersects(Hints::META.union(Hints::TITLE).union(Hints::NAV).union(Hints::SUMMARY))
        {
            item.cut(Rule::End);
        }
    }
    for item in items[last + 1..].iter_mut().filter(|i| i.is_kept()) {
        let attached = item.line.attached > 0 || item.line.text.starts_with("附件");
        if item.line.links > 0 && !attached
            || item.line.hints.intersects(Hints::META.union(Hints::NAV).union(Hints::FOOT))
        {
            item.cut(Rule::End);
        }
    }
    sign(&mut items[last + 1..]);
}

/// The day under a signature belongs to it.
fn sign(tail: &mut [Item<'_, '_>]) {
    for at in 1..tail.len() {
        let by = &tail[at - 1];
        let signed = by.is_kept() && by.class.is_plain() && by.line.chars <= 40 && by.line.links == 0;
        if signed && noise::is_day(&tail[at].line.text) && tail[at].verdict == Verdict::Cut(Rule::Meta) {
            tail[at].verdict = Verdict::Keep;
        }
    }
}

fn finish(items: Vec<Item<'_, '_>>, mut body: Body) -> Body {
    let count = items.iter().filter(|i| i.is_kept()).count();
    for (at, item) in items.iter().filter(|i| i.is_kept()).enumerate() {
        let text = item.line.text.as_ref();
        let (keep, staff) = noise::glued_tail(text);
        body.staff.merge(staff);
        if (at < 2 || at + 2 >= count) && body.staff.authors.is_empty() {
            body.staff.authors = byline::authors_in(text);
        }
        let kept = match item.line.code {
            true => text,
            false => text[..keep].trim_matches(super::blocks::is_blank),
        };
        if !kept.is_empty() {
            body.linked += item.line.linked;
            body.paragraphs.push(kept.to_owned());
            body.lines.push(item.at);
        }
    }
    body
}
