//! Handlers that fail on unusual values: text, sizes, headers, times. Each stands for a report from the field.

use serde_json::Value;

use super::{
    Handler, Reply, Report, check, fails,
    handler::{aspect, aspect_entries, aspect_signature, aspect_signed, cyanite, cyanite_signed, is_cyanite_test},
};
use crate::harness::{Dir, Message, text};

/// The status of a Cyanite handler that verifies these bytes instead of those that were sent.
fn cyanite_of(message: &Message, bytes: &[u8]) -> u16 {
    if is_cyanite_test(message) || cyanite_signed(message, bytes) { 200 } else { 401 }
}

#[test]
fn one_that_reads_the_body_as_ascii_or_latin_1_is_found() {
    // Node's buffer.toString('ascii') takes the high bit off each byte.
    let ascii = Handler::new(|message| {
        let bytes: Vec<u8> = message.body.iter().map(|byte| byte & 0x7f).collect();
        Reply::Status(cyanite_of(message, &bytes))
    });
    // buffer.toString('latin1'), which hmac.update encodes as UTF-8.
    let latin = Handler::new(|message| {
        let text: String = message.body.iter().map(|byte| char::from(*byte)).collect();
        Reply::Status(cyanite_of(message, text.as_bytes()))
    });
    for handler in [ascii, latin] {
        let report = fails(&handler, "/cyanite", &["body-unicode"], "it decodes the body as ASCII or Latin-1");
        let message = "Latin-1 letters: Cyanite counts 401 as failed; it expects exactly 200";
        assert_eq!(text(report.case("body-unicode"), "/message"), message);
    }
}

#[test]
fn one_that_stores_no_emoji_is_found() {
    let handler = Handler::new(|message| {
        // A character of four bytes.
        Reply::Status(if message.body.iter().any(|byte| *byte >= 0xf0) { 500 } else { cyanite(message) })
    });
    let report = fails(&handler, "/cyanite", &["body-unicode"], "MySQL's utf8; use utf8mb4");
    assert!(text(report.case("body-unicode"), "/message").starts_with("emoji: Cyanite counts 500 as failed"));
}

#[test]
fn one_that_limits_the_body_is_found_and_the_largest_that_it_took_is_named() {
    let handler =
        Handler::new(|message| Reply::Status(if message.body.len() > 100 << 10 { 413 } else { cyanite(message) }));
    let report = fails(&handler, "/cyanite", &["body-large"], "express.raw({ type: '*/*', limit: '2mb' })");
    let message = "256 KiB: Cyanite counts 413 as failed; it expects exactly 200; 64 KiB was accepted";
    assert_eq!(text(report.case("body-large"), "/message"), message);
}

#[test]
fn one_that_loses_empty_values_is_found() {
    let handler = Handler::new(|message| {
        // PHP's json_decode makes a list of an empty object.
        let body = String::from_utf8_lossy(&message.body).replace("{}", "[]");
        Reply::Status(cyanite_of(message, body.as_bytes()))
    });
    fails(&handler, "/cyanite", &["body-empty-values"], "rejects empty values, or loses them before it verifies");
}

#[test]
fn one_that_parses_before_it_verifies_is_found() {
    let handler = Handler::new(|message| {
        let parses = serde_json::from_slice::<Value>(&message.body).is_ok();
        Reply::Status(if parses { cyanite(message) } else { 500 })
    });
    let report = fails(&handler, "/cyanite", &["body-malformed"], "verify the signature before you parse the body");
    let message =
        "the first half: failed (500) instead of rejecting the request with a 4xx: it is unsigned and not even JSON";
    assert_eq!(text(report.case("body-malformed"), "/message"), message);
}

#[test]
fn one_that_assumes_the_other_headers_is_found() {
    let handler = Handler::new(|message| {
        Reply::Status(if message.header("svix-timestamp").is_none() { 500 } else { aspect(message) })
    });
    let report = fails(&handler, "/aspect", &["header-missing"], "check that each signed header exists");
    let message =
        "without svix-timestamp: failed (500) instead of rejecting the request with a 4xx: a signed header is missing";
    assert_eq!(text(report.case("header-missing"), "/message"), message);
}

/// Whether the signature fits, however old the request is.
fn fits(message: &Message) -> bool {
    aspect_entries(message).contains(&("v1", &aspect_signature(message)))
}

