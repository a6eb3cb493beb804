//! The server of the inspector: its page, and the API that the page uses. It handles HTTP and access control.
//! Everything about deliveries is left to an [`InspectorApi`].
//!
//! [`receiver`](super::receiver) serves it on a listener of its own. Requests are refused on the basis of their head
//! alone, before the body is read.

mod assets;
mod gate;
mod reply;
#[cfg(test)]
mod tests;

use std::{future::Future, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, request::Parts};

pub use self::reply::{ErrorReply, Reply};
use self::{
    assets::{Asset, INDEX},
    gate::{API, ASSETS, RequestGate},
};
use super::receiver::{BodyPermit, Handler, Outgoing, ReceiveError, ReceivedRequest, ReceiverLimits};
use crate::webhook::record;

/// The limits for the page: few connections, and enough time for a sleeping tab.
#[must_use]
pub fn limits(body: usize) -> ReceiverLimits {
    ReceiverLimits {
        // Text takes up to six times its size as a JSON string.
        body: body.saturating_mul(6).saturating_add(1 << 10),
        bodies: 0,
        connections: 64,
        response_time: Duration::from_secs(300),
        // A tab that does not read must not keep the process alive.
        drain: Duration::from_millis(250),
        half_close: false,
        ..ReceiverLimits::default()
    }
}

/// A request to the API, without the path's prefix and without credentials.
#[derive(Debug)]
pub struct PageRequest {
    /// `GET` or `POST`.
    pub method: Method,
    /// The path below `/api/`.
    pub path: String,
    /// The query, without its question mark.
    pub query: String,
    /// The body, JSON if there is one.
    pub body: Bytes,
    /// The body's share of the memory. Keep it as long as the body.
    pub permit: BodyPermit,
}

/// Responds to the page's requests.
pub trait InspectorApi: Send + Sync + 'static {
    /// Responds to a request that has passed the gate.
    fn respond(&self, request: PageRequest) -> impl Future<Output = Reply> + Send;

    /// Reports a problem outside [`Self::respond`].
    fn on_error(&self, error: ReceiveError);
}

/// The page and its API; run it with [`serve`](super::receiver::serve).
pub struct Inspector<A> {
    gate: RequestGate,
    api: A,
}

impl<A> Inspector<A> {
    /// An inspector at this address, whose API needs this token.
    #[must_use]
    pub fn new(address: SocketAddr, token: String, api: A) -> Self {
        Self { gate: RequestGate::new(address, token), api }
    }
}

impl<A: InspectorApi> Handler for Inspector<A> {
    fn screen(&self, head: &Parts) -> Option<record::Response> {
        self.gate.check(head).err().map(|refused| reply::refusal(&refused).response)
    }

    async fn handle(&self, received: ReceivedRequest) -> Outgoing {
        let ReceivedRequest { request, permit, .. } = received;
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if path == "/" {
            return reply::asset(&INDEX);
        }
        if let Some(asset) = path.strip_prefix(ASSETS).and_then(Asset::find) {
            return reply::asset(asset);
        }
        let Some(path) = path.strip_prefix(API) else { return Reply::not_found().into() };
        let (path, query) = (path.to_owned(), query.to_owned());
        self.api.respond(PageRequest { method: request.method, path, query, body: request.body, permit }).await.into()
    }

    fn add_headers(&self, headers: &mut HeaderMap) {
        reply::protect(headers);
    }

    fn on_error(&self, error: ReceiveError) {
        match error {
            // The page itself shows these errors. All others come from outside.
            ReceiveError::Malformed { .. }
            | ReceiveError::BodyTooLarge { .. }
            | ReceiveError::Incomplete { .. }
            | ReceiveError::Refused { .. }
            | ReceiveError::Browser { .. } => {}
            ReceiveError::Accept(_) | ReceiveError::Panic(_) => self.api.on_error(error),
        }
    }
}
