//! `hookdev listen`, as it is typed.

// The comments here are the help: text for a terminal, not for a page.
#![allow(clippy::doc_markdown, rustdoc::invalid_html_tags)]

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, ValueHint};

use crate::webhook::size::parse_size;
use crate::webhook::time::{Timestamp, parse_duration};

/// `hookdev listen`
#[allow(clippy::struct_excessive_bools)] // each is a flag of its own
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  hookdev listen
  hookdev listen --forward http://localhost:3000/webhooks
  hookdev listen --forward 'aspect.*=http://localhost:3000' --only-verified
  # Receive real events
  hookdev listen --tunnel cloudflared --provider stripe
  # Save all deliveries, and print some
  hookdev listen --capture captures --filter 'cyanite.*'
  # Show the deliveries in a browser
  hookdev listen --forward http://localhost:3000/webhooks --inspect
  # Wait for an event in a test
  hookdev listen --expect cyanite.v2.finished --timeout 2m
  hookdev listen --addr 127.0.0.1:0 --expect cyanite.v2.finished -- npm test

hookdev identifies a request's provider by --provider, else by the first path segment that names one \
(/cyanite, /webhooks/cyanite), else by the headers and the body.")]
pub struct ListenArgs {
    /// Address to listen on; port 0 picks a free port [default: 127.0.0.1:4400]
    #[arg(long, value_name = "ADDR", help_heading = "Receiving")]
    pub addr: Option<String>,

    /// Treat every request as coming from this provider
    #[arg(long, value_name = "PROVIDER", help_heading = "Receiving")]
    pub provider: Option<String>,

    /// Accept the public development secret even with --only-verified, or when other machines can reach the receiver
    ///
    /// Anyone can sign with a development secret. Without this flag, such deliveries are rejected with --only-verified,
    /// with --register, through --tunnel, and if --addr is not a loopback address.
    #[arg(long, help_heading = "Receiving")]
    pub allow_development: bool,

    /// Maximum accepted body size
    #[arg(long, value_name = "SIZE", default_value = "10MiB", value_parser = parse_size, help_heading = "Receiving")]
    pub max_body: usize,

    /// Accept requests from web pages, which are otherwise refused: no provider sends from a browser
    #[arg(long, help_heading = "Receiving")]
    pub allow_browsers: bool,

    /// The URL at which providers reach this receiver, for providers that sign the URL
    ///
    /// The path of each request is added, unless URL ends with it. Without this option, the URL is built from the
    /// request's Host header, or from X-Forwarded-Proto and X-Forwarded-Host.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Receiving")]
    pub public_url: Option<String>,

    /// Give this receiver a public URL, by starting cloudflared, ssh, pinggy, ngrok, zrok, bore or a [tunnel.NAME] of
    /// the config
    ///
    /// Requests through the tunnel need the random path in the printed URL. A development secret is not accepted there,
    /// unless you add --allow-development. `ssh` uses localhost.run and needs only an SSH client.
    #[arg(long, value_name = "NAME", help_heading = "Receiving")]
    pub tunnel: Option<String>,

    /// Check timestamps as if the current time were TIME
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Receiving")]
    pub now: Option<Timestamp>,

    /// Forward deliveries to your handler and return its response (repeatable; the first match provides the response)
    #[arg(long, value_name = "[GLOB=]URL", value_hint = ValueHint::Url, help_heading = "Responding")]
    pub forward: Vec<String>,

    /// Forward only deliveries that your own secret verifies
    #[arg(long, help_heading = "Responding")]
    pub only_verified: bool,

    /// Also forward deliveries that the provider sends unsigned, if their payload is exactly as documented (with
    /// --only-verified)
    #[arg(long, requires = "only_verified", help_heading = "Responding")]
    pub allow_unsigned: bool,

    /// How long to keep trying while your handler refuses connections, for example during a restart
    #[arg(long, value_name = "DUR", default_value = "2s", value_parser = parse_duration, help_heading = "Responding")]
    pub forward_wait: Duration,

    /// How long to wait for your handler's response, including time spent at a breakpoint
    #[arg(long, value_name = "DUR", default_value = "5m", value_parser = parse_duration, help_heading = "Responding")]
    pub forward_timeout: Duration,

