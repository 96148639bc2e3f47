//! Reads selector files: the embedded ones, and those of files and folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use serde::Deserialize;
use toml::de::DeTable;

use super::model::File;
use super::problem::{Origin, Problem, SiteErrors, SourceFile};
use super::shape;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/selectors.rs"));
}

/// File stem of the rules shared by all sites.
pub const COMMON: &str = "_common";

/// A selector file as text and as model.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The text.
    pub file: Arc<SourceFile>,
    /// What it says, without what had the wrong shape.
    pub model: File,
    /// It is not even TOML: `model` is empty, and nothing can be said about what it lacks.
    pub broken: bool,
}

/// Selector files by their stem.
pub type Set = BTreeMap<String, Parsed>;

/// The selector files embedded in the program.
pub fn builtin() -> Vec<SourceFile> {
    let file = |&(name, text): &(&str, &str)| SourceFile {
        id: name.trim_end_matches(".toml").to_owned(),
        name: format!("selectors/{name}"),
        origin: Origin::Builtin,
        text: text.into(),
    };
    embedded::FILES.iter().map(file).collect()
}

/// The selector files at these paths: `.toml` files, or folders whose `.toml` files are taken (not those below).
pub fn read(paths: &[PathBuf]) -> Result<Vec<SourceFile>, SiteErrors> {
    let mut files = Vec::new();
    for path in paths {
        let unreadable = |error: io::Error| SiteErrors::Unreadable { path: path.clone(), error };
        if fs::metadata(path).map_err(unreadable)?.is_dir() {
            let mut inside: Vec<PathBuf> = fs::read_dir(path)
                .and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect())
                .map_err(unreadable)?;
            inside.retain(|f| f.extension().is_some_and(|e| e == "toml"));
            inside.sort();
            for file in inside {
                files.push(read_file(&file)?);
            }
        } else {
            files.push(read_file(path)?);
        }
    }
    Ok(files)
}

fn read_file(path: &Path) -> Result<SourceFile, SiteErrors> {
    let text = fs::read_to_string(path).map_err(|error| SiteErrors::Unreadable { path: path.to_owned(), error })?;
    Ok(SourceFile {
        id: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        name: path.display().to_string(),
        origin: Origin::File(path.to_owned()),
        // Editors on Windows put a byte order mark in front; TOML has none.
        text: text.strip_prefix('\u{feff}').unwrap_or(&text).into(),
    })
}

/// Parses files; of files with the same stem the last one counts. What is wrong is noted, the rest is kept.
pub fn parse(files: Vec<SourceFile>, problems: &mut Vec<Problem>) -> Set {
    parse_each(files, problems, true)
}

/// The same of embedded files. The tests check their shape, which takes as long as all else here.
pub fn parse_embedded(files: Vec<SourceFile>, problems: &mut Vec<Problem>) -> Set {
    parse_each(files, problems, false)
}

fn parse_each(files: Vec<SourceFile>, problems: &mut Vec<Problem>, check: bool) -> Set {
    let last: BTreeMap<String, SourceFile> = files.into_iter().map(|f| (f.id.clone(), f)).collect();
    last.into_iter()
        .map(|(id, file)| {
            let file = Arc::new(file);
            let model = parse_one(&file, problems, check);
            (id, Parsed { file, broken: model.is_none(), model: model.unwrap_or_default() })
        })
        .collect()
}

fn parse_one(file: &Arc<SourceFile>, problems: &mut Vec<Problem>, check: bool) -> Option<File> {
    let (mut tree, errors) = DeTable::parse_recoverable(&file.text);
    let broken = !errors.is_empty();
    // What is not closed drags the rest along: there, the first error is the one that helps. Else one a line.
    let open = errors.iter().any(|e| e.message().contains("unclosed") || e.message().contains("missing comma"));
    let mut told = Vec::new();
    for problem in errors.iter().map(|e| syntax_problem(file, e)).take(if open { 1 } else { usize::MAX }) {
        let (line, _) = problem.line_column();
        if !told.contains(&line) {
            told.push(line);
            problems.push(problem);
        }
    }
    if broken {
        // What can be recovered from broken TOML is a guess; errors about it would mislead.
        return None;
    }
    if check {
        shape::check(tree.get_mut(), file, problems);
    }
    match File::deserialize(toml::de::Deserializer::from(tree)) {
        Ok(model) => Some(model),
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            problems.push(Problem::error(file, span, "wrong-type", error.message().to_owned()));
            None
        }
    }
}

fn syntax_problem(file: &Arc<SourceFile>, error: &toml::de::Error) -> Problem {
    let message = error.message();
    let mut span = error.span().unwrap_or(0..0);
    if message.contains("escape") && file.text.as_bytes().get(span.start.wrapping_sub(1)) == Some(&b'\\') {
        // The parser points behind the backslash.
        span = span.start - 1..span.end.max(span.start + 1);
    }
    let help = if message.contains("duplicate key") {
        "each key once; for several values write a list: [\"a\", \"b\"]"
    } else if message.contains("escape") {
        "in double quotes `\\` begins an escape: put regexes in single quotes, '\\d+'"
    } else {
        "see https://toml.io; strings need quotes, lists need [ ], and every [header] its own line"
    };
    Problem::error(file, span, "bad-toml", format!("not valid TOML: {message}")).help(help)
}

/// Problems by file, then by place.
pub fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by(|a, b| (&a.file.name, a.span.start).cmp(&(&b.file.name, b.span.start)));
    problems
}
