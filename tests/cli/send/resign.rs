//! Captured requests that get a new timestamp and signature, with and without changes.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Sha256, Sha512};

use crate::harness::{AUPHONIC, CYANITE, CYANITE_HEADERS, Dir, Endpoint, Message, hex, respond, text};

/// The providers' public development secrets, decoded where they are base64.
const CYANITE_KEY: &[u8] = b"hookdev-development-secret-cyanite";
const JEWELMUSIC_KEY: &[u8] = b"hookdev-development-secret-jewelmusic";
const ASPECT_KEY: &[u8] = b"hookdev-development-secret-aspct";

/// The expected signature of a Svix message.
fn svix(id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(ASPECT_KEY).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn cyanite(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha512>::new_from_slice(CYANITE_KEY).unwrap();
    mac.update(body);
    hex(mac.finalize().into_bytes())
}

/// A capture at a path that names no provider.
fn captured(headers: &[(&str, &str)], body: &[u8]) -> String {
    let body = std::str::from_utf8(body).unwrap();
    json!({"request": {"method": "POST", "target": "/", "headers": headers, "body": body}}).to_string()
}

const OLD: &str = "1614265330";
const BODY: &[u8] = b"{ \"event_type\": \"task.failed\", \"n\": 1.0 }\n";

/// Sends a capture of these headers and this body; the output.
fn sent(headers: &[(&str, &str)], body: &[u8], args: &[&str]) -> (Message, String) {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    dir.write("one.json", captured(headers, body));
    let attempt = dir.send("one.json", endpoint.url("/")).args(args).args(["--json", "--now", "1700000000"]).exits(0);
    (endpoint.next(), text(&attempt.line(), "/reason").to_owned())
}

#[test]
fn a_capture_gets_a_new_timestamp_and_signature_and_keeps_the_rest() {
    let signature = svix("msg_old", OLD, BODY);
    let headers = [
        ("svix-id", "msg_old"),
        ("x-first", "1"),
        ("svix-timestamp", OLD),
        ("svix-signature", signature.as_str()),
        ("x-last", "2"),
    ];
    let (request, reason) = sent(&headers, BODY, &["--resign"]);
    assert_eq!(request.body, BODY);
    let renewed = svix("msg_old", "1700000000", BODY);
    let expected = [
        ("svix-id", "msg_old"),
        ("svix-signature", &renewed),
        ("svix-timestamp", "1700000000"),
        ("x-first", "1"),
        ("x-last", "2"),
    ];
    assert_eq!(request.headers_but(&["host", "content-length", "connection", "accept"]), expected);
    assert_eq!(reason, "Aspect expects any 2xx; renewed: svix-timestamp, svix-signature");
}

#[test]
fn unbranded_header_names_are_kept() {
    let signature = svix("msg_old", OLD, BODY);
    let headers = [("webhook-id", "msg_old"), ("webhook-timestamp", OLD), ("webhook-signature", signature.as_str())];
    let (request, _) = sent(&headers, BODY, &["--resign", "--id", "msg_new"]);
    let renewed = svix("msg_new", "1700000000", BODY);
    assert_eq!(request.header("webhook-id"), Some("msg_new"));
    assert_eq!(request.header("webhook-signature"), Some(renewed.as_str()));
    assert_eq!((request.header("svix-id"), request.header("svix-signature")), (None, None));
}

#[test]
fn a_capture_is_signed_again_with_its_own_scheme() {
    let signed = |timestamp: &str, body: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(JEWELMUSIC_KEY).unwrap();
        mac.update(format!("{timestamp}.").as_bytes());
        mac.update(body);
        format!("t={timestamp},v1={}", hex(mac.finalize().into_bytes()))
    };
    let body = b"{\"type\":\"release.live\"}";
    let signature = signed(OLD, body);
    let headers = [("x-jewelmusic-signature", signature.as_str()), ("x-jewelmusic-timestamp", OLD)];
    let (request, reason) = sent(&headers, body, &["--resign"]);
    assert_eq!(request.header("x-jewelmusic-signature"), Some(signed("1700000000", body).as_str()));
    assert_eq!(request.header("x-jewelmusic-timestamp"), Some("1700000000"));
    assert!(reason.ends_with("; renewed: x-jewelmusic-timestamp, x-jewelmusic-signature"), "{reason}");
}

#[test]
fn a_changed_payload_is_signed_again_and_other_fields_stay() {
    let spaced = CYANITE.replace(':', " : ");
    let (request, reason) = sent(&CYANITE_HEADERS, spaced.as_bytes(), &["--set", "resource.id=7"]);
    let expected = spaced.replace("\"999\"", "\"7\"");
    assert_eq!(request.text(), expected);
    assert_eq!(request.header("signature"), Some(cyanite(expected.as_bytes()).as_str()));
    assert_eq!(reason, "Cyanite expects exactly 200; payload changed; renewed: signature");
}

#[test]
fn forms_can_be_changed() {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let (request, reason) =
        sent(&headers, AUPHONIC.as_bytes(), &["--set", "status_string=Nearly done", "--add", "n=1"]);
    assert_eq!(request.text(), AUPHONIC.replace("Done", "Nearly+done") + "&n=1");
    assert_eq!(reason, "Auphonic expects any 2xx; payload changed");
}

#[test]
fn captures_of_unsigned_events_are_sent_unchanged() {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let (request, reason) = sent(&headers, AUPHONIC.as_bytes(), &["--resign"]);
    assert_eq!(request.text(), AUPHONIC);
    assert_eq!(reason, "Auphonic expects any 2xx; unchanged: Auphonic signs nothing");
}

#[test]
fn a_capture_that_cannot_be_signed_is_an_error() {
    let dir = Dir::new();
    for (headers, body, args, error) in [
        (
            &[][..],
            "hello",
            ["--resign", "--quiet"],
            "error: can't sign the captured request: it matches no known provider\nhint: `hookdev verify` shows how the request was parsed, and why no provider matches\n",
        ),
        (
            &CYANITE_HEADERS,
            "hello",
            ["--set", "a=1"],
            "error: cyanite: can't change the payload: the body is neither JSON nor a URL-encoded form\n",
        ),
        (
            &CYANITE_HEADERS,
            "{\"a\":1}",
            ["--set", "b=1"],
            "error: cyanite: there is no `b` in the payload; the nearest is `a`\n",
        ),
    ] {
        dir.write("one.json", captured(headers, body.as_bytes()));
        dir.send("one.json", "http://127.0.0.1:1/").args(args).exits(2).stderr(error);
    }
}

#[test]
fn a_refused_old_capture_gets_a_hint_to_sign_it_again() {
    let dir = Dir::new();
    let listener = dir.listen().starts();
    let signature = svix("msg_old", OLD, BODY);
    let headers = [("svix-id", "msg_old"), ("svix-timestamp", OLD), ("svix-signature", signature.as_str())];
    dir.write("one.json", captured(&headers, BODY));
    let to = listener.url("/aspect");
    let attempt = dir.send("one.json", &to).args(["--json", "--now", "1614265930"]).exits(1).line();
    let reason = "Aspect counts 401 as failed; it expects any 2xx; the capture was signed 10 min ago (add --resign to sign it again with the current time and the configured secret)";
    assert_eq!(attempt["reason"], json!(reason));
    dir.send("one.json", &to).arg("--resign").exits(0);
}
