//! Values as JavaScript's `console.log` and Python's `print` write them, which covers JSON and Ruby's hashes.

use super::{
    scan::{take, take_until, take_while},
    text_literal::TextLiteral,
};
use crate::webhook::json::quote;

/// How deeply values may be nested.
const MAX_DEPTH: usize = 32;

/// A printed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::formats) enum Literal {
    Text(String),
    Bytes(Vec<u8>),
    /// A number or a word, as written.
    Word(String),
    List(Vec<Literal>),
    Object(Vec<(String, Literal)>),
    /// Something left out, such as `[Object]` or the end of a long text.
    Lost,
}

impl Literal {
    pub(in crate::store::formats) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Word(text) => Some(text),
            _ => None,
        }
    }

    /// The value at a key of an object.
    pub(in crate::store::formats) fn member(&self, key: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The value as JSON, with bytes as Node writes a `Buffer`.
    pub(in crate::store::formats) fn json(&self) -> String {
        let listed = |items: Vec<String>| items.join(",");
        match self {
            Self::Text(text) => quote(text),
            Self::Bytes(bytes) => {
                let data = listed(bytes.iter().map(u8::to_string).collect());
                format!(r#"{{"type":"Buffer","data":[{data}]}}"#)
            }
            Self::Word(word) => match word.as_str() {
                "null" | "None" | "undefined" | "nil" => "null".to_owned(),
                "true" | "True" => "true".to_owned(),
                "false" | "False" => "false".to_owned(),
                number if serde_json::from_str::<serde_json::Number>(number).is_ok() => number.to_owned(),
                other => quote(other),
            },
            Self::List(items) => format!("[{}]", listed(items.iter().map(Self::json).collect())),
            Self::Object(members) => {
                let member = |(key, value): &(String, Self)| format!("{}:{}", quote(key), value.json());
                format!("{{{}}}", listed(members.iter().map(member).collect()))
            }
            // Read as a parsed body.
            Self::Lost => r#"{"lost":true}"#.to_owned(),
        }
    }
}

/// The value at the start of a text, and the rest of the text.
pub(in crate::store::formats) fn value(text: &str) -> Option<(Literal, &str)> {
    let mut parser = LiteralParser { rest: text };
    let value = parser.value(MAX_DEPTH)?;
    Some((value, parser.rest))
}

struct LiteralParser<'a> {
    rest: &'a str,
}

