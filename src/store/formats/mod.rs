//! Reads captured requests in the formats that tools write: one file here for each format.
//!
//! A format is a [`Format`] and a line in `FORMATS`. It is detected from the content of a file, not from its name.
//! Entries are read one by one; a broken one doesn't hide the others.

mod aspnet;
mod aws;
pub mod bare;
mod beside;
mod bruno;
mod burp;
mod cgi;
mod charles;
mod collected;
mod csv_rows;
mod curl_trace;
mod decorated;
mod document;
mod entry;
mod envelope;
mod fault;
mod github;
mod gzip;
mod har;
mod hex_dump;
mod hookdev;
mod http;
mod http_call;
mod http_file;
mod http_within;
mod json_request;
mod keys;
mod log_line;
mod logfmt;
mod logs;
mod near_miss;
mod ngrok;
mod objects;
mod parts;
mod position;
mod postman;
mod powershell;
mod printed;
mod shell_command;
mod svix;
mod terminal;
mod utf16;
mod values;
mod variables;
mod walk;
mod webhook_site;
mod webhook_site_csv;
mod written;

use std::{
    fs::Metadata,
    io::{self, Read},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use self::{
    collected::{Collected, FAR, MAX_BROKEN},
    gzip::GzipBudget,
};
pub use self::{
    entry::{Entries, Entry, EntryPiece},
    fault::{EntryError, EntryFault},
    objects::UnparsedObject,
    position::{Position, location},
    walk::{DirectoryWalk, SkippedFile, open_found, walk},
};
use crate::{store::opened, webhook::capture};

/// The formats, in the order they are tried: the first that recognises an input reads it.
static FORMATS: &[&dyn Format] = &[
    &http_file::HttpFile,
    &http::Http,
    &shell_command::ShellCommand,
    &powershell::PowerShell,
    &bruno::Bruno,
    &burp::Burp,
    &curl_trace::CurlTrace,
    &har::HAR,
    &ngrok::NGROK,
    &charles::CHARLES,
    &webhook_site::WEBHOOK_SITE,
    &webhook_site_csv::WebhookSiteCsv,
    &csv_rows::CsvRows,
    &aws::AWS,
    &aws::CLOUDFRONT,
    &envelope::AWS_RECORDS,
    &envelope::SQS_MESSAGES,
    &envelope::SNS,
    &envelope::EVENTBRIDGE,
    &envelope::KINESIS,
    &envelope::FIREHOSE,
    &envelope::CLOUDEVENT,
    &envelope::PUBSUB,
    &envelope::VERCEL,
    &svix::SVIX,
    &postman::Postman,
    &github::GITHUB,
    &json_request::WIREMOCK,
    &json_request::REQUESTS,
    &json_request::INSOMNIA,
    &json_request::JsonRequest,
    &logs::CLOUDWATCH,
    &logs::CLOUDWATCH_SUBSCRIPTION,
    &logs::CLOUDWATCH_DATA,
    &logs::WRANGLER,
    &logs::Insights,
    &logs::Loki,
    &logs::LOG_RECORDS,
    &aspnet::AspNet,
    &http_call::HttpCall,
    &logfmt::Logfmt,
    &decorated::Decorated,
    &http_within::HttpWithin,
    &hex_dump::HexDump,
    &printed::Printed,
    &hookdev::Hookdev,
];

/// The names of the formats in a sentence: `an .http file, a HAR or a hookdev capture`.
#[must_use]
pub fn names() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
    match names.split_last() {
        Some((last, others)) => format!("{}, or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The size limit of an entry, and of an input whose format is read whole: 64 MiB.
const MAX_SIZE: usize = capture::MAX_SIZE;

/// How many header fields the request of an entry may have: 1,024.
const MAX_FIELDS: usize = capture::MAX_FIELDS;

/// How much is read at a time to detect the format, if the length of the input is unknown.
const HEAD_STEP: usize = 4 << 10;

/// How much of an input is used to detect its format.
const MAX_HEAD: usize = 64 << 10;

/// UTF-8's byte order mark, which some editors and shells write first.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// An input whose start has been read.
pub struct Input<'a> {
    head: Vec<u8>,
    /// Whether `head` is the whole input.
    is_whole: bool,
    /// The directory of the file, for files that it refers to. `None` for standard input.
    directory: Option<PathBuf>,
    rest: Box<dyn Read + Send + 'a>,
}

impl<'a> Input<'a> {
    /// An input from which nothing has been read yet.
    pub fn new(input: impl Read + Send + 'a) -> Self {
        Self { head: Vec::new(), is_whole: false, directory: None, rest: Box::new(input) }
    }
}

/// One format of captured requests.
pub trait Format: Sync {
    /// Its name in messages, with the article: `a HAR`.
    fn name(&self) -> &'static str;

    /// Whether an input that starts with these bytes, which may end anywhere, is in this format.
    fn recognises(&self, head: &[u8]) -> bool;

    /// Whether it searches arbitrary text for a request. Messages that must contain nothing else are not read with such
    /// a format.
    fn searches(&self) -> bool {
        false
    }

    /// Starts reading an input. An input within a message shares the outer one's gzip budget.
    ///
    /// # Errors
    ///
    /// If no entry can be read from it.
    fn read<'a>(&self, input: Input<'a>, gzip: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault>;
}

/// The entries of one input, in pieces.
pub trait EntryReader: Iterator<Item = EntryPiece> + Send {
    /// Notes on the input as a whole; complete after the last entry.
    fn notes(&self) -> &[String] {
        &[]
    }
}

/// Reads a capture file.
///
/// # Errors
///
/// If it can't be read, is empty, or is in no known format.
pub fn open(file: &Path) -> Result<Entries<'static>, EntryError> {
    let input = opened::open(file).map_err(|source| EntryFault::Read(source).in_file(file))?;
    // Files that the system generates on reading report 0.
    let length = input.metadata().ok().filter(Metadata::is_file).map(|found| found.len()).filter(|length| *length > 0);
    let directory = file.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    read_of(file, input, length, directory)
}

/// Reads an input such as stdin; errors call it `file`.
///
/// # Errors
///
/// If it can't be read, is empty, or is in no known format.
pub fn read<'a>(file: &Path, input: impl Read + Send + 'a) -> Result<Entries<'a>, EntryError> {
    read_of(file, input, None, None)
}

