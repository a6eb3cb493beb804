//! Verification: whether a request is signed with one of the secrets, and was fresh when it was received.

use std::{borrow::Cow, time::Duration};

use serde_json::Value;

use super::{
    algorithm::Algorithm,
    content::{ContentValues, ResolvedContent, SecretParts},
    grammar::{MAX_SIGNATURES, Parsed, ParsedSignature, TextEncoding},
    jwt::Jwt,
    key::Key,
    scheme::{Scheme, decoded},
    secret::SigningSecret,
    sole::{ascii, malformed, once, single},
    timestamp::{TimeUnit, freshness},
    verdict::{Claim, Freshness, Reason, Rejection, Unmatched, Verified},
};
use crate::webhook::{
    encoding,
    place::{Lookup, Place},
    request::Request,
    time::{Timestamp, Tolerance},
};

/// What is wrong with a value that contains no complete token.
const NOT_A_JWT: &str = "it is not a complete JWT, which has three parts separated by dots";

/// How far clocks may be apart when a JWT is checked, in seconds.
const LEEWAY: i64 = 10;

/// When and where a request was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt<'a> {
    /// The time of receipt; if unknown, the age is not checked.
    pub at: Option<Timestamp>,
    /// Overrides the scheme's own tolerance.
    pub tolerance: Option<Tolerance>,
    /// The URL that the provider called, for schemes that sign it. Without one, the URL that the request itself names
    /// is used.
    pub url: Option<&'a str>,
}

impl From<Option<Timestamp>> for Receipt<'_> {
    fn from(at: Option<Timestamp>) -> Self {
        Self { at, tolerance: None, url: None }
    }
}
impl Scheme {
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
    pub(in crate::webhook) fn is_cut_short(
        &self,
        secrets: &[SigningSecret],
        request: &Request,
        receipt: Receipt<'_>,
    ) -> bool {
        self.judge(secrets, request, receipt, Match::Beginning).is_ok()
    }

