//! A signature scheme: how one provider signs, with the two operations, sign and verify.

use std::{borrow::Cow, sync::Arc, time::Duration};

use http::HeaderName;
use serde_json::{Map, Value};

use super::{
    algorithm::Algorithm,
    content::{ContentValues, ResolvedContent, SecretParts, SignedContent},
    grammar::{Candidate, Grammar, MAX_SIGNATURES, Parsed, TextEncoding},
    jwt::{self, Token},
    key::Key,
    secret::{SecretRule, SigningSecret},
    verdict::{Freshness, Reason, Rejection, Verified},
};
use crate::webhook::{
    payload::DecodedBody,
    place::{self, Lookup, Place, Source},
    request::{Headers, Request},
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
    pub signature: Source,
    /// The format of the signature's value.
    pub grammar: Grammar,
    /// Where the delivery's id is sent.
    pub id: Option<Source>,
    /// The timestamp and its tolerance.
    pub timestamp: Option<TimestampRule>,
    /// Whether the signature covers the body before its `content-encoding`.
    pub before_compression: bool,
    /// The claims of a JWT, which must hold and are written.
    pub claims: Vec<(String, SignedContent)>,
    /// The form of this scheme's own secrets, if it isn't the provider's.
    pub secret: Option<Box<SecretRule>>,
    /// Whether the user chooses the name of the signature's header.
    pub configurable_header: bool,
    /// Whether it signs the form field that holds the whole payload.
    pub signs_payload_field: bool,
    /// Whether the manifest says that the body isn't signed.
    pub is_body_unsigned_by_design: bool,
}

/// A secret as one scheme reads it.
enum Readable<'a> {
    Borrowed(&'a SigningSecret),
    Own(SigningSecret),
}

impl Readable<'_> {
    const fn get(&self) -> &SigningSecret {
        match self {
            Self::Borrowed(secret) => secret,
            Self::Own(secret) => secret,
        }
    }
}

/// How long a JWT is valid if the manifest doesn't say, and how far clocks may be apart, in seconds.
const VALIDITY: i64 = 300;
const LEEWAY: i64 = 10;

/// Where a scheme's timestamp is sent, and how it is checked.
#[derive(Clone, Debug)]
pub struct TimestampRule {
    /// Its place; `None` if it is part of the signature's value.
    pub source: Option<Source>,
    /// Its unit, counted from 1970, or its format.
    pub unit: TimeUnit,
    /// How far it may be from the time of receipt.
    pub tolerance: Tolerance,
}

/// The most that a body may decompress to, in bytes, where the signature covers what was compressed.
const MAX_DECODED: usize = 64 << 20;

impl TimestampRule {
    /// The headers that carry it; empty if it is sent elsewhere.
    #[must_use]
    pub fn headers(&self) -> &[HeaderName] {
        self.source.as_ref().map_or(&[], Source::headers)
    }

    /// The text as it was sent, which is what was signed, and the time it gives.
    fn find<'a>(
        &self,
        signature_place: &Place,
        parsed: &Parsed<'a>,
        lookup: &Lookup<'a>,
    ) -> Result<(Cow<'a, str>, Timestamp), Reason> {
        let (place, text) = match (&self.source, parsed.timestamps.as_slice()) {
            (Some(source), _) => single(source, lookup)?,
            (None, [one]) => (signature_place.clone(), Cow::Borrowed(*one)),
            (None, []) => return Err(malformed(signature_place, "it has no timestamp")),
            (None, _) => return Err(malformed(signature_place, "it has more than one timestamp")),
        };
        let time = self.unit.read(&text).ok_or_else(|| malformed(&place, self.unit.unreadable()))?;
        Ok((text, time))
    }
}

/// The unit of a timestamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub enum TimeUnit {
    /// Seconds.
    #[default]
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// RFC 3339, such as `2025-01-01T12:00:00Z`. Any offset and fraction is read, and signed as it was sent.
    #[serde(rename = "rfc3339")]
    Rfc3339,
    /// RFC 3339, written with milliseconds.
    #[serde(rename = "rfc3339-ms")]
    Rfc3339Millis,
    /// RFC 3339, written with nanoseconds.
    #[serde(rename = "rfc3339-ns")]
    Rfc3339Nanos,
}

