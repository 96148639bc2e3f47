//! One request, one answer, within limits. Redirects are not followed here: each hop is a request of its own.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Semaphore;
use url::Url;

use super::client::ClientKind;
pub use super::client::{ClientOptions, HttpError, ProxyOptions};
use super::cookies::Jar;
pub use super::failure::FetchError;
use super::failure::{find, is_unprocessed, wants_http1};
use super::guard::Guard;
use super::inflate;
use super::unpack::{GZIP, Unpacked, is_whole, unpack};
use crate::lock::lock;
use crate::retry::retry_after;
use crate::sites::{Site, Sites};

/// A body past this many bytes needs one of [`LARGE_AT_ONCE`] places, so that many large pages cannot fill memory.
const LARGE: usize = 1 << 20;
/// Bodies over [`LARGE`] that are in memory at a time.
const LARGE_AT_ONCE: usize = 6;
/// Bodies of redirects and errors are read where they are smaller than this, in bytes, to keep the connection.
const UNREAD: u64 = 64 << 10;
/// Most hosts that HTTP/1.1 alone is spoken to because they want it.
const MOST_HTTP1: usize = 1000;

/// Times that a request is repeated at once because the server has not processed it.
const REPEATS: u32 = 3;
/// Wait before such a request is repeated for the second time: by then the client knows that the connection is gone.
const REPEAT_WAIT: Duration = Duration::from_millis(50);

tokio::task_local! {
    /// Whether the request under way had a connection made for it.
    static IS_CONNECTED: Cell<bool>;
}

/// What to ask for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Address.
    pub url: &'a Url,
    /// Sent as `If-None-Match`.
    pub etag: Option<&'a str>,
    /// Sent as `If-Modified-Since`.
    pub modified: Option<&'a str>,
    /// Cut the body at this length instead of failing at the general limit; for robots.txt and sitemaps.
    pub truncate: Option<usize>,
    /// Make a connection for this request, so that a failure says something about the page and not about a connection
    /// that was kept too long.
    pub needs_new_connection: bool,
}

