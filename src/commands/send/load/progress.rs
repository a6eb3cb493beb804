//! The progress of a run on standard error, where a person sits before it and no lines run over
//! the screen.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::schedule::{Plan, Schedule};
use crate::{
    cli::Format,
    commands::{context::Context, streams},
};

/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(100);

/// A bar; nothing where it would be in the way.
pub struct Progress {
    bar: ProgressBar,
    /// The end of a run that only its time ends.
    duration: Option<Duration>,
}

impl Progress {
    /// A bar that is drawn where standard error is a terminal, unless it shall be quiet or the
    /// attempts are printed on a terminal too.
    pub fn new(context: &Context, plan: &Plan) -> Self {
        let lines = context.format() == Format::Json && streams::results_are_seen();
        let seen = streams::talk_is_seen() && !context.global.quiet && !lines;
        let duration = plan.duration.filter(|_| plan.total.is_none());
        let length = duration.map_or(plan.total, |time| u64::try_from(time.as_millis()).ok());
        let bar = ProgressBar::with_draw_target(length, streams::progress(seen, 10));
        let count = if duration.is_some() { "{msg}" } else { "{human_pos} of {human_len} requests" };
        if let Ok(style) = ProgressStyle::with_template(&format!("{{wide_bar}} {count}, {{elapsed}}")) {
            bar.set_style(style);
        }
        Self { bar, duration }
    }

    /// Draws how far a run has come until it is dropped; `done` counts what was made.
    pub async fn follow(&self, schedule: &Schedule, done: impl Fn() -> u64) {
        if self.bar.is_hidden() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(EVERY).await;
            if self.duration.is_some() {
                self.bar.set_message(format!("{} requests", done()));
                self.bar.set_position(u64::try_from(schedule.elapsed().as_millis()).unwrap_or(u64::MAX));
            } else {
                self.bar.set_position(done());
            }
        }
    }

    /// Clears the line.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
