//! Why a document, or a part of one, is no request; and where in the input that stands.

use super::{Fault, Place};

/// Why a document is no request.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is no JSON, or not of the form's shape.
    Json(serde_json::Error),
    /// What should stand in it.
    Expected(String),
    /// It is a capture of a later hookdev, of this version.
    Newer(u64),
}

/// What should stand in a document.
pub(super) fn expected(what: impl Into<String>) -> Refusal {
    Refusal::Expected(what.into())
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

impl Refusal {
    /// The fault that this is in a document that starts at a place.
    pub(super) fn at(self, start: Start) -> Fault {
        match self {
            Self::Json(error) => {
                let place = start.place(error.line() as u64, error.column() as u64);
                Fault::Malformed(place, words(&error))
            }
            Self::Expected(what) => Fault::Malformed(Place::Line(start.line), format!("expected {what}")),
            Self::Newer(version) => Fault::Newer(Place::Line(start.line), version),
        }
    }
}

/// Where a document starts in its input: its line, and how many bytes stand before it in that line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// From 1.
    pub(super) line: u64,
    before: u64,
}

impl Start {
    /// The start of a line.
    pub(super) const fn of_line(line: u64) -> Self {
        Self { line, before: 0 }
    }

    /// The place of a line and column of the document, both from 1.
    fn place(self, line: u64, column: u64) -> Place {
        let before = if line <= 1 { self.before } else { 0 };
        Place::Column(self.line + line.saturating_sub(1), before + column)
    }
}

/// Counts the lines of an input; places that are asked for in order cost each byte once.
pub(super) struct Lines<'a> {
    input: &'a [u8],
    at: usize,
    line: u64,
    line_start: usize,
}

impl<'a> Lines<'a> {
    /// At the start of an input.
    pub(super) const fn of(input: &'a [u8]) -> Self {
        Self { input, at: 0, line: 1, line_start: 0 }
    }

    /// The start at a byte.
    pub(super) fn start(&mut self, at: usize) -> Start {
        let at = at.min(self.input.len());
        if at < self.at {
            *self = Self::of(self.input);
        }
        while self.at < at {
            if self.input[self.at] == b'\n' {
                self.line += 1;
                self.line_start = self.at + 1;
            }
            self.at += 1;
        }
        Start { line: self.line, before: (at - self.line_start) as u64 }
    }
}

/// The parser's words without the place, which counts from the start of the document, and with those
/// of JSON for what it calls sequences and maps.
fn words(error: &serde_json::Error) -> String {
    let mut words = error.to_string();
    words.truncate(words.rfind(" at line ").unwrap_or(words.len()));
    for (theirs, ours) in
        [("invalid type: sequence,", "invalid type: array,"), ("invalid type: map,", "invalid type: object,")]
    {
        if let Some(rest) = words.strip_prefix(theirs) {
            words = format!("{ours}{rest}");
        }
    }
    for (theirs, ours) in [("expected a sequence", "expected an array"), ("expected a map", "expected an object")] {
        if let Some(rest) = words.strip_suffix(theirs) {
            words = format!("{rest}{ours}");
        }
    }
    words
}

/// The start of a foreign text, with its control characters escaped.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let start: String = text.chars().take(MOST).collect();
    if start.len() < text.len() { format!("{start:?}…") } else { format!("{start:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_document_is_told_as_one_in_its_input() {
        let mut lines = Lines::of(b"[\n  {\n},{");
        let first = lines.start(4);
        assert_eq!((first.place(1, 1), first.place(2, 1)), (Place::Column(2, 3), Place::Column(3, 1)));
        assert_eq!(lines.start(8).place(1, 2), Place::Column(3, 4));
        assert_eq!(lines.start(99), Start { line: 3, before: 3 });
        assert_eq!(lines.start(1), Start { line: 1, before: 1 });
    }

    #[test]
    fn a_foreign_text_is_shown_by_its_start() {
        assert_eq!(shown("a\u{9b}"), r#""a\u{9b}""#);
        assert_eq!(shown(&"ü".repeat(41)), format!("\"{}\"…", "ü".repeat(40)));
    }
}
