//! From the lines of a container to the body: what is cut at both ends, and what is dropped in between.

use super::blocks::{Blocks, Line, Tag};
use super::byline::{self, Staff};
use super::generic::{ends_sentence, punctuation};
use super::hints::Hints;
use super::noise::{self, Class};
use super::{line_rules, title};
use crate::sites::LineRule;

/// A body, and what its container said besides.
#[derive(Debug, Default, Clone)]
pub struct Body {
    /// Paragraphs.
    pub paragraphs: Vec<String>,
    /// Captions found among them.
    pub captions: Vec<String>,
    /// Staff, source and author lines.
    pub staff: Staff,
    /// Characters of the paragraphs that were inside links.
    pub linked: u32,
}

impl Body {
    /// Characters without white space.
    pub fn chars(&self) -> usize {
        self.paragraphs.iter().map(|p| super::blocks::visible(p) as usize).sum()
    }

    /// Puts another part of the body behind this one.
    pub fn append(&mut self, other: Body) {
        self.paragraphs.extend(other.paragraphs);
        self.captions.extend(other.captions);
        self.staff.merge(other.staff);
        self.linked += other.linked;
    }

    /// Paragraphs joined by line breaks.
    pub fn text(&self) -> String {
        self.paragraphs.join("\n")
    }
}

/// A candidate line on its way.
struct Item<'l, 'a> {
    line: &'l Line<'a>,
    class: Class,
    /// Long and punctuated: certainly running text.
    solid: bool,
    keep: bool,
}

/// Makes the body of the lines `first..end`.
///
/// `headline` is squashed. `strict` is for containers that were guessed: short lines must then belong to the body's
/// own structure; lines of a container that a selector named are body unless something speaks against them.
pub fn tidy(blocks: &Blocks<'_>, first: usize, end: usize, headline: &str, strict: bool, rules: &[&LineRule]) -> Body {
    let lines = &blocks.lines[first..end];
    let all_hidden = lines.iter().all(|l| l.hidden);
    let mut items: Vec<Item<'_, '_>> = lines
        .iter()
        .enumerate()
        .filter(|(_, l)| !l.hidden || all_hidden)
        .map(|(at, line)| {
            let mut class = noise::classify(&line.text, line.chars);
            // A numeral or sub-heading of a few characters may well stand in several articles.
            if class.is_plain() && line.repeated && line.chars > 8 {
                class = Class::Prompt;
            }
            if class.is_plain() && line.strong == 0 && is_caption(blocks, first + at) {
                class = Class::Caption;
            }
            let solid = class.is_plain() && is_solid(line);
            Item { line, class, solid, keep: true }
        })
        .collect();
    let mut body = Body::default();
    drop_classes(blocks, &mut items, &mut body, headline);
    drop_rights(&mut items);
    if strict {
        drop_strangers(blocks, &mut items, headline);
    }
    drop_links(&mut items);
    trim_ends(&mut items, headline);
    let mut body = finish(items, body);
    line_rules::apply(&mut body.paragraphs, rules, &mut body.staff);
    body
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
    if line.chars < 14 || line.link_share() >= 0.3 {
        return false;
    }
    let p = punctuation(&line.text);
    (line.chars >= 30 && p.stops + p.pauses >= 2) || (p.stops >= 1 && ends_sentence(&line.text))
}

/// Acts on what the lines themselves say.
fn drop_classes(blocks: &Blocks<'_>, items: &mut [Item<'_, '_>], body: &mut Body, headline: &str) {
    let n = items.len();
    let comments = comments_from(items);
    let teasers = teasers_from(items);
    let first_solid = items.iter().position(|i| i.solid).unwrap_or(n);
    let last_solid = items.iter().rposition(|i| i.solid).map_or(0, |i| i + 1);
    let mut cut = false;
    let mut run = true;
    for i in 0..n {
        cut |= i >= comments || i >= teasers;
        if cut {
            // One role a line: those right behind the first are read too.
            match &items[i].class {
                Class::Staff(staff) if run => body.staff.merge((**staff).clone()),
                _ => run = false,
            }
            items[i].keep = false;
            continue;
        }
        let text = items[i].line.text.as_ref();
        let is_caption_element =
            items[i].line.caption * 2 > items[i].line.chars || items[i].line.hints.contains(Hints::CAPTION);
        match &items[i].class {
            Class::Plain if is_caption_element => {
                body.captions.push(text.to_owned());
                items[i].keep = false;
            }
            Class::Plain => {
                if !headline.is_empty()
                    && items[i].line.chars < 120
                    && i <= first_solid
                    && title::squash(text) == headline
                {
                    items[i].keep = false;
                }
            }
            Class::Staff(staff) => {
                body.staff.merge((**staff).clone());
                items[i].keep = false;
                // The staff line ends the body, if little that looks like body follows.
                let after = items[i + 1..].iter().filter(|x| x.solid).count();
                let before = items[..i].iter().filter(|x| x.solid).count();
                if !staff.editors.is_empty()
                    && before > 0
                    && (after == 0 || before > after * 2 && n - i < 40 && i > n / 3)
                {
                    cut = true;
                }
            }
            Class::RelatedHead => {
                items[i].keep = false;
                let before = items[..i].iter().filter(|x| x.solid).count();
                if before > 0
                    && i >= first_solid
                    && ends_article(&items[i + 1..], before)
                    && !resumes(blocks, &items[..i], &items[i + 1..])
                {
                    cut = true;
                }
            }
            Class::Caption => {
                body.captions.push(text.to_owned());
                items[i].keep = false;
            }
            Class::Summary => {
                if i < first_solid {
                    items[i].keep = false;
                }
            }
            Class::Notice => {
                // In the middle of the text, «本文…» may be the author speaking.
                let long = items[i].line.chars > 60;
                items[i].keep =
                    long && i > first_solid && i + 1 < last_solid && is_solid(items[i].line) && n > 6 && i * 3 < n * 2;
            }
            Class::Debris => {
                // A bare numeral heads a part of the body.
                items[i].keep = is_numeral(text) && i + 1 < last_solid && i + 1 > first_solid.min(1);
            }
            Class::Prompt if is_numeral(text) => {
                items[i].keep = i + 1 < last_solid;
            }
            Class::CommentHead | Class::Reply => items[i].keep = false,
            Class::OriginalTitle | Class::Meta | Class::Prompt | Class::PaperPage => {
                if let Some(source) = byline::source_in(text) {
                    body.staff.source.get_or_insert(source);
                }
                if body.staff.authors.is_empty() {
                    body.staff.authors = byline::labelled_authors(text);
                }
                items[i].keep = false;
            }
        }
    }
}

