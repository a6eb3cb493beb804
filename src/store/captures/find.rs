//! Finds a delivery in captures: one of the current run by its number, or the newest.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use super::{is_capture_name, lines::LinesFromEnd};
use crate::{
    store::opened,
    webhook::{
        capture::{self, Capture, MAX_SIZE},
        request::Request,
    },
};

/// The request of the delivery with this number, in a directory of captures or a log. Earlier runs may have used the
/// same number; the newest one counts.
///
/// # Errors
///
/// If the captures can't be read.
pub fn find(captures: &Path, seq: u64) -> io::Result<Option<Request>> {
    let object = if captures.is_dir() { in_directory(captures, seq)? } else { in_log(captures, seq)? };
    let capture = object.map(|object| parse(&object)).transpose()?.flatten();
    Ok(capture.map(|capture| capture.request))
}

/// The newest capture in a directory, by the time in its name.
///
/// # Errors
///
/// If the directory can't be read.
pub fn newest(dir: &Path) -> io::Result<Option<PathBuf>> {
    newest_where(dir, |_| true)
}

/// The last capture of a log. Only the end of the log is read.
///
/// # Errors
///
/// If the log can't be read, or the capture is incomplete.
pub fn last(log: &Path) -> io::Result<Option<Capture>> {
    let mut lines = LinesFromEnd::open(log)?;
    // The part after the last line feed may still be being written.
    let unended = lines.previous()?.unwrap_or_default();
    if let Ok(Some(capture)) = parse(&unended) {
        return Ok(Some(capture));
    }
    while let Some(line) = lines.previous()? {
        if !line.trim_ascii().is_empty()
            && let Some(capture) = parse(&line)?
        {
            return Ok(Some(capture));
        }
    }
    Ok(None)
}

fn parse(object: &[u8]) -> io::Result<Option<Capture>> {
    capture::read(object).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn newest_where(dir: &Path, is_wanted: impl Fn(&str) -> bool) -> io::Result<Option<PathBuf>> {
    let mut newest: Option<String> = None;
    for entry in fs::read_dir(dir)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        if is_capture_name(&name) && is_wanted(&name) && newest.as_ref().is_none_or(|newest| *newest < name) {
            newest = Some(name);
        }
    }
    Ok(newest.map(|name| dir.join(name)))
}

fn in_directory(dir: &Path, seq: u64) -> io::Result<Option<Vec<u8>>> {
    let number = format!("Z-{seq:06}-");
    newest_where(dir, |name| name.contains(&number))?.map(|file| object(&file)).transpose()
}

/// The content of a capture.
fn object(file: &Path) -> io::Result<Vec<u8>> {
    let mut object = Vec::new();
    opened::open(file)?.take(MAX_SIZE as u64).read_to_end(&mut object)?;
    Ok(object)
}

fn in_log(log: &Path, seq: u64) -> io::Result<Option<Vec<u8>>> {
    let start = capture::line_start(seq);
    let mut lines = LinesFromEnd::open(log)?;
    while let Some(line) = lines.previous()? {
        if line.starts_with(start.as_bytes()) {
            return Ok(Some(line));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(seq: u64, body: &str) -> String {
        let request = format!(r#"{{"method":"POST","target":"/","headers":[],"body":"{body}"}}"#);
        format!(r#"{{"kind":"delivery","hookdev":1,"seq":{seq},"received_at":null,"request":{request}}}"#)
    }

    fn body(captures: &Path, seq: u64) -> Option<String> {
        find(captures, seq).unwrap().map(|request| String::from_utf8(request.body.to_vec()).unwrap())
    }

    #[test]
    fn the_newest_of_a_number_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log.ndjson");
        let lines = [object(1, "old"), object(12, "twelve"), object(1, "new"), object(2, "two")];
        fs::write(&log, lines.join("\n")).unwrap();
        let captures = dir.path().join("captures");
        fs::create_dir(&captures).unwrap();
        for (time, seq, text) in
            [("20250101T120000.000Z", 1, "old"), ("20250102T120000.000Z", 1, "new"), ("20250102T120001.000Z", 2, "two")]
        {
            fs::write(captures.join(format!("{time}-{seq:06}-x.json")), object(seq, text)).unwrap();
        }
        for place in [&log, &captures] {
            assert_eq!([1, 2, 3].map(|seq| body(place, seq)), [Some("new".to_owned()), Some("two".to_owned()), None]);
        }
    }

    #[test]
    fn the_last_capture_of_a_log_is_found_past_lines_of_other_kinds() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log.ndjson");
        let last = |text: &str| {
            fs::write(&log, text).unwrap();
            last(&log).map(|capture| capture.map(|capture| capture.request.body))
        };
        let (first, second) = (object(1, "first"), object(2, "second"));
        let others = r#"{"kind":"forwards","seq":2,"forwards":[]}"#;
        for end in ["", "\n", "\n\n", "\n{\"kind\":\"delivery\",\"hookdev\":1,\"se", "\n\0\0"] {
            assert_eq!(last(&format!("{first}\n{second}{end}")).unwrap().unwrap(), "second", "{end:?}");
        }
        assert_eq!(last(&format!("{first}\n{others}\n")).unwrap().unwrap(), "first");
        assert_eq!(last(&format!("{others}\n")).unwrap(), None);
        assert_eq!(last("").unwrap(), None);
        let broken = last(&format!("{first}\n{{\"request\":7}}\n")).unwrap_err();
        assert_eq!(broken.kind(), io::ErrorKind::InvalidData);
    }
}
