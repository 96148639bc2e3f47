//! What stands inside the container and is no body: elements to take out, lines to drop.

use std::collections::{BTreeMap, HashMap, HashSet};

use scraper::{ElementRef, Selector};

use super::draft::{Draft, LineRule, Removal};
use super::names;
use super::study::{Line, Study};
use super::text::squash;
use crate::clean::blocks::Tag;
use crate::clean::byline;
use crate::clean::hints::Hints;

/// Names that alone are reason enough to take an element out.
const FRAME: Hints = Hints::FRAME.union(Hints::SUMMARY);

/// An element of the container without any body.
struct Foreign {
    page: usize,
    elem: usize,
}

/// Finds what to take out. `surplus` are, per page, the squashed lines that the template gave and should not have.
pub fn removals(draft: &mut Draft, studies: &[Study], surplus: &HashMap<usize, HashSet<String>>) {
    let Ok(container) = Selector::parse(&draft.body) else { return };
    let mut by_css: BTreeMap<String, (u8, Vec<Foreign>)> = BTreeMap::new();
    for &page in &draft.pages {
        let study = &studies[page];
        let Some(inside) = study.first_with_text(&container) else { continue };
        for elem in foreign(study, inside) {
            for candidate in study.element(elem).map(names::own).unwrap_or_default() {
                let entry = by_css.entry(candidate.css).or_insert((candidate.cost, Vec::new()));
                entry.1.push(Foreign { page, elem });
            }
        }
    }
    let mut chosen = Vec::new();
    for (css, (cost, found)) in by_css {
        let Ok(selector) = Selector::parse(&css) else { continue };
        if cost > 3 || spoils(&selector, draft, studies, &container) || !is_wanted(&found, studies, surplus) {
            continue;
        }
        let pages: HashSet<usize> = found.iter().map(|f| f.page).collect();
        let covers: HashSet<(usize, usize)> = found.iter().map(|f| (f.page, f.elem)).collect();
        let sample = found.first().map(|f| sample(&studies[f.page], f.elem)).unwrap_or_default();
        chosen.push((Removal { css, pages: pages.len(), sample }, cost, covers));
    }
    // Of selectors for the same elements the best named one is enough.
    chosen.sort_by(|a, b| b.2.len().cmp(&a.2.len()).then(a.1.cmp(&b.1)).then(a.0.css.len().cmp(&b.0.css.len())));
    let mut covered: HashSet<(usize, usize)> = HashSet::new();
    for (removal, _, covers) in chosen {
        if covers.iter().all(|c| covered.contains(c)) {
            continue;
        }
        covered.extend(covers);
        draft.remove.push(removal);
    }
}

/// The outermost elements inside a container that hold lines and none of the body.
fn foreign(study: &Study, container: usize) -> Vec<usize> {
    let mut out = Vec::new();
    let until = study.elems[container].until as usize;
    let mut at = container + 1;
    while at < until {
        let range = study.range(at);
        if !range.is_empty() && !range.clone().any(|i| study.lines[i].body) && has_name(study, at) {
            out.push(at);
            at = study.elems[at].until as usize;
        } else {
            at += 1;
        }
    }
    out
}

fn has_name(study: &Study, elem: usize) -> bool {
    study.element(elem).is_some_and(|e| names::own(e).iter().any(|c| c.cost <= 3))
}

/// The selector would take some of the body on some page, or the body whole.
fn spoils(selector: &Selector, draft: &Draft, studies: &[Study], container: &Selector) -> bool {
    draft.pages.iter().map(|&p| &studies[p]).any(|study| {
        let inside = study.first_with_text(container);
        study
            .select(selector)
            .into_iter()
            .any(|e| study.touches_body(e) || inside.is_some_and(|c| e <= c && c < study.elems[e].until as usize))
    })
}

/// Worth a selector: the text would have it, its name says what it is, or several pages have it.
fn is_wanted(found: &[Foreign], studies: &[Study], surplus: &HashMap<usize, HashSet<String>>) -> bool {
    // The cleaner reads staff lines where they stand; taken out, they could not be read.
    if found.iter().any(|f| lines_of(studies, f).iter().any(|l| is_staff(&l.text))) {
        return false;
    }
    let pages: HashSet<usize> = found.iter().map(|f| f.page).collect();
    let elem = |f: &Foreign| &studies[f.page].elems[f.elem];
    let is_paragraph = found.iter().any(|f| elem(f).tag == Tag::P);
    let named = found.iter().all(|f| elem(f).hints.intersects(FRAME));
    let unwanted = found
        .iter()
        .any(|f| surplus.get(&f.page).is_some_and(|s| lines_of(studies, f).iter().any(|l| s.contains(&l.squashed))));
    if is_paragraph {
        // The class of a paragraph may be one of layout, and another day's body may have it.
        return unwanted && (named || pages.len() > 1);
    }
    unwanted || named || pages.len() > 1
}