fn is_numeral(text: &str) -> bool {
    let text = text.trim_matches(|c: char| !c.is_alphanumeric());
    !text.is_empty()
        && text.chars().count() <= 3
        && text.chars().all(|c| c.is_ascii_digit() || "一二三四五六七八九十壹贰叁肆伍".contains(c))
}

/// What follows a head of related articles looks like that, rather than like more body.
fn ends_article(rest: &[Item<'_, '_>], before: usize) -> bool {
    let solid = rest.iter().filter(|x| x.solid && x.line.link_share() < 0.3).count();
    solid * 2 <= before || rest.iter().take(3).any(|x| x.line.link_share() > 0.5)
}

/// A box of links in the middle of the text: behind it, paragraphs stand again where the body's stood.
fn resumes(blocks: &Blocks<'_>, before: &[Item<'_, '_>], rest: &[Item<'_, '_>]) -> bool {
    let links = rest.iter().take_while(|x| x.line.link_share() > 0.5).count();
    if links == 0 {
        return false;
    }
    let parent = |x: &Item<'_, '_>| blocks.elems[x.line.block as usize].parent;
    let behind = rest[links..].iter().take_while(|x| {
        x.line.link_share() <= 0.5
            && matches!(x.class, Class::Plain | Class::Caption | Class::Debris)
            && !x.line.hints.intersects(Hints::FRAME)
    });
    let solid: Vec<u32> = behind.filter(|x| x.solid && x.line.links == 0).map(parent).collect();
    solid.len() >= 2 && solid.iter().all(|p| before.iter().any(|x| x.solid && parent(x) == *p))
}

/// What lawyers say below the text, in lines of any length; not where the article itself speaks of such things.
fn drop_rights(items: &mut [Item<'_, '_>]) {
    let rights = |x: &Item<'_, '_>| x.class == Class::Notice || noise::is_rights(&x.line.text);
    let mut from = items.len();
    for at in (0..items.len()).rev() {
        if rights(&items[at]) {
            from = at;
        } else if items[at].keep && items[at].solid {
            break;
        }
    }
    if from == items.len() {
        return;
    }
    let mut own = items[..from].iter().filter(|x| x.keep && x.solid);
    if own.clone().count() >= 2 && !own.any(rights) {
        for item in &mut items[from..] {
            item.keep = false;
        }
    }
}

/// Where readers' comments begin: at their heading, or at the first of several marks of comments after some body.
fn comments_from(items: &[Item<'_, '_>]) -> usize {
    let mut before = 0;
    for (i, item) in items.iter().enumerate() {
        let replies = || items[i + 1..].iter().filter(|x| x.class == Class::Reply).take(2).count();
        let begins = match item.class {
            // With their number it heads comments, whatever follows; without, the article may speak of what people say.
            Class::CommentHead => {
                let counted = item.line.text.bytes().any(|b| b.is_ascii_digit());
                before > 0 && (counted || replies() > 0 || ends_article(&items[i + 1..], before))
            }
            Class::Reply => before > 1 && replies() > 0,
            _ => false,
        };
        if begins {
            return i;
        }
        before += usize::from(item.solid);
    }
    items.len()
}

