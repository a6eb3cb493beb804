//! Reads captured requests in the forms that tools write them: one file here for each form.
//!
//! A form is a [`Format`] and a line in `FORMATS`; it is told by what stands in a file, not by the
//! file's name. Entries are read one by one, and a broken one does not hide the others.

mod aws;
pub mod bare;
mod curl;
mod document;
mod fault;
mod github;
mod har;
mod hookdev;
mod http;
mod http_file;
mod keys;
mod ngrok;
mod objects;
mod parts;
mod position;
mod postman;
mod svix;
mod variables;
mod walk;
mod webhook_site;
mod webhook_site_csv;

use std::{
    collections::VecDeque,
    fs::{File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
};

use bytes::Bytes;

pub use self::{
    fault::{EntryError, Fault},
    objects::Document,
    position::{Position, location},
    walk::{Walk, open_found, walk},
};
use crate::webhook::{
    capture::{self, Capture},
    request::Request,
    time::Timestamp,
};

/// The forms, in the order in which they are tried: the first that knows its own reads the input.
static FORMATS: &[&dyn Format] = &[
    &http_file::HttpFile,
    &http::Http,
    &curl::Curl,
    &har::HAR,
    &ngrok::NGROK,
    &webhook_site::WEBHOOK_SITE,
    &webhook_site_csv::WebhookSiteCsv,
    &aws::AWS,
    &svix::SVIX,
    &postman::Postman,
    &github::GITHUB,
    &hookdev::Hookdev,
];

/// The names of the formats in a sentence: `an .http file, a HAR or a hookdev capture`.
#[must_use]
pub fn names() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
    match names.split_last() {
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The largest entry, and the largest input of a format that is read whole: 64 MiB.
const MAX_SIZE: usize = capture::MAX_SIZE;

/// How much of an input is asked for first where nobody knows its length.
const STEP: usize = 4 << 10;

/// How much of an input a form is told by.
const LONGEST_HEAD: usize = 64 << 10;

/// UTF-8's byte order mark, which some editors and shells put before a text.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// An input of which the start was read already.
pub struct Input<'a> {
    head: Vec<u8>,
    /// Whether there is no more of it.
    is_whole: bool,
    rest: Box<dyn Read + Send + 'a>,
}

impl<'a> Input<'a> {
    /// One of which nothing was read yet.
    pub fn of(input: impl Read + Send + 'a) -> Self {
        Self { head: Vec::new(), is_whole: false, rest: Box::new(input) }
    }
}

/// One form of captured requests.
pub trait Format: Sync {
    /// What people call it, with its article, for messages.
    fn name(&self) -> &'static str;

    /// Whether an input with these first bytes is of this form. They may end anywhere.
    fn recognises(&self, head: &[u8]) -> bool;

    /// Starts to read an input.
    ///
    /// # Errors
    ///
    /// When nothing can be had from it.
    fn read<'a>(&self, input: Input<'a>) -> Result<Box<dyn Reader + 'a>, Fault>;
}

/// The entries of one input, in pieces.
pub trait Reader: Iterator<Item = Piece> + Send {
    /// What a person should know of the input beside its entries; complete after the last of them.
    fn notes(&self) -> &[String] {
        &[]
    }
}

/// The entries of an input that was read whole.
#[derive(Default)]
struct Collected {
    entries: VecDeque<Result<Entry, Fault>>,
    passed_over: usize,
    notes: Vec<String>,
}

impl Collected {
    /// A single one.
    fn of(entry: Entry) -> Self {
        Self { entries: [Ok(entry)].into(), ..Self::default() }
    }

    fn push(&mut self, entry: Result<Entry, Fault>) {
        self.entries.push_back(entry);
    }

    /// Counts an entry that delivers nothing: tools that record all traffic keep every `GET` too.
    fn pass_over(&mut self) {
        self.passed_over += 1;
        let plural = if self.passed_over == 1 { "entry" } else { "entries" };
        self.notes = vec![format!("{} {plural} passed over: no POST, PUT or PATCH with a body", self.passed_over)];
    }
}

impl Iterator for Collected {
    type Item = Piece;

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.pop_front().map(Piece::Entry)
    }
}

impl Reader for Collected {
    fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// One captured request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line that it begins on, from 1, where the form has lines.
    pub line: Option<u64>,
    /// When it was received, if the input says so.
    pub received_at: Option<Timestamp>,
    /// The request as it was received.
    pub request: Request,
    /// What a person should know of it: a body cut short, for one.
    pub notes: Vec<String>,
}

impl Entry {
    fn new(request: Request) -> Self {
        Self { line: None, received_at: None, request, notes: Vec::new() }
    }
}

impl From<Capture> for Entry {
    fn from(Capture { received_at, request }: Capture) -> Self {
        Self { received_at, ..Self::new(request) }
    }
}

