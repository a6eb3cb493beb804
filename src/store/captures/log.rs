//! A log of captures: a file with one line per event.
//!
//! Lines that arrive together are written together, and lines of several threads don't mix. When a log is opened, an
//! incomplete last line is removed if hookdev wrote it, cut off by a full disk or a power failure. A file with other
//! content is left alone. A log that is moved or deleted meanwhile is reopened.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use parking_lot::Mutex;

use super::append::{Appendable, FileIdentity, identity};
use crate::webhook::capture::{self, MAX_SIZE};

#[derive(Debug)]
pub(super) struct CaptureLog {
    path: PathBuf,
    truncated: u64,
    is_regular: bool,
    state: Mutex<LogState>,
}

#[derive(Debug)]
struct LogState {
    /// `None` after a failure: reopening the file repairs whatever the failure left.
    file: Option<OpenLog>,
    lines: LineBatch,
}

impl CaptureLog {
    /// Opens a file to append to and repairs its last line, or creates the file with its parents.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let (file, truncated) = OpenLog::open(path)?;
        let is_regular = file.file.metadata()?.is_file();
        let state = LogState { file: Some(file), lines: LineBatch::default() };
        Ok(Self { path: path.to_owned(), truncated, is_regular, state: Mutex::new(state) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes of an incomplete last line were removed when the log was opened.
    pub(super) fn truncated_bytes(&self) -> u64 {
        self.truncated
    }

    /// Whether it is a file, as opposed to a pipe or a device.
    pub(super) fn is_regular(&self) -> bool {
        self.is_regular
    }

    /// Appends JSON objects, one per line, with a single write.
    pub(super) fn append<'o>(&self, objects: impl IntoIterator<Item = &'o [u8]>) -> Appended {
        let LogState { file, lines } = &mut *self.state.lock();
        lines.clear();
        objects.into_iter().for_each(|object| lines.push(object));
        let open = match file.take() {
            Some(open) if open.is_still_at(&self.path) => open,
            _ => match OpenLog::open(&self.path) {
                Ok((open, _)) => open,
                Err(error) => return Appended { start: None, whole: 0, result: Err(error) },
            },
        };
        let appended = append_lines(&open.file, lines);
        if appended.result.is_ok() {
            *file = Some(open);
        }
        lines.clear();
        appended
    }
}

/// The result of appending lines.
#[derive(Debug)]
pub(super) struct Appended {
    /// The offset of the first one, if known.
    pub start: Option<u64>,
    /// How many were written, which are all unless there is an error.
    pub whole: usize,
    pub result: io::Result<()>,
}

/// The lines of one write.
#[derive(Debug, Default)]
struct LineBatch {
    text: Vec<u8>,
    /// The offset at which each line ends.
    ends: Vec<usize>,
}

/// The capacity that is kept for the next lines, in bytes.
const HELD: usize = 128 << 10;

impl LineBatch {
    fn clear(&mut self) {
        self.text.clear();
        self.text.shrink_to(HELD);
        self.ends.clear();
    }

    /// Adds an object as a line. Line feeds between its tokens become spaces; strings contain none.
    fn push(&mut self, object: &[u8]) {
        self.text.extend(object.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }));
        self.text.push(b'\n');
        self.ends.push(self.text.len());
    }

    /// How many whole lines the first `bytes` contain, and how many bytes of the next line.
    fn within(&self, bytes: usize) -> (usize, usize) {
        let whole = self.ends.partition_point(|end| *end <= bytes);
        (whole, bytes - whole.checked_sub(1).map_or(0, |last| self.ends[last]))
    }
}

#[derive(Debug)]
struct OpenLog {
    file: File,
    identity: FileIdentity,
}

impl OpenLog {
    fn open(path: &Path) -> io::Result<(Self, u64)> {
        let opened = Appendable::open(path)?;
        let truncated = if opened.metadata.is_file() { repair(&opened, opened.metadata.len())? } else { 0 };
        // Only now, because a file that hookdev refuses keeps its permissions.
        opened.make_private();
        Ok((Self { identity: identity(&opened.metadata), file: opened.file }, truncated))
    }

