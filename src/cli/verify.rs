//! `hookdev verify`, as it is typed.

// The comments here are the help: words for a terminal, not for a page.
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
  hookdev verify --provider cyanite --body body.json --header 'Signature: 0a1b…'

Reads, told by content: hookdev captures (an object, or NDJSON), raw HTTP/1.x request messages, HAR, \
ngrok's inspection API, webhook.site (JSON, CSV), AWS events (API Gateway, function URL, load balancer), \
Svix relay events, Postman collections, curl traces, .http files; and bare bodies with --header.")]
pub struct Verify {
    /// Files or folders of captured requests (- is standard input)
    #[arg(value_name = "FILE|DIR|-", required_unless_present = "body", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,

    /// Take every request as this provider's
    #[arg(long, value_name = "PROVIDER")]
    pub provider: Option<String>,

    /// Judge freshness at this time: RFC 3339, unix seconds, `received` or `now`
    #[arg(long, value_name = "TIME|received|now", default_value = "received")]
    pub at: At,

    /// Allow this much between signing and receipt, instead of what the provider allows
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    pub tolerance: Option<Duration>,

    /// Verify the bytes of this file as a body, with the headers of --header (- is standard input)
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath, conflicts_with = "files")]
    pub body: Option<PathBuf>,

    /// A header that came with --body (repeatable)
    #[arg(long, value_name = "K: V", requires = "body", conflicts_with = "files")]
    pub header: Vec<String>,

    /// Fail also when this is lacking
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',', action = ArgAction::Append)]
    pub require: Vec<Require>,

    /// Verify again what is saved, and everything when the config or a secret changes
    #[arg(long, conflicts_with = "body")]
    pub watch: bool,
}

/// When freshness is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// When the request was received, as the capture records it.
    Received,
    /// Now.
    Now,
    /// Then.
    Time(Timestamp),
}

impl std::str::FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "received" => Ok(Self::Received),
            "now" => Ok(Self::Now),
            time => time.parse().map(Self::Time).map_err(|error| format!("{error}, `received` or `now`")),
        }
    }
}

/// What `verify --require` demands besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Require {
    /// A signature also where the provider sends none
    Signature,
    /// A signed time that was checked
    Freshness,
    /// A payload that a schema describes
    Schema,
}
