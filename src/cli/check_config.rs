//! What is wrong with `jingwen.toml`: all of its shape at once, then what its values say.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use serde_json::Value;
use toml::de::DeTable;

use super::Failure;
use crate::config::{Config, ConfigError};
use crate::sites::{Origin, Problem, SourceFile, load, shape};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(Config).to_value());

/// A configuration as far as `check` needs it.
#[derive(Default)]
pub struct Checked {
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// Its folder of selector files.
    pub selectors: Option<PathBuf>,
}

/// Checks the file named, or `jingwen.toml` here if there is one.
pub fn check(named: Option<&Path>) -> Result<Checked, Failure> {
    let path = named.unwrap_or(Path::new("jingwen.toml"));
    if named.is_none() && !path.is_file() {
        return Ok(Checked::default());
    }
    let text = std::fs::read_to_string(path)
        .map_err(|source| Failure::usage(ConfigError::Read { path: path.to_owned(), source }))?;
    let file = Arc::new(SourceFile {
        id: String::new(),
        name: path.display().to_string(),
        origin: Origin::File(path.to_owned()),
        text: text.into(),
    });
    let mut problems = Vec::new();
    let (mut tree, errors) = DeTable::parse_recoverable(&file.text);
    // Broken TOML is told of below, by the reader that the other commands use.
    if errors.is_empty() {
        shape::check_by(&SCHEMA, tree.get_mut(), &file, &mut problems);
    }
    let mut problems = load::in_order(problems);
    match Config::load(path) {
        Ok((config, _)) => return Ok(Checked { problems, selectors: config.selectors }),
        // The reader stops at its first error, which is one of those of the shape if there are any.
        Err(_) if !problems.is_empty() => {}
        Err(ConfigError::Text { message, at, help, .. }) => {
            let span = at.offset()..at.offset() + at.len();
            problems.push(Problem::error(&file, span, "bad-config", message).maybe_help(help));
        }
        Err(error) => return Err(Failure::usage(error)),
    }
    Ok(Checked { problems, selectors: None })
}

/// Folders of selector files that a crawl from here would read: that of `jingwen.toml` here, if there is one, then those given.
pub fn folders(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let usual = Path::new("jingwen.toml");
    let mut folders = Vec::new();
    if usual.is_file() {
        folders.extend(Config::load(usual).map_err(Failure::usage)?.0.selectors);
    }
    folders.extend_from_slice(given);
    Ok(folders)
}
