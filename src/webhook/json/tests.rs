//! Acceptance and values are compared with `serde_json`; spans, errors and the differences from `serde_json` have tests
//! of their own.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The node as a value of `serde_json`.
fn value(node: &Node<'_>) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(truth) => Value::Bool(*truth),
        Kind::Number(text) => serde_json::from_str(text).unwrap(),
        Kind::String(text) => Value::from(text.as_ref()),
        Kind::Array(items) => items.iter().map(value).collect(),
        Kind::Object(members) => members.iter().map(|m| (m.key.to_string(), value(&m.value))).collect(),
    }
}

fn compacted(text: &str) -> String {
    let mut out = String::new();
    compact(text, &parse(text).unwrap(), &mut out);
    out
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

#[track_caller]
fn assert_fails(text: &str, offset: usize, message: &str) {
    let error = parse(text).unwrap_err();
    assert_eq!((error.offset, error.message), (offset, message), "{text}");
}

#[test]
fn spans_are_the_bytes_of_each_token() {
    let text = r#" {"é" : [1.50, "a\"b"], "n":null} "#;
    let root = parse(text).unwrap();
    assert_eq!(&text[root.span.clone()], r#"{"é" : [1.50, "a\"b"], "n":null}"#);
    let Kind::Object(members) = &root.kind else { panic!("{root:?}") };
    assert_eq!(&text[members[0].key_span.clone()], r#""é""#);
    assert_eq!(&text[members[0].value.span.clone()], r#"[1.50, "a\"b"]"#);
    assert_eq!(&text[root.get(&path("é.1")).unwrap().span.clone()], r#""a\"b""#);
    assert_eq!(&text[root.get(&path("n")).unwrap().span.clone()], "null");
}

#[test]
fn strings_and_numbers_without_escapes_are_borrowed() {
    let root = parse(r#"["plain", "esc\u0061ped", 0.1000000000000000055, 1e400]"#).unwrap();
    let Kind::Array(items) = root.kind else { panic!("{root:?}") };
    assert!(matches!(items[0].kind, Kind::String(Cow::Borrowed("plain"))));
    assert_eq!(items[1].kind, Kind::String("escaped".into()));
    assert_eq!(items[2].kind, Kind::Number("0.1000000000000000055"));
    assert_eq!(items[3].kind, Kind::Number("1e400"));
}

#[test]
fn the_last_of_duplicate_keys_is_looked_up() {
    let root = parse(r#"{"a":1,"b":{"c":2},"a":3,"b":{}}"#).unwrap();
    assert_eq!(root.get(&path("a")).unwrap().kind, Kind::Number("3"));
    assert_eq!(root.get(&path("b.c")), None);
}

#[test]
fn array_items_are_addressed_by_canonical_numbers() {
    let root = parse(r#"{"list":[10,20],"map":{"0":30,"01":40}}"#).unwrap();
    let text = |at: &str| root.get(&path(at)).and_then(Node::text);
    assert_eq!(text("list.1").as_deref(), Some("20"));
    assert_eq!(text("map.01").as_deref(), Some("40"));
    for missing in ["list.2", "list.01", "list.+1", "list.-1", "list.-", "list.0.x"] {
        assert_eq!(text(missing), None, "{missing}");
    }
}

#[test]
fn scalars_have_a_text() {
    let root = parse(r#"["a\nb",1.0,true,false,null,[],{}]"#).unwrap();
    let Kind::Array(items) = &root.kind else { panic!("{root:?}") };
    let texts: Vec<_> = items.iter().map(|item| item.text().map(Cow::into_owned)).collect();
    let expected = [Some("a\nb"), Some("1.0"), Some("true"), Some("false"), Some("null"), None, None];
    assert_eq!(texts, expected.map(|text| text.map(str::to_owned)));
}

#[test]
fn lone_surrogates_are_replaced_and_pairs_are_joined() {
    let text = |literal: &str| parse(literal).unwrap().text().unwrap().into_owned();
    assert_eq!(text(r#""\ud83d\ude00""#), "😀");
    assert_eq!(text(r#""\ud83d""#), "\u{fffd}");
    assert_eq!(text(r#""\ude00\ud83d""#), "\u{fffd}\u{fffd}");
    assert_eq!(text(r#""\ud83d\u0041""#), "\u{fffd}A");
    assert_eq!(text(r#""\ud83d\ud83d\ude00""#), "\u{fffd}😀");
}

#[test]
fn errors_have_a_message_and_a_position() {
    assert_fails("", 0, "the document ends too early");
    assert_fails("\u{feff}{}", 0, "a byte order mark comes before the document");
    assert_fails("{} {}", 3, "text follows the end of the document");
    assert_fails("[1,]", 2, "a trailing comma is not JSON");
    assert_fails(r#"{"a":1 , }"#, 7, "a trailing comma is not JSON");
    assert_fails("[1 2]", 3, "expected `,` or `]`");
    assert_fails(r#"{"a":1;}"#, 6, "expected `,` or `}`");
    assert_fails(r#"{"a" 1}"#, 5, "expected `:`");
    assert_fails("{a:1}", 1, "expected a key in double quotes");
    assert_fails(r#"{"a":"#, 5, "the document ends too early");
    assert_fails(r#"["abc"#, 1, "a string has no closing quote");
    assert_fails("[\"a\tb\"]", 3, "a string has a control character that is not escaped");
    assert_fails(r#"["a\x"]"#, 3, "unknown escape in a string");
    assert_fails(r#"["\u12g4"]"#, 2, "`\\u` needs four hex digits");
    assert_fails(r#"["\u+123"]"#, 2, "`\\u` needs four hex digits");
    assert_fails("[01]", 2, "a number has a leading zero");
    assert_fails("[-]", 2, "expected a digit");
    assert_fails("[1.]", 3, "expected a digit");
    assert_fails("[1e+", 4, "the document ends too early");
    assert_fails("[+1]", 1, "expected a value");
    assert_fails("[NaN]", 1, "expected a value");
    assert_fails("[nul]", 1, "expected a value");
}

#[test]
fn an_error_is_printed_with_its_line_and_column_in_characters() {
    let error = parse("{\r\n  \"ä\": tru\n}").unwrap_err();
    assert_eq!(error.to_string(), "expected a value at line 2, column 8");
    assert_eq!(position("ab\n", 3), (2, 1));
    assert_eq!(position("ab", 99), (1, 3));
}

#[test]
fn nesting_beyond_the_limit_is_an_error_and_not_a_stack_overflow() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(parse(&nested(MAX_DEPTH)).unwrap().span, 0..2 * MAX_DEPTH);
    assert_fails(&nested(MAX_DEPTH + 1), MAX_DEPTH, "arrays and objects are nested more than 512 deep");
    assert_fails(&"{\"a\":".repeat(100_000), 5 * MAX_DEPTH, "arrays and objects are nested more than 512 deep");
}

#[test]
fn compacting_removes_only_whitespace() {
    let text = "\t{ \"b\" : 1.0,\n \"a\" : [ ] , \"b\": [1E2 , \"\\u00e9  \\/\"], \"o\": { } }\r\n";
    assert_eq!(compacted(text), r#"{"b":1.0,"a":[],"b":[1E2,"\u00e9  \/"],"o":{}}"#);
}

#[test]
fn quoting_escapes_what_a_literal_cannot_hold() {
    assert_eq!(quote("a\"b\\c\n\u{1}é"), r#""a\"b\\c\n\u0001é""#);
}

/// JSON texts with every kind of token and whitespace wherever it is allowed.
fn json_text() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|truth| truth.to_string()),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?",
        string_literal(),
    ];
    let space = || "[ \\t\\r\\n]{0,2}";
    scalar.prop_recursive(6, 60, 5, move |inner| {
        let item = (space(), inner, space()).prop_map(|(before, item, after)| before + &item + &after);
        let key = (space(), string_literal(), space()).prop_map(|(before, key, after)| before + &key + &after);
        let items = prop::collection::vec(item.clone(), 1..5);
        let members = prop::collection::vec((key, item).prop_map(|(key, item)| key + ":" + &item), 1..5);
        prop_oneof![
            space().prop_map(|space| format!("[{space}]")),
            space().prop_map(|space| format!("{{{space}}}")),
            items.prop_map(|items| format!("[{}]", items.join(","))),
            members.prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

fn string_literal() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        "[^\"\\\\\\x00-\\x1f]",
        r#"\\["\\/bfnrt]"#,
        r"\\u[0-9a-cA-C][0-9a-fA-F]{3}",
        Just(r"\ud83d\uDE00".to_owned())
    ];
    prop::collection::vec(character, 0..6).prop_map(|characters| format!("\"{}\"", characters.concat()))
}

proptest! {
    #[test]
    fn a_document_means_what_serde_json_says(text in json_text()) {
        let expected: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(value(&parse(&text).unwrap()), expected);
    }

    #[test]
    fn a_compacted_document_means_the_same_and_has_no_whitespace_left(text in json_text()) {
        let expected: Value = serde_json::from_str(&text).unwrap();
        let compacted = compacted(&text);
        prop_assert_eq!(serde_json::from_str::<Value>(&compacted).unwrap(), expected.clone());
        let raw: Box<serde_json::value::RawValue> = serde_json::from_str(&compacted).unwrap();
        prop_assert_eq!(raw.get(), &compacted);
        prop_assert_eq!(self::compacted(&compacted), compacted);
    }

    /// `IgnoredAny` checks only the grammar: it neither computes numbers nor joins surrogates.
    #[test]
    fn exactly_what_serde_json_accepts_is_accepted(text in r#"[\[\]{},:" \\u0-3aeE.+\-\n\x01é]{0,12}"#) {
        let expected = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(parse(&text).is_ok(), expected);
    }

    #[test]
    fn exactly_the_broken_documents_of_serde_json_are_refused(
        text in json_text(), at in any::<prop::sample::Index>(), new in r#"[\[\]{},:"\\0e. \x02]?"#,
    ) {
        let mut characters: Vec<String> = text.chars().map(String::from).collect();
        *at.get_mut(&mut characters) = new;
        let broken = characters.concat();
        let expected = serde_json::from_str::<serde::de::IgnoredAny>(&broken).is_ok();
        prop_assert_eq!(parse(&broken).is_ok(), expected, "{}", broken);
    }
}

#[test]
fn the_value_of_a_payload_is_what_serde_json_reads() {
    let text = r#"{"version":"2","resource":{"type":"LibraryTrack","id":"999"},"n":[1,-2.5e3,true,null]}"#;
    let expected =
        json!({"version": "2", "resource": {"type": "LibraryTrack", "id": "999"}, "n": [1, -2500.0, true, null]});
    assert_eq!(value(&parse(text).unwrap()), expected);
}

#[test]
fn a_document_with_too_many_values_is_rejected() {
    let zeros = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
    assert!(parse(&zeros(MAX_VALUES)).is_ok());
    let error = parse(&zeros(MAX_VALUES + 1)).unwrap_err();
    assert_eq!(error.message, "the document has more than 1048576 values");
}

#[test]
fn each_character_is_read_as_serde_json_does_at_any_position() {
    for (character, place) in ('\0'..='\u{ff}').flat_map(|character| (0..20).map(move |place| (character, place))) {
        let mut characters = ['a'; 20];
        characters[place] = character;
        let text = format!("\"{}\"", String::from_iter(characters));
        let expected = serde_json::from_str::<Value>(&text).ok();
        assert_eq!(parse(&text).ok().map(|node| value(&node)), expected, "{text:?}");
    }
}
