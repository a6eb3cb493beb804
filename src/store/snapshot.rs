//! Which files there are at one time and how each of them stood, so that what has changed since can
//! be told. Nothing is read but the files' metadata.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::formats::walk;

/// The files under some paths as they stood at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<PathBuf, Stamp>);

/// What differs from the time before.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// The file was not there before.
    Added(PathBuf),
    /// The file was written or replaced.
    Changed(PathBuf),
    /// The file is there no more.
    Gone(PathBuf),
}

/// How a file stands: another stamp is another content, or may be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    /// Tells a file from the one that it took the place of, whatever its time says.
    inode: u64,
}

impl Snapshot {
    /// Looks at these files, and at those in folders that a walk finds.
    #[must_use]
    pub fn of(paths: &[PathBuf]) -> Self {
        let files = paths.iter().flat_map(|path| walk(path).files).filter_map(Result::ok);
        Self(files.filter_map(|file| Stamp::of(&file).map(|stamp| (file, stamp))).collect())
    }

    /// What has changed since an earlier one, by name; what is gone comes first.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Vec<Change> {
        let gone = earlier.0.keys().filter(|file| !self.0.contains_key(*file));
        let mut changes: Vec<Change> = gone.cloned().map(Change::Gone).collect();
        changes.extend(self.0.iter().filter_map(|(file, stamp)| match earlier.0.get(file) {
            None => Some(Change::Added(file.clone())),
            Some(before) => (before != stamp).then(|| Change::Changed(file.clone())),
        }));
        changes
    }
}

impl Stamp {
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
    fn what_was_added_written_replaced_and_removed_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["kept", "grown", "replaced", "removed", ".hidden"] {
            fs::write(path(name), "a").unwrap();
        }
        let paths = [folder.path().to_owned(), path("not there")];
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
            Change::Gone(path("removed")),
            Change::Added(path("deep/added")),
            Change::Changed(path("grown")),
            Change::Changed(path("replaced")),
        ];
        // Without inodes, length and time are all that there is to go by.
        expected.truncate(if cfg!(unix) { 4 } else { 3 });
        assert_eq!(after.since(&before), expected);
    }

    #[test]
    fn a_file_that_is_named_twice_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        let before = Snapshot::of(&[file.clone(), folder.path().to_owned()]);
        fs::write(&file, "").unwrap();
        let after = Snapshot::of(&[file.clone(), folder.path().to_owned()]);
        assert_eq!(after.since(&before), [Change::Added(file)]);
    }
}
