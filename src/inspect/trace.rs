//! Goes through the cleaner's steps once more and asks of each line what decided about it.

use std::collections::HashMap;

use ego_tree::NodeId;
use scraper::{ElementRef, Html, Selector};
use url::Url;

use super::hits::{self, describe};
use super::lines::{Paragraph, paragraphs, same, squash};
use super::{Fate, Shown, Tried};
use crate::clean::blocks::{self, Blocks};
use crate::clean::date::{self, Context};
use crate::clean::meta::Meta;
use crate::clean::noise::{self, Class};
use crate::clean::steps::{self, Content, Source};
use crate::clean::title::{self, Headline};
use crate::clean::{Cleaned, Page, extract, generic, tidy, trust};
use crate::record::Method;
use crate::sites::at::StrOr;
use crate::sites::load::Set;
use crate::sites::model::{HasFields, Template as Written};
use crate::sites::{LineRule, Require, Site, Sites, Template, TemplateKind};

/// All that is known of the page.
pub struct Seen<'a> {
    /// The page.
    pub page: &'a Page<'a>,
    /// Its tree.
    pub html: &'a Html,
    /// Its declarations.
    pub meta: &'a Meta,
    /// Its site.
    pub site: Option<&'a Site>,
    /// All sites.
    pub sites: &'a Sites,
    /// Files as written.
    pub files: &'a Set,
    /// What came out.
    pub cleaned: &'a Cleaned,
}

/// What was found out.
#[derive(Debug, Default)]
pub struct Traced {
    /// Templates tried.
    pub tried: Vec<Tried>,
    /// How the body was found.
    pub container: String,
    /// Lines of the page.
    pub lines: Vec<Shown>,
    /// Paragraphs that stand nowhere on the page.
    pub unplaced: Vec<String>,
}

/// What is known about the container before lines are looked at.
struct Container {
    what: String,
    /// Nodes whose lines are candidates.
    nodes: Vec<NodeId>,
    /// Of these lines, only those.
    only: Option<std::ops::Range<usize>>,
    paragraphs: Vec<Paragraph>,
    captions: Vec<String>,
    /// Elements taken out, with the selector and where it is written.
    removed: HashMap<NodeId, (String, Option<String>)>,
    strict: bool,
    /// Elements outside that fields are read from, with the names of the fields.
    fields: HashMap<NodeId, String>,
}

