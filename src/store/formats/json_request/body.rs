//! The body of a JSON request: text, base64, a list of bytes or Node's `Buffer`.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;

use super::{
    super::{
        parts::{self, ParseError, expected},
        values,
    },
    is_present, member, text,
};
use crate::webhook::json::{Kind, Member, Node};

/// The keys under which programs store a body, those with its exact bytes first, and whether they always contain
/// base64.
pub(super) const BODIES: &[(&str, bool)] = &[
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

/// The body that was found.
pub(super) struct JsonRequestBody {
    pub bytes: Bytes,
    /// Whether it was stored as text, which the tool may have changed.
    pub is_text: bool,
    pub notes: Vec<String>,
}

/// The body; an error if it is present only in parsed form.
pub(super) fn body(found: &Node<'_>) -> Result<JsonRequestBody, ParseError> {
    let bodies = || BODIES.iter().filter_map(|(key, always)| Some((*key, *always, member(found, key)?)));
    let mut parsed = None;
    for (key, always, node) in bodies().filter(|(_, _, node)| is_present(Some(node))) {
        if let Some(body) = read_body(found, key, always, node)? {
            return Ok(body);
        }
        parsed = parsed.or(Some(key));
    }
    match parsed {
        Some(key) => Err(expected(format!(
            "the raw body in `{key}`: it was parsed, so the signed bytes are gone; store the raw bytes, as text or base64"
        ))),
        None => Ok(JsonRequestBody { bytes: Bytes::new(), is_text: false, notes: Vec::new() }),
    }
}

/// Reads one body; `None` if it was parsed.
fn read_body(
    found: &Node<'_>,
    key: &str,
    always: bool,
    node: &Node<'_>,
) -> Result<Option<JsonRequestBody>, ParseError> {
    let exact = |bytes: Bytes| Ok(Some(JsonRequestBody { bytes, is_text: false, notes: Vec::new() }));
    match &node.kind {
        Kind::String(text) if always || is_base64(found) => exact(parts::base64(key, text)?),
        Kind::String(text) => {
            if let Some(bytes) = values::python_bytes(text) {
                let notes = vec![format!("`{key}` was read as Python's b'…'")];
                return Ok(Some(JsonRequestBody { bytes: bytes.into(), is_text: false, notes }));
            }
            if let Some(bytes) = undeclared_base64(text) {
                let notes = vec![format!("`{key}` was read as base64")];
                return Ok(Some(JsonRequestBody { bytes, is_text: false, notes }));
            }
            Ok(Some(JsonRequestBody { bytes: text.clone().into_owned().into(), is_text: true, notes: Vec::new() }))
        }
        // Node writes a `Buffer` as `{"type":"Buffer","data":[1,2]}`; `CloudFront` has
        // `{"encoding":"base64","data":"…"}`.
        Kind::Object(_) if node.member("type").and_then(Node::text).as_deref() == Some("Buffer") => {
            exact(node.member("data").and_then(byte_list).ok_or_else(|| expected(format!("a Buffer in `{key}`")))?)
        }
        Kind::Object(members) if is_wrapper(members) => match text(node, INNER) {
            Some((inner @ ("base64" | "rawBytes" | "base64Bytes"), text)) => exact(parts::base64(inner, &text)?),
            Some((_, text)) if is_base64(node) => exact(parts::base64(key, &text)?),
            Some(("data", _)) if node.member("encoding").is_none() => Ok(None),
            Some((_, text)) => {
                Ok(Some(JsonRequestBody { bytes: text.into_owned().into(), is_text: true, notes: Vec::new() }))
            }
            None => Ok(None),
        },
        Kind::Array(_) => match byte_list(node) {
            Some(bytes) if !bytes.is_empty() => exact(bytes),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

/// The keys under which an object that describes a body contains the body itself.
const INNER: &[&str] = &["rawBytes", "base64Bytes", "base64", "text", "raw", "string", "body", "data"];

/// The other keys that such an object may have.
const BESIDE: &[&str] = &[
    "type",
    "mode",
    "mimeType",
    "contentType",
    "content_type",
    "charset",
    "encoding",
    "isBase64",
    "size",
    "length",
    "options",
    "json",
    "form",
    "params",
    "inputTruncated",
    "truncated",
    "action",
    "subString",
];

/// Whether an object describes a body, as in `{"mimeType":…,"text":…}`, rather than being a parsed one.
fn is_wrapper(members: &[Member<'_>]) -> bool {
    let is_known = |member: &Member<'_>| INNER.contains(&&*member.key) || BESIDE.contains(&&*member.key);
    members.len() > 1 && members.iter().all(is_known) && members.iter().any(|member| BESIDE.contains(&&*member.key))
}

fn is_base64(node: &Node<'_>) -> bool {
    // n8n's binary data.
    let is_file = node.member("fileExtension").is_some() && node.member("mimeType").is_some();
    is_file
        || ENCODINGS.iter().any(|key| match member(node, key).map(|node| &node.kind) {
            Some(Kind::Bool(value)) => *value,
            Some(Kind::String(text)) => text.eq_ignore_ascii_case("base64"),
            _ => false,
        })
}

/// The bytes of undeclared base64. It must decode to a JSON document or a form, which base64 itself never is.
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
