//! Opens a log for appending, but refuses a file that isn't the user's: one that a link leads to, or one that another
//! user owns. A checked-out repository, or another user of a shared directory, may have planted either.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use super::super::opened::{directory_of, is_of_the_system};

/// A file open for appending.
#[derive(Debug)]
pub(super) struct Appendable {
    pub file: File,
    pub metadata: Metadata,
    /// The file itself, even if the given path is a link.
    path: PathBuf,
}

impl Appendable {
    /// Opens a file, or creates it with its parents; only its owner may read one that it creates.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        check_parents(path)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let (path, follow) = target(path)?;
        let file = system::open(&path, follow)?;
        let metadata = file.metadata()?;
        system::check_owner(&metadata, follow)?;
        Ok(Self { file, metadata, path })
    }

    /// From now on, only the file's owner may read it.
    pub(super) fn make_private(&self) {
        system::make_private(&self.file, &self.metadata);
    }

    /// The same file, open for reading.
    pub(super) fn reader(&self) -> io::Result<File> {
        let reader = system::open_to_read(&self.path)?;
        if identity(&reader.metadata()?) == identity(&self.metadata) {
            Ok(reader)
        } else {
            Err(io::Error::other("another file has just replaced it"))
        }
    }
}

/// Checks that neither a directory nor any of its parents is a link that leads out of its own directory.
pub(super) fn check_directory(path: &Path) -> io::Result<()> {
    // Without a trailing slash or `.`, which would make the system follow a link.
    let path: PathBuf = path.components().collect();
    check_parents(&path)?;
    target(&path).map(drop)
}

/// Checks the links among the directories of a path: all of a relative path, and those of an absolute path that are in
/// or above the working directory, where a checkout may have put them.
fn check_parents(path: &Path) -> io::Result<()> {
    let path: PathBuf = path.components().collect();
    let working_dir = std::env::current_dir()?.canonicalize()?;
    for part in path.ancestors().skip(1).filter(|part| part.is_symlink()) {
        let place = directory_of(part).canonicalize()?;
        let is_near = place.starts_with(&working_dir) || place.parent().is_some() && working_dir.starts_with(&place);
        if part.is_relative() || is_near {
            let reason = |error: io::Error| match error.kind() {
                io::ErrorKind::PermissionDenied => refused(format!("{}: {error}", part.display())),
                _ => error,
            };
            target(part).map_err(reason)?;
        }
    }
    Ok(())
}

/// The file that a path names, and whether the path is one of the system's links. A link may lead to a file beside it,
/// so that a name such as `current.ndjson` can be given to one file after another.
fn target(path: &Path) -> io::Result<(PathBuf, bool)> {
    // If its metadata can't be read, opening it will give the reason.
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        return Ok((path.to_owned(), false));
    }
    let directory = directory_of(path).canonicalize()?;
    if is_of_the_system(&directory) {
        return Ok((path.to_owned(), true));
    }
    let link = fs::read_link(path)?;
    let target = directory.join(&link);
    match (target.parent().map(Path::canonicalize), target.file_name()) {
        (Some(Ok(beside)), Some(name)) if beside == directory => Ok((directory.join(name), false)),
        _ => Err(refused(format!("it is a link to {}, in another directory; name that instead", link.display()))),
    }
}

fn refused(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason.into())
}

/// Distinguishes a file from one that has replaced it at the same path.
#[cfg(unix)]
pub(super) type FileIdentity = (u64, u64);

#[cfg(unix)]
pub(super) fn identity(metadata: &Metadata) -> FileIdentity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
pub(super) type FileIdentity = Option<std::time::SystemTime>;

#[cfg(not(unix))]
pub(super) fn identity(metadata: &Metadata) -> FileIdentity {
    metadata.created().ok()
}

