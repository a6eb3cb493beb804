//! Reads the files that configure hookdev: the config, env files, secrets, and the files of providers. They are regular
//! files of at most [`MAX_BYTES`]; anything else could block, never end, or fill the memory, even at a press of TAB.

use std::{
    fs::{self, File, FileType, Metadata, OpenOptions},
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

/// The size limit of a file, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;

/// The text of a file, and the metadata of the file that was read.
pub struct TextFile {
    /// The text. It may be, or contain, a secret.
    pub text: Zeroizing<String>,
    pub metadata: Metadata,
}

/// The text of a file. It may be, or contain, a secret.
///
/// # Errors
///
/// As for [`file`].
pub fn text(path: &Path) -> io::Result<Zeroizing<String>> {
    file(path).map(|file| file.text)
}

/// Reads a file. Links are followed.
///
/// # Errors
///
/// If the file can't be opened, isn't a regular file, is too large, or isn't UTF-8.
pub fn file(path: &Path) -> io::Result<TextFile> {
    let (mut bytes, metadata) = open_and_read(path)?;
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(TextFile { text: Zeroizing::new(text), metadata }),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(not_text())
        }
    }
}

/// The bytes of a file, which needn't be text.
///
/// # Errors
///
/// As for [`file`], except that any content is allowed.
pub fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    open_and_read(path).map(|(mut bytes, _)| std::mem::take(&mut *bytes))
}

/// The error for a file that should be text.
pub fn not_text() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text")
}

fn open_and_read(path: &Path) -> io::Result<(Zeroizing<Vec<u8>>, Metadata)> {
    // Opening a device can have side effects, so the type is checked first, and again afterwards in case the file was
    // replaced.
    regular(&fs::metadata(path)?)?;
    let mut file = open(path)?;
    let metadata = file.metadata()?;
    regular(&metadata)?;
    let bytes = read(&mut file, metadata.len())?;
    Ok((bytes, metadata))
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;

    // Without NONBLOCK, a pipe blocks until someone writes to it.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

fn regular(metadata: &Metadata) -> io::Result<()> {
    if !metadata.is_file() {
        let message = format!("it is {}, not a regular file", kind(metadata.file_type()));
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    if metadata.len() > MAX_BYTES { Err(too_large()) } else { Ok(()) }
}

fn read(file: &mut impl Read, length: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Allocated in full, because a growing vector would leave copies of a secret in memory. Files in /proc report no
    // length.
    let capacity = usize::try_from(length.min(MAX_BYTES)).unwrap_or_default().max(4 << 10);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity + 1));
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large());
    }
    Ok(bytes)
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB")
}

/// The type of a special file, in words.
#[cfg(unix)]
pub(super) fn kind(found: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;

    match found {
        found if found.is_dir() => "a directory",
        found if found.is_fifo() => "a named pipe",
        found if found.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn kind(found: FileType) -> &'static str {
    if found.is_dir() { "a directory" } else { "a device" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(path: &Path) -> String {
        text(path).unwrap_err().to_string()
    }

    #[test]
    fn only_a_regular_file_of_text_within_the_limit_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let limit = usize::try_from(MAX_BYTES).unwrap();
        for (content, expected) in [
            (Vec::new(), Ok(0)),
            (vec![b'x'; limit], Ok(limit)),
            (vec![b'x'; limit + 1], Err("it is larger than 1 MiB")),
            (b"\xff\xfe".to_vec(), Err("it is not UTF-8 text")),
        ] {
            fs::write(&path, content).unwrap();
            assert_eq!(
                text(&path).map(|text| text.len()).map_err(|error| error.to_string()).as_ref().ok(),
                expected.ok().as_ref()
            );
            if let Err(message) = expected {
                assert_eq!(error(&path), message);
            }
        }
        assert_eq!(error(dir.path()), "it is a directory, not a regular file");
        assert_eq!(text(&dir.path().join("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_that_grows_while_it_is_read_is_too_large() {
        assert_eq!(read(&mut io::repeat(b'x'), 10).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(*read(&mut b"abc".as_slice(), 0).unwrap(), b"abc");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn special_files_are_refused_without_reading_them() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};

        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert_eq!(error(&pipe), "it is a named pipe, not a regular file");
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(error(&socket), "it is a socket, not a regular file");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        for device in [Path::new("/dev/zero"), Path::new("/dev/urandom"), &link] {
            assert_eq!(error(device), "it is a device, not a regular file");
        }
    }
}
