//! Forms, urlencoded and multipart, and compressed bodies: read within their limit, and a written form is read back
//! with the same fields.

use std::io::Write;

use bytes::Bytes;
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use hookdev::{
    render::{palette::Palette, payload::BodyLimits, pretty::Page},
    webhook::{
        provider::payload::{Payload, PayloadKind, decoded},
        request::{HeaderName, HeaderValue, Headers, Method, Request},
    },
};

use super::{Input, assert_printable};

/// The longest decoded body, in bytes.
const LIMIT: usize = 64 << 10;

/// A body of any bytes, with a choice of content type and encoding.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let media = *input.one_of(&[
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=\"x y\"",
        "multipart/form-data",
        "application/json",
        "text/plain",
    ]);
    let encoding = *input.one_of(&["identity", "gzip", "deflate", "br"]);
    let body = input.rest();
    reads(media, encoding, Bytes::copy_from_slice(body));
    comes_back_decoded(body);
    let text = String::from_utf8_lossy(body).into_owned();
    let pairs: Vec<(&str, &str)> = text.split('\n').map(|line| line.split_once('=').unwrap_or((line, ""))).collect();
    comes_back_urlencoded(&pairs);
    comes_back_multipart(&pairs);
}

fn request(media: &str, encoding: &str, body: Bytes) -> Request {
    let value = |text: &str| HeaderValue::try_from(text).expect("a header value");
    let headers: Headers = [
        (HeaderName::from_static("content-type"), value(media)),
        (HeaderName::from_static("content-encoding"), value(encoding)),
    ]
    .into_iter()
    .collect();
    Request { method: Method::POST, target: "/".to_owned(), headers, body }
}

fn reads(media: &str, encoding: &str, body: Bytes) {
    let request = request(media, encoding, body);
    if let Ok(body) = decoded(&request, LIMIT) {
        assert!(encoding == "identity" || body.len() <= LIMIT);
        let payload = Payload::parse(&request, &body);
        assert_eq!(payload.kind == PayloadKind::Opaque, payload.root().is_none());
    }
    let mut page = String::new();
    let look = Page {
        verbose: true,
        palette: Palette::new(false),
        width: Some(80),
        zone: jiff::tz::TimeZone::UTC,
        body: Some(BodyLimits::EXCERPT),
        decoded_limit: LIMIT,
        wording: |remedy| format!("{remedy:?}"),
    };
    look.body(&request, BodyLimits::EXCERPT, &mut page);
    assert_printable(&page);
}

fn comes_back_decoded(body: &[u8]) {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(body).and_then(|()| deflate.write_all(body)).expect("memory takes it");
    for (encoding, coded) in [("gzip", gzip.finish()), ("deflate", deflate.finish())] {
        let request = request("text/plain", encoding, coded.expect("memory takes it").into());
        match decoded(&request, LIMIT) {
            Ok(read) => assert_eq!(read, body),
            Err(_) => assert!(body.len() > LIMIT),
        }
    }
}

fn comes_back_urlencoded(pairs: &[(&str, &str)]) {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let request = request("application/x-www-form-urlencoded", "identity", body.into());
    assert_eq!(Payload::parse(&request, &request.body).fields().collect::<Vec<_>>(), pairs);
}

fn comes_back_multipart(pairs: &[(&str, &str)]) {
    const BOUNDARY: &str = "0f4a-the-boundary-of-this-check";
    if pairs.iter().any(|(_, value)| value.contains(BOUNDARY)) {
        return;
    }
    let mut body = String::new();
    for (place, (_, value)) in pairs.iter().enumerate() {
        body.extend([format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"n{place}\"\r\n\r\n{value}\r\n")]);
    }
    body.extend([format!("--{BOUNDARY}--\r\n")]);
    let request = request(&format!("multipart/form-data; boundary={BOUNDARY}"), "identity", body.into());
    let payload = Payload::parse(&request, &request.body);
    let expected: Vec<(String, &str)> =
        pairs.iter().enumerate().map(|(place, (_, value))| (format!("n{place}"), *value)).collect();
    let read: Vec<(String, &str)> = payload.fields().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(read, expected);
}
