//! One HTTP connection. The task that uses it also drives it, which saves a wake-up from one task to another in
//! each direction of each request.

use std::{
    future::poll_fn,
    mem,
    pin::{Pin, pin},
    task::Poll,
};

use bytes::Bytes;
use http::{Method, response::Parts};
use http_body_util::{BodyExt, Empty};
use hyper::{
    body::{self, Body},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use reqwest::Url;

use super::{
    error::{SendError, is_reset, no_response},
    incoming::Inbox,
    message::Recipient,
    outbox::{Outbox, RequestWriter, UnwrittenRequest},
    protocol::Protocol,
    stream::Duplex,
};
use crate::webhook::{
    request::{Headers, Request},
    wire_form::WireForm,
};

/// The size of the read buffer, which also limits the head of a response, in bytes.
pub(super) const BUFFER_BYTES: usize = 128 << 10;

/// A response whose body has not been read yet.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) head: Parts,
    pub(super) body: body::Incoming,
}

/// An open connection. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    driver: ConnectionDriver,
    outbox: Outbox,
    inbox: Inbox,
    recipient: Recipient,
}

type HttpStream = TokioIo<RequestWriter<Box<dyn Duplex>>>;

/// The part of a connection that reads and writes.
#[derive(Debug)]
enum ConnectionDriver {
    Open(Box<http1::Connection<HttpStream, Empty<Bytes>>>),
    /// The connection has ended. hyper's driver is dropped at once, because a request that it holds would otherwise
    /// wait for its timeout.
    Closed(Ending, Option<UnwrittenRequest>),
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ending {
    /// Whether any byte of a response had arrived.
    pub(super) has_received: bool,
    /// Whether the whole request was written, so that the other side may have read it.
    pub(super) is_written: bool,
    /// Whether the connection was reset, as happens if the other side closes it before it has read everything.
    pub(super) was_reset: bool,
    /// The protocol that the endpoint spoke instead of HTTP/1.1, if it was recognised.
    pub(super) protocol: Option<Protocol>,
}

impl Connection {
    /// A connection over an open stream.
    pub(super) async fn over(stream: impl Duplex + 'static, recipient: Recipient) -> Result<Self, SendError> {
        let (outbox, inbox) = (Outbox::default(), Inbox::default());
        let stream: HttpStream = TokioIo::new(RequestWriter::new(Box::new(stream), outbox.clone(), inbox.clone()));
        let handshake = http1::Builder::new().max_buf_size(BUFFER_BYTES).handshake(stream).await;
        let (sender, driver) = handshake.map_err(|error| no_response(&error))?;
        Ok(Self { sender, driver: ConnectionDriver::Open(Box::new(driver)), outbox, inbox, recipient })
    }

    /// Whether the connection takes another request. A close since the last one may show only when a request is sent.
    pub(super) async fn is_ready(&mut self) -> bool {
        let Self { sender, driver, .. } = self;
        sender.is_ready() || driver.run_until(pin!(sender.ready())).await.is_ok()
    }

    /// Sends a request and waits for the head of the response.
    pub(super) async fn send(&mut self, url: &Url, request: &Request, form: WireForm) -> hyper::Result<Incoming> {
        let Self { sender, driver, outbox, inbox, recipient } = self;
        outbox.put(recipient, url, request, form);
        inbox.open();
        let response = driver.run_until(pin!(sender.send_request(replaced(&request.method)))).await?;
        inbox.close();
        let (head, body) = response.into_parts();
        Ok(Incoming { head, body })
    }

    /// The headers of the last response, in their original order and spelling. They can be taken once.
    pub(super) fn take_headers(&self, head: &Parts) -> Headers {
        self.inbox.take_headers(head)
    }

    /// What tells whether the last request is written, while [`Self::send`] runs.
    pub(super) fn outbox(&self) -> Outbox {
        self.outbox.clone()
    }

    /// How the connection ended, if a request failed with this error.
    pub(super) fn ending(self, error: &hyper::Error) -> Ending {
        let ending = match self.driver {
            ConnectionDriver::Open(driver) => Ending::of(*driver).0,
            ConnectionDriver::Closed(ending, _) => ending,
        };
        let received = self.inbox.received();
        // hyper consumes interim responses.
        let has_received = ending.has_received || !received.is_empty();
        let was_reset = ending.was_reset || is_reset(error);
        let is_written = self.outbox.is_empty();
        Ending { has_received, is_written, was_reset, protocol: Protocol::recognise(&received) }
    }

    /// Whether the connection may be used again. Some servers respond before they have read the whole request.
    pub(super) fn is_reusable(&self) -> bool {
        matches!(self.driver, ConnectionDriver::Open(_)) && self.outbox.is_empty()
    }

    /// What is left to write of the last request, if anything.
    pub(super) fn into_unwritten(self) -> Option<UnwrittenRequest> {
        match self.driver {
            ConnectionDriver::Open(driver) => Ending::of(*driver).1,
            ConnectionDriver::Closed(_, unwritten) => unwritten,
        }
    }

    /// The next piece of a response's body; `None` at its end. Cancel safe.
    pub(super) async fn piece(&mut self, incoming: &mut body::Incoming) -> hyper::Result<Option<Bytes>> {
        while !incoming.is_end_stream() {
            match self.driver.run_until(pin!(incoming.frame())).await {
                None => break,
                Some(Err(error)) => return Err(error),
                // Trailers are skipped.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
        Ok(None)
    }
}

/// The placeholder request given to hyper, whose bytes are replaced by the real one's.
fn replaced(method: &Method) -> http::Request<Empty<Bytes>> {
    let mut request = http::Request::new(Empty::new());
    *request.method_mut() = method.clone();
    request
}

impl Ending {
    /// How a connection ended, and what is left to write of its last request.
    fn of(driver: http1::Connection<HttpStream, Empty<Bytes>>) -> (Self, Option<UnwrittenRequest>) {
        let http1::Parts { io, read_buf, .. } = driver.into_parts();
        let writer = io.into_inner();
        // If the request crossed the other side's close on the wire, the reset follows what looked like a clean close.
        let (has_received, was_reset) = (!read_buf.is_empty(), writer.was_reset());
        (Self { has_received, was_reset, ..Self::default() }, writer.into_unwritten())
    }
}

impl ConnectionDriver {
    /// Waits for a future that depends on the connection, and drives the connection meanwhile.
    async fn run_until<F: Future>(&mut self, mut wanted: Pin<&mut F>) -> F::Output {
        poll_fn(|cx| {
            if let Self::Open(driver) = self
                && let Poll::Ready(result) = Pin::new(driver).poll(cx)
                && let Self::Open(ended) = mem::replace(self, Self::Closed(Ending::default(), None))
            {
                let (mut ending, unwritten) = Ending::of(*ended);
                ending.was_reset |= result.is_err_and(|error| is_reset(&error));
                *self = Self::Closed(ending, unwritten);
            }
            wanted.as_mut().poll(cx)
        })
        .await
    }
}
