//! Tells of attempts as they are made, and of the waits between them: results on standard output,
//! the countdown on standard error.

use std::{io::Write, time::Duration};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use tokio::time::Instant;

use super::{
    plan::{Job, Plan},
    schedule::{Told, Wait},
};
use crate::{
    cli::Format,
    commands::{context::Context, exit::Failure, streams},
    render::{json, pretty::Page, text},
    webhook::{record::Attempt, redact, time::words},
};

/// What to do when nothing was named to send to, and nothing is there.
pub const NO_LISTENER: &str = "start `hookdev listen` in another terminal, or name your own handler with --to URL";

/// Tells of a run of `send`.
pub struct Teller<'a> {
    context: &'a Context,
    page: Page,
    name_width: usize,
    /// Whether all goes to where `listen` listens, as nothing else was named.
    to_listener: bool,
    text: String,
    countdown: Option<ProgressBar>,
    deliveries: usize,
    accepted: usize,
    failed: usize,
}

impl<'a> Teller<'a> {
    /// A teller of what a plan holds.
    pub fn new(context: &'a Context, plan: &Plan, to_listener: bool) -> Self {
        Self {
            context,
            page: context.terminal.page(None),
            name_width: plan.name_width(),
            to_listener,
            text: String::new(),
            countdown: None,
            deliveries: plan.jobs.len(),
            accepted: 0,
            failed: 0,
        }
    }

    /// Says how far it came, when it was interrupted.
    pub fn interrupted(&mut self) {
        self.goes_on();
        let left = self.deliveries - self.accepted - self.failed;
        let (accepted, failed) = (self.accepted, self.failed);
        self.context.terminal.note(&format!("stopped: {accepted} delivered, {failed} failed, {left} not yet"));
    }
}

impl Told for Teller<'_> {
    fn attempt(&mut self, attempt: &Attempt, last: bool) -> Result<(), Failure> {
        let accepted = attempt.good;
        self.accepted += usize::from(accepted);
        self.failed += usize::from(last && !accepted);
        if self.context.global.quiet && accepted {
            return Ok(());
        }
        let mut out = self.context.terminal.stdout();
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

    fn waits(&mut self, wait: &Wait<'_>) {
        if self.context.global.quiet {
            return;
        }
        if streams::talk_is_seen() {
            self.countdown = Some(countdown(wait));
        } else {
            self.context.terminal.note(&format!("{} in {}{}", what(wait), words(wait.whole), at_provider(wait)));
        }
    }

    fn goes_on(&mut self) {
        if let Some(countdown) = self.countdown.take() {
            countdown.finish_and_clear();
        }
    }

    fn gives_up(&mut self, job: &Job, left: usize) {
        let terminal = self.context.terminal;
        if left > 0 {
            terminal.warn(&format!("{left} more not sent, as {} can't be reached", redact::tokens(job.url.as_str())));
        }
        if self.to_listener {
            terminal.note(NO_LISTENER);
        }
    }
}

/// A line on the terminal that counts a wait down by itself.
fn countdown(wait: &Wait<'_>) -> ProgressBar {
    let due = wait.due;
    let bar = ProgressBar::with_draw_target(None, streams::progress(true, 5));
    let style = ProgressStyle::with_template("{spinner} {msg} in {left}{prefix}").map(|style| {
        style.with_key("left", move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
            let left = due.saturating_duration_since(Instant::now());
            // A clock that can't be drawn is drawn again at the next tick.
            let _ = out.write_str(&words(Duration::from_secs((left + Duration::from_millis(999)).as_secs())));
        })
    });
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_message(what(wait));
    bar.set_prefix(at_provider(wait));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn what(wait: &Wait<'_>) -> String {
    let event = text::printable(wait.event.unwrap_or("the request"));
    let others = match wait.others {
        0 => String::new(),
        others => format!(" ({others} more wait)"),
    };
    format!("{event}: attempt {} of {}{others}", wait.number, wait.of)
}

/// The provider's wait, where it is another than ours.
fn at_provider(wait: &Wait<'_>) -> String {
    if wait.at_provider == wait.whole {
        String::new()
    } else {
        format!("; {} at the provider", words(wait.at_provider))
    }
}
