//! The responses that the receiver makes itself, without a handler.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};

use crate::webhook::{
    assessment::Assessment,
    record::Response,
    remedy::{Remedy, Warning},
    request::{Headers, Request},
    signature::Verdict,
    trust::{Exactness, Trust},
};

/// How requests are responded to, regardless of what they contain.
#[derive(Clone, Debug, Default)]
pub struct ResponsePolicy {
    /// Fixed status codes, in rotation. They take precedence over forwards.
    pub statuses: Vec<u16>,
    /// A wait before each response.
    pub delay: Option<Duration>,
    /// Which deliveries are forwarded.
    pub forwarded: ForwardPolicy,
    /// Whether requests from browsers count as deliveries.
    pub allow_browsers: bool,
    /// How long a handler may take.
    pub forward_timeout: Duration,
    /// How long to keep trying a handler that accepts no connections.
    pub forward_wait: Duration,
}

/// Which deliveries are forwarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardPolicy {
    /// All of them, even rejected ones.
    #[default]
    All,
    /// Verified ones.
    Verified,
    /// Verified ones, and those that the provider sends unsigned, if their payload is exactly as documented.
    VerifiedAndUnsigned,
}

impl ForwardPolicy {
    /// Whether a delivery is forwarded.
    pub(super) fn includes(self, assessment: &Assessment) -> bool {
        match (self, assessment.trust()) {
            // The development secret verifies only if it is accepted.
            (Self::All, _) | (_, Some(Trust::Verified | Trust::Development)) => true,
            (Self::VerifiedAndUnsigned, Some(Trust::UnsignedByDesign)) => assessment.exactness == Exactness::Exact,
            (Self::Verified, Some(Trust::UnsignedByDesign)) | (_, None) => false,
        }
    }

    /// Why a delivery that is accepted is not forwarded.
    pub(super) fn objection(self, assessment: &Assessment) -> Option<Warning> {
        if self.includes(assessment) || assessment.verdict.rejection().is_some() {
            return None;
        }
        if assessment.verdict == Verdict::Unrecognised {
            return Some("not forwarded: no provider was recognised".to_owned().into());
        }
        Some(match (self, &assessment.exactness) {
            (Self::VerifiedAndUnsigned, Exactness::Inexact(reason)) => {
                format!("not forwarded: it is unsigned, and not exactly as documented: {reason}").into()
            }
            _ => Warning::new("not forwarded: it is unsigned", Remedy::ForwardUnsigned),
        })
    }
}

/// Cycles through fixed status codes.
#[derive(Debug)]
pub struct Rotation {
    statuses: Vec<u16>,
    next: AtomicUsize,
}

impl Rotation {
    pub fn new(statuses: Vec<u16>) -> Self {
        Self { statuses, next: AtomicUsize::new(0) }
    }

    /// Whether no status codes are given.
    pub fn is_empty(&self) -> bool {
        self.statuses.is_empty()
    }

    /// The next fixed response; `None` if no status codes are given.
    pub fn next(&self) -> Option<Response> {
        if self.is_empty() {
            return None;
        }
        let status = self.statuses[self.next.fetch_add(1, Ordering::Relaxed) % self.statuses.len()];
        Some(text(status, "hookdev responds with fixed status codes\n"))
    }
}

/// The page for a person who opens the address in a browser.
const PAGE: &str = "\
This is `hookdev listen`, a local webhook receiver. POST a webhook to this address, and its terminal shows
whether the signature is valid. `hookdev send` sends test events; `hookdev listen --help` lists the options.
";

/// The response of a correct handler.
pub fn default(request: &Request, assessment: &Assessment) -> Response {
    let is_visit = [Method::GET, Method::HEAD].contains(&request.method);
    if is_visit && assessment.verdict == Verdict::Unrecognised {
        return page();
    }
    if assessment.verdict.rejection().is_some() {
        return text(401, "rejected\n");
    }
    text(assessment.provider.as_ref().map_or(200, |provider| provider.delivery.first_success()), "")
}

/// The response to a person who opens the address in a browser.
pub fn page() -> Response {
    text(200, PAGE)
}

/// The response to a browser that looks for an icon.
pub fn no_icon() -> Response {
    text(404, "")
}

/// The response to a web page.
pub fn from_page() -> Response {
    text(403, "hookdev doesn't accept requests from web pages\n")
}

/// The response when the delivery could not be saved.
pub fn not_saved() -> Response {
    text(503, "the delivery could not be saved; send it again\n")
}

/// The response when too many deliveries wait for the handler.
pub fn busy() -> Response {
    let mut response = text(503, "the handler is busy; send it again\n");
    response.headers.push(HeaderName::from_static("retry-after"), HeaderValue::from_static("1"));
    response
}

/// The response to a delivery that was forwarded before and has come back.
pub fn returned() -> Response {
    text(508, "hookdev has already forwarded this delivery: the forwards form a loop\n")
}

/// The response when the handler gave none.
pub fn no_response() -> Response {
    text(502, "hookdev got no response from the handler\n")
}

fn text(status: u16, text: &'static str) -> Response {
    let mut headers = Headers::new();
    if !text.is_empty() {
        headers.push(HeaderName::from_static("content-type"), HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    Response { status, headers, body: Bytes::from_static(text.as_bytes()) }
}
