//! The command line as it is typed, for clap. No logic: what the words mean is resolved in
//! [`crate::commands`].

// The comments here are the help: words for a terminal, not for a page.
#![allow(clippy::doc_markdown, rustdoc::invalid_html_tags)]

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::{Shell, engine::ArgValueCompleter};

use crate::{
    commands::completions::{complete_cases, complete_events, complete_providers, complete_what},
    webhook::{
        load::Rate,
        signature::SecretText,
        time::{Timestamp, parse_duration},
    },
};

const ABOUT: &str = "Receive, explain, send and check webhooks on your own machine";

const EXIT_CODES: &str = "\
Exit codes:
  0    all good
  1    it ran, and the answer is no (a rejected signature, a refused delivery, …)
  2    usage or configuration
  3    an input could not be read
  4    the endpoint could not be reached
  130  Ctrl-C (`listen` finishes what it has begun and exits 0, on SIGTERM and SIGHUP too)";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "hookdev", version, about = ABOUT, after_help = EXIT_CODES, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// How results are printed
    #[arg(long, global = true, value_enum, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<Format>,

    /// Short for --format json
    #[arg(long, global = true, conflicts_with = "format", help_heading = "Output")]
    pub json: bool,

    /// Print only what went wrong
    #[arg(short, long, global = true, help_heading = "Output")]
    pub quiet: bool,

    /// When to colour the output
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto, help_heading = "Output")]
    pub color: Color,

    /// Read this config instead of the nearest hookdev.toml
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Configuration")]
    pub config: Option<PathBuf>,

    /// Read no config
    #[arg(long, global = true, conflicts_with = "config", help_heading = "Configuration")]
    pub no_config: bool,

    /// Add a provider folder, or a folder of them (repeatable)
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Configuration")]
    pub providers: Vec<PathBuf>,

    /// Use this signing secret: env:NAME, file:PATH or the secret itself (repeatable; any may match)
    ///
    /// What stands before the first `=` is a provider if it names one: --secret cyanite=env:NAME.
    /// Without any, the environment variable that `hookdev events` names is looked at, then the
    /// config, then a fixed, public development secret is used. A secret given literally can be
    /// seen by other users of this machine in the list of processes.
    #[arg(
        long,
        global = true,
        value_name = "[PROVIDER=]SOURCE",
        hide_env_values = true,
        help_heading = "Configuration"
    )]
    pub secret: Vec<SecretText>,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Pretty,
    /// One JSON object a line
    Json,
    /// JUnit's XML (`verify` and `check`)
    Junit,
    /// GitHub's annotations (`verify` and `check`)
    Github,
    /// SARIF 2.1.0 (`verify` and `check`)
    Sarif,
}

