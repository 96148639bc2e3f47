//! When the article was published: the visible line under the headline first, then what the page declares.

use super::blocks::{Blocks, Line};
use super::date::{self, Context, When};
use super::hints::Hints;
use super::meta::Meta;
use super::title::Headline;

/// `meta` names that hold the date of publication, in order of trust.
const METAS: &[&str] = &[
    "article:published_time",
    "og:published_time",
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
    "date",
    "dc.date",
    "dc.date.issued",
    "sailthru.date",
    "parsely-pub-date",
];

/// Finds the date of publication.
pub fn find(
    blocks: &Blocks<'_>,
    meta: &Meta,
    headline: Option<&Headline>,
    body_end: usize,
    context: &Context,
) -> Option<When> {
    let visible = visible(blocks, headline, body_end, context);
    if let Some(when) = visible.filter(|w| w.time.is_some() && !w.relative) {
        return Some(when);
    }
    let declared = declared(meta, context);
    match (visible, declared) {
        (None, declared) => declared.or_else(|| from_url(context)),
        (Some(v), Some(d)) if d.time.is_some() && (v.relative || v.date == d.date || v.time.is_none()) => Some(d),
        (Some(v), _) => Some(v),
    }
}

fn from_url(context: &Context) -> Option<When> {
    context.url_date.map(|date| When { date, time: None, offset: None, relative: false })
}

/// What `meta`, JSON-LD and `time` declare.
pub fn declared(meta: &Meta, context: &Context) -> Option<When> {
    let mut best: Option<When> = None;
    let metas = METAS.iter().filter_map(|name| meta.get(name));
    let ld = ["datePublished", "dateCreated", "uploadDate", "pubDate"].iter().filter_map(|k| meta.json_ld_text(k));
    for text in metas.chain(ld).chain(meta.time.as_deref()) {
        let Some(when) = date::parse_value(text, context) else { continue };
        if when.time.is_some() {
            return Some(when);
        }
        best = best.or(Some(when));
    }
    best
}

/// How many lines after the headline can hold its date.
const REACH: usize = 14;

/// A date in the lines about the headline, else a labelled one below the body.
fn visible(blocks: &Blocks<'_>, headline: Option<&Headline>, body_end: usize, context: &Context) -> Option<When> {
    let lines = &blocks.lines;
    let mut day: Option<When> = None;
    if let Some(at) = headline.and_then(|h| h.line) {
        let after = at + headline.map_or(1, |h| h.lines.max(1));
        let near = (after..lines.len().min(after + REACH)).chain((at.saturating_sub(6)..at).rev());
        for i in near {
            let Some(when) = of_line(lines, i, context) else { continue };
            if when.time.is_some() {
                return Some(when);
            }
            day = day.or(Some(when));
        }
    }
    if day.is_none() {
        let labelled = |l: &Line<'_>| {
            l.hints.contains(Hints::META)
                || ["发布时间", "发布日期", "发表时间", "发稿时间", "时间：", "时间:", "日期：", "日期:"]
                    .iter()
                    .any(|w| l.text.contains(w))
        };
        let from = body_end.min(lines.len());
        let order = (from..lines.len().min(from + 20)).chain(0..from);
        for i in order.filter(|i| labelled(&lines[*i])) {
            let Some(when) = of_line(lines, i, context) else { continue };
            if when.time.is_some() {
                return Some(when);
            }
            day = day.or(Some(when));
        }
    }
    day
}

/// The date of a line, with what the lines right after it add (2019 / 09/07 / 19:02 in three elements).
fn of_line(lines: &[Line<'_>], i: usize, context: &Context) -> Option<When> {
    let line = &lines[i];
    if line.chars > 120 || line.hints.intersects(Hints::RELATED.union(Hints::COMMENT).union(Hints::FOOT)) {
        return None;
    }
    let text = line.text.as_ref();
    if is_modified(text) {
        return None;
    }
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

/// The line speaks of the last change.
pub fn is_modified(text: &str) -> bool {
    ["最后更新", "更新时间", "更新于", "修改时间", "编辑于"].iter().any(|w| text.contains(w)) && !text.contains("发布")
}
