//! Paths into JSON, as `lists` have them: `data.list[].url`, `[0].items[]`, `data[][].url`.

use std::ops::Range;

use serde_json::Value;

/// A path into JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// The value of a key.
    Key(String),
    /// Every item.
    Each,
    /// One item, from 0.
    Item(usize),
}

/// What is not a path, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPath {
    /// Bytes of the text that are not understood.
    pub at: Range<usize>,
    /// What to write.
    pub help: &'static str,
}

/// Why a path found nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// It leads to a list that is empty.
    Empty,
    /// It leads nowhere, and what stands where it ends.
    Nowhere(String),
}

/// Most keys that a message names.
const MAX_KEYS: usize = 8;

const HELP: &str = "names joined by dots, `[0]` for an item, `[]` for every item: `data.list[].url`";

impl JsonPath {
    /// Parses a path.
    ///
    /// # Errors
    ///
    /// What is not understood, and where.
    pub fn parse(text: &str) -> Result<Self, BadPath> {
        let bad = |at: Range<usize>, help| Err(BadPath { at, help });
        if text.trim().is_empty() {
            return bad(0..text.len(), "names joined by dots: `data.list[].url`");
        }
        if text.starts_with("$.") || text.starts_with("$[") {
            return bad(0..1, "leave `$` out: the path begins at the top");
        }
        if text.starts_with('/') {
            return bad(0..text.len(), "write names joined by dots, not slashes");
        }
        let mut steps = Vec::new();
        for (start, part) in parts(text) {
            let name = part.find('[').unwrap_or(part.len());
            let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '@' | ':' | '$' | '-');
            if let Some(at) = part[..name].find(|c| !is_name(c)) {
                return bad(start + at..start + name, HELP);
            }
            match name {
                // Only the first part may be an item of the top itself.
                0 if start > 0 || part.is_empty() => return bad(start..start + part.len(), HELP),
                0 => {}
                _ => steps.push(Step::Key(part[..name].to_owned())),
            }
            let mut at = name;
            while at < part.len() {
                let Some(end) = part[at..].find(']').filter(|_| part[at..].starts_with('[')).map(|n| at + n) else {
                    return bad(start + at..start + part.len(), HELP);
                };
                match &part[at + 1..end] {
                    "" => steps.push(Step::Each),
                    "*" => return bad(start + at..start + end + 1, "write `[]` for every item"),
                    number => match number.parse() {
                        Ok(n) => steps.push(Step::Item(n)),
                        Err(_) => return bad(start + at..start + end + 1, HELP),
                    },
                }
                at = end + 1;
            }
        }
        Ok(Self { text: text.to_owned(), steps })
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The values it leads to.
    ///
    /// A text on the way that is JSON itself is read as such: interfaces pack one answer into another.
    ///
    /// # Errors
    ///
    /// Why there are none.
    pub fn find(&self, value: &Value) -> Result<Vec<Value>, Miss> {
        let mut walk = Walk { found: Vec::new(), deepest: None, is_empty: false };
        walk.follow(value, &self.steps, 0);
        match (walk.found.is_empty(), walk.deepest) {
            (false, _) => Ok(walk.found),
            (true, Some((_, seen))) if !walk.is_empty => Err(Miss::Nowhere(seen)),
            (true, _) => Err(Miss::Empty),
        }
    }
}

/// The parts between dots, with their places.
fn parts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split('.').map(move |part| {
        let at = start;
        start += part.len() + 1;
        (at, part)
    })
}

struct Walk {
    found: Vec<Value>,
    /// The furthest step that led nowhere, and what stood there.
    deepest: Option<(usize, String)>,
    /// A list without items was met.
    is_empty: bool,
}

