//! From files as written to sites: compiles what each file says, then puts together what each inherits.

mod crawl;
mod requests;
mod site;
mod step;
mod template;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::at::{At, Many};
use super::css::Css;
use super::load::{COMMON, Parsed, Set};
use super::problem::{Problem, SourceFile, did_you_mean};
use super::shelf::Patterns;
use super::{Common, Fields, LineRule, Site, Template, TemplateKind, pattern};
use crate::pattern::Pattern;
use crate::urls::hex;

/// What a file says of its own, apart from what makes it a site.
#[derive(Default)]
struct Parts {
    /// With the place of each.
    templates: Vec<(Template, Range<usize>)>,
    lines: Vec<LineRule>,
    fields: Fields,
    remove: Vec<Css>,
}

/// What is known before a set is compiled.
pub struct Known<'a> {
    /// The rules shared by all sites, where they are compiled already and not in the set.
    pub common: Option<Arc<Common>>,
    /// Regexes so far.
    pub patterns: &'a Patterns,
    /// Other files there are, for suggestions.
    pub others: &'a [&'a str],
}

/// A set of files, compiled.
pub struct Compiled {
    /// In order of file name.
    pub sites: Vec<Arc<Site>>,
    /// What `_common.toml` says.
    pub common: Arc<Common>,
}

/// Compiles a set of files. Whatever is wrong is noted in `problems`; with errors among them the result must not be used.
pub fn compile(set: &Set, known: &Known<'_>, problems: &mut Vec<Problem>) -> Compiled {
    let already: &[Problem] = problems;
    // Compiling regexes is most of the work, and files do not need each other for it.
    let own: Vec<(&str, Parts, Vec<Problem>)> = set
        .par_iter()
        .map(|(id, parsed)| {
            let mut problems = told_of(&parsed.file, already);
            let told = problems.len();
            let mut cx = Cx { file: &parsed.file, patterns: known.patterns, problems: &mut problems };
            let parts = cx.parts(&parsed.model);
            (id.as_str(), parts, problems.split_off(told))
        })
        .collect();
    let mut parts: BTreeMap<&str, Parts> = BTreeMap::new();
    for (id, part, told) in own {
        parts.insert(id, part);
        problems.extend(told);
    }

    let common = match parts.get(COMMON) {
        Some(p) => Arc::new(Common { lines: p.lines.clone(), fields: p.fields.clone(), remove: p.remove.clone() }),
        None => known.common.clone().unwrap_or_default(),
    };
    let mut sites = Vec::new();
    for (id, parsed) in set.iter().filter(|(id, parsed)| *id != COMMON && !parsed.broken) {
        let chain = chain(id, set, known.others, problems);
        let inherited = inherit(&chain, &parts, &common, parsed, problems);
        if !id.starts_with('_') {
            let mut cx = Cx { file: &parsed.file, patterns: known.patterns, problems };
            let (mut site, tests) = (cx.site(&parsed.model), cx.tests(&parsed.model));
            site.hash = hash(&chain, set);
            site.templates = inherited.templates.into_iter().map(|(t, _)| t).collect();
            site.lines = inherited.lines;
            site.tests = tests;
            sites.push(Arc::new(site));
        }
    }
    Compiled { sites, common }
}

/// What was told of a file already: it decides whether more needs saying.
fn told_of(file: &SourceFile, problems: &[Problem]) -> Vec<Problem> {
    problems.iter().filter(|p| p.file.id == file.id).cloned().collect()
}

/// The file and what it extends, nearest first.
fn chain<'a>(id: &'a str, set: &'a Set, others: &[&str], problems: &mut Vec<Problem>) -> Vec<&'a str> {
    let mut chain = vec![id];
    let mut at = id;
    while let Some((parsed, parent)) = set.get(at).and_then(|p| Some((p, p.model.extends.as_ref()?))) {
        // What is wrong further up is told when that file's own turn comes.
        let own = at == id;
        let name = parent.trim_end_matches(".toml");
        if let Some(from) = chain.iter().position(|c| *c == name) {
            let cycle = chain[from..].iter().chain([&name]).map(|c| format!("`{c}`")).collect::<Vec<_>>().join(" → ");
            if from == 0 {
                let file = &set[id].file;
                let span = set[id].model.extends.as_ref().map_or(0..0, |e| e.span.clone());
                problems.push(
                    Problem::error(file, span, "extends-cycle", format!("`extends` goes in a circle: {cycle}")).help(
                        "let one of them stand alone, or put what they share into a file whose name begins with `_`",
                    ),
                );
            }
            break;
        }
        if name == COMMON {
            if own {
                problems.push(
                    Problem::error(
                        &parsed.file,
                        parent.span.clone(),
                        "extends-common",
                        "`_common` applies to every site anyway",
                    )
                    .help("take the line out; `common = false` opts out"),
                );
            }
            break;
        }
        let Some((next, _)) = set.get_key_value(name) else {
            if own {
                let names = set.keys().map(String::as_str).chain(others.iter().copied());
                let near = did_you_mean(name, names.filter(|k| *k != id && *k != COMMON));
                problems.push(
                    Problem::error(
                        &parsed.file,
                        parent.span.clone(),
                        "extends-unknown",
                        format!("there is no selector file `{name}`"),
                    )
                    .label("not known")
                    .help(match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "the name of another selector file, without `.toml`".to_owned(),
                    }),
                );
            }
            break;
        };
        chain.push(next);
        at = next;
    }
    chain
}

