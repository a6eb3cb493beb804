//! Forgeries: how a genuine delivery is spoilt so that a correct handler refuses it, within the form that the
//! provider's signatures have.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::body;
use crate::webhook::{
    provider::{
        Provider,
        compose::{AttemptParams, Draft},
    },
    request::{self, Request},
    signature::{
        Algorithm, MalformedSecret, Scheme, SigningSecret,
        grammar::{Candidate, Grammar, TextEncoding},
        secret::KeyEncoding,
    },
    time::{Timestamp, Tolerance},
};

/// A bad delivery that a correct handler refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// The body is changed after it was signed.
    Body,
    /// The signature is changed.
    Signature,
    /// There is no signature.
    Missing,
    /// It is signed with another secret.
    Secret,
    /// It is genuine, and older than the provider allows.
    Stale,
    /// It is genuine, and from further ahead than the provider allows.
    Future,
}

/// Everything that can be wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forgery {
    /// What `send` offers, too.
    Tamper(Tamper),
    /// The signature has another length.
    Truncated,
    /// There is a header and no signature in it.
    Empty,
    /// There is a header and something else in it.
    Garbage,
}

/// A genuine delivery, and what its attempt is made with.
#[derive(Clone, Copy, Debug)]
pub struct Original<'a> {
    /// Whose it is.
    pub provider: &'a Provider,
    /// The delivery.
    pub draft: &'a Draft,
    /// The attempt.
    pub attempt: AttemptParams<'a>,
}

impl Tamper {
    /// Why this makes no sense for a provider's event, which may be sent unsigned.
    #[must_use]
    pub fn objection(self, provider: &Provider, unsigned: bool) -> Option<String> {
        Forgery::Tamper(self).objection(provider, unsigned)
    }

    /// What is wrong with the delivery, as it reads behind "although".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Body => "its body was changed after it was signed",
            Self::Signature => "its signature was changed",
            Self::Missing => "it has no signature",
            Self::Secret => "it is signed with another secret",
            Self::Stale => "it is older than the provider allows",
            Self::Future => "it comes from further ahead than the provider allows",
        }
    }

    /// The request of the attempt, spoilt.
    ///
    /// # Errors
    ///
    /// In words, when there is nothing in it that could be spoilt this way.
    pub fn request(self, original: &Original<'_>) -> Result<Request, String> {
        let Original { provider, draft, attempt } = *original;
        match self {
            Self::Stale | Self::Future => {
                let now = shifted(self, provider, attempt.now).ok_or("no time is signed")?;
                Ok(provider.request(draft, &AttemptParams { now, ..attempt }))
            }
            Self::Secret => {
                let another = another_secret(provider, attempt.secret).ok_or("no secret signs it")?;
                Ok(provider.request(draft, &AttemptParams { secret: Some(&another), ..attempt }))
            }
            Self::Body => {
                let mut request = provider.request(draft, &attempt);
                request.body = body::changed(provider, provider.event(&draft.event), &request);
                Ok(request)
            }
            Self::Missing => Ok(without_signature(provider, provider.request(draft, &attempt))),
            Self::Signature => {
                let mut signed = Signed::of(original)?;
                let changed = signed.write(&flipped(&signed.signature, signed.grammar));
                signed.set(&changed)?;
                Ok(signed.request)
            }
        }
    }
}

impl Forgery {
    pub(super) fn objection(self, provider: &Provider, unsigned: bool) -> Option<String> {
        let title = &provider.title;
        let Some(scheme) = provider.schemes.first() else {
            return Some(format!("{title} signs nothing: a forged delivery cannot be told from a genuine one"));
        };
        if unsigned {
            return Some(format!("{title} sends this event without a signature"));
        }
        match self {
            Self::Tamper(Tamper::Stale | Tamper::Future) if !scheme.signs_timestamp() => {
                Some(format!("{title} signs no timestamp: a replayed delivery cannot be told from a new one"))
            }
            Self::Tamper(Tamper::Body) if !signs_body(scheme) => {
                Some(format!("{title} does not sign the body: a changed one cannot be told from the true one"))
            }
            _ => None,
        }
    }

