//! A tokenizer for the XML of feeds and sitemaps, which hand-made programs write: nothing is an error here.
//!
//! An XML reader has to give a document up at the first bare `&`, `<` or unknown entity, and an HTML reader changes addresses
//! (`?a=1&copy=2`). This one takes every document apart as far as it goes, in one pass: an unfinished tag ends at the next `<`,
//! a reference that is not XML's own stays as it is, and no entity is ever expanded.

use std::borrow::Cow;

use memchr::{memchr, memmem};

use crate::clean::dom::Attributes;

/// Longest tag, in bytes. A quote that is not closed within it ends with the tag.
const MAX_TAG: usize = 64 << 10;

/// A piece of a document; all parts are slices of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// `<name attributes>`
    Start(Tag<'a>),
    /// `</name>`
    End(&'a str),
    /// Text between tags, references undecoded.
    Text(&'a str),
    /// What a CDATA section holds.
    Data(&'a str),
}

/// A start tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Name as written, prefix included.
    pub name: &'a str,
    /// What stands between the name and `>`.
    pub attributes: &'a str,
    /// The tag ends in `/>`.
    pub is_empty: bool,
}

/// The value of an attribute among those of a tag, by its whole name, whatever its case.
pub fn attribute<'a>(attributes: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let (_, value) = Attributes::new(attributes).find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(unescape(value))
}

/// A name without its prefix.
pub fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// The prefix of a name, empty where it has none.
pub fn prefix(name: &str) -> &str {
    name.rsplit_once(':').map_or("", |(prefix, _)| prefix)
}

/// The tokens of a document.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    /// Starts at the beginning.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Text up to the next `<`; a first `<` is text.
    fn text(&mut self) -> Token<'a> {
        let from = self.at;
        let skip = usize::from(self.text.as_bytes()[from] == b'<');
        let rest = &self.text.as_bytes()[from + skip..];
        self.at = memchr(b'<', rest).map_or(self.text.len(), |n| from + skip + n);
        Token::Text(&self.text[from..self.at])
    }

    /// Moves past an ending, or past the opening alone where there is none.
    fn skip(&mut self, opening: usize, ending: &str) {
        let from = self.at + opening;
        let found = memmem::find(&self.text.as_bytes()[from..], ending.as_bytes());
        self.at = found.map_or(from, |n| from + n + ending.len());
    }

    /// A CDATA section. One that holds the beginning of another was not closed: it ends at the next end tag.
    fn data(&mut self, opening: usize) -> Token<'a> {
        let from = self.at + opening;
        let rest = &self.text[from..];
        let (mut end, mut next) = rest.find("]]>").map_or((rest.len(), rest.len()), |n| (n, n + 3));
        if rest[..end].contains("<![CDATA[")
            && let Some(tag) = rest.find("</").filter(|tag| *tag < end)
        {
            (end, next) = (tag, tag);
        }
        self.at = from + next;
        Token::Data(&rest[..end])
    }

    /// A document type, with its internal subset.
    fn skip_doctype(&mut self) {
        let rest = &self.text[self.at..];
        let end = memchr(b'>', rest.as_bytes()).unwrap_or(rest.len());
        let subset = memchr(b'[', &rest.as_bytes()[..end]);
        let close = subset.and_then(|open| rest[open..].find(']').map(|n| open + n));
        let end = close.and_then(|at| memchr(b'>', &rest.as_bytes()[at..]).map(|n| at + n)).unwrap_or(end);
        self.at += (end + 1).min(rest.len());
    }

    /// Where the tag that begins at `from` ends: at its `>`, or where the next begins.
    fn end_of_tag(&self, from: usize) -> usize {
        let bytes = self.text.as_bytes();
        let most = bytes.len().min(from + MAX_TAG);
        let mut at = from;
        let mut is_value = false;
        while at < most {
            match bytes[at] {
                b'>' | b'<' => return at,
                quote @ (b'"' | b'\'') if is_value => match memchr(quote, &bytes[at + 1..most]) {
                    Some(n) => at += n + 1,
                    // Not closed: the tag ends at the first `>` all the same.
                    None => is_value = false,
                },
                b'=' => is_value = true,
                b if b.is_ascii_whitespace() => {}
                _ => is_value = false,
            }
            at += 1;
        }
        // The boundary of a character, as the limit may fall into one.
        (at..=bytes.len()).find(|at| self.text.is_char_boundary(*at)).unwrap_or(bytes.len())
    }

    fn start(&mut self) -> Token<'a> {
        let from = self.at + 1;
        let end = self.end_of_tag(from);
        let inside = &self.text[from..end];
        self.at = end + usize::from(self.text.as_bytes().get(end) == Some(&b'>'));
        let (inside, is_empty) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
        let name = inside.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(inside.len());
        Token::Start(Tag { name: &inside[..name], attributes: &inside[name..], is_empty })
    }

    fn end(&mut self) -> Token<'a> {
        let from = self.at + 2;
        let rest = &self.text.as_bytes()[from..];
        let end = memchr::memchr2(b'>', b'<', rest).map_or(self.text.len(), |n| from + n);
        self.at = end + usize::from(self.text.as_bytes().get(end) == Some(&b'>'));
        Token::End(self.text[from..end].trim())
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = &self.text[self.at..];
            let mut chars = rest.chars();
            return match (chars.next()?, chars.next()) {
                ('<', Some('!')) => {
                    if rest.starts_with("<!--") {
                        self.skip(4, "-->");
                    } else if rest.get(..9).is_some_and(|open| open.eq_ignore_ascii_case("<![CDATA[")) {
                        return Some(self.data(9));
                    } else {
                        self.skip_doctype();
                    }
                    continue;
                }
                ('<', Some('?')) => {
                    self.skip(2, ">");
                    continue;
                }
                ('<', Some('/')) => Some(self.end()),
                ('<', Some(c)) if c.is_alphabetic() || c == '_' => Some(self.start()),
                _ => Some(self.text()),
            };
        }
    }
}

