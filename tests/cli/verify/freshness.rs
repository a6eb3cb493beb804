//! The age of a capture when it was received.

use serde_json::{Value, json};

use crate::harness::{Dir, TestCommand};

/// Writes a capture of Aspect's `task.failed`, signed at noon on 2025-01-01 and received at this time.
fn received(dir: &Dir, name: &str, at: Option<&str>) {
    let command = ["send", "aspect.task.failed", "--print", "json", "--now", "2025-01-01T12:00:00Z"];
    let mut request = dir.hookdev().args(command).exits(0).line();
    request["target"] = json!("/aspect");
    let mut capture = json!({"kind": "delivery", "hookdev": 1, "request": request});
    if let Some(at) = at {
        capture["received_at"] = json!(at);
    }
    dir.write(name, capture.to_string());
}

/// The rejection code of a capture; null if it is verified.
#[track_caller]
fn rejection(command: TestCommand, exit: i32) -> Value {
    command.arg("--json").exits(exit).line()["rejection"]["code"].take()
}

#[test]
fn age_is_checked_at_the_time_of_receipt_that_the_capture_records() {
    let dir = Dir::new();
    for (at, exit, code) in [
        ("2025-01-01T12:00:00Z", 0, Value::Null),
        ("2025-01-01T12:05:00Z", 0, Value::Null),
        ("2025-01-01T12:05:00.999Z", 0, Value::Null),
        ("2025-01-01T12:05:01Z", 1, json!("timestamp-too-old")),
        ("2025-01-01T11:55:00Z", 0, Value::Null),
        ("2025-01-01T11:54:59Z", 1, json!("timestamp-too-new")),
        ("2025-01-01T13:00:00+01:00", 0, Value::Null),
    ] {
        received(&dir, "one.json", Some(at));
        assert_eq!(rejection(dir.hookdev().args(["verify", "one.json"]), exit), code, "{at}");
    }
}

#[test]
fn json_says_whether_the_age_was_checked() {
    let dir = Dir::new();
    let freshness = |exit| dir.hookdev().args(["verify", "one.json", "--json"]).exits(exit).line()["freshness"].take();
    received(&dir, "one.json", Some("2025-01-01T12:00:00Z"));
    assert_eq!(freshness(0), "checked");
    received(&dir, "one.json", Some("2025-01-02T12:00:00Z"));
    assert_eq!(freshness(1), "checked");
    received(&dir, "one.json", None);
    assert_eq!(freshness(0), "not-checked");
    dir.write("one.json", dir.read("one.json").replace("task.failed", "task.other"));
    assert_eq!(freshness(1), "not-checked");
}

#[test]
fn without_a_time_of_receipt_the_age_is_not_checked() {
    let dir = Dir::new();
    received(&dir, "one.json", None);
    dir.hookdev()
        .args(["verify", "one.json"])
        .exits(0)
        .stdout("verified (development)  aspect.task.failed  one.json  (age not checked)\n");
    let mut null: Value = serde_json::from_str(&dir.read("one.json")).unwrap();
    null["received_at"] = Value::Null;
    dir.write("one.json", null.to_string());
    dir.hookdev().args(["verify", "one.json"]).exits(0).prints("age not checked");
}

#[test]
fn another_time_can_be_given() {
    let dir = Dir::new();
    received(&dir, "without.json", None);
    received(&dir, "late.json", Some("2025-01-02T12:00:00Z"));
    let verify = |file: &str, at: &str| dir.hookdev().args(["verify", file, "--at", at]);
    assert_eq!(rejection(verify("without.json", "2025-01-01T12:00:30Z"), 0), Value::Null);
    assert_eq!(rejection(verify("without.json", "1735732801"), 0), Value::Null);
    assert_eq!(rejection(verify("without.json", "2025-01-01T12:30:00Z"), 1), "timestamp-too-old");
    assert_eq!(rejection(verify("without.json", "now"), 1), "timestamp-too-old");
    assert_eq!(rejection(verify("late.json", "received"), 1), "timestamp-too-old");
    assert_eq!(rejection(verify("late.json", "2025-01-01T12:00:30Z"), 0), Value::Null);
    verify("late.json", "noon").exits(2).says("invalid time `noon`");
}

