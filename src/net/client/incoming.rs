//! Keeps the head of a response as it passes to hyper, because hyper lowers the names of headers and groups those that
//! repeat.

use std::{io, mem::MaybeUninit, sync::Arc};

use http::response::Parts;
use parking_lot::Mutex;

use crate::{
    net::fields::{MAX_FIELDS, in_raw_order},
    webhook::request::Headers,
};

/// The maximum size of a head, including interim responses before it and bytes read along with it. Twice the buffer of
/// a connection.
const MAX_HEAD_BYTES: usize = 256 << 10;

/// The capacity in bytes that an idle connection keeps for its next request, and for its next response.
pub(super) const IDLE_BYTES: usize = 16 << 10;

/// The head of the last response. Only the connection's own task locks it, so nothing ever waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Inbox(Arc<Mutex<ReadState>>);

#[derive(Debug, Default)]
struct ReadState {
    /// The bytes that have arrived since the request: heads, and any bytes read along with the last one.
    head: Vec<u8>,
    /// Whether the head is incomplete.
    is_open: bool,
}

impl ReadState {
    fn clear(&mut self) {
        self.head.clear();
        self.head.shrink_to(IDLE_BYTES);
    }
}

impl Inbox {
    /// Expects the head of a response.
    pub(super) fn open(&self) {
        let mut state = self.0.lock();
        state.clear();
        state.is_open = true;
    }

    /// Records bytes that were read, if the head is incomplete.
    ///
    /// # Errors
    ///
    /// If the head is too long. hyper limits each head, but not how many interim ones come before the response.
    pub(super) fn pass(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock();
        if state.is_open {
            if state.head.len() >= MAX_HEAD_BYTES {
                return Err(io::Error::other("too many interim responses (1xx) came first"));
            }
            state.head.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Expects no more of the head. Call it as soon as hyper has parsed it.
    pub(super) fn close(&self) {
        self.0.lock().is_open = false;
    }

    /// The headers of a response in their original order and spelling, of which it keeps no copy.
    pub(super) fn take_headers(&self, parsed: &Parts) -> Headers {
        let mut state = self.0.lock();
        let raw = headers(&state.head, parsed);
        state.clear();
        // hyper accepts more than this, for example folded lines.
        raw.unwrap_or_else(|| parsed.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The bytes of an incomplete head.
    pub(super) fn received(&self) -> Vec<u8> {
        let state = self.0.lock();
        if state.is_open { state.head.clone() } else { Vec::new() }
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
