//! Bodies that were parsed and written again: JSON in the layout of each library, and forms.

use super::*;

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
fn a_list_that_had_a_line_for_each_event_is_found() {
    // SendGrid ends each event but the last with `,` and CRLF, and the list with CRLF, as in the test of its library:
    // github:sendgrid/sendgrid-nodejs packages/eventwebhook/src/eventwebhook.spec.js
    let events = [r#"{"email":"a@example.com","event":"open"}"#, r#"{"email":"b@example.com","event":"click"}"#];
    let sent = format!("[{}]", events.join(","));
    let signed = format!("[{}]", events.join(",\r\n"));
    assert_eq!(changed(signed.as_bytes(), sent.as_bytes(), &[]), ["body-reserialised"]);
    let signed = format!("{signed}\r\n");
    let found = changed(signed.as_bytes(), sent.as_bytes(), &[]);
    assert_eq!(found, ["body-reserialised", "body-trailing-newline"]);
    let spaced = sent.replace(':', ": ").replace(',', ", ");
    let found = changed(signed.as_bytes(), spaced.as_bytes(), &[]);
    assert_eq!(found, ["body-reserialised", "body-trailing-newline"]);
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
fn the_output_of_every_json_library_is_found() {
    let sent = r#"{"b": "é/<", "n": [1.0, 1e2], "a": {"z": null}}"#;
    let root = crate::webhook::json::parse(sent).unwrap();
    let document = body::serialise::JsonDocument { text: sent, root: &root };
    for writer in &body::libraries::WRITERS {
        for &layout in writer.layouts {
            for order in [MemberOrder::Received, MemberOrder::Sorted, MemberOrder::Stored] {
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
