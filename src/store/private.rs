//! Files that only their owner may read.

use std::{
    io::{self, Write},
    path::Path,
};

/// Writes a file that only its owner may read (0600), replacing any other. It is complete or absent, even after a power
/// failure.
///
/// # Errors
///
/// If its directory can't be written to.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    temporary(path, bytes)?.persist(path).map(drop).map_err(|error| error.error)
}

/// Like [`write`], but never replaces a file.
///
/// # Errors
///
/// If the file exists, or its directory can't be written to.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    temporary(path, bytes)?.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

/// A file beside this path, with its content on disk.
fn temporary(path: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    // Temporary files are created with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(directory(path))?;
    file.write_all(bytes)?;
    // Otherwise the new name may reach the disk before the content.
    file.as_file().sync_all()?;
    Ok(file)
}

/// Checks that a file can be written at this path.
///
/// # Errors
///
/// If its directory can't be written to, or the path is a directory.
pub fn check(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // tempfile's errors name its file.
    tempfile::NamedTempFile::new_in(directory(path)).map(drop).map_err(|error| error.kind().into())
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn only_the_owner_may_read_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, "older").unwrap();
        write(&path, b"newer").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
