//! A signature scheme: how one provider signs, with the two operations, sign and verify.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::{
    algorithm::Algorithm,
    content::{ContentValues, SignedContent},
    grammar::{Candidate, Grammar, MAX_SIGNATURES, Parsed, TextEncoding},
    key::Key,
    secret::SigningSecret,
    verdict::{Freshness, Reason, Rejection, Verified},
};
use crate::webhook::{
    request::{self, Headers, Request},
    time::{Timestamp, Tolerance},
};

/// How a provider signs.
#[derive(Clone, Debug)]
pub struct Scheme {
    /// The scheme's name within the provider, such as `svix`.
    pub name: Arc<str>,
    /// The signature algorithm.
    pub algorithm: Algorithm,
    /// The bytes that are signed.
    pub content: SignedContent,
    /// The names of the signature header. The first is sent; the first one present is read.
    pub header: Vec<HeaderName>,
    /// The format of the signature header.
    pub grammar: Grammar,
    /// The names of the header with the delivery's id.
    pub id: Option<Vec<HeaderName>>,
    /// The timestamp and its tolerance.
    pub timestamp: Option<TimestampRule>,
}

/// Where a scheme's timestamp is sent, and how it is checked.
#[derive(Clone, Debug)]
pub struct TimestampRule {
    /// The names of its header; `None` if it is part of the signature header.
    pub header: Option<Vec<HeaderName>>,
    /// Its unit, counted from 1970.
    pub unit: TimeUnit,
    /// How far it may be from the time of receipt.
    pub tolerance: Tolerance,
}

impl TimestampRule {
    /// The digits as they were sent, which are what was signed, and the time they give.
    fn find(
        &self,
        signature_header: &HeaderName,
        parsed: &Parsed<'_>,
        headers: &Headers,
    ) -> Result<(String, Timestamp), Reason> {
        let (header, digits) = match (&self.header, parsed.timestamps.as_slice()) {
            (Some(names), _) => {
                let (name, value) = single(headers, names)?;
                (name, request::text(value).into_owned())
            }
            (None, [one]) => (signature_header, (*one).to_owned()),
            (None, []) => return Err(malformed(signature_header, "it has no timestamp")),
            (None, _) => return Err(malformed(signature_header, "it has more than one timestamp")),
        };
        let time = self.unit.read(&digits).ok_or_else(|| malformed(header, "the timestamp is not a whole number"))?;
        Ok((digits, time))
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
}

impl TimeUnit {
    /// Writes a time as a number in this unit.
    #[must_use]
    pub fn write(self, time: Timestamp) -> String {
        match self {
            Self::Seconds => time.unix_seconds().to_string(),
            Self::Milliseconds => time.unix_millis().to_string(),
        }
    }

    /// Rounds a clock reading down to whole units, as the providers' libraries do before they compare.
    fn floor(self, time: Timestamp) -> Timestamp {
        match self {
            Self::Seconds => Timestamp::from_unix_seconds(time.unix_seconds()),
            Self::Milliseconds => time,
        }
    }

    /// Reads a plain decimal integer. Libraries sign the number that they have read, so they never produce
    /// another spelling of it (`+1`, `01`).
    #[must_use]
    pub fn read(self, text: &str) -> Option<Timestamp> {
        let is_plain =
            text == "0" || text.strip_prefix('-').unwrap_or(text).starts_with(|digit| matches!(digit, '1'..='9'));
        let number = text.parse().ok().filter(|_: &i64| is_plain)?;
        Some(match self {
            Self::Seconds => Timestamp::from_unix_seconds(number),
            Self::Milliseconds => Timestamp::from_unix_millis(number),
        })
    }
}

/// When a request was received, to check its age against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The time of receipt; if unknown, the age is not checked.
    pub at: Option<Timestamp>,
    /// Overrides the scheme's own tolerance.
    pub tolerance: Option<Tolerance>,
}

impl From<Option<Timestamp>> for Receipt {
    fn from(at: Option<Timestamp>) -> Self {
        Self { at, tolerance: None }
    }
}

