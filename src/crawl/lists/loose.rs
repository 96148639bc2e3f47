//! JSON as sites send it: within JSONP or a script, written as JavaScript has it, or cut off.
//!
//! `serde_json` reads what is JSON. What is not is read here: keys without quotes, single quotes, comments, commas too many,
//! line breaks in texts, escapes that JSON does not know, an end that is missing.

use serde_json::{Deserializer, Map, Value};

/// Most places of a text that are tried as the beginning of a value.
const MAX_TRIES: usize = 24;
/// Deepest nesting that is read.
const MAX_DEPTH: usize = 100;

/// A value found in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The value.
    pub value: Value,
    /// True if the text ended within it.
    pub is_cut: bool,
}

/// The objects and arrays of a text, in order: of `callback({…});` the object, of `var a = […], b = […];` both arrays.
pub fn values(text: &str) -> Vec<Found> {
    let mut out = Vec::new();
    let mut at = 0;
    for _ in 0..MAX_TRIES {
        let Some(start) = text[at..].find(['{', '[']).map(|n| at + n) else { break };
        let rest = &text[start..];
        match strict(rest).or_else(|| loose(rest)) {
            Some((found, len)) => {
                out.push(found);
                at = start + len.max(1);
            }
            None => at = start + 1,
        }
    }
    out
}

fn strict(text: &str) -> Option<(Found, usize)> {
    let mut values = Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    Some((Found { value, is_cut: false }, values.byte_offset()))
}

fn loose(text: &str) -> Option<(Found, usize)> {
    let mut reader = Reader { text, at: 0, is_cut: false };
    let value = reader.value(0)?;
    Some((Found { value, is_cut: reader.is_cut }, reader.at))
}

/// What stands here is not JSON, even by the widest reading.
struct NotJson;

