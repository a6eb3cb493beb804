//! What is answered to a request that is refused before anybody judges it, and what is said of it.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{CONNECTION, HeaderValue},
};

/// Why a request is not taken.
#[derive(Debug)]
pub struct Refusal {
    /// What it is answered.
    pub status: StatusCode,
    /// What the sender is told, a line.
    pub told: &'static str,
    /// What the user is told.
    pub trouble: String,
}

impl Refusal {
    /// A refusal of which the user is told what the sender is told, and the status.
    pub fn new(status: StatusCode, told: &'static str) -> Self {
        Self { status, told, trouble: format!("{}: answered {}", told.trim_end(), status.as_u16()) }
    }

    /// An answer that ends the connection: what the sender still has to say is not wanted.
    pub fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from_static(self.told.as_bytes())));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }
}
