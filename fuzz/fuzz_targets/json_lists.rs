#![no_main]
//! Lists in JSON, by any path.

use jingwen::crawl::lists::json;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|input: (&[u8], &str)| {
    let (bytes, path) = input;
    let base = Url::parse("http://a.example/list.json").unwrap();
    let _ = json(bytes, path, &base);
});
