//! The cache of checked provider directories: for each, fingerprints of its manifest and of all its files, and its index
//! entry. While the manifest is the same, no other file is looked at until the provider is used; and while all files are the
//! same, they are not checked again.
//!
//! Nothing depends on the cache. One that is missing, broken, of another program or not the user's alone is ignored, and one
//! that can't be written is not.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs::{self, Metadata},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    home,
    provenance::{owner, user},
    read as read_file,
};
use crate::webhook::provider::index::IndexEntry;

/// The age from which on a file's times tell its changes apart. The coarsest clock of a file system, FAT's, ticks every 2 s.
const SETTLED: Duration = Duration::from_secs(2);

/// The cache, with one file for each directory that the user names.
#[derive(Clone, Debug)]
pub struct ProviderCache {
    dir: PathBuf,
    program: String,
}

/// The provider directories that passed their check, by name in the directory that the user names; that directory itself has
/// the empty name.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checked(pub BTreeMap<String, CheckedDirectory>);

/// A provider directory that passed its check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CheckedDirectory {
    /// The digest of its manifest's fingerprint at that time. The index entry depends on the manifest alone.
    pub manifest: String,
    /// The digest of the fingerprint of all its files.
    pub files: String,
    /// The provider's entry in an index.
    pub index: IndexEntry,
}

/// One file of the cache.
#[derive(Serialize, Deserialize)]
struct CacheFile<C> {
    /// The program that checked the directories: another one may know other rules.
    program: String,
    /// The directory that the user names, for people.
    directory: String,
    providers: C,
}

impl ProviderCache {
    /// The cache of the user whose environment this is; `None` if it names no home.
    #[must_use]
    pub fn of_user(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let dir = home::cache(variable)?.join("providers");
        // Builds between two releases have the same version.
        let executable = env::current_exe().and_then(fs::metadata).ok();
        let build = executable.and_then(|found| Some((found.len(), unix_time(found.modified().ok()?))));
        Some(Self { dir, program: format!("hookdev {} {build:?}", env!("CARGO_PKG_VERSION")) })
    }

    /// The provider directories in `dir` that passed their check.
    pub(super) fn read(&self, dir: &Path) -> Checked {
        let read = || {
            let file = read_file::file(&self.file(dir)?).ok().filter(|file| is_private(&file.metadata))?;
            let cached: CacheFile<Checked> = serde_json::from_str(&file.text).ok()?;
            (cached.program == self.program).then_some(cached.providers)
        };
        read().unwrap_or_default()
    }

    /// Records which provider directories in `dir` passed their check.
    pub(super) fn write(&self, dir: &Path, checked: &Checked) {
        let directory = dir.display().to_string();
        let content = serde_json::to_vec(&CacheFile { program: self.program.clone(), directory, providers: checked });
        if let (Some(file), Ok(content)) = (self.file(dir), content) {
            // The next run checks them again.
            let _ = home::write(&file, &content);
        }
    }

    /// Forgets the provider directories in `dir`.
    pub(super) fn forget(&self, dir: &Path) {
        // A missing file is as good.
        let _ = self.file(dir).map(fs::remove_file);
    }

    fn file(&self, dir: &Path) -> Option<PathBuf> {
        let absolute = std::path::absolute(dir).ok()?;
        let digest = home::hex(&Sha256::digest(absolute.as_os_str().as_encoded_bytes()));
        Some(self.dir.join(&digest[..32]).with_extension("json"))
    }
}

/// Whether a file is the user's, and nobody else can write it.
fn is_private(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    let is_writable = std::os::unix::fs::MetadataExt::mode(metadata) & 0o022 != 0;
    #[cfg(not(unix))]
    let is_writable = false;
    owner(metadata) == user() && !is_writable
}

/// The state of some files: names, sizes, times, and which files they are.
pub(super) struct Fingerprint {
    pub digest: String,
    newest: Duration,
}

impl Fingerprint {
    /// The fingerprint of files with these names in their directory.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a Metadata)>) -> Self {
        let (mut hash, mut newest) = (Sha256::new(), Duration::ZERO);
        for (name, metadata) in files {
            let modified = metadata.modified().map_or(Duration::MAX, unix_time);
            let (changed, identity) = change(metadata);
            newest = newest.max(modified).max(changed);
            for number in [metadata.len().into(), modified.as_nanos(), changed.as_nanos(), identity, name.len() as u128]
            {
                hash.update(number.to_be_bytes());
            }
            hash.update(name);
        }
        Self { digest: home::hex(&hash.finalize()), newest }
    }

    /// Whether any change after `now` changes the digest. A file that was written just before may be written again at
    /// what its times call the same time.
    pub fn is_settled(&self, now: SystemTime) -> bool {
        unix_time(now).checked_sub(self.newest).is_some_and(|age| age >= SETTLED)
    }
}

/// When a file's content or metadata last changed, which no program can set, and a number that the file which replaces it
/// doesn't have.
#[cfg(unix)]
fn change(metadata: &Metadata) -> (Duration, u128) {
    use std::os::unix::fs::MetadataExt;

    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let nanoseconds = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
    (Duration::new(seconds, nanoseconds), u128::from(metadata.dev()) << 64 | u128::from(metadata.ino()))
}

#[cfg(not(unix))]
fn change(metadata: &Metadata) -> (Duration, u128) {
    (metadata.created().map(unix_time).unwrap_or_default(), 0)
}

/// The time since 1970; earlier times are zero.
fn unix_time(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
