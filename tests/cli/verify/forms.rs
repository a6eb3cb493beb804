//! The formats of captures, which are detected by their content.

use serde_json::json;

use super::good;
use crate::harness::{
    AUPHONIC, CYANITE, CYANITE_HEADERS, CYANITE_SIGNATURE, Dir, TestCommand, capture, development_warning, text,
};

/// Asserts that a command verifies one Cyanite request.
#[track_caller]
fn verifies(command: TestCommand) {
    let line = command.arg("--json").exits(0).line();
    assert_eq!((text(&line, "/verdict"), text(&line, "/event")), ("verified", "cyanite.v2.finished"));
}

/// A raw message with these line ends.
fn message(end: &str) -> String {
    let lines = [
        "POST /cyanite HTTP/1.1",
        "Host: example.com",
        "Content-Type: application/json",
        &format!("Signature: {CYANITE_SIGNATURE}"),
        "",
        "",
    ];
    format!("{}{CYANITE}", lines.join(end))
}

#[test]
fn an_object_may_have_one_line_or_many() {
    let dir = Dir::new();
    for content in [
        good(),
        capture(&CYANITE_HEADERS, CYANITE).to_string(),
        format!("{:#}", capture(&CYANITE_HEADERS, CYANITE)),
        format!("\u{feff}\n\n{}", good()),
    ] {
        dir.write("one", content);
        verifies(dir.hookdev().args(["verify", "one"]));
    }
}

#[test]
fn a_body_may_be_text_or_base64() {
    let dir = Dir::new();
    let mut as_text = capture(&CYANITE_HEADERS, "");
    as_text["request"].as_object_mut().unwrap().remove("body_base64");
    as_text["request"]["body"] = json!(CYANITE);
    dir.write("one", as_text.to_string());
    verifies(dir.hookdev().args(["verify", "one"]));
}

#[test]
fn a_raw_message_may_have_either_line_end() {
    let dir = Dir::new();
    for end in ["\r\n", "\n"] {
        dir.write("one", message(end));
        verifies(dir.hookdev().args(["verify", "one"]));
    }
}

#[test]
fn a_capture_may_come_from_stdin() {
    let dir = Dir::new();
    for content in [good(), message("\r\n")] {
        verifies(dir.hookdev().args(["verify", "-"]).stdin(content));
    }
    let finished = dir.hookdev().args(["verify", "-"]).stdin("").exits(3);
    finished.stdout("").says("error: - is empty\n");
}

#[test]
fn a_bare_body_is_verified_with_its_headers() {
    let dir = Dir::new();
    dir.write("body", CYANITE);
    let header = format!("Signature: {CYANITE_SIGNATURE}");
    verifies(dir.hookdev().args(["verify", "--body", "body", "--header", &header]));
    verifies(dir.hookdev().args(["verify", "--body", "body", "--header", &header, "--provider", "cyanite"]));
    verifies(dir.hookdev().args(["verify", "--body", "-", "--header", &header]).stdin(CYANITE));
    let changed = dir.hookdev().args(["verify", "--body", "-", "--header", &header, "--json"]);
    let line = changed.stdin(format!("{CYANITE}\n")).exits(1).line();
    assert_eq!(text(&line, "/rejection/code"), "no-matching-signature");
}

#[test]
fn a_missing_body_and_an_invalid_header_are_errors() {
    let dir = Dir::new();
    dir.hookdev().args(["verify", "--body", "missing"]).exits(3).says("error: can't read missing\ncaused by: ");
    dir.write("body", "{}");
    dir.hookdev()
        .args(["verify", "--body", "body", "--header", "nonsense"])
        .exits(2)
        .stderr("error: invalid header `nonsense`: expected `Name: value`\n");
}

#[test]
fn the_provider_flag_overrides_detection() {
    let dir = Dir::new();
    dir.write("one", good());
    let line = dir.hookdev().args(["verify", "one", "--provider", "jewelmusic", "--json"]).exits(1).line();
    assert_eq!((text(&line, "/provider"), text(&line, "/rejection/code")), ("jewelmusic", "missing-header"));
    dir.hookdev()
        .args(["verify", "one", "--provider", "cyanit"])
        .exits(2)
        .says("error: unknown provider `cyanit`; did you mean `cyanite`?");
}

#[test]
fn a_capture_without_a_known_path_is_recognised_by_its_content() {
    let dir = Dir::new();
    let mut elsewhere = capture(&CYANITE_HEADERS, CYANITE);
    elsewhere["request"]["target"] = json!("/hooks/1?x");
    dir.write("one", elsewhere.to_string());
    verifies(dir.hookdev().args(["verify", "one"]));
}

