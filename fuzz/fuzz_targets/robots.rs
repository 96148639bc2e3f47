#![no_main]
//! Any bytes are a robots.txt, and any address gets a verdict; `/robots.txt` itself is never forbidden.

use jingwen::crawl::robots::Robots;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &str)| {
    let (bytes, path) = input;
    let robots = Robots::parse(bytes, "jingwen");
    let verdict = robots.check(path);
    assert!(verdict.allowed || verdict.rule.is_some(), "a refusal names its rule");
});
