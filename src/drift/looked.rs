//! What was looked for, in the words of the selector file.

use std::path::PathBuf;

use crate::inspect::hits::{chain, describe, written};
use crate::sites::at::StrOr;
use crate::sites::load::{self, Set};
use crate::sites::model::HasFields;
use crate::sites::{Origin, Site};

/// Selector files as written; read when something is to be told.
pub struct Words {
    /// By stem.
    pub files: Set,
}

impl Words {
    /// The embedded files and those beside the site's.
    pub fn of(site: &Site) -> Self {
        let mut files = load::builtin();
        if let Origin::File(path) = &site.origin {
            let dir =
                path.parent().filter(|d| !d.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Into::into);
            // What cannot be read any more is told without its words.
            files.extend(load::read(&[dir]).unwrap_or_default());
        }
        Self { files: load::parse(files, &mut Vec::new()) }
    }

    /// The selectors under a key of a template: of one step, or all.
    pub fn under(&self, site: &str, template: &str, key: &str, at: Option<usize>) -> String {
        let chain = chain(site, &self.files);
        let Some(template) = written(&chain, template) else { return String::new() };
        let listed: Vec<String> = match key {
            "when.has" => template.when.has.iter().map(|css| css.value.clone()).collect(),
            "when.lacks" => template.when.lacks.iter().map(|css| css.value.clone()).collect(),
            "next" => template
                .next
                .iter()
                .filter_map(|next| match &next.value {
                    StrOr::Str(css) => Some(css.clone()),
                    StrOr::Table(table) => table.css.as_ref().map(|css| css.value.clone()),
                })
                .collect(),
            _ => template
                .fields()
                .into_iter()
                .find(|(name, _)| *name == key)
                .map(|(_, list)| list.iter().map(describe).collect())
                .unwrap_or_default(),
        };
        match at {
            Some(at) => listed.get(at).cloned().unwrap_or_else(|| format!("shared step {}", at + 1 - listed.len())),
            None => listed.join(" | "),
        }
    }
}
