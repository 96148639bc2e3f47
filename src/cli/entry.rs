//! A line of `--pages`.

use std::borrow::Cow;
use std::path::PathBuf;

use memchr::memchr2;
use serde::Deserialize;

/// What a line says, as it stands there.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Entry<'a> {
    pub id: Option<String>,
    pub url: Option<String>,
    pub file: Option<PathBuf>,
    #[serde(borrow)]
    pub html: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub text: Option<Cow<'a, str>>,
    pub content_type: Option<String>,
    pub fetched_at: Option<String>,
}

impl<'a> Entry<'a> {
    /// Reads a line.
    ///
    /// A page inside a string is some hundred thousand characters with an escape at every line and quotation mark, and
    /// copying it twice took a tenth of the time of cleaning it; so the usual line, a flat object of strings, is read here, and
    /// everything else, mistakes included, by `serde_json`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn read(line: &'a str) -> Result<Self, serde_json::Error> {
        Self::flat(line).map_or_else(|| serde_json::from_str(line), Ok)
    }

    /// `None` if the line is no flat object of strings, or not JSON.
    fn flat(line: &'a str) -> Option<Self> {
        let line = line.trim_ascii();
        // JSON has these escaped.
        // All of it at once, which takes a few bytes a cycle; stopping at the first does not.
        if line.bytes().fold(false, |found, b| found | (b < b' ')) {
            return None;
        }
        let mut entry = Self::default();
        let mut rest = Cursor(line.strip_prefix('{')?);
        loop {
            let key = rest.string()?;
            rest.sign(':')?;
            let value = rest.string()?;
            let once = |field: &mut Option<String>, value: Cow<'_, str>| field.replace(value.into_owned()).is_none();
            let first = match &*key {
                "id" => once(&mut entry.id, value),
                "url" => once(&mut entry.url, value),
                "content_type" => once(&mut entry.content_type, value),
                "fetched_at" => once(&mut entry.fetched_at, value),
                "file" => entry.file.replace(value.into_owned().into()).is_none(),
                "html" => entry.html.replace(value).is_none(),
                "text" => entry.text.replace(value).is_none(),
                _ => true,
            };
            if !first {
                return None;
            }
            if rest.sign(',').is_none() {
                rest.sign('}')?;
                return rest.0.is_empty().then_some(entry);
            }
        }
    }
}

/// What is still to be read.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn sign(&mut self, sign: char) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(sign)?;
        Some(())
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.sign('"')?;
        let end = memchr2(b'"', b'\\', self.0.as_bytes())?;
        let (head, rest) = self.0.split_at(end);
        self.0 = rest;
        if let Some(after) = rest.strip_prefix('"') {
            self.0 = after;
            return Some(Cow::Borrowed(head));
        }
        // What is longest stands last, so this is hardly ever too much.
        let mut out = String::with_capacity(head.len() + rest.len());
        out.push_str(head);
        loop {
            // They come in runs: the line breaks and blanks between two tags.
            while self.0.starts_with('\\') {
                out.push(self.escape()?);
            }
            let end = memchr2(b'"', b'\\', self.0.as_bytes())?;
            out.push_str(&self.0[..end]);
            self.0 = &self.0[end..];
            if let Some(after) = self.0.strip_prefix('"') {
                self.0 = after;
                return Some(Cow::Owned(out));
            }
        }
    }

    /// Behind a backslash that is still to be read.
    fn escape(&mut self) -> Option<char> {
        let sign = *self.0.as_bytes().get(1)?;
        let plain = match sign {
            b'n' => '\n',
            b'"' | b'\\' | b'/' => char::from(sign),
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => return self.unit().and_then(|unit| self.wide(unit)),
            _ => return None,
        };
        self.0 = &self.0[2..];
        Some(plain)
    }

    /// `\u6DF1`
    fn unit(&mut self) -> Option<u32> {
        let digits = self.0.strip_prefix("\\u")?.get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let unit = u32::from_str_radix(digits, 16).ok()?;
        self.0 = &self.0[6..];
        Some(unit)
    }

    /// The character of a unit, and of the second one if it takes two.
    fn wide(&mut self, unit: u32) -> Option<char> {
        if !(0xd800..0xdc00).contains(&unit) {
            return char::from_u32(unit);
        }
        let low = self.unit().filter(|low| (0xdc00..0xe000).contains(low))?;
        char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_flat_line_is_read_without_copying() {
        let entry = Entry::flat(r#" {"id" : "a","html":"<p>甲</p>", "more":"\u00e9"} "#).unwrap();
        assert!(matches!(entry.html, Some(Cow::Borrowed("<p>甲</p>"))));
        assert_eq!(entry.id.as_deref(), Some("a"));
    }

    #[test]
    fn what_is_not_flat_is_left_to_the_library() {
        for line in [
            r#"{"id":null}"#,
            r#"{"id":"a","x":1}"#,
            r#"{"id":"a","id":"b"}"#,
            r#"{"id":"a"} x"#,
            r#"{"id":"\x"}"#,
            r#"{"id":"\ud800"}"#,
            r#"{"id":"\u+123"}"#,
            "{\"id\":\"a\tb\"}",
            "{}",
            "",
        ] {
            assert_eq!(Entry::flat(line), None, "{line}");
        }
    }

    proptest! {
        /// Whatever is read here, the library reads the same.
        #[test]
        fn as_the_library_reads_it(line in r#"\{"(id|html)" ?: ?"(\\[nrtbf"\\/ux]|\\u[0-9a-fd-eD-E]{4}|[甲a"\\😀]){0,6}"(,"(html|text|x)":("b"|1|null)){0,2} ?\}"#) {
            if let Some(entry) = Entry::flat(&line) {
                prop_assert_eq!(entry, serde_json::from_str(&line).unwrap());
            }
        }

        #[test]
        fn any_string(text in any::<String>()) {
            let line = serde_json::json!({ "id": "a", "html": text }).to_string();
            prop_assert_eq!(Entry::flat(&line).and_then(|e| e.html), Some(Cow::Owned(text)));
        }
    }
}
