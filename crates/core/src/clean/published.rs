//! When the article was published: the visible line under the headline first, then what the page declares.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::blocks::{Blocks, Line};
use super::date::{self, Context, When};
use super::generic::{ends_sentence, punctuation};
use super::hints::Hints;
use super::meta::Meta;
use super::title::Headline;
use crate::pattern::Pattern;

/// `meta` names that hold the date of publication, in order of trust.
const METAS: &[&str] = &[
    "article:published_time",
    "article:published",
    "article.published",
    "og:published_time",
    "og:article:published_time",
    "datepublished",
    "publishdate",
    "pubdate",
    "publish_time",
    "apub:time",
    "og:time",
    "og:release_date",
    "weibo: article:create_at",
    "weibo:article:create_at",
    "publication_date",
    "publishtime",
    "published_time",
    "published_at",
    "published_date",
    "published-date",
    "publisheddate",
    "date_published",
    "publish-date",
    "publish_date",
    "pub_date",
    "published",
    "article_date_original",
    "originalpublicationdate",
    "cxenseparse:recs:publishtime",
    "cxenseparse:publishtime",
    "citation_publication_date",
    "citation_online_date",
    "sailthru.date",
    "parsely-pub-date",
    "dc.date.issued",
    "dcterms.issued",
    "dcterms.created",
    "dc.date.created",
    "dc.date",
    "dcterms.date",
    "date",
    "citation_date",
];

/// Finds the date of publication. `body` is the body's lines, in which sentences speak of other days.
pub fn find(
    blocks: &Blocks<'_>,
    meta: &Meta,
    headline: Option<&Headline>,
    body: Range<usize>,
    context: &Context,
) -> Option<When> {
    let visible = visible(blocks, headline, body, context);
    let declared = declared(meta, context);
    match (visible, declared) {
        (None, declared) => declared.or_else(|| from_url(context)),
        (Some(v), _) if v.near && v.when.time.is_some() && !v.when.relative => Some(v.when),
        (Some(v), Some(d))
            if d.time.is_some() && (v.when.relative || v.when.date == d.date || v.when.time.is_none()) =>
        {
            Some(d)
        }
        (Some(v), Some(d)) if !v.near => Some(if d.time.is_none() && v.when.date == d.date { v.when } else { d }),
        (Some(v), None) if !v.near && v.when.time.is_none() => from_url(context).or(Some(v.when)),
        (Some(v), _) => Some(v.when),
    }
}

/// Finds the date of the last change, if the page gives one after its publication.
pub fn modified(blocks: &Blocks<'_>, meta: &Meta, headline: Option<&Headline>, context: &Context) -> Option<When> {
    let shown = headline.and_then(|h| h.line).into_iter().flat_map(|at| blocks.lines.iter().skip(at + 1).take(REACH));
    let mut labelled = shown.filter(|l| l.chars < 60).filter_map(|l| {
        let at = modified_at(&l.text)?;
        date::find(&l.text[at..], context).map(|f| f.when)
    });
    labelled.next().map(|w| localised(w, context)).or_else(|| declared_modified(meta, context))
}

/// The date of the last change that `meta` and JSON-LD declare.
pub fn declared_modified(meta: &Meta, context: &Context) -> Option<When> {
    const NAMES: [&str; 5] =
        ["article:modified_time", "article:modified", "og:updated_time", "datemodified", "last-modified"];
    let declared = NAMES.iter().filter_map(|n| meta.get(n)).chain(meta.json_ld_text("dateModified"));
    declared.filter_map(|text| date::parse_value(text, context)).next().map(|w| localised(w, context))
}

/// A time in UTC is that of the zone whose days the page shows.
fn localised(when: When, context: &Context) -> When {
    if when.offset != Some(Offset::UTC) || !context.is_local {
        return when;
    }
    let at = when
        .time
        .and_then(|t| TimeZone::UTC.to_ambiguous_zoned_datetime(DateTime::from_parts(when.date, t)).compatible().ok());
    let Some(local) = at.map(|z| z.with_time_zone(context.zone.clone())) else { return when };
    When { date: local.date(), time: Some(local.time()), offset: Some(local.offset()), relative: when.relative }
}

/// The day in the page's address.
pub fn from_url(context: &Context) -> Option<When> {
    context.url_date.map(|date| When { date, time: None, offset: None, relative: false })
}

