//! The state of the files under some paths, to detect later which have changed. Only metadata is read.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::formats::walk;

/// The state of the files under some paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<PathBuf, FileState>);

/// A difference between two snapshots.
#[derive(Debug, PartialEq, Eq)]
pub enum FileChange {
    /// The file is new.
    Added(PathBuf),
    /// The file was written or replaced.
    Changed(PathBuf),
    /// The file no longer exists.
    Removed(PathBuf),
}

impl FileChange {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        let (Self::Added(path) | Self::Changed(path) | Self::Removed(path)) = self;
        path
    }
}

/// The metadata that reveals changes: a file whose state differs may have different content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileState {
    length: u64,
    modified: Option<SystemTime>,
    /// Distinguishes a file from the one that it replaced, even if both have the same time.
    inode: u64,
}

impl Snapshot {
    /// The state of these files, and of the files in these directories.
    #[must_use]
    pub fn of(paths: &[PathBuf]) -> Self {
        let files = paths.iter().flat_map(|path| walk(path).files).filter_map(Result::ok);
        Self(files.filter_map(|file| FileState::of(&file).map(|state| (file, state))).collect())
    }

    /// The changes since an earlier snapshot, in the order of names, removed files first.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Vec<FileChange> {
        let removed = earlier.0.keys().filter(|file| !self.0.contains_key(*file));
        let mut changes: Vec<FileChange> = removed.cloned().map(FileChange::Removed).collect();
        changes.extend(self.0.iter().filter_map(|(file, state)| match earlier.0.get(file) {
            None => Some(FileChange::Added(file.clone())),
            Some(before) => (before != state).then(|| FileChange::Changed(file.clone())),
        }));
        changes
    }
}

impl FileState {
    fn of(file: &Path) -> Option<Self> {
        let found = fs::metadata(file).ok()?;
        Some(Self { length: found.len(), modified: found.modified().ok(), inode: inode(&found) })
    }
}

#[cfg(unix)]
fn inode(found: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn added_written_replaced_and_removed_files_are_changes() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in ["kept", "grown", "replaced", "removed", ".hidden"] {
            fs::write(path(name), "a").unwrap();
        }
        let paths = [dir.path().to_owned(), path("not there")];
        let before = Snapshot::of(&paths);
        assert_eq!(before.since(&before), []);

        fs::write(path("grown"), "ab").unwrap();
        let modified = fs::metadata(path("replaced")).unwrap().modified().unwrap();
        let new = fs::File::create(path("new")).unwrap();
        io::Write::write_all(&mut &new, b"b").unwrap();
        new.set_modified(modified).unwrap();
        fs::rename(path("new"), path("replaced")).unwrap();
        fs::remove_file(path("removed")).unwrap();
        fs::write(path(".hidden"), "ab").unwrap();
        fs::create_dir(path("deep")).unwrap();
        fs::write(path("deep/added"), "a").unwrap();
        let after = Snapshot::of(&paths);
        let mut expected = vec![
            FileChange::Removed(path("removed")),
            FileChange::Added(path("deep/added")),
            FileChange::Changed(path("grown")),
            FileChange::Changed(path("replaced")),
        ];
        // Without inodes, only length and time show a change.
        expected.truncate(if cfg!(unix) { 4 } else { 3 });
        assert_eq!(after.since(&before), expected);
    }

    #[test]
    fn a_file_that_is_named_twice_is_one_change() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        let before = Snapshot::of(&[file.clone(), dir.path().to_owned()]);
        fs::write(&file, "").unwrap();
        let after = Snapshot::of(&[file.clone(), dir.path().to_owned()]);
        assert_eq!(after.since(&before), [FileChange::Added(file)]);
    }
}
