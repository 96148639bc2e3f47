//! Accepts connections, with limits on what a slow or hostile client can hold, and refuses names that are not ours.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Longest time in which the head of a request must be there.
const HEADERS: Duration = Duration::from_secs(10);
/// Longest that answers under way may take at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// Connections at a time; the next one waits.
const CONNECTIONS: usize = 256;
/// Wait after the system could not give a connection, because there are too many open files, say.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves until it is told to end; answers under way are finished.
pub async fn serve(listener: TcpListener, routes: Router, closing: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let (place, stream) = tokio::select! {
            () = closing.cancelled() => break,
            next = async { (places.clone().acquire_owned().await, listener.accept().await) } => match next {
                (place, Ok((stream, _))) => (place, stream),
                (_, Err(error)) => {
                    tracing::debug!(%error, "no connection to the status page");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
        };
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEADERS);
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the status page ended");
            }
            drop(place);
        });
    }
    drop(listener);
    // A browser may keep a connection open for long.
    let _ = tokio::time::timeout(LAST_ANSWERS, graceful.shutdown()).await;
}

/// Names under which the page may be asked for.
#[derive(Debug, Clone)]
pub struct OwnNames {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Names of proxies in front of it.
    pub hosts: Vec<String>,
}

impl OwnNames {
    /// True unless it listens on loopback and is asked for under a name that somebody else may have led there (DNS
    /// rebinding): a page of theirs could then read this one.
    fn has(&self, host: Option<&str>) -> bool {
        if !self.listen.ip().is_loopback() {
            return true;
        }
        let Some(authority) = host.and_then(|host| host.parse::<Authority>().ok()) else { return host.is_none() };
        let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost"
            || name.ends_with(".localhost")
            || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            || self.hosts.iter().any(|host| host.eq_ignore_ascii_case(&name))
    }
}

/// Refuses requests for names that are not ours.
pub async fn own_names(State(names): State<OwnNames>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).map(|value| value.to_str().unwrap_or("?"));
    match names.has(host) {
        true => next.run(request).await,
        false => {
            let text = "This page is not served under that name. If a proxy is in front of it, add the name to `hosts` under \
                        [daemon] of jingwen.toml.\n";
            (StatusCode::MISDIRECTED_REQUEST, text).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_to_loopback_are_not_ours_unless_configured() {
        let listen = "127.0.0.1:8080".parse().unwrap();
        let names = OwnNames { listen, hosts: vec!["Status.example.org".into()] };
        for (host, own) in [
            ("127.0.0.1:8080", true),
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("localhost.", true),
            ("jingwen.localhost:1", true),
            ("[::1]:8080", true),
            ("127.0.0.2", true),
            ("status.example.org", true),
            ("evil.example", false),
            ("evil.example:8080", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
            ("10.0.0.1", false),
            ("a b", false),
            ("?", false),
        ] {
            assert_eq!(names.has(Some(host)), own, "{host}");
        }
        assert!(names.has(None), "HTTP/1.0 has no such header, and browsers do not speak it");
        let everywhere = OwnNames { listen: "0.0.0.0:8080".parse().unwrap(), hosts: Vec::new() };
        assert!(everywhere.has(Some("jingwen.cluster.local")));
    }
}
