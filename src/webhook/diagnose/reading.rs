//! One way to read a rejected request, and where its time and id are looked for.

use bytes::Bytes;
use http::HeaderName;

use super::Finding;
use crate::webhook::{
    request::Request,
    signature::{Receipt, Scheme, SigningSecret},
};

/// One way to read a request: by a scheme, its headers put right for that.
#[derive(Debug)]
pub struct Reading {
    pub scheme: Scheme,
    /// The request, with the headers that the scheme reads.
    pub request: Request,
    /// What differs from the request as it came and the scheme that the provider has.
    pub findings: Vec<Finding>,
    /// The secrets that it is tried with instead of the provider's.
    pub secrets: Option<Vec<SigningSecret>>,
    /// Whether the signature may be the beginning of the right one.
    pub is_cut: bool,
}

impl Reading {
    /// Reads a request by a scheme; what differs is in the findings.
    pub fn new(scheme: Scheme, request: &Request, findings: Vec<Finding>) -> Self {
        Self { scheme, request: request.clone(), findings, secrets: None, is_cut: false }
    }

    /// Whether the request, with this body, is signed by one of the secrets.
    pub fn verifies(&self, secrets: &[SigningSecret], body: &Bytes) -> bool {
        let request = Request { body: body.clone(), ..self.request.clone() };
        if self.is_cut {
            self.scheme.is_cut_short(secrets, &request)
        } else {
            self.scheme.verify(secrets, &request, Receipt::default()).is_ok()
        }
    }

    /// Whether the body is one that a signature of this kind can say anything of: that of the
    /// request, or any other one if it is signed.
    pub fn can_judge(&self, body: &Bytes) -> bool {
        let depends_on_it = self.scheme.algorithm.covers_content() && self.scheme.content.signs_body();
        depends_on_it || *body == self.request.body
    }
}

/// The header that holds the time, the scheme's own or one that is named so, and its text.
pub fn timestamp_header(request: &Request, scheme: &Scheme) -> Option<(HeaderName, String)> {
    let own = scheme.timestamp.as_ref().and_then(|rule| rule.header.as_deref());
    let name = named(request, own.unwrap_or_default(), "timestamp")?;
    let text = request.headers.text(name.as_str())?.into_owned();
    Some((name, text))
}

pub fn id_header(request: &Request, scheme: &Scheme) -> Option<HeaderName> {
    named(request, scheme.id.as_deref().unwrap_or_default(), "-id")
}

fn named(request: &Request, own: &[HeaderName], ending: &str) -> Option<HeaderName> {
    let own = own.iter().find(|name| request.headers.contains(name.as_str())).cloned();
    own.or_else(|| {
        let mut names = request.headers.iter().map(|(name, _)| name);
        names.find(|name| name.as_str().ends_with(ending)).cloned()
    })
}
