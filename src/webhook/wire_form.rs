//! How a request is written on the connection, where HTTP allows variants that proxies use.

/// A form of the same request. All forms are equivalent, so a handler that treats one differently is faulty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WireForm {
    /// The body's length is stated, and header names are as the request spells them.
    #[default]
    Usual,
    /// The body is sent in chunks, without its length.
    Chunked,
    /// Each word of a header name is capitalised: `X-Signature`.
    Capitalised,
}
