//! The doors of the program: nothing else opens a standard stream. What goes to people passes a
//! [`Gate`]; exact bytes leave by [`data`] alone, and never to a terminal.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use indicatif::ProgressDrawTarget;

use crate::render::{gate::Gate, palette::Palette};

/// Standard output, for text.
pub type Out = Gate<BufWriter<StdoutLock<'static>>>;

/// Standard output for text with the colours of a palette, locked and buffered.
pub fn results(palette: Palette) -> Out {
    Gate::new(palette, data())
}

/// Standard output for exact bytes, locked and buffered. Only what is no terminal may get any from
/// outside.
pub fn data() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// Writes a text to standard error. Where nobody reads it, there is nobody to tell.
pub fn talk(palette: Palette, text: &str) {
    let _ = Gate::new(palette, io::stderr().lock()).write_all(text.as_bytes());
}

/// Whether standard output is a terminal.
pub fn results_are_seen() -> bool {
    io::stdout().is_terminal()
}

/// Whether standard error is a terminal.
pub fn talk_is_seen() -> bool {
    io::stderr().is_terminal()
}

/// Where progress is drawn, so many times a second: nowhere if it is not to be `seen`.
pub fn progress(seen: bool, hertz: u8) -> ProgressDrawTarget {
    if seen { ProgressDrawTarget::stderr_with_hz(hertz) } else { ProgressDrawTarget::hidden() }
}

/// Prints what clap says of a command line: help and version, or what is wrong with it.
pub fn explain(said: &clap::Error) {
    let plain = said.render().to_string();
    let mut gated = Gate::new(Palette::new(false), Vec::new());
    // Memory takes everything.
    let _ = gated.write_all(plain.as_bytes());
    if gated.into_inner() == plain.as_bytes() {
        // Help for a reader that has gone is no failure.
        let _ = said.print();
    } else {
        talk(Palette::new(false), &plain);
    }
}
