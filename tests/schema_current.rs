//! The files in `schema/` are those that the types give. `UPDATE_SCHEMA=1 cargo test --test schema_current` writes them.

use std::fs;
use std::path::Path;

use jingwen::schema;

#[test]
fn schemas_are_current() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    for (name, schema) in schema::all() {
        let path = dir.join(name);
        let wanted = format!("{schema:#}\n");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            fs::create_dir_all(&dir).unwrap();
            fs::write(&path, &wanted).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(found == wanted, "schema/{name} is not current: run UPDATE_SCHEMA=1 cargo test --test schema_current");
    }
}

#[test]
fn every_key_of_the_schemas_is_explained() {
    for (name, schema) in schema::all() {
        let mut bare = Vec::new();
        let definitions = ["definitions", "$defs"].iter().filter_map(|k| schema.get(k)?.as_object());
        for table in definitions.flat_map(|d| d.values()).chain([&schema]) {
            let properties = table.get("properties").and_then(|p| p.as_object()).into_iter().flatten();
            bare.extend(properties.filter(|(_, p)| p.get("description").is_none()).map(|(k, _)| k.clone()));
        }
        assert!(bare.is_empty(), "{name}: {bare:?}");
    }
}

#[test]
fn there_is_one_for_each_kind_of_file() {
    let names: Vec<_> = schema::all().into_iter().map(|(name, _)| name).collect();
    for wanted in ["record.schema.json", "selectors.schema.json"] {
        assert!(names.contains(&wanted), "{wanted}");
    }
}
