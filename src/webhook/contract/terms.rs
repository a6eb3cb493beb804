//! A provider's contract, term by term: what it requires of a handler, and which protections it provides.

use crate::webhook::{
    delivery::{Media, Policy, Retry},
    provider::{Provider, event::Event},
    signature::{Algorithm, Scheme},
    time::words,
};

/// One term of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The subject, such as `time-limit`.
    pub name: &'static str,
    /// The term in words.
    pub text: String,
    /// Whether it says that a protection is missing.
    pub is_gap: bool,
}

/// All terms of a provider's contract: each name once, always in this order. Only providers with handshakes, and with
/// documented logs and redelivery, have the last three.
#[must_use]
pub fn terms(provider: &Provider) -> Vec<Term> {
    let term = |name, text| Term { name, text, is_gap: false };
    let policy = &provider.delivery;
    let (signature, no_signature) = signature(provider);
    let (replay, no_timestamp) = replay(provider);
    let (duplicates, no_id) = duplicates(provider);
    let mut terms = vec![
        term("status", format!("{} counts as delivered, anything else as failed", policy.success_in_words())),
        term("time-limit", time_limit(policy)),
        term("redirects", "not followed; a redirect counts as failed".to_owned()),
        term("form", form(policy)),
        term("retries", retries(&provider.title, policy)),
        Term { name: "signature", text: signature, is_gap: no_signature },
        Term { name: "replay", text: replay, is_gap: no_timestamp },
        Term { name: "duplicates", text: duplicates, is_gap: no_id },
    ];
    let handshakes: Vec<String> = provider.events.iter().filter_map(handshake).collect();
    if !handshakes.is_empty() {
        terms.push(term("handshakes", handshakes.join("; ")));
    }
    if !policy.logs.is_empty() {
        terms.push(term("logs", policy.logs.join("; ")));
    }
    if let Some(redelivery) = &policy.redelivery {
        terms.push(term("redelivery", redelivery.clone()));
    }
    terms
}

/// The response that a handshake requires, in words; `None` for other events.
fn handshake(event: &Event) -> Option<String> {
    let handshake = event.handshake.as_deref()?;
    let signed = match (handshake.is_signed, &handshake.secret) {
        (true, None) => "signed",
        // A signature with the secret that it hands over would prove nothing.
        (true, Some(_)) => "signed or unsigned",
        (false, _) => "unsigned",
    };
    let secret = if handshake.secret.is_some() { ", and keep the secret that it hands over" } else { "" };
    Some(format!("{} ({}, {signed}): respond {}{secret}", event.full_name, handshake.method, handshake.response))
}

fn time_limit(policy: &Policy) -> String {
    match policy.timeout {
        Some(limit) => format!("{} to respond: verify, respond, then do slow work", words(limit)),
        None => format!("not documented; assuming {}", words(Policy::DEFAULT_TIMEOUT)),
    }
}

fn form(policy: &Policy) -> String {
    let forms: Vec<&str> = policy
        .encodings
        .iter()
        .map(|encoding| match encoding.media {
            Media::Json => "application/json",
            Media::Urlencoded => "application/x-www-form-urlencoded",
            Media::Multipart => "multipart/form-data",
        })
        .collect();
    format!("{} with {}", policy.method, forms.join("; after an error, "))
}

