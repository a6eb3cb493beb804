//! The files of a directory that may be captures, in a fixed order.

use std::{
    io,
    path::{Path, PathBuf},
};

use walkdir::{DirEntry, WalkDir};

use super::{Entries, EntryError, EntryFault, open};
use crate::store::captures::is_capture_name;

/// The result of a walk through a directory.
#[derive(Debug, Default)]
pub struct DirectoryWalk {
    /// The files that may be captures, in the order of their names, with an error for each entry that can't be read.
    pub files: Vec<Result<PathBuf, EntryError>>,
    /// What was not walked.
    pub skipped: Vec<SkippedFile>,
}

/// A file or directory below a directory that is not read.
#[derive(Debug, thiserror::Error)]
pub enum SkippedFile {
    /// Its name begins with a dot.
    #[error("{} is hidden", .0.display())]
    Hidden(PathBuf),
    /// It may lead anywhere.
    #[error("{} is a link", .0.display())]
    Link(PathBuf),
    /// It is a pipe, a socket or a device.
    #[error("{} is not a regular file", .0.display())]
    Special(PathBuf),
    /// Neither its content nor its name is that of a capture.
    #[error(transparent)]
    NoCapture(EntryError),
}

/// Walks through a directory and its subdirectories. Hidden entries are skipped, and links are not followed. The path
/// of a file yields that file. No file is opened: [`open_found`] does that.
#[must_use]
pub fn walk(path: &Path) -> DirectoryWalk {
    let mut walk = DirectoryWalk::default();
    let mut entries = WalkDir::new(path).sort_by(|a, b| a.path().as_os_str().cmp(b.path().as_os_str())).into_iter();
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) if is_hidden(&entry) => {
                if entry.file_type().is_dir() {
                    entries.skip_current_dir();
                }
                walk.skipped.push(SkippedFile::Hidden(entry.into_path()));
            }
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) if entry.file_type().is_file() || entry.depth() == 0 => walk.files.push(Ok(entry.into_path())),
            Ok(entry) if entry.path_is_symlink() => walk.skipped.push(SkippedFile::Link(entry.into_path())),
            Ok(entry) => walk.skipped.push(SkippedFile::Special(entry.into_path())),
            Err(error) => walk.files.push(Err(unreadable(path, error))),
        }
    }
    walk
}

/// Whether an entry is hidden. The path named by the user never counts as hidden.
fn is_hidden(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn unreadable(root: &Path, error: walkdir::Error) -> EntryError {
    let file = error.path().unwrap_or(root).to_owned();
    EntryFault::Read(error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into())).in_file(&file)
}

/// Opens a file that a walk found, unless neither its content nor its name is that of a capture.
///
/// # Errors
///
/// If it can't be read, or if it is named like a [`CaptureStore`](crate::store::captures::CaptureStore)'s file but
/// isn't a capture.
pub fn open_found(file: &Path) -> Result<Result<Entries<'static>, SkippedFile>, EntryError> {
    match open(file) {
        Err(error @ (EntryError::Empty { .. } | EntryError::Unrecognised { .. })) if !is_named_as_capture(file) => {
            Ok(Err(SkippedFile::NoCapture(error)))
        }
        opened => opened.map(Ok),
    }
}

fn is_named_as_capture(file: &Path) -> bool {
    file.file_name().and_then(|name| name.to_str()).is_some_and(is_capture_name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const CAPTURE: &str = r#"{"request":{"method":"POST","target":"/","headers":[],"body":""}}"#;

    /// A directory with these files.
    fn dir_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        dir
    }

    /// The files found in a directory, and what was skipped.
    fn found(dir: &Path) -> (Vec<String>, Vec<String>) {
        let DirectoryWalk { files, skipped } = walk(dir);
        let below = |text: &str| text.replace(&format!("{}/", dir.display()), "");
        let files = files.into_iter().map(|file| below(file.unwrap().to_str().unwrap()));
        (files.collect(), skipped.iter().map(|skipped| below(&skipped.to_string())).collect())
    }

    fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
        texts.map(str::to_owned).into()
    }

    #[test]
    fn files_are_found_in_order_and_hidden_ones_are_skipped() {
        let dir = dir_with(&[
            ("b.json", ""),
            ("a/2", ""),
            ("a/10", ""),
            (".git/x", ""),
            (".git/y", ""),
            ("a/.hookdev-x", ""),
        ]);
        let skipped = texts([".git is hidden", "a/.hookdev-x is hidden"]);
        assert_eq!(found(dir.path()), (texts(["a/10", "a/2", "b.json"]), skipped));
    }

    #[test]
    fn a_hidden_directory_that_is_named_is_walked() {
        let dir = dir_with(&[(".captures/a", "")]);
        assert_eq!(found(&dir.path().join(".captures")), (texts(["a"]), texts([])));
    }

    #[test]
    fn the_path_of_a_file_gives_that_file() {
        let dir = dir_with(&[(".a", "")]);
        let file = dir.path().join(".a");
        let DirectoryWalk { files, skipped } = walk(&file);
        assert_eq!((files.len(), skipped.len()), (1, 0));
        assert_eq!(files[0].as_ref().unwrap(), &file);
    }

    #[test]
    fn a_missing_path_is_an_error_that_names_it() {
        let DirectoryWalk { files, .. } = walk(Path::new("/no/such/dir"));
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].as_ref().unwrap_err().to_string(), "can't read /no/such/dir");
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_directory_are_not_followed() {
        let outside = dir_with(&[("secret", "")]);
        let dir = dir_with(&[("a", "")]);
        std::os::unix::fs::symlink(outside.path(), dir.path().join("folder")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), dir.path().join("file")).unwrap();
        assert_eq!(found(dir.path()), (texts(["a"]), texts(["file is a link", "folder is a link"])));
    }

    #[test]
    fn found_files_are_skipped_unless_content_or_name_is_a_capture() {
        const OURS: &str = "20250101T120000.123Z-000001-x.json";
        let dir = dir_with(&[("README.md", "# Read me\n"), ("log", CAPTURE), ("empty.ndjson", ""), (OURS, "\0\0")]);
        let open = |name: &str| open_found(&dir.path().join(name));
        for name in ["README.md", "empty.ndjson"] {
            assert!(matches!(open(name), Ok(Err(SkippedFile::NoCapture(_)))), "{name}");
        }
        assert_eq!(open("log").unwrap().unwrap().count(), 1);
        assert!(matches!(open(OURS), Err(EntryError::Unrecognised { .. })));
    }
}
