//! Files that a capture refers to. They must be beside it or below its directory: a capture from elsewhere must not be
//! able to read other files.

use std::{
    fs::File,
    io::Read,
    path::{Component, Path},
};

use super::{
    MAX_SIZE,
    parts::{ParseError, expected, quoted},
};

/// The bytes of a file that a capture in `directory` names.
///
/// # Errors
///
/// If there is no directory (as for standard input), or the file is outside it, not a regular file, too large or
/// unreadable.
pub(super) fn read(directory: Option<&Path>, name: &str) -> Result<Vec<u8>, ParseError> {
    let Some(directory) = directory else {
        return Err(expected(format!("the body itself, found a reference to {}", quoted(name))));
    };
    let relative = Path::new(name);
    let stays_below = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let resolved = directory.canonicalize().and_then(|root| Ok((directory.join(relative).canonicalize()?, root)));
    let (file, root) = resolved.map_err(|error| unreadable(name, &error.to_string()))?;
    if !stays_below || !file.starts_with(&root) {
        return Err(expected(format!("a file beside the capture, found {}", quoted(name))));
    }
    let metadata = file.metadata().map_err(|error| unreadable(name, &error.to_string()))?;
    if !metadata.is_file() {
        return Err(unreadable(name, "it isn't a regular file"));
    }
    let mut bytes = Vec::new();
    let read = File::open(&file).and_then(|file| file.take(MAX_SIZE as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| unreadable(name, &error.to_string()))?;
    if bytes.len() > MAX_SIZE {
        return Err(unreadable(name, &format!("it is larger than {} MiB", MAX_SIZE >> 20)));
    }
    Ok(bytes)
}

fn unreadable(name: &str, why: &str) -> ParseError {
    expected(format!("the body in {}: {why}", quoted(name)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn error(directory: &Path, name: &str) -> String {
        match read(Some(directory), name) {
            Err(ParseError::Expected(what)) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_files_beside_the_capture_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("inside");
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("body.json"), "{}").unwrap();
        fs::write(dir.path().join("secret"), "s").unwrap();
        assert_eq!(read(Some(&inside), "./body.json").unwrap(), b"{}");
        assert_eq!(error(&inside, "../secret"), "a file beside the capture, found \"../secret\"");
        let absolute = dir.path().join("secret");
        assert!(error(&inside, absolute.to_str().unwrap()).starts_with("a file beside the capture, found"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&absolute, inside.join("link")).unwrap();
            assert_eq!(error(&inside, "link"), "a file beside the capture, found \"link\"");
        }
        assert_eq!(error(&inside, "."), "the body in \".\": it isn't a regular file");
    }
}
