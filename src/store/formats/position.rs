//! Positions in an input, and how they are displayed.

use std::fmt;

/// The place of an entry: `FILE:LINE`, or just the file if the entry is at its start. Entries count from 0, lines from
/// 1.
#[must_use]
pub fn location(file: &str, entry: usize, line: Option<u64>) -> String {
    match (line, entry) {
        (Some(line), _) if line > 1 => format!("{file}:{line}"),
        (None, 1..) => format!("{file}, entry {entry}"),
        _ => file.to_owned(),
    }
}

/// A position in an input. Lines, columns and bytes count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    Line(u64),
    /// A line and a column, in bytes.
    Column(u64, u64),
    Byte(u64),
}

impl Position {
    /// The line, if known.
    pub(super) const fn line(self) -> Option<u64> {
        match self {
            Self::Line(line) | Self::Column(line, _) => Some(line),
            Self::Byte(_) => None,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Column(line, column) => write!(f, "line {line}, column {column}"),
            Self::Byte(byte) => write!(f, "byte {byte}"),
        }
    }
}

/// The start of a document in its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// The line, from 1.
    pub(super) line: u64,
    /// The number of bytes before the document on that line.
    offset: u64,
}

impl Start {
    /// The start of a line.
    pub(super) const fn of_line(line: u64) -> Self {
        Self { line, offset: 0 }
    }

    /// The position in the input of a line and a column of the document, both from 1.
    pub(super) fn position(self, line: u64, column: u64) -> Position {
        let offset = if line <= 1 { self.offset } else { 0 };
        Position::Column(self.line + line.saturating_sub(1), offset + column)
    }
}

/// Counts the lines of an input. Asking for ascending offsets reads each byte once.
pub(super) struct LineCounter<'a> {
    input: &'a [u8],
    at: usize,
    line: u64,
    line_start: usize,
}

impl<'a> LineCounter<'a> {
    pub(super) const fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0, line: 1, line_start: 0 }
    }

    /// The line of a CSV record; 1 if its position is unknown. With CR LF, the position is before the line feed.
    pub(super) fn of_record(&mut self, position: Option<&csv::Position>) -> u64 {
        let at = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
        let ends = self.input.iter().skip(at).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.start(at + ends).line
    }

    /// The start of a document at this byte offset.
    pub(super) fn start(&mut self, at: usize) -> Start {
        let at = at.min(self.input.len());
        if at < self.at {
            *self = Self::new(self.input);
        }
        while self.at < at {
            if self.input[self.at] == b'\n' {
                self.line += 1;
                self.line_start = self.at + 1;
            }
            self.at += 1;
        }
        Start { line: self.line, offset: (at - self.line_start) as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_line_or_an_entry_or_the_file_itself() {
        assert_eq!(location("a.ndjson", 1, Some(2)), "a.ndjson:2");
        assert_eq!(location("a.har", 1, None), "a.har, entry 1");
        assert_eq!(location("a.json", 0, None), "a.json");
        assert_eq!(location("a.ndjson", 0, Some(1)), "a.ndjson");
    }

    #[test]
    fn a_position_in_a_document_becomes_one_in_its_input() {
        let mut lines = LineCounter::new(b"[\n  {\n},{");
        let first = lines.start(4);
        assert_eq!((first.position(1, 1), first.position(2, 1)), (Position::Column(2, 3), Position::Column(3, 1)));
        assert_eq!(lines.start(8).position(1, 2), Position::Column(3, 4));
        assert_eq!(lines.start(99), Start { line: 3, offset: 3 });
        assert_eq!(lines.start(1), Start { line: 1, offset: 1 });
    }
}
