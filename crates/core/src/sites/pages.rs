//! Where the pages of `[[test]]`s are.

use std::path::{Path, PathBuf};

use super::problem::{Origin, SourceFile};

/// Folders that may hold the pages of a file's tests, in the order in which they are looked at: the one given, `pages/` next
/// to the file, `tests/pages/` of the repository the file stands in (or of the one we are in, for embedded files).
pub fn folders(origin: &Origin, given: Option<&Path>) -> Vec<PathBuf> {
    if let Some(given) = given {
        return vec![given.to_owned()];
    }
    let mut folders = Vec::new();
    match origin {
        Origin::File(path) => {
            let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            folders.push(dir.join("pages"));
            folders.push(dir.join("../tests/pages"));
        }
        Origin::Builtin => {
            folders.push(PathBuf::from("tests/pages"));
            // The checkout the program was built in, for `cargo run` from elsewhere.
            folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/pages"));
        }
    }
    folders.retain(|f| f.is_dir());
    folders
}

/// The file of a test's page.
pub fn find(origin: &Origin, given: Option<&Path>, page: &str) -> Option<PathBuf> {
    folders(origin, given).into_iter().map(|f| f.join(page)).find(|f| f.is_file())
}

/// Whether the page is there; `None` for an embedded file far from any checkout, whose pages are nowhere.
pub fn exists(file: &SourceFile, given: Option<&Path>, page: &str) -> Option<bool> {
    if file.origin == Origin::Builtin && folders(&file.origin, given).is_empty() {
        return None;
    }
    Some(find(&file.origin, given, page).is_some())
}
