//! Receives requests: a hyper server with limits on everything that a sender controls. The caller binds the socket,
//! decides when to stop, and handles each request.

mod body;
mod connection;
mod connection_permits;
mod counted;
mod detach_on_drop;
mod head;
mod heads;
mod outgoing;
#[cfg(test)]
mod panics;
mod refusal;
mod socket;
#[cfg(test)]
mod tests;
mod timer;
mod write_timeout;

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::{HeaderMap, http::request::Parts};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

use self::{
    body::Budget, connection::serve_connection, connection_permits::ConnectionPermits, heads::Heads, socket::Socket,
};
pub use self::{
    body::{BodyPermit, UNMETERED_BYTES},
    counted::CountGuard,
    head::LONGEST_METHOD,
    heads::MalformedHead,
    outgoing::{Outgoing, Pieces, PiecesSender},
};
pub use super::fields::MAX_FIELDS;
use crate::webhook::{record, request::Request};

/// The limits for senders.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverLimits {
    /// The size of a request head, in bytes.
    pub head_bytes: usize,
    /// The length of a request target, in bytes.
    pub target: usize,
    /// The size of a body, in bytes.
    pub body: usize,
    /// The total size of the bodies held at one time, in bytes, not counting the first [`UNMETERED_BYTES`] of each. A
    /// body that doesn't fit waits for up to [`Self::body_time`].
    pub bodies: usize,
    /// How long a head may take, and how long a connection may stay idle between requests.
    pub head_time: Duration,
    /// How long a body may take, in addition to the time that its bytes take at [`Self::body_rate`].
    pub body_time: Duration,
    /// The minimum rate of a body, in bytes per second.
    pub body_rate: usize,
    /// How long a sender may go without reading its response.
    pub response_time: Duration,
    /// The number of connections that may be idle or transferring a request or response at one time. One more makes the
    /// connection that has waited longest for its sender close. As many more may wait for [`Handler::handle`].
    pub connections: usize,
    /// How long the sender of an oversized body may pause before it is assumed to be waiting for the response.
    pub pause: Duration,
    /// How long connections may take to finish once the shutdown has begun.
    pub drain: Duration,
    /// Whether a sender that closes its side after the request may still be waiting for the response. If not, it is
    /// taken to be gone.
    pub half_close: bool,
}

impl Default for ReceiverLimits {
    fn default() -> Self {
        Self {
            head_bytes: 64 << 10,
            target: 8 << 10,
            body: 10 << 20,
            bodies: 64 << 20,
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            body_rate: 64 << 10,
            response_time: Duration::from_secs(30),
            connections: 512,
            pause: Duration::from_millis(500),
            drain: Duration::from_secs(5),
            // Some senders close their side after the request and wait for the response.
            half_close: true,
        }
    }
}

/// One request as it arrived.
#[derive(Debug)]
pub struct ReceivedRequest {
    /// The request with its whole body.
    pub request: Request,
    /// When the head had been read.
    pub started: Instant,
    /// The body's share of the memory for all bodies. Keep it as long as the body.
    pub permit: BodyPermit,
    /// Cancelled when the sender closes its side of the connection. It may be gone, or still be waiting for the
    /// response.
    pub closed: CancellationToken,
}

/// Handles requests.
pub trait Handler: Send + Sync + 'static {
    /// Responds to a request by its head alone, before its body is read. `None` lets it go on to [`Self::handle`].
    fn screen(&self, _head: &Parts) -> Option<record::Response> {
        None
    }

    /// Responds to one request. It runs to completion even if the sender disconnects.
    fn handle(&self, received: ReceivedRequest) -> impl Future<Output = Outgoing> + Send;

    /// Adds headers to every response, including refusals.
    fn add_headers(&self, _headers: &mut HeaderMap) {}

    /// Reports a problem outside [`Self::handle`].
    fn on_error(&self, error: ReceiveError);
}