/// What a scheme signs.
#[derive(Clone, Copy, Debug)]
pub struct SigningInput<'a> {
    /// The exact body.
    pub body: &'a [u8],
    /// The delivery's id.
    pub id: &'a str,
    /// The time of the attempt.
    pub time: Timestamp,
    /// The request's other headers.
    pub headers: &'a Headers,
}

impl Scheme {
    /// Returns the headers that make a request genuine: the signature, and id and timestamp where the scheme
    /// has them. `None` if the secret can't sign.
    #[must_use]
    pub fn sign(&self, secret: &SigningSecret, message: &SigningInput<'_>) -> Option<Vec<(HeaderName, HeaderValue)>> {
        let timestamp = self.timestamp.as_ref().map(|rule| rule.unit.write(message.time)).unwrap_or_default();
        self.sign_with_timestamp(secret, message, &timestamp)
    }

    /// Like [`Self::sign`], with this text as the timestamp.
    pub(in crate::webhook) fn sign_with_timestamp(
        &self,
        secret: &SigningSecret,
        message: &SigningInput<'_>,
        timestamp: &str,
    ) -> Option<Vec<(HeaderName, HeaderValue)>> {
        let values = ContentValues {
            body: message.body,
            id: message.id.as_bytes(),
            timestamp: timestamp.as_bytes(),
            headers: message.headers,
        };
        let signature = secret.key(self.algorithm)?.sign(self.content.pieces(values))?;
        let signature = self.grammar.write(&signature, timestamp);

        let time_header = self.timestamp.as_ref().and_then(|rule| rule.header.as_ref());
        let id = self.id.as_ref().map(|names| (names, request::value(message.id)));
        let time = time_header.map(|names| (names, request::value(timestamp)));
        let signature = Some((&self.header, request::value(&signature)));
        let field = |(names, value): (&Vec<HeaderName>, Result<_, _>)| Some((names.first()?.clone(), value.ok()?));
        Some([id, time, signature].into_iter().flatten().filter_map(field).collect())
    }

    /// Whether the signature header can carry a secret that is itself sent: a static token.
    #[must_use]
    pub fn can_send(&self, secret: &SigningSecret) -> bool {
        let is_token = !self.algorithm.covers_content();
        let Some(token) = secret.key(self.algorithm).filter(|_| is_token).and_then(|key| key.sign([])) else {
            return true;
        };
        let value = self.grammar.write(&token, "0");
        value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
            && self.grammar.read(&value).signatures == [Candidate::Decoded(token)]
    }

    /// All names of the id, timestamp or signature header that is sent under this name.
    pub(in crate::webhook) fn names_of(&self, name: &HeaderName) -> &[HeaderName] {
        let time = self.timestamp.as_ref().and_then(|rule| rule.header.as_deref());
        let lists = [self.id.as_deref(), time, Some(self.header.as_slice())];
        lists.into_iter().flatten().find(|names| names.contains(name)).unwrap_or_default()
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
        receipt: Receipt,
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
        receipt: Receipt,
        how: Match,
    ) -> Result<Verified, Reason> {
        let (header, signature) = single(&request.headers, &self.header)?;
        if self.grammar.encoding() != TextEncoding::Plain {
            ascii(header, signature)?;
        }
        let signature = request::text(signature);
        let parsed = self.grammar.read(&signature);
        if parsed.count > MAX_SIGNATURES {
            return Err(Reason::TooManySignatures { header: header.to_string(), signatures: parsed.count });
        }
        if parsed.signatures.is_empty() {
            return Err(self.no_signature(header, &parsed));
        }
        let id = match &self.id {
            Some(names) => single(&request.headers, names).and_then(|(name, id)| ascii(name, id))?,
            None => "",
        };
        let timestamp = match &self.timestamp {
            Some(rule) => Some((rule, rule.find(header, &parsed, &request.headers)?)),
            None => None,
        };
        // A signed header may be missing; it then counts as empty.
        for name in self.content.headers() {
            once(name, request.headers.all(name.as_str()))?;
        }
        let digits = timestamp.as_ref().map_or("", |(_, (digits, _))| digits.as_str());
        let values = ContentValues {
            body: &request.body,
            id: id.as_bytes(),
            timestamp: digits.as_bytes(),
            headers: &request.headers,
        };
        let secret = self.matching(secrets, values, header, &parsed, how)?;
        let freshness = match timestamp {
            Some((rule, (_, time))) => {
                freshness(receipt.tolerance.unwrap_or(rule.tolerance), time, receipt.at.map(|at| rule.unit.floor(at)))?
            }
            None => Freshness::NoTimestamp,
        };
        // An unsigned time proves nothing, though an old one is rejected.
        let freshness = if self.signs_timestamp() { freshness } else { Freshness::NoTimestamp };
        Ok(Verified { scheme: self.name.clone(), secret, freshness })
    }

