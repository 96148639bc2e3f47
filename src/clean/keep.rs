//! What of a page a selector file reads beyond the usual, so that the tree can leave out the rest.

use std::collections::HashSet;

use scraper::Selector;
use scraper::selector::ToCss;

use super::dom::Keep;
use crate::sites::{Read, Site, Step, Template, WholeRule};

/// Scripts and attributes that the steps and selectors of a site's templates look at.
pub fn of(site: &Site) -> Keep {
    let mut keep = Keep::default();
    for template in &site.templates {
        selectors(template).for_each(|s| attributes(s, &mut keep.attributes));
        for step in steps(template) {
            match &step.read {
                Read::Css { selector, attr } => {
                    attributes(selector, &mut keep.attributes);
                    keep.attributes.extend(attr.iter().map(|a| a.to_ascii_lowercase()));
                }
                Read::Json { script, .. } => {
                    script.iter().for_each(|s| attributes(s, &mut keep.attributes));
                    keep.scripts = true;
                }
                Read::Script(_) => keep.scripts = true,
                Read::Meta(_) | Read::JsonLd(_) | Read::Url(_) | Read::Value(_) => {}
            }
        }
    }
    keep
}

fn selectors(t: &Template) -> impl Iterator<Item = &Selector> {
    let whole = t.whole.iter().filter_map(|w| match w {
        WholeRule::Link { css, .. } => Some(css),
        WholeRule::Url { .. } => None,
    });
    let lists = [&t.when.has, &t.when.lacks, &t.remove, &t.keep, &t.captions];
    lists.into_iter().flatten().chain(t.next.iter().map(|n| &n.css)).chain(whole)
}

fn steps(t: &Template) -> impl Iterator<Item = &Step> {
    crate::sites::Fields::NAMES.iter().filter_map(|name| t.fields.get(name)).flatten()
}

/// Names of the attributes that a selector asks for: what stands behind each `[`.
fn attributes(selector: &Selector, names: &mut HashSet<String>) {
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
        let mut names = HashSet::new();
        let selector = Selector::parse("td[bgcolor='#f3f3f3'] > a:not([data-role])").ok();
        selector.iter().for_each(|s| attributes(s, &mut names));
        assert!(names.contains("bgcolor") && names.contains("data-role"), "{names:?}");
    }
}
