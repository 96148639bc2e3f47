//! `jingwen health`: asks a running daemon whether it is well, for the health check of a container without `curl`.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use miette::miette;
use url::Url;

use super::{Failure, Outcome, exit};

/// For everything together: a health check that hangs says as much as one that fails.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Bytes of an answer that are read.
const ANSWER: usize = 16 << 10;

/// Ask a running daemon whether it is well; exit code 0 if it is, 1 if not.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  jingwen health --url http://127.0.0.1:8080/readyz")]
pub struct Args {
    /// Address to ask: `/healthz` (it runs) or `/readyz` (it does its work).
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/healthz")]
    url: Url,
}

impl Args {
    pub fn run(self) -> Outcome {
        let url = &self.url;
        if url.scheme() != "http" || url.host_str().is_none() {
            return Err(Failure::usage(miette!(
                help = "write --url http://127.0.0.1:8080/healthz; a proxy that speaks https is not asked",
                "cannot ask `{url}`"
            )));
        }
        match ask(url) {
            Ok((200..=299, _)) => Ok(exit::DONE),
            Ok((status, body)) => Err(Failure::unexpected(miette!("{url} answers {status}: {}", body.trim()))),
            Err(error) => Err(Failure::unexpected(miette!("{url} does not answer: {error}"))),
        }
    }
}

/// One GET over a connection of its own. A client for this would read all certificates first.
fn ask(url: &Url) -> io::Result<(u16, String)> {
    let end = Instant::now() + TIMEOUT;
    let left = || Some(end.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero());
    let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer within 3s");
    let port = url.port_or_known_default().unwrap_or(80);
    let host = url.host_str().unwrap_or_default();
    let mut tried = Err(io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address")));
    for address in (host.trim_start_matches('[').trim_end_matches(']'), port).to_socket_addrs()? {
        tried = TcpStream::connect_timeout(&address, left().ok_or_else(late)?);
        if tried.is_ok() {
            break;
        }
    }
    let mut stream = tried?;
    stream.set_write_timeout(left())?;
    let (path, query) = (url.path(), url.query().map(|query| format!("?{query}")).unwrap_or_default());
    // HTTP/1.0: no chunks to put together, and the connection ends with the answer.
    write!(stream, "GET {path}{query} HTTP/1.0\r\nHost: {host}:{port}\r\nUser-Agent: jingwen-health\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        stream.set_read_timeout(Some(left().ok_or_else(late)?))?;
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => answer.extend_from_slice(&chunk[..n]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Err(late());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if answer.len() >= ANSWER || is_whole(&answer) {
            break;
        }
    }
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse().ok());
    match status {
        Some(status) => Ok((status, body.to_owned())),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "what answers there speaks no HTTP")),
    }
}

/// True once the body is as long as its head says; some servers keep the connection all the same.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.trim().eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let start = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len()) + 4;
    length.is_some_and(|length| answer.len() >= start + length)
}
