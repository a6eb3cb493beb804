//! `hookdev completions`, and the names that the scripts request on TAB: events, providers and cases, including those
//! of the user's own providers.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use clap_complete::{
    CompletionCandidate, Shell,
    engine::{PathCompleter, ValueCompleter},
};

use super::{
    context::Context,
    exit::{Exit, Failure},
    shared_context::SharedContext,
    streams,
};
use crate::{
    cli::{self, Cli, CompletionsArgs, GlobalArgs},
    render::text,
    webhook::{contract::CaseName, provider::catalog::Catalog},
};

/// Prints the script from `completions/`.
///
/// # Errors
///
/// If the output can't be written.
pub fn run(args: CompletionsArgs) -> Result<Exit, Failure> {
    let script = match args.shell {
        Shell::Bash => include_str!("../../completions/hookdev.bash"),
        Shell::Elvish => include_str!("../../completions/hookdev.elv"),
        Shell::Fish => include_str!("../../completions/hookdev.fish"),
        Shell::PowerShell => include_str!("../../completions/hookdev.ps1"),
        Shell::Zsh => include_str!("../../completions/_hookdev"),
        other => return Err(Failure::usage(format!("no completion script for {other}"))),
    };
    streams::write_data(script.as_bytes()).map_err(Failure::output)?;
    Ok(Exit::Success)
}

/// Completes the name of an event.
pub(super) fn complete_events(current: &OsStr) -> Vec<CompletionCandidate> {
    let catalog = catalog();
    let events = catalog.events().filter(|(_, event)| starts_with(&event.full_name, current));
    events.map(|(_, event)| candidate(&event.full_name, &event.about)).collect()
}

/// Completes the name of a case.
pub(super) fn complete_cases(current: &OsStr) -> Vec<CompletionCandidate> {
    let names = CaseName::ALL.iter().map(|name| name.as_str());
    names.filter(|name| starts_with(name, current)).map(CompletionCandidate::new).collect()
}

/// Completes the name of a provider.
pub(super) fn complete_providers(current: &OsStr) -> Vec<CompletionCandidate> {
    let catalog = catalog();
    let entries = catalog.usable().filter(|entry| starts_with(entry.name(), current));
    entries.map(|entry| candidate(entry.name(), &entry.index().about)).collect()
}

/// A candidate as a shell shows it. A user's provider may contain any characters, so they are made printable.
fn candidate(name: &str, about: &str) -> CompletionCandidate {
    CompletionCandidate::new(text::printable(name).into_owned()).help(Some(text::printable(about).into_owned().into()))
}

/// Completes the name of a provider or of an event.
pub(super) fn complete_providers_and_events(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut candidates = complete_providers(current);
    candidates.extend(complete_events(current));
    candidates
}

/// Completes the name of an event or of a file.
pub(super) fn complete_what(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut candidates = complete_events(current);
    candidates.extend(PathCompleter::any().complete(current));
    candidates
}

/// Completes a topic of `help`.
pub(super) fn complete_topics(current: &OsStr) -> Vec<CompletionCandidate> {
    let topics = cli::help_topics().into_iter();
    topics.filter(|topic| starts_with(topic, current)).map(CompletionCandidate::new).collect()
}

/// Completes a subcommand after a topic of `help`.
pub(super) fn complete_subcommands(current: &OsStr) -> Vec<CompletionCandidate> {
    let subcommands = cli::help_topics().into_iter().flat_map(|topic| cli::subcommands(&topic));
    subcommands.filter(|name| starts_with(name, current)).map(CompletionCandidate::new).collect()
}

fn starts_with(name: &str, current: &OsStr) -> bool {
    current.to_str().is_some_and(|current| name.starts_with(current))
}

/// The time limit for reading provider directories: a shell that waits for completions appears to hang.
const LOAD_TIMEOUT: Duration = Duration::from_millis(500);

/// The providers of the command line being completed. The built-in ones if the command line or config is still invalid,
/// or takes too long to read.
fn catalog() -> Arc<Catalog> {
    let (sender, loaded) = mpsc::sync_channel(1);
    // The thread ends with the process at the latest. The script passes the words of the command line after `--`.
    let words: Vec<OsString> = env::args_os().skip_while(|word| word != "--").skip(2).collect();
    thread::spawn(move || sender.send(catalog_of(&words)));
    loaded.recv_timeout(LOAD_TIMEOUT).ok().flatten().unwrap_or_else(|| Arc::new(Catalog::builtin()))
}

/// The providers of an incomplete command line. `None` if it is invalid so far, or the config is.
pub fn catalog_of(words: &[OsString]) -> Option<Arc<Catalog>> {
    let value_of = |flag: &'static str| {
        let joined = |word: &OsStr| word.to_str()?.strip_prefix(flag)?.strip_prefix('=').map(PathBuf::from);
        let mut values: Vec<PathBuf> = words.iter().filter_map(|word| joined(word)).collect();
        values.extend(words.windows(2).filter(|pair| pair[0] == flag).map(|pair| PathBuf::from(&pair[1])));
        values
    };
    let quiet = cli::command().try_get_matches_from(["hookdev", "--quiet", "demo"]);
    let cli = quiet.and_then(Cli::from_matches).ok()?;
    let global = GlobalArgs {
        providers: value_of("--providers"),
        config: value_of("--config").pop(),
        no_config: words.iter().any(|word| word == "--no-config"),
        ..cli.global
    };
    Context::load_again(global, SharedContext::default()).ok().map(|context| context.catalog)
}
