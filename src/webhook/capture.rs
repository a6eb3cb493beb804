//! The capture format: the JSON object of a delivery, as `listen` prints it and a capture file contains it. Writer and
//! reader share one [`VERSION`].
//!
//! Verification uses only `request` and `received_at`; `provider` and `verdict` are read only to compare a later
//! verdict with. The other keys are for people and programs that read captures.

pub mod fields;
pub(crate) mod objects;

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use self::{
    fields::{ParseError, Remark, Text, expected},
    objects::{FindingObject, ForwardObject, PayloadObject, RejectionObject, RequestObject},
};
use super::{
    json::writer::{line, millis},
    record::{Delivery, Forwarded, RecordedResponse, Repeat},
    remedy::Wording,
    request::{Headers, Request},
    time::Timestamp,
};

/// The version that is written, under the key `hookdev`, and the newest that can be read.
pub const VERSION: u32 = 1;

/// The size of the largest capture that is read, in bytes: 64 MiB.
pub const MAX_SIZE: usize = 64 << 20;

/// How many header fields a captured request may have. Real requests have dozens; the time for comparing names grows
/// with the square of their number.
pub const MAX_FIELDS: usize = 1024;

/// The verdict of a request that was verified, as captures spell it.
const VERIFIED: &str = "verified";

/// The start of a delivery's line.
const LINE_START: &[u8] = br#"{"kind":"delivery","hookdev":"#;

/// How many bytes of a file [`starts_log`] needs.
pub const START_LENGTH: u64 = 64;

/// Whether a file that starts with these bytes contains captures, or other JSON that `listen` prints. Other programs
/// may have added whitespace.
#[must_use]
pub fn starts_log(start: &[u8]) -> bool {
    let compact: Vec<u8> = start.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let firsts: [&[u8]; 3] = [br#"{"kind":"delivery""#, br#"{"kind":"ready""#, br#"{"hookdev":"#];
    firsts.iter().any(|first| compact.starts_with(first))
}

/// Whether these bytes are the start of a line that [`write_delivery`] or [`write_sent`] writes, however short.
#[must_use]
pub fn starts_line(start: &[u8]) -> bool {
    let length = start.len().min(LINE_START.len());
    start[..length] == LINE_START[..length]
}

/// Appends a received delivery as one line; `wording` puts hints into words.
pub fn write_delivery(delivery: &Delivery, wording: Wording, out: &mut Vec<u8>) {
    let (request, forwards) = (RequestObject::new(&delivery.request), &delivery.forwards);
    write(delivery, request, forwards.iter().map(ForwardObject::new).collect(), None, wording, out);
}

/// Appends a received delivery as one line, with each body replaced by its length in bytes under `body_bytes`. The
/// forwards and the results of resends include the handlers' responses, in the same form. The line also says what the
/// provider expects of a response, and why the delivery was not forwarded.
pub fn write_without_bodies<'a>(
    delivery: &'a Delivery,
    resends: impl Iterator<Item = &'a Forwarded>,
    wording: Wording,
    out: &mut Vec<u8>,
) {
    let request = RequestObject::without_body(&delivery.request);
    let object = |forwarded| ForwardObject::without_body(forwarded, Some(delivery));
    write(
        delivery,
        request,
        delivery.forwards.iter().map(object).collect(),
        Some(resends.map(object).collect()),
        wording,
        out,
    );
}

/// Appends a received delivery as one line. The forwards and the results of resends include the handlers' responses,
/// and the forwards the headers of their requests, in the same order, if known.
/// The line also says what the provider expects of a response, and why the delivery was not forwarded.
pub fn write_with_responses<'a>(
    delivery: &'a Delivery,
    sent_headers: &'a [Option<Headers>],
    resends: impl Iterator<Item = &'a Forwarded>,
    wording: Wording,
    out: &mut Vec<u8>,
) {
    let request = RequestObject::new(&delivery.request);
    let object = |forwarded| ForwardObject::with_response(forwarded, Some(delivery));
    write(
        delivery,
        request,
        delivery
            .forwards
            .iter()
            .zip(sent_headers)
            .map(|(forwarded, headers)| object(forwarded).sent(headers.as_ref()))
            .collect(),
        Some(resends.map(object).collect()),
        wording,
        out,
    );
}

