//! The protocol of an endpoint that does not speak HTTP/1.1.

use std::fmt;

/// A protocol other than plain HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The endpoint expects a TLS handshake.
    Tls,
    /// The endpoint expects HTTP/2 from the first byte.
    Http2,
    /// Not HTTP.
    Other,
}

impl Protocol {
    /// Recognises a protocol by the first bytes that an endpoint sent.
    pub(super) fn recognise(received: &[u8]) -> Option<Self> {
        match received {
            // An alert (RFC 8446, 5.1), with any version of the record layer.
            [21, 3, 0..=4, ..] => Some(Self::Tls),
            // A frame of the types SETTINGS or GOAWAY, on stream 0 (RFC 9113, 4.1).
            [_, _, _, 4 | 7, _, 0, 0, 0, 0, ..] => Some(Self::Http2),
            _ if b"HTTP/".starts_with(&received[..received.len().min(5)]) => None,
            _ => Some(Self::Other),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "the endpoint expects TLS: use https:// in the URL",
            Self::Http2 => "the endpoint speaks only HTTP/2: make it accept HTTP/1.1 too",
            Self::Other => "the endpoint does not speak HTTP: does another program listen there?",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_recognised_by_its_first_bytes() {
        for (received, expected) in [
            // What `openssl s_server` sends for `POST /`: a fatal alert, wrong version number.
            (&b"\x15\x03\x01\x00\x02\x02\x46"[..], Some(Protocol::Tls)),
            // What Node.js's `http2.createServer()` sends first: an empty SETTINGS frame.
            (b"\0\0\0\x04\0\0\0\0\0", Some(Protocol::Http2)),
            (b"HTTP/1.1 200 OK\r\n", None),
            (b"HTTP/x", None),
            (b"HT", None),
            (b"", None),
            (b"SSH-2.0-OpenSSH_9.2\r\n", Some(Protocol::Other)),
            (b"HELO", Some(Protocol::Other)),
        ] {
            assert_eq!(Protocol::recognise(received), expected, "{received:?}");
        }
    }
}
