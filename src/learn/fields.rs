//! Headline, date, source and staff: the element that says on every page what the generic extractor found there.

use std::collections::BTreeMap;

use scraper::{ElementRef, Selector};

use super::draft::{Draft, Step, css_step, quoted};
use super::names::{self, Candidate};
use super::study::Study;
use crate::clean::blocks::{text_of, visible};
use crate::clean::date::{self, Context};
use crate::clean::{byline, title};

/// Longest text of an element that can be a headline, a date or a staff line.
const MAX_TEXT: u32 = 160;

/// What a step makes of an element's text, and whether that is what the page should give: `None` if it gives nothing.
type Judge<'a> = dyn Fn(&Study, &str) -> Option<bool> + 'a;

/// Finds the fields of a template.
pub fn learn(draft: &mut Draft, studies: &[Study]) {
    let pages: Vec<&Study> = draft.pages.iter().map(|&p| &studies[p]).collect();
    draft.title = best(&pages, &|s, text| {
        let wanted = title::squash(s.record.title.as_deref()?);
        Some(title::squash(text) == wanted)
    });
    draft.published = published(&pages);
    draft.source = best(&pages, &|s, text| {
        let found = byline::source_in(text).or_else(|| byline::source_value(text))?;
        Some(s.record.source.as_deref() == Some(found.as_str()))
    });
    draft.editors = best(&pages, &|s, text| {
        let found = byline::staff_line(text)?.editors;
        (!found.is_empty()).then(|| found == s.record.editors)
    });
}

fn published(pages: &[&Study]) -> Option<Step> {
    let step = best(pages, &|s, text| {
        let context = context(s);
        let when = date::parse_value(text, &context)?;
        Some(s.record.published_at.as_deref() == Some(when.to_rfc3339(&context.zone).as_str()))
    });
    step.or_else(|| published_meta(pages))
}

/// A `meta` that says the date on every page.
fn published_meta(pages: &[&Study]) -> Option<Step> {
    let selector = Selector::parse("meta[content]").ok()?;
    let mut right: BTreeMap<String, usize> = BTreeMap::new();
    for study in pages {
        let context = context(study);
        for element in study.html.select(&selector) {
            let value = element.value();
            let name = ["property", "name", "itemprop"].iter().find_map(|n| value.attr(n)).map(str::trim);
            let when = value.attr("content").and_then(|c| date::parse_value(c, &context));
            if let (Some(name), Some(when)) = (name, when)
                && study.record.published_at.as_deref() == Some(when.to_rfc3339(&context.zone).as_str())
            {
                *right.entry(name.to_owned()).or_insert(0) += 1;
            }
        }
    }
    let (name, n) = right.into_iter().filter(|(_, n)| *n == pages.len()).min_by_key(|(name, _)| name.len())?;
    Some(Step { toml: format!("{{ meta = {} }}", quoted(&name)), right: n })
}

fn context(study: &Study) -> Context {
    Context { url_date: study.url.as_ref().and_then(|u| date::in_url(u.path())), ..Context::default() }
}

/// The selector whose first text is right on the most pages and wrong on none.
fn best(pages: &[&Study], judge: &Judge<'_>) -> Option<Step> {
    let mut candidates: BTreeMap<String, u8> = BTreeMap::new();
    for study in pages {
        for element in study.html.root_element().descendants().filter_map(ElementRef::wrap) {
            if !is_plausible(study, element) || judge(study, &text_of(element)) != Some(true) {
                continue;
            }
            for candidate in names::of(element).into_iter().take(24) {
                let cost = candidates.entry(candidate.css).or_insert(candidate.cost);
                *cost = (*cost).min(candidate.cost);
            }
        }
    }
    let judged = candidates.into_iter().filter_map(|(css, cost)| {
        let selector = Selector::parse(&css).ok()?;
        let mut right = 0;
        let mut length = 0;
        for study in pages {
            let Some(text) = study.html.select(&selector).map(text_of).find(|t| !t.is_empty()) else { continue };
            length += visible(&text);
            match judge(study, &text) {
                Some(true) => right += 1,
                Some(false) => return None,
                None => {}
            }
        }
        Some((right, cost, length, css))
    });
    // The most pages first; then the better name; then the element with the least text beside what is wanted.
    let (right, cost, _, css) = judged
        .filter(|(right, ..)| *right > 0)
        .max_by(|a, b| (a.0, u8::MAX - a.1).cmp(&(b.0, u8::MAX - b.1)).then(b.2.cmp(&a.2)).then(b.3.len().cmp(&a.3.len())))?;
    // What is found on few of the pages is more likely chance than rule.
    (right * 2 > pages.len()).then(|| css_step(&Candidate { cost, css }, right))
}

/// Fields stand in short elements that are shown, outside of the body's paragraphs.
fn is_plausible(study: &Study, element: ElementRef<'_>) -> bool {
    if matches!(element.value().name(), "html" | "body" | "head" | "script" | "style" | "title" | "meta" | "a" | "option") {
        return false;
    }
    let Some(&at) = study.index.get(&element.id()) else { return false };
    if study.range(at).len() > 6 || study.touches_body(at) {
        return false;
    }
    let mut chars = 0;
    for text in element.text() {
        chars += visible(text);
        if chars > MAX_TEXT {
            return false;
        }
    }
    chars > 0
}
