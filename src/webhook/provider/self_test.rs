//! The contract of every provider directory, built-in or the user's own: each event's fixture is recognised,
//! matches the schema, and verifies when signed; and each vector gets its verdict.

mod vectors;

use super::{
    Provider,
    compose::{AttemptParams, BodySource, SendContext},
    event::{Event, EventName, Mismatch},
    files,
    manifest::{DirectoryMistake, syntax_mistake},
};
use crate::webhook::{
    json::{self, Kind, Path},
    overrides::OverrideError,
    payload::Payload,
    place::{Lookup, Place},
    request::{Headers, Request},
    signature::{Reason, SigningSecret, Verdict},
    time::Timestamp,
};

/// The maximum size of a decoded body, in bytes.
const LIMIT: usize = 16 << 20;

/// Returns the mistakes of a provider, each with the position of what is to be corrected.
#[must_use]
pub fn self_test(provider: &Provider) -> Vec<DirectoryMistake> {
    let mut mistakes = Vec::new();
    if let Err(error) = provider.schema() {
        let text = provider.files().get(files::SCHEMA).unwrap_or_default();
        let (position, message) = if let Err(error) = json::parse(text) {
            syntax_mistake(text, &error)
        } else {
            let pointer = if error.pointer.is_empty() { String::new() } else { format!(" (`{}`)", error.pointer) };
            ((error.line, error.column), format!("{}{pointer}", error.flaw))
        };
        mistakes.push(DirectoryMistake::new(provider.files(), files::SCHEMA, Some(position), message));
    }
    for event in &provider.events {
        check_event(provider, event, &mut mistakes);
    }
    vectors::check(provider, &mut mistakes);
    mistakes
}

/// A mistake of one event.
#[derive(Debug, PartialEq, Eq)]
struct EventMistake {
    place: MistakePlace,
    message: String,
}

/// Where a mistake is to be corrected.
#[derive(Debug, PartialEq, Eq)]
enum MistakePlace {
    /// A value of the payload, or the one where it is missing.
    Payload(Path),
    /// What the manifest has under these keys.
    Manifest(Vec<String>),
    /// This line and column of the schema.
    Schema(usize, usize),
}

/// Adds the mistakes of an event and its variants, each once: one of the payload occurs in each variant and encoding.
fn check_event(provider: &Provider, event: &Event, mistakes: &mut Vec<DirectoryMistake>) {
    let of_payload = mistakes_of(provider, event, None);
    let mut found: Vec<DirectoryMistake> =
        of_payload.iter().map(|mistake| mistake.located(provider, event, None)).collect();
    for (index, variant) in event.variants.iter().enumerate() {
        let own = mistakes_of(provider, event, Some(variant));
        let own = own.iter().filter(|mistake| !of_payload.contains(mistake));
        found.extend(own.map(|mistake| mistake.located(provider, event, Some(index))));
    }
    for mistake in found {
        if !mistakes.contains(&mistake) {
            mistakes.push(mistake);
        }
    }
}

impl EventMistake {
    /// The error at its position. `variant` is the index of the variant that causes it.
    fn located(&self, provider: &Provider, event: &Event, variant: Option<usize>) -> DirectoryMistake {
        let files = provider.files();
        let message = format!("{}: {}", event.full_name, self.message);
        match (&self.place, variant, &event.fixture_file) {
            (MistakePlace::Payload(path), None, Some(file)) => {
                DirectoryMistake::new(files, file, Some(position(&event.fixture, path)), message)
            }
            (MistakePlace::Payload(path), Some(variant), _) => {
                let keys = keys(event, &["variants", &variant.to_string(), &path.to_string()]);
                DirectoryMistake::under(files, &keys, message)
            }
            (MistakePlace::Payload(_), None, None) => DirectoryMistake::under(files, &keys(event, &[]), message),
            (MistakePlace::Manifest(keys), ..) => DirectoryMistake::under(files, keys, message),
            (MistakePlace::Schema(line, column), ..) => {
                DirectoryMistake::new(files, files::SCHEMA, Some((*line, *column)), message)
            }
        }
    }
}

/// The keys that lead to something of an event in the manifest.
fn keys(event: &Event, of_event: &[&str]) -> Vec<String> {
    let table = if event.handshake.is_some() { "handshake" } else { "event" };
    [table, &event.name].iter().chain(of_event).map(|key| (*key).to_owned()).collect()
}

/// The position of the value at a path in a payload's text, or of the innermost value around a missing one.
fn position(text: &str, path: &Path) -> (usize, usize) {
    let Ok(root) = json::parse(text) else { return (1, 1) };
    let reached = path.keys().iter().try_fold(&root, |node, key| node.child(key).ok_or(node));
    let (Ok(node) | Err(node)) = reached;
    json::position(text, node.span.start)
}

