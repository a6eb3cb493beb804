//! A request as bytes, with its headers in their original spelling and order.

use std::borrow::Cow;

use reqwest::Url;

use super::{
    headers::{Purpose, purposes},
    host,
};
use crate::{
    net::url::credentials,
    webhook::{
        request::{FieldName, HeaderName, HeaderValue, Headers, Request},
        wire_form::WireForm,
    },
};

/// The size of the largest body that is copied after the head, in bytes. Writing a larger one separately is cheaper
/// than copying it.
const COPIED_BODY_BYTES: usize = 8 << 10;

/// The size of a chunk in bytes, so that most bodies have several.
pub(super) const CHUNK_BYTES: usize = 100;

/// Who reads a request first.
#[derive(Debug)]
pub(super) enum Recipient {
    Endpoint,
    /// A proxy that passes it on.
    Proxy {
        /// The `proxy-authorization` that it expects.
        authorization: Option<HeaderValue>,
    },
}

impl Recipient {
    /// The target as it appears in the request line.
    fn target<'a>(&self, url: &Url, target: &'a str) -> Cow<'a, str> {
        match self {
            Self::Endpoint => target.into(),
            Self::Proxy { .. } => format!("{}://{}{target}", url.scheme(), host(url)).into(),
        }
    }
}

/// The name of a header that is written.
enum WrittenName<'a> {
    /// The request's own, as spelled.
    Own(&'a FieldName),
    /// One that the client adds.
    Added(&'static str),
}

/// Calls `field` with each header of a request to the host of a URL, in the order in which they are written. The URL's
/// credentials replace the request's.
///
/// The only headers added are `host`, `content-length` (or `transfer-encoding`, for a body in chunks), `authorization`
/// for the URL's credentials, and `proxy-authorization` for the proxy's.
fn for_each_field(
    recipient: &Recipient,
    url: &Url,
    request: &Request,
    is_chunked: bool,
    mut field: impl FnMut(WrittenName<'_>, &[u8]),
) {
    use WrittenName::{Added, Own};
    let length = request.body.len().to_string();
    let mut authorization = credentials(url);
    let replaces_authorization = authorization.is_some();
    if !request.headers.contains("host") {
        field(Added("host"), host(url).as_bytes());
    }
    if let Recipient::Proxy { authorization: Some(value) } = recipient {
        field(Added("proxy-authorization"), value.as_bytes());
    }
    let (mut has_host, mut has_length) = (false, false);
    for ((name, value), purpose) in purposes(&request.headers) {
        match purpose {
            Purpose::Length if is_chunked => {}
            Purpose::Host if !std::mem::replace(&mut has_host, true) => field(Own(name), value.as_bytes()),
            Purpose::Length if !std::mem::replace(&mut has_length, true) => field(Own(name), length.as_bytes()),
            Purpose::Host | Purpose::Length | Purpose::Connection => {}
            Purpose::Endpoint if replaces_authorization && name.as_str() == "authorization" => {
                if let Some(credentials) = authorization.take() {
                    field(Own(name), credentials.as_bytes());
                }
            }
            Purpose::Endpoint => field(Own(name), value.as_bytes()),
        }
    }
    if let Some(credentials) = authorization {
        field(Added("authorization"), credentials.as_bytes());
    }
    // Some servers respond with 411 to a request that may have a body but states no length.
    let has_no_body = request.body.is_empty() && request.method.is_safe();
    if is_chunked {
        field(Added("transfer-encoding"), b"chunked");
    } else if !has_length && !has_no_body {
        field(Added("content-length"), length.as_bytes());
    }
}

/// Appends a request to the host of a URL, up to its body, with the headers of [`for_each_field`].
pub(super) fn write_head(recipient: &Recipient, url: &Url, request: &Request, form: WireForm, out: &mut Vec<u8>) {
    let target = recipient.target(url, &request.target);
    let mut push = |parts: &[&[u8]]| parts.iter().for_each(|part| out.extend_from_slice(part));
    push(&[request.method.as_str().as_bytes(), b" ", target.as_bytes(), b" HTTP/1.1\r\n"]);
    for_each_field(recipient, url, request, form == WireForm::Chunked, |name, value| match (name, form) {
        (WrittenName::Own(name), WireForm::Capitalised) => {
            push(&[capitalised(name.as_str()).as_bytes(), b": ", value, b"\r\n"]);
        }
        (WrittenName::Own(name), WireForm::Usual | WireForm::Chunked) => {
            push(&[name.spelling().as_bytes(), b": ", value, b"\r\n"]);
        }
        (WrittenName::Added(name), _) => push(&[name.as_bytes(), b": ", value, b"\r\n"]),
    });
    push(&[b"\r\n"]);
}

/// The headers of a request as they are sent to the host of a URL.
#[must_use]
pub fn sent_headers(url: &Url, request: &Request) -> Headers {
    let mut headers = Headers::new();
    for_each_field(&Recipient::Endpoint, url, request, false, |name, value| {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        match name {
            WrittenName::Own(name) => headers.push(name.clone(), value),
            WrittenName::Added(name) => headers.push(HeaderName::from_static(name), value),
        }
    });
    headers
}

/// Appends a whole request to the host of a URL, as the client sends it.
pub fn write_message(url: &Url, request: &Request, out: &mut Vec<u8>) {
    write_head(&Recipient::Endpoint, url, request, WireForm::Usual, out);
    out.extend_from_slice(&request.body);
}

/// Appends a body in chunks.
pub(super) fn write_chunks(body: &[u8], out: &mut Vec<u8>) {
    for chunk in body.chunks(CHUNK_BYTES) {
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
}

/// A header name with each of its words capitalised: `X-Signature`.
fn capitalised(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// Whether a request's body is copied after its head.
pub(super) fn is_copied(request: &Request) -> bool {
    request.body.len() <= COPIED_BODY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::request::Method;

    /// The bytes of a request. The same headers are said to be sent.
    fn message(method: Method, url: &str, headers: &[(&str, &[u8])], body: &'static str) -> Vec<u8> {
        let field =
            |&(name, value): &(&str, &[u8])| (FieldName::new(name).unwrap(), HeaderValue::from_bytes(value).unwrap());
        let headers: Headers = headers.iter().map(field).collect();
        let url = Url::parse(url).unwrap();
        let target = url[url::Position::BeforePath..].to_owned();
        let mut out = Vec::new();
        let request = Request { method, target, headers, body: body.into() };
        write_message(&url, &request, &mut out);
        let line = |(name, value): &(FieldName, HeaderValue)| {
            [name.spelling().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat()
        };
        let lines: Vec<u8> = sent_headers(&url, &request).iter().flat_map(line).collect();
        let start = out.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        assert_eq!(out[start..], [lines.as_slice(), b"\r\n", body.as_bytes()].concat());
        out
    }

    #[test]
    fn names_keep_their_spelling_and_order() {
        let headers: [(&str, &[u8]); 6] = [
            ("X-Hub-Signature-256", b"a"),
            ("HOST", b"example.com"),
            ("x-b", b"1"),
            ("Content-Length", b"7"),
            ("X-B", b"\xfc"),
            ("x-hub-signature-256", b"b"),
        ];
        assert_eq!(
            message(Method::POST, "http://127.0.0.1:1/hooks?a=b", &headers, "{}"),
            b"POST /hooks?a=b HTTP/1.1\r\nX-Hub-Signature-256: a\r\nHOST: example.com\r\nx-b: 1\r\nContent-Length: 2\r\n\
            X-B: \xfc\r\nx-hub-signature-256: b\r\n\r\n{}"
        );
    }

    #[test]
    fn only_a_host_and_a_length_are_added() {
        for (method, body, added) in [
            (Method::POST, "", "content-length: 0\r\n"),
            (Method::GET, "", ""),
            (Method::GET, "a", "content-length: 1\r\n"),
        ] {
            assert_eq!(
                String::from_utf8(message(method.clone(), "http://localhost/", &[("X-A", b"1")], body)).unwrap(),
                format!("{method} / HTTP/1.1\r\nhost: localhost\r\nX-A: 1\r\n{added}\r\n{body}")
            );
        }
    }

    #[test]
    fn headers_of_another_connection_are_left_out() {
        let headers: [(&str, &[u8]); 5] = [
            ("Connection", b"close, X-Mine"),
            ("x-mine", b"1"),
            ("Transfer-Encoding", b"chunked"),
            ("X-Yours", b"2"),
            ("TE", b"trailers"),
        ];
        assert_eq!(
            String::from_utf8(message(Method::PUT, "http://[::1]:1/", &headers, "{}")).unwrap(),
            "PUT / HTTP/1.1\r\nhost: [::1]:1\r\nX-Yours: 2\r\ncontent-length: 2\r\n\r\n{}"
        );
    }

    #[test]
    fn a_form_that_only_proxies_use_means_the_same() {
        let url = Url::parse("http://localhost/").unwrap();
        let headers: Headers = [("x-SIGNATURE-256", "a"), ("Content-Length", "2")]
            .map(|(name, value)| (FieldName::new(name).unwrap(), HeaderValue::from_static(value)))
            .into_iter()
            .collect();
        let request = Request { method: Method::POST, target: "/".to_owned(), headers, body: vec![b'a'; 101].into() };
        let head = |form| {
            let mut out = Vec::new();
            write_head(&Recipient::Endpoint, &url, &request, form, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            head(WireForm::Capitalised),
            "POST / HTTP/1.1\r\nhost: localhost\r\nX-Signature-256: a\r\nContent-Length: 101\r\n\r\n"
        );
        assert_eq!(
            head(WireForm::Chunked),
            "POST / HTTP/1.1\r\nhost: localhost\r\nx-SIGNATURE-256: a\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        let mut chunks = Vec::new();
        write_chunks(&request.body, &mut chunks);
        assert_eq!(chunks, format!("64\r\n{}\r\n1\r\na\r\n0\r\n\r\n", "a".repeat(100)).into_bytes());
    }

    #[test]
    fn the_credentials_of_a_url_replace_those_of_the_request() {
        let url = "http://us%3Aer:p%40ss@localhost/";
        let credentials = "Basic dXM6ZXI6cEBzcw==";
        let text = |headers: &[(&str, &[u8])]| String::from_utf8(message(Method::GET, url, headers, "")).unwrap();
        assert_eq!(text(&[]), format!("GET / HTTP/1.1\r\nhost: localhost\r\nauthorization: {credentials}\r\n\r\n"));
        assert_eq!(
            text(&[("AUTHORIZATION", b"Bearer a"), ("x", b""), ("authorization", b"Bearer b")]),
            format!("GET / HTTP/1.1\r\nhost: localhost\r\nAUTHORIZATION: {credentials}\r\nx: \r\n\r\n")
        );
    }
}