/// A problem with a connection, or with a request that never reached the handler or made it panic.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The operating system can't accept connections, most likely because no file descriptor is left. Reported once
    /// until it works again.
    #[error("can't accept connections: {0}; retrying")]
    Accept(#[source] io::Error),
    /// The bytes are not an HTTP request.
    #[error(
        "rejected a malformed request from {peer}{}: {error}{}",
        in_parentheses(head.as_ref()),
        to_escape(head.as_ref())
    )]
    Malformed {
        /// The sender.
        peer: SocketAddr,
        /// The start of the request, if it looks like a request line.
        head: Option<MalformedHead>,
        /// The parser's error.
        error: hyper::Error,
    },
    /// The body is larger than [`ReceiverLimits::body`].
    #[error("{request}: the body is larger than {limit} bytes; responded 413")]
    BodyTooLarge {
        /// The method and path.
        request: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The sender closed the connection in the middle of the body. It may not have received the response, 400.
    #[error("{request}: the body is incomplete: the sender closed the connection after {received} bytes of it")]
    Incomplete {
        /// The method and path.
        request: String,
        received: usize,
    },
    /// Another limit or rule was violated.
    #[error("{request}: {reason}; responded {status}")]
    Refused {
        /// The method and path.
        request: String,
        reason: String,
        /// The status of the response.
        status: u16,
    },
    /// A web page sent it from a browser, which no provider does.
    #[error("{request}: sent by {}; responded 403", page(origin.as_deref()))]
    Browser {
        /// The method and path.
        request: String,
        /// The page's origin, if the browser stated it.
        origin: Option<String>,
    },
    /// The handler panicked.
    #[error("internal error while handling a request: {0}; responded 500")]
    Panic(String),
}

fn in_parentheses(head: Option<&MalformedHead>) -> String {
    head.map_or_else(String::new, |head| format!(" ({})", head.request))
}

fn to_escape(head: Option<&MalformedHead>) -> String {
    let unescaped = head.and_then(|head| head.unescaped);
    unescaped.map_or_else(String::new, |c| format!("; `{c}` must be escaped as %{:02X}", u32::from(c)))
}

fn page(origin: Option<&str>) -> String {
    origin.map_or_else(|| "a web page".to_owned(), |origin| format!("a web page at {origin}"))
}

/// Receives until `shutdown` resolves, then lets connections finish their requests for up to [`ReceiverLimits::drain`].
pub async fn serve<H: Handler>(
    listener: TcpListener,
    limits: ReceiverLimits,
    handler: Arc<H>,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let budget = Budget::new(&limits);
    // Ends the remaining connections when this function returns, and so drops their references to the handler.
    let end = CancellationToken::new();
    let permits = ConnectionPermits::new(limits.connections, end.clone());
    let _ends = end.drop_guard();
    let mut shutdown = pin!(shutdown);
    let mut reported = false;
    loop {
        let accepted = async {
            match listener.accept().await {
                Ok(accepted) => Ok((accepted, permits.take().await)),
                Err(error) => Err(error),
            }
        };
        let accepted = tokio::select! {
            accepted = accepted => accepted,
            () = &mut shutdown => break,
        };
        let ((stream, peer), permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(error, &*handler, &mut reported).await;
                continue;
            }
        };
        reported = false;
        // On failure, responses are only delayed.
        let _ = stream.set_nodelay(true);
        let (socket, watch) = Socket::new(stream);
        let given_up = permit.given_up();
        let heads = Heads::default();
        let connection = serve_connection(socket, watch, permit, limits, &budget, &handler, heads.clone());
        let connection = graceful.watch(connection);
        let handler = Arc::clone(&handler);
        tokio::spawn(async move {
            // Other errors mean that the sender broke the connection.
            if let Some(Err(error)) = given_up.run_until_cancelled(connection).await
                && error.is_parse()
            {
                handler.on_error(ReceiveError::Malformed { peer, head: heads.malformed(), error });
            }
        });
    }
    drop(listener);
    let _ = timeout(limits.drain, graceful.shutdown()).await;
}

/// Waits after a failed `accept`, and reports the first of several failures in a row. Failures of the sender's
/// connection cause no wait and are not reported.
async fn pause_after(error: io::Error, handler: &impl Handler, reported: &mut bool) {
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    if !std::mem::replace(reported, true) {
        handler.on_error(ReceiveError::Accept(error));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// The start of a method, path or header, for messages.
#[must_use]
pub fn excerpt(text: &str) -> String {
    const LONGEST: usize = 100;
    if text.chars().nth(LONGEST).is_none() {
        text.to_owned()
    } else {
        text.chars().take(LONGEST).chain(['…']).collect()
    }
}