fn mistakes_of(provider: &Provider, event: &Event, variant: Option<&[(Path, String)]>) -> Vec<EventMistake> {
    let mut mistakes = Vec::new();
    let context = SendContext { now: Timestamp::from_unix_seconds(1_735_732_800), id: None, entropy: [7; 32] };
    let draft = match provider.draft(event, BodySource::Fixture(variant, &[]), &context) {
        Ok(draft) => draft,
        Err(error) => {
            return vec![EventMistake { place: MistakePlace::Payload(Path::default()), message: error.to_string() }];
        }
    };
    let secret = provider.secret.as_ref().and_then(|rule| SigningSecret::parse(&rule.development, &rule.format).ok());
    for encoding in &provider.delivery.encodings {
        let attempt = AttemptParams {
            encoding,
            target: "/",
            now: context.now,
            secret: secret.as_ref(),
            sent_along: &[],
            own_headers: &Headers::new(),
        };
        let request = provider.request(&draft, &attempt);
        for mistake in mistakes_of_request(provider, event, &request, secret.as_slice(), context.now) {
            if !mistakes.contains(&mistake) {
                mistakes.push(mistake);
            }
        }
    }
    mistakes
}

fn mistakes_of_request(
    provider: &Provider,
    event: &Event,
    request: &Request,
    secrets: &[SigningSecret],
    now: Timestamp,
) -> Vec<EventMistake> {
    let body = match provider.decode(request, LIMIT) {
        Ok(body) => body,
        Err(message) => {
            return vec![EventMistake { place: MistakePlace::Manifest(vec!["delivery".to_owned()]), message }];
        }
    };
    let payload = body.payload(request);
    let mut mistakes = Vec::new();
    mistakes.extend(unrecognised(provider, event, request, &payload));
    mistakes.extend(unverified(event, &provider.verify(secrets, request, Some(event), Some(now).into()), provider));
    if let Some(name) = event.schema.as_deref()
        && let Ok(schema) = provider.schema()
        && let Some(definition) = schema.definition(name)
        && let Some(root) = payload.root()
    {
        let report = definition.check(root);
        for violation in report.errors.iter().chain(&report.warnings) {
            let value = if violation.pointer.is_empty() { "the payload" } else { &violation.pointer };
            let mut unsupported = schema.unsupported_patterns().iter();
            if let Some(pattern) = unsupported.find(|pattern| pattern.message == violation.message) {
                let message = format!("{value}: {}; rewrite the pattern", violation.message);
                mistakes.push(EventMistake { place: MistakePlace::Schema(pattern.line, pattern.column), message });
                continue;
            }
            let message = format!("{value}: {}; correct it here, or `{name}` in {}", violation.message, files::SCHEMA);
            let path = violation.pointer.parse().unwrap_or_default();
            mistakes.push(EventMistake { place: MistakePlace::Payload(path), message });
        }
    }
    mistakes
}

/// What to do if the payload lacks the field that has the event's name.
const NO_FIELD: &str = "add it, or write `header:NAME` here if a header names the event";

/// Why an event's request isn't recognised as that event, if it isn't.
fn unrecognised(provider: &Provider, event: &Event, request: &Request, payload: &Payload<'_>) -> Option<EventMistake> {
    let lookup = Lookup::of(request, payload);
    let found = provider.event_of(&lookup);
    if found.as_ref().and_then(EventName::listed).is_some_and(|found| found.name == event.name) {
        return None;
    }
    let mut mismatches = event.mismatches(&lookup);
    if mismatches.is_empty() {
        let other = found.as_ref().map_or("no event", EventName::full_name);
        let message = format!(
            "its request is recognised as {other}, whose conditions it meets too: put the more specific event first, \
             or add to `match` what tells the two apart"
        );
        return Some(EventMistake { place: MistakePlace::Manifest(keys(event, &["match"])), message });
    }
    let Mismatch { place, expected, found } = mismatches.swap_remove(0);
    let repeated = event.handshake.as_deref().map_or(&[][..], |handshake| &handshake.present);
    let is_repeated = expected.is_none() && repeated.contains(place);
    let is_named = expected == Some(&event.name) && provider.event_field.as_ref() == Some(place);
    let reason = match (place, expected, found) {
        (Place::Body(path), _, None) => match payload.root() {
            Some(root) => match root.get(path).map(|node| &node.kind) {
                None => OverrideError::missing(root, path).to_string(),
                Some(Kind::Null) => format!("`{path}` is null"),
                Some(_) => format!("`{path}` isn't a single value"),
            },
            None if json::parse(&event.fixture).is_ok() => {
                format!("the payload has no `{path}`: it is a single value, not an object")
            }
            None => format!("the payload has no `{path}`: it is neither JSON nor a form"),
        },
        (place, _, None) => format!("{} is missing", place.words()),
        (Place::Body(path), Some(expected), Some(found)) => format!("`{path}` is `{found}`, not `{expected}`"),
        (place, Some(expected), Some(found)) => format!("{} is `{found}`, not `{expected}`", place.words()),
        (place, None, Some(found)) => format!("{} is `{found}`, which isn't a token", place.words()),
    };
    let (location, remedy) = match place {
        _ if is_repeated => (MistakePlace::Manifest(keys(event, &["respond"])), "correct what `respond` repeats"),
        Place::Body(path) if is_named && payload.root().is_some_and(|root| root.get(path).is_none()) => {
            (MistakePlace::Manifest(vec!["recognise".to_owned(), "event".to_owned()]), NO_FIELD)
        }
        Place::Body(path) if is_named => {
            (MistakePlace::Payload(path.clone()), "correct it here, or the event's `name` or `match`")
        }
        Place::Body(path) if event.fixture_file.is_some() => {
            (MistakePlace::Payload(path.clone()), "correct it here, or the event's `match`")
        }
        _ => (MistakePlace::Manifest(keys(event, &["match"])), "correct the event's `match`"),
    };
    let message = format!("it isn't recognised as this event, because {reason}; {remedy}");
    Some(EventMistake { place: location, message })
}