    /// Whether the path still leads to the open file. This costs a `stat` per write (0.5 µs), without which lines would
    /// go to a file that was moved away.
    fn is_still_at(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|there| identity(&there) == self.identity)
    }
}

/// Appends lines to the file. If a write fails, removes the incomplete line.
fn append_lines(mut file: &File, lines: &LineBatch) -> Appended {
    let mut written = 0;
    let failure = loop {
        if written == lines.text.len() {
            return Appended { start: start(file, written), whole: lines.ends.len(), result: Ok(()) };
        }
        match file.write(&lines.text[written..]) {
            Ok(0) => break io::ErrorKind::WriteZero.into(),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break error,
        }
    };
    let start = start(file, written);
    let (whole, incomplete) = lines.within(written);
    if incomplete > 0 {
        // If this fails too, the line is removed when the log is reopened.
        let _ = remove_last(file, incomplete);
    }
    Appended { start, whole, result: Err(failure) }
}

/// The offset at which a handle began to append, after it has `written` this many bytes. A device or a pipe has none.
fn start(mut file: &File, written: usize) -> Option<u64> {
    file.stream_position().ok()?.checked_sub(written as u64)
}

/// Removes the last `written` bytes, which this handle wrote, unless another process has appended to them since.
fn remove_last(mut file: &File, written: usize) -> io::Result<()> {
    let metadata = file.metadata()?;
    let end = file.stream_position()?;
    if metadata.is_file() && metadata.len() == end {
        file.set_len(end.saturating_sub(written as u64))?;
    }
    Ok(())
}

/// Adds a missing line feed to a complete last line, or removes an incomplete one. Returns the number of bytes removed.
///
/// A power failure may leave NULs at the end, if the file system had recorded the new length but not the bytes.
fn repair(opened: &Appendable, length: u64) -> io::Result<u64> {
    if length == 0 {
        return Ok(0);
    }
    let mut reader = opened.reader()?;
    let mut start = Vec::new();
    (&mut reader).take(capture::START_LENGTH).read_to_end(&mut start)?;
    let tail = last_line(&mut reader, length)?;
    let end = tail.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let line = &tail[..end];
    let is_only_line = tail.len() as u64 == length;
    if !(capture::starts_log(&start) || is_only_line && capture::starts_line(line)) {
        return Err(not_a_log("its first line isn't one that hookdev writes"));
    }
    if tail.is_empty() {
        return Ok(0);
    }
    let is_whole = line.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    if !is_whole && !capture::starts_line(line) {
        return Err(not_a_log("its last line is incomplete and isn't one that hookdev writes"));
    }
    let mut file = &opened.file;
    let now = file.metadata()?.len();
    if now != length {
        // Another process was in the middle of that line.
        return repair(opened, now);
    }
    let kept = if is_whole { line.len() } else { 0 };
    let removed = (tail.len() - kept) as u64;
    if removed > 0 {
        file.set_len(length - removed)?;
    }
    if is_whole {
        file.write_all(b"\n")?;
    }
    Ok(removed)
}

/// The bytes after the last line feed of a log.
fn last_line(log: &mut File, length: u64) -> io::Result<Vec<u8>> {
    let mut size = length.min(64 * 1024);
    loop {
        log.seek(SeekFrom::Start(length - size))?;
        let mut tail = Vec::new();
        log.take(size).read_to_end(&mut tail)?;
        if let Some(feed) = memchr::memrchr(b'\n', &tail) {
            tail.drain(..=feed);
            return Ok(tail);
        }
        if size == length {
            return Ok(tail);
        }
        if tail.len() > MAX_SIZE {
            return Err(not_a_log("its last line is too long"));
        }
        size = (size * 2).min(length);
    }
}

