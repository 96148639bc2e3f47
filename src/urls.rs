//! Addresses: what makes two of them the same page, and which host a request belongs to.

use sha2::{Digest, Sha256};
use url::Url;

use crate::sites::CrawlRules;

/// An address after a site's rewrites and canonicalisation. Can only be made by canonicalising.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CanonicalUrl(Url);

impl CanonicalUrl {
    /// Canonicalises an address.
    pub fn new(url: &Url, _rules: Option<&CrawlRules>) -> Self {
        let mut url = url.clone();
        url.set_fragment(None);
        Self(url)
    }

    /// The address.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The record's `id`: first 32 hexadecimal digits of the SHA-256 of the address.
    pub fn id(&self) -> String {
        hex(&Sha256::digest(self.as_str().as_bytes())[..16])
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