    /// Whether a signature in the request is the right one except for the case of its base64 letters, which can't be
    /// restored. That explains a rejection; it never verifies a request.
    pub(in crate::webhook) fn is_in_other_case(
        &self,
        secrets: &[SigningSecret],
        request: &Request,
        receipt: Receipt<'_>,
    ) -> bool {
        self.judge(secrets, request, receipt, Match::AnyCase).is_ok()
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
            Err(Reason::NoMatchingSignature { .. } | Reason::ClaimMismatch { .. })
                if is_compressed && self.depends_on_body() =>
            {
                let body = decoded(request);
                let lookup = Lookup { body: body.bytes(), ..lookup };
                let before = self.judge_lookup(secrets, &lookup, receipt, how);
                match before {
                    Err(Reason::NoMatchingSignature { .. } | Reason::ClaimMismatch { .. }) => verdict,
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
            ascii(place, &signature)?;
        }
        let parsed = self.grammar.read(&signature);
        if parsed.count > MAX_SIGNATURES {
            return Err(Reason::TooManySignatures { header: place.label(), signatures: parsed.count });
        }
        if parsed.signatures.is_empty() {
            return Err(self.no_signature(place, &parsed));
        }
        let id = match &self.id {
            Some(source) => {
                let (place, id) = single(source, lookup)?;
                ascii(place, &id)?;
                id
            }
            None => Cow::Borrowed(""),
        };
        let timestamp = match &self.timestamp {
            // A JWT has it in its claims.
            Some(rule) if rule.source.is_some() || self.algorithm.jwt_name().is_none() => {
                Some((rule, rule.find(place, &parsed, lookup)?))
            }
            _ => None,
        };
        // A signed value may be missing; it then counts as empty.
        for place in self.content.places() {
            once(place, lookup)?;
        }
        let text = timestamp.as_ref().map_or("", |(_, (text, _))| text);
        let values = ContentValues { id: id.as_bytes(), timestamp: text.as_bytes(), lookup: *lookup };
        let index = self.matching(secrets, &self.content.resolve(values), place, &parsed, how)?;
        self.check_place_claims(lookup)?;
        self.covers(lookup)?;
        if let (Some(_), [ParsedSignature::Decoded(token)]) = (self.algorithm.jwt_name(), parsed.signatures.as_slice())
        {
            let secret = self.readable(&secrets[index]);
            let secret = secret.as_ref().map(|secret| secret.get().parts(self.has_two_part_secret()));
            let token = String::from_utf8_lossy(token);
            let freshness = self.check_claims(&token, place, values, secret.unwrap_or_default(), receipt)?;
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

    /// Checks that a matching signature covers this body. A signed value that the body lacks counts as empty, so if the
    /// body lacked all of them, any body would do. A hash that begins with the secret can be extended without it, but
    /// only with bytes that don't occur in text.
    pub(in crate::webhook) fn covers(&self, lookup: &Lookup<'_>) -> Result<(), Reason> {
        if self.algorithm == Algorithm::Token {
            return Ok(());
        }
        let is_extendable = self.algorithm.is_plain_hash() && self.content.begins_with_secret();
        if is_extendable && std::str::from_utf8(lookup.body).is_err() {
            return Err(Reason::Extendable);
        }
        let of_claims = self.claims.iter().flat_map(|(_, claim)| claim.places());
        let of_place_claims = self.place_claims.iter().flat_map(|(_, content)| content.places());
        let places = self.content.places().chain(of_claims).chain(of_place_claims);
        let of_payload = places.filter(|place| place.needs_payload());
        let (found, missing): (Vec<&Place>, Vec<&Place>) = of_payload.partition(|place| lookup.bytes(place).is_some());
        // Of several fields, some may be optional.
        match missing.into_iter().find(|place| found.is_empty() || place.covers_body()) {
            Some(place) => Err(Reason::NotInBody { place: place.words() }),
            None => Ok(()),
        }
    }

    /// Checks a token whose signature matches: its claims hold, and it is valid at this time.
    fn check_claims(
        &self,
        token: &str,
        place: &Place,
        values: ContentValues<'_>,
        secret: SecretParts<'_>,
        receipt: Receipt<'_>,
    ) -> Result<Freshness, Reason> {
        let token = Jwt::parse(token).ok_or_else(|| malformed(place, NOT_A_JWT))?;
        for (name, claim) in &self.claims {
            if token.claims.get(name).and_then(Value::as_str) != Some(&claim.resolve(values).text(secret)) {
                return Err(Reason::ClaimMismatch { claim: Claim::Token(name.clone()) });
            }
        }
        let (start, end) = (token.time("nbf").or_else(|| token.time("iat")), token.time("exp"));
        let Some(signed) = start.or(end) else { return Ok(Freshness::NoTimestamp) };
        let lifetime = match (start, end) {
            (Some(start), Some(end)) => end.saturating_sub(start),
            (Some(_), None) => self.validity(),
            (None, _) => 0,
        };
        // At the second that `exp` names, a token is no longer valid (RFC 7519, section 4.1.4).
        let last = lifetime.saturating_add(LEEWAY).saturating_sub(i64::from(end.is_some()));
        let valid = Duration::from_secs(u64::try_from(last).unwrap_or_default());
        // The provider may limit its age more strictly than the token does.
        let limit = self.timestamp.as_ref().map(|rule| rule.tolerance.past).filter(|_| start.is_some());
        let past = limit.map_or(valid, |limit| limit.min(valid));
        let allowed = Tolerance { past, future: Duration::from_secs(LEEWAY.unsigned_abs()) };
        let is_its_own = end.is_some() && past == valid && receipt.tolerance.is_none();
        let allowed = receipt.tolerance.unwrap_or(allowed);
        // A token that only says when it expires may be any time before that.
        let allowed = if start.is_none() { Tolerance { future: Tolerance::ANY, ..allowed } } else { allowed };
        let now = receipt.at.map(|at| TimeUnit::Seconds.floor(at));
        freshness(allowed, Timestamp::from_unix_seconds(signed), now).map_err(|reason| match reason {
            Reason::TimestampTooOld { skew, .. } if is_its_own => {
                let lifetime = Duration::from_secs(u64::try_from(lifetime).unwrap_or_default());
                Reason::Expired { skew, since: skew.distance().saturating_sub(lifetime) }
            }
            other => other,
        })
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
            let Some(key) = secret.get().signing_key(self.algorithm, self.has_two_part_secret()) else { continue };
            if how.any(&key, content.pieces(parts), &parsed.signatures) {
                return Ok(index);
            }
        }
        if parsed.malformed {
            return Err(malformed(place, "an entry has no version, and no other entry matches"));
        }
        if parsed.signatures.iter().all(|candidate| *candidate == ParsedSignature::Undecodable) {
            return Err(malformed(place, self.undecodable()));
        }
        if let (Some(needed), [ParsedSignature::Decoded(token)]) =
            (self.algorithm.jwt_name(), parsed.signatures.as_slice())
        {
            let token = std::str::from_utf8(token).ok().and_then(Jwt::parse);
            let found = token.ok_or_else(|| malformed(place, NOT_A_JWT))?.algorithm;
            if found != needed {
                return Err(Reason::OtherAlgorithm { found, needed });
            }
        }
        let what = match self.algorithm {
            Algorithm::Token => Unmatched::Token,
            algorithm if algorithm.jwt_name().is_some() => Unmatched::Jwt,
            _ => Unmatched::Signature,
        };
        Err(Reason::NoMatchingSignature { signatures: parsed.signatures.len(), secrets: secrets.len(), what })
    }

    /// The reason for a header in which no signature was found.
    fn no_signature(&self, place: &Place, parsed: &Parsed<'_>) -> Reason {
        // A list without its timestamp is not in this scheme's format.
        if parsed.malformed || self.grammar.carries_timestamp() && parsed.timestamps.is_empty() {
            return malformed(place, self.not_in_form());
        }
        if parsed.unknown.is_empty() {
            return malformed(place, "it has no signature");
        }
        // What looks like a version may be a part of the token.
        if !self.algorithm.covers_content() {
            return malformed(place, self.not_in_form());
        }
        let versions = parsed.unknown.iter().map(|version| (*version).to_owned()).collect();
        Reason::UnsupportedVersion { header: place.label(), versions }
    }

    /// What is wrong with a value in another form. A token may be any text.
    fn not_in_form(&self) -> Cow<'static, str> {
        if self.algorithm.covers_content() {
            format!("it is not in the provider's format, `{}`", self.grammar).into()
        } else {
            "it is not in the provider's format".into()
        }
    }

    fn undecodable(&self) -> &'static str {
        match self.grammar.encoding() {
            TextEncoding::Hex | TextEncoding::UppercaseHex => "the signature is not hexadecimal",
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
    /// All of it, as base64 in any letter case.
    AnyCase,
}

/// The shortest beginning of a signature that can't match by chance, in bytes.
pub(in crate::webhook) const SHORTEST: usize = 10;

impl Match {
    fn any<'a>(self, key: &Key, content: impl Iterator<Item = &'a [u8]>, candidates: &'a [ParsedSignature]) -> bool {
        let signatures = candidates.iter().filter_map(|candidate| match candidate {
            ParsedSignature::Decoded(signature) => Some(signature.as_slice()),
            ParsedSignature::NotCanonical | ParsedSignature::Undecodable => None,
        });
        match self {
            Self::Whole => key.verify(content, signatures),
            Self::Beginning => {
                key.verify_truncated(content, signatures.filter(|signature| signature.len() >= SHORTEST))
            }
            Self::AnyCase => {
                let right = key.sign(content).unwrap_or_default();
                signatures.filter(|signature| signature.len() >= SHORTEST).any(|other| are_alike(&right, other))
            }
        }
    }
}

/// Whether two signatures differ only in the letter case of their base64. The last letter before the padding is
/// compared without the bits that a change of case loses.
fn are_alike(right: &[u8], other: &[u8]) -> bool {
    let (right, other) = (encoding::base64(right), encoding::base64(other));
    let letters = right.trim_end_matches('=').len().saturating_sub(1);
    right.len() == other.len()
        && right.get(..letters).is_some_and(|right| right.eq_ignore_ascii_case(&other[..letters]))
}
