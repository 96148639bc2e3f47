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

fn published(pages: &[&Study]) -> Vec<Step> {
    let mut steps = best(pages, &|s, text| {
        let context = context(s);
        let when = date::parse_value(text, &context)?;
        Some(s.record.published_at.as_deref() == Some(when.to_rfc3339(&context.zone).as_str()))
    });
    let found: usize = steps.iter().map(|s| s.right).sum();
    if found < pages.len() {
        steps.extend(published_meta(pages));
    }
    steps
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

/// Costlier selectors say too little of what they find.
const MAX_COST: u8 = 5;

/// Most steps of a field.
const MAX_STEPS: usize = 3;

/// A selector with the pages on which its first text is right.
struct Found {
    css: String,
    cost: u8,
    right: Vec<usize>,
    /// Characters of the elements on all pages: the less, the closer they are to the value.
    length: u32,
}

/// The selectors whose first text is right on the most pages and wrong on none.
fn best(pages: &[&Study], judge: &Judge<'_>) -> Vec<Step> {
    let mut found = candidates(pages, judge);
    let mut left: Vec<usize> = (0..pages.len()).collect();
    let mut steps = Vec::new();
    while steps.len() < MAX_STEPS && !left.is_empty() {
        let gain = |f: &Found| f.right.iter().filter(|p| left.contains(p)).count();
        // The most pages first; then the better name; then the element with the least text beside what is wanted.
        let better = |a: &Found, b: &Found| {
            gain(a)
                .cmp(&gain(b))
                .then(b.cost.cmp(&a.cost))
                .then(b.length.cmp(&a.length))
                .then(b.css.len().cmp(&a.css.len()))
                .then(b.css.cmp(&a.css))
        };
        let Some(top) =
            found.iter().max_by(|a, b| better(a, b)).filter(|f| is_enough(f, gain(f), left.len(), pages.len()))
        else {
            break;
        };
        left.retain(|p| !top.right.contains(p));
        let step = css_step(&Candidate { cost: top.cost, css: top.css.clone() }, top.right.len());
        let css = top.css.clone();
        steps.push(step);
        found.retain(|f| f.css != css);
    }
    steps
}

/// What is found on few of the pages is more likely chance than rule, unless its name is good.
fn is_enough(found: &Found, gain: usize, left: usize, all: usize) -> bool {
    gain * 2 > left && (gain > 1 || all == 1 || found.cost <= 1) && (gain * 3 >= all || found.cost == 0)
}

fn candidates(pages: &[&Study], judge: &Judge<'_>) -> Vec<Found> {
    let mut costs: BTreeMap<String, u8> = BTreeMap::new();
    for study in pages {
        for element in study.html.root_element().descendants().filter_map(ElementRef::wrap) {
            if !is_plausible(study, element) || judge(study, &text_of(element)) != Some(true) {
                continue;
            }
            for candidate in names::of(element).into_iter().filter(|c| c.cost <= MAX_COST).take(24) {
                let cost = costs.entry(candidate.css).or_insert(candidate.cost);
                *cost = (*cost).min(candidate.cost);
            }
        }
    }
    let judged = costs.into_iter().filter_map(|(css, cost)| {
        let selector = Selector::parse(&css).ok()?;
        let mut found = Found { css, cost, right: Vec::new(), length: 0 };
        for (p, study) in pages.iter().enumerate() {
            let Some(text) = study.html.select(&selector).map(text_of).find(|t| !t.is_empty()) else { continue };
            found.length += visible(&text);
            match judge(study, &text) {
                Some(true) => found.right.push(p),
                Some(false) => return None,
                None => {}
            }
        }
        Some(found)
    });
    judged.filter(|f| !f.right.is_empty()).collect()
}

/// Fields stand in short elements that are shown, outside of the body's paragraphs.
fn is_plausible(study: &Study, element: ElementRef<'_>) -> bool {
    if matches!(
        element.value().name(),
        "html" | "body" | "head" | "script" | "style" | "title" | "meta" | "a" | "option"
    ) {
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
