//! `hookdev verify`, as it is typed.

// The comments here are the help: text for a terminal, not for a page.
#![allow(clippy::doc_markdown, rustdoc::invalid_html_tags)]

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, ValueEnum, ValueHint};

use crate::webhook::time::{Timestamp, parse_duration};

/// `hookdev verify`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  hookdev verify captures/
  hookdev verify captures/ --require signature --format json
  hookdev send aspect.task.failed --print http | hookdev verify - --at now
  hookdev verify body.json --provider cyanite --header 'Signature: 0a1b2c'")]
pub struct VerifyArgs {
    /// Files or directories of captured requests (- is standard input)
    #[arg(value_name = "FILE|DIR|-", required_unless_present = "body", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,

    /// Treat every request as coming from this provider
    #[arg(long, value_name = "PROVIDER", help_heading = "Verification")]
    pub provider: Option<String>,

    /// Also fail if one of these is missing (separated by commas)
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',', action = ArgAction::Append, help_heading = "Verification")]
    pub require: Vec<Require>,

    /// Accept the public development secret even with --require signature
    ///
    /// Anyone can sign with a development secret. Without this flag, --require signature rejects requests signed with
    /// one.
    #[arg(long, help_heading = "Verification")]
    pub allow_development: bool,

    /// Check timestamps as if the request had arrived at this time: RFC 3339, Unix seconds, `received` or `now`
    #[arg(
        long,
        value_name = "TIME|received|now",
        default_value = "received",
        allow_hyphen_values = true,
        help_heading = "Verification"
    )]
    pub at: At,

    /// Allow this much time between signing and receipt [default: the provider's tolerance]
    #[arg(long, value_name = "DUR", value_parser = parse_duration, help_heading = "Verification")]
    pub tolerance: Option<Duration>,

    /// Verify requests as sent to this URL, for providers that sign it [default: from the Host header and the target]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Verification")]
    pub url: Option<String>,

    /// Verify this file as the body of one request, even without --header (- is standard input)
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath, conflicts_with = "files", help_heading = "Input")]
    pub body: Option<PathBuf>,

    /// Read each FILE as a bare body, and add this header to its request (repeatable)
    #[arg(long, value_name = "K: V", help_heading = "Input")]
    pub header: Vec<String>,

    /// Verify files again when they are saved, and everything when the config or a secret changes
    #[arg(long, conflicts_with = "body", help_heading = "Input")]
    pub watch: bool,

    /// List the skipped files with reasons, and what was tried if no cause of a rejection was found
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,
}

/// The time that timestamps are checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The time of receipt recorded in the capture.
    Received,
    /// The current time.
    Now,
    /// A given time.
    Time(Timestamp),
}

impl std::str::FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "received" => Ok(Self::Received),
            "now" => Ok(Self::Now),
            time => time.parse().map(Self::Time).map_err(|error| format!("{error}; `received` and `now` work too")),
        }
    }
}

/// What a request needs for `verify --require`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Require {
    /// A valid signature, even where the provider sends none
    Signature,
    /// A signed timestamp that was checked
    Freshness,
    /// A payload that was checked against a schema
    Schema,
}