impl TimeUnit {
    /// Writes a time as a number in this unit.
    #[must_use]
    pub fn write(self, time: Timestamp) -> String {
        match self {
            Self::Seconds => time.unix_seconds().to_string(),
            Self::Milliseconds => time.unix_millis().to_string(),
            Self::Rfc3339 => time.rfc3339_seconds(),
            Self::Rfc3339Millis => time.to_string(),
            Self::Rfc3339Nanos => format!("{:.9}", time.to_jiff()),
        }
    }

    /// What is wrong with a text that can't be read.
    const fn unreadable(self) -> &'static str {
        match self {
            Self::Seconds | Self::Milliseconds => "the timestamp is not a whole number",
            Self::Rfc3339 | Self::Rfc3339Millis | Self::Rfc3339Nanos => "the timestamp is not RFC 3339",
        }
    }

    /// Rounds a clock reading down to whole units, as the providers' libraries do before they compare.
    fn floor(self, time: Timestamp) -> Timestamp {
        match self {
            Self::Seconds => Timestamp::from_unix_seconds(time.unix_seconds()),
            Self::Milliseconds | Self::Rfc3339 | Self::Rfc3339Millis | Self::Rfc3339Nanos => time,
        }
    }

    /// Reads a plain decimal integer. Libraries sign the number that they have read, so they never produce
    /// another spelling of it (`+1`, `01`).
    #[must_use]
    pub fn read(self, text: &str) -> Option<Timestamp> {
        if !matches!(self, Self::Seconds | Self::Milliseconds) {
            return Timestamp::from_rfc3339(text);
        }
        let is_plain =
            text == "0" || text.strip_prefix('-').unwrap_or(text).starts_with(|digit| matches!(digit, '1'..='9'));
        let number = text.parse().ok().filter(|_: &i64| is_plain)?;
        Some(match self {
            Self::Seconds => Timestamp::from_unix_seconds(number),
            _ => Timestamp::from_unix_millis(number),
        })
    }
}

/// When and where a request was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt<'a> {
    /// The time of receipt; if unknown, the age is not checked.
    pub at: Option<Timestamp>,
    /// Overrides the scheme's own tolerance.
    pub tolerance: Option<Tolerance>,
    /// The URL that the provider called, for schemes that sign it. Without one, it is made of the request.
    pub url: Option<&'a str>,
}

impl From<Option<Timestamp>> for Receipt<'_> {
    fn from(at: Option<Timestamp>) -> Self {
        Self { at, tolerance: None, url: None }
    }
}

/// What a scheme signs.
#[derive(Clone, Copy, Debug)]
pub struct SigningInput<'a> {
    /// The request, with the body and headers that are signed.
    pub request: &'a Request,
    /// The delivery's id.
    pub id: &'a str,
    /// The time of the attempt.
    pub time: Timestamp,
    /// The endpoint's URL; without one, it is made of the request.
    pub url: Option<&'a str>,
}

impl Scheme {
    /// Writes the id and the timestamp that are fields of the body, which is signed after that.
    pub fn stamp(&self, request: &mut Request, id: &str, time: Timestamp) {
        let rule = self.timestamp.as_ref();
        let time = rule.and_then(|rule| Some((rule.source.as_ref()?, rule.unit.write(time))));
        let id = self.id.as_ref().map(|source| (source, id.to_owned()));
        for (source, value) in id.into_iter().chain(time) {
            if let Source::At(at @ (Place::Body(_) | Place::Form(_))) = source {
                place::write(request, at, &value);
            }
        }
    }

    /// Returns the values that make a request genuine: the signature, and id and timestamp where the scheme has them.
    /// `None` if the secret can't sign.
    #[must_use]
    pub fn sign(&self, secret: &SigningSecret, message: &SigningInput<'_>) -> Option<Vec<(Place, String)>> {
        let timestamp = self.timestamp.as_ref().map(|rule| rule.unit.write(message.time)).unwrap_or_default();
        self.sign_with_timestamp(secret, message, &timestamp)
    }

