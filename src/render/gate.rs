//! The last gate before a stream: whatever was written by whomever, nothing but visible text, line
//! feeds and our own colour codes comes out. Text is made printable where it is set out, as its
//! width counts there; what was forgotten there is shown as an escape here.

use std::io::{self, Write};

use super::{palette::Palette, text};

/// A writer of text that lets nothing else through.
///
/// Each write is taken for whole characters and whole colour codes.
#[derive(Debug)]
pub struct Gate<W> {
    inner: W,
    palette: Palette,
}

impl<W: Write> Gate<W> {
    /// A gate before a writer, which lets the codes of this palette through.
    pub const fn new(palette: Palette, inner: W) -> Self {
        Self { inner, palette }
    }

    /// The writer behind it.
    pub fn into_inner(self) -> W {
        self.inner
    }

    fn push(&self, mut rest: &str, out: &mut String) {
        while let Some((plain, hidden, behind)) = text::split_at_hidden(rest) {
            let at_hidden = &rest[plain.len()..];
            out.push_str(plain);
            rest = behind;
            if hidden == '\n' {
                out.push('\n');
            } else if let Some(code) = self.palette.code_before(at_hidden) {
                out.push_str(code);
                rest = &at_hidden[code.len()..];
            } else {
                out.extend(hidden.escape_default());
            }
        }
        out.push_str(rest);
    }
}

impl<W: Write> Write for Gate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.iter().all(|byte| matches!(byte, b'\n' | 0x20..=0x7e)) {
            self.inner.write_all(bytes)?;
        } else {
            let mut clean = String::with_capacity(bytes.len() + 16);
            for chunk in bytes.utf8_chunks() {
                self.push(chunk.valid(), &mut clean);
                clean.extend(chunk.invalid().escape_ascii().map(char::from));
            }
            self.inner.write_all(clean.as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::render::palette::Role;

    fn gated(palette: Palette, bytes: &[u8]) -> String {
        let mut gate = Gate::new(palette, Vec::new());
        gate.write_all(bytes).unwrap();
        String::from_utf8(gate.inner).unwrap()
    }

    #[test]
    fn text_and_its_lines_and_colours_come_through_as_they_are() {
        let palette = Palette::new(true);
        let text = format!("one 漢字\n  {} é\n", palette.paint(Role::Bad, "two"));
        assert_eq!(gated(palette, text.as_bytes()), text);
        assert_eq!(gated(Palette::new(false), "plain\n".as_bytes()), "plain\n");
    }

    #[test]
    fn everything_else_is_shown_as_an_escape() {
        let colourless = Palette::new(false);
        assert_eq!(gated(colourless, b"\x1b[31ma\tb\r\n\x07\xff"), "\\u{1b}[31ma\\tb\\r\n\\u{7}\\xff");
        assert_eq!(gated(colourless, "\u{9b}31m\u{202e}\u{feff}".as_bytes()), r"\u{9b}31m\u{202e}\u{feff}");
        let coloured = Palette::new(true);
        // Codes that are not ours: a blinking text, a link, a cleared screen.
        assert_eq!(gated(coloured, b"\x1b[5mx\x1b[0m"), "\\u{1b}[5mx\u{1b}[0m");
        assert_eq!(gated(coloured, b"\x1b]8;;x\x07\x1b[2J\x1b[32"), r"\u{1b}]8;;x\u{7}\u{1b}[2J\u{1b}[32");
    }

    proptest! {
        #[test]
        fn nothing_that_acts_on_a_terminal_comes_out(
            pieces in proptest::collection::vec(any::<Vec<u8>>(), 0..4),
            text in any::<String>(),
            on in any::<bool>(),
        ) {
            let palette = Palette::new(on);
            let mut gate = Gate::new(palette, Vec::new());
            for piece in &pieces {
                gate.write_all(piece).unwrap();
            }
            gate.write_all(text.as_bytes()).unwrap();
            let mut out = String::from_utf8(gate.inner).unwrap();
            for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[4m", "\u{1b}[32m", "\u{1b}[33m"] {
                out = out.replace(code, if on { "" } else { code });
            }
            prop_assert!(!out.chars().any(|c| c.is_control() && c != '\n'), "{out:?}");
        }
    }
}