    /// Whether the scheme signs a timestamp, so that old requests can be rejected.
    #[must_use]
    pub fn signs_timestamp(&self) -> bool {
        self.algorithm.covers_content() && self.timestamp.is_some() && self.content.signs_timestamp()
    }

    /// Returns the index of the first secret with which a signature matches.
    fn matching(
        &self,
        secrets: &[SigningSecret],
        values: ContentValues<'_>,
        header: &HeaderName,
        parsed: &Parsed<'_>,
        how: Match,
    ) -> Result<usize, Reason> {
        for (index, secret) in secrets.iter().enumerate() {
            let Some(key) = secret.key(self.algorithm) else { continue };
            if how.any(&key, self.content.pieces(values), &parsed.signatures) {
                return Ok(index);
            }
        }
        if parsed.malformed {
            return Err(malformed(header, "an entry has no version, and no other entry matches"));
        }
        if parsed.signatures.iter().all(|candidate| *candidate == Candidate::Undecodable) {
            return Err(malformed(header, self.undecodable()));
        }
        Err(Reason::NoMatchingSignature { signatures: parsed.signatures.len(), secrets: secrets.len() })
    }

    /// The reason for a header in which no signature was found.
    fn no_signature(&self, header: &HeaderName, parsed: &Parsed<'_>) -> Reason {
        // A list without its timestamp is not in this scheme's format.
        if parsed.malformed || self.grammar.carries_timestamp() && parsed.timestamps.is_empty() {
            return malformed(header, "it is not in the provider's format");
        }
        if parsed.unknown.is_empty() {
            return malformed(header, "it has no signature");
        }
        // What looks like a version may be a part of the token.
        if !self.algorithm.covers_content() {
            return malformed(header, "it is not in the provider's format");
        }
        let versions = parsed.unknown.iter().map(|version| (*version).to_owned()).collect();
        Reason::UnsupportedVersion { header: header.to_string(), versions }
    }

    fn undecodable(&self) -> &'static str {
        match self.grammar.encoding() {
            TextEncoding::Hex => "the signature is not hexadecimal",
            TextEncoding::Base64 => "the signature is not base64 (standard alphabet, padded)",
            TextEncoding::Plain => "the token is empty",
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

/// The value of a header under the first of its names that is present; it must be the only one.
fn single<'a>(headers: &'a Headers, names: &'a [HeaderName]) -> Result<(&'a HeaderName, &'a HeaderValue), Reason> {
    let missing = || Reason::MissingHeader { names: names.iter().map(ToString::to_string).collect() };
    let name = names.iter().find(|name| headers.contains(name.as_str())).ok_or_else(missing)?;
    let first = once(name, headers.all(name.as_str()))?.ok_or_else(missing)?;
    Ok((name, first))
}

/// The only one of a header's values. With several, a handler might read another one than hookdev does.
fn once<'a>(
    name: &HeaderName,
    mut values: impl Iterator<Item = &'a HeaderValue>,
) -> Result<Option<&'a HeaderValue>, Reason> {
    let first = values.next();
    match values.count() {
        0 => Ok(first),
        others => Err(Reason::AmbiguousHeader { header: name.to_string(), times: others + 1 }),
    }
}

/// A value as ASCII text. Libraries differ on other bytes, so none are accepted.
fn ascii<'a>(header: &HeaderName, value: &'a HeaderValue) -> Result<&'a str, Reason> {
    value.to_str().map_err(|_| malformed(header, "it has a non-ASCII character"))
}

fn malformed(header: &HeaderName, problem: &'static str) -> Reason {
    Reason::MalformedHeader { header: header.to_string(), problem }
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
