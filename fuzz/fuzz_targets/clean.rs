#![no_main]
//! Any bytes are a page, any text is flattened text: an article without control characters, or a reason.

use std::sync::LazyLock;

use jingwen::clean::{self, Body, Options, Page};
use jingwen::sites::Sites;
use libfuzzer_sys::fuzz_target;
use url::Url;

static SITES: LazyLock<Sites> = LazyLock::new(Sites::builtin);

const URLS: [&str; 4] = [
    "https://a.example/",
    "https://www.sznews.com/news/content/2024-05/06/content_1.htm",
    "https://www.163.com/news/article/AAAA.html",
    "https://www.xinhuanet.com/2024-05/06/c_1.htm",
];

fuzz_target!(|input: (u8, &[u8])| {
    let (way, bytes) = input;
    let url = Url::parse(URLS[usize::from(way) % URLS.len()]).unwrap();
    let text = String::from_utf8_lossy(bytes);
    let body = if way & 64 == 0 { Body::Html(bytes) } else { Body::Text(&text) };
    let page = Page { url: Some(&url), body, content_type: None, fetched_at: None };
    let options = Options { generic_only: way & 128 != 0, ..Options::default() };
    match clean::clean(&page, &SITES, &options).article {
        Ok(record) => {
            assert!(!record.text.trim().is_empty());
            assert!(!record.text.chars().any(|c| c.is_control() && c != '\n'), "{:?}", record.text);
            assert!(!record.title.iter().any(|t| t.chars().any(char::is_control)), "{:?}", record.title);
        }
        Err(why) => assert!(!why.detail.is_empty()),
    }
});
