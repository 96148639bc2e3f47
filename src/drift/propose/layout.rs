//! A template for a layout that none fits: the container and the probes as learnt, the rest as the nearest template has it,
//! where that still finds its values.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{Draft, Problem, look, text};
use crate::drift::observe::concerns;
use crate::drift::warning::Warning;
use crate::learn::{self, Draft as Learnt, Input, Options};
use crate::sites::{Fields, Sites};

/// Keys of the old template that go into the new one as they are.
const KEPT: [&str; 8] = ["kind", "keep", "captions", "strict", "next", "whole", "require", "line"];

/// Puts a template for the pages that fit none before the others.
pub fn propose(draft: &mut Draft<'_>, warning: &Warning, pages: &[Input]) -> Result<String, Problem> {
    let sites = draft.compile(None)?;
    let odd: Vec<Input> = pages
        .iter()
        .filter(|p| p.url.as_ref().is_some_and(|url| concerns(draft.site, url)) && look(p, &sites).template.is_none())
        .cloned()
        .collect();
    if odd.is_empty() {
        return Err(Problem::NoPages(pages.len()));
    }
    let options = Options { id: Some(draft.site.id.clone()), ..Options::default() };
    let count = odd.len();
    let learnt = learn::learn(odd.clone(), &sites, &options).map_err(|e| Problem::NotLearnt(count, e.to_string()))?;
    let Some(best) = learnt.templates.iter().max_by_key(|t| t.pages.len()) else {
        let why = learnt.left_out.first().map_or_else(
            || "the generic extractor does as well".to_owned(),
            |t| format!("`{}` agrees to {:.2} only with the generic extractor", t.body, t.agreement()),
        );
        return Err(Problem::NotLearnt(count, why));
    };
    let old = warning.template.as_deref().and_then(|name| {
        let text = draft.text(&draft.owner(name)?)?;
        let table: Table = toml::from_str(&text[text::block(text, name)?]).ok()?;
        table.get("template")?.get(0)?.as_table().cloned()
    });
    let name = free_name(draft, warning.template.as_deref().unwrap_or("new"));
    let new = Merge { draft, old: old.as_ref(), learnt: best, pages: &odd, name: &name }.template()?;
    let id = draft.site.id.clone();
    let mut file = draft.text(&id).unwrap_or_default().to_owned();
    let at = text::first_template(&file);
    file.insert_str(at, &new);
    let sites = draft.compile(Some((&id, &file)))?;
    let fits = odd.iter().filter(|p| look(p, &sites).template.as_deref() == Some(&name)).count();
    draft.texts.insert(id, file);
    Ok(format!(
        "template `{name}`, learnt from {} pages, fits {fits} of {count} pages that fitted none; its text agrees to {:.1} % with \
         what the generic extractor finds",
        best.pages.len(),
        best.agreement() * 100.0
    ))
}

fn free_name(draft: &Draft<'_>, old: &str) -> String {
    let taken = |name: &str| draft.site.templates.iter().any(|t| t.name == name) || draft.owner(name).is_some();
    (2..).map(|n| format!("{old}-{n}")).find(|name| !taken(name)).unwrap_or_default()
}

struct Merge<'a, 'b> {
    draft: &'a Draft<'b>,
    old: Option<&'a Table>,
    learnt: &'a Learnt,
    pages: &'a [Input],
    name: &'a str,
}

impl Merge<'_, '_> {
    fn template(&self) -> Result<String, Problem> {
        let found = self.what_the_old_steps_find()?;
        let mut out = format!(
            "# Proposed from {} pages of a new layout; look it over.\n[[template]]\nname = {}\n",
            self.learnt.pages.len(),
            Value::from(self.name)
        );
        let mut key = |name: &str, value: &Value| out.push_str(&format!("{name} = {value}\n"));
        if let Some(kind) = self.old.and_then(|old| old.get("kind")) {
            key("kind", kind);
        }
        key("when", &Value::Table(self.when()));
        for field in Fields::NAMES {
            if let Some(value) = self.field(field, found.get(field).copied().unwrap_or(0)) {
                key(field, &value);
            }
        }
        let remove = self.remove();
        if !remove.is_empty() {
            key("remove", &Value::Array(remove));
        }
        // Learnt from few pages, it would drop the tables that others have: a person's template goes before.
        if self.learnt.strict && self.old.is_none() {
            key("strict", &Value::Boolean(true));
        }
        for name in KEPT.into_iter().filter(|k| !matches!(*k, "kind" | "line" | "require")) {
            if let Some(value) = self.old.and_then(|old| old.get(name)) {
                key(name, value);
            }
        }
        key("require", &self.require());
        for line in self.old.and_then(|old| old.get("line")?.as_array()).into_iter().flatten() {
            out.push_str("[[template.line]]\n");
            for (name, value) in line.as_table().into_iter().flatten() {
                out.push_str(&format!("{name} = {value}\n"));
            }
        }
        // A line on few of the pages may be a subheading that comes again; a frame's line is on most.
        let mut learnt = self.learnt.clone();
        learnt.lines.retain(|line| line.pages * 2 > learnt.pages.len());
        let bare = learnt.bare();
        if let Some(at) = bare.find("[[template.line]]") {
            out.push_str(&bare[at..]);
        }
        out.push('\n');
        Ok(out)
    }