fn write<'a>(
    delivery: &'a Delivery,
    request: RequestObject<'a>,
    forwards: Vec<ForwardObject<'a>>,
    resends: Option<Vec<ForwardObject<'a>>>,
    wording: Wording,
    out: &mut Vec<u8>,
) {
    let assessment = &delivery.assessment;
    line(
        &DeliveryObject {
            kind: "delivery",
            hookdev: VERSION,
            seq: delivery.seq,
            received_at: delivery.received_at.to_string(),
            provider: assessment.provider_name(),
            event: assessment.event.as_deref(),
            handshake: assessment.handshake().is_some(),
            repeat: delivery.repeat.map(|Repeat { of, by, .. }| RepeatObject { of, by: by.name() }),
            verdict: assessment.verdict.name(),
            rejection: RejectionObject::new(assessment),
            secret: assessment.secret.as_ref().map(ToString::to_string),
            payload: if resends.is_some() {
                PayloadObject::explained(&assessment.payload)
            } else {
                PayloadObject::new(&assessment.payload)
            },
            findings: FindingObject::list(&assessment.findings, wording),
            warnings: delivery.warnings().iter().map(|warning| warning.text(wording)).collect(),
            request: request.called(assessment.url.as_deref()),
            response: RecordedResponseObject { status: delivery.status, elapsed_ms: millis(delivery.elapsed) },
            forwards,
            not_forwarded: resends.as_ref().and(delivery.not_forwarded.as_ref()).map(|reason| reason.text(wording)),
            policy: resends.as_ref().and_then(|_| PolicyObject::new(delivery)),
            resends,
            capture: delivery.capture.as_deref(),
        },
        out,
    );
}

/// Appends a request that was sent at `time` as one line: what a receiver would have captured, as far as the sender
/// knows it.
pub fn write_sent(request: &Request, time: Timestamp, out: &mut Vec<u8>) {
    line(
        &SentObject {
            kind: "delivery",
            hookdev: VERSION,
            received_at: time.to_string(),
            request: RequestObject::new(request),
        },
        out,
    );
}

/// The start of the line of the delivery with this number and time in a log.
#[must_use]
pub fn line_start(seq: u64, received_at: Timestamp) -> String {
    format!(r#"{{"kind":"delivery","hookdev":{VERSION},"seq":{seq},"received_at":"{received_at}","#)
}

/// The first keys must be those of [`line_start`].
#[derive(Serialize)]
struct DeliveryObject<'a> {
    kind: &'static str,
    hookdev: u32,
    seq: u64,
    received_at: String,
    provider: Option<&'a str>,
    event: Option<&'a str>,
    handshake: bool,
    repeat: Option<RepeatObject>,
    verdict: &'static str,
    rejection: Option<RejectionObject>,
    secret: Option<String>,
    payload: PayloadObject<'a>,
    findings: Vec<FindingObject<'a>>,
    warnings: Vec<String>,
    request: RequestObject<'a>,
    response: RecordedResponseObject,
    forwards: Vec<ForwardObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_forwarded: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resends: Option<Vec<ForwardObject<'a>>>,
    capture: Option<&'a str>,
}

/// What the provider of a delivery expects of a response.
#[derive(Serialize)]
struct PolicyObject<'a> {
    title: &'a str,
    limit_ms: Option<f64>,
    /// Whether it counts the status of this response as success.
    accepted: bool,
}

impl<'a> PolicyObject<'a> {
    fn new(delivery: &'a Delivery) -> Option<Self> {
        let provider = delivery.assessment.provider.as_ref()?;
        let accepted = delivery.assessment.handshake().is_some() || provider.delivery.accepts(delivery.status);
        Some(Self { title: &provider.title, limit_ms: provider.delivery.timeout.map(millis), accepted })
    }
}

#[derive(Serialize)]
struct RepeatObject {
    of: u64,
    by: &'static str,
}

#[derive(Serialize)]
struct RecordedResponseObject {
    status: u16,
    elapsed_ms: f64,
}

#[derive(Serialize)]
struct SentObject<'a> {
    kind: &'static str,
    hookdev: u32,
    received_at: String,
    request: RequestObject<'a>,
}

/// What is read from a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// When the request was received, if recorded.
    pub received_at: Option<Timestamp>,
    /// The provider for which the request was verified when captured, if recorded. This proves nothing.
    pub verified_for: Option<String>,
    /// The URL that the request was sent to, if recorded.
    pub url: Option<String>,
    /// The handler's response that was returned to the sender, if recorded.
    pub forwarded: Option<RecordedResponse>,
    pub request: Request,
}

/// Reads one JSON object: a capture, or a request that `send --print json` printed. `None` for an object of another
/// kind, such as the other lines of `listen`.
///
/// # Errors
///
/// If the document is not JSON, is not shaped like a capture, or is in a newer version of the format.
pub fn read(document: &[u8]) -> Result<Option<Capture>, ParseError> {
    let error = match parse::<RawCapture<'_>>(document) {
        Ok(capture) if capture.is_delivery() => return capture.parse().map(Some),
        Ok(_) => return Ok(None),
        Err(error) => error,
    };
    let Ok(RawKind { kind, hookdev }) = parse(document) else { return Err(ParseError::Json(error)) };
    match kind.as_ref().map(|Text(kind)| kind.as_ref()) {
        Some("delivery") | None => Err(newer_version(hookdev).unwrap_or(ParseError::Json(error))),
        Some("request") => {
            let request: RawRequest<'_> = parse(document)?;
            let (request, url) = request.parse()?;
            Ok(Some(Capture { received_at: None, verified_for: None, url, forwarded: None, request }))
        }
        Some(_) => Ok(None),
    }
}

