//! The command line, with what only the lower layers know: completions of names, and the list of capture formats.

use std::{env, ffi::OsString};

use clap_complete::{
    CompleteEnv,
    engine::ArgValueCompleter,
    env::{Elvish, Fish, Powershell, Shells, Zsh},
};

use super::{
    bash::QuotedBash,
    completions::{complete_cases, complete_events, complete_providers, complete_what},
};
use crate::{
    cli::{self, Cli},
    store::formats,
};

/// Parses the command line; the first argument is the program's name.
///
/// # Errors
///
/// If the arguments are invalid, or ask for help or the version.
pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::from_matches(command().try_get_matches_from(args)?)
}

/// Prints completions if a completion script asks for them, and returns whether one did.
#[must_use]
pub fn answer() -> bool {
    let asked = CompleteEnv::with_factory(command)
        .shells(Shells(&[&QuotedBash, &Elvish, &Fish, &Powershell, &Zsh]))
        .completer("hookdev")
        .try_complete(env::args_os(), env::current_dir().ok().as_deref());
    // An error has nowhere to go: everything printed here ends up on the command line being completed.
    asked.unwrap_or(true)
}

/// The whole command line.
#[must_use]
pub fn command() -> clap::Command {
    let (events, providers) = (ArgValueCompleter::new(complete_events), ArgValueCompleter::new(complete_providers));
    let completers = [
        ("listen", "provider", providers.clone()),
        ("listen", "filter", events.clone()),
        ("listen", "expect", events.clone()),
        ("send", "what", ArgValueCompleter::new(complete_what)),
        ("verify", "provider", providers.clone()),
        ("check", "provider", providers.clone()),
        ("check", "case", ArgValueCompleter::new(complete_cases)),
        ("events", "glob", events),
        ("events", "provider", providers),
    ];
    let root = cli::command().mut_subcommand("verify", |verify| {
        let examples = verify.get_after_help().map(ToString::to_string).unwrap_or_default();
        verify.after_help(format!(
            "{examples}\n\nThe format of a file is detected from its content: {}.",
            formats::names()
        ))
    });
    completers.into_iter().fold(root, |root, (command, argument, completer)| {
        root.mut_subcommand(command, |command| command.mut_arg(argument, |argument| argument.add(completer)))
    })
}