/// What `meta`, JSON-LD and `time` declare, in this order of trust; a day is completed with the time that a later one gives.
pub fn declared(meta: &Meta, context: &Context) -> Option<When> {
    let mut best: Option<When> = None;
    let metas = METAS.iter().filter_map(|name| meta.get(name));
    let ld = ["datePublished", "dateCreated", "uploadDate", "pubDate"].iter().filter_map(|k| meta.json_ld_text(k));
    let own = metas.chain(ld);
    for text in own.chain(meta.time.as_deref()) {
        let Some(when) = date::parse_value(text, context).map(|w| localised(w, context)) else { continue };
        match best {
            None => best = Some(when),
            Some(day) if day.time.is_none() && when.time.is_some() && day.date == when.date => best = Some(when),
            Some(_) => {}
        }
        if best.is_some_and(|w| w.time.is_some()) {
            break;
        }
    }
    best
}

/// How many lines after the headline can hold its date.
const REACH: usize = 14;

/// How many lines after the headline, or after the body, stand right below it.
const NEXT: usize = 8;

/// A date that the page shows, and whether it stands right below the headline or is labelled as that of publication.
#[derive(Debug, Clone, Copy)]
struct Shown {
    when: When,
    near: bool,
}

/// A date in the lines about the headline, else a labelled one below the body.
fn visible(blocks: &Blocks<'_>, headline: Option<&Headline>, body: Range<usize>, context: &Context) -> Option<Shown> {
    let lines = &blocks.lines;
    let mut day: Option<Shown> = None;
    let in_text = |i: usize| body.contains(&i) && is_text(&lines[i]) && !opens_with_date(&lines[i], context);
    if let Some(at) = headline.and_then(|h| h.line) {
        let after = at + headline.map_or(1, |h| h.lines.max(1));
        let near = (after..lines.len().min(after + REACH)).chain((at.saturating_sub(6)..at).rev());
        for i in near.filter(|i| !in_text(*i)) {
            let Some(when) = of_line(lines, i, i >= after && i < after + NEXT, context) else { continue };
            let found = Shown { when, near: i >= after && i < body.start.max(after + 4) || is_labelled(&lines[i]) };
            if when.time.is_some() {
                return Some(found);
            }
            day = day.or(Some(found));
        }
    }
    day.or_else(|| labelled(lines, &body, in_text, context)).or_else(|| below(lines, &body, context))
}

