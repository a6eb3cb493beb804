//! Writes JSON: string literals with any escapes, parsed documents without whitespace, and lines of one object each
//! that are safe on a terminal.

use std::{
    fmt::Write as _,
    io::{self, Write},
    time::Duration,
};

use serde::Serialize;
use serde_json::Serializer;

use super::{Kind, Node};
use crate::webhook::visible;

/// Appends a value as one line. Hidden characters are escaped, so programs read the same strings, but terminals find no
/// commands in them.
pub fn line(value: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    // Writing to memory fails only for maps whose keys are not strings, and there are none.
    if value.serialize(&mut Serializer::new(JsonOutput(out))).is_err() {
        return;
    }
    // Checked once for the whole line rather than for each string, because few have such characters.
    if visible::plain_len(&out[start..]) < out.len() - start {
        match String::from_utf8(out.split_off(start)) {
            Ok(text) => out.extend_from_slice(escape_hidden(text).as_bytes()),
            Err(error) => out.append(&mut error.into_bytes()),
        }
    }
    out.push(b'\n');
}

/// Appends to memory. Most of what a serializer writes are single bytes, quotes and commas, which `Vec` copies with a
/// call each.
struct JsonOutput<'a>(&'a mut Vec<u8>);

impl Write for JsonOutput<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match *bytes {
            [byte] => self.0.push(byte),
            [first, second] => {
                self.0.push(first);
                self.0.push(second);
            }
            _ => self.0.extend_from_slice(bytes),
        }
        Ok(())
    }

    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A document on several lines, indented by two spaces, with each array of plain values on one line. Strings and
/// numbers keep their spelling. The document must be valid and without whitespace, as [`line`] writes it.
#[must_use]
pub fn indented(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() + json.len() / 4);
    let (mut depth, mut at) = (0, 0);
    while let Some(&byte) = json.get(at) {
        let rest = &json[at..];
        let length = match byte {
            b'"' => string_length(rest),
            b'{' | b'[' => plain_length(rest).unwrap_or(1),
            _ => 1,
        };
        let newline = |depth: usize, out: &mut Vec<u8>| {
            out.push(b'\n');
            out.extend(std::iter::repeat_n(b' ', 2 * depth));
        };
        match byte {
            b'{' | b'[' if length == 1 => {
                depth += 1;
                out.push(byte);
                newline(depth, &mut out);
            }
            b'[' => push_spaced(&rest[..length], &mut out),
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                newline(depth, &mut out);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                newline(depth, &mut out);
            }
            b':' => out.extend_from_slice(b": "),
            _ => out.extend_from_slice(&rest[..length]),
        }
        at += length;
    }
    out
}

/// The length of the string literal at the start.
fn string_length(json: &[u8]) -> usize {
    let mut at = 1;
    while let Some(offset) = json.get(at..).and_then(|rest| rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))) {
        at += offset + 1;
        match json[at - 1] {
            b'"' => return at,
            _ => at += 1,
        }
    }
    json.len()
}

/// The length of the array or object at the start, if it is empty or an array without others in it.
fn plain_length(json: &[u8]) -> Option<usize> {
    if json.first() == Some(&b'{') {
        return (json.get(1) == Some(&b'}')).then_some(2);
    }
    let mut at = 1;
    loop {
        match json.get(at)? {
            b'"' => at += string_length(&json[at..]),
            b']' => return Some(at + 1),
            b'[' | b'{' => return None,
            _ => at += 1,
        }
    }
}

/// Appends an array of plain values with a space after each comma.
fn push_spaced(array: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(&byte) = array.get(at) {
        let length = if byte == b'"' { string_length(&array[at..]) } else { 1 };
        out.extend_from_slice(&array[at..at + length]);
        if byte == b',' {
            out.push(b' ');
        }
        at += length;
    }
}

/// A duration in milliseconds, to the microsecond.
#[must_use]
pub fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// The JSON string literal of `text`, with its quotes.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_string(text, |_| None, &mut out);
    out
}

/// How to escape a character that could also be written unescaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// A backslash before the character.
    Backslash,
    /// `\u` and four digits, such as `\u00e9`; two of these for a character outside the basic plane.
    Unicode,
    /// The same with digits in upper case, `00E9`.
    UnicodeUppercase,
}

