#![no_main]
//! Addresses beside links, redirects of the browser, and whether bytes are text: any page.

use jingwen::clean::links::Base;
use jingwen::clean::{binary, redirect, scripted};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let _ = binary::not_text(bytes);
    let markup = String::from_utf8_lossy(bytes);
    let url = Url::parse("http://a.example/x/1.htm").unwrap();
    for encoding in [encoding_rs::UTF_8, encoding_rs::GBK] {
        let base = Base { url: &url, encoding };
        for href in scripted::addresses(&markup) {
            let _ = base.resolve(&href);
        }
        let _ = redirect::by_refresh(&markup, &base);
        let _ = redirect::by_script_or_frame(&markup, &base);
        let _ = redirect::refresh_target(&markup, &base);
    }
});