impl LiteralParser<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn value(&mut self, depth: usize) -> Option<Literal> {
        let depth = depth.checked_sub(1)?;
        self.skip_space();
        match self.rest.chars().next()? {
            '{' => self.object(depth),
            '[' if self.rest[1..].starts_with(|c: char| c.is_ascii_uppercase()) => {
                // `[Object: null prototype] {`, or `[Object]` in place of an object.
                take_until(&mut self.rest, "]")?;
                self.skip_space();
                if self.rest.starts_with('{') { self.object(depth) } else { Some(Literal::Lost) }
            }
            '[' => self.list(']', depth),
            '(' => self.list(')', depth),
            '\'' | '"' | '`' => self.texts(),
            'b' if self.rest[1..].starts_with(['\'', '"']) => self.literal().map(Literal::Bytes),
            '<' => self.buffer(),
            _ => self.word(depth),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Literal> {
        let mut members = Vec::new();
        take(&mut self.rest, "{");
        loop {
            take_while(&mut self.rest, |c| c.is_whitespace() || c == ',');
            if take(&mut self.rest, "}") {
                return Some(Literal::Object(members));
            }
            let key = match self.rest.chars().next()? {
                '\'' | '"' => self.string()?,
                '[' => take_until(&mut self.rest, "]")?.to_owned(),
                _ => take_while(&mut self.rest, |c| c.is_alphanumeric() || "_$-.".contains(c)).to_owned(),
            };
            self.skip_space();
            if !(take(&mut self.rest, ":") || take(&mut self.rest, "=>")) {
                return None;
            }
            members.push((key, self.value(depth)?));
        }
    }

    fn list(&mut self, end: char, depth: usize) -> Option<Literal> {
        let mut items = Vec::new();
        self.rest = &self.rest[1..];
        loop {
            take_while(&mut self.rest, |c| c.is_whitespace() || c == ',');
            if self.rest.starts_with(end) {
                self.rest = &self.rest[1..];
                return Some(Literal::List(items));
            }
            items.push(self.value(depth)?);
        }
    }

    /// A string, or several joined by `+`, as long ones are printed.
    fn texts(&mut self) -> Option<Literal> {
        let mut text = self.string()?;
        loop {
            let after = self.rest.trim_start();
            if after.starts_with("... ") || after.starts_with("<> ...") {
                return Some(Literal::Lost);
            }
            let next = after.strip_prefix('+').map(str::trim_start);
            let Some(next) = next.filter(|next| next.starts_with(['\'', '"', '`'])) else {
                return Some(Literal::Text(text));
            };
            self.rest = next;
            text += &self.string()?;
        }
    }

    fn string(&mut self) -> Option<String> {
        String::from_utf8(self.literal()?).ok()
    }

    fn literal(&mut self) -> Option<Vec<u8>> {
        let literal = TextLiteral::open(&mut self.rest, None)?;
        Some(literal.read(&mut self.rest)?.0)
    }

    /// Node's `<Buffer 7b 22 …>`; anything else in angle brackets is an object without its content.
    fn buffer(&mut self) -> Option<Literal> {
        let inside = take_until(&mut self.rest, ">")?;
        let Some(bytes) = inside.strip_prefix("<Buffer") else { return Some(Literal::Lost) };
        let bytes: Option<Vec<u8>> = bytes.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
        Some(bytes.map_or(Literal::Lost, Literal::Bytes))
    }

    /// A number or a word, or a type's name before its value, as in `Headers({…})` and `Headers {…}`.
    fn word(&mut self, depth: usize) -> Option<Literal> {
        let start = self.rest;
        let word = take_while(&mut self.rest, |c| c.is_alphanumeric() || "_$.+-".contains(c));
        if self.rest.starts_with('/') || self.rest.starts_with("://") {
            // An unquoted path, URL or `HTTP/1.1`, as Rust prints them.
            take_while(&mut self.rest, |c| !c.is_whitespace() && !",;)}]\"'".contains(c));
            return Some(Literal::Word(start[..start.len() - self.rest.len()].to_owned()));
        }
        if word.is_empty() {
            return None;
        }
        if self.rest.starts_with('(') {
            let Literal::List(mut inside) = self.list(')', depth)? else { return None };
            if self.rest.trim_start().starts_with('{') {
                self.skip_space();
                return self.object(depth);
            }
            return if inside.len() == 1 { inside.pop() } else { Some(Literal::Lost) };
        }
        if word.starts_with(|c: char| c.is_ascii_uppercase()) && self.rest.starts_with(" {") {
            self.skip_space();
            return self.object(depth);
        }
        Some(Literal::Word(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The JSON of a printed value that is the whole text.
    fn json(text: &str) -> Option<String> {
        value(text).filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value.json())
    }

    #[test]
    fn values_are_read_as_each_language_prints_them() {
        for (printed, expected) in [
            // node -p
            ("{ a: 1, 'b-c': 'x', d: [ 'e', 'f' ] }", r#"{"a":1,"b-c":"x","d":["e","f"]}"#),
            ("[Object: null prototype] { a: undefined, b: null }", r#"{"a":null,"b":null}"#),
            ("{ a: 'it\\'s', b: \"it's\", c: `'\"` }", r#"{"a":"it's","b":"it's","c":"'\""}"#),
            ("{\n  a: 'one\\n' +\n    'two'\n}", r#"{"a":"one\ntwo"}"#),
            ("<Buffer 7b 7d>", r#"{"type":"Buffer","data":[123,125]}"#),
            ("Headers { a: 'b' }", r#"{"a":"b"}"#),
            ("Map(1) { 'a' => 'b' }", r#"{"a":"b"}"#),
            // python3 -c
            ("{'a': None, 'b': True, 'c': 1.5, 'd': ('e',)}", r#"{"a":null,"b":true,"c":1.5,"d":["e"]}"#),
            ("b'{\"a\":\\xc3\\xb6\\'}'", r#"{"type":"Buffer","data":[123,34,97,34,58,195,182,39,125]}"#),
            ("'\\xf6 \\u20ac \\U0001f600'", "\"ö € 😀\""),
            ("Headers({'a': 'b'})", r#"{"a":"b"}"#),
            ("EnvironHeaders([('a', 'b')])", r#"[["a","b"]]"#),
            // {:?} of Rust
            (
                "Request { method: POST, uri: /a?b=c, version: HTTP/1.1, url: http://h:80/a }",
                r#"{"method":"POST","uri":"/a?b=c","version":"HTTP/1.1","url":"http://h:80/a"}"#,
            ),
            // ruby -e
            (r#"{"a"=>"b", "c"=>nil}"#, r#"{"a":"b","c":null}"#),
            (r#""\ud83d\ude00""#, "\"😀\""),
        ] {
            assert_eq!(json(printed).as_deref(), Some(expected), "{printed}");
        }
    }

    #[test]
    fn what_was_left_out_is_lost() {
        for printed in
            ["[Object]", "<Buffer 7b ... 60 more bytes>", "'abc'... 100 more characters", "<_io.Reader name=7>"]
        {
            assert_eq!(value(printed).unwrap().0, Literal::Lost, "{printed}");
        }
    }

    #[test]
    fn other_text_is_no_value() {
        for text in ["", "{", "{ a }", "{ a: }", "'a", "'\\x9", "[1", "b'", "(", "{'a': \\}", "\u{20ac}'"] {
            assert_eq!(json(text), None, "{text}");
        }
        assert_eq!(value(&"[".repeat(100_000)), None);
        assert_eq!(value(&"{a:".repeat(100_000)), None);
        assert_eq!(value(&"a(".repeat(100_000)), None);
    }
}
