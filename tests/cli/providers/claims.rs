//! Signatures that cover the body by a hash of it, in the signed URL or in a signed header. The expected values were
//! computed with Python's `hashlib` and `hmac`.

use serde_json::{Value, json};

use super::{SECRET, manifest, write};
use crate::harness::Dir;

const BODY: &str = r#"{"type":"made","id":"evt_1"}"#;

const HASH: &str = "cc34b1b2bf55023fa18f5a2d853d2f6f8b1575aede553f14c3f9537e0839c329";

/// A directory with a provider whose only scheme is this one, and the body.
fn acme(scheme: &str) -> Dir {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, &format!("[[scheme]]\nname = \"only\"\nalgorithm = \"hmac-sha256\"\n{scheme}")));
    dir.write("body", BODY);
    dir
}

const IN_URL: &str = r#"content = "{url}"
signature = { header = "x-acme", value = "{hex}" }
claims = { "query:hash" = "{sha256:body}" }"#;

#[test]
fn a_hash_in_the_signed_url_is_written_and_verified() {
    let dir = acme(IN_URL);
    let own = ["--providers", "acme"];
    let command =
        ["send", "acme.made", "--data", "body", "--to", "https://hooks.example.com/in?x=1", "--print", "json"];
    let sent = dir.hookdev().args(command).args(own).exits(0).line();
    let url = format!("https://hooks.example.com/in?x=1&hash={HASH}");
    assert_eq!(sent["url"], json!(url));
    assert_eq!(
        sent["headers"][2],
        json!(["x-acme", "a2ec29990a2d09b8947741bf963392edb4d8ed8f28eda858593d426cd06e0f8f"])
    );

    let request = |query: &str, body: &str| {
        format!(
            "POST /in?{query} HTTP/1.1\r\nhost: hooks.example.com\r\ncontent-type: application/json\r\nx-forwarded-proto: https\r\nx-acme: a2ec29990a2d09b8947741bf963392edb4d8ed8f28eda858593d426cd06e0f8f\r\n\r\n{body}"
        )
    };
    let verify = |request: &str, code| {
        let verify = ["verify", "-", "--provider", "acme", "--json"];
        dir.hookdev().args(verify).args(own).stdin(request).exits(code).line()
    };
    let good = format!("x=1&hash={HASH}");
    assert_eq!(verify(&request(&good, BODY), 0)["verdict"], json!("verified"));
    let changed = verify(&request(&good, &format!("{BODY} ")), 1);
    let message = "the signature matches, but the query parameter `hash`, which it covers, doesn't match this body";
    assert_eq!(changed["rejection"], json!({"code": "no-matching-signature", "message": message}));

    let script = dir.hookdev().args(["send", "acme.made", "--print", "k6"]).args(own).exits(2);
    script.says("Acme signs a hash of the body in the query parameter `hash`, which the script can't make\n");

    // The body's hash in the request's own query proves nothing if another URL was signed.
    let forged = request(&format!("x=1&hash={EMPTY}"), "{}");
    let verify = dir.hookdev().args(["verify", "-", "--provider", "acme", "--json", "--url", &url]).args(own);
    assert_eq!(verify.stdin(forged).exits(1).line()["rejection"]["message"], json!(message));
}

/// The hash of `{}`.
const EMPTY: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

#[test]
fn a_capture_whose_url_has_a_hash_is_signed_again_for_another_body() {
    let dir = acme(IN_URL);
    let own = ["--providers", "acme"];
    let mut listener = dir.listen().args(own).starts();
    let capture =
        format!("POST /acme?hash={EMPTY} HTTP/1.1\r\ncontent-type: application/json\r\nx-acme: 00\r\n\r\n{BODY}");
    dir.write("one.http", capture);
    dir.hookdev().args(["send", "one.http", "--resign", "--to", &listener.url("")]).args(own).exits(0);
    let delivery = listener.next();
    assert_eq!(delivery["verdict"], json!("verified"));
    assert_eq!(delivery["request"]["target"], json!(format!("/?hash={HASH}")));
}

#[test]
fn a_digest_in_a_signed_header_is_written_and_verified() {
    let dir = acme(
        r#"content = "{method} {path} {header:digest}"
signature = { header = "x-acme", value = "{hex}" }
claims = { "header:digest" = "{sha256-base64:body}" }"#,
    );
    let own = ["--providers", "acme"];
    let command = ["send", "acme.made", "--data", "body", "--to", "https://hooks.example.com/in", "--print", "http"];
    let sent = dir.hookdev().args(command).args(own).exits(0);
    let sent = sent
        .prints("\r\ndigest: zDSxsr9VAj+hj1othT0vb4sVda7eVT8Uw/lTfgg5wyk=\r\n")
        .prints("\r\nx-acme: 3efd24966e876c16ea40a25b2fe141b87381c24cb25a9aba1cdb5c6ae88b4881\r\n")
        .text()
        .to_owned();
    let verify = |text: String| dir.hookdev().args(["verify", "-", "--provider", "acme"]).args(own).stdin(text);
    verify(sent.clone()).exits(0);
    let message = "the signature matches, but the `digest` header, which it covers, doesn't match this body";
    verify(sent.replace("evt_1", "evt_2")).exits(1).prints(message);
}

