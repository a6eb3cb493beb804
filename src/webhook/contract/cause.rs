//! The likely cause of a failed case in the handler, and how to fix it: inferred from the response and from what other
//! cases showed about the same handler.

use std::time::Duration;

use super::{
    cases::Case,
    expectation::Expectation,
    judge::{Fault, NoResponse},
    name::CaseName,
    tamper::{Forgery, Tamper},
};
use crate::webhook::{
    keyring::SecretSource,
    place::Source,
    provider::Provider,
    remedy::{RAW_BODY, Remedy},
    signature::secret::KeyEncoding,
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
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// The provider whose contract is checked.
    pub provider: &'a Provider,
    /// The fault.
    pub fault: &'a Fault,
    /// How the request differs from the others of its case, in words.
    pub variation: Option<&'a str>,
    /// How long the response took.
    pub elapsed: Duration,
    /// How long the client waited for the response.
    pub timeout: Duration,
}

/// What earlier cases showed about a handler: each case with its fault, if it failed.
#[derive(Clone, Debug, Default)]
pub struct History(Vec<(CaseName, Option<Fault>)>);

impl History {
    /// Adds the outcome of a case.
    pub fn add(&mut self, name: CaseName, fault: Option<Fault>) {
        self.0.push((name, fault));
    }

    /// Whether at least one of these cases ran, and `is` holds for all of those that did.
    fn all(&self, names: &[CaseName], is: impl Fn(Option<&Fault>) -> bool) -> bool {
        let mut tried = self.0.iter().filter(|(name, _)| names.contains(name)).peekable();
        tried.peek().is_some() && tried.all(|(_, fault)| is(fault.as_ref()))
    }

    /// Whether the handler accepted every plain forgery. One that only checks for the header's presence does, too.
    fn never_verifies(&self) -> bool {
        let forged = [CaseName::SecretWrong, CaseName::BodyTampered];
        self.all(&forged, |fault| matches!(fault, Some(Fault::ForgeryAccepted(_))))
    }

    /// Whether the handler crashed on every plain forgery.
    fn crashes_on_forgeries(&self) -> bool {
        let forged = [CaseName::SecretWrong, CaseName::BodyTampered];
        self.all(&forged, |fault| matches!(fault, Some(Fault::Crashed(_) | Fault::NoResponse(NoResponse::Broken(_)))))
    }
}

const RESPOND_FIRST: &str = "respond first, then do slow work: a queue, res.sendStatus() before the work in Express, BackgroundTasks in FastAPI, a job in Rails and Laravel";

const ENCODINGS: &str = "parse the body by its media type, which is the part of Content-Type before the `;`: express.urlencoded() and multer().none() in Express, await request.form() in FastAPI, params in Rails, $request->input() in Laravel";

const LOG: &str = "the handler's log shows the exception";

/// Explains why a case failed.
#[must_use]
pub fn explain(case: &Case<'_>, observation: &Observation<'_>, history: &History) -> Explanation {
    let message = message(case.name, observation);
    let variant = case.variant.map(|_| case.sends.as_str());
    let message = match observation.variation.or(variant) {
        Some(variation) => format!("{variation}: {message}"),
        None => message,
    };
    Explanation { message, remedy: advice(case, observation, history).map(Remedy::advice) }
}

