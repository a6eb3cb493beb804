//! `hookdev listen`, as it is typed.

// The comments here are the help: words for a terminal, not for a page.
#![allow(clippy::doc_markdown, rustdoc::invalid_html_tags)]

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, ValueHint};

use super::values::parse_size;
use crate::webhook::time::{Timestamp, parse_duration};

/// `hookdev listen`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  hookdev listen
  hookdev listen --forward http://localhost:3000/webhooks
  hookdev listen --forward 'aspect.*=http://localhost:3000/aspect' --only-verified
  hookdev listen --capture captures --filter 'cyanite.*'
  hookdev listen --expect cyanite.v2.finished --timeout 2m   # a step of a test

The provider of a request is --provider, else what the first part of its path names
(/cyanite), else what its headers and body look like.")]
pub struct Listen {
    /// Listen here; port 0 picks a free one [default: 127.0.0.1:4400]
    #[arg(long, value_name = "ADDR")]
    pub addr: Option<String>,

    /// Take every request as this provider's
    #[arg(long, value_name = "PROVIDER")]
    pub provider: Option<String>,

    /// Pass deliveries on to your handler and return its answer (repeatable; the first match answers)
    #[arg(long, value_name = "[GLOB=]URL", value_hint = ValueHint::Url)]
    pub forward: Vec<String>,

    /// Forward only what is verified, or unsigned by design
    #[arg(long)]
    pub only_verified: bool,

    /// How long a forwarded delivery may take, a breakpoint in your handler included
    #[arg(long, value_name = "DUR", default_value = "5m", value_parser = parse_duration)]
    pub forward_timeout: Duration,

    /// Answer with these status codes by turn, whatever the verdict
    #[arg(long, value_name = "STATUS,..", value_delimiter = ',', conflicts_with = "forward", value_parser = clap::value_parser!(u16).range(200..=599))]
    pub respond: Vec<u16>,

    /// Wait before each answer
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    pub delay: Option<Duration>,

    /// Keep every delivery: one file each in a folder, or lines of a FILE.ndjson
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub capture: Option<PathBuf>,

    /// Hide credentials in captures and JSON: headers such as authorization and cookie, and the URL's query
    ///
    /// `[redacted]` stands where something was. What is forwarded stays whole, and so do bodies and signatures, so
    /// that a redacted capture still verifies, unless its provider signs what is hidden or sends its secret as a
    /// static token. For people, tokens in the query are hidden in any case.
    #[arg(long)]
    pub redact: bool,

    /// Show only the events that match; the others are answered all the same
    #[arg(long, value_name = "GLOB")]
    pub filter: Option<String>,

    /// End with 0 once this event has come N times (repeatable)
    #[arg(long, value_name = "EVENT[=N]")]
    pub expect: Vec<String>,

    /// End with 0 once N deliveries have come
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// End after this time, with 1 when an expectation is not met
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    pub timeout: Option<Duration>,

    /// How much of a payload is shown
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Body::Summary)]
    pub body: Body,

    /// The largest body that is taken
    #[arg(long, value_name = "SIZE", default_value = "10MiB", value_parser = parse_size)]
    pub max_body: usize,

    /// Judge freshness as if it were this time
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
}

/// How much of a payload `listen` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Body {
    /// All of it, up to a megabyte
    Full,
    /// As much as fits well on a screen
    Summary,
    /// Nothing
    None,
}
