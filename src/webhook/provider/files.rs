//! The files of one provider directory, embedded in the program or read from disk.

use std::borrow::Cow;

use bytes::Bytes;

/// The path of the manifest in the directory.
pub const MANIFEST: &str = "provider.toml";
/// The path of the payload schema.
pub const SCHEMA: &str = "schema.json";
/// The path of the test vectors.
pub const VECTORS: &str = "vectors.json";

/// The extensions of a provider's files. Only fixtures, which are then sent as they are, may contain anything but text.
pub const ENDINGS: [&str; 6] = ["json", "toml", "form", "xml", "txt", "bin"];

/// The files of one provider directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderFiles {
    origin: String,
    texts: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// The files that aren't text.
    others: Vec<(String, Bytes)>,
    is_built_in: bool,
}

impl ProviderFiles {
    /// A directory with these files by relative path; messages name it by its origin.
    pub fn new(origin: impl Into<String>, texts: Vec<(Cow<'static, str>, Cow<'static, str>)>) -> Self {
        Self { origin: origin.into(), texts, others: Vec::new(), is_built_in: false }
    }

    /// The same directory, plus these files, which aren't text.
    #[must_use]
    pub fn and(self, others: Vec<(String, Bytes)>) -> Self {
        Self { others, ..self }
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

    /// The bytes of a file, whether it is text or not.
    #[must_use]
    pub fn bytes(&self, path: &str) -> Option<&[u8]> {
        let other = || self.others.iter().find(|(name, _)| name == path).map(|(_, bytes)| bytes.as_ref());
        self.get(path).map(str::as_bytes).or_else(other)
    }

    /// Whether the provider is built in. The program's tests have checked its fixtures.
    #[must_use]
    pub const fn are_built_in(&self) -> bool {
        self.is_built_in
    }

    /// The paths of all files.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|(name, _)| name.as_ref()).chain(self.others.iter().map(|(name, _)| name.as_ref()))
    }
}

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// A built-in provider, embedded in the program.
#[derive(Debug)]
pub struct BuiltIn {
    pub name: &'static str,
    /// The hash of its manifest.
    pub manifest: &'static str,
    /// Its line of `fixtures/index.ndjson`; empty if the file has no line for this manifest.
    pub(super) index: &'static str,
    /// Its files by path, without the vectors.
    texts: &'static [(&'static str, &'static str)],
}

impl BuiltIn {
    /// All of them, sorted by name.
    #[must_use]
    pub fn all() -> &'static [Self] {
        BUILT_IN
    }

    /// The name of the one that messages name as an example.
    #[must_use]
    pub fn example() -> &'static str {
        EXAMPLE
    }

    /// The names of those that are listed before any provider is in use.
    #[must_use]
    pub const fn featured() -> &'static [&'static str] {
        FEATURED
    }

    /// Whether the index has it with its current manifest.
    #[must_use]
    pub const fn is_indexed(&self) -> bool {
        !self.index.is_empty()
    }

    /// Its directory.
    #[must_use]
    pub fn files(&self) -> ProviderFiles {
        let texts = self.texts.iter().map(|(path, text)| (Cow::Borrowed(*path), Cow::Borrowed(*text))).collect();
        ProviderFiles { origin: format!("built-in {}", self.name), texts, others: Vec::new(), is_built_in: true }
    }
}
