//! Replay: a WARC file in the place of the network, so that a crawl can be repeated exactly and without anybody at the
//! other end.
//!
//! One pass notes where each answer starts (one number a page); a page is then read from there when it is asked for.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flate2::bufread::GzDecoder;
use jiff::Timestamp;
use url::Url;

use super::fetch::{Fetch, FetchError, Fetching, Request, Response};
use super::unpack::unpack;
use crate::urls::CanonicalUrl;

/// Longest line of a header.
const MAX_LINE: u64 = 64 << 10;
/// Most header lines of a record or an answer.
const MAX_LINES: usize = 1000;

/// Why an archive could not be read.
#[derive(Debug, thiserror::Error)]
pub enum WarcError {
    /// The file could not be read.
    #[error("cannot read the archive {path}: {source}")]
    Read {
        /// File.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds no answers.
    #[error("{path} holds no answers to replay: it should be a WARC file (.warc or .warc.gz) with response records")]
    Empty {
        /// File.
        path: PathBuf,
    },
}

/// An archive with an index of what it answers.
#[derive(Debug)]
pub struct Archive {
    path: Arc<PathBuf>,
    /// Start of the record by canonical address.
    index: HashMap<String, u64>,
    max_body: u64,
}

impl Archive {
    /// Reads through a file and notes what it answers. Bodies over `max_body` are refused when asked for, as they would
    /// be from the network.
    pub fn open(path: &Path, max_body: u64) -> Result<Self, WarcError> {
        let read = |source| WarcError::Read { path: path.to_owned(), source };
        let mut file = BufReader::new(File::open(path).map_err(read)?);
        let packed = file.fill_buf().map_err(read)?.starts_with(&[0x1f, 0x8b]);
        let mut index = HashMap::new();
        loop {
            let start = file.stream_position().map_err(read)?;
            if file.fill_buf().map_err(read)?.is_empty() {
                break;
            }
            let head = match packed {
                true => {
                    let mut member = BufReader::new(GzDecoder::new(&mut file));
                    let head = Head::read(&mut member).map_err(read)?;
                    io::copy(&mut member, &mut io::sink()).map_err(read)?;
                    head
                }
                false => {
                    let head = Head::read(&mut file).map_err(read)?;
                    let length = head.as_ref().map_or(0, |h| h.length);
                    io::copy(&mut file.by_ref().take(length), &mut io::sink()).map_err(read)?;
                    head
                }
            };
            let Some(head) = head else { continue };
            if head.kind == "response"
                && let Some(url) = head.url.as_deref().and_then(|text| Url::parse(text).ok())
            {
                index.entry(CanonicalUrl::new(&url, None).as_str().to_owned()).or_insert(start);
            }
        }
        if index.is_empty() {
            return Err(WarcError::Empty { path: path.to_owned() });
        }
        Ok(Self { path: Arc::new(path.to_owned()), index, max_body })
    }

    /// Addresses that it answers.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }
}

impl Fetch for Archive {
    fn fetch<'a>(&'a self, request: Request<'a>) -> Fetching<'a> {
        Box::pin(async move {
            let key = CanonicalUrl::new(request.url, None);
            let Some(&start) = self.index.get(key.as_str()) else { return Err(FetchError::NotArchived) };
            let (path, url, max_body) = (self.path.clone(), request.url.clone(), self.max_body);
            let read = tokio::task::spawn_blocking(move || answer(&path, start, &url, max_body));
            let mut response = match read.await {
                Ok(result) => result?,
                Err(error) => return Err(FetchError::Unreachable(error.to_string())),
            };
            let same = |stored: &Option<String>, asked: Option<&str>| asked.is_some() && stored.as_deref() == asked;
            if same(&response.etag, request.etag) || same(&response.modified, request.modified) {
                response.status = 304;
                response.body.clear();
            }
            if let Some(most) = request.truncate {
                response.body.truncate(most);
            }
            Ok(response)
        })
    }

    fn is_replay(&self) -> bool {
        true
    }
}

/// A record's header.
#[derive(Debug, Default)]
struct Head {
    kind: String,
    url: Option<String>,
    id: Option<String>,
    date: Option<Timestamp>,
    length: u64,
}

impl Head {
    /// `None` where no record starts (the blank lines between two).
    fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut first = line(from)?;
        while first.as_deref() == Some("") {
            first = line(from)?;
        }
        let Some(first) = first else { return Ok(None) };
        if !first.starts_with("WARC/") {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no WARC record where one should start"));
        }
        let mut head = Self::default();
        for (name, value) in headers(from)? {
            match name.as_str() {
                "warc-type" => head.kind = value.to_ascii_lowercase(),
                "warc-target-uri" => head.url = Some(value.trim_matches(['<', '>']).to_owned()),
                "warc-record-id" => head.id = Some(value.trim_matches(['<', '>']).to_owned()),
                "warc-date" => head.date = value.parse().ok(),
                "content-length" => head.length = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        Ok(Some(head))
    }
}

/// A line without its end; `None` at the end of the input.
fn line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if from.by_ref().take(MAX_LINE).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned()))
}

