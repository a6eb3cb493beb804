//! Configs that were found rather than named: whose they may be, which files they may name, and the record of those that
//! the user trusts. What needs trust is decided where it is used.
//!
//! The name of a record is a hash of everything that was trusted: the config's path and text, and the files of the
//! providers that it adds. Any change gives another name.

use std::{
    ffi::OsString,
    fs::{self, Metadata},
    io::{self, Write},
    path::{Component, Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::config::Config;
use crate::webhook::provider::files::Files;

/// The user id of a file's owner; `None` where files have none.
#[cfg(unix)]
pub(super) fn owner(metadata: &Metadata) -> Option<u32> {
    Some(std::os::unix::fs::MetadataExt::uid(metadata))
}

#[cfg(not(unix))]
pub(super) fn owner(_: &Metadata) -> Option<u32> {
    None
}

/// Whether a config of this owner may be found: it is the user, root, or the owner of the working directory, as of a
/// checkout that is mounted into a container. Git has the same rule for repositories.
pub(super) fn may_belong_to(owner: u32, working_dir: &Path) -> bool {
    owner == 0 || Some(owner) == user() || fs::metadata(working_dir).ok().as_ref().and_then(self::owner) == Some(owner)
}

#[cfg(unix)]
fn user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn user() -> Option<u32> {
    None
}

/// Whether a file lies below a directory, links resolved. One that doesn't exist lies where its path leads.
pub(super) fn is_below(dir: &Path, file: &Path) -> bool {
    let Ok(dir) = if dir.as_os_str().is_empty() { Path::new(".") } else { dir }.canonicalize() else { return false };
    match dir.join(file).canonicalize() {
        Ok(real) => real.starts_with(dir),
        Err(_) => without_dots(&dir.join(file)).is_some_and(|path| path.starts_with(dir)),
    }
}

/// A path with its `..` resolved by name; `None` if they lead above its root.
fn without_dots(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => plain.pop().then_some(())?,
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    Some(plain)
}

/// Hashes what is trusted with a config.
#[derive(Debug)]
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

    /// Adds the files of a provider that the config adds. Its directory is the config's to name.
    pub fn add_provider(&mut self, files: &Files) {
        self.add(&(files.paths().count() as u64).to_be_bytes());
        for path in files.paths() {
            self.add(path.as_bytes());
            self.add(files.get(path).unwrap_or_default().as_bytes());
        }
    }

    /// The length comes first, so that no bytes can move from one part to the next.
    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    /// The hash in hexadecimal.
    #[must_use]
    pub fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The directory with a record of every config that the user trusts.
#[derive(Debug)]
pub struct TrustStore {
    dir: PathBuf,
}

impl TrustStore {
    /// The store of the user whose environment this is; `None` if it names no home.
    #[must_use]
    pub fn of_user(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        // Relative paths would be below whatever directory hookdev runs in, which the user may not trust.
        let path = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = if cfg!(windows) {
            path("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            path("HOME").map(|home| home.join("Library/Application Support"))
        } else {
            path("XDG_STATE_HOME").or_else(|| path("HOME").map(|home| home.join(".local/state")))
        };
        state.map(|state| Self { dir: state.join("hookdev").join("trust") })
    }

    /// Whether the user trusts what has this fingerprint.
    #[must_use]
    pub fn has(&self, fingerprint: &str) -> bool {
        let found = fs::symlink_metadata(self.dir.join(fingerprint));
        found.is_ok_and(|found| found.is_file() && owner(&found) == user())
    }

    /// Records that the user trusts what has this fingerprint. The record is complete or absent, and only its owner can
    /// read it.
    ///
    /// # Errors
    ///
    /// If it can't be written.
    pub fn add(&self, fingerprint: &str, config: &Path) -> io::Result<()> {
        create_private(&self.dir)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        // For people who look what they trusted.
        file.write_all(config.as_os_str().as_encoded_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(self.dir.join(fingerprint)).map(drop).map_err(|error| error.error)
    }

    /// Where the records are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

fn create_private(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn a_file_is_below_a_directory_only_if_nothing_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("base");
        fs::create_dir_all(base.join("deep")).unwrap();
        fs::write(dir.path().join("outside"), "").unwrap();
        fs::write(base.join("deep/secret"), "").unwrap();
        for (file, expected) in [
            ("deep/secret", true),
            ("deep/../deep/secret", true),
            ("missing", true),
            ("missing/../missing", true),
            ("../outside", false),
            ("../missing", false),
            ("deep/../../missing", false),
            ("/etc/passwd", false),
            ("/no/such/file", false),
        ] {
            assert_eq!(is_below(&base, Path::new(file)), expected, "{file}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path(), base.join("out")).unwrap();
            std::os::unix::fs::symlink(base.join("deep"), base.join("in")).unwrap();
            assert!(!is_below(&base, Path::new("out/outside")));
            assert!(is_below(&base, Path::new("in/secret")));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_config_belongs_to_the_user_to_root_or_to_the_owner_of_the_working_directory() {
        let dir = tempfile::tempdir().unwrap();
        let user = user().unwrap();
        assert!(may_belong_to(user, Path::new("/")));
        assert!(may_belong_to(0, dir.path()));
        assert!(!may_belong_to(user + 12_345, dir.path()));
    }

    #[test]
    fn everything_that_is_trusted_changes_the_fingerprint() {
        let dir = tempfile::tempdir().unwrap();
        let fingerprint = |config: &str, files: &[(&'static str, &'static str)]| {
            let path = dir.path().join("hookdev.toml");
            fs::write(&path, config).unwrap();
            let mut fingerprint = Fingerprint::of(&Config::read(&path).unwrap());
            let files = files.iter().map(|(path, text)| (Cow::Borrowed(*path), Cow::Borrowed(*text))).collect();
            fingerprint.add_provider(&Files::new("acme", files));
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
