//! The command line, extended with what clap's types don't know: the names to complete, and the list of capture
//! formats.

use std::{env, ffi::OsString};

use clap_complete::{
    CompleteEnv,
    engine::ArgValueCompleter,
    env::{Elvish, Fish, Powershell, Shells, Zsh},
};

use super::{
    bash::QuotedBash,
    completions::{
        complete_cases, complete_events, complete_providers, complete_providers_and_events, complete_subcommands,
        complete_topics, complete_what,
    },
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

/// Prints completions if a completion script asked for them. Returns whether one did.
#[must_use]
pub fn print_completions() -> bool {
    if env::var_os("COMPLETE").is_none() {
        return false;
    }
    let printed = CompleteEnv::with_factory(command)
        .shells(Shells(&[&QuotedBash, &Elvish, &Fish, &Powershell, &Zsh]))
        .completer("hookdev")
        .try_complete(words(), env::current_dir().ok().as_deref());
    // There is nowhere to report an error: anything printed here ends up on the command line being completed.
    printed.unwrap_or(true)
}

/// The words to complete, as `clap_complete` 4.6 needs them: it mistakes any word that equals a command's name for that
/// command, even an option's value, as in `--providers providers`. Such a value is spelled differently.
fn words() -> Vec<OsString> {
    let command = cli::command();
    let options = command.get_subcommands().flat_map(clap::Command::get_arguments).chain(command.get_arguments());
    let with_value: Vec<String> = options
        .filter(|option| option.get_action().takes_values())
        .filter_map(|option| Some(format!("--{}", option.get_long()?)))
        .collect();
    let mut words: Vec<OsString> = env::args_os().collect();
    // The last word is the one to complete.
    for at in 1..words.len().saturating_sub(1) {
        let is_value = with_value.iter().any(|option| words[at - 1] == option.as_str());
        if is_value && command.find_subcommand(&words[at]).is_some() {
            words[at].push("/");
        }
    }
    words
}

/// The definition of the command line, with its completers and the list of capture formats.
#[must_use]
pub fn command() -> clap::Command {
    let (events, providers) = (ArgValueCompleter::new(complete_events), ArgValueCompleter::new(complete_providers));
    let completers = [
        ("listen", "provider", providers.clone()),
        ("listen", "filter", events.clone()),
        ("listen", "expect", events),
        ("send", "what", ArgValueCompleter::new(complete_what)),
        ("verify", "provider", providers.clone()),
        ("check", "provider", providers.clone()),
        ("check", "case", ArgValueCompleter::new(complete_cases)),
        ("events", "glob", ArgValueCompleter::new(complete_providers_and_events)),
        ("events", "provider", providers),
        ("help", "topic", ArgValueCompleter::new(complete_topics)),
        ("help", "subcommand", ArgValueCompleter::new(complete_subcommands)),
    ];
    // `mut_subcommand` and `mut_arg` would move the changed items to the end.
    cli::command().mut_subcommands(|mut command| {
        let name = command.get_name().to_owned();
        if name == "verify" {
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let formats = formats::names();
            command = command
                .after_help(format!("{examples}\n\nThe format of a file is detected from its content: {formats}."));
        }
        command.mut_args(|argument| {
            let id = argument.get_id().as_str();
            match completers.iter().find(|(command, argument, _)| *command == name && *argument == id) {
                Some((_, _, completer)) => argument.add(completer.clone()),
                None => argument,
            }
        })
    })
}
