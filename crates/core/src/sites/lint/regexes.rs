//! Regexes: what matches everything or nothing, and an example of what one matches.

use regex::Regex;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::Lint;
use crate::sites::at::{At, Many};
use crate::sites::problem::Problem;

/// Addresses that have nothing in common but being addresses.
const ADDRESSES: [&str; 4] = [
    "https://www.example.com/",
    "http://a.cn/b/c_1.htm?d=2",
    "https://x.y.com.cn/2024/05/06/z.shtml",
    "https://example.org/node",
];

/// Lines that have nothing in common.
const LINES: [&str; 4] = ["净文", "A b 1", "（完）", "2024年5月6日"];

/// What a regex is matched against.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    /// The whole canonical address.
    Address,
    /// A trimmed line of text.
    Line,
}

impl Lint<'_> {
    /// Regexes that match everything, or nothing, or twice.
    pub(super) fn regexes(&mut self, key: &str, list: &Many<String>, against: Against) {
        for text in list {
            self.regex(key, text, against);
        }
        self.duplicates(key, list);
    }

    pub(super) fn regex(&mut self, key: &str, text: &At<String>, against: Against) {
        // A bad regex has been told of already.
        let Some(regex) = self.compiled(text) else { return };
        let samples = if against == Against::Address { ADDRESSES } else { LINES };
        if samples.iter().all(|s| regex.is_match(s)) {
            self.problems.push(
                Problem::error(
                    self.source(),
                    text.span.clone(),
                    "matches-everything",
                    format!("`{}` in `{key}` matches everything", text.value),
                )
                .help("write what only the pages or lines meant have in common, or take the entry out"),
            );
        } else if against == Against::Address && text.starts_with('^') && !could_begin_address(text) {
            let at = super::super::pattern::inside(self.source(), &text.span, text, 0..1);
            let help = format!("the whole address is matched: leave `^` out, or write '^https?://[^/]+{}'", &text[1..]);
            self.error(&at, "matches-nothing", format!("`{}` in `{key}` matches no address", text.value), help);
        } else if against == Against::Line && (text.starts_with("^ ") || text.starts_with(r"^\s+")) {
            let help = "lines are trimmed before they are matched: leave the blank out";
            self.error(&text.span, "matches-nothing", format!("`{}` in `{key}` matches no line", text.value), help);
        }
    }
}

/// Whether a regex that begins with `^` can match at the `http` of an address.
fn could_begin_address(text: &str) -> bool {
    let rest = text.trim_start_matches('^');
    match rest.chars().next() {
        Some('/') => false,
        Some(c) if c.is_ascii_alphanumeric() => rest.starts_with('h'),
        _ => true,
    }
}

/// A short text that the regex matches; `None` where it is too odd to make one.
pub(super) fn example(regex: &str) -> Option<String> {
    let hir = regex_syntax::parse(regex).ok()?;
    let mut text = String::new();
    build(&hir, &mut text)?;
    Regex::new(regex).ok()?.is_match(&text).then_some(text)
}

fn build(hir: &Hir, text: &mut String) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => {
            let all = || class.iter().flat_map(|r| r.start()..=r.end()).take(400);
            // A digit or a letter, as addresses have them, where the class allows it.
            text.push(
                all()
                    .find(char::is_ascii_digit)
                    .or_else(|| all().find(char::is_ascii_alphabetic))
                    .or_else(|| all().next())?,
            );
        }
        HirKind::Class(Class::Bytes(_)) => return None,
        HirKind::Repetition(repetition) => {
            for _ in 0..repetition.min {
                build(&repetition.sub, text)?;
            }
        }
        HirKind::Capture(capture) => build(&capture.sub, text)?,
        HirKind::Concat(parts) => {
            for part in parts {
                build(part, text)?;
            }
        }
        HirKind::Alternation(parts) => build(parts.first()?, text)?,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples() {
        assert_eq!(
            example(r"/content/\d{4}-\d{2}/content_\d+\.htm$").as_deref(),
            Some("/content/0000-00/content_0.htm")
        );
        assert_eq!(example(r"^https?://(a|b)\.cn/[a-z]+").as_deref(), Some("http://a.cn/a"));
        assert_eq!(example("(").as_deref(), None);
    }

    #[test]
    fn beginnings() {
        for (text, could) in
            [("^/a", false), ("^www", false), ("^https?", true), (r"^[a-z]+://", true), ("^(?:http)", true)]
        {
            assert_eq!(could_begin_address(text), could, "{text}");
        }
    }
}
