//! The JSON of every command has a schema in `docs/schemas`. The harness validates every line against it, in all tests
//! of the program; these tests print each kind of line.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Dir, Endpoint, capture, respond, schema};

/// The definitions of whole lines; the others are parts of them.
const LINES: [&str; 20] = [
    "attempt",
    "case",
    "check-summary",
    "checked-provider",
    "delivery",
    "difference",
    "event",
    "findings",
    "forwards",
    "listed-case",
    "load-summary",
    "missed",
    "new-provider",
    "provider",
    "ready",
    "request",
    "sent",
    "term",
    "trust",
    "verification",
];

/// The lines that depend on timing, which the tests of `listen` produce.
const LATE: [&str; 3] = ["findings", "forwards", "missed"];

/// The definitions of the lines that each of these commands prints.
fn printed(dir: &Dir, commands: &[(&[&str], i32)]) -> BTreeSet<&'static str> {
    let lines =
        commands.iter().flat_map(|(arguments, code)| dir.hookdev().args(*arguments).arg("--json").exits(*code).lines());
    lines.map(|line| schema::definition(&line)).collect()
}

#[test]
fn every_command_prints_what_its_schema_says() {
    let dir = Dir::new();
    dir.write("a.json", capture(&[], "{}").to_string());
    dir.write("b.json", capture(&[("x-a", "1")], "{\"a\":1}").to_string());
    dir.write("trusted.toml", "[provider.cyanite]\nendpoint = \"https://example.com/\"\nsecret = \"env:A\"\n");
    let refusing = Endpoint::new((0..3).map(|_| respond(500)));
    let unsigned = refusing.url("/");
    let mut kinds = printed(
        &dir,
        &[
            (&["send", "auphonic.done", "--to", &unsigned, "--repeat", "2"], 1),
            (&["send", "auphonic.done", "--to", &unsigned, "--capture", "sent.ndjson"], 1),
            (&["send", "cyanite.v2.finished", "--print", "json"], 0),
            (&["verify", "a.json", "--provider", "cyanite"], 1),
            (&["verify", "sent.ndjson"], 0),
            (&["check", "--provider", "cyanite", "--to", "http://127.0.0.1:1/"], 4),
            (&["check", "--provider", "cyanite", "--list"], 0),
            (&["events", "github"], 0),
            (&["events", "cyanite.v2.finished", "--show"], 0),
            (&["events", "stripe", "--contract"], 0),
            (&["providers"], 0),
            (&["providers", "new", "acme"], 0),
            (&["providers", "check", "acme"], 0),
            (&["diff", "a.json", "b.json"], 1),
            (&["trust", "trusted.toml"], 0),
            (&["demo"], 0),
        ],
    );
    let sent = dir.read("sent.ndjson");
    kinds.extend(sent.lines().map(|line| schema::definition(&schema::parse(line))));
    let expected = LINES.into_iter().filter(|name| !LATE.contains(name));
    assert_eq!(kinds, expected.collect());
}

#[test]
fn the_schema_names_every_kind_of_line() {
    let text = include_str!("../../docs/schemas/output.schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    let names = schema["anyOf"].as_array().unwrap().iter().map(|item| item["$ref"].as_str().unwrap());
    let names: BTreeSet<&str> = names.map(|name| name.trim_start_matches("#/$defs/")).collect();
    assert_eq!(names, LINES.into_iter().collect());
}

#[test]
fn a_line_with_an_undocumented_key_is_found() {
    let line = r#"{"kind":"missed","count":1,"why":"slow"}"#;
    let panic = std::panic::catch_unwind(|| schema::parse(line)).expect_err("an undocumented key");
    let message = panic.downcast_ref::<String>().expect("a formatted message");
    assert!(message.starts_with("missed in docs/schemas") && message.contains("'why' was unexpected"), "{message}");
    assert_eq!(schema::parse(r#"{"kind":"missed","count":1}"#)["count"], 1);
}
