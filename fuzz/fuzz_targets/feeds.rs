#![no_main]
//! RSS, Atom, JSON Feed.

use jingwen::crawl::lists::feed;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let base = Url::parse("http://a.example/feed").unwrap();
    let _ = feed(bytes, &base);
});
