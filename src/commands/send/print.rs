//! `send --print`: prints the signed requests in the formats of other tools, instead of sending them.

use std::{borrow::Cow, io::Write};

use reqwest::Url;

use crate::{
    cli::{Print, SendArgs},
    commands::{exit::Failure, streams, terminal::Terminal},
    engine::deliver::{Batch, Dispatcher},
    net::{
        client::{Client, for_other_clients, host, write_message},
        url::with_target,
    },
    render::{json, request, text},
    webhook::{redact, request::HeaderField},
};

/// Prints the first attempt of each job, or as many requests as `--repeat` says (endlessly if 0), in rotation.
///
/// The bytes are exact, except that control characters of HTTP messages are escaped on a terminal.
pub(super) fn print(
    batch: &Batch,
    format: Print,
    args: &SendArgs,
    dispatcher: &Dispatcher<Client>,
    terminal: Terminal,
) -> Result<(), Failure> {
    let mut out = streams::data();
    let on_terminal = streams::stdout_is_terminal();
    let count = match args.load.repeat {
        None => batch.jobs.len(),
        Some(0) => usize::MAX,
        Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
    };
    for job in batch.jobs.iter().cycle().take(count) {
        let state = dispatcher.begin(job)?;
        let mut request = state.request(job, &job.attempts(false), dispatcher.now(), batch.secrets_of(job))?;
        let mut url = with_target(&job.url, &request.target);
        if args.redact {
            request = redact::request(&request, job.provider.as_deref());
            url = redact::query(&url).into_owned();
        }
        if !matches!(format, Print::Http) {
            // Other tools take the host from the URL.
            let is_usual = |(name, value): &HeaderField| name.as_str() == "host" && *value == host(&job.url);
            let headers = for_other_clients(&request.headers).filter(|field| !is_usual(field));
            request.headers = headers.cloned().collect();
        }
        let mut bytes = Vec::new();
        match format {
            Print::Curl => {
                let mut text = String::new();
                request::curl(&request, &url, &mut text);
                bytes = text.into_bytes();
            }
            Print::Http => {
                write_message(&without_credentials(&job.url, args.redact), &request, &mut bytes);
                if on_terminal {
                    bytes = escaped(&bytes, terminal);
                }
            }
            Print::Json => json::request(&request, &url, &mut bytes),
            Print::Vegeta => request::vegeta(&request, &url, &mut bytes),
            Print::Locust | Print::K6 => unreachable!("scripts have a module of their own"),
        }
        out.write_all(&bytes).map_err(Failure::output)?;
    }
    out.flush().map_err(Failure::output)
}

/// Prints a script.
pub(super) fn print_script(text: &str) -> Result<(), Failure> {
    streams::write_data(text.as_bytes()).map_err(Failure::output)
}

/// A URL, without its credentials if output is redacted.
fn without_credentials(url: &Url, is_redacted: bool) -> Url {
    let mut url = url.clone();
    if is_redacted {
        // These fail only for URLs that can't have credentials.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
    }
    url
}

/// An HTTP message for a terminal. Prints a note if anything had to be escaped.
fn escaped(message: &[u8], terminal: Terminal) -> Vec<u8> {
    let end = message.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(message.len(), |at| at + 4);
    let (head, body) = message.split_at(end);
    let head = head.split_inclusive(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r\n").unwrap_or(line));
    let lines: Vec<_> = head.map(text::printable_bytes).chain(text::printable_lines(body)).collect();
    if lines.iter().any(|line| matches!(line, Cow::Owned(_))) {
        terminal.note("control characters are escaped on a terminal; redirect the output to get the exact bytes");
    }
    lines.into_iter().flat_map(|line| (line.into_owned() + "\n").into_bytes()).collect()
}
