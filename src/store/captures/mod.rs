//! Writes captures: one file an event into a folder, or one line an event into a log.
//!
//! A capture is whole or absent, whatever ends the process, and with the operating system when
//! [`CaptureStore::write`] returns. What stands in it is the caller's; [`formats`](super::formats)
//! reads it.

mod log;

use std::{
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use self::log::Log;
use crate::webhook::time::Timestamp;

/// The start of an unfinished file's name: hidden, and so passed over by readers.
const UNFINISHED: &str = ".hookdev-";

/// The longest part of a file name that comes from outside.
const LONGEST_LABEL: usize = 64;

/// A place where captures are kept. It can be shared between threads.
#[derive(Debug)]
pub struct CaptureStore(Place);

#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    Log(Log),
}

impl CaptureStore {
    /// Opens the place that a path means, and creates it with its parents.
    ///
    /// A path that ends in `.ndjson` or `.jsonl`, or that is a device or a pipe, is a log that lines
    /// are appended to; any other is a folder.
    ///
    /// # Errors
    ///
    /// When it can't be created or opened, or when the file that is there is no log of captures.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let place = match fs::metadata(path) {
            Ok(existing) if existing.is_file() && !is_log(path) => Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "it is a file that does not end in .ndjson, and so none of captures",
            )),
            Ok(existing) if !existing.is_dir() => Log::open(path).map(Place::Log),
            Err(_) if is_log(path) => Log::open(path).map(Place::Log),
            _ => fs::create_dir_all(path).map(|()| Place::Folder(path.to_owned())),
        };
        place.map(Self).map_err(|source| CaptureError { path: path.to_owned(), source })
    }

    /// How many bytes of an unfinished last line were removed from the log when it was opened; an
    /// earlier process was ended while it wrote them. 0 when every line was whole.
    #[must_use]
    pub fn torn_bytes(&self) -> u64 {
        match &self.0 {
            Place::Folder(_) => 0,
            Place::Log(log) => log.torn_bytes(),
        }
    }

    /// Writes one capture, a JSON object, and returns the file that holds it. It may block.
    ///
    /// # Errors
    ///
    /// When the operating system can't take all of it; nothing of it is left then.
    pub fn write(&self, name: &CaptureName<'_>, object: &[u8]) -> io::Result<PathBuf> {
        match &self.0 {
            Place::Folder(folder) => write_file(folder, &name.to_string(), object),
            Place::Log(log) => log.append([object]).1.map(|()| log.path().to_owned()),
        }
    }

    /// Writes several captures, into a log with one write, and returns for each what [`Self::write`] does.
    /// It may block.
    pub fn write_all(&self, captures: &[(CaptureName<'_>, &[u8])]) -> Vec<io::Result<PathBuf>> {
        let log = match &self.0 {
            Place::Folder(_) => return captures.iter().map(|(name, object)| self.write(name, object)).collect(),
            Place::Log(log) => log,
        };
        let (whole, appended) = log.append(captures.iter().map(|(_, object)| *object));
        let written = |place| match &appended {
            Err(error) if place >= whole => Err(same(error)),
            _ => Ok(log.path().to_owned()),
        };
        (0..captures.len()).map(written).collect()
    }
}

/// The error once more.
fn same(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// Whether a path is named as a log is.
fn is_log(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| ["ndjson", "jsonl"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// A place that can't be opened for captures.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep captures in {}", path.display())]
pub struct CaptureError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// What a capture's file is named after: `20250101T120000.123Z-000001-cyanite.v2.finished.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureName<'a> {
    /// When the request was received.
    pub received_at: Timestamp,
    /// Its number in this run, from 1.
    pub seq: u64,
    /// Its event, else its provider; without either the name says `unrecognised`. It may come from
    /// outside: what is not one of `A-Z a-z 0-9 . _ -` is replaced.
    pub label: Option<&'a str>,
}

/// The name without its `.json`; in the order of these names stand the times of receipt.
impl fmt::Display for CaptureName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.received_at.to_jiff().strftime("%Y%m%dT%H%M%S.%3fZ");
        let label = self.label.map(reduce).filter(|label| !label.is_empty());
        write!(f, "{time}-{:06}-{}", self.seq, label.as_deref().unwrap_or("unrecognised"))
    }
}

fn reduce(label: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let reduced: String = label.chars().map(safe).skip_while(|c| matches!(c, '.' | '-')).take(LONGEST_LABEL).collect();
    reduced.trim_end_matches(['.', '-']).to_owned()
}

/// Whether a file's name is one that [`CaptureStore`] gives in a folder.
pub(super) fn is_capture_name(name: &str) -> bool {
    const FORM: &[u8] = b"dddddddd.dddddd.ddd.-dddddd";
    let fits = |(&byte, &form): (&u8, &u8)| match form {
        b'd' => byte.is_ascii_digit(),
        b'.' => matches!(byte, b'T' | b'.' | b'Z'),
        literal => byte == literal,
    };
    let Some(stem) = name.strip_suffix(".json") else { return false };
    stem.len() > FORM.len() && stem.as_bytes().iter().zip(FORM).all(fits)
}

/// Writes a file of its own. A folder that was removed under way is made again.
fn write_file(folder: &Path, name: &str, object: &[u8]) -> io::Result<PathBuf> {
    match try_write_file(folder, name, object) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            try_write_file(folder, name, object)
        }
        written => written,
    }
}

