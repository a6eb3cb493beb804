//! Writes JSON lines: one object a line, without whitespace, harmless to a terminal.

use std::{io, time::Duration};

use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

use crate::webhook::visible;

/// Appends a value as one line.
pub fn line(value: &impl Serialize, out: &mut Vec<u8>) {
    let mut serializer = Serializer::with_formatter(&mut *out, Printable);
    // Writing to memory fails only for maps whose keys are not strings, and there are none.
    if value.serialize(&mut serializer).is_ok() {
        out.push(b'\n');
    }
}

/// A duration in milliseconds, to the microsecond.
#[must_use]
pub fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Escapes every [hidden](visible::is_hidden) character: the same string to a program, and nothing a terminal obeys.
struct Printable;

impl Formatter for Printable {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((plain, hidden, after)) = visible::split_at_hidden(rest) {
            writer.write_all(plain.as_bytes())?;
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = after;
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_escaped_and_mean_the_same() {
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
    fn a_duration_is_written_to_the_microsecond() {
        assert_eq!(millis(Duration::from_nanos(1_234_567)).to_string(), "1.235");
    }
}
