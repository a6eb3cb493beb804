//! Prints a load: its attempts as JSON lines, a progress bar, and the statistics at the end.

use std::{
    convert::Infallible,
    io::{self, Write},
    thread::{self, JoinHandle},
    time::Duration,
};

use indicatif::ProgressStyle;
use tokio::sync::mpsc;

use super::send::{NO_LISTENER, with_remedy};
use crate::{
    cli::FormatArg,
    commands::{
        context::Context,
        exit::{Exit, Failure},
        remedies, streams,
        terminal::Terminal,
    },
    engine::load::{LoadProgress, LoadReport, Pace, Unreachable},
    render::{json, load, size, text},
    webhook::{load::LoadSummary, record::Attempt},
};

/// The maximum number of attempts that wait to be printed. A slow reader of the output slows the load down.
const QUEUE: usize = 1024;

/// How often the progress bar is drawn.
const DRAW_INTERVAL: Duration = Duration::from_millis(100);

/// A thread that prints attempts as JSON lines.
pub struct AttemptWriter {
    thread: JoinHandle<io::Result<()>>,
}

impl AttemptWriter {
    /// Starts the thread. It ends when every sender is dropped, or when the output can't be written.
    pub fn start(terminal: Terminal) -> (Self, mpsc::Sender<Attempt>) {
        let (sender, attempts) = mpsc::channel(QUEUE);
        (Self { thread: thread::spawn(move || write(terminal, attempts)) }, sender)
    }

    /// Waits until everything is printed.
    ///
    /// # Errors
    ///
    /// If the output can't be written.
    pub fn finish(self) -> io::Result<()> {
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn write(terminal: Terminal, mut attempts: mpsc::Receiver<Attempt>) -> io::Result<()> {
    let mut out = terminal.stdout();
    let mut lines = Vec::new();
    while let Some(first) = attempts.blocking_recv() {
        lines.clear();
        json::attempt(&with_remedy(&first), &mut lines);
        // Attempts that have arrived meanwhile are written with it.
        while let Ok(next) = attempts.try_recv() {
            json::attempt(&with_remedy(&next), &mut lines);
        }
        out.write_all(&lines)?;
        out.flush()?;
    }
    Ok(())
}

/// The progress bar on standard error.
pub struct ProgressBar {
    bar: indicatif::ProgressBar,
    /// The duration of the run, if only time limits it.
    duration: Option<Duration>,
}

impl ProgressBar {
    /// A bar that is visible if standard error is a terminal, except with `--quiet`, or if lines are printed on the
    /// same terminal.
    pub fn new(context: &Context, pace: &Pace) -> Self {
        let prints_lines = context.format() == FormatArg::Json && streams::stdout_is_terminal();
        let is_visible = streams::stderr_is_terminal() && !context.global.quiet && !prints_lines;
        let duration = pace.duration.filter(|_| pace.total.is_none());
        let length = duration.map_or(pace.total, |time| u64::try_from(time.as_millis()).ok());
        let bar = indicatif::ProgressBar::with_draw_target(length, streams::progress(is_visible, 10));
        let count = if duration.is_some() { "{msg}" } else { "{human_pos} of {human_len} requests" };
        if let Ok(style) = ProgressStyle::with_template(&format!("{{wide_bar}} {count}, {{elapsed}}")) {
            bar.set_style(style);
        }
        Self { bar, duration }
    }

    /// Draws the progress until this future is dropped.
    pub async fn follow(&self, progress: &LoadProgress) -> Infallible {
        if self.bar.is_hidden() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(DRAW_INTERVAL).await;
            if self.duration.is_some() {
                self.bar.set_message(format!("{} requests", progress.requests()));
                self.bar.set_position(u64::try_from(progress.elapsed().as_millis()).unwrap_or(u64::MAX));
            } else {
                self.bar.set_position(progress.requests());
            }
        }
    }

    /// Clears the line.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Prints the statistics of a run. `to_listener` says whether the endpoint is the default one, where `listen` listens.
///
/// # Errors
///
/// If the output can't be written.
pub fn report(context: &Context, report: &LoadReport, pace: &Pace, to_listener: bool) -> io::Result<()> {
    let LoadReport { summary, is_cancelled, unreachable } = report;
    let terminal = context.terminal;
    let mut out = terminal.stdout();
    match (context.format(), unreachable) {
        (FormatArg::Json, _) => {
            let mut line = Vec::new();
            load::json(summary, &mut line);
            out.write_all(&line)?;
        }
        (_, Some(unreachable)) => terminal.fail(&failure(summary, unreachable)),
        _ if context.global.quiet && summary.is_good() => {}
        _ => {
            let mut text = String::new();
            load::table(&terminal.page(None), summary, &mut text);
            out.write_all(terminal.readable(&text).as_bytes())?;
        }
    }
    out.flush()?;
    if *is_cancelled {
        let total = pace.total.map(|total| format!(" of {}", size::count(total))).unwrap_or_default();
        let finished = size::count(summary.requests);
        terminal.note(format!("stopped after {finished}{total} requests; those in flight are not counted"));
    }
    if unreachable.is_some() && to_listener {
        terminal.note(NO_LISTENER);
    }
    Ok(())
}

/// The failure of a run whose endpoint could never be reached.
fn failure(summary: &LoadSummary, unreachable: &Unreachable) -> Failure {
    let reason = summary.reasons.first().map_or("can't reach the endpoint", |(reason, _)| reason.as_str());
    let failure = Failure::new(Exit::Unreachable, text::printable(reason));
    match &unreachable.remedy {
        Some(remedy) => failure.hint(remedies::words(remedy)),
        None => failure,
    }
}
