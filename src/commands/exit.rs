//! How a command ends: an exit code, and for a failure also its message, causes and hint.

use std::{error::Error, io};

use crate::{
    engine::{
        check::CheckError,
        deliver::{DeliverError, InvalidJob},
        entropy::EntropyError,
    },
    net::url::InvalidUrl,
    render::diagnostic::Message,
    store::{config::ConfigError, providers::ProviderError, secrets::SecretError},
    webhook::provider::{catalog::LoadError, manifest::DirectoryMistake},
};

/// The program's exit code. Scripts depend on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The command succeeded.
    Success,
    /// A negative result: a rejected signature, a refused delivery, a failed check.
    Failed,
    /// Invalid usage or configuration.
    Usage,
    /// An input could not be read or parsed.
    UnreadableInput,
    /// The endpoint could not be reached.
    Unreachable,
    /// Ctrl-C.
    Interrupted,
    /// The exit code of the program that `listen -- CMD` ran.
    Program(u8),
}

impl Exit {
    /// The exit code as a number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::UnreadableInput => 3,
            Self::Unreachable => 4,
            Self::Interrupted => 130,
            Self::Program(code) => code,
        }
    }

    /// The more serious of two exit codes: the one with the larger number.
    #[must_use]
    pub const fn worse(self, other: Self) -> Self {
        if other.code() > self.code() { other } else { self }
    }
}

/// Why a command could not finish.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What went wrong. `None` prints nothing.
    pub message: Option<Message>,
    /// The chain of causes, the nearest first.
    pub causes: Vec<Message>,
    /// What to do about it.
    pub hint: Option<Message>,
    /// Whether it is the error of a broken provider, which then needs no warning of its own.
    pub(super) is_provider_error: bool,
}

impl Failure {
    /// A failure with this exit code and message.
    pub fn new(exit: Exit, message: impl Into<Message>) -> Self {
        Self { message: Some(message.into()), ..Self::silent(exit) }
    }

    /// A mistake on the command line or in the configuration (exit code 2).
    pub fn usage(message: impl Into<Message>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The failure after Ctrl-C. It prints nothing: the command itself reports how far it got.
    #[must_use]
    pub const fn interrupted() -> Self {
        Self::silent(Exit::Interrupted)
    }

    /// A failure to write the output. A closed pipe ends the command silently.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "map_err takes it as it is")]
    pub fn output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::closed_pipe(),
            _ => Self::new(Exit::Failed, "can't write the output").because(&error),
        }
    }

    /// The reader of the output has closed the pipe, which is not an error.
    #[must_use]
    pub const fn closed_pipe() -> Self {
        Self::silent(Exit::Success)
    }

    const fn silent(exit: Exit) -> Self {
        Self { exit, message: None, causes: Vec::new(), hint: None, is_provider_error: false }
    }

    /// Adds an error and its sources as causes.
    #[must_use]
    pub fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        self.causes
            .extend(std::iter::successors(Some(error), |&error| error.source()).map(|error| error.to_string().into()));
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Message>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The message and its causes on one line, after this prefix.
    #[must_use]
    pub fn in_one_line(self, prefix: &str) -> Message {
        let causes: Vec<String> = self.causes.iter().map(|cause| format!(": {cause}")).collect();
        self.message.unwrap_or_else(|| "".into()).between(prefix, &causes.concat())
    }

    /// An input that could not be read or parsed (exit code 3).
    pub fn unreadable_input(error: &(dyn Error + 'static)) -> Self {
        Self::of(Exit::UnreadableInput, error)
    }

    /// Invalid usage that shows only at run time (exit code 2), such as a capture directory that can't be created.
    pub fn invalid_usage(error: &(dyn Error + 'static)) -> Self {
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
        let hint = error.hint().map(Message::from);
        Self { hint, ..Self::of(Exit::Usage, &error) }
    }
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        Self::from(&error)
    }
}

impl From<&ProviderError> for Failure {
    fn from(error: &ProviderError) -> Self {
        match error {
            ProviderError::Contradictory(problems) if problems.len() > 1 => {
                let first = format!("{} mistakes in the provider directory {}:", problems.len(), problems[0].origin);
                let lines = problems.iter().map(|problem| format!("  {problem}"));
                Self::usage(Message::with_lines(first, lines))
            }
            _ => Self::of(Exit::Usage, error),
        }
    }
}

impl From<&LoadError> for Failure {
    fn from(error: &LoadError) -> Self {
        let failure = match error.downcast_ref::<ProviderError>() {
            Some(error) => Self::from(error),
            None => Self::of(Exit::Usage, error.as_ref()),
        };
        Self { is_provider_error: true, ..failure }
    }
}

impl From<DirectoryMistake> for Failure {
    fn from(error: DirectoryMistake) -> Self {
        Self::of(Exit::Usage, &error)
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        let hint = error.hint().map(Message::from);
        Self { hint, ..Self::of(Exit::Usage, &error) }
    }
}

impl From<InvalidUrl> for Failure {
    fn from(error: InvalidUrl) -> Self {
        Self::of(Exit::Usage, &error)
    }
}

impl From<EntropyError> for Failure {
    fn from(error: EntropyError) -> Self {
        Self::of(Exit::Failed, &error)
    }
}

impl From<InvalidJob> for Failure {
    fn from(error: InvalidJob) -> Self {
        Self::of(Exit::Usage, &error)
    }
}

impl From<DeliverError> for Failure {
    fn from(error: DeliverError) -> Self {
        match error {
            DeliverError::Entropy(error) => error.into(),
            DeliverError::Send(error) => Self::of(Exit::Unreachable, &error),
            DeliverError::Tamper(_) => Self::of(Exit::Usage, &error),
            DeliverError::Capture(_) => Self::of(Exit::Failed, &error),
            DeliverError::Report(error) => Self::output(error),
        }
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Entropy(error) => error.into(),
            CheckError::Fixture(message) => Self::usage(message),
            CheckError::Send(error) => Self::of(Exit::Unreachable, &error),
            CheckError::Report(error) => Self::output(error),
        }
    }
}
