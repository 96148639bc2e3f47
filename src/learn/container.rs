//! Where the body lies: the fewest selectors that find the taught body on the most pages.
//!
//! Pages that share such a selector share a template, so finding containers and grouping pages is one thing.

use std::collections::BTreeMap;

use scraper::Selector;

use super::names;
use super::study::Study;
use crate::clean::blocks::Tag;
use crate::clean::title;

/// A group of pages whose body one selector finds.
#[derive(Debug, Clone)]
pub struct Group {
    /// The selector of the container.
    pub css: String,
    /// Pages on which it finds the taught body.
    pub pages: Vec<usize>,
    /// Pages on which it finds something else.
    pub wrong: Vec<usize>,
    /// One page alone, on which the container of another group holds something else: one of the two is mistaken there.
    pub contested: bool,
}

/// Elements above the tightest container that are looked at.
const CLIMB: usize = 5;

/// Share of the taught body that must lie inside.
const RECALL: f64 = 0.97;

/// How well a selector does on a page.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Hit {
    /// Finds nothing with text.
    Nothing,
    /// Finds the taught body, with this many other characters.
    Body { excess: u32, several: bool, headline: bool },
    /// Finds something else.
    Wrong,
}

/// Groups pages by the container of their bodies.
pub fn groups(studies: &[Study]) -> Vec<Group> {
    let mut costs: BTreeMap<String, u8> = BTreeMap::new();
    for study in studies {
        for at in chain(study) {
            for candidate in study.element(at).map(names::of).unwrap_or_default() {
                let cost = costs.entry(candidate.css).or_insert(candidate.cost);
                *cost = (*cost).min(candidate.cost);
            }
        }
    }
    let judged: Vec<(String, u8, Vec<Hit>)> = costs
        .into_iter()
        .filter_map(|(css, cost)| {
            let selector = Selector::parse(&css).ok()?;
            let hits = studies.iter().map(|s| judge(s, &selector)).collect();
            Some((css, cost, hits))
        })
        .collect();
    // On each page, a container may be a little wider than the tightest, not much: what is wider holds more noise.
    let tightest: Vec<u32> = (0..studies.len())
        .map(|p| judged.iter().filter_map(|(_, _, hits)| excess(hits[p])).min().unwrap_or(u32::MAX))
        .collect();
    let fits = |hits: &[Hit], p: usize| {
        excess(hits[p]).is_some_and(|e| e <= tightest[p].saturating_add((studies[p].body_chars() / 4).max(120)))
    };
    let mut left: Vec<usize> = (0..studies.len()).collect();
    let mut groups = Vec::new();
    while !left.is_empty() {
        let best = judged
            .iter()
            .map(|(css, cost, hits)| {
                let pages: Vec<usize> = left.iter().copied().filter(|&p| fits(hits, p)).collect();
                let wrong: Vec<usize> = (0..studies.len()).filter(|&p| hits[p] == Hit::Wrong).collect();
                let several = pages.iter().filter(|&&p| matches!(hits[p], Hit::Body { several: true, .. })).count();
                let headlines = pages.iter().filter(|&&p| matches!(hits[p], Hit::Body { headline: true, .. })).count();
                let excess: u32 = pages.iter().filter_map(|&p| excess(hits[p])).sum();
                let worth = pages.len() as i64 * 100
                    - wrong.len() as i64 * 60
                    - several as i64 * 8
                    // One element deeper there is less that a redesign could put in.
                    - headlines as i64 * 30
                    - i64::from(*cost) * 6
                    - i64::from(excess) / 20;
                (worth, css, pages, wrong)
            })
            .filter(|(_, _, pages, _)| !pages.is_empty())
            .max_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.len().cmp(&a.1.len())).then_with(|| b.1.cmp(a.1)));
        let Some((_, css, pages, wrong)) = best else { break };
        left.retain(|p| !pages.contains(p));
        let elsewhere = |g: &Group| g.pages.len() > 1 && pages.iter().any(|p| g.wrong.contains(p));
        let contested = pages.len() == 1 && (groups.iter().any(elsewhere) || (studies.len() > 2 && !wrong.is_empty()));
        groups.push(Group { css: css.clone(), pages, wrong, contested });
    }
    groups
}

fn excess(hit: Hit) -> Option<u32> {
    match hit {
        Hit::Body { excess, .. } => Some(excess),
        Hit::Nothing | Hit::Wrong => None,
    }
}

/// The tightest element around the body and some above it, none of which is the page itself.
fn chain(study: &Study) -> Vec<usize> {
    let Some(mut tightest) = study.container() else { return Vec::new() };
    // A text of one paragraph: its container is what would hold a second one.
    let is_one_line = study.lines.iter().any(|l| l.body && l.block == tightest);
    while is_one_line && !matches!(study.elems[tightest].tag, Tag::Block | Tag::Cell | Tag::Body)
        || study.lines.iter().filter(|l| l.body).count() == 1
            && study.lines.iter().any(|l| l.body && l.block == tightest)
    {
        let parent = study.elems[tightest].parent as usize;
        if parent == tightest {
            break;
        }
        tightest = parent;
    }
    let mut out = vec![tightest];
    let mut at = tightest;
    while out.len() <= CLIMB {
        let parent = study.elems[at].parent as usize;
        if parent == at {
            break;
        }
        at = parent;
        out.push(at);
    }
    out.retain(|&e| study.element(e).is_some_and(|e| !matches!(e.value().name(), "html" | "body")));
    out
}

fn judge(study: &Study, selector: &Selector) -> Hit {
    let found: Vec<usize> = study.select(selector).into_iter().filter(|&e| !study.range(e).is_empty()).collect();
    let Some(&first) = found.first() else { return Hit::Nothing };
    let (body, excess) = study.counts(first);
    if f64::from(body) < f64::from(study.body_chars()) * RECALL {
        return Hit::Wrong;
    }
    // Nested matches are one place, others are chance.
    let outside = found.iter().any(|&e| e >= study.elems[first].until as usize);
    let title = study.record.title.as_deref().map(title::squash).unwrap_or_default();
    let headline = study.range(first).any(|i| {
        let line = &study.lines[i];
        !line.body && line.chars < 120 && !title.is_empty() && title::squash(&line.text) == title
    });
    Hit::Body { excess, several: outside, headline }
}
