//! A tokenizer for HTML that knows just enough: where tags, texts and raw texts begin and end.
//!
//! It follows the tokenization stage of the HTML standard for everything that it passes on. Comments, doctypes and
//! processing instructions are skipped here.

use std::borrow::Cow;

/// A token; all parts are slices of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token<'a> {
    /// `<name attributes>`
    Start(Tag<'a>),
    /// `</name>`
    End(Name<'a>),
    /// Text between tags, character references undecoded.
    Text(&'a str),
    /// `<!DOCTYPE …>`: true if it is the plain `html` one.
    Doctype(bool),
}

/// A start tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Lower-case name.
    pub name: Name<'a>,
    /// What stands between name and `>`.
    pub attributes: &'a str,
    /// The tag ends in `/>`.
    pub self_closing: bool,
}

/// A lower-case tag name: a slice of the input, unless it has capitals there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name<'a>(Cow<'a, str>);

impl<'a> Name<'a> {
    /// A name as it is written.
    pub fn of(text: &'a str) -> Self {
        Self(if text.bytes().any(|b| b.is_ascii_uppercase()) { text.to_ascii_lowercase().into() } else { text.into() })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The tokenizer.
#[derive(Debug, Clone)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Starts at the beginning of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token; `None` at the end.
    pub fn next_token(&mut self) -> Option<Token<'a>> {
        let bytes = self.text.as_bytes();
        loop {
            let start = self.at;
            if start >= bytes.len() {
                return None;
            }
            if bytes[start] != b'<' {
                return Some(self.text_until_tag(start));
            }
            match bytes.get(start + 1) {
                Some(c) if c.is_ascii_alphabetic() => match self.start_tag(start) {
                    Some(tag) => return Some(Token::Start(tag)),
                    // A tag that never ends is dropped with all that follows.
                    None => return None,
                },
                Some(b'/') => match bytes.get(start + 2) {
                    Some(c) if c.is_ascii_alphabetic() => {
                        let tag = self.start_tag(start + 1)?;
                        return Some(Token::End(tag.name));
                    }
                    Some(b'>') => self.at = start + 3,
                    Some(_) => self.skip_past(b'>', start + 2),
                    None => return Some(self.text_until_tag(start)),
                },
                Some(b'!') => {
                    if self.text[start..].starts_with("<!--") {
                        self.skip_comment(start + 4);
                    } else {
                        let end = memchr::memchr(b'>', &bytes[start..]).map_or(bytes.len(), |n| start + n);
                        self.at = (end + 1).min(bytes.len());
                        let inside = self.text[start + 2..end].trim();
                        if inside.get(..7).is_some_and(|d| d.eq_ignore_ascii_case("doctype")) {
                            return Some(Token::Doctype(inside[7..].trim().eq_ignore_ascii_case("html")));
                        }
                    }
                }
                Some(b'?') => self.skip_past(b'>', start + 2),
                _ => return Some(self.text_until_tag(start)),
            }
        }
    }

    /// Text from here to the next `<` that can begin a tag. A first `<` is text.
    fn text_until_tag(&mut self, start: usize) -> Token<'a> {
        let bytes = self.text.as_bytes();
        let mut from = start + 1;
        let end = loop {
            match memchr::memchr(b'<', &bytes[from.min(bytes.len())..]) {
                None => break bytes.len(),
                Some(n) => {
                    let at = from + n;
                    match bytes.get(at + 1) {
                        Some(c) if c.is_ascii_alphabetic() || matches!(c, b'/' | b'!' | b'?') => break at,
                        _ => from = at + 1,
                    }
                }
            }
        };
        self.at = end;
        Token::Text(&self.text[start..end])
    }

    /// Reads a tag whose name begins behind `open`, to its `>`; quotes hide `>`.
    fn start_tag(&mut self, open: usize) -> Option<Tag<'a>> {
        let bytes = self.text.as_bytes();
        let name_at = open + 1;
        let name_end = bytes[name_at..]
            .iter()
            .position(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'/' | b'>'))
            .map(|n| name_at + n)?;
        let end = tag_end(bytes, name_end)?;
        self.at = end + 1;
        let inside = &self.text[name_end..end];
        let self_closing = inside.ends_with('/');
        let attributes = inside.strip_suffix('/').unwrap_or(inside);
        Some(Tag { name: Name::of(&self.text[name_at..name_end]), attributes, self_closing })
    }

    fn skip_past(&mut self, byte: u8, from: usize) {
        let bytes = self.text.as_bytes();
        self.at = memchr::memchr(byte, &bytes[from..]).map_or(bytes.len(), |n| from + n + 1);
    }

    /// Skips to behind `-->` or `--!>`; `<!-->` and `<!--->` are whole comments.
    fn skip_comment(&mut self, from: usize) {
        let bytes = self.text.as_bytes();
        if bytes[from..].starts_with(b">") {
            self.at = from + 1;
            return;
        }
        if bytes[from..].starts_with(b"->") {
            self.at = from + 2;
            return;
        }
        let mut at = from;
        loop {
            match memchr::memchr(b'>', &bytes[at..]) {
                None => {
                    self.at = bytes.len();
                    return;
                }
                Some(n) => {
                    let end = at + n;
                    if bytes[from..end].ends_with(b"--") || bytes[from..end].ends_with(b"--!") {
                        self.at = end + 1;
                        return;
                    }
                    at = end + 1;
                }
            }
        }
    }

    /// Reads raw text to the end tag `</name`, and past it. To the end of input if there is none.
    pub fn raw_text(&mut self, name: &str) -> &'a str {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start;
        while let Some(n) = memchr::memchr(b'<', &bytes[at..]) {
            let open = at + n;
            at = open + 1;
            let Some(after) = bytes.get(open + 2..) else { break };
            if bytes[open + 1] == b'/'
                && after.len() >= name.len()
                && after[..name.len()].eq_ignore_ascii_case(name.as_bytes())
                && after
                    .get(name.len())
                    .is_none_or(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'/' | b'>'))
            {
                self.skip_past(b'>', open + 2);
                return &self.text[start..open];
            }
        }
        self.at = bytes.len();
        &self.text[start..]
    }

    /// Reads a script's text: as [`Scanner::raw_text`], but `<!-- <script> … </script> -->` hides end tags inside.
    pub fn script_text(&mut self) -> Option<&'a str> {
        let text = self.raw_text("script");
        // The double-escaped state of the standard: rare enough to leave to the full parser.
        match text.find("<!--") {
            Some(at) if find_script(&text.as_bytes()[at..]) && !text[at..].contains("-->") => None,
            _ => Some(text),
        }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }
}

