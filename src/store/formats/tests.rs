//! Tests of all formats: detection, errors, and behaviour on arbitrary input.

use std::fs;

use proptest::prelude::*;

use super::{collected::MAX_FAULTS, *};
use crate::webhook::request::Request;

const CAPTURE: &str = r#"{"kind":"delivery","hookdev":1,"received_at":null,"request":{"method":"POST","target":"/a","headers":[["x","y"]],"body":"{\"n\":1e400}"}}"#;
const MESSAGE: &str = "POST /a HTTP/1.1\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";

/// Captures of other tools.
const SAMPLES: &[&[u8]] = &[
    include_bytes!("../../../tests/formats/aws-http-api.ndjson"),
    include_bytes!("../../../tests/formats/aws-rest-api.ndjson"),
    include_bytes!("../../../tests/formats/chrome.har"),
    include_bytes!("../../../tests/formats/curl-trace-ascii-bytes.log"),
    include_bytes!("../../../tests/formats/curl-trace-bytes.log"),
    include_bytes!("../../../tests/formats/deliveries.http"),
    include_bytes!("../../../tests/formats/ngrok.json"),
    include_bytes!("../../../tests/formats/postman.json"),
    include_bytes!("../../../tests/formats/svix.ndjson"),
    include_bytes!("../../../tests/formats/webhook-site.csv"),
    include_bytes!("../../../tests/formats/webhook-site.json"),
];

fn name_of(head: &[u8]) -> Option<&'static str> {
    sniff(head).map(Format::name)
}

fn all(input: &[u8]) -> Result<Vec<Result<Entry, EntryError>>, EntryError> {
    Ok(read(Path::new("input"), input)?.collect())
}

/// The entries of an input, or their faults without the file, and its notes.
pub(super) fn collected(input: &str) -> (Vec<Result<Entry, String>>, Vec<String>) {
    let mut entries = read(Path::new("input"), input.as_bytes()).unwrap();
    let read = entries.by_ref().map(|read| match read {
        Err(EntryError::Broken { fault, .. }) => Err(fault.to_string()),
        read => Ok(read.unwrap()),
    });
    (read.collect(), entries.notes().to_vec())
}

/// The headers of a request, one per line.
pub(super) fn fields(request: &Request) -> String {
    let field = |(name, value): &(_, _)| format!("{name}: {}\n", crate::webhook::request::text(value));
    request.headers.iter().map(field).collect()
}

/// Returns one byte at a time, like a slow pipe.
struct ByteByByte<'a>(&'a [u8]);

impl Read for ByteByByte<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(1);
        self.0.read(&mut buffer[..room])
    }
}

#[test]
fn a_format_is_detected_by_content() {
    let (capture, message) = (Some("a hookdev capture"), Some("a raw HTTP/1.x request"));
    assert_eq!(name_of(CAPTURE.as_bytes()), capture);
    assert_eq!(name_of(b"\xef\xbb\xbf{\n  \"request\": {\"method\": \"POST\","), capture);
    assert_eq!(name_of(MESSAGE.as_bytes()), message);
    assert_eq!(name_of(b"\nPOST / HTTP/1.0\n"), message);
    for other in ["", "# Read me\n", "{\"log\":{}}", "[1]", "\u{89}PNG\r\n", "POST / HTTP/2\n", "a b c HTTP/1.1"] {
        assert_eq!(name_of(other.as_bytes()), None, "{other:?}");
    }
}

#[test]
fn other_files_of_a_project_are_not_captures() {
    for other in [
        r#"{"name":"a","version":"1.0.0","scripts":{"test":"x"},"dependencies":{"b":"^1"},"repository":{"type":"git","url":"u"}}"#,
        r#"{"compilerOptions":{"target":"es2022"},"include":["src"],"files":[]}"#,
        r#"{"data":[{"id":1,"uuid":"u","name":"n"}],"total":1}"#,
        r#"{"requests":[{"id":1,"start":"2025-01-01"}]}"#,
        r#"{"type":"event","version":1,"data":{"id":"a"}}"#,
        r#"{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{}}"#,
        r#"{"info":{"name":"n"},"item":[{"price":1}]}"#,
        r#"{"log":{"level":"debug","version":"1"}}"#,
        r#"{"path":"/a","headers":{}}"#,
        r#"[{"guid":"g","delivered_at":"2025-01-01"}]"#,
        "uuid,name,created_at\nu,n,2025-01-01\n",
        "method,content,created_at\nPOST,a,2025-01-01\n",
        "# Read me\n\n### Create\n\nPOST https://h/a\n",
        "* a list\n* Trying it\n\n> POST is quoted\n",
        "[package]\nname = \"a\"\n",
        "{",
        "[]",
    ] {
        assert_eq!(name_of(other.as_bytes()), None, "{other:?}");
    }
}

