#![no_main]
//! Canonical addresses: a fixed point, without fragment and credentials, with the key that its text gives.

use jingwen::crawl::traps;
use jingwen::frontier::UrlKey;
use jingwen::urls::{CanonicalUrl, HostKey, registered};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|text: &str| {
    let Ok(url) = Url::parse(text) else { return };
    let once = CanonicalUrl::new(&url, None);
    let twice = CanonicalUrl::new(once.url(), None);
    assert_eq!(once, twice);
    assert_eq!(UrlKey::new(&once), UrlKey::new(&twice));
    assert!(once.url().fragment().is_none());
    let _ = HostKey::new(&url);
    let _ = traps::shape(&url);
    if let Some(host) = url.host_str() {
        assert!(host.ends_with(registered(host)));
    }
});
