//! A JSON text as rows, one for each value and one for each end of an object or array: a tree that can be shown in
//! parts. Keys and values are slices of the text, so numbers, escapes and repeated keys stay as sent.
//!
//! The walk can be cloned at any row and continued from there, so a part costs only its own rows.

use std::borrow::Cow;

use super::{
    MAX_DEPTH, PointerToken,
    lexer::{Lexer, LexerError, StringToken, decode},
};

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// The start of an object.
    Object,
    /// The start of an array.
    Array,
    String,
    Number,
    /// `true`, `false` or `null`.
    Literal,
    /// The end of an object or array.
    End,
}

impl RowKind {
    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Number => "number",
            Self::Literal => "literal",
            Self::End => "end",
        }
    }
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// How many objects and arrays are around it.
    pub depth: usize,
    /// What it is.
    pub kind: RowKind,
    /// The member's key with its quotes, if it is one.
    pub key: Option<&'a str>,
    /// The value's text: the bracket for an end, `None` for a start.
    pub value: Option<&'a str>,
}

/// The text is not JSON, or nested deeper than [`MAX_DEPTH`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRows;

impl From<LexerError> for NoRows {
    fn from(_: LexerError) -> Self {
        Self
    }
}

/// A walk through a text. It must be given the same text each time.
#[derive(Clone, Debug, Default)]
pub struct RowWalk {
    at: usize,
    /// The objects and arrays around the next row, outermost first.
    open: Vec<Open>,
    /// The pointer of the last row.
    pointer: String,
    is_started: bool,
    is_done: bool,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    is_object: bool,
    /// How many members or items it has so far.
    count: usize,
    /// The length of its own pointer.
    pointer: usize,
}

impl RowWalk {
    /// The RFC 6901 pointer of the row that [`Self::next`] returned last.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The next row; `None` after the last one of a complete text.
    ///
    /// # Errors
    ///
    /// If the text is not JSON up to the end of this row, or nested too deeply.
    pub fn next<'a>(&mut self, text: &'a str) -> Result<Option<Row<'a>>, NoRows> {
        let mut lexer = Lexer::starting_at(text, self.at);
        lexer.skip_whitespace();
        let row = self.row(&mut lexer);
        self.at = lexer.at();
        row
    }

    fn row<'a>(&mut self, lexer: &mut Lexer<'a>) -> Result<Option<Row<'a>>, NoRows> {
        if self.is_done {
            return if lexer.is_at_end() { Ok(None) } else { Err(NoRows) };
        }
        let Some(open) = self.open.last_mut() else {
            if std::mem::replace(&mut self.is_started, true) {
                return Err(NoRows);
            }
            return self.value(None, lexer).map(Some);
        };
        let Open { is_object, count, pointer } = *open;
        let start = lexer.at();
        if lexer.take(if is_object { b'}' } else { b']' }) {
            self.open.pop();
            self.is_done = self.open.is_empty();
            self.pointer.truncate(pointer);
            let value = Some(lexer.slice(start..lexer.at()));
            return Ok(Some(Row { depth: self.open.len(), kind: RowKind::End, key: None, value }));
        }
        if count > 0 {
            if !lexer.take(b',') {
                return Err(NoRows);
            }
            lexer.skip_whitespace();
        }
        open.count += 1;
        self.pointer.truncate(pointer);
        if !is_object {
            push_token(&count.to_string(), &mut self.pointer);
            return self.value(None, lexer).map(Some);
        }
        let start = lexer.at();
        if lexer.peek() != Some(b'"') {
            return Err(NoRows);
        }
        let StringToken { raw, has_escapes } = lexer.string()?;
        let key = lexer.slice(start..lexer.at());
        let decoded = if has_escapes { Cow::Owned(decode(raw)) } else { Cow::Borrowed(raw) };
        push_token(&decoded, &mut self.pointer);
        lexer.skip_whitespace();
        if !lexer.take(b':') {
            return Err(NoRows);
        }
        lexer.skip_whitespace();
        self.value(Some(key), lexer).map(Some)
    }

    fn value<'a>(&mut self, key: Option<&'a str>, lexer: &mut Lexer<'a>) -> Result<Row<'a>, NoRows> {
        let (depth, start) = (self.open.len(), lexer.at());
        let kind = match lexer.peek() {
            Some(first @ (b'{' | b'[')) => {
                if depth == MAX_DEPTH {
                    return Err(NoRows);
                }
                lexer.skip_byte();
                let is_object = first == b'{';
                self.open.push(Open { is_object, count: 0, pointer: self.pointer.len() });
                let kind = if is_object { RowKind::Object } else { RowKind::Array };
                return Ok(Row { depth, kind, key, value: None });
            }
            Some(b'"') => lexer.string().map(|_| RowKind::String)?,
            Some(b'-' | b'0'..=b'9') => lexer.number().map(|_| RowKind::Number)?,
            _ => lexer.literal().map(|_| RowKind::Literal)?,
        };
        self.is_done = depth == 0;
        Ok(Row { depth, kind, key, value: Some(lexer.slice(start..lexer.at())) })
    }
}

