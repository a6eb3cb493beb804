//! The time limit of a command, from its start.

use std::{future::pending, time::Duration};

use tokio::time::{Instant, sleep_until};

/// A time limit, counted from when it was started; there may be none.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit {
    /// How long it is.
    pub time: Option<Duration>,
    end: Option<Instant>,
}

impl TimeLimit {
    /// Starts a time limit. One that is longer than the clock can count never ends.
    pub fn start(time: Option<Duration>) -> Self {
        Self { time, end: time.and_then(|time| Instant::now().checked_add(time)) }
    }

    /// Waits until its end, or forever if it has none.
    pub async fn end(self) {
        match self.end {
            Some(end) => sleep_until(end).await,
            None => pending().await,
        }
    }
}
