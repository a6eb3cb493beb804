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
/// If there is no name or no colon, or the name or value has a character that HTTP doesn't allow there.
pub fn header(text: &str) -> Result<HeaderField, InvalidHeader> {
    let incomplete = || InvalidHeader::Incomplete(text.to_owned());
    let (name, value) = text.split_once(':').ok_or_else(incomplete)?;
    let (name, value) = (name.trim(), value.trim());
    let refused = |part, characters: &str, is_valid: &dyn Fn(&str) -> bool| {
        let is_refused = |character: &char| !is_valid(character.encode_utf8(&mut [0; 4]));
        characters.chars().find(is_refused).map_or_else(incomplete, |character| InvalidHeader::Character {
            header: text.to_owned(),
            part,
            character,
        })
    };
    let name = FieldName::new(name).map_err(|_| refused("name", name, &|part| FieldName::new(part).is_ok()))?;
    let value = request::value(value).map_err(|_| refused("value", value, &|part| request::value(part).is_ok()))?;
    Ok((name, value))
}

/// A text that isn't a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHeader {
    /// It has no name or no colon.
    #[error("invalid header `{0}`: expected `Name: value`")]
    Incomplete(String),
    /// HTTP doesn't allow this character in the name or the value.
    #[error("invalid header `{header}`: a header's {part} can't contain `{character}` (U+{:04X})", u32::from(*.character))]
    Character {
        header: String,
        /// `name` or `value`.
        part: &'static str,
        character: char,
    },
}

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
        for wrong in ["", "Svix-Id", ": x"] {
            assert_eq!(header(wrong), Err(InvalidHeader::Incomplete(wrong.to_owned())), "{wrong}");
        }
    }

    #[test]
    fn a_character_that_http_does_not_allow_is_named() {
        for (wrong, message) in [
            ("a b: c", "a header's name can't contain ` ` (U+0020)"),
            ("é: c", "a header's name can't contain `é` (U+00E9)"),
            ("a: b\nc: d", "a header's value can't contain `\n` (U+000A)"),
            ("a: 0a1b…", "a header's value can't contain `…` (U+2026)"),
        ] {
            assert_eq!(header(wrong).unwrap_err().to_string(), format!("invalid header `{wrong}`: {message}"));
        }
    }

    #[test]
    fn a_missing_body_is_named() {
        let error = open(Path::new("/no/such/body"), Headers::new()).unwrap_err();
        assert_eq!(error.to_string(), "can't read /no/such/body");
    }
}
