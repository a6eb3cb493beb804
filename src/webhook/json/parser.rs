//! Parses RFC 8259 texts. Every delivery is parsed, so strings without escapes and all numbers are borrowed, and only
//! the lists of items and members are allocated, each once and with its exact size.

use std::borrow::Cow;

use super::{
    Kind, Member, Node, SyntaxError,
    lexer::{Lexer, LexerError, decode},
    position,
};

/// How deeply arrays and objects may be nested.
pub const MAX_DEPTH: usize = 512;

/// How many values a document may have, itself included. Each takes about fifty bytes of memory, and as little as two
/// bytes of text (`0,`).
pub const MAX_VALUES: usize = 1 << 20;

/// Parses a whole text as one JSON value.
///
/// # Errors
///
/// If the text violates the grammar of RFC 8259, begins with a byte order mark, is nested deeper than [`MAX_DEPTH`] or
/// has more than [`MAX_VALUES`] values.
pub fn parse(text: &str) -> Result<Node<'_>, SyntaxError> {
    let mut parser =
        Parser { lexer: Lexer::new(text), depth: 0, values: 0, members: Vec::with_capacity(16), items: Vec::new() };
    parser.document().map_err(|LexerError { offset, message }| {
        let (line, column) = position(text, offset);
        SyntaxError { offset, line, column, message }
    })
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: usize,
    values: usize,
    /// The members so far of all open objects, the innermost's last.
    members: Vec<Member<'a>>,
    /// The items so far of all open arrays, the innermost's last.
    items: Vec<Node<'a>>,
}

type LexerResult<T> = Result<T, LexerError>;

impl<'a> Parser<'a> {
    fn document(&mut self) -> LexerResult<Node<'a>> {
        if self.lexer.peek() == Some(0xEF) && self.lexer.starts_with('\u{feff}') {
            return Err(self.lexer.fault("a byte order mark comes before the document"));
        }
        self.lexer.skip_whitespace();
        let root = self.value()?;
        self.lexer.skip_whitespace();
        if self.lexer.is_at_end() { Ok(root) } else { Err(self.lexer.fault("text follows the end of the document")) }
    }

    fn value(&mut self) -> LexerResult<Node<'a>> {
        if self.values == MAX_VALUES {
            return Err(self.lexer.fault("the document has more than 1048576 values"));
        }
        self.values += 1;
        let start = self.lexer.at();
        let kind = match self.lexer.peek() {
            Some(b'"') => Kind::String(self.string()?),
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'-' | b'0'..=b'9') => Kind::Number(self.lexer.number()?),
            Some(b't' | b'f' | b'n') => match self.lexer.literal()? {
                "null" => Kind::Null,
                word => Kind::Bool(word == "true"),
            },
            _ => return Err(self.lexer.unexpected("expected a value")),
        };
        Ok(Node { span: start..self.lexer.at(), kind })
    }

    /// Skips an opening bracket and parses the array or object.
    fn nested(&mut self, parse: fn(&mut Self) -> LexerResult<Kind<'a>>) -> LexerResult<Kind<'a>> {
        if self.depth == MAX_DEPTH {
            return Err(self.lexer.fault("arrays and objects are nested more than 512 deep"));
        }
        self.depth += 1;
        self.lexer.skip_byte();
        self.lexer.skip_whitespace();
        let kind = parse(self)?;
        self.depth -= 1;
        Ok(kind)
    }

    fn object(&mut self) -> LexerResult<Kind<'a>> {
        if self.lexer.take(b'}') {
            return Ok(Kind::Object(Vec::new()));
        }
        let first = self.members.len();
        loop {
            let member = self.member()?;
            self.members.push(member);
            self.lexer.skip_whitespace();
            if self.lexer.take(b'}') {
                return Ok(Kind::Object(self.members.drain(first..).collect()));
            }
            self.comma(b'}', "expected `,` or `}`")?;
        }
    }

    fn member(&mut self) -> LexerResult<Member<'a>> {
        let start = self.lexer.at();
        if self.lexer.peek() != Some(b'"') {
            return Err(self.lexer.unexpected("expected a key in double quotes"));
        }
        let key = self.string()?;
        let key_span = start..self.lexer.at();
        self.lexer.skip_whitespace();
        if !self.lexer.take(b':') {
            return Err(self.lexer.unexpected("expected `:`"));
        }
        self.lexer.skip_whitespace();
        Ok(Member { key, key_span, value: self.value()? })
    }

    fn array(&mut self) -> LexerResult<Kind<'a>> {
        if self.lexer.take(b']') {
            return Ok(Kind::Array(Vec::new()));
        }
        let first = self.items.len();
        loop {
            let item = self.value()?;
            self.items.push(item);
            self.lexer.skip_whitespace();
            if self.lexer.take(b']') {
                return Ok(Kind::Array(self.items.drain(first..).collect()));
            }
            self.comma(b']', "expected `,` or `]`")?;
        }
    }

    /// Skips the comma between two items; `close` may not follow, since the comma would be a trailing one.
    fn comma(&mut self, close: u8, otherwise: &'static str) -> LexerResult<()> {
        let offset = self.lexer.at();
        if !self.lexer.take(b',') {
            return Err(self.lexer.unexpected(otherwise));
        }
        self.lexer.skip_whitespace();
        if self.lexer.peek() == Some(close) {
            return Err(LexerError { offset, message: "a trailing comma is not JSON" });
        }
        Ok(())
    }

    #[inline]
    fn string(&mut self) -> LexerResult<Cow<'a, str>> {
        let string = self.lexer.string()?;
        Ok(if string.has_escapes { decode(string.raw).into() } else { string.raw.into() })
    }
}
