//! What can be wrong with an input or with one of its entries.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    MAX_SIZE,
    parts::ParseError,
    position::{Position, Start},
};
use crate::webhook::capture;

/// Why an input, or an entry in it, can't be read.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// The operating system reports an error.
    #[error("can't read {}", file.display())]
    Unreadable {
        /// The file or directory.
        file: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The input is empty, or holds only whitespace.
    #[error("{} is empty", file.display())]
    Empty { file: PathBuf },
    /// The input is in none of the formats.
    #[error("{} isn't a capture: {reason}", file.display())]
    Unrecognised {
        file: PathBuf,
        /// The nearest format and what is missing, or what the input is instead.
        reason: String,
    },
    /// One entry is broken; the others may be readable.
    #[error("{}: {fault}", file.display())]
    Broken {
        file: PathBuf,
        /// What is wrong with the entry.
        fault: EntryFault,
    },
}

impl EntryError {
    /// The file, and the line if known.
    #[must_use]
    pub fn place(&self) -> (&Path, Option<u64>) {
        match self {
            Self::Unreadable { file, .. } | Self::Empty { file } | Self::Unrecognised { file, .. } => (file, None),
            Self::Broken { file, fault } => (file, fault.line()),
        }
    }
}

/// What is wrong with one entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryFault {
    /// The operating system reports an error.
    #[error("can't be read")]
    Read(#[source] io::Error),
    /// The entry breaks the rules of its format.
    #[error("{0}: {1}")]
    Malformed(Position, String),
    /// The capture was written by a newer hookdev, in this version of the format.
    #[error("{0}: version {1} of the capture format is newer than this hookdev supports ({version}); update hookdev", version = capture::VERSION)]
    NewerVersion(Position, u64),
    /// The entry exceeds [`capture::MAX_SIZE`].
    #[error("{0}: larger than {limit} MiB", limit = MAX_SIZE >> 20)]
    TooLarge(Position),
    /// The request has more header fields than [`capture::MAX_FIELDS`].
    #[error("{0}: more than {limit} header fields", limit = capture::MAX_FIELDS)]
    TooManyFields(Position),
}

impl EntryFault {
    fn line(&self) -> Option<u64> {
        match self {
            Self::Read(_) => None,
            Self::Malformed(position, _)
            | Self::NewerVersion(position, _)
            | Self::TooLarge(position)
            | Self::TooManyFields(position) => position.line(),
        }
    }

    /// The fault of an error in the document that starts at `start`.
    pub(super) fn at(start: Start, error: ParseError) -> Self {
        match error {
            ParseError::Json(error) => {
                let position = start.position(error.line() as u64, error.column() as u64);
                Self::Malformed(position, json_message(&error))
            }
            ParseError::Expected(what) => Self::Malformed(Position::Line(start.line), format!("expected {what}")),
            ParseError::NewerVersion(version) => Self::NewerVersion(Position::Line(start.line), version),
        }
    }

    /// The fault as an error that names the file.
    pub(super) fn in_file(self, file: &Path) -> EntryError {
        let file = file.to_owned();
        match self {
            Self::Read(source) => EntryError::Unreadable { file, source },
            fault => EntryError::Broken { file, fault },
        }
    }
}

/// The parser's message without its position, which is relative to the document, and with JSON's terms for serde's
/// sequences and maps.
fn json_message(error: &serde_json::Error) -> String {
    let mut message = error.to_string();
    message.truncate(message.rfind(" at line ").unwrap_or(message.len()));
    for (serde, json) in
        [("invalid type: sequence,", "invalid type: array,"), ("invalid type: map,", "invalid type: object,")]
    {
        if let Some(rest) = message.strip_prefix(serde) {
            message = format!("{json}{rest}");
        }
    }
    for (serde, json) in [("expected a sequence", "expected an array"), ("expected a map", "expected an object")] {
        if let Some(rest) = message.strip_suffix(serde) {
            message = format!("{rest}{json}");
        }
    }
    message
}
