//! The likely cause of a failed case in the handler, and how to fix it: inferred from the response and from what other
//! cases showed about the same handler.

use std::time::Duration;

use super::{
    cases::Case,
    expectation::Expectation,
    history::History,
    judge::{Fault, NoResponse, unrelated},
    name::CaseName,
    serialisations::SURROUNDED,
    tamper::{Forgery, NOT_UTF_8, Tamper},
};
use crate::webhook::{
    place::Source,
    provider::Provider,
    remedy::{RAW_BODY, Remedy},
    response::clue::{Clue, ENCODINGS, RAISE_LIMIT},
    time::words,
};

/// What happened, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened.
    pub message: String,
    /// The likely cause, and how to fix it.
    pub remedy: Option<Remedy>,
}

/// A fault and the circumstances in which it was observed.
#[derive(Clone, Debug)]
pub struct Observation<'a> {
    /// The provider whose contract is checked.
    pub provider: &'a Provider,
    /// The fault.
    pub fault: &'a Fault,
    /// How the request differs from the others of its case, in words.
    pub variation: Option<&'a str>,
    /// The variation of the request before it, which passed.
    pub passed_before: Option<&'a str>,
    /// What the response reveals about the handler.
    pub clue: Option<Clue>,
    /// How long the response took.
    pub elapsed: Duration,
    /// How long the client waited for the response.
    pub timeout: Duration,
}

pub(super) const RESPOND_FIRST: &str = "respond first, then do slow work: a queue, res.sendStatus() before the work in Express, BackgroundTasks in FastAPI, a job in Rails and Laravel";

pub(super) const LOG: &str = "find the exception in the handler's log";

/// The start of the variation of a delivery that is signed with one of several secrets.
pub(super) const SIGNED_WITH: &str = "signed with secret";

/// The variation of a delivery with characters outside the basic plane.
pub(super) const EMOJI: &str = "emoji";

/// Explains why a case failed.
#[must_use]
pub fn explain(case: &Case<'_>, observation: &Observation<'_>, history: &History) -> Explanation {
    let message = message(case.name, observation);
    let variant = case.variant.map(|_| case.sends.as_str());
    let message = match observation.variation.or(variant) {
        Some(variation) => format!("{variation}: {message}"),
        None => message,
    };
    let message = match observation.passed_before {
        Some(smaller) if case.name == CaseName::BodyLarge => format!("{message}; {smaller} was accepted"),
        _ => message,
    };
    Explanation { message, remedy: advice(case, observation, history).map(Remedy::advice) }
}

pub(super) fn message(name: CaseName, observation: &Observation<'_>) -> String {
    let Observation { provider, fault, elapsed, timeout, .. } = *observation;
    match (fault, name.forgery().map(Forgery::words)) {
        (Fault::NoResponse(NoResponse::TimedOut), _) => format!("no response within {}", words(timeout)),
        (
            Fault::NoResponse(
                NoResponse::Broken(reason) | NoResponse::Unreachable(reason) | NoResponse::Untrusted(reason),
            ),
            _,
        ) => reason.clone(),
        (Fault::WrongHandshake(_, problem), _) => problem.clone(),
        (Fault::NotRejected(status), Some(forged)) => not_rejected_message(*status, forged),
        (fault, Some(forged)) => forgery_message(fault.status().unwrap_or_default(), forged),
        (Fault::Crashed(status), None) if name.expectation() == Expectation::Survived => {
            format!("{status}: the handler failed on an unknown event type")
        }
        (fault, None) => {
            let status = fault.status().unwrap_or_default();
            let objection = provider.delivery.objection(&provider.title, status, elapsed);
            objection.unwrap_or_else(|| format!("unexpected status {status}"))
        }
    }
}

/// Why a 4xx does not show that a handler rejected a forgery.
fn not_rejected_message(status: u16, forged: &str) -> String {
    let meaning = unrelated(status).unwrap_or("the request is at fault");
    format!("{status} means that {meaning}; it does not show that the signature was checked ({forged})")
}

/// What is wrong with a response to a forgery, unless it is a 4xx.
fn forgery_message(status: u16, forged: &str) -> String {
    match status {
        200..300 => format!("accepted ({status}) although {forged}"),
        300..400 => format!("redirected ({status}) instead of rejected, although {forged}"),
        _ => format!("failed ({status}) instead of rejecting the request with a 4xx: {forged}"),
    }
}

