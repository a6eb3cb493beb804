//! Provider directories on a disk: one, or a directory of them.

use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use crate::webhook::provider::{
    Provider,
    files::{Files, MANIFEST},
    manifest::ManifestError,
    self_test::self_test,
};

/// The size limit of a provider's file, in bytes.
const MAX_FILE_SIZE: u64 = 16 << 20;

/// What is wrong with a provider directory.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It can't be read.
    #[error("can't read the provider directory {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// It holds no provider.
    #[error("no provider in {}: neither it nor a directory in it has a {MANIFEST}", .0.display())]
    Empty(PathBuf),
    /// Its manifest is invalid.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Its fixtures or vectors contradict its manifest.
    #[error("the provider directory {} contradicts its manifest:\n{}", .0.display(), .1.iter().map(|p| format!("  {p}")).collect::<Vec<_>>().join("\n"))]
    Contradictory(PathBuf, Vec<String>),
}

/// Reads the provider in a directory, or those in its subdirectories in the order of their names. Each must pass its own
/// tests.
///
/// # Errors
///
/// If a directory can't be read, a manifest is invalid, or a fixture or vector contradicts it.
pub fn read(dir: &Path) -> Result<Vec<Provider>, ProviderError> {
    if dir.join(MANIFEST).is_file() {
        return Ok(vec![read_one(dir)?]);
    }
    let unreadable = |error| ProviderError::Read(dir.to_owned(), error);
    let mut dirs = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.join(MANIFEST).is_file() {
            dirs.push(path);
        }
    }
    if dirs.is_empty() {
        return Err(ProviderError::Empty(dir.to_owned()));
    }
    dirs.sort();
    dirs.iter().map(|dir| read_one(dir)).collect()
}

fn read_one(dir: &Path) -> Result<Provider, ProviderError> {
    let mut files = Vec::new();
    for entry in WalkDir::new(dir).max_depth(3).sort_by_file_name() {
        let entry = entry.map_err(|error| ProviderError::Read(dir.to_owned(), error.into()))?;
        let wanted = entry.path().extension().is_some_and(|extension| extension == "json" || extension == "toml");
        if !entry.file_type().is_file() || !wanted {
            continue;
        }
        let unreadable = |error| ProviderError::Read(entry.path().to_owned(), error);
        if entry.metadata().map_err(|error| unreadable(error.into()))?.len() > MAX_FILE_SIZE {
            return Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 16 MiB")));
        }
        let text = fs::read_to_string(entry.path()).map_err(unreadable)?;
        let relative = entry.path().strip_prefix(dir).unwrap_or(entry.path());
        let parts: Vec<Cow<'_, str>> = relative.iter().map(|part| part.to_string_lossy()).collect();
        files.push((Cow::Owned(parts.join("/")), Cow::Owned(text)));
    }
    let provider = Provider::load(Files::new(dir.display().to_string(), files))?;
    let problems = self_test(&provider);
    if problems.is_empty() { Ok(provider) } else { Err(ProviderError::Contradictory(dir.to_owned(), problems)) }
}
