//! `hookdev send`, as it is typed.

// The comments here are the help: text for a terminal, not for a page.
#![allow(clippy::doc_markdown, rustdoc::invalid_html_tags)]

use std::{ffi::OsString, path::PathBuf, time::Duration};

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
  hookdev send cyanite.v2.finished --set resource.id=42
  # Edit it in $EDITOR first
  hookdev send cyanite.v2.finished --edit
  hookdev send aspect.task.failed --data body.json --secret file:aspect-secret
  hookdev send aspect.task.failed --print curl
  # A forgery: exits 0 if your handler refuses it
  hookdev send aspect.task.failed --tamper stale
  # An hour of retries in a minute
  hookdev send aspect.task.failed --retry --speed 60
  hookdev send aspect.task.completed --repeat 10000 --concurrency 32
  hookdev send 'jewelmusic.*' --rate 50 --duration 1m
  hookdev send 'aspect.*' --rate 2000 --duration 10m --print locust > load.py
  hookdev send captures/20250101T120000.000Z-000001-cyanite.v2.finished.json
  # Only those that your handler failed
  hookdev send captures/ --failed
  # Old captures, with the current time
  hookdev send captures/ --resign

A delivery succeeds if the provider would count it as delivered; `hookdev events --contract` has the rules.")]
pub struct SendArgs {
    /// Events, quoted globs of events, or files with captured requests
    #[arg(required_unless_present_any = ["last", "failed"], value_name = "EVENT|GLOB|FILE")]
    pub what: Vec<OsString>,

    /// Deliver to this URL [default: the config's endpoint, else http://127.0.0.1:4400/<provider>]
    ///
    /// If the config sets `addr` under `[listen]`, that address replaces 127.0.0.1:4400.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Delivery")]
    pub to: Option<String>,

    /// Wait this long for a response [default: the provider's limit, else 30s]
    #[arg(long, value_name = "DUR", value_parser = parse_duration, help_heading = "Delivery")]
    pub timeout: Option<Duration>,

    /// Retry failed deliveries on the provider's schedule, with the same id
    #[arg(long, help_heading = "Delivery")]
    pub retry: bool,

    /// Divide the waits of --retry by X
    #[arg(long, value_name = "X", default_value = "1", requires = "retry", value_parser = parse_speed, help_heading = "Delivery")]
    pub speed: f64,

    /// Send an invalid delivery; exit 0 if the handler refuses it with a 4xx other than 404, 405, 410, 413 and 429
    #[arg(long, value_enum, value_name = "KIND", conflicts_with_all = ["retry", "resign"], help_heading = "Delivery")]
    pub tamper: Option<TamperArg>,

    /// Send again whenever a fixture, the data file or a sent capture is saved
    #[arg(long, help_heading = "Delivery")]
    pub watch: bool,

    /// Accept any TLS certificate
    #[arg(long, help_heading = "Delivery")]
    pub insecure: bool,

    /// Set a field of the payload; PATH:=JSON sets any JSON; changed captures are re-signed (repeatable)
    #[arg(long, value_name = "PATH=VALUE", help_heading = "Payload")]
    pub set: Vec<String>,

    /// Add a field that the payload does not have (repeatable)
    #[arg(long, value_name = "PATH=VALUE", help_heading = "Payload")]
    pub add: Vec<String>,

    /// Remove a field (repeatable)
    #[arg(long, value_name = "PATH", help_heading = "Payload")]
    pub remove: Vec<String>,

    /// Edit the payload in $VISUAL or $EDITOR first; changed captures are re-signed
    ///
    /// The editor opens the payload of one event or captured request, after --set, --add and --remove. What you changed
    /// is printed on standard error. If you change nothing, it is sent as it is. Without either variable, the editor is
    /// vi, or notepad on Windows.
    #[arg(long, conflicts_with_all = ["data", "tamper", "watch", "load"], help_heading = "Payload")]
    pub edit: bool,

