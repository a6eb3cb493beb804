//! Provider directories on a disk: one, or a directory of them.

use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use super::read as read_file;
use crate::webhook::provider::{
    Provider,
    files::{Files, MANIFEST},
    manifest::ManifestError,
    self_test::self_test,
};

/// The size limit of a provider's files together, in bytes.
const MAX_TOTAL_BYTES: usize = 16 << 20;

/// How many entries a provider directory may have, those in its subdirectories included.
const MAX_ENTRIES: usize = 10_000;

/// The endings of the files that a provider may have: its manifest, and payloads as they are sent.
const WANTED: [&str; 5] = ["json", "toml", "form", "xml", "txt"];

/// What is wrong with a provider directory.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It can't be read.
    #[error("can't read the provider directory {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// A file in it can't be read.
    #[error("can't read {}", .0.display())]
    File(PathBuf, #[source] io::Error),
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
    if has_manifest(dir) {
        return Ok(vec![read_one(dir)?]);
    }
    let unreadable = |error| ProviderError::Read(dir.to_owned(), error);
    let mut dirs = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if has_manifest(&path) {
            dirs.push(path);
        }
    }
    if dirs.is_empty() {
        return Err(ProviderError::Empty(dir.to_owned()));
    }
    dirs.sort();
    dirs.iter().map(|dir| read_one(dir)).collect()
}

/// Whether a directory has a manifest. One that can't be read, such as a pipe, is reported rather than skipped.
fn has_manifest(dir: &Path) -> bool {
    dir.join(MANIFEST).symlink_metadata().is_ok()
}

fn read_one(dir: &Path) -> Result<Provider, ProviderError> {
    let unreadable = |error| ProviderError::Read(dir.to_owned(), error);
    let mut files = Vec::new();
    let mut total = 0;
    for (index, entry) in WalkDir::new(dir).max_depth(3).sort_by_file_name().into_iter().enumerate() {
        if index >= MAX_ENTRIES {
            return Err(unreadable(io::Error::other("it has more than 10,000 entries")));
        }
        let entry = entry.map_err(|error| unreadable(error.into()))?;
        let path = entry.path();
        let is_wanted = path.extension().is_some_and(|extension| WANTED.iter().any(|wanted| extension == *wanted));
        let is_skipped = entry.file_type().is_dir() && path != dir.join(MANIFEST);
        if !is_wanted || is_skipped {
            continue;
        }
        if entry.file_type().is_symlink() {
            // It could lead to any file of the user's, which would then be sent as a payload.
            let error = io::Error::other("it is a link; a provider's files are regular files");
            return Err(ProviderError::File(path.to_owned(), error));
        }
        let mut text = read_file::text(path).map_err(|error| ProviderError::File(path.to_owned(), error))?;
        total += text.len();
        if total > MAX_TOTAL_BYTES {
            let error = io::Error::new(io::ErrorKind::FileTooLarge, "its files are larger than 16 MiB");
            return Err(unreadable(error));
        }
        let relative = path.strip_prefix(dir).unwrap_or(path);
        let parts: Vec<Cow<'_, str>> = relative.iter().map(|part| part.to_string_lossy()).collect();
        files.push((Cow::Owned(parts.join("/")), Cow::Owned(std::mem::take(&mut *text))));
    }
    let provider = Provider::load(Files::new(dir.display().to_string(), files))?;
    let problems = self_test(&provider);
    if problems.is_empty() { Ok(provider) } else { Err(ProviderError::Contradictory(dir.to_owned(), problems)) }
}
