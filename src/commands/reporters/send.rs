//! Prints the attempts of `send` to standard output as they are made, and counts down the waits between them on
//! standard error.

use std::{
    collections::HashMap,
    io::{self, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use tokio::time::Instant;

use crate::{
    cli::FormatArg,
    commands::{context::Context, remedies, resolve::goes_to_listener, streams},
    engine::deliver::{Batch, DeliveryObserver, Job, Wait},
    render::{json, pretty::Page, text},
    webhook::{
        keyring::SecretSource,
        record::{Attempt, Outcome},
        redact,
        remedy::Remedy,
        time::words,
    },
};

/// The hint if nothing listens at the default endpoint.
pub const NO_LISTENER: &str = "start `hookdev listen` in another terminal, or pass your handler's URL with --to";

/// Prints the attempts of one run.
pub struct SendReporter<'a> {
    context: &'a Context,
    page: Page,
    /// The events signed only with a public development secret, each with its provider's name.
    development_signed: HashMap<&'a str, &'a str>,
    /// The width of the longest event name, in columns.
    name_width: usize,
    /// Whether the command line names the endpoint.
    is_endpoint_given: bool,
    text: String,
    countdown: Option<ProgressBar>,
    deliveries: usize,
    accepted: usize,
    failed: usize,
}

impl<'a> SendReporter<'a> {
    /// A reporter of the deliveries of a batch.
    pub fn new(context: &'a Context, batch: &'a Batch, is_endpoint_given: bool) -> Self {
        let development_signed = batch.jobs.iter().filter_map(|job| {
            let name = job.provider.as_ref()?.name.as_str();
            let is_development = batch.keyring.has_only_development(name) && job.is_signed_by_hookdev();
            is_development.then_some((job.event.as_deref()?, name))
        });
        let names = batch.jobs.iter().filter_map(|job| job.event.as_deref());
        Self {
            context,
            page: context.terminal.page(None),
            development_signed: development_signed.collect(),
            name_width: names.map(text::width).max().unwrap_or_default(),
            is_endpoint_given,
            text: String::new(),
            countdown: None,
            deliveries: batch.jobs.len(),
            accepted: 0,
            failed: 0,
        }
    }

    /// Asks about the secret, once for each provider, if a handler responds as it would to a wrong signature, and only
    /// the public development secret has signed the event.
    fn ask_about_secret(&mut self, attempt: &Attempt) {
        let refused = attempt.response.as_ref().filter(|_| !attempt.good && attempt.outcome == Outcome::Refused);
        if !refused.is_some_and(|response| matches!(response.status, 400 | 401 | 403)) {
            return;
        }
        let provider = attempt.event.as_deref().and_then(|event| self.development_signed.get(event).copied());
        if let Some(provider) = provider {
            self.development_signed.retain(|_, other| *other != provider);
            self.context.terminal.note(remedies::words(&Remedy::CompareHandlerSecret {
                provider: provider.to_owned(),
                source: SecretSource::Development,
                further: String::new(),
            }));
        }
    }

    /// Reports how far the run got.
    pub fn interrupted(&mut self) {
        self.resumed();
        let (accepted, failed) = (self.accepted, self.failed);
        let left = self.deliveries - accepted - failed;
        self.context.terminal.note(format!("stopped: {accepted} delivered, {failed} failed, {left} not finished"));
    }
}

impl DeliveryObserver for SendReporter<'_> {
    fn attempt(&mut self, attempt: &Attempt, last: bool) -> io::Result<()> {
        self.accepted += usize::from(attempt.good);
        self.failed += usize::from(last && !attempt.good);
        if self.context.global.quiet && attempt.good {
            return Ok(());
        }
        let attempt = with_remedy(attempt);
        let mut out = self.context.terminal.stdout();
        if self.context.format() == FormatArg::Json {
            let mut line = Vec::new();
            json::attempt(&attempt, &mut line);
            out.write_all(&line)?;
        } else {
            self.text.clear();
            self.page.width = self.context.terminal.width();
            self.page.attempt(&attempt, self.name_width, &mut self.text);
            out.write_all(self.context.terminal.readable(&self.text).as_bytes())?;
        }
        out.flush()?;
        drop(out);
        self.ask_about_secret(&attempt);
        Ok(())
    }

    fn waiting(&mut self, wait: &Wait<'_>) {
        if self.context.global.quiet {
            return;
        }
        if streams::stderr_is_terminal() {
            self.countdown = Some(countdown(wait));
        } else {
            let note = format!("{} in {}{}", description(wait), words(wait.length), at_provider(wait));
            self.context.terminal.note(&note);
        }
    }

    fn resumed(&mut self) {
        if let Some(countdown) = self.countdown.take() {
            countdown.finish_and_clear();
        }
    }

    fn gave_up(&mut self, job: &Job, skipped: usize) {
        let terminal = self.context.terminal;
        if skipped > 0 {
            terminal.warn(format!("skipped {skipped} more: can't reach {}", redact::query(job.url.as_str())));
        }
        if !self.is_endpoint_given && goes_to_listener(self.context, job.provider.as_deref()) {
            terminal.note(NO_LISTENER);
        } else {
            terminal.note("check that the handler is running, and that this is its URL");
        }
    }
}

/// The attempt with its remedy appended to the reason, in the command line's words.
pub fn with_remedy(attempt: &Attempt) -> Attempt {
    let mut attempt = attempt.clone();
    if let Some(remedy) = attempt.remedy.take() {
        attempt.reason = format!("{} ({})", attempt.reason, remedies::words(&remedy));
    }
    attempt
}

/// A line on the terminal that counts down a wait.
fn countdown(wait: &Wait<'_>) -> ProgressBar {
    let due = wait.due;
    let bar = ProgressBar::with_draw_target(None, streams::progress(true, 5));
    let style = ProgressStyle::with_template("{spinner} {msg} in {left}{prefix}").map(|style| {
        style.with_key("left", move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
            let left = due.saturating_duration_since(Instant::now());
            // If drawing fails, the next tick draws again.
            let _ = out.write_str(&words(Duration::from_secs((left + Duration::from_millis(999)).as_secs())));
        })
    });
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_message(description(wait));
    bar.set_prefix(at_provider(wait));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn description(wait: &Wait<'_>) -> String {
    let event = text::printable(wait.event.unwrap_or("the request"));
    let others = match wait.others {
        0 => String::new(),
        others => format!(" ({others} more waiting)"),
    };
    format!("{event}: attempt {} of {}{others}", wait.number, wait.of)
}

/// The provider's own wait, if it is different.
fn at_provider(wait: &Wait<'_>) -> String {
    if wait.at_provider == wait.length {
        String::new()
    } else {
        format!("; {} at the provider", words(wait.at_provider))
    }
}
