//! Rules for request heads beyond those that hyper checks: rules of RFC 9110 and 9112 that keep two programs from
//! interpreting one message differently, and limits on what is displayed.

use hyper::{
    Method, StatusCode, Version,
    header::{EXPECT, HOST, TRANSFER_ENCODING},
    http::request::Parts,
};

use super::refusal::Refusal;

/// The maximum length of a method, in bytes. Registered methods have up to 17.
pub const LONGEST_METHOD: usize = 32;

/// Checks a head; `longest_target` is in bytes.
///
/// # Errors
///
/// If the request must be refused.
pub fn check(head: &Parts, longest_target: usize) -> Result<(), Refusal> {
    let (status, text) = if head.method.as_str().len() > LONGEST_METHOD {
        (StatusCode::NOT_IMPLEMENTED, "the method is too long\n")
    } else if head.method == Method::CONNECT {
        (StatusCode::METHOD_NOT_ALLOWED, "hookdev is not a proxy\n")
    } else if head.uri.path_and_query().is_some_and(|target| target.as_str().len() > longest_target) {
        (StatusCode::URI_TOO_LONG, "the request target is too long\n")
    } else if !has_valid_target(head) {
        (StatusCode::BAD_REQUEST, "the request target is neither a path nor a URL\n")
    } else if !has_valid_host(head) {
        (StatusCode::BAD_REQUEST, "a request needs exactly one `host` header\n")
    } else if !has_known_coding(head) {
        (StatusCode::NOT_IMPLEMENTED, "the only supported transfer coding is `chunked`\n")
    } else if !head.headers.get_all(EXPECT).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        (StatusCode::EXPECTATION_FAILED, "the only supported expectation is `100-continue`\n")
    } else {
        return Ok(());
    };
    Err(Refusal::new(status, text))
}

/// Whether the target is in origin form or absolute form, or is `*` in an OPTIONS request (RFC 9112, 3.2).
fn has_valid_target(head: &Parts) -> bool {
    match head.uri.path() {
        "*" => head.method == Method::OPTIONS,
        _ => head.uri.authority().is_none() || head.uri.scheme().is_some(),
    }
}

/// RFC 9112, 3.2: the response to an HTTP/1.1 request with no `host`, or with several, must be 400.
fn has_valid_host(head: &Parts) -> bool {
    match head.headers.get_all(HOST).iter().count() {
        0 => head.version < Version::HTTP_11,
        count => count == 1,
    }
}

/// Whether the body has no transfer coding, or only `chunked`. With any other, the encoded bytes would be mistaken for
/// the body.
fn has_known_coding(head: &Parts) -> bool {
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    codings.next().is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked")) && codings.next().is_none()
}
