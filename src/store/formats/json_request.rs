//! Any JSON object with headers and a body, as programs log requests and many services pass them on: mapping templates,
//! serverless events, test doubles, JSON logs.
//!
//! The object may be nested in others, and in a log it may follow other text on its line. Headers are an object, a list
//! of pairs, a list of `{name, value}` or text; the body is text, base64, a list of bytes or Node's `Buffer`. A parsed
//! body is an error, because its bytes are lost.

mod body;
mod headers;

use std::{borrow::Cow, collections::HashMap};

use self::{
    body::{BODIES, JsonRequestBody, body},
    headers::headers,
};
use super::{
    Entry, EntryFault, EntryReader, Format, GzipBudget, Input, cgi,
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

/// Insomnia's exports, version 4, whose resources are requests, folders and environments.
pub(super) static INSOMNIA: Documents = Documents {
    name: "an Insomnia export",
    matches: |outline| outline.has_all("", &["__export_format", "resources"]),
    array: &["resources"],
    parse: parse_item,
};

/// Whether a document is an object with headers and a body.
pub(super) fn is_request(json: &str) -> bool {
    json::parse(json).is_ok_and(|document| find(&document).is_some())
}

/// Reads an item of a collection; `None` if it is not a request.
fn parse_item(json: &str) -> Result<Option<Entry>, ParseError> {
    serde_json::from_str::<serde::de::IgnoredAny>(json)?;
    let item = json::parse(json).map_err(|error| expected(error.to_string()))?;
    RequestParts::of(&item).map_or(Ok(None), |found| entry(found, &item))
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

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
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
    "META",
    "environ",
];

/// The keys under which programs log the metadata of a request, with its body beside it.
const REQUESTS_IN: &[&str] = &["req", "request", "http", "httpRequest", "http_request"];

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
/// The keys under which the full URL may be.
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
    /// Whether an object has headers and a body, or the body and an object with the headers.
    pub(super) fn has_request(&self) -> bool {
        let objects = self.objects();
        let is_below = |above: &str| {
            let (outer, key) = split(above.trim_end_matches('.'));
            REQUESTS_IN.iter().any(|name| is_named(key, name)) && objects.get(outer).is_some_and(|outer| outer.has_body)
        };
        objects.iter().any(|(above, object)| {
            let has_headers = object.has_headers || object.has_body && object.has_variables;
            has_headers && (object.has_body || is_below(above))
        })
    }

    /// Whether the object under `above`, which ends in a dot, has headers and a body.
    fn has_request_in(&self, above: &str) -> bool {
        self.objects().get(above).is_some_and(|object| object.has_headers && object.has_body)
    }

    /// What each object has, by its path, which ends in a dot.
    fn objects(&self) -> HashMap<&str, NamedParts> {
        let mut objects: HashMap<&str, NamedParts> = HashMap::new();
        for (above, key) in self.paths().map(split) {
            let object = objects.entry(above).or_default();
            object.has_headers |= HEADERS.iter().any(|name| is_named(key, name));
            object.has_variables |= cgi::is_header(key);
            object.has_body |= is_body(key);
        }
        objects
    }
}

/// Which parts of a request the keys of an object name.
#[derive(Default)]
struct NamedParts {
    has_headers: bool,
    /// Headers as CGI variables.
    has_variables: bool,
    has_body: bool,
}

/// A path's parent, with the dot, and its last key.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').map_or(("", path), |(above, key)| (&path[..=above.len()], key))
}

/// Whether a key has this name, in any letter case: .NET and Go write `Headers`, and Apache `OpenWhisk` writes
/// `__ow_headers`.
pub(super) fn is_named(key: &str, name: &str) -> bool {
    key.strip_prefix("__ow_").unwrap_or(key).eq_ignore_ascii_case(name)
}

/// The member with this name, in any letter case; an exact match takes precedence.
fn member<'n, 'a>(node: &'n Node<'a>, name: &str) -> Option<&'n Node<'a>> {
    let Kind::Object(members) = &node.kind else { return None };
    node.member(name).or_else(|| members.iter().find(|member| is_named(&member.key, name)).map(|member| &member.value))
}

/// Whether programs store a body under this key.
pub(super) fn is_body(key: &str) -> bool {
    BODIES.iter().any(|(name, _)| is_named(key, name))
}