/// Own templates and rules first, then those of the files extended, then the shared ones.
fn inherit(
    chain: &[&str],
    parts: &BTreeMap<&str, Parts>,
    common: &Common,
    parsed: &Parsed,
    problems: &mut Vec<Problem>,
) -> Parts {
    let mut all = Parts::default();
    for (distance, part) in chain.iter().filter_map(|id| parts.get(id)).enumerate() {
        for (template, span) in &part.templates {
            if distance == 0 || !all.templates.iter().any(|(t, _)| t.name == template.name) {
                all.templates.push((template.clone(), span.clone()));
            }
        }
        all.lines.extend_from_slice(&part.lines);
        all.fields.append(&part.fields);
        all.remove.extend_from_slice(&part.remove);
    }
    for (template, _) in &mut all.templates {
        template.fields.append(&all.fields);
        template.remove.extend_from_slice(&all.remove);
    }

    let own = chain.first().and_then(|id| parts.get(id)).map_or(0, |p| p.templates.len());
    for ((template, span), raw) in all.templates.iter().take(own).zip(&parsed.model.template) {
        // Where the body's selector is there and broken, that is what needs saying.
        if template.kind == TemplateKind::Article
            && template.fields.body.is_empty()
            && raw.body.is_empty()
            && !has_problem_in(&parsed.file, &extent(&parsed.file.text, span), problems)
        {
            problems.push(
                Problem::error(
                    &parsed.file,
                    span.clone(),
                    "missing-body",
                    format!("template `{}` is an article and says nothing of its body", template.name),
                )
                .label("`body` missing")
                .help("add body = \"CSS of the element that holds the paragraphs\", or kind = \"list\" or \"skip\""),
            );
        }
    }

    if parsed.model.common.as_ref().is_none_or(|c| c.value) {
        for (template, _) in &mut all.templates {
            template.fields.append(&common.fields);
            template.remove.extend_from_slice(&common.remove);
        }
        all.lines.extend_from_slice(&common.lines);
    }
    all
}

fn hash(chain: &[&str], set: &Set) -> String {
    let mut sha = Sha256::new();
    for parsed in chain.iter().filter_map(|id| set.get(*id)) {
        sha.update(parsed.file.text.as_bytes());
    }
    hex(&sha.finalize()[..8])
}

/// All of a table: of one that begins with a header, what stands below it as well.
fn extent(text: &str, table: &Range<usize>) -> Range<usize> {
    if !table.is_empty() && !text[table.start..].starts_with('[') {
        return table.clone();
    }
    let below = &text[table.end..];
    table.start..below.find("\n[").map_or(text.len(), |i| table.end + i)
}

/// Whether something in this part of the file did not have the right shape.
fn has_problem_in(file: &SourceFile, part: &Range<usize>, problems: &[Problem]) -> bool {
    problems.iter().any(|p| {
        p.file.id == file.id
            && part.contains(&p.span.start)
            && matches!(p.code, "unknown-key" | "wrong-type" | "unknown-word" | "number-range")
    })
}

/// A file being compiled, and what is wrong so far.
struct Cx<'a> {
    file: &'a Arc<SourceFile>,
    patterns: &'a Patterns,
    problems: &'a mut Vec<Problem>,
}

impl Cx<'_> {
    fn error(&mut self, span: &Range<usize>, code: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::error(self.file, span.clone(), code, message).help(help));
    }

    /// Says that something is missing in a table, unless what is there was taken out for being wrong: one mistake is told once.
    fn missing(
        &mut self,
        table: &Range<usize>,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if !has_problem_in(self.file, &extent(&self.file.text, table), self.problems) {
            self.error(table, code, message, help);
        }
    }

    fn css(&mut self, text: &At<String>) -> Option<Css> {
        pattern::css(self.file, text, self.problems)
    }

    fn css_list(&mut self, list: &Many<String>) -> Vec<Css> {
        list.iter().filter_map(|text| self.css(text)).collect()
    }

    fn regex(&mut self, text: &At<String>) -> Option<Arc<Pattern>> {
        pattern::shared(self.file, text, &text.span, self.patterns, self.problems)
    }

    fn regex_list(&mut self, list: &Many<String>) -> Vec<Arc<Pattern>> {
        list.iter().filter_map(|text| self.regex(text)).collect()
    }

    /// `sznews.toml:12`.
    fn place(&self, span: &Range<usize>) -> String {
        format!("{}:{}", self.file.name, self.file.line_column(span.start).0)
    }
}