/// The line of `verify` for a request with this target, signature and body.
fn verdict(dir: &Dir, target: &str, signature: &str, body: &str, more: &[&str]) -> Value {
    let request = format!(
        "POST {target} HTTP/1.1\r\nhost: hooks.example.com\r\ncontent-type: application/json\r\nx-forwarded-proto: https\r\nx-acme: {signature}\r\n\r\n{body}"
    );
    let verify = ["verify", "-", "--provider", "acme", "--providers", "acme", "--json"];
    let (_, finished) = dir.hookdev().args(verify).args(more).stdin(request).ends();
    finished.line()
}

fn message(line: &Value) -> &str {
    line["rejection"]["message"].as_str().unwrap_or_default()
}

const MISMATCH: &str =
    "the signature matches, but the query parameter `hash`, which it covers, doesn't match this body";

#[test]
fn a_value_that_claims_nothing_is_named() {
    let dir = acme(IN_URL);
    let absent =
        verdict(&dir, "/in?x=1", "d34b77429382b4623fd07d7bb6a4c8d96477c5fc90989650d989d2a33cfa3d55", BODY, &[]);
    assert_eq!(message(&absent), "the query parameter `hash` is missing");
    let twice = format!("/in?hash={HASH}&hash={HASH}");
    let twice = verdict(&dir, &twice, "0bbbf2e16f9624009ee854e9e5cac693e300a5627f83cdad9eabfacdc0159d5f", BODY, &[]);
    assert_eq!(message(&twice), "the value `query:hash` was sent 2 times; it must be sent once");
}

#[test]
fn an_invalid_called_url_proves_nothing_about_the_query() {
    let dir = acme(IN_URL);
    // The space keeps it from being read, so its own hash can't be compared with the body.
    let url = format!("https://hooks.example.com/in x?hash={HASH}");
    let signature = "d77b20816b565d77f55bdeb45195f1308835e583713582d94656ebec5d778c6a";
    for (hash, body) in [(HASH, BODY), (EMPTY, "{}")] {
        let line = verdict(&dir, &format!("/in?hash={hash}"), signature, body, &["--url", &url]);
        assert_eq!(message(&line), MISMATCH);
    }
}

#[test]
fn a_signed_parameter_is_that_of_the_request_if_the_url_is_not_signed() {
    let dir = acme(&IN_URL.replace("{url}", "{query:hash}"));
    let signature = "16ead24afd855899886b97c7b4096186e94d51cec122db887a5b040c5875a449";
    let target = format!("/in?hash={HASH}");
    let judge = |url: &str, body: &str| verdict(&dir, &target, signature, body, &["--url", url]);
    assert_eq!(judge("https://public.example.com/in", BODY)["verdict"], json!("verified"));
    let forged = judge(&format!("https://public.example.com/in?hash={EMPTY}"), "{}");
    assert_eq!(message(&forged), MISMATCH);
}

#[test]
fn a_claim_of_a_field_that_the_body_lacks_covers_nothing() {
    let dir = acme(&IN_URL.replace("{sha256:body}", "{body:data}"));
    let signature = "f85684a1034c0154c6a9eb27aecdc29dfaae6a1e8c90cd6ad94e3f011c21f59f";
    let line = verdict(&dir, "/in?hash=", signature, r#"{"type":"made"}"#, &[]);
    let expected = "the signature matches, but covers no part of this body, which lacks the field `data` of the body";
    assert_eq!(message(&line), expected);
}

#[test]
fn the_cause_of_a_hash_that_does_not_match_is_found() {
    let dir = acme(IN_URL);
    let signature = "a2ec29990a2d09b8947741bf963392edb4d8ed8f28eda858593d426cd06e0f8f";
    for (body, code) in [
        (format!("{BODY}\n"), "body-trailing-newline"),
        (BODY.replace(':', ": "), "body-reserialised"),
        (BODY.replace("evt_1", "evt_2"), "unexplained"),
    ] {
        let line = verdict(&dir, &format!("/in?x=1&hash={HASH}"), signature, &body, &[]);
        assert_eq!((message(&line), &line["findings"][0]["code"]), (MISMATCH, &json!(code)), "{body}");
    }
}

#[test]
fn a_claim_that_nothing_signs_or_that_depends_on_another_is_refused() {
    let refused = |scheme: &str, expected: &str| {
        let dir = acme(scheme);
        dir.hookdev().args(["providers", "check", "acme"]).exits(1).prints(expected);
    };
    let claims = |claims: &str| IN_URL.replace(r#""query:hash" = "{sha256:body}""#, claims);
    let depends = |content: &str| format!("`{content}` contains a value that is written when the request is signed\n");
    for content in ["{sha256:url}", "{sha256:query:hash}", "{sha256:query}", "{header:x-acme}"] {
        refused(&claims(&format!(r#""query:hash" = "{content}""#)), &depends(content));
    }
    let cycle = r#""query:a" = "{sha256:query:b}", "query:b" = "{sha256:query:a}""#;
    refused(&claims(cycle), &depends("{sha256:query:b}"));
    let own = IN_URL.replace(r#"header = "x-acme""#, r#"query = "hash""#);
    refused(&own, "`query:hash` is where the signature, the id or the timestamp is sent\n");
    let token = manifest(SECRET, &format!("[[scheme]]\nname = \"only\"\nalgorithm = \"token\"\n{IN_URL}"));
    let dir = Dir::new();
    write(&dir, &token.replace("{hex}", "{token}"));
    let expected = "a token signs nothing, so no value of the request can be relied on\n";
    dir.hookdev().args(["providers", "check", "acme"]).exits(1).prints(expected);
}
