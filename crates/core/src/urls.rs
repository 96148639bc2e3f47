//! Addresses: what makes two of them the same page, and which host a request belongs to.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use url::{Host, Position, Url};

use crate::pattern::Pattern;

/// Longest address that is followed, in bytes. Longer ones are traps or errors.
pub const MAX_URL: usize = 2048;

/// Query keys that say where a visitor came from and never what the page is.
const TRACKING: &[&str] = &[
    "spm",
    "from",
    "share",
    "share_token",
    "share_from",
    "sharefrom",
    "shareuid",
    "isappinstalled",
    "nsukey",
    "fbclid",
    "gclid",
    "msclkid",
    "yclid",
    "dclid",
    "mc_cid",
    "mc_eid",
    "igshid",
    "wxshare",
    "weixin_share",
    "scene",
    "clicktime",
    "enterid",
    "tdsourcetag",
    "bd_vid",
    "_ga",
    "chksm",
    // Session ids: the same page for every visitor.
    "jsessionid",
    "phpsessid",
    "sessionid",
    "session_id",
];

/// What a site's file says of its addresses.
#[derive(Debug, Clone, Default)]
pub struct UrlRules {
    /// Applied to the address, fragment included, before canonicalisation.
    pub rewrite: Vec<(Arc<Pattern>, String)>,
    /// Query keys to drop.
    pub drop_query: Vec<String>,
    /// If given, all other query keys are dropped.
    pub keep_query: Option<Vec<String>>,
}

/// An address after a site's rewrites and canonicalisation. Can only be made by canonicalising.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CanonicalUrl(Url);

