//! The journal of registrations: one file for each endpoint that hookdev registers at a provider, written before the
//! call that registers it.
//!
//! Each file has a lock beside it, which the process holds while it runs. The system releases it however the process
//! ends, so an entry whose lock is free was left by a process that is gone.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{home, read};

/// One registration. Contains no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// The random mark that the endpoint has at the provider.
    pub mark: String,
    /// The provider's name.
    pub provider: String,
    /// The resource; empty if none is needed.
    pub resource: String,
    /// The base URL of the API that was called.
    pub api: String,
    /// The public URL that was registered.
    pub url: String,
    /// Other URLs that a value may have: those of calls whose result is unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_urls: Vec<String>,
    /// The endpoint's id, once a response has given it.
    pub id: Option<String>,
    /// The previous value, if a value was set.
    pub previous: Option<String>,
}

impl JournalEntry {
    /// Adds a URL that the value may have.
    pub fn add_url(&mut self, url: &str) {
        if url != self.url && !self.other_urls.iter().any(|known| known == url) {
            self.other_urls.push(url.to_owned());
        }
    }
}

/// The directory of the journal.
#[derive(Clone, Debug)]
pub struct Journal {
    dir: PathBuf,
    /// How many more steps a test allows.
    #[cfg(test)]
    steps_left: Option<std::sync::Arc<std::sync::atomic::AtomicUsize>>,
}

/// Exclusive access to an entry among all processes.
#[derive(Debug)]
pub struct Hold {
    #[cfg_attr(not(unix), allow(dead_code, reason = "closing the file is all that releases the lock there"))]
    lock: File,
}

#[cfg(unix)]
impl Drop for Hold {
    /// Unlocks explicitly. Closing the file is not enough, because a forked child that has not run its program yet has
    /// a copy of every open file.
    fn drop(&mut self) {
        let _ = rustix::fs::flock(&self.lock, rustix::fs::FlockOperation::Unlock);
    }
}

impl Journal {
    /// The journal of the user with this environment; `None` if that has no home directory.
    #[must_use]
    pub fn of_user(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        home::state(variable).map(|state| Self {
            dir: state.join("registrations"),
            #[cfg(test)]
            steps_left: None,
        })
    }

    /// The same journal for a process that dies after this many steps: it panics before the next one.
    #[cfg(test)]
    pub(crate) fn gone_after(mut self, steps: usize) -> Self {
        self.steps_left = Some(std::sync::Arc::new(steps.into()));
        self
    }

    /// Called before and after each change of a file.
    #[cfg_attr(not(test), allow(clippy::unused_self, reason = "only tests count the steps"))]
    fn step(&self) {
        #[cfg(test)]
        if let Some(left) = &self.steps_left {
            use std::sync::atomic::Ordering::SeqCst;
            let left = left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
            assert!(left.is_ok(), "the process is gone");
        }
    }

    /// Where the entries are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Locks the entry with this mark; `None` if another process holds it.
    ///
    /// # Errors
    ///
    /// If the lock can't be opened.
    pub fn hold(&self, mark: &str) -> io::Result<Option<Hold>> {
        self.step();
        home::create_private(&self.dir)?;
        let path = self.dir.join(format!("{mark}.lock"));
        Ok(lock(&path)?.map(|lock| Hold { lock }))
    }

    /// Writes an entry, which is on disk when this returns.
    ///
    /// # Errors
    ///
    /// If it can't be written.
    pub fn write(&self, entry: &JournalEntry) -> io::Result<()> {
        self.step();
        let text = serde_json::to_vec(entry)?;
        home::write(&self.dir.join(format!("{}.json", entry.mark)), &text)?;
        // Also syncs the name of the file.
        #[cfg(unix)]
        File::open(&self.dir)?.sync_all()?;
        self.step();
        Ok(())
    }

