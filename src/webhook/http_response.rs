//! One HTTP response, received or to be given.

use bytes::Bytes;

use super::request::Headers;

/// An endpoint's response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub body: Bytes,
}
