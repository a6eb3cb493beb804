//! Any JSON object with headers and a body, which is how programs log requests and how most services hand them on:
//! mapping templates, serverless events, test doubles, JSON logs.
//!
//! The object may be nested in others, and a log may have text before it in the line. Headers are an object, a list of pairs,
//! a list of `{name, value}` or text; the body is text, base64, a list of bytes or Node's `Buffer`. A body that was parsed is
//! an error: its bytes are gone.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;

use super::{
    Entry, Fault, Format, Input, Reader,
    document::{Documents, collect},
    keys::{self, Outline},
    log_line,
    parts::{self, ParseError, expected},
    whole,
};
use crate::webhook::{
    json::{self, Kind, Node},
    request::{Headers, Method, Request},
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

impl Format for JsonRequest {
    fn name(&self) -> &'static str {
        "a JSON object with headers and a body"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // hookdev's own objects have their own reader.
        if keys::has_any(head, &["hookdev", "kind"]) || Outline::new(head).has_all("request.", &["target"]) {
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

/// The keys under which programs store a body, those with its exact bytes first, and whether they always hold base64.
const BODIES: &[(&str, bool)] = &[
    ("bodyAsBase64", true),
    ("bodyBase64", true),
    ("body_base64", true),
    ("base64Body", true),
    ("bodyB64", true),
    ("body_b64", true),
    ("rawBodyBase64", true),
    ("raw_body_base64", true),
    ("rawBody", false),
    ("raw_body", false),
    ("bodyRaw", false),
    ("body", false),
    ("requestBody", false),
    ("request_body", false),
    ("payload", false),
    ("content", false),
    ("data", false),
    ("text", false),
    ("postData", false),
];

/// Keys that say how the body is encoded: `true`, or the word `base64`.
const ENCODINGS: &[&str] = &[
    "isBase64Encoded",
    "is_base64_encoded",
    "isBase64",
    "is_base64",
    "base64",
    "encoding",
    "bodyEncoding",
    "body_encoding",
];

const METHODS: &[&str] = &["method", "httpMethod", "http_method", "requestMethod", "request_method", "verb"];
const TARGETS: &[&str] =
    &["target", "originalUrl", "original_url", "rawUrl", "url", "requestUri", "request_uri", "uri", "rawPath", "path"];
const QUERIES: &[&str] = &["rawQueryString", "rawQuery", "queryString", "query_string", "querystring"];
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
        self.paths()
            .filter_map(|path| {
                let (above, key) =
                    path.rsplit_once('.').map_or(("", path), |(above, key)| (&path[..=above.len()], key));
                HEADERS.contains(&key).then_some(above)
            })
            .any(|above| BODIES.iter().any(|(body, _)| self.has_all(above, &[body])))
    }
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

/// The object with headers and a body that is nested least deeply, first come first.
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
    first(node, HEADERS).is_some() && BODIES.iter().any(|(key, _)| is_there(node.member(key)))
}

fn is_there(node: Option<&Node<'_>>) -> bool {
    node.is_some_and(|node| !matches!(node.kind, Kind::Null))
}

/// The first of these members that isn't null, with its key.
fn first<'n, 'a>(node: &'n Node<'a>, keys: &[&'static str]) -> Option<(&'static str, &'n Node<'a>)> {
    keys.iter().find_map(|key| Some((*key, node.member(key).filter(|value| is_there(Some(value)))?)))
}

fn text<'n>(node: &'n Node<'_>, keys: &[&'static str]) -> Option<(&'static str, Cow<'n, str>)> {
    keys.iter().find_map(|key| Some((*key, node.member(key)?.text()?)))
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
    let mut request = Request { method, target, headers, body: bytes };
    if is_text {
        notes.extend(parts::body_notes(&mut request));
    }
    let received_at = time(found).or_else(|| time(document));
    Ok(Some(Entry { received_at, notes, ..Entry::new(request) }))
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
    TIMES.iter().find_map(|key| match &node.member(key)?.kind {
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

/// The headers in any form.
fn headers(found: &Node<'_>) -> Result<Headers, ParseError> {
    // API Gateway has repeated headers only in the second.
    let several = found
        .member("multiValueHeaders")
        .filter(|node| matches!(&node.kind, Kind::Object(members) if !members.is_empty()));
    let Some((key, node)) = several.map(|node| ("multiValueHeaders", node)).or_else(|| first(found, HEADERS)) else {
        return Ok(Headers::new());
    };
    let mut fields: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    match &node.kind {
        Kind::Object(members) => {
            for member in members {
                for value in values(key, &member.value)? {
                    fields.push((member.key.clone(), value));
                }
            }
        }
        // Node's `rawHeaders` alternate names and values.
        Kind::Array(items) if is_alternating(items) => {
            fields.extend(items.chunks(2).filter_map(|pair| Some((pair[0].text()?, pair[1].text()?))));
        }
        Kind::Array(items) => {
            for item in items {
                fields.push(field(item).ok_or_else(|| unreadable(key))?);
            }
        }
        Kind::String(text) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("HTTP/"));
            for line in lines {
                let (name, value) = split_field(line).ok_or_else(|| unreadable(key))?;
                fields.push((Cow::Owned(name.to_owned()), Cow::Owned(value.to_owned())));
            }
        }
        _ => return Err(unreadable(key)),
    }
    fields.iter().map(|(name, value)| parts::foreign_field(name, value)).collect()
}

fn unreadable(key: &str) -> ParseError {
    expected(format!("headers in `{key}`: an object, or a list of pairs or of objects with `name` and `value`"))
}

fn is_alternating(items: &[Node<'_>]) -> bool {
    let is_name = |node: &Node<'_>| node.text().is_some_and(|text| !text.is_empty() && !text.contains([':', ' ']));
    items.len().is_multiple_of(2)
        && items.iter().all(|item| item.text().is_some())
        && items.iter().step_by(2).all(is_name)
}

/// One header of a list: `[name, value]`, `{name, value}`, `{key, value}` or `"name: value"`.
fn field<'n>(item: &'n Node<'_>) -> Option<(Cow<'n, str>, Cow<'n, str>)> {
    match &item.kind {
        Kind::Array(pair) => match &pair[..] {
            [name, value] => Some((name.text()?, scalar(value)?)),
            _ => None,
        },
        Kind::Object(_) => {
            let (_, name) = text(item, &["name", "key", "header"])?;
            Some((name, scalar(item.member("value")?)?))
        }
        Kind::String(line) => {
            let (name, value) = split_field(line)?;
            Some((Cow::Borrowed(name), Cow::Borrowed(value)))
        }
        _ => None,
    }
}

fn split_field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim(), value.trim()))
}

