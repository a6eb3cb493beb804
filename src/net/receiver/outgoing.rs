//! A response to the sender: complete, or with a body that is passed on in pieces.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::{
    Response, StatusCode,
    body::{Body, Frame, SizeHint},
    ext::ReasonPhrase,
};
use tokio::sync::mpsc;

use super::connection_permits::ConnectionPermit;
use crate::webhook::record;

/// The response to a request.
#[derive(Debug)]
pub struct Outgoing {
    /// The status, the headers, and the body or its start.
    pub response: record::Response,
    /// The rest of the body.
    pub rest: Option<Pieces>,
}

impl From<record::Response> for Outgoing {
    fn from(response: record::Response) -> Self {
        Self { response, rest: None }
    }
}

impl Outgoing {
    pub(super) fn into_response(self) -> Response<OutgoingBody> {
        let Self { response: record::Response { status, headers, body }, rest } = self;
        let start = Some(body).filter(|body| !body.is_empty());
        let unsent = headers.get("content-length").filter(|_| start.is_none() && rest.is_none());
        let unsent = unsent.and_then(|length| length.to_str().ok()?.parse().ok());
        let mut response = Response::new(OutgoingBody { start, rest, unsent, _at_end: None });
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        *response.status_mut() = status;
        if status.canonical_reason().is_none() {
            // Without this, hyper writes `<none>`.
            response.extensions_mut().insert(ReasonPhrase::from_static(b""));
        }
        for (name, value) in &headers {
            response.headers_mut().append(name.name().clone(), value.clone());
        }
        response
    }
}

/// The pieces of a body that is still arriving. The next piece is taken once the sender has read the previous one.
#[derive(Debug)]
pub struct Pieces {
    /// `None` marks the end. Without it, the body is incomplete.
    pieces: mpsc::Receiver<Option<Bytes>>,
    /// How many bytes are left, if known.
    left: Option<u64>,
}

/// The other end of [`Pieces`].
#[derive(Debug)]
pub struct PiecesSender(mpsc::Sender<Option<Bytes>>);

impl Pieces {
    /// The rest of a body, with `left` bytes if that is known.
    #[must_use]
    pub fn new(left: Option<u64>) -> (PiecesSender, Self) {
        let (sender, pieces) = mpsc::channel(1);
        (PiecesSender(sender), Self { pieces, left })
    }
}

impl PiecesSender {
    /// Passes a piece on. Returns false if the sender of the request is gone.
    pub async fn send(&self, piece: Bytes) -> bool {
        self.0.send(Some(piece)).await.is_ok()
    }

    /// Waits until the sender of the request is gone.
    pub async fn closed(&self) {
        self.0.closed().await;
    }

    /// Ends the body. Without this, the connection is closed, so that the sender sees that the body is incomplete.
    pub async fn end(self) {
        // This fails if the sender of the request is gone.
        let _ = self.0.send(None).await;
    }
}

/// The body was cut off at its source.
#[derive(Debug, thiserror::Error)]
#[error("the body of the response was cut off")]
pub struct CutOff;

/// A body as hyper writes it.
#[derive(Debug)]
pub struct OutgoingBody {
    start: Option<Bytes>,
    rest: Option<Pieces>,
    /// The length of a body that is not sent, because the request was HEAD or the status is 304. Without it, hyper
    /// would not send the `content-length`.
    unsent: Option<u64>,
    _at_end: Option<AtEnd>,
}

/// At the end of a response, marks its connection as waiting for the next request.
#[derive(Debug)]
struct AtEnd(Arc<ConnectionPermit>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        self.0.wait_for_sender();
    }
}

impl OutgoingBody {
    pub(super) fn whole(body: Bytes) -> Self {
        Self { start: Some(body), rest: None, unsent: None, _at_end: None }
    }

    /// The same body on the connection of this permit.
    pub(super) fn on(self, permit: Arc<ConnectionPermit>) -> Self {
        Self { _at_end: Some(AtEnd(permit)), ..self }
    }
}

impl Body for OutgoingBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        if let Some(start) = self.start.take() {
            return Poll::Ready(Some(Ok(Frame::data(start))));
        }
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        Poll::Ready(match ready!(rest.pieces.poll_recv(context)) {
            Some(Some(piece)) => {
                rest.left = rest.left.map(|left| left.saturating_sub(piece.len() as u64));
                Some(Ok(Frame::data(piece)))
            }
            Some(None) => {
                self.rest = None;
                None
            }
            None => Some(Err(CutOff)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.start.is_none() && self.rest.is_none() && self.unsent.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let start = self.start.as_ref().map_or(0, Bytes::len) as u64;
        match &self.rest {
            None => SizeHint::with_exact(self.unsent.unwrap_or(start)),
            Some(Pieces { left: Some(left), .. }) => SizeHint::with_exact(start + left),
            Some(Pieces { left: None, .. }) => {
                let mut hint = SizeHint::new();
                hint.set_lower(start);
                hint
            }
        }
    }
}
