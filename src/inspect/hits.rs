//! What each selector of a file finds on a page.

use scraper::{Html, Selector};
use serde::Serialize;
use url::Url;

use crate::clean::blocks::text_of;
use crate::clean::meta::Meta;
use crate::clean::steps::{self, Source};
use crate::sites::at::{At, Many, StrOr};
use crate::sites::load::{COMMON, Parsed, Set};
use crate::sites::model::{HasFields, Step, Template};
use crate::sites::{Site, TemplateKind};

/// A selector or step, and what it finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// Template it belongs to.
    pub template: String,
    /// Key it stands under: `body`, `when.has`.
    pub key: &'static str,
    /// As written.
    pub rule: String,
    /// Elements or values found.
    pub found: usize,
    /// The beginning of the first.
    pub sample: String,
}

/// Hits of every selector and step of a site's own templates, and of those it inherits.
pub fn of(site: &Site, files: &Set, html: &Html, meta: &Meta, url: Option<&Url>) -> Vec<Hit> {
    let from = Source { html, meta, url, index: None };
    let chain = chain(&site.id, files);
    let mut out = Vec::new();
    for template in &site.templates {
        let Some(written) = written(&chain, &template.name) else { continue };
        for (key, list) in [("when.has", &written.when.has), ("when.lacks", &written.when.lacks)] {
            out.extend(list.iter().map(|css| selector(&template.name, key, css, html)));
        }
        if matches!(template.kind, TemplateKind::List | TemplateKind::Skip) {
            continue;
        }
        for (name, list) in written.fields() {
            let compiled = template.fields.get(name).map(Vec::as_slice).unwrap_or_default();
            // Steps of the template itself come first, in the order in which they are written.
            for (step, written) in compiled.iter().zip(list.iter()) {
                let values = steps::texts(step, &from);
                out.push(Hit {
                    template: template.name.clone(),
                    key: name,
                    rule: describe(written),
                    found: values.len(),
                    sample: values.first().map(|v| short(v)).unwrap_or_default(),
                });
            }
        }
        for (key, list) in [("remove", &written.remove), ("keep", &written.keep), ("captions", &written.captions)] {
            out.extend(list.iter().map(|css| selector(&template.name, key, css, html)));
        }
    }
    out
}

/// The site's file and those it extends, nearest first.
pub fn chain<'a>(id: &str, files: &'a Set) -> Vec<&'a Parsed> {
    let mut out: Vec<&Parsed> = Vec::new();
    let mut next = Some(id.to_owned());
    while let Some(parsed) = next.as_deref().and_then(|id| files.get(id)) {
        // A circle is an error that was told when the files were compiled.
        if out.len() > 16 {
            break;
        }
        next = parsed.model.extends.as_ref().map(|e| e.trim_end_matches(".toml").to_owned());
        out.push(parsed);
    }
    out
}

/// A template as written, in the nearest file that has it.
pub fn written<'a>(chain: &[&'a Parsed], name: &str) -> Option<&'a Template> {
    let is_it = |t: &&At<Template>| t.name.as_ref().is_some_and(|n| n.value == name);
    chain.iter().find_map(|parsed| parsed.model.template.iter().find(is_it)).map(|t| &t.value)
}

/// Selectors of what is removed in a template, with where each is written.
pub fn removals(chain: &[&Parsed], files: &Set, name: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut add = |parsed: &Parsed, list: &Many<String>| {
        for css in list {
            let line = parsed.file.line_column(css.span.start).0;
            out.push((css.value.clone(), format!("{}:{line}", parsed.file.name)));
        }
    };
    for parsed in chain {
        for template in parsed.model.template.iter().filter(|t| t.name.as_ref().is_some_and(|n| n.value == name)) {
            add(parsed, &template.remove);
        }
    }
    chain.iter().for_each(|parsed| add(parsed, &parsed.model.remove));
    let opted_out = chain.first().is_some_and(|p| p.model.common.as_ref().is_some_and(|c| !c.value));
    if let Some(common) = files.get(COMMON).filter(|_| !opted_out) {
        add(common, &common.model.remove);
    }
    out
}

fn selector(template: &str, key: &'static str, css: &str, html: &Html) -> Hit {
    let found: Vec<_> = Selector::parse(css).map(|s| html.select(&s).collect()).unwrap_or_default();
    Hit {
        template: template.to_owned(),
        key,
        rule: css.to_owned(),
        found: found.len(),
        sample: found.first().map(|e| short(&text_of(*e))).unwrap_or_default(),
    }
}

/// A step as a person wrote it, in short.
pub fn describe(step: &At<Step>) -> String {
    let table = match &step.value {
        StrOr::Str(css) => return css.clone(),
        StrOr::Table(table) => table,
    };
    let parts = [
        ("css", &table.css),
        ("attr", &table.attr),
        ("meta", &table.meta),
        ("jsonld", &table.jsonld),
        ("json", &table.json),
        ("after", &table.after),
        ("script", &table.script),
        ("url", &table.url),
        ("value", &table.value),
        ("capture", &table.capture),
    ];
    let said = parts.iter().filter_map(|(key, value)| value.as_ref().map(|v| format!("{key} = {}", v.value)));
    said.collect::<Vec<_>>().join(", ")
}

/// The first characters of a text.
pub fn short(text: &str) -> String {
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(60).collect();
    if chars.next().is_some() { format!("{head}…") } else { head }
}
