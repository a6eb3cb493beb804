//! Captures in every format: a request that is read from one can be written as hookdev's own capture and as an HTTP
//! message, and is read back with the same bytes.

use std::path::Path;

use bytes::Bytes;
use hookdev::{
    net::client::{is_hop_by_hop, write_message},
    render,
    store::formats,
    webhook::{
        capture,
        request::{HeaderName, HeaderValue, Headers, Method, Request},
        time::Timestamp,
    },
};
use url::Url;

use super::assert_printable;

/// An input in any format; and a body, a header value and a target of any bytes.
pub fn check(bytes: &[u8]) {
    if let Ok(entries) = formats::read(Path::new("input"), bytes) {
        for entry in entries.flatten() {
            entry.notes.iter().for_each(|note| assert_printable(&render::text::printable(note)));
            let written = kept(&entry.request);
            assert_eq!(read(&written), entry.request, "{}", String::from_utf8_lossy(&written));
            message_reads_back(&entry.request);
        }
    }
    let mut headers = Headers::new();
    for line in bytes.split(|&byte| byte == b'\n').take(3) {
        if let Ok(value) = HeaderValue::from_bytes(line.trim_ascii()) {
            headers.push(HeaderName::from_static("x-any"), value);
        }
    }
    let request =
        Request { method: Method::POST, target: "/a?b=%20".to_owned(), headers, body: Bytes::copy_from_slice(bytes) };
    assert_eq!(read(&kept(&request)), request);
    message_reads_back(&request);
}

fn kept(request: &Request) -> Vec<u8> {
    let mut line = Vec::new();
    capture::write_sent(request, Timestamp::from_unix_seconds(1_735_732_800), &mut line);
    assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(line.len() - 1), "one line");
    line
}

/// As an HTTP message, unless its own headers contradict that.
fn message_reads_back(request: &Request) {
    let is_of_the_message = |name: &str| name == "host" || is_hop_by_hop(name);
    if request.headers.iter().any(|(name, _)| is_of_the_message(name.as_str())) {
        return;
    }
    let mut message = Vec::new();
    write_message(&Url::parse("http://localhost:1/").unwrap(), request, &mut message);
    let mut back = read(&message);
    back.headers.remove("host");
    back.headers.remove("content-length");
    assert_eq!(&back, request, "{}", String::from_utf8_lossy(&message));
}

/// The only request of an input.
#[track_caller]
fn read(input: &[u8]) -> Request {
    let shown = || String::from_utf8_lossy(input).into_owned();
    let entries = formats::read(Path::new("kept"), input).unwrap_or_else(|error| panic!("{error}: {}", shown()));
    let mut entries: Vec<_> = entries.collect();
    assert_eq!(entries.len(), 1, "{}", shown());
    entries.remove(0).unwrap_or_else(|error| panic!("{error}: {}", shown())).request
}
