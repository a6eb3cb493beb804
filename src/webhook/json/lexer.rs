//! The one lexer of JSON: it reads the tokens of RFC 8259 as slices of the text and copies nothing. The parser and the
//! token stream of the pretty printer are built on it, and check which token may follow which. [`Unclosed`] follows
//! text that may be cut anywhere.
//!
//! The end of a string is searched for one byte at a time. Eight bytes at a time is faster only for strings of
//! kilobytes (4,000 bytes take 0.7 µs instead of 1.4); a payload of 529 bytes takes 1.1 µs, but 1.2 that way.

use std::ops::Range;

use super::MAX_DEPTH;

/// A syntax error, and its byte offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LexerError {
    pub(crate) offset: usize,
    pub(crate) message: &'static str,
}

/// A position in a JSON text, from which tokens are read.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

/// A string without its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StringToken<'a> {
    /// The content, with its escapes.
    pub(crate) raw: &'a str,
    pub(crate) has_escapes: bool,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// A lexer that starts at this offset, which another lexer of the same text has reached.
    pub(crate) fn starting_at(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    /// The offset of the next byte.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The text between two offsets.
    #[inline]
    pub(crate) fn slice(&self, span: Range<usize>) -> &'a str {
        &self.text[span]
    }

    /// Skips a byte if it is the next one.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        self.at += usize::from(taken);
        taken
    }

    /// Skips the next byte, which is ASCII.
    #[inline]
    pub(crate) fn skip_byte(&mut self) {
        self.at += 1;
    }

    pub(crate) fn starts_with(&self, character: char) -> bool {
        self.text[self.at..].starts_with(character)
    }

    #[inline]
    pub(crate) fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Reads the string whose opening quote is the next byte.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<StringToken<'a>, LexerError> {
        let opening = self.at;
        self.at += 1;
        let mut has_escapes = false;
        loop {
            self.at += plain_length(&self.text.as_bytes()[self.at..]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at +=
                        escape_length(&self.text.as_bytes()[self.at..]).map_err(|message| self.fault(message))?;
                    has_escapes = true;
                }
                Some(_) => return Err(self.fault("a string has a control character that is not escaped")),
                None => return Err(LexerError { offset: opening, message: "a string has no closing quote" }),
            }
        }
        self.at += 1;
        Ok(StringToken { raw: &self.text[opening + 1..self.at - 1], has_escapes })
    }

    /// Reads the number whose first byte is the next one.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<&'a str, LexerError> {
        let start = self.at;
        self.take(b'-');
        if self.take(b'0') {
            if let Some(b'0'..=b'9') = self.peek() {
                return Err(self.fault("a number has a leading zero"));
            }
        } else {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), LexerError> {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        if length == 0 {
            return Err(self.unexpected("expected a digit"));
        }
        self.at += length;
        Ok(())
    }

    /// Reads `true`, `false` or `null`.
    #[inline]
    pub(crate) fn literal(&mut self) -> Result<&'a str, LexerError> {
        let rest = &self.text[self.at..];
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word));
        let length = word.ok_or_else(|| self.fault("expected a value"))?.len();
        self.at += length;
        Ok(&rest[..length])
    }

    #[cold]
    pub(crate) fn fault(&self, message: &'static str) -> LexerError {
        LexerError { offset: self.at, message }
    }

    /// The error for an unexpected byte, or for an unexpected end of the text.
    #[cold]
    pub(crate) fn unexpected(&self, message: &'static str) -> LexerError {
        self.fault(if self.is_at_end() { "the document ends too early" } else { message })
    }
}

/// How many bytes at the start of a string need no unescaping: up to the next quote, backslash or control character.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| !PLAIN[usize::from(byte)]).unwrap_or(bytes.len())
}

/// The bytes that need no unescaping in a string.
static PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut control = 0;
    while control < 0x20 {
        plain[control] = false;
        control += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain
};

/// The length of the escape at the start, backslash included.
pub(crate) fn escape_length(bytes: &[u8]) -> Result<usize, &'static str> {
    match bytes.get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => code_unit(bytes).map(|_| 6).ok_or("`\\u` needs four hex digits"),
        _ => Err("unknown escape in a string"),
    }
}

/// The UTF-16 code unit of the escape at the start.
fn code_unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.get(..6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
}

