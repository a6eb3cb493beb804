//! A JSON text cut into its tokens, by the grammar of RFC 8259 and without recursion: what nests
//! costs a bit a level. Tokens are slices of the text; no string is decoded, no number computed.

/// The tokens of one JSON text, in order.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    start: usize,
    nesting: Nesting,
    expected: Expected,
}

/// A slice of the text, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
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

/// What may stand next.
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
        Self { text, at: 0, start: 0, nesting: Nesting::default(), expected: Expected::Value }
    }

    /// The next token; `None` behind the last one of a complete text.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, NotJson> {
        let bytes = self.text.as_bytes();
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        self.at += bytes[self.at..].iter().take_while(|byte| is_space(byte)).count();
        self.start = self.at;

        let rest = &bytes[self.at..];
        let Some(&first) = rest.first() else {
            return if matches!(self.expected, Expected::End) { Ok(None) } else { Err(NotJson) };
        };
        let kind = self.kind(first).ok_or(NotJson)?;
        let len = match kind {
            Kind::Open | Kind::Close | Kind::Comma | Kind::Colon => Some(1),
            Kind::Key | Kind::String => string_len(rest),
            Kind::Number => number_len(rest),
            Kind::Literal => literal_len(rest),
        };
        self.at += len.ok_or(NotJson)?;
        self.expected = self.expected_behind(kind, first);
        Ok(Some(Token { kind, text: &self.text[self.start..self.at] }))
    }

    /// How many bytes of the text begin with the last token.
    pub(super) fn left(&self) -> usize {
        self.text.len() - self.start
    }

    /// What a token that starts with `first` is, where it may stand here.
    fn kind(&self, first: u8) -> Option<Kind> {
        match (self.expected, first) {
            (Expected::Key | Expected::FirstKey, b'"') => Some(Kind::Key),
            (Expected::Colon, b':') => Some(Kind::Colon),
            (Expected::Separator, b',') => Some(Kind::Comma),
            (Expected::FirstKey, b'}') | (Expected::FirstElement, b']') => Some(Kind::Close),
            (Expected::Separator, b'}') if self.nesting.is_in_object() => Some(Kind::Close),
            (Expected::Separator, b']') if !self.nesting.is_in_object() => Some(Kind::Close),
            (Expected::Value | Expected::FirstElement, _) => match first {
                b'{' | b'[' => Some(Kind::Open),
                b'"' => Some(Kind::String),
                b'-' | b'0'..=b'9' => Some(Kind::Number),
                b't' | b'f' | b'n' => Some(Kind::Literal),
                _ => None,
            },
            _ => None,
        }
    }

    fn expected_behind(&mut self, kind: Kind, first: u8) -> Expected {
        match kind {
            Kind::Open => {
                let is_object = first == b'{';
                self.nesting.enter(is_object);
                return if is_object { Expected::FirstKey } else { Expected::FirstElement };
            }
            Kind::Comma if self.nesting.is_in_object() => return Expected::Key,
            Kind::Comma | Kind::Colon => return Expected::Value,
            Kind::Key => return Expected::Colon,
            Kind::Close => self.nesting.leave(),
            Kind::String | Kind::Number | Kind::Literal => {}
        }
        if self.nesting.depth == 0 { Expected::End } else { Expected::Separator }
    }
}

/// The length of the string at the start, with its quotes.
fn string_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\')?;
        match bytes[at] {
            b'"' => return Some(at + 1),
            b'\\' => at += escape_len(&bytes[at..])?,
            _ => return None,
        }
    }
}

/// The length of the escape at the start, backslash included.
pub(super) fn escape_len(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => bytes.get(2..6)?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

/// The length of the number at the start.
fn number_len(bytes: &[u8]) -> Option<usize> {
    let digits = |at: usize| bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let some_digits = |at: usize| Some(digits(at)).filter(|&count| count > 0);

    let mut at = usize::from(bytes.first() == Some(&b'-'));
    at += if bytes.get(at) == Some(&b'0') { 1 } else { some_digits(at)? };
    if bytes.get(at) == Some(&b'.') {
        at += 1 + some_digits(at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at += some_digits(at)?;
    }
    Some(at)
}

/// The length of the literal at the start.
fn literal_len(bytes: &[u8]) -> Option<usize> {
    ["true", "false", "null"].into_iter().find(|word| bytes.starts_with(word.as_bytes())).map(str::len)
}

/// The objects and arrays around a place, a bit for each; up to 64 of them need no memory.
#[derive(Default)]
struct Nesting {
    depth: usize,
    /// The innermost levels, the last in the lowest bit; 1 is an object.
    inner: u64,
    /// The levels around those, 64 in each.
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
        assert_eq!(kinds, [Kind::Open, Kind::Key, Kind::Colon, Kind::String, Kind::Close]);
    }

    #[test]
    fn scalars_stand_alone() {
        for text in ["0", "-0.0", "10", "1e400", "1E-7", "123456789012345678901234567890", "true", r#""\u00E9\/""#] {
            assert_eq!(tokens(text), Ok(vec![text]));
        }
    }

    #[test]
    fn what_the_grammar_forbids_is_not_json() {
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
    fn each_end_belongs_to_its_own_start_at_any_depth() {
        for depth in [1, 63, 64, 65, 128, 129, 1000] {
            let open: String = (0..depth).map(|level| if level % 3 == 0 { "{\"k\":" } else { "[" }).collect();
            let close: String = (0..depth).rev().map(|level| if level % 3 == 0 { "}" } else { "]" }).collect();
            assert!(tokens(&format!("{open}1{close}")).is_ok(), "{depth}");

            let wrong = close.replacen(']', "}", 1);
            assert!(wrong == close || tokens(&format!("{open}1{wrong}")) == Err(NotJson), "{depth}");
        }
    }
}
