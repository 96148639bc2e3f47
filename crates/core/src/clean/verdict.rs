//! The verdict on a line: what becomes of it, why, and how much evidence that takes where it stands.

use super::blocks::{Line, Tag};
use super::byline::{self, Staff};
use super::endings::goes_on_below;
use super::hints::Hints;
use super::noise::{self, Class};
use super::tidy::{Extent, Item, ends_article, is_numeral, resumes};
use super::title;

/// Why a line is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Stands below the end of the article.
    Ended,
    /// Repeats the headline.
    Headline,
    /// A caption of a picture.
    Caption,
    /// Roles and names, or the source.
    Staff,
    /// The date, source or counter under a headline.
    Meta,
    /// Heads a list of other articles.
    Related,
    /// Of a reader's comment.
    Comment,
    /// A summary box above the text.
    Summary,
    /// Disclaimer or reprint notice.
    Notice,
    /// Invites to scan, follow, install, share.
    Prompt,
    /// The original headline, the page of a newspaper.
    Origin,
    /// No letters, or a pager.
    Debris,
    /// Stands on other pages of the site too.
    Repeated,
    /// In an element whose name speaks of a frame.
    Frame,
    /// Stands where no paragraph stands.
    Stranger,
    /// A link and nothing else.
    Link,
    /// Short and odd, above the first paragraph or below the last.
    End,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is text.
    Keep,
    /// It is cut, for this reason.
    Cut(Rule),
}

/// Where a line stands, which decides how much evidence it takes to cut it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Above the first paragraph.
    Above,
    /// Between two paragraphs of the body: almost nothing is noise here.
    Between,
    /// Below the last paragraph: almost everything is.
    Below,
}

pub(super) fn verdict(items: &[Item<'_, '_>], i: usize, extent: Extent, headline: &str) -> Verdict {
    let item = &items[i];
    let cut = match extent.place(i) {
        Place::Between => between(items, i, extent),
        place => outside(item, place, headline),
    };
    cut.map_or(Verdict::Keep, Verdict::Cut)
}

/// Above the first paragraph and below the last, what a line says is enough.
fn outside(item: &Item<'_, '_>, place: Place, headline: &str) -> Option<Rule> {
    let text = item.line.text.as_ref();
    let repeats = || !headline.is_empty() && item.line.chars < 120 && title::squash(text) == headline;
    match &item.class {
        Class::Plain if is_caption_element(item.line) => Some(Rule::Caption),
        Class::Plain => (place == Place::Above && repeats()).then_some(Rule::Headline),
        Class::Staff(_) => Some(Rule::Staff),
        Class::RelatedHead => Some(Rule::Related),
        Class::Caption => Some(Rule::Caption),
        Class::Summary => (place == Place::Above).then_some(Rule::Summary),
        Class::Notice => Some(Rule::Notice),
        // A bare numeral heads a part of the body.
        Class::Debris | Class::Prompt if is_numeral(text) && place == Place::Above => None,
        Class::Debris => Some(Rule::Debris),
        Class::CommentHead | Class::Reply => Some(Rule::Comment),
        Class::OriginalTitle | Class::PaperPage => Some(Rule::Origin),
        Class::Meta => Some(Rule::Meta),
        Class::Prompt => Some(Rule::Prompt),
    }
}

/// Between two paragraphs of the body, words alone condemn nothing: it takes a picture beside a caption, a link behind the
/// head of a list, a wording that no sentence has.
fn between(items: &[Item<'_, '_>], i: usize, extent: Extent) -> Option<Rule> {
    let item = &items[i];
    let text = item.line.text.as_ref();
    let marked = !item.is_plain_markup();
    let rule = |yes: bool, rule: Rule| yes.then_some(rule);
    match &item.class {
        // Without a picture beside it, a paragraph in an element named as a caption is one of the text's.
        Class::Plain => {
            rule(is_caption_element(item.line) && (item.pictured || !item.solid || item.line.chars < 60), Rule::Caption)
        }
        Class::Staff(staff) => {
            let alone = noise::is_bracketed(text) || byline::is_desk_byline(text);
            rule(alone || closes(items, i, staff) || marked && !item.line.code, Rule::Staff)
        }
        Class::RelatedHead => {
            let links_follow = items[i + 1..].iter().take(2).any(|x| x.line.link_share() > 0.5);
            rule(marked || links_follow || i + 1 >= extent.end, Rule::Related)
        }
        Class::Caption => rule(item.pictured || noise::is_credit(text), Rule::Caption),
        Class::Notice => rule(marked || noise::is_reprint_notice(text), Rule::Notice),
        Class::Debris => rule(!is_numeral(text) && (item.pictured || !noise::is_minute(text)), Rule::Debris),
        Class::Prompt => {
            rule(marked || is_boxed(items, i) || noise::is_widget(text) || noise::is_first_printed(text), Rule::Prompt)
        }
        Class::CommentHead | Class::Reply => rule(marked, Rule::Comment),
        Class::OriginalTitle | Class::PaperPage => Some(Rule::Origin),
        Class::Meta => rule(marked || noise::is_info_line(text), Rule::Meta),
        Class::Summary => None,
    }
}

/// In a box of its own (a `div`, say) between paragraphs that are none.
fn is_boxed(items: &[Item<'_, '_>], i: usize) -> bool {
    let before = items[..i].iter().rev().find(|x| x.solid).map(|x| x.tag);
    let after = items[i + 1..].iter().find(|x| x.solid).map(|x| x.tag);
    items[i].tag == Tag::Block && before.is_some() && before == after && before != Some(Tag::Block)
}

/// A line of staff with hardly any text behind it.
fn closes(items: &[Item<'_, '_>], i: usize, staff: &Staff) -> bool {
    let after = items[i + 1..].iter().filter(|x| x.solid).count();
    let before = items[..i].iter().filter(|x| x.solid).count();
    let n = items.len();
    staff.editors.keys().any(|role| super::roles::is_of_the_desk(role))
        && before > 0
        && (after == 0 || before > after * 2 && n - i < 40 && i > n / 3)
}

/// True if a cut line is the end of the article.
pub(super) fn ends_text(items: &[Item<'_, '_>], i: usize, extent: Extent) -> bool {
    match &items[i].class {
        Class::Staff(staff) => !staff.editors.is_empty() && (closes(items, i, staff) || i >= extent.end),
        Class::RelatedHead => {
            let before = items[..i].iter().filter(|x| x.solid).count();
            let ends = match items[i].line.is_latin() {
                // Boxes of links stand in the middle of English texts.
                true => !goes_on_below(items, i),
                false => ends_article(&items[i + 1..], before) && !resumes(items, i, extent),
            };
            before > 0 && i >= extent.first && ends
        }
        _ => false,
    }
}

/// In an element named as a caption; not a whole paragraph, which some sites set in one.
fn is_caption_element(line: &Line<'_>) -> bool {
    let most = if line.is_latin() { 400 } else { 120 };
    (line.caption * 2 > line.chars || line.hints.contains(Hints::CAPTION)) && line.chars <= most
}
