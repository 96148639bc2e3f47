#![no_main]
//! Dates in any text and any address.

use jingwen::clean::date;
use jingwen::crawl::{fetch, lists};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let context = date::Context { fetched_at: Some(jiff::Timestamp::UNIX_EPOCH), ..date::Context::default() };
    let _ = date::find(text, &context);
    let _ = date::parse_value(text, &context);
    let _ = date::in_url(text);
    let _ = lists::date(text);
    let _ = fetch::retry_after(text, jiff::Timestamp::UNIX_EPOCH);
});
