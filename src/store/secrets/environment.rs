//! The variables that secrets are looked up in.

use std::{
    collections::HashMap,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::SecretError;
use crate::store::env_file;

/// The variables that secrets are looked up in: the process's, then the env file's.
pub struct Environment {
    process: fn(&str) -> Option<OsString>,
    file: HashMap<String, Zeroizing<String>>,
    /// The env file, if it is configured but missing, as is common in CI.
    pub(super) missing: Option<PathBuf>,
}

impl Environment {
    /// Reads the env file, if one is configured. `process` looks a variable up in the process's environment.
    ///
    /// # Errors
    ///
    /// If the env file exists and can't be read.
    pub fn read(process: fn(&str) -> Option<OsString>, env_file: Option<&Path>) -> Result<Self, SecretError> {
        let Some(path) = env_file else { return Ok(Self { process, file: HashMap::new(), missing: None }) };
        match env_file::variables(path) {
            Ok(file) => Ok(Self { process, file: file.into_iter().collect(), missing: None }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self { process, file: HashMap::new(), missing: Some(path.to_owned()) })
            }
            Err(error) => Err(SecretError::EnvFile(path.to_owned(), error)),
        }
    }

    /// Whether a variable is set only in the env file.
    #[must_use]
    pub fn is_from_file(&self, name: &str) -> bool {
        (self.process)(name).is_none() && self.file.contains_key(name)
    }

    /// A variable of the process, else of the env file.
    ///
    /// # Errors
    ///
    /// If it isn't set, is empty, or is not text.
    pub fn get(&self, name: &str) -> Result<Zeroizing<String>, SecretError> {
        match self.of_process(name)? {
            Some(text) => Ok(text),
            None => self.of_file(name)?.ok_or_else(|| SecretError::UnsetVariable(name.to_owned())),
        }
    }

    /// A variable of the process. It is an error if it is set but empty or not text: treating it as unset would let the
    /// public development secret verify deliveries.
    pub(super) fn of_process(&self, name: &str) -> Result<Option<Zeroizing<String>>, SecretError> {
        let Some(value) = (self.process)(name) else { return Ok(None) };
        let text = value.into_string().map_err(|_| SecretError::NotText(name.to_owned()))?;
        not_empty(name, Zeroizing::new(text)).map(Some)
    }

    pub(super) fn of_file(&self, name: &str) -> Result<Option<Zeroizing<String>>, SecretError> {
        self.file.get(name).cloned().map(|text| not_empty(name, text)).transpose()
    }
}

fn not_empty(name: &str, text: Zeroizing<String>) -> Result<Zeroizing<String>, SecretError> {
    if text.is_empty() { Err(SecretError::EmptyVariable(name.to_owned())) } else { Ok(text) }
}
