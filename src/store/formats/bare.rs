//! A bare body with the headers that are given beside it: `--body FILE --header 'Name: value'`.
//! It is no [`Format`](super::Format): nothing in the bytes tells it.

use std::{fs::File, io::Read, path::Path};

use super::{Entry, EntryError, Fault, Input, whole};
use crate::webhook::request::{self, HeaderName, HeaderValue, Headers, Method, Request};

/// Reads a file as the body of a `POST` to `/`.
///
/// # Errors
///
/// When it can't be read, or is longer than an entry may be.
pub fn open(file: &Path, headers: Headers) -> Result<Entry, EntryError> {
    let input = File::open(file).map_err(|source| Fault::Read(source).in_file(file))?;
    read(file, input, headers)
}

/// Reads an input, standard input for one, as the body of a `POST` to `/`. It goes by the name of
/// `file` in errors.
///
/// # Errors
///
/// When it can't be read, or is longer than an entry may be.
pub fn read(file: &Path, input: impl Read + Send, headers: Headers) -> Result<Entry, EntryError> {
    let body = whole(Input::of(input)).map_err(|fault| fault.in_file(file))?;
    Ok(Entry::new(Request { method: Method::POST, target: "/".to_owned(), headers, body }))
}

/// Reads a header as people type it: `Name: value`.
///
/// # Errors
///
/// When there is no colon, the name is none, or the value holds what no header can carry.
pub fn header(text: &str) -> Result<(HeaderName, HeaderValue), InvalidHeader> {
    let parse = |text: &str| {
        let (name, value) = text.split_once(':')?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
        Some((name, request::value(value.trim()).ok()?))
    };
    parse(text).ok_or_else(|| InvalidHeader(text.to_owned()))
}

/// A text that is no header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no header: expected `Name: value`")]
pub struct InvalidHeader(String);

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_body_is_posted_as_it_stands() {
        let headers: Headers = [header("X-Signature: abc").unwrap()].into_iter().collect();
        let entry = read(Path::new("-"), &b"\xef\xbb\xbf{}\r\n"[..], headers.clone()).unwrap();
        let body = Bytes::from_static(b"\xef\xbb\xbf{}\r\n");
        let request = Request { method: Method::POST, target: "/".to_owned(), headers, body };
        assert_eq!(entry, Entry { line: None, received_at: None, request, notes: Vec::new() });
    }

    #[test]
    fn a_header_is_read_as_people_type_it() {
        let field = |name, value| Ok((HeaderName::from_static(name), HeaderValue::from_static(value)));
        assert_eq!(header("Svix-Id: msg_1"), field("svix-id", "msg_1"));
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