impl CanonicalUrl {
    /// Canonicalises an address: the site's `rewrite` (which still sees the fragment), then fragment, credentials,
    /// default port, the host's trailing dot, tracking parameters and the site's own go; percent-encoding is made
    /// uniform. Nothing is sorted: some servers tell pages apart by the order of parameters.
    ///
    /// A rewrite that makes no valid address is ignored.
    ///
    /// ```
    /// # use jingwen_core::urls::CanonicalUrl;
    /// let url = "http://News.Example.com.:80/a%7eb?utm_source=x&id=3#top".parse().unwrap();
    /// assert_eq!(CanonicalUrl::new(&url, None).as_str(), "http://news.example.com/a~b?id=3");
    /// ```
    pub fn new(url: &Url, rules: Option<&UrlRules>) -> Self {
        let mut url = rewritten(url, rules);
        url.set_fragment(None);
        if !url.username().is_empty() || url.password().is_some() {
            // Only addresses without a host refuse this, and those carry no credentials.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        // A host of nothing but dots stays: without one, an address of another scheme with a port would be none.
        let host = url.host_str().filter(|h| h.ends_with('.')).map(|h| h.trim_end_matches('.').to_owned());
        if let Some(host) = host.filter(|h| !h.is_empty()) {
            let _ = url.set_host(Some(&host));
        }
        // Java servers put the session into the path.
        while let Some(session) = session_in(url.path()) {
            let mut path = url.path().to_owned();
            path.replace_range(session, "");
            url.set_path(&path);
        }
        if url.query().is_some() {
            drop_parameters(&mut url, rules);
        }
        if let Cow::Owned(path) = uniform(url.path()) {
            url.set_path(&path);
        }
        if let Some(Cow::Owned(query)) = url.query().map(uniform) {
            url.set_query(Some(&query));
        }
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

    /// Path and query: what is left beside the host.
    pub fn path_and_query(&self) -> &str {
        &self.0[Position::BeforePath..Position::AfterQuery]
    }
}

impl fmt::Display for CanonicalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The host that a request goes to, with the port in use: `www.sznews.com:80`. Politeness and robots.txt are per key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostKey(String);

impl HostKey {
    /// The key of an address; `None` for addresses that are not http or https.
    pub fn new(url: &Url) -> Option<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        let host = url.host_str()?.trim_end_matches('.');
        Some(Self(format!("{host}:{}", url.port_or_known_default()?)))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without the port.
    pub fn host(&self) -> &str {
        self.0.rsplit_once(':').map_or(&self.0, |(host, _)| host)
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Full stops that part the labels of a host name (IDNA, RFC 3490, 3.1).
const FULL_STOPS: [char; 4] = ['.', '。', '．', '｡'];

/// The one form of a host name, as addresses have it: in Punycode, lower case, without a dot at its end. `None` where it is
/// not a host name.
///
/// ```
/// # use jingwen_core::urls::host_name;
/// assert_eq!(host_name("新闻。EXAMPLE.中国.").as_deref(), Some("xn--efvy88h.example.xn--fiqs8s"));
/// ```
pub fn host_name(text: &str) -> Option<String> {
    match Host::parse(text.trim().trim_end_matches(FULL_STOPS)).ok()? {
        Host::Domain(name) => Some(name.trim_end_matches('.').to_owned()),
        address => Some(address.to_string()),
    }
}

/// The one form of an entry of `hosts`: a host name, or `*.` before one. What is neither stays, in lower case, as it was
/// reported where the file was checked.
pub fn host_pattern(text: &str) -> String {
    let name = match text.strip_prefix('*').and_then(|rest| rest.strip_prefix(FULL_STOPS)) {
        Some(rest) => host_name(rest).map(|name| format!("*.{name}")),
        None => host_name(text),
    };
    name.unwrap_or_else(|| text.to_lowercase())
}

/// First 8 bytes of the SHA-256, as the frontier's keys have it.
pub fn hash64(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(bytes)
}

/// The address of a stored path and query at an origin. Both are put side by side: joined as a link is, a path that begins
/// with two slashes would name another host.
///
/// ```
/// # use jingwen_core::urls::at_origin;
/// let origin = "http://news.example.com/".parse().unwrap();
/// assert_eq!(at_origin(&origin, "//a.example/1.htm?x=2").as_str(), "http://news.example.com//a.example/1.htm?x=2");
/// ```
pub fn at_origin(origin: &Url, path_and_query: &str) -> Url {
    let origin_text = &origin[..Position::BeforePath];
    match Url::parse(&format!("{origin_text}{path_and_query}")) {
        Ok(url) if url[..Position::BeforePath] == *origin_text => url,
        // No canonical address ends up here; whatever stands in a store, its host is asked.
        _ => {
            let (path, query) = path_and_query.split_once('?').map_or((path_and_query, None), |(p, q)| (p, Some(q)));
            let mut url = origin.clone();
            url.set_path(path);
            url.set_query(query);
            url.set_fragment(None);
            url
        }
    }
}

/// The part of a host name that one owner registers, by a rule of thumb: two labels, three under `com.cn` and its
/// like. Used only to decide which links are of the same site where no selector file says so; never as a key, for the
/// public lists of suffixes change.
pub fn registered(host: &str) -> &str {
    let host = host.trim_end_matches('.');
    if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        return host;
    }
    let labels: Vec<(usize, &str)> = host
        .split('.')
        .scan(0, |at, label| {
            let start = *at;
            *at += label.len() + 1;
            Some((start, label))
        })
        .collect();
    let second = labels.len().checked_sub(2).map(|i| labels[i].1);
    let country = labels.last().is_some_and(|(_, tld)| tld.len() == 2);
    let keep = match second {
        Some("com" | "net" | "org" | "gov" | "edu" | "ac" | "co" | "mil") if country => 3,
        _ => 2,
    };
    labels.len().checked_sub(keep).map_or(host, |i| &host[labels[i].0..])
}

/// True where the host is an address and not a name.
pub fn is_ip_literal(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)))
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn rewritten(url: &Url, rules: Option<&UrlRules>) -> Url {
    let Some(rules) = rules.filter(|r| !r.rewrite.is_empty()) else { return url.clone() };
    let mut text = Cow::Borrowed(url.as_str());
    for (from, to) in &rules.rewrite {
        if let Cow::Owned(new) = from.replace(&text, to.as_str()) {
            text = Cow::Owned(new);
        }
    }
    match text {
        Cow::Borrowed(_) => url.clone(),
        Cow::Owned(text) => Url::parse(&text).unwrap_or_else(|_| url.clone()),
    }
}

/// `;jsessionid=…` in a path, up to the next parameter or segment.
fn session_in(path: &str) -> Option<Range<usize>> {
    let is_session =
        |at: &usize| path.get(at + 1..at + 12).is_some_and(|name| name.eq_ignore_ascii_case("jsessionid="));
    let at = path.match_indices(';').map(|(at, _)| at).find(is_session)?;
    let end = path[at + 1..].find([';', '/']).map_or(path.len(), |n| at + 1 + n);
    Some(at..end)
}

fn drop_parameters(url: &mut Url, rules: Option<&UrlRules>) {
    let Some(query) = url.query() else { return };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .filter(|pair| {
            let key = pair.split_once('=').map_or(*pair, |(key, _)| key);
            keeps(key, rules)
        })
        .collect();
    let kept = kept.join("&");
    url.set_query((!kept.is_empty()).then_some(kept.as_str()));
}

fn keeps(key: &str, rules: Option<&UrlRules>) -> bool {
    if let Some(keep) = rules.and_then(|r| r.keep_query.as_ref()) {
        return keep.iter().any(|k| k == key);
    }
    let tracking = key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("utm_"))
        || TRACKING.iter().any(|t| t.eq_ignore_ascii_case(key));
    !tracking && !rules.is_some_and(|r| r.drop_query.iter().any(|k| k == key))
}

