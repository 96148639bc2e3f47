//! What drift is told by and a record does not show: why templates did not fit, and what stands in the body's container.
//!
//! Only gathered when asked for. It says nothing about what is right; it says what a page looked like, so that
//! drift detection can tell when pages begin to look different.

use std::collections::BTreeSet;

use ego_tree::{NodeId, NodeRef};
use scraper::{Html, Node};

use super::blocks::{self, is_blank};
use super::extract::Extracted;
use super::steps::{self, Content, Source};
use crate::sites::names::is_stable;
use crate::sites::{Step, Template, TemplateKind};

/// What a page looked like to the site's templates.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Watched {
    /// Templates that were tried and did not fit.
    pub misfits: Vec<Misfit>,
    /// Kinds of blocks in the body's container: `div.share`, `ul`, and how short lines begin: `“热榜”`.
    pub kinds: Vec<String>,
    /// Characters of the body without white space, where a template found one.
    pub chars: Option<usize>,
    /// Share of the container's characters that are inside links, 0 to 1.
    pub linked: f64,
    /// How the date is written, its digits as `0`: `0-0-0 0:0`.
    pub date_form: Option<String>,
    /// The template knows a link to the next page: whether this page has it.
    pub next: Option<bool>,
}

/// A template that did not fit, and the first thing that was missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Its name.
    pub template: String,
    /// `body`, another field, `when.has`, `when.lacks` or `require`.
    pub key: &'static str,
    /// Which of the key's selectors, counted from 0.
    pub at: usize,
    /// For a person.
    pub why: String,
}

/// Most kinds noted of one page.
const MOST_KINDS: usize = 64;
/// Levels below the container that are looked at: a hot list may be wrapped, and its items need no counting.
const DEPTH: usize = 4;
/// Most characters of a line that may be a heading or a label.
const SHORT: usize = 14;
/// Most characters of the label that a line begins with: `AI摘要：…`.
const LABEL: usize = 9;

/// Why a template whose `when` does not hold was not tried; nothing if its addresses are others.
pub(super) fn does_not_apply(template: &Template, from: &Source<'_>) -> Option<Misfit> {
    let when = &template.when;
    let address = from.url.map(url::Url::as_str).unwrap_or_default();
    if !when.url.is_empty() && !when.url.iter().any(|r| r.is_match_of_address(address)) {
        return None;
    }
    let misfit = |key, at, why: &str| Some(Misfit { template: template.name.clone(), key, at, why: why.to_owned() });
    if let Some(at) = when.lacks.iter().position(|s| from.select(s).next().is_some()) {
        return misfit("when.lacks", at, "finds what it must not");
    }
    if has_body(template) && !finds_body(template, from) {
        return misfit("body", 0, "no body selector finds text");
    }
    let at = when.has.iter().position(|s| from.select(s).next().is_none())?;
    misfit("when.has", at, "finds nothing")
}

/// What a template that applies lacks.
pub(super) fn does_not_fit(template: &Template, why: &str, from: &Source<'_>) -> Misfit {
    let nothing = |steps: &[Step]| !steps.is_empty() && steps.iter().all(|s| steps::texts(s, from).is_empty());
    let required = template.require.fields.iter();
    let missing = || {
        required
            .filter_map(|name| crate::sites::Fields::NAMES.into_iter().find(|known| known == name))
            .find(|name| template.fields.get(name).is_some_and(|steps| nothing(steps)))
    };
    let key = match finds_body(template, from) {
        false => "body",
        true => missing().unwrap_or("require"),
    };
    Misfit { template: template.name.clone(), key, at: 0, why: why.to_owned() }
}

fn has_body(template: &Template) -> bool {
    !matches!(template.kind, TemplateKind::List | TemplateKind::Skip) && !template.fields.body.is_empty()
}

fn finds_body(template: &Template, from: &Source<'_>) -> bool {
    template.fields.body.iter().any(|step| steps::content(step, from).is_some())
}

impl Watched {
    /// Looks at a page that a template was applied to.
    pub(super) fn of(template: &Template, found: &Extracted, from: &Source<'_>) -> Self {
        let step = |field: &str| {
            let n = found.hits.iter().find(|h| h.field == field)?.step?;
            template.fields.get(field)?.get(n)
        };
        let mut look = Look::default();
        match &found.content {
            Content::Nodes(nodes) => {
                nodes.iter().for_each(|n| look.at(from.html, *n, &|id| found.cut.contains(&id)));
            }
            Content::Markup(markup) => {
                let html = super::dom::fragment(markup);
                look.at(&html, html.root_element().id(), &|_| false);
            }
            Content::Text(_) => {}
        }
        Self {
            misfits: Vec::new(),
            chars: Some(found.chars),
            linked: f64::from(look.linked) / f64::from(look.chars.max(1)),
            kinds: look.kinds.into_iter().collect(),
            date_form: step("published").and_then(|s| date_form(steps::texts(s, from).first()?)),
            next: template.next.as_ref().map(|_| found.next.is_some()),
        }
    }
}

#[derive(Default)]
struct Look {
    kinds: BTreeSet<String>,
    chars: u32,
    linked: u32,
}

impl Look {
    fn at(&mut self, html: &Html, container: NodeId, cut: &dyn Fn(NodeId) -> bool) {
        if let Some(node) = html.tree.get(container) {
            self.inside(node, 0, false, cut);
        }
    }

