//! A signature scheme: how one provider signs, with the two operations, sign and verify.

use std::{iter, sync::Arc};

use http::HeaderName;
use serde_json::{Map, Value};

use super::{
    algorithm::Algorithm,
    content::{ContentValues, SecretParts, SignedContent},
    grammar::{Grammar, ParsedSignature},
    jwt,
    secret::{Owner, SecretRule, SigningSecret},
    timestamp::TimestampRule,
};
use crate::webhook::{
    payload::{DecodedBody, MAX_DECODED_BYTES},
    place::{self, Lookup, Place, ValueSource},
    request::Request,
    time::{Timestamp, Tolerance},
};

/// How a provider signs.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Scheme {
    /// The scheme's name within the provider, such as `svix`.
    pub name: Arc<str>,
    /// The signature algorithm.
    pub algorithm: Algorithm,
    /// The bytes that are signed.
    pub content: SignedContent,
    /// Where the signature is sent.
    pub signature: ValueSource,
    /// The format of the signature's value.
    pub grammar: Grammar,
    /// Where the delivery's id is sent.
    pub id: Option<ValueSource>,
    /// The timestamp and its tolerance.
    pub timestamp: Option<TimestampRule>,
    /// Whether the signature covers the body before its `content-encoding`.
    pub before_compression: bool,
    /// The claims of a JWT: written when signing, checked when verifying.
    pub claims: Vec<(String, SignedContent)>,
    /// The values of signed places outside the body: written when signing, checked when verifying.
    pub place_claims: Vec<(Place, SignedContent)>,
    /// The number of schemes before it in the manifest.
    pub position: usize,
    /// The form of this scheme's own secrets, if it isn't the provider's.
    pub secret: Option<Box<SecretRule>>,
    /// Whether the user chooses the name of the signature's header.
    pub configurable_header: bool,
    /// Whether it signs the form field that holds the whole payload.
    pub signs_payload_field: bool,
    /// Whether the manifest says that the body isn't signed.
    pub is_body_unsigned_by_design: bool,
    /// Whether its signature is sent along with that of the first scheme.
    pub is_sent_along: bool,
}

/// A secret as one scheme reads it.
pub(super) enum Readable<'a> {
    Borrowed(&'a SigningSecret),
    Own(SigningSecret),
}

impl Readable<'_> {
    pub(super) const fn get(&self) -> &SigningSecret {
        match self {
            Self::Borrowed(secret) => secret,
            Self::Own(secret) => secret,
        }
    }
}

/// How long a JWT is valid if the manifest does not say, in seconds.
const VALIDITY: i64 = 300;
/// What a scheme signs.
#[derive(Clone, Copy, Debug)]
pub struct SigningInput<'a> {
    /// The request, with the body and headers that are signed.
    pub request: &'a Request,
    /// The delivery's id.
    pub id: &'a str,
    /// The time of the attempt.
    pub time: Timestamp,
    /// The endpoint's URL; without one, it is derived from the request.
    pub url: Option<&'a str>,
}

impl Scheme {
    /// Writes the id and the timestamp that are fields of the body, and the claimed values. Must come before signing.
    pub fn stamp(&self, request: &mut Request, id: &str, time: Timestamp) {
        self.stamp_body(request, id, time);
        self.write_claims(request);
    }

    /// Writes the id and the timestamp that are fields of the body.
    pub(in crate::webhook) fn stamp_body(&self, request: &mut Request, id: &str, time: Timestamp) {
        fn in_body(source: &ValueSource) -> Option<&Place> {
            match source {
                ValueSource::At(at @ (Place::Body(_) | Place::Form(_))) => Some(at),
                _ => None,
            }
        }
        if let Some(at) = self.id.as_ref().and_then(in_body) {
            place::write(request, at, id);
        }
        if let Some(rule) = &self.timestamp
            && let Some(at) = rule.source.as_ref().and_then(in_body)
        {
            place::write(request, at, &rule.unit.write(time));
        }
    }

    /// Returns the values that make a request genuine: the signature, and id and timestamp where the scheme has them.
    /// `None` if the secret can't sign.
    #[must_use]
    pub fn sign(&self, secret: &SigningSecret, message: &SigningInput<'_>) -> Option<Vec<(&Place, String)>> {
        let timestamp = self.timestamp.as_ref().map(|rule| rule.unit.write(message.time)).unwrap_or_default();
        self.sign_with_timestamp(secret, message, &timestamp)
    }