fn is_staff(line: &str) -> bool {
    byline::staff_line(line).is_some()
        || ["编辑", "责编", "审读", "校对", "审核", "監製"].iter().any(|role| line.contains(role))
}

fn lines_of<'a>(studies: &'a [Study], f: &Foreign) -> &'a [Line] {
    let study = &studies[f.page];
    &study.lines[study.range(f.elem)]
}

fn sample(study: &Study, elem: usize) -> String {
    study
        .range(elem)
        .map(|i| study.lines[i].text.as_str())
        .find(|t| t.chars().count() > 1)
        .unwrap_or_default()
        .to_owned()
}

/// Lines that several pages have and that are no body: rules for those that were not taken out with their elements.
///
/// Returns the lines that stay, for a person to look at.
pub fn lines(draft: &mut Draft, studies: &[Study], surplus: &HashMap<usize, Vec<String>>) -> Vec<String> {
    let mut by_line: BTreeMap<String, (String, HashSet<usize>)> = BTreeMap::new();
    for (page, lines) in surplus {
        for line in lines {
            by_line.entry(squash(line)).or_insert_with(|| (line.clone(), HashSet::new())).1.insert(*page);
        }
    }
    let mut doubtful = Vec::new();
    let mut single: Vec<(String, usize)> = Vec::new();
    for (squashed, (line, pages)) in by_line {
        if pages.len() > 1 && squashed.chars().count() >= 2 {
            draft.lines.push(exact(&line, pages.len()));
        } else {
            single.extend(pages.into_iter().map(|p| (line.clone(), p)));
        }
    }
    single.sort();
    let mut at = 0;
    while at < single.len() {
        let mut end = at + 1;
        let mut prefix = single[at].0.clone();
        while end < single.len() {
            let shared = shared_prefix(&prefix, &single[end].0);
            if shared.chars().count() < LEAST_PREFIX {
                break;
            }
            prefix = shared.to_owned();
            end += 1;
        }
        let group = &single[at..end];
        let pages: HashSet<usize> = group.iter().map(|(_, p)| *p).collect();
        let longest = group.iter().map(|(l, _)| l.chars().count()).max().unwrap_or(0);
        if pages.len() > 1 && longest <= 60 && !begins_body(&prefix, draft, studies) {
            let pattern = format!("^{}", regex::escape(prefix.trim_end()));
            draft.lines.push(LineRule { pattern, max_chars: longest + 20, pages: pages.len() });
        } else {
            doubtful.extend(group.iter().map(|(l, _)| l.clone()));
        }
        at = end;
    }
    doubtful
}

/// Fewest characters that lines must begin with together to be of one kind.
const LEAST_PREFIX: usize = 4;

fn exact(line: &str, pages: usize) -> LineRule {
    LineRule {
        pattern: format!("^{}$", regex::escape(line.trim())),
        max_chars: squash(line).chars().count() + 4,
        pages,
    }
}

fn shared_prefix<'a>(a: &'a str, b: &str) -> &'a str {
    let end = a.char_indices().zip(b.chars()).find(|((_, x), y)| x != y).map(|((i, _), _)| i);
    &a[..end.unwrap_or(a.len().min(b.len()))]
}

fn begins_body(prefix: &str, draft: &Draft, studies: &[Study]) -> bool {
    draft.pages.iter().any(|&p| studies[p].lines.iter().any(|l| l.body && l.text.starts_with(prefix)))
}

/// Elements around the container that say on all pages of a group, and on none of the others, that it is this layout.
pub fn marks(studies: &[Study], pages: &[usize], others: &[usize]) -> Option<String> {
    let first = studies.get(*pages.first()?)?;
    let mut best: Option<(u8, String)> = None;
    for element in first.html.root_element().descendants().filter_map(ElementRef::wrap) {
        for candidate in names::own(element).into_iter().filter(|c| c.cost <= 1) {
            if best.as_ref().is_some_and(|(cost, css)| (*cost, css.len()) <= (candidate.cost, candidate.css.len())) {
                continue;
            }
            let Ok(selector) = Selector::parse(&candidate.css) else { continue };
            let has = |p: &usize| studies[*p].html.select(&selector).next().is_some();
            if pages.iter().all(has) && !others.iter().any(has) {
                best = Some((candidate.cost, candidate.css));
            }
        }
    }
    best.map(|(_, css)| css)
}
