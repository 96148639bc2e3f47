//! One request, one answer, within limits. Redirects are not followed here: each hop is a request of its own.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{self, HeaderMap};
use tokio::sync::Semaphore;
use url::Url;

use super::guard::{Guard, Refused, refusal};
use super::inflate;
use crate::record::Reason;

/// A body past this many bytes needs one of [`LARGE_AT_ONCE`] places, so that many large pages cannot fill memory.
const LARGE: usize = 1 << 20;
/// Bodies over [`LARGE`] that are in memory at a time.
const LARGE_AT_ONCE: usize = 6;

/// What to ask for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Address.
    pub url: &'a Url,
    /// Sent as `If-None-Match`.
    pub etag: Option<&'a str>,
    /// Sent as `If-Modified-Since`.
    pub modified: Option<&'a str>,
    /// Cut the body at this length instead of failing; for robots.txt.
    pub truncate: Option<usize>,
}

impl<'a> Request<'a> {
    /// A plain request.
    pub fn new(url: &'a Url) -> Self {
        Self { url, etag: None, modified: None, truncate: None }
    }
}

/// What came.
#[derive(Debug, Clone)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub modified: Option<String>,
    /// `Retry-After`, as time from now.
    pub retry_after: Option<Duration>,
    /// Target of a redirect: absolute, or the text that makes no address.
    pub location: Option<Result<Url, String>>,
    /// Decoded body; empty where the type says that it is no text.
    pub body: Vec<u8>,
    /// When the answer came.
    pub at: Timestamp,
    /// How long it took until the headers were there.
    pub waited: Duration,
    /// How long it took as a whole.
    pub took: Duration,
    /// `WARC-Record-ID` where it came from an archive.
    pub warc: Option<String>,
}

impl Response {
    /// True for redirects that name a target.
    pub fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308) && self.location.is_some()
    }

    /// True where the `Content-Type` is that of pictures, archives and the like.
    pub fn is_binary(&self) -> bool {
        self.content_type.as_deref().is_some_and(is_binary)
    }
}

/// Why nothing came.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// Not an address we connect to.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Too slow.
    #[error("no whole answer within {}", crate::units::Span(*.0))]
    Timeout(Duration),
    /// No connection: name, connect, TLS.
    #[error("{0}")]
    NoConnection(String),
    /// Reset, truncated, not HTTP.
    #[error("{0}")]
    Unreachable(String),
    /// Larger than permitted.
    #[error("{what} over {}", crate::units::Size(*limit))]
    OverLimit {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Not in the archive that is replayed.
    #[error("not in the archive")]
    NotArchived,
    /// The run is ending.
    #[error("interrupted")]
    Interrupted,
}

impl FetchError {
    /// The reason as reports name it.
    pub fn reason(&self) -> Reason {
        match self {
            FetchError::Refused(_) => Reason::AddressRefused,
            FetchError::Timeout(_) => Reason::Timeout,
            FetchError::OverLimit { .. } => Reason::OverLimit,
            FetchError::NoConnection(_) | FetchError::Unreachable(_) => Reason::Unreachable,
            FetchError::NotArchived | FetchError::Interrupted => Reason::Unreachable,
        }
    }

    /// True where another try may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, FetchError::Timeout(_) | FetchError::NoConnection(_) | FetchError::Unreachable(_))
    }
}

/// A request under way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Response, FetchError>> + Send + 'a>>;

/// Where pages come from: the network, or an archive.
pub trait Fetch: Send + Sync {
    /// Makes one request.
    fn fetch<'a>(&'a self, request: Request<'a>) -> Fetching<'a>;

    /// True where nobody is at the other end, so that waiting would be for nothing.
    fn is_replay(&self) -> bool {
        false
    }
}

/// Limits of the HTTP client.
#[derive(Debug, Clone)]
pub struct Limits {
    /// For a whole request, body included.
    pub timeout: Duration,
    /// For the connection.
    pub connect_timeout: Duration,
    /// Decoded bytes of a body.
    pub max_body: u64,
    /// Bytes of all headers.
    pub max_headers: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            max_body: 10 << 20,
            max_headers: 64 << 10,
        }
    }
}