    /// Removes an entry and its lock.
    ///
    /// # Errors
    ///
    /// If it can't be removed. An entry that is already gone is not an error.
    pub fn remove(&self, mark: &str) -> io::Result<()> {
        self.step();
        for name in [format!("{mark}.json"), format!("{mark}.lock")] {
            match fs::remove_file(self.dir.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            self.step();
        }
        Ok(())
    }

    /// All entries, sorted by their marks. Files that aren't entries are skipped.
    ///
    /// # Errors
    ///
    /// If the directory can't be read. A missing directory has no entries.
    pub fn entries(&self) -> io::Result<Vec<JournalEntry>> {
        let files = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files?,
        };
        let mut entries = Vec::new();
        for file in files {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "json")
                && let Ok(file) = read::file(&path)
                && let Ok(entry) = serde_json::from_str::<JournalEntry>(&file.text)
                && path.file_stem().is_some_and(|stem| stem == entry.mark.as_str())
            {
                entries.push(entry);
            }
        }
        entries.sort_by(|a, b| a.mark.cmp(&b.mark));
        Ok(entries)
    }
}

#[cfg(unix)]
fn lock(path: &Path) -> io::Result<Option<File>> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::{
        fs::{FlockOperation, flock},
        io::Errno,
    };
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(windows)]
fn lock(path: &Path) -> io::Result<Option<File>> {
    use std::os::windows::fs::OpenOptionsExt;

    /// `ERROR_SHARING_VIOLATION`
    const IN_USE: i32 = 32;
    match OpenOptions::new().create(true).truncate(false).write(true).share_mode(0).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.raw_os_error() == Some(IN_USE) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(dir: &Path) -> Journal {
        let home = dir.as_os_str().to_owned();
        Journal::of_user(move |name| ["XDG_STATE_HOME", "HOME", "LOCALAPPDATA"].contains(&name).then(|| home.clone()))
            .unwrap()
    }

    fn entry(mark: &str) -> JournalEntry {
        JournalEntry {
            mark: mark.to_owned(),
            provider: "acme".to_owned(),
            resource: String::new(),
            api: "https://api.acme.example".to_owned(),
            url: "https://dev.example/acme".to_owned(),
            other_urls: Vec::new(),
            id: None,
            previous: None,
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written_and_only_its_owner_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        assert_eq!(journal.entries().unwrap(), []);
        journal.write(&entry("b")).unwrap();
        journal.write(&JournalEntry { id: Some("we_1".to_owned()), ..entry("a") }).unwrap();
        fs::write(journal.dir().join("other.json"), "{}").unwrap();
        assert_eq!(
            journal.entries().unwrap(),
            [JournalEntry { id: Some("we_1".to_owned()), ..entry("a") }, entry("b")]
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(journal.dir().join("a.json")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        journal.remove("a").unwrap();
        journal.remove("a").unwrap();
        assert_eq!(journal.entries().unwrap(), [entry("b")]);
    }

    #[test]
    fn the_entry_of_an_earlier_version_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        journal.write(&entry("b")).unwrap();
        let earlier = r#"{"mark":"a","provider":"acme","resource":"","api":"https://api.acme.example","url":"https://dev.example/acme","id":null,"previous":null}"#;
        fs::write(journal.dir().join("a.json"), earlier).unwrap();
        assert_eq!(journal.entries().unwrap(), [entry("a"), entry("b")]);
    }

    #[test]
    fn an_entry_is_held_by_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        let held = journal.hold("a").unwrap();
        assert!(held.is_some() && journal.hold("a").unwrap().is_none());
        drop(held);
        assert!(journal.hold("a").unwrap().is_some());
    }

    #[test]
    fn a_copy_of_the_lock_in_a_child_process_keeps_nobody_from_the_entry() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        let held = journal.hold("a").unwrap().unwrap();
        let _copy = held.lock.try_clone().unwrap();
        drop(held);
        assert!(journal.hold("a").unwrap().is_some());
    }
}
