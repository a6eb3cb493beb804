//! `hookdev check`, as it is typed.

// The comments here are the help: words for a terminal, not for a page.
#![allow(clippy::doc_markdown, rustdoc::invalid_html_tags)]

use std::time::Duration;

use clap::{Args, ValueHint};

use crate::webhook::time::parse_duration;

/// `hookdev check`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  hookdev check --to http://localhost:3000/webhooks/cyanite
  hookdev check --provider aspect --to http://localhost:3000/hooks --case 'signature-*'
  hookdev check --list
  hookdev check --format junit > report.xml

Without --provider the providers with an endpoint in the config are checked; else the one that a
part of the URL's path names; without --to all of them, where `listen` listens. The first secret
in force signs. Genuine deliveries make a handler do its work: --list says which these are.")]
pub struct Check {
    /// Check the handler at this URL [default: the config's endpoint, else http://127.0.0.1:4400/<provider>]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub to: Option<String>,

    /// Check the handler of this provider (repeatable)
    #[arg(long, value_name = "PROVIDER")]
    pub provider: Vec<String>,

    /// Try only the cases whose names match (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub case: Vec<String>,

    /// Send nothing and list the cases
    #[arg(long)]
    pub list: bool,

    /// Set a header of every request (repeatable)
    #[arg(long, value_name = "K: V")]
    pub header: Vec<String>,

    /// Wait this long for an answer [default: what the provider waits, else 30s]
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    pub timeout: Option<Duration>,

    /// Accept any TLS certificate
    #[arg(long)]
    pub insecure: bool,
}
