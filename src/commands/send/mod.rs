//! `hookdev send`: signs fixture events, or takes captured requests, and delivers them as the
//! provider would.

mod deliver;
mod plan;
mod print;

use std::io::Write;

use super::{
    context::{Context, development_note},
    failure::{Exit, Failure},
    runtime, stdout,
};
use crate::{
    cli::{Format, Send},
    render::{json, text},
    store::captures::CaptureStore,
    webhook::record::Attempt,
};
pub use deliver::{Courier, deliver};
pub use plan::{Job, fixture_job, headers, moment};

/// Sends, or prints, everything that was named.
///
/// # Errors
///
/// When something named is neither an event nor a file, or does not fit the options.
pub fn run(context: &Context, args: &Send) -> Result<Exit, Failure> {
    let plan = plan::Plan::resolve(context, args)?;
    if let Some(note) = development_note(&plan.keyring, &plan.signing_providers()) {
        context.terminal.note(&note);
    }
    let captures = args.capture.as_deref().map(CaptureStore::open).transpose();
    let captures = captures.map_err(|error| Failure::asked(&error))?;
    let courier =
        Courier::new(args.insecure, args.timeout, args.now, captures).tampering(args.tamper.map(plan::tamper));
    if let Some(form) = args.print {
        print::print(&plan, form, &courier)?;
        return Ok(plan.exit(Exit::Good));
    }
    let mut report = Report::new(context, plan.name_width(), args.to.is_none());
    let exit = runtime()?.block_on(async {
        tokio::select! {
            exit = send_all(&plan, &courier, &mut report) => exit,
            interrupted = tokio::signal::ctrl_c() => match interrupted {
                Ok(()) => Ok(Exit::Interrupted),
                Err(error) => Err(Failure::from(error)),
            },
        }
    })?;
    Ok(plan.exit(exit))
}

/// Delivers one job after the other; once an endpoint can't be reached, the rest is not tried.
async fn send_all(plan: &plan::Plan, courier: &Courier, report: &mut Report<'_>) -> Result<Exit, Failure> {
    let mut exit = Exit::Good;
    for (done, job) in plan.jobs.iter().enumerate() {
        let outcome = deliver(courier, job, plan.secret_of(job), |attempt| report.attempt(attempt)).await?;
        exit = worse(exit, outcome);
        if outcome == Exit::Unreachable {
            report.unreachable(job, plan.jobs.len() - done - 1);
            break;
        }
    }
    Ok(exit)
}

const fn worse(a: Exit, b: Exit) -> Exit {
    if b as u8 > a as u8 { b } else { a }
}

/// Tells of the attempts.
struct Report<'a> {
    context: &'a Context,
    page: crate::render::pretty::Page,
    name_width: usize,
    /// Whether all goes to where `listen` listens, as nothing else was named.
    to_listener: bool,
    text: String,
}

impl<'a> Report<'a> {
    fn new(context: &'a Context, name_width: usize, to_listener: bool) -> Self {
        Self { context, page: context.terminal.page(None), name_width, to_listener, text: String::new() }
    }

    fn attempt(&mut self, attempt: &Attempt) -> Result<(), Failure> {
        if self.context.global.quiet && attempt.good {
            return Ok(());
        }
        let mut out = stdout();
        if self.context.format() == Format::Json {
            let mut line = Vec::new();
            json::attempt(attempt, &mut line);
            out.write_all(&line)?;
        } else {
            self.text.clear();
            self.page.attempt(attempt, self.name_width, &mut self.text);
            out.write_all(self.text.as_bytes())?;
        }
        Ok(out.flush()?)
    }

    fn unreachable(&self, job: &Job, left: usize) {
        let terminal = self.context.terminal;
        if left > 0 {
            terminal.warn(&format!("{left} more not sent, as {} can't be reached", text::printable(job.url.as_str())));
        }
        if self.to_listener {
            terminal.note("start `hookdev listen` in another terminal, or name your own handler with --to URL");
        }
    }
}
