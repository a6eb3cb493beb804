//! Explains why a handler accepts no valid delivery at all.

use super::{
    cause::{
        Explanation, HEADER_CASE, LOG, Observation, RESPOND_FIRST, message, redirected, signature_of, wrong_success,
    },
    judge::{Fault, NoResponse},
    name::CaseName,
};
use crate::webhook::{
    keyring::SecretSource,
    provider::Provider,
    remedy::{RAW_BODY, Remedy},
    signature::secret::KeyEncoding,
};

/// The commonest reasons why a handler fails on the first delivery.
const FIRST_CRASH: &str = "the handler's log shows the exception. Most often, a JSON parser takes the body before the handler does (app.use(express.json()) above express.raw()), a form is read as JSON, or the signing secret is not set";

/// What a handler accepts that accepts no usual delivery.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exceptions<'a> {
    /// JSON as Python's `json.dumps` writes it.
    pub spaced: bool,
    /// Deliveries whose header names are capitalised.
    pub capitalised: bool,
    /// Deliveries signed with this secret, which is not the first one.
    pub secret: Option<&'a SecretSource>,
}

impl Exceptions<'_> {
    /// What the accepted deliveries say about the handler.
    fn remedy(self, fault: &Fault, signed_with: Option<&SecretSource>) -> Option<Remedy> {
        let Fault::Rejected(_) = fault else { return None };
        let advice = if self.spaced {
            format!(
                "the handler accepts the same delivery with a space after each comma and colon, as Python's json.dumps writes it: it verifies re-serialised JSON; {RAW_BODY}"
            )
        } else if self.capitalised {
            format!("the handler accepts the same delivery with capitalised header names: {HEADER_CASE}")
        } else {
            let (other, first) = (self.secret?, signed_with?);
            format!(
                "the handler accepts the same delivery signed with {}, and not with {}: it has only one of your secrets; while you replace one, it must accept both",
                secret_words(other),
                secret_words(first)
            )
        };
        Some(Remedy::advice(advice))
    }
}

/// What the response to a valid delivery reveals. A rejection may quote a library that found no matching signature; the
/// comparison of secrets says more.
fn revealed(observation: &Observation<'_>) -> Option<Remedy> {
    let clue = observation.clue.as_ref()?;
    let says_more = match observation.fault {
        Fault::Crashed(_) => true,
        Fault::Rejected(_) => !clue.is_mismatch,
        _ => false,
    };
    says_more.then(|| Remedy::advice(clue.advice.to_string()))
}

/// Explains why a handler accepts no valid delivery, so that further cases are pointless.
#[must_use]
pub fn unusable(
    observation: &Observation<'_>,
    signed_with: Option<&SecretSource>,
    accepted: Exceptions<'_>,
) -> Explanation {
    let provider = observation.provider;
    let signed_with = signed_with.filter(|_| !provider.schemes.is_empty());
    let remedy = accepted.remedy(observation.fault, signed_with).or_else(|| revealed(observation));
    let remedy = remedy.unwrap_or_else(|| match (observation.fault, signed_with) {
        (Fault::Rejected(400 | 401 | 403), Some(source)) => Remedy::CompareHandlerSecret {
            provider: provider.name.clone(),
            source: source.clone(),
            further: format!(
                "{}If it does, the handler may verify something other than {}, or not the bytes that were sent: {RAW_BODY}",
                key_of(provider),
                signature_of(provider)
            ),
        },
        (Fault::Rejected(404 | 410), _) => Remedy::CorrectHandlerPath,
        (Fault::Rejected(405), _) => Remedy::AllowMethod(provider.delivery.method.clone()),
        (Fault::Rejected(429), _) => Remedy::advice("the handler, or a proxy in front of it, rate-limits requests"),
        (Fault::Rejected(_), _) => Remedy::AddHeader,
        (Fault::Redirect(_), _) => Remedy::advice(redirected()),
        (Fault::WrongHandshake(_, problem), _) => Remedy::advice(problem.clone()),
        (Fault::WrongSuccess(status), _) => Remedy::advice(wrong_success(*status, provider)),
        (Fault::NoResponse(NoResponse::TimedOut) | Fault::Late(_), _) => Remedy::advice(RESPOND_FIRST),
        (Fault::NoResponse(NoResponse::Unreachable(_)), _) => Remedy::StartHandler,
        (Fault::NoResponse(NoResponse::Untrusted(_)), _) => Remedy::AcceptAnyCertificate,
        (Fault::NoResponse(NoResponse::Broken(_)), _) => Remedy::advice(LOG),
        (
            Fault::Crashed(_) | Fault::ForgeryAccepted(_) | Fault::RefusedAsSuccess(_) | Fault::NotRejected(_),
            _,
        ) => Remedy::advice(FIRST_CRASH),
    });
    Explanation { message: message(CaseName::EventAccepted, observation), remedy: Some(remedy) }
}

/// A secret, by where it came from.
fn secret_words(source: &SecretSource) -> String {
    match source {
        SecretSource::Development => "the public development secret".to_owned(),
        SecretSource::Env(name) => format!("the secret from env:{name}"),
        SecretSource::File(path) => format!("the secret from file:{path}"),
        SecretSource::Config => "the secret from the config".to_owned(),
        SecretSource::Registered => "the secret that the provider handed over".to_owned(),
        SecretSource::Flag => "the secret from the command line".to_owned(),
    }
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