fn retries(title: &str, policy: &Policy) -> String {
    let Retry { waits, assumed, renews_timestamp, retry_after, stop } = &policy.retry;
    let mut parts = Vec::new();
    if policy.repeat_on_timeout > 0 {
        let times = match policy.repeat_on_timeout {
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        parts.push(format!("retried {times}, immediately after a timeout"));
    }
    let list = waits.iter().copied().map(words).collect::<Vec<_>>().join(", ");
    if *assumed {
        parts.push(format!("{title} doesn't publish its exact retry times; assuming retries after {list}"));
    } else if !waits.is_empty() {
        let rounds = waits.len() + 1;
        parts.push(match policy.encodings.len() {
            0 | 1 => format!("{rounds} attempts, with waits of {list} between them"),
            encodings => format!("{rounds} rounds of {encodings} attempts, with waits of {list} between the rounds"),
        });
    } else if parts.is_empty() {
        parts.push("none".to_owned());
    }
    if *renews_timestamp && !waits.is_empty() {
        parts.push("each with a new timestamp and signature".to_owned());
    }
    if *retry_after {
        parts.push("a longer Retry-After is honoured".to_owned());
    }
    if !stop.is_empty() {
        let stop: Vec<String> = stop.iter().map(ToString::to_string).collect();
        parts.push(format!("none after a {}", stop.join(" or ")));
    }
    parts.join("; ")
}

fn signature(provider: &Provider) -> (String, bool) {
    let schemes: Vec<String> = provider.schemes.iter().map(scheme).collect();
    let Some((first, others)) = schemes.split_first() else {
        return (
            "none: anyone who knows the URL can send to it; a token in its path or query keeps strangers out"
                .to_owned(),
            true,
        );
    };
    let mut parts = vec![first.clone()];
    parts.extend(others.iter().map(|other| format!("also accepted: {other}")));
    let unsigned: Vec<&str> =
        provider.events.iter().filter(|event| event.unsigned).map(|event| event.name.as_str()).collect();
    parts.extend((!unsigned.is_empty()).then(|| format!("not signed: {}", unsigned.join(", "))));
    (parts.join("; "), false)
}

fn scheme(scheme: &Scheme) -> String {
    let (grammar, header) = (&scheme.grammar, &scheme.signature);
    match scheme.algorithm {
        Algorithm::Token => format!("the secret itself, as {grammar} in {header}"),
        algorithm => {
            let unsigned =
                if scheme.signs_body() { "" } else { "; the body isn't signed, so a changed body still verifies" };
            format!("{algorithm} of {} (raw bytes), as {grammar} in {header}{unsigned}", scheme.signed_in_words())
        }
    }
}

fn replay(provider: &Provider) -> (String, bool) {
    let rule = provider.schemes.first().filter(|scheme| scheme.signs_timestamp());
    match rule.and_then(|scheme| scheme.timestamp.as_ref()) {
        Some(rule) => match (rule.tolerance.past_limit(), rule.tolerance.future_limit()) {
            (Some(past), future) => {
                let future = future.map(|future| format!(" or more than {} in the future", words(future)));
                let future = future.unwrap_or_default();
                (format!("the timestamp is signed: reject deliveries older than {}{future}", words(past)), false)
            }
            (None, Some(future)) => {
                let text = format!(
                    "no protection: the timestamp is signed, but old deliveries are accepted; reject those more than {} in the future",
                    words(future)
                );
                (text, true)
            }
            (None, None) => (
                "no protection: the timestamp is signed, but the provider sets no limit on its age, so a recorded delivery can be replayed at any time"
                    .to_owned(),
                true,
            ),
        },
        None => (
            "no protection: no timestamp is signed, so a recorded delivery can be replayed at any time".to_owned(),
            true,
        ),
    }
}

fn duplicates(provider: &Provider) -> (String, bool) {
    let header = provider.schemes.first().and_then(|scheme| scheme.id.as_ref());
    let same = |id: String| (format!("{id} is the same in every attempt: process each value once"), false);
    if let Some(name) = header {
        return same(name.to_string());
    }
    if let Some((name, _)) = provider.delivery.headers.iter().find(|(_, template)| template.has_id()) {
        return same(name.to_string());
    }
    match provider.id_field() {
        Some(path) => same(format!("the payload's `{path}`")),
        None => (
            "deliveries have no id: a retry can't be distinguished from a new delivery, so handlers must be idempotent"
                .to_owned(),
            true,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::provider::catalog::Catalog;

    fn term(provider: &str, name: &str) -> (String, bool) {
        let catalog = Catalog::builtin();
        let found = terms(catalog.get(provider).unwrap()).into_iter().find(|term| term.name == name).unwrap();
        (found.text, found.is_gap)
    }

    #[test]
    fn a_missing_protection_is_stated() {
        for provider in ["cyanite", "jewelmusic", "auphonic"] {
            assert!(term(provider, "replay").1, "{provider}");
        }
        assert_eq!(
            term("aspect", "replay"),
            (
                "the timestamp is signed: reject deliveries older than 5 min or more than 5 min in the future"
                    .to_owned(),
                false
            )
        );
        assert!(term("auphonic", "signature").1 && term("cyanite", "duplicates").1);
    }

    #[test]
    fn a_tolerance_without_a_limit_is_not_a_number_of_days() {
        let unlimited = "no protection: the timestamp is signed, but the provider sets no limit on its age, so a recorded delivery can be replayed at any time";
        assert_eq!(term("sendgrid", "replay"), (unlimited.to_owned(), true));
        let past_only = "the timestamp is signed: reject deliveries older than 5 min";
        assert_eq!(term("hubspot", "replay"), (past_only.to_owned(), false));
    }

    #[test]
    fn the_schedules_are_the_documented_ones() {
        assert_eq!(term("jewelmusic", "retries").0, "5 attempts, with waits of 1 min, 5 min, 30 min, 2 h between them");
        assert_eq!(
            term("aspect", "retries").0,
            "8 attempts, with waits of 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h between them; \
             each with a new timestamp and signature; a longer Retry-After is honoured; none after a 410"
        );
        assert_eq!(term("auphonic", "retries").0, "retried once, immediately after a timeout");
        let catalog = Catalog::builtin();
        let mut policy = catalog.get("auphonic").unwrap().delivery.clone();
        policy.retry.waits = [60, 600].map(std::time::Duration::from_secs).into();
        assert_eq!(policy.attempts(true).max_attempts(), 3 * 2 + 1);
        assert_eq!(
            retries("Acme", &policy),
            "retried once, immediately after a timeout; 3 rounds of 2 attempts, with waits of 1 min, 10 min between the rounds"
        );
    }

    #[test]
    fn the_logs_and_the_call_for_a_redelivery_are_named_where_they_are_documented() {
        let deliveries = "https://api.github.com/repos/{owner}/{repo}/hooks/{hook_id}/deliveries";
        assert_eq!(term("github", "logs").0, format!("GET {deliveries}; GET {deliveries}/{{delivery_id}}"));
        assert_eq!(term("github", "redelivery").0, format!("POST {deliveries}/{{delivery_id}}/attempts"));
        let catalog = Catalog::builtin();
        let names: Vec<&str> = terms(catalog.get("cyanite").unwrap()).iter().map(|term| term.name).collect();
        assert!(!names.contains(&"logs") && !names.contains(&"redelivery"), "{names:?}");
    }

    #[test]
    fn the_id_is_in_a_header_or_in_the_payload() {
        let text = |provider| term(provider, "duplicates").0;
        assert_eq!(text("aspect"), "svix-id is the same in every attempt: process each value once");
        assert_eq!(text("jewelmusic"), "the payload's `id` is the same in every attempt: process each value once");
        assert_eq!(text("auphonic"), "the payload's `uuid` is the same in every attempt: process each value once");
    }
}
