//! Opens captures. A checkout can hold a link to a device, a pipe, or a file of the kernel that never ends. Whatever a link leads
//! to is therefore read only if it is a regular file, and a regular file is never waited for.

use std::{fs::File, io, path::Path};

/// Opens a capture that the user named, or that was found in a directory.
///
/// # Errors
///
/// If it can't be opened, or is a link to something other than a file or a directory.
#[cfg(unix)]
pub(super) fn open(path: &Path) -> io::Result<File> {
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

/// Opens a capture that the user named, or that was found in a directory.
///
/// # Errors
///
/// If it can't be opened.
#[cfg(not(unix))]
pub(super) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Whether a link decides what a path is. Those of the system don't count: `/dev/stdin` and `/dev/fd/63` are links too.
#[cfg(unix)]
fn is_linked(path: &Path) -> bool {
    if path.is_absolute() {
        return !(path.starts_with("/dev") || path.starts_with("/proc")) && path.is_symlink();
    }
    path.ancestors().any(Path::is_symlink)
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

    /// Only root may read /proc/kmsg, so the flag that keeps it from blocking is looked at.
    #[test]
    fn a_regular_file_is_not_waited_for() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let flags = rustix::fs::fcntl_getfl(open(file.path()).unwrap()).unwrap();
        assert!(flags.contains(OFlags::NONBLOCK));
    }
}
