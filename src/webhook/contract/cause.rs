//! The likely cause of a failed case in the handler, and how to mend it: read off the answer, and off what other cases
//! have shown of the same handler.

use std::time::Duration;

use super::{
    cases::{Case, CaseName, Want},
    judge::{Fault, NoAnswer},
    tamper,
};
use crate::webhook::{
    keyring::SecretSource,
    provider::Provider,
    remedy::{RAW_BODY, Remedy},
    signature::secret::KeyEncoding,
    time::words,
};

/// What was seen, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What was seen.
    pub message: String,
    /// The likely cause, and how to fix it.
    pub remedy: Option<Remedy>,
}

/// A fault, with all that is known of how it was met.
#[derive(Clone, Copy, Debug)]
pub struct Met<'a> {
    /// Whose handler it is.
    pub provider: &'a Provider,
    /// The fault.
    pub fault: &'a Fault,
    /// What the delivery has of its own among those of its case.
    pub how: Option<&'a str>,
    /// How long the answer took.
    pub elapsed: Duration,
    /// How long it was waited for.
    pub patience: Duration,
}

/// What the cases that were tried have shown of a handler.
#[derive(Clone, Debug, Default)]
pub struct Known(Vec<(CaseName, Option<Fault>)>);

impl Known {
    /// Takes in how a case came out.
    pub fn learn(&mut self, name: CaseName, fault: Option<Fault>) {
        self.0.push((name, fault));
    }

    fn all(&self, names: &[CaseName], is: impl Fn(Option<&Fault>) -> bool) -> bool {
        let mut tried = self.0.iter().filter(|(name, _)| names.contains(name)).peekable();
        tried.peek().is_some() && tried.all(|(_, fault)| is(fault.as_ref()))
    }

    /// Whether every plain forgery was taken; a handler that only looks whether there is a signature is one of those.
    fn never_verifies(&self) -> bool {
        let forged = [CaseName::SecretWrong, CaseName::BodyTampered];
        self.all(&forged, |fault| matches!(fault, Some(Fault::Taken(_))))
    }

    /// Whether every plain forgery made the handler fail.
    fn fails_on_forgeries(&self) -> bool {
        let forged = [CaseName::SecretWrong, CaseName::BodyTampered];
        self.all(&forged, |fault| matches!(fault, Some(Fault::Crashed(_) | Fault::None(NoAnswer::Broken(_)))))
    }
}

const LATER: &str = "answer first and do the work afterwards: a queue, res.sendStatus() before the work in Express, BackgroundTasks in FastAPI, a job in Rails and Laravel";

/// Explains why a case failed.
#[must_use]
pub fn explain(case: &Case<'_>, met: &Met<'_>, known: &Known) -> Explained {
    let seen = seen(case.name, met);
    let variant = case.variant.map(|_| case.sends.as_str());
    let message = match met.how.or(variant) {
        Some(how) => format!("{how}: {seen}"),
        None => seen,
    };
    Explained { message, remedy: hint(case, met, known).map(Remedy::advice) }
}

/// What was seen, in words.
fn seen(name: CaseName, met: &Met<'_>) -> String {
    let Met { provider, elapsed, .. } = *met;
    let forged = name.forgery().map(super::tamper::Forgery::words);
    match (met.fault, forged) {
        (Fault::None(NoAnswer::TimedOut), _) => format!("no answer within {}", words(met.patience)),
        (Fault::None(NoAnswer::Broken(how) | NoAnswer::Unreachable(how)), _) => how.clone(),
        (Fault::Taken(status), Some(forged)) => format!("taken with {status}, although {forged}"),
        (Fault::Redirect(status), Some(forged)) => format!("{status} is a redirect and no refusal, and {forged}"),
        (Fault::Crashed(status), Some(forged)) => {
            format!("{status}: the handler failed on it instead of refusing it with a 4xx; {forged}")
        }
        (Fault::Crashed(status), None) if name.want() == Want::Survived => {
            format!("{status}: the handler failed on an event type that it does not know")
        }
        (fault, _) => {
            let status = fault.status().unwrap_or_default();
            let objection = provider.delivery.objection(&provider.title, status, elapsed);
            objection.unwrap_or_else(|| format!("{status} is not what is wanted"))
        }
    }
}