impl<'a> Request<'a> {
    /// A plain request.
    pub fn new(url: &'a Url) -> Self {
        Self { url, etag: None, modified: None, truncate: None, needs_new_connection: false }
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
    /// It set cookies, new or not.
    pub sets_cookies: bool,
    /// `Refresh`: a redirect that browsers follow when the page is there.
    pub refresh: Option<String>,
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

/// A request under way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Response, FetchError>> + Send + 'a>>;

/// Where pages come from: the network, or an archive.
pub trait Fetch: Send + Sync {
    /// Makes one request.
    fn fetch<'a>(&'a self, request: Request<'a>) -> Fetching<'a>;

    /// The same for a run of its own, where runs are to know nothing of each other.
    fn for_run(&self) -> Option<Arc<dyn Fetch>> {
        None
    }

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

/// The network, as one run sees it: the connections are those of all runs, the cookies its own.
pub struct Http {
    shared: Arc<Shared>,
    jar: Jar,
}

struct Shared {
    client: reqwest::Client,
    /// Clients of other kinds, made when they are first needed.
    others: Mutex<HashMap<ClientKind, reqwest::Client>>,
    /// Hosts that want HTTP/1.1.
    http1_hosts: Mutex<HashSet<String>>,
    options: ClientOptions,
    is_proxied: bool,
    guard: Guard,
    limits: Limits,
    large: Semaphore,
    sites: Arc<Sites>,
    /// `Authorization` by site.
    auth: HashMap<String, HeaderValue>,
}

impl Http {
    /// A client for these sites, each with what its file says of requests.
    pub fn new(options: &ClientOptions, guard: Guard, sites: Arc<Sites>) -> Result<Self, HttpError> {
        let client = options.build(&guard, ClientKind::default())?;
        let is_unchecked = sites.all().iter().any(|site| site.crawl.requests.accept_invalid_certs);
        let mut others = HashMap::new();
        if is_unchecked {
            let kind = ClientKind { is_unchecked, ..ClientKind::default() };
            others.insert(kind, options.build(&guard, kind)?);
        }
        let shared = Shared {
            client,
            others: Mutex::new(others),
            http1_hosts: Mutex::default(),
            options: options.clone(),
            is_proxied: options.proxy.is_some(),
            guard,
            limits: options.limits.clone(),
            large: Semaphore::new(LARGE_AT_ONCE),
            auth: authorizations(&sites)?,
            sites,
        };
        Ok(Self { shared: Arc::new(shared), jar: Jar::default() })
    }

    /// The request as it is sent: the usual headers, those of its site's file, cookies, and what is known of the page.
    fn builder(&self, request: &Request<'_>, rules: Option<&Site>) -> reqwest::RequestBuilder {
        let shared = &self.shared;
        let requests = rules.map(|site| &site.crawl.requests);
        let is_unchecked = requests.is_some_and(|rules| rules.accept_invalid_certs);
        let client = shared.client(request, is_unchecked);
        // A proxy has names of its own for hosts.
        let plain = if shared.is_proxied { None } else { shared.guard.plain(request.url) };
        let builder = client.get(plain.unwrap_or_else(|| request.url.clone()));
        let mut headers = HeaderMap::new();
        for (name, value) in requests.into_iter().flat_map(|rules| &rules.headers) {
            // Checked when the file was read.
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.insert(name, value);
            }
        }
        let own = requests.map(|rules| rules.cookies.as_slice()).unwrap_or_default();
        for (name, value) in [
            (header::USER_AGENT, requests.and_then(|rules| rules.user_agent.clone())),
            (header::COOKIE, self.jar.header(request.url, own)),
            (header::IF_NONE_MATCH, request.etag.map(str::to_owned)),
            (header::IF_MODIFIED_SINCE, request.modified.map(str::to_owned)),
        ] {
            // What a server sent and cannot be sent back is left out.
            if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
                headers.insert(name, value);
            }
        }
        if let Some(value) = rules.and_then(|site| shared.auth.get(&site.id)) {
            headers.insert(header::AUTHORIZATION, value.clone());
        }
        builder.headers(headers)
    }

    async fn get(&self, request: Request<'_>) -> Result<Response, FetchError> {
        let shared = &self.shared;
        shared.guard.check(request.url)?;
        let begun = Instant::now();
        let site = shared.sites.for_url(request.url).map(|site| &**site);
        let mut answer = self.send(&request, site).await?;
        if self.jar.forget(request.url, answer.status().as_u16()) {
            tracing::debug!(url = %request.url, "the server finds its own cookies too large; they are forgotten");
            answer = self.send(&request, site).await?;
        }
        let size: usize = answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if size as u64 > shared.limits.max_headers {
            return Err(FetchError::OverLimit { what: "headers", limit: shared.limits.max_headers });
        }
        if shared.is_proxied && answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            let why = "the proxy refuses (status 407): it wants another name and password in `proxy` under [http]";
            return Err(FetchError::Connect(why.to_owned()));
        }
        let keep_cookies = site.is_none_or(|site| site.crawl.requests.keep_cookies);
        if keep_cookies {
            self.jar.keep(request.url, answer.headers());
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
            location: answer.headers().get(header::LOCATION).map(|to| location(to.as_bytes(), request.url)),
            sets_cookies: keep_cookies && answer.headers().contains_key(header::SET_COOKIE),
            refresh: text(header::REFRESH),
            body: Vec::new(),
            at,
            waited: begun.elapsed(),
            took: Duration::ZERO,
            warc: None,
        };
        // Pictures and archives are not read; nor are the bodies of redirects and errors, except where small enough
        // to keep the connection for the next request.
        // What may be cut is wanted for what it is, whatever type it has.
        let is_wanted = !response.is_binary() || request.truncate.is_some();
        let is_page = matches!(response.status, 200..=299) && is_wanted;
        if let Some(range) = part_of(&answer) {
            return Err(FetchError::Incomplete(format!("status 206, of which nobody asked for a part: {range}")));
        }
        if is_page {
            let encodings = text(header::CONTENT_ENCODING).unwrap_or_default();
            response.body = self.page(&mut answer, &request, &encodings).await?;
        } else if response.status != 304 && answer.content_length().is_some_and(|n| n < UNREAD) {
            // What is wrong with a body that nobody wants does not matter.
            if let Ok(raw) = self.read(&mut answer, UNREAD, false).await {
                response.body = unpack(raw.body, &text_of(&answer, header::CONTENT_ENCODING), UNREAD).body;
            }
        }
        response.took = begun.elapsed();
        Ok(response)
    }