#[test]
fn a_broken_entry_keeps_its_place_between_valid_ones() {
    let log = format!("\u{feff}{CAPTURE}\n{{\"kind\":5}}\n{{\"kind\":\"ready\"}}\n{CAPTURE}\n");
    let lines: Vec<_> = all(log.as_bytes())
        .unwrap()
        .into_iter()
        .map(|read| match read {
            Ok(entry) => Ok(entry.line),
            Err(error) => Err(error.to_string()),
        })
        .collect();
    let broken = "input: line 2, column 9: invalid type: integer `5`, expected a string";
    assert_eq!(lines, [Ok(Some(1)), Err(broken.to_owned()), Ok(Some(4))]);
}

#[test]
fn a_request_with_thousands_of_headers_is_rejected_in_every_format() {
    let list = |count: usize| vec![r#"["x-a","b"]"#; count].join(",");
    let objects = |count: usize| vec![r#"{"name":"x-a","value":"b"}"#; count].join(",");
    let own = |count| {
        let headers = list(count);
        format!(r#"{{"hookdev":1,"request":{{"method":"POST","target":"/","headers":[{headers}],"body":"{{}}"}}}}"#)
    };
    let har = |count| {
        let headers = objects(count);
        let request = format!(
            r#"{{"method":"POST","url":"http://a/","headers":[{headers}],"postData":{{"mimeType":"a/b","text":"{{}}"}}}}"#
        );
        format!(r#"{{"log":{{"version":"1.2","creator":{{}},"entries":[{{"request":{request}}}]}}}}"#)
    };
    let object = |count| format!(r#"{{"headers":[{}],"body":"{{}}"}}"#, list(count));
    for write in [&own as &dyn Fn(usize) -> String, &har, &object] {
        let read = |count| all(write(count).as_bytes()).unwrap().remove(0).map(|entry| entry.request.headers.len());
        assert_eq!(read(1024).unwrap(), 1024);
        assert_eq!(read(1025).unwrap_err().to_string(), "input: line 1: more than 1024 header fields");
    }
}

#[test]
fn an_input_may_arrive_in_any_pieces() {
    for input in [CAPTURE, MESSAGE] {
        let entries: Vec<_> =
            read(Path::new("input"), ByteByByte(input.as_bytes())).unwrap().map(Result::unwrap).collect();
        assert_eq!(entries, all(input.as_bytes()).unwrap().into_iter().map(Result::unwrap).collect::<Vec<_>>());
        assert_eq!((entries.len(), entries[0].request.path()), (1, "/a"));
    }
}

#[test]
fn an_unrecognised_input_is_an_error_that_says_what_it_is() {
    let refused = |input: &[u8]| all(input).unwrap_err().to_string();
    let unknown = "its content is in no format that hookdev reads; `hookdev verify --help` lists them";
    assert_eq!(refused(b"# Read me\n"), format!("input isn't a capture: {unknown}"));
    assert_eq!(refused(b" \n"), "input is empty");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().to_owned(), dir.path().join("missing")] {
        let error = open(&path).err().unwrap();
        assert_eq!(error.to_string(), format!("can't read {}", path.display()));
    }
}

#[test]
fn an_incomplete_last_line_is_noted_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log.ndjson");
    for torn in ["{\"kind\"", "{\"kind\"\0\0\0", "\0\0\0"] {
        fs::write(&file, format!("{CAPTURE}\n{torn}")).unwrap();
        let mut entries = open(&file).unwrap();
        assert_eq!(entries.by_ref().count(), 1);
        assert_eq!(entries.notes(), ["skipped line 2, which is incomplete"], "{torn:?}");
    }
}

/// The pointers to all values in a document.
fn pointers(value: &serde_json::Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| pointers(item, &format!("{at}/{index}"), found));
        }
        serde_json::Value::Object(members) => {
            members.iter().for_each(|(key, member)| pointers(member, &format!("{at}/{}", escaped(key)), found));
        }
        _ => {}
    }
}

