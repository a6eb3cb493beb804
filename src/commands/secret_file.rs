//! `--secret-to`: saves the secrets that providers hand over.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use super::exit::Failure;
use crate::{store::private, webhook::signature::SecretText};

/// The maximum number of secrets that are saved, and of file numbers that are tried for one.
const MAX_FILES: usize = 1000;

/// Where secrets are saved, if the user wants that. Clones share what was saved.
#[derive(Clone, Default)]
pub struct SecretFile {
    path: Option<PathBuf>,
    saved: Arc<Mutex<Vec<(SecretText, PathBuf)>>>,
}

/// The result of saving a secret.
pub enum Saved {
    /// The user doesn't want secrets saved.
    NotWanted,
    In(PathBuf),
    Failed(PathBuf, io::Error),
}

impl SecretFile {
    /// A file for secrets at this path.
    ///
    /// # Errors
    ///
    /// If no file can be written there. Most providers show a secret only once, so this must be known before one
    /// arrives.
    pub fn open(path: Option<PathBuf>) -> Result<Self, Failure> {
        if let Some(path) = &path {
            private::check(path).map_err(|error| {
                Failure::usage(format!("--secret-to can't write {}", path.display())).because(&error)
            })?;
        }
        Ok(Self { path, ..Self::default() })
    }

    /// Saves a secret. The first one replaces the file; each other one gets a new file beside it, with a number:
    /// `FILE.2`.
    pub fn save(&self, secret: &SecretText) -> Saved {
        let Some(path) = &self.path else { return Saved::NotWanted };
        let mut saved = self.saved.lock();
        if let Some((_, path)) = saved.iter().find(|(earlier, _)| earlier.expose() == secret.expose()) {
            return Saved::In(path.clone());
        }
        if saved.len() >= MAX_FILES {
            return Saved::Failed(path.clone(), io::Error::other(format!("{MAX_FILES} are saved already")));
        }
        let bytes = secret.expose().as_bytes();
        let (path, written) = if saved.is_empty() {
            (path.clone(), private::write(path, bytes))
        } else {
            let create = |path: PathBuf| match private::create(&path, bytes) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
                created => Some((path, created)),
            };
            let first = saved.len() + 1;
            let created = (first..first + MAX_FILES).find_map(|number| create(numbered(path, number)));
            created.unwrap_or_else(|| (numbered(path, first), Err(io::ErrorKind::AlreadyExists.into())))
        };
        if let Err(error) = written {
            return Saved::Failed(path, error);
        }
        saved.push((secret.clone(), path.clone()));
        Saved::In(path)
    }
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_secret_is_saved_once_and_none_replaces_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, "of an earlier run").unwrap();
        fs::write(dir.path().join("secret.2"), "not ours").unwrap();
        let file = SecretFile::open(Some(path.clone())).unwrap();
        for secret in ["first", "second", "first"] {
            assert!(matches!(file.save(&SecretText::from(secret.to_owned())), Saved::In(_)));
        }
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(["secret", "secret.2", "secret.3"].map(read), ["first", "not ours", "second"]);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 3);
    }
}