/// Reads one value from the beginning of a text.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// The text ended within the value.
    is_cut: bool,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Past white space and comments.
    fn blank(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            self.at += rest.len() - trimmed.len();
            let skip = match trimmed.get(..2) {
                Some("//") => trimmed.find('\n').unwrap_or(trimmed.len()),
                Some("/*") => trimmed.find("*/").map_or(trimmed.len(), |n| n + 2),
                _ => return,
            };
            self.at += skip;
        }
    }

    /// A value; `None` where there is none. What the end of the text cuts off is left out of the array or object it is in.
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.blank();
        match self.peek()? {
            '{' => self.object(depth),
            '[' => self.array(depth),
            quote @ ('"' | '\'' | '`') => self.string(quote).map(Value::String),
            c if c.is_alphanumeric() || matches!(c, '-' | '+' | '.' | '_' | '$') => {
                let word = self.word();
                // At the very end it may be the half of one.
                (self.at < self.text.len()).then(|| serde_json::from_str(word).unwrap_or(Value::Null))
            }
            _ => None,
        }
    }

    /// True if another member follows; false at the end of the array or object, which the text's end is as well.
    fn has_more(&mut self, close: char) -> bool {
        loop {
            self.blank();
            match self.peek() {
                Some(',') => self.at += 1,
                Some(c) if c == close => {
                    self.at += 1;
                    return false;
                }
                Some(_) => return true,
                None => {
                    self.is_cut = true;
                    return false;
                }
            }
        }
    }

    /// A member's value: `Err` where the text is something else than JSON, `Ok(None)` where it ends.
    fn member(&mut self, close: char, depth: usize) -> Result<Option<Value>, NotJson> {
        let value = self.value(depth + 1);
        self.blank();
        match (self.peek(), value) {
            (None, value) => {
                self.is_cut = true;
                Ok(value)
            }
            (Some(c), Some(value)) if c == ',' || c == close => Ok(Some(value)),
            _ => Err(NotJson),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut map = Map::new();
        while self.has_more('}') {
            let key = match self.peek()? {
                quote @ ('"' | '\'') => self.string(quote),
                _ => Some(self.word().to_owned()).filter(|word| !word.is_empty()),
            };
            self.blank();
            match (self.peek(), key) {
                (None, _) => self.is_cut = true,
                (Some(':'), Some(key)) => {
                    self.at += 1;
                    if let Some(value) = self.member('}', depth).ok()? {
                        map.insert(key, value);
                    }
                }
                _ => return None,
            }
        }
        Some(Value::Object(map))
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        while self.has_more(']') {
            items.extend(self.member(']', depth).ok()?);
        }
        Some(Value::Array(items))
    }

    fn word(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '+' | '.' | '_' | '$');
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A text between quotes; `None` if the end of the input cuts it off.
    fn string(&mut self, quote: char) -> Option<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            match self.next()? {
                c if c == quote => return Some(out),
                '\\' => match self.next()? {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    'b' | 'f' | '\n' => {}
                    'u' => out.push(self.unit(4)?),
                    'x' => out.push(self.unit(2)?),
                    c => out.push(c),
                },
                c => out.push(c),
            }
        }
    }

    /// A character by its number in so many hexadecimal digits, or by two such where it takes a pair.
    fn unit(&mut self, digits: usize) -> Option<char> {
        let mut number = || {
            let text = self.text.get(self.at..self.at + digits)?;
            self.at += digits;
            u16::from_str_radix(text, 16).ok()
        };
        let first = number()?;
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            units.push(u16::from_str_radix(self.text.get(self.at..self.at + 4)?, 16).ok()?);
            self.at += 4;
        }
        Some(char::decode_utf16(units).next()?.unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn first(text: &str) -> Value {
        values(text).into_iter().next().map_or(Value::Null, |found| found.value)
    }

    #[test]
    fn wrapped() {
        let value = json!({"a": [1]});
        for text in [
            "{\"a\":[1]}",
            "cb({\"a\":[1]});",
            "/**/ typeof cb === 'function' && cb({\"a\":[1]});",
            "/**/try{cb({\"a\":[1]})}catch(e){}",
            "var x = {\"a\":[1]}; var y = 2;",
            "window['x'] = {\"a\":[1]}",
            "while(1);{\"a\":[1]}",
            ")]}',\n{\"a\":[1]}",
        ] {
            assert!(values(text).iter().any(|found| found.value == value), "{text}: {:?}", values(text));
        }
        assert_eq!(values("var a = [1], b = [2];").len(), 2);
    }

    #[test]
    fn written_as_javascript_has_it() {
        for (text, expected) in [
            ("var x = {a: 'b', 'c': \"d\", e: [1, 2,],};", json!({"a": "b", "c": "d", "e": [1, 2]})),
            ("{\"a\": \"x\ny\"}", json!({"a": "x\ny"})),
            ("[{\"t\": \"x\ny\"}, {\"a\": 1}]", json!([{"t": "x\ny"}, {"a": 1}])),
            ("{\"a\": \"it\\'s \\x41\"}", json!({"a": "it's A"})),
            ("{\"a\": \"\\/b\\u6d77\\ud83d\\ude00\", x}", json!(null)),
            ("{/* c */ a: 1 // d\n, b: undefined}", json!({"a": 1, "b": null})),
            ("{\"a\":[{\"u\":\"1\"},{\"u\":\"2\"},{\"u\":\"3", json!({"a": [{"u": "1"}, {"u": "2"}, {}]})),
            ("{\"a\":[{\"u\":\"1\"},{\"u\"", json!({"a": [{"u": "1"}, {}]})),
            ("{\"a\":12", json!({})),
        ] {
            assert_eq!(first(text), expected, "{text}");
        }
        assert!(values("{\"a\":[{\"u\":\"1\"},{")[0].is_cut);
        assert!(values("<html>{color:red;}").is_empty());
    }

    #[test]
    fn hostile_texts_are_bounded() {
        assert!(values(&"[".repeat(100_000)).is_empty());
        assert!(values(&"{a:".repeat(100_000)).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_text_ends(text in "(\\{|\\}|\\[|\\]|,|:|\"|'|\\\\|u|d83d|x|/|\\*|1|海| ){0,40}") {
            let _ = values(&text);
        }
    }
}
