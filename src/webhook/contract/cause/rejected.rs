//! Why a handler rejects a valid delivery although it accepts others, or responds to it with the wrong status.

use super::{EMOJI, FIRST_TIME, Observation, RETRY_SECONDS, SIGNED_WITH, accepted::tolerance_of, header_of};
use crate::webhook::{
    contract::{cases::Case, history::EarlierResults, judge::RATE_LIMITED, name::CaseName, serialisations::SURROUNDED},
    provider::Provider,
    remedy::RAW_BODY,
    response::{clue::RAISE_LIMIT, form_clue::ENCODINGS},
};

/// Why a valid delivery was rejected although others are accepted.
pub(super) fn rejected(
    status: u16,
    case: &Case<'_>,
    observation: &Observation<'_>,
    history: &EarlierResults,
) -> String {
    let provider = observation.provider;
    let success = provider.delivery.first_success();
    let is_about_size = matches!(status, 400 | 401 | 403) && history.is_about_size(|_| true);
    // A handler that re-serialises fails on a large body too.
    let is_size_of_large = is_about_size
        && (!history.failed(CaseName::BodyReserialised) || history.is_about_size(|name| name != CaseName::BodyLarge));
    match case.name {
        CaseName::BodyLarge if is_size_of_large => {
            format!("{}. If it reads to a limit, {RAISE_LIMIT}", partly_read())
        }
        CaseName::BodyReserialised if is_about_size && observation.passed_before.is_some() => partly_read(),
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
            format!("the provider's own form passes, so the handler verifies re-serialised JSON; {RAW_BODY}")
        }
        CaseName::Encoding(_) => ENCODINGS.to_owned(),
        _ if status == 415 => ENCODINGS.to_owned(),
        CaseName::SignatureRotated => rotated(observation),
        CaseName::VersionUnknown => {
            format!("ignore the entries of {} whose version you do not know, and check the others", header_of(provider))
        }
        CaseName::DeliveryDuplicated => duplicated(observation),
        CaseName::Handshake => handshake(case, provider).unwrap_or_default(),
        _ if case.event.unsigned && !provider.schemes.is_empty() => format!(
            "{} sends this event without a signature: respond {success} to it before you verify, do nothing else with it, and respond 400 to a body that can't be parsed",
            provider.title
        ),
        // If non-ASCII text is the reason, `body-unicode` fails for the same one.
        _ if !case.event.fixture.is_ascii() && matches!(status, 400 | 401 | 403) => format!(
            "if you handle this event, its non-ASCII text is the likely cause: {}. If you do not, respond {success} to it",
            unicode(observation)
        ),
        _ if is_about_size => format!(
            "this body is larger than all that were accepted: {}. If the handler does not know the event, respond {success} to it",
            partly_read()
        ),
        _ => format!("respond {success} to events that you do not handle, too: a {status} counts as a failed delivery"),
    }
}

/// Why non-ASCII text fails. If only emoji fail, at most three bytes of each character are stored.
pub(super) fn unicode(observation: &Observation<'_>) -> String {
    if observation.passed_before.is_some() && observation.variation == Some(EMOJI) {
        return "characters outside the Basic Multilingual Plane, such as emoji, fail, and others pass: the database stores at most 3 bytes of each (MySQL's utf8; use utf8mb4), or a length is counted in units other than code points".to_owned();
    }
    "the handler verifies or stores different bytes from those sent: it decodes the body as ASCII or Latin-1 (buffer.toString('latin1'), body.decode('ascii')), or re-serialises it with \\u escapes. Verify the raw bytes, and decode them as UTF-8".to_owned()
}

fn partly_read() -> String {
    format!(
        "only larger bodies fail, so the handler seems to verify a part of the body: read it to its end, with {READ_TO_END}"
    )
}

pub(in crate::webhook::contract) const READ_TO_END: &str = "io.ReadAll in Go, because r.Body.Read returns one piece, all 'data' events in Node, Content-Length bytes of rfile in Python's http.server";

const TRIMMED: &str = "every other form passes: the handler removes whitespace around the body before it verifies it (.trim() in JavaScript, .strip() in Python and Ruby, strings.TrimSpace in Go): verify the bytes as they arrive";

pub(super) const CHUNKED: &str = "a request with `Transfer-Encoding: chunked` has a body but no Content-Length: read the body to its end, whatever Content-Length says; proxies and load balancers forward deliveries in this form";

pub(in crate::webhook::contract) const HEADER_CASE: &str = "look up headers case-insensitively, as req.get() in Express and request.headers in FastAPI and Flask do; a plain object of headers, such as event.headers of AWS Lambda, keeps the spelling that a proxy chose";

pub(super) fn rotated(observation: &Observation<'_>) -> String {
    if observation.variation.is_some_and(|variation| variation.starts_with(SIGNED_WITH)) {
        return "while you replace a secret, deliveries are signed with the old or the new one: keep both, verify with each, and accept a delivery if either matches".to_owned();
    }
    let separator = observation.provider.schemes.first().map(|scheme| &scheme.grammar);
    let separator = separator.and_then(|grammar| grammar.repetition().or_else(|| grammar.separator()));
    let place = match separator {
        Some(" ") => "each space".to_owned(),
        Some(separator) => format!("each `{separator}`"),
        None => "the separator".to_owned(),
    };
    format!(
        "during secret rotation, {} holds a signature for each secret: split it at {place}, and accept the delivery if any of the signatures matches, not only the first or the last",
        header_of(observation.provider)
    )
}

pub(super) fn duplicated(observation: &Observation<'_>) -> String {
    let provider = observation.provider;
    if observation.variation == Some(FIRST_TIME)
        && let Some(tolerance) = tolerance_of(provider, CaseName::TimestampStale)
    {
        return format!(
            "this delivery was signed {RETRY_SECONDS} s ago: a retry arrives late, and clocks differ. Accept deliveries that are up to {tolerance} old"
        );
    }
    format!(
        "respond {} to a delivery that you have already processed, and do nothing else: {} sends it again whenever it misses your response",
        provider.delivery.first_success(),
        provider.title
    )
}

/// How to respond to a handshake.
pub(super) fn handshake(case: &Case<'_>, provider: &Provider) -> Option<String> {
    let handshake = case.event.handshake.as_deref()?;
    let signed = if handshake.is_signed { "" } else { ", which is not signed" };
    Some(format!(
        "respond {} to this {} request{signed}: {} sends it before it delivers anything, and sets up the endpoint only if the response is exactly that",
        handshake.response, handshake.method, provider.title
    ))
}

pub(in crate::webhook::contract) fn redirected() -> String {
    "respond at the URL itself: a trailing slash, http instead of https, or a login page redirects deliveries elsewhere"
        .to_owned()
}

pub(in crate::webhook::contract) fn rate_limited() -> String {
    format!("{RATE_LIMITED}: exempt the provider's deliveries")
}

pub(in crate::webhook::contract) fn wrong_success(status: u16, provider: &Provider) -> String {
    let success = provider.delivery.first_success();
    format!(
        "respond {success} instead of {status}: res.sendStatus({success}) in Express, Response(status_code={success}) in FastAPI, head {success} in Rails, response('', {success}) in Laravel"
    )
}