/// The date of a line that says that it is that of publication, or that stands in an element for such things: below the
/// body, then anywhere.
fn labelled(
    lines: &[Line<'_>],
    body: &Range<usize>,
    in_text: impl Fn(usize) -> bool,
    context: &Context,
) -> Option<Shown> {
    let mut day: Option<Shown> = None;
    let says = |l: &Line<'_>| is_labelled(l) || l.hints.contains(Hints::META) && l.link_share() < 0.3;
    let from = body.end.min(lines.len());
    let order = (from..lines.len().min(from + 20)).chain(0..from);
    for i in order.filter(|i| says(&lines[*i]) && (!in_text(*i) || is_first_published(&lines[*i]))) {
        let Some(when) = of_line(lines, i, false, context) else { continue };
        let found = Shown { when, near: is_labelled(&lines[i]) };
        if when.time.is_some() {
            return Some(found);
        }
        day = day.or(Some(found));
    }
    day
}

/// A line right below the body that is a date and nothing else.
fn below(lines: &[Line<'_>], body: &Range<usize>, context: &Context) -> Option<Shown> {
    let after = lines.iter().enumerate().skip(body.end).take(NEXT).take_while(|(_, l)| l.link_share() < 0.5);
    let alone = |l: &Line<'_>| l.chars <= 20 && l.links == 0 && !l.hidden;
    after
        .filter(|(_, l)| alone(l))
        .find_map(|(i, _)| of_line(lines, i, true, context))
        .map(|when| Shown { when, near: false })
}

/// A line that begins with a date and is not a sentence: `3 March 2026 by Anne Smith, staff writer. 8 minutes`.
///
/// Sentences of Chinese news begin with a date.
fn opens_with_date(line: &Line<'_>, context: &Context) -> bool {
    line.is_latin()
        && line.chars <= 100
        && !ends_sentence(&line.text)
        && date::find(&line.text, context).is_some_and(|f| f.start <= 3)
}

/// `This article was originally published on …`
fn is_first_published(line: &Line<'_>) -> bool {
    ["originally published on", "first published on"].iter().any(|w| line.text.contains(w))
}

fn is_labelled(line: &Line<'_>) -> bool {
    static WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| words(&LABELS));
    WORDS.as_ref().is_some_and(|w| w.is_match(line.text.as_ref()))
}

/// Words before the date of publication, whatever their case in Latin letters.
const LABELS: [&str; 18] = [
    "发布时间",
    "发布日期",
    "发表时间",
    "发稿时间",
    "发布于",
    "發佈時間",
    "發布時間",
    "published",
    "posted",
    "publié le",
    "veröffentlicht",
    "publicado",
    "pubblicato",
    "gepubliceerd",
    "publicerad",
    "опубликован",
    "opublikowan",
    "yayınlan",
];

fn words(words: &[&str]) -> Option<AhoCorasick> {
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
}

/// A sentence of the text, rather than a line about it.
fn is_text(line: &Line<'_>) -> bool {
    line.chars > 60 || line.chars >= 14 && (punctuation(&line.text).stops > 0 || line.text.contains(['，', '。']))
}

/// When something takes place, till when one can sign up, what day it is: `比赛时间：…`, `报名截止：…`, `今天是…`.
fn is_other_day(text: &str) -> bool {
    static LABEL: LazyLock<Pattern> =
        LazyLock::new(|| Pattern::later(r"(?P<what>[\p{Han}]{2,8}?)(?:时间|日期|截止|截至|期限|有效期|時間)[ ]?[:：]"));
    const OURS: [&str; 15] = [
        "发布", "发表", "发稿", "更新", "上传", "刊发", "出版", "录入", "编辑", "新闻", "文章", "信息", "發佈", "發布",
        "成文",
    ];
    if ["今天是", "今日是", "现在时间", "当前时间", "系统时间"].iter().any(|w| text.contains(w)) {
        return true;
    }
    let Some(c) = LABEL.captures(text) else { return text.contains("截止") || text.contains("有效期") };
    !OURS.iter().any(|w| c["what"].ends_with(w))
}

/// The date of a line, with what the lines right after it add (2019 / 09/07 / 19:02 in three elements).
///
/// `is_next`: it stands right below the headline or the body, where the name of an element proves nothing.
fn of_line(lines: &[Line<'_>], i: usize, is_next: bool, context: &Context) -> Option<When> {
    let line = &lines[i];
    let odd = Hints::RELATED.union(Hints::COMMENT).union(Hints::FOOT);
    if line.chars > 120 || line.hints.intersects(odd) && !(is_next && line.chars <= 40) {
        return None;
    }
    let text = line.text.as_ref();
    if is_other_day(text) {
        return None;
    }
    let text = before_modified(text, context)?;
    let found = date::find(text, context);
    if let Some(found) = found
        && found.when.time.is_some()
    {
        return Some(found.when);
    }
    let short = |l: &Line<'_>| l.chars <= 12 && l.text.chars().next().is_some_and(|c| c.is_ascii_digit());
    if line.chars <= 24 && text.chars().any(|c| c.is_ascii_digit()) {
        let mut joined = text.to_owned();
        for next in lines.iter().skip(i + 1).take(2).filter(|l| short(l)) {
            joined.push(' ');
            joined.push_str(&next.text);
        }
        if joined.len() > text.len()
            && let Some(all) = date::find(&joined, context)
            && (all.when.time.is_some() || found.is_none())
        {
            return Some(all.when);
        }
    }
    found.map(|f| f.when)
}

/// What a line says of the publication: all of it, if it does not speak of the last change too; `None` if it only does that.
fn before_modified<'t>(text: &'t str, context: &Context) -> Option<&'t str> {
    let Some(at) = modified_at(text) else { return Some(text) };
    if let Some(label) = ["发布时间", "发布日期", "发表时间", "发布于"].iter().find_map(|w| text.find(w))
    {
        return Some(if label > at { &text[label..] } else { &text[..at] });
    }
    let has_date = |part: &str| date::find(part, context).is_some();
    let both = has_date(&text[..at]) && has_date(&text[at..]);
    (both || text.contains("发布")).then_some(if both { &text[..at] } else { text })
}

/// Where a line begins to speak of the last change.
fn modified_at(text: &str) -> Option<usize> {
    static WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| words(&MODIFIED));
    WORDS.as_ref()?.find(text).map(|m| m.start())
}

/// Words before the date of the last change, whatever their case in Latin letters.
const MODIFIED: [&str; 18] = [
    "最后更新",
    "更新时间",
    "更新于",
    "修改时间",
    "编辑于",
    "最後更新",
    "更新時間",
    "updated",
    "modified",
    "mis à jour",
    "aktualisiert",
    "actualizado",
    "aggiornato",
    "atualizado",
    "bijgewerkt",
    "обновлен",
    "zaktualizowan",
    "güncelle",
];
