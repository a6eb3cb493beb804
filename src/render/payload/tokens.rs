//! The tokens of a JSON text, checked against the grammar of RFC 8259 without recursion: each level of nesting costs
//! one bit. Strings are not decoded, nor numbers converted. The lexer is that of [`json`](crate::webhook::json).

use crate::webhook::json::lexer::Lexer;

/// The tokens of one JSON text, in order.
pub(super) struct Tokens<'a> {
    lexer: Lexer<'a>,
    length: usize,
    /// Where the last token begins.
    start: usize,
    nesting: Nesting,
    expected: Expected,
}

/// A slice of the text, with its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    pub(super) text: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// `{` or `[`.
    Open,
    /// `}` or `]`.
    Close,
    Comma,
    Colon,
    /// A member's name, in its quotes.
    Key,
    /// A string that is a value, in its quotes.
    String,
    Number,
    /// `true`, `false` or `null`.
    Literal,
}

/// The text is not JSON, or not only JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotJson;

/// What may come next.
#[derive(Clone, Copy)]
enum Expected {
    Value,
    /// A value or `]`.
    FirstElement,
    Key,
    /// A key or `}`.
    FirstKey,
    Colon,
    /// A comma or the end of the innermost object or array.
    Separator,
    /// Nothing: the outermost value is complete.
    End,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            lexer: Lexer::new(text),
            length: text.len(),
            start: 0,
            nesting: Nesting::default(),
            expected: Expected::Value,
        }
    }

    /// The next token; `None` after the last one of a complete text.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, NotJson> {
        self.lexer.skip_whitespace();
        self.start = self.lexer.at();
        let Some(first) = self.lexer.peek() else {
            return if matches!(self.expected, Expected::End) { Ok(None) } else { Err(NotJson) };
        };
        let kind = self.kind(first).ok_or(NotJson)?;
        match kind {
            TokenKind::Open | TokenKind::Close | TokenKind::Comma | TokenKind::Colon => self.lexer.skip_byte(),
            TokenKind::Key | TokenKind::String => drop(self.lexer.string().map_err(|_| NotJson)?),
            TokenKind::Number => drop(self.lexer.number().map_err(|_| NotJson)?),
            TokenKind::Literal => drop(self.lexer.literal().map_err(|_| NotJson)?),
        }
        self.expected = self.expected_after(kind, first);
        Ok(Some(Token { kind, text: self.lexer.slice(self.start..self.lexer.at()) }))
    }

    /// The number of bytes from the start of the last token to the end.
    pub(super) fn left(&self) -> usize {
        self.length - self.start
    }

    /// The kind of a token that starts with `first`, if it may come here.
    fn kind(&self, first: u8) -> Option<TokenKind> {
        match (self.expected, first) {
            (Expected::Key | Expected::FirstKey, b'"') => Some(TokenKind::Key),
            (Expected::Colon, b':') => Some(TokenKind::Colon),
            (Expected::Separator, b',') => Some(TokenKind::Comma),
            (Expected::FirstKey, b'}') | (Expected::FirstElement, b']') => Some(TokenKind::Close),
            (Expected::Separator, b'}') if self.nesting.is_in_object() => Some(TokenKind::Close),
            (Expected::Separator, b']') if !self.nesting.is_in_object() => Some(TokenKind::Close),
            (Expected::Value | Expected::FirstElement, _) => match first {
                b'{' | b'[' => Some(TokenKind::Open),
                b'"' => Some(TokenKind::String),
                b'-' | b'0'..=b'9' => Some(TokenKind::Number),
                b't' | b'f' | b'n' => Some(TokenKind::Literal),
                _ => None,
            },
            _ => None,
        }
    }

    fn expected_after(&mut self, kind: TokenKind, first: u8) -> Expected {
        match kind {
            TokenKind::Open => {
                let is_object = first == b'{';
                self.nesting.enter(is_object);
                return if is_object { Expected::FirstKey } else { Expected::FirstElement };
            }
            TokenKind::Comma if self.nesting.is_in_object() => return Expected::Key,
            TokenKind::Comma | TokenKind::Colon => return Expected::Value,
            TokenKind::Key => return Expected::Colon,
            TokenKind::Close => self.nesting.leave(),
            TokenKind::String | TokenKind::Number | TokenKind::Literal => {}
        }
        if self.nesting.depth == 0 { Expected::End } else { Expected::Separator }
    }
}

