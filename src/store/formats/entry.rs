//! The captured requests of an input, and what is known about each of them.

use std::path::{Path, PathBuf};

use super::{EntryError, EntryFault, EntryReader, MAX_FIELDS, Position, UnparsedObject};
use crate::webhook::{capture::Capture, record::RecordedResponse, request::Request, time::Timestamp};

/// One captured request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line it starts on, from 1, if the format has lines.
    pub line: Option<u64>,
    /// When it was received, if known.
    pub received_at: Option<Timestamp>,
    /// The provider for which it was verified when captured, if recorded.
    pub verified_for: Option<String>,
    /// The URL that was called, if recorded in full.
    pub url: Option<String>,
    /// What the handler responded, if recorded.
    pub forwarded: Option<RecordedResponse>,
    /// The request as it was received.
    pub request: Request,
    /// Notes on it, such as a truncated body.
    pub notes: Vec<String>,
}

impl Entry {
    pub(super) fn new(request: Request) -> Self {
        Self {
            line: None,
            received_at: None,
            verified_for: None,
            url: None,
            forwarded: None,
            request,
            notes: Vec::new(),
        }
    }

    /// An entry with this URL, which is kept if it is absolute.
    pub(super) fn called(url: &str, request: Request) -> Self {
        Self { url: absolute(url), ..Self::new(request) }
    }
}

impl From<Capture> for Entry {
    fn from(Capture { received_at, verified_for, url, forwarded, request }: Capture) -> Self {
        Self { received_at, verified_for, url: url.as_deref().and_then(absolute), forwarded, ..Self::new(request) }
    }
}

/// A URL as it is signed, without a fragment and with a path; `None` unless the text is an absolute URL.
fn absolute(url: &str) -> Option<String> {
    let url = url.split('#').next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://")?;
    let is_whole = matches!(scheme, "http" | "https")
        && rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[');
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let slash = if target.starts_with('/') { "" } else { "/" };
    is_whole.then(|| format!("{scheme}://{authority}{slash}{target}"))
}

/// An entry of an input, or its text for any thread to parse.
#[derive(Debug)]
pub enum EntryPiece {
    /// A parsed entry.
    Entry(Result<Entry, EntryFault>),
    /// An unparsed JSON document.
    Document(UnparsedObject),
}

impl EntryPiece {
    /// The entry; `None` for a document of another kind.
    ///
    /// # Errors
    ///
    /// If the entry is broken; the error names the file.
    pub fn parse(self, file: &Path) -> Option<Result<Entry, EntryError>> {
        Some(self.read()?.map_err(|fault| fault.in_file(file)))
    }

    pub(super) fn read(self) -> Option<Result<Entry, EntryFault>> {
        let entry = match self {
            Self::Entry(entry) => Some(entry),
            Self::Document(document) => document.parse().transpose(),
        };
        Some(entry?.and_then(|entry| match entry.request.headers.len() {
            0..=MAX_FIELDS => Ok(entry),
            _ => Err(EntryFault::TooManyFields(Position::Line(entry.line.unwrap_or(1)))),
        }))
    }

    /// The number of bytes not yet parsed.
    #[must_use]
    pub fn unparsed(&self) -> usize {
        match self {
            Self::Entry(_) => 0,
            Self::Document(document) => document.len(),
        }
    }
}

/// The entries of one input, in order.
pub struct Entries<'a> {
    pub(super) file: PathBuf,
    pub(super) reader: Box<dyn EntryReader + 'a>,
}

impl Entries<'_> {
    /// The entries in order, for other threads to parse.
    pub fn pieces(&mut self) -> impl Iterator<Item = EntryPiece> {
        &mut self.reader
    }

    /// Notes on the input as a whole, such as a skipped incomplete last line. Complete after the last entry.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        self.reader.notes()
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, EntryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.reader.find_map(|piece| piece.parse(&self.file))
    }
}
