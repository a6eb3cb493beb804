//! Writes requests in place of hyper, which would lower the names of headers and group those that repeat. hyper is
//! given an empty request of the same method, so that it reads the response and keeps the connection; the bytes that it
//! writes for that request are replaced by those of the real one.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use reqwest::Url;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::timeout,
};

use super::{
    incoming::{IDLE_BYTES, Inbox},
    message::{Recipient, is_copied, write_chunks, write_head},
    stream::Duplex,
};
use crate::webhook::{request::Request, wire_form::WireForm};

/// How long an endpoint that has responded may read nothing of the rest of the request.
const STALL_TIME: Duration = Duration::from_secs(10);

/// The request that a connection writes next. Only the connection's own task locks it, so nothing ever waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox(Arc<Mutex<Unsent>>);

/// The bytes still to be written.
#[derive(Debug, Default)]
struct Unsent {
    /// The head, and the body if it is small.
    bytes: Vec<u8>,
    /// The body, if it is large.
    body: Bytes,
    /// How many bytes of both have been written.
    written: usize,
}

/// A stream that writes the content of the outbox, whatever it is given to write, and passes what it reads to the
/// inbox.
#[derive(Debug)]
pub(super) struct RequestWriter<S> {
    stream: S,
    outbox: Outbox,
    inbox: Inbox,
}

/// The rest of a request whose response came before all of it was written.
#[derive(Debug)]
pub struct UnwrittenRequest(RequestWriter<Box<dyn Duplex>>);

impl UnwrittenRequest {
    /// Writes it, and closes the connection. Stops when the endpoint closes it, as it may: it has responded. Also stops
    /// once the endpoint has read nothing for 10 s.
    pub async fn write(self) {
        let Self(RequestWriter { mut stream, outbox, .. }) = self;
        while !outbox.is_empty() {
            let part = poll_fn(|context| outbox.0.lock().poll_part(&mut stream, context));
            let Ok(Ok(())) = timeout(STALL_TIME, part).await else { return };
        }
        let _ = timeout(STALL_TIME, stream.shutdown()).await;
    }
}

impl Outbox {
    /// Puts in the next request.
    pub(super) fn put(&self, recipient: &Recipient, url: &Url, request: &Request, form: WireForm) {
        let mut unsent = self.0.lock();
        unsent.clear();
        write_head(recipient, url, request, form, &mut unsent.bytes);
        if form == WireForm::Chunked {
            write_chunks(&request.body, &mut unsent.bytes);
        } else if is_copied(request) {
            unsent.bytes.extend_from_slice(&request.body);
        } else {
            unsent.body = request.body.clone();
        }
    }

    /// Whether everything is written.
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

impl Unsent {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(IDLE_BYTES);
        self.body = Bytes::new();
        self.written = 0;
    }

    /// The unwritten parts of the head and of the body.
    fn left(&self) -> [&[u8]; 2] {
        let head = self.bytes.get(self.written..).unwrap_or_default();
        [head, &self.body[self.written.saturating_sub(self.bytes.len())..]]
    }

    /// Writes as much as the stream takes at once.
    fn poll_part(&mut self, stream: &mut (impl AsyncWrite + Unpin), context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = Pin::new(stream);
        let written = match self.left() {
            [[], []] => {
                self.clear();
                return Poll::Ready(Ok(()));
            }
            [head, []] => stream.poll_write(context, head),
            [[], body] => stream.poll_write(context, body),
            [head, body] => stream.poll_write_vectored(context, &[IoSlice::new(head), IoSlice::new(body)]),
        };
        match ready!(written)? {
            0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            count => self.written += count,
        }
        Poll::Ready(Ok(()))
    }
}

impl RequestWriter<Box<dyn Duplex>> {
    pub(super) fn was_reset(&self) -> bool {
        self.stream.was_reset()
    }

    /// What is left to write of the last request, if anything.
    pub(super) fn into_unwritten(self) -> Option<UnwrittenRequest> {
        (!self.outbox.is_empty()).then_some(UnwrittenRequest(self))
    }
}

impl<S> RequestWriter<S> {
    pub(super) fn new(stream: S, outbox: Outbox, inbox: Inbox) -> Self {
        Self { stream, outbox, inbox }
    }
}

impl<S: AsyncWrite + Unpin> RequestWriter<S> {
    /// Writes the content of the outbox.
    fn poll_unsent(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, outbox, .. } = self;
        let mut unsent = outbox.0.lock();
        while !unsent.is_empty() {
            ready!(unsent.poll_part(stream, context))?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RequestWriter<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, replaced: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_unsent(context))?;
        Poll::Ready(Ok(replaced.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Leaves the stream open while the outbox has content: hyper closes a connection at the end of a response that
    /// says so, and [`UnwrittenRequest`] writes the rest.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.outbox.is_empty() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for RequestWriter<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        Poll::Ready(self.inbox.pass(&buffer.filled()[before..]))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;
    use crate::webhook::request::{Headers, Method};

    #[tokio::test]
    async fn requests_are_written_whole_through_a_narrow_pipe() {
        let url = Url::parse("http://localhost/").unwrap();
        for size in [0, 1, 8 << 10, (8 << 10) + 1, 100_000] {
            let (mut reader, pipe) = duplex(7);
            let outbox = Outbox::default();
            let mut writer = RequestWriter::new(pipe, outbox.clone(), Inbox::default());
            let body: Bytes = (0..size).map(|at| b"abcdefghijk"[at % 11]).collect();
            let request = Request { method: Method::POST, target: "/".to_owned(), headers: Headers::new(), body };
            outbox.put(&Recipient::Endpoint, &url, &request, WireForm::Usual);
            let expected = format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {size}\r\n\r\n").into_bytes();
            let expected = [&expected[..], &request.body].concat();
            let mut read = vec![0; expected.len()];
            let (written, _) = tokio::join!(writer.write(b"what hyper writes"), reader.read_exact(&mut read));
            assert_eq!((written.unwrap(), outbox.is_empty()), (17, true));
            assert!(read == expected, "{size} bytes");
            assert!(reader.read_u8().now_or_never().is_none());
        }
    }
}
