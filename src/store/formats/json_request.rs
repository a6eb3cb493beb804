//! Any JSON object with headers and a body, as programs log requests and most services pass them on: mapping
//! templates, serverless events, test doubles, JSON logs.
//!
//! The object may be nested in others, and a log may have text before it in the line. Headers are an object, a list of pairs,
//! a list of `{name, value}` or text; the body is text, base64, a list of bytes or Node's `Buffer`. A body that was parsed is
//! an error: its bytes are gone.

mod body;
mod headers;

use std::borrow::Cow;

use self::{
    body::{BODIES, Body, body},
    headers::headers,
};
use super::{
    Entry, Fault, Format, Input, Reader,
    document::{Documents, collect},
    hookdev,
    keys::Outline,
    log_line,
    parts::{self, ParseError, expected},
    whole,
};
use crate::webhook::{
    json::{self, Kind, Node},
    request::{Method, Request},
    time::Timestamp,
};

/// A JSON object with headers and a body.
pub(super) struct JsonRequest;

/// The journal of `WireMock`, `GET /__admin/requests`.
pub(super) static WIREMOCK: Documents = Documents {
    name: "WireMock's journal",
    matches: |outline| outline.has_all("requests[].", &["request", "request.headers"]),
    array: &["requests"],
    parse,
};

/// The collections of HTTP clients such as Hoppscotch and Thunder Client.
pub(super) static REQUESTS: Documents = Documents {
    name: "a collection of requests",
    matches: |outline| outline.has_request_in("requests[]."),
    array: &["requests"],
    parse: parse_item,
};

/// Insomnia's exports in version 4, whose resources are requests, folders and environments.
pub(super) static INSOMNIA: Documents = Documents {
    name: "an Insomnia export",
    matches: |outline| outline.has_all("", &["__export_format", "resources"]),
    array: &["resources"],
    parse: parse_item,
};

/// Reads an item of a collection; `None` if it is no request.
fn parse_item(json: &str) -> Result<Option<Entry>, ParseError> {
    serde_json::from_str::<serde::de::IgnoredAny>(json)?;
    let item = json::parse(json).map_err(|error| expected(error.to_string()))?;
    if has_request(&item) { entry(&item, &item) } else { Ok(None) }
}

impl Format for JsonRequest {
    fn name(&self) -> &'static str {
        "a JSON object with headers and a body"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // hookdev's own objects have their own reader.
        if hookdev::is_own(head) {
            return false;
        }
        Outline::new(head).has_request()
            || log_line::first_object(head).is_some_and(|at| Outline::new(&head[at..]).has_request())
    }

    fn read<'a>(&self, input: Input<'a>) -> Result<Box<dyn Reader + 'a>, Fault> {
        let input = whole(input)?;
        Ok(Box::new(match log_line::without_prefixes(&input) {
            Cow::Borrowed(_) => collect(&input, &[], parse),
            Cow::Owned(stripped) => collect(&stripped.into(), &[], parse),
        }))
    }
}

/// The keys under which programs store headers.
pub(super) const HEADERS: &[&str] = &[
    "headers",
    "header",
    "rawHeaders",
    "raw_headers",
    "multiValueHeaders",
    "requestHeaders",
    "request_headers",
    "httpHeaders",
    "http_headers",
];

const METHODS: &[&str] = &["method", "httpMethod", "http_method", "requestMethod", "request_method", "verb"];
const TARGETS: &[&str] = &[
    "target",
    "endpoint",
    "originalUrl",
    "original_url",
    "rawUrl",
    "url",
    "requestUri",
    "request_uri",
    "uri",
    "rawPath",
    "path",
];
/// The keys under which the whole URL may be.
const URLS: &[&str] = &[
    "absoluteUrl",
    "absolute_url",
    "endpoint",
    "fullUrl",
    "full_url",
    "rawUrl",
    "url",
    "originalUrl",
    "original_url",
    "requestUrl",
    "request_url",
    "requestUri",
    "request_uri",
    "uri",
];
const QUERIES: &[&str] = &["query", "rawQueryString", "rawQuery", "queryString", "query_string", "querystring"];
const TIMES: &[&str] = &[
    "received_at",
    "receivedAt",
    "loggedDate",
    "startedDateTime",
    "requestTimeEpoch",
    "timeEpoch",
    "timestamp",
    "time",
    "ts",
    "@timestamp",
];

/// How deeply the object with headers and body may be nested.
const MAX_DEPTH: usize = 5;

impl Outline {
    /// Whether an object has headers and a body.
    pub(super) fn has_request(&self) -> bool {
        let headers = self.paths().filter(|path| HEADERS.iter().any(|name| is_named(split(path).1, name)));
        headers.map(|path| split(path).0).any(|above| self.has_body(above))
    }

    /// Whether the object under `above`, which ends in a dot, has headers and a body.
    fn has_request_in(&self, above: &str) -> bool {
        let mut keys = self.paths().map(split).filter(|(other, _)| *other == above).map(|(_, key)| key);
        keys.any(|key| HEADERS.iter().any(|name| is_named(key, name))) && self.has_body(above)
    }

