//! JSON payloads: people see the text that was sent, re-indented and otherwise unchanged.

use std::sync::LazyLock;

use bytes::Bytes;
use hookdev::{
    render::{
        palette::Palette,
        payload::{BodyLayout, BodyLimits},
        text::printable,
    },
    webhook::{
        json::{MAX_DEPTH, compact, parse},
        payload::Payload,
        place::Lookup,
        provider::{catalog::Catalog, event::EventName},
        request::{Headers, Method, Request},
    },
};
use serde::de::IgnoredAny;

use super::assert_printable;

/// A body of any bytes.
pub fn check(body: &[u8]) {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::builtin);
    let full = shown(body, BodyLimits::FULL);
    let cut = shown(body, BodyLimits { depth: 3, bytes: 100, lines: 12, token: 9 });
    assert_eq!(full.is_some(), cut.is_some(), "the limits decide nothing");
    let Ok(text) = std::str::from_utf8(body) else { return assert_eq!(full, None) };
    let parsed = parse(text);
    let nested = text.matches(['[', '{']).count();
    if nested < MAX_DEPTH.min(127) {
        assert_eq!(parsed.is_ok(), serde_json::from_str::<IgnoredAny>(text).is_ok(), "serde_json disagrees");
        assert_eq!(parsed.is_ok(), full.is_some(), "the page and the parser disagree");
    }
    let Ok(root) = parsed else { return };
    let full = full.expect("what is parsed is shown");
    let mut tokens = String::new();
    compact(text, &root, &mut tokens);
    assert_eq!(without_space(&full), without_space(&printable(&tokens)), "its tokens are as they were sent");
    let mut again = String::new();
    compact(&tokens, &parse(&tokens).expect("tokens are JSON"), &mut again);
    assert_eq!(tokens, again);
    let payload = Payload::of(root);
    let request = Request { method: Method::POST, target: "/".to_owned(), headers: Headers::new(), body: Bytes::new() };
    for provider in CATALOG.providers() {
        let lookup = Lookup::of(&request, &payload);
        let event = provider.event_of(&lookup);
        let listed = event.as_ref().and_then(EventName::listed);
        let _ = provider.summary(listed, &lookup);
        let schema = provider.schema().expect("the built-in schemas are sound");
        if let (Some(name), Some(root)) = (provider.schema_of(listed), payload.root()) {
            let report = schema.definition(name).expect("a schema's definition").check(root);
            for violation in &report.errors {
                assert_printable(&printable(&violation.message));
            }
        }
    }
}

fn shown(body: &[u8], limits: BodyLimits) -> Option<String> {
    let layout = BodyLayout { palette: Palette::new(false), margin: 0, limits };
    let mut out = String::new();
    let is_json = layout.json(body, &mut out);
    assert_printable(&out);
    if !is_json {
        assert_eq!(out, "", "a text that is not JSON appends nothing");
        layout.raw(body, &mut out);
        assert_printable(&out);
    }
    is_json.then_some(out)
}

/// The text without the whitespace outside its strings.
fn without_space(text: &str) -> String {
    let (mut is_in_string, mut is_escaped) = (false, false);
    text.chars()
        .filter(|&c| {
            let is_kept = is_in_string || !c.is_ascii_whitespace();
            is_in_string ^= c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_kept
        })
        .collect()
}