fn hint(case: &Case<'_>, met: &Met<'_>, known: &Known) -> Option<String> {
    let provider = met.provider;
    let text = match (met.fault, case.name) {
        (Fault::None(NoAnswer::Unreachable(_)), _) => return None,
        (Fault::Taken(_), name) => return Some(taken(name, provider, known)),
        (Fault::Crashed(_) | Fault::None(NoAnswer::Broken(_)), name) => crashed(name, provider, known),
        (Fault::None(NoAnswer::TimedOut) | Fault::Late(_), CaseName::Burst) => {
            format!("the handler does its work on one delivery after the other; {LATER}")
        }
        (Fault::None(NoAnswer::TimedOut) | Fault::Late(_), _) => LATER.to_owned(),
        (Fault::Redirect(_), _) => redirected(),
        (Fault::OtherSuccess(status), _) => other_success(*status, provider),
        (Fault::Refused(429), _) => {
            "the handler, or what stands before it, limits the rate: let the provider's deliveries through".to_owned()
        }
        (Fault::Refused(status), name) => refused(*status, name, case, met),
    };
    Some(text)
}

/// Why a forgery was taken.
fn taken(name: CaseName, provider: &Provider, known: &Known) -> String {
    let signs = signature_of(provider);
    if matches!(name, CaseName::TimestampStale | CaseName::TimestampFuture) && !known.never_verifies() {
        let allowed = provider.schemes.first().and_then(|scheme| scheme.timestamp.as_ref()).map(|rule| rule.tolerance);
        let allowed = allowed.map(|tolerance| match name {
            CaseName::TimestampStale => words(tolerance.past),
            _ => words(tolerance.future),
        });
        return format!(
            "the handler ignores the timestamp: compare it with the clock once the signature is verified, and refuse what is more than {} off, or a recorded delivery can be sent again at any time",
            allowed.unwrap_or_default()
        );
    }
    if known.never_verifies() {
        return format!(
            "the handler never verifies the signature: whoever knows its URL can send it anything. Verify {signs} over the raw body before anything else, and answer 401 when it does not match"
        );
    }
    match name {
        CaseName::SignatureMissing | CaseName::SignatureEmpty => format!(
            "the handler verifies only when there is a signature, as `if (signature && !valid)` does: refuse a delivery without {}",
            header_of(provider)
        ),
        CaseName::SignatureTruncated => {
            "the handler compares a part of the signature: compare all of it, with crypto.timingSafeEqual, hmac.compare_digest, hash_equals or ActiveSupport::SecurityUtils.secure_compare".to_owned()
        }
        CaseName::SignatureGarbage => {
            "the handler takes what it can't decode for a match: compare the lengths first, as Buffer.from(text, 'hex') makes an empty buffer of what is no hex".to_owned()
        }
        CaseName::BodyTampered => {
            format!("the body does not stand under the signature that the handler computes: verify {signs} over the raw body")
        }
        CaseName::SecretWrong => {
            format!("the handler does not compare the signature with one made with your secret: verify {signs}")
        }
        _ => format!("verify {signs} before anything else"),
    }
}

