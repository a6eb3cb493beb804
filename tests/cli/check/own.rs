//! User-defined providers, whose cases come from the manifest alone.

use super::{Handler, Reply, Report, check};
use crate::harness::{Dir, hex, text};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const MANIFEST: &str = r#"
name = "acme"
title = "Acme"
about = "A test"
[secret]
development = "acme-secret"
[[scheme]]
name = "only"
algorithm = "hmac-sha256"
content = "{timestamp}.{body}"
signature = { header = "acme-signature", value = "t={timestamp},v1={hex}", separator = "," }
timestamp = { unit = "s", tolerance = { past = "2m", future = "10s" } }
[delivery]
success = ["202"]
[[event]]
name = "made"
about = "Something was made"
match = { type = "made" }
schema = "made"
"#;

const SCHEMA: &str = r#"{"$defs":{"made":{"type":"object","required":["type","price"],
    "properties":{"type":{"const":"made"},"price":{"type":"number"},"count":{"type":"integer"},"name":{"type":"string"}}}}}"#;

fn dir() -> Dir {
    let dir = Dir::new();
    dir.write("acme/provider.toml", MANIFEST);
    dir.write("acme/schema.json", SCHEMA);
    dir.write("acme/events/made.json", r#"{ "type": "made", "price": 12, "count": 3, "name": "Café / Bar" }"#);
    dir
}

/// The status of a correct handler, written without hookdev's code.
fn acme(header: &str, body: &[u8], now: u64) -> u16 {
    let value_of = |key: &'static str| header.split(',').filter_map(move |entry| entry.strip_prefix(key));
    let Some(time) = value_of("t=").next() else { return 400 };
    let mut mac = Hmac::<Sha256>::new_from_slice(b"acme-secret").unwrap();
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    let expected = hex(mac.finalize().into_bytes());
    let Ok(time) = time.parse::<i64>() else { return 400 };
    let age = i64::try_from(now).unwrap() - time;
    if value_of("v1=").any(|given| given == expected) && (-10..=120).contains(&age) { 202 } else { 403 }
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn a_user_defined_provider_has_every_case_that_its_manifest_allows() {
    let dir = dir();
    let handler = Handler::new(|message| {
        Reply::Status(acme(message.header("acme-signature").unwrap_or_default(), &message.body, now()))
    });
    let report = Report::of(&check(&dir, &handler.url("/acme")).args(["--providers", "acme"]).exits(0));
    assert_eq!((report.failed(), report.skipped(), report.passed()), (vec![], vec!["header-missing"], 22));
    assert_eq!(text(report.case("burst"), "/expected"), "202");
    let list = dir.hookdev().args(["check", "--list", "--provider", "acme", "--providers", "acme"]).exits(0);
    list.prints("signed 4 min ago ").prints("signed 1 min 10 s in the future ");
}

#[test]
fn a_number_gets_a_fraction_only_where_the_schema_allows_it() {
    let dir = dir();
    let handler = Handler::new(|message| {
        let body = String::from_utf8_lossy(&message.body);
        assert!(
            !body.contains("\"count\"")
                || body.contains("\"count\":3")
                || body.contains("\"count\": 3")
                || body.contains("\"count\" : 3")
                || body.contains("ount\":3"),
            "{body}"
        );
        // Fails on 12.0 alone, as a handler that verifies the output of JSON.stringify does.
        let status = acme(message.header("acme-signature").unwrap_or_default(), &message.body, now());
        Reply::Status(if body.contains("12.0") { 403 } else { status })
    });
    let finished = check(&dir, &handler.url("/acme")).args(["--providers", "acme"]).exits(1);
    let report = Report::of(&finished);
    assert_eq!(report.failed(), ["body-reserialised"], "{finished}");
    assert!(text(report.case("body-reserialised"), "/message").starts_with("1.0 and 1e0 instead of 1: "));
}

#[test]
fn a_token_does_not_protect_the_body() {
    let dir = Dir::new();
    let manifest = MANIFEST
        .replace("hmac-sha256", "token")
        .replace("t={timestamp},v1={hex}\", separator = \",\"", "{token}\"")
        .replace("content = \"{timestamp}.{body}\"", "content = \"{body}\"");
    let manifest: String =
        manifest.lines().filter(|line| !line.starts_with("timestamp")).flat_map(|line| [line, "\n"]).collect();
    dir.write("acme/provider.toml", manifest);
    dir.write("acme/schema.json", SCHEMA);
    dir.write("acme/events/made.json", r#"{ "type": "made", "price": 12 }"#);
    let handler = Handler::new(|message| {
        Reply::Status(if message.header("acme-signature") == Some("acme-secret") { 202 } else { 401 })
    });
    let report = Report::of(&check(&dir, &handler.url("/acme")).args(["--providers", "acme"]).exits(0));
    let skipped = [
        "body-reserialised",
        "body-tampered",
        "header-missing",
        "timestamp-garbage",
        "timestamp-stale",
        "timestamp-future",
        "signature-rotated",
        "version-unknown",
    ];
    assert_eq!((report.failed(), report.skipped()), (vec![], skipped.to_vec()));
    let why = "Acme does not sign the body: a changed one can't be distinguished from the original";
    assert_eq!(text(report.case("body-tampered"), "/message"), why);
}
