//! The two output streams as every command uses them: their colours, the screen's width, and the messages on standard
//! error.

use std::{borrow::Cow, env, ffi::OsStr, fs, io::Write, path::Path};

use jiff::tz::TimeZone;

use super::{
    exit::Failure,
    remedies,
    streams::{self, HiddenLine, Out},
};
use crate::{
    cli::{Color, GlobalArgs},
    render::{
        diagnostic::{self, Message},
        palette::{self, Choice, Palette},
        payload::BodyLimits,
        pretty::Page,
        text,
    },
    webhook::payload::MAX_DECODED_BYTES,
};

/// The standard streams.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// The palette of standard output.
    pub out: Palette,
    /// The palette of standard error.
    pub err: Palette,
    shows_out: bool,
    shows_err: bool,
    quiet: bool,
}

impl Terminal {
    /// Detects the colours of both streams.
    #[must_use]
    pub fn new(global: &GlobalArgs) -> Self {
        Self::with(global.color, global.quiet)
    }

    /// The streams with default options, for a command line that can't be parsed.
    #[must_use]
    pub fn plain() -> Self {
        Self::with(Color::Auto, false)
    }

    fn with(color: Color, quiet: bool) -> Self {
        let choice = match color {
            Color::Auto => Choice::Auto,
            Color::Always => Choice::Always,
            Color::Never => Choice::Never,
        };
        let (out, err) = (streams::stdout_is_terminal(), streams::stderr_is_terminal());
        Self {
            out: Palette::new(palette::decide(choice, out, variable)),
            err: Palette::new(palette::decide(choice, err, variable)),
            shows_out: out,
            shows_err: err,
            quiet,
        }
    }

    /// The layout of standard output; `body` limits how much of a payload is shown, `None` shows no payload.
    #[must_use]
    pub fn page(&self, body: Option<BodyLimits>) -> Page {
        Page {
            palette: self.out,
            width: self.width(),
            zone: zone(env::var_os("TZ").as_deref()),
            body,
            decoded_limit: MAX_DECODED_BYTES,
            wording: remedies::words,
            verbose: false,
        }
    }

    /// Standard output for text, locked and buffered.
    #[must_use]
    pub fn stdout(&self) -> Out {
        streams::results(self.out)
    }

    /// Makes text safe for standard output. If that is not a terminal, a CI service may read it as a log, and find
    /// commands in text from outside.
    #[must_use]
    pub fn readable<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.shows_out { Cow::Borrowed(text) } else { text::without_commands(text) }
    }

    /// Prints results to standard output, byte for byte.
    ///
    /// # Errors
    ///
    /// If they can't be written.
    pub fn print(&self, results: &[u8]) -> Result<(), Failure> {
        let mut out = self.stdout();
        out.write_all(results).and_then(|()| out.flush()).map_err(Failure::output)
    }

    /// Prints [readable](Self::readable) text to standard output.
    ///
    /// # Errors
    ///
    /// If it can't be written.
    pub fn print_text(&self, text: &str) -> Result<(), Failure> {
        self.print(self.readable(text).as_bytes())
    }

    /// Writes one or more lines to standard error, except with `--quiet`. Text from outside must be
    /// [inline](diagnostic::inline).
    pub fn say(&self, text: &str) {
        if !self.quiet {
            streams::write_message(self.err, text);
        }
    }

    /// Whether a status line is shown: on a terminal that shows both streams, except with `--quiet`.
    #[must_use]
    pub const fn shows_status(&self) -> bool {
        self.shows_out && self.shows_err && !self.quiet
    }

    /// Hides the bottom line while the result is kept, if standard output is a terminal too. Otherwise the reader of
    /// the output may stop reading, and messages must not wait for it.
    #[must_use]
    pub fn hide_bottom_line(&self) -> Option<HiddenLine> {
        (self.shows_out && self.shows_err).then(streams::hide_bottom_line)
    }

    /// The current width of standard output in columns, if it is a terminal. The user may change it at any time.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        self.shows_out.then(columns).flatten()
    }

    /// The current height in lines.
    #[must_use]
    pub fn height(&self) -> Option<usize> {
        let size = || terminal_size::terminal_size().map(|(_, height)| usize::from(height.0));
        self.shows_out.then(size).flatten()
    }

    /// The layout of diagnostics on standard error.
    #[must_use]
    pub fn stream(&self) -> diagnostic::DiagnosticStream {
        diagnostic::DiagnosticStream { palette: self.err, columns: self.shows_err.then(columns).flatten() }
    }

    /// Names the config on standard error, even with `--quiet`.
    pub fn name_config(&self, path: &Path) {
        streams::write_message(self.err, &format!("config: {}\n", diagnostic::inline(&path.to_string_lossy())));
    }

    /// Writes the result of a key press to standard error, even with `--quiet`.
    #[cfg(unix)]
    pub fn respond(&self, text: &str) {
        streams::write_message(self.err, text);
    }

    /// The layout of standard error, without payloads.
    #[must_use]
    pub fn message_page(&self) -> Page {
        let width = self.shows_err.then(columns).flatten();
        Page { palette: self.err, width, ..self.page(None) }
    }

    /// Writes a note to standard error, except with `--quiet`.
    pub fn note(&self, message: impl Into<Message>) {
        let mut text = String::new();
        diagnostic::note(self.stream(), &message.into(), &mut text);
        self.say(&text);
    }

    /// Writes a warning to standard error.
    pub fn warn(&self, message: impl Into<Message>) {
        let mut text = String::new();
        diagnostic::warning(self.stream(), &message.into(), &mut text);
        streams::write_message(self.err, &text);
    }

    /// Writes an error to standard error, with its causes and hint.
    pub fn fail(&self, failure: &Failure) {
        if let Some(message) = &failure.message {
            let mut text = String::new();
            diagnostic::error(self.stream(), message, &failure.causes, failure.hint.as_ref(), &mut text);
            streams::write_message(self.err, &text);
        }
    }
}

/// The current width of the terminal.
fn columns() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// An environment variable. One that is not Unicode counts as unset.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// The time zone of this machine. UTC if `TZ` names something other than a regular file: reading that might never end.
fn zone(tz: Option<&OsStr>) -> TimeZone {
    let path = tz.and_then(OsStr::to_str).map(|text| Path::new(text.strip_prefix(':').unwrap_or(text)));
    let endless = path.is_some_and(|path| fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()));
    if endless { TimeZone::UTC } else { TimeZone::system() }
}
