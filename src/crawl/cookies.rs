//! Cookies of one run. They are kept as browsers keep them (RFC 6265), for as long as the run lasts, and never leave the
//! registered domain of the host that set them.

use std::collections::HashMap;
use std::sync::Mutex;

use cookie_store::{CookieStore, RawCookie, StoreAction};
use reqwest::header::{HeaderMap, SET_COOKIE};
use url::Url;

use crate::lock::lock;

/// Most cookies of one registered domain; RFC 6265, 6.1 asks browsers for as many.
const MOST: usize = 50;
/// Longest name and value together, in bytes; as above.
const LONGEST: usize = 4096;
/// Most registered domains; a run has a few hosts.
const MOST_DOMAINS: usize = 4096;
/// Longest `Cookie` header, in bytes: servers refuse longer ones.
const LONGEST_HEADER: usize = 8 << 10;

/// The cookies of one run.
#[derive(Default)]
pub struct Jar {
    /// By registered domain: no cookie is for more than one.
    stores: Mutex<HashMap<String, CookieStore>>,
}

impl Jar {
    /// The value of the `Cookie` header for an address: what the site's file says, then what the site has set, which wins.
    pub fn header(&self, url: &Url, own: &[(String, String)]) -> Option<String> {
        let stores = lock(&self.stores);
        let set: Vec<(&str, &str)> = match url.host_str().and_then(|host| stores.get(&registered_domain(host))) {
            Some(store) => store.get_request_values(url).collect(),
            None => Vec::new(),
        };
        let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let own = own.filter(|(name, _)| set.iter().all(|(other, _)| other != name));
        let mut header = String::new();
        for (name, value) in own.chain(set.iter().copied()) {
            if header.len() + name.len() + value.len() + 3 > LONGEST_HEADER {
                break;
            }
            if !header.is_empty() {
                header.push_str("; ");
            }
            header.push_str(name);
            header.push('=');
            header.push_str(value);
        }
        (!header.is_empty()).then_some(header)
    }

    /// Forgets the cookies for an address where the server finds them too large; gives whether there were any.
    pub fn forget(&self, url: &Url, status: u16) -> bool {
        /// Below, in bytes, other things are wrong with a request that gets a status that can mean anything.
        const LARGE: usize = 1 << 10;
        let sent = self.header(url, &[]).map_or(0, |header| header.len());
        let is_too_large = match status {
            // 494 is nginx's own.
            431 | 494 => sent > 0,
            400 | 413 => sent > LARGE,
            _ => false,
        };
        is_too_large && url.host_str().is_some_and(|host| lock(&self.stores).remove(&registered_domain(host)).is_some())
    }

    /// Keeps the cookies of a response.
    pub fn keep(&self, url: &Url, headers: &HeaderMap) {
        for value in headers.get_all(SET_COOKIE) {
            // As browsers do: bytes that are not ASCII belong to the value.
            let text = String::from_utf8_lossy(value.as_bytes());
            self.keep_one(url, &text);
        }
    }

    /// True if what will be sent has changed.
    fn keep_one(&self, url: &Url, text: &str) -> bool {
        let (Some(host), Ok(mut cookie)) = (url.host_str(), RawCookie::parse(text.to_owned())) else { return false };
        if cookie.name().len() + cookie.value().len() > LONGEST {
            return false;
        }
        if let Some(wanted) = cookie.domain().map(|domain| domain.trim_start_matches('.').to_ascii_lowercase())
            && is_public(&wanted)
        {
            if wanted != host {
                tracing::debug!(%url, cookie = cookie.name(), wanted, "a cookie for a public suffix is not kept");
                return false;
            }
            // A host that is a public suffix itself may have cookies of its own (RFC 6265, 5.3, step 5).
            cookie.unset_domain();
        }
        let mut stores = lock(&self.stores);
        let key = registered_domain(host);
        if stores.len() >= MOST_DOMAINS && !stores.contains_key(&key) {
            return false;
        }
        let store = stores.entry(key).or_default();
        let before = value_of(store, url, cookie.name());
        let is_full = store.iter_any().count() >= MOST;
        if is_full && before.is_none() {
            return false;
        }
        let name = cookie.name().to_owned();
        match store.insert_raw(&cookie, url) {
            Ok(StoreAction::Inserted) => true,
            Ok(StoreAction::UpdatedExisting) => before != value_of(store, url, &name),
            Ok(StoreAction::ExpiredExisting) => before.is_some(),
            // For another host or path, or past its time.
            Err(_) => false,
        }
    }
}

