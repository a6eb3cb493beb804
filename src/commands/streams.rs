//! The standard streams; nothing else in the program opens them. Text for people passes a [`Gate`]; exact bytes are
//! written through [`data`] only, and never to a terminal.

use std::{
    io::{self, BufWriter, IsTerminal, StdoutLock, Write},
    process::Stdio,
    sync::{Mutex, PoisonError},
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

/// The unfinished line below the output: a number that is being typed.
static PROMPT: Mutex<String> = Mutex::new(String::new());

/// Removes the line that the cursor is in.
const CLEAR_LINE: &str = "\r\x1b[K";

/// Writes a text to standard error. Errors are ignored: there is nowhere left to report them.
pub fn write_message(palette: Palette, text: &str) {
    let prompt = PROMPT.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stderr = io::stderr().lock();
    if !prompt.is_empty() {
        let _ = stderr.write_all(CLEAR_LINE.as_bytes());
    }
    let _ = Gate::new(palette, &mut stderr).write_all(text.as_bytes());
    let _ = stderr.write_all(prompt.as_bytes());
}

/// Shows another prompt. Standard error must be a terminal.
#[cfg(unix)]
pub fn set_prompt(text: &str) {
    let mut prompt = PROMPT.lock().unwrap_or_else(PoisonError::into_inner);
    if *prompt != text {
        text.clone_into(&mut prompt);
        let _ = io::stderr().lock().write_all(format!("{CLEAR_LINE}{text}").as_bytes());
    }
}

/// Writes results while the prompt is hidden.
pub fn above_prompt<T>(write: impl FnOnce() -> T) -> T {
    let is_shown = !PROMPT.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
    if is_shown {
        let _ = io::stderr().lock().write_all(CLEAR_LINE.as_bytes());
    }
    let result = write();
    if is_shown {
        let prompt = PROMPT.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = io::stderr().lock().write_all(prompt.as_bytes());
    }
    result
}

/// Sends the terminal on standard error a control sequence of hookdev's own.
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

/// Standard error as the standard output of a program.
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
