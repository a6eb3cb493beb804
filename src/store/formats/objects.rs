//! Splits an input into JSON objects, one per line or each on several lines, without parsing them: memory stays flat,
//! and any thread can parse them.

use std::io::{self, Read};

use bytes::{Buf, Bytes, BytesMut};
use serde::de::IgnoredAny;

use super::{Entry, EntryFault, EntryPiece, EntryReader, Input, MAX_SIZE, Position, position::Start};
use crate::webhook::{capture, json::lexer::Unclosed};

/// The first and the largest read, in bytes.
const FIRST_STEP: usize = 1 << 10;
const LAST_STEP: usize = 64 << 10;

/// The objects of an input, one by one.
pub(super) struct Objects<'a> {
    input: Box<dyn Read + Send + 'a>,
    /// Bytes that were read but not returned; documents are split off its front without a copy.
    buffer: BytesMut,
    /// The size of the next read, in bytes.
    step: usize,
    /// The number of the last line found, from 1.
    line: u64,
    documents: u64,
    /// Whether the input has ended.
    ended: bool,
    notes: Vec<String>,
}

impl EntryReader for Objects<'_> {
    fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Iterator for Objects<'_> {
    type Item = EntryPiece;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_document().transpose()? {
            Ok(document) if self.is_incomplete(&document) => {
                self.notes.push(format!("skipped line {}, which is incomplete", document.line));
                None
            }
            Ok(document) => Some(EntryPiece::Document(document)),
            Err(fault) => Some(EntryPiece::Entry(Err(fault))),
        }
    }
}

impl<'a> Objects<'a> {
    pub(super) fn new(input: Input<'a>) -> Self {
        Self {
            input: input.rest,
            buffer: Bytes::from(input.head).into(),
            step: FIRST_STEP,
            line: 0,
            documents: 0,
            ended: false,
            notes: vec![],
        }
    }

    /// The next non-blank line, with the further lines of its object.
    fn next_document(&mut self) -> Result<Option<UnparsedObject>, EntryFault> {
        let mut end;
        loop {
            end = self.line_from(0)?;
            if end == 0 {
                return Ok(None);
            }
            if !self.buffer[..end].trim_ascii().is_empty() {
                break;
            }
            self.buffer.advance(end);
        }
        let line = self.line;
        self.documents += 1;
        // Nearly every line is a complete object and needn't be scanned twice.
        if !self.buffer[..end].trim_ascii_end().ends_with(b"}") {
            end = self.rest_of_object(end)?;
        }
        Ok(Some(UnparsedObject { text: self.buffer.split_to(end).freeze(), line }))
    }

    /// The end of the object whose first line ends at `end`.
    fn rest_of_object(&mut self, mut end: usize) -> Result<usize, EntryFault> {
        let mut unclosed = Unclosed::default();
        let mut seen = 0;
        loop {
            unclosed.read(&self.buffer[seen..end]);
            seen = end;
            // An object at the start of a line is the next one, so this one is incomplete.
            if !may_continue(&unclosed) || self.has(end)? && self.buffer[end] == b'{' {
                return Ok(end);
            }
            end = self.line_from(end)?;
            if end == seen {
                return Ok(end);
            }
        }
    }

    /// The end of the line that starts at an offset in the buffer; the offset itself if the input has ended.
    fn line_from(&mut self, start: usize) -> Result<usize, EntryFault> {
        let mut seen = start;
        let end = loop {
            if let Some(feed) = memchr::memchr(b'\n', &self.buffer[seen..]) {
                break seen + feed + 1;
            }
            seen = self.buffer.len();
            if seen > MAX_SIZE || !self.fill()? {
                break seen;
            }
        };
        self.line += u64::from(end > start);
        if end <= MAX_SIZE {
            return Ok(end);
        }
        let fault = EntryFault::TooLarge(Position::Line(self.line));
        self.buffer.advance(end);
        self.skip_rest_of_line(end == seen)?;
        Err(fault)
    }

    /// Skips the rest of a line, if its end has not been read.
    fn skip_rest_of_line(&mut self, mut unended: bool) -> Result<(), EntryFault> {
        while unended && self.fill()? {
            let feed = memchr::memchr(b'\n', &self.buffer);
            self.buffer.advance(feed.map_or(self.buffer.len(), |feed| feed + 1));
            unended = feed.is_none();
        }
        Ok(())
    }

    /// Whether there is a byte at this offset.
    fn has(&mut self, at: usize) -> Result<bool, EntryFault> {
        Ok(at < self.buffer.len() || self.fill()?)
    }

    /// Reads more. Returns false at the end of the input.
    fn fill(&mut self) -> Result<bool, EntryFault> {
        let len = self.buffer.len();
        while !self.ended {
            self.buffer.resize(len + self.step, 0);
            let read = self.input.read(&mut self.buffer[len..]);
            self.buffer.truncate(len + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => self.ended = true,
                Ok(_) => {
                    self.step = LAST_STEP.min(2 * self.step);
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // The bytes read so far are not a whole line.
                    self.buffer.clear();
                    self.ended = true;
                    return Err(EntryFault::Read(error));
                }
            }
        }
        Ok(false)
    }

    /// Whether a document is an object whose end was never written: the last of several, without a line feed. A power
    /// failure may leave NULs in place of the end.
    fn is_incomplete(&self, document: &UnparsedObject) -> bool {
        let written = document.text.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        self.documents > 1
            && !document.text.ends_with(b"\n")
            && serde_json::from_slice::<IgnoredAny>(&document.text[..written]).is_err_and(|error| error.is_eof())
    }
}

/// One object of an input, not yet parsed.
#[derive(Debug)]
pub struct UnparsedObject {
    text: Bytes,
    /// The line that it begins on, from 1.
    line: u64,
}

impl UnparsedObject {
    /// The entry; `None` for an object of another kind.
    pub(super) fn parse(&self) -> Result<Option<Entry>, EntryFault> {
        let parsed = capture::read(self.text.trim_ascii_end());
        let capture = parsed.map_err(|error| EntryFault::at(Start::of_line(self.line), error))?;
        Ok(capture.map(|capture| Entry { line: Some(self.line), ..capture.into() }))
    }

    /// Its size in bytes.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }
}

/// Whether the object may continue on the next line, which a string can't.
fn may_continue(unclosed: &Unclosed) -> bool {
    unclosed.depth() > 0 && !unclosed.in_string()
}