#[test]
fn a_truncated_message_gets_a_warning() {
    let dir = Dir::new();
    let head = format!("POST /cyanite HTTP/1.1\r\nsignature: {CYANITE_SIGNATURE}\r\ncontent-length: 116\r\n\r\n");
    dir.write("cut.http", format!("{head}{}", &CYANITE[..100]));
    let finished = dir.hookdev().args(["verify", "cut.http"]).exits(1);
    finished.prints("  warning: the body is truncated: 100 B of its content-length 116\n");
}

#[test]
fn a_header_that_was_sent_twice_is_ambiguous() {
    let dir = Dir::new();
    let mut twice = capture(&CYANITE_HEADERS, CYANITE);
    let pair = json!(CYANITE_HEADERS[1]);
    twice["request"]["headers"].as_array_mut().unwrap().push(pair);
    dir.write("one", twice.to_string());
    let line = dir.hookdev().args(["verify", "one", "--json"]).exits(1).line();
    assert_eq!(text(&line, "/rejection/code"), "ambiguous-header");
}

#[test]
fn a_message_without_a_signature_is_verified_too() {
    let dir = Dir::new();
    dir.write("one", format!("POST / HTTP/1.1\ncontent-type: application/x-www-form-urlencoded\n\n{AUPHONIC}"));
    let line = dir.hookdev().args(["verify", "one", "--json"]).exits(0).line();
    assert_eq!((text(&line, "/event"), text(&line, "/payload/status")), ("auphonic.done", "valid"));
}

#[test]
fn a_line_of_65_mib_is_too_large_and_hides_no_other() {
    let dir = Dir::new();
    let long = format!("{{\"request\":\"{}\"}}\n", "x".repeat(65 << 20));
    dir.write("log.ndjson", [good(), long, good()].concat());
    let finished = dir.hookdev().args(["verify", "log.ndjson", "--json"]).exits(3);
    assert_eq!(finished.lines().len(), 2);
    finished.says("error: log.ndjson: line 2: larger than 64 MiB\n");
}

/// Variable bombs: 700 bytes and 1,800 bytes that expand to 128 GiB, and half a megabyte that expands to 12 GiB.
#[test]
fn variables_that_expand_to_gigabytes_are_unreadable_and_hide_no_other_capture() {
    let dir = Dir::new();
    let doubled = |number: usize| format!("{{{{v{0}}}}}{{{{v{0}}}}}", number - 1);
    let values = (0..=34).map(|number| if number == 0 { "xxxxxxxx".to_owned() } else { doubled(number) });
    let values: Vec<String> = values.collect();
    let lines: Vec<String> = values.iter().enumerate().map(|(number, value)| format!("@v{number}={value}\n")).collect();
    dir.write("bomb.http", format!("{}\nPOST http://h/\nA: b\n\n{{{{v34}}}}\n", lines.concat()));
    let variables: Vec<_> =
        values.iter().enumerate().map(|(number, value)| json!({"key": format!("v{number}"), "value": value})).collect();
    let request = json!({"method": "POST", "url": "http://h/", "body": {"mode": "raw", "raw": "{{v34}}"}});
    let info = json!({"name": "n", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"});
    dir.write("bomb.json", json!({"info": info, "item": [{"request": request}], "variable": variables}).to_string());
    let (value, uses) = ("x".repeat(256 << 10), "{{a}}".repeat(50_000));
    dir.write("level.http", format!("POST http://h/\nA: b\n\n{uses}\n###\n@a={value}\n"));
    dir.write("good.json", good());
    for (bomb, at, limit) in [("bomb.http", 40, 1), ("bomb.json", 1, 1), ("level.http", 4, 31)] {
        let verified = dir.hookdev().args(["verify", bomb, "good.json"]).exits(3);
        verified.stderr(&format!(
            "error: {bomb}: line {at}: expected variables that add at most {limit} MiB\n{}1 request: 1 verified (development); \
             1 unreadable\n",
            development_warning(1)
        ));
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_that_stays_silent_is_named() {
    let dir = Dir::new();
    assert!(std::process::Command::new("mkfifo").arg(dir.join("pipe")).status().unwrap().success());
    let signature = format!("signature: {CYANITE_SIGNATURE}");
    for (args, content) in [
        (&["pipe"][..], good()),
        (&["--provider", "cyanite", "--body", "pipe", "--header", &signature], CYANITE.into()),
    ] {
        let mut verifying = dir.hookdev().arg("verify").args(args).in_background();
        verifying.says("note: waiting for data from the pipe pipe\n");
        std::fs::write(dir.join("pipe"), content).unwrap();
        verifying.exits(0);
    }
}