impl Format {
    /// Whether it is a report for a CI service.
    pub const fn is_report(self) -> bool {
        matches!(self, Self::Junit | Self::Github | Self::Sarif)
    }
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` or `CLICOLOR=0` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a local receiver that verifies, explains, captures and forwards
    Listen(Listen),
    /// Send signed events, or captured requests, as the provider would
    Send(Send),
    /// Check captured requests: signature, freshness, payload
    Verify(Verify),
    /// Test a webhook handler with good and deliberately bad deliveries
    Check(Check),
    /// List the events that can be sent
    Events(Events),
    /// Show the whole loop: every built-in event sent, received and verified
    Demo(Demo),
    /// Print the completion script of a shell
    Completions(Completions),
}

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
    #[arg(long, value_name = "PROVIDER", add = ArgValueCompleter::new(complete_providers))]
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
    #[arg(long, value_name = "GLOB", add = ArgValueCompleter::new(complete_events))]
    pub filter: Option<String>,

    /// End with 0 once this event has come N times (repeatable)
    #[arg(long, value_name = "EVENT[=N]", add = ArgValueCompleter::new(complete_events))]
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
    #[arg(required = true, value_name = "EVENT|GLOB|FILE", add = ArgValueCompleter::new(complete_what))]
    pub what: Vec<String>,

    /// Deliver to this URL [default: the config's endpoint, else http://127.0.0.1:4400/<provider>]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub to: Option<String>,

    /// Change a field of the payload; PATH:=JSON sets any JSON; a capture is signed anew (repeatable)
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,

    /// Add a field that the payload does not have (repeatable)
    #[arg(long, value_name = "PATH=VALUE")]
    pub add: Vec<String>,

    /// Remove a field (repeatable)
    #[arg(long, value_name = "PATH")]
    pub remove: Vec<String>,

    /// Sign and send this file's bytes instead, as they are (- is standard input)
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath, conflicts_with_all = ["set", "add", "remove"])]
    pub data: Option<PathBuf>,

    /// Set a header of the request (repeatable)
    #[arg(long, value_name = "K: V")]
    pub header: Vec<String>,

    /// Send a bad delivery; the exit code is 0 when the handler refuses it with a 4xx
    #[arg(long, value_enum, value_name = "KIND", conflicts_with_all = ["retry", "resign"])]
    pub tamper: Option<Tamper>,

    /// Wait this long for an answer [default: what the provider waits, else 30s]
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    pub timeout: Option<Duration>,

    /// Date and sign captured requests anew, under the ids that they have
    #[arg(long)]
    pub resign: bool,

    /// Try again as the provider does when a delivery fails: same id, its waits
    #[arg(long, conflicts_with = "print")]
    pub retry: bool,

    /// Divide the waits of --retry by this
    #[arg(long, value_name = "X", default_value = "1", requires = "retry", value_parser = parse_speed)]
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
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath, conflicts_with = "print")]
    pub capture: Option<PathBuf>,

    /// Hide credentials in captures, JSON and --print: headers such as authorization and cookie, and the URL's query
    ///
    /// `[redacted]` stands where something was; bodies and signatures stay. What is sent is whole. A request that
    /// was kept so lacks its credentials when it is sent again: --header gives them.
    #[arg(long)]
    pub redact: bool,

    /// Accept any TLS certificate
    #[arg(long)]
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
    #[arg(long, value_name = "PROVIDER", add = ArgValueCompleter::new(complete_providers))]
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
    #[arg(long, value_name = "PROVIDER", add = ArgValueCompleter::new(complete_providers))]
    pub provider: Vec<String>,

    /// Try only the cases whose names match (repeatable)
    #[arg(long, value_name = "GLOB", add = ArgValueCompleter::new(complete_cases))]
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

/// `hookdev events`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  hookdev events
  hookdev events 'cyanite.*' --show
  hookdev events --provider cyanite --contract")]
pub struct Events {
    /// Only the events that match
    #[arg(value_name = "GLOB", add = ArgValueCompleter::new(complete_events))]
    pub glob: Option<String>,

    /// Print the payloads too
    #[arg(long)]
    pub show: bool,

    /// Only this provider's
    #[arg(long, value_name = "PROVIDER", conflicts_with = "glob", add = ArgValueCompleter::new(complete_providers))]
    pub provider: Option<String>,

    /// Print what the providers demand of a handler instead
    #[arg(long, conflicts_with = "show")]
    pub contract: bool,
}

/// `hookdev demo`
#[derive(Clone, Copy, Debug, Args)]
pub struct Demo {}

/// `hookdev completions`
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "\
Examples:
  hookdev completions bash > ~/.local/share/bash-completion/completions/hookdev
  hookdev completions zsh > ~/.zfunc/_hookdev
  hookdev completions fish > ~/.config/fish/completions/hookdev.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// Reads a delivery's id, which stands in a header and is signed: other characters are read in as many ways as there
/// are libraries.
fn parse_id(text: &str) -> Result<String, String> {
    let sound = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if sound { Ok(text.to_owned()) } else { Err("an id is made of visible ASCII characters".to_owned()) }
}

/// Reads what waits are divided by.
fn parse_speed(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{text}` is no speed: write how many times as fast, `60`");
    text.trim_end_matches('x').parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0).ok_or_else(wrong)
}

/// Reads a size: `64KiB`, `10MiB`, `1GiB`, or plain bytes.
fn parse_size(text: &str) -> Result<usize, String> {
    let wrong = || format!("`{text}` is no size: write a number and a unit, `64KiB`, `10MiB`");
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale: usize = match unit {
        "" | "B" => 1,
        "KiB" | "K" | "k" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.parse::<usize>().ok().and_then(|number| number.checked_mul(scale)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_argument_has_help() {
        for command in Cli::command().get_subcommands() {
            for arg in command.get_arguments() {
                assert!(arg.get_help().is_some(), "{} {}", command.get_name(), arg.get_id());
            }
        }
    }

    #[test]
    fn an_id_is_visible_ascii() {
        assert_eq!(parse_id("msg_2aYh.3-~"), Ok("msg_2aYh.3-~".to_owned()));
        for wrong in ["", "a b", "a\nb", "\u{e9}"] {
            assert_eq!(parse_id(wrong), Err("an id is made of visible ASCII characters".to_owned()), "{wrong:?}");
        }
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        assert_eq!(parse_size("64KiB"), Ok(65_536));
        assert_eq!(parse_size("10MiB"), Ok(10_485_760));
        assert_eq!(parse_size("7"), Ok(7));
        for wrong in ["", "MiB", "1.5MiB", "1 MiB", "1TB", "99999999999999999999"] {
            assert_eq!(
                parse_size(wrong),
                Err(format!("`{wrong}` is no size: write a number and a unit, `64KiB`, `10MiB`"))
            );
        }
    }
}