/// Why the handler failed, or closed the connection.
fn crashed(name: CaseName, provider: &Provider, known: &Known) -> String {
    if name.want() == Want::Refused && known.fails_on_forgeries() {
        return "answer 401 when verification fails: the libraries throw (svix's verify does), and what is thrown and not caught is a 500".to_owned();
    }
    match name {
        CaseName::SignatureTruncated | CaseName::SignatureEmpty => {
            "the handler threw while it read or compared the signature: answer 401 instead, and compare the lengths before crypto.timingSafeEqual, which throws when they differ".to_owned()
        }
        CaseName::SignatureGarbage => {
            "answer 401 to a signature that can't be read: crypto.timingSafeEqual throws on another length, and hmac.compare_digest on text outside ASCII (compare bytes: .encode())".to_owned()
        }
        CaseName::SignatureMissing => {
            format!("see that there is a {} header before it is read, and answer 401 when there is none", header_of(provider))
        }
        CaseName::EventUnknown => format!(
            "answer {} to events that you do not handle: new types come without notice, and a default branch is enough",
            provider.delivery.first_success()
        ),
        CaseName::DeliveryDuplicated => duplicated(provider),
        CaseName::BodyReserialised => {
            format!("the compact form passes: the handler verifies or reads JSON in one spelling only; {}", RAW_BODY)
        }
        CaseName::Encoding(_) => FORMS.to_owned(),
        name if name.want() == Want::Refused => "answer 401 when verification fails, whatever the reason; the handler's log says what was thrown".to_owned(),
        _ => "the handler's log says what was thrown; answer first and do the work afterwards, so that a failure there is no failed delivery".to_owned(),
    }
}

const FORMS: &str = "read the form that the media type names, which stands before the `;` of Content-Type: express.urlencoded() and multer().none() in Express, await request.form() in FastAPI, params in Rails, $request->input() in Laravel";

/// Why a good delivery was refused, when others are taken.
fn refused(status: u16, name: CaseName, case: &Case<'_>, met: &Met<'_>) -> String {
    let provider = met.provider;
    let success = provider.delivery.first_success();
    match name {
        CaseName::BodyReserialised => {
            format!("the compact form passes, so that the handler verifies JSON that it has written anew; {}", RAW_BODY)
        }
        CaseName::Encoding(_) => FORMS.to_owned(),
        _ if status == 415 => FORMS.to_owned(),
        CaseName::SignatureRotated => format!(
            "while a secret is rotated, {} holds a signature for each: split it at its separator, and take the delivery when any of them matches",
            header_of(provider)
        ),
        CaseName::VersionUnknown => format!(
            "pass over the entries of {} whose version you do not know, and look at the others",
            header_of(provider)
        ),
        CaseName::DeliveryDuplicated => duplicated(provider),
        _ if case.event.unsigned && !provider.schemes.is_empty() => format!(
            "{} sends this event without a signature: answer {success} to it before you verify, do nothing else with it, and answer 400 to what can't be parsed",
            provider.title
        ),
        _ => format!(
            "answer {success} to events that you do not handle, too: what is answered with {status} counts as failed"
        ),
    }
}

fn duplicated(provider: &Provider) -> String {
    format!(
        "answer {} to a delivery that you have had already, and do nothing more: {} sends it again whenever it did not hear your answer",
        provider.delivery.first_success(),
        provider.title
    )
}

fn redirected() -> String {
    "answer at the URL itself: a trailing slash, http for https or a page to log in leads deliveries elsewhere"
        .to_owned()
}

fn other_success(status: u16, provider: &Provider) -> String {
    let wanted = provider.delivery.first_success();
    format!(
        "answer {wanted} instead of {status}: res.sendStatus({wanted}) in Express, Response(status_code={wanted}) in FastAPI, head {wanted} in Rails, response('', {wanted}) in Laravel"
    )
}

/// What a provider signs with, in words.
fn signature_of(provider: &Provider) -> String {
    match provider.schemes.first() {
        Some(scheme) => format!("{} of {} in {}", scheme.algorithm, scheme.content.as_str(), header_of(provider)),
        None => "the signature".to_owned(),
    }
}

fn header_of(provider: &Provider) -> String {
    provider
        .schemes
        .first()
        .and_then(|scheme| scheme.header.first())
        .map_or_else(|| "the signature".to_owned(), |name| format!("`{name}`"))
}

