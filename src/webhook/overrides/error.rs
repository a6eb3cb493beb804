//! Why an edit does not fit a payload, and the path that was probably meant. `InvalidOverride` describes invalid
//! arguments.

use std::cmp::min;

use crate::webhook::json::{Kind, Node, Path, SyntaxError};

/// Why an edit does not fit a payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// The payload is not JSON.
    #[error("the payload is not JSON")]
    Syntax(#[from] SyntaxError),
    /// The value to set or remove does not exist.
    #[error("there is no `{path}` in the payload{}", hint(.nearest.as_ref()))]
    Missing {
        /// The path of the edit.
        path: Path,
        /// The most similar path that exists; `None` in an empty payload.
        nearest: Option<Path>,
    },
    /// The value to add already exists.
    #[error("`{path}` is in the payload already: set it instead of adding it")]
    Exists {
        /// The path of the edit.
        path: Path,
    },
    /// The key to add to an array is neither its length nor `-`.
    #[error("`{path}` can't be added: {parent} is an array of {length}, whose next item is `{length}` or `-`")]
    NoSuchItem {
        /// The path of the edit.
        path: Path,
        /// The array's own path in backquotes, or `the payload`.
        parent: String,
        /// The length of the array.
        length: usize,
    },
    /// A value along the path is neither an object nor an array.
    #[error("`{path}` can't be added: {parent} is {kind} and holds no other values")]
    NoContainer {
        /// The path of the edit.
        path: Path,
        /// That value's own path in backquotes, or `the payload`.
        parent: String,
        /// Its type with the article, such as `a string`.
        kind: &'static str,
    },
    /// One path of a template is inside the value of another.
    #[error("`{inner}` lies within `{outer}`: only one of the two can be replaced")]
    Overlap {
        /// The path of the value within, or the second of two that lead to the same value.
        inner: Path,
        /// The path of the value around it.
        outer: Path,
    },
}

impl OverrideError {
    pub(in crate::webhook) fn missing(document: &Node<'_>, path: &Path) -> Self {
        Self::Missing { path: path.clone(), nearest: nearest(document, path) }
    }

    /// `reached` are the keys of `path` that lead to `parent`, which can't have the next key.
    pub(super) fn no_room(path: &Path, reached: &[String], parent: &Node<'_>) -> Self {
        let place = match reached {
            [] => "the payload".to_owned(),
            keys => format!("`{}`", path_of(keys)),
        };
        match &parent.kind {
            Kind::Array(items) => Self::NoSuchItem { path: path.clone(), parent: place, length: items.len() },
            other => Self::NoContainer { path: path.clone(), parent: place, kind: noun(other) },
        }
    }
}

fn hint(nearest: Option<&Path>) -> String {
    nearest.map(|path| format!("; the nearest is `{path}`")).unwrap_or_default()
}

fn noun(kind: &Kind<'_>) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool(true) => "true",
        Kind::Bool(false) => "false",
        Kind::Number(_) => "a number",
        Kind::String(_) => "a string",
        Kind::Array(_) => "an array",
        Kind::Object(_) => "an object",
    }
}

/// The path in the document that is most similar to a missing one; the first if several are.
fn nearest(document: &Node<'_>, path: &Path) -> Option<Path> {
    let mut candidates = Vec::new();
    collect(document, &mut Vec::new(), &mut candidates);
    let typed = path.to_string();
    candidates.into_iter().min_by_key(|candidate| distance(&typed, candidate))
}

fn collect(node: &Node<'_>, above: &mut Vec<String>, paths: &mut Vec<Path>) {
    let mut descend = |key: String, child| {
        above.push(key);
        paths.push(path_of(above));
        collect(child, above, paths);
        above.pop();
    };
    match &node.kind {
        Kind::Object(members) => members.iter().for_each(|member| descend(member.key.to_string(), &member.value)),
        Kind::Array(items) => items.iter().enumerate().for_each(|(index, item)| descend(index.to_string(), item)),
        _ => {}
    }
}

/// The edit distance between two paths, where leaving out a leading key counts as one edit: people type
/// `status` for `event.status`.
fn distance(typed: &str, candidate: &Path) -> usize {
    let keys = candidate.keys();
    let ends =
        (0..keys.len()).map(|left_out| left_out + strsim::osa_distance(typed, &path_of(&keys[left_out..]).to_string()));
    ends.fold(usize::MAX, min)
}

fn path_of(keys: &[String]) -> Path {
    keys.iter().cloned().collect()
}
