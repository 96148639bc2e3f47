#![no_main]
//! Feeds, sitemaps and lists in plain text, in any encoding: what is read stays within bounds, and nothing given means that a
//! reason is.

use jingwen::crawl::lists::{MAX_LOCS, Source, read};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|input: (&[u8], Option<&str>)| {
    let (body, content_type) = input;
    let base = Url::parse("http://a.example/feed").unwrap();
    let list = read(&Source { body, content_type, base: &base });
    assert!(list.entries.len() <= MAX_LOCS);
    assert!(!list.is_failure() || !list.problems.is_empty());
    assert!(list.entries.iter().all(|entry| matches!(entry.url.scheme(), "http" | "https")));
});