    /// Respond with these status codes in rotation, regardless of the verdict
    #[arg(
        long,
        value_name = "STATUS,..",
        value_delimiter = ',',
        conflicts_with = "forward",
        value_parser = clap::value_parser!(u16).range(200..=599),
        help_heading = "Responding"
    )]
    pub respond: Vec<u16>,

    /// Delay each response
    #[arg(long, value_name = "DUR", value_parser = parse_duration, help_heading = "Responding")]
    pub delay: Option<Duration>,

    /// Save every delivery: one JSON file each in a directory, or one line each in a .ndjson file
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath, help_heading = "Captures")]
    pub capture: Option<PathBuf>,

    /// Hide credentials in captures, JSON and on the terminal: URL queries and all headers not known to be harmless
    ///
    /// Hidden values are replaced by `[redacted]`. Harmless headers, signature headers and those that the provider's
    /// manifest names are kept. Forwarded requests and bodies are not changed, so a redacted capture still verifies,
    /// unless its provider signs a hidden value or sends its secret as a static token. The terminal never shows tokens
    /// in the query.
    #[arg(long, help_heading = "Captures")]
    pub redact: bool,

    /// Register this receiver with a provider through its API, and unregister it on exit (repeatable)
    ///
    /// The URL is the tunnel's, or that of --public-url, plus the provider's name. The API key comes from the variable
    /// that the provider's manifest names, such as STRIPE_API_KEY. Anything a crash leaves behind is removed at the
    /// next start, or by `hookdev unregister`. RESOURCE says where, for providers that need it: github=OWNER/REPO,
    /// auphonic=production/UUID.
    #[arg(long, value_name = "PROVIDER[=RESOURCE]", help_heading = "Registration")]
    pub register: Vec<String>,

    /// Print the calls that --register would make, without making them
    #[arg(long, help_heading = "Registration")]
    pub dry_run: bool,

    /// Save the signing secret from a handshake or --register; only you can read FILE
    ///
    /// Further secrets go into FILE.2, FILE.3 and so on.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Captures")]
    pub secret_to: Option<PathBuf>,

    /// Exit 0 once this event has arrived N times (repeatable: all must arrive)
    ///
    /// Counts only deliveries that are verified or that the provider sends unsigned.
    #[arg(long, value_name = "EVENT[=N]", help_heading = "Expectations")]
    pub expect: Vec<String>,

    /// Exit 0 once N deliveries have arrived
    ///
    /// Counts only deliveries that are verified or that the provider sends unsigned.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Expectations")]
    pub count: Option<u64>,

    /// Exit this long after the start; exit code 1 if an expectation was not met, the tunnel or a registration was not
    /// ready, or CMD was still running
    #[arg(long, value_name = "DUR", value_parser = parse_duration, help_heading = "Expectations")]
    pub timeout: Option<Duration>,

    /// Print only matching events; the rest are still handled
    #[arg(long, value_name = "GLOB", help_heading = "Output")]
    pub filter: Option<String>,

    /// How much of each payload to print
    #[arg(long, value_enum, value_name = "HOW", default_value_t = BodyDetail::Summary, help_heading = "Output")]
    pub body: BodyDetail,

    /// Serve a page that shows each delivery, why it was rejected and how your handlers responded, and that can resend
    /// it
    ///
    /// ADDR is an address of this machine [default: 127.0.0.1:4401, or a free port if that is taken]. The page needs
    /// the token in the printed URL. To use it from another machine, forward the port: ssh -L 4401:127.0.0.1:4401 HOST.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, help_heading = "Output")]
    #[allow(clippy::option_option)] // absent, without an address, with one
    pub inspect: Option<Option<String>>,

    /// Keep the last N deliveries in memory, to resend them with a key or show them with --inspect
    ///
    /// Large bodies together take at most 32 MiB. Older deliveries are read from the capture, if there is one.
    #[arg(long, value_name = "N", default_value_t = 1000, help_heading = "Output")]
    pub history: usize,

    /// If no cause of a rejection is found, list what was tried
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,

    /// Run this program once the receiver is ready, and exit with its exit code
    ///
    /// It gets the receiver's URL as HOOKDEV_URL, the URL for each provider as HOOKDEV_URL_<PROVIDER>
    /// (HOOKDEV_URL_STRIPE, HOOKDEV_URL_STANDARD_WEBHOOKS), and the public URL of a tunnel as HOOKDEV_TUNNEL. If it
    /// succeeds and an expectation was not met, the exit code is 1. If a signal ended it, the exit code is 128 plus the
    /// signal's number. It shares the terminal; with --json, its standard output goes to standard error.
    #[arg(last = true, value_name = "CMD", value_hint = ValueHint::CommandWithArguments, num_args = 1..)]
    pub program: Vec<OsString>,
}

/// How much of a payload `listen` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BodyDetail {
    /// All of it, up to 1 MiB
    Full,
    /// As much as fits on the screen, or 60 lines if the output is not a terminal
    Summary,
    /// Nothing
    None,
}
