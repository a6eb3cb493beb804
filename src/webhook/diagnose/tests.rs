//! Each hypothesis against a request for which it holds, and requests that must stay unexplained.

use std::{cell::Cell, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderName, HeaderValue, Method};
use proptest::prelude::*;

use super::{body::order::Order, *};
use crate::webhook::{
    keyring::{SecretSource, ShadowedSecret},
    request::Headers,
    signature::{Algorithm, Verdict, grammar::TextEncoding, key::Key, secret::decode_hex},
    time::{Timestamp, Tolerance},
};

const CYANITE: &str = "a cyanite secret of this test";
const JEWELMUSIC: &str = "a jewelmusic secret of this test";
const ASPECT: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &str = r#"{"version":"2","resource":{"type":"LibraryTrack","id":"999"},"event":{"type":"AudioAnalysisV6","status":"finished"}}"#;
const TIME: i64 = 1_735_732_800;

/// The built-in providers and the configured secrets of one test.
struct World {
    catalog: Catalog,
    keyring: Keyring,
}

impl World {
    fn new(secrets: &[(&str, &str)]) -> Self {
        let (catalog, mut keyring) = (Catalog::builtin(), Keyring::default());
        for (provider, text) in secrets {
            let format = &catalog.get(provider).unwrap().secret.as_ref().unwrap().format;
            keyring.add(provider, SigningSecret::parse(text, format).unwrap(), SecretSource::Flag);
        }
        Self { catalog, keyring }
    }

    fn usual() -> Self {
        Self::new(&[("cyanite", CYANITE), ("aspect", ASPECT), ("jewelmusic", JEWELMUSIC)])
    }

    fn findings(&self, provider: &str, request: &Request) -> Vec<Finding> {
        let provider = self.catalog.get(provider).unwrap();
        let receipt = Receipt::from(Some(Timestamp::from_unix_seconds(TIME)));
        let verdict = provider.verify(self.keyring.secrets(&provider.name), request, None, receipt);
        let Verdict::Rejected(rejection) = verdict else { panic!("it was not rejected: {verdict:?}") };
        let (catalog, keyring) = (&self.catalog, &self.keyring);
        diagnose(&RejectedRequest {
            rejection: &rejection,
            receipt,
            ..case_of(provider, request, &rejection, catalog, keyring)
        })
    }

    /// The findings for a request of which this is known about its receipt.
    fn findings_with(&self, provider: &str, request: &Request, receipt: Receipt<'_>) -> Vec<Finding> {
        let provider = self.catalog.get(provider).unwrap();
        let verdict = provider.verify(self.keyring.secrets(&provider.name), request, None, receipt);
        let rejection = verdict.rejection().unwrap();
        let (catalog, keyring) = (&self.catalog, &self.keyring);
        diagnose(&RejectedRequest { receipt, ..case_of(provider, request, rejection, catalog, keyring) })
    }

    fn codes(&self, provider: &str, request: &Request) -> Vec<&'static str> {
        self.findings(provider, request).iter().map(|finding| finding.code.as_str()).collect()
    }
}

/// A rejected request of which no more is known.
fn case_of<'a>(
    provider: &'a Provider,
    request: &'a Request,
    rejection: &'a Rejection,
    catalog: &'a Catalog,
    keyring: &'a Keyring,
) -> RejectedRequest<'a> {
    RejectedRequest { provider, request, rejection, receipt: Receipt::default(), clock: Clock::Live, catalog, keyring }
}

fn mac(algorithm: Algorithm, key: &[u8], content: &[u8]) -> Vec<u8> {
    Key::new(algorithm, key).unwrap().sign([content]).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    TextEncoding::Hex.encode(bytes)
}

fn request(headers: &[(&str, &str)], body: &[u8]) -> Request {
    let field =
        |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), HeaderValue::try_from(*value).unwrap());
    let headers: Headers = headers.iter().map(field).collect();
    Request { method: Method::POST, target: "/".to_owned(), headers, body: Bytes::copy_from_slice(body) }
}

fn cyanite_signature(key: &[u8], signed: &[u8]) -> String {
    hex(&mac(Algorithm::HmacSha512, key, signed))
}

/// The findings for a delivery from Cyanite whose signed body differs from the received one.
fn changed(signed: &[u8], received: &[u8], headers: &[(&str, &str)]) -> Vec<&'static str> {
    let signature = cyanite_signature(CYANITE.as_bytes(), signed);
    let headers = [&[("signature", signature.as_str())], headers].concat();
    World::usual().codes("cyanite", &request(&headers, received))
}

fn svix(key: &[u8], algorithm: Algorithm, content: &str) -> String {
    format!("v1,{}", STANDARD.encode(mac(algorithm, key, content.as_bytes())))
}

fn aspect_request(signature: &str, timestamp: &str) -> Request {
    let headers = [("svix-id", "msg_1"), ("svix-timestamp", timestamp), ("svix-signature", signature)];
    request(&headers, BODY.as_bytes())
}

fn aspect_content(timestamp: &str) -> String {
    format!("msg_1.{timestamp}.{BODY}")
}

fn aspect_key() -> Vec<u8> {
    STANDARD.decode(&ASPECT[6..]).unwrap()
}

