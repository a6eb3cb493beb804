//! Manifests: what they can express, and the errors for what they can't.

#[path = "../acme/mod.rs"]
mod acme;
mod every_key;
mod mistakes;
mod registration;
mod schemes;

use acme::{load, secrets, signing};
use hookdev::webhook::{
    fresh::Fresh,
    signature::{Verdict, Verified},
};

/// A manifest with some of everything.
const SOUND: &str = r#"name = "acme"
title = "Acme"
about = "A test"

[secret]
encoding = "base64"
prefix = "whsec_"
development = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

[[scheme]]
name = "v1"
algorithm = "hmac-sha256"
content = "{id}.{timestamp}.{body}"
signature = { header = ["a-signature", "b-signature"], value = "v1,{base64}", separator = " " }
id = { header = "a-id" }
timestamp = { header = "a-timestamp", tolerance = "5m" }

[delivery]
success = ["200", "2xx"]
timeout = "3s"
headers = { "a-event" = "{event}" }

[recognise]
event = "type"
headers = ["a-signature", "a-event"]

[fresh]
type = "{id}"

[[event]]
name = "ping"
about = "An event"
schema = "ping"
variants = [{ type = "pong" }]
"#;

const FILES: [(&str, &str); 4] = [
    ("schema.json", r#"{ "$defs": { "ping": { "type": "object" } } }"#),
    ("events/ping.json", "{\n  \"type\": \"ping\"\n}\n"),
    ("events/broken.json", "{\n  \"type\": ping\n}\n"),
    ("events/ping.form", "type=ping"),
];

/// The error for the valid manifest with one passage replaced.
#[track_caller]
fn error_for(passage: &str, replaced: &str) -> String {
    assert_eq!(SOUND.matches(passage).count(), 1, "{passage:?}");
    match load(&SOUND.replace(passage, replaced), &FILES) {
        Ok(_) => format!("{replaced:?} is taken"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn assert_errors(cases: &[(&str, &str, &str)]) {
    for (passage, replaced, expected) in cases {
        assert_eq!(&error_for(passage, replaced), expected, "{passage:?} replaced by {replaced:?}");
    }
}

#[test]
fn the_base_manifest_of_these_tests_is_valid() {
    let provider = load(SOUND, &FILES).expect("a provider");
    assert_eq!((provider.schemes.len(), provider.events.len()), (1, 1));
}

#[test]
fn a_signature_with_the_secret_that_a_handshake_hands_over_counts_as_none() {
    let scheme = "[[scheme]]\nname = 'v1'\nalgorithm = 'hmac-sha256'\ncontent = '{body}'\n\
                  signature = { header = 'x-sig', value = '{hex}' }\n\
                  [[handshake]]\nname = 'hello'\nabout = 'Hands over'\nsecret = 'header:x-new'\n\
                  headers = { x-new = '{hex:64}' }\nrespond = { headers = { x-new = '{header:x-new}' } }";
    let provider = signing("development = 'd'", scheme);
    let verdict = |signature: &str| {
        let request = acme::post(&[("x-new", "aaaa"), ("x-sig", signature)], "{}");
        provider.verify(&secrets(&provider, &["real"]), &request, provider.event("hello"), None.into())
    };
    // Python: hmac.new(key, b"{}", "sha256"), for the keys b"aaaa" and b"real"
    let by_itself = "91312df9e5f3dfdcf6fd8689c8a426c2befa00ce7d8f41b057de2f1225b0dcaa";
    let by_user = "4b0a0bcfc15dcc57bb2d8a40ce467102153e591a6446475a9a5d40475c4ad3f8";
    assert_eq!(verdict(by_itself), Verdict::Unsigned);
    assert!(matches!(verdict(by_user), Verdict::Verified(Verified { secret: 0, .. })));
    assert!(matches!(verdict(&by_user.replace('4', "5")), Verdict::Rejected(_)));
}

#[test]
fn a_delivery_has_an_id_wherever_one_is_sent() {
    let id = |manifest: &str| load(manifest, &FILES).expect("a provider").delivery.id;
    let uuid = Some(Fresh::uuid());
    assert_eq!(id(SOUND), uuid);
    let chosen = "timeout = \"3s\"\nid = \"x{digits:9}\"";
    assert_eq!(
        id(&SOUND.replace("timeout = \"3s\"", chosen)),
        Some(Fresh::try_from("x{digits:9}".to_owned()).unwrap())
    );
    // No scheme and no field has one.
    let without = SOUND
        .replace("content = \"{id}.", "content = \"")
        .replace("id = { header = \"a-id\" }\n", "")
        .replace("[fresh]\ntype = \"{id}\"\n", "");
    assert_eq!(id(&without), None);
    assert_eq!(id(&without.replace("\"{event}\"", "\"{event}/{id}\"")), uuid);
    assert_eq!(id(&without.replace("[[event]]", "[fresh]\ntype = \"evt_{id}\"\n[[event]]")), uuid);
    for of_handshake in ["headers = { x-new = \"{id}\" }", "query = { challenge = \"{id}\" }"] {
        let handshake = "[[handshake]]\nname = \"hello\"\nabout = \"A test\"\nrespond = { status = 200 }\n";
        assert_eq!(id(&format!("{without}{handshake}{of_handshake}\n")), uuid);
    }
}

#[test]
fn retries_are_signed_again_if_a_timestamp_is_signed_unless_the_manifest_says_otherwise() {
    let renews = |retry: &str| {
        let provider = load(&SOUND.replace("timeout = \"3s\"", retry), &FILES).expect("a provider");
        (provider.delivery.retry.assumed, provider.delivery.retry.renews_timestamp)
    };
    assert_eq!(renews(""), (true, true));
    assert_eq!(renews("retry = { waits = [] }"), (false, true));
    assert_eq!(renews("retry = { waits = [], renews_timestamp = false }"), (false, false));
}
