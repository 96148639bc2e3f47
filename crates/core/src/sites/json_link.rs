//! Addresses made of an item's values: `link = "https://news.example.com/a/{id}.html"`.

use std::ops::Range;

use serde_json::Value;
use url::Url;

use super::json_path::{BadPath, JsonPath};

/// An address with places for an item's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// `{id}`: a path within the item.
    Value(JsonPath),
}

impl LinkTemplate {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// What is not understood, and where.
    pub fn parse(text: &str) -> Result<Self, BadPath> {
        let bad = |at: Range<usize>, help| Err(BadPath { at, help });
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(open) = text[at..].find(['{', '}']).map(|n| at + n) {
            let close = text[open..].find('}').map(|n| open + n).filter(|close| *close > open);
            let Some(close) = close else {
                return bad(open..text.len().min(open + 1), "a name in braces: `{id}`");
            };
            parts.push(Part::Text(text[at..open].to_owned()));
            match JsonPath::parse(&text[open + 1..close]) {
                Ok(path) => parts.push(Part::Value(path)),
                Err(_) => return bad(open..close + 1, "a name in braces: `{id}`"),
            }
            at = close + 1;
        }
        if parts.is_empty() {
            return bad(0..text.len(), "the name of a key in braces: `https://news.example.com/a/{id}.html`");
        }
        parts.push(Part::Text(text[at..].to_owned()));
        let template = Self { parts };
        let example = template.fill(&Value::from(1)).unwrap_or_default();
        match Url::parse(&example) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(template),
            Err(url::ParseError::RelativeUrlWithoutBase) if example.starts_with('/') => Ok(template),
            _ => bad(0..text.len(), "an http(s) address, or a path that begins with `/`"),
        }
    }

    /// The address of an item: of an object each value is looked up in it, any other value stands for all places itself.
    /// `None` where one is missing.
    pub fn fill(&self, item: &Value) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(path) if item.is_object() => out.push_str(&word(path.find(item).ok()?.first()?)?),
                Part::Value(_) => out.push_str(&word(item)?),
            }
        }
        Some(out)
    }
}

/// A text or number as it stands in an address.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn places_are_filled() {
        let template = LinkTemplate::parse("https://a.example/{channel.name}/{id}.html").unwrap();
        let item = json!({"id": 12, "channel": {"name": "yw"}});
        assert_eq!(template.fill(&item).as_deref(), Some("https://a.example/yw/12.html"));
        assert_eq!(template.fill(&json!({"id": 12})), None);
        assert_eq!(template.fill(&json!({"id": "", "channel": {"name": "yw"}})), None);
        let template = LinkTemplate::parse("/a/{id}.html").unwrap();
        assert_eq!(template.fill(&json!("x1")).as_deref(), Some("/a/x1.html"));
        assert_eq!(template.fill(&json!(1)).as_deref(), Some("/a/1.html"));
        assert_eq!(template.fill(&json!(null)), None);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        for (text, at) in [
            ("https://a.example/1.html", 0..24),
            ("https://a.example/{id.html", 18..19),
            ("https://a.example/{}.html", 18..20),
            ("https://a.example/{id}}", 22..23),
            ("a/{id}.html", 0..11),
            ("ftp://a.example/{id}", 0..20),
        ] {
            assert_eq!(LinkTemplate::parse(text).unwrap_err().at, at, "{text}");
        }
    }
}
