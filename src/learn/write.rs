//! The selector file as a person reads it: each key with what speaks for it, and what to look at.

use std::collections::HashMap;

use url::Url;

use super::draft::{Draft, comment, list, literal, quoted};
use super::study::Study;
use super::{Unused, address, trial};
use crate::clean::title;
use crate::record::{Reason, Record};
use crate::sites::{SiteErrors, Sites};

/// All that goes into the file.
pub struct File<'a> {
    /// Stem.
    pub id: &'a str,
    /// Hosts it is for.
    pub hosts: &'a [String],
    /// Pages learnt from.
    pub studies: &'a [Study],
    /// Pages not learnt from.
    pub unused: &'a [Unused],
    /// Templates in the file.
    pub templates: &'a [Draft],
    /// Templates that did worse than the generic extractor.
    pub left_out: &'a [Draft],
    /// Files that are there already.
    pub known: &'a Sites,
}

/// File names of the pages, as the tests name them.
pub fn page_names(id: &str, studies: &[Study]) -> Vec<String> {
    (1..=studies.len()).map(|n| format!("{id}-{n}.html")).collect()
}

impl File<'_> {
    /// The file, with tests if their pages are to stand beside it.
    ///
    /// # Errors
    ///
    /// It cannot be compiled, which would be a mistake of ours.
    pub fn toml(&self, tests: bool) -> Result<String, SiteErrors> {
        let mut out = self.head();
        out.push_str(&self.crawl());
        for draft in self.templates {
            out.push('\n');
            out.push_str(&self.about(draft));
            out.push_str(&draft.toml(Some(draft.pages.len())));
        }
        for draft in self.left_out {
            let why = match draft.contested {
                true => {
                    "other pages have something else there, so one of the two is mistaken: look at this page".to_owned()
                }
                false => format!("its text agrees to {} only with the generic extractor's", percent(draft.agreement())),
            };
            out.push_str(&format!("\n# Left out: `{}` on {}; {why}.\n", draft.body, self.names(&draft.pages)));
        }
        let sites = trial::compile(self.id, &out)?;
        if tests {
            out.push_str(&self.tests(&sites));
        } else {
            out.push_str(
                "\n# No [[test]]s: they need the pages beside the file. `jingwen learn --out DIR` writes both.\n",
            );
        }
        Ok(out)
    }

    fn names(&self, pages: &[usize]) -> String {
        pages.iter().map(|&p| comment(short(&self.studies[p].input.name))).collect::<Vec<_>>().join(", ")
    }

    fn head(&self) -> String {
        let n = self.studies.len();
        let covered: usize = self.templates.iter().map(|t| t.pages.len()).sum();
        let mut out = format!(
            "# A first draft by `jingwen learn`, from {n} page{} of one site. Numbers behind a line say on how many of its\n\
             # template's pages it holds. Where no template applies, the generic extractor does the work.\n",
            if n == 1 { "" } else { "s" }
        );
        if covered < n {
            let own: Vec<usize> = self.templates.iter().flat_map(|t| t.pages.clone()).collect();
            let rest: Vec<usize> = (0..n).filter(|p| !own.contains(p)).collect();
            out.push_str(&format!("# Left to the generic extractor: {}.\n", self.names(&rest)));
        }
        for u in self.unused {
            out.push_str(&format!(
                "# Not learnt from: {} ({}: {}).\n",
                comment(short(&u.name)),
                u.reason,
                comment(&u.detail)
            ));
        }
        if let Some(site) = self.known.by_id(self.id) {
            out.push_str(&format!("# It takes the place of {} where both are loaded.\n", site.file));
        }
        if !self.studies.iter().any(|s| s.url_is_known) {
            out.push_str(
                "# No page says its own address: hosts are those of --url-prefix, patterns of articles are missing.\n",
            );
        }
        let sure =
            self.templates.iter().all(|t| t.pages.len() >= 3 && t.agreement() >= 0.98) && !self.templates.is_empty();
        out.push_str(&format!(
            "\nname = {}\nhosts = {}\nconfidence = \"{}\"\n",
            quoted(&self.site_name()),
            list(self.hosts),
            if sure { "medium" } else { "low" }
        ));
        out
    }

    /// The site's name: known already, declared by most pages, or its host.
    fn site_name(&self) -> String {
        if let Some(site) = self.known.by_id(self.id) {
            return site.name.clone();
        }
        let mut votes: HashMap<String, usize> = HashMap::new();
        for study in self.studies {
            let declared = study.meta.get("og:site_name").map(str::to_owned).or_else(|| {
                let whole = study.meta.title.trim();
                let rest = whole.strip_prefix(&title::strip_suffix(whole))?;
                let last = rest.rsplit(['_', '-', '|', '—', '－', '｜']).next()?.trim();
                (2..=20).contains(&last.chars().count()).then(|| last.to_owned())
            });
            if let Some(name) = declared.filter(|n| !n.is_empty()) {
                *votes.entry(name).or_insert(0) += 1;
            }
        }
        let best = votes.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0))).map(|(n, _)| n);
        best.unwrap_or_else(|| self.hosts.first().cloned().unwrap_or_default())
    }

    fn crawl(&self) -> String {
        let known: Vec<&Url> = self.studies.iter().filter(|s| s.url_is_known).filter_map(|s| s.url.as_ref()).collect();
        let articles = address::patterns(&known);
        let compiled: Vec<regex::Regex> = articles.iter().filter_map(|(p, _)| regex::Regex::new(p).ok()).collect();
        let lists: Vec<&Url> = self
            .unused
            .iter()
            .filter(|u| matches!(u.reason, Reason::List | Reason::NoBody))
            .filter_map(|u| u.url.as_ref())
            .collect();
        let lists: Vec<(String, usize)> = address::patterns(&lists)
            .into_iter()
            .filter(|(p, _)| regex::Regex::new(p).is_ok_and(|r| !known.iter().any(|u| r.is_match(u.as_str()))))
            .collect();
        let mut homes: Vec<String> = Vec::new();
        for host in self.studies.iter().filter_map(|s| s.url.as_ref()).filter_map(Url::host_str) {
            let home = format!("https://{host}/");
            if !homes.contains(&home) && homes.len() < 4 && !compiled.iter().any(|r| r.is_match(&home)) {
                homes.push(home);
            }
        }
        if homes.is_empty() && articles.is_empty() {
            return String::new();
        }
        let mut out = String::from("\n[crawl]\n");
        out.push_str(&format!("seeds = {}   # look at: home pages by guess, add the site's lists\n", list(&homes)));
        // Addresses that were made up match no pattern, and `check` would say so of their tests.
        let all_known = known.len() == self.studies.len();
        for (key, patterns, mark) in [("lists", &lists, ""), ("articles", &articles, if all_known { "" } else { "# " })]
        {
            if patterns.is_empty() {
                continue;
            }
            if !mark.is_empty() {
                out.push_str(&format!(
                    "# Look at: only {} of {} pages say their address.\n",
                    known.len(),
                    self.studies.len()
                ));
            }
            out.push_str(&format!("{mark}{key} = [\n"));
            for (pattern, n) in patterns {
                out.push_str(&format!("{mark}  {},   # {n} seen\n", literal(pattern)));
            }
            out.push_str(&format!("{mark}]\n"));
        }
        out
    }

    /// What a person should know of a template.
    fn about(&self, draft: &Draft) -> String {
        let n = draft.pages.len();
        let mut out = format!(
            "# {n} page{}: {}\n# Its text agrees to {} with what the generic extractor finds on them.\n",
            if n == 1 { "" } else { "s" },
            self.names(&draft.pages),
            percent(draft.agreement()),
        );
        if n == 1 {
            out.push_str(
                "# Look at: seen on one page only; nothing but the generic extractor tells its noise from its text.\n",
            );
        }
        for (name, step) in [("title", &draft.title), ("published", &draft.published), ("source", &draft.source)] {
            if step.is_empty() {
                out.push_str(&format!(
                    "# Look at: no element gives `{name}` on its pages; the shared rules look for it elsewhere.\n"
                ));
            }
        }
        let repeated: Vec<&str> =
            draft.pages.iter().flat_map(|&p| &self.studies[p].repeated).map(String::as_str).collect();
        if let Some(first) = repeated.first() {
            out.push_str(&format!(
                "# Several pages have the same lines in their text, taken for frame: “{}” …\n",
                comment(first)
            ));
        }
        for line in draft.doubtful.iter().take(4) {
            out.push_str(&format!(
                "# Look at: “{}” stays in the text; the generic extractor drops it.\n",
                comment(line)
            ));
        }
        out
    }

    fn tests(&self, sites: &Sites) -> String {
        let mut out = String::new();
        let names = page_names(self.id, self.studies);
        for (study, name) in self.studies.iter().zip(names) {
            let cleaned = trial::run(sites, &study.input, study.url.as_ref());
            let (Some(template), Ok(record)) = (&cleaned.template, &cleaned.article) else {
                out.push_str(&format!(
                    "\n# {name} ({}) is left to the generic extractor.\n",
                    comment(short(&study.input.name))
                ));
                continue;
            };
            out.push_str(&test(study, &name, template, record, self.templates));
        }
        out
    }
}

