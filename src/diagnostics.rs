//! How errors are shown: with the source line, the place and the fix, and never at more length than somebody reads.

use std::borrow::Cow;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

/// Longest message, in bytes, whatever the file holds that it quotes.
pub const MOST: usize = 4 << 10;
/// Longest line of a message, in characters: a file may be one line.
const LINE: usize = 300;

/// Cuts long lines and long texts; what is cut off is marked.
pub fn bounded(text: &str) -> Cow<'_, str> {
    if text.len() <= MOST && text.lines().all(|line| line.len() <= LINE) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for line in text.lines() {
        let end = line.char_indices().nth(LINE).map_or(line.len(), |(at, _)| at);
        let mark = if end < line.len() { "…" } else { "" };
        if out.len() + end + 8 > MOST {
            out.push_str("…\n");
            break;
        }
        out.push_str(&line[..end]);
        out.push_str(mark);
        out.push('\n');
    }
    if !text.ends_with('\n') {
        out.pop();
    }
    Cow::Owned(out)
}

/// An error as it stands in a terminal, without colours.
pub fn render(error: &dyn Diagnostic) -> String {
    let mut out = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    match handler.render_report(&mut out, error) {
        Ok(()) => bounded(out.trim()).into_owned(),
        Err(_) => bounded(&error.to_string()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_and_marked() {
        assert_eq!(bounded("a\nb"), "a\nb");
        assert_eq!(bounded("a\nb\n"), "a\nb\n");
        let line = bounded(&"深".repeat(20_000)).into_owned();
        assert!(line.ends_with('…') && line.chars().count() == LINE + 1, "{}", line.len());
        let many = bounded(&"[[[[[[[[[[\n".repeat(20_000)).into_owned();
        assert!(many.len() <= MOST && many.ends_with("…\n"), "{}", many.len());
        let both = bounded(&format!("{}\n", "深".repeat(400)).repeat(400)).into_owned();
        assert!(both.len() <= MOST, "{}", both.len());
    }
}