    /// Like [`Self::sign`], with this text as the timestamp.
    pub(in crate::webhook) fn sign_with_timestamp(
        &self,
        secret: &SigningSecret,
        message: &SigningInput<'_>,
        timestamp: &str,
    ) -> Option<Vec<(&Place, String)>> {
        let body = self.needs_payload().then(|| decoded(message.request));
        let payload = body.as_ref().map(|body| body.payload(message.request));
        let lookup = Lookup { url: message.url, payload: payload.as_ref(), ..Lookup::new(message.request) };
        let values = ContentValues { id: message.id.as_bytes(), timestamp: timestamp.as_bytes(), lookup };
        let secret = self.readable(secret)?;
        let parts = secret.get().parts(self.has_two_part_secret());
        let key = secret.get().signing_key(self.algorithm, self.has_two_part_secret())?;
        let signature = match self.algorithm.jwt_name() {
            Some(name) => key.sign([jwt::unsigned(name, self.issued(values, parts, message.time)).as_bytes()])?,
            None => key.sign(self.content.resolve(values).pieces(parts))?,
        };
        let signature = self.grammar.write(&signature, timestamp);

        let id = self.id.as_ref().map(|source| (source, message.id.to_owned()));
        let rule = self.timestamp.as_ref();
        let time = rule.and_then(|rule| Some((rule.source.as_ref()?, timestamp.to_owned())));
        let all = [id, time, Some((&self.signature, signature))].into_iter().flatten();
        Some(all.filter_map(|(source, value)| Some((source.places().first()?, value))).collect())
    }

    /// Signs a request: writes the id, the timestamp and the signature into it. Returns whether the secret can sign.
    pub fn sign_request(&self, secret: &SigningSecret, request: &mut Request, id: &str, time: Timestamp) -> bool {
        self.stamp(request, id, time);
        let Some(signed) = self.sign(secret, &SigningInput { request, id, time, url: None }) else { return false };
        for (place, value) in &signed {
            place::write(request, place, value);
        }
        true
    }

