//! The working directory of a test.

use std::{fs, path::PathBuf};

use super::command::TestCommand;
use crate::machine;

/// A temporary directory.
pub struct Dir {
    _temporary: tempfile::TempDir,
    path: PathBuf,
}

impl Dir {
    pub fn new() -> Self {
        machine::settle();
        let temporary = tempfile::Builder::new().prefix("hookdev-test-").tempdir().unwrap();
        // Resolved, as the program sees it: the temporary directory may be a link.
        let path = if cfg!(unix) { temporary.path().canonicalize().unwrap() } else { temporary.path().to_owned() };
        Self { _temporary: temporary, path }
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file, and the directories above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Replaces a file by renaming, as editors save.
    pub fn replace(&self, name: &str, content: impl AsRef<[u8]>) {
        let new = format!("{name}.new");
        self.write(&new, content);
        fs::rename(self.join(&new), self.join(name)).unwrap();
    }

    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The names in a directory, in order; empty if it does not exist.
    pub fn names(&self, dir: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.join(dir)) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The program, run in this directory.
    pub fn hookdev(&self) -> TestCommand {
        TestCommand::new(&self.path)
    }

    /// `hookdev listen` on a free port, as JSON.
    pub fn listen(&self) -> TestCommand {
        self.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--format", "json"])
    }

    /// `hookdev send WHAT --to URL`.
    pub fn send(&self, what: &str, url: impl AsRef<str>) -> TestCommand {
        self.hookdev().args(["send", what, "--to", url.as_ref()])
    }
}
