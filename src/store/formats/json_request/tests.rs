//! Tests of the forms in which headers and bodies are read.

use crate::store::formats::tests::{collected, fields};

/// Method, target, headers and body of the one entry.
fn parsed(json: &str) -> (String, String, String) {
    let (entries, _) = collected(json);
    let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
    let request = &entry.request;
    let body = String::from_utf8_lossy(&request.body).into_owned();
    (format!("{} {}", request.method, request.target), fields(request), body)
}

fn same(line: &str, fields: &str, body: &str) -> (String, String, String) {
    (line.to_owned(), fields.to_owned(), body.to_owned())
}

fn error(json: &str) -> String {
    let (mut entries, _) = collected(json);
    entries.remove(0).unwrap_err()
}

#[test]
fn headers_are_read_in_every_form() {
    for headers in [
        r#"{"A":"1","b":["2","3"],"n":null}"#,
        r#"[["A","1"],["b","2"],["b",3]]"#,
        r#"[{"name":"A","value":"1"},{"name":"b","value":"2"},{"name":"b","value":3}]"#,
        r#"[{"key":"A","value":"1"},{"key":"b","value":"2"},{"key":"b","value":3}]"#,
        r#"["A","1","b","2","b","3"]"#,
        r#"["A: 1","b: 2","b:3"]"#,
        r#""A: 1\r\nb: 2\r\nb: 3\r\n""#,
        r#"{"firstLine":"POST / HTTP/1.1","headers":[{"name":"A","value":"1"},{"name":"b","value":"2"},{"name":"b","value":"3"}]}"#,
        r#"{"A":[{"key":"a","value":"1"}],"b":[{"value":"2"},{"value":"3"}]}"#,
    ] {
        let json = format!(r#"{{"headers":{headers},"body":"{{}}"}}"#);
        assert_eq!(parsed(&json), same("POST /", "A: 1\nb: 2\nb: 3\n", "{}"), "{headers}");
    }
}

#[test]
fn headers_in_variables_and_beside_the_body_are_read() {
    for json in [
        // Django's request.META, and a log of nginx with escape=json.
        r#"{"META":{"REQUEST_METHOD":"POST","HTTP_X_A":"1","CONTENT_TYPE":"t","wsgi.version":[1,0]},"body":"{}"}"#,
        r#"{"request_method":"POST","http_x_a":"1","content_type":"t","status":"401","request_body":"{}"}"#,
        // Bunyan with a serialised request, and Datadog's attributes.
        r#"{"level":30,"req":{"method":"POST","headers":{"x-a":"1","content-type":"t"}},"rawBody":"{}","v":0}"#,
        r#"{"content":{"attributes":{"http":{"method":"POST","headers":{"x-a":"1","content-type":"t"}},"body":"{}"}}}"#,
    ] {
        assert_eq!(parsed(json), same("POST /", "x-a: 1\ncontent-type: t\n", "{}"), "{json}");
    }
}

#[test]
fn bodies_are_read_in_every_form() {
    for body in [
        r#""body":"{\"a\":1}""#,
        r#""payload":"{\"a\":1}""#,
        r#""rawBody":"eyJhIjoxfQ==""#,
        r#""bodyAsBase64":"eyJhIjoxfQ==","body":"changed""#,
        r#""body":"eyJhIjoxfQ==","isBase64Encoded":true"#,
        r#""encoding":"base64","body":"eyJhIjoxfQ==""#,
        r#""body":{"type":"Buffer","data":[123,34,97,34,58,49,125]}"#,
        r#""body":{"inputTruncated":false,"action":"read-only","encoding":"base64","data":"eyJhIjoxfQ=="}"#,
        r#""body":[123,34,97,34,58,49,125]"#,
        r#""body":{"a":1},"rawBody":"{\"a\":1}""#,
        r#""content":"{\"a\":1}","body":null"#,
        r#""body":{"type":"JSON","json":{"a":1},"rawBytes":"eyJhIjoxfQ=="}"#,
        r#""body":{"type":"STRING","string":"{\"a\":1}","contentType":"application/json"}"#,
        r#""body":{"contentType":"application/json","body":"{\"a\":1}"}"#,
        r#""body":{"mimeType":"application/json","text":"{\"a\":1}"}"#,
    ] {
        assert_eq!(parsed(&format!(r#"{{"headers":{{}},{body}}}"#)), same("POST /", "", r#"{"a":1}"#), "{body}");
    }
}

#[test]
fn the_object_may_be_nested_and_has_a_method_a_target_and_a_time() {
    let json = r#"{"level":"info","time":1767225605000,"msg":"got it","req":{"method":"put","url":"/a?b=1","headers":{"x":"y"},"body":"z"}}"#;
    assert_eq!(parsed(json), same("PUT /a?b=1", "x: y\n", "z"));
    let (entries, _) = collected(json);
    assert_eq!(entries[0].as_ref().unwrap().received_at.unwrap().unix_millis(), 1_767_225_605_000);
    // Azure's custom handlers and Apache OpenWhisk.
    for json in [
        r#"{"Data":{"req":{"Url":"https://h/a?b=1","Method":"PUT","Headers":{"x":["y"]},"Body":"z"}},"Metadata":{}}"#,
        r#"{"__ow_method":"put","__ow_headers":{"x":"y"},"__ow_path":"/a","__ow_query":"b=1","__ow_body":"z"}"#,
    ] {
        assert_eq!(parsed(json), same("PUT /a?b=1", "x: y\n", "z"), "{json}");
    }
    let cloudfront = r#"{"Records":[{"cf":{"config":{"eventType":"viewer-request"},"request":{"method":"POST","uri":"/a","querystring":"b=1","headers":{"host":[{"key":"Host","value":"h"}]},"body":{"encoding":"base64","data":"e30="}}}}]}"#;
    assert_eq!(parsed(cloudfront), same("POST /a?b=1", "host: h\n", "{}"));
}

#[test]
fn every_request_of_a_collection_is_read() {
    // As Insomnia and Hoppscotch export them.
    for json in [
        r#"{"_type":"export","__export_format":4,"resources":[{"_type":"request","url":"https://h/a","method":"POST","body":{"mimeType":"application/json","text":"1"},"headers":[{"name":"x","value":"y"}]},{"_type":"workspace","name":"w"},{"_type":"request","url":"https://h/b","method":"POST","body":{"mimeType":"application/json","text":"2"},"headers":[]}]}"#,
        r#"{"v":2,"name":"c","folders":[],"requests":[{"endpoint":"https://h/a","method":"POST","headers":[{"key":"x","value":"y","active":true}],"body":{"contentType":"application/json","body":"1"}},{"endpoint":"https://h/b","method":"POST","headers":[],"body":{"contentType":"application/json","body":"2"}}]}"#,
    ] {
        let (entries, _) = collected(json);
        let read: Vec<_> = entries
            .iter()
            .map(|entry| entry.as_ref().map(|entry| (entry.request.target.as_str(), &entry.request.body[..])))
            .collect();
        assert_eq!(read, [Ok(("/a", &b"1"[..])), Ok(("/b", &b"2"[..]))], "{json}");
        assert_eq!(entries[0].as_ref().unwrap().url.as_deref(), Some("https://h/a"));
    }
}

#[test]
fn log_lines_may_have_text_before_the_object() {
    let line = r#"2026-01-01T00:00:00Z INFO [a-b] webhook: {"headers":{"x":"y"},"body":"{}"}"#;
    let (entries, _) = collected(&format!("{line}\nsome other line\n{line}\n"));
    assert_eq!(entries.len(), 2);
    assert_eq!(parsed(line), same("POST /", "x: y\n", "{}"));
}

#[test]
fn a_parsed_body_is_an_error_that_says_what_to_store() {
    for body in [r#"{"a":1}"#, r#"{"text":"hi","user":"u"}"#, r#"{"text":"hi"}"#] {
        assert_eq!(
            error(&format!(r#"{{"headers":{{}},"body":{body}}}"#)),
            "line 1: expected the raw body in `body`: it was parsed, so the signed bytes are gone; store the raw bytes, as text or base64",
            "{body}"
        );
    }
}

#[test]
fn headers_and_a_body_that_a_program_printed_into_a_record_are_read() {
    let fields = "host: h\nx-a: b\n";
    for (headers, body) in [
        (r#""{\"host\":\"h\",\"x-a\":\"b\"}""#, r#""{\"n\":1.0}""#),
        (r#""{'host': 'h', 'x-a': 'b'}""#, r#""b'{\"n\":1.0}'""#),
        (r#""map[host:[h] x-a:[b]]""#, r#""b'{\"n\":1.0}'""#),
    ] {
        let json = format!(r#"{{"headers":{headers},"body":{body}}}"#);
        assert_eq!(parsed(&json), same("POST /", fields, r#"{"n":1.0}"#), "{json}");
    }
    let bytes = r#"{"headers":{"x-a":"b"},"body":"b'{\"n\":\"\\xc3\\xa9\"}'"}"#;
    assert_eq!(parsed(bytes).2, "{\"n\":\"\u{e9}\"}");
}
