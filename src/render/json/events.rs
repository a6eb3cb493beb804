//! The lines of `events`: the events that can be sent, and the providers' requirements for a handler.

use serde::Serialize;
use serde_json::value::RawValue;

use super::line;
use crate::webhook::{
    contract::Term,
    json,
    provider::{Provider, index::IndexedEvent},
};

#[derive(Serialize)]
struct EventLine<'a> {
    kind: &'static str,
    name: &'a str,
    provider: &'a str,
    about: &'a str,
    signed: bool,
    illustrative: bool,
    variants: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Box<RawValue>>,
}

/// Appends the line of an event that can be sent, with its payload if given. Numbers and strings keep their spelling.
pub fn event(provider: &str, event: &IndexedEvent, payload: Option<&str>, out: &mut Vec<u8>) {
    let raw = |text: &str| {
        let mut compact = String::with_capacity(text.len());
        json::compact(text, &json::parse(text).ok()?, &mut compact);
        RawValue::from_string(compact).ok()
    };
    line(
        &EventLine {
            kind: "event",
            name: &event.full_name,
            provider,
            about: &event.about,
            signed: event.signed,
            illustrative: event.illustrative,
            variants: event.variants.len(),
            payload: payload.and_then(raw),
        },
        out,
    );
}

#[derive(Serialize)]
struct TermLine<'a> {
    kind: &'static str,
    provider: &'a str,
    term: &'a str,
    text: &'a str,
    lacking: bool,
}

/// Appends a term of a provider's contract.
pub fn term(provider: &Provider, term: &Term, out: &mut Vec<u8>) {
    line(
        &TermLine { kind: "term", provider: &provider.name, term: term.name, text: &term.text, lacking: term.is_gap },
        out,
    );
}