/// One entry of an input, or the text of one, which any thread can parse.
#[derive(Debug)]
pub enum Piece {
    /// What was read of an entry.
    Entry(Result<Entry, Fault>),
    /// A JSON document that nobody has looked into.
    Document(Document),
}

impl Piece {
    /// The entry that it is; `None` for a document of another kind.
    ///
    /// # Errors
    ///
    /// When it is broken, with the name of its file.
    pub fn parse(self, file: &Path) -> Option<Result<Entry, EntryError>> {
        Some(self.read()?.map_err(|fault| fault.in_file(file)))
    }

    fn read(self) -> Option<Result<Entry, Fault>> {
        match self {
            Self::Entry(entry) => Some(entry),
            Self::Document(document) => document.parse().transpose(),
        }
    }

    /// The bytes that are still to be parsed.
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
    file: PathBuf,
    length: Option<u64>,
    reader: Box<dyn Reader + 'a>,
}

impl Entries<'_> {
    /// How many bytes the input has, where that is known before it is read.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The entries as they stand in the input, for other threads to parse.
    pub fn pieces(&mut self) -> impl Iterator<Item = Piece> {
        &mut self.reader
    }

    /// What a person should know of the input beside its entries: a torn last line that was passed
    /// over, for one. Complete after the last entry.
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

/// Reads a file that was named as a capture.
///
/// # Errors
///
/// When it can't be read, is empty, or is of no known form.
pub fn open(file: &Path) -> Result<Entries<'static>, EntryError> {
    let input = File::open(file).map_err(|source| Fault::Read(source).in_file(file))?;
    // What the system makes up as it is read has none.
    let length = input.metadata().ok().filter(Metadata::is_file).map(|found| found.len()).filter(|length| *length > 0);
    read_of(file, input, length)
}

/// Reads an input, standard input for one, that goes by the name of `file` in errors.
///
/// # Errors
///
/// When it can't be read, is empty, or is of no known form.
pub fn read<'a>(file: &Path, input: impl Read + Send + 'a) -> Result<Entries<'a>, EntryError> {
    read_of(file, input, None)
}

fn read_of<'a>(file: &Path, mut input: impl Read + Send + 'a, length: Option<u64>) -> Result<Entries<'a>, EntryError> {
    let step = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(STEP).clamp(1, LONGEST_HEAD);
    let mut head = head(&mut input, step).map_err(|source| Fault::Read(source).in_file(file))?;
    let is_whole = Some(head.len() as u64) == length;
    if head.starts_with(BOM) {
        head.drain(..BOM.len());
    }
    if head.trim_ascii().is_empty() {
        return Err(EntryError::Empty { file: file.to_owned() });
    }
    let format = sniff(&head).ok_or_else(|| EntryError::Unrecognised { file: file.to_owned() })?;
    let reader = format.read(Input { head, is_whole, rest: Box::new(input) }).map_err(|fault| fault.in_file(file))?;
    Ok(Entries { file: file.to_owned(), length, reader })
}

/// The form of an input that starts with `head`.
#[must_use]
pub fn sniff(head: &[u8]) -> Option<&'static dyn Format> {
    let head = head.strip_prefix(BOM).unwrap_or(head);
    // What was captured here begins so, and is most of what is read.
    if begins(head, &["{", "\"hookdev\"", ":"])
        || begins(head, &["{", "\"kind\"", ":", "\"delivery\"", ",", "\"hookdev\"", ":"])
    {
        return Some(&hookdev::Hookdev);
    }
    FORMATS.iter().copied().find(|format| format.recognises(head))
}

/// Whether these tokens are the first, whatever space stands between them.
fn begins(mut head: &[u8], tokens: &[&str]) -> bool {
    tokens.iter().all(|token| {
        let rest = head.trim_ascii_start().strip_prefix(token.as_bytes());
        head = rest.unwrap_or_default();
        rest.is_some()
    })
}

/// Reads until the form can be told; a pipe that says it with its first line is not waited on.
fn head(input: &mut impl Read, step: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let known = head.len();
        head.resize(known + step, 0);
        let read = input.read(&mut head[known..]);
        head.truncate(known + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => return Ok(head),
            Ok(_) if head.len() >= LONGEST_HEAD => return Ok(head),
            Ok(_) if head[known..].contains(&b'\n') && sniff(&head).is_some() => return Ok(head),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
}

/// Reads the whole of an input, for a form that can't be read piece by piece.
fn whole(input: Input<'_>) -> Result<Bytes, Fault> {
    let Input { head: mut bytes, rest, .. } = input;
    let room = (MAX_SIZE + 1).saturating_sub(bytes.len());
    rest.take(room as u64).read_to_end(&mut bytes).map_err(Fault::Read)?;
    if bytes.len() > MAX_SIZE {
        return Err(Fault::TooLarge(Position::Line(1)));
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests;
