//! Checks a parsed file's shape (keys, types, words) against the JSON Schema that editors use, so that the two cannot
//! differ. Collects every problem, and takes what is wrong out of the tree, so that the rest can be read and checked.

use std::sync::{Arc, LazyLock};

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::model;
use super::problem::{Problem, SourceFile, did_you_mean};

/// JSON Schema of selector files.
pub static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(model::File).to_value());

/// What people write for a key that has another name here, because other tools call it so.
const ALIASES: &[(&str, &str)] = &[
    ("author", "authors"),
    ("byline", "authors"),
    ("content", "body"),
    ("text", "body"),
    ("headline", "title"),
    ("date", "published"),
    ("time", "published"),
    ("published_at", "published"),
    ("pubdate", "published"),
    ("editor", "editors"),
    ("strip_id_or_class", "remove"),
    ("exclude", "excludes"),
    ("includes", "contains"),
    ("next_page", "next"),
    ("domains", "hosts"),
    ("domain", "hosts"),
    ("tz", "timezone"),
    ("encoding", "charset"),
    ("templates", "template"),
    ("tests", "test"),
    ("lines", "line"),
    ("xpath", "css"),
    ("selector", "css"),
    ("attribute", "attr"),
    ("regex", "capture"),
    ("interval", "rate"),
    ("delay", "rate"),
    ("quiet_hours", "quiet"),
    ("daily_limit", "per_day"),
    ("sitemap", "sitemaps"),
    ("start_urls", "seeds"),
    ("min_length", "min_chars"),
];

/// Checks the tree of a selector file and takes out of it what does not fit.
pub fn check(table: &mut DeTable<'_>, file: &Arc<SourceFile>, problems: &mut Vec<Problem>) {
    check_by(&SCHEMA, table, file, problems);
}

/// The same by any schema.
pub fn check_by(schema: &Value, table: &mut DeTable<'_>, file: &Arc<SourceFile>, problems: &mut Vec<Problem>) {
    let mut walk = Walk { root: schema, file, problems };
    walk.table(table, &[schema], "the file");
}

struct Walk<'a> {
    /// The whole schema, which references point into.
    root: &'a Value,
    file: &'a Arc<SourceFile>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    /// Takes every entry out of the table that does not fit one of the schemas of a table.
    fn table(&mut self, table: &mut DeTable<'_>, schemas: &[&Value], place: &str) {
        // Only one of the alternatives of any value in the format is a table.
        let Some(schema) = schemas.iter().find(|s| has_type(s, "object")) else { return };
        let properties = schema.get("properties").and_then(Value::as_object);
        let additional = schema.get("additionalProperties");
        for (key, mut value) in std::mem::replace(table, DeTable::new()) {
            let name: &str = key.get_ref();
            let fits = match (properties.and_then(|p| p.get(name)), additional) {
                (Some(property), _) => self.value(&mut value, property, name),
                (None, Some(Value::Bool(false))) => {
                    let known: Vec<&str> = properties
                        .into_iter()
                        .flat_map(|p| p.keys())
                        .map(String::as_str)
                        .filter(|k| *k != "$schema")
                        .collect();
                    let other = elsewhere(self.root, name);
                    self.problems.push(unknown_key(self.file, &key, name, &known, place, other));
                    false
                }
                (None, Some(schema @ Value::Object(_))) => self.value(&mut value, schema, name),
                (None, _) => true,
            };
            if fits {
                table.insert(key, value);
            }
        }
    }

    /// Whether the value fits; lists and tables are mended in place.
    fn value(&mut self, value: &mut Spanned<DeValue<'_>>, schema: &Value, key: &str) -> bool {
        let span = value.span();
        let leaves = leaves(self.root, schema);
        match value.get_mut() {
            DeValue::Table(table) if leaves.iter().any(|s| has_type(s, "object")) => {
                self.table(table, &leaves, &format!("`{key}`"));
                true
            }
            DeValue::Array(array) => {
                let Some(items) = leaves.iter().find(|s| has_type(s, "array")).and_then(|s| s.get("items")) else {
                    return self.wrong_type(value, &leaves, key);
                };
                let mut kept = DeArray::new();
                for mut item in std::mem::replace(array, DeArray::new()) {
                    if self.value(&mut item, items, key) {
                        kept.push(item);
                    }
                }
                *array = kept;
                true
            }
            DeValue::String(text) => {
                let words: Vec<&str> = leaves.iter().flat_map(|s| words(s)).collect();
                if leaves.iter().any(|s| has_type(s, "string") && words_of_none(s)) || words.contains(&&**text) {
                    return true;
                }
                if words.is_empty() {
                    return self.wrong_type(value, &leaves, key);
                }
                let list = words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
                let help = match did_you_mean(text, words.iter().copied()) {
                    Some(word) => format!("did you mean `{word}`? One of {list}"),
                    None => format!("one of {list}"),
                };
                self.problems.push(
                    Problem::error(self.file, span, "unknown-word", format!("`{text}` is not a value of `{key}`"))
                        .label("not known")
                        .help(help),
                );
                false
            }
            DeValue::Integer(number) => {
                let whole = leaves.iter().find(|s| has_type(s, "integer"));
                if whole.is_none() && !leaves.iter().any(|s| has_type(s, "number")) {
                    return self.wrong_type(value, &leaves, key);
                }
                let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
                let most = whole.and_then(|s| s.get("maximum")).and_then(Value::as_i64).unwrap_or(i64::from(u32::MAX));
                let least = whole.and_then(|s| s.get("minimum")).and_then(Value::as_i64).unwrap_or(i64::MIN);
                if parsed.is_some_and(|n| (least..=most).contains(&n)) {
                    return true;
                }
                self.problems.push(
                    Problem::error(self.file, span, "number-range", format!("`{key}` is out of range"))
                        .help(format!("a number from {least} to {most}")),
                );
                false
            }
            DeValue::Float(_) if leaves.iter().any(|s| has_type(s, "number")) => true,
            DeValue::Boolean(_) if leaves.iter().any(|s| has_type(s, "boolean")) => true,
            DeValue::Datetime(_) if leaves.iter().any(|s| s.get("x-date").is_some()) => true,
            _ => self.wrong_type(value, &leaves, key),
        }
    }

    fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, leaves: &[&Value], key: &str) -> bool {
        let mut wanted: Vec<&str> = leaves
            .iter()
            .filter_map(|s| {
                Some(match type_name(s)? {
                    "string" if s.get("x-date").is_some() => "a date",
                    "string" => "a string",
                    "array" => "a list",
                    "object" => "a table",
                    "integer" => "a whole number",
                    "number" => "a number",
                    "boolean" => "true or false",
                    _ => return None,
                })
            })
            .collect();
        wanted.dedup();
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let wanted = wanted.join(" or ");
        let list_of_tables = wanted == "a list" && found == "a table" && matches!(key, "template" | "line" | "test");
        let help = if list_of_tables {
            format!("write `[[{key}]]` with two brackets: there can be several")
        } else {
            format!("write {wanted}")
        };
        self.problems.push(
            Problem::error(self.file, value.span(), "wrong-type", format!("`{key}` is {wanted}, not {found}"))
                .label(found)
                .help(help),
        );
        false
    }
}

