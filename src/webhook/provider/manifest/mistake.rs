//! A mistake in a provider directory: in the manifest, a fixture, the schema or the vectors.

use std::fmt;

use super::find;
use crate::webhook::provider::files::{self, ProviderFiles};

/// A mistake in a file of a provider directory, with its position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct DirectoryMistake {
    /// The directory.
    pub origin: String,
    /// The file in the directory.
    pub file: String,
    /// Line and column, from 1.
    pub position: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
}

impl DirectoryMistake {
    /// A mistake at a position in one of these files.
    pub(in crate::webhook::provider) fn new(
        files: &ProviderFiles,
        file: &str,
        position: Option<(usize, usize)>,
        message: impl Into<String>,
    ) -> Self {
        Self { origin: files.origin().to_owned(), file: file.to_owned(), position, message: message.into() }
    }

    /// A mistake in the manifest, at the position of these keys, as [`find`] takes them.
    pub(in crate::webhook::provider) fn under(
        files: &ProviderFiles,
        keys: &[String],
        message: impl Into<String>,
    ) -> Self {
        let position = files.get(files::MANIFEST).and_then(|manifest| find(manifest, keys));
        Self::new(files, files::MANIFEST, position, message)
    }
}

impl fmt::Display for DirectoryMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.origin, self.file)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}
