//! Edits a payload's text: a value is set, added or removed by its path, and every other byte stays the same.
//!
//! The text is parsed to find the path, and the new bytes are spliced in. Nothing is re-serialised, so numbers,
//! escapes, key order and whitespace elsewhere survive. `PayloadTemplate` does this for many sends at once.

mod error;
mod template;

use std::{borrow::Cow, ops::Range};

use super::json::{InvalidPath, Kind, Member, Node, Path, SyntaxError, parse, quote};
pub use error::OverrideError;
pub use template::{PayloadTemplate, replace};

/// One edit, from `--set`, `--add` or `--remove`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Override {
    /// Replaces a value.
    Set {
        path: Path,
        /// The new value.
        value: OverrideValue,
    },
    /// Adds a value at the end of an object, or of an array if the last key is its length or `-`.
    Add {
        /// Its path. Missing parents are created: arrays for `0` and `-`, objects otherwise.
        path: Path,
        value: OverrideValue,
    },
    /// Removes a member or an item.
    Remove { path: Path },
}

impl Override {
    /// The path of the value that it edits.
    #[must_use]
    pub const fn path(&self) -> &Path {
        match self {
            Self::Set { path, .. } | Self::Add { path, .. } | Self::Remove { path } => path,
        }
    }

    /// Parses `PATH=VALUE` or `PATH:=JSON`.
    ///
    /// # Errors
    ///
    /// If there is no `=`, the path is invalid, or the text after `:=` is not JSON.
    pub fn set(argument: &str) -> Result<Self, InvalidOverride> {
        let (path, value) = assignment(argument)?;
        Ok(Self::Set { path, value })
    }

    /// Parses the argument of `--add`, which has the same format as that of `--set`.
    ///
    /// # Errors
    ///
    /// If there is no `=`, the path is invalid, or the text after `:=` is not JSON.
    pub fn add(argument: &str) -> Result<Self, InvalidOverride> {
        let (path, value) = assignment(argument)?;
        Ok(Self::Add { path, value })
    }

    /// Parses the argument of `--remove`, a path.
    ///
    /// # Errors
    ///
    /// If the path is invalid.
    pub fn remove(argument: &str) -> Result<Self, InvalidOverride> {
        Ok(Self::Remove { path: argument.parse()? })
    }
}

/// A value as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideValue {
    text: String,
    is_json: bool,
}

impl OverrideValue {
    /// Text that is used as JSON if it parses as JSON, except that a string stays a string: if it replaces `"999"`,
    /// `1000` becomes `"1000"`.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_json: false }
    }

    /// JSON text that is used unchanged, regardless of what it replaces.
    ///
    /// # Errors
    ///
    /// If it is not JSON.
    pub fn json(text: &str) -> Result<Self, SyntaxError> {
        let span = parse(text)?.span;
        Ok(Self { text: text[span].to_owned(), is_json: true })
    }

    /// The text as it was typed.
    pub(in crate::webhook) fn as_str(&self) -> &str {
        &self.text
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
fn assignment(argument: &str) -> Result<(Path, OverrideValue), InvalidOverride> {
    let mut characters = argument.char_indices();
    let mut takes_json = false;
    let has_escapes = !argument.starts_with('/');
    while let Some((at, character)) = characters.next() {
        if character == '=' {
            let (path, text) = (&argument[..at - usize::from(takes_json)], &argument[at + 1..]);
            let value = if takes_json {
                OverrideValue::json(text).map_err(InvalidOverride::Json)?
            } else {
                OverrideValue::text(text)
            };
            return Ok((path.parse()?, value));
        }
        takes_json = character == ':';
        if character == '\\' && has_escapes {
            characters.next();
        }
    }
    Err(InvalidOverride::NoValue(argument.to_owned()))
}

/// An invalid argument of `--set`, `--add` or `--remove`.
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
/// If the text is not JSON, a path to set or remove does not exist, or a path to add exists or can't be created.
pub fn apply(text: &str, overrides: &[Override]) -> Result<String, OverrideError> {
    overrides.iter().try_fold(text.to_owned(), |text, edit| match edit {
        Override::Set { path, value } => set(text, path, value),
        Override::Add { path, value } => add(text, path, value),
        Override::Remove { path } => remove(text, path),
    })
}

fn set(mut text: String, path: &Path, value: &OverrideValue) -> Result<String, OverrideError> {
    let document = parse(&text)?;
    let old = find(&document, path)?;
    let (span, token) = (old.span.clone(), value.token(Some(&old.kind)));
    text.replace_range(span, &token);
    Ok(text)
}

fn add(mut text: String, path: &Path, value: &OverrideValue) -> Result<String, OverrideError> {
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
    let Some((at, insertion)) = insertion(&text, parent, key, &item) else {
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

/// Where an item goes after the last one of its parent, and the text to insert, with the whitespace of the first one;
/// `None` if the parent can't have that key.
fn insertion(text: &str, parent: &Node<'_>, key: &str, item: &str) -> Option<(usize, String)> {
    let start = parent.span.start + 1;
    let (first, last, item) = match &parent.kind {
        Kind::Object(members) => {
            let colon = members.first().map_or(":", |first| &text[first.key_span.end..first.value.span.start]);
            let first = members.first().map(|member| member.key_span.start);
            (first, members.last().map(|member| &member.value), format!("{}{colon}{item}", quote(key)))
        }
        Kind::Array(items) if key == "-" || key == items.len().to_string() => {
            (items.first().map(|item| item.span.start), items.last(), item.to_owned())
        }
        _ => return None,
    };
    let space = first.map_or("", |first| &text[start..first]);
    Some(match last {
        Some(last) => (last.span.end, format!(",{space}{item}")),
        None => (start, item),
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
struct SiblingSpan {
    span: Range<usize>,
    goes: bool,
}

/// The entries of a container. All members with a repeated key are removed; otherwise an earlier one would take effect.
fn entries(parent: &Node<'_>, key: &str) -> Vec<SiblingSpan> {
    match &parent.kind {
        Kind::Object(members) => {
            let span = |member: &Member<'_>| member.key_span.start..member.value.span.end;
            members.iter().map(|member| SiblingSpan { span: span(member), goes: member.key == key }).collect()
        }
        Kind::Array(items) => {
            let goes = |index: usize| index.to_string() == key;
            items
                .iter()
                .enumerate()
                .map(|(index, item)| SiblingSpan { span: item.span.clone(), goes: goes(index) })
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The bytes to cut: each removed entry with the comma before it, or with the one after it if no entry before it stays.
fn cuts(entries: &[SiblingSpan]) -> Vec<Range<usize>> {
    let first_kept = entries.iter().position(|entry| !entry.goes).unwrap_or(entries.len());
    let cut = |(index, entry): (usize, &SiblingSpan)| match entries.get(index + 1) {
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
