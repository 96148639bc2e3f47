//! Where an article ends within its container: at readers' comments, at teasers of other articles.

use super::blocks::Blocks;
use super::hints::Hints;
use super::noise::Class;
use super::tidy::{Item, ends_article};

/// Where readers' comments begin: at their heading, or at the first of several marks of comments after some body.
pub(super) fn comments_from(items: &[Item<'_, '_>]) -> usize {
    let mut before = 0;
    for (i, item) in items.iter().enumerate() {
        let replies = || items[i + 1..].iter().filter(|x| x.class == Class::Reply).take(2).count();
        let begins = match item.class {
            // With their number it heads comments, whatever follows; without, the article may speak of what people say.
            Class::CommentHead => {
                let counted = item.line.text.bytes().any(|b| b.is_ascii_digit());
                let ends = || match item.line.is_latin() {
                    // The number of comments stands above many a text, too.
                    true => before > 1 && !goes_on_below(items, i),
                    false => counted || ends_article(&items[i + 1..], before),
                };
                before > 0 && (replies() > 0 || ends())
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

/// Paragraphs below a line stand where those above it stand, or are more than a third of them.
pub(super) fn goes_on_below(items: &[Item<'_, '_>], i: usize) -> bool {
    let solid = |part: &[Item<'_, '_>]| part.iter().filter(|x| x.solid).map(|x| x.line.chars).sum::<u32>();
    let (above, below) = (&items[..i], &items[i + 1..]);
    let known = |x: &Item<'_, '_>| above.iter().filter(|a| a.solid && a.parent == x.parent).take(2).count() == 2;
    solid(below) * 3 > solid(above) || below.iter().any(|x| x.solid && known(x))
}

/// Where a survey of the readers begins: at the questions above the first of three answers or more.
pub(super) fn survey_from(items: &[Item<'_, '_>]) -> usize {
    let is_answer = |item: &Item<'_, '_>| item.line.hints.contains(Hints::ANSWER);
    let asks = |item: &Item<'_, '_>| !item.solid || item.line.text.trim_end().ends_with(['？', '?']);
    let Some(first) = items.iter().position(is_answer) else { return items.len() };
    let last = items.iter().rposition(is_answer).unwrap_or(first);
    if items.iter().filter(|x| is_answer(x)).count() < 3 {
        return items.len();
    }
    let head = items[..first].iter().rev().take(4).take_while(|x| asks(x) && x.line.chars <= 60).count();
    let text = |part: &[Item<'_, '_>]| part.iter().filter(|x| !asks(x)).count();
    let ends = text(&items[..first]) > text(&items[last..]);
    if ends { first - head } else { items.len() }
}

/// Where teasers of other articles begin: after some body, three times or more a linked headline with a sentence or two, or
/// a sentence or two with the minute it came out.
///
/// Not where the sentences stand where the body's stand: a text in parts has headings that are links, too.
pub(super) fn teasers_from(blocks: &Blocks<'_>, items: &[Item<'_, '_>]) -> usize {
    // A question that opens its answer leads nowhere else.
    let is_head = |item: &Item<'_, '_>| {
        item.line.link_share() > 0.8 && item.line.chars >= 8 && !item.line.text.ends_with(['?', '？'])
    };
    let heads = |i: usize| is_head(&items[i]) && items.get(i + 1).is_some_and(|x| x.class.is_plain() && !is_head(x));
    let minute = |i: usize| is_minute(&items[i].line.text);
    // A live report has its minutes too, but leads nowhere, and its text stands below them.
    let last = (0..items.len()).rev().find(|i| minute(*i)).unwrap_or(0);
    let below = items[last..].iter().take(3).any(|x| x.solid);
    let linked = |start: usize| !below || items[start..].iter().take(9).any(|x| x.line.link_share() > 0.5);
    let parent = |x: &Item<'_, '_>| blocks.elems[x.line.block as usize].parent;
    let goes_on = |start: usize| {
        let (before, after) = items.split_at(start);
        let solid = |x: &&Item<'_, '_>| x.solid;
        let Some(next) = after.iter().find(solid).map(parent) else { return false };
        let chars = |part: &[Item<'_, '_>]| part.iter().filter(solid).map(|x| x.line.chars).sum::<u32>();
        let count = after.iter().filter(solid).count().max(1) as u32;
        let mean = chars(after) / count;
        let latin = items[start].line.is_latin();
        let long = if latin { 190 } else { 110 };
        // In Latin letters, lists of recommended things have linked headings: their texts are longer than teasers, or stand
        // inside the element whose children the first paragraphs are.
        let listed = || latin && (mean >= LONG_TEASER || mean >= MEAN_TEASER && is_inside(blocks, before, next));
        before.iter().filter(solid).filter(|x| parent(x) == next).count() >= 2
            || chars(after) > chars(before) && mean >= long
            || listed()
    };
    let solids = |part: &[Item<'_, '_>]| part.iter().filter(|x| x.solid).count();
    let marks: Vec<usize> = (0..items.len()).filter(|i| heads(*i) || minute(*i)).collect();
    // A table of contents, or a box of links, has more of the text behind it than above it.
    let is_box = |from: usize| {
        let run = marks.iter().skip_while(|m| **m < from).collect::<Vec<_>>();
        let gap = run.windows(2).find(|w| w[1] - w[0] > 3).map_or(run.last(), |w| w.first());
        let behind = gap.map_or(items.len(), |last| (**last + 4).min(items.len()));
        solids(&items[behind..]) > solids(&items[..from]).max(5)
    };
    marks
        .windows(3)
        .filter(|w| w[1] - w[0] <= 3 && w[2] - w[1] <= 3 && !is_box(w[0]))
        // The minute stands below its teaser.
        .map(|w| if minute(w[0]) { w[0].saturating_sub(2) } else { w[0] })
        .find(|start| solids(&items[..*start]) >= 3 && linked(*start) && !goes_on(*start))
        .unwrap_or(items.len())
}

/// Characters that the sentences of a teaser have on average, in Latin letters; and more than any teaser's have.
const MEAN_TEASER: u32 = 130;
/// See [`MEAN_TEASER`].
const LONG_TEASER: u32 = 220;

/// An element stands inside one of which at least two of these paragraphs are children.
fn is_inside(blocks: &Blocks<'_>, paragraphs: &[Item<'_, '_>], element: u32) -> bool {
    let parent = |e: u32| blocks.elems[e as usize].parent;
    let homes = paragraphs.iter().filter(|x| x.solid).map(|x| parent(x.line.block));
    let mut at = element;
    for _ in 0..4 {
        at = parent(at);
        if homes.clone().filter(|home| *home == at).take(2).count() == 2 {
            return true;
        }
    }
    false
}

/// `2019-09-09 21:38:04` and nothing else.
fn is_minute(text: &str) -> bool {
    let text = text.trim();
    text.len() <= 24
        && text.contains(':')
        && text.bytes().filter(u8::is_ascii_digit).count() >= 10
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '/' | ':' | ' ' | '.' | '年' | '月' | '日'))
}
