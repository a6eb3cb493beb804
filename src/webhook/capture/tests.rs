//! The format to the byte, and that what is written is read back.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::webhook::{
    assessment::Assessment,
    diagnose::{Code, Finding},
    record::{ForwardFailure, ForwardFailureKind, Forwarded},
    remedy::Remedy,
    request::{self, HeaderName, HeaderValue, Method},
};

/// 2025-01-01T12:00:00.123Z.
const TIME: Timestamp = Timestamp::from_unix_millis(1_735_732_800_123);

fn request() -> Request {
    let headers = [("content-type", "application/json"), ("x-name", "\u{fc}")];
    let headers = headers.map(|(name, text)| (HeaderName::from_static(name), request::value(text).unwrap()));
    Request {
        method: Method::POST,
        target: "/aspect?x=1".to_owned(),
        headers: headers.into_iter().collect(),
        body: Bytes::from_static(b"{\"a\":\"\x1b\"}"),
    }
}

fn delivery(request: Request) -> Delivery {
    let finding = Finding {
        code: Code::BodyBom,
        message: "a mark \"came\"".into(),
        remedy: Remedy::CheckAgeAtReceipt,
        detail: None,
    };
    Delivery {
        seq: 7,
        received_at: TIME,
        repeat: None,
        request,
        assessment: Assessment { findings: vec![finding], ..Assessment::unrecognised(vec!["odd".to_owned().into()]) },
        status: 200,
        elapsed: Duration::from_micros(1500),
        forwards: vec![Forwarded {
            url: "http://h/".to_owned(),
            outcome: Err(ForwardFailure::new(ForwardFailureKind::Unreachable, "refused")),
            elapsed: Duration::from_millis(2),
        }],
        not_forwarded: None,
        capture: Some("captures/a.json".to_owned()),
        capture_error: None,
        sender_closed: false,
    }
}

#[test]
fn a_delivery_is_written_with_these_keys_in_this_order() {
    let mut out = Vec::new();
    write_delivery(&delivery(request()), |_| "remove it".to_owned(), &mut out);
    let expected = concat!(
        r#"{"kind":"delivery","hookdev":1,"seq":7,"received_at":"2025-01-01T12:00:00.123Z","provider":null,"#,
        r#""event":null,"handshake":false,"repeat":null,"verdict":"unrecognised","rejection":null,"secret":null,"#,
        r#""payload":{"status":"unknown","errors":[]},"#,
        r#""findings":[{"code":"body-bom","message":"a mark \"came\"","hint":"remove it"}],"warnings":["odd"],"#,
        r#""request":{"method":"POST","target":"/aspect?x=1","#,
        r#""headers":[["content-type","application/json"],["x-name","ü"]],"body":"{\"a\":\"\u001b\"}"},"#,
        r#""response":{"status":200,"elapsed_ms":1.5},"#,
        r#""forwards":[{"url":"http://h/","status":null,"elapsed_ms":2.0,"error":"refused"}],"#,
        r#""capture":"captures/a.json"}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    assert!(expected.starts_with(&line_start(7, TIME)));
}

#[test]
fn a_sent_request_is_written_as_a_receiver_would_have_captured_it() {
    let mut out = Vec::new();
    let request = Request { body: Bytes::from_static(b"\0\xff\xfe"), ..request() };
    write_sent(&request, TIME, &mut out);
    let expected = concat!(
        r#"{"kind":"delivery","hookdev":1,"received_at":"2025-01-01T12:00:00.123Z","#,
        r#""request":{"method":"POST","target":"/aspect?x=1","#,
        r#""headers":[["content-type","application/json"],["x-name","ü"]],"body_base64":"AP/+"}}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn an_object_of_another_kind_is_not_a_capture() {
    for other in [r#"{"kind":"ready","url":"http://127.0.0.1:4400"}"#, r#"{"kind":"attempt","request":{}}"#] {
        assert_eq!(read(other.as_bytes()).unwrap(), None, "{other}");
    }
}

#[test]
fn a_newer_version_is_named_even_if_its_shape_is_unknown() {
    for newer in [
        r#"{"kind":"delivery","hookdev":2,"requests":[]}"#,
        r#"{"hookdev":2,"request":{"method":"POST","target":"/","headers":[]}}"#,
    ] {
        assert!(matches!(read(newer.as_bytes()), Err(ParseError::NewerVersion(2))), "{newer}");
    }
}

proptest! {
    #[test]
    fn every_request_that_is_written_is_read_back(
        target in "/[!-~]{0,20}",
        values in vec(vec(prop_oneof![0x20..=0x7e_u8, 0x80..=0xff_u8], 0..12), 0..4),
        body in prop_oneof![vec(any::<u8>(), 0..100), any::<String>().prop_map(String::into_bytes)],
    ) {
        let header = |value: Vec<u8>| (HeaderName::from_static("x-a"), HeaderValue::from_bytes(&value).unwrap());
        let headers = values.into_iter().map(header).collect();
        let request = Request { method: Method::PUT, target, headers, body: body.into() };
        let sent = Capture { received_at: Some(TIME), verified_for: None, url: None, forwarded: None, request: request.clone() };
        let forwarded = Some(RecordedResponse { status: None, elapsed: Duration::from_millis(2) });
        let received = Capture { forwarded, ..sent.clone() };
        let mut out = Vec::new();
        write_sent(&request, TIME, &mut out);
        prop_assert_eq!(read(&out).unwrap(), Some(sent));
        out.clear();
        write_delivery(&delivery(request), |_| "remove it".to_owned(), &mut out);
        prop_assert_eq!(read(&out).unwrap(), Some(received));
    }
}

#[test]
fn the_lines_that_are_written_start_a_log() {
    let (mut received, mut sent) = (Vec::new(), Vec::new());
    write_delivery(&delivery(request()), |_| String::new(), &mut received);
    write_sent(&request(), TIME, &mut sent);
    for line in [received, sent] {
        assert!(starts_log(&line[..64]) && (0..line.len()).all(|end| starts_line(&line[..end])));
    }
    let pretty = b"{\n  \"kind\" : \"ready\",\n  \"url\": \"\"\n}";
    assert_eq!((starts_log(pretty), starts_line(pretty)), (true, false));
    for other in [&b"{\"kind\":\"Pod\",\"apiVersion\":1}"[..], b"{}", b"x", b"{\"auths\":"] {
        assert!(!starts_log(other) && !starts_line(other));
    }
}
