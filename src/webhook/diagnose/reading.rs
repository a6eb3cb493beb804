//! One way to read a rejected request, and the headers in which its timestamp and id are found.

use bytes::Bytes;
use http::HeaderName;

use super::{
    Finding, RejectedRequest,
    hash::{Keyed, hash},
};
use crate::webhook::{
    place::Lookup,
    request::Request,
    signature::{
        Receipt, Scheme, SigningSecret,
        content::{ContentValues, SecretParts},
        timestamp::TimestampRule,
    },
};

/// One way to read a request: a scheme, and the request with its headers changed to fit it.
#[derive(Debug)]
pub struct Reading {
    pub scheme: Scheme,
    /// The request, with the headers that the scheme expects.
    pub request: Request,
    /// The URL that the provider called, if it isn't the one that the request names.
    pub url: Option<String>,
    /// How this differs from the request as received and the provider's scheme.
    pub findings: Vec<Finding>,
    /// The secrets to try instead of the provider's.
    pub secrets: Option<Vec<SigningSecret>>,
    /// How the signature is compared.
    pub check: SignatureComparison,
}

/// How a signature is compared with the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureComparison {
    /// As the scheme does.
    Whole,
    /// It may be truncated.
    Beginning,
    /// It may be in base64 whose letters are in another case.
    AnyCase,
    /// It may be a plain hash: these bytes.
    Hash(Keyed, Vec<u8>),
}

impl Reading {
    /// A reading by a scheme, with the findings that it would prove.
    pub fn new(scheme: Scheme, case: &RejectedRequest<'_>, findings: Vec<Finding>) -> Self {
        let url = case.receipt.url.map(str::to_owned);
        Self { scheme, request: case.request.clone(), url, findings, secrets: None, check: SignatureComparison::Whole }
    }

    /// Whether the request, with this body, is signed with one of the secrets.
    pub fn verifies(&self, secrets: &[SigningSecret], body: &Bytes) -> bool {
        let request = Request { body: body.clone(), ..self.request.clone() };
        // The age doesn't matter here.
        let receipt = Receipt { url: self.url.as_deref(), ..Receipt::default() };
        match &self.check {
            SignatureComparison::Whole => self.scheme.verify(secrets, &request, receipt).is_ok(),
            SignatureComparison::Beginning => self.scheme.is_cut_short(secrets, &request, receipt),
            SignatureComparison::AnyCase => self.scheme.is_in_other_case(secrets, &request, receipt),
            SignatureComparison::Hash(keyed, signature) => {
                let lookup = Lookup { url: receipt.url, ..Lookup::new(&request) };
                let values = ContentValues { id: b"", timestamp: b"", lookup };
                let resolved = self.scheme.content.resolve(values);
                let content: Vec<&[u8]> = resolved.pieces(SecretParts::default()).collect();
                let is_it = |secret| hash(self.scheme.algorithm, *keyed, secret, &content).as_ref() == Some(signature);
                secrets.iter().any(is_it)
            }
        }
    }

    /// Whether a signature of this scheme proves anything about the body: always for the request's own, and for
    /// any other if it depends on the body.
    pub fn can_judge(&self, body: &Bytes) -> bool {
        self.scheme.depends_on_body() || *body == self.request.body
    }
}

/// The timestamp header and its text: the scheme's own header, or else one named like it.
pub fn timestamp_header(request: &Request, scheme: &Scheme) -> Option<(HeaderName, String)> {
    let own = scheme.timestamp.as_ref().map(TimestampRule::headers);
    let name = named(request, own.unwrap_or_default(), "timestamp")?;
    let text = request.headers.text(name.as_str())?.into_owned();
    Some((name, text))
}

pub fn id_header(request: &Request, scheme: &Scheme) -> Option<HeaderName> {
    named(request, scheme.id_headers(), "-id")
}

fn named(request: &Request, own: &[HeaderName], ending: &str) -> Option<HeaderName> {
    let own = own.iter().find(|name| request.headers.contains(name.as_str())).cloned();
    own.or_else(|| {
        let mut names = request.headers.iter().map(|(name, _)| name);
        names.find(|name| name.as_str().ends_with(ending)).map(|name| name.name().clone())
    })
}
