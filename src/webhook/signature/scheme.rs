//! A signature scheme: everything that says how one provider signs, and the two things to do with
//! it, sign and verify.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::{
    algorithm::Algorithm,
    content::{ContentValues, SignedContent},
    grammar::{Candidate, Grammar, Parsed, TextEncoding},
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
    /// Its name within the provider, `svix`.
    pub name: Arc<str>,
    /// What makes the signature.
    pub algorithm: Algorithm,
    /// The bytes that are signed.
    pub content: SignedContent,
    /// The names of the signature's header: the first is sent, the first that is present is read.
    pub header: Vec<HeaderName>,
    /// The form of that header's value.
    pub grammar: Grammar,
    /// The names of the header that carries the delivery's id.
    pub id: Option<Vec<HeaderName>>,
    /// Where the time stands and how far off it may be.
    pub timestamp: Option<TimestampRule>,
}

/// Where a scheme's time stands, and how it is judged.
#[derive(Clone, Debug)]
pub struct TimestampRule {
    /// The names of its header; none when it stands in the signature's value.
    pub header: Option<Vec<HeaderName>>,
    /// What it counts since 1970.
    pub unit: TimeUnit,
    /// How far it may lie from the time of receipt.
    pub tolerance: Tolerance,
}

impl TimestampRule {
    /// The timestamp's digits as they were sent, which are what was signed, and the time they name.
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
            (None, []) => return Err(malformed(signature_header, "there is no timestamp in it")),
            (None, _) => return Err(malformed(signature_header, "there is more than one timestamp in it")),
        };
        let time = self.unit.read(&digits).ok_or_else(|| malformed(header, "the timestamp is not a whole number"))?;
        Ok((digits, time))
    }
}

/// What a timestamp counts.
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
    /// A moment as a number in this unit.
    #[must_use]
    pub fn write(self, time: Timestamp) -> String {
        match self {
            Self::Seconds => time.unix_seconds().to_string(),
            Self::Milliseconds => time.unix_millis().to_string(),
        }
    }

    /// A clock reading in whole units, as the providers' libraries compare it with a timestamp.
    fn floor(self, time: Timestamp) -> Timestamp {
        match self {
            Self::Seconds => Timestamp::from_unix_seconds(time.unix_seconds()),
            Self::Milliseconds => time,
        }
    }

    /// The moment behind a plain decimal integer. Libraries sign the number that they have read, so that any other way
    /// to write it (`+1`, `01`) is none of theirs.
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

/// When a request was received, for judging its age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The time of receipt; without it the age is not judged.
    pub at: Option<Timestamp>,
    /// What is allowed instead of the scheme's own tolerance.
    pub tolerance: Option<Tolerance>,
}

impl From<Option<Timestamp>> for Receipt {
    fn from(at: Option<Timestamp>) -> Self {
        Self { at, tolerance: None }
    }
}

/// What is to be signed.
#[derive(Clone, Copy, Debug)]
pub struct SigningInput<'a> {
    /// The exact body.
    pub body: &'a [u8],
    /// The delivery's id.
    pub id: &'a str,
    /// When the attempt is made.
    pub time: Timestamp,
    /// The request's other headers.
    pub headers: &'a Headers,
}

impl Scheme {
    /// The headers that make a message genuine: id, timestamp and signature, as far as the scheme
    /// has them. `None` when the secret can't sign.
    #[must_use]
    pub fn sign(&self, secret: &SigningSecret, message: &SigningInput<'_>) -> Option<Vec<(HeaderName, HeaderValue)>> {
        let timestamp = self.timestamp.as_ref().map(|rule| rule.unit.write(message.time)).unwrap_or_default();
        let values = ContentValues {
            body: message.body,
            id: message.id.as_bytes(),
            timestamp: timestamp.as_bytes(),
            headers: message.headers,
        };
        let signature = secret.key(self.algorithm)?.sign(self.content.pieces(values))?;
        let signature = self.grammar.write(&signature, &timestamp);

        let time_header = self.timestamp.as_ref().and_then(|rule| rule.header.as_ref());
        let id = self.id.as_ref().map(|names| (names, request::value(message.id)));
        let time = time_header.map(|names| (names, request::value(&timestamp)));
        let signature = Some((&self.header, request::value(&signature)));
        let field = |(names, value): (&Vec<HeaderName>, Result<_, _>)| Some((names.first()?.clone(), value.ok()?));
        Some([id, time, signature].into_iter().flatten().filter_map(field).collect())
    }