    fn inside(&mut self, node: NodeRef<'_, Node>, depth: usize, linked: bool, cut: &dyn Fn(NodeId) -> bool) {
        for child in node.children() {
            match child.value() {
                Node::Text(text) => {
                    let n = blocks::visible(text);
                    self.chars += n;
                    self.linked += if linked { n } else { 0 };
                }
                Node::Element(e) if !matches!(e.name(), "script" | "style") && !cut(child.id()) => {
                    if depth < DEPTH && self.kinds.len() < MOST_KINDS && is_block(e.name()) {
                        self.kinds.extend(kind(e));
                        self.kinds.extend(beginning(child));
                    }
                    // Deep markup is rare and bounded by the parser; text below is still counted.
                    self.inside(child, depth + 1, linked || e.name() == "a", cut);
                }
                _ => {}
            }
        }
    }
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "section"
            | "article"
            | "aside"
            | "ul"
            | "ol"
            | "dl"
            | "table"
            | "figure"
            | "blockquote"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "video"
            | "audio"
            | "form"
            | "details"
            | "nav"
            | "header"
            | "footer"
            | "p"
            | "pre"
    )
}

/// An element's name, id and classes as a selector, as far as a person gave them and they do not count anything.
fn kind(e: &scraper::node::Element) -> Option<String> {
    let tag = e.name();
    let plain = |name: &&str| is_stable(name) && !name.bytes().any(|b| b.is_ascii_digit());
    let mut out = tag.to_owned();
    if let Some(id) = e.id().filter(plain) {
        out.push('#');
        out.push_str(id);
    } else {
        let mut classes: Vec<&str> = e.classes().filter(plain).take(2).collect();
        classes.sort_unstable();
        for class in classes {
            out.push('.');
            out.push_str(class);
        }
    }
    // Plain paragraphs and wrappers are everywhere.
    (!matches!(out.as_str(), "p" | "div")).then_some(out)
}

/// How the line begins that an element holds: a short line as a whole, or its label. Only where text comes first, so that
/// one line is not noted for each element around it.
fn beginning(node: NodeRef<'_, Node>) -> Option<String> {
    let mut line = String::new();
    gather(node, &mut line);
    let chars = line.chars().count();
    let label = line.char_indices().take(LABEL + 1).find(|(_, c)| matches!(c, '：' | ':' | '】' | '｜' | '|'));
    let text = match label {
        Some((at, c)) if at > 0 => &line[..at + c.len_utf8()],
        _ if (2..=SHORT).contains(&chars) && !line.ends_with(['。', '！', '？', '”', '；', '，']) => &line,
        _ => return None,
    };
    let mut out = String::from("“");
    for c in text.chars() {
        match c.is_ascii_digit() {
            true if out.ends_with('0') => {}
            true => out.push('0'),
            false => out.push(c),
        }
    }
    out.push('”');
    (out.chars().filter(|c| c.is_alphabetic()).count() >= 2).then_some(out)
}

/// The first characters of an element's own line; what a block below it holds is that block's.
fn gather(node: NodeRef<'_, Node>, line: &mut String) {
    for child in node.children() {
        if line.chars().count() > SHORT {
            return;
        }
        match child.value() {
            Node::Text(text) => line.extend(text.chars().filter(|c| !is_blank(*c)).take(SHORT + 1)),
            Node::Element(e) => {
                let own = !is_block(e.name()) && !matches!(e.name(), "li" | "br" | "script" | "style");
                match own {
                    true => gather(child, line),
                    false if line.is_empty() => {}
                    false => return,
                }
            }
            _ => {}
        }
    }
}

/// The longest run that may be a date, its numbers as `0`.
fn date_form(text: &str) -> Option<String> {
    let part = |c: char| c.is_ascii_digit() || "年月日时分秒:：/-.T ".contains(c);
    let run = text.split(|c| !part(c)).max_by_key(|run| run.bytes().filter(u8::is_ascii_digit).count())?;
    let mut out = String::new();
    for c in run.trim().chars().take(40) {
        match c {
            '0'..='9' if out.ends_with('0') => {}
            '0'..='9' => out.push('0'),
            ' ' if out.ends_with(' ') => {}
            c => out.push(c),
        }
    }
    (out.matches('0').count() >= 2).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(markup: &str) -> Vec<String> {
        let html = super::super::dom::fragment(markup);
        let mut look = Look::default();
        look.at(&html, html.root_element().id(), &|_| false);
        look.kinds.into_iter().collect()
    }

    #[test]
    fn kinds_are_names_that_people_gave() {
        let found = kinds(
            "<div class='hot-list css-1x9y2z'><h3>今日热榜</h3></div><div class='item_31'>一</div><p>平常的一段，不算什么。</p>\
             <p><b>AI摘要：</b>这一段是机器写的。</p>",
        );
        assert_eq!(found, ["div.hot-list", "h3", "“AI摘要：”", "“今日热榜”"]);
    }

    #[test]
    fn dates_have_forms() {
        assert_eq!(date_form("来源：鹏湾日报 2026-02-26 21:12 阅读 1.8万").as_deref(), Some("0-0-0 0:0"));
        assert_eq!(date_form("2026年2月6日 9时5分").as_deref(), Some("0年0月0日 0时0分"));
        assert_eq!(date_form("昨天"), None);
    }
}