fn scalar<'n>(node: &'n Node<'_>) -> Option<Cow<'n, str>> {
    match &node.kind {
        Kind::Number(number) => Some(Cow::Borrowed(*number)),
        Kind::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
        _ => node.text(),
    }
}

/// The values of one name: a scalar, a list of them, or a list of `{key, value}` as `CloudFront` has it.
fn values<'n>(key: &str, node: &'n Node<'_>) -> Result<Vec<Cow<'n, str>>, ParseError> {
    match &node.kind {
        Kind::Null => Ok(Vec::new()),
        Kind::Array(items) => items
            .iter()
            .map(|item| item.member("value").map_or_else(|| scalar(item), scalar).ok_or_else(|| unreadable(key)))
            .collect(),
        _ => Ok(vec![scalar(node).ok_or_else(|| unreadable(key))?]),
    }
}

struct Body {
    bytes: Bytes,
    /// Whether the bytes are text that the tool may have changed.
    is_text: bool,
    notes: Vec<String>,
}

fn body(found: &Node<'_>) -> Result<Body, ParseError> {
    let bodies = || BODIES.iter().filter_map(|(key, always)| Some((*key, *always, found.member(key)?)));
    let mut parsed = None;
    for (key, always, node) in bodies().filter(|(_, _, node)| is_there(Some(node))) {
        if let Some(body) = read_body(found, key, always, node)? {
            return Ok(body);
        }
        parsed = parsed.or(Some(key));
    }
    match parsed {
        Some(key) => Err(expected(format!(
            "the raw body in `{key}`: it was parsed, so the signed bytes are gone; store the raw bytes, as text or base64"
        ))),
        None => Ok(Body { bytes: Bytes::new(), is_text: false, notes: Vec::new() }),
    }
}