/// The likely cause, and how to fix it. `None` if the handler can't be reached, which is explained elsewhere.
fn advice(case: &Case<'_>, observation: &Observation<'_>, history: &History) -> Option<String> {
    let provider = observation.provider;
    let is_forged = case.name.forgery().is_some();
    let clue = observation.clue.as_ref().filter(|clue| !(is_forged && clue.only_if_valid)).map(|clue| &*clue.advice);
    Some(match (observation.fault, case.name) {
        (Fault::NoResponse(NoResponse::Unreachable(_) | NoResponse::Untrusted(_)), _) => return None,
        (Fault::RefusedAsSuccess(status), _) => format!(
            "the response differs from those to valid deliveries, so the handler seems to refuse this one; but {status} means success, and the provider looks at nothing but the status: respond 401"
        ),
        (Fault::ForgeryAccepted(_), name) => {
            clue.map_or_else(|| forgery_accepted(name, provider, history), str::to_owned)
        }
        (Fault::WrongHandshake(..), _) => format!(
            "respond exactly as expected: {} sends this before it delivers anything, and sets up the endpoint only after that response",
            provider.title
        ),
        (Fault::NotRejected(status), _) => not_rejected(*status),
        (Fault::Crashed(_) | Fault::Rejected(_), _) if clue.is_some() => clue.unwrap_or_default().to_owned(),
        (Fault::Crashed(_) | Fault::NoResponse(NoResponse::Broken(_)), name) => crashed(name, observation, history),
        (Fault::NoResponse(NoResponse::TimedOut) | Fault::Late(_), CaseName::Burst) => {
            format!("the handler processes deliveries one at a time; {RESPOND_FIRST}")
        }
        (Fault::NoResponse(NoResponse::TimedOut) | Fault::Late(_), _) => RESPOND_FIRST.to_owned(),
        (Fault::Redirect(_), name) if name.forgery().is_some() => {
            "the handler, or a login in front of it, redirects what it refuses: respond 401 instead".to_owned()
        }
        (Fault::Redirect(_), _) => clue.map_or_else(redirected, str::to_owned),
        (Fault::WrongSuccess(status), _) => wrong_success(*status, provider),
        (Fault::Rejected(429), _) => {
            "the handler, or a proxy in front of it, rate-limits requests: exempt the provider's deliveries".to_owned()
        }
        (Fault::Rejected(status), _) => rejected(*status, case, observation, history),
    })
}

