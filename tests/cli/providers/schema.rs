//! `providers schema`: the JSON Schema of a manifest, by which editors complete and check it.

use std::{fs, path::Path};

use jsonschema::Validator;
use serde_json::Value;

use crate::harness::Dir;

/// A manifest with one of everything that the errors below change.
const MANIFEST: &str = r#"name = "acme"
title = "Acme"
about = "A test"

[secret]
development = "acme-secret"

[[scheme]]
name = "v1"
algorithm = "hmac-sha256"
content = "{timestamp}.{body}"
signature = { header = "x-acme-signature", value = "{hex}" }
timestamp = { header = "x-acme-time", unit = "ms", tolerance = { past = "5m", future = "any" } }

[delivery]
success = ["2xx"]
timeout = "10s"

[[event]]
name = "order.placed"
about = "An order was placed"
match = { type = "order.placed", version = 2 }
"#;

fn validator(dir: &Dir) -> Validator {
    let schema: Value = serde_json::from_str(dir.hookdev().args(["providers", "schema"]).exits(0).text()).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert!(jsonschema::meta::is_valid(&schema));
    jsonschema::validator_for(&schema).unwrap()
}

/// The places that the schema refuses, with the reasons.
fn errors(validator: &Validator, manifest: &str) -> Vec<String> {
    let manifest: toml::Value = toml::from_str(manifest).unwrap();
    let manifest = serde_json::to_value(manifest).unwrap();
    validator.iter_errors(&manifest).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_schema_accepts_all_built_in_manifests() {
    let validator = validator(&Dir::new());
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut checked = 0;
    for entry in fs::read_dir(fixtures).unwrap() {
        let manifest = entry.unwrap().path().join("provider.toml");
        if manifest.exists() {
            let problems = errors(&validator, &fs::read_to_string(&manifest).unwrap());
            assert_eq!(problems, Vec::<String>::new(), "{}", manifest.display());
            checked += 1;
        }
    }
    assert_eq!(checked, 53);
}

#[test]
fn the_schema_refuses_wrong_keys_types_and_values_with_their_places() {
    let validator = validator(&Dir::new());
    assert_eq!(errors(&validator, MANIFEST), Vec::<String>::new());
    let mistakes = [
        ("[delivery]", "[delivry]", [": ", "'delivry' was unexpected"]),
        (
            "header = \"x-acme-signature\"",
            "heder = \"x-acme-signature\"",
            ["/scheme/0/signature: ", "'heder' was unexpected"],
        ),
        ("timeout = \"10s\"", "timeout = 10", ["/delivery/timeout: ", "10 is not of type \"string\""]),
        ("timeout = \"10s\"", "timeout = \"10 s\"", ["/delivery/timeout: ", "does not match"]),
        ("success = [\"2xx\"]", "success = [\"ok\"]", ["/delivery/success/0: ", "does not match"]),
        ("success = [\"2xx\"]", "success = []", ["/delivery/success: ", "less than 1 item"]),
        ("\"hmac-sha256\"", "\"hmac-sha265\"", ["/scheme/0/algorithm: ", "\"hmac-sha265\" is not one of"]),
        ("unit = \"ms\"", "unit = \"minutes\"", ["/scheme/0/timestamp/unit: ", "\"minutes\" is not one of"]),
        ("name = \"acme\"", "name = \"Acme\"", ["/name: ", "does not match"]),
        ("about = \"An order was placed\"\n", "", ["/event/0: ", "\"about\" is a required property"]),
        (
            "development = \"acme-secret\"",
            "development = \"acme-secret\"\nencoding = \"base32\"",
            ["/secret/encoding: ", "\"base32\" is not one of"],
        ),
    ];
    for (before, after, [place, reason]) in mistakes {
        let changed = MANIFEST.replacen(before, after, 1);
        assert_ne!(changed, MANIFEST, "{before}");
        let problems = errors(&validator, &changed);
        let is_named = |problem: &String| problem.starts_with(place) && problem.contains(reason);
        assert!(
            problems.iter().any(|problem| is_named(problem) || place == "/" && problem.contains(reason)),
            "{after}: {problems:?}"
        );
    }
}

#[test]
fn the_schema_is_one_line_as_json() {
    let dir = Dir::new();
    let schema = dir.hookdev().args(["providers", "schema", "--json"]).exits(0).line();
    assert_eq!(
        schema["properties"]["scheme"]["allOf"][0]["then"]["enum"],
        serde_json::json!(["standard-webhooks", "svix"])
    );
    assert_eq!(
        schema["definitions"]["delivery"]["properties"]["timeout"]["description"],
        "How long the provider waits for the response, such as `10s`"
    );
}
