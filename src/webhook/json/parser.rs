//! The reader of RFC 8259 texts. It stands on the path of every delivery: strings without escapes and all numbers
//! are borrowed, and nothing is allocated but the lists of items and members, each once and in its size.

use std::borrow::Cow;

use super::{Kind, Member, Node, SyntaxError, position};

/// How many arrays and objects may stand inside one another.
pub const MAX_DEPTH: usize = 512;

/// How many values, a document's own among them, one may hold: each takes some fifty bytes, of which
/// `0,` is two in the text.
pub const MAX_VALUES: usize = 1 << 20;

/// Reads a whole text as one JSON value.
///
/// # Errors
///
/// When the text breaks the grammar of RFC 8259, begins with a byte order mark, nests deeper than [`MAX_DEPTH`] or
/// holds more than [`MAX_VALUES`].
pub fn parse(text: &str) -> Result<Node<'_>, SyntaxError> {
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        at: 0,
        depth: 0,
        values: 0,
        members: Vec::with_capacity(16),
        items: Vec::new(),
    };
    parser.document().map_err(|Failure { offset, message }| {
        let (line, column) = position(text, offset);
        SyntaxError { offset, line, column, message }
    })
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    values: usize,
    /// The members so far of all objects that are open, those of the innermost at the end.
    members: Vec<Member<'a>>,
    /// As the members, of arrays.
    items: Vec<Node<'a>>,
}

/// A [`SyntaxError`] whose line nobody has counted yet.
struct Failure {
    offset: usize,
    message: &'static str,
}

type Parsed<T> = Result<T, Failure>;

