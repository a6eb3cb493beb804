//! The files of one provider folder, wherever they come from: embedded in the program or read
//! from a disk.

use std::borrow::Cow;

/// The manifest's place in the folder.
pub const MANIFEST: &str = "provider.toml";
/// The payload schema's place.
pub const SCHEMA: &str = "schema.json";
/// The test vectors' place.
pub const VECTORS: &str = "vectors.json";

/// Every file of one provider folder as text.
#[derive(Clone, Debug)]
pub struct Files {
    origin: String,
    texts: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    is_built_in: bool,
}

impl Files {
    /// A folder from its origin, as messages shall name it, and its files by relative path.
    pub fn new(origin: impl Into<String>, texts: Vec<(Cow<'static, str>, Cow<'static, str>)>) -> Self {
        Self { origin: origin.into(), texts, is_built_in: false }
    }

    /// Where the folder stands, for messages.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The text of a file by its path relative to the folder, with `/` between parts.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        self.shared(path).map(AsRef::as_ref)
    }

    /// The same to be cloned, which copies no text that is embedded.
    pub(super) fn shared(&self, path: &str) -> Option<&Cow<'static, str>> {
        self.texts.iter().find(|(name, _)| name == path).map(|(_, text)| text)
    }

    /// Whether the folder is embedded, so that the program's own tests have found its fixtures sound.
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

/// The built-in providers' folders by name, in the order of their names.
pub fn builtin() -> impl Iterator<Item = (&'static str, Files)> {
    BUILTIN.iter().map(|(name, files)| {
        let texts = files.iter().map(|(path, text)| (Cow::Borrowed(*path), Cow::Borrowed(*text))).collect();
        (*name, Files { origin: format!("built-in {name}"), texts, is_built_in: true })
    })
}
