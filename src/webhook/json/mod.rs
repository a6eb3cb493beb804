//! A JSON document that keeps its own text: every node has the range of bytes it was read from, so numbers, escapes,
//! duplicate keys and order are preserved. `serde_json::Value` loses all of these.
//!
//! The grammar is exactly RFC 8259. `lexer` reads tokens, `parser` builds documents from them, `rows` walks through a
//! text without building one, and `writer` writes. `overrides` edits documents, and `schema` validates them.

pub(crate) mod lexer;
mod parser;
mod path;
pub mod rows;
pub mod writer;

use std::{borrow::Cow, ops::Range};

pub use parser::{MAX_DEPTH, MAX_VALUES, parse};
pub(crate) use path::PointerToken;
pub use path::{InvalidPath, Path};
pub use writer::{compact, quote};

/// One value of a document, and its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<'a> {
    /// The value's bytes in the text, including the quotes of a string.
    pub span: Range<usize>,
    /// The value.
    pub kind: Kind<'a>,
}

/// A JSON value, borrowed from its text unless it needs decoding.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// The text of a number, however large or precise.
    Number(&'a str),
    /// A string's content, escapes decoded; a lone surrogate is U+FFFD.
    String(Cow<'a, str>),
    /// An array's items.
    Array(Vec<Node<'a>>),
    /// An object's members in order, repeated keys included.
    Object(Vec<Member<'a>>),
}

/// One member of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Member<'a> {
    /// The key, escapes decoded.
    pub key: Cow<'a, str>,
    /// The key's bytes in the text, with its quotes.
    pub key_span: Range<usize>,
    pub value: Node<'a>,
}

impl<'a> Node<'a> {
    /// The node at a path. If a key is repeated, the last member counts, as in `JSON.parse`.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<&Node<'a>> {
        path.keys().iter().try_fold(self, |node, key| node.child(key))
    }

    /// The array item or object member that one key of a path names.
    #[must_use]
    pub fn child(&self, key: &str) -> Option<&Node<'a>> {
        match &self.kind {
            Kind::Object(_) => self.member(key),
            Kind::Array(items) => items.get(path::index(key)?),
            _ => None,
        }
    }

    /// The last member with that key, if this is an object.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Node<'a>> {
        let Kind::Object(members) = &self.kind else { return None };
        members.iter().rev().find(|member| member.key == key).map(|member| &member.value)
    }

    /// A scalar as text: a string's content, a number's text, `true`, `null`. `None` for arrays and objects.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match &self.kind {
            Kind::Null => Some("null".into()),
            Kind::Bool(true) => Some("true".into()),
            Kind::Bool(false) => Some("false".into()),
            Kind::Number(text) => Some((*text).into()),
            Kind::String(text) => Some(text.as_ref().into()),
            Kind::Array(_) | Kind::Object(_) => None,
        }
    }
}

/// The line and the column, both from 1, of a byte offset; columns count characters.
#[must_use]
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.char_indices().take_while(|&(at, _)| at < offset);
    before.fold((1, 1), |(line, column), (_, character)| match character {
        '\n' => (line + 1, 1),
        _ => (line, column + 1),
    })
}

/// Why a text is not JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line}, column {column}")]
pub struct SyntaxError {
    /// The byte offset of the error.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: &'static str,
}

#[cfg(test)]
mod tests;
