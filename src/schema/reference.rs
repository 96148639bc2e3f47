//! The reference of selector files, as Markdown, from their schema: it says what the program reads, and cannot go stale.

use std::fmt::Write as _;

use serde_json::Value;

use crate::sites::SCHEMA;

/// Tables in the order in which one meets them, with the header under which each is written.
const TABLES: [(&str, &str); 13] = [
    ("", "The file"),
    ("Crawl", "`[crawl]`"),
    ("JsonList", "`lists = [{ … }]`"),
    ("Auth", "`auth = { … }`"),
    ("Rewrite", "`rewrite = [{ … }]`"),
    ("Template", "`[[template]]`"),
    ("WhenTable", "`when = { … }`"),
    ("StepTable", "Steps of a field"),
    ("NextTable", "`next = { … }`"),
    ("WholeTable", "`whole = { … }`"),
    ("RequireTable", "`require = { … }`"),
    ("Line", "`[[line]]`"),
    ("Test", "`[[test]]`"),
];

/// The reference.
pub fn reference() -> String {
    let mut out = String::from(
        "# Selector files: reference\n\n<!-- Generated from the schema by `UPDATE_SCHEMA=1 cargo test --test schema_current`; do not edit. -->\n",
    );
    for (name, header) in TABLES {
        let table = if name.is_empty() { Some(&*SCHEMA) } else { SCHEMA.pointer(&format!("/$defs/{name}")) };
        let Some(table) = table else { continue };
        // Writing to a String cannot fail, so results are dropped here.
        let _ = writeln!(out, "\n## {header}\n");
        if let Some(text) = table.get("description").and_then(Value::as_str) {
            let _ = writeln!(out, "{}\n", text.trim());
        }
        out.push_str("| key | value | meaning |\n|---|---|---|\n");
        for (key, property) in table.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if key == "$schema" {
                continue;
            }
            let meaning = property.get("description").and_then(Value::as_str).unwrap_or_default();
            let cell = |text: &str| text.replace('\n', " ").replace('|', "\\|");
            let _ = writeln!(out, "| `{key}` | {} | {} |", cell(&value(property)), cell(meaning));
        }
    }
    out
}

/// What can be written for a key, in a few words.
fn value(schema: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next()) {
        return match SCHEMA.pointer(&format!("/$defs/{name}")) {
            Some(target) if target.get("properties").is_none() => value(target),
            _ => "table".to_owned(),
        };
    }
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return format!("`\"{word}\"`");
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().filter_map(Value::as_str).map(|w| format!("`\"{w}\"`")).collect::<Vec<_>>().join(", ");
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(all) = schema.get(key).and_then(Value::as_array) {
            let mut kinds: Vec<String> = all.iter().map(value).filter(|k| !k.is_empty()).collect();
            // "string or list of strings" says the same as "string or list".
            if let [one, list] = &mut kinds[..]
                && *list == format!("list of {one}s")
            {
                "list".clone_into(list);
            }
            kinds.dedup();
            return kinds.join(if key == "oneOf" { ", " } else { " or " });
        }
    }
    if schema.get("x-date").is_some() {
        return "date".to_owned();
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|k| *k != "null").unwrap_or_default(),
        _ => "",
    };
    match kind {
        "array" => schema.get("items").map_or("list".to_owned(), |items| format!("list of {}s", value(items))),
        "object" => "table".to_owned(),
        "integer" => "whole number".to_owned(),
        "boolean" => "`true`, `false`".to_owned(),
        "null" => String::new(),
        kind => kind.to_owned(),
    }
}
