//! A bare body, whose headers are given separately. It is not a [`Format`](super::Format), because nothing in the bytes
//! identifies it.

use std::{io::Read, path::Path};

use super::{Entry, EntryError, EntryFault, Input, whole};
use crate::{
    store::opened,
    webhook::request::{self, FieldName, HeaderField, Headers, Method, Request},
};

/// Reads a file as the body of a `POST` to `/`.
///
/// # Errors
///
/// If it can't be read, or exceeds the size limit of an entry.
pub fn open(file: &Path, headers: Headers) -> Result<Entry, EntryError> {
    let input = opened::open(file).map_err(|source| EntryFault::Read(source).in_file(file))?;
    read(file, input, headers)
}

/// Reads an input such as stdin as the body of a `POST` to `/`; errors call it `file`.
///
/// # Errors
///
/// If it can't be read, or exceeds the size limit of an entry.
pub fn read(file: &Path, input: impl Read + Send, headers: Headers) -> Result<Entry, EntryError> {
    let body = whole(Input::new(input)).map_err(|fault| fault.in_file(file))?;
    Ok(Entry::new(Request { method: Method::POST, target: "/".to_owned(), headers, body }))
}

/// Parses a header as people type it: `Name: value`.
///
/// # Errors
///
/// If there is no colon, or the name or value is not valid in HTTP.
pub fn header(text: &str) -> Result<HeaderField, InvalidHeader> {
    let parse = |text: &str| {
        let (name, value) = text.split_once(':')?;
        let name = FieldName::new(name.trim()).ok()?;
        Some((name, request::value(value.trim()).ok()?))
    };
    parse(text).ok_or_else(|| InvalidHeader(text.to_owned()))
}

/// A text that isn't a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid header `{0}`: expected `Name: value`")]
pub struct InvalidHeader(String);

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::webhook::request::HeaderValue;

    #[test]
    fn a_body_is_posted_unchanged() {
        let headers: Headers = [header("X-Signature: abc").unwrap()].into_iter().collect();
        let entry = read(Path::new("-"), &b"\xef\xbb\xbf{}\r\n"[..], headers.clone()).unwrap();
        let body = Bytes::from_static(b"\xef\xbb\xbf{}\r\n");
        let request = Request { method: Method::POST, target: "/".to_owned(), headers, body };
        assert_eq!(entry, Entry::new(request));
    }

    #[test]
    fn a_header_is_parsed_as_people_type_it() {
        let field = |name, value| Ok((FieldName::new(name).unwrap(), HeaderValue::from_static(value)));
        assert_eq!(header("Svix-Id: msg_1"), field("Svix-Id", "msg_1"));
        assert_eq!(header("t:a: b "), field("t", "a: b"));
        assert_eq!(header("empty:"), field("empty", ""));
        for wrong in ["", "Svix-Id", ": x", "a b: c", "a: b\nc: d", "a: €"] {
            assert_eq!(header(wrong), Err(InvalidHeader(wrong.to_owned())), "{wrong}");
        }
    }

    #[test]
    fn a_missing_body_is_named() {
        let error = open(Path::new("/no/such/body"), Headers::new()).unwrap_err();
        assert_eq!(error.to_string(), "can't read /no/such/body");
    }
}