/// Text with XML's own references and those by number decoded; all others stay as they are written.
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match reference(rest) {
            Some((c, len)) => {
                out.push(c);
                rest = &rest[len..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character that a reference at the beginning of a text stands for, and its length.
fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|b| b == b';')?;
    let name = text.get(1..end)?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> String {
        let mut out = String::new();
        for token in Tokens::new(text) {
            match token {
                Token::Start(tag) => out.push_str(&format!("<{}{}>", tag.name, if tag.is_empty { "/" } else { "" })),
                Token::End(name) => out.push_str(&format!("</{name}>")),
                Token::Text(text) if text.trim().is_empty() => {}
                Token::Text(text) => out.push_str(&unescape(text)),
                Token::Data(text) => out.push_str(&format!("[{text}]")),
            }
        }
        out
    }

    #[test]
    fn what_can_be_read_is_read() {
        for (text, expected) in [
            ("<?xml version=\"1.0\"?><a>x</a>", "<a>x</a>"),
            ("<a>3 < 5 & 6</a>", "<a>3 < 5 & 6</a>"),
            ("<a b=\"x>y\" c='<'/>z", "<a/>z"),
            ("<a b=\"x>y", "<a>y"),
            ("<a <b>x", "<a><b>x"),
            ("<a>x</a <b>", "<a>x</a><b>"),
            ("<!DOCTYPE r [<!ENTITY e \"&#160;>\">]><a>&e;</a>", "<a>&e;</a>"),
            ("<!-- <a> --><b>", "<b>"),
            ("<!-- <a>", "<a>"),
            ("<a><![CDATA[<b>&amp;]]></a>", "<a>[<b>&amp;]</a>"),
            ("<a><![CDATA[x</a><b><![CDATA[y]]></b>", "<a>[x]</a><b>[y]</b>"),
            ("<a>x</", "<a>x</>"),
            ("<新闻>x</新闻>", "<新闻>x</新闻>"),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn only_references_of_xml_are_decoded() {
        for (text, expected) in [
            ("a=1&amp;b=2", "a=1&b=2"),
            ("a=1&copy=2&reg;", "a=1&copy=2&reg;"),
            ("&#38;&#x26;&#xZ;&#1114112;", "&&&#xZ;&#1114112;"),
            ("&amp;amp;", "&amp;"),
            ("&海;", "&海;"),
            ("&", "&"),
        ] {
            assert_eq!(unescape(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "(<|>|/|!|\\?|\\[|\\]|CDATA|--|\"|'|=|&|#|;|a|海| ){0,40}") {
            let tokens = Tokens::new(&text);
            proptest::prop_assert!(tokens.count() <= text.len());
        }
    }
}
