//! Keeps the heads of requests as they pass to hyper, because hyper lowercases header names and groups repeated
//! headers. hyper's parser, httparse, determines where a head ends; where its body ends follows from how hyper reads
//! the head.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper::{Request, body::Body};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{excerpt, head::LONGEST_METHOD};
use crate::{
    net::fields::{MAX_FIELDS, in_raw_order},
    webhook::request::Headers,
};

/// The capacity in bytes that a connection keeps for its next head.
const IDLE_BYTES: usize = 4 << 10;

/// A stream that keeps the request heads read from it.
#[derive(Debug)]
pub struct KeepHeads<S> {
    stream: S,
    heads: Heads,
}

/// The heads of one connection. Only its own task locks them, so nothing ever waits.
#[derive(Clone, Debug, Default)]
pub struct Heads(Arc<Mutex<Passed>>);

/// The bytes that have passed to hyper.
#[derive(Debug, Default)]
struct Passed {
    /// The bytes since the end of the last body: the next head, and any bytes read along with it.
    kept: Vec<u8>,
    /// The rest of the current body.
    body: BodyRest,
}

/// The start of a head that hyper could not parse.
#[derive(Debug)]
pub struct MalformedHead {
    /// The method and path.
    pub request: String,
    /// A character of the target that hyper accepts only if it is percent-encoded.
    pub unescaped: Option<char>,
}

/// How much of a body is still to come.
#[derive(Debug)]
enum BodyRest {
    Bytes(u64),
    Chunks(ChunkPosition),
}

impl Default for BodyRest {
    fn default() -> Self {
        Self::Bytes(0)
    }
}

/// A position in a chunked body (RFC 9112, 7.1). It advances as hyper's decoder does, which also validates.
#[derive(Clone, Copy, Debug)]
enum ChunkPosition {
    /// In the digits of a chunk's size: the value so far.
    Size(u64),
    /// After these digits.
    AfterSize(u64),
    /// Before the line feed after them.
    SizeLf(u64),
    /// Before this number of bytes: the rest of a chunk and its line ending.
    Data(u64),
    /// At the start of a trailer, or of the empty line that ends the body.
    Trailer,
    InTrailer,
    TrailerLf,
    EndLf,
    End,
}

impl<S> KeepHeads<S> {
    /// Wraps a stream, before anything is read from it.
    pub fn new(stream: S, heads: Heads) -> Self {
        Self { stream, heads }
    }
}

impl Heads {
    /// The headers of a request in their original order and spelling. Call it for each request of the connection,
    /// before hyper reads on. `None` if the kept bytes are not those that hyper parsed.
    pub fn take<B: Body>(&self, request: &Request<B>) -> Option<Headers> {
        let mut passed = self.0.lock();
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut head = httparse::Request::new(&mut []);
        let Ok(httparse::Status::Complete(length)) = head.parse_with_uninit_headers(&passed.kept, &mut fields) else {
            return None;
        };
        let headers = in_raw_order(head.headers, request.headers())?;
        let Passed { kept, body } = &mut *passed;
        *body = match request.body().size_hint().exact() {
            Some(length) => BodyRest::Bytes(length),
            None => BodyRest::Chunks(ChunkPosition::Size(0)),
        };
        let skipped = body.skip(&kept[length..]);
        kept.drain(..length + skipped);
        if kept.is_empty() {
            kept.shrink_to(IDLE_BYTES);
        }
        Some(headers)
    }

    /// The start of a head that hyper could not parse, if it looks like one.
    pub fn malformed(&self) -> Option<MalformedHead> {
        let passed = self.0.lock();
        let line = passed.kept.trim_ascii_start().split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
        let line = String::from_utf8_lossy(line);
        let (method, target) = line.split_once(' ')?;
        let is_method = (1..=LONGEST_METHOD).contains(&method.len()) && method.bytes().all(|b| b.is_ascii_uppercase());
        let target = target.rsplit_once(" HTTP/").map_or(target, |(target, _)| target);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let unescaped =
            path.chars().find(|c| "<>`".contains(*c)).or_else(|| query.chars().find(|c| "\"<>".contains(*c)));
        let request = format!("{method} {}", excerpt(path));
        (is_method && path.starts_with('/')).then_some(MalformedHead { request, unescaped })
    }
}

impl Passed {
    fn pass(&mut self, bytes: &[u8]) {
        let skipped = if self.kept.is_empty() { self.body.skip(bytes) } else { 0 };
        self.kept.extend_from_slice(&bytes[skipped..]);
    }
}

impl BodyRest {
    /// Skips the bytes that belong to this body, and returns their number.
    fn skip(&mut self, bytes: &[u8]) -> usize {
        match self {
            Self::Bytes(left) => skip(left, bytes),
            Self::Chunks(chunks) => chunks.skip(bytes),
        }
    }
}

/// Skips up to `left` bytes.
fn skip(left: &mut u64, bytes: &[u8]) -> usize {
    let skipped = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
    *left -= skipped as u64;
    skipped
}

impl ChunkPosition {
    fn skip(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            *self = match *self {
                Self::End => break,
                Self::Data(mut left) => {
                    at += skip(&mut left, &bytes[at..]);
                    *self = if left == 0 { Self::Size(0) } else { Self::Data(left) };
                    continue;
                }
                Self::Size(size) | Self::AfterSize(size) if byte == b'\r' => Self::SizeLf(size),
                Self::Size(size) => match char::from(byte).to_digit(16) {
                    Some(digit) => Self::Size(size.saturating_mul(16).saturating_add(digit.into())),
                    None => Self::AfterSize(size),
                },
                Self::AfterSize(size) => Self::AfterSize(size),
                Self::SizeLf(0) | Self::TrailerLf => Self::Trailer,
                Self::SizeLf(size) => Self::Data(size.saturating_add(2)),
                Self::Trailer if byte == b'\r' => Self::EndLf,
                Self::InTrailer if byte == b'\r' => Self::TrailerLf,
                Self::Trailer | Self::InTrailer => Self::InTrailer,
                Self::EndLf => Self::End,
            };
            at += 1;
        }
        at
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for KeepHeads<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.heads.0.lock().pass(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for KeepHeads<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
