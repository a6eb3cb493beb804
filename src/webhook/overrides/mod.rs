//! Edits of a payload's text: a value set, added or removed by its path, every other byte unchanged.
//!
//! The text is parsed to find the path and the new bytes are spliced in; nothing is serialised again, so numbers, escapes,
//! key order and whitespace elsewhere survive. `Template` does it for many sends at once.

mod error;
mod template;

use std::{borrow::Cow, ops::Range};

use super::json::{InvalidPath, Kind, Member, Node, Path, SyntaxError, parse, quote};
pub use error::OverrideError;
pub use template::{Template, replace};

/// One edit, as `--set`, `--add` and `--remove` ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Override {
    /// Replaces a value.
    Set {
        /// Its path.
        path: Path,
        /// The new value.
        value: Value,
    },
    /// Adds a value at the end of an object, or of an array if the last key is its length or `-`.
    Add {
        /// Its path. Missing parents are created: arrays for `0` and `-`, objects otherwise.
        path: Path,
        /// The value.
        value: Value,
    },
    /// Removes a member or an item.
    Remove {
        /// Its path.
        path: Path,
    },
}

impl Override {
    /// Parses `PATH=VALUE` or `PATH:=JSON`.
    ///
    /// # Errors
    ///
    /// When there is no `=`, the path is invalid, or the text after `:=` is not JSON.
    pub fn set(argument: &str) -> Result<Self, InvalidOverride> {
        let (path, value) = assignment(argument)?;
        Ok(Self::Set { path, value })
    }

    /// Reads the argument of `--add`, which has the form of that of `--set`.
    ///
    /// # Errors
    ///
    /// When there is no `=`, the path is invalid, or the text after `:=` is not JSON.
    pub fn add(argument: &str) -> Result<Self, InvalidOverride> {
        let (path, value) = assignment(argument)?;
        Ok(Self::Add { path, value })
    }

    /// Reads the argument of `--remove`, a path.
    ///
    /// # Errors
    ///
    /// When the path is invalid.
    pub fn remove(argument: &str) -> Result<Self, InvalidOverride> {
        Ok(Self::Remove { path: argument.parse()? })
    }
}

/// A value as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    text: String,
    is_json: bool,
}

impl Value {
    /// A text that is JSON if it parses as JSON, except that a string stays a string: `1000` becomes `"1000"` in place
    /// of `"999"`.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_json: false }
    }

    /// A JSON text that is used as it is, whatever it replaces.
    ///
    /// # Errors
    ///
    /// When it is not JSON.
    pub fn json(text: &str) -> Result<Self, SyntaxError> {
        let span = parse(text)?.span;
        Ok(Self { text: text[span].to_owned(), is_json: true })
    }

    /// The token that replaces `old`.
    fn token(&self, old: Option<&Kind<'_>>) -> Cow<'_, str> {
        if self.is_json {
            return Cow::Borrowed(&self.text);
        }
        let stays_string = matches!(old, Some(Kind::String(_)));
        match parse(&self.text) {
            Ok(node) if !stays_string || matches!(node.kind, Kind::String(_)) => Cow::Borrowed(&self.text[node.span]),
            _ => Cow::Owned(quote(&self.text)),
        }
    }
}

/// Splits `PATH=VALUE` at its first `=` that no backslash escapes.
fn assignment(argument: &str) -> Result<(Path, Value), InvalidOverride> {
    let mut characters = argument.char_indices();
    let mut takes_json = false;
    let has_escapes = !argument.starts_with('/');
    while let Some((at, character)) = characters.next() {
        if character == '=' {
            let (path, text) = (&argument[..at - usize::from(takes_json)], &argument[at + 1..]);
            let value = if takes_json { Value::json(text).map_err(InvalidOverride::Json)? } else { Value::text(text) };
            return Ok((path.parse()?, value));
        }
        takes_json = character == ':';
        if character == '\\' && has_escapes {
            characters.next();
        }
    }
    Err(InvalidOverride::NoValue(argument.to_owned()))
}

/// An argument of `--set`, `--add` or `--remove` that says no edit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOverride {
    /// There is no `=`.
    #[error("`{0}` gives no value: write PATH=VALUE, or PATH:=JSON")]
    NoValue(String),
    /// The text before the `=` is not a path.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// The text after `:=` is not JSON.
    #[error("the value after `:=` is not JSON: {0}")]
    Json(SyntaxError),
}

