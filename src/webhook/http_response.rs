//! One HTTP response, received or to be given.

use bytes::Bytes;

use super::request::Headers;

/// An endpoint's response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}