    /// On how many pages each of the old template's fields has a value from its own steps, with the new container.
    fn what_the_old_steps_find(&self) -> Result<BTreeMap<&'static str, usize>, Problem> {
        let Some(old) = self.old else { return Ok(BTreeMap::new()) };
        let mut table = old.clone();
        table.insert("name".into(), Value::from(self.name));
        table.insert("when".into(), Value::Table(self.when()));
        table.insert("body".into(), Value::from(self.learnt.body.as_str()));
        table.remove("require");
        let mut file = self.draft.text(&self.draft.site.id).unwrap_or_default().to_owned();
        let keys: String = table.iter().filter(|(k, _)| *k != "line").map(|(k, v)| format!("{k} = {v}\n")).collect();
        file.insert_str(text::first_template(&file), &format!("[[template]]\n{keys}\n"));
        let sites: Sites = self.draft.compile(Some((&self.draft.site.id, &file)))?;
        let mut found = BTreeMap::new();
        for hit in self.pages.iter().flat_map(|p| look(p, &sites).hits) {
            let own = old.get(hit.field).map_or(0, |v| v.as_array().map_or(1, Vec::len));
            *found.entry(hit.field).or_insert(0) += usize::from(hit.step.is_some_and(|s| s < own));
        }
        Ok(found)
    }

    fn when(&self) -> Table {
        let list = |items: &[String]| Value::Array(items.iter().map(|i| Value::from(i.as_str())).collect());
        let mut when = Table::new();
        if let Some(url) = self.old.and_then(|old| old.get("when")?.get("url")) {
            when.insert("url".into(), url.clone());
        }
        when.insert("has".into(), list(&self.learnt.has));
        if !self.learnt.lacks.is_empty() {
            when.insert("lacks".into(), list(&self.learnt.lacks));
        }
        when
    }

    /// A field's steps: the old ones where they find something on most pages, else the learnt ones, then the old ones, which
    /// may be there on other pages.
    fn field(&self, field: &str, found: usize) -> Option<Value> {
        if field == "body" {
            return Some(Value::from(self.learnt.body.as_str()));
        }
        let old = self.old.and_then(|old| old.get(field)).cloned();
        let learnt: Vec<Value> = match field {
            "title" => &self.learnt.title,
            "published" => &self.learnt.published,
            "source" => &self.learnt.source,
            "editors" => &self.learnt.editors,
            _ => return old,
        }
        .iter()
        .filter_map(|step| toml::from_str::<Table>(&format!("step = {}", step.toml)).ok()?.remove("step"))
        .collect();
        if learnt.is_empty() || old.is_some() && found * 2 >= self.pages.len() {
            return old;
        }
        let old = match old {
            Some(Value::Array(steps)) => steps,
            Some(step) => vec![step],
            None => Vec::new(),
        };
        let all: Vec<Value> = learnt.into_iter().chain(old).collect();
        Some(if let [one] = &all[..] { one.clone() } else { Value::Array(all) })
    }

    fn remove(&self) -> Vec<Value> {
        let mut out: Vec<Value> = match self.old.and_then(|old| old.get("remove")) {
            Some(Value::Array(all)) => all.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        for removal in &self.learnt.remove {
            let css = Value::from(removal.css.as_str());
            if !out.contains(&css) {
                out.push(css);
            }
        }
        out
    }

    /// A person's requirements, if the shortest of these pages meets them.
    fn require(&self) -> Value {
        let least = i64::try_from(self.learnt.min_chars).unwrap_or(i64::MAX);
        let mut require = self.old.and_then(|old| old.get("require")?.as_table()).cloned().unwrap_or_default();
        let asked = require.get("min_chars").and_then(Value::as_integer).unwrap_or(least);
        require.insert("min_chars".into(), asked.min(least).into());
        require.entry("fields").or_insert_with(|| Value::Array(vec![Value::from("title")]));
        Value::Table(require)
    }
}