fn not_a_log(reason: &str) -> io::Error {
    let message = format!("it isn't a log of captures: {reason}");
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn log_of(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.ndjson");
        fs::write(&path, content).unwrap();
        (dir, path)
    }

    fn appending(path: &Path) -> io::Result<File> {
        Appendable::open(path).map(|opened| opened.file)
    }

    impl CaptureLog {
        fn append_one(&self, object: &[u8]) -> io::Result<()> {
            let Appended { whole, result, .. } = self.append([object]);
            assert_eq!(whole, usize::from(result.is_ok()));
            result
        }
    }

    /// The start of a capture's line.
    const START: &str = r#"{"kind":"delivery","hookdev":1,"seq":"#;

    /// A log of one line.
    fn line() -> String {
        format!("{START}1}}\n")
    }

    fn appended_to(content: impl AsRef<[u8]>) -> (String, u64) {
        let (_dir, path) = log_of(content.as_ref());
        let log = CaptureLog::open(&path).unwrap();
        log.append_one(b"{\"seq\":9}").unwrap();
        (fs::read_to_string(&path).unwrap(), log.truncated_bytes())
    }

    #[test]
    fn a_new_log_is_created_with_its_parents() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/log.ndjson");
        CaptureLog::open(&path).unwrap().append_one(b"{}").unwrap();
        assert_eq!(fs::read(path).unwrap(), b"{}\n");
    }

    #[test]
    fn lines_are_appended_to_those_of_an_earlier_run() {
        assert_eq!(appended_to(line()), (line() + "{\"seq\":9}\n", 0));
        assert_eq!(appended_to(b""), ("{\"seq\":9}\n".to_owned(), 0));
        for other in ["{\"kind\":\"ready\",\"url\":\"u\"}\n", "{ \"kind\": \"delivery\" }\n", "{\"hookdev\":1}\n"] {
            assert_eq!(appended_to(other), (format!("{other}{{\"seq\":9}}\n"), 0));
        }
    }

    #[test]
    fn an_object_on_several_lines_becomes_one_line() {
        let (_dir, path) = log_of(b"");
        CaptureLog::open(&path).unwrap().append_one(b"{\n \"a\": 1\n}\n").unwrap();
        assert_eq!(fs::read(path).unwrap(), b"{  \"a\": 1 } \n");
    }

    #[test]
    fn a_complete_last_line_without_a_line_feed_gets_one() {
        assert_eq!(appended_to(line().trim_end()), (line() + "{\"seq\":9}\n", 0));
        assert_eq!(appended_to(line() + "{\"a\":1}"), (line() + "{\"a\":1}\n{\"seq\":9}\n", 0));
    }

    #[test]
    fn an_incomplete_last_line_is_removed_and_its_bytes_are_counted() {
        for torn in [START, "{", "{\"kin", "{\"kind\":\"delivery\",\"hookdev\":1,\"seq\":1,\"request\":{\"bo"] {
            assert_eq!(appended_to(line() + torn), (line() + "{\"seq\":9}\n", torn.len() as u64), "{torn}");
            assert_eq!(appended_to(torn), ("{\"seq\":9}\n".to_owned(), torn.len() as u64), "{torn}");
        }
    }

    #[test]
    fn an_incomplete_last_line_longer_than_a_block_is_removed() {
        let torn = format!("{START}1,\"body\":\"{}", "x".repeat(300_000));
        assert_eq!(appended_to(line() + &torn), (line() + "{\"seq\":9}\n", torn.len() as u64));
    }

    #[test]
    fn the_nuls_that_a_power_failure_leaves_are_removed() {
        let nuls = "\0".repeat(70_000);
        for (before, kept, removed) in [
            (line(), line(), 70_000),
            (line().trim_end().to_owned(), line(), 70_000),
            (line() + START, line(), 70_000 + START.len() as u64),
            (START.to_owned(), String::new(), 70_000 + START.len() as u64),
            (String::new(), String::new(), 70_000),
        ] {
            assert_eq!(appended_to(before.clone() + &nuls), (kept + "{\"seq\":9}\n", removed), "{before}");
        }
    }

    #[test]
    fn a_file_that_is_not_a_log_is_rejected_and_unchanged() {
        for content in [
            "[package]\nname = \"x\"".to_owned(),
            "{\n  \"auths\": {}\n}\n".to_owned(),
            "{\"auths\":{}}".to_owned(),
            "{\"auths\":{}}\n".to_owned(),
            "{\"auths".to_owned(),
            "\0\0{}\n".to_owned(),
            line() + "notes",
            line() + "{\"token\":\"abc",
            line() + "12",
            line() + "{\"token\":\"abc\0\0\0",
        ] {
            let (_dir, path) = log_of(content.as_bytes());
            assert_eq!(CaptureLog::open(&path).unwrap_err().kind(), io::ErrorKind::InvalidData, "{content:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_log_that_was_moved_or_deleted_is_opened_again() {
        let (dir, path) = log_of(b"");
        let log = CaptureLog::open(&path).unwrap();
        log.append_one(b"1").unwrap();
        fs::rename(&path, dir.path().join("log.1")).unwrap();
        log.append_one(b"2").unwrap();
        assert_eq!(fs::read(dir.path().join("log.1")).unwrap(), b"1\n");
        assert_eq!(fs::read(&path).unwrap(), b"2\n");
        fs::remove_dir_all(dir.path()).unwrap();
        log.append_one(b"3").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"3\n");
    }

    #[test]
    fn threads_append_whole_lines() {
        const THREADS: usize = 8;
        const LINES: usize = 250;
        let (_dir, path) = log_of(b"");
        let log = CaptureLog::open(&path).unwrap();
        let object = |thread: usize, line: usize| format!("{thread} {line} {}", "x".repeat(line * 40));
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let log = &log;
                scope.spawn(move || {
                    (0..LINES).for_each(|line| log.append_one(object(thread, line).as_bytes()).unwrap());
                });
            }
        });
        let written = fs::read_to_string(&path).unwrap();
        let mut lines: Vec<&str> = written.lines().collect();
        let mut expected: Vec<String> = (0..THREADS).flat_map(|t| (0..LINES).map(move |l| object(t, l))).collect();
        lines.sort_unstable();
        expected.sort_unstable();
        assert_eq!(lines, expected);
    }

    #[test]
    fn lines_that_are_written_together_stay_separate() {
        let (_dir, path) = log_of(b"");
        let log = CaptureLog::open(&path).unwrap();
        let Appended { whole, result, .. } = log.append([&b"1"[..], b"{\n}\n", b"3"]);
        assert_eq!((whole, result.is_ok()), (3, true));
        assert_eq!(fs::read(&path).unwrap(), b"1\n{ } \n3\n");
    }

    #[test]
    fn a_line_counts_once_all_of_it_is_written() {
        let mut lines = LineBatch::default();
        for object in [&b"ab"[..], b"", b"cde"] {
            lines.push(object);
        }
        let within = [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1), (2, 2), (2, 3), (3, 0)];
        assert_eq!(std::array::from_fn(|bytes| lines.within(bytes)), within);
    }

    #[test]
    fn the_written_part_of_a_failed_line_is_removed() {
        let (_dir, path) = log_of(b"{\"seq\":1}\n");
        let mut file = appending(&path).unwrap();
        file.write_all(b"{\"se").unwrap();
        remove_last(&file, 4).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{\"seq\":1}\n");
    }

    #[test]
    fn a_line_that_another_process_appended_to_a_failed_one_is_kept() {
        let (_dir, path) = log_of(b"");
        let mut file = appending(&path).unwrap();
        file.write_all(b"{\"se").unwrap();
        appending(&path).unwrap().write_all(b"{}\n").unwrap();
        remove_last(&file, 4).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{\"se{}\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_each_time() {
        let log = CaptureLog::open(Path::new("/dev/full")).unwrap();
        for _ in 0..2 {
            assert_eq!(log.append_one(b"{}").unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
    }
}