fn test(study: &Study, page: &str, template: &str, record: &Record, templates: &[Draft]) -> String {
    let mut out = format!("\n[[test]]\npage = {}\n", quoted(page));
    let mut key = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            out.push_str(&format!("{name} = {}\n", quoted(value)));
        }
    };
    key("url", study.url.as_ref().map(Url::as_str));
    key("template", Some(template));
    key("title", record.title.as_deref());
    key("published", record.published_at.as_deref());
    key("source", record.source.as_deref());
    let lines: Vec<&str> = record.text.lines().collect();
    let mut contains: Vec<String> = Vec::new();
    for line in [lines.first(), lines.get(lines.len() / 2), lines.last()].into_iter().flatten() {
        let part: String = line.chars().take(20).collect();
        if !contains.contains(&part) {
            contains.push(part);
        }
    }
    let mut excludes: Vec<String> = Vec::new();
    let removed = templates.iter().filter(|t| t.name == template).flat_map(|t| &t.remove).map(|r| r.sample.as_str());
    let dropped = study.lines.iter().filter(|l| !l.body && (6..=40).contains(&l.chars)).map(|l| l.text.as_str());
    for line in removed.filter(|s| study.lines.iter().any(|l| l.text == **s)).take(3).chain(dropped) {
        let part: String = line.chars().take(20).collect();
        let title = record.title.as_deref().unwrap_or_default();
        if excludes.len() < 4
            && part.chars().count() >= 4
            && !record.text.contains(&part)
            && !title.contains(&part)
            && !excludes.contains(&part)
        {
            excludes.push(part);
        }
    }
    let chars = record.text.chars().filter(|c| !c.is_whitespace()).count();
    out.push_str(&format!("contains = {}\n", list(&contains)));
    if !excludes.is_empty() {
        out.push_str(&format!("excludes = {}\n", list(&excludes)));
    }
    out.push_str(&format!("chars = [{chars}, {chars}]\n"));
    out
}

/// The last part of a path or address.
fn short(name: &str) -> &str {
    name.trim_end_matches('/').rsplit(['/', '\\']).next().unwrap_or(name)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
