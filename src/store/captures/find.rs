//! Finds a request in captures: one by its place, or the newest.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    is_capture_name,
    lines::LinesFromEnd,
    places::{Place, name_hash},
};
use crate::{
    store::opened,
    webhook::{
        capture::{self, Capture, MAX_SIZE},
        request::Request,
    },
};

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

/// The request in the file of a directory whose name has this hash.
///
/// # Errors
///
/// If the directory or the file can't be read.
pub(super) fn in_directory(dir: &Path, name: u64) -> io::Result<Option<Request>> {
    let Some(file) = newest_where(dir, |other| name_hash(other) == name)? else { return Ok(None) };
    let mut object = Vec::new();
    opened::open(&file)?.take(MAX_SIZE as u64).read_to_end(&mut object)?;
    request(&object)
}

/// The request of a delivery at its place in a log. `None` if something else is there by now, because the log was moved
/// or emptied.
///
/// # Errors
///
/// If the log can't be read.
pub(super) fn in_log(log: &Path, seq: u64, place: &Place) -> io::Result<Option<Request>> {
    let mut file = opened::open(log)?;
    file.seek(SeekFrom::Start(place.key))?;
    let mut line = Vec::new();
    BufReader::new(file.take(MAX_SIZE as u64)).read_until(b'\n', &mut line)?;
    let is_same = line.starts_with(capture::line_start(seq, place.received_at).as_bytes());
    if is_same { request(&line) } else { Ok(None) }
}

fn request(object: &[u8]) -> io::Result<Option<Request>> {
    Ok(parse(object)?.map(|capture| capture.request))
}

#[cfg(test)]
mod tests {
    use super::{super::CaptureName, *};
    use crate::{store::captures::CaptureStore, webhook::time::Timestamp};

    fn object(seq: u64, body: &str) -> String {
        let request = format!(r#"{{"method":"POST","target":"/","headers":[],"body":"{body}"}}"#);
        format!(r#"{{"kind":"delivery","hookdev":1,"seq":{seq},"received_at":null,"request":{request}}}"#)
    }

    fn name(seq: u64) -> CaptureName<'static> {
        CaptureName { received_at: Timestamp::from_unix_millis(1_735_732_800_123), seq, label: Some("x") }
    }

    /// A delivery's object as `listen` writes it.
    fn timed(seq: u64, body: &str) -> String {
        object(seq, body).replace("null", "\"2025-01-01T12:00:00.123Z\"")
    }

    fn body(store: &CaptureStore, seq: u64) -> Option<String> {
        store.find(seq).unwrap().map(|request| String::from_utf8(request.body.to_vec()).unwrap())
    }

    #[test]
    fn only_what_the_store_itself_wrote_is_found_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        for place in ["log.ndjson", "captures"] {
            let stores = [(); 3].map(|()| CaptureStore::open(&dir.path().join(place)).unwrap());
            let [earlier, ours, other] = &stores;
            let write = |store: &CaptureStore, seq, body| store.write(&name(seq), timed(seq, body).as_bytes()).unwrap();
            // All are received at the same time.
            write(earlier, 1, "earlier");
            write(earlier, 3, "earlier");
            let (first, second) = (timed(1, "ours"), timed(2, "second of ours"));
            ours.write_all(&[(name(1), first.as_bytes()), (name(2), second.as_bytes())]);
            write(other, 1, "other");
            write(other, 2, "other");
            let found = |store| [1, 2, 3].map(|seq| body(store, seq));
            assert_eq!(found(ours), [Some("ours".to_owned()), Some("second of ours".to_owned()), None], "{place}");
            assert_eq!(found(other), [Some("other".to_owned()), Some("other".to_owned()), None], "{place}");
        }
    }

    #[test]
    fn what_has_replaced_a_capture_is_not_mistaken_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log.ndjson");
        let ours = CaptureStore::open(&log).unwrap();
        ours.write(&name(1), timed(1, "ours").as_bytes()).unwrap();
        let later = timed(1, "later").replace("12:00", "12:01");
        fs::write(&log, format!("{later}\n")).unwrap();
        assert_eq!(body(&ours, 1), None);
        fs::write(&log, "").unwrap();
        assert_eq!(body(&ours, 1), None);
        fs::remove_file(&log).unwrap();
        assert_eq!(ours.find(1).unwrap_err().kind(), io::ErrorKind::NotFound);
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
