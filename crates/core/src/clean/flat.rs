//! Text that someone flattened before we got it: the page's visible lines, noise and all, no markup left.
//!
//! The run of lines with the highest sum of values (long and punctuated: plus; short: minus) is the article; the line
//! rules then tidy it as they do a container's lines.

use super::blocks::{Blocks, visible};
use super::byline;
use super::confidence::{Signals, judge};
use super::date::{self, Context};
use super::frames::Outline;
use super::generic::{ends_sentence, punctuation};
use super::meta::Meta;
use super::noise::{self, Class};
use super::pipeline::{record, reject};
use super::{Cleaned, Options, Page, PageKind, structure, tidy, title};
use crate::record::{Kind, Method, Reason};
use crate::sites::{LineRule, Sites};

/// Least characters of a body.
const MIN_BODY: usize = 25;

pub(super) fn clean(page: &Page<'_>, text: &str, sites: &Sites, options: &Options) -> Cleaned {
    let mut blocks = Blocks::of_text(text);
    options.frames.mark(page.url, &mut blocks.lines);
    if blocks.lines.is_empty() {
        return reject(Reason::Empty, "no text".to_owned());
    }
    let site = page.url.and_then(|u| sites.for_url(u)).filter(|_| !options.generic_only);
    let mut values: Vec<f32> =
        blocks.lines.iter().map(|l| if l.repeated { REPEATED } else { value(&l.text, l.chars) }).collect();
    fade_beyond_a_gap(&blocks, &mut values);
    let (first, end) = best_run(&values);
    let headline = headline(&blocks, first);
    let squashed = headline.map(|i| title::squash(&blocks.lines[i].text)).unwrap_or_default();
    let rules: Vec<&LineRule> = site.map_or(&sites.common.lines, |s| &s.lines).iter().collect();
    // The staff line behind the last paragraph belongs to the container.
    let end_with_staff = (end + 3).min(blocks.lines.len());
    let mut body = tidy::tidy(&blocks, first, end, &squashed, false, &rules);
    for line in &blocks.lines[end..end_with_staff] {
        if let Some(staff) = byline::staff_line(&line.text) {
            body.staff.merge(staff);
        }
    }
    if body.chars() < MIN_BODY {
        return reject(Reason::TooShort, format!("{} characters of body", body.chars()));
    }
    let zone = site.map_or_else(date::shanghai, |s| s.timezone.clone());
    let context = Context {
        zone,
        fetched_at: page.fetched_at,
        url_date: page.url.and_then(|u| date::in_url(u.path())),
        is_local: true,
        day_first: false,
    };
    let mut record = record(page, body.text(), site.map(|s| &**s));
    if options.blocks {
        record.blocks = structure::blocks(None, &blocks, &body, &[]);
    }
    record.method = Method::Flattened;
    record.kind = Kind::Article;
    record.site = site.map(|s| s.id.clone());
    record.language = super::language::of(&record.text, &Meta::default());
    record.title = headline.map(|i| blocks.lines[i].text.to_string());
    let above = headline.unwrap_or(first.saturating_sub(8));
    let mut near = blocks.lines[above..first.max(above)].iter().chain(blocks.lines[end..].iter().take(12));
    let when = near.clone().filter(|l| l.chars < 100).find_map(|l| date::find(&l.text, &context)).map(|f| f.when);
    record.published_at = when.map(|w| w.to_rfc3339(&context.zone));
    record.published_precision = when.map(|w| w.precision());
    record.source = body.staff.source.or_else(|| near.find_map(|l| byline::source_in(&l.text)));
    record.authors = body.staff.authors;
    record.editors = body.staff.editors;
    record.editors.retain(|_, names| !names.is_empty());
    let signals = Signals::of_text(&record, 0);
    judge(&mut record, &signals);
    let mut out = reject(Reason::NoBody, String::new());
    out.kind = PageKind::Content(Kind::Article);
    out.signals = Some(Box::new(signals));
    let title = record.title.as_deref().unwrap_or_default();
    out.outline = if options.outline { Outline::new(page.url, title, &blocks.lines) } else { None };
    out.article = Ok(Box::new(record));
    out
}

