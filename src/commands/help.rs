//! `hookdev help`: the help of a command, or a topic.

use std::io::Write;

use super::{
    command_line::read,
    exit::{Exit, Failure},
    guesses::{known_providers, provider_alone},
    streams,
};
use crate::{
    cli::{HelpArgs, SECRETS_HELP, SECRETS_TOPIC, help_topics, subcommands},
    render::palette::Palette,
    webhook::nearest,
};

/// Prints help to standard output.
///
/// # Errors
///
/// If the topic is unknown, or the output can't be written.
pub fn run(args: &HelpArgs) -> Result<Exit, Failure> {
    let line = match args.topic.as_deref() {
        Some(SECRETS_TOPIC) if args.subcommand.is_none() => {
            let mut out = streams::results(Palette::new(false));
            out.write_all(SECRETS_HELP.as_bytes()).and_then(|()| out.flush()).map_err(Failure::output)?;
            return Ok(Exit::Success);
        }
        None => vec!["hookdev", "--help"],
        Some(topic) => {
            let topics = help_topics();
            if !topics.iter().any(|known| known == topic) {
                let known = topics.iter().map(String::as_str);
                return Err(provider_alone(topic, &known_providers(&[])).unwrap_or_else(|| {
                    let failure = Failure::usage(nearest::unknown("help topic", topic, known));
                    failure.hint("`hookdev help` lists the commands; `hookdev help secrets` is about secrets")
                }));
            }
            ["hookdev", topic]
                .into_iter()
                .chain(subcommand(topic, args.subcommand.as_deref())?)
                .chain(["--help"])
                .collect()
        }
    };
    if let Err(help) = read(line.into_iter().map(Into::into)) {
        streams::explain(&help).map_err(Failure::output)?;
    }
    Ok(Exit::Success)
}

/// The subcommand that a user asks about, if there is one.
fn subcommand<'a>(command: &str, name: Option<&'a str>) -> Result<Option<&'a str>, Failure> {
    let Some(name) = name else { return Ok(None) };
    let known = subcommands(command);
    if known.iter().any(|known| known == name) {
        return Ok(Some(name));
    }
    let message = if known.is_empty() {
        format!("`{command}` has no subcommands")
    } else {
        nearest::unknown(&format!("subcommand of {command}"), name, known.iter().map(String::as_str))
    };
    Err(Failure::usage(message).hint(format!("`hookdev help {command}` explains it")))
}
