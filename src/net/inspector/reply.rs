//! The responses of the inspector, and the headers that they share.

use bytes::Bytes;
use http::{
    HeaderMap, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
        REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    },
};
use serde::Serialize;

use super::{assets::Asset, gate::GateRefusal};
use crate::{
    net::receiver::{Outgoing, Pieces},
    webhook::{json::writer::line, record, request::Headers},
};

/// What the browser lets the page do: load its own files and talk to its own API. No text is ever interpreted as
/// markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The headers of every response. They keep other pages from reading it.
const PROTECTION: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// The response to an API call.
#[derive(Debug)]
pub enum Reply {
    /// A JSON text.
    Json(Bytes),
    /// Lines of JSON, complete.
    Lines(Bytes),
    /// Lines of JSON, as they become available.
    Stream(Pieces),
    Text(String),
    /// Bytes to save in a file with this name, which must not need quoting.
    Attachment {
        name: String,
        /// The content.
        bytes: Bytes,
    },
    /// An error instead of a result.
    Error(ErrorReply),
}

/// An error of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorReply {
    /// The status.
    #[serde(skip)]
    pub status: u16,
    /// What is wrong.
    pub error: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether to poll instead of asking for a stream.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub poll: bool,
}

impl Reply {
    /// An error with this status.
    pub fn error(status: u16, error: impl Into<String>) -> Self {
        Self::Error(ErrorReply { status, error: error.into(), hint: None, poll: false })
    }

    /// The response for an unknown path.
    #[must_use]
    pub fn not_found() -> Self {
        Self::error(404, "there is nothing at this path")
    }

    /// The response for a method that a path does not allow.
    #[must_use]
    pub fn wrong_method() -> Self {
        Self::error(405, "this path does not allow this method")
    }
}

impl From<Reply> for Outgoing {
    fn from(reply: Reply) -> Self {
        let response = |status, media: &'static str, body| response(status, &[(CONTENT_TYPE, media)], body);
        match reply {
            Reply::Json(body) => response(200, "application/json", body),
            Reply::Lines(body) => response(200, "application/x-ndjson", body),
            Reply::Stream(pieces) => Self { rest: Some(pieces), ..response(200, "application/x-ndjson", Bytes::new()) },
            Reply::Text(text) => response(200, "text/plain; charset=utf-8", text.into()),
            Reply::Attachment { name, bytes } => {
                let mut outgoing = response(200, "application/octet-stream", bytes);
                if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
                    outgoing.response.headers.push(CONTENT_DISPOSITION, value);
                }
                outgoing
            }
            Reply::Error(error) => {
                let mut body = Vec::new();
                line(&error, &mut body);
                response(error.status, "application/json", body.into())
            }
        }
    }
}

/// The response to a refused request.
pub fn refusal(refusal: &GateRefusal) -> Outgoing {
    let GateRefusal { status, reason } = refusal;
    let mut outgoing = Outgoing::from(Reply::error(status.as_u16(), *reason));
    let field = match *status {
        StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, "Bearer")),
        StatusCode::METHOD_NOT_ALLOWED => Some((ALLOW, "GET, POST")),
        _ => None,
    };
    if let Some((name, value)) = field {
        outgoing.response.headers.push(name, HeaderValue::from_static(value));
    }
    outgoing
}

/// The response with a file of the page.
pub fn asset(asset: &'static Asset) -> Outgoing {
    response(200, &[(CONTENT_TYPE, asset.media_type())], Bytes::from_static(asset.bytes))
}

fn response(status: u16, fields: &[(HeaderName, &'static str)], body: Bytes) -> Outgoing {
    let headers: Headers = fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
    record::Response { status, headers, body }.into()
}

/// Adds the headers that every response has.
pub fn protect(headers: &mut HeaderMap) {
    for (name, value) in PROTECTION {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
