//! `providers new`: the rarer places and forms of signatures. The captures are in `tests/learn/dock`.

use std::{fs, path::Path};

use super::new::{accepts_all, written};
use crate::harness::Dir;

/// Checks what is learned from the captures of one kind in `tests/learn/dock`.
fn dock(kind: &str, secret: &str, said: &str, lines: &[&str]) {
    dock_at(kind, secret, None, said, lines);
}

/// The same with the URL that the provider called.
fn dock_at(kind: &str, secret: &str, url: Option<&str>, said: &str, lines: &[&str]) {
    let dir = Dir::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/learn/dock").join(kind).with_extension("ndjson");
    dir.write("captures/dock.ndjson", fs::read(from).unwrap());
    let proven = format!("proven  all 6 captures are {said}\n");
    let new = dir.hookdev().args(["providers", "new", "dock", "--from", "captures", "--secret", secret]);
    let learned = new.args(url.into_iter().flat_map(|url| ["--url", url])).exits(0);
    learned.prints(&proven).prints("proven  the written manifest verifies all 6 captures");
    accepts_all(&dir, "dock", secret);
    let manifest = dir.read("dock/provider.toml");
    for line in lines {
        assert!(manifest.lines().any(|other| other == *line), "{line}\n{manifest}");
    }
    assert!(!written(&dir, "dock").contains(DOCK), "{kind}");
}

/// The secret of `tests/learn/make.py`.
const DOCK: &str = "dock-of-the-bay-1967";

#[test]
fn signatures_and_tokens_in_the_query_and_the_body_are_learned() {
    let in_query = "signed with HMAC-SHA512 of `{body}` in the query parameter `sig`";
    dock("query", DOCK, in_query, &["signature = { query = \"sig\", value = \"{hex}\" }"]);
    let in_query = "sent with the secret itself in the query parameter `key`";
    dock("query-token", DOCK, in_query, &["signature = { query = \"key\", value = \"{token}\" }"]);
    let in_body = "sent with the secret itself in the field `passcode` of the body";
    dock("body-token", DOCK, in_body, &["signature = { body = \"passcode\", value = \"{token}\" }"]);
    let in_body = "signed with HMAC-SHA256 of `{timestamp}{id}` in the field `signature.value` of the body";
    let lines = [
        "content   = \"{timestamp}{id}\"",
        "signature = { body = \"signature.value\", value = \"{hex}\" }",
        "id        = { body = \"signature.token\" }",
        "timestamp = { body = \"signature.timestamp\", unit = \"s\", tolerance = \"5m\" }",
    ];
    dock("field", DOCK, in_body, &lines);
}

#[test]
fn a_signature_in_uppercase_and_one_of_method_path_and_body_are_learned() {
    let uppercase = "signed with HMAC-SHA512 of `{timestamp}|{body}` in x-dock-sign";
    let lines = [
        "signature = { header = \"x-dock-sign\", value = \"{HEX}\" }",
        "timestamp = { body = \"meta.sent\", unit = \"rfc3339\", tolerance = \"5m\" }",
    ];
    dock("uppercase", DOCK, uppercase, &lines);
    let path = "signed with HMAC-SHA256 of `{method}\\n{path}\\n{body}` in authorization";
    dock("path", DOCK, path, &["signature = { header = \"authorization\", value = \"DOCK {base64url}\" }"]);
}

#[test]
fn rare_separators_and_constants_in_the_signed_content_are_learned() {
    dock("comma", DOCK, "signed with HMAC-SHA256 of `v1, {timestamp}, {body}` in x-dock-sign", &[]);
    let lines = ["content   = \"2 {id} {timestamp} {sha256:body}\"", "id        = { header = \"x-dock-message\" }"];
    let version = "signed with HMAC-SHA256 of `2 {id} {timestamp} {sha256:body}` in x-dock-sign";
    dock("version", DOCK, version, &lines);
    // The signed path is that of the provider's URL; the captures have another.
    let constant = "signed with HMAC-SHA256 of `{method}|/hooks/dock|{timestamp}|{body}` in x-dock-sign";
    dock_at("constant", DOCK, Some("https://dock.example/hooks/dock?x=1"), constant, &[]);
}

#[test]
fn a_key_after_a_prefix_of_two_words_is_learned() {
    let said = "signed with HMAC-SHA384 of `{timestamp}|{body}` in x-dock-sign";
    let lines = [
        "prefix      = \"dock_live_\"",
        "encoding    = \"base64\"",
        "signature = { header = \"x-dock-sign\", value = \"time={timestamp} mac={hex}\", separator = \" \" }",
    ];
    dock("prefix", "dock_live_ZG9jay1vZi10aGUtYmF5LTE5Njc=", said, &lines);
}

#[test]
fn an_http_date_a_hash_in_base64_and_a_signature_deep_in_the_body_are_learned() {
    let date = "signed with HMAC-SHA256 of `{method}\\n{path}\\n{timestamp}\\n{sha256:body}` in x-dock-sign";
    let lines = [
        "timestamp = { header = \"date\", unit = \"http-date\", tolerance = \"5m\" }",
        "signature = { header = \"x-dock-sign\", value = \"key=dock-1; sig={base64}\" }",
    ];
    dock("date", DOCK, date, &lines);
    dock("digest", DOCK, "signed with HMAC-SHA256 of `{sha256-base64:body}` in x-dock-sign", &[]);
    let nested = "signed with HMAC-SHA256 of `{id}:{timestamp}` in the field `auth.seal.value` of the body";
    let lines = [
        "id        = { body = \"auth.nonce\" }",
        "timestamp = { body = \"auth.ts\", unit = \"s\", tolerance = \"5m\" }",
    ];
    dock("nested", DOCK, nested, &lines);
}

#[test]
fn an_entry_of_the_value_that_the_scheme_does_not_read_is_a_question() {
    let question =
        "# QUESTION: does a receiver need `key` in the signature's value? It isn't read, and hookdev doesn't send it";
    let value = "signature = { header = \"x-dock-sign\", value = \"ts={timestamp};sig={hex}\", separator = \";\" }";
    dock("key", DOCK, "signed with HMAC-SHA256 of `{timestamp}.{body}` in x-dock-sign", &[question, value]);
}

#[test]
fn a_second_signature_that_the_secret_does_not_explain_is_a_question() {
    let question = "# QUESTION: what is in `x-dock-sign-2`? It looks like a signature too. If another secret makes it, add a scheme with `sent_along = true`";
    dock("two", DOCK, "signed with HMAC-SHA256 of `{body}{timestamp}` in x-dock-sign-1", &[question]);
}

#[test]
fn a_claim_with_a_hash_in_url_safe_base64_is_learned() {
    let jwt = "signed with JWT-HS256 in x-dock-token, whose claim `body_hash` is `{sha256-base64url:body}`";
    dock("jwt", DOCK, jwt, &["claims    = { \"body_hash\" = \"{sha256-base64url:body}\" }"]);
}

#[test]
fn the_fields_of_a_form_and_a_signature_of_two_numbers_are_learned() {
    let sorted = "signed with HMAC-SHA256 of `{form:sorted}` in x-dock-sign";
    dock("form", DOCK, sorted, &["content   = \"{form:sorted}\""]);
    let key = format!("file:{}/tests/learn/keys/p256.pem", env!("CARGO_MANIFEST_DIR"));
    let raw = "signed with ECDSA-P256-SHA256 in 64 bytes of `{body}` in x-dock-sign";
    dock("raw", &key, raw, &["algorithm = \"ecdsa-p256-raw\"", "content   = \"{body}\""]);
}
