//! Forgeries: changes to a valid delivery that a correct handler rejects. The signature keeps the provider's format
//! unless the format itself is what is wrong.

use std::time::Duration;

use bytes::Bytes;

use super::{
    body,
    signed_request::{Original, SignedRequest, flipped},
};
use crate::webhook::{
    delivery::Media,
    place::{self, Place, Source},
    provider::{Provider, compose::AttemptParams},
    request::Request,
    signature::{MalformedSecret, Scheme, SigningInput, SigningSecret, grammar::TextEncoding, secret::KeyEncoding},
    time::{Timestamp, Tolerance},
};

/// A forgery that `send` offers too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// The body is changed after signing.
    Body,
    /// The signature is changed.
    Signature,
    /// There is no signature.
    Missing,
    /// The signature is made with a different secret.
    Secret,
    /// The signed timestamp is older than the provider allows.
    Stale,
    /// The signed timestamp is further in the future than the provider allows.
    Future,
}

/// Every way in which a delivery is forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forgery {
    /// One that `send` offers too.
    Tamper(Tamper),
    /// The signature is cut in half.
    Truncated,
    /// The header holds no signature.
    Empty,
    /// The header holds something that is not a signature.
    Garbage,
    /// A signed header other than the signature's is missing.
    HeaderMissing,
    /// The timestamp is not a time, and signed as it is.
    GarbageTimestamp,
    /// There is no signature, and the body can't be parsed.
    Malformed,
}

impl Tamper {
    /// Why this forgery does not apply to an event of a provider; `unsigned` if the event is sent without a signature.
    #[must_use]
    pub fn objection(self, provider: &Provider, unsigned: bool) -> Option<String> {
        Forgery::Tamper(self).inapplicable(provider, unsigned)
    }

    /// What is wrong with the delivery, worded to follow "although".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Body => "the body was changed after signing",
            Self::Signature => "the signature was changed",
            Self::Missing => "it has no signature",
            Self::Secret => "it is signed with a different secret",
            Self::Stale => "its timestamp is older than the provider allows",
            Self::Future => "its timestamp is further in the future than the provider allows",
        }
    }

    /// The forged request.
    ///
    /// # Errors
    ///
    /// If the delivery has nothing to forge in this way; the reason in words.
    pub fn request(self, original: &Original<'_>) -> Result<Request, String> {
        // Any signature that is sent along would still be right.
        let original = &Original { attempt: AttemptParams { sent_along: &[], ..original.attempt }, ..*original };
        let Original { provider, draft, attempt } = *original;
        match self {
            Self::Stale | Self::Future => {
                let now = shifted(self, provider, attempt.now).ok_or("no timestamp is signed")?;
                Ok(provider.request(draft, &AttemptParams { now, ..attempt }))
            }
            Self::Secret => {
                let another = another_secret(provider, attempt.secret).ok_or("there is no secret to sign with")?;
                Ok(provider.request(draft, &AttemptParams { secret: Some(&another), ..attempt }))
            }
            Self::Body => {
                let mut request = provider.request(draft, &attempt);
                request.body = body::changed(provider, provider.event(&draft.event), &request);
                Ok(request)
            }
            Self::Missing => Ok(without_signature(provider, provider.request(draft, &attempt))),
            Self::Signature => {
                let mut signed = SignedRequest::of(original)?;
                let changed = signed.write(&flipped(&signed.signature, signed.grammar));
                signed.set(&changed)?;
                Ok(signed.request)
            }
        }
    }
}

