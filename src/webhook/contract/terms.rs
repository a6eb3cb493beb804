//! What a provider's contract says, term by term: what it demands of a handler, and which
//! protection it gives or lacks.

use crate::webhook::{
    delivery::{Media, Policy, Retry},
    provider::Provider,
    signature::{Algorithm, Scheme},
    time::words,
};

/// One term of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What it is about, `time-limit`.
    pub name: &'static str,
    /// What it says.
    pub text: String,
    /// Whether it is a protection that is missing.
    pub is_lack: bool,
}

/// All terms of a provider's contract, each name once and always in this order.
#[must_use]
pub fn terms(provider: &Provider) -> Vec<Term> {
    let term = |name, text| Term { name, text, is_lack: false };
    let policy = &provider.delivery;
    let (signature, lacks_signature) = signature(provider);
    let (replay, lacks_replay) = replay(provider);
    let (duplicates, lacks_id) = duplicates(provider);
    vec![
        term("status", format!("{} counts as delivered, anything else as failed", policy.success_in_words())),
        term("time-limit", time_limit(policy)),
        term("redirects", "none is followed; a redirect counts as failed".to_owned()),
        term("form", form(policy)),
        term("retries", retries(&provider.title, policy)),
        Term { name: "signature", text: signature, is_lack: lacks_signature },
        Term { name: "replay", text: replay, is_lack: lacks_replay },
        Term { name: "duplicates", text: duplicates, is_lack: lacks_id },
    ]
}

fn time_limit(policy: &Policy) -> String {
    match policy.timeout {
        Some(limit) => format!("{} to answer; work that takes longer belongs behind the answer", words(limit)),
        None => format!("not documented; {} is assumed", words(Policy::DEFAULT_TIMEOUT)),
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
    format!("{} of {}", policy.method, forms.join(", then after an error "))
}

fn retries(title: &str, policy: &Policy) -> String {
    let Retry { waits, assumed, renews_timestamp, retry_after, stop } = &policy.retry;
    let mut parts = Vec::new();
    if policy.repeat_on_timeout > 0 {
        let times = match policy.repeat_on_timeout {
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        parts.push(format!("repeated {times}, right after a time-out"));
    }
    let list = waits.iter().copied().map(words).collect::<Vec<_>>().join(", ");
    if *assumed {
        parts.push(format!("{title} publishes no schedule; assumed is one more attempt after each of {list}"));
    } else if !waits.is_empty() {
        parts.push(format!("{} attempts, each after the one before by {list}", waits.len() + 1));
    } else if parts.is_empty() {
        parts.push("none".to_owned());
    }
    if *renews_timestamp && !waits.is_empty() {
        parts.push("each dated and signed anew".to_owned());
    }
    if *retry_after {
        parts.push("a longer Retry-After is granted".to_owned());
    }
    if !stop.is_empty() {
        let stop: Vec<String> = stop.iter().map(ToString::to_string).collect();
        parts.push(format!("{} ends them", stop.join(" or ")));
    }
    parts.join("; ")
}

fn signature(provider: &Provider) -> (String, bool) {
    let schemes: Vec<String> = provider.schemes.iter().map(scheme).collect();
    let Some((first, others)) = schemes.split_first() else {
        return (
            "none: anyone who knows the URL can send; a token in its path or query keeps strangers out".to_owned(),
            true,
        );
    };
    let mut parts = vec![first.clone()];
    parts.extend(others.iter().map(|other| format!("verified too: {other}")));
    let unsigned: Vec<&str> =
        provider.events.iter().filter(|event| event.unsigned).map(|event| event.name.as_str()).collect();
    parts.extend((!unsigned.is_empty()).then(|| format!("{} comes without", unsigned.join(", "))));
    (parts.join("; "), false)
}

fn scheme(scheme: &Scheme) -> String {
    let (grammar, header) = (&scheme.grammar, &scheme.header[0]);
    match scheme.algorithm {
        Algorithm::Token => format!("the secret itself, as {grammar} in {header}"),
        algorithm => {
            format!("{algorithm} of {}, raw bytes, as {grammar} in {header}", scheme.content.as_str())
        }
    }
}

fn replay(provider: &Provider) -> (String, bool) {
    let rule = provider.schemes.first().filter(|scheme| scheme.signs_timestamp());
    match rule.and_then(|scheme| scheme.timestamp.as_ref()) {
        Some(rule) => {
            let (past, future) = (rule.tolerance.past, rule.tolerance.future);
            let text = format!(
                "the time is signed: refuse what is older than {} or ahead by more than {}",
                words(past),
                words(future)
            );
            (text, false)
        }
        None => (
            "not protected: no time is signed, so that a recorded delivery can be sent again at any time".to_owned(),
            true,
        ),
    }
}

fn duplicates(provider: &Provider) -> (String, bool) {
    let header = provider.schemes.first().and_then(|scheme| scheme.id.as_ref()).and_then(|names| names.first());
    if let Some(name) = header {
        return (format!("{name} is the same in every attempt: take each once"), false);
    }
    if let Some((name, _)) = provider.delivery.headers.iter().find(|(_, template)| template.has_id()) {
        return (format!("{name} is the same in every attempt: take each once"), false);
    }
    match provider.id_field() {
        Some(path) => (format!("the payload's `{path}` is the same in every attempt: take each once"), false),
        None => (
            "a delivery has no id: a retry can't be told from a new delivery, so that work must bear repetition"
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
        (found.text, found.is_lack)
    }

    #[test]
    fn what_is_lacking_is_said_plainly() {
        for provider in ["cyanite", "jewelmusic", "auphonic"] {
            assert!(term(provider, "replay").1, "{provider}");
        }
        assert_eq!(
            term("aspect", "replay"),
            ("the time is signed: refuse what is older than 5 min or ahead by more than 5 min".to_owned(), false)
        );
        assert!(term("auphonic", "signature").1 && term("cyanite", "duplicates").1);
    }

    #[test]
    fn the_schedules_are_the_documented_ones() {
        assert_eq!(
            term("jewelmusic", "retries").0,
            "5 attempts, each after the one before by 1 min, 5 min, 30 min, 2 h"
        );
        assert_eq!(
            term("aspect", "retries").0,
            "8 attempts, each after the one before by 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h; \
             each dated and signed anew; a longer Retry-After is granted; 410 ends them"
        );
        assert_eq!(term("auphonic", "retries").0, "repeated once, right after a time-out");
    }

    #[test]
    fn an_id_stands_in_a_header_or_in_the_payload() {
        let text = |provider| term(provider, "duplicates").0;
        assert_eq!(text("aspect"), "svix-id is the same in every attempt: take each once");
        assert_eq!(text("jewelmusic"), "the payload's `id` is the same in every attempt: take each once");
        assert_eq!(text("auphonic"), "the payload's `uuid` is the same in every attempt: take each once");
    }
}
