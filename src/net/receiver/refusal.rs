//! The response to a request that doesn't reach the handler, and what is reported about it.

use bytes::Bytes;
use hyper::{
    Response, StatusCode,
    header::{CONNECTION, HeaderValue},
};

use super::{ReceiveError, outgoing::OutgoingBody};

/// Why a request is refused.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    /// The body of the response, one line.
    pub text: &'static str,
    pub report: RefusalReport,
}

/// What is reported about a refusal.
#[derive(Debug)]
pub enum RefusalReport {
    /// The text of the response.
    Text,
    Reason(String),
    /// The body is larger than this limit in bytes.
    BodyTooLarge(usize),
    /// The body ended after this many bytes.
    Incomplete(usize),
}

impl Refusal {
    /// A refusal that reports the text of its response.
    pub fn new(status: StatusCode, text: &'static str) -> Self {
        Self { status, text, report: RefusalReport::Text }
    }

    /// The refusal of a request whose kept head doesn't match.
    pub fn lost_head() -> Self {
        let reason = "internal error: its original head is lost".to_owned();
        Self {
            report: RefusalReport::Reason(reason),
            ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n")
        }
    }

    /// A response that closes the connection, so that the rest of the request is not read.
    pub fn response(&self) -> Response<OutgoingBody> {
        let mut response = Response::new(OutgoingBody::whole(Bytes::from_static(self.text.as_bytes())));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }

    /// The error to report; `request` is the method and path.
    pub fn into_error(self, request: String) -> ReceiveError {
        let status = self.status.as_u16();
        match self.report {
            RefusalReport::Text => ReceiveError::Refused { request, reason: self.text.trim_end().to_owned(), status },
            RefusalReport::Reason(reason) => ReceiveError::Refused { request, reason, status },
            RefusalReport::BodyTooLarge(limit) => ReceiveError::BodyTooLarge { request, limit },
            RefusalReport::Incomplete(received) => ReceiveError::Incomplete { request, received },
        }
    }
}