    /// All names of the header that is sent under this one, of id, timestamp and signature.
    pub(in crate::webhook) fn names_of(&self, name: &HeaderName) -> &[HeaderName] {
        let time = self.timestamp.as_ref().and_then(|rule| rule.header.as_deref());
        let lists = [self.id.as_deref(), time, Some(self.header.as_slice())];
        lists.into_iter().flatten().find(|names| names.contains(name)).unwrap_or_default()
    }

    /// Whether a request is signed by one of the secrets, and was fresh when received. The MAC is judged before the time, so that "too old" means "genuine, but
    /// too old".
    ///
    /// # Errors
    ///
    /// A [`Rejection`], which is an answer: the request is not genuine.
    pub fn verify(
        &self,
        secrets: &[SigningSecret],
        request: &Request,
        receipt: Receipt,
    ) -> Result<Verified, Rejection> {
        self.judge(secrets, request, receipt, Match::Whole)
            .map_err(|reason| Rejection { scheme: self.name.clone(), reason })
    }

    /// Whether a signature of the request is the right one cut short, to no less than 80
    /// bits. That explains a refusal and never lifts it.
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
        // A header that is signed by its name may be missing, and then counts as empty.
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
        // A time that anyone could have written is no proof of freshness, although an old one is refused.
        let freshness = if self.signs_timestamp() { freshness } else { Freshness::NoTimestamp };
        Ok(Verified { scheme: self.name.clone(), secret, freshness })
    }

    /// Whether an old request can be told from a new one: its time stands under the MAC.
    #[must_use]
    pub fn signs_timestamp(&self) -> bool {
        self.algorithm.covers_content() && self.timestamp.is_some() && self.content.signs_timestamp()
    }

    /// The place of the first secret under which a signature of the header matches.
    fn matching(
        &self,
        secrets: &[SigningSecret],
        values: ContentValues<'_>,
        header: &HeaderName,
        parsed: &Parsed<'_>,
        how: Match,
    ) -> Result<usize, Reason> {
        for (place, secret) in secrets.iter().enumerate() {
            let Some(key) = secret.key(self.algorithm) else { continue };
            if how.any(&key, self.content.pieces(values), &parsed.signatures) {
                return Ok(place);
            }
        }
        if parsed.malformed {
            return Err(malformed(header, "an entry has no version before its signature, and no other entry matches"));
        }
        if parsed.signatures.iter().all(|candidate| *candidate == Candidate::Undecodable) {
            return Err(malformed(header, self.undecodable()));
        }
        Err(Reason::NoMatchingSignature { signatures: parsed.signatures.len(), secrets: secrets.len() })
    }

    /// Why a header in which no signature was found is refused.
    fn no_signature(&self, header: &HeaderName, parsed: &Parsed<'_>) -> Reason {
        // A list that lacks its timestamp is not this scheme's list at all.
        if parsed.malformed || self.grammar.carries_timestamp() && parsed.timestamps.is_empty() {
            return malformed(header, "it is not of the form that the provider sends");
        }
        if parsed.unknown.is_empty() {
            return malformed(header, "there is no signature in it");
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

/// The one value of a header under the first of its names that is present.
fn single<'a>(headers: &'a Headers, names: &'a [HeaderName]) -> Result<(&'a HeaderName, &'a HeaderValue), Reason> {
    let missing = || Reason::MissingHeader { names: names.iter().map(ToString::to_string).collect() };
    let name = names.iter().find(|name| headers.contains(name.as_str())).ok_or_else(missing)?;
    let first = once(name, headers.all(name.as_str()))?.ok_or_else(missing)?;
    Ok((name, first))
}

/// The only one of a header's values; with several, a handler may take another one than is judged here.
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

/// A value as text. Libraries read other bytes in different ways or not at all, so that none of them is taken.
fn ascii<'a>(header: &HeaderName, value: &'a HeaderValue) -> Result<&'a str, Reason> {
    value.to_str().map_err(|_| malformed(header, "it holds a character outside ASCII"))
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
