//! What people see of a body: JSON as its own text re-indented and coloured, form fields as a table,
//! anything else as escaped lines. Each is appended as whole lines, within [`Limits`], and says how
//! much it left out. Nothing is parsed into values and nothing is shown that was not sent.

mod fields;
mod json;
mod raw;
mod tokens;

pub use self::fields::Field;
use super::palette::{Palette, Role};
use super::size;

/// How bodies are set out on one stream.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The colours.
    pub palette: Palette,
    /// The columns left free before each line.
    pub margin: usize,
    /// How much is shown.
    pub limits: Limits,
}

/// How much of a body is shown.
///
/// What counts is the body's text, not the indentation, colours and escapes around it, so the same
/// part is shown with and without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The levels of JSON that are broken into lines; what is deeper stays on the line it began.
    pub depth: usize,
    /// The bytes of the body.
    pub bytes: usize,
    /// The lines, without the one that says how much was left out.
    pub lines: usize,
    /// The bytes of one JSON string or number, or of one field's name or value.
    pub token: usize,
}

impl Limits {
    /// Enough to see what a delivery says.
    pub const EXCERPT: Self = Self { depth: 32, bytes: 64 << 10, lines: 400, token: 2 << 10 };

    /// All there is, but for what no terminal survives.
    pub const FULL: Self = Self { depth: 32, bytes: 16 << 20, lines: 1 << 20, token: 16 << 20 };
}

impl Layout {
    /// Appends a JSON body, re-indented, with numbers, escapes, duplicate keys and order as sent.
    ///
    /// Returns false and appends nothing when the body is not JSON from its first byte to its last;
    /// a byte order mark, which JSON may not begin with, is enough. Then [`Layout::raw`] shows it.
    #[must_use]
    pub fn json(&self, body: &[u8], out: &mut String) -> bool {
        json::push(self, body, out)
    }

    /// Appends a body as it is, line by line, with escapes for what a terminal must not get.
    pub fn raw(&self, body: &[u8], out: &mut String) {
        raw::push(self, body, out);
    }

    /// Appends the fields of a form, one a line, their values aligned.
    pub fn fields(&self, fields: &[Field<'_>], out: &mut String) {
        fields::push(self, fields, out);
    }

    /// Ends with a line that says what was left out.
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

/// The start of a text that may not be UTF-8, at most `max` bytes, cut within no character that is.
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
    fn what_is_not_utf8_is_cut_where_the_limit_says() {
        assert_eq!(start_of(&[0x80; 8], 5), [0x80; 5]);
    }
}
