//! Files for another program of the same user, which no other user can read.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
};

pub use tempfile::TempPath;

use super::home;

/// Writes a file whose name ends with `suffix` to the user's runtime directory, else to hookdev's cache. It is removed
/// when the path is dropped.
///
/// # Errors
///
/// If the environment has neither directory, or the file can't be written.
pub fn create(variable: impl Fn(&str) -> Option<OsString>, suffix: &str, content: &[u8]) -> io::Result<TempPath> {
    let runtime = variable("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute() && dir.is_dir());
    let dir = runtime.or_else(|| home::cache(variable)).ok_or(io::ErrorKind::NotFound)?;
    home::create_private(&dir)?;
    // Created with mode 0600.
    let mut file = tempfile::Builder::new().prefix("hookdev-").suffix(suffix).tempfile_in(dir)?;
    file.write_all(content)?;
    Ok(file.into_temp_path())
}
