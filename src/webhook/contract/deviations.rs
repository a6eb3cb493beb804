//! Deliveries that deviate from the provider's, and that a handler may accept although it accepts no usual one. Each
//! one that it accepts proves what is wrong with the handler.

use bytes::Bytes;

use super::{
    cause::{HEADER_CASE, READ_TO_END},
    mistakes::specs,
    requests::{CaseContext, CaseRequest},
    tamper::Tamper,
};
use crate::webhook::{
    delivery::{Media, Policy},
    provider::event::Event,
    remedy::RAW_BODY,
    signature::Scheme,
    wire_form::WireForm,
};

/// A delivery, and what to do about a handler that accepts it.
#[derive(Clone, Debug)]
pub struct Deviation {
    /// The delivery.
    pub request: CaseRequest,
    /// What is wrong with the handler, and how to fix it.
    pub advice: String,
}

/// The maximum number of deliveries to try.
pub const MAX_DEVIATIONS: usize = 200;

/// The deliveries to try, likeliest first: at most [`MAX_DEVIATIONS`].
///
/// # Errors
///
/// If the event can't be sent; the reason in words.
pub fn deviations(context: &CaseContext<'_>, event: &Event) -> Result<Vec<Deviation>, String> {
    let mut deviations = Vec::new();
    let provider = context.provider;
    let Some(scheme) = provider.schemes.first().filter(|_| !event.unsigned) else { return Ok(deviations) };
    let source = |index| context.keyring.source(&provider.name, index);
    for index in 1..context.secrets().len() {
        if let (Some(request), Some(other), Some(first)) =
            (context.signed_with(event, index)?, source(index), source(0))
        {
            let advice = format!(
                "the handler accepts the same delivery signed with secret {} ({other}), and not with secret 1 ({first}): it has only one of your secrets; while you replace one, it must accept both",
                index + 1
            );
            deviations.push(Deviation { request, advice });
        }
    }
    let usual = context.plain(event)?.swap_remove(0);
    deviations.push(Deviation {
        request: CaseRequest { form: WireForm::Capitalised, ..usual },
        advice: format!("the handler accepts the same delivery with capitalised header names: {HEADER_CASE}"),
    });
    let secret = context.secrets().first();
    for spec in secret.map(|secret| specs(provider, scheme, secret)).unwrap_or_default() {
        // Two libraries may write a body in the same way.
        let is_new = |request: &CaseRequest| deviations.iter().all(|other| other.request.request != request.request);
        if let Some(request) = context.deviating(event, &spec).filter(is_new) {
            deviations.push(Deviation { request, advice: spec.advice });
        }
    }
    deviations.truncate(MAX_DEVIATIONS);
    Ok(deviations)
}

/// Bodies that nearly every program writes unchanged, and that are too short to be read only in part. PHP turns an
/// empty object into a list.
const SHORTEST: [&[u8]; 2] = [b"{}", b"[]"];

/// A delivery with one of the shortest bodies, and the same one signed with another secret.
#[derive(Clone, Debug)]
pub struct ShortDelivery {
    /// The one that is signed with the provider's secret.
    pub signed: CaseRequest,
    /// The other one.
    pub forged: CaseRequest,
}

/// What may be wrong with a handler that distinguishes short deliveries from forged ones, but not an event's
/// deliveries, which it refuses with the status `refusal`.
#[must_use]
pub fn alters_bodies(refusal: u16, policy: &Policy) -> String {
    format!(
        "the handler accepts the signature of a body that is only `{{}}` or `[]`, so the secret, the algorithm and the header are right. Either it verifies the event too, and then responds {refusal}, as it does to forgeries: respond {} to events that you do not handle. Or it verifies other bytes of the event than were sent: it re-serialises the JSON, or it reads only a part of the body. Read it to its end, with {READ_TO_END}; {RAW_BODY}",
        policy.first_success()
    )
}

/// Deliveries that only a handler with an unknown mistake in the body verifies. None if the body is not signed JSON.
///
/// # Errors
///
/// If the event can't be sent; the reason in words.
pub fn short_deliveries(context: &CaseContext<'_>, event: &Event) -> Result<Vec<ShortDelivery>, String> {
    let signs_json = context.provider.schemes.first().is_some_and(Scheme::signs_body)
        && context.usual_encoding().media == Media::Json;
    let bodies = SHORTEST.into_iter().filter(|_| signs_json && !event.unsigned);
    bodies.map(|body| context.short(event, &Bytes::from_static(body))).collect()
}

impl CaseContext<'_> {
    fn short(&self, event: &Event, body: &Bytes) -> Result<ShortDelivery, String> {
        let draft = self.with_bytes(event, &self.fixture(event, None, 0)?, body)?;
        let signed = self.usual_request(&draft, None);
        let request = Tamper::Secret.request(&self.original(&draft))?;
        Ok(ShortDelivery { forged: CaseRequest { request, ..signed.clone() }, signed })
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
            let deviations = deviations(&context, event).unwrap();
            let mut seen = HashSet::new();
            for Deviation { request: CaseRequest { request, form, .. }, advice } in &deviations {
                let headers: Vec<(String, Vec<u8>)> = request
                    .headers
                    .iter()
                    .map(|(name, value)| (name.spelling().to_owned(), value.as_bytes().to_vec()))
                    .collect();
                let delivery = (headers, request.body.clone(), request.target.clone(), format!("{form:?}"));
                assert!(seen.insert(delivery), "{}: {advice}", provider.name);
            }
            assert!(deviations.len() < MAX_DEVIATIONS, "{}: {}", provider.name, deviations.len());
        }
    }
}
