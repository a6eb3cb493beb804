//! The user's directories for programs' state and caches, and private files in them.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use super::private;

/// hookdev's directory for state that is worth keeping; `None` if the environment has no home directory.
pub(super) fn state(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    of_user(variable, "XDG_STATE_HOME", ".local/state", "Library/Application Support")
}

/// hookdev's directory for data that it can do without; `None` if the environment has no home directory.
pub(super) fn cache(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    of_user(variable, "XDG_CACHE_HOME", ".cache", "Library/Caches")
}

fn of_user(variable: impl Fn(&str) -> Option<OsString>, xdg: &str, unix: &str, macos: &str) -> Option<PathBuf> {
    // Relative paths would lead into whatever directory hookdev runs in, which the user may not trust.
    let path = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        path("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        path("HOME").map(|home| home.join(macos))
    } else {
        path(xdg).or_else(|| path("HOME").map(|home| home.join(unix)))
    };
    base.map(|base| base.join("hookdev"))
}

/// Writes a file with [`private::write`], and the directories above it.
///
/// # Errors
///
/// If it can't be written.
pub(super) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    create_private(path.parent().unwrap_or(path))?;
    private::write(path, content)
}

/// Creates a directory, and those above it, that only its owner can enter.
///
/// # Errors
///
/// If it can't be created.
pub(super) fn create_private(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}
