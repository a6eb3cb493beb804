//! Explains why a handler accepts no valid delivery at all.

use super::{
    cause::{
        Explanation, LOG, Observation, PROXY_GAVE_UP, RESPOND_FIRST, header_of, message, rate_limited, redirected,
        signature_of, wrong_success,
    },
    judge::{NoResponse, ResponseFault},
    mistakes::{self, key_of},
    name::CaseName,
};
use crate::webhook::{
    keyring::SecretSource,
    provider::Provider,
    remedy::{RAW_BODY, Remedy, with_hint},
    response::form_clue::unread,
};

/// The most common reasons why a handler fails on the first delivery.
const FIRST_CRASH: &str = "find the exception in the handler's log. Most often, the signing secret is not set, or something reads or parses the body before the handler verifies it: app.use(express.json()) above express.raw(), await req.json() before await req.text() in Next.js, request.POST or request.read() before request.body in Django";

/// What a 502 means.
const NO_UPSTREAM: &str = "a proxy in front of the handler got no response from it: start the handler, and check the address to which the proxy forwards (proxy_pass in nginx). If both are right, the handler closes the connection: its log says why";

/// What a 422 without a message may mean.
const UNPROCESSABLE: &str = "the handler's log may say what is missing. In Rails, this may be CSRF protection, which is for browsers: skip_before_action :verify_authenticity_token, or inherit from ActionController::API. If it responds 422 to a wrong signature, it may use another secret";

/// What the response to a valid delivery reveals. A rejection may quote a library that found no matching signature; the
/// comparison of secrets says more.
fn revealed(observation: &Observation<'_>) -> Option<Remedy> {
    let clue = observation.clue.as_ref()?;
    let says_more = match observation.fault {
        ResponseFault::Crashed(_) | ResponseFault::Redirect(_) => true,
        // Without a signature, there are few other causes.
        ResponseFault::Rejected(_) => !clue.is_unspecific || observation.provider.schemes.is_empty(),
        _ => false,
    };
    says_more.then(|| Remedy::advice(clue.advice.to_string()))
}

/// Whether a handler that rejects the usual deliveries accepts one that deviates from them.
#[derive(Clone, Debug)]
pub enum DeviationResult {
    /// It accepts one: what is wrong with it.
    Accepted(String),
    /// It rejects them all.
    None,
    /// It rejects them all, and responds with this status to a forgery, unlike to a valid delivery.
    Verified(u16),
    /// Not all were judged.
    Unknown,
    /// Not all were tried, because the handler is too slow.
    Unfinished,
}

/// Why a handler fails on valid deliveries although it verifies them: it responds to a forgery with this status.
fn verified(status: u16, fault: &ResponseFault, provider: &Provider) -> String {
    let seen = format!(
        "the handler verifies this delivery: it responds {status} to the same one signed with another secret. What it does after that fails"
    );
    match fault {
        ResponseFault::Crashed(_) => format!("{seen}: {LOG}"),
        _ => format!(
            "{seen}: it may not handle this event (respond {} anyway), need a field that is missing, or compare the timestamp in another unit or with a wrong clock",
            provider.delivery.first_success()
        ),
    }
}

/// What a proxy may do to a delivery, worded to follow "check that"; `proxy` names the one that the response came
/// through.
fn passed_on(proxy: Option<&str>, provider: &Provider) -> String {
    let header = header_of(provider);
    match proxy {
        Some("nginx") => format!(
            "nginx, which the responses pass through, forwards {header} and the body (proxy_set_header X \"\" and proxy_pass_request_headers off remove headers, underscores_in_headers off those with `_` in their names, and proxy_pass_request_body off the body)"
        ),
        Some(proxy) => format!("{proxy}, which the responses pass through, forwards {header} and the body"),
        None => "no proxy in front of it removes that header".to_owned(),
    }
}

/// What to check if the usual mistakes are not the cause.
fn nothing_accepted(provider: &Provider, proxy: Option<&str>) -> String {
    format!(
        "{}If it does, check that it reads {}, that {}, and that it verifies the raw body. The usual mistakes were tried, alone and in pairs, and are not the cause: in the body, secret, algorithm, encoding, signed content, header and unit of the timestamp. A comparison of different types is never equal (bytes with str in Python, a Buffer with a string in Node): compare text with text, as hexdigest() and digest('hex') return it. A login or CSRF check that runs before the handler looks like this too: exempt the route from it",
        key_of(provider),
        header_of(provider),
        passed_on(proxy, provider)
    )
}

/// What to check if not all usual mistakes were tried.
fn something_else(provider: &Provider, proxy: Option<&str>) -> String {
    let advice = format!(
        "{}If it does, the handler may verify something other than {}, or not the bytes that were sent: {RAW_BODY}",
        key_of(provider),
        signature_of(provider)
    );
    and_passed_on(advice, proxy, provider)
}

/// The advice, with what to check in a proxy known to be in front of the handler.
fn and_passed_on(advice: String, proxy: Option<&str>, provider: &Provider) -> String {
    match proxy {
        Some(_) => format!("{advice}. Check that {}", passed_on(proxy, provider)),
        None => advice,
    }
}