/// Parses a document whose text is checked once, as a whole: `from_slice` checks each string, and says where the first
/// byte is that isn't UTF-8.
fn parse<'a, T: Deserialize<'a>>(document: &'a [u8]) -> serde_json::Result<T> {
    match str::from_utf8(document) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(document),
    }
}

/// A capture; `kind` and `hookdev` may be missing in one written by hand.
#[derive(Deserialize)]
#[serde(expecting = "a capture, an object with `request`")]
struct RawCapture<'a> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    hookdev: Option<u64>,
    #[serde(borrow)]
    received_at: Option<Text<'a>>,
    #[serde(borrow, default)]
    provider: Remark<'a>,
    #[serde(borrow, default)]
    verdict: Remark<'a>,
    #[serde(default, deserialize_with = "fields::first")]
    forwards: Option<RawForward>,
    #[serde(borrow)]
    request: RawRequest<'a>,
}

/// The result of a forward.
#[derive(Clone, Copy, Debug, Deserialize)]
struct RawForward {
    status: Option<u16>,
    elapsed_ms: f64,
}

/// The keys that identify an object that isn't shaped like a capture.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct RawKind<'a> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    hookdev: Option<u64>,
}

/// The request of a capture, or one that `send --print json` printed: that has `url` instead of `target`.
#[derive(Deserialize)]
#[serde(expecting = "a request, an object with `method`, `target`, `headers` and `body`")]
struct RawRequest<'a> {
    #[serde(borrow)]
    method: Text<'a>,
    #[serde(borrow)]
    target: Option<Text<'a>>,
    #[serde(borrow)]
    url: Option<Text<'a>>,
    #[serde(borrow)]
    headers: Vec<RawHeader<'a>>,
    #[serde(borrow)]
    body: Option<Text<'a>>,
    #[serde(borrow)]
    body_base64: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a header as [name, value]")]
struct RawHeader<'a>(#[serde(borrow)] Text<'a>, #[serde(borrow)] Text<'a>);

impl RawCapture<'_> {
    fn is_delivery(&self) -> bool {
        self.kind.as_ref().is_none_or(|Text(kind)| kind == "delivery" || kind == "request")
    }

    fn parse(self) -> Result<Capture, ParseError> {
        if let Some(error) = newer_version(self.hookdev) {
            return Err(error);
        }
        let received_at = self.received_at.map(|Text(time)| fields::time("received_at", &time)).transpose()?;
        let verified_for = self.provider.0.filter(|_| self.verdict.0.as_deref() == Some(VERIFIED));
        let (request, url) = self.request.parse()?;
        let forwarded = self.forwards.map(|RawForward { status, elapsed_ms }| RecordedResponse {
            status,
            elapsed: Duration::try_from_secs_f64(elapsed_ms / 1000.0).unwrap_or_default(),
        });
        Ok(Capture { received_at, verified_for: verified_for.map(Cow::into_owned), url, forwarded, request })
    }
}

impl RawRequest<'_> {
    /// The request, and its URL if it has one.
    fn parse(self) -> Result<(Request, Option<String>), ParseError> {
        let url = self.url.as_ref().map(|Text(url)| url.clone().into_owned());
        let method = fields::method("method", &self.method.0)?;
        let Text(place) = self.target.or(self.url).ok_or_else(|| expected("a path in `target`"))?;
        let target = fields::target("target", &place)?;
        let mut headers = Headers::with_capacity(self.headers.len());
        for RawHeader(Text(name), Text(value)) in &self.headers {
            let (name, value) = fields::header(name, value)?;
            headers.push(name, value);
        }
        Ok((Request { method, target, headers, body: body(self.body, self.body_base64)? }, url))
    }
}

fn body(text: Option<Text<'_>>, base64: Option<Text<'_>>) -> Result<Bytes, ParseError> {
    match (text, base64) {
        (None, None) => Ok(Bytes::new()),
        (Some(Text(text)), None) => Ok(text.into_owned().into()),
        (None, Some(Text(base64))) => fields::base64("body_base64", &base64),
        (Some(_), Some(_)) => Err(expected("`body` or `body_base64`, found both")),
    }
}

fn newer_version(version: Option<u64>) -> Option<ParseError> {
    version.filter(|&version| version > u64::from(VERSION)).map(ParseError::NewerVersion)
}

#[cfg(test)]
mod tests;
