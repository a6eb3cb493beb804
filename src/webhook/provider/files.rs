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
    files: Vec<(Cow<'static, str>, Cow<'static, str>)>,
}

impl Files {
    /// A folder from its origin, as messages shall name it, and its files by relative path.
    pub fn new(origin: impl Into<String>, files: Vec<(Cow<'static, str>, Cow<'static, str>)>) -> Self {
        Self { origin: origin.into(), files }
    }

    /// Where the folder stands, for messages.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The text of a file by its path relative to the folder, with `/` between parts.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|(name, _)| name == path).map(|(_, text)| text.as_ref())
    }

    /// The paths of all files.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|(name, _)| name.as_ref())
    }
}

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// The built-in providers' folders by name, in the order of their names.
pub fn builtin() -> impl Iterator<Item = (&'static str, Files)> {
    BUILTIN.iter().map(|(name, files)| {
        let files = files.iter().map(|(path, text)| (Cow::Borrowed(*path), Cow::Borrowed(*text))).collect();
        (*name, Files::new(format!("built-in {name}"), files))
    })
}
