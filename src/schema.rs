//! The JSON Schemas in `schema/`: of records, of selector files, of the configuration.
//!
//! They are made from the types that are read and written, so they cannot say anything else; `tests/schema_current.rs` sees
//! to it that the files are current.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::record::{Record, Rejected};
use crate::sites::model;

/// Every schema with the name of its file.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("record.schema.json", written::<Record>("jingwen: a record, one line of articles.jsonl")),
        (
            "rejected.schema.json",
            written::<Rejected>("jingwen: a page that gave no article, one line of rejected.jsonl"),
        ),
        ("selectors.schema.json", read::<model::File>("jingwen: a selector file, selectors/*.toml")),
    ]
}

/// Of JSON that the program writes.
fn written<T: JsonSchema>(title: &str) -> Value {
    titled(
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().to_value(),
        title,
    )
}

/// Of TOML that people write. Draft 7 is what editors with TOML support (taplo) read.
fn read<T: JsonSchema>(title: &str) -> Value {
    titled(SchemaSettings::draft07().for_deserialize().into_generator().into_root_schema_for::<T>().to_value(), title)
}

fn titled(mut schema: Value, title: &str) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), title.into());
    }
    schema
}
