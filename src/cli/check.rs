//! `hookdev check`, as it is typed.

// The comments here are the help: text for a terminal, not for a page.
#![allow(clippy::doc_markdown, rustdoc::invalid_html_tags)]

use std::time::Duration;

use clap::{Args, ValueHint};

use crate::webhook::time::parse_duration;

/// `hookdev check`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  hookdev check --to http://localhost:3000/webhooks/cyanite
  hookdev check --provider aspect --to localhost:3000/hooks --case 'signature-*'
  hookdev check --case '!body-large' --case '!burst'
  hookdev check --list
  hookdev check --format junit > report.xml

Without --provider, the provider is taken from the URL's path, or from the config if only one \
provider has an endpoint there. Without --to, every provider with an endpoint in the config is \
checked, or all providers if none has one. Deliveries are signed with the provider's first secret; \
if it has several, each also signs a delivery of its own, because a handler must accept them all during rotation. \
If a provider sends one signature per key, every delivery carries all of them.

Valid deliveries trigger real work in your handler, so don't check one in production. --list marks \
the valid deliveries and sends nothing.")]
pub struct CheckArgs {
    /// Check the handler at this URL [default: the config's endpoint, else http://127.0.0.1:4400/<provider>]
    ///
    /// If the config sets `addr` under `[listen]`, that address replaces 127.0.0.1:4400.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Handler")]
    pub to: Option<String>,

    /// Check against this provider's contract (repeatable)
    #[arg(long, value_name = "PROVIDER", help_heading = "Handler")]
    pub provider: Vec<String>,

    /// Run only the cases whose names match; `!GLOB` leaves out those that match (repeatable)
    #[arg(long, value_name = "GLOB", help_heading = "Cases")]
    pub case: Vec<String>,

    /// List the cases instead of running them
    #[arg(long, help_heading = "Cases")]
    pub list: bool,

    /// Set a header of every request (repeatable)
    #[arg(long, value_name = "K: V", help_heading = "Delivery")]
    pub header: Vec<String>,

    /// Wait this long for a response [default: the provider's limit, else 30s]
    #[arg(long, value_name = "DUR", value_parser = parse_duration, help_heading = "Delivery")]
    pub timeout: Option<Duration>,

    /// Accept any TLS certificate
    #[arg(long, help_heading = "Delivery")]
    pub insecure: bool,
}
