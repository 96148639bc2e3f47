//! Names that will still be there tomorrow: which ids and classes a selector may rest on.

use scraper::ElementRef;

use crate::sites::names::is_stable;

/// A CSS selector for an element, and how much one would rather not use it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// 0 for an id, more for what says less or lasts shorter.
    pub cost: u8,
    /// The selector.
    pub css: String,
}

/// Ancestors that may help to name an element that has no good name of its own.
const REACH: usize = 5;

/// Selectors for an element by its own names alone, the best first.
pub fn own(element: ElementRef<'_>) -> Vec<Candidate> {
    let mut out = Vec::new();
    let value = element.value();
    let tag = value.name();
    if let Some(id) = value.id().filter(|id| is_stable(id)) {
        out.push(Candidate { cost: 0, css: format!("#{id}") });
    }
    if value.attr("itemprop").is_some_and(|v| v == "articleBody") {
        out.push(Candidate { cost: 1, css: "[itemprop='articleBody']".to_owned() });
    }
    let classes: Vec<&str> = value.classes().take(12).collect();
    let stable: Vec<&str> = classes.iter().copied().filter(|c| is_stable(c)).collect();
    for class in &stable {
        let cost = if is_utility(class) { 4 } else { 1 };
        out.push(Candidate { cost, css: format!(".{class}") });
        out.push(Candidate { cost: cost + 1, css: format!("{tag}.{class}") });
    }
    for (i, first) in stable.iter().enumerate() {
        for second in &stable[i + 1..] {
            out.push(Candidate { cost: 3, css: format!(".{first}.{second}") });
        }
    }
    for class in classes.iter().filter(|c| !is_stable(c)) {
        if let Some(prefix) = stable_prefix(class) {
            out.push(Candidate { cost: 3, css: format!("[class*='{prefix}']") });
        }
    }
    if matches!(tag, "article" | "h1" | "main") {
        out.push(Candidate { cost: 4, css: tag.to_owned() });
    }
    out.sort();
    out.dedup_by(|a, b| a.css == b.css);
    out
}

/// Selectors for an element by its own names and by those of the elements around it, the best first.
pub fn of(element: ElementRef<'_>) -> Vec<Candidate> {
    let mut out = own(element);
    let tag = element.value().name();
    if matches!(tag, "html" | "body") {
        return out;
    }
    let own: Vec<Candidate> = out.iter().filter(|c| c.css != tag).take(4).cloned().collect();
    for (distance, above) in element.ancestors().filter_map(ElementRef::wrap).take(REACH).enumerate() {
        let far = u8::try_from(distance).unwrap_or(u8::MAX);
        for outer in self::own(above).into_iter().filter(|c| c.cost <= 3).take(3) {
            if distance == 0 {
                out.push(Candidate { cost: outer.cost + 4, css: format!("{} > {tag}", outer.css) });
            }
            out.push(Candidate { cost: outer.cost + 5 + far, css: format!("{} {tag}", outer.css) });
            for inner in &own {
                out.push(Candidate {
                    cost: outer.cost + inner.cost + 2 + far,
                    css: format!("{} {}", outer.css, inner.css),
                });
            }
        }
    }
    out.sort();
    let mut seen = std::collections::HashSet::new();
    out.retain(|c| seen.insert(c.css.clone()));
    out
}

/// `index_main_` of `index_main_bH1VR`: what stays when the build changes.
fn stable_prefix(name: &str) -> Option<&str> {
    let at = name.rfind(['-', '_'])? + 1;
    let prefix = &name[..at];
    (prefix.len() >= 6 && is_stable(prefix.trim_end_matches(['-', '_']))).then_some(prefix)
}

/// Names of states and of layout, which many elements share.
fn is_utility(name: &str) -> bool {
    matches!(
        name,
        "clearfix"
            | "clear"
            | "cf"
            | "fl"
            | "fr"
            | "left"
            | "right"
            | "on"
            | "active"
            | "cur"
            | "current"
            | "show"
            | "hide"
            | "hidden"
            | "box"
            | "wrap"
            | "wrapper"
            | "inner"
            | "container"
            | "row"
            | "col"
            | "main"
            | "con"
            | "bg"
            | "mt10"
            | "mb10"
            | "pd"
            | "first"
            | "last"
            | "center"
            | "tc"
            | "tl"
            | "tr"
            | "w100"
            | "layout"
            | "block"
            | "grid"
            | "flex"
            | "item"
            | "list"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stable_part_of_a_name() {
        assert_eq!(stable_prefix("index_main_bH1VR"), Some("index_main_"));
        assert_eq!(stable_prefix("bH1VR"), None);
    }

    #[test]
    fn the_best_name_comes_first() {
        let html = scraper::Html::parse_fragment(
            "<div class='wrap fl'><div id='endText' class='post_body'><p>一</p></div></div>",
        );
        let css = |s: &str| of(html.select(&scraper::Selector::parse(s).unwrap()).next().unwrap());
        assert_eq!(css("#endText")[0].css, "#endText");
        assert_eq!(css("p")[0].css, "#endText > p");
    }
}
