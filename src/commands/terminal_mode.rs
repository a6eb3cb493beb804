//! The mode of the terminal on standard input, which is restored after a program that may leave it in another one.

use std::io::{self, Stdin};

use rustix::{
    process::getpgrp,
    termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr},
};

use super::streams;

/// A mode to restore. Dropping it restores it, even in a panic.
#[derive(Debug)]
pub(super) struct SavedMode {
    terminal: Stdin,
    mode: Termios,
}

impl SavedMode {
    /// The current mode.
    ///
    /// # Errors
    ///
    /// If standard input is not a terminal.
    pub fn save() -> io::Result<Self> {
        let terminal = streams::keyboard();
        let mode = tcgetattr(&terminal)?;
        Ok(Self { terminal, mode })
    }

    /// The mode before another program runs. `None` in the background, where it is that of a shell's line editor, and
    /// in a pipeline, where it may be that of a pager.
    pub fn before_program() -> Option<Self> {
        (is_foreground() && streams::stdout_is_terminal()).then(Self::save)?.ok()
    }

    /// Replaces it by the current mode.
    ///
    /// # Errors
    ///
    /// If the terminal is gone.
    pub fn update(&mut self) -> io::Result<()> {
        self.mode = tcgetattr(&self.terminal)?;
        Ok(())
    }

    /// The mode to restore.
    pub const fn mode(&self) -> &Termios {
        &self.mode
    }

    /// Restores the mode, unless the terminal belongs to another program.
    pub fn restore(&self) {
        if is_foreground() {
            // This fails if the terminal is gone.
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.mode);
        }
    }
}

impl Drop for SavedMode {
    fn drop(&mut self) {
        self.restore();
    }
}

/// Whether this process is in the foreground of the terminal on standard input.
pub(super) fn is_foreground() -> bool {
    tcgetpgrp(streams::keyboard()).is_ok_and(|group| group == getpgrp())
}
