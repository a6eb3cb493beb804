//! Why a handler accepts a forgery, or does not reject it as it should.

use super::{Observation, header_of, signature_of};
use crate::webhook::{
    contract::{history::EarlierResults, name::CaseName, tamper::BEYOND_CALENDARS},
    provider::Provider,
    response::clue::RAISE_LIMIT,
    time::words,
};

/// What to respond instead of a 4xx that says nothing about the signature.
pub(super) fn not_rejected(status: u16) -> String {
    match status {
        413 => RAISE_LIMIT.to_owned(),
        429 => "exempt the provider's deliveries from the rate limit, and respond 401 to those that do not verify"
            .to_owned(),
        _ => format!(
            "respond 401 to a delivery that does not verify: with {status}, neither you nor the provider can tell it from a wrong URL"
        ),
    }
}

/// Why a forgery was accepted.
pub(super) fn forgery_accepted(name: CaseName, observation: &Observation<'_>, history: &EarlierResults) -> String {
    let provider = observation.provider;
    let signature = signature_of(provider);
    if history.never_verifies() {
        return format!(
            "the handler never verifies the signature: anyone who knows its URL can send it anything. Verify {signature} over the raw body before anything else, and respond 401 if it does not match. If it does verify, it responds before it knows the result, or ignores it: respond after verifying; await the result, because a promise or a coroutine is always truthy; return or raise after a mismatch; and don't continue after a catch or an except"
        );
    }
    match name {
        CaseName::TimestampFuture if history.passed(CaseName::TimestampStale) => format!(
            "the handler rejects old deliveries but none from the future: compare the timestamp with the clock in both directions, as Math.abs(now - timestamp) and abs(now - timestamp) do, and reject deliveries that are more than {} ahead",
            tolerance_of(provider, name).unwrap_or_default()
        ),
        CaseName::TimestampGarbage
            if observation.variation == Some(BEYOND_CALENDARS) && history.failed(CaseName::TimestampFuture) =>
        {
            forgery_accepted(CaseName::TimestampFuture, observation, history)
        }
        CaseName::TimestampGarbage if history.passed(CaseName::TimestampStale) => {
            "respond 401 unless the timestamp is a whole number: in JavaScript, Number('x') is NaN, and every comparison with NaN is false, so `age > 300` never rejects it".to_owned()
        }
        CaseName::TimestampStale | CaseName::TimestampFuture | CaseName::TimestampGarbage => {
            format!(
                "the handler ignores the timestamp: once the signature is verified, compare the timestamp with the clock, and reject deliveries that are more than {} off, or whose timestamp is not a number; otherwise a recorded delivery can be replayed at any time",
                tolerance_of(provider, name).unwrap_or_default()
            )
        }
        CaseName::HeaderMissing => format!(
            "the handler accepts a delivery even if a signed header is missing: verify {signature}, and respond 401 if one of its headers is missing"
        ),
        CaseName::BodyMalformed if history.failed(CaseName::SignatureMissing) => {
            forgery_accepted(CaseName::SignatureMissing, observation, history)
        }
        CaseName::BodyMalformed => format!(
            "the handler accepts a delivery that it can't parse: respond 401 if {} is missing, before you parse the body",
            header_of(provider)
        ),
        // An empty signature is the beginning of every other one.
        CaseName::SignatureEmpty if history.accepts(CaseName::SignatureTruncated) => {
            forgery_accepted(CaseName::SignatureTruncated, observation, history)
        }
        CaseName::SignatureMissing | CaseName::SignatureEmpty => format!(
            "the handler verifies only if there is a signature, as `if (signature && !valid)` does: reject deliveries without {}",
            header_of(provider)
        ),
        CaseName::SignatureTruncated => {
            "the handler compares only a part of the signature: compare all of it, with crypto.timingSafeEqual, hmac.compare_digest, hash_equals or ActiveSupport::SecurityUtils.secure_compare".to_owned()
        }
        CaseName::SignatureGarbage => {
            "the handler accepts a signature that it can't decode: compare the lengths first, because Buffer.from(text, 'hex') returns an empty buffer if the text is not hex".to_owned()
        }
        CaseName::BodyTampered => {
            format!("the signature that the handler computes does not cover the body: verify {signature} over the raw body")
        }
        CaseName::SecretWrong => {
            format!("the handler does not compare the signature with one made with your secret: verify {signature}")
        }
        _ => format!("verify {signature} before anything else"),
    }
}

/// How far a timestamp may be off in the direction of a case, in words.
pub(super) fn tolerance_of(provider: &Provider, name: CaseName) -> Option<String> {
    let tolerance = provider.schemes.first()?.timestamp.as_ref()?.tolerance;
    let limit = if name == CaseName::TimestampFuture { tolerance.future_limit() } else { tolerance.past_limit() };
    limit.map(words)
}
