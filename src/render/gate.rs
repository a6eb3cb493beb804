//! The last check before a stream: only printable text, line feeds and hookdev's own colour codes pass. Text is made
//! printable where it is laid out, because its width matters there; anything missed there is escaped here.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use super::{palette::Palette, text};
use crate::webhook::visible;

/// A writer that lets only printable text through.
///
/// Each write must consist of whole characters and whole colour codes.
#[derive(Debug)]
pub struct TextGate<W> {
    inner: W,
    palette: Palette,
}

impl<W: Write> TextGate<W> {
    /// A gate in front of a writer. It also lets this palette's codes pass.
    pub const fn new(palette: Palette, inner: W) -> Self {
        Self { inner, palette }
    }

    /// The inner writer.
    pub fn into_inner(self) -> W {
        self.inner
    }

    /// The number of leading bytes that pass unchanged.
    fn passing(&self, bytes: &[u8]) -> usize {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            let passing = match rest.first() {
                Some(b'\n') => 1,
                Some(&ESCAPE) => self.palette.code_len(rest).unwrap_or(0),
                Some(first) if first.is_ascii() => visible::plain_len(rest),
                Some(_) => printable_len(beyond_ascii(rest)),
                None => 0,
            };
            if passing == 0 {
                return at;
            }
            at += passing;
        }
    }
}

/// The first byte of every code.
const ESCAPE: u8 = 0x1b;

/// The leading bytes that aren't ASCII; these form whole characters.
fn beyond_ascii(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(u8::is_ascii);
    &bytes[..end.unwrap_or(bytes.len())]
}

/// The number of bytes if [`text::printable_bytes`] doesn't change them, else 0.
fn printable_len(bytes: &[u8]) -> usize {
    if matches!(text::printable_bytes(bytes), Cow::Borrowed(_)) { bytes.len() } else { 0 }
}

impl<W: Write> Write for TextGate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let passing = self.passing(bytes);
        if passing == 0 {
            let hidden = beyond_ascii(bytes).len().max(1).min(bytes.len());
            self.inner.write_all(text::printable_bytes(&bytes[..hidden]).as_bytes())?;
            return Ok(hidden);
        }
        let written = self.inner.write(&bytes[..passing])?;
        // The next write must again start with a whole character.
        let cut = bytes[written..passing].iter().take_while(|byte| is_continuation(**byte)).count();
        self.inner.write_all(&bytes[written..written + cut])?;
        Ok(written + cut)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Whether the byte continues a character of UTF-8.
const fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::render::palette::Role;

    fn gated(palette: Palette, bytes: &[u8]) -> String {
        let mut gate = TextGate::new(palette, Vec::new());
        gate.write_all(bytes).unwrap();
        String::from_utf8(gate.inner).unwrap()
    }

    #[test]
    fn text_line_feeds_and_colours_pass_unchanged() {
        let palette = Palette::new(true);
        let text = format!("one 漢字\n  {} é\n", palette.paint(Role::Bad, "two"));
        assert_eq!(gated(palette, text.as_bytes()), text);
        assert_eq!(gated(Palette::new(false), "plain\n".as_bytes()), "plain\n");
    }

    #[test]
    fn anything_else_is_escaped() {
        let colourless = Palette::new(false);
        assert_eq!(gated(colourless, b"\x1b[31ma\tb\r\n\x07\xff"), "\\u{1b}[31ma\\tb\\r\n\\u{7}\\xff");
        assert_eq!(gated(colourless, "\u{9b}31m\u{202e}\u{feff}".as_bytes()), r"\u{9b}31m\u{202e}\u{feff}");
        let coloured = Palette::new(true);
        // Codes that hookdev does not use: blinking text, a link, clearing the screen.
        assert_eq!(gated(coloured, b"\x1b[5mx\x1b[0m"), "\\u{1b}[5mx\u{1b}[0m");
        assert_eq!(gated(coloured, b"\x1b]8;;x\x07\x1b[2J\x1b[32"), r"\u{1b}]8;;x\u{7}\u{1b}[2J\u{1b}[32");
    }

    /// Accepts three bytes at a time, and is interrupted before each.
    #[derive(Default)]
    struct Narrow {
        is_ready: bool,
        taken: Vec<u8>,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.is_ready ^= true;
            if self.is_ready {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let count = bytes.len().min(3);
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_writer_that_accepts_few_bytes_gets_each_once() {
        let palette = Palette::new(true);
        let text = format!("{}漢é字 \u{1b}[9m\u{202e}\u{7}ü\n", palette.paint(Role::Bad, "é"));
        let mut gate = TextGate::new(palette, Narrow::default());
        gate.write_all(text.as_bytes()).unwrap();
        let expected = "\u{1b}[1;31mé\u{1b}[0m漢é字 \\u{1b}[9m\\u{202e}\\u{7}ü\n";
        assert_eq!(String::from_utf8(gate.inner.taken).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn nothing_that_controls_a_terminal_comes_out(
            pieces in proptest::collection::vec(any::<Vec<u8>>(), 0..4),
            text in any::<String>(),
            on in any::<bool>(),
        ) {
            let palette = Palette::new(on);
            let mut gate = TextGate::new(palette, Vec::new());
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
