//! Errors for people: `error: …`, then `caused by: …` lines, then a `hint: …` if there is one.

use super::{
    flow::Flow,
    palette::{Palette, Role},
    text,
};

/// The stream that diagnostics are written to.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// Its colours.
    pub palette: Palette,
    /// Its width in columns; `None` if it isn't a terminal, so that no line is broken.
    pub columns: Option<usize>,
}

/// Appends an error with its causes and its hint.
pub fn error(stream: Stream, message: &str, causes: &[String], hint: Option<&str>, out: &mut String) {
    labelled(stream, Role::Bad, "error", message, out);
    for cause in causes {
        labelled(stream, Role::Bad, "caused by", cause, out);
    }
    if let Some(hint) = hint {
        labelled(stream, Role::Link, "hint", hint, out);
    }
}

/// Appends a warning.
pub fn warning(stream: Stream, message: &str, out: &mut String) {
    labelled(stream, Role::Warning, "warning", message, out);
}

/// Appends a note.
pub fn note(stream: Stream, message: &str, out: &mut String) {
    labelled(stream, Role::Dim, "note", message, out);
}

/// A label and a message, which may have several lines.
fn labelled(stream: Stream, role: Role, label: &str, message: &str, out: &mut String) {
    for (number, line) in text::printable_lines(message.as_bytes()).enumerate() {
        let mut flow = Flow::new(stream.palette, stream.columns, INDENT, out);
        if number == 0 {
            flow.whole(Some(role), label).whole(None, ":").gap(1);
        }
        flow.text(None, &line);
        flow.end();
    }
}

/// The indentation of continued lines.
const INDENT: usize = 2;
