//! Why a request got no response, in words that a developer can act on.

use std::{borrow::Cow, error::Error, io, time::Duration};

use rustls::{AlertDescription, CertificateError};

use super::{MAX_RESPONSE_BODY, protocol::Protocol};
use crate::webhook::{record::Response, remedy::Remedy};

/// Why a response is incomplete.
pub(super) const BODY_CUT: &str = "the connection was closed before the response body was complete";

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The request can't be sent to any endpoint.
    #[error("can't send the request: {0}")]
    Unsendable(String),
    /// The endpoint could not be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The endpoint's host accepts no connection on its port, most likely because nothing listens there.
    #[error("{0}")]
    NotListening(String),
    /// The endpoint's host name is unknown.
    #[error("{0}")]
    UnknownHost(String),
    /// The endpoint's host name could not be looked up.
    #[error("{0}")]
    Unresolved(String),
    /// The endpoint was reached, but TLS with it failed.
    #[error("{0}")]
    TlsFailed(String),
    /// The endpoint's TLS certificate is not trusted.
    #[error("{0}")]
    Untrusted(String),
    /// No response arrived in time.
    #[error("no response within {:.1} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The endpoint was reached, but does not speak HTTP/1.1.
    #[error("{0}")]
    OtherProtocol(Protocol),
    /// The endpoint was reached, but sent no response.
    #[error("{0}")]
    Broken(String),
    /// The endpoint's response is not valid, or exceeds a limit.
    #[error("{0}")]
    Invalid(String),
    /// The head of a response arrived, but not its whole body. Holds the part that arrived, and the problem.
    #[error("{1}")]
    Incomplete(Response, String),
}

impl SendError {
    /// Whether the request may have reached the endpoint. If not, it was not sent.
    #[must_use]
    pub const fn may_have_arrived(&self) -> bool {
        match self {
            Self::Unsendable(_)
            | Self::Unreachable(_)
            | Self::NotListening(_)
            | Self::UnknownHost(_)
            | Self::Unresolved(_)
            | Self::TlsFailed(_)
            | Self::Untrusted(_) => false,
            Self::TimedOut(_) | Self::OtherProtocol(_) | Self::Broken(_) | Self::Invalid(_) | Self::Incomplete(..) => {
                true
            }
        }
    }

    /// What the user can do about it, if anything.
    #[must_use]
    pub const fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Untrusted(_) => Some(Remedy::AcceptAnyCertificate),
            _ => None,
        }
    }
}

/// Describes a failed TLS handshake.
pub(super) fn tls_failed(error: &io::Error, host: &str, port: u16) -> SendError {
    match sources(error).find_map(|source| source.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(error)) => {
            SendError::Untrusted(format!("TLS with {host}:{port} failed: {}", distrust(error)))
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            SendError::TlsFailed(format!("{host}:{port} does not speak TLS: it is probably plain http://"))
        }
        Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
            SendError::OtherProtocol(Protocol::Http2)
        }
        Some(tls) => SendError::TlsFailed(format!("TLS with {host}:{port} failed: {tls}")),
        None => SendError::TlsFailed(format!("TLS with {host}:{port} failed: {error}")),
    }
}

/// Why a certificate is not trusted, in words.
fn distrust(error: &CertificateError) -> Cow<'static, str> {
    use CertificateError as E;
    match error {
        E::Expired | E::ExpiredContext { .. } => "its certificate has expired".into(),
        E::NotValidYet | E::NotValidYetContext { .. } => "its certificate is not valid yet".into(),
        E::NotValidForName | E::NotValidForNameContext { .. } => "its certificate is for another host".into(),
        // For a self-signed certificate, the verifiers of the systems report any of these.
        E::UnknownIssuer | E::BadSignature | E::Other(_) => {
            "its certificate is self-signed, or from an authority that this machine does not trust".into()
        }
        other => format!("its certificate is not trusted: {other}").into(),
    }
}

pub(super) fn body_too_large() -> String {
    format!("the response body is larger than {} MiB", MAX_RESPONSE_BODY >> 20)
}

/// Why a status below 200 is not a response.
pub(super) fn not_final(status: u16) -> String {
    format!("the endpoint responded {status}, which is not a final response")
}

