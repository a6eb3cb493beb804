//! What programs read: one JSON object a line. The object of a delivery is also the form of a
//! capture on disk. Keys, once here, stay.

mod cases;
mod events;
mod judged;
mod sent;

use std::{io, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Serialize, ser::SerializeSeq};
use serde_json::{Serializer, ser::Formatter};

pub use self::{
    cases::{case, case_summary, listed_case},
    events::{event, term},
    judged::{delivery, ready, verification},
    sent::{attempt, request, sent_capture},
};

use super::text;
use crate::webhook::request::{self, Headers, Request};

/// The version of the capture format, the value of the key `hookdev`.
pub const VERSION: u32 = 1;

/// Appends a value as one line.
pub(super) fn line(value: &impl Serialize, out: &mut Vec<u8>) {
    let mut serializer = Serializer::with_formatter(&mut *out, Printable);
    // Writing to memory fails only for maps with keys that are no strings, and there is none.
    if value.serialize(&mut serializer).is_ok() {
        out.push(b'\n');
    }
}

/// JSON in which everything that [`text`] hides from people is escaped: it means the same to a
/// program, and nothing to a terminal.
struct Printable;

impl Formatter for Printable {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((plain, hidden, behind)) = text::split_at_hidden(rest) {
            writer.write_all(plain.as_bytes())?;
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = behind;
        }
        writer.write_all(rest.as_bytes())
    }
}

#[derive(Serialize)]
struct RequestObject<'a> {
    method: &'a str,
    target: &'a str,
    headers: HeaderPairs<'a>,
    #[serde(flatten)]
    body: BodyObject<'a>,
}

fn request_object(request: &Request) -> RequestObject<'_> {
    RequestObject {
        method: request.method.as_str(),
        target: &request.target,
        headers: HeaderPairs(&request.headers),
        body: BodyObject::of(&request.body),
    }
}

/// A body: text where its bytes are UTF-8, base64 otherwise.
#[derive(Serialize)]
#[serde(untagged)]
enum BodyObject<'a> {
    Text { body: &'a str },
    Bytes { body_base64: String },
}

impl<'a> BodyObject<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(body) => Self::Text { body },
            Err(_) => Self::Bytes { body_base64: STANDARD.encode(bytes) },
        }
    }
}

/// Headers as pairs of name and value.
struct HeaderPairs<'a>(&'a Headers);

impl Serialize for HeaderPairs<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pairs = serializer.serialize_seq(Some(self.0.len()))?;
        for (name, value) in self.0 {
            pairs.serialize_element(&(name.as_str(), request::text(value)))?;
        }
        pairs.end()
    }
}

/// A duration in milliseconds, to the microsecond.
pub(super) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
