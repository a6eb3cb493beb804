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
    // In a form, the brace is escaped.
    let changed = capture.replacen("{\\\"", "{ \\\"", 1).replacen("=%5B%7B", "=%5B+%7B", 1);
    dir.write("changed.json", changed);
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

#[test]
fn sorted_form_fields_with_a_list_of_events_in_one_of_them() {
    verifies("mandrill", "mandrill-webhook-key", Some("https://example.com/hook?board=1"));
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/mandrill");
    let dir = Dir::new();
    let capture = format!("{root}/capture.json");
    let verify = ["--providers", root, "verify", &capture, "--url", "https://example.com/hook?board=1", "--json"];
    let line = dir.hookdev().args(verify).args(["--secret", "mandrill-webhook-key"]).exits(0).line();
    assert_eq!(line["event"], "mandrill.send", "{line}");
}

#[test]
fn ed25519_with_a_public_key_in_base64() {
    // The key's first byte is a brace, as that of a JWKS.
    verifies("telnyx", "e0czfzyCe4uREbvYZCLA6kbLf8x2mpdYhFZ738iGviw=", None);
}

#[test]
fn two_signatures_with_a_key_each_over_an_rfc_3339_time_with_an_offset() {
    // A delivery of Box's own library; see tests/vectors/more_signatures.json.
    verifies("box", "SamplePrimaryKey", None);
    verifies("box", "SampleSecondaryKey", None);
}

#[test]
fn a_token_in_a_field_of_the_body() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/figma");
    let dir = Dir::new();
    dir.hookdev().args(["providers", "check", root]).exits(0);
    let capture = format!("{root}/capture.json");
    let verify = |secret: &str| {
        dir.hookdev().args([
            "--providers",
            root,
            "verify",
            &capture,
            "--provider",
            "figma",
            "--json",
            "--secret",
            secret,
        ])
    };
    let line = verify("figma-passcode").exits(0).line();
    assert_eq!((&line["verdict"], &line["event"]), (&"verified".into(), &"figma.FILE_UPDATE".into()), "{line}");
    assert_eq!(verify("another").exits(1).line()["verdict"], "rejected");
    // A token covers nothing but itself.
    dir.write("changed.json", std::fs::read_to_string(&capture).unwrap().replace("Checkout flow", "Another"));
    let changed = ["--providers", root, "verify", "changed.json", "--provider", "figma", "--secret", "figma-passcode"];
    dir.hookdev().args(changed).exits(0);
}

#[test]
fn a_get_handshake_with_a_token_and_a_list_of_events_below_a_path() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/okta");
    let dir = Dir::new();
    dir.hookdev().args(["providers", "check", root]).exits(0);
    for (file, event) in [("capture", "okta.user.lifecycle.create"), ("handshake", "okta.verification")] {
        let capture = format!("{root}/{file}.json");
        let verify = |secret| {
            let verify = ["--providers", root, "verify", &capture, "--provider", "okta", "--json", "--secret", secret];
            dir.hookdev().args(verify)
        };
        let line = verify("okta-shared-secret").exits(0).line();
        assert_eq!((&line["verdict"], &line["event"]), (&"verified".into(), &event.into()), "{line}");
        assert_eq!(verify("another").exits(1).line()["verdict"], "rejected");
    }
}