    /// Sign and send the exact bytes of this file instead (- is standard input)
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath, conflicts_with_all = ["set", "add", "remove"], help_heading = "Payload")]
    pub data: Option<PathBuf>,

    /// Set a header of the request (repeatable)
    #[arg(long, value_name = "K: V", help_heading = "Payload")]
    pub header: Vec<String>,

    /// Use this id for the delivery; with --now, every run sends the same request
    #[arg(long, value_name = "ID", value_parser = parse_id, help_heading = "Payload")]
    pub id: Option<String>,

    /// Sign as if the current time were TIME; `--tamper stale` signs with an earlier one
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Payload")]
    pub now: Option<Timestamp>,

    /// Re-sign captured requests with the current time, keeping their ids
    #[arg(long, help_heading = "Captures")]
    pub resign: bool,

    /// Send the newest delivery in the config's capture path
    #[arg(long, conflicts_with = "watch", help_heading = "Captures")]
    pub last: bool,

    /// Send only captured requests whose recorded response counts as failed
    ///
    /// Without a FILE, those in the config's capture path.
    #[arg(long, help_heading = "Captures")]
    pub failed: bool,

    /// Save every sent request: one JSON file each in a directory, or one line each in a .ndjson file
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath, help_heading = "Captures")]
    pub capture: Option<PathBuf>,

    /// Hide credentials in captures, JSON and --print: URL queries and all headers not known to be harmless
    ///
    /// Hidden values are replaced by `[redacted]`. Harmless headers, signature headers and those that the provider's
    /// manifest names are kept, and so are bodies. What is sent is never redacted. Redacted captures are re-sent
    /// without credentials, unless --header adds them.
    #[arg(long, help_heading = "Captures")]
    pub redact: bool,

    #[command(flatten)]
    pub load: LoadArgs,

    /// Print the signed requests instead of sending them
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Output")]
    #[arg(conflicts_with_all = ["retry", "watch", "capture"])]
    pub print: Option<Print>,
}

/// The options for a load: many deliveries in a short time, with one attempt each.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Load")]
#[group(id = "load", multiple = true, conflicts_with_all = ["retry", "tamper", "watch"])]
pub struct LoadArgs {
    /// Send N requests in total, cycling through the events; then print counts and latencies
    ///
    /// Each request is a delivery of its own, with fresh values and one attempt. With --id, all have the same id, so
    /// the handler sees the same delivery repeatedly. With --print, N requests are printed, or an endless stream if N
    /// is 0.
    #[arg(long, value_name = "N")]
    pub repeat: Option<u64>,

    /// Repeat for this long
    #[arg(long, value_name = "DUR", value_parser = parse_load_duration)]
    pub duration: Option<Duration>,

    /// Keep up to C requests in flight, each on a connection of its own [default: 1; 32 with --rate]
    #[arg(long, value_name = "C", value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: Option<u16>,

    /// Start R requests per second (or 600/m, 5000/h), however long the responses take
    ///
    /// A request that finds no free connection starts late, and its latency counts from when it was due, so stalls show
    /// up in the latencies.
    #[arg(long, value_name = "R")]
    pub rate: Option<Rate>,
}

/// How `send --tamper` makes a delivery invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TamperArg {
    /// Change the body after signing
    Body,
    /// Change the signature
    Signature,
    /// Remove the signature
    Missing,
    /// Sign with a different secret
    Secret,
    /// Sign with a timestamp older than the provider allows
    Stale,
    /// Sign with a timestamp further in the future than the provider allows
    Future,
}

/// The formats of `send --print`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Print {
    /// A command for a POSIX shell
    Curl,
    /// An HTTP/1.1 message
    Http,
    /// One JSON object per line
    Json,
    /// One target per line, for vegeta attack -format json
    Vegeta,
    /// A script for Locust that makes and signs a new delivery for each request
    Locust,
    /// A script for k6 that makes and signs a new delivery for each request
    K6,
}

/// Parses the duration of a load.
fn parse_load_duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(Duration::ZERO) => Err("it must be longer than 0".to_owned()),
        parsed => parsed.map_err(|error| error.to_string()),
    }
}
