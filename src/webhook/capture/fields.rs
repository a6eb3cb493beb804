//! The parts of a request in JSON documents, read here both for hookdev's captures and for those of other tools. Errors
//! name the key.

use std::{borrow::Cow, fmt};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::webhook::{
    request::{self, FieldName, HeaderField, Method},
    time::Timestamp,
};

/// Why a document is not a captured request.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// It isn't JSON, or a value has the wrong type.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// What was expected instead.
    #[error("expected {0}")]
    Expected(String),
    /// It is a capture in this version of the format, which is newer than [`VERSION`](super::VERSION).
    #[error("version {0} of the capture format is newer than this hookdev supports ({version}); update hookdev", version = super::VERSION)]
    NewerVersion(u64),
}

/// The error for a document in which something else was expected.
pub fn expected(what: impl Into<String>) -> ParseError {
    ParseError::Expected(what.into())
}

/// A string, borrowed from the document if it has no escapes.
#[derive(Debug, Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// An informational string: any other value counts as absent, so that it doesn't make a capture unreadable.
#[derive(Debug, Default)]
pub struct Remark<'a>(pub Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Remark<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RemarkVisitor;

        impl<'de> Visitor<'de> for RemarkVisitor {
            type Value = Remark<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Remark(Some(text.into())))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Remark(Some(text.to_owned().into())))
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Remark(None))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Remark(None))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Remark(None))
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Remark(None))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Remark(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Remark(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Remark(None))
            }
        }

        deserializer.deserialize_any(RemarkVisitor)
    }
}

/// The first item of an informational list: a list of anything else, and any other value, counts as absent.
///
/// # Errors
///
/// If it isn't JSON.
pub fn first<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.get(0).and_then(|item| T::deserialize(item).ok()))
}

/// The method under a key.
///
/// # Errors
///
/// If the text is not a method of HTTP.
pub fn method(key: &str, text: &str) -> Result<Method, ParseError> {
    Method::from_bytes(text.as_bytes())
        .map_err(|_| expected(format!("an HTTP method in `{key}`, found {}", quoted(text))))
}

/// The target from the path or URL under a key.
///
/// # Errors
///
/// If the text is neither.
pub fn target(key: &str, text: &str) -> Result<String, ParseError> {
    request::target(text).ok_or_else(|| expected(format!("a path in `{key}`, found {}", quoted(text))))
}

/// One header, its value as [`request::text`] shows it.
///
/// # Errors
///
/// If the name or the value is not valid in HTTP.
pub fn header(name: &str, value: &str) -> Result<HeaderField, ParseError> {
    let value = request::value(value)
        .map_err(|_| expected(format!("Latin-1 without control characters in the header {}", quoted(name))));
    Ok((header_name(name)?, value?))
}

/// The name of a header.
///
/// # Errors
///
/// If it is not valid in HTTP.
pub fn header_name(name: &str) -> Result<FieldName, ParseError> {
    FieldName::new(name).map_err(|_| expected(format!("a header name, found {}", quoted(name))))
}

/// The bytes under a key, given as base64.
///
/// # Errors
///
/// If the text is not base64 in the standard alphabet, padded.
pub fn base64(key: &str, text: &str) -> Result<Bytes, ParseError> {
    let decoded = BASE64_STANDARD.decode(text.as_bytes());
    decoded.map(Bytes::from).map_err(|_| expected(format!("standard base64 in `{key}`")))
}

/// The time under a key, given in RFC 3339.
///
/// # Errors
///
/// If the text is not in that format.
pub fn time(key: &str, text: &str) -> Result<Timestamp, ParseError> {
    text.parse().map_err(|_| expected(format!("an RFC 3339 time in `{key}`, found {}", quoted(text))))
}

/// The start of a text from outside, in quotes and with its control characters escaped.
#[must_use]
pub fn quoted(text: &str) -> String {
    const MAX_CHARS: usize = 40;
    let start: String = text.chars().take(MAX_CHARS).collect();
    if start.len() < text.len() { format!("{start:?}…") } else { format!("{start:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_that_is_no_string_counts_as_absent() {
        let read = |json| serde_json::from_str::<Remark<'_>>(json).unwrap().0;
        assert_eq!(read(r#""veri\u0066ied""#).as_deref(), Some("verified"));
        for json in ["null", "true", "-1", "1", "1.5", r#"[1,["x"]]"#, r#"{"a":{"b":"verified"}}"#] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    #[test]
    fn a_foreign_text_is_quoted_by_its_start() {
        assert_eq!(quoted("a\u{9b}"), r#""a\u{9b}""#);
        assert_eq!(quoted(&"ü".repeat(41)), format!("\"{}\"…", "ü".repeat(40)));
    }
}
