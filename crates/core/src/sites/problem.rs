//! What is wrong with a selector file: where, what, and the fix.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// Where a selector file came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Embedded in the program.
    Builtin,
    /// A file on disk.
    File(PathBuf),
}

/// A selector file's text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// File stem: `sznews`.
    pub id: String,
    /// As shown to people: `selectors/sznews.toml`.
    pub name: String,
    /// Where it came from.
    pub origin: Origin,
    /// Its text.
    pub text: Arc<str>,
}

impl SourceFile {
    /// The same file once more; its text is shared.
    pub fn copy(&self) -> Self {
        Self { id: self.id.clone(), name: self.name.clone(), origin: self.origin.clone(), text: Arc::clone(&self.text) }
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
        (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, and something in it is hardly meant so.
    Warning,
}

/// One thing that is wrong with a selector file.
#[derive(Debug, Clone)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Stable name of the kind of problem: `unknown-key`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// Bytes of the file it is about.
    pub span: Range<usize>,
    /// What is said at the caret.
    pub label: String,
    /// The file.
    pub file: Arc<SourceFile>,
    /// Another place in the same file that is part of the problem.
    pub also: Option<(Range<usize>, String)>,
    source: NamedSource<Arc<str>>,
}

impl Problem {
    /// An error at a place of a file.
    pub fn error(file: &Arc<SourceFile>, span: Range<usize>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            help: None,
            span,
            label: "here".to_owned(),
            file: Arc::clone(file),
            also: None,
            source: NamedSource::new(&file.name, Arc::clone(&file.text)).with_language("toml"),
        }
    }

    /// A warning at a place of a file.
    pub fn warning(file: &Arc<SourceFile>, span: Range<usize>, code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, span, code, message) }
    }

    /// Says how to mend it.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Says how to mend it, if that is known.
    #[must_use]
    pub fn maybe_help(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }

    /// Says something at the caret.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// Points at another place of the same file.
    #[must_use]
    pub fn also(self, span: Range<usize>, label: impl Into<String>) -> Self {
        Self { also: Some((span, label.into())), ..self }
    }

    /// Line and column of the caret, both from 1.
    pub fn line_column(&self) -> (usize, usize) {
        self.file.line_column(self.span.start)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let main = LabeledSpan::new_primary_with_span(Some(self.label.clone()), self.span.clone());
        let also = self.also.iter().map(|(span, label)| LabeledSpan::new_with_span(Some(label.clone()), span.clone()));
        Some(Box::new(std::iter::once(main).chain(also)))
    }
}

/// All that keeps selector files from being used.
#[derive(Debug, thiserror::Error)]
pub enum SiteErrors {
    /// A file or folder could not be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// Why it could not be.
        #[source]
        error: std::io::Error,
    },
    /// Files have errors: all of them, of all files.
    #[error("{}", count(.0.len()))]
    Invalid(Vec<Problem>),
}

fn count(n: usize) -> String {
    if n == 1 { "a selector file has an error".to_owned() } else { format!("selector files have {n} errors") }
}

impl Diagnostic for SiteErrors {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(match self {
            Self::Unreadable { .. } => "name a .toml file, or a folder that holds some",
            Self::Invalid(_) => "`jingwen check` shows these and the warnings",
        }))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        match self {
            Self::Unreadable { .. } => None,
            Self::Invalid(problems) => Some(Box::new(problems.iter().map(|p| p as &dyn Diagnostic))),
        }
    }
}

/// `did you mean …`, if one of the names is near enough to what was written.
pub fn did_you_mean<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let key = written.to_lowercase().replace('-', "_");
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&key, &name.to_lowercase().replace('-', "_")), name))
        .filter(|&(distance, name)| distance <= 1 + name.chars().count() / 4)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}