#[test]
fn a_request_signed_just_now_is_fresh() {
    let dir = Dir::new();
    let message = dir.hookdev().args(["send", "aspect.task.failed", "--print", "http"]).exits(0).stdout;
    dir.hookdev()
        .args(["verify", "-", "--at", "now"])
        .stdin(message)
        .exits(0)
        .stdout("verified (development)  aspect.task.failed  -\n");
}

#[test]
fn another_tolerance_can_be_given() {
    let dir = Dir::new();
    received(&dir, "hour.json", Some("2025-01-01T13:00:00Z"));
    let verify = |tolerance: &str| dir.hookdev().args(["verify", "hour.json", "--tolerance", tolerance]);
    assert_eq!(rejection(verify("1h"), 0), Value::Null);
    assert_eq!(rejection(verify("59m"), 1), "timestamp-too-old");
    received(&dir, "second.json", Some("2025-01-01T11:59:59Z"));
    let verify = |tolerance: &str| dir.hookdev().args(["verify", "second.json", "--tolerance", tolerance]);
    assert_eq!(rejection(verify("1s"), 0), Value::Null);
    assert_eq!(rejection(verify("500ms"), 1), "timestamp-too-new");
    verify("5").exits(2).says("invalid duration `5`: use a number and a unit, such as `500ms`, `4s`, `5m` or `2h`");
}

#[test]
fn a_mismatched_body_is_not_reported_as_too_old() {
    let dir = Dir::new();
    received(&dir, "late.json", Some("2025-01-02T12:00:00Z"));
    let mut tampered: Value = serde_json::from_str(&dir.read("late.json")).unwrap();
    tampered["request"]["body"] = json!("{}");
    dir.write("late.json", tampered.to_string());
    assert_eq!(rejection(dir.hookdev().args(["verify", "late.json"]), 1), "no-matching-signature");
}

#[test]
fn without_a_signed_timestamp_the_age_is_not_checked() {
    let dir = Dir::new();
    let message = dir.hookdev().args(["send", "cyanite.v2.finished", "--print", "http"]).exits(0).stdout;
    dir.write("one.http", message);
    for at in ["1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z"] {
        dir.hookdev()
            .args(["verify", "one.http", "--at", at])
            .exits(0)
            .stdout("verified (development)  cyanite.v2.finished  one.http\n");
    }
}

#[test]
fn an_invalid_time_of_receipt_makes_the_input_unreadable() {
    let dir = Dir::new();
    received(&dir, "one.json", Some("yesterday"));
    let finished = dir.hookdev().args(["verify", "one.json"]).exits(3);
    finished.says("error: one.json: line 1: expected an RFC 3339 time in `received_at`, found ").says("yesterday");
}

#[test]
fn a_timestamp_that_is_far_away_in_another_unit_is_only_too_old() {
    let dir = Dir::new();
    // Every time in the future is allowed, and these milliseconds are seconds of the year 52,378.
    let manifest = r#"
name = "harbor"
title = "Harbor"
about = "A test"
[secret]
development = "hookdev-development-secret-harbor"
[[scheme]]
name = "only"
algorithm = "hmac-sha256"
content = "{timestamp}.{body}"
signature = { header = "x-harbor-signature", value = "{hex}" }
timestamp = { header = "x-harbor-time", unit = "ms", tolerance = { past = "5m", future = "any" } }
[delivery]
success = ["2xx"]
[[event]]
name = "storm"
about = "A storm"
present = ["wind"]
"#;
    dir.write("harbor/provider.toml", manifest);
    dir.write("harbor/events/storm.json", r#"{"wind":11}"#);
    let found = |sent: &str| {
        let send = ["--providers", "harbor", "send", "harbor.storm", "--print", "http", "--now", sent];
        let printed = dir.hookdev().args(send).exits(0).stdout;
        let verify = ["--providers", "harbor", "verify", "-", "--at", "2026-06-01T00:00:00Z", "--json"];
        let line = dir.hookdev().args(verify).stdin(printed).exits(1).line();
        (line["rejection"]["code"].clone(), line["findings"].clone())
    };
    assert_eq!(found("2020-06-01T00:00:00Z"), ("timestamp-too-old".into(), json!([])));
}
