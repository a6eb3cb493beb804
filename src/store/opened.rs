//! Opens captures. A checkout can contain a link to a device, a pipe, or a kernel file that never ends. So the target
//! of a link is read only if it is a regular file, and reading a regular file never blocks.

use std::{fs::File, io, path::Path};

/// Opens a capture that the user named or that was found in a directory.
///
/// # Errors
///
/// If it can't be opened, or is a link to something other than a file or a directory.
#[cfg(unix)]
pub fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::{fs, os::unix::fs::OpenOptionsExt};

    use super::read::kind;

    let found = fs::metadata(path)?.file_type();
    if found.is_file() || found.is_dir() {
        // Linux's /proc/kmsg is a regular file, and reading from it blocks without this.
        return fs::OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path);
    }
    if is_linked(path) {
        let message = format!("it is a link to {}, not to a regular file", kind(found));
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    File::open(path)
}

/// Opens a capture that the user named or that was found in a directory.
///
/// # Errors
///
/// If it can't be opened.
#[cfg(not(unix))]
pub fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Whether a path, or one of its directories, is a link. The system's own don't count: `/dev/stdin` and `/dev/fd/63`
/// are links, and on some systems `/tmp` is one.
#[cfg(unix)]
fn is_linked(path: &Path) -> bool {
    let named = directory_of(path);
    let is_named = named == Path::new(".") || named.starts_with("/dev") || named.starts_with("/proc");
    if is_named && named.canonicalize().is_ok_and(|directory| is_of_the_system(&directory)) {
        return false;
    }
    path.ancestors().any(|part| part.is_symlink() && part.parent() != Some(Path::new("/")))
}

/// The directory that contains a path.
pub(super) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

/// Whether the links in a directory are the system's own: those for standard streams, and those for files that a
/// process has open, such as a shell's `>(gzip > log.gz)`.
pub(super) fn is_of_the_system(directory: &Path) -> bool {
    let devices = Path::new("/dev");
    cfg!(unix) && (directory == devices || directory == devices.join("fd") || directory.starts_with("/proc"))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::{fs, io::Read, os::unix::fs::symlink};

    use rustix::fs::OFlags;

    use super::*;

    fn error(path: &Path) -> String {
        open(path).unwrap_err().to_string()
    }

    #[test]
    fn a_link_leads_only_to_a_regular_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        fs::write(path("file"), "text").unwrap();
        for (link, target) in [("zero", "/dev/zero"), ("to pipe", "pipe"), ("to file", "file"), ("twice", "zero")] {
            symlink(target, path(link)).unwrap();
        }
        assert_eq!(error(&path("zero")), "it is a link to a device, not to a regular file");
        assert_eq!(error(&path("twice")), "it is a link to a device, not to a regular file");
        assert_eq!(error(&path("to pipe")), "it is a link to a named pipe, not to a regular file");
        let mut text = String::new();
        open(&path("to file")).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
        assert!(open(Path::new("/dev/null")).is_ok() && open(Path::new("/dev/fd/0")).is_ok());
        let writer = std::thread::spawn({
            let pipe = path("pipe");
            move || fs::write(pipe, "piped").unwrap()
        });
        let mut text = String::new();
        open(&path("pipe")).unwrap().read_to_string(&mut text).unwrap();
        writer.join().unwrap();
        assert_eq!(text, "piped");
    }

    #[test]
    fn a_directory_that_is_a_link_is_one_too() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        fs::create_dir(dir.join("real")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(dir.join("real/pipe")).status().unwrap().success());
        symlink("real", dir.join("linked")).unwrap();
        symlink("/dev", dir.join("devices")).unwrap();
        assert_eq!(error(&dir.join("linked/pipe")), "it is a link to a named pipe, not to a regular file");
        let through = format!("{}/devices/../{}/linked/pipe", dir.display(), dir.strip_prefix("/").unwrap().display());
        assert_eq!(error(Path::new(&through)), "it is a link to a named pipe, not to a regular file");
        assert!(!is_linked(&dir.join("real/pipe")) && !is_linked(Path::new("/dev/stdin")));
    }

    /// Only root may read /proc/kmsg, so this checks for the flag that keeps a read from blocking.
    #[test]
    fn a_regular_file_is_not_waited_for() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let flags = rustix::fs::fcntl_getfl(open(file.path()).unwrap()).unwrap();
        assert!(flags.contains(OFlags::NONBLOCK));
    }
}