impl<'a> Parser<'a> {
    fn document(&mut self) -> Parsed<Node<'a>> {
        if self.text.starts_with('\u{feff}') {
            return Err(self.failure("a byte order mark stands before the document"));
        }
        self.skip_whitespace();
        let root = self.value()?;
        self.skip_whitespace();
        if self.at == self.bytes.len() { Ok(root) } else { Err(self.failure("text follows the end of the document")) }
    }

    fn value(&mut self) -> Parsed<Node<'a>> {
        if self.values == MAX_VALUES {
            return Err(self.failure("the document holds more than 1048576 values"));
        }
        self.values += 1;
        let start = self.at;
        let kind = match self.peek() {
            Some(b'"') => Kind::String(self.string()?),
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'-' | b'0'..=b'9') => Kind::Number(self.number()?),
            Some(b't') => self.word("true", Kind::Bool(true))?,
            Some(b'f') => self.word("false", Kind::Bool(false))?,
            Some(b'n') => self.word("null", Kind::Null)?,
            _ => return Err(self.unexpected("expected a value")),
        };
        Ok(Node { span: start..self.at, kind })
    }

    /// Steps over an opening bracket and reads what it opens.
    fn nested(&mut self, read: fn(&mut Self) -> Parsed<Kind<'a>>) -> Parsed<Kind<'a>> {
        if self.depth == MAX_DEPTH {
            return Err(self.failure("arrays and objects are nested more than 512 deep"));
        }
        self.depth += 1;
        self.at += 1;
        self.skip_whitespace();
        let kind = read(self)?;
        self.depth -= 1;
        Ok(kind)
    }

    fn object(&mut self) -> Parsed<Kind<'a>> {
        if self.take(b'}') {
            return Ok(Kind::Object(Vec::new()));
        }
        let first = self.members.len();
        loop {
            let member = self.member()?;
            self.members.push(member);
            self.skip_whitespace();
            if self.take(b'}') {
                return Ok(Kind::Object(self.members.drain(first..).collect()));
            }
            self.comma(b'}', "expected `,` or `}`")?;
        }
    }

    fn member(&mut self) -> Parsed<Member<'a>> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("expected a key in double quotes"));
        }
        let key = self.string()?;
        let key_span = start..self.at;
        self.skip_whitespace();
        if !self.take(b':') {
            return Err(self.unexpected("expected `:`"));
        }
        self.skip_whitespace();
        Ok(Member { key, key_span, value: self.value()? })
    }

    fn array(&mut self) -> Parsed<Kind<'a>> {
        if self.take(b']') {
            return Ok(Kind::Array(Vec::new()));
        }
        let first = self.items.len();
        loop {
            let item = self.value()?;
            self.items.push(item);
            self.skip_whitespace();
            if self.take(b']') {
                return Ok(Kind::Array(self.items.drain(first..).collect()));
            }
            self.comma(b']', "expected `,` or `]`")?;
        }
    }

    /// Steps over the comma between two items; `close` behind it would make it a trailing one.
    fn comma(&mut self, close: u8, otherwise: &'static str) -> Parsed<()> {
        let comma = self.at;
        if !self.take(b',') {
            return Err(self.unexpected(otherwise));
        }
        self.skip_whitespace();
        if self.peek() == Some(close) {
            return Err(Failure { offset: comma, message: "a trailing comma is not JSON" });
        }
        Ok(())
    }

    #[inline]
    fn string(&mut self) -> Parsed<Cow<'a, str>> {
        let opening = self.at;
        self.at += 1;
        let plain = self.plain_characters();
        if self.take(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut decoded = plain.to_owned();
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => decoded.push(self.escape()?),
                Some(_) => return Err(self.failure("a control character stands in a string without its escape")),
                None => return Err(Failure { offset: opening, message: "a string has no closing quote" }),
            }
            decoded.push_str(self.plain_characters());
        }
        self.at += 1;
        Ok(Cow::Owned(decoded))
    }

    /// Everything up to the next quote, backslash or control character, none of which cuts a character in two.
    #[inline]
    fn plain_characters(&mut self) -> &'a str {
        let rest = &self.bytes[self.at..];
        let (words, _) = rest.as_chunks();
        let plain_words = words.iter().take_while(|word| is_plain(u64::from_le_bytes(**word))).count();
        let behind = &rest[8 * plain_words..];
        let last = behind.iter().position(|&byte| !PLAIN[usize::from(byte)]).unwrap_or(behind.len());
        let length = 8 * plain_words + last;
        let plain = &self.text[self.at..self.at + length];
        self.at += length;
        plain
    }

    fn escape(&mut self) -> Parsed<char> {
        let character = match self.bytes.get(self.at + 1) {
            Some(b'u') => return self.unicode_escape(),
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(&literal @ (b'"' | b'\\' | b'/')) => char::from(literal),
            _ => return Err(self.failure("unknown escape in a string")),
        };
        self.at += 2;
        Ok(character)
    }

    /// `\u` and four hex digits; two of them where they are a surrogate pair.
    fn unicode_escape(&mut self) -> Parsed<char> {
        let Some(unit) = self.code_unit() else {
            return Err(self.failure("`\\u` takes four hex digits"));
        };
        self.at += 6;
        if let 0xD800..=0xDBFF = unit
            && let Some(low @ 0xDC00..=0xDFFF) = self.code_unit()
        {
            self.at += 6;
            let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The UTF-16 code unit that an escape at this place stands for.
    fn code_unit(&self) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
    }

    fn number(&mut self) -> Parsed<&'a str> {
        let start = self.at;
        self.take(b'-');
        if self.take(b'0') {
            if let Some(b'0'..=b'9') = self.peek() {
                return Err(self.failure("a number begins with a superfluous zero"));
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

    fn digits(&mut self) -> Parsed<()> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        if length == 0 {
            return Err(self.unexpected("expected a digit"));
        }
        self.at += length;
        Ok(())
    }

    fn word(&mut self, word: &str, kind: Kind<'a>) -> Parsed<Kind<'a>> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.failure("expected a value"));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        self.at += usize::from(taken);
        taken
    }

    #[cold]
    fn failure(&self, message: &'static str) -> Failure {
        Failure { offset: self.at, message }
    }

    /// A failure that says so when it is the end of the text that was not expected.
    #[cold]
    fn unexpected(&self, message: &'static str) -> Failure {
        self.failure(if self.at == self.bytes.len() { "the document ends too early" } else { message })
    }
}

/// Whether eight bytes all stand for themselves in a string: none is below 0x20, a quote or a backslash. Of a byte
/// that is less than another one, or equal, the subtraction borrows into its highest bit, which was not set before.
fn is_plain(word: u64) -> bool {
    const EACH: u64 = u64::MAX / 0xff;
    let below = |word: u64, bound: u64| word.wrapping_sub(EACH * bound) & !word;
    let is = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & (EACH << 7) == 0
}

/// The bytes that stand for themselves in a string.
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
