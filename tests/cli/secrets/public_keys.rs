//! What hookdev says about a wrong key, and about a request that a public key does not verify.

use serde_json::json;

use crate::harness::Dir;

/// Made by `openssl ecparam -name secp384r1`.
const P384: &str = "-----BEGIN PUBLIC KEY-----\n\
    MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEg8a57LbzWKIUtITcpWnRD5bQhwnzq6F4\n\
    75EgWwTylinwxywN6wWdBCSSoHoGOFhSKDDJFwcYRiK8q3Y9ikE7fg4OAtr60WdY\n\
    KGTJwa8f2iATlsnRN0BlP+bGkzyQJY4L\n\
    -----END PUBLIC KEY-----\n";

const BODY: &str = r#"{"version":1,"type":0}"#;

/// Ed25519 by Python's cryptography, with the private key to `tests/learn/keys/ed25519.pem`, of the time 1782900000 and
/// [`BODY`].
const RIGHT: &str = "f321e9e4a409104c4e461acb6c20b795ca18f35a0498eba1e97fc1d495ce1d99e7087a7d97eb4e1d14fc9a19a76e198a14e0336e95a54d43cc34b43afc26580b";
const RIGHT_IN_BASE64: &str =
    "8yHp5KQJEExORhrLbCC3lcoY81oEmOuh6X/B1JXOHZnnCHp9l+tOHRT8mhmnbhmKFOAzbpWlTUPMNLQ6/CZYCw==";

/// Of the time, a dot and the body; of the body and the time; and of the body alone.
const WITH_DOT: &str = "111eef9dab3a1891b77f9bb56ac5063b0ef558278c26f6d177c236fce334a8d814bce8f8d55192389c9dd0628f33cbcc65f5c325428ec717f5b86e247c840b02";
const TIME_LAST: &str = "a61328674094cd3a8971ec64bf45ccb28bd47f02ccee48e6666b080c9bbb55aed412aed3338a6dae6a88db7de960aaaf7d44ce71eaa2158dac5c55176ff3d101";
const BODY_ALONE: &str = "b0350729ff30fc8038f3ebfda5c3e64ac58882856ffe6c93e06c5c39cde3f5a3fb9fc83a1a05dff60e25f005c812fb1d234350cd94d5d8b7ad9732355693f80d";

/// The code and message of the first finding about a request to Discord's endpoint.
fn finding(signature: &str, body: &str) -> (String, String) {
    let dir = Dir::new();
    let headers = json!([["x-signature-timestamp", "1782900000"], ["x-signature-ed25519", signature]]);
    let request = json!({"method": "POST", "target": "/discord", "headers": headers, "body": body});
    dir.write("capture.json", json!({ "request": request }).to_string());
    let secret = concat!("discord=file:", env!("CARGO_MANIFEST_DIR"), "/tests/learn/keys/ed25519.pem");
    let line = dir.hookdev().args(["verify", "capture.json", "--json", "--secret", secret]).exits(1).line();
    let text = |key: &str| line["findings"][0][key].as_str().unwrap().to_owned();
    (text("code"), text("message"))
}

#[test]
fn the_cause_is_named_with_the_public_key() {
    for (signature, body, code, part) in [
        (RIGHT, r#"{"version": 1, "type": 0}"#, "body-reserialised", "the same JSON without whitespace"),
        (RIGHT_IN_BASE64, BODY, "wrong-encoding", "the signature is right, but in base64"),
        (&RIGHT.to_uppercase(), BODY, "signature-case", "in uppercase"),
        (WITH_DOT, BODY, "wrong-signed-content", "covers `{timestamp}.{body}`; Discord signs `{timestamp}{body}`"),
        (TIME_LAST, BODY, "wrong-signed-content", "covers `{body}{timestamp}`; Discord signs"),
        (&RIGHT[..126], BODY, "seen-signature-length", "the signature has 63 bytes; Ed25519 signatures have 64"),
        (BODY_ALONE, BODY, "wrong-signed-content", "covers `{body}`; Discord signs"),
    ] {
        let (found, message) = finding(signature, body);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_key_of_another_kind_or_format_is_named() {
    let dir = Dir::new();
    let p256 = include_str!("../../learn/keys/p256.pem");
    let rsa = include_str!("../../learn/keys/rsa.pem");
    let titled = |title: &str| format!("-----BEGIN {title}-----\nAAAA\n-----END {title}-----\n");
    for (key, error, hint) in [
        (p256, "it is an EC key on P-256, but an Ed25519 key is needed", "copy the public key again"),
        (P384, "it is an EC key on P-384, but an Ed25519 key is needed", "copy the public key again"),
        (rsa, "it is an RSA key, but an Ed25519 key is needed", "copy the public key again"),
        (&titled("EC PRIVATE KEY"), "it is an EC private key in SEC1", "openssl pkcs8 -topk8 -nocrypt -in FILE"),
        (&titled("RSA PUBLIC KEY"), "it is an RSA public key in PKCS #1", "openssl rsa -RSAPublicKey_in"),
        (&titled("ENCRYPTED PRIVATE KEY"), "it is an encrypted private key", "openssl pkcs8 -topk8 -nocrypt"),
    ] {
        dir.write("key.pem", key);
        dir.hookdev()
            .args(["send", "discord.ping", "--print", "json", "--secret", "discord=file:key.pem"])
            .exits(2)
            .says(&format!("error: invalid Discord secret from file:key.pem: {error}"))
            .says(hint);
    }
}

#[test]
fn a_jwks_without_the_key_of_a_token_is_seen() {
    let dir = Dir::new();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/plaid");
    let vectors: serde_json::Value = serde_json::from_str(include_str!("../../vectors/keys.json")).unwrap();
    let mut jwks = vectors["jwks"].clone();
    jwks["keys"].as_array_mut().unwrap().retain(|key| key["kty"] == "EC");
    dir.write("jwks.json", jwks.to_string());
    let capture = format!("{root}/capture.json");
    let verify = ["--providers", root, "verify", &capture, "--provider", "plaid", "--json"];
    let line = dir.hookdev().args(verify).args(["--secret", "file:jwks.json"]).exits(1).line();
    assert_eq!(line["findings"][0]["code"], "seen-unknown-key", "{line}");
    assert_eq!(
        line["findings"][0]["message"],
        "the token names the key `bfbd5111-8e33-4643-8ced-b2e642a72f3c`, which the JWKS does not have: it has `old`, `b`"
    );
}