    fn has_body(&self, above: &str) -> bool {
        let mut keys = self.paths().map(split).filter(|(other, _)| *other == above).map(|(_, key)| key);
        keys.any(|key| BODIES.iter().any(|(body, _)| is_named(key, body)))
    }
}

/// A path's keys before its last one, with the dot, and the last one.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').map_or(("", path), |(above, key)| (&path[..=above.len()], key))
}

/// Whether a key has this name, in any letter case: .NET and Go write `Headers`, and Apache `OpenWhisk` writes `__ow_headers`.
pub(super) fn is_named(key: &str, name: &str) -> bool {
    key.strip_prefix("__ow_").unwrap_or(key).eq_ignore_ascii_case(name)
}

/// The member of this name, in any letter case; one that is spelled like it comes first.
fn member<'n, 'a>(node: &'n Node<'a>, name: &str) -> Option<&'n Node<'a>> {
    let Kind::Object(members) = &node.kind else { return None };
    node.member(name).or_else(|| members.iter().find(|member| is_named(&member.key, name)).map(|member| &member.value))
}

/// Reads one document; `None` if it delivers nothing.
pub(super) fn parse(json: &str) -> Result<Option<Entry>, ParseError> {
    // Reports errors with the position that all formats use.
    serde_json::from_str::<serde::de::IgnoredAny>(json)?;
    let document = json::parse(json).map_err(|error| expected(error.to_string()))?;
    let Some(found) = find(&document) else {
        return Err(expected("an object with headers and a body"));
    };
    entry(found, &document)
}

/// The least deeply nested object with headers and a body; the first of several.
fn find<'n, 'a>(document: &'n Node<'a>) -> Option<&'n Node<'a>> {
    let mut level = vec![document];
    for _ in 0..MAX_DEPTH {
        if let Some(found) = level.iter().find(|node| has_request(node)) {
            return Some(found);
        }
        level = level.iter().flat_map(|node| children(node)).collect();
    }
    None
}

fn children<'n, 'a>(node: &'n Node<'a>) -> Vec<&'n Node<'a>> {
    match &node.kind {
        Kind::Object(members) => members.iter().map(|member| &member.value).collect(),
        Kind::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    }
}

fn has_request(node: &Node<'_>) -> bool {
    first(node, HEADERS).is_some() && BODIES.iter().any(|(key, _)| is_present(member(node, key)))
}

fn is_present(node: Option<&Node<'_>>) -> bool {
    node.is_some_and(|node| !matches!(node.kind, Kind::Null))
}

/// The first of these members that isn't null, with its key.
fn first<'n, 'a>(node: &'n Node<'a>, keys: &[&'static str]) -> Option<(&'static str, &'n Node<'a>)> {
    keys.iter().find_map(|key| Some((*key, member(node, key).filter(|value| is_present(Some(value)))?)))
}

fn text<'n>(node: &'n Node<'_>, keys: &[&'static str]) -> Option<(&'static str, Cow<'n, str>)> {
    keys.iter().find_map(|key| Some((*key, member(node, key)?.text()?)))
}

fn entry(found: &Node<'_>, document: &Node<'_>) -> Result<Option<Entry>, ParseError> {
    let method = match text(found, METHODS) {
        Some((key, name)) => parts::method(key, &name.to_ascii_uppercase())?,
        None => Method::POST,
    };
    if !parts::delivers(&method) {
        return Ok(None);
    }
    let headers = headers(found)?;
    let Body { bytes, mut notes, is_text } = body(found)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let target = target(found)?;
    let url = URLS.iter().find_map(|key| member(found, key)?.text().filter(|url| url.contains("://")));
    let mut request = Request { method, target, headers, body: bytes };
    if is_text {
        notes.extend(parts::body_notes(&mut request));
    }
    let received_at = time(found).or_else(|| time(document));
    Ok(Some(Entry { received_at, notes, ..Entry::called(&url.unwrap_or_default(), request) }))
}

fn target(found: &Node<'_>) -> Result<String, ParseError> {
    let Some((key, url)) = text(found, TARGETS) else { return Ok("/".to_owned()) };
    let target = parts::written_target(key, &url)?;
    match text(found, QUERIES) {
        Some((_, query)) if !query.is_empty() && !target.contains('?') => {
            parts::target(key, &format!("{target}?{}", query.trim_start_matches('?')))
        }
        _ => Ok(target),
    }
}

/// A time that is unmistakably one: RFC 3339, or Unix seconds or milliseconds of this century.
fn time(node: &Node<'_>) -> Option<Timestamp> {
    const SECONDS: std::ops::Range<i64> = 946_684_800..4_102_444_800;
    TIMES.iter().find_map(|key| match &member(node, key)?.kind {
        Kind::String(text) => text.parse().ok(),
        Kind::Number(number) => {
            let number: i64 = number.split('.').next()?.parse().ok()?;
            if SECONDS.contains(&number) {
                Some(Timestamp::from_unix_millis(number * 1000))
            } else {
                SECONDS.contains(&(number / 1000)).then(|| Timestamp::from_unix_millis(number))
            }
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
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
}
