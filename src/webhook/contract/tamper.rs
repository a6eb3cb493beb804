//! Forgeries: changes to a valid delivery that a correct handler rejects. The signature keeps the provider's format
//! unless the format itself is what is wrong.

use std::time::Duration;

use bytes::Bytes;

use super::{
    body,
    signed_request::{OriginalDelivery, SignedRequest, flipped},
};
use crate::webhook::{
    delivery::Media,
    place::{self, Place, ValueSource},
    provider::{Provider, compose::AttemptParams},
    request::Request,
    signature::{KeyEncoding, MalformedSecret, Scheme, SecretRule, SigningInput, SigningSecret, grammar::TextEncoding},
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
    /// The timestamp is not a time, but is signed as it is.
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

    /// The forged request. All of its signatures are invalid in this way; one that would still be valid is not sent.
    ///
    /// # Errors
    ///
    /// The reason, if the delivery can't be forged in this way.
    pub fn request(self, original: &OriginalDelivery<'_>) -> Result<Request, String> {
        let OriginalDelivery { provider, draft, attempt } = *original;
        let request = match self {
            Self::Stale | Self::Future => {
                let now = shifted(self, provider, attempt.now).ok_or("no timestamp is signed")?;
                provider.request(draft, &AttemptParams { now, ..attempt })
            }
            Self::Secret => {
                let another = |(scheme, secret): (&Scheme, &SigningSecret)| {
                    provider.secret_rule(scheme).and_then(|rule| another_secret(rule, secret))
                };
                let others: Vec<SigningSecret> = provider.signers(&attempt).into_iter().filter_map(another).collect();
                let (first, sent_along) = others.split_first().ok_or("there is no secret to sign with")?;
                provider.request(draft, &AttemptParams { secret: Some(first), sent_along, ..attempt })
            }
            Self::Body => {
                let mut request = original.request();
                request.body = body::changed(provider, provider.event(&draft.event), &request);
                request
            }
            Self::Missing => without_signature(provider, original.request()),
            Self::Signature => {
                with_signatures(original, |signed| signed.write(&flipped(&signed.signature, signed.grammar)))?
            }
        };
        Ok(without_signatures(request, original, |scheme| !Forgery::Tamper(self).spoils(scheme)))
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
            Self::Tamper(Tamper::Stale) | Self::GarbageTimestamp if past_limit(scheme).is_none() => {
                Some(format!("{title} lets handlers accept deliveries of any age"))
            }
            Self::Tamper(Tamper::Future) if future_limit(scheme).is_none() => {
                Some(format!("{title} lets handlers accept any timestamp in the future"))
            }
            Self::GarbageTimestamp if !scheme.signs_timestamp_as_text() => {
                Some(format!("{title} sends its timestamp in the claims of a JWT, which can only hold a time"))
            }
            Self::Malformed if provider.delivery.encodings.first().is_some_and(|first| first.media != Media::Json) => {
                Some(format!("{title} sends forms, and any text is a valid form"))
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

    /// Whether the forgery invalidates a signature of this scheme.
    fn spoils(self, scheme: &Scheme) -> bool {
        match self {
            Self::Tamper(Tamper::Body) => scheme.signs_body(),
            Self::Tamper(Tamper::Stale) => past_limit(scheme).is_some(),
            Self::Tamper(Tamper::Future) => future_limit(scheme).is_some(),
            Self::GarbageTimestamp => past_limit(scheme).is_some() && scheme.signs_timestamp_as_text(),
            _ => true,
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
    pub(super) fn requests(self, original: &OriginalDelivery<'_>) -> Result<Vec<Forged>, String> {
        match self {
            Self::Tamper(tamper) => return Ok(vec![(tamper.request(original)?, None)]),
            Self::HeaderMissing => return Ok(without_each_header(original)),
            Self::GarbageTimestamp => return with_garbage_timestamps(original),
            Self::Malformed => return Ok(malformed(original)),
            Self::Truncated | Self::Empty | Self::Garbage => {}
        }
        let values: &[(ForgedValue, Option<&str>)] = match self {
            Self::Truncated => &[(|signed| signed.write(&signed.signature[..signed.signature.len() / 2]), None)],
            Self::Empty => &[
                (|_| String::new(), Some("an empty header")),
                (|signed| signed.write(&[]), Some("the header's format without a signature")),
            ],
            _ => &[
                (|_| "not-a-signature".to_owned(), Some("another format")),
                (|signed| signed.undecodable(), Some("the right format and length, but undecodable")),
                (|signed| "\u{e9}".repeat(signed.value.len()), Some(NON_ASCII)),
            ],
        };
        let forged = values
            .iter()
            .map(|(value, variation)| Ok((with_signatures(original, value)?, variation.map(str::to_owned))));
        let mut forged = forged.collect::<Result<Vec<Forged>, String>>()?;
        forged.dedup_by(|a, b| a.0 == b.0);
        Ok(forged)
    }
}

/// What replaces a signature's value.
type ForgedValue = fn(&SignedRequest<'_>) -> String;

/// The request with another value in place of each signature.
fn with_signatures(
    original: &OriginalDelivery<'_>,
    value: impl Fn(&SignedRequest<'_>) -> String,
) -> Result<Request, String> {
    let mut request = original.request();
    for (index, scheme) in original.schemes().enumerate() {
        if index == 0 || scheme.has_signature(&request) {
            let mut signed = SignedRequest::of(scheme, request)?;
            signed.set(&value(&signed))?;
            request = signed.request;
        }
    }
    Ok(request)
}

/// The variation of a signature with the right number of characters, but more bytes in UTF-8.
pub(super) const NON_ASCII: &str = "non-ASCII bytes";

/// A forged request, and its variation if there are several.
type Forged = (Request, Option<String>);

/// The places of the signed id and timestamp outside the body.
fn signed_places(scheme: &Scheme) -> impl Iterator<Item = Place> {
    let id = scheme.id.as_ref().filter(|_| scheme.signs_id());
    let rule = scheme.timestamp.as_ref().filter(|_| scheme.signs_timestamp_as_text());
    let time = rule.and_then(|rule| rule.source.as_ref());
    [id, time].into_iter().flatten().filter_map(ValueSource::place)
}

fn without_each_header(original: &OriginalDelivery<'_>) -> Vec<Forged> {
    let request = original.request();
    let mut places: Vec<Place> = Vec::new();
    for place in original.schemes().flat_map(signed_places) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let without = |place: Place| {
        let is_unsigned = |scheme: &Scheme| !signed_places(scheme).any(|signed| signed == place);
        let mut request = without_signatures(request.clone(), original, is_unsigned);
        place::remove(&mut request, &place);
        (request, Some(format!("without {}", place.label())))
    };
    places.into_iter().map(without).collect()
}

/// The variation of a numeric timestamp later than any date that programs support.
pub(super) const BEYOND_CALENDARS: &str = "a number beyond every calendar";

/// Requests whose timestamp is not a time. They are signed as they are, so that only the timestamp is wrong.
fn with_garbage_timestamps(original: &OriginalDelivery<'_>) -> Result<Vec<Forged>, String> {
    let OriginalDelivery { provider, draft, attempt } = *original;
    let mut signers = provider.signers(&attempt);
    signers.retain(|(scheme, _)| Forgery::GarbageTimestamp.spoils(scheme));
    if signers.is_empty() {
        return Err("there is no secret to sign with".to_owned());
    }
    let mut garbage = vec![("not-a-time", "a word"), ("", "empty")];
    if future_by(provider).is_some() {
        garbage.push(("99999999999999999999", BEYOND_CALENDARS));
    }
    let forged = garbage.into_iter().map(|(text, variation)| {
        let is_right = |scheme: &Scheme| !Forgery::GarbageTimestamp.spoils(scheme);
        let mut request = without_signatures(original.request(), original, is_right);
        let target = attempt.target;
        for (scheme, secret) in &signers {
            let url = target.contains("://").then(|| scheme.url_with_claims(target, &request));
            let input = SigningInput { request: &request, id: &draft.id, time: attempt.now, url: url.as_deref() };
            let signed = scheme.sign_with_timestamp(secret, &input, text).ok_or("the secret can't sign")?;
            for (place, value) in signed {
                if place.header().is_none_or(|name| !attempt.own_headers.contains(name.as_str())) {
                    place::write(&mut request, place, &value);
                }
            }
        }
        Ok((request, Some(variation.to_owned())))
    });
    forged.collect()
}

/// The variation of a body that can't be decoded.
pub(super) const NOT_UTF_8: &str = "bytes that are not UTF-8";

/// Unsigned requests whose body is not JSON, or not even text.
fn malformed(original: &OriginalDelivery<'_>) -> Vec<Forged> {
    let request = without_signature(original.provider, original.request());
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

/// The request without any signature.
fn without_signature(provider: &Provider, request: Request) -> Request {
    without(request, provider.schemes.iter())
}

/// The request without the signatures of some of the schemes that sign it.
fn without_signatures(request: Request, original: &OriginalDelivery<'_>, is_of: impl Fn(&Scheme) -> bool) -> Request {
    without(request, original.schemes().filter(|scheme| is_of(scheme)))
}

fn without<'a>(mut request: Request, schemes: impl Iterator<Item = &'a Scheme>) -> Request {
    for place in schemes.flat_map(|scheme| scheme.signature.places()) {
        place::remove(&mut request, place);
    }
    request
}

/// A secret in this form that is not the given one.
fn another_secret(rule: &SecretRule, secret: &SigningSecret) -> Option<SigningSecret> {
    let prefix = rule.format.prefix.as_deref().unwrap_or_default();
    let parse = |plain: &str| -> Result<SigningSecret, MalformedSecret> {
        if rule.format.family.is_some() {
            // The seed of another key pair.
            return rule.read(plain);
        }
        let plain = if rule.format.has_two_parts { format!("hookdev:{plain}") } else { plain.to_owned() };
        let text = match rule.format.encoding {
            KeyEncoding::Text => plain,
            KeyEncoding::Base64 => TextEncoding::Base64.encode(plain.as_bytes()),
            KeyEncoding::Base64Url => TextEncoding::Base64Url.encode(plain.as_bytes()),
            KeyEncoding::Hex => TextEncoding::Hex.encode(plain.as_bytes()),
        };
        rule.read(&format!("{prefix}{text}"))
    };
    let mut others = ["hookdev-a-secret-that-is-wrong-1", "hookdev-a-secret-that-is-wrong-2"].into_iter();
    others.find_map(|plain| parse(plain).ok().filter(|other| other != secret))
}

/// The age of a stale delivery: twice what the provider allows, and at least a minute more.
///
/// `None` if the provider signs no time, or allows any age.
pub(super) fn stale_by(provider: &Provider) -> Option<Duration> {
    beyond(provider.schemes.iter().filter(|scheme| may_sign(provider, scheme)).filter_map(past_limit).max()?)
}

/// How far in the future the timestamp of a future delivery lies; `None` if the provider allows any.
pub(super) fn future_by(provider: &Provider) -> Option<Duration> {
    beyond(provider.schemes.iter().filter(|scheme| may_sign(provider, scheme)).filter_map(future_limit).max()?)
}

/// Whether a delivery may have a signature of this scheme.
fn may_sign(provider: &Provider, scheme: &Scheme) -> bool {
    scheme.is_sent_along || provider.schemes.first().is_some_and(|first| first.name == scheme.name)
}

/// How old a delivery may be that this scheme signs.
fn past_limit(scheme: &Scheme) -> Option<Duration> {
    tolerance(scheme)?.past_limit()
}

/// How far in the future its timestamp may be.
fn future_limit(scheme: &Scheme) -> Option<Duration> {
    tolerance(scheme)?.future_limit()
}

fn tolerance(scheme: &Scheme) -> Option<Tolerance> {
    scheme.timestamp.as_ref().filter(|_| scheme.signs_timestamp()).map(|rule| rule.tolerance)
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