fn message(name: CaseName, observation: &Observation<'_>) -> String {
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
    Some(match (observation.fault, case.name) {
        (Fault::NoResponse(NoResponse::Unreachable(_) | NoResponse::Untrusted(_)), _) => return None,
        (Fault::ForgeryAccepted(_), name) => forgery_accepted(name, provider, history),
        (Fault::WrongHandshake(..), _) => format!(
            "{} sends this before it delivers anything, and sets up the endpoint only if the response is exactly this one",
            provider.title
        ),
        (Fault::Crashed(_) | Fault::NoResponse(NoResponse::Broken(_)), name) => crashed(name, provider, history),
        (Fault::NoResponse(NoResponse::TimedOut) | Fault::Late(_), CaseName::Burst) => {
            format!("the handler processes deliveries one at a time; {RESPOND_FIRST}")
        }
        (Fault::NoResponse(NoResponse::TimedOut) | Fault::Late(_), _) => RESPOND_FIRST.to_owned(),
        (Fault::Redirect(_), _) => redirected(),
        (Fault::WrongSuccess(status), _) => wrong_success(*status, provider),
        (Fault::Rejected(429), _) => {
            "the handler, or a proxy in front of it, limits the rate: exempt the provider's deliveries".to_owned()
        }
        (Fault::Rejected(status), name) => rejected(*status, name, case, provider),
    })
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
        CaseName::TimestampStale | CaseName::TimestampFuture => {
            let rule = provider.schemes.first().and_then(|scheme| scheme.timestamp.as_ref());
            let allowed = rule.map(|rule| match name {
                CaseName::TimestampStale => words(rule.tolerance.past),
                _ => words(rule.tolerance.future),
            });
            format!(
                "the handler ignores the timestamp: once the signature is verified, compare the timestamp with the clock and reject deliveries that are more than {} off; otherwise a recorded delivery can be replayed at any time",
                allowed.unwrap_or_default()
            )
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

/// Why the handler responded with a 5xx or closed the connection.
fn crashed(name: CaseName, provider: &Provider, history: &History) -> String {
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
        CaseName::EventUnknown => format!(
            "respond {} to events that you do not handle: new types arrive without notice, and a default branch is enough",
            provider.delivery.first_success()
        ),
        CaseName::DeliveryDuplicated => duplicated(provider),
        CaseName::BodyReserialised => {
            format!("the compact form passes: the handler verifies or parses only one way to write JSON; {RAW_BODY}")
        }
        CaseName::Encoding(_) => ENCODINGS.to_owned(),
        name if name.expectation() == Expectation::Rejected => {
            format!("respond 401 if verification fails, for whatever reason; {LOG}")
        }
        _ => format!("{LOG}; respond first, then do slow work, so that an error there does not fail the delivery"),
    }
}

/// Why a valid delivery was rejected although others are accepted.
fn rejected(status: u16, name: CaseName, case: &Case<'_>, provider: &Provider) -> String {
    let success = provider.delivery.first_success();
    match name {
        CaseName::BodyReserialised => {
            format!("the compact form passes: the handler verifies re-serialised JSON; {RAW_BODY}")
        }
        CaseName::Encoding(_) => ENCODINGS.to_owned(),
        _ if status == 415 => ENCODINGS.to_owned(),
        CaseName::SignatureRotated => format!(
            "during secret rotation, {} holds a signature for each secret: split it at the separator, and accept the delivery if any of them matches",
            header_of(provider)
        ),
        CaseName::VersionUnknown => {
            format!("ignore the entries of {} whose version you do not know, and check the others", header_of(provider))
        }
        CaseName::DeliveryDuplicated => duplicated(provider),
        _ if case.event.unsigned && !provider.schemes.is_empty() => format!(
            "{} sends this event without a signature: respond {success} to it before you verify, do nothing else with it, and respond 400 to a body that can't be parsed",
            provider.title
        ),
        _ => format!("respond {success} to events that you do not handle, too: a {status} counts as a failed delivery"),
    }
}

fn duplicated(provider: &Provider) -> String {
    format!(
        "respond {} to a delivery that you have already processed, and do nothing else: {} sends it again whenever it misses your response",
        provider.delivery.first_success(),
        provider.title
    )
}

fn redirected() -> String {
    "respond at the URL itself: a trailing slash, http instead of https, or a login page redirects deliveries elsewhere"
        .to_owned()
}

fn wrong_success(status: u16, provider: &Provider) -> String {
    let success = provider.delivery.first_success();
    format!(
        "respond {success} instead of {status}: res.sendStatus({success}) in Express, Response(status_code={success}) in FastAPI, head {success} in Rails, response('', {success}) in Laravel"
    )
}

/// What the provider signs and where the signature is, in words.
fn signature_of(provider: &Provider) -> String {
    match provider.schemes.first() {
        Some(scheme) => format!("{} of {} in {}", scheme.algorithm, scheme.content.as_str(), header_of(provider)),
        None => "the signature".to_owned(),
    }
}

fn header_of(provider: &Provider) -> String {
    let header = provider.schemes.first().map(|scheme| &scheme.signature);
    match header {
        Some(headers @ Source::Headers(_)) => format!("`{headers}`"),
        Some(Source::At(place)) => place.words(),
        None => "the signature".to_owned(),
    }
}

/// Explains why a handler accepts no valid delivery, so that further cases are pointless.
///
/// `spaced` says whether the handler accepted JSON as Python's `json.dumps` writes it.
#[must_use]
pub fn unusable(observation: &Observation<'_>, signed_with: Option<&SecretSource>, spaced: bool) -> Explanation {
    let provider = observation.provider;
    let signed_with = signed_with.filter(|_| !provider.schemes.is_empty());
    let remedy = match (observation.fault, signed_with) {
        (Fault::Rejected(400 | 401 | 403), _) if spaced => Remedy::advice(format!(
            "the handler accepts the same delivery with a space after each comma and colon, as Python's json.dumps writes it: it verifies re-serialised JSON; {RAW_BODY}"
        )),
        (Fault::Rejected(400 | 401 | 403), Some(source)) => Remedy::CompareHandlerSecret {
            provider: provider.name.clone(),
            source: source.clone(),
            further: format!(
                "{}If it does, the handler may verify other bytes than were sent: {RAW_BODY}",
                key_of(provider)
            ),
        },
        (Fault::Rejected(404), _) => Remedy::CorrectHandlerPath,
        (Fault::Rejected(405), _) => Remedy::AllowMethod(provider.delivery.method.clone()),
        (Fault::Rejected(415), _) => Remedy::advice(ENCODINGS),
        (Fault::Rejected(429), _) => Remedy::advice("the handler, or a proxy in front of it, limits the rate"),
        (Fault::Rejected(_), _) => Remedy::AddHeader,
        (Fault::Redirect(_), _) => Remedy::advice(redirected()),
        (Fault::WrongHandshake(_, problem), _) => Remedy::advice(problem.clone()),
        (Fault::WrongSuccess(status), _) => Remedy::advice(wrong_success(*status, provider)),
        (Fault::NoResponse(NoResponse::TimedOut) | Fault::Late(_), _) => Remedy::advice(RESPOND_FIRST),
        (Fault::NoResponse(NoResponse::Unreachable(_)), _) => Remedy::StartHandler,
        (Fault::NoResponse(NoResponse::Untrusted(_)), _) => Remedy::AcceptAnyCertificate,
        (Fault::Crashed(_) | Fault::NoResponse(NoResponse::Broken(_)) | Fault::ForgeryAccepted(_), _) => {
            Remedy::advice(LOG)
        }
    };
    Explanation { message: message(CaseName::EventAccepted, observation), remedy: Some(remedy) }
}

/// Explains why the handler stopped listening after a case; `reason` is why the endpoint is unreachable.
#[must_use]
pub fn stopped(reason: &str, last: CaseName) -> Explanation {
    let hint = "the handler's log says why it stopped: an exception outside the request's own handler ends the whole process, as in Node's timers and callbacks";
    let message = format!("{reason}: the handler stopped after `{}`", last.as_str());
    Explanation { message, remedy: Some(Remedy::advice(hint)) }
}

/// How the secret's text becomes the key, if that is more than taking its bytes.
fn key_of(provider: &Provider) -> String {
    let Some(format) = provider.secret.as_ref().map(|rule| &rule.format) else { return String::new() };
    let after = format.prefix.as_deref().map(|prefix| format!(" after {prefix}")).unwrap_or_default();
    match format.encoding {
        KeyEncoding::Base64 => format!("The key is the text{after}, decoded from base64. "),
        KeyEncoding::Base64Url => format!("The key is the text{after}, decoded from URL-safe base64. "),
        KeyEncoding::Hex => format!("The key is the text{after}, decoded from hexadecimal. "),
        KeyEncoding::Text if after.is_empty() => String::new(),
        KeyEncoding::Text => format!("The key is the text{after}. "),
    }
}

/// Why the status shows that a handler did not reject a forgery; `None` if it did.
#[must_use]
pub fn objection_to(tamper: Tamper, title: &str, status: u16) -> Option<String> {
    match status {
        400..500 => None,
        300..400 => Some(format!("{}; {title} follows no redirect", forgery_message(status, tamper.words()))),
        _ => Some(forgery_message(status, tamper.words())),
    }
}
