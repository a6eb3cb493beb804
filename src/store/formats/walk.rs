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
    /// The number of skipped entries: hidden files and directories, links, and special files.
    pub skipped: usize,
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
                walk.skipped += 1;
                if entry.file_type().is_dir() {
                    entries.skip_current_dir();
                }
            }
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) if entry.file_type().is_file() || entry.depth() == 0 => walk.files.push(Ok(entry.into_path())),
            Ok(_) => walk.skipped += 1,
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

/// Opens a file that a walk found; `None` if neither its content nor its name is that of a capture.
///
/// # Errors
///
/// If it can't be read, or if it is named like a [`CaptureStore`](crate::store::captures::CaptureStore)'s file but
/// isn't a capture.
pub fn open_found(file: &Path) -> Result<Option<Entries<'static>>, EntryError> {
    match open(file) {
        Err(EntryError::Empty { .. } | EntryError::Unrecognised { .. }) if !is_named_as_capture(file) => Ok(None),
        opened => opened.map(Some),
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

    fn found(dir: &Path) -> (Vec<String>, usize) {
        let DirectoryWalk { files, skipped } = walk(dir);
        let name = |file: PathBuf| file.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
        (files.into_iter().map(|file| name(file.unwrap())).collect(), skipped)
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
        assert_eq!(found(dir.path()), (vec!["a/10".to_owned(), "a/2".to_owned(), "b.json".to_owned()], 2));
    }

    #[test]
    fn a_hidden_directory_that_is_named_is_walked() {
        let dir = dir_with(&[(".captures/a", "")]);
        assert_eq!(found(&dir.path().join(".captures")), (vec!["a".to_owned()], 0));
    }

    #[test]
    fn the_path_of_a_file_gives_that_file() {
        let dir = dir_with(&[(".a", "")]);
        let file = dir.path().join(".a");
        let DirectoryWalk { files, skipped } = walk(&file);
        assert_eq!((files.len(), skipped), (1, 0));
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
        assert_eq!(found(dir.path()), (vec!["a".to_owned()], 2));
    }

    #[test]
    fn found_files_are_skipped_unless_content_or_name_is_a_capture() {
        const OURS: &str = "20250101T120000.123Z-000001-x.json";
        let dir = dir_with(&[("README.md", "# Read me\n"), ("log", CAPTURE), ("empty.ndjson", ""), (OURS, "\0\0")]);
        let open = |name: &str| open_found(&dir.path().join(name));
        assert!(open("README.md").unwrap().is_none());
        assert!(open("empty.ndjson").unwrap().is_none());
        assert_eq!(open("log").unwrap().unwrap().count(), 1);
        assert!(matches!(open(OURS), Err(EntryError::Unrecognised { .. })));
    }
}
