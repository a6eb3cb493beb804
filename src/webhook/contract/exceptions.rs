//! Deliveries unlike the provider's that a handler may accept although it accepts no usual one. Each that it accepts proves
//! what is wrong with the handler.

use super::{
    cause::HEADER_CASE,
    deviations::{Deviation, deviations},
    requests::{CaseContext, CaseRequest},
};
use crate::webhook::{keyring::SecretSource, provider::event::Event, wire_form::WireForm};

/// A delivery, and what to do about a handler that accepts it.
#[derive(Clone, Debug)]
pub struct Exception {
    /// The delivery.
    pub request: CaseRequest,
    /// What is wrong with the handler, and how to fix it.
    pub advice: String,
}

/// The number of deliveries that are tried at most.
pub const MAX_EXCEPTIONS: usize = 200;

/// The deliveries to try, the likeliest first: at most [`MAX_EXCEPTIONS`].
///
/// # Errors
///
/// If the event can't be sent; the reason in words.
pub fn exceptions(context: &CaseContext<'_>, event: &Event) -> Result<Vec<Exception>, String> {
    let mut exceptions = Vec::new();
    let provider = context.provider;
    let Some(scheme) = provider.schemes.first().filter(|_| !event.unsigned) else { return Ok(exceptions) };
    let source = |index| context.keyring.source(&provider.name, index);
    for index in 1..context.secrets().len() {
        if let (Some(request), Some(other), Some(first)) =
            (context.signed_with(event, index)?, source(index), source(0))
        {
            let advice = format!(
                "the handler accepts the same delivery signed with {}, and not with {}: it has only one of your secrets; while you replace one, it must accept both",
                secret_words(other),
                secret_words(first)
            );
            exceptions.push(Exception { request, advice });
        }
    }
    let usual = context.plain(event)?.swap_remove(0);
    exceptions.push(Exception {
        request: CaseRequest { form: WireForm::Capitalised, ..usual },
        advice: format!("the handler accepts the same delivery with capitalised header names: {HEADER_CASE}"),
    });
    let secret = context.secrets().first();
    for Deviation { recipe, advice } in secret.map(|secret| deviations(provider, scheme, secret)).unwrap_or_default() {
        // Two libraries may write a body in the same way.
        let is_new = |request: &CaseRequest| exceptions.iter().all(|other| other.request.request != request.request);
        if let Some(request) = context.deviating(event, &recipe).filter(is_new) {
            exceptions.push(Exception { request, advice });
        }
    }
    exceptions.truncate(MAX_EXCEPTIONS);
    Ok(exceptions)
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::webhook::{
        contract::probes,
        keyring::{Keyring, SecretSource},
        provider::catalog::Catalog,
        request::Headers,
        signature::SigningSecret,
        time::Timestamp,
    };

    #[test]
    fn no_delivery_is_tried_twice() {
        let catalog = Catalog::builtin();
        for name in ["agora", "aspect", "github", "slack", "stripe"] {
            let provider = catalog.get(name).unwrap();
            let (mut keyring, own_headers) = (Keyring::default(), Headers::new());
            let rule = provider.secret.as_ref().unwrap();
            let secret = SigningSecret::parse(&rule.development, &rule.format).unwrap();
            keyring.add(&provider.name, secret, SecretSource::Development);
            let context = CaseContext {
                provider,
                now: Timestamp::from_unix_seconds(1_735_732_800),
                entropy: [7; 32],
                target: "/hooks",
                keyring: &keyring,
                own_headers: &own_headers,
            };
            let event = probes(provider)[0];
            let exceptions = exceptions(&context, event).unwrap();
            let mut seen = HashSet::new();
            for Exception { request: CaseRequest { request, form, .. }, advice } in &exceptions {
                let headers: Vec<(String, Vec<u8>)> = request
                    .headers
                    .iter()
                    .map(|(name, value)| (name.spelling().to_owned(), value.as_bytes().to_vec()))
                    .collect();
                let delivery = (headers, request.body.clone(), request.target.clone(), format!("{form:?}"));
                assert!(seen.insert(delivery), "{}: {advice}", provider.name);
            }
            assert!(exceptions.len() < MAX_EXCEPTIONS, "{}: {}", provider.name, exceptions.len());
        }
    }
}