/// The network.
pub struct Http {
    client: reqwest::Client,
    guard: Guard,
    limits: Limits,
    large: Semaphore,
}

/// Why the HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up HTTP: {0}")]
pub struct HttpError(#[from] reqwest::Error);

impl Http {
    /// A client that identifies itself with `user_agent` in every request.
    pub fn new(user_agent: &str, guard: Guard, limits: Limits, idle_per_host: usize) -> Result<Self, HttpError> {
        // Fails only if a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT,
            header::HeaderValue::from_static("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5"),
        );
        headers.insert(header::ACCEPT_LANGUAGE, header::HeaderValue::from_static("zh-CN,zh;q=0.9,en;q=0.5"));
        // The first is unpacked here, the others by the client.
        headers.insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("gzip, br, zstd"));
        let client = reqwest::Client::builder()
            .user_agent(user_agent)
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // A proxy would do the look-up itself, behind the guard's back.
            .no_proxy()
            .dns_resolver(guard.clone())
            .connect_timeout(limits.connect_timeout)
            .pool_max_idle_per_host(idle_per_host)
            .pool_idle_timeout(Duration::from_secs(60))
            .http1_max_headers(1000)
            .http2_max_header_list_size(u32::try_from(limits.max_headers).unwrap_or(u32::MAX))
            .build()?;
        Ok(Self { client, guard, limits, large: Semaphore::new(LARGE_AT_ONCE) })
    }

    async fn get(&self, request: Request<'_>) -> Result<Response, FetchError> {
        self.guard.check(request.url)?;
        let begun = Instant::now();
        let target = self.guard.plain(request.url).unwrap_or_else(|| request.url.clone());
        let mut builder = self.client.get(target);
        if let Some(etag) = request.etag {
            builder = builder.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(modified) = request.modified {
            builder = builder.header(header::IF_MODIFIED_SINCE, modified);
        }
        let mut answer = builder.send().await.map_err(|error| self.failure(&error))?;
        let size: usize = answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if size as u64 > self.limits.max_headers {
            return Err(FetchError::OverLimit { what: "headers", limit: self.limits.max_headers });
        }
        let at = Timestamp::now();
        let text = |name: header::HeaderName| {
            answer.headers().get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).trim().to_owned())
        };
        let mut response = Response {
            status: answer.status().as_u16(),
            content_type: text(header::CONTENT_TYPE),
            etag: text(header::ETAG),
            modified: text(header::LAST_MODIFIED),
            retry_after: text(header::RETRY_AFTER).and_then(|value| retry_after(&value, at)),
            location: text(header::LOCATION).map(|to| request.url.join(&to).map_err(|_| to)),
            body: Vec::new(),
            at,
            waited: begun.elapsed(),
            took: Duration::ZERO,
            warc: None,
        };
        // Pictures and archives are not read; nor are the bodies of redirects and errors, except where small enough
        // to keep the connection for the next request.
        let wanted = match response.status {
            200..=299 if !response.is_binary() => true,
            304 => false,
            _ => answer.content_length().is_some_and(|n| n < 64 << 10),
        };
        if wanted {
            let packed = text(header::CONTENT_ENCODING).is_some_and(|by| is_gzip(&by));
            self.read(&mut answer, &mut response.body, request.truncate).await?;
            if packed && !response.body.is_empty() {
                response.body = self.unpack(&response.body, request.truncate).await?;
            }
        }
        response.took = begun.elapsed();
        Ok(response)
    }

    async fn read(
        &self,
        answer: &mut reqwest::Response,
        body: &mut Vec<u8>,
        truncate: Option<usize>,
    ) -> Result<(), FetchError> {
        let limit = self.limits.max_body;
        let over = FetchError::OverLimit { what: "body", limit };
        if truncate.is_none() && answer.content_length().is_some_and(|n| n > limit) {
            return Err(over);
        }
        body.reserve(usize::try_from(answer.content_length().unwrap_or(16 << 10)).unwrap_or(0).min(LARGE));
        let mut place = None;
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.failure(&error))? {
            if let Some(most) = truncate
                && body.len() + chunk.len() > most
            {
                body.extend_from_slice(&chunk[..most - body.len()]);
                return Ok(());
            }
            if body.len() as u64 + chunk.len() as u64 > limit {
                return Err(over);
            }
            if place.is_none() && body.len() + chunk.len() > LARGE {
                // The semaphore is never closed.
                place = self.large.acquire().await.ok();
            }
            body.extend_from_slice(&chunk);
        }
        Ok(())
    }

    /// Unpacks a body in gzip, with the limits that others have.
    async fn unpack(&self, packed: &[u8], truncate: Option<usize>) -> Result<Vec<u8>, FetchError> {
        let limit = self.limits.max_body;
        if let Some(body) = inflate::at_once(packed, LARGE.min(truncate.unwrap_or(LARGE))) {
            return Ok(body);
        }
        let _place = self.large.acquire().await;
        let most = truncate.map_or(limit + 1, |most| most as u64);
        let broken = |error| FetchError::Unreachable(format!("not gzip, as it says it is: {error}"));
        let body = inflate::piece_by_piece(packed, most).map_err(broken)?;
        if truncate.is_none() && body.len() as u64 > limit {
            return Err(FetchError::OverLimit { what: "body", limit });
        }
        Ok(body)
    }

    fn failure(&self, error: &reqwest::Error) -> FetchError {
        if let Some(refused) = refusal(error) {
            return FetchError::Refused(refused.clone());
        }
        if error.is_timeout() {
            return FetchError::Timeout(self.limits.connect_timeout);
        }
        // The innermost cause says what happened; the outer ones say that something did.
        let mut cause: &dyn Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        match error.is_connect() {
            true => FetchError::NoConnection(cause.to_string()),
            false => FetchError::Unreachable(cause.to_string()),
        }
    }
}

