//! The progress of a long run: a count on standard error, where a person sits before it and the
//! results themselves do not run over the screen.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::{context::Context, streams};

/// A running count; none where it would be in the way.
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// A count that is drawn where standard error is a terminal and standard output is not, or is
    /// quiet.
    pub fn new(context: &Context) -> Self {
        let seen = streams::talk_is_seen() && (context.global.quiet || !streams::results_are_seen());
        Self(seen.then(count))
    }

    /// Says how many there were.
    pub fn step(&self, seen: usize) {
        if let Some(bar) = &self.0 {
            bar.set_position(seen as u64);
        }
    }

    /// Clears the line.
    pub fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn count() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, streams::progress(true, 10));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} requests in {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
