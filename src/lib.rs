//! hookdev receives, explains, sends and checks webhooks on a developer's own machine.
//!
//! The rooms of the house, from top to bottom; each uses only what stands below it:
//!
//! - [`cli`]: the command line as it is typed
//! - [`commands`]: one file a command
//! - [`render`], [`net`], [`store`]: the outside world; none of the three knows another
//! - [`webhook`]: what a webhook is; pure

pub mod cli;
pub mod commands;
pub mod net;
pub mod render;
pub mod store;
pub mod webhook;

use std::{ffi::OsString, process::ExitCode};

/// Runs the program with these arguments, its name first; everything it says goes to the standard
/// streams.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    if commands::completions::answer() {
        return ExitCode::SUCCESS;
    }
    match cli::Cli::read(args) {
        Ok(cli) => ExitCode::from(commands::run(cli) as u8),
        Err(error) => {
            commands::explain(&error);
            ExitCode::from(if error.use_stderr() { 2 } else { 0 })
        }
    }
}
