//! The cache of checked provider directories: for each, digests of its manifest and of all its files, and its index
//! entry. While the manifest is unchanged, no other file is read until the provider is used; and while all files are
//! unchanged, they are not checked again.
//!
//! Nothing depends on the cache. If it is missing, broken, from another program or open to other users, it is ignored,
//! and if it can't be written, everything works without it.

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
use crate::webhook::{encoding, provider::index::IndexEntry};

/// The age from which a file's timestamps reveal any change. The coarsest file system clock, FAT's, ticks every 2 s.
const SETTLED: Duration = Duration::from_secs(2);

/// The cache, with one file for each directory that the user names.
#[derive(Clone, Debug)]
pub struct ProviderCache {
    dir: PathBuf,
    program: String,
}

/// The provider directories that passed their check, by name in the directory that the user names; that directory
/// itself has the empty name.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checked(pub BTreeMap<String, CheckedDirectory>);

/// A provider directory that passed its check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CheckedDirectory {
    /// Its files at that time.
    pub digests: Digests,
    /// The provider's entry in an index.
    pub index: IndexEntry,
}

/// The digests of a provider directory's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Digests {
    /// Of the manifest, which alone determines the index entry.
    pub manifest: String,
    /// Of all its files.
    pub files: String,
}

/// One file of the cache.
#[derive(Serialize, Deserialize)]
struct CacheFile<C> {
    /// The program that checked the directories, because another one may have other rules.
    program: String,
    /// The directory that the user names, for people.
    directory: String,
    providers: C,
}

impl ProviderCache {
    /// The cache of the user with this environment; `None` if that has no home directory.
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
        // A missing file is just as good.
        let _ = self.file(dir).map(fs::remove_file);
    }

    fn file(&self, dir: &Path) -> Option<PathBuf> {
        let absolute = std::path::absolute(dir).ok()?;
        let digest = encoding::hex(&Sha256::digest(absolute.as_os_str().as_encoded_bytes()));
        Some(self.dir.join(&digest[..32]).with_extension("json"))
    }
}

/// Whether a file belongs to the user, and nobody else can write to it.
fn is_private(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    let is_writable = std::os::unix::fs::MetadataExt::mode(metadata) & 0o022 != 0;
    #[cfg(not(unix))]
    let is_writable = false;
    owner(metadata) == user() && !is_writable
}

/// The state of some files: names, sizes, times and identities.
pub(super) struct Stamp {
    pub digest: String,
    newest: Duration,
}

impl Stamp {
    /// The stamp of files with these names in their directory.
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
        Self { digest: encoding::hex(&hash.finalize()), newest }
    }

    /// Whether any change after `now` is sure to change the digest. A file written just before may be written again
    /// with the same timestamp.
    pub fn is_settled(&self, now: SystemTime) -> bool {
        unix_time(now).checked_sub(self.newest).is_some_and(|age| age >= SETTLED)
    }
}

