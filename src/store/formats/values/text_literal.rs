//! Literals of text and bytes, in JavaScript and Python source code, and as these and similar languages print text.

use super::scan::{next, take, take_until};

/// The language of source code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::formats) enum SourceLanguage {
    JavaScript,
    Python,
}

/// The quotes around a literal, longest first.
pub(in crate::store::formats) const QUOTES: [&str; 5] = ["\"\"\"", "'''", "\"", "'", "`"];

/// A literal whose start has been read.
pub(in crate::store::formats) struct TextLiteral {
    quotes: &'static str,
    /// `None` if a program printed it.
    language: Option<SourceLanguage>,
    is_bytes: bool,
    is_formatted: bool,
    is_raw: bool,
}

/// Where reading a literal stopped.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store::formats) enum LiteralEnd {
    /// After the closing quotes.
    End,
    /// After `${` of a template, or `{` of a formatted string.
    Expression,
}

impl TextLiteral {
    /// Reads the start of a literal in source code, or of a printed one without a `language`; `None` if another token
    /// starts here.
    pub(in crate::store::formats) fn open(rest: &mut &str, language: Option<SourceLanguage>) -> Option<Self> {
        let (letters, quotes) = if language.is_some() { ("brufBRUF", &QUOTES[..]) } else { ("b", &QUOTES[2..]) };
        let len = rest.bytes().take(2).take_while(|byte| letters.as_bytes().contains(byte)).count();
        let (before, after) = rest.split_at(len);
        let quotes = quotes.iter().find(|quotes| after.starts_with(**quotes))?;
        if len > 0 && *quotes == "`" {
            return None;
        }
        *rest = &after[quotes.len()..];
        let has = |letter| before.to_ascii_lowercase().contains(letter);
        let is_bytes = has('b');
        Some(Self { quotes, language, is_bytes, is_formatted: has('f') && !is_bytes, is_raw: has('r') })
    }

    pub(in crate::store::formats) fn is_bytes(&self) -> bool {
        self.is_bytes
    }

    /// Reads up to the end of the literal or the next expression in it. `None` if it doesn't end, or isn't valid.
    pub(in crate::store::formats) fn read(&self, rest: &mut &str) -> Option<(Vec<u8>, LiteralEnd)> {
        let spans_lines = self.language.is_none() || self.quotes.len() > 1 || self.quotes == "`";
        let mut bytes = Vec::new();
        loop {
            if take(rest, self.quotes) {
                return Some((bytes, LiteralEnd::End));
            }
            match next(rest)? {
                '\n' if !spans_lines => return None,
                '$' if self.quotes == "`" && self.language.is_some() && take(rest, "{") => {
                    return Some((bytes, LiteralEnd::Expression));
                }
                c @ ('{' | '}') if self.is_formatted && rest.starts_with(c) => {
                    next(rest)?;
                    push(&mut bytes, c);
                }
                '{' if self.is_formatted => return Some((bytes, LiteralEnd::Expression)),
                '\\' if !self.is_raw => self.escape(rest, &mut bytes)?,
                c => push(&mut bytes, c),
            }
        }
    }

    /// Reads the rest of an escape, after its backslash.
    fn escape(&self, rest: &mut &str, bytes: &mut Vec<u8>) -> Option<()> {
        let is_digit_next = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        let c = match next(rest)? {
            'x' => {
                let byte = u8::try_from(hex(rest, 2)?).ok()?;
                if self.is_bytes {
                    bytes.push(byte);
                    return Some(());
                }
                char::from(byte)
            }
            'u' if take(rest, "{") => {
                let digits = take_until(rest, "}")?;
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            'u' => utf16(rest)?,
            'U' => char::from_u32(hex(rest, 8)?)?,
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'a' if self.language != Some(SourceLanguage::JavaScript) => '\u{7}',
            'e' if self.language.is_none() => '\u{1b}',
            '0' if self.language.is_none() || !is_digit_next(rest) => '\0',
            // A line continuation.
            '\n' if self.language.is_some() => return Some(()),
            other => {
                if self.language == Some(SourceLanguage::Python) && !"\"'\\".contains(other) {
                    bytes.push(b'\\');
                }
                other
            }
        };
        push(bytes, c);
        Some(())
    }
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

fn hex(rest: &mut &str, digits: usize) -> Option<u32> {
    let (text, after) = rest.split_at_checked(digits)?;
    *rest = after;
    u32::from_str_radix(text, 16).ok()
}

/// The character of `\uHHHH`, or of a surrogate pair of them.
fn utf16(rest: &mut &str) -> Option<char> {
    let unit = u16::try_from(hex(rest, 4)?).ok()?;
    if !(0xd800..0xdc00).contains(&unit) {
        return char::from_u32(u32::from(unit));
    }
    *rest = rest.strip_prefix("\\u")?;
    let low = u16::try_from(hex(rest, 4)?).ok()?;
    char::decode_utf16([unit, low]).next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of a literal that is the whole text.
    fn bytes(mut text: &str, language: Option<SourceLanguage>) -> Option<Vec<u8>> {
        let literal = TextLiteral::open(&mut text, language)?;
        let (bytes, stop) = literal.read(&mut text)?;
        (stop == LiteralEnd::End && text.is_empty()).then_some(bytes)
    }

    /// As `node -p` and `python3 -c` read them; the last two are what Ruby's `p` and Rust's `{:?}` print.
    #[test]
    fn escapes_mean_what_they_do_in_each_language() {
        let (javascript, python) = (Some(SourceLanguage::JavaScript), Some(SourceLanguage::Python));
        for (literal, language, text) in [
            (r"'\a\q\0\x41\v\f\b'", javascript, "aq\0A\u{b}\u{c}\u{8}"),
            (r"'\a\q\0\x41\v\f\b'", python, "\u{7}\\q\0A\u{b}\u{c}\u{8}"),
            (r"'\u{1f600}\ud83d\ude00'", javascript, "\u{1f600}\u{1f600}"),
            (r"'\U0001f600\xe9'", python, "\u{1f600}\u{e9}"),
            ("'a\\\nb'", javascript, "ab"),
            ("'a\\\nb'", python, "ab"),
            ("`a\nb`", javascript, "a\nb"),
            ("'''a\n'b'''", python, "a\n'b"),
            (r#"r"\n""#, python, r"\n"),
            ("f'{{}}'", python, "{}"),
            (r#""\a""#, None, "\u{7}"),
            (r#""\u{200b}\0""#, None, "\u{200b}\0"),
        ] {
            assert_eq!(bytes(literal, language), Some(text.into()), "{literal}");
        }
        assert_eq!(bytes(r"b'\xff\n'", python), Some(vec![0xff, b'\n']));
        assert_eq!(bytes(r"b'\xff\n'", None), Some(vec![0xff, b'\n']));
        for literal in ["'a", "'a\nb'", r"'\x9'", r"'\ud83d'", r"'\u{110000}'", "a"] {
            assert_eq!(bytes(literal, javascript), None, "{literal}");
        }
    }

    #[test]
    fn a_literal_is_read_up_to_each_expression_in_it() {
        for (text, language, rest) in
            [("`a${b}c`", SourceLanguage::JavaScript, "b}c`"), ("f'a{b}c'", SourceLanguage::Python, "b}c'")]
        {
            let mut text = text;
            let literal = TextLiteral::open(&mut text, Some(language)).unwrap();
            assert_eq!(literal.read(&mut text), Some((b"a".to_vec(), LiteralEnd::Expression)));
            assert_eq!(text, rest);
        }
    }
}