/// The objects and arrays around a position, one bit each. Up to 64 levels need no allocation.
#[derive(Default)]
struct Nesting {
    depth: usize,
    /// The innermost levels, the last in the lowest bit; 1 is an object.
    inner: u64,
    /// The levels around those, 64 in each element.
    outer: Vec<u64>,
}

impl Nesting {
    fn is_in_object(&self) -> bool {
        self.inner & 1 == 1
    }

    fn enter(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.inner);
        }
        self.inner = self.inner << 1 | u64::from(is_object);
        self.depth += 1;
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.inner >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.inner = self.outer.pop().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<&str>, NotJson> {
        let mut tokens = Tokens::new(text);
        let mut found = Vec::new();
        while let Some(token) = tokens.next()? {
            found.push(token.text);
        }
        Ok(found)
    }

    #[test]
    fn a_text_is_cut_into_slices_of_itself() {
        assert_eq!(
            tokens("\r\n{ \"a\\\"\" :\t[1.50, -0e+9 ,\"\",null],\"b\":{ }} "),
            Ok(vec![
                "{", r#""a\"""#, ":", "[", "1.50", ",", "-0e+9", ",", r#""""#, ",", "null", "]", ",", r#""b""#, ":",
                "{", "}", "}"
            ])
        );
    }

    #[test]
    fn a_string_in_an_object_is_a_key_or_a_value_by_its_place() {
        let mut tokens = Tokens::new(r#"{"k":"v"}"#);
        let mut kinds = Vec::new();
        while let Ok(Some(token)) = tokens.next() {
            kinds.push(token.kind);
        }
        assert_eq!(kinds, [TokenKind::Open, TokenKind::Key, TokenKind::Colon, TokenKind::String, TokenKind::Close]);
    }

    #[test]
    fn a_scalar_is_a_complete_text() {
        for text in ["0", "-0.0", "10", "1e400", "1E-7", "123456789012345678901234567890", "true", r#""\u00E9\/""#] {
            assert_eq!(tokens(text), Ok(vec![text]));
        }
    }

    #[test]
    fn a_text_that_the_grammar_forbids_is_not_json() {
        let without_space = r#"{ [ ] } [1 [1, [1,] [,1] [} {] [[}] {"a"} {"a":} {"a":1,} {,} {1:2} {"a",1} [1:2] {}x
            01 - +1 1. .5 1.e3 1e 1e+ 0x1 -a NaN Infinity tru truE nulll 'a' " "a "a\" "\x" "\u12g4" "\u12 "\ //"#;
        let others =
            ["", " ", "1 2", "{} {}", "[1 2]", r#"{"a" 1}"#, r#"{"a":1 "b":2}"#, "\u{feff}{}", "\u{a0}1", "\u{b}1"];
        let controls = ["\"a\nb\"", "\"a\tb\"", "\"\0\"", "\"\u{1f}\""];
        for text in without_space.split_whitespace().chain(others).chain(controls) {
            assert_eq!(tokens(text), Err(NotJson), "{text:?}");
        }
    }

    #[test]
    fn brackets_match_at_any_depth() {
        for depth in [1, 63, 64, 65, 128, 129, 1000] {
            let open: String = (0..depth).map(|level| if level % 3 == 0 { "{\"k\":" } else { "[" }).collect();
            let close: String = (0..depth).rev().map(|level| if level % 3 == 0 { "}" } else { "]" }).collect();
            assert!(tokens(&format!("{open}1{close}")).is_ok(), "{depth}");

            let wrong = close.replacen(']', "}", 1);
            assert!(wrong == close || tokens(&format!("{open}1{wrong}")) == Err(NotJson), "{depth}");
        }
    }
}
