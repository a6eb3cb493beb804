//! Provider folders on a disk: one folder, or a folder of them.

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

/// A file larger than this is none of a provider's.
const LARGEST_FILE: u64 = 16 << 20;

/// What is wrong with a provider folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It can't be read.
    #[error("the provider folder {} can't be read", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// There is no provider in it.
    #[error("there is no provider in {}: neither it nor a folder in it holds a {MANIFEST}", .0.display())]
    Empty(PathBuf),
    /// Its manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// What it states does not hold.
    #[error("the provider folder {} does not hold what it states:\n{}", .0.display(), .1.iter().map(|p| format!("  {p}")).collect::<Vec<_>>().join("\n"))]
    Unsound(PathBuf, Vec<String>),
}

/// Reads the provider that a folder is, or those of the folders in it, in the order of their
/// names; each must keep what it states.
///
/// # Errors
///
/// When a folder can't be read, a manifest is wrong, or a fixture or vector does not hold.
pub fn read(folder: &Path) -> Result<Vec<Provider>, FolderError> {
    if folder.join(MANIFEST).is_file() {
        return Ok(vec![read_one(folder)?]);
    }
    let unreadable = |error| FolderError::Read(folder.to_owned(), error);
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.join(MANIFEST).is_file() {
            folders.push(path);
        }
    }
    if folders.is_empty() {
        return Err(FolderError::Empty(folder.to_owned()));
    }
    folders.sort();
    folders.iter().map(|folder| read_one(folder)).collect()
}

fn read_one(folder: &Path) -> Result<Provider, FolderError> {
    let mut files = Vec::new();
    for entry in WalkDir::new(folder).max_depth(3).sort_by_file_name() {
        let entry = entry.map_err(|error| FolderError::Read(folder.to_owned(), error.into()))?;
        let wanted = entry.path().extension().is_some_and(|extension| extension == "json" || extension == "toml");
        if !entry.file_type().is_file() || !wanted {
            continue;
        }
        let unreadable = |error| FolderError::Read(entry.path().to_owned(), error);
        if entry.metadata().map_err(|error| unreadable(error.into()))?.len() > LARGEST_FILE {
            return Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MiB")));
        }
        let text = fs::read_to_string(entry.path()).map_err(unreadable)?;
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let parts: Vec<Cow<'_, str>> = relative.iter().map(|part| part.to_string_lossy()).collect();
        files.push((Cow::Owned(parts.join("/")), Cow::Owned(text)));
    }
    let provider = Provider::load(Files::new(folder.display().to_string(), files))?;
    let problems = self_test(&provider);
    if problems.is_empty() { Ok(provider) } else { Err(FolderError::Unsound(folder.to_owned(), problems)) }
}
