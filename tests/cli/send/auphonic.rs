//! Auphonic's deliveries: urlencoded first, again after a timeout, and multipart after an error.

use serde_json::{Value, json};

use super::NOT_FOUND;
use crate::harness::{AUPHONIC, Dir, Endpoint, Message, TestCommand, hang, respond, text};

/// The documented delivery.
fn done(dir: &Dir, endpoint: &Endpoint) -> TestCommand {
    dir.send("auphonic.done", endpoint.url("/hooks?token=1")).args(["--id", "zeigtvDv8jH6NaK52Z5eXH", "--json"])
}

fn outcomes(lines: &[Value]) -> Vec<(&Value, &Value, &str)> {
    lines.iter().map(|line| (&line["attempt"], &line["of"], text(line, "/outcome"))).collect()
}

#[track_caller]
fn assert_urlencoded(request: &Message) {
    assert_eq!(request.start, "POST /hooks?token=1 HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("content-length"), Some("55"));
    assert_eq!(request.text(), AUPHONIC);
    assert_eq!(request.header("expect"), None);
}

#[track_caller]
fn assert_multipart(request: &Message) {
    assert_eq!(request.start, "POST /hooks?token=1 HTTP/1.1");
    let boundary = request.header("content-type").unwrap().strip_prefix("multipart/form-data; boundary=").unwrap();
    let (dashes, digits) = boundary.split_at(24);
    assert_eq!(dashes, "-".repeat(24));
    assert_eq!(digits.len(), 16);
    assert!(digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{digits}");
    let field = |name: &str, value: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let expected = [
        field("status", "3"),
        field("status_string", "Done"),
        field("uuid", "zeigtvDv8jH6NaK52Z5eXH"),
        format!("--{boundary}--\r\n"),
    ];
    assert_eq!(request.text(), expected.concat());
    assert_eq!(request.header("content-length"), Some("363"));
    assert_eq!(request.header("expect"), Some("100-continue"));
}

#[test]
fn an_accepted_delivery_is_sent_once_in_the_documented_encoding() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(204)]));
    let lines = done(&dir, &endpoint).exits(0).lines();
    assert_eq!(outcomes(&lines), [(&json!(1), &json!(3), "accepted")]);
    assert_urlencoded(&endpoint.next());
    endpoint.got_no_more();
}

#[test]
fn a_delivery_that_gets_an_error_is_sent_again_as_multipart() {
    for status in [400, 404, 415, 500, 503] {
        let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(status), respond(200)]));
        let lines = done(&dir, &endpoint).exits(0).lines();
        assert_eq!(outcomes(&lines), [(&json!(1), &json!(3), "refused"), (&json!(2), &json!(3), "accepted")]);
        let hint = if status == 404 { NOT_FOUND } else { "" };
        assert_eq!(lines[0]["reason"], format!("Auphonic counts {status} as failed; it expects any 2xx{hint}"));
        assert_urlencoded(&endpoint.next());
        assert_multipart(&endpoint.next());
        endpoint.got_no_more();
    }
}

#[test]
fn a_hint_names_the_encoding_of_its_own_attempt() {
    let express = || respond(400).body("SyntaxError: Unexpected token 's', \"status=3&s\"... is not valid JSON");
    let (dir, endpoint) = (Dir::new(), Endpoint::new([express(), express()]));
    let printed = dir.send("auphonic.done", endpoint.url("/hooks")).exits(1).text().to_owned();
    let hints: Vec<&str> = printed.lines().filter_map(|line| line.trim_start().strip_prefix("hint: ")).collect();
    assert_eq!(hints.len(), 2, "{printed}");
    for (hint, form) in hints.iter().zip(["urlencoded", "multipart"]) {
        let start = format!("the delivery is a {form} form, but the handler parses only JSON: ");
        assert!(hint.starts_with(&start), "{printed}");
    }
}

#[test]
fn a_delivery_that_is_refused_in_both_encodings_has_failed() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(500)]));
    let lines = done(&dir, &endpoint).exits(1).lines();
    assert_eq!(outcomes(&lines), [(&json!(1), &json!(3), "refused"), (&json!(2), &json!(3), "refused")]);
    assert_urlencoded(&endpoint.next());
    assert_multipart(&endpoint.next());
    endpoint.got_no_more();
}

#[test]
fn a_delivery_that_times_out_is_sent_again_in_the_same_encoding() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang(), respond(200)]));
    let lines = done(&dir, &endpoint).args(["--timeout", "2s"]).exits(0).lines();
    assert_eq!(outcomes(&lines), [(&json!(1), &json!(3), "timed-out"), (&json!(2), &json!(3), "accepted")]);
    assert_urlencoded(&endpoint.next());
    assert_urlencoded(&endpoint.next());
    endpoint.got_no_more();
}

#[test]
fn a_delivery_that_times_out_and_is_then_refused_is_sent_as_multipart() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang(), respond(500), respond(200)]));
    let lines = done(&dir, &endpoint).args(["--timeout", "2s"]).exits(0).lines();
    let expected = ["timed-out", "refused", "accepted"];
    assert_eq!(lines.iter().map(|line| text(line, "/outcome")).collect::<Vec<_>>(), expected);
    assert_urlencoded(&endpoint.next());
    assert_urlencoded(&endpoint.next());
    assert_multipart(&endpoint.next());
    endpoint.got_no_more();
}

#[test]
fn a_delivery_that_always_times_out_has_failed() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang()]));
    let lines = done(&dir, &endpoint).args(["--timeout", "500ms"]).exits(1).lines();
    assert_eq!(outcomes(&lines), [(&json!(1), &json!(3), "timed-out"), (&json!(2), &json!(3), "timed-out")]);
}

#[test]
fn a_listener_recognises_the_event_in_both_encodings() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--respond", "500,200"]).starts();
    dir.send("auphonic.done", listener.url("/auphonic")).exits(0);
    for media in ["application/x-www-form-urlencoded", "multipart/form-data"] {
        let delivery = listener.next();
        assert_eq!((text(&delivery, "/event"), text(&delivery, "/verdict")), ("auphonic.done", "unsigned"));
        assert_eq!(delivery["payload"]["status"], "valid");
        let headers = delivery["request"]["headers"].as_array().unwrap();
        let content_type = headers.iter().find(|header| header[0] == "content-type").unwrap();
        assert!(content_type[1].as_str().unwrap().starts_with(media), "{content_type}");
    }
}

#[test]
fn each_uuid_is_22_letters_and_digits_and_new() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let mut uuids: Vec<String> = Vec::new();
    for _ in 0..3 {
        dir.send("auphonic.error", endpoint.url("/")).exits(0);
        let request = endpoint.next();
        let uuid = request.text().strip_prefix("status=2&status_string=Error&uuid=").unwrap().to_owned();
        assert_eq!(uuid.len(), 22);
        assert!(uuid.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{uuid}");
        assert!(!uuids.contains(&uuid), "{uuid} twice");
        uuids.push(uuid);
    }
}
