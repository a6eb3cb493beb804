//! What programs read: one JSON object a line. The object of a delivery is also the form of a
//! capture on disk. Keys, once here, stay.

mod cases;

use std::{io, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Serialize, ser::SerializeSeq};
use serde_json::{Serializer, ser::Formatter};

pub use cases::{case, case_summary, listed_case};

use super::text;
use crate::webhook::{
    assessment::{Assessment, PayloadCheck},
    contract::Term,
    diagnose::Finding,
    provider::{Provider, event::Event},
    record::{Answer, Attempt, Delivery, Forwarded},
    request::{self, Headers, Request},
    schema::Violation,
};

/// The version of the capture format, the value of the key `hookdev`.
pub const VERSION: u32 = 1;

/// Appends a value as one line.
pub(super) fn line(value: &impl Serialize, out: &mut Vec<u8>) {
    let mut serializer = Serializer::with_formatter(&mut *out, Printable);
    // Writing to memory fails only for maps with keys that are no strings, and there is none.
    if value.serialize(&mut serializer).is_ok() {
        out.push(b'\n');
    }
}

/// JSON in which everything that [`text`] hides from people is escaped: it means the same to a
/// program, and nothing to a terminal.
struct Printable;

impl Formatter for Printable {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((plain, hidden, behind)) = text::split_at_hidden(rest) {
            writer.write_all(plain.as_bytes())?;
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = behind;
        }
        writer.write_all(rest.as_bytes())
    }
}

#[derive(Serialize)]
struct Ready<'a> {
    kind: &'static str,
    url: &'a str,
    inspector: Option<&'a str>,
    tunnel: Option<&'a str>,
}

/// Appends the line that says where `listen` listens.
pub fn ready(url: &str, out: &mut Vec<u8>) {
    line(&Ready { kind: "ready", url, inspector: None, tunnel: None }, out);
}

#[derive(Serialize)]
struct DeliveryLine<'a> {
    kind: &'static str,
    hookdev: u32,
    seq: u64,
    received_at: String,
    provider: Option<&'a str>,
    event: Option<&'a str>,
    verdict: &'static str,
    rejection: Option<RejectionObject>,
    secret: Option<String>,
    payload: PayloadObject<'a>,
    findings: Vec<FindingObject<'a>>,
    warnings: Vec<String>,
    request: RequestObject<'a>,
    response: ResponseObject,
    forwards: Vec<ForwardObject<'a>>,
    capture: Option<&'a str>,
}

/// Appends the line of a delivery, which is also what a capture holds.
pub fn delivery(delivery: &Delivery, out: &mut Vec<u8>) {
    let assessment = &delivery.assessment;
    line(
        &DeliveryLine {
            kind: "delivery",
            hookdev: VERSION,
            seq: delivery.seq,
            received_at: delivery.received_at.to_string(),
            provider: assessment.provider_name(),
            event: assessment.event.as_deref(),
            verdict: assessment.verdict.name(),
            rejection: rejection(assessment),
            secret: assessment.secret.as_ref().map(ToString::to_string),
            payload: payload(&assessment.payload),
            findings: findings(assessment),
            warnings: delivery.warnings(),
            request: request_object(&delivery.request),
            response: ResponseObject { status: delivery.status, elapsed_ms: millis(delivery.elapsed) },
            forwards: delivery.forwards.iter().map(forward).collect(),
            capture: delivery.capture.as_deref(),
        },
        out,
    );
}

/// Why a request is refused.
#[derive(Serialize)]
struct RejectionObject {
    code: &'static str,
    message: String,
}

fn rejection(assessment: &Assessment) -> Option<RejectionObject> {
    let reason = &assessment.verdict.rejection()?.reason;
    Some(RejectionObject { code: reason.code(), message: reason.to_string() })
}

/// What explains a refusal.
#[derive(Serialize)]
struct FindingObject<'a> {
    code: &'static str,
    message: &'a str,
    hint: &'a str,
}

fn findings(assessment: &Assessment) -> Vec<FindingObject<'_>> {
    let findings = assessment.findings.iter();
    findings.map(|Finding { code, message, hint }| FindingObject { code: code.as_str(), message, hint }).collect()
}

#[derive(Serialize)]
struct PayloadObject<'a> {
    status: &'static str,
    errors: Vec<ErrorObject<'a>>,
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    pointer: &'a str,
    message: &'a str,
}

fn payload(check: &PayloadCheck) -> PayloadObject<'_> {
    let errors = check.errors().iter().map(|Violation { pointer, message }| ErrorObject { pointer, message });
    PayloadObject { status: check.name(), errors: errors.collect() }
}

#[derive(Serialize)]
struct RequestObject<'a> {
    method: &'a str,
    target: &'a str,
    headers: HeaderPairs<'a>,
    #[serde(flatten)]
    body: BodyObject<'a>,
}

fn request_object(request: &Request) -> RequestObject<'_> {
    RequestObject {
        method: request.method.as_str(),
        target: &request.target,
        headers: HeaderPairs(&request.headers),
        body: BodyObject::of(&request.body),
    }
}

