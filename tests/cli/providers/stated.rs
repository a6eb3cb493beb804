//! Signatures that cover the body by a hash of it, in the signed URL or in a signed header. The expected values were
//! computed with Python's `hashlib` and `hmac`.

use serde_json::json;

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
    let message = "the signature matches, but the query parameter `hash`, which it covers, doesn't fit this body";
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
    let message = "the signature matches, but the `digest` header, which it covers, doesn't fit this body";
    verify(sent.replace("evt_1", "evt_2")).exits(1).prints(message);
}
