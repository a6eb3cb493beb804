//! Errors for people: `error: …`, then `caused by: …` lines, then a `hint: …` if there is one. Text from outside can
//! neither start a line here nor give commands to a CI runner.

use std::fmt;

use super::{
    flow::Flow,
    palette::{Palette, Role},
    text,
};

/// The stream that diagnostics are written to.
#[derive(Clone, Copy, Debug)]
pub struct DiagnosticStream {
    /// Its colours.
    pub palette: Palette,
    /// Its width in columns; `None` if it isn't a terminal, and lines must not wrap.
    pub columns: Option<usize>,
}

/// The text of a diagnostic. A line feed in it comes from outside and is shown as `\n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    lines: Vec<String>,
}

impl Message {
    /// A message that continues with these lines.
    pub fn with_lines(text: impl Into<String>, lines: impl IntoIterator<Item = String>) -> Self {
        Self { lines: std::iter::once(text.into()).chain(lines).collect() }
    }

    /// The message with text added before and after it.
    #[must_use]
    pub fn between(mut self, before: &str, after: &str) -> Self {
        if let Some(first) = self.lines.first_mut() {
            first.insert_str(0, before);
        }
        if let Some(last) = self.lines.last_mut() {
            last.push_str(after);
        }
        self
    }
}

impl<T: Into<String>> From<T> for Message {
    fn from(text: T) -> Self {
        Self::with_lines(text, [])
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

/// Text from outside, as part of a line: printable, and [without commands](text::without_commands).
#[must_use]
pub fn inline(text: &str) -> String {
    text::without_commands(&text::printable(text)).into_owned()
}

/// Appends an error with its causes and its hint.
pub fn error(
    stream: DiagnosticStream,
    message: &Message,
    causes: &[Message],
    hint: Option<&Message>,
    out: &mut String,
) {
    labelled(stream, Role::Bad, "error", message, out);
    for cause in causes {
        labelled(stream, Role::Bad, "caused by", cause, out);
    }
    if let Some(hint) = hint {
        labelled(stream, Role::Link, "hint", hint, out);
    }
}

/// Appends a warning.
pub fn warning(stream: DiagnosticStream, message: &Message, out: &mut String) {
    labelled(stream, Role::Warning, "warning", message, out);
}

/// Appends a note.
pub fn note(stream: DiagnosticStream, message: &Message, out: &mut String) {
    labelled(stream, Role::Dim, "note", message, out);
}

/// Appends a label and a message.
fn labelled(stream: DiagnosticStream, role: Role, label: &str, message: &Message, out: &mut String) {
    for (number, line) in message.lines.iter().enumerate() {
        let mut flow = Flow::new(stream.palette, stream.columns, INDENT, out);
        if number == 0 {
            flow.whole(Some(role), label).whole(None, ":").gap(1);
        }
        flow.text(None, &inline(line));
        flow.end();
    }
}

/// The indentation of continued lines.
const INDENT: usize = 2;