fn push_token(key: &str, pointer: &mut String) {
    if key.contains(['~', '/']) {
        pointer.push_str(&PointerToken(key).to_string());
    } else {
        pointer.push('/');
        pointer.push_str(key);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::webhook::json::{Kind, Node, parse};

    /// The rows of a text from a walk on, each in short.
    fn rows(walk: &mut RowWalk, text: &str) -> Result<Vec<String>, NoRows> {
        let mut rows = Vec::new();
        while let Some(Row { depth, kind, key, value }) = walk.next(text)? {
            let (key, value) = (key.unwrap_or("-"), value.unwrap_or("-"));
            rows.push(format!("{depth} {} {key} {value} {}", kind.name(), walk.pointer()));
        }
        Ok(rows)
    }

    #[test]
    fn a_row_has_its_key_and_value_as_they_were_sent() {
        let text = " {\"a/b\": 1.0, \"\\u0061\":[\"\\u00e9\" , 12345678901234567890,{ }], \"x\":true,\"x\":null}\n";
        assert_eq!(
            rows(&mut RowWalk::default(), text).unwrap(),
            [
                "0 object - - ",
                "1 number \"a/b\" 1.0 /a~1b",
                "1 array \"\\u0061\" - /a",
                "2 string - \"\\u00e9\" /a/0",
                "2 number - 12345678901234567890 /a/1",
                "2 object - - /a/2",
                "2 end - } /a/2",
                "1 end - ] /a",
                "1 literal \"x\" true /x",
                "1 literal \"x\" null /x",
                "0 end - } ",
            ]
        );
        assert_eq!(rows(&mut RowWalk::default(), "7").unwrap(), ["0 number - 7 "]);
    }

    #[test]
    fn a_walk_goes_on_from_any_row() {
        let text = r#"{"a":[1,{"b":[]},2],"c":{"d":null}}"#;
        let all = rows(&mut RowWalk::default(), text).unwrap();
        let mut walk = RowWalk::default();
        for index in 0..all.len() {
            assert_eq!(rows(&mut walk.clone(), text).unwrap(), all[index..], "{index}");
            walk.next(text).unwrap();
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(rows(&mut RowWalk::default(), &nested(MAX_DEPTH)).map(|rows| rows.len()), Ok(2 * MAX_DEPTH));
        assert_eq!(rows(&mut RowWalk::default(), &nested(MAX_DEPTH + 1)), Err(NoRows));
    }

    #[test]
    fn a_text_that_the_grammar_forbids_has_no_rows() {
        let texts = [
            "",
            " ",
            "{",
            "[1",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "1 2",
            "{} {}",
            "[1 2]",
            "[}",
            "01",
            "\"a",
            "[,1]",
            "nul",
            "{\"a\":1 \"b\":2}",
            "\u{feff}{}",
        ];
        for text in texts {
            assert_eq!(rows(&mut RowWalk::default(), text), Err(NoRows), "{text}");
            assert!(parse(text).is_err(), "{text}");
        }
    }

    /// How many rows a document has.
    fn count(node: &Node<'_>) -> usize {
        match &node.kind {
            Kind::Array(items) => 2 + items.iter().map(count).sum::<usize>(),
            Kind::Object(members) => 2 + members.iter().map(|member| count(&member.value)).sum::<usize>(),
            _ => 1,
        }
    }

    proptest! {
        #[test]
        fn every_text_that_parses_has_its_rows_and_no_other_has(text in r#"[\[\]{},:"a1 .\\-]{0,24}"#) {
            let found = rows(&mut RowWalk::default(), &text).ok().map(|rows| rows.len());
            prop_assert_eq!(found, parse(&text).ok().map(|root| count(&root)));
        }
    }
}
