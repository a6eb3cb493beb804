//! Keeps the head of a response as it passes to hyper, because hyper lowers the names of headers and groups those that
//! repeat.

use std::{
    io,
    mem::{self, MaybeUninit},
    sync::Arc,
};

use http::response::Parts;
use parking_lot::Mutex;

use crate::{
    net::fields::{MAX_FIELDS, in_raw_order},
    webhook::request::Headers,
};

/// The maximum size of a head, including interim responses before it and bytes read along with it. Twice the buffer of
/// a connection.
const MAX_HEAD_BYTES: usize = 256 << 10;

/// The bytes read since the last request. Only the connection's own task locks it, so nothing ever waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Inbox(Arc<Mutex<ReadState>>);

#[derive(Debug, Default)]
enum ReadState {
    /// The bytes that have arrived: heads, and any bytes read along with the last one.
    Head(Vec<u8>),
    #[default]
    Body,
}

impl Inbox {
    /// Expects the head of a response.
    pub(super) fn expect_head(&self) {
        *self.0.lock() = ReadState::Head(Vec::new());
    }

    /// Records bytes that were read.
    ///
    /// # Errors
    ///
    /// If the head is too long. hyper limits each head, but not how many interim ones come before the response.
    pub(super) fn pass(&self, bytes: &[u8]) -> io::Result<()> {
        if let ReadState::Head(head) = &mut *self.0.lock() {
            if head.len() >= MAX_HEAD_BYTES {
                return Err(io::Error::other("too many interim responses (1xx) came first"));
            }
            head.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// The headers of a response in their original order and spelling. Call it as soon as hyper has parsed the head.
    pub(super) fn take(&self, parsed: &Parts) -> Headers {
        let read = mem::take(&mut *self.0.lock());
        let raw = if let ReadState::Head(bytes) = read { headers(&bytes, parsed) } else { None };
        // hyper accepts more than this, for example folded lines.
        raw.unwrap_or_else(|| parsed.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The bytes of an incomplete head.
    pub(super) fn received(&self) -> Vec<u8> {
        match &*self.0.lock() {
            ReadState::Head(bytes) => bytes.clone(),
            ReadState::Body => Vec::new(),
        }
    }
}

/// The headers of the first head that has the status of the parsed one. Any heads before it are interim responses.
fn headers(mut bytes: &[u8], parsed: &Parts) -> Option<Headers> {
    loop {
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut head = httparse::Response::new(&mut []);
        let parser = httparse::ParserConfig::default();
        let status = parser.parse_response_with_uninit_headers(&mut head, bytes, &mut fields).ok()?;
        let httparse::Status::Complete(length) = status else { return None };
        if head.code == Some(parsed.status.as_u16()) {
            return in_raw_order(head.headers, &parsed.headers);
        }
        bytes = &bytes[length..];
    }
}
