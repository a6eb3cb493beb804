//! What a request's head must be beyond what hyper asks: rules of RFC 9110 and 9112 that keep two
//! programs from reading one message in two ways, and a bound on what is shown of it.

use hyper::{
    Method, StatusCode, Version,
    header::{EXPECT, HOST, TRANSFER_ENCODING},
    http::request::Parts,
};

use super::refusal::Refusal;

/// The longest method, in bytes. Registered ones have up to 17.
pub const LONGEST_METHOD: usize = 32;

/// Why a request with this head is refused, if it is; a target may have `longest` bytes.
pub fn refused(head: &Parts, longest: usize) -> Option<Refusal> {
    let (status, told) = if head.method.as_str().len() > LONGEST_METHOD {
        (StatusCode::NOT_IMPLEMENTED, "the method is too long\n")
    } else if head.method == Method::CONNECT {
        (StatusCode::METHOD_NOT_ALLOWED, "hookdev is no proxy\n")
    } else if head.uri.path_and_query().is_some_and(|target| target.as_str().len() > longest) {
        (StatusCode::URI_TOO_LONG, "the target is too long\n")
    } else if !has_target(head) {
        (StatusCode::BAD_REQUEST, "the target is neither a path nor a URL\n")
    } else if !has_host(head) {
        (StatusCode::BAD_REQUEST, "a request has one `host`, no more and no less\n")
    } else if !is_plainly_coded(head) {
        (StatusCode::NOT_IMPLEMENTED, "no transfer coding but `chunked` is known\n")
    } else if !head.headers.get_all(EXPECT).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        (StatusCode::EXPECTATION_FAILED, "nothing but `100-continue` can be expected\n")
    } else {
        return None;
    };
    Some(Refusal::new(status, told))
}

/// Whether it is in origin form or absolute form, or asks for the options of the server (RFC 9112, 3.2).
fn has_target(head: &Parts) -> bool {
    match head.uri.path() {
        "*" => head.method == Method::OPTIONS,
        _ => head.uri.authority().is_none() || head.uri.scheme().is_some(),
    }
}

/// RFC 9112, 3.2: without it, or with several, an HTTP/1.1 request must be answered 400.
fn has_host(head: &Parts) -> bool {
    match head.headers.get_all(HOST).iter().count() {
        0 => head.version < Version::HTTP_11,
        count => count == 1,
    }
}

/// Whether the body is in no transfer coding, or in `chunked` alone: the bytes under any other would
/// be taken for the body.
fn is_plainly_coded(head: &Parts) -> bool {
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    codings.next().is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked")) && codings.next().is_none()
}
