//! hookdev receives, explains, sends and checks webhooks on a developer's own machine.
//!
//! The crate is a command-line tool: [`run`] is its only supported interface. The modules are public for the
//! project's own tests, benches and fuzz targets, and change without notice.
//!
//! They form layers, from top to bottom, and each uses only the layers below it:
//!
//! - `cli`: the command line, for clap
//! - `commands`: one file per command
//! - `engine`: what runs, without a terminal
//! - `render`, `net`, `store`: the outside world; none of the three uses another
//! - `webhook`: what a webhook is; no input or output

#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod commands;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod net;
#[doc(hidden)]
pub mod render;
#[doc(hidden)]
pub mod store;
#[doc(hidden)]
pub mod webhook;

use std::{ffi::OsString, process::ExitCode};

/// Runs the program with these arguments, the first of which is its name, on the process's standard streams.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    commands::memory::protect();
    if commands::print_completions() {
        return ExitCode::SUCCESS;
    }
    let args: Vec<OsString> = args.into_iter().collect();
    let exit = match commands::read(args.clone()) {
        Ok(cli) => commands::run(cli),
        Err(message) => commands::explain(&message, &args),
    };
    ExitCode::from(exit.code())
}