/// The content of a string that the lexer has read, escapes decoded; a lone surrogate becomes U+FFFD.
pub(crate) fn decode(raw: &str) -> String {
    let mut decoded = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(backslash) = rest.find('\\') {
        decoded.push_str(&rest[..backslash]);
        let (character, length) = escaped(&rest.as_bytes()[backslash..]);
        decoded.push(character);
        rest = &rest[backslash + length..];
    }
    decoded.push_str(rest);
    decoded
}

/// The character of the escape at the start, and the escape's length.
fn escaped(bytes: &[u8]) -> (char, usize) {
    let character = match bytes.get(1) {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => return unicode(bytes),
        Some(&literal) => char::from(literal),
        None => '\\',
    };
    (character, 2)
}

/// `\u` and four hex digits, or two of these that form a surrogate pair.
fn unicode(bytes: &[u8]) -> (char, usize) {
    let unit = code_unit(bytes).unwrap_or(0xFFFD);
    if let 0xD800..=0xDBFF = unit
        && let Some(low @ 0xDC00..=0xDFFF) = bytes.get(6..).and_then(code_unit)
    {
        let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

/// The strings, arrays and objects still open at the end of a text, which may be cut anywhere and need not be JSON.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unclosed {
    /// The closing bracket of each open one, outermost first, down to [`MAX_DEPTH`].
    closers: Vec<u8>,
    depth: usize,
    in_string: bool,
    /// Whether the last byte was a backslash that escapes the next one.
    is_escaping: bool,
    is_mismatched: bool,
}

impl Unclosed {
    /// Reads more of the text.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.in_string {
                self.in_string = byte != b'"' || self.is_escaping;
                self.is_escaping = byte == b'\\' && !self.is_escaping;
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' => self.open(b'}'),
                b'[' => self.open(b']'),
                b'}' | b']' => self.close(byte),
                _ => {}
            }
        }
    }

    fn open(&mut self, closer: u8) {
        self.depth += 1;
        if self.closers.len() < MAX_DEPTH {
            self.closers.push(closer);
        }
    }

    fn close(&mut self, closer: u8) {
        if self.depth == 0 {
            self.is_mismatched = true;
            return;
        }
        if self.depth <= self.closers.len() {
            self.is_mismatched |= self.closers.pop() != Some(closer);
        }
        self.depth -= 1;
    }

    /// How many arrays and objects are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    pub(crate) fn in_string(&self) -> bool {
        self.in_string
    }

    /// The text that closes everything open; `None` if nothing is open, brackets do not match, or they nest deeper than
    /// [`MAX_DEPTH`].
    pub(crate) fn closing(&self) -> Option<String> {
        if self.is_mismatched || self.depth > self.closers.len() {
            return None;
        }
        let quote = self.in_string.then_some('"');
        let closing: String =
            quote.into_iter().chain(self.closers.iter().rev().map(|&byte| char::from(byte))).collect();
        (!closing.is_empty()).then_some(closing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unclosed(pieces: &[&str]) -> Unclosed {
        let mut unclosed = Unclosed::default();
        for piece in pieces {
            unclosed.read(piece.as_bytes());
        }
        unclosed
    }

    #[test]
    fn open_brackets_are_closed_in_reverse() {
        assert_eq!(unclosed(&[r#"{"a":[{"b":"#]).closing().as_deref(), Some("}]}"));
        assert_eq!(unclosed(&[r#"["a}"#]).closing().as_deref(), Some("\"]"));
        assert_eq!(unclosed(&["{}"]).closing(), None);
        assert_eq!(unclosed(&["[}"]).closing(), None);
        assert_eq!(unclosed(&["]["]).closing(), None);
    }

    #[test]
    fn a_text_may_be_cut_anywhere() {
        let text = r#"{"a\"{":["\\",{"b\\\"":1"#;
        let whole = unclosed(&[text]);
        assert_eq!((whole.depth(), whole.in_string()), (3, false));
        for cut in 0..text.len() {
            assert_eq!(unclosed(&[&text[..cut], &text[cut..]]).closing(), whole.closing(), "{cut}");
        }
    }

    #[test]
    fn depth_is_counted_beyond_the_kept_levels() {
        let deep = unclosed(&[&"[".repeat(MAX_DEPTH + 1)]);
        assert_eq!((deep.depth(), deep.closing()), (MAX_DEPTH + 1, None));
        let less = unclosed(&[&"[".repeat(MAX_DEPTH + 1), "]"]);
        assert_eq!((less.depth(), less.closing()), (MAX_DEPTH, Some("]".repeat(MAX_DEPTH))));
    }
}
