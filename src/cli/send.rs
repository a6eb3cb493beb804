//! `hookdev send`, as it is typed.

// The comments here are the help: words for a terminal, not for a page.
#![allow(clippy::doc_markdown, rustdoc::invalid_html_tags)]

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, ValueHint};

use super::values::{parse_id, parse_speed};
use crate::webhook::{
    load::Rate,
    time::{Timestamp, parse_duration},
};

/// `hookdev send`
#[allow(clippy::struct_excessive_bools)] // each is a flag of its own
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  hookdev send cyanite.v2.finished
  hookdev send 'jewelmusic.*' --to http://localhost:3000/webhooks
  hookdev send cyanite.v2.finished --set event.type=InDepthAnalysis --set resource.id=42
  hookdev send aspect.task.completed --data my-body.json --secret env:ASPECT_SECRET
  hookdev send aspect.task.failed --print curl
  hookdev send aspect.task.failed --tamper stale   # exit 0 when it is refused
  hookdev send aspect.task.failed --retry --speed 60   # the provider's schedule, an hour in a minute
  hookdev send aspect.task.completed --repeat 10000 --concurrency 32
  hookdev send 'jewelmusic.*' --rate 50 --duration 1m
  hookdev send captures/20250101T120000.000Z-000001-cyanite.v2.finished.json
  hookdev send captures/ --resign   # aged captures of a provider that signs the time

Success is what the provider counts as success; `hookdev events` says what that is.")]
pub struct Send {
    /// Events, quoted globs of them, or files with captured requests
    #[arg(required = true, value_name = "EVENT|GLOB|FILE")]
    pub what: Vec<String>,

    /// Deliver to this URL [default: the config's endpoint, else http://127.0.0.1:4400/<provider>]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Delivery")]
    pub to: Option<String>,

    /// Change a field of the payload; PATH:=JSON sets any JSON; a capture is signed anew (repeatable)
    #[arg(long, value_name = "PATH=VALUE", help_heading = "Payload")]
    pub set: Vec<String>,

    /// Add a field that the payload does not have (repeatable)
    #[arg(long, value_name = "PATH=VALUE", help_heading = "Payload")]
    pub add: Vec<String>,

    /// Remove a field (repeatable)
    #[arg(long, value_name = "PATH", help_heading = "Payload")]
    pub remove: Vec<String>,

    /// Sign and send this file's bytes instead, as they are (- is standard input)
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath, conflicts_with_all = ["set", "add", "remove"], help_heading = "Payload")]
    pub data: Option<PathBuf>,

    /// Set a header of the request (repeatable)
    #[arg(long, value_name = "K: V", help_heading = "Payload")]
    pub header: Vec<String>,

    /// Send a bad delivery; the exit code is 0 when the handler refuses it with a 4xx
    #[arg(long, value_enum, value_name = "KIND", conflicts_with_all = ["retry", "resign"], help_heading = "Delivery")]
    pub tamper: Option<Tamper>,

    /// Wait this long for an answer [default: what the provider waits, else 30s]
    #[arg(long, value_name = "DUR", value_parser = parse_duration, help_heading = "Delivery")]
    pub timeout: Option<Duration>,

    /// Date and sign captured requests anew, under the ids that they have
    #[arg(long, help_heading = "Captures")]
    pub resign: bool,

    /// Try again as the provider does when a delivery fails: same id, its waits
    #[arg(long, conflicts_with = "print", help_heading = "Delivery")]
    pub retry: bool,

    /// Divide the waits of --retry by this
    #[arg(long, value_name = "X", default_value = "1", requires = "retry", value_parser = parse_speed, help_heading = "Delivery")]
    pub speed: f64,

    /// Send again whenever a fixture, the data file or a capture that is sent is saved
    #[arg(long, conflicts_with_all = ["print", "repeat", "duration", "concurrency", "rate"])]
    pub watch: bool,

    /// Send N requests in all, what is named by turns, each with new values and signature; then count and time them
    ///
    /// Each is one attempt. With --id all carry that id, so that the handler sees the same delivery again and again.
    /// With --print, N requests are printed, and 0 prints without end.
    #[arg(long, value_name = "N", help_heading = "Load", conflicts_with_all = ["retry", "tamper", "watch"])]
    pub repeat: Option<u64>,

    /// Repeat until this time is over
    #[arg(long, value_name = "DUR", value_parser = parse_duration, help_heading = "Load", conflicts_with_all = ["print", "retry", "tamper", "watch"])]
    pub duration: Option<Duration>,

    /// Keep at most this many requests under way, each on a connection of its own [default: 1; 32 with --rate]
    #[arg(long, value_name = "C", help_heading = "Load", conflicts_with_all = ["print", "retry", "tamper", "watch"], value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: Option<u16>,

    /// Start this many a second (or 600/m, 5000/h), however long the answers take
    ///
    /// A request that finds no connection free starts later, and its time is counted from when it was to start, so
    /// that a handler that stalls is not flattered.
    #[arg(long, value_name = "R", help_heading = "Load", conflicts_with_all = ["print", "retry", "tamper", "watch"])]
    pub rate: Option<Rate>,

    /// Send nothing and print the signed request
    #[arg(long, value_enum, value_name = "AS")]
    pub print: Option<Print>,

    /// Keep what was sent as captures: a folder, or a FILE.ndjson
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath, conflicts_with = "print", help_heading = "Captures")]
    pub capture: Option<PathBuf>,

    /// Hide credentials in captures, JSON and --print: headers such as authorization and cookie, and the URL's query
    ///
    /// `[redacted]` stands where something was; bodies and signatures stay. What is sent is whole. A request that
    /// was kept so lacks its credentials when it is sent again: --header gives them.
    #[arg(long, help_heading = "Captures")]
    pub redact: bool,

    /// Accept any TLS certificate
    #[arg(long, help_heading = "Delivery")]
    pub insecure: bool,

    /// Sign and date as if it were this time
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,

    /// Use this id for the delivery; with --now the request is the same in every run
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    pub id: Option<String>,
}

/// How `send --tamper` spoils a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tamper {
    /// Change the body after it was signed
    Body,
    /// Change the signature
    Signature,
    /// Leave the signature out
    Missing,
    /// Sign with another secret
    Secret,
    /// Sign as of longer ago than the provider allows
    Stale,
    /// Sign as of further ahead than the provider allows
    Future,
}

/// What `send --print` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Print {
    /// A command for a POSIX shell
    Curl,
    /// The HTTP/1.1 message
    Http,
    /// One JSON object a line
    Json,
    /// A target a line for vegeta attack -format json
    Vegeta,
}
