//! Which selector files a command is about.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::load;
use super::problem::{Origin, SiteErrors, SourceFile};

/// Selector files: those asked for, and the others that they may extend.
pub struct Selection {
    /// All files; of those with the same stem, the last counts.
    pub files: Vec<SourceFile>,
    /// Stems of those asked for.
    pub asked: BTreeSet<String>,
}

impl Selection {
    /// Reads files.
    ///
    /// `selectors` are folders or files that add to the embedded ones; without any, `./selectors` if there is such a
    /// folder. `files` are those asked for: paths, or names of known files (`sznews`); without any, all are.
    ///
    /// # Errors
    ///
    /// [`SiteErrors::Unreadable`] for what cannot be read.
    pub fn new(selectors: &[PathBuf], files: &[PathBuf]) -> Result<Self, SiteErrors> {
        let mut all = load::builtin();
        let here = Path::new("selectors");
        if !selectors.is_empty() {
            all.extend(load::read(selectors)?);
        } else if here.is_dir() {
            all.extend(load::read(&[here.to_owned()])?);
        }
        let mut asked = BTreeSet::new();
        for path in files {
            let name = path.to_string_lossy();
            if !path.exists() && all.iter().any(|f| f.id == name) {
                asked.insert(name.into_owned());
                continue;
            }
            // Siblings are read too, without being asked for: the file may extend one of them.
            if let Some(dir) = path.parent().filter(|_| path.is_file()) {
                let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
                all.extend(load::read(&[dir.to_owned()])?);
            }
            let read = load::read(std::slice::from_ref(path))?;
            asked.extend(read.iter().map(|f| f.id.clone()));
            all.extend(read);
        }
        if files.is_empty() {
            asked = all.iter().map(|f| f.id.clone()).collect();
        }
        Ok(Self { files: all, asked })
    }

    /// Files on disk among those asked for.
    pub fn on_disk(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().filter(|f| self.asked.contains(&f.id)).filter_map(|f| match &f.origin {
            Origin::File(path) => Some(path.as_path()),
            Origin::Builtin => None,
        })
    }
}
