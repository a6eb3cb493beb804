//! What is wrong with a secret, and what to do about it.

use std::{io, path::PathBuf};

use crate::webhook::{
    keyring::SecretSource,
    provider::{
        catalog::{LoadError, reason},
        index::IndexEntry,
    },
    signature::MalformedSecret,
};

/// What is wrong with a secret. No variant contains any part of the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable isn't set.
    #[error("the environment variable {0} is not set")]
    UnsetVariable(String),
    /// The variable is set to nothing.
    #[error("the environment variable {0} is empty")]
    EmptyVariable(String),
    /// The variable is not UTF-8.
    #[error("the environment variable {0} is not text: its value is not UTF-8")]
    NotText(String),
    /// The file can't be read.
    #[error("can't read the secret file {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The env file can't be read.
    #[error("can't read the env file {}", .0.display())]
    EnvFile(PathBuf, #[source] io::Error),
    /// The text isn't a valid secret of the provider.
    #[error("invalid {provider} secret from {}: {problem}", origin(.from))]
    Malformed {
        /// The provider's title.
        provider: String,
        /// Where the secret came from.
        from: SecretSource,
        /// What is wrong with it.
        problem: MalformedSecret,
    },
    /// The text before the `=` of a source is not a provider's name. Holds the message.
    #[error("{0}")]
    UnknownProvider(String),
    /// The text before the first `=` of a literal is nearly the name of this provider.
    #[error("the text before `=` in --secret isn't a provider; did you mean `{0}=…`?")]
    MisspeltProvider(String),
    /// The text before the first `:` of a literal is the name of this provider.
    #[error("the text before `:` in --secret is a provider; write `{0}=…`")]
    ColonAfterProvider(String),
    /// The provider takes no secret.
    #[error("{0} doesn't sign its deliveries and takes no secret")]
    NotUsed(String),
    /// The provider that the secret is for can't be loaded. Holds the message.
    #[error("{0}")]
    Provider(String),
}

impl SecretError {
    /// Whether the source doesn't exist.
    pub(super) fn is_missing(&self) -> bool {
        match self {
            Self::UnsetVariable(_) => true,
            Self::File(_, error) => error.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }

    /// What to do about it, if known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnsetVariable(name) => {
                Some(format!("set it with `export {name}=…`, or pass another source with --secret"))
            }
            Self::EmptyVariable(name) | Self::NotText(name) => {
                Some(format!("set {name} to the secret that the provider shows, or unset it"))
            }
            Self::MisspeltProvider(_) | Self::ColonAfterProvider(_) => {
                Some("if all of it is the secret, write the provider's name and `=` before it".to_owned())
            }
            Self::Malformed { problem, from, .. } => Some(malformed_hint(*problem, from)),
            _ => None,
        }
    }
}

impl From<&LoadError> for SecretError {
    fn from(error: &LoadError) -> Self {
        Self::Provider(reason(error))
    }
}

pub(super) fn malformed(provider: &IndexEntry, source: &SecretSource, problem: MalformedSecret) -> SecretError {
    SecretError::Malformed { provider: provider.title.clone(), from: source.clone(), problem }
}

/// What to do at the source of a malformed secret.
fn malformed_hint(problem: MalformedSecret, from: &SecretSource) -> String {
    match (problem, from) {
        (MalformedSecret::TrailingNewline, SecretSource::Env(name)) => {
            format!("set {name} without the newline; the shell removes it in {name}=\"$(cat FILE)\"")
        }
        (MalformedSecret::TrailingNewline, SecretSource::Flag) => {
            "pass it without the newline; the shell removes it in --secret \"$(cat FILE)\"".to_owned()
        }
        (MalformedSecret::TrailingNewline, SecretSource::Config) => "remove the newline at its end".to_owned(),
        (MalformedSecret::ByteOrderMark, SecretSource::Env(name)) => {
            format!("set {name} without the byte order mark (U+FEFF) at its start")
        }
        (MalformedSecret::ByteOrderMark, SecretSource::Flag | SecretSource::Config) => {
            "remove the byte order mark (U+FEFF) at its start".to_owned()
        }
        _ => problem.hint().to_owned(),
    }
}

/// Where a secret comes from, in words.
pub(super) fn origin(source: &SecretSource) -> String {
    match source {
        SecretSource::Flag => "--secret".to_owned(),
        SecretSource::Config => "the config".to_owned(),
        other => other.to_string(),
    }
}
