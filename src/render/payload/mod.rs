//! Bodies for people: JSON re-indented and coloured, form fields as a table, anything else as escaped lines. Each is
//! appended as whole lines, within [`BodyLimits`], with a note of how much is left out. Values are shown as sent, never
//! parsed and printed again.

mod fields;
mod json;
mod raw;
mod tokens;

pub use self::fields::FormField;
use super::palette::{Palette, Role};
use super::size;

/// The layout of bodies on one stream.
#[derive(Clone, Copy, Debug)]
pub struct BodyLayout {
    /// The colours.
    pub palette: Palette,
    /// The indentation of each line, in columns.
    pub margin: usize,
    /// How much is shown.
    pub limits: BodyLimits,
}

/// How much of a body is shown.
///
/// Only the body's own text counts, not added indentation, colours and escapes, so the same part is shown with and
/// without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// The number of levels of JSON that are broken into lines; deeper ones stay on one line.
    pub depth: usize,
    /// The number of bytes of the body.
    pub bytes: usize,
    /// The number of lines, not counting the note of how much is left out.
    pub lines: usize,
    /// The number of bytes of one JSON string or number, or of one field's name or value.
    pub token: usize,
}

impl BodyLimits {
    /// Enough to read a typical delivery.
    pub const EXCERPT: Self = Self { depth: 32, bytes: 64 << 10, lines: 400, token: 2 << 10 };

    /// The whole body, up to what a terminal can handle.
    pub const FULL: Self = Self { depth: 32, bytes: 16 << 20, lines: 1 << 20, token: 16 << 20 };
}

impl BodyLayout {
    /// Appends a JSON body, re-indented. Numbers, escapes, duplicate keys and order stay as sent.
    ///
    /// Returns false and appends nothing if the body is not JSON from first byte to last; not even a byte order mark is
    /// allowed. Show such a body with [`BodyLayout::raw`].
    #[must_use]
    pub fn json(&self, body: &[u8], out: &mut String) -> bool {
        json::push(self, body, out)
    }

    /// Appends a body line by line. Characters that a terminal must not receive are escaped.
    pub fn raw(&self, body: &[u8], out: &mut String) {
        raw::push(self, body, out);
    }

    /// Appends the fields of a form, one per line, with their values aligned.
    pub fn fields(&self, fields: &[FormField<'_>], out: &mut String) {
        fields::push(self, fields, out);
    }

    /// Appends a line that says how much is left out.
    fn push_rest(&self, left_out: usize, out: &mut String) {
        push_spaces(self.margin, out);
        self.push_more(left_out, out);
        out.push('\n');
    }

    fn push_more(&self, left_out: usize, out: &mut String) {
        self.palette.push(Role::Dim, &format!("… {} more", size::bytes(left_out)), out);
    }
}

fn push_spaces(count: usize, out: &mut String) {
    const SPACES: &str = "                                                                                ";
    match SPACES.get(..count) {
        Some(spaces) => out.push_str(spaces),
        None => out.extend(std::iter::repeat_n(' ', count)),
    }
}

/// At most `max` of the first bytes, not cut within a character. Bytes that are not UTF-8 may be cut anywhere.
fn start_of(bytes: &[u8], max: usize) -> &[u8] {
    if bytes.len() <= max {
        return bytes;
    }
    let continues = |at: usize| bytes[at] & 0b1100_0000 == 0b1000_0000;
    let end = (max.saturating_sub(3)..=max).rev().find(|&at| !continues(at));
    &bytes[..end.unwrap_or(max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_ends_between_characters() {
        for (max, len) in [(0, 0), (1, 1), (2, 1), (3, 1), (4, 4), (5, 4), (6, 4), (7, 7), (10, 10), (11, 10)] {
            assert_eq!(start_of("a漢漢字".as_bytes(), max).len(), len, "{max}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_cut_at_the_limit() {
        assert_eq!(start_of(&[0x80; 8], 5), [0x80; 5]);
    }
}
