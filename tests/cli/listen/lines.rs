//! The JSON line of a delivery: its keys, and the exact request.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::harness::{
    CYANITE, CYANITE_HEADERS, CYANITE_SIGNATURE, Connection, Dir, Endpoint, Gate, Listener, gzip, keys, post, respond,
    text,
};

#[test]
fn the_first_line_contains_the_url() {
    let finished = Dir::new().listen().args(["--timeout", "10ms"]).exits(0);
    let ready = finished.line();
    assert_eq!(keys(&ready), ["inspector", "kind", "registered", "tunnel", "url"]);
    assert_eq!((&ready["kind"], &ready["inspector"], &ready["tunnel"]), (&json!("ready"), &Value::Null, &Value::Null));
    let port = text(&ready, "/url").strip_prefix("http://127.0.0.1:").unwrap();
    assert_ne!(port.parse::<u16>().unwrap(), 0);
}

#[test]
fn a_delivery_has_exactly_its_keys() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([respond(200)]);
    let forward = endpoint.url("/");
    let mut listener = dir.listen().args(["--forward", &forward, "--capture", "captures"]).starts();
    let (_, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, "{}");
    let expected = [
        "capture",
        "event",
        "findings",
        "forwards",
        "handshake",
        "hookdev",
        "kind",
        "payload",
        "provider",
        "received_at",
        "rejection",
        "repeat",
        "request",
        "response",
        "secret",
        "seq",
        "verdict",
        "warnings",
    ];
    assert_eq!(keys(&delivery), expected);
    assert_eq!(keys(&delivery["rejection"]), ["code", "message"]);
    assert_eq!(keys(&delivery["payload"]), ["errors", "status"]);
    assert_eq!(keys(&delivery["request"]), ["body", "headers", "method", "target"]);
    assert_eq!(keys(&delivery["response"]), ["elapsed_ms", "status"]);
    assert_eq!(keys(&delivery["forwards"][0]), ["elapsed_ms", "error", "status", "url"]);
    assert_eq!((&delivery["hookdev"], &delivery["seq"]), (&json!(1), &json!(1)));
}

#[test]
fn a_verified_delivery_is_printed_completely() {
    let mut listener = Dir::new().listen().args(["--now", "2025-01-01T12:00:00.5Z"]).starts();
    let (_, mut delivery) = listener.receives("/cyanite?a=b%20c", &CYANITE_HEADERS, CYANITE);
    let elapsed = delivery["response"]["elapsed_ms"].take();
    assert!(elapsed.as_f64().is_some_and(|elapsed| (0.0..60_000.0).contains(&elapsed)), "{elapsed}");
    let host = listener.url("").strip_prefix("http://").unwrap().to_owned();
    assert_eq!(
        delivery,
        json!({
            "kind": "delivery", "hookdev": 1, "seq": 1, "received_at": "2025-01-01T12:00:00.500Z",
            "provider": "cyanite", "event": "cyanite.v2.finished", "handshake": false, "repeat": null, "verdict": "verified", "rejection": null,
            "secret": "development", "payload": {"status": "valid", "errors": []}, "findings": [], "warnings": [],
            "request": {
                "method": "POST", "target": "/cyanite?a=b%20c",
                "headers": [
                    ["host", host], ["content-type", "application/json"], ["signature", CYANITE_SIGNATURE],
                    ["content-length", "116"],
                ],
                "body": CYANITE,
            },
            "response": {"status": 200, "elapsed_ms": null}, "forwards": [], "capture": null,
        })
    );
}

#[test]
fn deliveries_are_numbered_in_order() {
    let mut listener = Dir::new().listen().starts();
    for seq in 1..=5 {
        let (_, delivery) = listener.receives("/", &[], "x");
        assert_eq!(delivery["seq"], seq);
    }
}

/// Posts a body and returns the request of its line.
#[track_caller]
fn request(listener: &mut Listener, headers: &[(&str, &str)], body: &[u8]) -> Value {
    listener.receives("/", headers, body).1["request"].take()
}

#[test]
fn a_utf_8_body_is_text_and_any_other_is_base64() {
    let mut listener = Dir::new().listen().starts();
    for body in ["", "{}", "\u{feff}{\"a\":1e400}\r\n", "ü\u{0}\u{1b}\u{2028}\u{202e}😀", "\"\\u00e9\\/\""] {
        assert_eq!(request(&mut listener, &[], body.as_bytes())["body"], body);
    }
    let every_byte: Vec<u8> = (0..=255).collect();
    for body in [&b"\xff"[..], b"ok\xc3", b"\xed\xa0\x80", &every_byte] {
        let request = request(&mut listener, &[], body);
        assert_eq!(keys(&request), ["body_base64", "headers", "method", "target"]);
        assert_eq!(text(&request, "/body_base64"), BASE64_STANDARD.encode(body));
    }
}