/// The keys of a scheme's signed content.
fn signed_content(scheme: &str) -> Vec<String> {
    ["scheme", scheme, "content"].map(str::to_owned).to_vec()
}

/// Why an event's request doesn't have the verdict that it should have, if it doesn't.
fn unverified(event: &Event, verdict: &Verdict, provider: &Provider) -> Option<EventMistake> {
    let unsigned = event.unsigned || provider.schemes.is_empty();
    // A signature with the secret that the request itself hands over counts as none.
    let hands_over = event.handshake.as_ref().is_some_and(|handshake| handshake.secret.is_some());
    match verdict {
        Verdict::Verified(_) if !unsigned => None,
        Verdict::Unsigned if unsigned || hands_over => None,
        Verdict::Rejected(rejection) => {
            // A fixture may show only an event, without the fields that a scheme signs.
            if matches!(rejection.reason, Reason::NotInBody { .. }) {
                return None;
            }
            let message =
                format!("its own request, signed by `{}`, is rejected: {}", rejection.scheme, rejection.reason);
            Some(EventMistake { place: MistakePlace::Manifest(signed_content(&rejection.scheme)), message })
        }
        other => {
            let message = format!("its own request is {}", other.name());
            Some(EventMistake { place: MistakePlace::Manifest(keys(event, &[])), message })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{super::files::ProviderFiles, *};

    /// The mistakes of a directory with these files; `manifest` has the keys of the event and what comes after it.
    fn mistakes(event: &'static str, payload: &'static str, others: &[(&'static str, &'static str)]) -> Vec<String> {
        let manifest = format!("{MANIFEST}{event}");
        let own = [(Cow::Borrowed("provider.toml"), Cow::Owned(manifest)), ("events/a.json".into(), payload.into())];
        let others = others.iter().map(|&(path, text)| (path.into(), text.into()));
        let provider = Provider::load(ProviderFiles::new("acme", own.into_iter().chain(others).collect())).unwrap();
        self_test(&provider).iter().map(ToString::to_string).collect()
    }

    const MANIFEST: &str = r#"name = "acme"
title = "Acme"
about = "A test"
[delivery]
success = ["2xx"]
encodings = [{ type = "application/json" }, { type = "application/json", headers = { expect = "100-continue" } }]
[[event]]
name = "a"
about = "An event"
"#;

    const MADE: &str = "match = { t = \"a\" }\nschema = \"a\"\n";

    #[test]
    fn a_valid_provider_has_no_problems() {
        let schema = r#"{"$defs":{"a":{"type":"object","required":["t"]}}}"#;
        let vectors = r#"{"count":1,"vectors":[{"id":"one","note":"","source":"by hand","secrets":[],"at":null,
            "request":{"method":"POST","target":"/","headers":[],"body":"{\"t\":\"a\"}"},
            "verdict":"unsigned","rejection":null,"scheme":null,"event":"a","payload":"valid"}]}"#;
        let others = [("schema.json", schema), ("vectors.json", vectors)];
        assert_eq!(mistakes(MADE, r#"{"t":"a"}"#, &others), [""; 0]);
    }

    #[test]
    fn what_the_schema_rejects_is_reported_once_where_it_is_written() {
        let schema =
            r#"{"$defs":{"a":{"type":"object","properties":{"n":{"const":2},"in":{"required":["missing"]}}}}}"#;
        let event = "match = { t = \"a\" }\nschema = \"a\"\nvariants = [{ n = \"2\" }, { n = \"3\" }]\n";
        let payload = "{\n  \"t\": \"a\", \"n\": 1,\n  \"in\": { \"a\": 1 }\n}";
        let expected = [
            "acme/events/a.json:2:18: acme.a: /n: expected 2, found 1; correct it here, or `a` in schema.json",
            "acme/events/a.json:3:9: acme.a: /in/missing: is required but missing; correct it here, or `a` in schema.json",
            "acme/provider.toml:12:32: acme.a: /n: expected 2, found 3; correct it here, or `a` in schema.json",
        ];
        assert_eq!(mistakes(event, payload, &[("schema.json", schema)]), expected);
    }

    #[test]
    fn a_payload_that_is_recognised_as_something_else_is_reported_with_the_value_that_differs() {
        let named = "[recognise]\nevent = \"kind\"\n";
        let start = "it isn't recognised as this event, because";
        for (event, payload, expected) in [
            (
                "match = { \"data.t\" = \"a\" }\n",
                "{\n  \"data\": { \"t\": \"b\" } }",
                format!(
                    "events/a.json:2:18: acme.a: {start} `data.t` is `b`, not `a`; correct it here, or the event's `match`"
                ),
            ),
            (
                "match = { kind = \"a\" }\n",
                "{ \"kid\": \"a\" }",
                format!(
                    "events/a.json:1:1: acme.a: {start} there is no `kind` in the payload; the nearest is `kid`; correct it here, or the event's `match`"
                ),
            ),
            (
                "match = { kind = \"a\" }\n",
                "{ \"kind\": {} }",
                format!(
                    "events/a.json:1:11: acme.a: {start} `kind` isn't a single value; correct it here, or the event's `match`"
                ),
            ),
            (
                named,
                "{ \"kid\": \"a\" }",
                format!(
                    "provider.toml:11:9: acme.a: {start} there is no `kind` in the payload; the nearest is `kid`; add it, or write `header:NAME` here if a header names the event"
                ),
            ),
            (
                named,
                "{ \"kind\": \"b\" }",
                format!(
                    "events/a.json:1:11: acme.a: {start} `kind` is `b`, not `a`; correct it here, or the event's `name` or `match`"
                ),
            ),
            (
                "present = [\"error\"]\n",
                "{ \"error\": null }",
                format!("events/a.json:1:12: acme.a: {start} `error` is null; correct it here, or the event's `match`"),
            ),
            (
                "match = { method = \"PUT\" }\n",
                "{}",
                format!(
                    "provider.toml:10:9: acme.a: {start} the method is `POST`, not `PUT`; correct the event's `match`"
                ),
            ),
        ] {
            assert_eq!(mistakes(event, payload, &[]), [format!("acme/{expected}")], "{event}");
        }
    }

    #[test]
    fn an_event_that_an_earlier_one_hides_is_reported_at_its_own_match() {
        let events = "match = { t = \"a\" }\n[[event]]\nname = \"b\"\nabout = \"Another\"\n\
                      fixture = \"events/a.json\"\nmatch = { t = \"a\", n = 1 }\n";
        let expected = "acme/provider.toml:15:9: acme.b: its request is recognised as acme.a, whose conditions it meets \
                        too: put the more specific event first, or add to `match` what tells the two apart";
        assert_eq!(mistakes(events, r#"{"t":"a","n":1}"#, &[]), [expected]);
    }

    #[test]
    fn wrong_vectors_are_reported_with_their_positions() {
        let vectors = "{\"count\":2,\"vectors\":[\n  {\"id\":\"one\",\"note\":\"\",\"source\":\"by hand\",\"secrets\":[],\"at\":null,\n\
            \"request\":{\"method\":\"POST\",\"target\":\"/\",\"headers\":[],\"body\":\"{}\"},\n\
            \"verdict\":\"verified\",\"rejection\":null,\"scheme\":null,\"event\":\"a\",\"payload\":\"valid\"}]}";
        let found =
            |vectors: &'static str| mistakes("match = { t = \"a\" }\n", r#"{"t":"a"}"#, &[("vectors.json", vectors)]);
        let expected = [
            "acme/vectors.json:1:10: `count` is 2, but the file has 1",
            "acme/vectors.json:2:9: vector one: expected verified (scheme -, rejection -, event a, payload valid), got \
             unsigned (scheme -, rejection -, event -, payload unknown)",
        ];
        assert_eq!(found(vectors), expected);
        assert_eq!(
            found("{\"count\":0,\n \"vektors\":[]}"),
            [
                "acme/vectors.json:2:10: unknown key `vektors`; did you mean `vectors`? (known: `basis`, `count`, `vectors`)"
            ]
        );
    }
}
