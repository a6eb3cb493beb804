//! What can be wrong with an input or with one of its entries: the file, the place in it, and what
//! was expected there.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use super::{FORMATS, LONGEST_ENTRY};

/// Why an input, or one entry of it, can't be had.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// The operating system gives no more of it, or nothing at all.
    #[error("cannot read {}", file.display())]
    Unreadable {
        /// The file or folder.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("{} is empty: expected {}", file.display(), forms())]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// No form knows it.
    #[error("{} is no capture: expected {}", file.display(), forms())]
    Unrecognised {
        /// The file.
        file: PathBuf,
    },
    /// One entry is broken; the next may be whole.
    #[error("{}: {fault}", file.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// The names of the known forms, joined for people.
fn forms() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
    match names.split_last() {
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// What is wrong with one entry, as its form reports it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The input can't be read on.
    #[error("cannot be read")]
    Read(#[source] io::Error),
    /// It breaks the rules of its form.
    #[error("{0}: {1}")]
    Malformed(Place, String),
    /// It is a capture of a later hookdev.
    #[error("{0}: captured in version {1} of the format, of which this hookdev knows 1: a newer hookdev reads it")]
    Newer(Place, u64),
    /// It is longer than an entry may be.
    #[error("{0}: longer than {limit} MiB", limit = LONGEST_ENTRY >> 20)]
    TooLong(Place),
}

impl Fault {
    /// The error that this is in a file.
    pub(super) fn of(self, file: &Path) -> EntryError {
        let file = file.to_owned();
        match self {
            Self::Read(source) => EntryError::Unreadable { file, source },
            fault => EntryError::Broken { file, fault },
        }
    }
}

/// A place in an input. Lines, columns and bytes count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line.
    Line(u64),
    /// A line and a column, in bytes.
    Column(u64, u64),
    /// A byte.
    Byte(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Column(line, column) => write!(f, "line {line}, column {column}"),
            Self::Byte(byte) => write!(f, "byte {byte}"),
        }
    }
}
