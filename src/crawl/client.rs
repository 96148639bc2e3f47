//! The HTTP client, as the configuration asks for it.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Certificate, NoProxy, Proxy};
use tower::util::MapRequestLayer;

use super::fetch::{Limits, note_connection};
use super::guard::Guard;

/// Longest that a connection nobody uses is kept.
const IDLE: Duration = Duration::from_secs(60);

/// What a client is made from.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Identifies us in every request.
    pub user_agent: String,
    /// Limits.
    pub limits: Limits,
    /// Connections kept for one host.
    pub idle_per_host: usize,
    /// Where requests go instead of to the host itself.
    pub proxy: Option<ProxyOptions>,
    /// Authorities trusted beside the system's, PEM.
    pub authorities: Option<Vec<u8>>,
}

/// A proxy, and what does not go through it.
#[derive(Debug, Clone)]
pub struct ProxyOptions {
    /// `http`, `https`, `socks5` or `socks5h`, with name and password where it wants them.
    pub url: String,
    /// Hosts, domains and address ranges that are asked directly.
    pub except: Vec<String>,
}

/// Why the HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The library or the system.
    #[error("cannot set up HTTP: {0}")]
    Client(#[from] reqwest::Error),
    /// The authorities' file.
    #[error("`ca_file` under [http]: cannot read {}: {source}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No certificates.
    #[error("`ca_file` under [http] holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// A header that cannot be sent.
    #[error("the name and password of `auth` in {0} cannot be sent: they have characters that are not visible ASCII")]
    Auth(String),
    /// A secret.
    #[error("{file}: {source}")]
    Secret {
        /// Selector file.
        file: String,
        /// What is missing.
        source: crate::sites::requests::SecretError,
    },
}

impl HttpError {
    /// True where what the operator wrote is at fault.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Client(_))
    }
}

/// Clients differ for hosts and requests that need something else than the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ClientKind {
    /// Takes any certificate, for sites whose selector files ask for it.
    pub is_unchecked: bool,
    /// Speaks HTTP/1.1 only, for servers that offer HTTP/2 and then refuse it.
    pub is_http1: bool,
    /// Makes a connection for each request and keeps none.
    pub is_unpooled: bool,
}

impl ClientOptions {
    /// Makes a client.
    pub fn build(&self, guard: &Guard, kind: ClientKind) -> Result<reqwest::Client, HttpError> {
        let idle_per_host = if kind.is_unpooled { 0 } else { self.idle_per_host };
        // Fails only if a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(&self.user_agent)
            .default_headers(default_headers())
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .dns_resolver(guard.clone())
            .connect_timeout(self.limits.connect_timeout)
            .pool_max_idle_per_host(idle_per_host)
            .pool_idle_timeout(IDLE)
            // As browsers do: a header line that cannot be read costs that line and not the page.
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .connector_layer(MapRequestLayer::new(note_connection))
            .http1_max_headers(1000)
            .http2_max_header_list_size(u32::try_from(self.limits.max_headers).unwrap_or(u32::MAX))
            .tls_danger_accept_invalid_certs(kind.is_unchecked)
            // A proxy that the environment names would do the look-up itself, behind the guard's back.
            .no_proxy();
        if kind.is_http1 {
            builder = builder.http1_only();
        }
        if let Some(proxy) = &self.proxy {
            let except = NoProxy::from_string(&proxy.except.join(","));
            builder = builder.proxy(Proxy::all(&proxy.url)?.no_proxy(except));
        }
        if let Some(pem) = &self.authorities {
            let authorities = Certificate::from_pem_bundle(pem)?;
            if authorities.is_empty() {
                return Err(HttpError::NoCertificate);
            }
            builder = builder.tls_certs_merge(authorities);
        }
        Ok(builder.build()?)
    }
}

fn default_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::ACCEPT, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5"),
        (header::ACCEPT_LANGUAGE, "zh-CN,zh;q=0.9,en;q=0.5"),
        (header::ACCEPT_ENCODING, "gzip, deflate, br, zstd"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}