/// A body: text where its bytes are UTF-8, base64 otherwise.
#[derive(Serialize)]
#[serde(untagged)]
enum BodyObject<'a> {
    Text { body: &'a str },
    Bytes { body_base64: String },
}

impl<'a> BodyObject<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(body) => Self::Text { body },
            Err(_) => Self::Bytes { body_base64: STANDARD.encode(bytes) },
        }
    }
}

/// Headers as pairs of name and value.
struct HeaderPairs<'a>(&'a Headers);

impl Serialize for HeaderPairs<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pairs = serializer.serialize_seq(Some(self.0.len()))?;
        for (name, value) in self.0 {
            pairs.serialize_element(&(name.as_str(), request::text(value)))?;
        }
        pairs.end()
    }
}

#[derive(Serialize)]
struct ResponseObject {
    status: u16,
    elapsed_ms: f64,
}

#[derive(Serialize)]
struct ForwardObject<'a> {
    url: &'a str,
    status: Option<u16>,
    elapsed_ms: f64,
    error: Option<&'a str>,
}

fn forward(forwarded: &Forwarded) -> ForwardObject<'_> {
    ForwardObject {
        url: &forwarded.url,
        status: forwarded.outcome.as_ref().ok().map(|answer| answer.status),
        elapsed_ms: millis(forwarded.elapsed),
        error: forwarded.outcome.as_ref().err().map(String::as_str),
    }
}

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
    let answer = |answer: &'_ Answer| answer.status;
    line(
        &AttemptLine {
            kind: "attempt",
            provider: attempt.provider.as_deref(),
            event: attempt.event.as_deref(),
            url: &attempt.url,
            attempt: attempt.number,
            of: attempt.of,
            outcome: attempt.outcome.name(),
            status: attempt.answer.as_ref().map(answer),
            elapsed_ms: millis(attempt.elapsed),
            reason: &attempt.reason,
            response: attempt.answer.as_ref().map(|answer| AnswerObject {
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
pub fn sent_capture(request: &Request, time: crate::webhook::time::Timestamp, out: &mut Vec<u8>) {
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

#[derive(Serialize)]
struct VerificationLine<'a> {
    kind: &'static str,
    file: &'a str,
    entry: usize,
    provider: Option<&'a str>,
    event: Option<&'a str>,
    verdict: &'static str,
    rejection: Option<RejectionObject>,
    secret: Option<String>,
    payload: PayloadObject<'a>,
    findings: Vec<FindingObject<'a>>,
}

/// Appends the line of a verified capture.
pub fn verification(file: &str, entry: usize, assessment: &Assessment, out: &mut Vec<u8>) {
    line(
        &VerificationLine {
            kind: "verification",
            file,
            entry,
            provider: assessment.provider_name(),
            event: assessment.event.as_deref(),
            verdict: assessment.verdict.name(),
            rejection: rejection(assessment),
            secret: assessment.secret.as_ref().map(ToString::to_string),
            payload: payload(&assessment.payload),
            findings: findings(assessment),
        },
        out,
    );
}

#[derive(Serialize)]
struct EventLine<'a> {
    kind: &'static str,
    name: &'a str,
    provider: &'a str,
    about: &'a str,
    signed: bool,
    illustrative: bool,
    variants: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Box<serde_json::value::RawValue>>,
}

/// Appends the line of an event that can be sent, with its payload's own text if that is wanted.
pub fn event(provider: &Provider, event: &Event, payload: Option<&str>, out: &mut Vec<u8>) {
    let raw = payload.and_then(|text| serde_json::value::RawValue::from_string(text.to_owned()).ok());
    line(
        &EventLine {
            kind: "event",
            name: &event.full_name,
            provider: &provider.name,
            about: &event.about,
            signed: !provider.schemes.is_empty() && !event.unsigned,
            illustrative: event.illustrative,
            variants: event.variants.len(),
            payload: raw,
        },
        out,
    );
}

#[derive(Serialize)]
struct TermLine<'a> {
    kind: &'static str,
    provider: &'a str,
    term: &'a str,
    text: &'a str,
    lacking: bool,
}

/// Appends a term of a provider's contract.
pub fn term(provider: &Provider, term: &Term, out: &mut Vec<u8>) {
    line(
        &TermLine { kind: "term", provider: &provider.name, term: term.name, text: &term.text, lacking: term.is_lack },
        out,
    );
}

/// A duration in milliseconds, to the microsecond.
pub(super) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::{diagnose::Code, signature::Verdict};

    #[test]
    fn findings_are_told_by_code_message_and_hint() {
        let finding = Finding { code: Code::BodyBom, message: "a mark \"came\"".into(), hint: "remove it".into() };
        let assessment = Assessment {
            provider: None,
            event: None,
            verdict: Verdict::Unrecognised,
            secret: None,
            payload: PayloadCheck::Unknown,
            summary: None,
            findings: vec![finding],
            warnings: Vec::new(),
        };
        let mut out = Vec::new();
        verification("a.json", 0, &assessment, &mut out);
        let line: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let expected = serde_json::json!([{"code": "body-bom", "message": "a mark \"came\"", "hint": "remove it"}]);
        assert_eq!(line["findings"], expected);
    }
}
