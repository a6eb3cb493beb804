//! What a command remembers across reloads: which files were in use, and what it has reported.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use super::exit::Failure;
use crate::{render::diagnostic::inline, store::config::Config};

/// State shared by the contexts of one command.
#[derive(Clone, Debug, Default)]
pub struct SharedContext(Arc<Mutex<SharedState>>);

#[derive(Debug, Default)]
struct SharedState {
    /// The configs that have been named on standard error.
    named: HashSet<PathBuf>,
    /// The config, if it had content.
    config: Option<PathBuf>,
    /// The env file, if it had content.
    env_file: Option<PathBuf>,
    /// Whether a warning about broken providers has been printed.
    has_warned: bool,
}

impl SharedContext {
    /// Records that a config is named. Returns whether this is the first time.
    pub(super) fn is_new(&self, path: &Path) -> bool {
        self.0.lock().named.insert(path.to_owned())
    }

    pub(super) fn set_files(&self, config: Option<&Config>) {
        let in_use = |path: &PathBuf| lost(path).is_none().then(|| path.clone());
        let mut state = self.0.lock();
        state.config = config.and_then(|config| in_use(&config.path));
        state.env_file = config.and_then(|config| in_use(config.env_file.as_ref()?));
    }

    /// Records a warning about broken providers. Returns whether it is the first: when one breaks later, a command that
    /// needs it says so.
    pub(super) fn is_first_warning(&self) -> bool {
        !std::mem::replace(&mut self.0.lock().has_warned, true)
    }

    pub(super) fn check_config(&self) -> Result<(), Failure> {
        check_file(self.0.lock().config.as_deref())
    }

    pub(super) fn check_env_file(&self, config: Option<&Config>) -> Result<(), Failure> {
        let named = config.and_then(|config| config.env_file.as_deref());
        check_file(self.0.lock().env_file.as_deref().filter(|path| Some(*path) == named))
    }
}

/// Checks that a file in use still has content.
fn check_file(in_use: Option<&Path>) -> Result<(), Failure> {
    match in_use.and_then(|path| Some((path, lost(path)?))) {
        Some((path, lost)) => {
            Err(Failure::usage(format!("{} is {lost}; to go on without it, restart", inline(&path.to_string_lossy()))))
        }
        None => Ok(()),
    }
}

/// Why a file no longer has content; `None` if it has.
fn lost(path: &Path) -> Option<&'static str> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() == 0 => Some("empty"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some("gone"),
        _ => None,
    }
}
