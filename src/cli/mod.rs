//! The types of the command line, for clap. They hold what was typed; [`crate::commands`] resolves it.

// The comments here are the help: text for a terminal, not for a page.
#![allow(clippy::doc_markdown, rustdoc::invalid_html_tags)]

mod check;
mod listen;
mod providers;
mod send;
mod trust;
mod unregister;
mod values;
mod verify;

use std::path::PathBuf;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

pub use self::{
    check::CheckArgs,
    listen::{BodyDetail, ListenArgs},
    providers::{NewProviderArgs, ProvidersArgs, ProvidersCommand},
    send::{LoadArgs, Print, SendArgs, TamperArg},
    trust::TrustArgs,
    unregister::UnregisterArgs,
    verify::{At, Require, VerifyArgs},
};
use crate::webhook::signature::SecretText;
use values::{parse_entries, parse_plain_format};

const ABOUT: &str = "Receive, verify, explain, send and check webhooks on your own machine";

const EXIT_CODES: &str = "\
Exit codes:
  0    success
  1    a negative result (a rejected signature, a refused delivery, …)
  2    invalid usage or configuration
  3    an input could not be read
  4    the endpoint could not be reached
  130  Ctrl-C (`listen` exits 0 on Ctrl-C, SIGTERM and SIGHUP, but 130 if the program after `--` has not started)";

const SECRETS: &str = "\
Secrets:
  A provider's signing secret comes from --secret, else its environment variable, else the config, else \
  a public development secret. See `hookdev help secrets`.";

/// The help topic that isn't a command.
pub const SECRETS_TOPIC: &str = "secrets";

/// The text of that topic.
pub const SECRETS_HELP: &str = "\
How hookdev finds the secret of a provider. It uses the first of these that
has one:

  1. --secret [PROVIDER=]SOURCE
     Repeat it during rotation: any of the secrets may match, and the first
     one signs. The text before the first `=` is a provider only if it names
     one; without a provider, the secret is for every provider whose format
     it fits.
  2. The provider's environment variable, such as ACME_WEBHOOK_SECRET.
     `hookdev providers` names it.
  3. The config: secret = \"SOURCE\" in [provider.NAME], or a list of several.
  4. The same variable in the config's env_file = \".env\". Without that
     line, no .env is loaded.
  5. A fixed development secret, which is public.

SOURCE is one of:

  env:NAME   an environment variable
  file:PATH  a file; one newline at its end is not part of the secret
  SECRET     the secret itself; other users of this machine can see it in the
             list of processes

Anyone can sign with a development secret, so every command warns while one
is in use. Unless --allow-development is given, such a secret is rejected by
`listen` if --addr is not a loopback address, through --tunnel, by `listen`
with --register or --only-verified, and by `verify --require signature`.
With --public-url alone, it is still accepted.

hookdev never prints or logs a secret, and saves one only with --secret-to.
";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "hookdev", version, disable_help_subcommand = true, about = ABOUT, after_help = EXIT_CODES, after_long_help = format!("{SECRETS}\n\n{EXIT_CODES}"), propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// The global options.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The values of a command line that clap has parsed.
    ///
    /// # Errors
    ///
    /// If a value is invalid.
    pub fn from_matches(mut matches: ArgMatches) -> Result<Self, clap::Error> {
        Self::from_arg_matches_mut(&mut matches)
    }
}

/// The command line for clap. Each command offers only its own output formats.
#[must_use]
pub fn command() -> clap::Command {
    let command = Cli::command();
    let Some(format) = command.get_arguments().find(|arg| arg.get_id() == "format").cloned() else { return command };
    let plain = format.value_parser(parse_plain_format());
    command.mut_subcommands(|command| match command.get_name() {
        "verify" | "check" => command,
        // An option of the command replaces the global one of the same name.
        _ => command.arg(plain.clone()),
    })
}

/// The topics of `hookdev help`: the commands, and the one topic that isn't a command.
#[must_use]
pub fn help_topics() -> Vec<String> {
    let names = command().get_subcommands().map(|command| command.get_name().to_owned()).collect::<Vec<_>>();
    names.into_iter().chain([SECRETS_TOPIC.to_owned()]).collect()
}

/// The subcommands of a command.
#[must_use]
pub fn subcommands(name: &str) -> Vec<String> {
    let command = command();
    let subcommands = command.find_subcommand(name).into_iter().flat_map(clap::Command::get_subcommands);
    subcommands.map(|command| command.get_name().to_owned()).collect()
}

/// The global options.
#[derive(Clone, Debug, Args)]
pub struct GlobalArgs {
    /// Output format
    #[arg(long, global = true, value_enum, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<FormatArg>,

    /// Short for --format json
    #[arg(long, global = true, conflicts_with = "format", help_heading = "Output")]
    pub json: bool,

    /// Print only failures and warnings

    #[arg(short, long, global = true, help_heading = "Output")]
    pub quiet: bool,

