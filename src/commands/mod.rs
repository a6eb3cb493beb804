//! One file per command: it turns arguments into settings, runs an engine, and chooses the exit code.

mod address;
mod bash;
#[cfg(unix)]
mod browser;
mod check;
#[cfg(unix)]
mod clipboard;
mod command_line;
mod completions;
mod context;
mod demo;
mod diff;
mod editor;
mod events;
mod exit;
mod guard;
mod guesses;
mod help;
mod input_files;
mod inspect;
pub mod interrupt;
mod keys;
mod listen;
mod listen_settings;
pub mod memory;
mod names;
mod program;
mod providers;
mod register;
mod reload;
mod remedies;
mod reporters;
mod resolve;
mod secret_file;
mod secret_warnings;
mod send;
mod shared_context;
mod streams;
mod terminal;
#[cfg(unix)]
mod terminal_mode;
mod time_limit;
mod trust;
mod tunnel;
mod unregister;
mod verify;

pub use command_line::{command, print_completions, read};
pub use exit::{Exit, Failure};

use std::ffi::OsString;

use crate::{
    cli::{Cli, Command, FormatArg, GlobalArgs},
    render::text,
};
use context::Context;
use terminal::Terminal;

/// Runs a parsed command line and reports a failure on standard error.
#[must_use]
pub fn run(cli: Cli) -> Exit {
    interrupt::survive_file_size_limit();
    let terminal = Terminal::new(&cli.global);
    match dispatch(cli) {
        Ok(exit) => exit,
        Err(failure) => {
            terminal.fail(&failure);
            failure.exit
        }
    }
}

/// Prints clap's message, or a better one if the intention is clear.
#[must_use]
pub fn explain(message: &clap::Error, args: &[OsString]) -> Exit {
    let failure = match guesses::explain_guess(message, args) {
        Some(failure) => failure,
        // Clap doesn't say which argument it is.
        None if message.kind() == clap::error::ErrorKind::InvalidUtf8 => {
            let wrong = args.iter().filter(|arg| arg.to_str().is_none());
            let wrong = wrong.map(|arg| format!("`{}`", text::on_one_line(&arg.to_string_lossy())));
            Failure::usage(format!("invalid UTF-8 in {}", wrong.collect::<Vec<_>>().join(", ")))
        }
        None if message.use_stderr() => {
            // Clap prints arguments unescaped, and a file's name may contain line feeds.
            match read(args.iter().map(|arg| text::on_one_line(&arg.to_string_lossy()).into())) {
                Err(message) if message.use_stderr() => return printed(&message),
                _ => Failure::usage(message.render().to_string()),
            }
        }
        None => return printed(message),
    };
    Terminal::plain().fail(&failure);
    failure.exit
}

/// Prints clap's own message.
fn printed(message: &clap::Error) -> Exit {
    match streams::explain(message) {
        Ok(()) if message.use_stderr() => Exit::Usage,
        Ok(()) => Exit::Success,
        Err(error) => {
            let failure = Failure::output(error);
            Terminal::plain().fail(&failure);
            failure.exit
        }
    }
}

fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    if cli.global.format.is_some_and(FormatArg::is_report)
        && !matches!(cli.command, Command::Verify(_) | Command::Check(_))
    {
        return Err(Failure::usage(
            "only `hookdev verify` and `hookdev check` support this --format; use pretty or json",
        ));
    }
    match cli.command {
        Command::Completions(args) => completions::run(args),
        Command::Listen(args) => in_context(cli.global, |context| listen::run(context, args)),
        Command::Send(args) => in_context(cli.global, |context| send::run(context, &args)),
        Command::Verify(args) => in_context(cli.global, |context| verify::run(&context, &args)),
        Command::Check(args) => in_context(cli.global, |context| check::run(&context, &args)),
        Command::Events(args) => in_context(cli.global, |context| events::run(&context, &args)),
        Command::Providers(args) => providers::run(&cli.global, &args),
        Command::Diff(args) => diff::run(&Context::load(cli.global)?, &args),
        Command::Trust(args) => trust::run(&cli.global, &args),
        Command::Unregister(args) => unregister::run(&Context::load(cli.global)?, &args),
        Command::Help(args) => help::run(&args),
        Command::Demo(args) => demo::run(&cli.global, args),
    }
}

/// Runs a command that uses providers. A broken provider may be why it fails, for example because an event is unknown
/// without it. So the broken providers are named before the failure, unless it is the error of one of them.
fn in_context(global: GlobalArgs, run: impl FnOnce(Context) -> Result<Exit, Failure>) -> Result<Exit, Failure> {
    let context = Context::load(global)?;
    let broken = context.broken();
    run(context).inspect_err(|failure| {
        if failure.message.is_some() && !failure.is_provider_error {
            broken.warn();
        }
    })
}

/// The async runtime of commands that use the network.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Usage, "can't start the async runtime").because(&error))
}
