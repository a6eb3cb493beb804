//! `hookdev help`: the help of a command, or a topic.

use std::io::Write;

use super::{
    command_line::{command, read},
    exit::{Exit, Failure},
    streams,
};
use crate::{
    cli::{Help, SECRETS_TOPIC},
    webhook::nearest,
};

/// The topic that isn't a command.
pub const SECRETS: &str = "secrets";

/// Prints help to standard output.
///
/// # Errors
///
/// If the topic is unknown, or the output can't be written.
pub fn run(args: &Help) -> Result<Exit, Failure> {
    let line = match args.topic.as_deref() {
        Some(SECRETS) => {
            let mut out = streams::data();
            out.write_all(SECRETS_TOPIC.as_bytes())?;
            out.flush()?;
            return Ok(Exit::Success);
        }
        None => vec!["hookdev", "--help"],
        Some(topic) => {
            let topics = topics();
            if !topics.iter().any(|known| known == topic) {
                let known = topics.iter().map(String::as_str);
                return Err(Failure::usage(nearest::unknown("help topic", topic, known)));
            }
            vec!["hookdev", topic, "--help"]
        }
    };
    if let Err(help) = read(line.into_iter().map(Into::into)) {
        streams::explain(&help);
    }
    Ok(Exit::Success)
}

/// The commands, and the topic that isn't one.
pub fn topics() -> Vec<String> {
    let commands = command().get_subcommands().map(|command| command.get_name().to_owned()).collect::<Vec<_>>();
    commands.into_iter().chain([SECRETS.to_owned()]).collect()
}