/// Explains why a handler takes no good delivery at all, so that there is no use in trying more.
///
/// `spaced` says that it took one whose JSON is spelled as Python's `json.dumps` does.
#[must_use]
pub fn unusable(met: &Met<'_>, signed_with: Option<&SecretSource>, spaced: bool) -> Explained {
    let provider = met.provider;
    let signed_with = signed_with.filter(|_| !provider.schemes.is_empty());
    let remedy = match met.fault {
        Fault::Refused(400 | 401 | 403) if spaced => Remedy::advice(format!(
            "the handler takes the same delivery with a space behind each comma and colon, as Python's json.dumps writes it, so that it verifies JSON that it has written anew; {}",
            RAW_BODY
        )),
        Fault::Refused(400 | 401 | 403) => match signed_with {
            Some(source) => Remedy::CompareHandlerSecret {
                provider: provider.name.clone(),
                source: source.clone(),
                further: format!(
                    "{}If it does, the handler may verify other bytes than were sent: {RAW_BODY}",
                    key_of(provider)
                ),
            },
            None => Remedy::AddHeader,
        },
        Fault::Refused(404) => Remedy::CorrectHandlerPath,
        Fault::Refused(405) => Remedy::AllowMethod(provider.delivery.method.clone()),
        Fault::Refused(415) => Remedy::advice(FORMS),
        Fault::Refused(429) => Remedy::advice("the handler, or what stands before it, limits the rate"),
        Fault::Refused(_) => Remedy::AddHeader,
        Fault::Redirect(_) => Remedy::advice(redirected()),
        Fault::OtherSuccess(status) => Remedy::advice(other_success(*status, provider)),
        Fault::None(NoAnswer::TimedOut) | Fault::Late(_) => Remedy::advice(LATER),
        Fault::None(NoAnswer::Unreachable(_)) => Remedy::StartHandler,
        Fault::Crashed(_) | Fault::None(NoAnswer::Broken(_)) | Fault::Taken(_) => {
            Remedy::advice("the handler's log says what was thrown")
        }
    };
    Explained { message: seen(CaseName::EventAccepted, met), remedy: Some(remedy) }
}

/// Explains why nothing listens any more, when this case was the last that something was sent of.
#[must_use]
pub fn ended(how: &str, culprit: CaseName) -> Explained {
    let hint = "the handler's log says why it ended: an error that is thrown outside of the request's own handler ends the whole process, as in Node's timers and callbacks";
    let message = format!("{how}: the handler ended after `{}`", culprit.as_str());
    Explained { message, remedy: Some(Remedy::advice(hint)) }
}

/// What is to be done with the secret's text before it is a key, where that is often forgotten.
fn key_of(provider: &Provider) -> String {
    let Some(format) = provider.secret.as_ref().map(|rule| &rule.format) else { return String::new() };
    let behind = format.prefix.as_deref().map(|prefix| format!(" behind {prefix}")).unwrap_or_default();
    match format.encoding {
        KeyEncoding::Base64 => format!("The key is the text{behind}, decoded from base64. "),
        KeyEncoding::Hex => format!("The key is the text{behind}, decoded from hexadecimal. "),
        KeyEncoding::Text if behind.is_empty() => String::new(),
        KeyEncoding::Text => format!("The key is the text{behind}. "),
    }
}

/// Why a forgery that `send` made was not refused; none when it was.
#[must_use]
pub fn objection_to(tamper: tamper::Tamper, title: &str, status: u16) -> Option<String> {
    let forged = tamper.words();
    match status {
        400..500 => None,
        200..300 => Some(format!("{status}: the handler took it, although {forged}")),
        300..400 => Some(format!("{status} is a redirect and no refusal, and {forged}; {title} follows none")),
        _ => Some(format!("{status}: the handler failed on it instead of refusing it with a 4xx; {forged}")),
    }
}
