//! The files of one provider directory, embedded in the program or read from disk.

use std::borrow::Cow;

/// The path of the manifest in the directory.
pub const MANIFEST: &str = "provider.toml";
/// The path of the payload schema.
pub const SCHEMA: &str = "schema.json";
/// The path of the test vectors.
pub const VECTORS: &str = "vectors.json";

/// The files of one provider directory, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    origin: String,
    texts: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    is_built_in: bool,
}

impl Files {
    /// A directory with these files by relative path; messages name it by its origin.
    pub fn new(origin: impl Into<String>, texts: Vec<(Cow<'static, str>, Cow<'static, str>)>) -> Self {
        Self { origin: origin.into(), texts, is_built_in: false }
    }

    /// Where the directory is, for messages.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The text of a file by its path relative to the directory, with `/` between parts.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        self.shared(path).map(AsRef::as_ref)
    }

    /// The same as a `Cow`, so that a clone does not copy embedded text.
    pub(super) fn shared(&self, path: &str) -> Option<&Cow<'static, str>> {
        self.texts.iter().find(|(name, _)| name == path).map(|(_, text)| text)
    }

    /// Whether the provider is built in. The program's tests have checked its fixtures.
    #[must_use]
    pub const fn are_built_in(&self) -> bool {
        self.is_built_in
    }

    /// The paths of all files.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|(name, _)| name.as_ref())
    }
}

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// The directories of the built-in providers, sorted by name.
pub fn builtin() -> impl Iterator<Item = (&'static str, Files)> {
    BUILTIN.iter().map(|(name, files)| {
        let texts = files.iter().map(|(path, text)| (Cow::Borrowed(*path), Cow::Borrowed(*text))).collect();
        (*name, Files { origin: format!("built-in {name}"), texts, is_built_in: true })
    })
}