/// Value of a line that other pages of the site have too.
const REPEATED: f32 = -30.0;

/// Value of a line for the choice of the run.
fn value(text: &str, chars: u32) -> f32 {
    let n = chars as f32;
    let p = punctuation(text);
    match noise::classify(text, chars) {
        Class::Plain => {}
        Class::Staff(s) if !s.editors.is_empty() => return -200.0,
        Class::RelatedHead | Class::CommentHead => return -150.0,
        Class::Prompt | Class::Notice | Class::Meta | Class::Reply => return -30.0,
        Class::Caption | Class::OriginalTitle | Class::PaperPage | Class::Staff(_) | Class::Summary | Class::Debris => {
            return -6.0;
        }
    }
    let ends = ends_sentence(text);
    if n >= 30.0 && p.stops + p.pauses >= 2 {
        n.min(300.0)
    } else if ends && p.stops > 0 && n >= 8.0 {
        n
    } else {
        -12.0
    }
}

/// Sum of the values of the lines between two texts that makes them strangers.
const FAR: f32 = 100.0;
/// What is left of the value of a line beyond such a gap.
const FADED: f32 = 0.1;

/// Where a headline, a minute and text follow each other, the article is there: what stands far below is another one, or what
/// people say, and often longer.
fn fade_beyond_a_gap(blocks: &Blocks<'_>, values: &mut [f32]) {
    let Some(at) = (0..values.len()).find(|at| begins_article(blocks, values, *at)) else { return };
    let (mut seen, mut gap) = (0.0_f32, 0.0_f32);
    for v in &mut values[at..] {
        if gap >= FAR && seen >= 25.0 {
            if *v > 0.0 {
                *v *= FADED;
            }
        } else if *v > 0.0 {
            seen += *v;
            gap = 0.0;
        } else {
            gap -= *v;
        }
    }
}

/// A line with the minute of publication: a headline above, text below.
fn begins_article(blocks: &Blocks<'_>, values: &[f32], at: usize) -> bool {
    let line = &blocks.lines[at];
    if line.chars > 60 || !line.text.contains([':', '：']) || !line.text.bytes().any(|b| b.is_ascii_digit()) {
        return false;
    }
    let minute = || {
        let found = date::find(&line.text, &Context::default()).map(|f| f.when);
        found.is_some_and(|w| w.time.is_some() && !w.relative)
    };
    let headline = || {
        blocks.lines[at.saturating_sub(5)..at].iter().any(|l| {
            (10..=60).contains(&l.chars)
                && noise::classify(&l.text, l.chars).is_plain()
                && punctuation(&l.text).stops <= 1
        })
    };
    values[at + 1..].iter().take(5).any(|v| *v >= 20.0) && headline() && minute()
}

/// The run of lines with the highest sum.
fn best_run(values: &[f32]) -> (usize, usize) {
    let (mut best, mut range) = (f32::MIN, (0, 0));
    let (mut sum, mut start) = (0.0_f32, 0);
    for (i, v) in values.iter().enumerate() {
        if sum <= 0.0 {
            sum = 0.0;
            start = i;
        }
        sum += v;
        if sum > best {
            best = sum;
            range = (start, i + 1);
        }
    }
    range
}

/// The headline stands above the body: the nearest line that can be one, past the line with date and source.
fn headline(blocks: &Blocks<'_>, first: usize) -> Option<usize> {
    let mut candidates = (first.saturating_sub(10)..first).rev();
    let meta_at = (first.saturating_sub(8)..first).rev().find(|&i| {
        let t = &blocks.lines[i].text;
        t.contains("来源") || date::find(t, &Context::default()).is_some()
    });
    if let Some(at) = meta_at {
        candidates = (at.saturating_sub(4)..at).rev();
    }
    candidates.find(|&i| {
        let line = &blocks.lines[i];
        (8..=60).contains(&visible(&line.text))
            && noise::classify(&line.text, line.chars).is_plain()
            && punctuation(&line.text).stops <= 1
    })
}
