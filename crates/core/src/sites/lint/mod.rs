//! What is wrong with selector files although they can be read: what can never win, never match, or was hardly meant so.

mod cases;
mod crawl;
mod css;
mod regexes;
mod template;

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use regex::Regex;

use super::at::{At, Many};
use super::load::{COMMON, Parsed};
use super::problem::{Problem, SourceFile};
use super::{Sites, load};
use crate::urls::host_pattern;

/// Says whether a test's page is there: `None` where it cannot be known.
pub type PageExists<'a> = &'a (dyn Fn(&SourceFile, &str) -> Option<bool> + Sync);

/// Everything that is wrong with these files, by file and place.
pub fn check(files: Vec<SourceFile>, page_exists: PageExists<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let set = load::parse(files, &mut problems);
    let sites = Sites::of(&set, &mut problems);
    let told: Vec<Problem> = set
        .par_iter()
        .filter(|(_, parsed)| !parsed.broken)
        .flat_map_iter(|(id, parsed)| {
            let mut problems = Vec::new();
            Lint { id, parsed, sites: &sites, problems: &mut problems, regexes: RefCell::default() }.file(page_exists);
            problems
        })
        .collect();
    problems.extend(told);
    load::in_order(problems)
}

/// A file being looked at.
struct Lint<'a> {
    id: &'a str,
    parsed: &'a Parsed,
    sites: &'a Sites,
    problems: &'a mut Vec<Problem>,
    /// Compiled once each; `None` for bad ones, which were told of before.
    regexes: RefCell<HashMap<String, Option<Regex>>>,
}

impl Lint<'_> {
    fn file(&mut self, page_exists: PageExists<'_>) {
        let model = &self.parsed.model;
        if self.is_site() && model.name.is_none() {
            self.warn(&(0..0), "missing-name", "the site has no name", "add name = \"…\", as its readers know it");
        }
        for (host, name) in &model.names {
            let host = host_pattern(host);
            let covered = model.hosts.iter().any(|h| covers(h, &host));
            if !covered {
                let message = format!("`names` has `{host}`, which is not on `hosts`");
                self.warn(&name.span, "name-without-host", message, "add it to `hosts`, or take it out");
            }
        }
        if self.id == COMMON {
            self.common();
        }
        self.crawl();
        self.templates();
        self.lines(&model.line);
        self.cases(page_exists);
        self.duplicates("remove", &model.remove);
    }

    /// Files whose name begins with `_` are no sites.
    fn is_site(&self) -> bool {
        !self.id.starts_with('_')
    }

    fn common(&mut self) {
        let model = &self.parsed.model;
        for template in &model.template {
            self.error(
                &template.span,
                "template-in-common",
                "`_common.toml` has no templates",
                "put it into a site's file",
            );
        }
        for host in model.hosts.iter().take(1) {
            self.error(&host.span, "hosts-in-common", "`_common.toml` belongs to no host", "take `hosts` out");
        }
        for step in model.fields.body.iter().take(1) {
            let help = "say it in the files of the sites that have it; elsewhere the generic extractor does better";
            self.warn(
                &step.span,
                "body-in-common",
                "a body shared by all sites would win on pages it was not made for",
                help,
            );
        }
    }

    /// Entries that are there twice.
    fn duplicates(&mut self, key: &str, list: &Many<String>) {
        let mut seen: HashMap<&str, &Range<usize>> = HashMap::new();
        for entry in list {
            if let Some(first) = seen.insert(entry.trim(), &entry.span) {
                let problem = Problem::warning(
                    &self.parsed.file,
                    entry.span.clone(),
                    "duplicate",
                    format!("`{}` is twice in `{key}`", entry.value),
                );
                self.problems
                    .push(problem.label("again").also(first.clone(), "first here").help("take one of them out"));
            }
        }
    }

    fn error(&mut self, span: &Range<usize>, code: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::error(&self.parsed.file, span.clone(), code, message).help(help));
    }

    fn warn(&mut self, span: &Range<usize>, code: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::warning(&self.parsed.file, span.clone(), code, message).help(help));
    }

    /// A regex of the file; `None` if it is bad.
    fn compiled(&self, text: &str) -> Option<Regex> {
        self.regexes.borrow_mut().entry(text.to_owned()).or_insert_with(|| Regex::new(text).ok()).clone()
    }

    fn source(&self) -> &Arc<SourceFile> {
        &self.parsed.file
    }
}

/// Whether an entry of `hosts` covers a host name.
fn covers(entry: &At<String>, host: &str) -> bool {
    let entry = host_pattern(entry);
    match entry.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => entry == host,
    }
}