    /// When to colour the output
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto, help_heading = "Output")]
    pub color: Color,

    /// Config file [default: the nearest hookdev.toml, from the working directory upward]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Configuration")]
    pub config: Option<PathBuf>,

    /// Ignore hookdev.toml
    #[arg(long, global = true, conflicts_with = "config", help_heading = "Configuration")]
    pub no_config: bool,

    /// Add a provider directory, or a directory of provider directories (repeatable)
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Configuration")]
    pub providers: Vec<PathBuf>,

    /// Signing secret: env:NAME, file:PATH or the secret itself (repeatable; see `hookdev help secrets`)
    #[arg(
        long,
        global = true,
        value_name = "[PROVIDER=]SOURCE",
        hide_env_values = true,
        help_heading = "Configuration"
    )]
    pub secret: Vec<SecretText>,
}

/// The output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// Text for people
    Pretty,
    /// One JSON object per line
    Json,
    /// JUnit XML (`verify` and `check`)
    Junit,
    /// GitHub annotations (`verify` and `check`)
    Github,
    /// SARIF 2.1.0 (`verify` and `check`)
    Sarif,
}

impl FormatArg {
    /// Whether this is a report for a CI service.
    pub const fn is_report(self) -> bool {
        matches!(self, Self::Junit | Self::Github | Self::Sarif)
    }
}

/// When to colour the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` or `CLICOLOR=0` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Receive webhooks locally: verify, explain, capture and forward them
    Listen(ListenArgs),
    /// Send signed events, or captured requests, as the provider would
    Send(SendArgs),
    /// Verify captured requests: signature, freshness, payload
    Verify(VerifyArgs),
    /// Test a webhook handler with valid and deliberately invalid deliveries
    Check(CheckArgs),
    /// List the events that can be sent
    Events(EventsArgs),
    /// List the known providers, or create and check provider directories
    Providers(ProvidersArgs),
    /// Compare two captured requests
    Diff(DiffArgs),
    /// Allow the nearest hookdev.toml to send to other machines and to start its own programs
    Trust(TrustArgs),
    /// Remove endpoints that an interrupted `listen --register` left at a provider
    Unregister(UnregisterArgs),
    /// Send, receive and verify every built-in event in one process
    Demo(DemoArgs),
    /// Print the completion script for a shell
    Completions(CompletionsArgs),
    /// Print help for a command, or about secrets
    Help(HelpArgs),
}

/// `hookdev events`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  hookdev events
  hookdev events cyanite --show
  hookdev events 'cyanite.v2.*' auphonic
  hookdev events --provider cyanite --contract")]
pub struct EventsArgs {
    /// List only the events of these providers, or the events whose names match
    #[arg(value_name = "PROVIDER|GLOB")]
    pub glob: Vec<String>,

    /// List only this provider's events
    #[arg(long, value_name = "PROVIDER", conflicts_with = "glob", help_heading = "Events")]
    pub provider: Option<String>,

    /// Print the payloads too
    #[arg(long, help_heading = "Events")]
    pub show: bool,

    /// Print what the providers require of a handler instead
    #[arg(long, conflicts_with = "show", help_heading = "Events")]
    pub contract: bool,
}

/// `hookdev diff`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Compares method, request target, headers (in any order) and body. JSON payloads and forms are compared by path, and \
values as they are written: 1.0 and 1 differ. Exits 0 if the requests are the same, 1 if they differ.

Examples:
  hookdev diff captures/before.json captures/after.json
  hookdev diff chrome.har deliveries.ndjson --entry 2
  hookdev diff deliveries.ndjson deliveries.ndjson --entry 3,5
  hookdev send aspect.task.failed --print http | hookdev diff capture.json -")]
pub struct DiffArgs {
    /// A capture in any format that `verify` reads (- is standard input)
    #[arg(value_name = "A|-", value_hint = ValueHint::FilePath)]
    pub left: PathBuf,

    /// The capture to compare it with
    #[arg(value_name = "B|-", value_hint = ValueHint::FilePath)]
    pub right: PathBuf,

    /// In files with several requests, compare request N, counted from 0; N,M compares request N of A with M of B
    #[arg(long, value_name = "N[,M]", value_parser = parse_entries, help_heading = "Input")]
    pub entry: Option<DiffEntries>,
}

/// The requests that `hookdev diff` compares, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffEntries {
    /// The same number in each file that has several requests.
    Same(usize),
    /// One number for each file.
    Each(usize, usize),
}

/// `hookdev demo`
#[derive(Clone, Copy, Debug, Args)]
pub struct DemoArgs {
    /// Print every payload, instead of at most five
    #[arg(long, help_heading = "Output")]
    pub all: bool,
}

/// `hookdev completions`
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "\
Examples:
  mkdir -p ~/.local/share/bash-completion/completions
  hookdev completions bash > ~/.local/share/bash-completion/completions/hookdev

  mkdir -p ~/.zfunc    # in ~/.zshrc, before compinit: fpath+=(~/.zfunc)
  hookdev completions zsh > ~/.zfunc/_hookdev

  mkdir -p ~/.config/fish/completions
  hookdev completions fish > ~/.config/fish/completions/hookdev.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// `hookdev help`
#[derive(Clone, Debug, Args)]
pub struct HelpArgs {
    /// A command, or `secrets`
    #[arg(value_name = "TOPIC")]
    pub topic: Option<String>,

    /// A subcommand, as in `hookdev help providers new`
    #[arg(value_name = "SUBCOMMAND")]
    pub subcommand: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_argument_has_help() {
        for command in command().get_subcommands() {
            for arg in command.get_arguments() {
                assert!(arg.get_help().is_some(), "{} {}", command.get_name(), arg.get_id());
            }
        }
    }
}
