//! The record of found configs that the user trusts. The callers decide what needs trust.
//!
//! The name of a record is a hash of everything that was trusted: the config's path and text, and the files of the
//! providers that it adds. Any change leads to another name.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    config::Config,
    home,
    provenance::{owner, user},
};
use crate::webhook::{encoding, provider::files::ProviderFiles};

/// Hashes everything that trust in a config covers.
#[derive(Clone, Debug)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Starts with the config itself.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let path = config.path.canonicalize().unwrap_or_else(|_| config.path.clone());
        let mut fingerprint = Self(Sha256::new());
        fingerprint.add(path.as_os_str().as_encoded_bytes());
        fingerprint.add(config.text().expose().as_bytes());
        fingerprint
    }

    /// Adds the files of a provider that the config adds. The directory itself is named in the config's text.
    pub fn add_provider(&mut self, files: &ProviderFiles) {
        self.add(&(files.paths().count() as u64).to_be_bytes());
        for path in files.paths() {
            self.add(path.as_bytes());
            self.add(files.bytes(path).unwrap_or_default());
        }
    }

    /// Hashes the length first, so that bytes can't move from one part to the next.
    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    /// The hash in hexadecimal.
    #[must_use]
    pub fn finish(self) -> String {
        encoding::hex(&self.0.finalize())
    }
}

/// The directory with a record of every config that the user trusts.
#[derive(Debug)]
pub struct TrustStore {
    dir: PathBuf,
}

impl TrustStore {
    /// The store of the user with this environment; `None` if that has no home directory.
    #[must_use]
    pub fn of_user(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        home::state(variable).map(|state| Self { dir: state.join("trust") })
    }

    /// Whether the user trusts a config with this fingerprint.
    #[must_use]
    pub fn has(&self, fingerprint: &str) -> bool {
        let found = fs::symlink_metadata(self.record(fingerprint));
        found.is_ok_and(|found| found.is_file() && owner(&found) == user())
    }

    /// Records that the user trusts a config with this fingerprint. The record is complete or absent, and only its
    /// owner can read it.
    ///
    /// # Errors
    ///
    /// If it can't be written.
    pub fn add(&self, fingerprint: &str, config: &Path) -> io::Result<()> {
        // For people who want to know what they have trusted.
        home::write(&self.record(fingerprint), &[config.as_os_str().as_encoded_bytes(), b"\n"].concat())
    }

    /// The file that records trust.
    #[must_use]
    pub fn record(&self, fingerprint: &str) -> PathBuf {
        self.dir.join(fingerprint)
    }

    /// Where the records are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn everything_that_is_trusted_changes_the_fingerprint() {
        let dir = tempfile::tempdir().unwrap();
        let fingerprint = |config: &str, files: &[(&'static str, &'static str)]| {
            let path = dir.path().join("hookdev.toml");
            fs::write(&path, config).unwrap();
            let mut fingerprint = Fingerprint::of(&Config::read(&path).unwrap());
            let files = files.iter().map(|(path, text)| (Cow::Borrowed(*path), Cow::Borrowed(*text))).collect();
            fingerprint.add_provider(&ProviderFiles::new("acme", files));
            fingerprint.finish()
        };
        let first = fingerprint("", &[("a", "b")]);
        assert_eq!((first.len(), &first), (64, &fingerprint("", &[("a", "b")])));
        for (config, files) in
            [("# a", &[("a", "b")][..]), ("", &[("a", "c")]), ("", &[("ab", "")]), ("", &[("a", "b"), ("c", "")])]
        {
            assert_ne!(first, fingerprint(config, files), "{config:?} {files:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_record_is_private_and_below_the_users_state() {
        use std::os::unix::fs::PermissionsExt;

        let home = tempfile::tempdir().unwrap();
        let store = |name: &'static str, value: PathBuf| {
            TrustStore::of_user(move |asked| (asked == name).then(|| value.clone().into_os_string()))
        };
        assert!(store("HOME", "relative".into()).is_none());
        let of_home = store("HOME", home.path().into()).unwrap();
        assert_eq!(of_home.dir(), home.path().join(".local/state/hookdev/trust"));
        let store = store("XDG_STATE_HOME", home.path().into()).unwrap();
        assert_eq!(store.dir(), home.path().join("hookdev/trust"));
        assert!(!store.has("1234"));
        store.add("1234", Path::new("/a/hookdev.toml")).unwrap();
        store.add("1234", Path::new("/a/hookdev.toml")).unwrap();
        assert!(store.has("1234") && !store.has("12345"));
        let record = store.dir().join("1234");
        assert_eq!(fs::read_to_string(&record).unwrap(), "/a/hookdev.toml\n");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&record), mode(store.dir())), (0o600, 0o700));
        assert_eq!(fs::read_dir(store.dir()).unwrap().count(), 1);
        std::os::unix::fs::symlink(&record, store.dir().join("link")).unwrap();
        assert!(!store.has("link"));
    }
}