#[test]
fn a_value_of_the_wrong_type_is_rejected_in_json_terms() {
    use serde_json::json;

    let documents = SAMPLES.iter().map(|sample| std::str::from_utf8(sample).unwrap()).chain([CAPTURE]);
    let documents = documents.filter_map(|sample| {
        let first = sample.lines().next()?;
        serde_json::from_str::<serde_json::Value>(sample).or_else(|_| serde_json::from_str(first)).ok()
    });
    let (mut read, mut rejected) = (0, 0);
    for document in documents {
        read += 1;
        let format = sniff(document.to_string().as_bytes()).unwrap();
        let mut found = Vec::new();
        pointers(&document, "", &mut found);
        for pointer in found {
            for other in [json!(5), json!("x"), json!([]), json!([[], {}]), json!({}), json!(true)] {
                let mut changed = document.clone();
                *changed.pointer_mut(&pointer).unwrap() = other.clone();
                let changed = changed.to_string();
                for fault in format
                    .read(Input::new(changed.as_bytes()), &mut GzipBudget::default())
                    .into_iter()
                    .flatten()
                    .filter_map(EntryPiece::read)
                    .filter_map(Result::err)
                {
                    rejected += 1;
                    let message = fault.to_string();
                    let foreign = ["struct ", "tuple", "sequence", " map", "variant", "enum "];
                    assert!(
                        !foreign.iter().any(|word| message.contains(word)),
                        "{}: {pointer} = {other}: {message}",
                        format.name()
                    );
                }
            }
        }
    }
    assert_eq!(read, 8);
    assert!(rejected > 100, "{rejected}");
}

#[test]
fn separators_in_the_body_of_a_message_are_part_of_it() {
    let body = "### a\nPOST http://a/ HTTP/1.1\nX: y\n\n1\n### b\nPOST http://b/ HTTP/1.1\nX: y\n\n2\n";
    let message = format!("POST /a HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let entries = all(message.as_bytes()).unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].as_ref().unwrap().request.body, body);
}

proptest! {
    #[test]
    fn arbitrary_bytes_cause_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = all(&bytes);
        for start in ["{\"kind\":", "{\"request\":{", "POST / HTTP/1.1\r\n", "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n"] {
            let _ = all(&[start.as_bytes(), &bytes].concat());
        }
    }

    #[test]
    fn mutated_captures_cause_no_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        for input in [format!("{CAPTURE}\n{CAPTURE}\n"), format!("{MESSAGE}{MESSAGE}")] {
            let mut bytes = input.into_bytes();
            for (place, byte) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            let _ = all(&bytes);
            let _ = all(&bytes[..cut.index(bytes.len())]);
        }
    }

    #[test]
    fn mutated_captures_of_other_tools_cause_no_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        sample in any::<prop::sample::Index>(),
    ) {
        let sample = *sample.get::<&[u8]>(SAMPLES);
        let mut bytes = sample.to_vec();
        for (place, byte) in &changes {
            let place = place.index(bytes.len());
            bytes[place] = *byte;
        }
        let format = sniff(sample).unwrap();
        for input in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            let _ = all(input);
            // Read it even if it is no longer detected.
            let _ = format.read(Input::new(input), &mut GzipBudget::default()).map(Iterator::count);
        }
    }

    #[test]
    fn arbitrary_bytes_cause_no_panic_in_any_format(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for format in FORMATS {
            let _ = format.read(Input::new(&bytes[..]), &mut GzipBudget::default()).map(Iterator::count);
        }
    }

    #[test]
    fn a_request_message_is_read_back(body in prop::collection::vec(any::<u8>(), 0..100), chunk in 1_usize..50) {
        let sized = [format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat();
        let mut chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for chunk in body.chunks(chunk) {
            chunked.extend([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
        }
        chunked.extend(b"0\r\n\r\n");
        for message in [sized, chunked] {
            let entry = all(&message).unwrap().remove(0).unwrap();
            prop_assert_eq!(&entry.request.body[..], &body[..]);
            prop_assert_eq!(entry.notes, Vec::<String>::new());
        }
    }
}

#[test]
fn of_many_broken_entries_the_first_are_reported_and_the_others_counted() {
    let entries = "1,".repeat(MAX_FAULTS + 6);
    let (read, notes) = collected(&format!(r#"{{"log":{{"version":"1.2","creator":{{}},"entries":[{entries}2]}}}}"#));
    assert_eq!((read.len(), notes), (MAX_FAULTS, vec!["7 entries can't be read either".to_owned()]));
}
