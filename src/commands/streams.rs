//! The standard streams; nothing else in the program opens them. Text for people passes a [`Gate`]; exact bytes are
//! written through [`data`] only, and never to a terminal.

use std::{
    io::{self, BufWriter, IsTerminal, StdoutLock, Write},
    process::Stdio,
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