fn read_of<'a>(
    file: &Path,
    mut input: impl Read + Send + 'a,
    length: Option<u64>,
    directory: Option<&Path>,
) -> Result<Entries<'a>, EntryError> {
    let step = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(HEAD_STEP).clamp(1, MAX_HEAD);
    let mut head = head(&mut input, step).map_err(|source| EntryFault::Read(source).in_file(file))?;
    let mut is_whole = Some(head.len() as u64) == length;
    let mut rest: Box<dyn Read + Send + 'a> = Box::new(input);
    if let Some(order) = utf16::detect(&head) {
        let bytes = whole(Input { head, is_whole, directory: None, rest }).map_err(|fault| fault.in_file(file))?;
        head = utf16::decode(&bytes, order).map_err(|fault| fault.in_file(file))?.into_bytes();
        (is_whole, rest) = (true, Box::new(io::empty()));
    }
    if head.starts_with(BOM) {
        head.drain(..BOM.len());
    }
    if head.trim_ascii().is_empty() {
        return Err(EntryError::Empty { file: file.to_owned() });
    }
    if sniff(&head).is_none() && terminal::without_colours(&head).is_some() {
        let bytes = whole(Input { head, is_whole, directory: None, rest }).map_err(|fault| fault.in_file(file))?;
        head = terminal::without_colours(&bytes).unwrap_or_default();
        (is_whole, rest) = (true, Box::new(io::empty()));
    }
    // A format in fewer bytes than that was looked for up to the end of the input.
    let is_all = is_whole || head.len() < MAX_HEAD - BOM.len();
    let unrecognised =
        || EntryError::Unrecognised { file: file.to_owned(), reason: near_miss::describe(&head, is_all) };
    let format = sniff(&head[..head.len().min(MAX_HEAD)]).ok_or_else(unrecognised)?;
    let directory = directory.map(Path::to_owned);
    let input = Input { head, is_whole, directory, rest };
    let reader = format.read(input, &mut GzipBudget::default()).map_err(|fault| fault.in_file(file))?;
    Ok(Entries { file: file.to_owned(), reader })
}

/// The format of an input that starts with `head`.
#[must_use]
pub fn sniff(head: &[u8]) -> Option<&'static dyn Format> {
    let head = head.strip_prefix(BOM).unwrap_or(head);
    // hookdev's own captures start like this, and are the most common input.
    if starts_with(head, &["{", "\"hookdev\"", ":"])
        || starts_with(head, &["{", "\"kind\"", ":", "\"delivery\"", ",", "\"hookdev\"", ":"])
    {
        return Some(&hookdev::Hookdev);
    }
    FORMATS.iter().copied().find(|format| format.recognises(head))
}

/// Whether an input starts with these tokens, with any whitespace between them.
fn starts_with(mut head: &[u8], tokens: &[&str]) -> bool {
    tokens.iter().all(|token| {
        let rest = head.trim_ascii_start().strip_prefix(token.as_bytes());
        head = rest.unwrap_or_default();
        rest.is_some()
    })
}

/// Reads until the format can be detected. If the first line of a pipe is enough, doesn't wait for the next.
fn head(input: &mut impl Read, step: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let len = head.len();
        head.resize(len + step, 0);
        let read = input.read(&mut head[len..]);
        head.truncate(len + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => return Ok(head),
            Ok(_) if head.len() >= MAX_HEAD => return Ok(head),
            Ok(_) if head[len..].contains(&b'\n') && sniff(&head).is_some() => return Ok(head),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
}

fn newlines(text: &str) -> u64 {
    text.bytes().filter(|&byte| byte == b'\n').count() as u64
}

/// Reads a whole input, for a format that can't be read piece by piece.
fn whole(input: Input<'_>) -> Result<Bytes, EntryFault> {
    let Input { head: mut bytes, rest, .. } = input;
    let room = (MAX_SIZE + 1).saturating_sub(bytes.len());
    rest.take(room as u64).read_to_end(&mut bytes).map_err(EntryFault::Read)?;
    if bytes.len() > MAX_SIZE {
        return Err(EntryFault::TooLarge(Position::Line(1)));
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests;
