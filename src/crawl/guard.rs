//! Which addresses may be connected to: checked on the address itself, after the name was resolved, on every hop.
//!
//! The connection goes to the very address that was checked, so a name that resolves to something else a moment later
//! (DNS rebinding) changes nothing.

use std::collections::HashMap;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::config::IpFamily;

/// An address we do not connect to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Loopback, private, link-local, multicast or reserved.
    #[error("{host} is at {ip}, {class}; allow_private = [\"{ip}\"] would permit it")]
    Address {
        /// Host as asked for.
        host: String,
        /// The address.
        ip: IpAddr,
        /// What kind of address that is.
        class: &'static str,
    },
    /// Not http or https.
    #[error("`{0}:` addresses are not fetched, only http and https")]
    Scheme(String),
    /// No host in the address.
    #[error("there is no host in the address")]
    NoHost,
}

/// Decides about addresses; shared by the resolver and the fetcher.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    allow: Arc<Vec<IpNet>>,
    /// Names that are not looked up, like curl's `--resolve`. The operator's own word, so not refused.
    resolve: Arc<HashMap<String, SocketAddr>>,
    /// The proxy's name. It is the operator's own word as well, and mostly in a private network.
    proxy: Option<Arc<str>>,
    /// Addresses of the other family are not connected to.
    family: Option<IpFamily>,
}

impl Guard {
    /// A guard that permits, beside public addresses, these ranges and these name-to-address pairs (port 0: the
    /// address's own).
    pub fn new(allow: Vec<IpNet>, resolve: HashMap<String, SocketAddr>) -> Self {
        Self { allow: Arc::new(allow), resolve: Arc::new(resolve), ..Self::default() }
    }

    /// Connects only to addresses of one family.
    #[must_use]
    pub fn with_family(self, family: Option<IpFamily>) -> Self {
        Self { family, ..self }
    }

    /// Permits any address for the name of a proxy.
    #[must_use]
    pub fn with_proxy(self, host: Option<String>) -> Self {
        Self { proxy: host.map(Into::into), ..self }
    }

    /// Checks what can be told without a look-up: scheme, and hosts that are addresses.
    pub fn check(&self, url: &Url) -> Result<(), Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme(url.scheme().to_owned()));
        }
        match url.host() {
            None => Err(Refused::NoHost),
            Some(Host::Domain(_)) => Ok(()),
            Some(Host::Ipv4(ip)) => self.check_ip(&ip.to_string(), ip.into()),
            Some(Host::Ipv6(ip)) => self.check_ip(&ip.to_string(), ip.into()),
        }
    }

    /// The address to speak to in plain HTTP instead, for names that `resolve` leads to a port other than 443: a local
    /// server has no certificate for somebody else's name.
    pub fn plain(&self, url: &Url) -> Option<Url> {
        if url.scheme() != "https" || url.port().is_some() {
            return None;
        }
        let to = self.resolve.get(url.host_str()?)?;
        if matches!(to.port(), 0 | 443) {
            return None;
        }
        let mut plain = url.clone();
        plain.set_scheme("http").ok()?;
        Some(plain)
    }

    /// The address that a host's requests go to, as far as it can be told beforehand; the smallest of several.
    pub async fn address(&self, url: &Url) -> Option<IpAddr> {
        match url.host()? {
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(IpAddr::from(ip).to_canonical()),
            Host::Domain(name) => {
                if let Some(address) = self.resolve.get(name.trim_end_matches('.')) {
                    return Some(address.ip());
                }
                let found = tokio::net::lookup_host((name, 0)).await.ok()?;
                found.map(|address| address.ip().to_canonical()).min()
            }
        }
    }

    fn check_ip(&self, host: &str, ip: IpAddr) -> Result<(), Refused> {
        let ip = ip.to_canonical();
        if self.allow.iter().any(|net| net.contains(&ip)) {
            return Ok(());
        }
        match class(ip) {
            Some(class) => Err(Refused::Address { host: host.to_owned(), ip, class }),
            None => Ok(()),
        }
    }

    async fn look_up(self, name: String) -> Result<Addrs, Box<dyn Error + Send + Sync>> {
        if let Some(address) = self.resolve.get(name.trim_end_matches('.')) {
            return Ok(Box::new(std::iter::once(*address)));
        }
        let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
        let found: Vec<SocketAddr> =
            found.filter(|address| self.family.is_none_or(|family| family.has(address.ip()))).collect();
        if let (true, Some(family)) = (found.is_empty(), self.family) {
            let (has, lacks) = if family == IpFamily::V4 { ("IPv6", "IPv4") } else { ("IPv4", "IPv6") };
            return Err(format!("it has {has} addresses only, and `ip` under [http] wants {lacks}").into());
        }
        if self.proxy.as_deref() == Some(name.as_str()) {
            return Ok(Box::new(found.into_iter()));
        }
        let mut permitted = Vec::new();
        let mut refused = None;
        for address in found {
            match self.check_ip(&name, address.ip()) {
                Ok(()) => permitted.push(address),
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            // One bad address among good ones is a rebinding trick or a mistake; neither is to be helped along.
            Some(error) => Err(Box::new(error)),
            None => Ok(Box::new(permitted.into_iter())),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(self.clone().look_up(name.as_str().to_ascii_lowercase()))
    }
}

/// What kind of non-public address this is; `None` for public ones.
fn class(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => class_v4(ip),
        IpAddr::V6(ip) => class_v6(ip),
    }
}