fn find_script(bytes: &[u8]) -> bool {
    bytes.windows(7).any(|w| w.eq_ignore_ascii_case(b"<script"))
}

/// Offset of the `>` that ends a tag.
fn tag_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // A quote begins a value only behind `=`; elsewhere it is part of a name or of an unquoted value.
    let mut behind = b' ';
    loop {
        match *bytes.get(at)? {
            b'>' => return Some(at),
            quote @ (b'"' | b'\'') if behind == b'=' => {
                at += memchr::memchr(quote, &bytes[at + 1..])? + 1;
                behind = quote;
            }
            b if b.is_ascii_whitespace() => {}
            b => behind = b,
        }
        at += 1;
    }
}

/// The attributes of a start tag, in order, character references undecoded.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Attributes<'a> {
    /// Reads what stands between a tag's name and its `>`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|b| b.is_ascii_whitespace() || *b == b'/') {
            self.at += 1;
        }
        let start = self.at;
        if start >= bytes.len() {
            return None;
        }
        // A leading `=` belongs to the name.
        let mut end = start + 1;
        while bytes.get(end).is_some_and(|b| !b.is_ascii_whitespace() && !matches!(b, b'/' | b'=')) {
            end += 1;
        }
        let name = &self.text[start..floor(self.text, end)];
        self.at = end;
        let mut at = end;
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        if bytes.get(at) != Some(&b'=') {
            return Some((name, ""));
        }
        at += 1;
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        let value = match bytes.get(at) {
            Some(&quote) if quote == b'"' || quote == b'\'' => {
                let from = at + 1;
                let to = memchr::memchr(quote, &bytes[from..]).map_or(bytes.len(), |n| from + n);
                self.at = (to + 1).min(bytes.len());
                &self.text[from..to]
            }
            _ => {
                let to = bytes[at..].iter().position(u8::is_ascii_whitespace).map_or(bytes.len(), |n| at + n);
                self.at = to;
                &self.text[at..to]
            }
        };
        Some((name, value))
    }
}

/// The last character boundary at or before an offset (names end at ASCII, so this only guards the slice).
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(text: &str) -> Vec<(&str, &str)> {
        Attributes::new(text).collect()
    }

    #[test]
    fn attribute_forms() {
        assert_eq!(
            attributes(r#" a="1" b='2' c=3 d e = "f>g" h"#),
            [("a", "1"), ("b", "2"), ("c", "3"), ("d", ""), ("e", "f>g"), ("h", "")]
        );
        assert_eq!(attributes("中文=值 x"), [("中文", "值"), ("x", "")]);
    }

    #[test]
    fn tokens() {
        let mut s = Scanner::new("<!DOCTYPE html><p title='a>b'>1 < 2<!-- <b> --></P><br/>x</ >");
        let mut seen = Vec::new();
        while let Some(t) = s.next_token() {
            seen.push(format!("{t:?}"));
        }
        assert_eq!(seen.len(), 6, "{seen:#?}");
        assert!(seen[2].contains("1 < 2"), "{seen:#?}");
    }

    #[test]
    fn unfinished_input_ends() {
        for text in ["<", "<a", "<a href='", "</", "<!--", "<!", "<?", "a<", "<a b=\"", "<script>"] {
            let mut s = Scanner::new(text);
            let mut n = 0;
            while s.next_token().is_some() {
                n += 1;
                assert!(n < 10, "{text}");
            }
        }
    }
}