fn unknown_key(
    file: &Arc<SourceFile>,
    key: &Spanned<std::borrow::Cow<'_, str>>,
    name: &str,
    known: &[&str],
    place: &str,
    other: Option<String>,
) -> Problem {
    let alias = ALIASES.iter().find(|(other, ours)| *other == name && known.contains(ours)).map(|&(_, ours)| ours);
    let help = match alias.or_else(|| did_you_mean(name, known.iter().copied())) {
        Some(near) if name == "xpath" => format!("did you mean `{near}`? XPath is not read; write the CSS selector"),
        Some(near) => format!("did you mean `{near}`?"),
        None => match other {
            Some(other) => format!("`{name}` belongs into {other}; in {place} are known: {}", known.join(", ")),
            None => format!("known here: {}", known.join(", ")),
        },
    };
    Problem::error(file, key.span(), "unknown-key", format!("`{name}` is not a key of {place}"))
        .label("unknown key")
        .help(help)
}

/// The table of the format that has this key, for keys written at the wrong place.
fn elsewhere(root: &Value, name: &str) -> Option<String> {
    let has = |s: &Value| s.pointer("/properties").and_then(|p| p.get(name)).is_some();
    if has(root) {
        return Some("the top of the file (before the first [header])".to_owned());
    }
    let header = |table: &str| {
        Some(match table {
            "Template" | "Line" | "Test" => format!("a `[[{}]]`", table.to_lowercase()),
            "WhenTable" => "`when = { … }`".to_owned(),
            "RequireTable" => "`require = { … }`".to_owned(),
            "StepTable" => "a step `{ … }`".to_owned(),
            // Others have the name of their header, or several.
            _ => {
                let target = format!("#/$defs/{table}");
                let refers = |s: &Value| leaves_refer(s, &target);
                let (key, _) = root.get("properties")?.as_object()?.iter().find(|(_, s)| refers(s))?;
                format!("`[{key}]`")
            }
        })
    };
    let order = ["Crawl", "Template", "Line", "Test", "WhenTable", "RequireTable", "StepTable"];
    let definitions = root.get("$defs")?.as_object()?;
    let tables = order.into_iter().chain(definitions.keys().map(String::as_str));
    tables.filter(|t| definitions.get(*t).is_some_and(has)).find_map(header)
}

/// Whether a schema is a reference, or has one among its alternatives.
fn leaves_refer(schema: &Value, target: &str) -> bool {
    schema.get("$ref").and_then(Value::as_str) == Some(target)
        || schema.get("anyOf").and_then(Value::as_array).is_some_and(|all| all.iter().any(|s| leaves_refer(s, target)))
}

/// The alternatives of a schema, references followed.
fn leaves<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    if let Some(target) =
        schema.get("$ref").and_then(Value::as_str).and_then(|r| root.pointer(r.trim_start_matches('#')))
    {
        return leaves(root, target);
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(list) = schema.get(key).and_then(Value::as_array) {
            return list.iter().flat_map(|s| leaves(root, s)).collect();
        }
    }
    vec![schema]
}

fn type_name(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(name) => Some(name),
        // `["string", "null"]` of optional values: TOML has no null.
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|n| *n != "null"),
        _ => None,
    }
}

fn has_type(schema: &Value, name: &str) -> bool {
    type_name(schema) == Some(name)
}

/// The words that a schema allows, if it is a list of words.
fn words(schema: &Value) -> Vec<&str> {
    let one = schema.get("const").and_then(Value::as_str);
    let several = schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(several).collect()
}

fn words_of_none(schema: &Value) -> bool {
    words(schema).is_empty()
}