    /// What is wrong with the delivery, as it reads behind "although".
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Tamper(tamper) => tamper.words(),
            Self::Truncated => "its signature is cut to half its length",
            Self::Empty => "its signature is empty",
            Self::Garbage => "what stands in the place of its signature is none",
        }
    }

    /// The spoilt requests, each with what it has of its own.
    pub(super) fn requests(self, original: &Original<'_>) -> Result<Vec<(Request, Option<&'static str>)>, String> {
        if let Self::Tamper(tamper) = self {
            return Ok(vec![(tamper.request(original)?, None)]);
        }
        let signed = Signed::of(original)?;
        let mut values = match self {
            Self::Truncated => vec![(signed.write(&signed.signature[..signed.signature.len() / 2]), None)],
            Self::Empty => vec![
                (String::new(), Some("an empty header")),
                (signed.write(&[]), Some("the signature's form without a signature")),
            ],
            _ => vec![
                ("not-a-signature".to_owned(), Some("another form")),
                (signed.undecodable(), Some("the signature's form and length, and no digits of it")),
                ("\u{e9}".repeat(signed.value.len()), Some("bytes outside ASCII")),
            ],
        };
        values.dedup_by(|a, b| a.0 == b.0);
        let spoilt = values.into_iter().map(|(value, how)| {
            let mut signed = signed.clone();
            signed.set(&value)?;
            Ok((signed.request, how))
        });
        spoilt.collect()
    }
}

/// Whether a scheme's signature changes with the body.
pub(super) fn signs_body(scheme: &Scheme) -> bool {
    scheme.algorithm != Algorithm::Token && scheme.content.signs_body()
}

/// A signed request, and the parts of its signature header.
#[derive(Clone)]
pub(super) struct Signed<'a> {
    pub(super) request: Request,
    pub(super) grammar: &'a Grammar,
    header: &'a HeaderName,
    pub(super) value: String,
    pub(super) signature: Vec<u8>,
    timestamp: String,
}

impl<'a> Signed<'a> {
    pub(super) fn of(original: &Original<'a>) -> Result<Self, String> {
        let request = original.provider.request(original.draft, &original.attempt);
        let scheme = original.provider.schemes.first().ok_or("nothing signs it")?;
        let header = scheme.header.first().ok_or("no header carries its signature")?;
        let value = request.headers.text(header.as_str()).ok_or("it has no signature")?.into_owned();
        let parsed = scheme.grammar.read(&value);
        let timestamp = parsed.timestamps.first().copied().unwrap_or_default().to_owned();
        let Some(Candidate::Decoded(signature)) = parsed.signatures.into_iter().next() else {
            return Err(format!("the `{header}` header is your own"));
        };
        Ok(Self { request, grammar: &scheme.grammar, header, value, signature, timestamp })
    }

    /// The header's value with another signature in it.
    pub(super) fn write(&self, signature: &[u8]) -> String {
        self.grammar.write(signature, &self.timestamp)
    }

    /// The header's value with a signature of the right length that is none of the encoding.
    fn undecodable(&self) -> String {
        let encoded = self.grammar.encoding().encode(&self.signature);
        self.value.replacen(&encoded, &"?".repeat(encoded.len()), 1)
    }

    pub(super) fn set(&mut self, value: &str) -> Result<(), String> {
        let value: HeaderValue = request::value(value).map_err(|error| error.to_string())?;
        self.request.headers.set(self.header, value);
        Ok(())
    }