impl Fetch for Http {
    fn fetch<'a>(&'a self, request: Request<'a>) -> Fetching<'a> {
        Box::pin(async move {
            match tokio::time::timeout(self.limits.timeout, self.get(request)).await {
                Ok(result) => result,
                Err(_) => Err(FetchError::Timeout(self.limits.timeout)),
            }
        })
    }
}

/// `Retry-After` in either form: seconds, or a date.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    // To the second, upwards: the date has no fractions.
    let now = Duration::from_millis(u64::try_from(now.as_millisecond()).ok()?);
    Some(at.duration_since(std::time::UNIX_EPOCH + now).unwrap_or_default())
}

/// `Content-Encoding`: RFC 9110, 8.4.1.3.
fn is_gzip(encoding: &str) -> bool {
    encoding.eq_ignore_ascii_case("gzip") || encoding.eq_ignore_ascii_case("x-gzip")
}

fn is_binary(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (class, kind) = essence.split_once('/').unwrap_or((&essence, ""));
    match class {
        "image" | "audio" | "video" | "font" => kind != "svg+xml",
        "application" => {
            matches!(
                kind,
                "pdf"
                    | "zip"
                    | "x-rar-compressed"
                    | "x-7z-compressed"
                    | "x-tar"
                    | "msword"
                    | "vnd.ms-excel"
                    | "java-archive"
            ) || kind.starts_with("vnd.openxmlformats")
                || kind.starts_with("vnd.android")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_retry_after() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Mon, 23 Nov 2026 10:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Mon, 23 Nov 2026 09:00:30 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-5", now), None);
    }

    #[test]
    fn types_without_text() {
        for (text, binary) in
            [("image/png", true), ("application/pdf", true), ("text/html; charset=gbk", false), ("", false)]
        {
            assert_eq!(is_binary(text), binary, "{text}");
        }
    }
}