    /// Like [`Self::sign`], with this text as the timestamp.
    pub(in crate::webhook) fn sign_with_timestamp(
        &self,
        secret: &SigningSecret,
        message: &SigningInput<'_>,
        timestamp: &str,
    ) -> Option<Vec<(Place, String)>> {
        let body = self.needs_payload().then(|| decoded(message.request));
        let payload = body.as_ref().map(|body| body.payload(message.request));
        let lookup = Lookup { url: message.url, payload: payload.as_ref(), ..Lookup::new(message.request) };
        let values = ContentValues { id: message.id.as_bytes(), timestamp: timestamp.as_bytes(), lookup };
        let secret = self.readable(secret)?;
        let parts = secret.get().parts(self.has_two_part_secret());
        let key = Key::new(self.algorithm, parts.secret)?;
        let signature = match self.algorithm.jwt_name() {
            Some(name) => key.sign([jwt::unsigned(name, &self.issued(values, parts, message.time)).as_bytes()])?,
            None => key.sign(self.content.resolve(values).pieces(parts))?,
        };
        let signature = self.grammar.write(&signature, timestamp);

        let id = self.id.as_ref().map(|source| (source, message.id.to_owned()));
        let rule = self.timestamp.as_ref();
        let time = rule.and_then(|rule| Some((rule.source.as_ref()?, timestamp.to_owned())));
        let all = [id, time, Some((&self.signature, signature))].into_iter().flatten();
        Some(all.filter_map(|(source, value)| Some((source.place()?, value))).collect())
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

    /// The secret in the form that this scheme has; `None` if it is one of another scheme.
    fn readable<'a>(&self, secret: &'a SigningSecret) -> Option<Readable<'a>> {
        match &self.secret {
            Some(rule) => SigningSecret::parse(secret.expose(), &rule.format).ok().map(Readable::Own),
            None => (!secret.is_of_scheme).then_some(Readable::Borrowed(secret)),
        }
    }

    /// Whether a secret has the form that this scheme has.
    #[must_use]
    pub fn reads(&self, secret: &SigningSecret) -> bool {
        self.readable(secret).is_some()
    }

    /// Whether a secret is KEY:SECRET.
    fn has_two_part_secret(&self) -> bool {
        self.content.has_key() || self.claims.iter().any(|(_, claim)| claim.has_key())
    }

    /// Whether the signature depends on all of the body, or on the form field that holds all of the payload.
    #[must_use]
    pub fn signs_body(&self) -> bool {
        match self.algorithm {
            Algorithm::Token => false,
            algorithm if algorithm.jwt_name().is_some() => self.claims.iter().any(|(_, claim)| claim.signs_body()),
            _ => self.signs_payload_field || self.content.signs_body(),
        }
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
    fn validity(&self) -> i64 {
        let rule = self.timestamp.as_ref().filter(|rule| rule.tolerance.past != Tolerance::ANY);
        rule.and_then(|rule| i64::try_from(rule.tolerance.past.as_secs()).ok()).unwrap_or(VALIDITY)
    }

    /// Checks a token whose signature matches: its claims hold, and it is valid at this time.
    fn check_claims(
        &self,
        token: &str,
        values: ContentValues<'_>,
        secret: SecretParts<'_>,
        receipt: Receipt<'_>,
    ) -> Result<Freshness, Reason> {
        let token = Token::parse(token).ok_or(Reason::NoMatchingSignature { signatures: 1, secrets: 1 })?;
        for (name, claim) in &self.claims {
            if token.claims.get(name).and_then(Value::as_str) != Some(&claim.resolve(values).text(secret)) {
                return Err(Reason::ClaimMismatch { claim: name.clone() });
            }
        }
        let (start, end) = (token.time("nbf").or_else(|| token.time("iat")), token.time("exp"));
        let Some(signed) = start.or(end) else { return Ok(Freshness::NoTimestamp) };
        let lifetime = match (start, end) {
            (Some(start), Some(end)) => end.saturating_sub(start),
            (Some(_), None) => self.validity(),
            (None, _) => 0,
        };
        let past = Duration::from_secs(u64::try_from(lifetime.saturating_add(LEEWAY)).unwrap_or_default());
        let allowed = Tolerance { past, future: Duration::from_secs(LEEWAY.unsigned_abs()) };
        let allowed = receipt.tolerance.unwrap_or(allowed);
        // A token that only says when it expires may be any time before that.
        let allowed = if start.is_none() { Tolerance { future: Tolerance::ANY, ..allowed } } else { allowed };
        freshness(allowed, Timestamp::from_unix_seconds(signed), receipt.at)
    }

    /// Whether the signature header can carry a secret that is itself sent: a static token.
    #[must_use]
    pub fn can_send(&self, secret: &SigningSecret) -> bool {
        let is_token = self.algorithm == Algorithm::Token;
        let Some(secret) = self.readable(secret).filter(|_| is_token) else { return true };
        let Some(token) = secret.get().key(self.algorithm).and_then(|key| key.sign([])) else {
            return true;
        };
        let value = self.grammar.write(&token, "0");
        let is_sendable = match self.signature {
            Source::Headers(_) => value.bytes().all(|byte| matches!(byte, b' '..=b'~')),
            Source::At(_) => true,
        };
        is_sendable && self.grammar.read(&value).signatures == [Candidate::Decoded(token)]
    }

    /// The names of the header that carries the signature; empty if it is sent elsewhere.
    #[must_use]
    pub fn headers(&self) -> &[HeaderName] {
        self.signature.headers()
    }

    /// The names of the header that carries the delivery's id; empty if it is sent elsewhere.
    #[must_use]
    pub fn id_headers(&self) -> &[HeaderName] {
        self.id.as_ref().map_or(&[], Source::headers)
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

    /// Whether the payload must be parsed before the signature is verified: some of its values are signed, or carry the
    /// signature.
    #[must_use]
    pub fn needs_payload(&self) -> bool {
        let time = self.timestamp.as_ref().and_then(|rule| rule.source.as_ref());
        self.content.needs_payload()
            || self.claims.iter().any(|(_, claim)| claim.needs_payload())
            || self.signature.needs_payload()
            || [self.id.as_ref(), time].into_iter().flatten().any(Source::needs_payload)
    }

    /// Verifies that a request is signed with one of the secrets, and was fresh when received. The signature is
    /// checked before the time, so "too old" means genuine, but too old.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if the request is not genuine.
    pub fn verify(
        &self,
        secrets: &[SigningSecret],
        request: &Request,
        receipt: Receipt<'_>,
    ) -> Result<Verified, Rejection> {
        self.judge(secrets, request, receipt, Match::Whole)
            .map_err(|reason| Rejection { scheme: self.name.clone(), reason })
    }

    /// Whether a signature in the request is the right one, truncated to no less than 80 bits. That explains a
    /// rejection; it never verifies a request.
    pub(in crate::webhook) fn is_cut_short(&self, secrets: &[SigningSecret], request: &Request) -> bool {
        self.judge(secrets, request, Receipt::default(), Match::Beginning).is_ok()
    }

    fn judge(
        &self,
        secrets: &[SigningSecret],
        request: &Request,
        receipt: Receipt<'_>,
        how: Match,
    ) -> Result<Verified, Reason> {
        let body = self.needs_payload().then(|| decoded(request));
        let payload = body.as_ref().map(|body| body.payload(request));
        let lookup = Lookup { url: receipt.url, payload: payload.as_ref(), ..Lookup::new(request) };
        if self.before_compression {
            let body = decoded(request);
            return self.judge_lookup(secrets, &Lookup { body: body.bytes(), ..lookup }, receipt, how);
        }
        let verdict = self.judge_lookup(secrets, &lookup, receipt, how);
        let is_compressed = request.headers.contains("content-encoding");
        match &verdict {
            Err(Reason::NoMatchingSignature { .. }) if is_compressed && self.content.signs_body() => {
                let body = decoded(request);
                let lookup = Lookup { body: body.bytes(), ..lookup };
                let before = self.judge_lookup(secrets, &lookup, receipt, how);
                match before {
                    Err(Reason::NoMatchingSignature { .. }) => verdict,
                    before => before.map(|verified| Verified { before_compression: true, ..verified }),
                }
            }
            _ => verdict,
        }
    }

    fn judge_lookup(
        &self,
        secrets: &[SigningSecret],
        lookup: &Lookup<'_>,
        receipt: Receipt<'_>,
        how: Match,
    ) -> Result<Verified, Reason> {
        let (place, signature) = single(&self.signature, lookup)?;
        if self.grammar.encoding() != TextEncoding::Plain {
            ascii(&place, &signature)?;
        }
        let parsed = self.grammar.read(&signature);
        if parsed.count > MAX_SIGNATURES {
            return Err(Reason::TooManySignatures { header: place.label(), signatures: parsed.count });
        }
        if parsed.signatures.is_empty() {
            return Err(self.no_signature(&place, &parsed));
        }
        let id = match &self.id {
            Some(source) => {
                let (place, id) = single(source, lookup)?;
                ascii(&place, &id)?;
                id
            }
            None => Cow::Borrowed(""),
        };
        let timestamp = match &self.timestamp {
            Some(rule) => Some((rule, rule.find(&place, &parsed, lookup)?)),
            None => None,
        };
        // A signed value may be missing; it then counts as empty.
        for place in self.content.places() {
            once(place, lookup)?;
        }
        let text = timestamp.as_ref().map_or("", |(_, (text, _))| text);
        let values = ContentValues { id: id.as_bytes(), timestamp: text.as_bytes(), lookup: *lookup };
        let index = self.matching(secrets, &self.content.resolve(values), &place, &parsed, how)?;
        if let (Some(_), [Candidate::Decoded(token)]) = (self.algorithm.jwt_name(), parsed.signatures.as_slice()) {
            let secret = self.readable(&secrets[index]);
            let secret = secret.as_ref().map(|secret| secret.get().parts(self.has_two_part_secret()));
            let token = String::from_utf8_lossy(token);
            let freshness = self.check_claims(&token, values, secret.unwrap_or_default(), receipt)?;
            let scheme = self.name.clone();
            return Ok(Verified { scheme, secret: index, freshness, before_compression: false });
        }
        let freshness = match timestamp {
            Some((rule, (_, time))) => {
                freshness(receipt.tolerance.unwrap_or(rule.tolerance), time, receipt.at.map(|at| rule.unit.floor(at)))?
            }
            None => Freshness::NoTimestamp,
        };
        // An unsigned time proves nothing, though an old one is rejected.
        let freshness = if self.limits_age() { freshness } else { Freshness::NoTimestamp };
        Ok(Verified { scheme: self.name.clone(), secret: index, freshness, before_compression: false })
    }

    /// Whether the scheme signs a timestamp.
    #[must_use]
    pub fn signs_timestamp(&self) -> bool {
        if self.algorithm.jwt_name().is_some() {
            return true;
        }
        self.algorithm.covers_content() && self.timestamp.is_some() && self.content.signs_timestamp()
    }

    /// Whether old requests are rejected: a signed timestamp, and a limit on its age.
    #[must_use]
    pub fn limits_age(&self) -> bool {
        let has_limit = self.algorithm.jwt_name().is_some()
            || self.timestamp.as_ref().is_some_and(|rule| rule.tolerance.past != Tolerance::ANY);
        has_limit && self.signs_timestamp()
    }

    /// Returns the index of the first secret with which a signature matches.
    fn matching(
        &self,
        secrets: &[SigningSecret],
        content: &ResolvedContent<'_>,
        place: &Place,
        parsed: &Parsed<'_>,
        how: Match,
    ) -> Result<usize, Reason> {
        for (index, secret) in secrets.iter().enumerate() {
            let Some(secret) = self.readable(secret) else { continue };
            let parts = secret.get().parts(self.has_two_part_secret());
            let Some(key) = Key::new(self.algorithm, parts.secret) else { continue };
            if how.any(&key, content.pieces(parts), &parsed.signatures) {
                return Ok(index);
            }
        }
        if parsed.malformed {
            return Err(malformed(place, "an entry has no version, and no other entry matches"));
        }
        if parsed.signatures.iter().all(|candidate| *candidate == Candidate::Undecodable) {
            return Err(malformed(place, self.undecodable()));
        }
        Err(Reason::NoMatchingSignature { signatures: parsed.signatures.len(), secrets: secrets.len() })
    }

    /// The reason for a header in which no signature was found.
    fn no_signature(&self, place: &Place, parsed: &Parsed<'_>) -> Reason {
        // A list without its timestamp is not in this scheme's format.
        if parsed.malformed || self.grammar.carries_timestamp() && parsed.timestamps.is_empty() {
            return malformed(place, "it is not in the provider's format");
        }
        if parsed.unknown.is_empty() {
            return malformed(place, "it has no signature");
        }
        // What looks like a version may be a part of the token.
        if !self.algorithm.covers_content() {
            return malformed(place, "it is not in the provider's format");
        }
        let versions = parsed.unknown.iter().map(|version| (*version).to_owned()).collect();
        Reason::UnsupportedVersion { header: place.label(), versions }
    }

    fn undecodable(&self) -> &'static str {
        match self.grammar.encoding() {
            TextEncoding::Hex => "the signature is not hexadecimal",
            TextEncoding::Base64 => "the signature is not base64 (standard alphabet, padded)",
            TextEncoding::Base64Url => "the signature is not base64 (URL-safe alphabet)",
            TextEncoding::Plain | TextEncoding::Jwt => "the token is empty",
        }
    }
}

