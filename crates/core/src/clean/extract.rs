//! The article of a page that a selector file covers: the first template whose `when` and `require` hold.

use ego_tree::NodeId;
use indexmap::IndexMap;
use rustc_hash::FxHashSet;
use scraper::{ElementRef, Html};
use url::Url;

use super::blocks::{self, Blocks, Picture};
use super::byline::{self, Staff};
use super::date::{self, Context, When};
use super::steps::{self, Content, Source};
use super::structure::{self, Placed};
use super::tidy::{self, Body};
use super::{FieldHit, dom, links, title};
use crate::record::{Block, Image};
use crate::sites::{Fields, LineRule, NextRule, Site, Step, Template, When as Condition, WholeRule};

/// What a template gave.
#[derive(Debug)]
pub struct Extracted {
    /// Headline.
    pub title: Option<String>,
    /// Body with staff lines.
    pub body: Body,
    /// Characters of the body without white space.
    pub chars: usize,
    /// Date of publication.
    pub published: Option<When>,
    /// Date of the last change.
    pub modified: Option<When>,
    /// Editors, authors and source, of fields and lines together.
    pub staff: Staff,
    /// Summary.
    pub summary: Option<String>,
    /// Section.
    pub section: Option<String>,
    /// Keywords.
    pub keywords: Vec<String>,
    /// Pictures of the body.
    pub images: Vec<Image>,
    /// Next page.
    pub next: Option<Url>,
    /// Single-page twin.
    pub whole: Option<Url>,
    /// Which step gave which field.
    pub hits: Vec<FieldHit>,
    /// Where the body was found.
    pub content: Content,
    /// What `remove` cuts there.
    pub cut: FxHashSet<NodeId>,
}

/// True if a template's `when` holds.
pub fn applies(when: &Condition, from: &Source<'_>) -> bool {
    let address = from.url.map(Url::as_str).unwrap_or_default();
    (when.url.is_empty() || when.url.iter().any(|r| r.is_match_of_address(address)))
        && when.has.iter().all(|s| from.select(s).next().is_some())
        && !when.lacks.iter().any(|s| from.select(s).next().is_some())
}

/// Applies a template; `Err` says why it does not fit.
pub fn apply(site: &Site, template: &Template, from: &Source<'_>, context: &Context) -> Result<Extracted, String> {
    let mut hits = Vec::new();
    let fields = &template.fields;
    let title = text(&fields.title, "title", from, &mut hits);
    let squashed = title.as_deref().map(title::squash).unwrap_or_default();
    let rules: Vec<&LineRule> = template.lines.iter().chain(&site.lines).collect();
    let mut body = None;
    let mut why = "no body selector found text".to_owned();
    for (n, step) in fields.body.iter().enumerate() {
        let Some(content) = steps::content(step, from) else { continue };
        let cut = match &content {
            Content::Nodes(nodes) => cut_set(template, from, nodes),
            Content::Markup(_) | Content::Text(_) => FxHashSet::default(),
        };
        let (found, images) = body_of(&content, &cut, template, from, &squashed, &rules);
        match fits(&found, template) {
            Ok(chars) => {
                body = Some((n, found, chars, images, content, cut));
                break;
            }
            Err(reason) => why = reason,
        }
    }
    hits.push(FieldHit { field: "body", step: body.as_ref().map(|(n, ..)| *n) });
    let Some((_, body, chars, images, content, cut)) = body else { return Err(why) };
    let published = when(&fields.published, "published", from, context, &mut hits);
    let modified = when(&fields.modified, "modified", from, context, &mut hits);
    let staff = staff(fields, &body, from, &mut hits);
    let extracted = Extracted {
        published,
        modified,
        summary: text(&fields.summary, "summary", from, &mut hits),
        section: text(&fields.section, "section", from, &mut hits),
        keywords: list(&fields.keywords, from),
        next: next(template.next.as_ref(), from),
        whole: whole(template.whole.as_ref(), from),
        images,
        staff,
        title,
        body,
        chars,
        hits,
        content,
        cut,
    };
    required(&extracted, template)?;
    Ok(extracted)
}