/// Appends a string literal. Quotes, backslashes and control characters are escaped as RFC 8259 requires, by a letter
/// if there is one; `escape` decides about all others, and whether a quote is written as `\u0022`.
pub(crate) fn push_string(text: &str, escape: impl Fn(char) -> Option<Escape>, out: &mut String) {
    out.push('"');
    let mut copied = 0;
    for (at, character) in text.char_indices() {
        let letter = match character {
            '"' if escape(character).is_none() => Some(character),
            '\\' => Some(character),
            '\n' => Some('n'),
            '\r' => Some('r'),
            '\t' => Some('t'),
            '\u{8}' => Some('b'),
            '\u{c}' => Some('f'),
            _ => None,
        };
        let escape = if letter.is_some() { None } else { escape(character) };
        let is_control = character < ' ' && letter.is_none();
        if letter.is_none() && escape.is_none() && !is_control {
            continue;
        }
        out.push_str(&text[copied..at]);
        copied = at + character.len_utf8();
        match letter {
            Some(letter) => out.extend(['\\', letter]),
            None => push_escape(character, escape.unwrap_or(Escape::Unicode), out),
        }
    }
    out.push_str(&text[copied..]);
    out.push('"');
}

/// Appends a character as an escape.
pub(crate) fn push_escape(character: char, escape: Escape, out: &mut String) {
    if escape == Escape::Backslash {
        return out.extend(['\\', character]);
    }
    for unit in character.encode_utf16(&mut [0; 2]) {
        // Writing to a string does not fail.
        let _ = match escape {
            Escape::UnicodeUppercase => write!(out, "\\u{unit:04X}"),
            _ => write!(out, "\\u{unit:04x}"),
        };
    }
}

/// JSON text with every [hidden](visible::is_hidden) character escaped. Text without whitespace has none outside
/// strings.
pub(crate) fn escape_hidden(text: String) -> String {
    let mut rest = text.as_str();
    let mut escaped = String::new();
    while let Some((plain, hidden, after)) = visible::split_at_hidden(rest) {
        escaped.push_str(plain);
        push_escape(hidden, Escape::Unicode, &mut escaped);
        rest = after;
    }
    if escaped.is_empty() { text } else { escaped + rest }
}

/// Appends a node's tokens to `out` without the whitespace between them. The tokens themselves are not changed.
///
/// `text` is the text that the node was parsed from.
pub fn compact(text: &str, node: &Node<'_>, out: &mut String) {
    match &node.kind {
        Kind::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                compact(text, item, out);
            }
            out.push(']');
        }
        Kind::Object(members) => {
            out.push('{');
            for (index, member) in members.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                out.push_str(&text[member.key_span.clone()]);
                out.push(':');
                compact(text, &member.value, out);
            }
            out.push('}');
        }
        _ => out.push_str(&text[node.span.clone()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_escaped_and_read_back() {
        let text = "é\u{1b}[2J\u{9b}\u{202e}\u{e0041}漢\u{200d}";
        let mut out = Vec::new();
        line(&[text], &mut out);
        assert_eq!(
            String::from_utf8(out.clone()).unwrap(),
            "[\"é\\u001b[2J\\u009b\\u202e\\udb40\\udc41漢\u{200d}\"]\n"
        );
        assert_eq!(serde_json::from_slice::<[String; 1]>(&out).unwrap(), [text]);
    }

    #[test]
    fn a_document_is_indented_with_plain_arrays_on_one_line() {
        let compact =
            br#"{"a":1.50,"b":[["k","x, [y]: \"z\\\\"],[]],"c":{},"d":[{"e":[1,"f",null]}],"g":[],"h":"{,}"}"#;
        let expected = r#"{
  "a": 1.50,
  "b": [
    ["k", "x, [y]: \"z\\\\"],
    []
  ],
  "c": {},
  "d": [
    {
      "e": [1, "f", null]
    }
  ],
  "g": [],
  "h": "{,}"
}"#;
        assert_eq!(String::from_utf8(indented(compact)).unwrap(), expected);
        for plain in ["{}", "[]", "1", "\"a\"", "[1, 2]"] {
            assert_eq!(indented(plain.replace(' ', "").as_bytes()), plain.as_bytes());
        }
    }

    #[test]
    fn a_duration_is_written_to_the_microsecond() {
        assert_eq!(millis(Duration::from_nanos(1_234_567)).to_string(), "1.235");
    }
}
