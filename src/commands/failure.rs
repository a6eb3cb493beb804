//! Why a command ended, as an exit code and in words.

use std::{error::Error, io};

use crate::{
    net::sender::SendError,
    store::{config::ConfigError, providers::FolderError, secrets::SecretError},
    webhook::provider::manifest::ManifestError,
};

/// What the program's exit code says. Scripts depend on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All good.
    Good = 0,
    /// It ran, and the answer is no.
    No = 1,
    /// Usage or configuration.
    Usage = 2,
    /// An input could not be read.
    Input = 3,
    /// The endpoint could not be reached.
    Unreachable = 4,
    /// Ctrl-C.
    Interrupted = 130,
}

/// A command that could not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What went wrong; none when there is nothing to say.
    pub message: Option<String>,
    /// What caused it, the nearest first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with an exit code and a message.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: Some(message.into()), causes: Vec::new(), hint: None }
    }

    /// A mistake in what was typed or configured.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Ctrl-C in the midst of the work, which is told of where that ends.
    #[must_use]
    pub const fn interrupted() -> Self {
        Self { exit: Exit::Interrupted, message: None, causes: Vec::new(), hint: None }
    }

    /// The end of whoever reads the output, which is no failure.
    #[must_use]
    pub const fn closed_pipe() -> Self {
        Self { exit: Exit::Good, message: None, causes: Vec::new(), hint: None }
    }

    /// Adds an error as the cause.
    #[must_use]
    pub fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        self.causes.extend(std::iter::successors(Some(error), |&error| error.source()).map(ToString::to_string));
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// An input that could not be read.
    pub fn input(error: &(dyn Error + 'static)) -> Self {
        Self::of(Exit::Input, error)
    }

    /// A mistake in what was asked, found by trying it.
    pub fn asked(error: &(dyn Error + 'static)) -> Self {
        Self::of(Exit::Usage, error)
    }

    fn of(exit: Exit, error: &(dyn Error + 'static)) -> Self {
        let failure = Self::new(exit, error.to_string());
        match error.source() {
            Some(source) => failure.because(source),
            None => failure,
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::of(Exit::Usage, &error)
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        Self::of(Exit::Usage, &error)
    }
}

impl From<ManifestError> for Failure {
    fn from(error: ManifestError) -> Self {
        Self::of(Exit::Usage, &error)
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        let hint = error.hint();
        Self { hint, ..Self::of(Exit::Usage, &error) }
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        let exit = match error {
            SendError::Url { .. } => Exit::Usage,
            SendError::Unreachable(_) | SendError::Untrusted(_) => Exit::Unreachable,
            SendError::Unsendable(_) | SendError::TimedOut(_) | SendError::Broken(_) | SendError::Cut(..) => Exit::No,
        };
        Self::of(exit, &error)
    }
}

/// The output could not be written: quietly when nobody reads it any more.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::closed_pipe(),
            _ => Self::new(Exit::No, "the output could not be written").because(&error),
        }
    }
}
