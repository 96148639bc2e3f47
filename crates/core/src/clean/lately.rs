//! Links that were handled lately, so that the same navigation and hot lists on each page cost one look and no statement.

use std::hash::Hasher;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustc_hash::FxHasher;
use url::{Position, Url};

/// Places of the first table, 32 KiB: enough for a run that finds little new, as most do.
const FEW: usize = 1 << 12;
/// Places of the one that takes over, 512 KiB.
const MANY: usize = 1 << 16;

/// Tables of fixed size without locks: a place holds the whole hash, so a hit is certain, and a miss only costs the work
/// that would be done anyway.
#[derive(Debug)]
pub struct Lately {
    few: Box<[AtomicU64]>,
    many: OnceLock<Box<[AtomicU64]>>,
    noted: AtomicU32,
}

impl Default for Lately {
    fn default() -> Self {
        Self { few: table(FEW), many: OnceLock::new(), noted: AtomicU32::new(0) }
    }
}

fn table(places: usize) -> Box<[AtomicU64]> {
    std::iter::repeat_with(AtomicU64::default).take(places).collect()
}

impl Lately {
    /// True if the link was noted lately.
    pub fn knows(&self, key: u64) -> bool {
        key != 0 && self.place(key).load(Ordering::Relaxed) == key
    }

    /// Notes a link by its key; only when it is handled, or it could get lost.
    pub fn note(&self, key: u64) {
        if key == 0 {
            return;
        }
        if self.noted.fetch_add(1, Ordering::Relaxed) as usize == FEW / 2 {
            self.many.get_or_init(|| table(MANY));
        }
        self.place(key).store(key, Ordering::Relaxed);
    }

    fn place(&self, key: u64) -> &AtomicU64 {
        let table = self.many.get().unwrap_or(&self.few);
        &table[(key >> 16) as usize & (table.len() - 1)]
    }
}

/// Gives the links of one page their keys.
pub struct Keys<'a> {
    scheme: &'a str,
    origin: &'a str,
    folder: &'a str,
}

impl<'a> Keys<'a> {
    /// For a page whose links are read by this address.
    pub fn of(base: &'a Url) -> Self {
        let path = &base[..Position::AfterPath];
        let folder = path.rfind('/').map_or(path, |end| &path[..=end]);
        Self { scheme: base.scheme(), origin: &base[..Position::BeforePath], folder }
    }

    /// A link's key: equal for links to the same address that are written alike. 0, which is never known, where it depends
    /// on the whole address of the page.
    pub fn key(&self, href: &str) -> u64 {
        // As a reader of addresses takes it.
        let href = href.trim_matches(|c: char| c <= ' ' || c.is_whitespace());
        let under = match href.as_bytes() {
            [] | [b'?' | b'#', ..] => return 0,
            _ if href.starts_with("http://") || href.starts_with("https://") => "",
            [b'/', b'/', ..] => self.scheme,
            [b'/', ..] => self.origin,
            _ => self.folder,
        };
        let mut hasher = FxHasher::default();
        hasher.write(under.as_bytes());
        hasher.write(href.as_bytes());
        hasher.finish() | 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_forgets_but_never_lies() {
        let lately = Lately::default();
        let (a, b) = (0x1_0001_u64, 0x1_0003_u64);
        lately.note(a);
        assert!(lately.knows(a) && !lately.knows(b));
        lately.note(b);
        assert!(!lately.knows(a) && lately.knows(b));
        lately.note(0);
        assert!(!lately.knows(0));
        for n in 0..10_000_u64 {
            let key = n << 16 | 1;
            lately.note(key);
            assert!(lately.knows(key));
        }
        // The large table holds more than the small one could.
        assert!((8_000..10_000_u64).all(|n| lately.knows(n << 16 | 1)));
    }

    #[test]
    fn keys_are_equal_for_equal_addresses() {
        let key = |base: &str, href: &str| Keys::of(&Url::parse(base).unwrap()).key(href);
        let (one, two) = ("https://a.example/x/1.htm", "https://a.example/x/2.htm?y=/z/");
        for href in ["/x/3.htm", "3.htm", "//b.example/", "https://b.example/", "../3.htm"] {
            assert_eq!(key(one, href), key(two, href), "{href}");
            assert_ne!(key(one, href), 0);
        }
        for base in ["https://a.example/y/1.htm", "https://b.example/x/1.htm", "http://a.example/x/1.htm"] {
            assert_ne!(key(one, "3.htm"), key(base, "3.htm"));
        }
        assert_ne!(key(one, "/3.htm"), key("http://a.example/x/1.htm", "/3.htm"));
        assert_ne!(key(one, "//b.example/"), key("http://a.example/x/1.htm", "//b.example/"));
        assert_eq!([key(one, "?page=2"), key(one, "#top"), key(one, ""), key(one, " ?page=2")], [0; 4]);
        // A name that only begins like a scheme.
        assert_ne!(key(one, "https-news.htm"), key("https://a.example/y/1.htm", "https-news.htm"));
    }
}
