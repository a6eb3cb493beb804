//! Changes to the bytes of a body: framing, escapes, characters, and what was added or lost.

use super::*;

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
fn text_around_json_is_not_taken_for_escapes_in_it() {
    let documents =
        [r#"{"a":"say \"hi\""}"#, r#"{"a":"b\nc"}"#, r#"{"a":"\u00e9"}"#, r#"{"a":"C:\\x41"}"#, r#"["50%","a+b"]"#];
    let around = [("body=", ""), ("2026-01-01 INFO ", ""), ("```json\n", "\n```"), ("cb(", ")"), ("1: ", ";")];
    let found = |signed: &str, received: &str| {
        let signature = cyanite_signature(CYANITE.as_bytes(), signed.as_bytes());
        let found = World::usual().findings("cyanite", &request(&[("signature", &signature)], received.as_bytes()));
        assert_eq!(found.len(), 1, "{received}");
        (found[0].code, found[0].message.clone())
    };
    for document in documents {
        for (before, after) in around {
            let (code, message) = found(document, &format!("{before}{document}{after}"));
            assert_eq!(code, Code::BodyLogged, "{before}{document}{after}");
            assert!(message.starts_with("the signature covers only the JSON in the body"), "{message}");
        }
        for (after, bytes) in [(";", "1 byte"), ("xyz", "3 bytes")] {
            let (code, message) = found(document, &format!("{document}{after}"));
            assert_eq!(code, Code::BodyTruncated, "{document}{after}");
            assert!(message.ends_with(&format!("without the {bytes} after it")), "{message}");
        }
    }
    for signed in ["{\"a\":\"\\n\"}", "a=1", "{\"a\":1}\n"] {
        let (code, message) = found(signed, &format!("{signed}\0\0"));
        assert_eq!(code, Code::BodyTruncated, "{signed}");
        assert!(message.contains("the NULs at the end of the body (2 bytes)"), "{message}");
    }
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
fn truncated_and_decompressed_bodies_are_found() {
    assert_eq!(changed(b"{\"a\":1}", b"{\"a\":1}, 2", &[("content-length", "7")]), ["body-truncated"]);
    let mut encoder = flate2::read::GzEncoder::new(&b"{\"a\":1}"[..], flate2::Compression::fast());
    let mut compressed = Vec::new();
    std::io::Read::read_to_end(&mut encoder, &mut compressed).unwrap();
    assert_eq!(changed(b"{\"a\":1}", &compressed, &[]), ["body-decompressed"]);
    assert_eq!(changed(b"{\"a\":1}\n", &compressed, &[]), ["body-decompressed", "body-trailing-newline"]);
}

#[test]
fn a_signature_over_an_empty_body_says_only_that() {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let bodies: [(&str, &[(&str, &str)]); 7] = [
        ("{\"a\":1}", &[("content-length", "0")]),
        ("{\"a\":1}\n", &[]),
        ("{\"name\":\"日本\"}", &[]),
        ("{\"a\":\"  \"}", &[]),
        ("a=%E2%98%BA&b=1", &form),
        ("日本", &[]),
        ("\0\0", &[]),
    ];
    for (received, headers) in bodies {
        assert_eq!(changed(b"", received.as_bytes(), headers), ["wrong-signed-content"], "{received:?}");
    }
    let signature = cyanite_signature(CYANITE.as_bytes(), b"");
    let found = World::usual().findings("cyanite", &request(&[("signature", &signature)], BODY.as_bytes()));
    assert!(found[0].message.starts_with("the signature covers an empty body"), "{found:?}");
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