/// How much of a signature must match.
#[derive(Clone, Copy)]
enum Match {
    Whole,
    Beginning,
}

/// The shortest beginning of a signature that can't match by chance, in bytes.
pub(in crate::webhook) const SHORTEST: usize = 10;

impl Match {
    fn any<'a>(self, key: &Key, content: impl Iterator<Item = &'a [u8]>, candidates: &'a [Candidate]) -> bool {
        let signatures = candidates.iter().filter_map(|candidate| match candidate {
            Candidate::Decoded(signature) => Some(signature.as_slice()),
            Candidate::NotCanonical | Candidate::Undecodable => None,
        });
        match self {
            Self::Whole => key.verify(content, signatures),
            Self::Beginning => {
                key.verify_truncated(content, signatures.filter(|signature| signature.len() >= SHORTEST))
            }
        }
    }
}

/// The body without its `content-encoding`; nothing if it can't be decoded.
fn decoded(request: &Request) -> DecodedBody<'_> {
    DecodedBody::of(request, MAX_DECODED).unwrap_or(DecodedBody::empty())
}

/// The value at a source; it must be the only one there.
fn single<'a>(source: &Source, lookup: &Lookup<'a>) -> Result<(Place, Cow<'a, str>), Reason> {
    let place = match source {
        Source::Headers(names) => {
            let headers: &Headers = &lookup.request.headers;
            let missing = || Reason::MissingHeader { names: names.iter().map(ToString::to_string).collect() };
            Place::Header(names.iter().find(|name| headers.contains(name.as_str())).ok_or_else(missing)?.clone())
        }
        Source::At(place) => place.clone(),
    };
    once(&place, lookup)?;
    let text = lookup.text(&place).ok_or_else(|| Reason::MissingValue { place: place.words() })?;
    Ok((place, text))
}

