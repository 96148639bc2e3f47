//! What could be changed in a selector file after a redesign: a template for the new layout, learnt from the pages that show
//! it, and selectors for blocks that came into the container. A proposal is to be reviewed; nothing is written by itself.

mod block;
mod layout;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clean::{Body, Cleaned, Options, Page, clean};
use crate::inspect::hits::chain;
use crate::learn::Input;
use crate::sites::load::{COMMON, Set};
use crate::sites::{Origin, Site, SiteErrors, Sites, SourceFile};

use super::looked::Words;
use super::warning::{Kind, Warning};

/// A selector file before and after.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The file as it is.
    pub file: Arc<SourceFile>,
    /// Its text with the change.
    pub text: String,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Proposal {
    /// Files that would change.
    pub changed: Vec<Changed>,
    /// What was tried and how it did, for a person.
    pub notes: Vec<String>,
}

/// Selector files that are being changed.
struct Draft<'a> {
    site: &'a Site,
    files: Set,
    /// New texts by stem.
    texts: BTreeMap<String, String>,
    notes: Vec<String>,
}

/// Proposes changes to a site's selector files after what was noticed, from recent pages of the site.
pub fn propose(site: &Site, warnings: &[Warning], pages: &[Input]) -> Proposal {
    let mut draft = Draft { site, files: Words::of(site).files, texts: BTreeMap::new(), notes: Vec::new() };
    let mut layouts = false;
    for warning in warnings.iter().filter(|w| w.site == site.id) {
        match warning.kind {
            Kind::NoTemplate | Kind::NewLayout | Kind::TemplateShare if !layouts => {
                layouts = true;
                draft.note(layout::propose, warning, pages);
            }
            Kind::NoTemplate | Kind::NewLayout | Kind::TemplateShare => {}
            Kind::NewBlock => draft.note(block::propose, warning, pages),
            // What a new block brings with it is mended with the block.
            Kind::LinkDensity | Kind::TextSwelled => {}
            _ => draft.notes.push(format!(
                "{} {}: nothing is proposed; look at `jingwen inspect {}`",
                warning.kind.as_str(),
                warning.field,
                warning.evidence.last().map_or("PAGE", String::as_str)
            )),
        }
    }
    let changed = draft.texts.iter().filter_map(|(id, text)| {
        let file = Arc::clone(&draft.files.get(id)?.file);
        (*file.text != **text).then(|| Changed { file, text: text.clone() })
    });
    Proposal { changed: changed.collect(), notes: draft.notes }
}

impl Draft<'_> {
    fn note(
        &mut self,
        with: impl Fn(&mut Self, &Warning, &[Input]) -> Result<String, Problem>,
        warning: &Warning,
        pages: &[Input],
    ) {
        let said = with(self, warning, pages).unwrap_or_else(|problem| problem.to_string());
        self.notes.push(format!("{}: {said}", warning.kind.as_str()));
    }

    /// Present text of a file.
    fn text(&self, id: &str) -> Option<&str> {
        self.texts.get(id).map(String::as_str).or_else(|| self.files.get(id).map(|parsed| &*parsed.file.text))
    }

    /// The stem of the nearest file that has a template of this name: the site's own, or one it extends.
    fn owner(&self, template: &str) -> Option<String> {
        let has = |text: &str| text::block(text, template).is_some();
        chain(&self.site.id, &self.files)
            .into_iter()
            .map(|p| &p.file.id)
            .find(|id| self.text(id).is_some_and(has))
            .cloned()
    }

    /// The site with the present texts, and in place of one of them another.
    fn compile(&self, instead: Option<(&str, &str)>) -> Result<Sites, SiteErrors> {
        let mut files: Vec<SourceFile> = Vec::new();
        for parsed in chain(&self.site.id, &self.files).into_iter().chain(self.files.get(COMMON)) {
            let id = &parsed.file.id;
            let own = self.text(id).unwrap_or_default();
            let text = instead.filter(|(other, _)| other == id).map_or(own, |(_, text)| text);
            files.push(SourceFile { text: text.into(), ..parsed.file.copy() });
        }
        Sites::compile(files)
    }
}

/// Why nothing is proposed.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// None of the pages shows it.
    #[error("none of the {0} pages at hand shows it; give more with --archive, or run the crawl again")]
    NoPages(usize),
    /// No template was learnt.
    #[error("no template could be learnt from {0} pages ({1}); look at one with `jingwen inspect`")]
    NotLearnt(usize, String),
    /// The template is not in any file at hand.
    #[error("the file with template `{0}` is not at hand")]
    NoTemplate(String),
    /// The file with the change cannot be used.
    #[error("the changed file could not be used, which is a mistake of the program: {0}")]
    Unusable(#[from] SiteErrors),
}

/// Cleans a page with what drift looks at.
fn look(page: &Input, sites: &Sites) -> Cleaned {
    let given = Page {
        url: page.url.as_ref(),
        body: Body::Html(&page.bytes),
        content_type: page.content_type.as_deref(),
        fetched_at: page.fetched_at,
    };
    clean(&given, sites, &Options { watch: true, links: true, ..Options::default() })
}

/// Where a file is shown in a diff: as it is named, or where an embedded one would be written to.
pub fn path_of(file: &SourceFile) -> String {
    match &file.origin {
        Origin::Builtin => format!("selectors/{}.toml", file.id),
        Origin::File(path) => {
            let here = std::env::current_dir().unwrap_or_default();
            path.strip_prefix(&here).unwrap_or(path).display().to_string().trim_start_matches("./").to_owned()
        }
    }
}

/// The change as `diff -u` writes it; `patch -p1` and `git apply` take it.
pub fn unified(changed: &Changed) -> String {
    let path = path_of(&changed.file);
    let diff = similar::TextDiff::from_lines(&*changed.file.text, changed.text.as_str());
    diff.unified_diff().header(&format!("a/{path}"), &format!("b/{path}")).to_string()
}
