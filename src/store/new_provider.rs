//! Writes a new provider directory.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Why a provider directory was not written.
#[derive(Debug, thiserror::Error)]
pub enum NewProviderError {
    /// Something with that name already exists.
    #[error("{} already exists", .0.display())]
    Exists(PathBuf),
    /// It can't be written.
    #[error("can't write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

/// Writes a directory with these files, given by their paths in it. If it can't be written completely, nothing of it
/// remains.
///
/// # Errors
///
/// If the directory exists, or can't be written.
pub fn write(dir: &Path, files: &[(String, String)]) -> Result<(), NewProviderError> {
    let failed = |error| NewProviderError::Write(dir.to_owned(), error);
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::create_dir(dir).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => NewProviderError::Exists(dir.to_owned()),
        _ => failed(error),
    })?;
    for (name, text) in files {
        let path = dir.join(name);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        if let Err(error) = written {
            // The directory did not exist before, so it may be removed.
            let _ = fs::remove_dir_all(dir);
            return Err(NewProviderError::Write(path, error));
        }
    }
    Ok(())
}