/// Percent-encoding with capital digits, and none where RFC 3986 calls the character unreserved.
fn uniform(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let decoded = match bytes[at..] {
            [b'%', high, low, ..] => digit(high).zip(digit(low)).map(|(h, l)| h << 4 | l),
            _ => None,
        };
        match decoded {
            // `%2E` stays: decoded it could become a dot segment, which is another path.
            Some(c) if (c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'~')) && !completes(&out, c) => {
                out.push(c);
                at += 3;
            }
            Some(_) => {
                out.extend(bytes[at..at + 3].iter().map(u8::to_ascii_uppercase));
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    match String::from_utf8(out) {
        Ok(new) if new != text => Cow::Owned(new),
        _ => Cow::Borrowed(text),
    }
}

/// True where a digit would make an escape of a `%` that is none: `%%30a` must not become `%0a`.
fn completes(out: &[u8], c: u8) -> bool {
    c.is_ascii_hexdigit() && matches!(out, [.., b'%'] | [.., b'%', b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F'])
}

fn digit(c: u8) -> Option<u8> {
    char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn canon(text: &str, rules: Option<&UrlRules>) -> String {
        CanonicalUrl::new(&Url::parse(text).unwrap(), rules).to_string()
    }

    #[test]
    fn what_does_not_make_another_page_goes() {
        for (from, to) in [
            ("HTTP://Example.COM:80/a#b", "http://example.com/a"),
            ("https://example.com:443", "https://example.com/"),
            ("http://example.com:8080/", "http://example.com:8080/"),
            ("http://example.com./a", "http://example.com/a"),
            ("http://u:p@example.com/a", "http://example.com/a"),
            ("http://example.com/a?utm_source=x&UTM_medium=y", "http://example.com/a"),
            ("http://example.com/a?from=timeline&isappinstalled=0&id=7", "http://example.com/a?id=7"),
            ("http://example.com/a?b=2&a=1", "http://example.com/a?b=2&a=1"),
            ("http://example.com/a?&&b=2&", "http://example.com/a?b=2"),
            ("http://example.com/a.do;jsessionid=0AF3?id=2&PHPSESSID=x", "http://example.com/a.do?id=2"),
            ("http://example.com/a;v=2", "http://example.com/a;v=2"),
            ("http://example.com/a;JSESSIONID=1;jsessionid=2;v=2/b;jsessionid=3", "http://example.com/a;v=2/b"),
            ("http://example.com/%7eme/%e4%b8%ad", "http://example.com/~me/%E4%B8%AD"),
            ("http://example.com/中", "http://example.com/%E4%B8%AD"),
            ("http://example.com/a/../b", "http://example.com/b"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
        ] {
            assert_eq!(canon(from, None), to, "{from}");
        }
    }

    #[test]
    fn a_site_says_more() {
        let rules = UrlRules {
            rewrite: vec![(
                Arc::new(Pattern::from(Regex::new(r"^http://m\.example\.com/#/a/(\d+)$").unwrap())),
                "http://example.com/$1.htm".into(),
            )],
            drop_query: vec!["cxid".into()],
            ..UrlRules::default()
        };
        assert_eq!(canon("http://m.example.com/#/a/12", Some(&rules)), "http://example.com/12.htm");
        assert_eq!(canon("http://example.com/a?cxid=1&id=2", Some(&rules)), "http://example.com/a?id=2");
        let rules = UrlRules { keep_query: Some(vec!["id".into()]), ..UrlRules::default() };
        assert_eq!(canon("http://example.com/a?x=1&id=2&y=3", Some(&rules)), "http://example.com/a?id=2");
    }

    #[test]
    fn canonical_is_a_fixed_point() {
        for text in [
            "http://example.com/a%2fb%7E?x=%e4&from=1#f",
            "http://example.com/a%2e%2e/b",
            "http://[::1]:80/",
            "http://a.example/%%30a",
            "http://a.example/%1%30",
            "http://..../",
            "other://....:1?*",
            "other://a.example.:1?*",
        ] {
            let once = canon(text, None);
            assert_eq!(canon(&once, None), once);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_canonical_address_is_a_fixed_point(
            path in "(/|;|;jsessionid=|;JSESSIONID=|[a-c0-9.~]|%[0-9a-fA-F]{2}|%|海){0,12}",
            query in "(&|=|a|utm_x=|from=|PHPSESSID=|%[0-9a-f]{2}|新){0,8}",
        ) {
            let once = canon(&format!("http://a.example/{path}?{query}#x"), None);
            proptest::prop_assert_eq!(canon(&once, None), once);
        }
    }

    #[test]
    fn a_path_that_begins_like_another_host_keeps_its_own() {
        for path in
            ["//b.example/1.htm", "///b.example/1.htm", "//u@b.example:80/1.htm", "//[x/1.htm", "/", "/a?b=//c", "//"]
        {
            let canonical = canon(&format!("http://a.example:81{path}"), None);
            let url = Url::parse(&canonical).unwrap();
            assert_eq!(url.host_str(), Some("a.example"), "{path}");
            let origin = Url::parse(&url.origin().ascii_serialization()).unwrap();
            let stored = CanonicalUrl::new(&url, None);
            assert_eq!(at_origin(&origin, stored.path_and_query()).as_str(), canonical, "{path}");
        }
        // A store that somebody else wrote.
        let origin = Url::parse("http://a.example").unwrap();
        for path in ["b.example", "@b.example/", ":81/", "", "?a=b"] {
            assert_eq!(at_origin(&origin, path).origin(), origin.origin(), "{path}");
        }
    }

    #[test]
    fn keys_name_the_port() {
        let key = |t: &str| HostKey::new(&Url::parse(t).unwrap()).map(|k| k.to_string());
        assert_eq!(key("http://Example.com/").as_deref(), Some("example.com:80"));
        assert_eq!(key("https://example.com/").as_deref(), Some("example.com:443"));
        assert_eq!(key("http://[::1]:8080/").as_deref(), Some("[::1]:8080"));
        assert_eq!(key("ftp://example.com/"), None);
    }

    #[test]
    fn a_host_has_one_name() {
        for text in [
            "新闻.海港.中国",
            "新闻。海港．中国",
            "%E6%96%B0%E9%97%BB.海港.中国.",
            "XN--EFVY88H.海港.中国",
            "新闻.海港.中国。",
        ] {
            let name = Url::parse("http://新闻.海港.中国/").unwrap().host_str().unwrap().to_owned();
            assert_eq!(host_name(text), Some(name), "{text}");
        }
        for (text, pattern) in [
            ("*.中国", "*.xn--fiqs8s"),
            ("*。EXAMPLE.com", "*.example.com"),
            ("News.Example.COM.", "news.example.com"),
            ("127.0.0.1", "127.0.0.1"),
            ("A b", "a b"),
        ] {
            assert_eq!(host_pattern(text), pattern, "{text}");
        }
    }

    #[test]
    fn registered_names() {
        for (host, name) in [
            ("news.sznews.com", "sznews.com"),
            ("www.gov.cn", "www.gov.cn"),
            ("a.b.people.com.cn", "people.com.cn"),
            ("127.0.0.1", "127.0.0.1"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(registered(host), name);
        }
    }
}