    /// Sends a request, and again where the server has not processed it or wants HTTP/1.1.
    async fn send(&self, request: &Request<'_>, site: Option<&Site>) -> Result<reqwest::Response, FetchError> {
        let mut repeats = 0;
        loop {
            let builder = self.builder(request, site);
            let (result, is_reused) = IS_CONNECTED
                .scope(Cell::new(false), async {
                    let result = builder.send().await;
                    (result, !IS_CONNECTED.with(Cell::get))
                })
                .await;
            match result {
                Err(error) if wants_http1(&error) && self.shared.use_http1(request.url) => {}
                Err(error) if repeats < REPEATS && is_unprocessed(&error, is_reused) => {
                    tracing::debug!(%error, "not processed by the server, repeated at once");
                    tokio::time::sleep(REPEAT_WAIT * repeats).await;
                    repeats += 1;
                }
                result => return result.map_err(|error| self.failure(&error)),
            }
        }
    }

    /// The decoded body of a page. One that ended early is taken where all of the document came.
    async fn page(
        &self,
        answer: &mut reqwest::Response,
        request: &Request<'_>,
        encodings: &str,
    ) -> Result<Vec<u8>, FetchError> {
        let limit = request.truncate.map_or(self.shared.limits.max_body, |most| most as u64);
        let may_cut = request.truncate.is_some();
        let raw = self.read(answer, limit, may_cut).await?;
        let unpacked = self.unpack(raw.body, encodings, limit).await;
        if unpacked.is_too_long && !may_cut {
            return Err(FetchError::OverLimit { what: "body", limit });
        }
        if let Some(cause) = raw.cut.or(unpacked.cut).filter(|_| !raw.is_too_long && !unpacked.is_too_long) {
            // robots.txt has no end of its own, but its rules are lines.
            let is_whole = is_whole(&unpacked.body) || may_cut && unpacked.body.ends_with(b"\n");
            if !is_whole {
                return Err(FetchError::Incomplete(cause));
            }
            tracing::debug!(url = %request.url, cause, "the body ended early, but the document is whole");
        }
        Ok(unpacked.body)
    }

    /// Reads a body as it comes, and what came of one that ends early.
    async fn read(&self, answer: &mut reqwest::Response, limit: u64, may_cut: bool) -> Result<Unpacked, FetchError> {
        let over = FetchError::OverLimit { what: "body", limit };
        if !may_cut && answer.content_length().is_some_and(|n| n > limit) {
            return Err(over);
        }
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut out = Unpacked::default();
        let length = usize::try_from(answer.content_length().unwrap_or(16 << 10)).unwrap_or(LARGE);
        out.body.reserve(length.min(LARGE).min(most));
        let mut place = None;
        loop {
            let chunk = match answer.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(out),
                Err(error) if is_end_without_notice(answer, &error) => return Ok(out),
                Err(error) => match (self.failure(&error), out.body.is_empty()) {
                    (FetchError::Unreachable(cause), true) => return Err(FetchError::Incomplete(cause)),
                    (FetchError::Unreachable(cause), false) => return Ok(Unpacked { cut: Some(cause), ..out }),
                    (error, _) => return Err(error),
                },
            };
            let room = most - out.body.len();
            if chunk.len() > room {
                if !may_cut {
                    return Err(over);
                }
                out.body.extend_from_slice(&chunk[..room]);
                return Ok(Unpacked { is_too_long: true, ..out });
            }
            if place.is_none() && out.body.len() + chunk.len() > LARGE {
                // The semaphore is never closed.
                place = self.shared.large.acquire().await.ok();
            }
            out.body.extend_from_slice(&chunk);
        }
    }

    /// Takes the encodings off a body, with the limits that others have.
    async fn unpack(&self, body: Vec<u8>, encodings: &str, limit: u64) -> Unpacked {
        let is_gzip = body.starts_with(GZIP);
        if encodings.is_empty() && !is_gzip {
            return Unpacked::plain(body);
        }
        let most = LARGE.min(usize::try_from(limit).unwrap_or(LARGE));
        if is_gzip
            && !encodings.contains(',')
            && let Some(body) = inflate::at_once(&body, most).filter(|body| !body.starts_with(GZIP))
        {
            return Unpacked::plain(body);
        }
        let _place = self.shared.large.acquire().await;
        unpack(body, encodings, limit)
    }

    fn failure(&self, error: &reqwest::Error) -> FetchError {
        FetchError::of(error, self.shared.limits.connect_timeout)
    }
}

impl Shared {
    fn client(&self, request: &Request<'_>, is_unchecked: bool) -> reqwest::Client {
        let is_http1 = request.url.host_str().is_some_and(|host| lock(&self.http1_hosts).contains(host));
        let kind = ClientKind { is_unchecked, is_http1, is_unpooled: request.needs_new_connection };
        if kind == ClientKind::default() {
            return self.client.clone();
        }
        let mut others = lock(&self.others);
        match others.get(&kind).cloned().map_or_else(|| self.options.build(&self.guard, kind), Ok) {
            Ok(client) => others.entry(kind).or_insert(client).clone(),
            // The usual one was made of the same options.
            Err(error) => {
                tracing::warn!(%error, ?kind, "no client of this kind");
                self.client.clone()
            }
        }
    }

