//! Cuts JSON objects out of an input, one a line or each over several, without looking into them: so that memory
//! stays flat, and any thread can parse them.

use std::io::{self, Read};

use bytes::{Buf, Bytes, BytesMut};
use serde::de::IgnoredAny;

use super::{Entry, Fault, Input, MAX_SIZE, Piece, Position, Reader, position::Start};
use crate::webhook::capture;

/// How much of an input is asked for first, and how much at most, in bytes.
const FIRST_STEP: usize = 1 << 10;
const LAST_STEP: usize = 64 << 10;

/// The objects of an input, one by one.
pub(super) struct Objects<'a> {
    input: Box<dyn Read + Send + 'a>,
    /// What was read and not handed out: documents are cut off its front without a copy.
    buffer: BytesMut,
    /// How much is asked for next.
    step: usize,
    /// The last line that was looked at, from 1.
    line: u64,
    documents: u64,
    /// Whether the input has no more.
    ended: bool,
    notes: Vec<String>,
}

impl Reader for Objects<'_> {
    fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Iterator for Objects<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_document().transpose()? {
            Ok(document) if self.is_torn(&document) => {
                self.notes.push(format!("line {} is cut short: passed over", document.line));
                None
            }
            Ok(document) => Some(Piece::Document(document)),
            Err(fault) => Some(Piece::Entry(Err(fault))),
        }
    }
}

impl<'a> Objects<'a> {
    /// Those of an input.
    pub(super) fn of(input: Input<'a>) -> Self {
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

    /// The next line that is not blank, and with it the lines over which its object goes on.
    fn next_document(&mut self) -> Result<Option<Document>, Fault> {
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
        // Nearly every line is an object, and need not be looked through twice.
        if !self.buffer[..end].trim_ascii_end().ends_with(b"}") {
            end = self.rest_of_object(end)?;
        }
        Ok(Some(Document { text: self.buffer.split_to(end).freeze(), line }))
    }

    /// Where the object ends whose first line does at `end`.
    fn rest_of_object(&mut self, mut end: usize) -> Result<usize, Fault> {
        let mut nesting = Nesting::default();
        let mut seen = 0;
        loop {
            nesting.follow(&self.buffer[seen..end]);
            seen = end;
            // An object at the start of a line is the next one: the one at hand is torn.
            if !nesting.is_open() || self.has(end)? && self.buffer[end] == b'{' {
                return Ok(end);
            }
            end = self.line_from(end)?;
            if end == seen {
                return Ok(end);
            }
        }
    }

    /// Where the line ends that starts at a byte of the buffer: there, at the end of the input.
    fn line_from(&mut self, start: usize) -> Result<usize, Fault> {
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
        let fault = Fault::TooLarge(Position::Line(self.line));
        self.buffer.advance(end);
        self.leave_rest_of_line(end == seen)?;
        Err(fault)
    }

    /// Passes over a line up to its end, if it has not been seen.
    fn leave_rest_of_line(&mut self, mut unended: bool) -> Result<(), Fault> {
        while unended && self.fill()? {
            let feed = memchr::memchr(b'\n', &self.buffer);
            self.buffer.advance(feed.map_or(self.buffer.len(), |feed| feed + 1));
            unended = feed.is_none();
        }
        Ok(())
    }

    /// Whether there is a byte at this place.
    fn has(&mut self, at: usize) -> Result<bool, Fault> {
        Ok(at < self.buffer.len() || self.fill()?)
    }

    /// Reads on. `false` at the end of the input.
    fn fill(&mut self) -> Result<bool, Fault> {
        let known = self.buffer.len();
        while !self.ended {
            self.buffer.resize(known + self.step, 0);
            let read = self.input.read(&mut self.buffer[known..]);
            self.buffer.truncate(known + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => self.ended = true,
                Ok(_) => {
                    self.step = LAST_STEP.min(2 * self.step);
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // What was read of a line before is no whole one.
                    self.buffer.clear();
                    self.ended = true;
                    return Err(Fault::Read(error));
                }
            }
        }
        Ok(false)
    }

    /// Whether a document is the start of an object that was never written to its end: the last of
    /// several, without a line feed.
    fn is_torn(&self, document: &Document) -> bool {
        self.documents > 1
            && !document.text.ends_with(b"\n")
            && serde_json::from_slice::<IgnoredAny>(&document.text).is_err_and(|error| error.is_eof())
    }
}

/// One object of an input, not parsed yet.
#[derive(Debug)]
pub struct Document {
    text: Bytes,
    /// The line that it begins on, from 1.
    line: u64,
}

impl Document {
    /// The entry; `None` for an object of another kind.
    pub(super) fn parse(&self) -> Result<Option<Entry>, Fault> {
        let parsed = capture::read(self.text.trim_ascii_end());
        let capture = parsed.map_err(|error| Fault::at(Start::of_line(self.line), error))?;
        Ok(capture.map(|capture| Entry { line: Some(self.line), ..capture.into() }))
    }

    /// Its size in bytes.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }
}

/// How deep a document stands in brackets.
#[derive(Default)]
struct Nesting {
    depth: usize,
    in_string: bool,
}

impl Nesting {
    fn follow(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.iter();
        loop {
            let mark = if self.in_string {
                bytes.find(|byte| matches!(byte, b'"' | b'\\'))
            } else {
                bytes.find(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'))
            };
            match mark {
                Some(b'"') => self.in_string = !self.in_string,
                Some(b'\\') => _ = bytes.next(),
                Some(b'{' | b'[') => self.depth += 1,
                Some(_) => self.depth = self.depth.saturating_sub(1),
                None => return,
            }
        }
    }

    /// Whether the object can go on in the next line; a string can't.
    fn is_open(&self) -> bool {
        self.depth > 0 && !self.in_string
    }
}