#[cfg(unix)]
mod system {
    use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};

    use rustix::{
        fs::{OFlags, fcntl_getfl, fcntl_setfl},
        io::Errno,
        process::geteuid,
    };

    use super::{File, Metadata, OpenOptions, Path, fs, io, refused};

    /// Opens a file without waiting for the reader of a pipe. Later writes do wait.
    pub(super) fn open(path: &Path, follow: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).custom_flags(flags(OFlags::NONBLOCK, follow));
        let file = options.open(path).map_err(|error| explained(path, error))?;
        fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
        Ok(file)
    }

    pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).custom_flags(flags(OFlags::NONBLOCK, false)).open(path)
    }

    fn flags(flags: OFlags, follow: bool) -> i32 {
        let flags = if follow { flags } else { flags | OFlags::NOFOLLOW };
        flags.bits().cast_signed()
    }

    fn explained(path: &Path, error: io::Error) -> io::Error {
        let is_pipe = || fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
        match Errno::from_io_error(&error) {
            Some(Errno::LOOP) => refused("it is a link to a link; name the file itself"),
            Some(Errno::NXIO) if is_pipe() => io::Error::new(
                io::ErrorKind::NotConnected,
                "it is a pipe that no program reads; start the reader first",
            ),
            _ => error,
        }
    }

    /// Files and named pipes must belong to the user. Devices are shared, and files that the process already has open
    /// were given to it.
    pub(super) fn check_owner(metadata: &Metadata, is_given: bool) -> io::Result<()> {
        let is_owned = metadata.is_file() || metadata.file_type().is_fifo() && !is_given;
        if is_owned && metadata.uid() != geteuid().as_raw() {
            return Err(refused(format!("it belongs to another user (user id {})", metadata.uid())));
        }
        Ok(())
    }

    /// This fails on file systems without modes, where all files have the same permissions anyway.
    pub(super) fn make_private(file: &File, metadata: &Metadata) {
        if metadata.is_file() && metadata.mode() & 0o077 != 0 {
            let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
        }
    }
}

#[cfg(not(unix))]
mod system {
    use super::{File, Metadata, OpenOptions, Path, io};

    pub(super) fn open(path: &Path, _follow: bool) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).open(path)
    }

    pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
        File::open(path)
    }

    #[expect(clippy::unnecessary_wraps, reason = "it fails elsewhere")]
    pub(super) fn check_owner(_metadata: &Metadata, _is_given: bool) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn make_private(_file: &File, _metadata: &Metadata) {}
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;

    fn error(path: &Path) -> String {
        Appendable::open(path).unwrap_err().to_string()
    }

    #[test]
    fn a_link_to_a_file_in_another_directory_is_refused_and_the_file_unchanged() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (link, file) = (dir.path().join("log.ndjson"), other.path().join("config.json"));
        fs::write(&file, "{}").unwrap();
        for target in [file.clone(), other.path().join("missing.ndjson"), "../x/log".into(), "..".into()] {
            symlink(&target, &link).unwrap();
            let expected = format!("it is a link to {}, in another directory; name that instead", target.display());
            assert_eq!(error(&link), expected);
            fs::remove_file(&link).unwrap();
        }
        assert_eq!((fs::read(&file).unwrap(), other.path().join("missing.ndjson").exists()), (b"{}".to_vec(), false));
    }

    #[test]
    fn a_link_to_a_file_beside_it_is_followed_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for target in [PathBuf::from("today.ndjson"), path("today.ndjson"), "./today.ndjson".into()] {
            symlink(target, path("current.ndjson")).unwrap();
            Appendable::open(&path("current.ndjson")).unwrap().file.write_all(b"x").unwrap();
            fs::remove_file(path("current.ndjson")).unwrap();
        }
        assert_eq!(fs::read(path("today.ndjson")).unwrap(), b"xxx");
        symlink("today.ndjson", path("a")).unwrap();
        symlink("a", path("b")).unwrap();
        assert_eq!(error(&path("b")), "it is a link to a link; name the file itself");
    }

    #[test]
    fn a_file_that_others_can_read_becomes_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.ndjson");
        fs::write(&path, "").unwrap();
        for mode in [0o644, 0o660, 0o604] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            Appendable::open(&path).unwrap().make_private();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{mode:o}");
        }
    }

    #[test]
    fn a_pipe_without_a_reader_is_an_error_and_with_one_it_is_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        let status = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(status.success());
        assert_eq!(error(&path), "it is a pipe that no program reads; start the reader first");
        let mut reader = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        Appendable::open(&path).unwrap().file.write_all(b"hello").unwrap();
        let mut read = [0; 5];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(read, *b"hello");
    }

    #[test]
    fn a_file_that_replaced_the_open_one_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.ndjson");
        let opened = Appendable::open(&path).unwrap();
        assert!(opened.reader().is_ok());
        fs::rename(&path, dir.path().join("old")).unwrap();
        fs::write(&path, "other").unwrap();
        assert_eq!(opened.reader().unwrap_err().to_string(), "another file has just replaced it");
    }
}