/// What `remove` cuts inside these elements, without what `keep` keeps.
fn cut_set(template: &Template, from: &Source<'_>, inside: &[NodeId]) -> FxHashSet<NodeId> {
    let mut cut: FxHashSet<NodeId> = template.remove.iter().flat_map(|s| from.select_inside(s, inside)).collect();
    if cut.is_empty() {
        return cut;
    }
    for keep in template.keep.iter().flat_map(|s| from.select(s)) {
        cut.remove(&keep.id());
        for above in keep.ancestors() {
            cut.remove(&above.id());
        }
    }
    cut
}

fn body_of(
    content: &Content,
    cut: &FxHashSet<NodeId>,
    template: &Template,
    from: &Source<'_>,
    headline: &str,
    rules: &[&LineRule],
) -> (Body, Vec<Image>) {
    let mut body = Body::default();
    let mut images = Vec::new();
    if let Content::Nodes(nodes) = content {
        let inside = |e: &ElementRef<'_>| nodes.iter().any(|n| e.ancestors().any(|a| a.id() == *n));
        let mut seen = FxHashSet::default();
        for e in template.captions.iter().flat_map(|s| from.select(s)).filter(inside) {
            if seen.insert(e.id()) {
                body.captions.push(blocks::text_of(e));
            }
        }
    }
    each_part(content, cut, template, from, |_, part| {
        let tidied = tidy::tidy(part, 0, part.lines.len(), headline, template.strict, rules);
        images.extend(pictures(part, 0, 0..=usize::MAX, from.url, &tidied));
        body.append(tidied);
    });
    (body, images)
}