fn class_v4(ip: Ipv4Addr) -> Option<&'static str> {
    Some(match ip.octets() {
        [127, ..] => "loopback",
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] => "private",
        [100, 64..=127, ..] => "shared by a carrier (private)",
        [169, 254, ..] => "link-local",
        [224..=239, ..] => "multicast",
        [0, ..] | [240..=255, ..] => "reserved",
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => "reserved",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "reserved for documentation",
        _ => return None,
    })
}

/// Only `2000::/3` is given out to the public Internet (RFC 4291, 2.4); every other address is refused, whatever it may come
/// to mean, and of that range those that lead somewhere else.
fn class_v6(ip: Ipv6Addr) -> Option<&'static str> {
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        class_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        // Deprecated IPv4-compatible and IPv4-translated addresses (RFC 4291, 2.5.5.1; RFC 2765).
        [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => Some("reserved"),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        [0x64, 0xff9b, 1, ..] => Some("private"),
        [0x2001, 0..=0x1ff, ..] => Some("reserved"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("reserved for documentation"),
        // Deprecated (RFC 3701).
        [0x3ffe, ..] => Some("reserved"),
        [0xfc00..=0xfdff, ..] => Some("private"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfec0..=0xfeff, ..] => Some("private"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        // ISATAP: the last four bytes are an IPv4 address behind a fixed interface identifier (RFC 5214).
        [0x2000..=0x3fff, _, _, _, 0 | 0x200, 0x5efe, high, low] => embedded(high, low),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &Guard, url: &str) -> Result<(), Refused> {
        guard.check(&Url::parse(url).unwrap())
    }

    #[test]
    fn every_spelling_of_a_private_address_is_refused() {
        let guard = Guard::default();
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://0/",
            "http://10.1.2.3/",
            "http://172.31.0.1/",
            "http://192.168.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://100.64.0.1/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::7f00:1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[fc00::1]/",
            "http://[fe80::1]/",
            "http://[ff02::1]/",
            "http://[::ffff:0:127.0.0.1]/",
            "http://[::ffff:0:8.8.8.8]/",
            "http://[4000::1]/",
            "http://[1::1]/",
            "http://[8000::1]/",
            "http://[3ffe::1]/",
            "http://[5f00::1]/",
            "http://[100::1]/",
            "http://[2400:3200::5efe:7f00:1]/",
            "http://１２７.０.０.１/",
        ] {
            assert!(matches!(check(&guard, url), Err(Refused::Address { .. })), "{url}");
        }
        for url in ["file:///etc/passwd", "ftp://a.example/", "gopher://a.example/", "data:text/html,x"] {
            assert!(matches!(check(&guard, url), Err(Refused::Scheme(_))), "{url}");
        }
        for url in ["http://8.8.8.8/", "http://172.32.0.1/", "http://[2400:3200::1]/", "https://a.example/"] {
            assert_eq!(check(&guard, url), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_named_range_is_permitted() {
        let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap()], HashMap::new());
        assert_eq!(check(&guard, "http://127.0.0.9:81/"), Ok(()));
        assert_eq!(check(&guard, "http://[::ffff:127.0.0.1]/"), Ok(()));
        assert!(check(&guard, "http://10.0.0.1/").is_err());
    }

    #[tokio::test]
    async fn names_are_checked_by_their_address() {
        assert!(Guard::default().look_up("localhost".into()).await.is_err());
        let resolve = HashMap::from([("a.example".to_owned(), "127.0.0.1:8080".parse().unwrap())]);
        let guard = Guard::new(Vec::new(), resolve);
        let found: Vec<_> = guard.clone().look_up("a.example".into()).await.unwrap().collect();
        assert_eq!(found, ["127.0.0.1:8080".parse().unwrap()]);
        let plain = |url: &str| guard.plain(&Url::parse(url).unwrap()).map(String::from);
        assert_eq!(plain("https://a.example/x").as_deref(), Some("http://a.example/x"));
        assert_eq!((plain("https://b.example/x"), plain("http://a.example/x")), (None, None));
    }
}