/// What to respond instead of a 4xx that says nothing about the signature.
fn not_rejected(status: u16) -> String {
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
fn forgery_accepted(name: CaseName, provider: &Provider, history: &History) -> String {
    let signature = signature_of(provider);
    if history.never_verifies() {
        return format!(
            "the handler never verifies the signature: anyone who knows its URL can send it anything. Verify {signature} over the raw body before anything else, and respond 401 if it does not match"
        );
    }
    match name {
        CaseName::TimestampFuture if history.passed(CaseName::TimestampStale) => format!(
            "the handler rejects old deliveries but none from the future: compare the timestamp with the clock in both directions, as Math.abs(now - timestamp) and abs(now - timestamp) do, and reject deliveries that are more than {} ahead",
            tolerance_of(provider, name).unwrap_or_default()
        ),
        CaseName::TimestampGarbage if history.failed(CaseName::TimestampFuture) => {
            forgery_accepted(CaseName::TimestampFuture, provider, history)
        }
        CaseName::TimestampGarbage if history.passed(CaseName::TimestampStale) => {
            "respond 401 unless the timestamp is a whole number: in JavaScript, Number('x') is NaN, and every comparison with NaN is false, so `age > 300` never rejects it".to_owned()
        }
        CaseName::TimestampStale | CaseName::TimestampFuture | CaseName::TimestampGarbage => {
            format!(
                "the handler ignores the timestamp: once the signature is verified, compare the timestamp with the clock and reject deliveries that are more than {} off; otherwise a recorded delivery can be replayed at any time",
                tolerance_of(provider, name).unwrap_or_default()
            )
        }
        CaseName::HeaderMissing => format!(
            "the handler accepts a delivery even if a signed header is missing: verify {signature}, and respond 401 if one of its headers is missing"
        ),
        CaseName::BodyMalformed if history.failed(CaseName::SignatureMissing) => {
            forgery_accepted(CaseName::SignatureMissing, provider, history)
        }
        CaseName::BodyMalformed => format!(
            "the handler accepts a delivery that it can't parse: respond 401 without {}, before you parse the body",
            header_of(provider)
        ),
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
fn tolerance_of(provider: &Provider, name: CaseName) -> Option<String> {
    let tolerance = provider.schemes.first()?.timestamp.as_ref()?.tolerance;
    let limit = if name == CaseName::TimestampFuture { tolerance.future_limit() } else { tolerance.past_limit() };
    limit.map(words)
}

/// Why the handler responded with a 5xx or closed the connection.
fn crashed(name: CaseName, observation: &Observation<'_>, history: &History) -> String {
    let provider = observation.provider;
    if name.expectation() == Expectation::Rejected && history.crashes_on_forgeries() {
        return "respond 401 if verification fails: libraries throw (svix's verify does), and an uncaught exception is a 500"
            .to_owned();
    }
    match name {
        CaseName::SignatureTruncated | CaseName::SignatureEmpty => {
            "the handler threw an exception while it read or compared the signature: respond 401 instead, and compare the lengths before crypto.timingSafeEqual, which throws if they differ".to_owned()
        }
        CaseName::SignatureGarbage => {
            "respond 401 if the signature can't be read: crypto.timingSafeEqual throws if the lengths differ, and hmac.compare_digest throws on non-ASCII text (compare bytes: .encode())".to_owned()
        }
        CaseName::SignatureMissing => {
            format!("check that the {} header exists before you read it, and respond 401 if it does not", header_of(provider))
        }
        CaseName::HeaderMissing => {
            "check that each signed header exists before you read it, and respond 401 if one does not".to_owned()
        }
        CaseName::TimestampGarbage => {
            "respond 401 unless the timestamp is a whole number: int() and datetime.fromtimestamp() raise an exception in Python, BigInt() throws in JavaScript".to_owned()
        }
        CaseName::BodyMalformed if history.failed(CaseName::SignatureMissing) => {
            crashed(CaseName::SignatureMissing, observation, history)
        }
        CaseName::BodyMalformed if observation.variation == Some(NOT_UTF_8) => {
            "verify the bytes of the body before you decode them: body.decode() in Python raises an exception for bytes that are not UTF-8; respond 401 to what does not verify".to_owned()
        }
        CaseName::BodyMalformed => {
            "verify the signature before you parse the body, and respond 400 to a body that can't be parsed: JSON.parse() and json.loads() throw, and an uncaught exception is a 500".to_owned()
        }
        CaseName::BodyUnicode => unicode(observation),
        CaseName::BodyLarge => format!("{LOG}; {RAISE_LIMIT}"),
        CaseName::BodyEmptyValues => format!(
            "{LOG}; expect null, empty strings and empty lists wherever the schema allows them: check a value before you use it"
        ),
        CaseName::SignatureRotated => rotated(observation),
        CaseName::BodyChunked => CHUNKED.to_owned(),
        CaseName::HeaderCase => HEADER_CASE.to_owned(),
        CaseName::EventUnknown => format!(
            "respond {} to events that you do not handle: new types arrive without notice, and a default branch is enough",
            provider.delivery.first_success()
        ),
        CaseName::DeliveryDuplicated => duplicated(provider),
        CaseName::BodyReserialised => {
            format!("the compact form passes: the handler verifies or parses only one serialisation of the same JSON; {RAW_BODY}")
        }
        CaseName::Encoding(_) => ENCODINGS.to_owned(),
        name if name.expectation() == Expectation::Rejected => {
            format!("respond 401 if verification fails, for whatever reason; {LOG}")
        }
        CaseName::EventAccepted if history.accepts_some() => format!(
            "{LOG}; other deliveries pass, so look for what this one's payload has and theirs lack, or vice versa. Respond first, then do slow work, so that an error there does not fail the delivery"
        ),
        _ => format!("{LOG}; respond first, then do slow work, so that an error there does not fail the delivery"),
    }
}

/// Why a valid delivery was rejected although others are accepted.
fn rejected(status: u16, case: &Case<'_>, observation: &Observation<'_>, history: &History) -> String {
    let provider = observation.provider;
    let success = provider.delivery.first_success();
    match case.name {
        CaseName::BodyUnicode | CaseName::BodyLarge | CaseName::BodyEmptyValues
            if status != 413 && history.failed(CaseName::BodyReserialised) =>
        {
            format!("the handler verifies re-serialised JSON, as `body-reserialised` shows; {RAW_BODY}")
        }
        CaseName::BodyUnicode => unicode(observation),
        CaseName::BodyLarge => RAISE_LIMIT.to_owned(),
        CaseName::BodyEmptyValues => format!(
            "the handler rejects empty values, or loses them before it verifies (Laravel's ConvertEmptyStringsToNull, Python's parse_qs without keep_blank_values); {RAW_BODY}"
        ),
        CaseName::BodyChunked => CHUNKED.to_owned(),
        CaseName::HeaderCase => HEADER_CASE.to_owned(),
        CaseName::BodyReserialised if observation.variation == Some(SURROUNDED) => TRIMMED.to_owned(),
        CaseName::BodyReserialised => {
            format!("the compact form passes: the handler verifies re-serialised JSON; {RAW_BODY}")
        }
        CaseName::Encoding(_) => ENCODINGS.to_owned(),
        _ if status == 415 => ENCODINGS.to_owned(),
        CaseName::SignatureRotated => rotated(observation),
        CaseName::VersionUnknown => {
            format!("ignore the entries of {} whose version you do not know, and check the others", header_of(provider))
        }
        CaseName::DeliveryDuplicated => duplicated(provider),
        _ if case.event.unsigned && !provider.schemes.is_empty() => format!(
            "{} sends this event without a signature: respond {success} to it before you verify, do nothing else with it, and respond 400 to a body that can't be parsed",
            provider.title
        ),
        // Where text beyond ASCII is the reason, it is that of `body-unicode` as well.
        _ if !case.event.fixture.is_ascii() && matches!(status, 400 | 401 | 403) => format!(
            "if you handle this event, its text beyond ASCII is the likely cause: {}. If you do not, respond {success} to it",
            unicode(observation)
        ),
        _ => format!("respond {success} to events that you do not handle, too: a {status} counts as a failed delivery"),
    }
}

/// Why text beyond ASCII fails. Emoji fail alone where characters of up to three bytes are stored.
fn unicode(observation: &Observation<'_>) -> String {
    if observation.passed_before.is_some() && observation.variation == Some(EMOJI) {
        return "characters outside the Basic Multilingual Plane, such as emoji, fail, and others pass: the database stores at most 3 bytes of each (MySQL's utf8; use utf8mb4), or a length is counted in units other than code points".to_owned();
    }
    "the handler verifies or stores different bytes from those sent: it decodes the body as ASCII or Latin-1 (buffer.toString('latin1'), body.decode('ascii')), or re-serialises it with \\u escapes. Verify the raw bytes, and decode them as UTF-8".to_owned()
}

const TRIMMED: &str = "every other form passes: the handler removes whitespace around the body before it verifies it (.trim() in JavaScript, .strip() in Python and Ruby, strings.TrimSpace in Go): verify the bytes as they arrive";

const CHUNKED: &str = "a request with `Transfer-Encoding: chunked` has a body but no Content-Length: read the body to its end, whatever Content-Length says; proxies and load balancers forward deliveries in this form";

pub(super) const HEADER_CASE: &str = "look up headers case-insensitively, as req.get() in Express and request.headers in FastAPI and Flask do; a plain object of headers, such as event.headers of AWS Lambda, keeps the spelling that a proxy chose";

fn rotated(observation: &Observation<'_>) -> String {
    if observation.variation.is_some_and(|variation| variation.starts_with(SIGNED_WITH)) {
        return "while you replace a secret, deliveries are signed with the old or the new one: keep both, verify with each, and accept a delivery if either matches".to_owned();
    }
    format!(
        "during secret rotation, {} holds a signature for each secret: split it at the separator, and accept the delivery if any of them matches",
        header_of(observation.provider)
    )
}

fn duplicated(provider: &Provider) -> String {
    format!(
        "respond {} to a delivery that you have already processed, and do nothing else: {} sends it again whenever it misses your response",
        provider.delivery.first_success(),
        provider.title
    )
}

pub(super) fn redirected() -> String {
    "respond at the URL itself: a trailing slash, http instead of https, or a login page redirects deliveries elsewhere"
        .to_owned()
}

pub(super) fn wrong_success(status: u16, provider: &Provider) -> String {
    let success = provider.delivery.first_success();
    format!(
        "respond {success} instead of {status}: res.sendStatus({success}) in Express, Response(status_code={success}) in FastAPI, head {success} in Rails, response('', {success}) in Laravel"
    )
}

/// What the provider signs and where the signature is, in words.
pub(super) fn signature_of(provider: &Provider) -> String {
    match provider.schemes.first() {
        Some(scheme) => format!("{} of {} in {}", scheme.algorithm, scheme.content.as_str(), header_of(provider)),
        None => "the signature".to_owned(),
    }
}

pub(super) fn header_of(provider: &Provider) -> String {
    let header = provider.schemes.first().map(|scheme| &scheme.signature);
    match header {
        Some(headers @ Source::Headers(_)) => format!("`{headers}`"),
        Some(Source::At(place)) => place.words(),
        None => "the signature".to_owned(),
    }
}

/// Explains why the handler stopped listening after a case; `reason` is why the endpoint is unreachable.
#[must_use]
pub fn stopped(reason: &str, last: CaseName) -> Explanation {
    let hint = "read the handler's log to see why it stopped: an exception outside the request's own handler ends the whole process, as in Node's timers and callbacks";
    let message = format!("{reason}: the handler stopped after `{}`", last.as_str());
    Explanation { message, remedy: Some(Remedy::advice(hint)) }
}

/// Why the status shows that a handler did not reject a forgery; `None` if it did.
#[must_use]
pub fn objection_to(tamper: Tamper, title: &str, status: u16) -> Option<String> {
    match status {
        400..500 if unrelated(status).is_some() => Some(not_rejected_message(status, tamper.words())),
        400..500 => None,
        300..400 => Some(format!("{}; {title} follows no redirect", forgery_message(status, tamper.words()))),
        _ => Some(forgery_message(status, tamper.words())),
    }
}
