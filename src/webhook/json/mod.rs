//! A JSON document that keeps its own text: every node knows the bytes it was read from, so numbers, escapes,
//! duplicate keys and order stay as they were sent. `serde_json::Value` forgets all of these.
//!
//! The grammar is RFC 8259 and nothing more. This module reads; `overrides` edits, `schema` judges.

mod parser;
mod path;
pub mod writer;

use std::{borrow::Cow, ops::Range};

pub use parser::{MAX_DEPTH, MAX_VALUES, parse};
pub(crate) use path::PointerToken;
pub use path::{InvalidPath, Path};

/// One value of a document and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<'a> {
    /// The value's bytes in the text; a string's with its quotes.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind<'a>,
}

/// A JSON value, borrowed from its text wherever that needs no decoding.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written, however large or precise.
    Number(&'a str),
    /// A string's content, escapes decoded; a lone surrogate is U+FFFD.
    String(Cow<'a, str>),
    /// An array's items.
    Array(Vec<Node<'a>>),
    /// An object's members in order, a repeated key as often as it was sent.
    Object(Vec<Member<'a>>),
}

/// One member of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Member<'a> {
    /// The key, escapes decoded.
    pub key: Cow<'a, str>,
    /// The key's bytes in the text, with its quotes.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Node<'a>,
}

impl<'a> Node<'a> {
    /// The node at a path; of members with the same key the last, as `JSON.parse` has it.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<&Node<'a>> {
        path.keys().iter().try_fold(self, |node, key| node.child(key))
    }

    /// The item of an array or the member of an object that one key of a path names.
    #[must_use]
    pub fn child(&self, key: &str) -> Option<&Node<'a>> {
        match &self.kind {
            Kind::Object(_) => self.member(key),
            Kind::Array(items) => items.get(path::index(key)?),
            _ => None,
        }
    }

    /// The last member of that key, when this is an object.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Node<'a>> {
        let Kind::Object(members) = &self.kind else { return None };
        members.iter().rev().find(|member| member.key == key).map(|member| &member.value)
    }

    /// A scalar as people write it: a string's content, a number's text, `true`, `null`. None for arrays and objects.
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

/// Appends a node's tokens to `out` without the whitespace between them; the tokens themselves stay as they are.
///
/// `text` is the text that the node was parsed from.
pub fn compact(text: &str, node: &Node<'_>, out: &mut String) {
    match &node.kind {
        Kind::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                compact(text, item, out);
            }
            out.push(']');
        }
        Kind::Object(members) => {
            out.push('{');
            for (index, member) in members.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                out.push_str(&text[member.key_span.clone()]);
                out.push(':');
                compact(text, &member.value, out);
            }
            out.push('}');
        }
        _ => out.push_str(&text[node.span.clone()]),
    }
}

/// The JSON string literal that stands for `text`, quotes included.
#[must_use]
pub fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
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

/// A text that is not JSON, and where it ceases to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line}, column {column}")]
pub struct SyntaxError {
    /// The byte at which the grammar is broken.
    pub offset: usize,
    /// The line of that byte, from 1.
    pub line: usize,
    /// The column of that byte in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: &'static str,
}

#[cfg(test)]
mod tests;
