//! The parts of a request in the JSON documents of other tools, read here once for all formats. An error names the key.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

pub(super) use crate::webhook::capture::fields::{ParseError, Text, base64, expected, method, quoted, target, time};
use crate::webhook::{
    capture::fields::header_name,
    request::{self, HeaderField, HeaderValue, Headers, Method, Request},
};

/// Whether requests with this method deliver something.
pub(super) fn delivers(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// The target from a URL as people write it, possibly without a scheme, or with a variable for the host.
pub(super) fn written_target(key: &str, url: &str) -> Result<String, ParseError> {
    let path = match url.split_once("}}") {
        Some((_, path)) if url.starts_with("{{") => path,
        _ if url.starts_with('/') || url.contains("://") => url,
        _ => url.find('/').map_or("", |path| &url[path..]),
    };
    target(key, if path.is_empty() { "/" } else { path })
}

/// A header as other tools store it, with bytes outside ASCII as Latin-1 or UTF-8.
pub(super) fn foreign_field(name: &str, value: &str) -> Result<HeaderField, ParseError> {
    let value = request::value(value)
        .or_else(|_| HeaderValue::from_bytes(value.as_bytes()))
        .map_err(|_| expected(format!("no control characters in the header {}", quoted(name))));
    Ok((header_name(name)?, value?))
}

/// An object of headers, in order. Each value is a string, or an array with a string for each occurrence of the header.
#[derive(Debug, Default)]
pub(super) struct Fields<'a>(pub(super) Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl Fields<'_> {
    /// The headers of a message.
    pub(super) fn headers(&self) -> Result<Headers, ParseError> {
        self.0.iter().map(|(name, value)| foreign_field(name, value)).collect()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of headers")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Fields::default())
    }

    /// PHP writes an empty object as `[]`.
    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        match array.next_element::<Fields<'de>>()? {
            None => Ok(Fields::default()),
            Some(_) => Err(serde::de::Error::custom("expected an object of headers")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(Text(name)) = object.next_key()? {
            let FieldValues(values) = object.next_value()?;
            fields.extend(values.into_iter().map(|Text(value)| (name.clone(), value)));
        }
        Ok(Fields(fields))
    }
}

struct FieldValues<'a>(Vec<Text<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for FieldValues<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = FieldValues<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of a header, or an array of them")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(FieldValues(vec![Text(Cow::Borrowed(value))]))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(FieldValues(vec![Text(Cow::Owned(value.to_owned()))]))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(FieldValues(vec![Text(Cow::Owned(value.to_string()))]))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(FieldValues(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = array.next_element()? {
            values.push(value);
        }
        Ok(FieldValues(values))
    }
}

/// Notes on a body that a tool stored as text, if it can't be exactly what was received.
///
/// If the tool decoded the body, the `content-encoding` is removed, so that it is read and re-sent as it is.
pub(super) fn body_notes(request: &mut Request) -> Vec<String> {
    let mut notes = Vec::new();
    if str::from_utf8(&request.body).is_ok_and(|text| text.contains(char::REPLACEMENT_CHARACTER)) {
        notes.push("the body contains U+FFFD, the mark of lost bytes".to_owned());
    }
    let is_decoded = |name| request.headers.text(name).is_some_and(|value| value != "identity");
    let coding = request.headers.text("content-encoding").filter(|coding| *coding != "identity");
    if let Some(coding) = coding.map(Cow::into_owned) {
        if is_plain_text(&request.body) {
            notes.push(format!("the body was stored decoded, so its content-encoding {coding} is left out"));
            request.headers.remove("content-encoding");
        } else {
            notes.push(format!("the body was stored as text, so its content-encoding {coding} is lost"));
        }
    } else if let (Some(length), false) = (request.headers.text("content-length"), is_decoded("transfer-encoding"))
        && length.parse() != Ok(request.body.len())
    {
        notes.push(format!("the body has {} B but its content-length is {length}", request.body.len()));
    }
    notes
}

/// Whether bytes are text, which no compression produces.
fn is_plain_text(bytes: &[u8]) -> bool {
    let is_text = |c: char| c != char::REPLACEMENT_CHARACTER && (!c.is_control() || c.is_ascii_whitespace());
    str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_text))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::webhook::capture::fields::header;

    fn fields(json: &str) -> Vec<(String, String)> {
        let Fields(fields) = serde_json::from_str(json).unwrap();
        fields.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }

    fn notes_of(headers: &[(&str, &str)], body: &'static str) -> Vec<String> {
        let headers = headers.iter().map(|(name, value)| header(name, value)).collect::<Result<_, _>>().unwrap();
        body_notes(&mut Request {
            method: Method::POST,
            target: "/".to_owned(),
            headers,
            body: Bytes::from_static(body.as_bytes()),
        })
    }

    #[test]
    fn headers_keep_their_order_and_repetitions() {
        let expected = [("b", "1"), ("b", "2"), ("a", "\u{fc}"), ("c", "4"), ("a", "5")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(fields(r#"{"b":["1","2"],"a":"\u00fc","c":4,"d":null,"e":[],"a":"5"}"#), expected);
        assert_eq!((fields("null"), fields("[]")), (vec![], vec![]));
    }

    #[test]
    fn values_that_are_not_headers_are_rejected() {
        let error = |json| serde_json::from_str::<Fields<'_>>(json).unwrap_err().to_string();
        assert_eq!(error("5"), "invalid type: integer `5`, expected an object of headers at line 1 column 1");
        assert_eq!(
            error(r#"{"a":true}"#),
            "invalid type: boolean `true`, expected the value of a header, or an array of them at line 1 column 9"
        );
    }

    #[test]
    fn a_url_may_lack_its_scheme_or_host() {
        for (url, expected) in
            [("https://h/a?b", "/a?b"), ("/a", "/a"), ("{{h}}/a", "/a"), ("{{h}}", "/"), ("h:80/a", "/a"), ("h", "/")]
        {
            assert_eq!(written_target("url", url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn a_header_outside_latin_1_is_read_as_utf_8() {
        let value = |text| foreign_field("a", text).unwrap().1.as_bytes().to_vec();
        assert_eq!((value("\u{fc}"), value("\u{20ac}")), (vec![0xfc], "\u{20ac}".as_bytes().to_vec()));
    }

    #[test]
    fn a_body_that_cannot_be_what_was_received_is_noted() {
        assert_eq!(notes_of(&[("content-length", "2"), ("content-encoding", "identity")], "{}"), Vec::<String>::new());
        assert_eq!(notes_of(&[("content-length", "3")], "{}"), ["the body has 2 B but its content-length is 3"]);
        assert_eq!(notes_of(&[], "\u{fffd}"), ["the body contains U+FFFD, the mark of lost bytes"]);
        let decoded = "the body was stored decoded, so its content-encoding gzip is left out";
        assert_eq!(notes_of(&[("content-length", "3"), ("content-encoding", "gzip")], "{}"), [decoded]);
        assert_eq!(notes_of(&[("content-length", "9"), ("transfer-encoding", "chunked")], "{}"), Vec::<String>::new());
    }
}