impl Forgery {
    pub(super) fn inapplicable(self, provider: &Provider, unsigned: bool) -> Option<String> {
        let title = &provider.title;
        let Some(scheme) = provider.schemes.first() else {
            return Some(format!(
                "{title} does not sign deliveries: a forged one can't be distinguished from a valid one"
            ));
        };
        if unsigned {
            return Some(format!("{title} sends this event without a signature"));
        }
        match self {
            Self::Tamper(Tamper::Stale | Tamper::Future) | Self::GarbageTimestamp if !scheme.signs_timestamp() => Some(
                format!("{title} does not sign a timestamp: a replayed delivery can't be distinguished from a new one"),
            ),
            Self::Tamper(Tamper::Stale) | Self::GarbageTimestamp if stale_by(provider).is_none() => {
                Some(format!("{title} lets handlers accept deliveries of any age"))
            }
            Self::Tamper(Tamper::Future) if future_by(provider).is_none() => {
                Some(format!("{title} lets handlers accept any timestamp in the future"))
            }
            Self::Malformed if provider.delivery.encodings.first().is_some_and(|first| first.media != Media::Json) => {
                Some(format!("{title} sends forms, and any text is one"))
            }
            Self::HeaderMissing if signed_places(scheme).next().is_none() => {
                Some(format!("{title} signs no header besides the one with the signature"))
            }
            Self::Tamper(Tamper::Body) if !scheme.signs_body() => {
                Some(format!("{title} does not sign the body: a changed one can't be distinguished from the original"))
            }
            _ => None,
        }
    }

    /// What is wrong with the delivery, worded to follow "although".
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Tamper(tamper) => tamper.words(),
            Self::Truncated => "the signature is cut to half its length",
            Self::Empty => "the signature is empty",
            Self::Garbage => "the header doesn't contain a signature",
            Self::HeaderMissing => "a signed header is missing",
            Self::GarbageTimestamp => "its timestamp is not a time",
            Self::Malformed => "it is unsigned and not even JSON",
        }
    }

    /// The forged requests, each with its variation if there are several.
    pub(super) fn requests(self, original: &Original<'_>) -> Result<Vec<Forged>, String> {
        match self {
            Self::Tamper(tamper) => return Ok(vec![(tamper.request(original)?, None)]),
            Self::HeaderMissing => return Ok(without_each_header(original)),
            Self::GarbageTimestamp => return with_garbage_timestamps(original),
            Self::Malformed => return Ok(malformed(original)),
            Self::Truncated | Self::Empty | Self::Garbage => {}
        }
        let signed = SignedRequest::of(original)?;
        let words = |words: &str| Some(words.to_owned());
        let mut values = match self {
            Self::Truncated => vec![(signed.write(&signed.signature[..signed.signature.len() / 2]), None)],
            Self::Empty => vec![
                (String::new(), words("an empty header")),
                (signed.write(&[]), words("the header's format without a signature")),
            ],
            _ => vec![
                ("not-a-signature".to_owned(), words("another format")),
                (signed.undecodable(), words("the right format and length, but undecodable")),
                ("\u{e9}".repeat(signed.value.len()), words(NON_ASCII)),
            ],
        };
        values.dedup_by(|a, b| a.0 == b.0);
        let forged = values.into_iter().map(|(value, variation)| {
            let mut signed = signed.clone();
            signed.set(&value)?;
            Ok((signed.request, variation))
        });
        forged.collect()
    }
}

/// The variation of a signature of as many characters as a right one, which are more bytes in UTF-8.
pub(super) const NON_ASCII: &str = "non-ASCII bytes";

/// A forged request, and its variation if there are several.
type Forged = (Request, Option<String>);

/// The places of the signed id and timestamp outside the body.
fn signed_places(scheme: &Scheme) -> impl Iterator<Item = Place> {
    let id = scheme.id.as_ref().filter(|_| scheme.content.signs_id());
    let rule = scheme.timestamp.as_ref().filter(|_| scheme.signs_timestamp());
    let time = rule.and_then(|rule| rule.source.as_ref());
    [id, time].into_iter().flatten().filter_map(Source::place)
}

fn without_each_header(original: &Original<'_>) -> Vec<Forged> {
    let request = original.provider.request(original.draft, &original.attempt);
    let without = |place: Place| {
        let mut request = request.clone();
        place::remove(&mut request, &place);
        (request, Some(format!("without {}", place.label())))
    };
    original.provider.schemes.first().into_iter().flat_map(signed_places).map(without).collect()
}

/// The variation of a timestamp that is a number, later than any date that programs know.
pub(super) const BEYOND_CALENDARS: &str = "a number beyond every calendar";