#[test]
fn a_body_of_a_megabyte_is_not_cut() {
    let mut listener = Dir::new().listen().starts();
    let body = format!("{{\"long\":\"{}\"}}", "ü".repeat(1 << 19));
    assert_eq!(request(&mut listener, &[], body.as_bytes())["body"], body);
}

#[test]
fn a_chunked_body_is_joined() {
    let mut listener = Dir::new().listen().starts();
    let mut connection = Connection::to(&listener.url(""));
    let head = format!(
        "POST /cyanite HTTP/1.1\r\nhost: x\r\nsignature: {CYANITE_SIGNATURE}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    connection.write(head).unwrap();
    for part in CYANITE.as_bytes().chunks(7) {
        let chunk = [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
        connection.write(chunk).unwrap();
    }
    connection.write("0\r\n\r\n").unwrap();
    assert_eq!(connection.response().unwrap().status(), 200);
    let delivery = listener.next();
    assert_eq!((text(&delivery, "/verdict"), text(&delivery, "/request/body")), ("verified", CYANITE));
}

#[test]
fn headers_keep_every_value_and_bytes_outside_ascii_are_latin_1() {
    let mut listener = Dir::new().listen().starts();
    let sent = [("X-Tag", "b"), ("x-tag", "a"), ("x-empty", ""), ("x-latin", "Zo\u{eb} \u{a0}\u{9b}\u{ff}")];
    let request = request(&mut listener, &sent, b"");
    let headers = request["headers"].as_array().unwrap();
    let found: Vec<(&str, &str)> = headers.iter().map(|header| (text(header, "/0"), text(header, "/1"))).collect();
    assert_eq!(found[1..5], sent);
}

#[test]
fn a_compressed_body_is_kept_compressed_and_its_payload_is_read() {
    let dir = Dir::new();
    let mut listener = dir.listen().starts();
    let compressed = gzip(CYANITE.as_bytes());
    dir.write("body.gz", &compressed);
    dir.send("cyanite.v2.finished", listener.url("/cyanite"))
        .args(["--data", "body.gz", "--header", "Content-Encoding: gzip"])
        .exits(0);
    let delivery = listener.next();
    assert_eq!((text(&delivery, "/verdict"), text(&delivery, "/event")), ("verified", "cyanite.v2.finished"));
    assert_eq!(text(&delivery, "/payload/status"), "valid");
    assert_eq!(text(&delivery, "/request/body_base64"), BASE64_STANDARD.encode(&compressed));
}

#[test]
fn a_body_with_a_wrong_content_encoding_gets_a_warning() {
    let mut listener = Dir::new().listen().starts();
    let encoded = [("content-encoding", "gzip"), ("signature", CYANITE_SIGNATURE)];
    let (response, delivery) = listener.receives("/cyanite", &encoded, CYANITE);
    // The signature covers the bytes as sent.
    assert_eq!((response.status(), text(&delivery, "/verdict")), (200, "verified"));
    assert_eq!(delivery["event"], Value::Null);
    assert!(text(&delivery, "/warnings/0").starts_with("can't decompress the body: "), "{delivery}");
    let (_, delivery) = listener.receives("/cyanite", &[("content-encoding", "br")], CYANITE);
    let warning = "unsupported content-encoding `br`";
    assert_eq!(text(&delivery, "/warnings/0"), warning);
}

#[test]
fn a_decompression_bomb_is_not_decoded_to_its_end() {
    let mut listener = Dir::new().listen().starts();
    let bomb = gzip(&vec![b' '; 65 << 20]);
    assert!(bomb.len() < 100_000);
    let (response, delivery) = listener.receives("/cyanite", &[("content-encoding", "gzip")], &bomb);
    assert_eq!(response.status(), 401);
    assert_eq!(text(&delivery, "/warnings/0"), "the decoded body is larger than 67108864 bytes");
}

#[test]
fn a_delivery_whose_sender_disconnects_early_is_still_handled() {
    let dir = Dir::new();
    let gate = Gate::default();
    let endpoint = Endpoint::new([respond(200).behind(&gate)]);
    let mut listener = dir.listen().args(["--forward", &endpoint.url("/")]).starts();
    let mut connection = Connection::to(&listener.url(""));
    let request = crate::harness::request("POST", &listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE);
    connection.write(request).unwrap();
    endpoint.next();
    drop(connection);
    gate.open();
    let delivery = listener.next();
    assert_eq!((text(&delivery, "/event"), text(&delivery, "/verdict")), ("cyanite.v2.finished", "verified"));
    assert_eq!(delivery["forwards"][0]["status"], 200);
}

#[test]
fn an_incomplete_body_is_not_a_delivery() {
    let mut listener = Dir::new().listen().starts();
    let mut connection = Connection::to(&listener.url(""));
    connection.write("POST /cyanite HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"a\":").unwrap();
    drop(connection);
    listener
        .says("warning: POST /cyanite: the body is incomplete: the sender closed the connection after 5 bytes of it\n");
    assert_eq!(post(&listener.url("/"), &[], "next").status(), 200);
    assert_eq!(text(&listener.next(), "/request/body"), "next");
}
