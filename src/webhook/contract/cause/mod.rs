//! The likely cause of a failed case, and how to fix the handler, inferred from the response and from other cases'
//! results.

mod accepted;
mod crashed;
mod rejected;

use std::time::Duration;

use super::{
    cases::Case,
    expectation::Expectation,
    history::EarlierResults,
    judge::{NoResponse, ResponseFault, unrelated},
    name::CaseName,
    tamper::{Forgery, Tamper},
};
use crate::webhook::{place::ValueSource, provider::Provider, remedy::Remedy, response::Clue, time::words};

pub(super) use rejected::{HEADER_CASE, READ_TO_END, rate_limited, redirected, wrong_success};

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
    pub fault: &'a ResponseFault,
    /// How the request differs from the others in its case, in words.
    pub variation: Option<&'a str>,
    /// The variation of the previous request, which passed.
    pub passed_before: Option<&'a str>,
    /// What the response reveals about the handler.
    pub clue: Option<Clue>,
    /// How long the response took.
    pub elapsed: Duration,
    /// How long the client waited for the response.
    pub timeout: Duration,
}

pub(super) const RESPOND_FIRST: &str = "verify, respond, then do slow work: a queue, res.sendStatus() before the work in Express, BackgroundTasks in FastAPI, after() in Next.js, a job in Rails and Laravel";

/// What a 504 means.
pub(super) const PROXY_GAVE_UP: &str = "a proxy in front of the handler stopped waiting for it";

pub(super) const LOG: &str = "find the exception in the handler's log";

/// The start of the variation of a delivery that is signed with one of several secrets.
pub(super) const SIGNED_WITH: &str = "signed with secret";

/// The age of the first of two duplicates, because a provider's retry comes later.
pub(super) const RETRY_SECONDS: i64 = 5;

/// The variation of the first of two duplicates.
pub(super) const FIRST_TIME: &str = "the first time";

/// The variation of a delivery with characters outside the basic plane.
pub(super) const EMOJI: &str = "emoji";

/// Explains why a case failed.
#[must_use]
pub fn explain(case: &Case<'_>, observation: &Observation<'_>, history: &EarlierResults) -> Explanation {
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
        (ResponseFault::NoResponse(NoResponse::TimedOut), _) => format!("no response within {}", words(timeout)),
        (
            ResponseFault::NoResponse(
                NoResponse::Broken(reason) | NoResponse::Unreachable(reason) | NoResponse::Untrusted(reason),
            ),
            _,
        ) => reason.clone(),
        (ResponseFault::WrongHandshake(_, problem), _) => problem.clone(),
        (ResponseFault::NotRejected(status), Some(forged)) => not_rejected_message(*status, forged),
        (fault, Some(forged)) => forgery_message(fault.status().unwrap_or_default(), forged),
        (ResponseFault::Crashed(status), None) if name.expectation() == Expectation::Survived => {
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

/// The likely cause, and how to fix it. `None` if the handler is unreachable, which is explained elsewhere.
fn advice(case: &Case<'_>, observation: &Observation<'_>, history: &EarlierResults) -> Option<String> {
    let provider = observation.provider;
    let is_forged = case.name.forgery().is_some();
    let clue = observation.clue.as_ref().filter(|clue| !(is_forged && clue.only_if_valid)).map(|clue| &*clue.advice);
    Some(match (observation.fault, case.name) {
        (ResponseFault::NoResponse(NoResponse::Unreachable(_) | NoResponse::Untrusted(_)), _) => return None,
        (ResponseFault::RefusedAsSuccess(status), _) => format!(
            "the response differs from those to valid deliveries, so the handler seems to refuse this one; but {status} means success, and the provider looks only at the status: respond 401"
        ),
        (ResponseFault::ForgeryAccepted(_), name) => {
            clue.map_or_else(|| accepted::forgery_accepted(name, observation, history), str::to_owned)
        }
        (ResponseFault::NotRejected(status), _) => accepted::not_rejected(*status),
        (ResponseFault::Crashed(504), _) => format!("{PROXY_GAVE_UP}: {RESPOND_FIRST}"),
        (ResponseFault::WrongHandshake(..), _) | (ResponseFault::Crashed(_), CaseName::Handshake) => {
            rejected::handshake(case, provider)?
        }
        (ResponseFault::Crashed(_) | ResponseFault::Rejected(_), _) if clue.is_some() => {
            clue.unwrap_or_default().to_owned()
        }
        (ResponseFault::Crashed(_) | ResponseFault::NoResponse(NoResponse::Broken(_)), name) => {
            crashed::crashed(name, observation, history)
        }
        (ResponseFault::NoResponse(NoResponse::TimedOut) | ResponseFault::Late(_), CaseName::Burst) => {
            format!("the handler processes deliveries one at a time; {RESPOND_FIRST}")
        }
        (ResponseFault::NoResponse(NoResponse::TimedOut) | ResponseFault::Late(_), _) => RESPOND_FIRST.to_owned(),
        (ResponseFault::Redirect(_), name) if name.forgery().is_some() => {
            "the handler, or a login in front of it, redirects what it refuses: respond 401 instead".to_owned()
        }
        (ResponseFault::Redirect(_), _) => clue.map_or_else(rejected::redirected, str::to_owned),
        (ResponseFault::WrongSuccess(status), _) => rejected::wrong_success(*status, provider),
        (ResponseFault::Rejected(429), _) => rejected::rate_limited(),
        (ResponseFault::Rejected(status), _) => rejected::rejected(*status, case, observation, history),
    })
}

/// What the provider signs and where the signature is, in words.
pub(super) fn signature_of(provider: &Provider) -> String {
    match provider.schemes.first() {
        Some(scheme) => format!("{} of {} in {}", scheme.algorithm, scheme.signed_in_words(), header_of(provider)),
        None => "the signature".to_owned(),
    }
}

pub(super) fn header_of(provider: &Provider) -> String {
    let header = provider.schemes.first().map(|scheme| &scheme.signature);
    match header {
        Some(headers @ ValueSource::Headers(_)) => format!("`{headers}`"),
        Some(ValueSource::At(place)) => place.words(),
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
        300..400 => Some(format!("{}; {title} doesn't follow redirects", forgery_message(status, tamper.words()))),
        _ => Some(forgery_message(status, tamper.words())),
    }
}