    /// Speaks HTTP/1.1 to a host from now on; false if it does so already, or cannot.
    fn use_http1(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let mut hosts = lock(&self.http1_hosts);
        hosts.len() < MOST_HTTP1 && hosts.insert(host.to_owned())
    }
}

/// The part that came of a page of which nobody asked for a part (206), unless it is all of it.
fn part_of(answer: &reqwest::Response) -> Option<String> {
    if answer.status() != StatusCode::PARTIAL_CONTENT {
        return None;
    }
    let range = text_of(answer, header::CONTENT_RANGE);
    let is_all = || {
        let (range, total) = range.strip_prefix("bytes")?.trim().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let number = |text: &str| text.trim().parse::<u64>().ok();
        Some(number(first)? == 0 && number(last)?.checked_add(1)? == number(total)?)
    };
    // Without a range it is the page under an odd status.
    (!range.is_empty() && is_all() != Some(true)).then_some(range)
}

/// True where a body without a length ended with its connection, which the server closed without the notice that TLS asks
/// for: as many do, and as browsers take it.
fn is_end_without_notice(answer: &reqwest::Response, error: &reqwest::Error) -> bool {
    let has_end =
        [header::CONTENT_LENGTH, header::TRANSFER_ENCODING].iter().any(|name| answer.headers().contains_key(name));
    answer.version() <= reqwest::Version::HTTP_11
        && !has_end
        && find::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
}

/// The text of a header, in whatever encoding.
fn text_of(answer: &reqwest::Response, name: header::HeaderName) -> String {
    let value = answer.headers().get(name);
    value.map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned()).unwrap_or_default()
}

/// Notes, in the request that needs it, that a connection is made.
pub(super) fn note_connection<R>(request: R) -> R {
    // A connection that is made ahead belongs to no request.
    let _ = IS_CONNECTED.try_with(|connected| connected.set(true));
    request
}

/// The value of `Authorization` for each site that has one.
fn authorizations(sites: &Sites) -> Result<HashMap<String, HeaderValue>, HttpError> {
    let mut all = HashMap::new();
    for site in sites.all() {
        let Some(auth) = &site.crawl.requests.auth else { continue };
        let password = auth.password.read().map_err(|source| HttpError::Secret { file: site.file.clone(), source })?;
        let text = BASE64.encode(format!("{}:{password}", auth.user));
        let mut value =
            HeaderValue::try_from(format!("Basic {text}")).map_err(|_| HttpError::Auth(site.file.clone()))?;
        value.set_sensitive(true);
        all.insert(site.id.clone(), value);
    }
    Ok(all)
}

impl Fetch for Http {
    fn for_run(&self) -> Option<Arc<dyn Fetch>> {
        Some(Arc::new(Self { shared: self.shared.clone(), jar: Jar::default() }))
    }

    fn fetch<'a>(&'a self, request: Request<'a>) -> Fetching<'a> {
        Box::pin(async move {
            match tokio::time::timeout(self.shared.limits.timeout, self.get(request)).await {
                Ok(result) => result,
                Err(_) => Err(FetchError::Timeout(self.shared.limits.timeout)),
            }
        })
    }
}

/// The target of a redirect. Bytes beyond ASCII are sent back as they came, whatever encoding they are in.
fn location(value: &[u8], base: &Url) -> Result<Url, String> {
    let mut text = String::with_capacity(value.len());
    for byte in value.trim_ascii() {
        match byte.is_ascii() {
            true => text.push(char::from(*byte)),
            false => text.push_str(&format!("%{byte:02X}")),
        }
    }
    base.join(&text).map_err(|_| text)
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
    fn bytes_of_a_location_are_kept() {
        let base = Url::parse("http://a.example/x").unwrap();
        let (gbk, _, _) = encoding_rs::GBK.encode("/s?lm=深");
        for (value, expected) in [
            (&gbk[..], "http://a.example/s?lm=%C9%EE"),
            ("/深.htm".as_bytes(), "http://a.example/%E6%B7%B1.htm"),
            (b" //b.example/1.htm ", "http://b.example/1.htm"),
        ] {
            assert_eq!(location(value, &base).unwrap().as_str(), expected);
        }
        assert_eq!(location(b"http://", &base), Err("http://".to_owned()));
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
