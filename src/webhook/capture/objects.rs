//! The JSON objects that captures share with the other lines that hookdev prints. Scripts rely on their keys.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Serialize, Serializer, ser::SerializeSeq};

use crate::webhook::{
    assessment::{Assessment, PayloadCheck},
    diagnose::Finding,
    forward_hint::advice,
    json::writer::millis,
    record::{Delivery, Forwarded, Response},
    remedy::Wording,
    request::{self, Headers, Request},
    response::Excerpt,
    schema::SchemaViolation,
};

/// A request as it was received or sent.
#[derive(Serialize)]
pub(crate) struct RequestObject<'a> {
    method: &'a str,
    target: &'a str,
    /// The URL that was called, if it is known and schemes may sign it.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    headers: HeaderPairs<'a>,
    #[serde(flatten)]
    body: BodyObject<'a>,
}

impl<'a> RequestObject<'a> {
    pub(crate) fn new(request: &'a Request) -> Self {
        Self {
            method: request.method.as_str(),
            target: &request.target,
            url: None,
            headers: HeaderPairs(&request.headers),
            body: BodyObject::new(&request.body),
        }
    }

    pub(crate) fn without_body(request: &'a Request) -> Self {
        Self {
            method: request.method.as_str(),
            target: &request.target,
            url: None,
            headers: HeaderPairs(&request.headers),
            body: BodyObject::length(&request.body),
        }
    }

    /// Adds the URL that was called, if it is known.
    pub(crate) fn called(self, url: Option<&'a str>) -> Self {
        Self { url, ..self }
    }
}

/// A body: text if its bytes are UTF-8, base64 otherwise; or only its length.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum BodyObject<'a> {
    Text { body: &'a str },
    Bytes { body_base64: String },
    Length { body_bytes: usize },
}

impl<'a> BodyObject<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(body) => Self::Text { body },
            Err(_) => Self::Bytes { body_base64: STANDARD.encode(bytes) },
        }
    }

    pub(crate) fn length(bytes: &[u8]) -> Self {
        Self::Length { body_bytes: bytes.len() }
    }
}

/// Headers as pairs of name and value.
pub(crate) struct HeaderPairs<'a>(pub(crate) &'a Headers);

impl Serialize for HeaderPairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pairs = serializer.serialize_seq(Some(self.0.len()))?;
        for (name, value) in self.0 {
            pairs.serialize_element(&(name.spelling(), request::text(value)))?;
        }
        pairs.end()
    }
}

/// Why a request is rejected.
#[derive(Serialize)]
pub(crate) struct RejectionObject {
    code: &'static str,
    message: String,
}

impl RejectionObject {
    pub(crate) fn new(assessment: &Assessment) -> Option<Self> {
        let reason = &assessment.verdict.rejection()?.reason;
        Some(Self { code: reason.code(), message: reason.to_string() })
    }
}

/// A finding that explains a rejection.
#[derive(Serialize)]
pub(crate) struct FindingObject<'a> {
    code: &'static str,
    message: &'a str,
    hint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

impl<'a> FindingObject<'a> {
    pub(crate) fn list(findings: &'a [Finding], wording: Wording) -> Vec<Self> {
        let object = |finding: &'a Finding| {
            let Finding { code, message, remedy, detail } = finding;
            Self { code: code.as_str(), message, hint: wording(remedy), detail: detail.as_deref() }
        };
        findings.iter().map(object).collect()
    }
}

/// The result of a forward.
#[derive(Serialize)]
pub(crate) struct ForwardObject<'a> {
    url: &'a str,
    status: Option<u16>,
    elapsed_ms: f64,
    /// Why there is no response.
    error: Option<&'a str>,
    /// The status of a response that did not come as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    incomplete_status: Option<u16>,
    /// The headers of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_headers: Option<HeaderPairs<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<ResponseObject<'a>>,
    /// What to do about a failed forward.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// The most helpful lines of its response.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    excerpt: Vec<String>,
}

/// A response as it was received.
#[derive(Serialize)]
pub(crate) struct ResponseObject<'a> {
    headers: HeaderPairs<'a>,
    #[serde(flatten)]
    body: BodyObject<'a>,
}

impl<'a> ResponseObject<'a> {
    pub(crate) fn new(response: &'a Response) -> Self {
        Self { headers: HeaderPairs(&response.headers), body: BodyObject::new(&response.body) }
    }

    fn without_body(response: &'a Response) -> Self {
        Self { headers: HeaderPairs(&response.headers), body: BodyObject::length(&response.body) }
    }
}

impl<'a> ForwardObject<'a> {
    pub(crate) fn new(forwarded: &'a Forwarded) -> Self {
        Self {
            url: &forwarded.url,
            status: forwarded.outcome.as_ref().ok().map(|response| response.status),
            elapsed_ms: millis(forwarded.elapsed),
            error: forwarded.outcome.as_ref().err().map(|problem| problem.message.as_str()),
            incomplete_status: None,
            sent_headers: None,
            response: None,
            hint: None,
            excerpt: Vec::new(),
        }
    }

    /// With the handler's response, if there is one, and what to do about it.
    pub(crate) fn with_response(forwarded: &'a Forwarded, delivery: Option<&Delivery>) -> Self {
        let response = forwarded.outcome.as_ref().ok().map(ResponseObject::new);
        Self { response, ..Self::explained(forwarded, delivery) }
    }

    /// With the handler's response without its body, and what to do about it.
    pub(crate) fn without_body(forwarded: &'a Forwarded, delivery: Option<&Delivery>) -> Self {
        let response = forwarded.outcome.as_ref().ok().map(ResponseObject::without_body);
        Self { response, ..Self::explained(forwarded, delivery) }
    }

    /// Adds the headers of the request.
    pub(crate) fn sent(self, headers: Option<&'a Headers>) -> Self {
        Self { sent_headers: headers.map(HeaderPairs), ..self }
    }

    fn explained(forwarded: &'a Forwarded, delivery: Option<&Delivery>) -> Self {
        let failed = forwarded.outcome.as_ref().ok().filter(|response| !(200..300).contains(&response.status));
        let excerpt = match failed.and_then(Excerpt::of) {
            Some(Excerpt::Text(lines)) => lines,
            Some(Excerpt::Binary(_)) | None => Vec::new(),
        };
        Self {
            incomplete_status: forwarded.incomplete_status(),
            hint: advice(forwarded, delivery),
            excerpt,
            ..Self::new(forwarded)
        }
    }
}

/// How the payload compares with its schema.
#[derive(Serialize)]
pub(crate) struct PayloadObject<'a> {
    status: &'static str,
    /// Whether there is a schema, but the payload can't be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unreadable: bool,
    errors: Vec<ErrorObject<'a>>,
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    pointer: &'a str,
    message: &'a str,
}

impl<'a> PayloadObject<'a> {
    pub(crate) fn new(check: &'a PayloadCheck) -> Self {
        let errors = check.errors().iter().map(|SchemaViolation { pointer, message }| ErrorObject { pointer, message });
        Self { status: check.name(), unreadable: false, errors: errors.collect() }
    }

    /// The same, with the reason why it is unknown.
    pub(crate) fn explained(check: &'a PayloadCheck) -> Self {
        Self { unreadable: *check == PayloadCheck::Unreadable, ..Self::new(check) }
    }
}