    /// The header's value with a wrong signature beside the right one: before it, and behind it.
    pub(super) fn beside_a_wrong_one(&self) -> Option<[String; 2]> {
        let separator = self.grammar.separator()?;
        let wrong = self.write(&flipped(&self.signature, self.grammar));
        let (right, wrong): (Vec<&str>, Vec<&str>) =
            (self.value.split(separator).collect(), wrong.split(separator).collect());
        let place = right.iter().zip(&wrong).position(|(right, wrong)| right != wrong)?;
        let with = |at: usize| {
            let mut entries = right.clone();
            entries.insert(at, wrong[place]);
            entries.join(&separator.to_string())
        };
        Some([with(place), with(place + 1)])
    }

    /// The header's value with an entry of another version beside the right one: before it, and behind it.
    pub(super) fn beside_another_version(&self) -> Option<[String; 2]> {
        let separator = self.grammar.separator()?;
        let entry = format!("{}{}", self.grammar.unknown_tag()?, self.grammar.encoding().encode(&self.signature));
        Some([format!("{entry}{separator}{}", self.value), format!("{}{separator}{entry}", self.value)])
    }
}

/// The signature with a bit of its first byte changed; of a token another first character.
pub(super) fn flipped(signature: &[u8], grammar: &Grammar) -> Vec<u8> {
    let mut flipped = signature.to_vec();
    if let Some(first) = flipped.first_mut() {
        *first = match grammar.encoding() {
            TextEncoding::Plain => body::neighbour(*first).unwrap_or(b'x'),
            TextEncoding::Hex | TextEncoding::Base64 => *first ^ 1,
        };
    }
    flipped
}

fn without_signature(provider: &Provider, mut request: Request) -> Request {
    for name in provider.schemes.iter().flat_map(|scheme| &scheme.header) {
        request.headers.remove(name.as_str());
    }
    request
}

/// A secret of the provider's form that is not the one given.
fn another_secret(provider: &Provider, secret: Option<&SigningSecret>) -> Option<SigningSecret> {
    let rule = provider.secret.as_ref()?;
    let prefix = rule.format.prefix.as_deref().unwrap_or_default();
    let parse = |plain: &str| -> Result<SigningSecret, MalformedSecret> {
        let text = match rule.format.encoding {
            KeyEncoding::Text => plain.to_owned(),
            KeyEncoding::Base64 => TextEncoding::Base64.encode(plain.as_bytes()),
            KeyEncoding::Hex => TextEncoding::Hex.encode(plain.as_bytes()),
        };
        SigningSecret::parse(&format!("{prefix}{text}"), &rule.format)
    };
    let mut others = ["hookdev-a-secret-that-is-wrong-1", "hookdev-a-secret-that-is-wrong-2"].into_iter();
    others.find_map(|plain| parse(plain).ok().filter(|other| Some(other) != secret))
}

/// How old a stale delivery is: twice what the provider allows, a minute more at least.
pub(super) fn stale_by(provider: &Provider) -> Option<Duration> {
    tolerance(provider).map(|tolerance| beyond(tolerance.past))
}

/// How far ahead a delivery from the future comes from.
pub(super) fn future_by(provider: &Provider) -> Option<Duration> {
    tolerance(provider).map(|tolerance| beyond(tolerance.future))
}

fn tolerance(provider: &Provider) -> Option<Tolerance> {
    let scheme = provider.schemes.first().filter(|scheme| scheme.signs_timestamp())?;
    scheme.timestamp.as_ref().map(|rule| rule.tolerance)
}

fn beyond(allowed: Duration) -> Duration {
    allowed + allowed.max(Duration::from_secs(60))
}

fn shifted(tamper: Tamper, provider: &Provider, now: Timestamp) -> Option<Timestamp> {
    let millis = |distance: Duration| i64::try_from(distance.as_millis()).ok();
    let now = now.unix_millis();
    let then = match tamper {
        Tamper::Future => now.checked_add(millis(future_by(provider)?)?)?,
        _ => now.checked_sub(millis(stale_by(provider)?)?)?,
    };
    Some(Timestamp::from_unix_millis(then))
}
