//! Trying a draft with the real cleaner: what it gives on the pages it was made from, beside what was taught.

use std::path::PathBuf;

use url::Url;

use super::study::{Input, cleaned};
use crate::clean::Cleaned;
use crate::sites::load::{self, COMMON};
use crate::sites::{Origin, SiteErrors, Sites, SourceFile};

/// Compiles a selector file with nothing beside it but the shared rules.
///
/// # Errors
///
/// What is wrong with the file; that would be a mistake of ours.
pub fn compile(id: &str, toml: &str) -> Result<Sites, SiteErrors> {
    let mut files: Vec<SourceFile> = load::builtin().into_iter().filter(|f| f.id == COMMON).collect();
    files.push(SourceFile {
        id: id.to_owned(),
        name: format!("{id}.toml"),
        origin: Origin::File(PathBuf::from(format!("{id}.toml"))),
        text: toml.into(),
    });
    Sites::compile(files)
}

/// Cleans a page by the site of a trial.
pub fn run(sites: &Sites, input: &Input, url: Option<&Url>) -> Cleaned {
    cleaned(input, url, sites, false)
}
