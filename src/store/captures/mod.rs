//! Saves captures: one file per event in a directory, or one line per event in a log.
//!
//! A capture is complete or absent, however the process ends, and has been passed to the operating system when
//! [`CaptureStore::write`] returns. Its content is up to the caller.

mod append;
mod find;
mod lines;
mod log;
mod places;

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use parking_lot::Mutex;
use tempfile::NamedTempFile;

pub use self::find::{last, newest};
use self::{
    log::{Appended, CaptureLog},
    places::{Places, name_hash},
};
use crate::webhook::{json::writer::indented, request::Request, time::Timestamp};

/// The prefix of an unfinished file's name: hidden, so readers skip it.
const UNFINISHED_PREFIX: &str = ".hookdev-unfinished-";

/// The age at which an unfinished file must have been left by a killed process.
const ABANDONED_AFTER: Duration = Duration::from_secs(60);

/// The maximum length of the part of a file name that comes from outside, in characters.
const MAX_LABEL: usize = 64;

/// Where captures are saved. It can be shared between threads.
#[derive(Debug)]
pub struct CaptureStore {
    destination: Destination,
    places: Mutex<Places>,
}

#[derive(Debug)]
enum Destination {
    Dir(PathBuf),
    Log(CaptureLog),
}

impl CaptureStore {
    /// Opens a log or a directory, and creates it with its parents if necessary.
    ///
    /// A path that ends in `.ndjson` or `.jsonl`, and a device or a pipe, is a log that lines are appended to; any
    /// other is a directory. A file that others can read becomes private.
    ///
    /// # Errors
    ///
    /// If it can't be created, opened or written to, isn't a log of captures, belongs to another user, or is a link to
    /// another directory.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let destination = match fs::metadata(path) {
            Ok(existing) if existing.is_file() && !is_log(path) => {
                Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is a file whose name doesn't end in .ndjson"))
            }
            Ok(existing) if !existing.is_dir() => CaptureLog::open(path).map(Destination::Log),
            Err(_) if is_log(path) => CaptureLog::open(path).map(Destination::Log),
            _ => append::check_directory(path)
                .and_then(|()| fs::create_dir_all(path))
                .and_then(|()| unfinished(path).map(drop))
                .inspect(|()| remove_abandoned(path))
                .map(|()| Destination::Dir(path.to_owned())),
        };
        destination
            .map(|destination| Self { destination, places: Mutex::default() })
            .map_err(|source| CaptureError { path: path.to_owned(), source })
    }

    /// The directory or the log.
    #[must_use]
    pub fn path(&self) -> &Path {
        match &self.destination {
            Destination::Dir(dir) => dir,
            Destination::Log(log) => log.path(),
        }
    }

    /// The number of bytes of an incomplete last line, left by a process that was killed while writing, that were
    /// removed when the log was opened. 0 if every line was complete.
    #[must_use]
    pub fn truncated_bytes(&self) -> u64 {
        match &self.destination {
            Destination::Dir(_) => 0,
            Destination::Log(log) => log.truncated_bytes(),
        }
    }

    /// Whether a program may read the captures, and so hold up writing. What it has begun to read can't be taken back.
    #[must_use]
    pub fn is_pipe(&self) -> bool {
        matches!(&self.destination, Destination::Log(log) if !log.is_regular())
    }

    /// Writes one capture, a JSON object without whitespace, and returns its file. In a directory it is indented, so
    /// that people can read it and its diffs. May block.
    ///
    /// # Errors
    ///
    /// If it can't be written completely; no part of it remains.
    pub fn write(&self, name: &CaptureName<'_>, object: &[u8]) -> io::Result<PathBuf> {
        match &self.destination {
            Destination::Dir(dir) => {
                let path = write_file(dir, &name.to_string(), object)?;
                let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
                self.places.lock().add(name, name_hash(file));
                Ok(path)
            }
            Destination::Log(log) => self.append(log, &[(*name, object)]).result.map(|()| log.path().to_owned()),
        }
    }

    /// Writes several captures; to a log, with a single write. Returns for each what [`Self::write`] returns. May
    /// block.
    pub fn write_all(&self, captures: &[(CaptureName<'_>, &[u8])]) -> Vec<io::Result<PathBuf>> {
        let log = match &self.destination {
            Destination::Dir(_) => return captures.iter().map(|(name, object)| self.write(name, object)).collect(),
            Destination::Log(log) => log,
        };
        let Appended { whole, result, .. } = self.append(log, captures);
        let written = |place| match &result {
            Err(error) if place >= whole => Err(copy_of(error)),
            _ => Ok(log.path().to_owned()),
        };
        (0..captures.len()).map(written).collect()
    }

    /// Appends captures to the log, and remembers their places.
    fn append(&self, log: &CaptureLog, captures: &[(CaptureName<'_>, &[u8])]) -> Appended {
        let appended = log.append(captures.iter().map(|(_, object)| *object));
        if let Some(mut offset) = appended.start {
            let mut places = self.places.lock();
            for (name, object) in &captures[..appended.whole] {
                places.add(name, offset);
                // With its line feed.
                offset += object.len() as u64 + 1;
            }
        }
        appended
    }

    /// The request with this number among the last ones that this store has written: not one with the same number that
    /// another process, or an earlier run, saved in the same place. `None` if it is too old, or no longer there. May
    /// block.
    ///
    /// # Errors
    ///
    /// If the captures can't be read.
    pub fn find(&self, seq: u64) -> io::Result<Option<Request>> {
        let Some(place) = self.places.lock().get(seq) else { return Ok(None) };
        match &self.destination {
            Destination::Dir(dir) => find::in_directory(dir, place.key),
            Destination::Log(log) => find::in_log(log.path(), seq, &place),
        }
    }
}

/// A copy of the error.
fn copy_of(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// Whether a path has the extension of a log.
fn is_log(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| ["ndjson", "jsonl"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// A path that captures can't be saved in.
#[derive(Debug, thiserror::Error)]
#[error("can't save captures in {}", path.display())]
pub struct CaptureError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// The name of a capture's file: `20250101T120000.123Z-000001-cyanite.v2.finished.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureName<'a> {
    /// When the request was received.
    pub received_at: Timestamp,
    /// The number of the request in this run, from 1.
    pub seq: u64,
    /// The event, else the provider; `None` is written as `unrecognised`. It may come from outside: characters other
    /// than `A-Z a-z 0-9 . _ -` are replaced.
    pub label: Option<&'a str>,
}

/// The name without its `.json`. Names sort by the time of receipt.
impl fmt::Display for CaptureName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.received_at.to_jiff().strftime("%Y%m%dT%H%M%S.%3fZ");
        let label = self.label.map(sanitize).filter(|label| !label.is_empty());
        write!(f, "{time}-{:06}-{}", self.seq, label.as_deref().unwrap_or("unrecognised"))
    }
}

fn sanitize(label: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let sanitized: String = label.chars().map(safe).skip_while(|c| matches!(c, '.' | '-')).take(MAX_LABEL).collect();
    sanitized.trim_end_matches(['.', '-']).to_owned()
}

/// Whether a file has a name such as [`CaptureStore`] gives.
pub(super) fn is_capture_name(name: &str) -> bool {
    const PATTERN: &[u8] = b"dddddddd.dddddd.ddd.-dddddd";
    let fits = |(&byte, &pattern): (&u8, &u8)| match pattern {
        b'd' => byte.is_ascii_digit(),
        b'.' => matches!(byte, b'T' | b'.' | b'Z'),
        literal => byte == literal,
    };
    let Some(stem) = name.strip_suffix(".json") else { return false };
    stem.len() > PATTERN.len() && stem.as_bytes().iter().zip(PATTERN).all(fits)
}

/// Writes a new file. A directory that was removed meanwhile is recreated; one that a link has replaced is refused, as
/// on opening.
fn write_file(dir: &Path, name: &str, object: &[u8]) -> io::Result<PathBuf> {
    append::check_directory(dir)?;
    match try_write_file(dir, name, object) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(dir)?;
            try_write_file(dir, name, object)
        }
        written => written,
    }
}

/// Removes the unfinished files of killed processes. One that can't be removed does no harm.
fn remove_abandoned(dir: &Path) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(UNFINISHED_PREFIX.as_bytes()))
    {
        let age = entry.metadata().and_then(|metadata| metadata.modified()).map(|modified| modified.elapsed());
        if matches!(age, Ok(Ok(age)) if age > ABANDONED_AFTER) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Options that create a file that only its owner can read.
fn private() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Creates a file that is removed when dropped, unless it is renamed before.
fn unfinished(dir: &Path) -> io::Result<NamedTempFile<File>> {
    let mut reason = None;
    let create = |path: &Path| private().open(path).inspect_err(|error| reason = error.raw_os_error());
    let created = tempfile::Builder::new().prefix(UNFINISHED_PREFIX).make_in(dir, create);
    // tempfile's error contains the random name, so no two errors would be the same.
    created.map_err(|error| reason.map_or(error, io::Error::from_raw_os_error))
}

fn try_write_file(dir: &Path, name: &str, object: &[u8]) -> io::Result<PathBuf> {
    let mut file = unfinished(dir)?;
    let mut text = indented(object);
    text.push(b'\n');
    // Written to the file itself, because tempfile's errors contain the name too.
    file.as_file_mut().write_all(&text)?;
    let mut path = dir.join(format!("{name}.json"));
    let mut number = 1_u64;
    loop {
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => file = refused.file,
            Err(refused) => return Err(refused.error),
        }
        number += 1;
        // With an underscore it sorts after the name without a number.
        path.set_file_name(format!("{name}_{number}.json"));
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// 2025-01-01T12:00:00.123Z.
    const RECEIVED: Timestamp = Timestamp::from_unix_millis(1_735_732_800_123);

    fn name(label: &str) -> CaptureName<'_> {
        CaptureName { received_at: RECEIVED, seq: 1, label: Some(label) }
    }

    fn names_in(dir: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(dir).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_name_has_the_time_the_number_and_the_event() {
        assert_eq!(name("cyanite.v2.finished").to_string(), "20250101T120000.123Z-000001-cyanite.v2.finished");
        let unknown = CaptureName { received_at: RECEIVED, seq: 1_234_567, label: None };
        assert_eq!(unknown.to_string(), "20250101T120000.123Z-1234567-unrecognised");
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_directory() {
        for (label, kept) in [
            ("../../etc/passwd", "etc-passwd"),
            (".hidden", "hidden"),
            ("/", "unrecognised"),
            ("..", "unrecognised"),
            ("", "unrecognised"),
            ("a\0b\nc\\d:e\u{202e}é", "a-b-c-d-e"),
            ("task.completed.", "task.completed"),
        ] {
            assert_eq!(name(label).to_string(), format!("20250101T120000.123Z-000001-{kept}"), "{label:?}");
        }
    }

    #[test]
    fn a_name_has_at_most_64_characters_from_outside() {
        let long = "x".repeat(300);
        assert_eq!(name(&long).to_string(), format!("20250101T120000.123Z-000001-{}", "x".repeat(64)));
    }

    proptest! {
        /// The name of an event may be anything, but a capture is always saved in the directory, in a file of its own.
        #[test]
        fn no_label_leads_out_of_the_directory_or_onto_another_file(labels in vec(label(), 1..5), seq in any::<u64>()) {
            let dir = tempfile::tempdir().unwrap();
            let store = CaptureStore::open(&dir.path().join("in")).unwrap();
            let name = |label| CaptureName { received_at: RECEIVED, seq, label: Some(label) };
            let captures = dir.path().join("in");
            let written: Vec<PathBuf> = labels.iter().map(|label| store.write(&name(label), b"{}").unwrap()).collect();
            prop_assert_eq!(names_in(dir.path()), ["in"]);
            let names = names_in(&captures);
            prop_assert_eq!(names.len(), labels.len());
            for path in &written {
                prop_assert_eq!(path.parent(), Some(captures.as_path()));
            }
            for name in names {
                // The smallest limit in use is 143 bytes, in encrypted home directories.
                prop_assert!(name.len() <= 143 && is_capture_name(&name), "{}", name);
                prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)), "{}", name);
            }
        }
    }

    fn label() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[./\\\\\0:~ -]{0,9}",
            "(\\.\\./|/|CON|NUL|\\.)[a-z]{0,200}",
            Just("same".to_owned()),
        ]
    }

    #[test]
    fn its_own_names_are_recognised() {
        assert!(is_capture_name(&format!("{}.json", name("auphonic.done"))));
        assert!(is_capture_name("20250101T120000.123Z-1234567-x_2.json"));
        for other in [
            "",
            "package.json",
            "20250101T120000.123Z-000001-",
            "20250101T120000.123Z-000001-x.txt",
            "20250101T120000.123Z-é.json",
        ] {
            assert!(!is_capture_name(other), "{other}");
        }
    }

    #[test]
    fn a_directory_is_created_with_its_parents_and_holds_one_file_per_event() {
        let dir = tempfile::tempdir().unwrap();
        let captures = dir.path().join("a/b");
        let store = CaptureStore::open(&captures).unwrap();
        let path = store.write(&name("auphonic.done"), b"{}").unwrap();
        assert_eq!(path, captures.join("20250101T120000.123Z-000001-auphonic.done.json"));
        assert_eq!(fs::read(&path).unwrap(), b"{}\n");
        assert_eq!(names_in(&captures), ["20250101T120000.123Z-000001-auphonic.done.json"]);
        assert_eq!(store.truncated_bytes(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_a_capture() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        for target in ["dir", "log.ndjson"] {
            let path = CaptureStore::open(&dir.path().join(target)).unwrap().write(&name("x"), b"{}").unwrap();
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{target}");
        }
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let dir = tempfile::tempdir().unwrap();
        let store = CaptureStore::open(dir.path()).unwrap();
        for number in 1..=3 {
            store.write(&name("x"), format!("{{\"n\":{number}}}").as_bytes()).unwrap();
        }
        let stem = "20250101T120000.123Z-000001-x";
        assert_eq!(names_in(dir.path()), [format!("{stem}.json"), format!("{stem}_2.json"), format!("{stem}_3.json")]);
        assert_eq!(fs::read(dir.path().join(format!("{stem}.json"))).unwrap(), b"{\n  \"n\": 1\n}\n");
    }

    #[test]
    fn a_clock_that_is_set_back_overwrites_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = CaptureStore::open(dir.path()).unwrap();
        for (seq, millis) in [(1, 0), (2, -3_600_000), (3, 0), (2, -3_600_000)] {
            let received_at = Timestamp::from_unix_millis(RECEIVED.unix_millis() + millis);
            store.write(&CaptureName { received_at, seq, label: Some("x") }, b"{}").unwrap();
        }
        let names = ["110000.123Z-000002-x", "110000.123Z-000002-x_2", "120000.123Z-000001-x", "120000.123Z-000003-x"];
        assert_eq!(names_in(dir.path()), names.map(|name| format!("20250101T{name}.json")));
    }

    #[test]
    fn several_captures_are_each_saved() {
        let dir = tempfile::tempdir().unwrap();
        let captures = [(name("x"), &b"{}"[..]), (name("y"), b"[]")];
        for (target, expected) in [
            ("dir", ["dir/20250101T120000.123Z-000001-x.json", "dir/20250101T120000.123Z-000001-y.json"]),
            ("log.ndjson", ["log.ndjson"; 2]),
        ] {
            let store = CaptureStore::open(&dir.path().join(target)).unwrap();
            let written: Vec<PathBuf> = store.write_all(&captures).into_iter().map(Result::unwrap).collect();
            assert_eq!(written, expected.map(|path| dir.path().join(path)));
        }
        assert_eq!(fs::read(dir.path().join("log.ndjson")).unwrap(), b"{}\n[]\n");
        assert_eq!(fs::read(dir.path().join("dir/20250101T120000.123Z-000001-y.json")).unwrap(), b"[]\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn each_of_several_captures_reports_a_full_disk() {
        let store = CaptureStore::open(Path::new("/dev/full")).unwrap();
        let written = store.write_all(&[(name("x"), b"{}"), (name("y"), b"{}")]);
        let kinds: Vec<io::ErrorKind> = written.into_iter().map(|written| written.unwrap_err().kind()).collect();
        assert_eq!(kinds, [io::ErrorKind::StorageFull; 2]);
    }

    #[test]
    fn a_directory_that_is_removed_meanwhile_is_created_again() {
        let dir = tempfile::tempdir().unwrap();
        let captures = dir.path().join("captures");
        let store = CaptureStore::open(&captures).unwrap();
        fs::remove_dir(&captures).unwrap();
        assert!(store.write(&name("x"), b"{}").unwrap().is_file());
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let now = std::time::SystemTime::now();
        for (name, age) in [
            (".hookdev-unfinished-old", ABANDONED_AFTER * 2),
            (".hookdev-unfinished-new", Duration::ZERO),
            (".hookdev-other", ABANDONED_AFTER * 2),
            ("unfinished", ABANDONED_AFTER * 2),
        ] {
            let file = fs::File::create(dir.path().join(name)).unwrap();
            file.set_modified(now - age).unwrap();
        }
        CaptureStore::open(dir.path()).unwrap();
        assert_eq!(names_in(dir.path()), [".hookdev-other", ".hookdev-unfinished-new", "unfinished"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_a_link_replaces_meanwhile_is_not_written_to() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("out")).unwrap();
        fs::create_dir(path("in")).unwrap();
        let captures = path("in/captures");
        let store = CaptureStore::open(&captures).unwrap();
        store.write(&name("x"), b"{}").unwrap();
        fs::rename(&captures, path("in/before")).unwrap();
        symlink("../out", &captures).unwrap();
        let refused = store.write(&name("y"), b"{}").unwrap_err().to_string();
        assert_eq!(refused, "it is a link to ../out, in another directory; name that instead");
        assert_eq!(names_in(&path("out")), [""; 0]);
    }

    #[test]
    fn a_directory_that_cannot_be_created_is_an_error_with_path_and_cause() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = CaptureStore::open(&file.join("captures")).unwrap_err();
        assert_eq!(error.to_string(), format!("can't save captures in {}", file.join("captures").display()));
        assert_eq!(error.source.kind(), io::ErrorKind::NotADirectory);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_directory_that_cannot_be_written_to_is_an_error() {
        // Not even root can create a file there.
        let directory = Path::new("/sys");
        let reason = File::create(directory.join("file")).unwrap_err();
        let error = CaptureStore::open(directory).unwrap_err();
        assert_eq!(error.to_string(), "can't save captures in /sys");
        assert_eq!(error.source.to_string(), reason.to_string());
    }

    #[test]
    fn a_path_is_a_log_by_its_extension_unless_it_is_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("dir.ndjson")).unwrap();
        for (name, log) in
            [("a.ndjson", true), ("a.NDJSON", true), ("a.jsonl", true), ("a.json", false), ("dir.ndjson", false)]
        {
            let CaptureStore { destination, .. } = CaptureStore::open(&path(name)).unwrap();
            assert_eq!(matches!(destination, Destination::Log(_)), log, "{name}");
        }
    }

    #[test]
    fn a_file_without_a_log_extension_is_not_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let notes = dir.path().join("notes.txt");
        fs::write(&notes, "{}").unwrap();
        let error = CaptureStore::open(&notes).unwrap_err();
        assert_eq!(error.source.to_string(), "it is a file whose name doesn't end in .ndjson");
        assert_eq!(fs::read(&notes).unwrap(), b"{}");
    }
}