impl Walk {
    fn follow(&mut self, value: &Value, steps: &[Step], depth: usize) {
        let Some((step, rest)) = steps.split_first() else {
            self.found.push(value.clone());
            return;
        };
        let inner;
        let value = match value {
            Value::String(text) if text.trim_start().starts_with(['{', '[']) => match serde_json::from_str(text) {
                Ok(parsed) => {
                    inner = parsed;
                    &inner
                }
                Err(_) => value,
            },
            _ => value,
        };
        let next = match (step, value) {
            (Step::Key(key), Value::Object(map)) => map.get(key),
            (Step::Item(n), Value::Array(items)) => items.get(*n),
            (Step::Each, Value::Array(items)) => return self.each(items.iter(), rest, depth),
            (Step::Each, Value::Object(map)) => return self.each(map.values(), rest, depth),
            _ => None,
        };
        match next {
            Some(next) => self.follow(next, rest, depth + 1),
            None if self.deepest.as_ref().is_none_or(|(deepest, _)| depth > *deepest) => {
                self.deepest = Some((depth, format!("no {} in {}", step.describe(), describe(value))));
            }
            None => {}
        }
    }

    fn each<'v>(&mut self, items: impl ExactSizeIterator<Item = &'v Value>, rest: &[Step], depth: usize) {
        self.is_empty |= items.len() == 0;
        for item in items {
            self.follow(item, rest, depth + 1);
        }
    }
}

impl Step {
    fn describe(&self) -> String {
        match self {
            Step::Key(key) => format!("`{key}`"),
            Step::Each => "`[]`".to_owned(),
            Step::Item(n) => format!("`[{n}]`"),
        }
    }
}

/// What a value is, for a message.
pub fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a truth value".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a text".to_owned(),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(map) if map.is_empty() => "an empty object".to_owned(),
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().take(MAX_KEYS).map(|key| format!("`{key}`")).collect();
            let more = if map.len() > MAX_KEYS { ", …" } else { "" };
            format!("an object with {}{more}", keys.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn find(path: &str, value: &Value) -> Result<Vec<Value>, Miss> {
        JsonPath::parse(path).unwrap().find(value)
    }

    #[test]
    fn paths() {
        let value = json!({"data": [{"u": 1, "l": [[{"u": 2}], [{"u": 3}]]}, null, {"u": 4}], "o": {"a": {"u": 5}, "b": {"u": 6}},
            "t": "{\"u\": [7]}"});
        for (path, expected) in [
            ("data[].u", json!([1, 4])),
            ("data[0].u", json!([1])),
            ("data[0].l[][].u", json!([2, 3])),
            ("data[0].l[1][0].u", json!([3])),
            ("o[].u", json!([5, 6])),
            ("t.u[]", json!([7])),
        ] {
            assert_eq!(Value::Array(find(path, &value).unwrap()), expected, "{path}");
        }
        assert_eq!(find("[0][].u", &json!([[{"u": 1}]])), Ok(vec![json!(1)]));
    }

    #[test]
    fn what_is_missing_is_named() {
        let value = json!({"data": [{"url": 1}], "none": [], "code": 500});
        let seen = "an object with `code`, `data`, `none`";
        assert_eq!(find("datas[].url", &value), Err(Miss::Nowhere(format!("no `datas` in {seen}"))));
        let seen = "no `link` in an object with `url`";
        assert_eq!(find("data[].link", &value), Err(Miss::Nowhere(seen.to_owned())));
        assert_eq!(find("code.url", &value), Err(Miss::Nowhere("no `url` in a number".to_owned())));
        assert_eq!(find("none[].url", &value), Err(Miss::Empty));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        for (path, at) in [
            ("", 0..0),
            ("$.data", 0..1),
            ("/data/url", 0..9),
            ("data[*].url", 4..7),
            ("data[a].url", 4..7),
            ("data[-1]", 4..8),
            ("data[0:2]", 4..9),
            ("data[?(@.a)]", 4..8),
            ("data..url", 5..5),
            ("data.[].url", 5..7),
            ("data[0", 4..6),
            ("data[]x", 6..7),
            ("data url", 4..8),
            (".data", 0..0),
        ] {
            assert_eq!(JsonPath::parse(path).unwrap_err().at, at, "{path}");
        }
    }
}
