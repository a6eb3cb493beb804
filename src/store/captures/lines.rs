//! Reads a log from its end, so that its newest lines are found just as fast in a long log.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use crate::{store::opened, webhook::capture::MAX_SIZE};

/// The size of the first read, in bytes. Each further read of the same line doubles what has been read of it.
const STEP: usize = 64 << 10;

/// The lines of a file, the last one first, without their line feeds.
pub(super) struct LinesFromEnd {
    file: File,
    /// The offset before which nothing has been read.
    start: u64,
    /// The bytes read but not yet returned, which may begin in the middle of a line. `None` after the first line.
    read: Option<Vec<u8>>,
}

impl LinesFromEnd {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = opened::open(path)?;
        let start = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, start, read: Some(Vec::new()) })
    }

    /// The previous line. The first call returns what follows the last line feed, even if empty. `None` after the first
    /// line of the file.
    ///
    /// # Errors
    ///
    /// If the file can't be read, or the line is longer than any capture.
    pub(super) fn previous(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(mut read) = self.read.take() else { return Ok(None) };
        let mut unsearched = read.len();
        loop {
            if let Some(feed) = memchr::memrchr(b'\n', &read[..unsearched]) {
                let line = read.split_off(feed + 1);
                read.pop();
                self.read = Some(read);
                return Ok(Some(line));
            }
            if self.start == 0 {
                return Ok(Some(read));
            }
            if read.len() > MAX_SIZE {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is longer than a capture may be"));
            }
            unsearched = usize::try_from(self.start).unwrap_or(usize::MAX).min(STEP.max(read.len()));
            self.start -= unsearched as u64;
            self.file.seek(SeekFrom::Start(self.start))?;
            let mut before = vec![0; unsearched];
            self.file.read_exact(&mut before)?;
            before.append(&mut read);
            read = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, text).unwrap();
        let mut lines = LinesFromEnd::open(&path).unwrap();
        std::iter::from_fn(|| lines.previous().unwrap()).map(|line| String::from_utf8(line).unwrap()).collect()
    }

    #[test]
    fn lines_come_in_reverse_however_long_they_are() {
        assert_eq!(lines(""), [""]);
        assert_eq!(lines("a"), ["a"]);
        assert_eq!(lines("a\n\nb\n"), ["", "b", "", "a"]);
        let long = ["x".repeat(3 * STEP), "y".repeat(STEP - 1), "z".repeat(STEP), "w".repeat(2 * STEP + 1)];
        let reversed: Vec<String> = long.iter().rev().cloned().collect();
        assert_eq!(lines(&long.join("\n")), reversed);
    }
}