/// One body; `None` if it was parsed.
fn read_body(found: &Node<'_>, key: &str, always: bool, node: &Node<'_>) -> Result<Option<Body>, ParseError> {
    let exact = |bytes: Bytes| Ok(Some(Body { bytes, is_text: false, notes: Vec::new() }));
    match &node.kind {
        Kind::String(text) if always || is_base64(found) => exact(parts::base64(key, text)?),
        Kind::String(text) => {
            if let Some(bytes) = undeclared_base64(text) {
                let notes = vec![format!("`{key}` was read as base64")];
                return Ok(Some(Body { bytes, is_text: false, notes }));
            }
            Ok(Some(Body { bytes: text.clone().into_owned().into(), is_text: true, notes: Vec::new() }))
        }
        // Node writes a `Buffer` as `{"type":"Buffer","data":[1,2]}`; `CloudFront` has `{"encoding":"base64","data":"…"}`.
        Kind::Object(_) if node.member("type").and_then(Node::text).as_deref() == Some("Buffer") => {
            exact(node.member("data").and_then(byte_list).ok_or_else(|| expected(format!("a Buffer in `{key}`")))?)
        }
        Kind::Object(_) => match text(node, &["data", "text", "raw", "base64", "string"]) {
            Some(("base64", text)) => exact(parts::base64(key, &text)?),
            Some((_, text)) if is_base64(node) => exact(parts::base64(key, &text)?),
            Some((inner @ ("text" | "raw" | "data"), text)) if inner != "data" || node.member("encoding").is_some() => {
                Ok(Some(Body { bytes: text.into_owned().into(), is_text: true, notes: Vec::new() }))
            }
            _ => Ok(None),
        },
        Kind::Array(_) => match byte_list(node) {
            Some(bytes) if !bytes.is_empty() => exact(bytes),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

fn is_base64(node: &Node<'_>) -> bool {
    ENCODINGS.iter().any(|key| match node.member(key).map(|node| &node.kind) {
        Some(Kind::Bool(value)) => *value,
        Some(Kind::String(text)) => text.eq_ignore_ascii_case("base64"),
        _ => false,
    })
}

/// The bytes of base64 that nothing declares: it must decode to a JSON document or a form, which base64 itself never is.
fn undeclared_base64(text: &str) -> Option<Bytes> {
    let starts_payload = |bytes: &[u8]| matches!(bytes.trim_ascii_start(), [b'{' | b'[' | b'<', ..]);
    if text.len() < 8 || starts_payload(text.as_bytes()) {
        return None;
    }
    let bytes = BASE64_STANDARD.decode(text.trim()).ok()?;
    (starts_payload(&bytes) && str::from_utf8(&bytes).is_ok()).then(|| bytes.into())
}

/// A list of bytes as numbers.
fn byte_list(node: &Node<'_>) -> Option<Bytes> {
    let Kind::Array(items) = &node.kind else { return None };
    let byte = |item: &Node<'_>| match &item.kind {
        Kind::Number(number) => number.parse::<u8>().ok(),
        _ => None,
    };
    items.iter().map(byte).collect()
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
        let cloudfront = r#"{"Records":[{"cf":{"config":{"eventType":"viewer-request"},"request":{"method":"POST","uri":"/a","querystring":"b=1","headers":{"host":[{"key":"Host","value":"h"}]},"body":{"encoding":"base64","data":"e30="}}}}]}"#;
        assert_eq!(parsed(cloudfront), same("POST /a?b=1", "host: h\n", "{}"));
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
        assert_eq!(
            error(r#"{"headers":{},"body":{"a":1}}"#),
            "line 1: expected the raw body in `body`: it was parsed, so the signed bytes are gone; store the raw bytes, as text or base64"
        );
    }
}
