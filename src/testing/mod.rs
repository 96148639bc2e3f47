//! Runs the `[[test]]`s of selector files: a page in, a comparison with what must come out.

mod blame;
mod compare;
mod junit;
mod update;
mod why;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use url::Url;

use crate::clean::{Body, Cleaned, Options, Page, clean};
use crate::sites::load::Set;
use crate::sites::{Origin, Site, SiteTest, Sites, pages};

pub use compare::Difference;
pub use junit::junit;
pub use update::{Update, updates};

/// A test that was run.
#[derive(Debug)]
pub struct Run {
    /// The site.
    pub site: Arc<Site>,
    /// The test.
    pub test: SiteTest,
    /// What came of it.
    pub verdict: Verdict,
    /// What the page gave, where there was one.
    pub cleaned: Option<Cleaned>,
    /// How long it took, reading included.
    pub took: Duration,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All that it says holds.
    Passed,
    /// What does not hold.
    Failed(Vec<Difference>),
    /// It could not be run here, and that is nobody's mistake.
    Skipped(String),
}

impl Run {
    /// The name of the test's page.
    pub fn page(&self) -> &str {
        self.test.expect.page.as_ref().map_or("", |p| p.value.as_str())
    }

    /// `selectors/sznews.toml:83`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.site.file, self.test.line)
    }
}

/// Runs the tests of the sites asked for, in parallel; the answer is in the order of files and tests. `files` are the selector
/// files as written, for telling which of their rules decided.
pub fn run(sites: &Sites, files: &Set, asked: &BTreeSet<String>, given: Option<&Path>) -> Vec<Run> {
    let tests: Vec<(&Arc<Site>, &SiteTest)> = sites
        .all()
        .into_iter()
        .filter(|site| asked.contains(&site.id))
        .flat_map(|site| site.tests.iter().map(move |test| (site, test)))
        .collect();
    tests.into_par_iter().map(|(site, test)| run_one(sites, files, site, test, given)).collect()
}

fn run_one(sites: &Sites, files: &Set, site: &Arc<Site>, test: &SiteTest, given: Option<&Path>) -> Run {
    let began = Instant::now();
    let (verdict, cleaned) = match clean_page(sites, site, test, given) {
        Ok((cleaned, bytes, url)) => {
            let mut differences = compare::compare(&test.expect, &cleaned);
            if let Some(difference) = differences.iter_mut().find(|d| d.what == "template") {
                difference.note = why::why(site, test, &bytes, url.as_ref(), cleaned.template.as_deref());
            }
            blame::blame(&mut differences, sites, files, &bytes, url.as_ref());
            (if differences.is_empty() { Verdict::Passed } else { Verdict::Failed(differences) }, Some(cleaned))
        }
        Err(verdict) => (verdict, None),
    };
    Run { site: Arc::clone(site), test: test.clone(), verdict, cleaned, took: began.elapsed() }
}

fn clean_page(
    sites: &Sites,
    site: &Site,
    test: &SiteTest,
    given: Option<&Path>,
) -> Result<(Cleaned, Vec<u8>, Option<Url>), Verdict> {
    let cannot = |what: &str, why: String| Verdict::Failed(vec![Difference::note(what, why)]);
    let Some(page) = &test.expect.page else {
        return Err(cannot("page", "the test names no page: add page = \"…\"".to_owned()));
    };
    let Some(path) = pages::find(&site.origin, given, page) else {
        let folders = pages::folders(&site.origin, given);
        if site.origin == Origin::Builtin && folders.is_empty() {
            return Err(Verdict::Skipped(
                "the pages of embedded files are only in a checkout (or name them by --pages)".to_owned(),
            ));
        }
        let looked = folders.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(" and ");
        let looked = if looked.is_empty() {
            "there is no folder pages/ next to the file".to_owned()
        } else {
            format!("looked in {looked}")
        };
        return Err(cannot("page", format!("there is no `{}`: {looked}", page.value)));
    };
    let bytes = fs::read(&path).map_err(|e| cannot("page", format!("cannot read {}: {e}", path.display())))?;
    let url = match test.expect.url.as_ref().map(|u| Url::parse(u)) {
        Some(Ok(url)) => Some(url),
        Some(Err(e)) => return Err(cannot("url", format!("not an address: {e}"))),
        None => None,
    };
    let fetched_at = match test.expect.fetched.as_ref().map(|f| f.value.0.parse()) {
        Some(Ok(at)) => Some(at),
        Some(Err(e)) => return Err(cannot("fetched", format!("not an instant: {e}"))),
        None => None,
    };
    let page = Page { url: url.as_ref(), body: Body::Html(&bytes), content_type: None, fetched_at };
    let cleaned = clean(&page, sites, &Options { links: true, ..Options::default() });
    Ok((cleaned, bytes, url))
}
