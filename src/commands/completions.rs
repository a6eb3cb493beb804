//! `hookdev completions`, and the live values that the scripts ask this program for: the names of
//! events and providers, the user's own included.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::Write,
    path::PathBuf,
    sync::Arc,
};

use clap_complete::{
    CompleteEnv, CompletionCandidate, Shell,
    engine::{ArgValueCompleter, PathCompleter, ValueCompleter},
};

use super::{
    context::Context,
    exit::{Exit, Failure},
    streams,
};
use crate::{
    cli::{self, Cli, Completions, Global},
    render::text,
    webhook::{contract::CaseName, provider::catalog::Catalog},
};

/// Prints the script that stands in `completions/`.
///
/// # Errors
///
/// When the output can't be written.
pub fn run(args: Completions) -> Result<Exit, Failure> {
    let script = match args.shell {
        Shell::Bash => include_str!("../../completions/hookdev.bash"),
        Shell::Elvish => include_str!("../../completions/hookdev.elv"),
        Shell::Fish => include_str!("../../completions/hookdev.fish"),
        Shell::PowerShell => include_str!("../../completions/hookdev.ps1"),
        Shell::Zsh => include_str!("../../completions/_hookdev"),
        other => return Err(Failure::usage(format!("there is no completion script for {other}"))),
    };
    let mut out = streams::data();
    out.write_all(script.as_bytes())?;
    out.flush()?;
    Ok(Exit::Success)
}

/// Answers a completion script that asks; whether one did.
#[must_use]
pub fn answer() -> bool {
    let asked = CompleteEnv::with_factory(command)
        .completer("hookdev")
        .try_complete(env::args_os(), env::current_dir().ok().as_deref());
    // There is nobody to tell of an error: what a completion prints goes into the command line.
    asked.unwrap_or(true)
}

/// Parses the command line; the first argument is the program's name.
///
/// # Errors
///
/// If the arguments are invalid, or ask for help or the version.
pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::from_matches(command().try_get_matches_from(args)?)
}

/// The command line with completers for events, providers and cases.
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
    completers.into_iter().fold(cli::command(), |root, (command, argument, completer)| {
        root.mut_subcommand(command, |command| command.mut_arg(argument, |argument| argument.add(completer)))
    })
}

/// Completes the name of an event.
fn complete_events(current: &OsStr) -> Vec<CompletionCandidate> {
    let catalog = catalog();
    let events = catalog.events().filter(|(_, event)| starts_with(&event.full_name, current));
    events.map(|(_, event)| candidate(&event.full_name, &event.about)).collect()
}

/// Completes the name of a case.
fn complete_cases(current: &OsStr) -> Vec<CompletionCandidate> {
    let names = CaseName::ALL.iter().map(|name| name.as_str());
    names.filter(|name| starts_with(name, current)).map(CompletionCandidate::new).collect()
}

/// Completes the name of a provider.
fn complete_providers(current: &OsStr) -> Vec<CompletionCandidate> {
    let catalog = catalog();
    let providers = catalog.providers().filter(|provider| starts_with(&provider.name, current));
    providers.map(|provider| candidate(&provider.name, &provider.about)).collect()
}

/// A candidate as a shell shows it; a user's folder may name and say anything.
fn candidate(name: &str, about: &str) -> CompletionCandidate {
    CompletionCandidate::new(text::printable(name).into_owned()).help(Some(text::printable(about).into_owned().into()))
}

/// Completes the name of an event or of a file.
fn complete_what(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut candidates = complete_events(current);
    candidates.extend(PathCompleter::any().complete(current));
    candidates
}

fn starts_with(name: &str, current: &OsStr) -> bool {
    current.to_str().is_some_and(|current| name.starts_with(current))
}

/// The providers that the command line under completion would have; the built-in ones when it,
/// or the config, is not right yet.
fn catalog() -> Arc<Catalog> {
    // The script puts the words of the command line behind `--`.
    let words: Vec<_> = env::args_os().skip_while(|word| word != "--").skip(2).collect();
    let value_of = |flag: &'static str| {
        let words = words.clone();
        let joined = move |word: &OsStr| word.to_str()?.strip_prefix(flag)?.strip_prefix('=').map(PathBuf::from);
        let mut values: Vec<PathBuf> = words.iter().filter_map(|word| joined(word)).collect();
        values.extend(words.windows(2).filter(|pair| pair[0] == flag).map(|pair| PathBuf::from(&pair[1])));
        values
    };
    let quiet = cli::command().try_get_matches_from(["hookdev", "--quiet", "demo"]);
    let Ok(cli) = quiet.and_then(Cli::from_matches) else { return Arc::new(Catalog::builtin()) };
    let global = Global {
        providers: value_of("--providers"),
        config: value_of("--config").pop(),
        no_config: words.iter().any(|word| word == "--no-config"),
        ..cli.global
    };
    Context::load(global).map_or_else(|_| Arc::new(Catalog::builtin()), |context| context.catalog)
}