fn value_of(store: &CookieStore, url: &Url, name: &str) -> Option<String> {
    store.get_request_values(url).find(|(other, _)| *other == name).map(|(_, value)| value.to_owned())
}

/// The registered domain of a host, by the public suffix list; the host itself where it has none.
pub fn registered_domain(host: &str) -> String {
    let host = host.trim_end_matches('.');
    match psl::domain_str(host).filter(|_| host.parse::<std::net::IpAddr>().is_err()) {
        Some(domain) => domain.to_owned(),
        None => host.to_owned(),
    }
}

/// True for domains under which anybody can register a name.
fn is_public(domain: &str) -> bool {
    domain.parse::<std::net::IpAddr>().is_err() && psl::domain_str(domain).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn set(jar: &Jar, at: &str, cookie: &str) -> bool {
        jar.keep_one(&url(at), cookie)
    }

    fn sent(jar: &Jar, to: &str) -> String {
        jar.header(&url(to), &[]).unwrap_or_default()
    }

    #[test]
    fn cookies_go_back_where_they_belong() {
        let jar = Jar::default();
        assert!(set(&jar, "http://www.hb.example.com/a/1.htm", "own=1; path=/"));
        assert!(!set(&jar, "http://www.hb.example.com/a/1.htm", "own=1; path=/"), "nothing has changed");
        assert!(set(&jar, "http://www.hb.example.com/a/1.htm", "own=2; path=/"));
        assert!(set(&jar, "http://www.hb.example.com/", "wide=1; Domain=.example.com"));
        assert!(set(&jar, "http://www.hb.example.com/", "deep=1; Path=/deep"));
        assert!(set(&jar, "https://www.hb.example.com/", "safe=1; Secure"));
        let here = sent(&jar, "http://www.hb.example.com/b");
        assert!(here.contains("own=2") && here.contains("wide=1") && !here.contains("deep") && !here.contains("safe"));
        assert!(sent(&jar, "http://www.hb.example.com/deep/x").contains("deep=1"));
        assert!(sent(&jar, "https://www.hb.example.com/").contains("safe=1"));
        assert_eq!(sent(&jar, "http://m.example.com/"), "wide=1");
        assert_eq!(sent(&jar, "http://example.org/"), "");
        assert!(set(&jar, "http://www.hb.example.com/", "own=; path=/; Max-Age=0"));
        assert!(!sent(&jar, "http://www.hb.example.com/").contains("own"));
    }

    #[test]
    fn cookies_for_others_are_not_kept() {
        let jar = Jar::default();
        for (at, cookie) in [
            ("http://a.example.com/", "x=1; Domain=b.example.com"),
            ("http://a.example.com/", "x=1; Domain=other.net"),
            ("http://a.example.com/", "x=1; Domain=com"),
            ("http://a.com.cn/", "x=1; Domain=.com.cn"),
            ("http://a.gov.cn/", "x=1; Domain=gov.cn"),
            ("http://127.0.0.1/", "x=1; Domain=0.0.1"),
        ] {
            assert!(!set(&jar, at, cookie), "{cookie}");
        }
        for to in ["http://a.example.com/", "http://b.com.cn/", "http://b.gov.cn/", "http://127.0.0.1/"] {
            assert_eq!(sent(&jar, to), "");
        }
        assert!(set(&jar, "http://127.0.0.1:8080/", "x=1") && sent(&jar, "http://127.0.0.1:8080/a") == "x=1");
    }

    #[test]
    fn a_jar_is_bounded() {
        let jar = Jar::default();
        assert!(!set(&jar, "http://a.example.com/", &format!("x={}", "1".repeat(LONGEST))));
        for n in 0..200 {
            set(&jar, "http://a.example.com/", &format!("c{n}=1"));
        }
        assert_eq!(sent(&jar, "http://a.example.com/").split(';').count(), MOST);
        let jar = Jar::default();
        for n in 0..MOST {
            set(&jar, "http://a.example.com/", &format!("c{n}={}", "1".repeat(1000)));
        }
        assert!(sent(&jar, "http://a.example.com/").len() <= LONGEST_HEADER);
    }

    #[test]
    fn what_the_file_says_is_sent_until_the_site_says_otherwise() {
        let jar = Jar::default();
        let own = [("age".to_owned(), "ok".to_owned()), ("b".to_owned(), "1".to_owned())];
        let at = url("http://a.example.com/");
        assert_eq!(jar.header(&at, &own).as_deref(), Some("age=ok; b=1"));
        set(&jar, "http://a.example.com/", "age=18");
        assert_eq!(jar.header(&at, &own).as_deref(), Some("b=1; age=18"));
    }
}