fn now() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_secs_f64()
}

#[test]
fn one_that_compares_with_nan_is_found() {
    let handler = Handler::new(|message| {
        let time = message.header("svix-timestamp").unwrap_or_default().parse().unwrap_or(f64::NAN);
        // As in JavaScript, every comparison with NaN is false.
        let rejects = !fits(message) || (now() - time).abs() > 300.0;
        Reply::Status(if rejects { 401 } else { 200 })
    });
    let report = fails(&handler, "/aspect", &["timestamp-garbage"], "every comparison with NaN is false");
    let message = "a word: accepted (200) although its timestamp is not a time";
    assert_eq!(text(report.case("timestamp-garbage"), "/message"), message);
}

#[test]
fn one_that_crashes_on_a_garbage_timestamp_is_found() {
    let handler = Handler::new(|message| {
        let is_number = message.header("svix-timestamp").is_none_or(|time| time.parse::<i64>().is_ok());
        Reply::Status(if is_number { aspect(message) } else { 500 })
    });
    fails(&handler, "/aspect", &["timestamp-garbage"], "int() and datetime.fromtimestamp() raise an exception");
}

#[test]
fn one_that_accepts_deliveries_from_the_future_is_found() {
    let handler = Handler::new(|message| {
        let time = message.header("svix-timestamp").unwrap_or_default().parse::<f64>();
        let is_fresh = time.is_ok_and(|time| now() - time <= 300.0);
        Reply::Status(if fits(message) && is_fresh { 200 } else { 401 })
    });
    let cases = ["timestamp-garbage", "timestamp-future"];
    let hint = "rejects old deliveries but none from the future";
    fails(&handler, "/aspect", &cases, hint);
    // A comparison with NaN is the cause of one of the two alone.
    let handler = Handler::new(|message| {
        let time = message.header("svix-timestamp").unwrap_or_default().parse().unwrap_or(f64::NAN);
        let rejects = !fits(message) || now() - time > 300.0;
        Reply::Status(if rejects { 401 } else { 200 })
    });
    let dir = Dir::new();
    let report = Report::of(&check(&dir, &handler.url("/aspect")).args(["--case", "timestamp-*"]).exits(1));
    assert_eq!(report.failed(), cases);
    for (case, hint) in cases.into_iter().zip(["every comparison with NaN is false", hint]) {
        let said = text(report.case(case), "/hint");
        assert!(said.contains(hint), "{case}: {said}");
    }
}

#[test]
fn a_status_that_says_nothing_about_the_signature_is_no_rejection() {
    for status in [404, 405, 410, 429] {
        let handler = Handler::new(move |message| Reply::Status(if aspect_signed(message) { 200 } else { status }));
        let dir = Dir::new();
        let report = Report::of(&check(&dir, &handler.url("/aspect")).args(["--case", "secret-wrong"]).exits(1));
        let message = text(report.case("secret-wrong"), "/message");
        assert!(message.starts_with(&format!("{status} means that ")), "{message}");
        assert!(
            message.ends_with("does not show that the signature was checked (it is signed with a different secret)")
        );
    }
}

#[test]
fn with_several_secrets_a_handler_must_accept_each() {
    let dir = Dir::new();
    let handler = Handler::new(|message| Reply::Status(cyanite(message)));
    let secrets = ["--secret", "cyanite=hookdev-development-secret-cyanite", "--secret", "cyanite=env:NEXT"];
    let run = |secrets: &[&str]| {
        check(&dir, &handler.url("/cyanite"))
            .args(["--case", "signature-rotated"])
            .args(secrets)
            .env("NEXT", "another")
            .exits(1)
    };
    let report = Report::of(&run(&secrets));
    let case = report.case("signature-rotated");
    let message = "signed with secret 2 of 2 (env:NEXT): Cyanite counts 401 as failed; it expects exactly 200";
    assert_eq!(text(case, "/message"), message);
    assert!(text(case, "/hint").contains("keep both, verify with each"), "{case}");
    // The other way round, the first delivery is rejected.
    let report = Report::of(&run(&[&secrets[2..], &secrets[..2]].concat()));
    let hint = text(report.event("cyanite.v2.finished"), "/hint");
    assert!(hint.starts_with("the handler accepts the same delivery signed with secret 2 (development), and not with secret 1 (env:NEXT): "), "{hint}");
}