/// Has each element that the body was found in read as lines; a text has no tree.
fn each_part(
    content: &Content,
    cut: &FxHashSet<NodeId>,
    template: &Template,
    from: &Source<'_>,
    mut act: impl FnMut(Option<&Html>, &Blocks<'_>),
) {
    match content {
        Content::Nodes(nodes) => {
            let captions: FxHashSet<NodeId> =
                template.captions.iter().flat_map(|s| from.select(s)).map(|e| e.id()).collect();
            for node in nodes {
                let mut part = blocks::blocks(from.html, *node, &|id| cut.contains(&id) || captions.contains(&id));
                super::trust::reveal(&mut part);
                act(Some(from.html), &part);
            }
        }
        Content::Markup(markup) => {
            let html = dom::fragment(markup);
            let cut: FxHashSet<NodeId> = template.remove.iter().flat_map(|s| html.select(s)).map(|e| e.id()).collect();
            let part = blocks::blocks(&html, html.root_element().id(), &|id| cut.contains(&id));
            act(Some(&html), &part);
        }
        Content::Text(text) => act(None, &Blocks::of_text(text)),
    }
}

/// Returns the blocks of a body that a template gave.
pub fn structure(site: &Site, template: &Template, from: &Source<'_>, found: &Extracted) -> Vec<Block> {
    let headline = found.title.as_deref().map(title::squash).unwrap_or_default();
    let rules: Vec<&LineRule> = template.lines.iter().chain(&site.lines).collect();
    let mut out = Vec::new();
    each_part(&found.content, &found.cut, template, from, |html, part| {
        let tidied = tidy::tidy(part, 0, part.lines.len(), &headline, template.strict, &rules);
        let pictures = placed(part, 0, 0..=usize::MAX, from.url, &tidied);
        out.extend(structure::blocks(html, part, &tidied, &pictures));
    });
    out
}

/// Pictures inside an element of the table, each with the caption below it, or else above.
///
/// Of a container that was chosen only in part, those among the lines `lines`.
pub fn pictures(
    blocks: &Blocks<'_>,
    elem: usize,
    lines: std::ops::RangeInclusive<usize>,
    base: Option<&Url>,
    body: &Body,
) -> Vec<Image> {
    placed(blocks, elem, lines, base, body).into_iter().map(|p| p.image).collect()
}

/// The same, with the places where they stand.
pub(super) fn placed(
    blocks: &Blocks<'_>,
    elem: usize,
    lines: std::ops::RangeInclusive<usize>,
    base: Option<&Url>,
    body: &Body,
) -> Vec<Placed> {
    let Some(e) = blocks.elems.get(elem) else { return Vec::new() };
    let mut out: Vec<Placed> = Vec::new();
    let inside = |p: &&Picture<'_>| p.elem as usize >= elem && p.elem < e.until && lines.contains(&(p.before as usize));
    for p in blocks.pictures.iter().filter(inside) {
        if p.src.starts_with("data:") {
            continue;
        }
        let src = base.and_then(|b| links::resolve(b, p.src)).map_or_else(|| p.src.to_owned(), |u| u.to_string());
        if src.len() <= 2048 && !out.iter().any(|o| o.image.src == src) {
            let alt = p.alt.map(super::blocks::tidy).filter(|alt| !alt.is_empty());
            out.push(Placed { image: Image { src, caption: None }, before: p.before, alt });
        }
    }
    for (caption, at) in body.captions.iter().zip(&body.caption_lines) {
        let above = (0..out.len()).rev().find(|n| out[*n].before <= *at);
        let free = || (0..out.len()).find(|n| out[*n].before > *at && out[*n].image.caption.is_none());
        if let Some(n) = above.filter(|n| out[*n].image.caption.is_none()).or_else(free) {
            out[n].image.caption = Some(caption.clone());
        }
    }
    out
}

/// The body's characters, if a template takes it for one.
fn fits(body: &Body, template: &Template) -> Result<usize, String> {
    let chars = body.chars();
    let require = &template.require;
    if chars == 0 || chars < require.min_chars {
        return Err(format!("{chars} characters of body, {} required", require.min_chars.max(1)));
    }
    if let Some(most) = require.max_link_density
        && f64::from(body.linked) > most * chars as f64
    {
        return Err(format!("{} of {chars} characters are inside links", body.linked));
    }
    for forbid in &require.forbid {
        if let Some(line) = body.paragraphs.iter().find(|p| forbid.is_match(p)) {
            let shown: String = line.chars().take(40).collect();
            return Err(format!("forbidden line `{shown}`"));
        }
    }
    Ok(chars)
}

fn required(e: &Extracted, template: &Template) -> Result<(), String> {
    for field in &template.require.fields {
        let there = match field.as_str() {
            "title" => e.title.is_some(),
            "published" => e.published.is_some(),
            "modified" => e.modified.is_some(),
            "source" => e.staff.source.is_some(),
            "authors" => !e.staff.authors.is_empty(),
            "editors" => !e.staff.editors.is_empty(),
            "summary" => e.summary.is_some(),
            "section" => e.section.is_some(),
            "keywords" => !e.keywords.is_empty(),
            _ => true,
        };
        if !there {
            return Err(format!("required field `{field}` has no value"));
        }
    }
    Ok(())
}

fn text(steps: &[Step], field: &'static str, from: &Source<'_>, hits: &mut Vec<FieldHit>) -> Option<String> {
    let found = steps.iter().enumerate().find_map(|(n, s)| steps::texts(s, from).into_iter().next().map(|v| (n, v)));
    note(steps, field, found.as_ref().map(|(n, _)| *n), hits);
    found.map(|(_, v)| v)
}

/// Remembers which step of a field hit, if the field has any.
fn note(steps: &[Step], field: &'static str, step: Option<usize>, hits: &mut Vec<FieldHit>) {
    if !steps.is_empty() {
        hits.push(FieldHit { field, step });
    }
}

fn when(
    steps: &[Step],
    field: &'static str,
    from: &Source<'_>,
    context: &Context,
    hits: &mut Vec<FieldHit>,
) -> Option<When> {
    let read = |step: &Step| {
        steps::texts(step, from).iter().find_map(|t| match &step.format {
            Some(format) => date::parse_with(t, format, context).or_else(|| date::parse_value(t, context)),
            None => date::parse_value(t, context),
        })
    };
    let found = steps.iter().enumerate().find_map(|(n, s)| read(s).map(|w| (n, w)));
    note(steps, field, found.map(|(n, _)| n), hits);
    let (n, when) = found?;
    if when.time.is_some() {
        return Some(when);
    }
    // A day is completed with the time that a later step gives, if that is of the same day.
    steps[n + 1..].iter().filter_map(read).find(|w| w.date == when.date && w.time.is_some()).or(Some(when))
}

fn list(steps: &[Step], from: &Source<'_>) -> Vec<String> {
    for step in steps {
        let values = steps::texts(step, from);
        let mut out: Vec<String> = Vec::new();
        for word in values.iter().flat_map(|v| v.split([',', '，', '、', ';', '；', ' ', '|'])).map(str::trim) {
            if !word.is_empty() && !out.iter().any(|o| o == word) {
                out.push(word.to_owned());
            }
        }
        if !out.is_empty() {
            return out;
        }
    }
    Vec::new()
}

fn staff(fields: &Fields, body: &Body, from: &Source<'_>, hits: &mut Vec<FieldHit>) -> Staff {
    let mut staff = Staff::default();
    let source = text(&fields.source, "source", from, hits);
    staff.source = source.and_then(|s| byline::source_in(&s).or_else(|| byline::source_value(&s)));
    let editors = fields.editors.iter().enumerate().map(|(n, s)| (n, editors(s, from))).find(|(_, e)| !e.is_empty());
    note(&fields.editors, "editors", editors.as_ref().map(|(n, _)| *n), hits);
    let authors = fields.authors.iter().enumerate().map(|(n, s)| (n, authors(s, from))).find(|(_, a)| !a.is_empty());
    note(&fields.authors, "authors", authors.as_ref().map(|(n, _)| *n), hits);
    staff.editors = editors.map(|(_, e)| e).unwrap_or_default();
    staff.authors = authors.map(|(_, a)| a).unwrap_or_default();
    // What the fields did not give, the lines of the body do.
    let mut lines = body.staff.clone();
    if !staff.editors.is_empty() {
        lines.editors.clear();
    }
    if !staff.authors.is_empty() {
        lines.authors.clear();
    }
    staff.merge(lines);
    staff
}

/// Editors of a step: named groups of `capture` are the roles; without them the text must be a staff line.
fn editors(step: &Step, from: &Source<'_>) -> IndexMap<String, Vec<String>> {
    let named: Vec<&str> = step.capture.iter().flat_map(|c| c.capture_names().flatten()).collect();
    if named.is_empty() {
        let mut staff = Staff::default();
        for text in steps::texts(step, from) {
            if let Some(said) = byline::staff_line(&text) {
                staff.merge(said);
            }
        }
        return staff.editors;
    }
    let mut out: IndexMap<String, Vec<String>> = IndexMap::new();
    for text in steps::texts_before_capture(step, from) {
        let Some(c) = step.capture.as_ref().and_then(|r| r.captures(&text)) else { continue };
        for role in &named {
            if let Some(m) = c.name(role) {
                let names = byline::names(m.as_str().trim_matches(|c: char| " 　:：|/".contains(c)));
                if !names.is_empty() {
                    out.entry((*role).to_owned()).or_default().extend(names);
                }
            }
        }
        if !out.is_empty() {
            break;
        }
    }
    out
}

fn authors(step: &Step, from: &Source<'_>) -> Vec<String> {
    let mut out = Vec::new();
    for text in steps::texts(step, from) {
        let mut found = byline::loose_names(&text);
        if found.is_empty() {
            found = byline::names(&text);
        }
        for name in found {
            if !out.contains(&name) {
                out.push(name);
            }
        }
    }
    out
}

fn next(rule: Option<&NextRule>, from: &Source<'_>) -> Option<Url> {
    let (rule, url) = (rule?, from.url?);
    from.select(&rule.css)
        .filter(|e| rule.text.as_ref().is_none_or(|r| r.is_match(&blocks::text_of(*e))))
        .filter_map(|e| e.attr("href").and_then(|h| links::resolve(url, h)))
        .find(|u| u != url && u.host() == url.host())
}

fn whole(rule: Option<&WholeRule>, from: &Source<'_>) -> Option<Url> {
    let url = from.url?;
    let found = match rule? {
        WholeRule::Link { css, text } => from
            .select(css)
            .filter(|e| text.as_ref().is_none_or(|r| r.is_match(&blocks::text_of(*e))))
            .find_map(|e| e.attr("href").and_then(|h| links::resolve(url, h)))?,
        WholeRule::Url { from, to } => {
            let new = from.replace(url.as_str(), to.as_str());
            Url::parse(&new).ok()?
        }
    };
    (found != *url && found.host() == url.host()).then_some(found)
}