/// When a file's content or metadata last changed, which no program can set, and a number that distinguishes it from a
/// file that replaces it.
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, time::Duration};

    use super::*;
    use crate::{store::providers, webhook::provider::catalog::CatalogEntry};

    const MANIFEST: &str = "name = \"acme\"\ntitle = \"Acme\"\nabout = \"A test\"\n\n[delivery]\nsuccess = [\"2xx\"]\n\n\
                            [[event]]\nname = \"made\"\nabout = \"Made\"\nmatch = { type = \"made\" }\n";

    /// A user's home, and a directory of provider directories with one in it.
    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            home.save("provider.toml", MANIFEST);
            home.save("events/made.json", "{\"type\":\"made\"}");
            home
        }

        /// Saves a file of the provider.
        fn save(&self, name: &str, text: &str) {
            let path = self.providers().join("acme").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        }

        fn providers(&self) -> PathBuf {
            self.0.path().join("providers")
        }

        fn cache(&self) -> ProviderCache {
            let home = self.0.path().as_os_str().to_owned();
            ProviderCache::of_user(move |name| (name == "XDG_CACHE_HOME").then(|| home.clone())).unwrap()
        }

        /// Checks the provider and records that, as if its files had been saved long ago.
        fn check(&self) -> CheckedDirectory {
            let cache = self.cache();
            let entry = self.entry().unwrap();
            let metadata = |name: &str| fs::metadata(self.providers().join("acme").join(name)).unwrap();
            let (manifest, event) = (metadata("provider.toml"), metadata("events/made.json"));
            let known = CheckedDirectory {
                digests: Digests {
                    manifest: Stamp::of([("provider.toml", &manifest)]).digest,
                    files: Stamp::of([("events/made.json", &event), ("provider.toml", &manifest)]).digest,
                },
                index: entry.index().clone(),
            };
            cache.write(&self.providers(), &Checked([("acme".to_owned(), known.clone())].into()));
            known
        }

        fn entry(&self) -> Result<std::sync::Arc<CatalogEntry>, String> {
            let entry = providers::entries(&self.providers(), Some(&self.cache())).unwrap().remove(0);
            let failure = entry.failure().map(ToString::to_string);
            failure.map_or(Ok(entry), Err)
        }

        /// Whether the provider is loaded only when it is used.
        fn is_lazy(&self) -> bool {
            format!("{:?}", self.entry().unwrap()) == "Entry(\"acme\", not loaded)"
        }
    }

    fn loaded(entry: &CatalogEntry) -> Result<String, String> {
        entry.load().map(|provider| provider.events[0].fixture.to_string()).map_err(ToString::to_string)
    }

    #[test]
    fn a_directory_that_passed_its_check_is_not_read_until_it_is_used() {
        let home = Home::new();
        let known = home.check();
        assert_eq!(home.cache().read(&home.providers()).0["acme"], known);
        assert!(home.is_lazy());
        assert_eq!(loaded(&home.entry().unwrap()).unwrap(), "{\"type\":\"made\"}");
    }

    #[test]
    fn files_saved_a_moment_ago_are_checked_but_not_recorded() {
        let home = Home::new();
        assert!(!home.is_lazy() && !home.is_lazy());
        assert_eq!(home.cache().read(&home.providers()), Checked::default());
        assert!(!home.cache().dir.exists());
        let metadata = fs::metadata(home.providers().join("acme/provider.toml")).unwrap();
        let saved = metadata.modified().unwrap();
        let settled = |age| Stamp::of([("", &metadata)]).is_settled(saved + Duration::from_millis(age));
        assert_eq!([settled(0), settled(1900), settled(2100)], [false, false, true]);
    }

    #[test]
    fn a_changed_manifest_is_noticed_at_once_and_another_file_when_the_provider_is_used() {
        let home = Home::new();
        home.check();
        home.save("events/made.json", "{\"type\":\"lost\"}");
        let error = loaded(&home.entry().unwrap()).unwrap_err();
        assert!(error.contains("acme/events/made.json:1:9: acme.made: it isn't recognised as this event"), "{error}");
        home.save("events/made.json", "{\"type\":\"made\",\"id\":1}");
        assert_eq!(loaded(&home.entry().unwrap()).unwrap(), "{\"type\":\"made\",\"id\":1}");

        home.save("provider.toml", &MANIFEST.replace("Made", "Kept"));
        let entry = home.entry().unwrap();
        assert_eq!(entry.index().events()[0].about, "Kept");
        home.save("provider.toml", "name = 1");
        assert!(home.entry().unwrap_err().contains("provider.toml:1:8: "));
    }

    #[test]
    fn a_manifest_of_the_same_size_and_time_is_another_one() {
        let home = Home::new();
        home.check();
        let path = home.providers().join("acme/provider.toml");
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, MANIFEST.replace("Made", "Kept")).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        let seen = fs::metadata(&path).unwrap();
        assert_eq!((seen.len(), seen.modified().unwrap()), (MANIFEST.len() as u64, modified));
        assert_eq!(home.entry().unwrap().index().events()[0].about, "Kept");
    }

    #[test]
    fn an_entry_that_contradicts_the_directory_is_an_error_once() {
        let home = Home::new();
        let mut known = home.check();
        known.index.sends_secret = true;
        home.cache().write(&home.providers(), &Checked([("acme".to_owned(), known)].into()));
        let error = loaded(&home.entry().unwrap()).unwrap_err();
        let path = home.providers().join("acme");
        assert_eq!(error, format!("the provider directory {} has just changed; try again", path.display()));
        assert!(loaded(&home.entry().unwrap()).is_ok());
    }

    #[test]
    fn a_broken_foreign_or_shared_cache_is_ignored() {
        let home = Home::new();
        home.check();
        let (cache, dir) = (home.cache(), home.providers());
        let file = cache.file(&dir).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o620, 0o602, 0o666] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(cache.read(&dir), Checked::default(), "{mode:o}");
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(cache.read(&dir).0.len(), 1);

        let another = ProviderCache { program: "hookdev 0.0.0".to_owned(), ..cache.clone() };
        assert_eq!(another.read(&dir), Checked::default());
        let whole = fs::read_to_string(&file).unwrap();
        for text in ["", "null", "\0", &whole[..whole.len() / 2], &whole.replace("\"events\":[", "\"events\":[[")] {
            fs::write(&file, text).unwrap();
            assert_eq!(cache.read(&dir), Checked::default(), "{text}");
            assert!(!home.is_lazy(), "{text}");
        }
        if user() == 0 {
            fs::write(&file, &whole).unwrap();
            std::os::unix::fs::chown(&file, Some(12_345), None).unwrap();
            assert_eq!(cache.read(&dir), Checked::default());
        }
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(!home.is_lazy());
    }

    #[test]
    fn a_home_that_is_missing_or_read_only_is_no_obstacle() {
        assert!(ProviderCache::of_user(|_| None).is_none());
        assert!(ProviderCache::of_user(|name| (name == "HOME").then(|| "relative".into())).is_none());
        let home = Home::new();
        // A file in the place of the directory can't be written to by root either.
        fs::write(home.0.path().join("hookdev"), "").unwrap();
        home.cache().write(&home.providers(), &Checked::default());
        home.cache().forget(&home.providers());
        assert!(!home.is_lazy());
    }
}