#[test]
fn changes_to_the_body_are_found() {
    let pretty = "{\n  \"a\": 1,\n  \"b\": \"é\"\n}";
    let cases: [(&[u8], &[u8], &[&str]); 36] = [
        (b"{\"a\":1}", b"{\"a\":1}\n", &["body-trailing-newline"]),
        (b"{\"a\":1}\n", b"{\"a\":1}", &["body-trailing-newline"]),
        (b"{\"a\":1}\r\n", b"{\"a\":1}", &["body-trailing-newline"]),
        (b"{\"a\":1}", b" {\"a\":1}  ", &["body-trailing-newline"]),
        (b"{\"a\":1}\r", b"{\"a\":1}\r\n", &["body-trailing-newline"]),
        (b"", b"\n", &["body-trailing-newline"]),
        (b"", b"\r\n", &["body-trailing-newline"]),
        (b"", b" \n", &["body-trailing-newline"]),
        (b"\n", b"", &["body-trailing-newline"]),
        (b"", b"\xef\xbb\xbf", &["body-bom"]),
        (b"a\r\nb", b"a\nb", &["body-line-endings"]),
        (b"a\nb", b"a\r\nb", &["body-line-endings"]),
        (b"a\nb", b"a\rb", &["body-line-endings"]),
        (b"{\"a\":1}", b"\xef\xbb\xbf{\"a\":1}", &["body-bom"]),
        (b"\xef\xbb\xbf{\"a\":1}", b"{\"a\":1}", &["body-bom"]),
        (b"{\"a\":\"\xe9\"}", "{\"a\":\"é\"}".as_bytes(), &["body-reencoded"]),
        ("{\"a\":\"é\"}".as_bytes(), b"{\"a\":\"\xe9\"}", &["body-reencoded"]),
        ("{\"a\":\"é\"}".as_bytes(), "{\"a\":\"Ã©\"}".as_bytes(), &["body-reencoded"]),
        ("{\"a\":\"Ã©\"}".as_bytes(), "{\"a\":\"é\"}".as_bytes(), &["body-reencoded"]),
        (br#"{"a":"\u00e9"}"#, "{\"a\":\"é\"}".as_bytes(), &["body-reencoded"]),
        (br#"{"a":"\u00E9"}"#, "{\"a\":\"é\"}".as_bytes(), &["body-reencoded"]),
        ("{\"a\":\"é\"}".as_bytes(), br#"{"a":"\u00e9"}"#, &["body-reencoded"]),
        (br#"{"a":"b/c"}"#, br#"{"a":"b\/c"}"#, &["body-reencoded"]),
        (br#"{"a":"b\/c"}"#, br#"{"a":"b/c"}"#, &["body-reencoded"]),
        (br#"{"a":"\u003cb\u003e"}"#, br#"{"a":"<b>"}"#, &["body-reencoded"]),
        (b"{\"a\":1}", b"eyJhIjoxfQ==", &["body-reencoded"]),
        (br#"{"a":1}"#, br#""{\"a\":1}""#, &["body-reserialised"]),
        (br#""{\"a\":1}""#, br#"{"a":1}"#, &["body-reserialised"]),
        (br#"{"a":"{"}"#, br#"{"a":"{""#, &["body-truncated"]),
        (br#"{"a":[{"b":"c"}]}"#, br#"{"a":[{"b":"c"#, &["body-truncated"]),
        (pretty.as_bytes(), "{\"a\":1,\"b\":\"é\"}".as_bytes(), &["body-reserialised"]),
        ("{\"a\":1,\"b\":\"é\"}".as_bytes(), pretty.as_bytes(), &["body-reserialised"]),
        // Two at once.
        (b"{\"a\": 1}\n", b"{\"a\":1}", &["body-reserialised", "body-trailing-newline"]),
        (b"{\r\n  \"a\": 1\r\n}", b"{\"a\":1}", &["body-reserialised", "body-line-endings"]),
        (b"a\r\nb", b"a\nb\n", &["body-line-endings", "body-trailing-newline"]),
        (br#"{"a":"\u00e9"}"#, "\u{feff}{\"a\":\"é\"}".as_bytes(), &["body-bom", "body-reencoded"]),
    ];
    for (signed, received, expected) in cases {
        let found = changed(signed, received, &[]);
        assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(received));
    }
}

/// Asserts the first finding for each signed and received body.
#[track_caller]
fn each_changed(code: &str, cases: &[(&[u8], &[u8])]) {
    for (signed, received) in cases {
        let found = changed(signed, received, &[]);
        assert_eq!(found.first(), Some(&code), "{:?} {found:?}", String::from_utf8_lossy(received));
    }
}

#[test]
fn a_value_inside_the_body_is_found() {
    each_changed(
        "body-inside",
        &[
            (b"{\"a\":1}", br#"{"Type":"Notification","Message":"{\"a\":1}"}"#),
            (b"{\"a\":1}", br#"{"Records":[{"body":"{\"Message\":\"{\\\"a\\\":1}\"}"}]}"#),
            (b"{\"a\":1}", br#"{"detail-type":"x","detail":{"a":1}}"#),
            (b"{\"a\":1}", br#"{"detail-type": "x", "detail": {"a": 1}}"#),
            (b"{\"a\":\"bcd\"}", br#"{"message":{"data":"eyJhIjoiYmNkIn0="}}"#),
            (b"{\"a\":\"bcd\"}", br#"{"message":{"data":"eyJhIjoiYmNkIn0"}}"#),
            (b"{\"a\":1}", b"token=x&payload=%7B%22a%22%3A1%7D"),
            (b"{\"a\":1}", br#"{"event":{"body":"payload=%7B%22a%22%3A1%7D"}}"#),
            (b"a=1&b=x%20y", br#"{"rawBody":"a=1&b=x%20y"}"#),
            (b"{\"a\":1}\n", br#"{"Message":"{\"a\":1}\n"}"#),
        ],
    );
}

#[test]
fn framing_in_the_body_is_found() {
    const PART: &str = "--b1234\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n{\"a\":1}\r\n--b1234--\r\n";
    each_changed(
        "body-framing",
        &[
            (b"{\"a\":1}", b"7\r\n{\"a\":1}\r\n0\r\n\r\n"),
            (b"{\"a\":1}", b"7\n{\"a\":1}\n0\n\n"),
            (b"{\"a\":1}", b"3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n"),
            (b"{\"a\":1}", b"3;x=y\r\n{\"a\r\n4\r\n\":1}\r\n"),
            // The size counts CRLF, which was changed to LF.
            (b"{\n\"a\": 1\n}", b"c\n{\n\"a\": 1\n}\n0\n\n"),
            (b"{\"a\":1}", PART.as_bytes()),
            (b"{\"a\":1}", PART.replace("\r\n", "\n").as_bytes()),
            (b"{\"a\":1}", PART.replace("{\"a\":1}", "eyJhIjoxfQ==").as_bytes()),
            (b"{\"a\":1}", b"POST / HTTP/1.1\r\nHost: x\r\n\r\n{\"a\":1}"),
            (b"{\"a\":1}", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"),
            (b"{\"a\":1}", b"Content-Type: application/json\nX-A: 1\n\n{\"a\":1}"),
        ],
    );
}

#[test]
fn escapes_of_logs_are_found() {
    each_changed(
        "body-logged",
        &[
            (b"{\"a\":1}", br"{\x22a\x22:1}"),
            ("{\"a\":\"é\"}\n".as_bytes(), br"{\x22a\x22:\x22\xC3\xA9\x22}\x0A"),
            (b"{\"a\":\"b\\nc\"}", br"{\x22a\x22:\x22b\x5Cnc\x22}"),
            (b"{\"a\":1}", br#"{\"a\":1}"#),
            (b"{\"a\":\"\\u00e9\"}", br#"{\"a\":\"\u00e9\"}"#),
            (b"{\"a\":\"b\\nc\"}", br#"b'{"a":"b\\nc"}'"#),
            ("{\"a\":\"é'\"}\n".as_bytes(), br#"b'{"a":"\xc3\xa9\'"}\n'"#),
            (b"{\"a\":1}", br#"'{"a":1}'"#),
            (b"{\"a\":1}", b"{&quot;a&quot;:1}"),
            (b"{\"a\":\"<&'\"}", b"{&#34;a&#x22;:&quot;&lt;&amp;&#39;&quot;}"),
            (b"{\"a\":1}", b"{&amp;quot;a&amp;quot;:1}"),
            (b"{\"a\":1,\"b\":2}", br#""{""a"":1,""b"":2}""#),
            (b"{\"a\":1}", b"<Buffer 7b 22 61 22 3a 31 7d>"),
            (b"{\"a\":1}", br#"{"type":"Buffer","data":[123,34,97,34,58,49,125]}"#),
            (b"{\"a\":1}", br#"{"0":123,"1":34,"2":97,"3":34,"4":58,"5":49,"6":125}"#),
            (b"{\"a\":1}", br"\x7b2261223a317d"),
            (b"{\"a\":1}", b"%7B%22a%22%3A1%7D"),
            (b"{\"a\":1}\n", b"{\"a\":1}#012"),
            (b"{\"a\":1}", b"2026-01-01 INFO body={\"a\":1}"),
            (b"{\"a\":1}", br#"Jan 01 host app[1]: body "{\"a\":1}""#),
            ("{\"a\":\"é\"}".as_bytes(), br#"{\"a\":\"\303\251\"}"#),
        ],
    );
}

#[test]
fn removed_line_breaks_are_found() {
    let indented = [
        "{\n  \"a\": 1,\n  \"b\": [\n    1,\n    {}\n  ]\n}",
        "{\n    \"a\": 1\n}\n",
        "{\r\n  \"a\": 1\r\n}\r\n",
        "{\n\t\"a\": {\n\t\t\"b\": null\n\t}\n}\n",
        "{\n  \"a\": [1, 2, 3],\n  \"b\": {}\n}\n",
        "[\n  {\n    \"a\": 1\n  }\n]\n",
        "{\n  \"a\" : 1,\n  \"b\" : [ 1, 2 ]\n}",
        "{\n\"a\": 1,\n\"b\": 2\n}\n",
    ];
    for signed in indented {
        let received = signed.replace(['\r', '\n'], "");
        assert_eq!(changed(signed.as_bytes(), received.as_bytes(), &[]), ["body-line-endings"], "{signed}");
    }
    assert_eq!(changed(b"{\"a\":1,\"b\":2}", b"{\"a\":1,\r\n\"b\":2}", &[]), ["body-line-endings"]);
}

#[test]
fn lost_characters_are_found() {
    let text = "{\"a\":\"é€🎧\"}";
    let cases: [&[u8]; 12] = [
        b"{\"a\":\"????\"}",
        b"{\"a\":\"???\"}",
        b"{\"a\":\"?????????\"}",
        b"{\"a\":\"\xe9???\"}",
        b"{\"a\":\"\xe9??\"}",
        b"{\"a\":\"\xe9\x80??\"}",
        b"{\"a\":\"\xe9\x80?\"}",
        b"{\"a\":\"\"}",
        b"{\"a\":\"C)b\x02,p\x1f\x0e'\"}",
        b"{\"a\":\"\xe9\xac\x3c\xa7\"}",
        &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
        &text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>(),
    ];
    each_changed("body-reencoded", &cases.map(|signed| (signed, text.as_bytes())));
}

#[test]
fn composed_and_decomposed_characters_are_found() {
    let (composed, decomposed) = ("{\"a\":\"\u{e9}\"}".as_bytes(), "{\"a\":\"e\u{301}\"}".as_bytes());
    each_changed("body-reencoded", &[(composed, decomposed), (decomposed, composed)]);
}

#[test]
fn control_characters_that_were_decoded_are_found() {
    each_changed(
        "body-reencoded",
        &[
            (br#"{"a":"\u001b[0m"}"#, b"{\"a\":\"\x1b[0m\"}"),
            (br#"{"a":"\u001B[0m"}"#, b"{\"a\":\"\x1b[0m\"}"),
            (br#"{"a":"b\nc\t\r\n"}"#, b"{\"a\":\"b\nc\t\r\n\"}"),
        ],
    );
    assert_eq!(changed(br#"{"a": "\u001b"}"#, b"{\"a\":\"\x1b\"}", &[]), ["body-reserialised", "body-reencoded"]);
}

#[test]
fn escapes_and_layouts_of_java_and_dotnet_are_found() {
    let text = "{\"a\":\"it's <b> é = + ` 🎧\"}";
    each_changed(
        "body-reencoded",
        &[
            ("{\"a\":\"it\\u0027s \\u003cb\\u003e é \\u003d + ` 🎧\"}".as_bytes(), text.as_bytes()),
            (br#"{"a":"it\u0027s \u003Cb\u003E \u00E9 = \u002B \u0060 \uD83C\uDFA7"}"#, text.as_bytes()),
            (r#"{"a":"it's <b> é = + ` \uD83C\uDFA7"}"#.as_bytes(), text.as_bytes()),
            (br#"{"a":"\u0022"}"#, br#"{"a":"\""}"#),
        ],
    );
    each_changed(
        "body-reserialised",
        &[
            (b"{\n  \"a\" : [ 1, { } ],\n  \"b\" : \"c\"\n}", br#"{"a":[1,{}],"b":"c"}"#),
            (b"{\"a\":1.0,\"b\":[2.0,1.0E10]}", br#"{"a":1,"b":[2,10000000000]}"#),
        ],
    );
}

#[test]
fn numbers_written_per_member_are_found() {
    each_changed(
        "body-reserialised",
        &[
            (
                br#"{"price":10.00,"quantity":2,"items":[{"price":5.50,"quantity":1}]}"#,
                br#"{"price":10,"quantity":2,"items":[{"price":5.5,"quantity":1}]}"#,
            ),
            (br#"{"price": 10.00, "quantity": 2}"#, br#"{"price":10,"quantity":2}"#),
            (br#"{"lat":52.0,"lon":13.0,"n":3,"id":4}"#, br#"{"lat":52,"lon":13,"n":3,"id":4}"#),
            (
                br#"{"id":1,"total":10.00,"tax":2.10,"qty":2,"n":4,"items":[{"price":6.00,"qty":3}]}"#,
                br#"{"id":1,"total":10,"tax":2.1,"qty":2,"n":4,"items":[{"price":6,"qty":3}]}"#,
            ),
            (br#"{"a":1,"amount":100.00,"b":2,"c":3,"d":4,"e":5}"#, br#"{"a":1,"amount":100,"b":2,"c":3,"d":4,"e":5}"#),
        ],
    );
}

#[test]
fn the_order_of_keys_is_found_in_the_providers_example() {
    // As PostgreSQL's jsonb stores `BODY`, and sorted.
    let stored = r#"{"event":{"type":"AudioAnalysisV6","status":"finished"},"version":"2","resource":{"id":"999","type":"LibraryTrack"}}"#;
    let sorted = r#"{"event":{"status":"finished","type":"AudioAnalysisV6"},"resource":{"id":"999","type":"LibraryTrack"},"version":"2"}"#;
    let spaced = stored.replace(':', ": ").replace(',', ", ");
    let other = BODY.replace("999", "a/é");
    for (signed, received) in [
        (BODY, stored),
        (BODY, sorted),
        (BODY, &spaced),
        (&other, &stored.replace("999", "a/é")),
        (&spaced, BODY),
        (stored, BODY),
        (sorted, BODY),
    ] {
        assert_eq!(changed(signed.as_bytes(), received.as_bytes(), &[]), ["body-reserialised"], "{received}");
    }
}

#[test]
fn truncated_and_decompressed_bodies_are_found() {
    assert_eq!(changed(b"{\"a\":1}", b"{\"a\":1}, 2", &[("content-length", "7")]), ["body-truncated"]);
    let mut encoder = flate2::read::GzEncoder::new(&b"{\"a\":1}"[..], flate2::Compression::fast());
    let mut compressed = Vec::new();
    std::io::Read::read_to_end(&mut encoder, &mut compressed).unwrap();
    assert_eq!(changed(b"{\"a\":1}", &compressed, &[]), ["body-decompressed"]);
    assert_eq!(changed(b"{\"a\":1}\n", &compressed, &[]), ["body-decompressed", "body-trailing-newline"]);
}

#[test]
fn a_signature_over_an_empty_body_explains_no_other_body() {
    assert_eq!(changed(b"", b"{\"a\":1}", &[("content-length", "0")]), ["unexplained"]);
    assert_eq!(changed(b"", b"{\"a\":1}\n", &[]), ["unexplained"]);
}

#[test]
fn the_output_of_every_json_library_is_found() {
    let sent = r#"{"b": "é/<", "n": [1.0, 1e2], "a": {"z": null}}"#;
    let root = crate::webhook::json::parse(sent).unwrap();
    let document = body::serialise::Document { text: sent, root: &root };
    for writer in &body::libraries::WRITERS {
        for &layout in writer.layouts {
            for order in [Order::Received, Order::Sorted, Order::Stored] {
                let written = document.written(writer, layout, order).unwrap();
                if written != sent {
                    let found = changed(written.as_bytes(), sent.as_bytes(), &[]);
                    // With the layout, order and numbers as sent, only the strings differ.
                    let is_respelled = written.replace("\\u00e9", "é") == sent;
                    let expected = if is_respelled { "body-reencoded" } else { "body-reserialised" };
                    assert_eq!(found, [expected], "{} {layout:?} {order:?}", writer.call);
                }
            }
        }
    }
}

#[test]
fn shortened_and_rounded_numbers_are_found() {
    let cases = [
        (r#"{"a":1.0,"b":2}"#, r#"{"a":1,"b":2}"#),
        (r#"{"a":1.0,"b":2,"c":3.0}"#, r#"{"a":1,"b":2,"c":3}"#),
        (r#"{"price": 9.90}"#, r#"{"price": 9.9}"#),
        (r#"{"a":1e2}"#, r#"{"a":100}"#),
        (r#"{"a":-1.5E3}"#, r#"{"a":-1500}"#),
        (r#"{"id":9007199254740993}"#, r#"{"id":9007199254740992}"#),
        (r#"{"id":1234567890123456789}"#, r#"{"id":1234567890123456800}"#),
        (r#"{"a":1}"#, r#"{"a":1.0}"#),
        // Python sent it, and JavaScript has parsed and written it.
        (r#"{"score": 1.0, "title": "\u00e9", "n": 2}"#, r#"{"score":1,"title":"é","n":2}"#),
        (r#"{"score":1.0,"title":"a\/b"}"#, r#"{"score":1,"title":"a/b"}"#),
    ];
    for (signed, received) in cases {
        assert_eq!(changed(signed.as_bytes(), received.as_bytes(), &[]), ["body-reserialised"], "{signed}");
    }
}

#[test]
fn reordered_and_reencoded_forms_are_found() {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let cases = [
        ("a=1&b=2&c=3", "c=3&a=1&b=2", "body-reserialised"),
        ("a=x%20y", "a=x+y", "body-reencoded"),
        ("a=x+y", "a=x%20y", "body-reencoded"),
        ("a=%c3%a9", "a=%C3%A9", "body-reencoded"),
        ("a=it's+(~)", "a=it%27s+%28~%29", "body-logged"),
        ("a=it's%20(~)", "a=it%27s+%28~%29", "body-reencoded"),
        ("a=%7E", "a=~", "body-reencoded"),
    ];
    for (signed, received, expected) in cases {
        assert_eq!(changed(signed.as_bytes(), received.as_bytes(), &form), [expected], "{signed}");
    }
}

#[test]
fn changes_to_the_secret_are_found() {
    let cyanite = |key: &[u8], ours: &str| {
        let world = World::new(&[("cyanite", ours), ("aspect", ASPECT), ("jewelmusic", JEWELMUSIC)]);
        let signature = cyanite_signature(key, BODY.as_bytes());
        world.codes("cyanite", &request(&[("signature", &signature)], BODY.as_bytes()))
    };
    let quoted = format!("\"{CYANITE}\"");
    let cases: [(&[u8], &str, &[&str]); 21] = [
        (b"topsecret", "topsecret\\n", &["secret-whitespace"]),
        (b"topsecret\\n", "topsecret", &["secret-whitespace"]),
        (b"top/secret", "top%2Fsecret", &["secret-not-decoded"]),
        (b"top%2Fsecret", "top/secret", &["secret-not-decoded"]),
        (b"746f70736563726574", "topsecret", &["secret-not-decoded"]),
        (b"dG9wc2VjcmV0", "topsecret", &["secret-not-decoded"]),
        (b"topsecret\n", "topsecret", &["secret-whitespace"]),
        (b"topsecret ", "topsecret", &["secret-whitespace"]),
        (b"topsecret", "top secret", &["secret-whitespace"]),
        (quoted.as_bytes(), CYANITE, &["secret-quoted"]),
        (b"'topsecret'", "topsecret", &["secret-quoted"]),
        (b"topsecret", "topsecret\"", &["secret-quoted"]),
        (b"TOPSECRET", "topsecret", &["secret-case"]),
        (b"topsecret", "TopSecret", &["secret-case"]),
        (b"hello world", "aGVsbG8gd29ybGQ=", &["secret-not-decoded"]),
        (b"hello world", "68656c6c6f20776f726c64", &["secret-not-decoded"]),
        (b"topsecret", "whsec_topsecret", &["secret-prefix"]),
        (b"whsec_topsecret", "topsecret", &["secret-prefix"]),
        (b"hello world", "whsec_aGVsbG8gd29ybGQ=", &["secret-not-decoded", "secret-prefix"]),
        (b"hookdev-development-secret-cyanite", CYANITE, &["secret-development"]),
        (JEWELMUSIC.as_bytes(), CYANITE, &["secret-of-other-provider"]),
    ];
    for (key, ours, expected) in cases {
        assert_eq!(cyanite(key, ours), expected, "{ours}");
    }
    assert_eq!(cyanite(ASPECT.as_bytes(), CYANITE), ["secret-of-other-provider"]);
    assert_eq!(cyanite(&aspect_key(), CYANITE), ["secret-of-other-provider"]);
    assert_eq!(cyanite(b"hookdev-development-secret-jewelmusic", CYANITE), ["secret-of-other-provider"]);
}

#[test]
fn a_shadowed_secret_is_named_by_its_source_and_never_shown() {
    let mut world = World::usual();
    let format = &world.catalog.get("cyanite").unwrap().secret.as_ref().unwrap().format;
    let (origin, shadowed_by) = ("the config".to_owned(), "--secret".to_owned());
    for text in ["an older one", "the oldest"] {
        let secret = SigningSecret::parse(text, format).unwrap();
        world.keyring.add_shadowed(
            "cyanite",
            ShadowedSecret { secret, origin: origin.clone(), shadowed_by: Some(shadowed_by.clone()) },
        );
    }
    let signed = |key: &[u8], body: &str| request(&[("signature", &cyanite_signature(key, body.as_bytes()))], b"{}");
    let finding = Finding {
        code: Code::SecretSuperseded,
        message: "the signature matches the secret from the config, which --secret overrides".to_owned(),
        remedy: Remedy::advice(
            "if that secret is right, remove the one from --secret; if it is outdated, set the new one at the sender too",
        ),
        detail: None,
    };
    for key in [b"an older one".as_slice(), b"the oldest"] {
        assert_eq!(world.findings("cyanite", &signed(key, "{}")), std::slice::from_ref(&finding));
    }
    assert_eq!(
        world.codes("cyanite", &signed(b"an older one", "{}\n")),
        ["secret-superseded", "body-trailing-newline"]
    );
    assert_eq!(world.codes("cyanite", &signed(b"an older one\n", "{}")), ["unexplained"]);
}

#[test]
fn a_secret_that_was_replaced_is_remembered() {
    let old = World::new(&[("cyanite", "the old one"), ("jewelmusic", JEWELMUSIC)]);
    let mut world = World::new(&[("cyanite", CYANITE), ("jewelmusic", JEWELMUSIC)]);
    world.keyring.remember(&old.keyring);
    let signed = request(&[("signature", &cyanite_signature(b"the old one", b"{}"))], b"{}");
    let found = world.findings("cyanite", &signed);
    assert_eq!((found.len(), found[0].code), (1, Code::SecretSuperseded));
    assert_eq!(
        found[0].message,
        "the signature matches the secret from the command line that was in use before it changed"
    );
    // One that is still in use is no old one, and an old one is remembered after the next change too.
    assert_eq!(world.keyring.shadowed("jewelmusic").len(), 0);
    let mut next = World::new(&[("cyanite", "a third")]);
    next.keyring.remember(&world.keyring);
    assert_eq!(next.codes("cyanite", &signed), ["secret-superseded"]);
}

#[test]
fn other_ways_to_decode_a_base64_secret_are_found() {
    let aspect = |key: &[u8], ours: &str| {
        let world = World::new(&[("aspect", ours)]);
        let time = TIME.to_string();
        world.codes("aspect", &aspect_request(&svix(key, Algorithm::HmacSha256, &aspect_content(&time)), &time))
    };
    let bare = &ASPECT[6..];
    // As Node reads it, prefix and all: `_` is a digit of URL-safe base64.
    let node = secret::forgiving_base64(ASPECT).unwrap();
    let hex_digits = "0123456789abcdef0123456789abcdef";
    assert_eq!(aspect(bare.as_bytes(), ASPECT), ["secret-not-decoded"]);
    assert_eq!(aspect(ASPECT.as_bytes(), ASPECT), ["secret-not-decoded"]);
    assert_eq!(aspect(&node, ASPECT), ["secret-prefix"]);
    assert_eq!(aspect(&decode_hex(hex_digits).unwrap(), hex_digits), ["secret-not-decoded"]);
    assert_eq!(aspect(format!("\"{ASPECT}\"").as_bytes(), ASPECT), ["secret-not-decoded", "secret-quoted"]);
    assert_eq!(aspect(format!("{ASPECT}\n").as_bytes(), ASPECT), ["secret-not-decoded", "secret-whitespace"]);
}

#[test]
fn another_hash_or_encoding_is_found() {
    let world = World::usual();
    let sha = |algorithm| mac(algorithm, CYANITE.as_bytes(), BODY.as_bytes());
    let right = sha(Algorithm::HmacSha512);
    let cases: [(String, &[&str]); 12] = [
        (hex(&sha(Algorithm::HmacSha1)), &["wrong-algorithm"]),
        (hex(&sha(Algorithm::HmacSha256)), &["wrong-algorithm"]),
        (hex(&sha(Algorithm::HmacSha384)), &["wrong-algorithm"]),
        (STANDARD.encode(&right), &["wrong-encoding"]),
        (URL_SAFE_NO_PAD.encode(&right), &["wrong-encoding"]),
        (format!("sha512={}", hex(&right)), &["wrong-encoding"]),
        (format!("v1,{}", STANDARD.encode(&right)), &["wrong-encoding"]),
        (hex(&right).to_uppercase(), &["signature-case"]),
        (hex(&right[..32]), &["signature-truncated"]),
        (hex(&right)[..63].to_owned(), &["signature-truncated"]),
        (STANDARD.encode(&right)[..40].to_owned(), &["signature-truncated", "wrong-encoding"]),
        (hex(&sha(Algorithm::HmacSha256)).to_uppercase(), &["wrong-algorithm", "signature-case"]),
    ];
    for (signature, expected) in cases {
        let found = world.codes("cyanite", &request(&[("signature", &signature)], BODY.as_bytes()));
        assert_eq!(found, expected, "{signature}");
    }
}

#[test]
fn a_hash_without_a_key_is_found() {
    use sha2::{Digest, Sha256, Sha512};
    let world = World::usual();
    let hashes = [
        hex(&Sha512::digest(BODY)),
        hex(&Sha256::digest(BODY)),
        hex(&Sha512::digest(format!("{CYANITE}{BODY}"))),
        hex(&Sha512::digest(format!("{BODY}{CYANITE}"))),
        cyanite_signature(b"", BODY.as_bytes()),
        cyanite_signature(b"undefined", BODY.as_bytes()),
        cyanite_signature(b"null", BODY.as_bytes()),
        cyanite_signature(b"None", BODY.as_bytes()),
    ];
    for signature in hashes {
        let found = world.findings("cyanite", &request(&[("signature", &signature)], BODY.as_bytes()));
        let codes: Vec<&str> = found.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["wrong-algorithm"], "{found:?}");
    }
    let time = TIME.to_string();
    let hash = format!("v1,{}", STANDARD.encode(Sha256::digest(aspect_content(&time))));
    assert_eq!(world.codes("aspect", &aspect_request(&hash, &time)), ["wrong-algorithm"]);
}

#[test]
fn a_missing_or_doubled_prefix_is_found() {
    let world = World::usual();
    let signature = hex(&mac(Algorithm::HmacSha256, JEWELMUSIC.as_bytes(), BODY.as_bytes()));
    for value in [signature.clone(), format!("sha256=sha256={signature}"), format!("SHA256={signature}")] {
        let found = world.codes("jewelmusic", &request(&[("x-jewelmusic-signature", &value)], BODY.as_bytes()));
        assert_eq!(found, ["wrong-encoding"], "{value}");
    }
    let time = TIME.to_string();
    let svix = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(&time));
    for value in [&svix[3..], &format!("v1,{svix}"), &svix.replace("v1,", "v2,"), &svix.replace("v1,", "v1=")] {
        assert_eq!(world.codes("aspect", &aspect_request(value, &time)), ["wrong-encoding"], "{value}");
    }
}

#[test]
fn other_signed_content_is_found() {
    let world = World::usual();
    let time = TIME.to_string();
    for content in [BODY.to_owned(), format!("{time}.{BODY}"), format!("v0:{time}:{BODY}"), format!("msg_1.{BODY}")] {
        let signature = svix(&aspect_key(), Algorithm::HmacSha256, &content);
        assert_eq!(world.codes("aspect", &aspect_request(&signature, &time)), ["wrong-signed-content"], "{content}");
    }
    // A body alone needs no timestamp, so this explains a missing one too.
    let signature = svix(&aspect_key(), Algorithm::HmacSha256, BODY);
    let without_timestamp = request(&[("svix-id", "msg_1"), ("svix-signature", &signature)], BODY.as_bytes());
    assert_eq!(world.codes("aspect", &without_timestamp), ["wrong-signed-content"]);
    // Stripe's format, in the header of a provider without one.
    let stripe = hex(&mac(Algorithm::HmacSha512, CYANITE.as_bytes(), format!("{time}.{BODY}").as_bytes()));
    let stripe = request(&[("signature", &format!("t={time},v1={stripe}"))], BODY.as_bytes());
    assert_eq!(world.codes("cyanite", &stripe), ["wrong-signed-content"]);
}

#[test]
fn schemes_and_headers_of_other_providers_are_found() {
    let world = World::usual();
    let time = TIME.to_string();
    let theirs = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(&time));
    let found = world.findings("cyanite", &aspect_request(&theirs, &time));
    assert_eq!(found[0].code, Code::SchemeOfOtherProvider);
    assert!(found[0].message.starts_with("this is a delivery from Aspect: "), "{}", found[0].message);
    let ours = svix(CYANITE.as_bytes(), Algorithm::HmacSha256, &aspect_content(&time));
    let found = world.findings("cyanite", &aspect_request(&ours, &time));
    assert_eq!(found[0].code, Code::SchemeOfOtherProvider);
    assert!(
        found[0].message.starts_with("it is signed with Cyanite's secret, but the way Aspect signs"),
        "{}",
        found[0].message
    );
    let as_github = format!("sha256={}", hex(&mac(Algorithm::HmacSha256, CYANITE.as_bytes(), BODY.as_bytes())));
    assert_eq!(
        world.codes("cyanite", &request(&[("x-jewelmusic-signature", &as_github)], BODY.as_bytes())),
        ["scheme-of-other-provider"]
    );
    assert_eq!(
        world.codes("cyanite", &request(&[("signature", &as_github)], BODY.as_bytes())),
        ["scheme-of-other-provider"]
    );
    let elsewhere = cyanite_signature(CYANITE.as_bytes(), BODY.as_bytes());
    assert_eq!(
        world.codes("cyanite", &request(&[("x-cyanite-signature", &elsewhere)], BODY.as_bytes())),
        ["scheme-of-other-provider"]
    );
}

#[test]
fn timestamps_in_the_wrong_unit_are_found() {
    let world = World::usual();
    let seconds = TIME.to_string();
    let millis = format!("{seconds}250");
    let cases = [
        (millis.as_str(), millis.as_str()),
        (&millis, &seconds),
        ("2025-01-01T12:00:00Z", "2025-01-01T12:00:00Z"),
        ("2025-01-01T12:00:00Z", &seconds),
    ];
    for (sent, signed) in cases {
        let signature = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(signed));
        assert_eq!(world.codes("aspect", &aspect_request(&signature, sent)), ["timestamp-unit"], "{sent} {signed}");
    }
}

#[test]
fn timestamps_in_another_spelling_are_found() {
    let world = World::usual();
    let seconds = TIME.to_string();
    let cases = [
        ("1735732800.25", "1735732800.25"),
        (seconds.as_str(), "1735732800.0"),
        (&seconds, "1735732800.000000"),
        (&seconds, "1.7357328E9"),
        (&seconds, "1.7357328e+09"),
        (&seconds, "\"1735732800\""),
        (&seconds, "2025-01-01T12:00:00Z"),
        (&seconds, "2025-01-01T12:00:00.000Z"),
        (&seconds, "2025-01-01T12:00:00+00:00"),
        (&seconds, "undefined"),
        (&seconds, ""),
        ("1735732800.0", &seconds),
        ("1735732800.000", &seconds),
        ("2025-01-01T12:00:00Z", "2025-01-01T12:00:00.000Z"),
    ];
    for (sent, signed) in cases {
        let signature = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(signed));
        let found = world.codes("aspect", &aspect_request(&signature, sent));
        assert_eq!(found, ["timestamp-spelling"], "{sent} {signed}");
    }
}

#[test]
fn a_clock_that_is_off_gets_a_warning() {
    let world = World::usual();
    let provider = world.catalog.get("aspect").unwrap();
    let finding = |distance: i64, clock_of: Clock| {
        let time = (TIME + distance).to_string();
        let request = aspect_request(&svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(&time)), &time);
        let receipt = Receipt { at: Some(Timestamp::from_unix_seconds(TIME)), tolerance: None, url: None };
        let verdict = provider.verify(world.keyring.secrets("aspect"), &request, None, receipt);
        let rejection = verdict.rejection().unwrap();
        let (catalog, keyring) = (&world.catalog, &world.keyring);
        let case =
            RejectedRequest { receipt, clock: clock_of, ..case_of(provider, &request, rejection, catalog, keyring) };
        (diagnose(&case), clock(&case).unwrap())
    };
    let (found, warning) = finding(-420, Clock::Live);
    assert_eq!(found, []);
    assert!(
        warning
            .message
            .starts_with("it was delayed, or sent again with its old signature, or one of the clocks is wrong (")
    );
    assert_eq!(finding(420, Clock::Recorded).1.message, "the sender's clock is fast, or this machine's is slow");
    for (distance, remedy) in [(-86_400, Remedy::CheckAgeAtReceipt), (86_400, Remedy::CorrectCheckedTime)] {
        let (found, warning) = finding(distance, Clock::Chosen);
        assert_eq!((found, warning.remedy), (vec![], Some(remedy)), "{distance}");
    }
    for (distance, message) in [
        (420, "it was signed 7 min after it was received: the sender's clock is fast, or this machine's is slow"),
        (7199, "the timestamp is 2 h ahead, the offset of a time zone: a local time may have been signed as UTC"),
        (
            -20_701,
            "the timestamp is 5 h 45 min behind, the offset of a time zone: a local time may have been signed as UTC, or this is an old delivery, sent again",
        ),
    ] {
        for clock in [Clock::Live, Clock::Recorded] {
            let (found, _) = finding(distance, clock);
            assert_eq!((found.len(), found[0].code), (1, Code::ClockSkew), "{distance}");
            assert!(found[0].message.ends_with(message), "{}", found[0].message);
        }
    }
    // Not the offset of a time zone.
    assert_eq!(finding(-7260, Clock::Live).0, []);
}

/// A request of Twilio's own test, with its signature: `twilio/twilio-node`, `spec/validation.spec.js`.
fn published_form(target: &str, headers: &[(&str, &str)]) -> Request {
    let body = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
    let own =
        [("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8="), ("content-type", "application/x-www-form-urlencoded")];
    Request { target: target.to_owned(), ..request(&[&own, headers].concat(), body) }
}

#[test]
fn another_signed_url_than_the_known_one_is_found() {
    let world = World::new(&[("twilio", "12345")]);
    let signed = "https://mycompany.com/myapp.php?foo=1&bar=2";
    let target = "/myapp.php?foo=1&bar=2";
    let found = |url: Option<&str>, target: &str, headers: &[(&str, &str)]| {
        let receipt = Receipt { url, ..Receipt::default() };
        let found = world.findings_with("twilio", &published_form(target, headers), receipt);
        (found.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(), found[0].message.clone())
    };
    let proven = |known: &str| (vec!["wrong-url"], format!("the signature covers the URL `{signed}`, not `{known}`"));
    for known in [
        "http://mycompany.com/myapp.php?foo=1&bar=2",
        "https://mycompany.com:443/myapp.php?foo=1&bar=2",
        "https://www.mycompany.com/myapp.php?foo=1&bar=2",
        "https://mycompany.com/myapp.php/?foo=1&bar=2",
        "https://mycompany.com/myapp.php?bar=2&foo=1",
        "http://mycompany.com:8080/myapp.php/?bar=2&foo=1",
        "https://mycompany.com/api/myapp.php?foo=1&bar=2",
        "http://mycompany.com/hooks/v1/myapp.php?foo=1&bar=2",
    ] {
        assert_eq!(found(Some(known), target, &[]), proven(known), "{known}");
    }
    let host = ("host", "mycompany.com");
    assert_eq!(found(None, target, &[host]), proven("http://mycompany.com/myapp.php?foo=1&bar=2"));
    assert_eq!(
        found(Some("https://other.example/x"), target, &[("x-forwarded-host", "mycompany.com")]),
        proven("https://other.example/x")
    );
    // A proxy rewrote the path.
    let https = ("x-forwarded-proto", "https");
    for kept in [("x-original-uri", target), ("x-rewrite-url", target)] {
        assert_eq!(found(None, "/hook", &[host, https, kept]), proven("https://mycompany.com/hook"), "{kept:?}");
    }
    assert_eq!(
        found(None, "?foo=1&bar=2", &[host, https, ("x-forwarded-prefix", "/myapp.php")]),
        proven("https://mycompany.com?foo=1&bar=2")
    );
}

#[test]
fn a_redacted_value_that_is_signed_is_named() {
    let found = |provider: &str, secret: &str, request: &Request| {
        let world = World::new(&[(provider, secret)]);
        let found = world.findings(provider, request);
        assert_eq!((found.len(), found[0].code), (1, Code::Redacted), "{found:?}");
        found[0].message.clone()
    };
    let signature = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(&TIME.to_string()));
    let mut request_of_aspect = aspect_request(&signature, &TIME.to_string());
    request_of_aspect.headers.set(&HeaderName::from_static("svix-id"), HeaderValue::from_static("[redacted]"));
    assert_eq!(
        found("aspect", ASPECT, &request_of_aspect),
        "the `svix-id` header was redacted, but it is part of what is signed"
    );
    let form = published_form("/myapp.php?foo=[redacted]&bar=[redacted]", &[("host", "mycompany.com")]);
    assert_eq!(found("twilio", "12345", &form), "the URL's query was redacted, but it is part of what is signed");
    // As `listen` captures Notion's first request.
    let signature = format!("sha256={}", "00".repeat(32));
    let headers = [("x-notion-signature", signature.as_str()), ("content-length", "80")];
    assert_eq!(
        found("notion", "a token", &request(&headers, br#"{"verification_token":"[redacted]"}"#)),
        "the field `verification_token` of the body was redacted because it is a secret, but it is part of what is signed"
    );
}

#[test]
fn a_signed_url_of_which_only_this_machine_is_known_is_said() {
    let world = World::new(&[("twilio", "12345")]);
    let request = published_form("/myapp.php?foo=1&bar=2", &[("host", "127.0.0.1:4400")]);
    let found = world.findings_with("twilio", &request, Receipt::default());
    let codes: Vec<&str> = found.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["seen-local-url", "unexplained"]);
    assert_eq!(
        found[0].message,
        "Twilio signs the URL that it calls, but the request shows only `http://127.0.0.1:4400/myapp.php?foo=1&bar=2`, a URL of this machine"
    );
    assert_eq!(found[0].remedy, Remedy::GiveUrl);
    // Another provider signs no URL.
    let signature = cyanite_signature(b"a wrong secret", b"{}");
    let request = Request { target: "/".to_owned(), ..super::tests::request(&[("signature", &signature)], b"{}") };
    assert_eq!(world.codes("cyanite", &request), ["unexplained"]);
}

#[test]
fn renamed_headers_are_found() {
    let signature = cyanite_signature(CYANITE.as_bytes(), BODY.as_bytes());
    let world = World::usual();
    for name in
        ["http_signature", "redirect_http_signature", "http-signature", "x-original-signature", "headers.signature"]
    {
        let found = world.codes("cyanite", &request(&[(name, &signature)], BODY.as_bytes()));
        assert_eq!(found, ["header-renamed"], "{name}");
    }
    let spaced = request(&[("http_signature", signature.as_str())], BODY.replace(':', ": ").as_bytes());
    assert_eq!(world.codes("cyanite", &spaced), ["header-renamed", "body-reserialised"]);
    let time = TIME.to_string();
    let svix = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(&time));
    let names = [["svix_id", "svix_timestamp", "svix_signature"], ["http_svix_id", "svix-timestamp", "svixsignature"]];
    for [id, timestamp, signature] in names {
        let headers = [(id, "msg_1"), (timestamp, time.as_str()), (signature, svix.as_str())];
        assert_eq!(world.codes("aspect", &request(&headers, BODY.as_bytes())), ["header-renamed"], "{id}");
    }
    assert_eq!(world.codes("cyanite", &request(&[("http_signature", "00")], BODY.as_bytes())), ["seen-renamed-header"]);
}

#[test]
fn split_headers_are_found() {
    let world = World::usual();
    let time = TIME.to_string();
    let svix = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(&time));
    let base64 = svix.strip_prefix("v1,").unwrap();
    let split = |values: &[&str]| {
        let mut headers = vec![("svix-id", "msg_1"), ("svix-timestamp", time.as_str())];
        headers.extend(values.iter().map(|value| ("svix-signature", *value)));
        world.codes("aspect", &request(&headers, BODY.as_bytes()))
    };
    assert_eq!(split(&["v1", base64]), ["header-split"]);
    let wrong = STANDARD.encode([0; 32]);
    assert_eq!(split(&["v1", &format!("{wrong} v1"), base64]), ["header-split"]);
    assert_eq!(split(&["v1", &format!("{base64} v1"), &wrong]), ["header-split"]);
    assert_eq!(split(&[&svix, &format!("v1,{wrong}")]), ["header-split"]);
    assert_eq!(split(&["v1"]), ["seen-cut-at-comma"]);
    assert_eq!(split(&["v1,x", "v1,y"]), ["seen-two-values"]);
}

#[test]
fn a_header_that_was_sent_twice_is_proven_where_one_value_matches() {
    let signature = cyanite_signature(CYANITE.as_bytes(), BODY.as_bytes());
    let codes = |first: &str, second: &str| {
        World::usual().codes("cyanite", &request(&[("signature", first), ("signature", second)], BODY.as_bytes()))
    };
    let wrong = "0".repeat(128);
    assert_eq!(codes(&signature, &wrong), ["header-repeated"]);
    assert_eq!(codes(&wrong, &signature), ["header-repeated"]);
    assert_eq!(codes(&wrong, &wrong), ["seen-two-values"]);
}

#[test]
fn what_is_only_seen_is_said_when_nothing_is_proven() {
    let wrong = "0".repeat(128);
    let seen = |body: &[u8], headers: &[(&str, &str)]| {
        let headers = [&[("signature", wrong.as_str())], headers].concat();
        World::usual().codes("cyanite", &request(&headers, body))
    };
    let cases: [(&[u8], &str); 8] = [
        (b"", "seen-empty-body"),
        (b"7\r\n{\"a\":1}\r\n0\r\n\r\n", "seen-chunk-sizes"),
        (b"--b123\r\nContent-Type: text/plain\r\n\r\nx\r\n--b123--\r\n", "seen-boundary"),
        (br"{\x22a\x22:1}", "seen-log-escapes"),
        (b"{&quot;a&quot;:1}", "seen-log-escapes"),
        (b"{\\\"a\\\":1}", "seen-log-escapes"),
        (b"b'{\"a\":1}'", "seen-log-escapes"),
        ("{\"a\":\"caf\u{fffd}\"}".as_bytes(), "seen-replacement-character"),
    ];
    for (body, code) in cases {
        assert_eq!(seen(body, &[]), [code, "unexplained"], "{:?}", String::from_utf8_lossy(body));
    }
    assert_eq!(seen(b"{\"a\":1}", &[("content-length", "8")]), ["seen-missing-bytes", "unexplained"]);
    assert_eq!(seen(b"{\"a\":{\"b\":1", &[]), ["seen-missing-bytes", "unexplained"]);
    for value in ["[redacted]", "***", "<REDACTED>", "sha512=[redacted]"] {
        assert_eq!(World::usual().codes("cyanite", &request(&[("signature", value)], b"{}")), ["redacted"], "{value}");
    }
}

#[test]
fn one_missing_byte_is_singular() {
    let headers = [("signature", "00"), ("content-length", "8")];
    let found = World::usual().findings("cyanite", &request(&headers, b"{\"a\":1}"));
    assert_eq!(found[0].message, "Content-Length says 8 bytes, but the body has 7: 1 is missing");
}

#[test]
fn what_was_tried_is_counted_by_kind() {
    let headers = [("signature", "0".repeat(128))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let found = World::usual().findings("cyanite", &request(&headers, b"{\"a\":1}"));
    let detail = found[0].detail.as_deref().unwrap();
    let kinds = [
        "tried: changes to the body ",
        ", forms of the secret ",
        ", ways of signing ",
        ", rewritten bodies ",
        ", combinations ",
    ];
    assert!(kinds.iter().all(|kind| detail.contains(kind)), "{detail}");
}

#[test]
fn a_wrong_secret_and_a_changed_body_are_found_together() {
    let world = World::usual();
    let signature = cyanite_signature(b"hookdev-development-secret-cyanite", BODY.as_bytes());
    let received = request(&[("signature", &signature)], format!("{BODY}\n").as_bytes());
    assert_eq!(world.codes("cyanite", &received), ["secret-development", "body-trailing-newline"]);
    let sha256 = hex(&mac(Algorithm::HmacSha256, CYANITE.as_bytes(), b"{\"a\": 1}"));
    let received = request(&[("signature", &sha256)], b"{\"a\":1}");
    assert_eq!(world.codes("cyanite", &received), ["wrong-algorithm", "body-reserialised"]);
}

#[test]
fn findings_that_hold_only_in_combination_say_so() {
    let signature = cyanite_signature(CYANITE.as_bytes(), b"{\"a\": 1}\n");
    let found = World::usual().findings("cyanite", &request(&[("signature", &signature)], b"{\"a\":1}"));
    assert!(found[0].message.ends_with("(only in combination with body-trailing-newline)"), "{}", found[0].message);
    assert!(found[1].message.ends_with("(only in combination with body-reserialised)"), "{}", found[1].message);
}

#[test]
fn a_rejection_that_says_everything_has_no_findings() {
    let world = World::usual();
    let none: [&str; 0] = [];
    assert_eq!(world.codes("cyanite", &request(&[], BODY.as_bytes())), none);
    assert_eq!(world.codes("cyanite", &request(&[("signature", "")], BODY.as_bytes())), none);
    assert_eq!(world.codes("cyanite", &request(&[("signature", "garbage!")], BODY.as_bytes())), none);
}

#[test]
fn missing_bytes_are_counted() {
    let signature = cyanite_signature(CYANITE.as_bytes(), BODY.as_bytes());
    let headers = [("signature", signature.as_str()), ("content-length", "116")];
    let found = World::usual().findings("cyanite", &request(&headers, &BODY.as_bytes()[..50]));
    let said: Vec<(&str, &str)> =
        found.iter().map(|finding| (finding.code.as_str(), finding.message.as_str())).collect();
    assert_eq!(said[0], ("seen-missing-bytes", "Content-Length says 116 bytes, but the body has 50: 66 are missing"));
    assert_eq!(said[1].0, "unexplained");
}

/// Each of these once ended the search with a panic, or kept it from its budget for longer than a minute.
#[test]
fn bodies_made_to_stop_the_search_do_not_stop_it() {
    let digits = format!(r#"{{"a":0.{}e-5}}"#, "1".repeat(70_000));
    let exponent = format!(r#"{{"a":1e{}}}"#, i64::MIN);
    let chunks = "1\r\na\r\n".repeat(20_000) + &" ".repeat(1_000_000);
    let boundary = format!("{}x\n{}", "-".repeat(300_000), "-".repeat(600_000));
    let signature = cyanite_signature(b"a wrong secret", b"");
    for body in [digits, exponent, chunks, boundary] {
        let found = World::usual().findings("cyanite", &request(&[("signature", &signature)], body.as_bytes()));
        let codes: Vec<&str> = found.iter().map(|finding| finding.code.as_str()).collect();
        assert!(codes.contains(&"unexplained"), "{codes:?}");
    }
}

#[test]
fn large_and_deep_bodies_stay_within_the_budget() {
    let mut large = vec![b'['];
    large.extend(b"1.0,".repeat((10 << 20) / 4));
    large.extend(b"1]");
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let signature = cyanite_signature(b"a wrong secret", b"");
    for body in [large, deep] {
        let mut trials = Trials::new(PER_SEARCH, &|| false);
        let request = request(&[("signature", &signature)], &body);
        let world = World::usual();
        let provider = world.catalog.get("cyanite").unwrap();
        let verdict = provider.verify(world.keyring.secrets("cyanite"), &request, None, Receipt::default());
        let rejection = verdict.rejection().unwrap();
        let (catalog, keyring) = (&world.catalog, &world.keyring);
        let case = case_of(provider, &request, rejection, catalog, keyring);
        let outcome = trials.search(&case);
        let is_exhausted = matches!(outcome, ControlFlow::Break(End::Exhausted));
        // Nothing is found, so the search ends with the last hypothesis or with the budget.
        assert_eq!(outcome.is_continue(), !is_exhausted);
        assert!(is_exhausted, "{} bytes", body.len());
        assert!(trials.attempted() < 10_000, "{} attempts", trials.attempted());
        let found = diagnose(&case);
        assert_eq!(found[0].message.contains("the rest skipped because of the body's size"), is_exhausted, "{found:?}");
    }
}

#[test]
fn requests_after_the_budget_of_a_run_is_spent_get_a_short_search_that_says_so() {
    let world = World::usual();
    let found = |body: &str, signed: &str, mut bytes: usize| {
        let request =
            request(&[("signature", &cyanite_signature(CYANITE.as_bytes(), signed.as_bytes()))], body.as_bytes());
        let (catalog, keyring) = (&world.catalog, &world.keyring);
        let provider = catalog.get("cyanite").unwrap();
        let verdict = provider.verify(keyring.secrets("cyanite"), &request, None, Receipt::default());
        diagnose_within(
            &case_of(provider, &request, verdict.rejection().unwrap(), catalog, keyring),
            &mut bytes,
            &|| false,
        )
    };
    let spent = 2 << 20;
    assert_eq!(found(BODY, &format!("{BODY}\n"), spent)[0].code, Code::BodyTrailingNewline);
    let large = format!(r#"{{"version":"2","text":"{}"}}"#, "x".repeat(100 << 10));
    let message = &found(&large, "another body", spent)[0].message;
    assert!(
        message.contains(" tried, the rest skipped because earlier requests used up the limit; verify this one alone to try them all): "),
        "{message}"
    );
}

#[test]
fn a_search_that_runs_late_ends_and_says_so() {
    let world = World::usual();
    let provider = world.catalog.get("cyanite").unwrap();
    let request = request(&[("signature", &cyanite_signature(b"a wrong secret", BODY.as_bytes()))], BODY.as_bytes());
    let receipt = Receipt::default();
    let verdict = provider.verify(world.keyring.secrets("cyanite"), &request, None, receipt);
    let rejection = verdict.rejection().unwrap();
    let (catalog, keyring) = (&world.catalog, &world.keyring);
    let case = RejectedRequest { receipt, ..case_of(provider, &request, rejection, catalog, keyring) };
    let asked = Cell::new(0);
    let is_late = || {
        asked.set(asked.get() + 1);
        asked.get() > 20
    };
    let found = diagnose_within(&case, &mut { PER_SEARCH }, &is_late);
    assert_eq!((found.len(), found[0].code, asked.get()), (1, Code::Unexplained, 21));
    assert!(
        found[0].message.contains(" variants tried, the rest skipped for lack of time): most likely "),
        "{}",
        found[0].message
    );
}

#[test]
fn a_request_without_a_signature_is_only_read_in_other_ways() {
    let world = World::usual();
    let provider = world.catalog.get("cyanite").unwrap();
    let request = request(&[("x-cyanite-hmac", "not one")], &b"[1.0, 2.50]".repeat(5000));
    let receipt = Receipt::default();
    let verdict = provider.verify(world.keyring.secrets("cyanite"), &request, None, receipt);
    let rejection = verdict.rejection().unwrap();
    let (catalog, keyring) = (&world.catalog, &world.keyring);
    let case = RejectedRequest { receipt, ..case_of(provider, &request, rejection, catalog, keyring) };
    let mut trials = Trials::new(PER_SEARCH, &|| false);
    assert!(trials.search(&case).is_continue());
    assert!(trials.attempted() <= 256, "{} attempts", trials.attempted());
    assert_eq!(diagnose(&case), []);
}

#[test]
fn many_secrets_and_signatures_stay_within_the_budget() {
    let texts: Vec<String> = (0..3000).map(|number| format!("secret {number}")).collect();
    let world = World::new(&texts.iter().map(|text| ("cyanite", text.as_str())).collect::<Vec<_>>());
    let (wrong, body) = ("00".repeat(64), vec![b'x'; 100_000]);
    let findings = world.findings("cyanite", &request(&[("signature", &wrong)], &body));
    // With all 3,000 secrets, a single variant would cost more than the budget.
    let message = "cause not found (310 variants tried, with 20 of 3000 secrets, the rest skipped because of the body's size): \
                   most likely a different secret or a changed body";
    assert_eq!(findings.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>(), [message]);
    let header = vec![format!("v1,{}", STANDARD.encode([0; 32])); 65].join(" ");
    assert_eq!(World::usual().codes("aspect", &aspect_request(&header, &TIME.to_string())), [""; 0]);
}

#[test]
fn the_tolerance_does_not_affect_the_explanation() {
    let world = World::usual();
    let provider = world.catalog.get("cyanite").unwrap();
    let request = request(&[("signature", &cyanite_signature(b"x", b"y"))], BODY.as_bytes());
    let receipt = Receipt { at: None, tolerance: Some(Tolerance::both(Duration::ZERO)), url: None };
    let verdict = provider.verify(world.keyring.secrets("cyanite"), &request, None, receipt);
    let rejection = verdict.rejection().unwrap();
    let (catalog, keyring) = (&world.catalog, &world.keyring);
    let found = diagnose(&RejectedRequest { receipt, ..case_of(provider, &request, rejection, catalog, keyring) });
    assert_eq!(found[0].code, Code::Unexplained);
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let json =
        proptest::collection::vec(("[a-zé]{1,8}", -1000_i64..100_000, "[ -~é]{0,12}"), 1..5).prop_map(|members| {
            let members = members.iter().enumerate();
            let members = members.map(|(i, (key, number, text))| {
                format!("\"{key}{i}\":{number},\"t{i}\":{}", crate::webhook::json::quote(text))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(",")).into_bytes()
        });
    prop_oneof![4 => json, 1 => proptest::collection::vec(any::<u8>(), 1..200)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, ..ProptestConfig::default() })]

    #[test]
    fn unrelated_secrets_and_bodies_stay_unexplained(
        key in "[A-Za-z0-9+/]{32}",
        signed in bodies(),
        received in bodies(),
        provider in 0_usize..3,
    ) {
        let world = World::usual();
        let time = TIME.to_string();
        let (name, request) = match provider {
            0 => {
                let signature = cyanite_signature(key.as_bytes(), &signed);
                ("cyanite", request(&[("signature", &signature)], &received))
            }
            1 => {
                let signature = svix(key.as_bytes(), Algorithm::HmacSha256, &String::from_utf8_lossy(&signed));
                let headers = [("svix-id", "msg_1"), ("svix-timestamp", &time), ("svix-signature", &signature)];
                ("aspect", request(&headers, &received))
            }
            _ => {
                let signature = hex(&mac(Algorithm::HmacSha256, key.as_bytes(), &signed));
                ("jewelmusic", request(&[("x-jewelmusic-signature", &format!("sha256={signature}"))], &received))
            }
        };
        prop_assert_eq!(world.codes(name, &request), ["unexplained"]);
    }

    #[test]
    fn no_finding_contains_a_secret_or_the_expected_signature(
        ours in "[A-Za-z0-9]{12,40}",
        how in 0_usize..6,
    ) {
        let world = World::new(&[("cyanite", &ours), ("jewelmusic", JEWELMUSIC)]);
        let key = match how {
            0 => format!("\"{ours}\""),
            1 => format!("{ours}\n"),
            2 => JEWELMUSIC.to_owned(),
            3 => format!("whsec_{ours}"),
            4 => "hookdev-development-secret-cyanite".to_owned(),
            _ => "unrelated".to_owned(),
        };
        let signature = cyanite_signature(key.as_bytes(), BODY.as_bytes());
        let expected = cyanite_signature(ours.as_bytes(), BODY.as_bytes());
        let findings = world.findings("cyanite", &request(&[("signature", &signature)], BODY.as_bytes()));
        prop_assert!(!findings.is_empty());
        for finding in findings {
            let text = format!("{finding:?}");
            for hidden in [ours.as_str(), JEWELMUSIC, &expected, &expected[..16]] {
                prop_assert!(!text.contains(hidden), "{}", text);
            }
        }
    }
}

#[test]
fn bodies_that_were_trimmed_converted_or_encoded_twice_are_found() {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let cases: [(&[u8], &[u8], &[&str]); 18] = [
        (b" {\"a\":1} ", b"{\"a\":1}", &["body-trailing-newline"]),
        (b"\n{\"a\":1}\n", b"{\"a\":1}", &["body-trailing-newline"]),
        (b"\r\n{\"a\":1}", b"{\"a\":1}", &["body-trailing-newline"]),
        (b"{\"a\":1}\n\n", b"{\"a\":1}", &["body-trailing-newline"]),
        (br#"{"a":1}"#, br#""\"{\\\"a\\\":1}\"""#, &["body-reserialised"]),
        (br#""\"{\\\"a\\\":1}\"""#, br#"{"a":1}"#, &["body-reserialised"]),
        (b"{\"a\":\"b?>\"}", b"eyJhIjoiYj8-In0", &["body-reencoded"]),
        (b"{\"a\":1}", b"ZXlKaElqb3hmUT09", &["body-reencoded"]),
        (b"eyJhIjoxfQ==", b"{\"a\":1}", &["body-reencoded"]),
        (b"{\"a\":1}", b"{\0\"\0a\0\"\0:\x001\0}\0", &["body-reencoded"]),
        (b"{\"a\":1}", b"\xfe\xff\0{\0\"\0a\0\"\0:\x001\0}", &["body-reencoded"]),
        ("{\"a\":\"é\"}".as_bytes(), "{\"a\":\"Ã\u{192}Â©\"}".as_bytes(), &["body-reencoded"]),
        (b"a=x+y&b=2", br#"{"a": "x y", "b": 2}"#, &["body-reserialised"]),
        (b"a=1&a=2&b=", br#"{"a":["1","2"],"b":null}"#, &["body-reserialised"]),
        (br#"{"a":"x y","b":2}"#, b"a=x+y&b=2", &["body-reserialised"]),
        (br#"{"a": "x", "b": "2"}"#, b"a=x&b=2", &["body-reserialised"]),
        (br#"{"a":{"b":"x y"}}"#, b"%7B%22a%22%3A%7B%22b%22%3A%22x+y%22%7D%7D=", &["body-reserialised"]),
        (br#"{"a": true, "b": null}"#, b"{'a': True, 'b': None}", &["body-logged"]),
    ];
    for (signed, received, expected) in cases {
        let headers = if received[0] == b'{' { &[][..] } else { &form };
        assert_eq!(changed(signed, received, headers), expected, "{:?}", String::from_utf8_lossy(received));
    }
}

#[test]
fn a_signature_that_was_percent_encoded_or_lost_its_letter_case_is_found() {
    // Shopify's own example: the secret `hush` of its documentation, and a body of this test.
    let world = World::new(&[("shopify", "hush"), ("github", "It's a Secret to Everybody")]);
    let shopify = |signature: &str| {
        let headers = [("x-shopify-hmac-sha256", signature), ("x-shopify-topic", "orders/create")];
        world.codes("shopify", &request(&headers, BODY.as_bytes()))
    };
    let right = STANDARD.encode(mac(Algorithm::HmacSha256, b"hush", BODY.as_bytes()));
    let encoded = right.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    assert_eq!(shopify(&encoded), ["wrong-encoding"]);
    assert_eq!(shopify(&right.to_lowercase()), ["signature-case"]);
    assert_eq!(shopify(&right.to_uppercase()), ["signature-case"]);
    assert_eq!(shopify(&right.to_lowercase().replace('a', "b")), ["unexplained"]);
    // GitHub's documented example: `Hello, World!`.
    let hash = "sha256%3D757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let hello = |headers: &[(&str, &str)]| world.codes("github", &request(headers, b"Hello, World!"));
    assert_eq!(hello(&[("x-hub-signature-256", hash)]), ["wrong-encoding"]);
    // The older header alone, with another hash, is one cause.
    let sha1 = hex(&mac(Algorithm::HmacSha1, b"It's a Secret to Everybody", b"Hello, World!"));
    assert_eq!(hello(&[("x-hub-signature", &format!("sha1={sha1}"))]), ["scheme-of-other-provider"]);
}

#[test]
fn a_clock_that_is_read_twice_is_named() {
    let key = STANDARD.decode(&ASPECT["whsec_".len()..]).unwrap();
    let signature = svix(&key, Algorithm::HmacSha256, &aspect_content(&TIME.to_string()));
    let found = World::usual().findings("aspect", &aspect_request(&signature, &(TIME + 1).to_string()));
    assert_eq!(found[0].code, Code::WrongSignedContent, "{found:?}");
    assert!(found[0].message.contains("`1735732801` was sent, 1 s later"), "{found:?}");
    let codes = World::usual().codes("aspect", &aspect_request(&signature, &(TIME + 9).to_string()));
    assert_eq!(codes, ["unexplained"]);
}

/// PHP's `base64_encode(hash_hmac('sha512', '{"id":1}', $secret))`, which should have been hexadecimal alone.
#[test]
fn base64_of_hexadecimal_digits_is_named() {
    let body = b"{\"id\":1}";
    let signature = STANDARD.encode(hex(&mac(Algorithm::HmacSha512, CYANITE.as_bytes(), body)));
    let found = World::usual().findings("cyanite", &request(&[("signature", &signature)], body));
    assert_eq!(found[0].code, Code::WrongEncoding, "{found:?}");
    assert!(found[0].message.contains("base64 of its hexadecimal digits"), "{found:?}");
}
