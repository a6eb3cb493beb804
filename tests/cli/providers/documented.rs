//! Providers that are not built in, written from their documents alone: `tests/documented`.

use std::path::Path;

use crate::harness::Dir;

/// Verifies the capture of a provider, whose body is also tried with a change.
fn verifies(name: &str, secret: &str, url: Option<&str>) {
    let dir = Dir::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documented").join(name);
    let root = root.to_str().unwrap();
    dir.hookdev().args(["providers", "check", root]).exits(0).prints("passed");
    let capture = std::fs::read_to_string(format!("{root}/capture.json")).unwrap();
    dir.write("changed.json", capture.replacen("{\\\"", "{ \\\"", 1));
    let verify = |file: &str| {
        let command = dir.hookdev().args(["--providers", root, "verify", file, "--provider", name, "--json"]);
        command.args(["--secret", secret]).args(url.iter().flat_map(|url| ["--url", url]))
    };
    let line = verify(&format!("{root}/capture.json")).exits(0).line();
    assert_eq!((&line["verdict"], &line["rejection"]), (&"verified".into(), &serde_json::Value::Null), "{line}");
    let line = verify("changed.json").exits(1).line();
    assert_eq!(line["rejection"]["code"], "no-matching-signature", "{line}");
}

#[test]
fn a_signature_over_the_body_and_the_url_behind_it() {
    verifies("trello", "trello-app-secret", Some("https://example.com/hook?board=1"));
}

#[test]
fn a_signature_over_an_rfc_3339_time_and_the_body() {
    verifies("zendesk", "zendesk-signing-secret", None);
}

#[test]
fn a_jwt_with_the_hash_of_the_body() {
    let key = concat!("file:", env!("CARGO_MANIFEST_DIR"), "/tests/documented/plaid/key.pem");
    verifies("plaid", key, None);
}
