//! `send --print`: the signed requests in the forms of other tools, instead of sending them.

use std::io::Write;

use super::{
    deliver::{Courier, request_of},
    plan::Plan,
};
use crate::{
    cli::Print,
    commands::{failure::Failure, stdout},
    net::sender::end_to_end,
    render::{json, request},
    webhook::request::Request,
};

/// Prints every request of a plan, the first attempt of each; or so many by turns, without end if
/// that is 0.
pub fn print(plan: &Plan, form: Print, repeat: Option<u64>, courier: &Courier) -> Result<(), Failure> {
    let mut out = stdout();
    let count = match repeat {
        None => plan.jobs.len(),
        Some(0) => usize::MAX,
        Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
    };
    for job in plan.jobs.iter().cycle().take(count) {
        let begun = courier.begin(job)?;
        let made = request_of(job, &begun, &job.course(false), courier.now(), plan.secret_of(job))?;
        let host = made.headers.iter().filter(|(name, _)| name == "host");
        let headers = host.chain(end_to_end(&made.headers)).cloned().collect();
        let made = Request { headers, ..made };
        let mut bytes = Vec::new();
        match form {
            Print::Curl => {
                let mut text = String::new();
                request::curl(&made, job.url.as_str(), &mut text);
                bytes = text.into_bytes();
            }
            Print::Http => {
                request::http(&made, job.url.authority(), &mut bytes);
            }
            Print::Json => json::request(&made, job.url.as_str(), &mut bytes),
            Print::Vegeta => request::vegeta(&made, job.url.as_str(), &mut bytes),
        }
        out.write_all(&bytes)?;
    }
    Ok(out.flush()?)
}
