//! `jingwen check`.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::json;

use super::{Failure, Outcome, check_config, exit, print_problem};
use crate::diagnostics::bounded;
use crate::sites::select::Selection;
use crate::sites::{Problem, Severity, lint, pages};

/// Check selector files and the configuration: every problem of every file, with its place and the fix.
///
/// Exit code 2 if there are errors, 0 if there are none (warnings do not count).
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  jingwen check selectors/sznews.toml\n  jingwen check --format github   # annotations in a pull request"
)]
pub struct Args {
    /// Files to check, or names of known ones (`sznews`) [default: the embedded ones, and those in ./selectors]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Folder (or file) of selector files that add to and override the embedded ones
    #[arg(long, value_name = "DIR")]
    selectors: Vec<PathBuf>,
    /// Configuration to check; its folder of selector files is checked too [default: jingwen.toml, if there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the tests' pages [default: pages/ next to the file, or tests/pages/ of its repository]
    #[arg(long, value_name = "DIR")]
    pages: Option<PathBuf>,
    /// How problems are shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How problems are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// With the source line, a caret and the fix, on stderr
    #[default]
    Text,
    /// An array, on stdout
    Json,
    /// Workflow commands that GitHub shows beside the line, on stdout
    Github,
}

impl Args {
    pub fn run(self) -> Outcome {
        // Who names selector files wants to know about those.
        let config = match self.files.is_empty() || self.config.is_some() {
            true => check_config::check(self.config.as_deref())?,
            false => check_config::Checked::default(),
        };
        let mut folders: Vec<PathBuf> = config.selectors.into_iter().collect();
        folders.extend(self.selectors);
        let selection = Selection::new(&folders, &self.files).map_err(Failure::usage)?;
        let asked = selection.asked;
        let page_exists = |file: &_, page: &_| pages::exists(file, self.pages.as_deref(), page);
        let mut problems = lint::check(selection.files, &page_exists);
        problems.retain(|p| asked.contains(&p.file.id));
        problems.splice(0..0, config.problems);
        match self.format {
            Format::Text => text(&problems, asked.len()),
            Format::Json => {
                let list: Vec<_> = problems.iter().map(as_json).collect();
                anstream::println!("{:#}", serde_json::Value::from(list));
            }
            Format::Github => {
                for problem in &problems {
                    anstream::println!("{}", as_github(problem));
                }
            }
        }
        let errors = problems.iter().any(|p| p.severity == Severity::Error);
        Ok(if errors { exit::USAGE } else { exit::DONE })
    }
}

fn text(problems: &[Problem], files: usize) {
    for problem in problems {
        print_problem(problem);
    }
    let count = |severity| problems.iter().filter(|p| p.severity == severity).count();
    let several = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    anstream::eprintln!(
        "{}: {}, {}",
        several(files, "selector file"),
        several(count(Severity::Error), "error"),
        several(count(Severity::Warning), "warning"),
    );
}

fn as_json(problem: &Problem) -> serde_json::Value {
    let (line, column) = problem.line_column();
    let (end_line, end_column) = problem.file.line_column(problem.span.end);
    json!({
        "severity": problem.severity,
        "code": problem.code,
        "message": bounded(&problem.message),
        "help": problem.help.as_deref().map(bounded),
        "file": problem.file.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "text": problem.file.text.get(problem.span.clone()).map(bounded),
    })
}

/// `::error file=…,line=…::…`, escaped as the runner expects it.
fn as_github(problem: &Problem) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let (line, column) = problem.line_column();
    let (end_line, end_column) = problem.file.line_column(problem.span.end);
    let level = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    // A column is only understood where the problem stands in one line.
    let columns = if line == end_line { format!(",col={column},endColumn={end_column}") } else { String::new() };
    let help = problem.help.as_ref().map(|h| format!("\n{h}")).unwrap_or_default();
    format!(
        "::{level} file={},line={line},endLine={end_line}{columns},title={}::{}",
        property(&problem.file.name),
        property(problem.code),
        data(&bounded(&format!("{}{help}", problem.message))),
    )
}