fn try_write_file(folder: &Path, name: &str, object: &[u8]) -> io::Result<PathBuf> {
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(&[object, b"\n"].concat())?;
    let mut path = folder.join(format!("{name}.json"));
    let mut number = 1_u64;
    loop {
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => file = refused.file,
            Err(refused) => return Err(refused.error),
        }
        number += 1;
        // With an underscore, it sorts behind the one without a number.
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

    fn names_in(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_name_says_the_time_the_number_and_the_event() {
        assert_eq!(name("cyanite.v2.finished").to_string(), "20250101T120000.123Z-000001-cyanite.v2.finished");
        let unknown = CaptureName { received_at: RECEIVED, seq: 1_234_567, label: None };
        assert_eq!(unknown.to_string(), "20250101T120000.123Z-1234567-unrecognised");
    }

    #[test]
    fn a_name_keeps_nothing_that_leads_out_of_the_folder() {
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
    fn a_name_takes_at_most_64_characters_from_outside() {
        let long = "x".repeat(300);
        assert_eq!(name(&long).to_string(), format!("20250101T120000.123Z-000001-{}", "x".repeat(64)));
    }

    proptest! {
        /// An id or an event's name may be anything: it leads nowhere, and no two deliveries share a file.
        #[test]
        fn no_label_leads_out_of_the_folder_or_onto_another_file(labels in vec(label(), 1..5), seq in any::<u64>()) {
            let dir = tempfile::tempdir().unwrap();
            let store = CaptureStore::open(&dir.path().join("in")).unwrap();
            let name = |label| CaptureName { received_at: RECEIVED, seq, label: Some(label) };
            let folder = dir.path().join("in");
            let written: Vec<PathBuf> = labels.iter().map(|label| store.write(&name(label), b"{}").unwrap()).collect();
            prop_assert_eq!(names_in(dir.path()), ["in"]);
            let names = names_in(&folder);
            prop_assert_eq!(names.len(), labels.len());
            for path in &written {
                prop_assert_eq!(path.parent(), Some(folder.as_path()));
            }
            for name in names {
                // The shortest limit in use is 143 bytes, of an encrypted home folder.
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
    fn the_names_it_gives_are_known_again() {
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
    fn a_folder_is_made_with_its_parents_and_holds_one_file_an_event() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        let store = CaptureStore::open(&folder).unwrap();
        let path = store.write(&name("auphonic.done"), b"{}").unwrap();
        assert_eq!(path, folder.join("20250101T120000.123Z-000001-auphonic.done.json"));
        assert_eq!(fs::read(&path).unwrap(), b"{}\n");
        assert_eq!(names_in(&folder), ["20250101T120000.123Z-000001-auphonic.done.json"]);
        assert_eq!(store.torn_bytes(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_a_capture() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        for place in ["folder", "log.ndjson"] {
            let path = CaptureStore::open(&dir.path().join(place)).unwrap().write(&name("x"), b"{}").unwrap();
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{place}");
        }
    }

    #[test]
    fn a_taken_name_gets_a_number_and_keeps_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = CaptureStore::open(dir.path()).unwrap();
        for number in 1..=3 {
            store.write(&name("x"), format!("{{\"n\":{number}}}").as_bytes()).unwrap();
        }
        let stem = "20250101T120000.123Z-000001-x";
        assert_eq!(names_in(dir.path()), [format!("{stem}.json"), format!("{stem}_2.json"), format!("{stem}_3.json")]);
        assert_eq!(fs::read(dir.path().join(format!("{stem}.json"))).unwrap(), b"{\"n\":1}\n");
    }

    #[test]
    fn a_clock_that_is_set_back_replaces_nothing() {
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
    fn several_captures_are_each_kept_where_their_place_says() {
        let dir = tempfile::tempdir().unwrap();
        let captures = [(name("x"), &b"{}"[..]), (name("y"), b"[]")];
        for (place, expected) in [
            ("folder", ["folder/20250101T120000.123Z-000001-x.json", "folder/20250101T120000.123Z-000001-y.json"]),
            ("log.ndjson", ["log.ndjson"; 2]),
        ] {
            let store = CaptureStore::open(&dir.path().join(place)).unwrap();
            let written: Vec<PathBuf> = store.write_all(&captures).into_iter().map(Result::unwrap).collect();
            assert_eq!(written, expected.map(|path| dir.path().join(path)));
        }
        assert_eq!(fs::read(dir.path().join("log.ndjson")).unwrap(), b"{}\n[]\n");
        assert_eq!(fs::read(dir.path().join("folder/20250101T120000.123Z-000001-y.json")).unwrap(), b"[]\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn each_of_several_that_find_no_room_is_told_why() {
        let store = CaptureStore::open(Path::new("/dev/full")).unwrap();
        let written = store.write_all(&[(name("x"), b"{}"), (name("y"), b"{}")]);
        let kinds: Vec<io::ErrorKind> = written.into_iter().map(|written| written.unwrap_err().kind()).collect();
        assert_eq!(kinds, [io::ErrorKind::StorageFull; 2]);
    }

    #[test]
    fn a_folder_removed_under_way_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("captures");
        let store = CaptureStore::open(&folder).unwrap();
        fs::remove_dir(&folder).unwrap();
        assert!(store.write(&name("x"), b"{}").unwrap().is_file());
    }

    #[test]
    fn a_folder_that_cannot_be_made_says_where_and_why() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = CaptureStore::open(&file.join("captures")).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot keep captures in {}", file.join("captures").display()));
        assert_eq!(error.source.kind(), io::ErrorKind::NotADirectory);
    }

    #[test]
    fn a_path_means_a_log_by_its_name_or_by_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("folder.ndjson")).unwrap();
        for (name, log) in
            [("a.ndjson", true), ("a.NDJSON", true), ("a.jsonl", true), ("a.json", false), ("folder.ndjson", false)]
        {
            let CaptureStore(place) = CaptureStore::open(&path(name)).unwrap();
            assert_eq!(matches!(place, Place::Log(_)), log, "{name}");
        }
    }

    #[test]
    fn a_file_of_another_kind_is_not_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let notes = dir.path().join("notes.txt");
        fs::write(&notes, "{}").unwrap();
        let error = CaptureStore::open(&notes).unwrap_err();
        assert_eq!(error.source.to_string(), "it is a file that does not end in .ndjson, and so none of captures");
        assert_eq!(fs::read(&notes).unwrap(), b"{}");
    }
}