/// Applies the edits one after the other, each to the result of the one before.
///
/// # Errors
///
/// When the text is not JSON, a path to set or remove does not exist, or one to add exists or has no place.
pub fn apply(text: &str, overrides: &[Override]) -> Result<String, OverrideError> {
    overrides.iter().try_fold(text.to_owned(), |text, edit| match edit {
        Override::Set { path, value } => set(text, path, value),
        Override::Add { path, value } => add(text, path, value),
        Override::Remove { path } => remove(text, path),
    })
}

fn set(mut text: String, path: &Path, value: &Value) -> Result<String, OverrideError> {
    let document = parse(&text)?;
    let old = find(&document, path)?;
    let (span, token) = (old.span.clone(), value.token(Some(&old.kind)));
    text.replace_range(span, &token);
    Ok(text)
}

fn add(mut text: String, path: &Path, value: &Value) -> Result<String, OverrideError> {
    let document = parse(&text)?;
    let (mut parent, mut missing) = (&document, path.keys());
    while let [key, below @ ..] = missing
        && let Some(child) = parent.child(key)
    {
        (parent, missing) = (child, below);
    }
    let [key, below @ ..] = missing else {
        return Err(OverrideError::Exists { path: path.clone() });
    };
    let item = below.iter().rev().fold(value.token(None), |item, key| Cow::Owned(enclose(key, &item)));
    let Some((at, insertion)) = insertion(parent, key, &item) else {
        let reached = &path.keys()[..path.keys().len() - missing.len()];
        return Err(OverrideError::no_room(path, reached, parent));
    };
    text.insert_str(at, &insertion);
    Ok(text)
}

/// A new parent that holds an item under a key.
fn enclose(key: &str, item: &str) -> String {
    match key {
        "-" | "0" => format!("[{item}]"),
        _ => format!("{{{}:{item}}}", quote(key)),
    }
}

/// Where an item goes after the last one of its parent, and the text to insert; `None` if the parent can't have that key.
fn insertion(parent: &Node<'_>, key: &str, item: &str) -> Option<(usize, String)> {
    let (last, item) = match &parent.kind {
        Kind::Object(members) => (members.last().map(|member| &member.value), format!("{}:{item}", quote(key))),
        Kind::Array(items) if key == "-" || key == items.len().to_string() => (items.last(), item.to_owned()),
        _ => return None,
    };
    Some(match last {
        Some(last) => (last.span.end, format!(",{item}")),
        None => (parent.span.start + 1, item),
    })
}

fn remove(mut text: String, path: &Path) -> Result<String, OverrideError> {
    let document = parse(&text)?;
    let Some((key, above)) = path.keys().split_last() else {
        return Err(OverrideError::missing(&document, path));
    };
    let entries = match above.iter().try_fold(&document, |node, key| node.child(key)) {
        Some(parent) => entries(parent, key),
        None => Vec::new(),
    };
    if !entries.iter().any(|entry| entry.goes) {
        return Err(OverrideError::missing(&document, path));
    }
    for cut in cuts(&entries).into_iter().rev() {
        text.replace_range(cut, "");
    }
    Ok(text)
}

/// A member or an item among its siblings.
struct Entry {
    span: Range<usize>,
    goes: bool,
}

/// The entries of a container. Every member with a repeated key goes, or the first would take the place of the last.
fn entries(parent: &Node<'_>, key: &str) -> Vec<Entry> {
    match &parent.kind {
        Kind::Object(members) => {
            let span = |member: &Member<'_>| member.key_span.start..member.value.span.end;
            members.iter().map(|member| Entry { span: span(member), goes: member.key == key }).collect()
        }
        Kind::Array(items) => {
            let goes = |index: usize| index.to_string() == key;
            items.iter().enumerate().map(|(index, item)| Entry { span: item.span.clone(), goes: goes(index) }).collect()
        }
        _ => Vec::new(),
    }
}

/// The bytes to cut: each entry that goes, with the comma before it or, ahead of the first that stays, the one after it.
fn cuts(entries: &[Entry]) -> Vec<Range<usize>> {
    let first_kept = entries.iter().position(|entry| !entry.goes).unwrap_or(entries.len());
    let cut = |(index, entry): (usize, &Entry)| match entries.get(index + 1) {
        _ if index > first_kept => entries[index - 1].span.end..entry.span.end,
        Some(next) => entry.span.start..next.span.start,
        None => entry.span.clone(),
    };
    entries.iter().enumerate().filter(|(_, entry)| entry.goes).map(cut).collect()
}

fn find<'n, 'a>(document: &'n Node<'a>, path: &Path) -> Result<&'n Node<'a>, OverrideError> {
    document.get(path).ok_or_else(|| OverrideError::missing(document, path))
}

#[cfg(test)]
mod tests;
