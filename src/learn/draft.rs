//! A template being drafted, and how it is written down.

use super::names::Candidate;

/// A step of a field, as TOML, with what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `".time"` or `{ css = ".time", capture = '…' }`.
    pub toml: String,
    /// Pages on which it gives what is right.
    pub right: usize,
}

/// A selector of something to take out of the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// CSS.
    pub css: String,
    /// Pages on which it takes something out.
    pub pages: usize,
    /// The beginning of what it takes out, for a person.
    pub sample: String,
}

/// A rule on lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRule {
    /// Regex.
    pub pattern: String,
    /// Characters of the longest line seen, with some room.
    pub max_chars: usize,
    /// Pages on which it acts.
    pub pages: usize,
}

/// How a template did on a page it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Index of the page.
    pub page: usize,
    /// Agreement with the taught body, 0 to 1; 0 where the template did not apply.
    pub agreement: f64,
    /// Agreement of the generic extractor's body with the taught one.
    pub generic: f64,
}

/// A template being drafted.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// Pages it was made from.
    pub pages: Vec<usize>,
    /// CSS that must find an element.
    pub has: Vec<String>,
    /// CSS that must find none.
    pub lacks: Vec<String>,
    /// The container.
    pub body: String,
    /// Headline.
    pub title: Vec<Step>,
    /// Date of publication.
    pub published: Vec<Step>,
    /// Source.
    pub source: Vec<Step>,
    /// Editors.
    pub editors: Vec<Step>,
    /// Short lines must stand where the paragraphs stand.
    pub strict: bool,
    /// What is taken out of the container.
    pub remove: Vec<Removal>,
    /// Rules on lines.
    pub lines: Vec<LineRule>,
    /// Least characters for the template to win.
    pub min_chars: usize,
    /// How it did.
    pub scores: Vec<Score>,
    /// Other templates' containers hold something else on its only page.
    pub contested: bool,
    /// Lines that stay in the text although the generic extractor drops them, for a person to look at.
    pub doubtful: Vec<String>,
}

impl Draft {
    /// Mean agreement with the taught bodies.
    pub fn agreement(&self) -> f64 {
        let n = self.scores.len().max(1) as f64;
        self.scores.iter().map(|s| s.agreement).sum::<f64>() / n
    }

    /// Mean agreement of the generic extractor's.
    pub fn generic(&self) -> f64 {
        let n = self.scores.len().max(1) as f64;
        self.scores.iter().map(|s| s.generic).sum::<f64>() / n
    }

    /// The template without comments.
    pub fn bare(&self) -> String {
        self.toml(None)
    }

    /// The template; with the number of pages, comments say what speaks for each key.
    pub fn toml(&self, of: Option<usize>) -> String {
        let mut out = String::from("[[template]]\n");
        let pages = self.pages.len();
        let mut key = |name: &str, value: &str, note: String| {
            let note = match of.is_some() && !note.is_empty() {
                true => format!("   # {note}"),
                false => String::new(),
            };
            out.push_str(&format!("{name} = {value}{note}\n"));
        };
        key("name", &quoted(&self.name), String::new());
        let mut when = format!("has = {}", list(&self.has));
        if !self.lacks.is_empty() {
            when.push_str(&format!(", lacks = {}", list(&self.lacks)));
        }
        key("when", &format!("{{ {when} }}"), String::new());
        for (name, step) in [
            ("title", &self.title),
            ("published", &self.published),
            ("source", &self.source),
            ("editors", &self.editors),
        ] {
            match &step[..] {
                [] => {}
                [one] => key(name, &one.toml, format!("{} of {pages}", one.right)),
                several => {
                    let all: Vec<&str> = several.iter().map(|s| s.toml.as_str()).collect();
                    let right: Vec<String> = several.iter().map(|s| s.right.to_string()).collect();
                    key(name, &format!("[{}]", all.join(", ")), format!("{} of {pages}", right.join(" + ")));
                }
            }
        }
        key("body", &quoted(&self.body), String::new());
        if self.strict {
            key("strict", "true", String::new());
        }
        match &self.remove[..] {
            [] => {}
            several if of.is_some() => {
                out.push_str("remove = [\n");
                for r in several {
                    out.push_str(&format!(
                        "  {},   # {} of {pages}: {}\n",
                        quoted(&r.css),
                        r.pages,
                        comment(&r.sample)
                    ));
                }
                out.push_str("]\n");
            }
            several => {
                let all: Vec<String> = several.iter().map(|r| r.css.clone()).collect();
                out.push_str(&format!("remove = {}\n", list(&all)));
            }
        }
        out.push_str(&format!(
            "require = {{ min_chars = {}, fields = [\"title\"], max_link_density = 0.4 }}\n",
            self.min_chars
        ));
        for rule in &self.lines {
            let note = if of.is_some() { format!("   # {} of {pages}", rule.pages) } else { String::new() };
            out.push_str(&format!(
                "[[template.line]]\nmatch = {}{note}\naction = \"drop\"\nmax_chars = {}\n",
                literal(&rule.pattern),
                rule.max_chars
            ));
        }
        out
    }
}

/// The selector of a candidate as a step.
pub fn css_step(candidate: &Candidate, right: usize) -> Step {
    Step { toml: quoted(&candidate.css), right }
}

/// A TOML string.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A TOML string in single quotes where that is possible: regexes read better so.
pub fn literal(text: &str) -> String {
    if text.contains(['\'', '\n', '\r']) || text.chars().any(char::is_control) {
        return quoted(text);
    }
    format!("'{text}'")
}

/// A TOML list of strings.
pub fn list(items: &[String]) -> String {
    format!("[{}]", items.iter().map(|i| quoted(i)).collect::<Vec<_>>().join(", "))
}

/// A text of a page in a comment: one line, short, no control characters.
pub fn comment(text: &str) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let head: String = chars.by_ref().take(24).collect();
    if chars.next().is_some() { format!("{head}…") } else { head }
}