/// Where teasers of other articles begin: after some body, three times or more a linked headline with a sentence or two, or
/// a sentence or two with the minute it came out.
fn teasers_from(items: &[Item<'_, '_>]) -> usize {
    let is_head = |item: &Item<'_, '_>| item.line.link_share() > 0.8 && item.line.chars >= 8;
    let heads = |i: usize| is_head(&items[i]) && items.get(i + 1).is_some_and(|x| x.class.is_plain() && !is_head(x));
    let minute = |i: usize| is_minute(&items[i].line.text);
    let marks: Vec<usize> = (0..items.len()).filter(|i| heads(*i) || minute(*i)).collect();
    marks
        .windows(3)
        .filter(|w| w[1] - w[0] <= 3 && w[2] - w[1] <= 3)
        // The minute stands below its teaser.
        .map(|w| if minute(w[0]) { w[0].saturating_sub(2) } else { w[0] })
        .find(|start| items[..*start].iter().filter(|x| x.solid).count() >= 3)
        .unwrap_or(items.len())
}

/// `2019-09-09 21:38:04` and nothing else.
fn is_minute(text: &str) -> bool {
    let text = text.trim();
    text.len() <= 24
        && text.contains(':')
        && text.bytes().filter(u8::is_ascii_digit).count() >= 10
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '/' | ':' | ' ' | '.' | '年' | '月' | '日'))
}

/// Lines that are links and nothing else are teasers, unless the body is made of them.
fn drop_links(items: &mut [Item<'_, '_>]) {
    let chars = |i: &Item<'_, '_>| i.line.chars;
    let kept: u32 = items.iter().filter(|i| i.keep).map(chars).sum();
    let linked: u32 = items.iter().filter(|i| i.keep && i.line.link_share() > 0.8).map(chars).sum();
    if linked * 2 > kept {
        return;
    }
    for item in items.iter_mut().filter(|i| i.keep) {
        if item.line.link_share() > 0.8 && !(item.line.chars < 12 && item.solid) {
            item.keep = false;
        }
    }
}

/// In a guessed container, short lines must stand where the body stands: same kind of block, same parent or cousin.
fn drop_strangers(blocks: &Blocks<'_>, items: &mut [Item<'_, '_>], headline: &str) {
    let shape = |line: &Line<'_>| {
        let e = &blocks.elems[line.block as usize];
        let p = &blocks.elems[e.parent as usize];
        (e.tag, e.depth, p.tag)
    };
    let parent = |line: &Line<'_>| blocks.elems[line.block as usize].parent;
    let mut parents: Vec<u32> = Vec::new();
    let mut own: Vec<u32> = Vec::new();
    let mut shapes: Vec<(Tag, u16, Tag)> = Vec::new();
    for i in items.iter().filter(|i| i.keep && i.solid && !is_frame(i.line)) {
        parents.push(parent(i.line));
        own.push(i.line.block);
        shapes.push(shape(i.line));
    }
    if parents.is_empty() {
        return;
    }
    let first = items.iter().position(|i| i.keep && i.solid && !is_frame(i.line)).unwrap_or(0);
    let last = items.iter().rposition(|i| i.keep && i.solid && !is_frame(i.line)).unwrap_or(0);
    for (at, item) in items.iter_mut().enumerate().filter(|(_, i)| i.keep) {
        if is_frame(item.line) && !(at > first && at < last && item.solid) {
            item.keep = false;
            continue;
        }
        if item.solid {
            continue;
        }
        let related = own.contains(&item.line.block)
            || parents.contains(&parent(item.line))
            || own.contains(&parent(item.line))
            || parents.contains(&item.line.block)
            || (at > first && at < last && shapes.contains(&shape(item.line)));
        let heading = matches!(blocks.elems[item.line.block as usize].tag, Tag::H(_)) && at > first && at < last;
        if !related && !heading {
            item.keep = false;
        }
        let _ = headline;
    }
}

fn is_frame(line: &Line<'_>) -> bool {
    line.hints.intersects(Hints::COMMENT.union(Hints::SHARE).union(Hints::AD).union(Hints::RELATED))
}

/// Cuts short, odd lines off both ends.
fn trim_ends(items: &mut [Item<'_, '_>], headline: &str) {
    let Some(first) = items.iter().position(|i| i.keep && i.solid) else { return };
    let last = items.iter().rposition(|i| i.keep && i.solid).unwrap_or(first);
    // Above the first sentence: keep a sub-heading or a salutation that stands right before it, nothing more.
    for item in items[..first].iter_mut().filter(|i| i.keep) {
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
            item.keep = false;
        }
    }
    for item in items[last + 1..].iter_mut().filter(|i| i.keep) {
        if item.line.links > 0 || item.line.hints.intersects(Hints::META.union(Hints::NAV).union(Hints::FOOT)) {
            item.keep = false;
        }
    }
}

fn finish(items: Vec<Item<'_, '_>>, mut body: Body) -> Body {
    let count = items.iter().filter(|i| i.keep).count();
    for (at, item) in items.iter().filter(|i| i.keep).enumerate() {
        let text = item.line.text.as_ref();
        let (keep, staff) = noise::glued_tail(text);
        body.staff.merge(staff);
        if (at < 2 || at + 2 >= count) && body.staff.authors.is_empty() {
            body.staff.authors = byline::authors_in(text);
        }
        let kept = text[..keep].trim_matches(super::blocks::is_blank);
        if !kept.is_empty() {
            body.linked += item.line.linked;
            body.paragraphs.push(kept.to_owned());
        }
    }
    body
}
