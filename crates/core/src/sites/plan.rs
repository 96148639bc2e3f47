//! What of a page the rules of a site look at: so that the tree can leave out the rest, and so that the elements that a
//! selector may match are known without trying every one.

use ego_tree::NodeId;
use html5ever::{LocalName, local_name};
use rustc_hash::{FxHashMap, FxHashSet};
use scraper::selector::ToCss;
use scraper::{ElementRef, Html, Node, Selector};

use jingwen_dom::Keep;

use super::{Css, Handle, Read, Site, Step, Template, WholeRule};

/// Made once for a site.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Scripts and attributes.
    pub keep: Keep,
    /// The same without the addresses of links, where nobody asks for them.
    pub keep_no_links: Keep,
    ids: FxHashMap<String, usize>,
    classes: FxHashMap<String, usize>,
    tags: Vec<(LocalName, usize)>,
    /// Number of handles.
    handles: usize,
}

impl Plan {
    /// What the steps and selectors of a site's templates look at.
    pub fn of(site: &Site) -> Self {
        let mut plan = Self::default();
        for template in &site.templates {
            for selector in selectors(template) {
                attributes(selector, &mut plan.keep.attributes);
                plan.handles_of(selector);
            }
            for step in steps(template) {
                match &step.read {
                    Read::Css { selector, attr } => {
                        attributes(selector, &mut plan.keep.attributes);
                        plan.handles_of(selector);
                        plan.keep.attributes.extend(attr.iter().map(|a| a.to_ascii_lowercase()));
                    }
                    Read::Json { script, .. } => {
                        script.iter().for_each(|s| attributes(s, &mut plan.keep.attributes));
                        plan.keep.scripts = true;
                    }
                    Read::Script(_) => plan.keep.scripts = true,
                    Read::Meta(_) | Read::JsonLd(_) | Read::Url(_) | Read::Value(_) => {}
                }
            }
        }
        plan.keep_no_links = Keep { no_links: true, ..plan.keep.clone() };
        plan
    }

    fn handles_of(&mut self, css: &Css) {
        for handle in css.handles().unwrap_or_default() {
            if self.slot(handle).is_some() {
                continue;
            }
            match handle {
                Handle::Id(id) => drop(self.ids.insert(id.clone(), self.handles)),
                Handle::Class(class) => drop(self.classes.insert(class.clone(), self.handles)),
                Handle::Tag(tag) => self.tags.push((LocalName::from(tag.as_str()), self.handles)),
            }
            self.handles += 1;
        }
    }

    fn slot(&self, handle: &Handle) -> Option<usize> {
        match handle {
            Handle::Id(id) => self.ids.get(id).copied(),
            Handle::Class(class) => self.classes.get(class).copied(),
            Handle::Tag(tag) => self.tags.iter().find(|(t, _)| **t == **tag).map(|(_, slot)| *slot),
        }
    }
}

/// The elements of one page by the handles of its site's plan.
#[derive(Debug)]
pub struct Index<'p> {
    plan: &'p Plan,
    found: Vec<Vec<NodeId>>,
}

impl<'p> Index<'p> {
    /// Goes once over the page.
    pub fn new(html: &Html, plan: &'p Plan) -> Self {
        let mut found = vec![Vec::new(); plan.handles];
        for node in html.tree.nodes() {
            let Node::Element(e) = node.value() else { continue };
            for (tag, slot) in &plan.tags {
                if e.name.local == *tag {
                    found[*slot].push(node.id());
                }
            }
            for (name, value) in &e.attrs {
                if name.local == local_name!("id") {
                    plan.ids.get(&**value).into_iter().for_each(|slot| found[*slot].push(node.id()));
                } else if name.local == local_name!("class") && !plan.classes.is_empty() {
                    for slot in value.split_ascii_whitespace().filter_map(|class| plan.classes.get(class)) {
                        // A class may be written twice.
                        if found[*slot].last() != Some(&node.id()) {
                            found[*slot].push(node.id());
                        }
                    }
                }
            }
        }
        Self { plan, found }
    }

    /// Elements that this selector may match, in page order; `None` if any may.
    fn candidates(&self, css: &Css) -> Option<Vec<NodeId>> {
        let mut out = Vec::new();
        let handles = css.handles()?;
        for handle in handles {
            out.extend_from_slice(&self.found[self.plan.slot(handle)?]);
        }
        if handles.len() > 1 {
            out.sort_unstable();
            out.dedup();
        }
        Some(out)
    }
}

/// The elements that a selector matches inside some others, in no order.
pub fn select_inside<'a>(
    html: &'a Html,
    index: Option<&Index<'_>>,
    css: &'a Css,
    inside: &'a [NodeId],
) -> impl Iterator<Item = NodeId> {
    let candidates = index.and_then(|index| index.candidates(css));
    let all = candidates.is_none().then(|| {
        let tops = inside.iter().filter_map(|id| html.tree.get(*id));
        tops.flat_map(|top| top.descendants()).map(|node| node.id())
    });
    let found = candidates.into_iter().flatten().chain(all.into_iter().flatten());
    found.filter(|id| html.tree.get(*id).and_then(ElementRef::wrap).is_some_and(|e| css.matches(&e)))
}

/// The elements that a selector matches, in page order. Without an index, or for a selector it does not help with, every
/// element is tried.
pub fn select<'a>(html: &'a Html, index: Option<&Index<'_>>, css: &'a Css) -> impl Iterator<Item = ElementRef<'a>> {
    let candidates = index.and_then(|index| index.candidates(css));
    let all = if candidates.is_none() { Some(html.tree.nodes()) } else { None };
    let found = candidates.into_iter().flatten().filter_map(|id| html.tree.get(id));
    let found = found.chain(all.into_iter().flatten()).filter_map(ElementRef::wrap);
    found.filter(|e| e.parent().is_some() && css.matches(e))
}

fn selectors(t: &Template) -> impl Iterator<Item = &Css> {
    let whole = t.whole.iter().filter_map(|w| match w {
        WholeRule::Link { css, .. } => Some(css),
        WholeRule::Url { .. } => None,
    });
    let lists = [&t.when.has, &t.when.lacks, &t.remove, &t.keep, &t.captions];
    lists.into_iter().flatten().chain(t.next.iter().map(|n| &n.css)).chain(whole)
}

fn steps(t: &Template) -> impl Iterator<Item = &Step> {
    super::Fields::NAMES.iter().filter_map(|name| t.fields.get(name)).flatten()
}

/// Names of the attributes that a selector asks for: what stands behind each `[`.
fn attributes(selector: &Selector, names: &mut FxHashSet<String>) {
    let css = selector.to_css_string();
    for part in css.split('[').skip(1) {
        let name: String = part
            .chars()
            .skip_while(|c| c.is_whitespace())
            .take_while(|c| c.is_alphanumeric() || "-_".contains(*c))
            .collect();
        if !name.is_empty() {
            names.insert(name.to_ascii_lowercase());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_selectors() {
        let mut names = FxHashSet::default();
        let selector = Selector::parse("td[bgcolor='#f3f3f3'] > a:not([data-role])").ok();
        selector.iter().for_each(|s| attributes(s, &mut names));
        assert!(names.contains("bgcolor") && names.contains("data-role"), "{names:?}");
    }
}