/// Describes an error on an open connection.
pub(super) fn no_response(error: &(dyn Error + 'static)) -> SendError {
    let text = chain(error);
    if sources(error).any(|source| source.downcast_ref().is_some_and(hyper::Error::is_parse)) {
        return SendError::Invalid(format!("no complete response: {text}"));
    }
    SendError::Broken(match io_kind(error) {
        _ if is_reset(error) => "the connection was reset before the response was complete".to_owned(),
        // The latter is a close without a TLS `close_notify`.
        kind if text.contains("connection closed") || kind == Some(io::ErrorKind::UnexpectedEof) => {
            "the connection was closed before the response was complete".to_owned()
        }
        _ => format!("no complete response: {text}"),
    })
}

/// The messages of C libraries for a name that does not exist or has no address: glibc, musl, the BSDs and macOS. The
/// error has no other trace of the resolver's code.
const UNKNOWN_NAME: [&str; 5] = [
    "Name or service not known",
    "No address associated with hostname",
    "Name does not resolve",
    "Name has no usable address",
    "nodename nor servname provided, or not known",
];

/// The corresponding codes of Windows: `WSAHOST_NOT_FOUND` and `WSANO_DATA`.
const UNKNOWN_NAME_CODES: [i32; 2] = [11001, 11004];

/// Describes a host name whose address can't be found.
pub(super) fn not_resolved(error: &io::Error, host: &str) -> SendError {
    let text = error.to_string();
    let is_unknown = error.raw_os_error().is_some_and(|code| cfg!(windows) && UNKNOWN_NAME_CODES.contains(&code))
        || UNKNOWN_NAME.iter().any(|known| text.contains(known));
    if is_unknown {
        return SendError::UnknownHost(format!("unknown host `{host}` (DNS)"));
    }
    let reason = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
    SendError::Unresolved(format!("can't look up the host `{host}` (DNS): {reason}"))
}

/// Describes a failed attempt to connect.
pub(super) fn not_connected(kind: Option<io::ErrorKind>, host: &str, port: u16, text: &str) -> SendError {
    SendError::Unreachable(match kind {
        Some(io::ErrorKind::ConnectionRefused) => {
            return SendError::NotListening(format!("nothing listens on {host}:{port} (connection refused)"));
        }
        // The listener was closed while the connection was being opened.
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted) => {
            return SendError::NotListening(format!("{host}:{port} doesn't accept connections (connection reset)"));
        }
        Some(io::ErrorKind::TimedOut) => format!("{host}:{port} does not respond (connection timed out)"),
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            format!("no route to {host}:{port}")
        }
        _ => format!("can't reach {host}:{port}: {text}"),
    })
}

/// Whether the endpoint has reset the connection.
pub(super) fn is_reset(error: &(dyn Error + 'static)) -> bool {
    matches!(io_kind(error), Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe))
}

/// The kind of the I/O error that caused this one.
pub(super) fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    sources(error).find_map(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind)
}

/// An error and its causes, outermost first.
pub(super) fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // An `io::Error` that wraps an error doesn't return it as its source, so look inside.
    std::iter::successors(Some(error), |&error| {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match inner {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// An error and its causes in one line, without repetitions.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for source in std::iter::successors(Some(error), |&error| error.source()) {
        let text = source.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_unknown_only_if_the_resolver_says_so() {
        // What glibc, musl and macOS say of EAI_NONAME, and glibc of EAI_AGAIN and EAI_SYSTEM.
        for known in
            ["Name or service not known", "Name does not resolve", "nodename nor servname provided, or not known"]
        {
            let error = io::Error::other(format!("failed to lookup address information: {known}"));
            assert_eq!(not_resolved(&error, "a.test").to_string(), "unknown host `a.test` (DNS)");
        }
        let error = io::Error::other("failed to lookup address information: Temporary failure in name resolution");
        assert_eq!(
            not_resolved(&error, "a.test").to_string(),
            "can't look up the host `a.test` (DNS): Temporary failure in name resolution"
        );
        let error = io::Error::from_raw_os_error(24);
        assert!(matches!(not_resolved(&error, "a.test"), SendError::Unresolved(_)));
    }
}
