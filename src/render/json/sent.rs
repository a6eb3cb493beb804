//! The lines of `send`: one for each attempt, or for each request that is printed instead; and the captures of what was
//! sent.

use serde::Serialize;

use super::{BodyObject, HeaderPairs, RequestObject, VERSION, line, millis, request_object};
use crate::webhook::{
    record::{Attempt, Response},
    request::Request,
    time::Timestamp,
};

#[derive(Serialize)]
struct AttemptLine<'a> {
    kind: &'static str,
    provider: Option<&'a str>,
    event: Option<&'a str>,
    url: &'a str,
    attempt: u32,
    of: u32,
    outcome: &'static str,
    status: Option<u16>,
    elapsed_ms: f64,
    reason: &'a str,
    response: Option<AnswerObject<'a>>,
}

#[derive(Serialize)]
struct AnswerObject<'a> {
    headers: HeaderPairs<'a>,
    #[serde(flatten)]
    body: BodyObject<'a>,
}

/// Appends the line of an attempt.
pub fn attempt(attempt: &Attempt, out: &mut Vec<u8>) {
    let answer = |answer: &'_ Response| answer.status;
    line(
        &AttemptLine {
            kind: "attempt",
            provider: attempt.provider.as_deref(),
            event: attempt.event.as_deref(),
            url: &attempt.url,
            attempt: attempt.number,
            of: attempt.of,
            outcome: attempt.outcome.name(),
            status: attempt.response.as_ref().map(answer),
            elapsed_ms: millis(attempt.elapsed),
            reason: &attempt.reason,
            response: attempt.response.as_ref().map(|answer| AnswerObject {
                headers: HeaderPairs(&answer.headers),
                body: BodyObject::of(&answer.body),
            }),
        },
        out,
    );
}

#[derive(Serialize)]
struct RequestLine<'a> {
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
        &RequestLine {
            kind: "request",
            method: request.method.as_str(),
            url,
            headers: HeaderPairs(&request.headers),
            body: BodyObject::of(&request.body),
        },
        out,
    );
}

#[derive(Serialize)]
struct CaptureLine<'a> {
    kind: &'static str,
    hookdev: u32,
    received_at: String,
    request: RequestObject<'a>,
}

/// Appends the capture of a request that was sent at `time`: what a receiver would have kept, as
/// far as the sender knows it.
pub fn sent_capture(request: &Request, time: Timestamp, out: &mut Vec<u8>) {
    line(
        &CaptureLine {
            kind: "delivery",
            hookdev: VERSION,
            received_at: time.to_string(),
            request: request_object(request),
        },
        out,
    );
}