/// `Name: value` lines up to the blank one, names in lower case.
fn headers(from: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    while let Some(text) = line(from)? {
        if text.is_empty() || all.len() >= MAX_LINES {
            break;
        }
        if let Some((name, value)) = text.split_once(':') {
            all.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    Ok(all)
}

fn answer(path: &Path, start: u64, url: &Url, max_body: u64) -> Result<Response, FetchError> {
    let broken = |error: io::Error| FetchError::Unreachable(format!("the archive cannot be read: {error}"));
    let mut file = BufReader::new(File::open(path).map_err(broken)?);
    file.seek(SeekFrom::Start(start)).map_err(broken)?;
    let packed = file.fill_buf().map_err(broken)?.starts_with(&[0x1f, 0x8b]);
    let mut record: Box<dyn BufRead> =
        if packed { Box::new(BufReader::new(GzDecoder::new(file))) } else { Box::new(file) };
    let head = Head::read(&mut record).map_err(broken)?.ok_or(FetchError::NotArchived)?;
    let mut http = BufReader::new(record.take(head.length));
    let status = line(&mut http).map_err(broken)?.unwrap_or_default();
    let status = status.split_ascii_whitespace().nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let headers = headers(&mut http).map_err(broken)?;
    let get = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
    let has = |name: &str, word: &str| get(name).is_some_and(|value| value.to_ascii_lowercase().contains(word));
    let mut body: Box<dyn Read> = Box::new(http);
    if has("transfer-encoding", "chunked") {
        body = Box::new(Dechunk { from: BufReader::new(body), left: 0, over: false });
    }
    let over = FetchError::OverLimit { what: "body", limit: max_body };
    let mut bytes = Vec::new();
    body.take(max_body + 1).read_to_end(&mut bytes).map_err(broken)?;
    if bytes.len() as u64 > max_body {
        return Err(over);
    }
    let encodings = get("content-encoding").unwrap_or_default();
    let unpacked = unpack(bytes, &encodings, max_body);
    if unpacked.is_too_long {
        return Err(over);
    }
    Ok(Response {
        status,
        content_type: get("content-type"),
        etag: get("etag"),
        modified: get("last-modified"),
        retry_after: None,
        refresh: get("refresh"),
        location: get("location").map(|to| url.join(&to).map_err(|_| to)),
        sets_cookies: false,
        body: unpacked.body,
        at: head.date.unwrap_or_else(Timestamp::now),
        waited: Duration::ZERO,
        took: Duration::ZERO,
        warc: head.id,
    })
}

/// Takes the chunk sizes out of a chunked body; what is not chunked after all passes as it is.
struct Dechunk<R> {
    from: R,
    left: u64,
    over: bool,
}

impl<R: BufRead> Read for Dechunk<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 && !self.over {
            match line(&mut self.from)? {
                None => self.over = true,
                Some(text) if text.is_empty() => {}
                Some(text) => {
                    let size = text.split(';').next().unwrap_or_default().trim();
                    self.left = u64::from_str_radix(size, 16)
                        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "bad chunk size"))?;
                    self.over = self.left == 0;
                }
            }
        }
        if self.over {
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(out.len());
        let n = self.from.read(&mut out[..most])?;
        self.left -= n as u64;
        self.over = n == 0;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn record(kind: &str, url: &str, http: &[u8]) -> Vec<u8> {
        let mut out = format!(
            "WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-11-20T08:00:00Z\r\n\
             WARC-Record-ID: <urn:uuid:1>\r\nContent-Length: {}\r\n\r\n",
            http.len()
        )
        .into_bytes();
        out.extend_from_slice(http);
        out.extend_from_slice(b"\r\n\r\n");
        out
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::default());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[tokio::test]
    async fn packed_and_plain_archives_answer_alike() {
        let packed = gzip("正文".as_bytes());
        let mut third = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n".to_vec();
        third.extend(&packed);
        let records = [
            record("warcinfo", "", b""),
            record(
                "response",
                "http://a.example/1",
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: \"x\"\r\n\r\none",
            ),
            record(
                "response",
                "http://a.example/2",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n4;x=y\r\n too\r\n0\r\n\r\n",
            ),
            record("response", "http://a.example/3", &third),
            record("response", "http://a.example/4", b"HTTP/1.1 302 Found\r\nLocation: /1\r\n\r\n"),
        ];
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in
            [("a.warc", records.concat()), ("a.warc.gz", records.iter().flat_map(|r| gzip(r)).collect::<Vec<u8>>())]
        {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let archive = Archive::open(&path, 1 << 20).unwrap();
            assert_eq!(archive.urls().count(), 4);
            let get = async |path: &str| {
                let url = Url::parse(&format!("http://a.example{path}")).unwrap();
                archive.fetch(Request::new(&url)).await
            };
            assert_eq!(get("/1#x").await.unwrap().body, b"one");
            assert_eq!(get("/2").await.unwrap().body, b"two too");
            assert_eq!(get("/3").await.unwrap().body, "正文".as_bytes());
            assert!(get("/4").await.unwrap().is_redirect());
            assert!(matches!(get("/5").await, Err(FetchError::NotArchived)));
            let url = Url::parse("http://a.example/1").unwrap();
            let again = archive.fetch(Request { etag: Some("\"x\""), ..Request::new(&url) }).await.unwrap();
            assert_eq!((again.status, again.body.len()), (304, 0));
        }
    }

    #[test]
    fn other_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.warc");
        std::fs::write(&path, "<html>").unwrap();
        assert!(Archive::open(&path, 1).is_err());
        std::fs::write(&path, "").unwrap();
        assert!(matches!(Archive::open(&path, 1), Err(WarcError::Empty { .. })));
    }
}