/// Checks that a value is sent once. With several, a handler might read another one than hookdev does.
fn once(place: &Place, lookup: &Lookup<'_>) -> Result<(), Reason> {
    match place {
        Place::Header(_) | Place::Query(_) | Place::Form(_) => match lookup.count(place) {
            0 | 1 => Ok(()),
            times => Err(Reason::AmbiguousHeader { header: place.label(), times }),
        },
        _ => Ok(()),
    }
}

/// Checks that a value is ASCII. Libraries differ on other bytes, so none are accepted.
fn ascii(place: &Place, value: &str) -> Result<(), Reason> {
    if value.is_ascii() { Ok(()) } else { Err(malformed(place, "it has a non-ASCII character")) }
}

fn malformed(place: &Place, problem: &'static str) -> Reason {
    Reason::MalformedHeader { header: place.label(), problem }
}

fn freshness(tolerance: Tolerance, signed: Timestamp, now: Option<Timestamp>) -> Result<Freshness, Reason> {
    let Some(now) = now else { return Ok(Freshness::NotChecked) };
    let skew = signed.skew_from(now);
    if skew.too_old(tolerance) {
        Err(Reason::TimestampTooOld { skew, tolerance })
    } else if skew.too_new(tolerance) {
        Err(Reason::TimestampTooNew { skew, tolerance })
    } else {
        Ok(Freshness::Fresh(skew))
    }
}