/// Reads one document; `None` if it delivers nothing.
pub(super) fn parse(json: &str) -> Result<Option<Entry>, ParseError> {
    // Reports errors with the position that all formats use.
    serde_json::from_str::<serde::de::IgnoredAny>(json)?;
    let document = json::parse(json).map_err(|error| expected(error.to_string()))?;
    let Some(found) = find(&document) else {
        return Err(expected("an object with headers and a body"));
    };
    if found.is_in_file_of_n8n() {
        return Err(expected(
            "the body in `data`: n8n keeps it in a file; add an Extract from File node, and log its output",
        ));
    }
    entry(found, &document)
}

/// The objects that contain the parts of a request. Usually both are the same.
#[derive(Clone, Copy)]
struct RequestParts<'n, 'a> {
    /// The one with the headers.
    head: &'n Node<'a>,
    /// The one with the body.
    body: &'n Node<'a>,
}

impl<'n, 'a> RequestParts<'n, 'a> {
    fn of(node: &'n Node<'a>) -> Option<Self> {
        if let Some(found) = Self::of_n8n(node) {
            return Some(found);
        }
        let has_body = |node: &Node<'_>| BODIES.iter().any(|(key, _)| is_present(member(node, key)));
        if !has_body(node) {
            return None;
        }
        if first(node, HEADERS).is_some() || cgi::has_headers(node) {
            return Some(Self { head: node, body: node });
        }
        // An inner object with its own body is the whole request, and a body beside it is something else.
        let is_head = |inner: &&Node<'_>| first(inner, HEADERS).is_some() && !has_body(inner);
        let head = REQUESTS_IN.iter().find_map(|key| member(node, key).filter(is_head))?;
        Some(Self { head, body: node })
    }

    /// The request of an n8n item. The webhook node keeps a raw body as binary data beside the rest of the request.
    fn of_n8n(node: &'n Node<'a>) -> Option<Self> {
        let head = node.member("json").filter(|head| first(head, HEADERS).is_some())?;
        let Kind::Object(files) = &node.member("binary")?.kind else { return None };
        let body = files.iter().map(|file| &file.value).find(|file| is_present(file.member("data")))?;
        Some(Self { head, body })
    }

    /// Whether n8n keeps the body elsewhere, as it does in queue mode; `data` then has only the kind of storage.
    fn is_in_file_of_n8n(&self) -> bool {
        let data = self.body.member("data").and_then(Node::text);
        let is_storage = |data: &str| ["filesystem", "filesystem-v2", "s3"].contains(&data);
        self.body.member("mimeType").is_some() && data.is_some_and(|data| is_storage(&data))
    }
}

/// The least deeply nested object with headers and a body; the first of several.
fn find<'n, 'a>(document: &'n Node<'a>) -> Option<RequestParts<'n, 'a>> {
    let mut level = vec![document];
    for _ in 0..MAX_DEPTH {
        if let Some(found) = level.iter().find_map(|node| RequestParts::of(node)) {
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

fn is_present(node: Option<&Node<'_>>) -> bool {
    node.is_some_and(|node| !matches!(node.kind, Kind::Null))
}

/// The first of these members that isn't null, and its key.
fn first<'n, 'a>(node: &'n Node<'a>, keys: &[&'static str]) -> Option<(&'static str, &'n Node<'a>)> {
    keys.iter().find_map(|key| Some((*key, member(node, key).filter(|value| is_present(Some(value)))?)))
}

fn text<'n>(node: &'n Node<'_>, keys: &[&'static str]) -> Option<(&'static str, Cow<'n, str>)> {
    keys.iter().find_map(|key| Some((*key, member(node, key)?.text()?)))
}

fn entry(
    RequestParts { head: found, body: with_body }: RequestParts<'_, '_>,
    document: &Node<'_>,
) -> Result<Option<Entry>, ParseError> {
    let method = match text(found, METHODS) {
        Some((key, name)) => parts::method(key, &name.to_ascii_uppercase())?,
        None => Method::POST,
    };
    if !parts::delivers(&method) {
        return Ok(None);
    }
    let headers = headers(found)?;
    let JsonRequestBody { bytes, mut notes, is_text } = body(with_body)?;
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

/// An unmistakable time: RFC 3339, or Unix seconds or milliseconds in this century.
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
mod tests;
