//! Why a request gave nothing, and whether the server has seen it.

use std::error::Error;
use std::io;
use std::time::Duration;

use rustls::CertificateError;

use super::guard::Refused;
use super::outage::Unreached;
use crate::record::Reason;

/// Why nothing came.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// Not an address we connect to.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name has no address, or the resolver did not answer.
    #[error("the name cannot be resolved: {0}")]
    Dns(String),
    /// No connection: refused, unreachable, or not within its time.
    #[error("no connection: {0}")]
    Connect(String),
    /// No secure connection; the text names the cause.
    #[error("no secure connection (TLS): {0}")]
    Tls(String),
    /// Too slow.
    #[error("no whole answer within {}", crate::units::Span(*.0))]
    Timeout(Duration),
    /// The connection was reset, or what came is not HTTP.
    #[error("{0}")]
    Unreachable(String),
    /// The body ended before its time.
    #[error("the body ended early: {0}")]
    Incomplete(String),
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
            FetchError::Dns(_)
            | FetchError::Connect(_)
            | FetchError::Tls(_)
            | FetchError::Unreachable(_)
            | FetchError::Incomplete(_)
            | FetchError::NotArchived
            | FetchError::Interrupted => Reason::Unreachable,
        }
    }

    /// True where another try may succeed.
    pub fn is_transient(&self) -> bool {
        !matches!(
            self,
            FetchError::Refused(_) | FetchError::OverLimit { .. } | FetchError::NotArchived | FetchError::Interrupted
        )
    }

    /// True where the request never left: the fault is in the name, the connection or its encryption, so it says
    /// something of the host (or of our own line) and nothing of the page.
    pub fn is_before_request(&self) -> bool {
        matches!(self, FetchError::Dns(_) | FetchError::Connect(_) | FetchError::Tls(_))
    }

    /// How the host could not be reached; `None` where it was reached, or never asked.
    pub fn unreached(&self) -> Option<Unreached> {
        match self {
            FetchError::Dns(_) => Some(Unreached::NoName),
            FetchError::Connect(_) => Some(Unreached::NoAnswer),
            _ => None,
        }
    }

    /// Reads the cause out of what the HTTP client says; `connect_timeout` is the limit it was given.
    pub fn of(error: &reqwest::Error, connect_timeout: Duration) -> Self {
        if let Some(refused) = find::<Refused>(error) {
            return Self::Refused(refused.clone());
        }
        let cause = innermost(error);
        if error.is_dns() {
            return Self::Dns(cause);
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return Self::Tls(tls_cause(tls));
        }
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => Self::Connect(format!("not within {}", crate::units::Span(connect_timeout))),
            (true, false) => Self::Connect(cause),
            (false, true) => Self::Timeout(connect_timeout),
            (false, false) => Self::Unreachable(cause),
        }
    }
}

/// True where the server has not processed a request that failed before an answer came, so that it may be repeated at
/// once and without counting: it says so itself (RFC 9113, 6.8 and 8.7), the request never left, or it met the end of a
/// connection that was kept open from an earlier request (RFC 9112, 9.3.1).
pub fn is_unprocessed(error: &reqwest::Error, is_reused: bool) -> bool {
    if error.is_connect() || error.is_timeout() {
        return false;
    }
    if let Some(error) = find::<h2::Error>(error)
        && error.is_remote()
    {
        // With any other reason the server wants something beside a new connection (calm, say), so that is a failure.
        return error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR)
            || error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    }
    if let Some(error) = find::<hyper::Error>(error)
        && (error.is_canceled() || is_reused && (error.is_incomplete_message() || error.is_closed()))
    {
        return true;
    }
    let closed = [io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionAborted, io::ErrorKind::BrokenPipe];
    is_reused && find::<io::Error>(error).is_some_and(|error| closed.contains(&error.kind()))
}

/// True where the server offers HTTP/2 and wants HTTP/1.1 for what was asked (RFC 9113, 7).
pub fn wants_http1(error: &(dyn Error + 'static)) -> bool {
    find::<h2::Error>(error).is_some_and(|error| error.reason() == Some(h2::Reason::HTTP_1_1_REQUIRED))
}

/// The first of the causes that has a type. `io::Error` hides the error that it wraps from `source`.
pub fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// The innermost cause says what happened; the outer ones say that something did.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn tls_cause(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("its certificate has expired ({error})")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("its certificate is not valid yet; is this machine's clock right? ({error})")
            }
            CertificateError::UnknownIssuer => {
                "the issuer of its certificate is not known here: an intermediate certificate is \
                missing, it is signed by itself, or its authority belongs into `ca_file` under [http]"
                    .to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("its certificate is for another name ({error})")
            }
            CertificateError::Revoked => "its certificate is revoked".to_owned(),
            error => format!("its certificate cannot be trusted: {error}"),
        },
        rustls::Error::PeerIncompatible(error) => format!("no version or cipher in common: {error:?}"),
        rustls::Error::InvalidMessage(_) => format!("the server does not speak TLS there: {error}"),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_of_tls_failures_are_named() {
        for (error, words) in [
            (CertificateError::UnknownIssuer, "issuer"),
            (CertificateError::Expired, "expired"),
            (CertificateError::NotValidForName, "another name"),
            (CertificateError::NotValidYet, "clock"),
        ] {
            let text = tls_cause(&rustls::Error::InvalidCertificate(error));
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn an_error_inside_an_io_error_is_found() {
        let inner = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let outer = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, inner));
        assert!(find::<rustls::Error>(&outer).is_some());
        assert!(find::<h2::Error>(&outer).is_none());
    }

    #[test]
    fn servers_that_want_the_older_protocol_are_known() {
        let wrapped = |reason: h2::Reason| io::Error::other(h2::Error::from(reason));
        assert!(wants_http1(&wrapped(h2::Reason::HTTP_1_1_REQUIRED)));
        assert!(!wants_http1(&wrapped(h2::Reason::INTERNAL_ERROR)));
    }

    #[test]
    fn which_errors_another_try_may_mend() {
        for (error, transient, before) in [
            (FetchError::Dns("x".into()), true, true),
            (FetchError::Connect("x".into()), true, true),
            (FetchError::Tls("x".into()), true, true),
            (FetchError::Timeout(Duration::ZERO), true, false),
            (FetchError::Unreachable("x".into()), true, false),
            (FetchError::Incomplete("x".into()), true, false),
            (FetchError::OverLimit { what: "body", limit: 1 }, false, false),
            (FetchError::NotArchived, false, false),
        ] {
            assert_eq!((error.is_transient(), error.is_before_request()), (transient, before), "{error:?}");
        }
    }
}
