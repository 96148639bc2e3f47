#![no_main]
//! Lists in JSON, by any path and any address made of an item's values.

use jingwen::crawl::lists::{Source, read_json};
use jingwen::sites::{JsonPath, JsonRule, LinkTemplate};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|input: (&[u8], &str, &str)| {
    let (body, path, link) = input;
    let base = Url::parse("http://a.example/list.json").unwrap();
    let Ok(path) = JsonPath::parse(path) else { return };
    let rule = JsonRule { paths: vec![path], link: LinkTemplate::parse(link).ok() };
    let list = read_json(&Source { body, content_type: None, base: &base }, &rule);
    assert!(!list.is_failure() || !list.problems.is_empty());
});
