//! `send --print`: the signed requests in the forms of other tools, instead of sending them.

use std::{borrow::Cow, io::Write};

use reqwest::Url;

use super::{
    deliver::{Courier, request_of},
    plan::Plan,
};
use crate::{
    cli::{Print, Send},
    commands::{exit::Failure, streams, terminal::Terminal},
    net::sender::end_to_end,
    render::{json, request, text},
    webhook::{redact, request::Request},
};

/// Prints every request of a plan, the first attempt of each; or so many by turns, without end if
/// that is 0.
///
/// The bytes are exact, but where a person would see an HTTP message with what a terminal obeys.
pub fn print(plan: &Plan, form: Print, args: &Send, courier: &Courier, terminal: Terminal) -> Result<(), Failure> {
    let mut out = streams::data();
    let is_seen = streams::results_are_seen();
    let count = match args.repeat {
        None => plan.jobs.len(),
        Some(0) => usize::MAX,
        Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
    };
    for job in plan.jobs.iter().cycle().take(count) {
        let begun = courier.begin(job)?;
        let made = request_of(job, &begun, &job.course(false), courier.now(), plan.secret_of(job))?;
        let host = made.headers.iter().filter(|(name, _)| name == "host");
        let headers = host.chain(end_to_end(&made.headers)).cloned().collect();
        let mut made = Request { headers, ..made };
        let mut url = job.url.to_string();
        if args.redact {
            made = redact::request(&made);
            url = redact::query(&url).into_owned();
        }
        let mut bytes = Vec::new();
        match form {
            Print::Curl => {
                let mut text = String::new();
                request::curl(&made, &url, &mut text);
                bytes = text.into_bytes();
            }
            Print::Http => {
                request::http(&made, authority(&job.url), &mut bytes);
                if is_seen {
                    bytes = as_seen(&bytes, terminal);
                }
            }
            Print::Json => json::request(&made, &url, &mut bytes),
            Print::Vegeta => request::vegeta(&made, &url, &mut bytes),
        }
        out.write_all(&bytes)?;
    }
    Ok(out.flush()?)
}

/// The host and port that a URL names, as they stand in a request's `host`.
fn authority(url: &Url) -> &str {
    url.authority().rsplit_once('@').map_or(url.authority(), |(_, host)| host)
}

/// A message for a terminal: what it would obey is shown as an escape, which is then said.
fn as_seen(message: &[u8], terminal: Terminal) -> Vec<u8> {
    let end = message.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(message.len(), |at| at + 4);
    let (head, body) = message.split_at(end);
    let head = head.split_inclusive(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r\n").unwrap_or(line));
    let lines: Vec<_> = head.map(text::printable_bytes).chain(text::printable_lines(body)).collect();
    if lines.iter().any(|line| matches!(line, Cow::Owned(_))) {
        terminal.note("what a terminal would obey is shown as escapes; into a file or pipe the bytes go as they are");
    }
    lines.into_iter().flat_map(|line| (line.into_owned() + "\n").into_bytes()).collect()
}