impl Seen<'_> {
    fn from(&self) -> Source<'_> {
        Source { html: self.html, meta: self.meta, url: self.page.url, index: None }
    }

    fn context(&self) -> Context {
        Context {
            zone: self.site.map_or_else(date::shanghai, |s| s.timezone.clone()),
            fetched_at: self.page.fetched_at,
            url_date: self.page.url.and_then(|u| date::in_url(u.path())),
            is_local: true,
            day_first: false,
        }
    }

    /// Finds out.
    pub fn trace(&self) -> Traced {
        let mut all = blocks::blocks(self.html, self.html.tree.root().id(), &|_| false);
        trust::reveal(&mut all);
        trust::disbelieve(&mut all, None);
        let headline = title::choose(&all, self.meta);
        trust::disbelieve(&mut all, headline.as_ref().filter(|h| h.agrees).and_then(|h| h.line));
        let choice = generic::choose(&all, headline.as_ref());
        let values = choice.as_ref().map(|c| c.values.clone()).unwrap_or_default();
        let (tried, winner) = self.templates();
        let container = match winner {
            Some((site, template)) => self.of_template(site, template),
            None => choice.as_ref().map(|c| self.of_generic(&all, c, headline.as_ref())),
        };
        let mut traced = Traced { tried, ..Traced::default() };
        match container {
            Some(container) => self.lines(&all, &values, container, headline.as_ref(), &mut traced),
            None => {
                let why = match &self.cleaned.article {
                    Ok(_) => "no container".to_owned(),
                    Err(r) => format!("{}: {}", r.reason, r.detail),
                };
                traced.container = why.clone();
                traced.lines = (0..all.lines.len())
                    .map(|i| self.shown(&all, &values, i, Fate::Outside, "no body was found", None))
                    .collect();
            }
        }
        traced
    }

    /// The templates in order, and the one that won.
    fn templates(&self) -> (Vec<Tried>, Option<(&Site, &Template)>) {
        let Some(site) = self.site else { return (Vec::new(), None) };
        let (from, context) = (self.from(), self.context());
        let mut tried = Vec::new();
        let mut winner = None;
        for template in &site.templates {
            let name = template.name.clone();
            let won = winner.is_none() && self.cleaned.template.as_deref() == Some(&template.name);
            let why = if winner.is_some() {
                "not tried: another won before it".to_owned()
            } else if !extract::applies(&template.when, &from) {
                self.why_not(site, template)
            } else if matches!(template.kind, TemplateKind::List | TemplateKind::Skip) {
                "`when` holds, and pages of this kind are not written".to_owned()
            } else {
                match extract::apply(site, template, &from, &context) {
                    Ok(_) => "`when` and `require` hold".to_owned(),
                    Err(why) => format!("`require`: {why}"),
                }
            };
            if won {
                winner = Some((site, template));
            }
            tried.push(Tried { template: name, won, why });
        }
        let is_content = |(_, t): &(&Site, &Template)| !matches!(t.kind, TemplateKind::List | TemplateKind::Skip);
        (tried, winner.filter(is_content))
    }

    /// Which condition of `when` does not hold.
    fn why_not(&self, site: &Site, template: &Template) -> String {
        let address = self.page.url.map(Url::as_str).unwrap_or_default();
        if !template.when.url.is_empty() && !template.when.url.iter().any(|r| r.is_match_of_address(address)) {
            return "`when.url`: no regex matches the address".to_owned();
        }
        let chain = hits::chain(&site.id, self.files);
        let Some(written) = hits::written(&chain, &template.name) else { return "`when` does not hold".to_owned() };
        let finds = |css: &str| Selector::parse(css).is_ok_and(|s| self.html.select(&s).next().is_some());
        if let Some(css) = written.when.has.iter().find(|css| !finds(css)) {
            return format!("`when.has`: `{}` finds nothing", css.value);
        }
        match written.when.lacks.iter().find(|css| finds(css)) {
            Some(css) => format!("`when.lacks`: `{}` finds something", css.value),
            None => "`when` does not hold".to_owned(),
        }
    }

    /// The container of a template, as it is before any line rule acts.
    fn of_template(&self, site: &Site, template: &Template) -> Option<Container> {
        let (from, context) = (self.from(), self.context());
        let step = self.cleaned.hits.iter().find(|h| h.field == "body").and_then(|h| h.step)?;
        let mut bare_site = site.clone();
        let mut bare = template.clone();
        bare_site.lines.clear();
        bare.lines.clear();
        bare.require = Require::default();
        bare.fields.body = vec![template.fields.body.get(step)?.clone()];
        let found = extract::apply(&bare_site, &bare, &from, &context).ok()?;
        let rules: Vec<&LineRule> = template.lines.iter().chain(&site.lines).collect();
        let chain = hits::chain(&site.id, self.files);
        let what = hits::written(&chain, &template.name).and_then(|w| w.body.get(step)).map(describe);
        let nodes = match steps::content(template.fields.body.get(step)?, &from)? {
            Content::Nodes(nodes) => nodes,
            Content::Markup(_) | Content::Text(_) => Vec::new(),
        };
        let mut removed = HashMap::new();
        for (css, origin) in hits::removals(&chain, self.files, &template.name) {
            if let Ok(selector) = Selector::parse(&css) {
                for e in self.html.select(&selector) {
                    removed.entry(e.id()).or_insert((css.clone(), Some(origin.clone())));
                }
            }
        }
        let written = hits::written(&chain, &template.name);
        for css in written.iter().flat_map(|w| w.keep.iter()) {
            if let Ok(selector) = Selector::parse(css) {
                for e in self.html.select(&selector) {
                    removed.remove(&e.id());
                    e.ancestors().for_each(|a| drop(removed.remove(&a.id())));
                }
            }
        }
        Some(Container {
            what: format!("`{}` of template {}", what.unwrap_or_else(|| "an inherited step".to_owned()), template.name),
            nodes,
            only: None,
            paragraphs: paragraphs(&found.body.paragraphs, &rules),
            captions: found.body.captions,
            removed,
            strict: template.strict,
            fields: written.map(|w| self.fields(w)).unwrap_or_default(),
        })
    }

    /// Elements that the fields of a template are read from.
    fn fields(&self, written: &Written) -> HashMap<NodeId, String> {
        let mut out: HashMap<NodeId, String> = HashMap::new();
        for (name, steps) in written.fields().into_iter().filter(|(name, _)| *name != "body") {
            for step in steps {
                let css = match &step.value {
                    StrOr::Str(css) => css.as_str(),
                    StrOr::Table(table) => table.css.as_ref().map_or("", |css| css.as_str()),
                };
                let Ok(selector) = Selector::parse(css) else { continue };
                let Some(found) = self.html.select(&selector).find(|e| !blocks::text_of(*e).is_empty()) else {
                    continue;
                };
                let names = out.entry(found.id()).or_default();
                if !names.split(", ").any(|n| n == name) {
                    names.push_str(if names.is_empty() { "" } else { ", " });
                    names.push_str(name);
                }
            }
        }
        out
    }

    /// The fields that are read from a line or from an element around it that holds little more.
    fn read_from(&self, all: &Blocks<'_>, i: usize, fields: &HashMap<NodeId, String>) -> Option<String> {
        let block = self.html.tree.get(all.elems[all.lines[i].block as usize].node)?;
        let around = std::iter::once(block).chain(block.ancestors()).take(3);
        let inside = block.descendants().skip(1).filter(|n| n.value().is_element());
        let mut said: Vec<&str> =
            around.chain(inside).filter_map(|n| fields.get(&n.id())).map(String::as_str).collect();
        said.dedup();
        (!said.is_empty()).then(|| format!("read for {}", said.join(", ")))
    }

    fn of_generic(&self, all: &Blocks<'_>, choice: &generic::Choice, headline: Option<&Headline>) -> Container {
        let squashed = headline.map(|h| title::squash(&h.text)).unwrap_or_default();
        let body = tidy::tidy(all, choice.first, choice.end, &squashed, true, &[]);
        let rules: Vec<&LineRule> = self.sites.common.lines.iter().collect();
        let node = all.elems[choice.elem].node;
        // Where the page shows no article, its data may hold one.
        let text = self.cleaned.article.as_ref().map(|r| r.text.as_str()).unwrap_or_default();
        if !text.is_empty() && !body.paragraphs.iter().any(|p| text.contains(p.as_str())) {
            return Container {
                what: "text that the page carries in its data, and does not show".to_owned(),
                nodes: Vec::new(),
                only: None,
                paragraphs: Vec::new(),
                captions: Vec::new(),
                removed: HashMap::new(),
                strict: true,
                fields: HashMap::new(),
            };
        }
        Container {
            what: format!("the generic extractor: {} with the highest sum, {:.0}", self.place(node), choice.score),
            nodes: vec![node],
            only: Some(choice.first..choice.end),
            paragraphs: paragraphs(&body.paragraphs, &rules),
            captions: body.captions,
            removed: HashMap::new(),
            strict: true,
            fields: HashMap::new(),
        }
    }

    fn lines(
        &self,
        all: &Blocks<'_>,
        values: &[f32],
        container: Container,
        headline: Option<&Headline>,
        traced: &mut Traced,
    ) {
        let index: HashMap<NodeId, usize> = all.elems.iter().enumerate().map(|(i, e)| (e.node, i)).collect();
        let inside = |i: usize| {
            container.only.as_ref().is_none_or(|only| only.contains(&i))
                && container.nodes.iter().any(|n| {
                    index.get(n).is_some_and(|&e| (all.elems[e].first as usize..all.elems[e].end as usize).contains(&i))
                })
        };
        let title = self.cleaned.article.as_ref().ok().and_then(|r| r.title.as_deref()).map(title::squash);
        let is_article = self.cleaned.article.is_ok();
        let mut next = 0;
        for i in 0..all.lines.len() {
            let squashed = squash(&all.lines[i].text);
            let is_title = title.as_deref().is_some_and(|t| !t.is_empty() && title::squash(&all.lines[i].text) == t);
            let shown = if !inside(i) {
                let at_headline = headline.and_then(|h| h.line) == Some(i);
                match self.read_from(all, i, &container.fields) {
                    _ if is_title || at_headline && is_article => {
                        self.shown(all, values, i, Fate::Read, "headline", None)
                    }
                    Some(fields) => self.shown(all, values, i, Fate::Read, &fields, None),
                    None => self.shown(all, values, i, Fate::Outside, "outside of the container", None),
                }
            } else if let Some(at) = (next..container.paragraphs.len().min(next + 4))
                .find(|&at| same(&squashed, &container.paragraphs[at].squashed))
            {
                next = at + 1;
                let p = &container.paragraphs[at];
                let trimmed = p.fate == Fate::Kept && squashed.len() > p.squashed.len();
                let (fate, rule) = match (is_article, trimmed) {
                    (false, _) => (Fate::Cut, "the body was not believed"),
                    (_, true) => (Fate::Trimmed, "what is glued to its end was cut (a reporter, a link)"),
                    _ => (p.fate, p.rule.as_str()),
                };
                self.shown(all, values, i, fate, rule, p.origin.clone())
            } else {
                let (fate, rule, origin) = self.why_cut(all, i, &container, is_title);
                self.shown(all, values, i, fate, &rule, origin)
            };
            traced.lines.push(shown);
        }
        // A body from a script, or one whose lines were put together differently.
        if container.nodes.is_empty() {
            traced.unplaced = self.cleaned.article.iter().flat_map(|r| r.text.lines()).map(str::to_owned).collect();
        }
        traced.container = container.what;
    }

    /// Why a line of the container is no paragraph.
    fn why_cut(&self, all: &Blocks<'_>, i: usize, c: &Container, is_title: bool) -> (Fate, String, Option<String>) {
        let line = &all.lines[i];
        if let Some((css, origin)) = self.removed(all, i, &c.removed) {
            return (Fate::Cut, format!("remove `{css}`"), origin);
        }
        if line.hidden {
            return (Fate::Cut, "hidden by an attribute or style".to_owned(), None);
        }
        if is_title {
            return (Fate::Read, "headline".to_owned(), None);
        }
        if c.captions.iter().any(|caption| squash(caption) == squash(&line.text)) {
            return (Fate::Read, "caption".to_owned(), None);
        }
        let (fate, why) = match noise::classify(&line.text, line.chars) {
            Class::Staff(_) => (Fate::Read, "staff line"),
            Class::Caption => (Fate::Read, "caption"),
            Class::Meta => (Fate::Read, "date, source or tool line"),
            Class::OriginalTitle => (Fate::Cut, "original title (原标题)"),
            Class::Notice => (Fate::Cut, "notice: disclaimer, copyright, reprint"),
            Class::Prompt => (Fate::Cut, "prompt: follow, scan, share, page, print"),
            Class::RelatedHead => (Fate::Cut, "heads a list of other articles"),
            Class::CommentHead => (Fate::Cut, "heads readers' comments"),
            Class::Reply => (Fate::Cut, "beside a reader's comment"),
            Class::PaperPage => (Fate::Cut, "newspaper page"),
            Class::Summary => (Fate::Cut, "summary box above the text"),
            Class::Debris => (Fate::Cut, "no words"),
            Class::Plain if line.link_share() > 0.8 => (Fate::Cut, "nothing but links"),
            Class::Plain if c.strict => (Fate::Cut, "stands where no paragraph stands, or after the article's end"),
            Class::Plain => (Fate::Cut, "before the article's beginning or after its end"),
        };
        (fate, why.to_owned(), None)
    }

    /// The removed element that holds a line, or that is all of it.
    fn removed(
        &self,
        all: &Blocks<'_>,
        i: usize,
        removed: &HashMap<NodeId, (String, Option<String>)>,
    ) -> Option<(String, Option<String>)> {
        if removed.is_empty() {
            return None;
        }
        let block = all.elems[all.lines[i].block as usize].node;
        let node = self.html.tree.get(block)?;
        if let Some(found) = std::iter::once(node).chain(node.ancestors()).find_map(|n| removed.get(&n.id())) {
            return Some(found.clone());
        }
        let text = squash(&all.lines[i].text);
        let inner = node.descendants().filter(|n| removed.contains_key(&n.id())).find(|n| {
            ElementRef::wrap(*n).is_some_and(|e| {
                let own = squash(&blocks::text_of(e));
                !own.is_empty()
                    && (own.contains(&text) || own.chars().count() * 2 > text.chars().count() && text.contains(&own))
            })
        })?;
        removed.get(&inner.id()).cloned()
    }

    fn shown(
        &self,
        all: &Blocks<'_>,
        values: &[f32],
        i: usize,
        fate: Fate,
        rule: &str,
        origin: Option<String>,
    ) -> Shown {
        Shown {
            text: all.lines[i].text.to_string(),
            fate,
            rule: rule.to_owned(),
            origin,
            score: values.get(i).copied().unwrap_or_default(),
            place: self.place(all.elems[all.lines[i].block as usize].node),
        }
    }

    /// `div#content > p.intro`: an element and the nearest one above it that has a name.
    fn place(&self, node: NodeId) -> String {
        let Some(element) = self.html.tree.get(node).and_then(ElementRef::wrap) else { return String::new() };
        let own = name(element);
        let above =
            element.ancestors().filter_map(ElementRef::wrap).find(|e| e.attr("id").or(e.attr("class")).is_some());
        match above {
            Some(above) if !matches!(element.value().name(), "html" | "body") => format!("{} › {own}", name(above)),
            _ => own,
        }
    }
}

fn name(element: ElementRef<'_>) -> String {
    let mut out = element.value().name().to_owned();
    if let Some(id) = element.attr("id") {
        out.push_str(&format!("#{}", hits::short(id)));
    }
    for class in element.value().classes().take(3) {
        out.push_str(&format!(".{}", hits::short(class)));
    }
    out
}

/// How the body of a record was found, in a word.
pub fn method(cleaned: &Cleaned) -> &'static str {
    match cleaned.article.as_ref().map(|r| r.method) {
        Ok(Method::Selectors) => "selectors",
        Ok(Method::Generic) => "generic extractor",
        Ok(Method::Flattened) => "flattened text",
        Err(_) => "no article",
    }
}
