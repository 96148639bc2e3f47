//! The pages to test with: those of this repository, and real ones where they lie beside it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A page with the address that its selector file's test, or its gold, gives.
pub struct Saved {
    pub name: String,
    pub url: Option<String>,
    pub bytes: Vec<u8>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Pages of `tests/pages`, in order of name.
pub fn own() -> Vec<Saved> {
    let urls = addresses();
    let mut out: Vec<Saved> = files(&root().join("tests/pages"), ".html")
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            Saved { url: urls.get(&name).cloned(), bytes: fs::read(&path).unwrap(), name }
        })
        .collect();
    out.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(out.len() > 50, "{} pages", out.len());
    out
}

/// Pages to the addresses that the tests in selector files give them.
fn addresses() -> HashMap<String, String> {
    let mut out = HashMap::new();
    for path in files(&root().join("selectors"), ".toml") {
        let text = fs::read_to_string(path).unwrap();
        let Ok(file) = text.parse::<toml::Table>() else { continue };
        for test in file.get("test").and_then(|t| t.as_array()).into_iter().flatten() {
            if let (Some(page), Some(url)) =
                (test.get("page").and_then(|v| v.as_str()), test.get("url").and_then(|v| v.as_str()))
            {
                out.insert(page.to_owned(), url.to_owned());
            }
        }
    }
    out
}

/// Real pages, which belong to their publishers and lie beside the repository, if at all. Says so where they are absent.
pub fn real() -> Vec<Saved> {
    let mut out = Vec::new();
    for set in ["zh", "seed-style"] {
        let folder = root().join("../shared/corpus").join(set);
        if !folder.is_dir() {
            eprintln!("skipped: no pages at {}", folder.display());
            continue;
        }
        for gold in files(&folder.join("gold"), ".json") {
            let gold: serde_json::Value = serde_json::from_slice(&fs::read(gold).unwrap()).unwrap();
            let name = gold["id"].as_str().unwrap().to_owned();
            let site = gold["site"].as_str().unwrap_or("example.com");
            let url = gold["url"].as_str().map_or_else(|| format!("https://{site}/"), ToOwned::to_owned);
            let plain = folder.join(format!("pages/{name}.html"));
            let bytes = fs::read(&plain).unwrap_or_else(|_| {
                let mut bytes = Vec::new();
                let file = fs::File::open(folder.join(format!("pages/{name}.html.gz"))).unwrap();
                flate2::read::MultiGzDecoder::new(file).read_to_end(&mut bytes).unwrap();
                bytes
            });
            out.push(Saved { name, url: Some(url), bytes });
        }
    }
    out.sort_by(|a, b| a.name.cmp(&b.name));
    out
}

fn files(folder: &Path, ending: &'static str) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|e| e.unwrap().path())
        .filter(move |p| p.to_string_lossy().ends_with(ending))
}

/// A number from the environment.
pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}
