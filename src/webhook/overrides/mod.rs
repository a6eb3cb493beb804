//! Edits of a payload's text: a value set, added or removed by its path, every other byte left as it is.
//!
//! Where a path leads is found in a parse of the text and the new bytes are spliced in there; nothing is serialised
//! anew, so numbers, escapes, key order and whitespace elsewhere survive. `Template` does it for many sends at once.

mod error;
mod template;

use std::{borrow::Cow, ops::Range};

use super::json::{InvalidPath, Kind, Member, Node, Path, SyntaxError, parse, quote};
pub use error::OverrideError;
pub use template::{Template, replace};

/// One edit, as `--set`, `--add` and `--remove` ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Override {
    /// Puts another value in the place of one that exists.
    Set {
        /// Where it stands.
        path: Path,
        /// What comes there.
        value: Value,
    },
    /// Puts a value where none is: at the end of an object, or of an array when the last key is its length or `-`.
    Add {
        /// Where it is to stand. Parents that are missing are created: arrays above `0` and `-`, objects otherwise.
        path: Path,
        /// What comes there.
        value: Value,
    },
    /// Takes a member or an item out.
    Remove {
        /// Where it stands.
        path: Path,
    },
}

impl Override {
    /// Reads the argument of `--set`: `PATH=VALUE` or `PATH:=JSON`.
    ///
    /// # Errors
    ///
    /// When there is no `=`, the path is none, or what follows `:=` is not JSON.
    pub fn set(argument: &str) -> Result<Self, InvalidOverride> {
        let (path, value) = assignment(argument)?;
        Ok(Self::Set { path, value })
    }

    /// Reads the argument of `--add`, which has the form of that of `--set`.
    ///
    /// # Errors
    ///
    /// When there is no `=`, the path is none, or what follows `:=` is not JSON.
    pub fn add(argument: &str) -> Result<Self, InvalidOverride> {
        let (path, value) = assignment(argument)?;
        Ok(Self::Add { path, value })
    }

    /// Reads the argument of `--remove`, a path.
    ///
    /// # Errors
    ///
    /// When the path is none.
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
    /// A text that is taken as JSON where it reads as JSON, except that a string stays a string: `1000` becomes
    /// `"1000"` where `"999"` stood.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_json: false }
    }

    /// A JSON text that is taken as it is, whatever stood there.
    ///
    /// # Errors
    ///
    /// When it is not JSON.
    pub fn json(text: &str) -> Result<Self, SyntaxError> {
        let span = parse(text)?.span;
        Ok(Self { text: text[span].to_owned(), is_json: true })
    }

    /// The token that takes the place of `old`.
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

/// Divides `PATH=VALUE` at its first `=` that no backslash keeps in the path.
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
    /// There is a path at most.
    #[error("`{0}` gives no value: write PATH=VALUE, or PATH:=JSON")]
    NoValue(String),
    /// What stands before the `=` is no path.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// What stands behind `:=` is not JSON.
    #[error("the value behind `:=` is not JSON: {0}")]
    Json(SyntaxError),
}

/// Makes the edits one after the other, each in what the one before has left.
///
/// # Errors
///
/// When the text is not JSON, a path to set or remove leads nowhere, or one to add is taken or out of reach.
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

/// Where an item goes behind the last one of its parent, and the text that puts it there; none when the parent cannot
/// hold that key.
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

/// What a container holds. A repeated key goes each time, or the first would come into the place of the last.
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

/// The bytes to cut: each entry that goes, with the comma before it or, ahead of the first that stays, the one behind.
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
