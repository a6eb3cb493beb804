//! The lines of `send`: one for each attempt, or for each request that is printed instead.

use serde::Serialize;

use super::{line, millis};
use crate::webhook::{
    capture::objects::{BodyObject, HeaderPairs, ResponseObject},
    record::Attempt,
    request::Request,
};

#[derive(Serialize)]
pub(super) struct AttemptLine<'a> {
    kind: &'static str,
    provider: Option<&'a str>,
    event: Option<&'a str>,
    id: Option<&'a str>,
    file: Option<&'a str>,
    url: &'a str,
    attempt: u32,
    of: u32,
    outcome: &'static str,
    status: Option<u16>,
    elapsed_ms: f64,
    reason: &'a str,
    was: Option<WasObject>,
    change: Option<&'static str>,
    response: Option<ResponseObject<'a>>,
}

#[derive(Serialize)]
struct WasObject {
    status: Option<u16>,
}

impl<'a> AttemptLine<'a> {
    pub(super) fn new(attempt: &'a Attempt) -> Self {
        let response = attempt.response.as_ref();
        Self {
            kind: "attempt",
            provider: attempt.provider.as_deref(),
            event: attempt.event.as_deref(),
            id: attempt.id.as_deref(),
            file: attempt.source.as_ref().map(|source| source.file.as_str()),
            url: &attempt.url,
            attempt: attempt.number,
            of: attempt.of,
            outcome: attempt.outcome.name(),
            status: response.map(|response| response.status),
            elapsed_ms: millis(attempt.elapsed),
            reason: &attempt.reason,
            was: attempt.was.map(|(was, _)| WasObject { status: was.status }),
            change: attempt.was.map(|(_, change)| change.name()),
            response: response.map(ResponseObject::new),
        }
    }
}

/// Appends the line of an attempt.
pub fn attempt(attempt: &Attempt, out: &mut Vec<u8>) {
    line(&AttemptLine::new(attempt), out);
}

#[derive(Serialize)]
struct SentRequestLine<'a> {
    kind: &'static str,
    method: &'a str,
    url: &'a str,
    headers: HeaderPairs<'a>,
    #[serde(flatten)]
    body: BodyObject<'a>,
}

/// Appends the line of a request that is printed instead of sent.
pub fn request(request: &Request, url: &str, out: &mut Vec<u8>) {
    line(
        &SentRequestLine {
            kind: "request",
            method: request.method.as_str(),
            url,
            headers: HeaderPairs(&request.headers),
            body: BodyObject::new(&request.body),
        },
        out,
    );
}
