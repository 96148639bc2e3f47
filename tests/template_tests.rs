//! Every shipped template that gives records is named by at least one `[[test]]`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

fn tables<'a>(file: &'a Table, key: &str) -> impl Iterator<Item = &'a Value> {
    file.get(key).and_then(Value::as_array).into_iter().flatten()
}

#[test]
fn every_shipped_template_has_a_test() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("selectors");
    let (mut templates, mut without) = (0, Vec::new());
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let file: Table = fs::read_to_string(&path).unwrap().parse().unwrap();
        let tested: BTreeSet<&str> = tables(&file, "test").filter_map(|t| t.get("template")?.as_str()).collect();
        for template in tables(&file, "template") {
            let word = |key| template.get(key).and_then(Value::as_str);
            let name = word("name").unwrap();
            if word("kind").unwrap_or("article") == "skip" {
                continue;
            }
            templates += 1;
            if !tested.contains(name) {
                without.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(templates > 75, "{templates} templates only");
    assert!(without.is_empty(), "no [[test]] names {without:#?}");
}