/// Explains why a handler accepts no valid delivery, so that further cases are pointless. `deviation` says whether it
/// accepts one that deviates from the provider's, and `proxy` names the proxy that the response came through.
#[must_use]
pub fn unusable(
    observation: &Observation<'_>,
    signed_with: Option<&SecretSource>,
    proxy: Option<&str>,
    deviation: DeviationResult,
) -> Explanation {
    let provider = observation.provider;
    let signed_with = signed_with.filter(|_| !provider.schemes.is_empty());
    let further = match deviation {
        DeviationResult::None if mistakes::cover(provider) => nothing_accepted(provider, proxy),
        DeviationResult::Unfinished => format!(
            "{}. The usual mistakes could not all be tried, because the handler responds too slowly",
            something_else(provider, proxy)
        ),
        _ => something_else(provider, proxy),
    };
    let remedy = match deviation {
        DeviationResult::Accepted(advice) => Some(Remedy::advice(advice)),
        DeviationResult::Verified(status) => {
            revealed(observation).or_else(|| Some(Remedy::advice(verified(status, observation.fault, provider))))
        }
        DeviationResult::None | DeviationResult::Unknown | DeviationResult::Unfinished => revealed(observation),
    };
    let remedy = remedy.unwrap_or_else(|| match (observation.fault, signed_with) {
        (ResponseFault::Rejected(400 | 401 | 403), Some(source)) => {
            let clue = observation.clue.as_ref().filter(|clue| clue.is_unspecific).map(|clue| clue.advice.to_string());
            let hint = clue.or_else(|| unread_form(provider));
            Remedy::CompareHandlerSecret {
                provider: provider.name.clone(),
                source: source.clone(),
                further: hint.map_or_else(|| further.clone(), |hint| with_hint(&further, &hint)),
            }
        }
        (fault, _) => of_fault(fault, provider, proxy),
    });
    Explanation { message: message(CaseName::EventAccepted, observation), remedy: Some(remedy) }
}

/// What to check if the provider sends forms.
fn unread_form(provider: &Provider) -> Option<String> {
    unread(provider.delivery.encodings.first().map(|encoding| encoding.media))
}

/// What to do about a fault about which nothing else is known.
fn of_fault(fault: &ResponseFault, provider: &Provider, proxy: Option<&str>) -> Remedy {
    if let (ResponseFault::Rejected(400 | 422) | ResponseFault::Crashed(500), Some(advice)) =
        (fault, unread_form(provider))
    {
        let of_signed = match fault {
            _ if provider.schemes.is_empty() => None,
            ResponseFault::Crashed(_) => Some(first_crash(provider, proxy)),
            ResponseFault::Rejected(422) => Some(UNPROCESSABLE.to_owned()),
            _ => None,
        };
        return Remedy::advice(of_signed.map_or_else(|| advice.clone(), |first| with_hint(&first, &advice)));
    }
    match fault {
        ResponseFault::Rejected(422) => Remedy::advice(UNPROCESSABLE),
        ResponseFault::Rejected(404 | 410) => Remedy::CorrectHandlerPath,
        ResponseFault::Rejected(405) => Remedy::AllowMethod(provider.delivery.method.clone()),
        ResponseFault::Rejected(429) => Remedy::advice(rate_limited()),
        ResponseFault::Rejected(_) => Remedy::AddHeader,
        ResponseFault::Redirect(_) => Remedy::advice(redirected()),
        ResponseFault::WrongHandshake(_, problem) => Remedy::advice(problem.clone()),
        ResponseFault::WrongSuccess(status) => Remedy::advice(wrong_success(*status, provider)),
        ResponseFault::NoResponse(NoResponse::TimedOut) | ResponseFault::Late(_) => Remedy::advice(RESPOND_FIRST),
        ResponseFault::NoResponse(NoResponse::Unreachable(_)) => Remedy::StartHandler,
        ResponseFault::NoResponse(NoResponse::Untrusted(_)) => Remedy::AcceptAnyCertificate,
        ResponseFault::NoResponse(NoResponse::Broken(_)) => Remedy::advice(LOG),
        ResponseFault::Crashed(502) => Remedy::advice(NO_UPSTREAM),
        ResponseFault::Crashed(504) => Remedy::advice(format!("{PROXY_GAVE_UP}: {RESPOND_FIRST}")),
        ResponseFault::Crashed(_) if provider.schemes.is_empty() => Remedy::advice(LOG),
        ResponseFault::Crashed(_)
        | ResponseFault::ForgeryAccepted(_)
        | ResponseFault::RefusedAsSuccess(_)
        | ResponseFault::NotRejected(_) => Remedy::advice(first_crash(provider, proxy)),
    }
}

/// What to do about a handler that fails on the first delivery, which is signed.
fn first_crash(provider: &Provider, proxy: Option<&str>) -> String {
    and_passed_on(format!("{FIRST_CRASH}; {RAW_BODY}"), proxy, provider)
}
