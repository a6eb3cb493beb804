//! Errors as people read them: `error: …`, `caused by: …` lines, and a `hint: …` where there is one.

use super::{
    palette::{Palette, Role},
    text,
};

/// Appends an error with its causes and its hint.
pub fn error(palette: Palette, message: &str, causes: &[String], hint: Option<&str>, out: &mut String) {
    labelled(palette, Role::Bad, "error", message, out);
    for cause in causes {
        labelled(palette, Role::Bad, "caused by", cause, out);
    }
    if let Some(hint) = hint {
        labelled(palette, Role::Link, "hint", hint, out);
    }
}

/// Appends a warning.
pub fn warning(palette: Palette, message: &str, out: &mut String) {
    labelled(palette, Role::Warning, "warning", message, out);
}

/// Appends a note.
pub fn note(palette: Palette, message: &str, out: &mut String) {
    labelled(palette, Role::Dim, "note", message, out);
}

/// A label and a message, whose further lines are kept.
fn labelled(palette: Palette, role: Role, label: &str, message: &str, out: &mut String) {
    palette.push(role, label, out);
    out.push_str(": ");
    for (number, line) in text::printable_lines(message.as_bytes()).enumerate() {
        if number > 0 {
            out.push('\n');
        }
        out.push_str(&line);
    }
    out.push('\n');
}
