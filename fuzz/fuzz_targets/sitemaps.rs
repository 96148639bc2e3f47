#![no_main]
//! Sitemaps, gzipped or not: an answer or an error, within the protocol's limits.

use jingwen::crawl::lists::{MAX_LOCS, sitemap};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let base = Url::parse("http://a.example/sitemap.xml").unwrap();
    if let Ok(entries) = sitemap(bytes, &base) {
        assert!(entries.len() <= MAX_LOCS);
    }
});