    /// The secret in the form of this scheme; `None` if it belongs to another scheme.
    pub(super) fn readable<'a>(&self, secret: &'a SigningSecret) -> Option<Readable<'a>> {
        match (&secret.owner, &self.secret) {
            (Owner::Provider, Some(_)) => None,
            (Owner::Scheme(name), _) if *name != self.name => None,
            // Of this scheme's form already, or of no particular one.
            (Owner::Scheme(_) | Owner::AnyAsBytes, _) | (_, None) => Some(Readable::Borrowed(secret)),
            (_, Some(rule)) => SigningSecret::parse(secret.expose(), &rule.format).ok().map(Readable::Own),
        }
    }

    /// Whether a secret has the form of this scheme's secrets.
    #[must_use]
    pub fn reads(&self, secret: &SigningSecret) -> bool {
        self.readable(secret).is_some()
    }

    /// Whether a secret is KEY:SECRET.
    #[must_use]
    pub fn has_two_part_secret(&self) -> bool {
        self.content.has_key() || self.claims.iter().any(|(_, claim)| claim.has_key())
    }

    /// Whether the signature is sent in a field of the body.
    pub(in crate::webhook) const fn signs_inside_body(&self) -> bool {
        matches!(self.signature, ValueSource::At(Place::Body(_) | Place::Form(_)))
    }

    /// Whether the signature depends on all of the body, or on the form field that holds all of the payload.
    #[must_use]
    pub fn signs_body(&self) -> bool {
        match self.algorithm {
            Algorithm::Token => false,
            algorithm if algorithm.jwt_name().is_some() => self.claims.iter().any(|(_, claim)| claim.signs_body()),
            _ => self.signs_payload_field || self.depends_on_body(),
        }
    }

    /// Whether the signature depends on the bytes of the body, directly or by a claim.
    pub(in crate::webhook) fn depends_on_body(&self) -> bool {
        let is_claimed = || self.place_claims.iter().any(|(_, content)| content.signs_body());
        self.algorithm.covers_content() && (self.content.signs_body() || is_claimed())
    }

    /// The claims of a token that is issued now.
    fn issued(&self, values: ContentValues<'_>, secret: SecretParts<'_>, now: Timestamp) -> Map<String, Value> {
        let claim =
            |(name, claim): &(String, SignedContent)| (name.clone(), Value::String(claim.resolve(values).text(secret)));
        let mut claims: Map<String, Value> = self.claims.iter().map(claim).collect();
        let now = now.unix_seconds();
        claims.insert("nbf".to_owned(), now.into());
        claims.insert("exp".to_owned(), (now + self.validity()).into());
        claims
    }

    /// How long a token is valid, in seconds.
    pub(super) fn validity(&self) -> i64 {
        let rule = self.timestamp.as_ref().filter(|rule| rule.tolerance.past != Tolerance::ANY);
        rule.and_then(|rule| i64::try_from(rule.tolerance.past.as_secs()).ok()).unwrap_or(VALIDITY)
    }

    /// Whether a secret can sign; a public key can't.
    #[must_use]
    pub fn can_sign(&self, secret: &SigningSecret) -> bool {
        let Some(secret) = self.readable(secret) else { return false };
        let key = secret.get().signing_key(self.algorithm, self.has_two_part_secret());
        key.and_then(|key| key.sign([])).is_some()
    }

    /// Whether the signature header can carry a secret that is sent as it is: a static token.
    #[must_use]
    pub fn can_send(&self, secret: &SigningSecret) -> bool {
        let is_token = self.algorithm == Algorithm::Token;
        let Some(secret) = self.readable(secret).filter(|_| is_token) else { return true };
        let Some(token) = secret.get().key(self.algorithm).and_then(|key| key.sign([])) else {
            return true;
        };
        let value = self.grammar.write(&token, "0");
        let is_sendable = match self.signature {
            ValueSource::Headers(_) => value.bytes().all(|byte| matches!(byte, b' '..=b'~')),
            ValueSource::At(_) => true,
        };
        is_sendable && self.grammar.read(&value).signatures == [ParsedSignature::Decoded(token)]
    }

    /// The names of the header that carries the signature; empty if it is sent elsewhere.
    #[must_use]
    pub fn headers(&self) -> &[HeaderName] {
        self.signature.headers()
    }

    /// The names of the header that carries the delivery's id; empty if it is sent elsewhere.
    #[must_use]
    pub fn id_headers(&self) -> &[HeaderName] {
        self.id.as_ref().map_or(&[], ValueSource::headers)
    }

    /// All names of the id, timestamp or signature header that is sent under this name.
    pub(in crate::webhook) fn names_of(&self, name: &HeaderName) -> &[HeaderName] {
        let time = self.timestamp.as_ref().map_or(&[][..], TimestampRule::headers);
        let lists = [self.id_headers(), time, self.headers()];
        lists.into_iter().find(|names| names.contains(name)).unwrap_or_default()
    }

    /// Whether a request has a value where the signature is sent.
    #[must_use]
    pub fn has_signature(&self, request: &Request) -> bool {
        let body = self.signature.needs_payload().then(|| decoded(request));
        let payload = body.as_ref().map(|body| body.payload(request));
        self.signature.is_in(&Lookup { payload: payload.as_ref(), ..Lookup::new(request) })
    }

    /// Whether the payload must be parsed before the signature is verified, because some of its values are signed, or
    /// carry the signature.
    #[must_use]
    pub fn needs_payload(&self) -> bool {
        let time = self.timestamp.as_ref().and_then(|rule| rule.source.as_ref());
        self.content.needs_payload()
            || self.claims.iter().any(|(_, claim)| claim.needs_payload())
            || self.place_claims.iter().any(|(_, content)| content.needs_payload())
            || self.signature.needs_payload()
            || [self.id.as_ref(), time].into_iter().flatten().any(ValueSource::needs_payload)
    }

    /// Whether signing needs the URL that is called.
    #[must_use]
    pub fn needs_url(&self) -> bool {
        let contents = iter::once(&self.content).chain(self.claims.iter().map(|(_, claim)| claim));
        contents.flat_map(SignedContent::places).any(Place::needs_url)
    }

    /// Whether the scheme signs a timestamp.
    #[must_use]
    pub fn signs_timestamp(&self) -> bool {
        if self.algorithm.jwt_name().is_some() {
            return true;
        }
        self.algorithm.covers_content() && self.timestamp.is_some() && self.content.signs_timestamp()
    }

    /// Whether the signature covers the timestamp as the text that is sent. A JWT has its own times.
    pub(in crate::webhook) fn signs_timestamp_as_text(&self) -> bool {
        let claims = || self.claims.iter().any(|(_, claim)| claim.signs_timestamp());
        if self.algorithm.jwt_name().is_some() { claims() } else { self.signs_timestamp() }
    }

    /// Whether the signature covers the delivery's id.
    pub(in crate::webhook) fn signs_id(&self) -> bool {
        self.content.signs_id() || self.claims.iter().any(|(_, claim)| claim.signs_id())
    }

    /// Whether old requests are rejected: a signed timestamp, and a limit on its age.
    #[must_use]
    pub fn limits_age(&self) -> bool {
        let has_limit = self.algorithm.jwt_name().is_some()
            || self.timestamp.as_ref().is_some_and(|rule| rule.tolerance.past != Tolerance::ANY);
        has_limit && self.signs_timestamp()
    }
}

/// The body without its `content-encoding`; nothing if it can't be decoded.
pub(super) fn decoded(request: &Request) -> DecodedBody<'_> {
    DecodedBody::of(request, MAX_DECODED_BYTES).unwrap_or(DecodedBody::empty())
}
