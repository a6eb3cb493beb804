//! Deliveries unlike the provider's that a handler may accept although it accepts no usual one. Each that it accepts proves
//! what is wrong with the handler.

use super::{
    cause::HEADER_CASE,
    deviations::deviations,
    requests::{CaseContext, CaseRequest},
    serialisations,
};
use crate::webhook::{keyring::SecretSource, provider::event::Event, remedy::RAW_BODY, wire_form::WireForm};

/// A delivery, and what to do about a handler that accepts it.
#[derive(Clone, Debug)]
pub struct Exception {
    /// The delivery.
    pub request: CaseRequest,
    /// What is wrong with the handler, and how to fix it.
    pub advice: String,
}

/// The deliveries to try, the likeliest first.
///
/// # Errors
///
/// If the event can't be sent; the reason in words.
pub fn exceptions(context: &CaseContext<'_>, event: &Event) -> Result<Vec<Exception>, String> {
    let mut exceptions = rewritten(context, event);
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
    if let Some(secret) = context.secrets().first() {
        let deviating = deviations(provider, scheme, secret).into_iter().filter_map(|deviation| {
            let request = context.deviating(event, &deviation.scheme, &deviation.secret)?;
            Some(Exception { request, advice: deviation.advice })
        });
        exceptions.extend(deviating);
    }
    Ok(exceptions)
}

/// The delivery as handlers re-serialise it.
fn rewritten(context: &CaseContext<'_>, event: &Event) -> Vec<Exception> {
    let spaced = (
        serialisations::spaced as fn(&str) -> _,
        "with a space after each comma and colon, as Python's json.dumps writes it",
    );
    let compact = (serialisations::compact as fn(&str) -> _, "without whitespace, as JSON.stringify writes it");
    let exception = |(write, words)| {
        let request = context.rewritten(event, write)?;
        let advice =
            format!("the handler accepts the same delivery {words}: it verifies re-serialised JSON; {RAW_BODY}");
        Some(Exception { request, advice })
    };
    [spaced, compact].into_iter().filter_map(exception).collect()
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