/// Requests whose timestamp is not a time. They are signed as they are, so that the timestamp alone is wrong.
fn with_garbage_timestamps(original: &Original<'_>) -> Result<Vec<Forged>, String> {
    let Original { provider, draft, attempt } = *original;
    let scheme = provider.schemes.first().ok_or("it is not signed")?;
    let secret = attempt.secret.ok_or("there is no secret to sign with")?;
    let mut garbage = vec![("not-a-time", "a word"), ("", "empty")];
    if future_by(provider).is_some() {
        garbage.push(("99999999999999999999", BEYOND_CALENDARS));
    }
    let forged = garbage.into_iter().map(|(text, variation)| {
        let mut request = provider.request(draft, &attempt);
        let url = Some(attempt.target).filter(|target| target.contains("://"));
        let input = SigningInput { request: &request, id: &draft.id, time: attempt.now, url };
        let signed = scheme.sign_with_timestamp(secret, &input, text).ok_or("the secret can't sign")?;
        for (place, value) in signed {
            if place.header().is_none_or(|name| !attempt.own_headers.contains(name.as_str())) {
                place::write(&mut request, &place, &value);
            }
        }
        Ok((request, Some(variation.to_owned())))
    });
    forged.collect()
}

/// The variation of a body that can't be decoded.
pub(super) const NOT_UTF_8: &str = "bytes that are not UTF-8";

/// Unsigned requests whose body is not JSON, or not even text.
fn malformed(original: &Original<'_>) -> Vec<Forged> {
    let request = without_signature(original.provider, original.provider.request(original.draft, &original.attempt));
    let half = request.body.slice(..request.body.len() / 2);
    let bodies = [
        (half, "the first half"),
        (Bytes::from_static(b"not JSON"), "plain text"),
        (Bytes::from_static(b"{\"text\":\"caf\xe9\"}"), NOT_UTF_8),
        (Bytes::new(), "an empty body"),
    ];
    let bodies =
        bodies.into_iter().map(|(body, variation)| (Request { body, ..request.clone() }, Some(variation.to_owned())));
    bodies.collect()
}

fn without_signature(provider: &Provider, mut request: Request) -> Request {
    for place in provider.schemes.iter().flat_map(|scheme| scheme.signature.places()) {
        place::remove(&mut request, &place);
    }
    request
}

/// A secret in the provider's format that is not the given one.
fn another_secret(provider: &Provider, secret: Option<&SigningSecret>) -> Option<SigningSecret> {
    let rule = provider.secret.as_ref()?;
    let prefix = rule.format.prefix.as_deref().unwrap_or_default();
    let parse = |plain: &str| -> Result<SigningSecret, MalformedSecret> {
        if rule.format.family.is_some() {
            // The seed of another pair.
            return SigningSecret::parse(plain, &rule.format);
        }
        let plain = if rule.format.has_two_parts { format!("hookdev:{plain}") } else { plain.to_owned() };
        let text = match rule.format.encoding {
            KeyEncoding::Text => plain,
            KeyEncoding::Base64 => TextEncoding::Base64.encode(plain.as_bytes()),
            KeyEncoding::Base64Url => TextEncoding::Base64Url.encode(plain.as_bytes()),
            KeyEncoding::Hex => TextEncoding::Hex.encode(plain.as_bytes()),
        };
        SigningSecret::parse(&format!("{prefix}{text}"), &rule.format)
    };
    let mut others = ["hookdev-a-secret-that-is-wrong-1", "hookdev-a-secret-that-is-wrong-2"].into_iter();
    others.find_map(|plain| parse(plain).ok().filter(|other| Some(other) != secret))
}

/// The age of a stale delivery: twice what the provider allows, and at least a minute more.
///
/// `None` if the provider signs no time, or allows any age.
pub(super) fn stale_by(provider: &Provider) -> Option<Duration> {
    beyond(tolerance(provider)?.past_limit()?)
}

/// How far in the future the timestamp of a future delivery lies; `None` if the provider allows any.
pub(super) fn future_by(provider: &Provider) -> Option<Duration> {
    beyond(tolerance(provider)?.future_limit()?)
}

fn tolerance(provider: &Provider) -> Option<Tolerance> {
    let scheme = provider.schemes.first().filter(|scheme| scheme.signs_timestamp())?;
    scheme.timestamp.as_ref().map(|rule| rule.tolerance)
}

fn beyond(allowed: Duration) -> Option<Duration> {
    allowed.checked_add(allowed.max(Duration::from_secs(60)))
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
