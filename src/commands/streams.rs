//! The standard streams; nothing else in the program opens them. Text for people passes through a [`TextGate`]. Exact
//! bytes are written only through [`data`], and never to a terminal.

use std::{
    io::{self, BufWriter, IsTerminal, StdoutLock, Write},
    process::Stdio,
};

use indicatif::ProgressDrawTarget;
use parking_lot::{Mutex, MutexGuard};

use crate::render::{gate::TextGate, palette::Palette};

/// Standard output, for text.
pub type Out = TextGate<BufWriter<StdoutLock<'static>>>;

/// Standard output for text with the colours of a palette, locked and buffered.
pub fn results(palette: Palette) -> Out {
    TextGate::new(palette, data())
}

/// Standard output for exact bytes, locked and buffered. Untrusted bytes must not be written to a terminal.
pub fn data() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// Writes exact bytes to standard output.
///
/// # Errors
///
/// If they can't be written.
pub fn write_data(bytes: &[u8]) -> io::Result<()> {
    let mut out = data();
    out.write_all(bytes)?;
    out.flush()
}

/// The line below all output on a terminal.
static BOTTOM_LINE: Mutex<BottomLine> = Mutex::new(BottomLine { status: String::new(), prompt: String::new() });

/// Moves to the start of the line and clears it.
const CLEAR_LINE: &str = "\r\x1b[K";

#[derive(Debug)]
struct BottomLine {
    /// What hookdev is waiting for.
    status: String,
    /// What the user is typing. It replaces the status.
    prompt: String,
}

impl BottomLine {
    fn text(&self) -> &str {
        if self.prompt.is_empty() { &self.status } else { &self.prompt }
    }

    /// Removes the line from the screen.
    fn clear(&self) {
        if !self.text().is_empty() {
            clear_line();
        }
    }

    fn draw(&self) {
        write_error(Palette::new(false), self.text());
    }
}

/// Changes the bottom line. Standard error must be a terminal, and the line must fit on the screen.
fn change_bottom_line(change: impl FnOnce(&mut BottomLine)) {
    let mut line = BOTTOM_LINE.lock();
    change(&mut line);
    clear_line();
    line.draw();
}

fn clear_line() {
    // A gate would escape it.
    let _ = io::stderr().lock().write_all(CLEAR_LINE.as_bytes());
}

/// Replaces the status; an empty one shows nothing.
pub fn set_status(text: &str) {
    if BOTTOM_LINE.lock().status != text {
        change_bottom_line(|line| text.clone_into(&mut line.status));
    }
}

/// Replaces the prompt.
#[cfg(unix)]
pub fn set_prompt(text: &str) {
    if BOTTOM_LINE.lock().prompt != text {
        change_bottom_line(|line| text.clone_into(&mut line.prompt));
    }
}

/// While this exists, the bottom line is hidden, so that other output can be written.
#[derive(Debug)]
pub struct HiddenLine(MutexGuard<'static, BottomLine>);

/// Hides the bottom line, if there is one.
pub fn hide_bottom_line() -> HiddenLine {
    let line = BOTTOM_LINE.lock();
    line.clear();
    HiddenLine(line)
}

impl Drop for HiddenLine {
    fn drop(&mut self) {
        self.0.draw();
    }
}

/// Writes text to standard error. Errors are ignored: there is nowhere left to report them.
pub fn write_message(palette: Palette, text: &str) {
    let _hidden = hide_bottom_line();
    write_error(palette, text);
}

fn write_error(palette: Palette, text: &str) {
    let _ = TextGate::new(palette, io::stderr().lock()).write_all(text.as_bytes());
}

/// Sends one of hookdev's own control sequences to the terminal on standard error.
#[cfg(unix)]
pub fn control(sequence: &str) {
    let _ = io::stderr().lock().write_all(sequence.as_bytes());
}

/// Standard input, to read keys from a terminal.
#[cfg(unix)]
pub fn keyboard() -> io::Stdin {
    io::stdin()
}

/// Whether standard input is a terminal.
pub fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Whether any of the standard streams is a terminal.
pub fn any_is_terminal() -> bool {
    stdin_is_terminal() || stdout_is_terminal() || stderr_is_terminal()
}

/// Standard error, for a program to use as its standard output.
pub fn stderr_for_program() -> Stdio {
    io::stderr().into()
}

/// Whether standard output is a terminal.
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether standard error is a terminal.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// The target of progress bars: standard error at `hertz` frames per second, or nothing if not `visible`.
pub fn progress(visible: bool, hertz: u8) -> ProgressDrawTarget {
    if visible { ProgressDrawTarget::stderr_with_hz(hertz) } else { ProgressDrawTarget::hidden() }
}

/// Prints clap's message: help, the version, or what is wrong with the command line.
///
/// # Errors
///
/// If help or the version can't be written.
pub fn explain(message: &clap::Error) -> io::Result<()> {
    let plain = message.render().to_string();
    let mut gated = TextGate::new(Palette::new(false), Vec::new());
    // Writing to memory cannot fail.
    let _ = gated.write_all(plain.as_bytes());
    if gated.into_inner() == plain.as_bytes() {
        message.print().or_else(|error| if message.use_stderr() { Ok(()) } else { Err(error) })
    } else {
        write_message(Palette::new(false), &plain);
        Ok(())
    }
}
