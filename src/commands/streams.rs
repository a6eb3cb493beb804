//! The standard streams; nothing else in the program opens them. Text for people passes a [`Gate`]; exact bytes are
//! written through [`data`] only, and never to a terminal.

use std::{
    io::{self, BufWriter, IsTerminal, StdoutLock, Write},
    process::Stdio,
    sync::{Mutex, MutexGuard, PoisonError},
};

use indicatif::ProgressDrawTarget;

use crate::render::{gate::Gate, palette::Palette};

/// Standard output, for text.
pub type Out = Gate<BufWriter<StdoutLock<'static>>>;

/// Standard output for text with the colours of a palette, locked and buffered.
pub fn results(palette: Palette) -> Out {
    Gate::new(palette, data())
}

/// Standard output for exact bytes, locked and buffered. Untrusted bytes must not be written to a terminal.
pub fn data() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// Writes a text to standard error. Errors are ignored: there is nowhere left to report them.
pub fn write_message(palette: Palette, text: &str) {
    let _hidden = HiddenStatus::new(palette);
    write_error(palette, text);
}

fn write_error(palette: Palette, text: &str) {
    let _ = Gate::new(palette, io::stderr().lock()).write_all(text.as_bytes());
}

/// Whether any of the standard streams is a terminal.
pub fn any_is_terminal() -> bool {
    io::stdin().is_terminal() || stdout_is_terminal() || stderr_is_terminal()
}

/// Standard error as the standard output of a program.
pub fn stderr_for_program() -> Stdio {
    io::stderr().into()
}

/// The status line: the last one on a terminal, below all output. Empty if there is none.
static STATUS: Mutex<String> = Mutex::new(String::new());

/// Moves to the start of the line and clears it.
const CLEAR_LINE: &str = "\r\x1b[2K";

/// Shows a status line on standard error, which must be a terminal, in place of the one before. The line must fit on the
/// screen; an empty one shows nothing.
pub fn show_status(palette: Palette, line: &str) {
    let mut status = STATUS.lock().unwrap_or_else(PoisonError::into_inner);
    if *status != line {
        if !status.is_empty() {
            clear_line();
        }
        line.clone_into(&mut status);
        write_error(palette, line);
    }
}

/// While this exists, the status line is off the screen, so that other output can be written.
#[derive(Debug)]
pub struct HiddenStatus {
    palette: Palette,
    status: MutexGuard<'static, String>,
}

impl HiddenStatus {
    /// Takes the status line off the screen.
    pub fn new(palette: Palette) -> Self {
        let status = STATUS.lock().unwrap_or_else(PoisonError::into_inner);
        if !status.is_empty() {
            clear_line();
        }
        Self { palette, status }
    }
}

impl Drop for HiddenStatus {
    fn drop(&mut self) {
        if !self.status.is_empty() {
            write_error(self.palette, &self.status);
        }
    }
}

/// A [`Gate`] would remove it.
fn clear_line() {
    let _ = io::stderr().lock().write_all(CLEAR_LINE.as_bytes());
}

/// Whether standard output is a terminal.
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether standard error is a terminal.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Where progress is drawn: standard error, at `hertz` frames per second, or nowhere if not `visible`.
pub fn progress(visible: bool, hertz: u8) -> ProgressDrawTarget {
    if visible { ProgressDrawTarget::stderr_with_hz(hertz) } else { ProgressDrawTarget::hidden() }
}

/// Prints clap's message: help, the version, or what is wrong with the command line.
pub fn explain(message: &clap::Error) {
    let plain = message.render().to_string();
    let mut gated = Gate::new(Palette::new(false), Vec::new());
    // Writing to memory cannot fail.
    let _ = gated.write_all(plain.as_bytes());
    if gated.into_inner() == plain.as_bytes() {
        // A reader that has closed the pipe has read enough.
        let _ = message.print();
    } else {
        write_message(Palette::new(false), &plain);
    }
}
