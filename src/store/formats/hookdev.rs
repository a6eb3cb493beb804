//! Detects hookdev's own captures: one object, one per line, as `listen` prints and captures them, or an array of them;
//! and the requests that `send --print json` prints. [`capture`] reads them.

use super::{
    Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input,
    document::collect,
    keys::{self, Outline},
    objects::Objects,
    whole,
};
use crate::webhook::capture;

/// hookdev's own captures.
pub(super) struct Hookdev;

/// The kinds of lines that captures may be mixed with. Providers' payloads may have a `kind` too.
const KINDS: [&str; 8] = ["attempt", "delivery", "findings", "forwards", "missed", "ready", "request", "verification"];

/// Whether an input starts with one of hookdev's own objects.
pub(super) fn is_own(head: &[u8]) -> bool {
    let outline = Outline::new(head);
    keys::string_at(head, "kind").is_some_and(|kind| KINDS.contains(&kind.as_ref()))
        || outline.has_all("", &["hookdev"])
        || outline.has_all("request.", &["target"])
}

impl Format for Hookdev {
    fn name(&self) -> &'static str {
        "a hookdev capture"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // A server's log may have `request` too, but with the headers as an object.
        let is_log = |outline: &Outline| outline.paths().any(|path| path.starts_with("request.headers."));
        let has_method = |outline: &Outline| outline.has_all("request.", &["method"]) && !is_log(outline);
        is_own(head) || has_method(&Outline::new(head))
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        // A file with a single capture, as in a directory of captures, need not be split into objects.
        if input.is_whole
            && let Ok(Some(capture)) = capture::read(&input.head)
            && input.head.starts_with(b"{")
        {
            return Ok(Box::new(Collected::single(Entry { line: Some(1), ..capture.into() })));
        }
        if input.head.trim_ascii_start().starts_with(b"[") {
            let parse = |json: &str| Ok(capture::read(json.as_bytes())?.map(Entry::from));
            return Ok(Box::new(collect(&whole(input)?, &[], parse)));
        }
        Ok(Box::new(Objects::new(input)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use bytes::Bytes;

    use super::*;
    use crate::{
        store::formats::{EntryPiece, tests::collected},
        webhook::{
            capture::MAX_SIZE,
            request::{self, HeaderName, Method, Request},
            time::Timestamp,
        },
    };

    const ONE: &str = r#"{"kind":"delivery","hookdev":1,"seq":1,"received_at":"2025-01-01T12:00:00.123Z","request":{"method":"POST","target":"/aspect?x=1","headers":[["content-type","application/json"],["x-name","\u00fc"]],"body":"{\"a\":1}"},"capture":null}"#;

    fn captures(input: &[u8]) -> (Vec<Result<Entry, String>>, Vec<String>) {
        let mut reader = Hookdev.read(Input::new(input), &mut GzipBudget::default()).unwrap();
        let entries =
            reader.by_ref().filter_map(EntryPiece::read).map(|read| read.map_err(|fault| fault.to_string())).collect();
        (entries, reader.notes().to_vec())
    }

    /// The targets of the entries, and the errors between them.
    fn targets(input: &str) -> Vec<Result<String, String>> {
        captures(input.as_bytes()).0.into_iter().map(|read| read.map(|entry| entry.request.target)).collect()
    }

    fn capture(target: &str) -> String {
        format!(r#"{{"kind":"delivery","request":{{"method":"POST","target":"{target}","headers":[],"body":""}}}}"#)
    }

    fn rejected(input: &str) -> String {
        targets(input).remove(0).unwrap_err()
    }

    #[test]
    fn a_capture_gives_the_request_and_its_time() {
        let headers = [("content-type", "application/json"), ("x-name", "\u{fc}")];
        let headers = headers.map(|(n, v)| (HeaderName::from_static(n), request::value(v).unwrap()));
        let request = Request {
            method: Method::POST,
            target: "/aspect?x=1".to_owned(),
            headers: headers.into_iter().collect(),
            body: Bytes::from_static(b"{\"a\":1}"),
        };
        let received_at = Some(Timestamp::from_unix_millis(1_735_732_800_123));
        assert_eq!(
            captures(ONE.as_bytes()),
            (vec![Ok(Entry { line: Some(1), received_at, ..Entry::new(request) })], vec![])
        );
    }

    #[test]
    fn a_header_outside_ascii_is_latin_1() {
        let (entries, _) = captures(ONE.as_bytes());
        assert_eq!(entries[0].as_ref().unwrap().request.headers.get("x-name").unwrap().as_bytes(), b"\xfc");
    }

    #[test]
    fn a_body_outside_utf_8_is_base64() {
        let input = capture("/").replace(r#""body":"""#, r#""body_base64":"AP/+""#);
        assert_eq!(captures(input.as_bytes()).0[0].as_ref().unwrap().request.body, b"\0\xff\xfe"[..]);
        assert_eq!(rejected(&input.replace("AP/+", "AP_-")), "line 1: expected standard base64 in `body_base64`");
    }

    #[test]
    fn lines_of_another_kind_and_blank_lines_are_skipped() {
        let ready = r#"{"kind":"ready","url":"http://127.0.0.1:4400"}"#;
        let attempt = r#"{"kind":"attempt","request":{"method":"POST","target":"/no","headers":[]}}"#;
        let log = format!("{ready}\n{}\n\r\n{attempt}\n{}", capture("/1"), capture("/2"));
        assert_eq!(targets(&log), [Ok("/1".to_owned()), Ok("/2".to_owned())]);
    }

    #[test]
    fn a_printed_request_is_read_with_the_path_of_its_url() {
        let input = r#"{"kind":"request","method":"POST","url":"http://127.0.0.1:4400/cyanite?a=b","headers":[["a","b"]],"body":"{}"}"#;
        let (entries, _) = captures(input.as_bytes());
        let request = &entries[0].as_ref().unwrap().request;
        assert_eq!((request.target.as_str(), &request.body[..]), ("/cyanite?a=b", &b"{}"[..]));
    }

    #[test]
    fn a_payload_with_the_keys_of_a_capture_is_none() {
        for payload in [
            r#"{"id":"evt_1","object":"event","request":{"id":null,"idempotency_key":null}}"#,
            r#"{"kind":"calendar#event","request":null}"#,
            r#"{"kind":"order","data":{}}"#,
        ] {
            assert!(!Hookdev.recognises(payload.as_bytes()), "{payload}");
        }
        for own in [ONE, &capture("/").replace(r#""kind":"delivery","#, ""), r#"{"kind":"ready","url""#] {
            assert!(Hookdev.recognises(own.as_bytes()), "{own}");
        }
    }

    #[test]
    fn the_time_of_receipt_may_be_null() {
        let input = capture("/").replace(r#""kind""#, r#""received_at":null,"kind""#);
        assert_eq!(captures(input.as_bytes()).0[0].as_ref().unwrap().received_at, None);
        let wrong = input.replace("null", r#""noon\n""#);
        assert_eq!(rejected(&wrong), r#"line 1: expected an RFC 3339 time in `received_at`, found "noon\n""#);
    }

    #[test]
    fn an_object_may_have_several_lines() {
        let pretty = capture("/1").replace(',', ",\n").replace('{', "{\n  ");
        assert_eq!(targets(&pretty), [Ok("/1".to_owned())]);
        let several = format!("{pretty}\n{pretty}\n{}", capture("/2"));
        assert_eq!(targets(&several), ["/1", "/1", "/2"].map(|target| Ok(target.to_owned())));
    }

    #[test]
    fn an_array_of_captures_is_read() {
        let ready = r#"{"kind":"ready","url":"http://127.0.0.1:4400"}"#;
        // As `jq -s .` writes it.
        let array = format!("[\n  {},\n  {ready},\n  {}\n]\n", capture("/1"), capture("/2"));
        let read = |input: &str| {
            let entries = collected(input).0.into_iter();
            entries.map(|read| read.map(|entry| entry.request.target)).collect::<Vec<_>>()
        };
        assert_eq!(read(&array), [Ok("/1".to_owned()), Ok("/2".to_owned())]);
        let broken = read(&array.replace("\"/2\"", "7"));
        let error = "line 4, column 58: invalid type: integer `7`, expected a string";
        assert_eq!(broken, [Ok("/1".to_owned()), Err(error.to_owned())]);
    }

    #[test]
    fn an_error_in_several_lines_is_located() {
        let input = "{\n \"kind\": \"delivery\",\n \"request\": {\"method\": 5}\n}";
        assert_eq!(rejected(input), "line 3, column 24: invalid type: integer `5`, expected a string");
    }

    #[test]
    fn a_broken_line_does_not_hide_the_others() {
        let broken = r#"{"kind":"delivery" "request":1}"#;
        let torn = r#"{"kind":"del"#;
        let log = format!("{}\n{broken}\n{torn}\n{}\n", capture("/1"), capture("/2"));
        let expected = [
            Ok("/1".to_owned()),
            Err("line 2, column 20: expected `,` or `}`".to_owned()),
            Err("line 3, column 12: EOF while parsing a string".to_owned()),
            Ok("/2".to_owned()),
        ];
        assert_eq!(targets(&log), expected);
    }

    #[test]
    fn a_line_cut_between_tokens_does_not_hide_the_next() {
        let log = format!("{{\"kind\":\"delivery\",\n{}\n", capture("/2"));
        let torn = Err("line 1, column 19: EOF while parsing a value".to_owned());
        assert_eq!(targets(&log), [torn, Ok("/2".to_owned())]);
    }

    #[test]
    fn an_incomplete_last_line_is_skipped_with_a_note() {
        let whole = capture("/2");
        for end in 1..whole.len() {
            let (entries, notes) = captures(format!("{}\n{}", capture("/1"), &whole[..end]).as_bytes());
            assert_eq!((entries.len(), notes), (1, vec!["skipped line 2, which is incomplete".to_owned()]), "{end}");
        }
    }

    #[test]
    fn an_incomplete_single_object_is_an_error() {
        assert_eq!(rejected(r#"{"kind":"delivery""#), "line 1, column 18: EOF while parsing an object");
    }

    #[test]
    fn a_newer_version_is_named_even_if_its_shape_is_unknown() {
        let newer = "line 1: version 2 of the capture format is newer than this hookdev supports (1); update hookdev";
        assert_eq!(rejected(&capture("/").replace(r#""kind""#, r#""hookdev":2,"kind""#)), newer);
        assert_eq!(rejected(r#"{"kind":"delivery","hookdev":2,"requests":[]}"#), newer);
    }

    #[test]
    fn what_is_wrong_with_a_request_is_named() {
        let with = |from: &str, to: &str| rejected(&capture("/").replace(from, to));
        assert_eq!(with("POST", "PO ST"), r#"line 1: expected an HTTP method in `method`, found "PO ST""#);
        assert_eq!(with(r#""/""#, r#""a b""#), r#"line 1: expected a path in `target`, found "a b""#);
        assert_eq!(with(r#""target":"/","#, ""), "line 1: expected a path in `target`");
        assert_eq!(with("[]", r#"[["a b","c"]]"#), r#"line 1: expected a header name, found "a b""#);
        let control = r#"line 1: expected Latin-1 without control characters in the header "a""#;
        assert_eq!(with("[]", r#"[["a","b\n"]]"#), control);
        assert_eq!(with("[]", r#"[["a"]]"#), "line 1, column 75: invalid length 1, expected a header as [name, value]");
        let both = "line 1: expected `body` or `body_base64`, found both";
        assert_eq!(with(r#""body":"""#, r#""body":"","body_base64":"""#), both);
        assert_eq!(with("method", "verb"), "line 1, column 80: missing field `method`");
        let request = r#"{"kind":"delivery","request":"POST / HTTP/1.1"}"#;
        let expected = "line 1, column 46: invalid type: string \"POST / HTTP/1.1\", \
                        expected a request, an object with `method`, `target`, `headers` and `body`";
        assert_eq!(rejected(request), expected);
        assert_eq!(with("[]", "{}"), "line 1, column 69: invalid type: object, expected an array");
    }

    #[test]
    fn hostile_documents_are_errors() {
        let deep = format!("{{\"kind\":{}", "[".repeat(100_000));
        let errors = [deep.as_bytes(), br#"{"hookdev":1e400}"#, b"{\"kind\":\"\xff\"}", b"{\"kind\":\0}"];
        let errors = errors.map(|document| captures(document).0.remove(0).unwrap_err());
        let expected = [
            "line 1, column 8: invalid type: array, expected a string",
            "line 1, column 16: number out of range",
            "line 1, column 10: invalid unicode code point",
            "line 1, column 9: expected value",
        ];
        assert_eq!(errors, expected);
    }

    #[test]
    fn a_line_over_the_limit_is_an_error_and_the_next_is_read() {
        let long = io::repeat(b'x').take(MAX_SIZE as u64 + 10);
        let next = format!("\n{}\n", capture("/2"));
        let next = io::Cursor::new(next);
        let mut reader = Hookdev.read(Input::new(long.chain(next)), &mut GzipBudget::default()).unwrap();
        assert_eq!(
            reader.next().and_then(EntryPiece::read).unwrap().unwrap_err().to_string(),
            "line 1: larger than 64 MiB"
        );
        assert_eq!(reader.next().and_then(EntryPiece::read).unwrap().unwrap().request.target, "/2");
        assert!(reader.next().is_none());
    }
}
