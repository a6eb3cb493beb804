//! How long to wait for an endpoint that accepts no connection, as when it restarts.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The pause after a connection was refused, which costs the endpoint nothing.
const LISTENER_PAUSE: Duration = Duration::from_millis(50);

/// The pause after the first connection that ended. Each further one is twice as long, because an endpoint that runs
/// may see the requests.
const FIRST_END_PAUSE: Duration = Duration::from_millis(50);

/// The time that is left for an endpoint.
#[derive(Debug)]
pub(super) struct Patience {
    wait: Duration,
    /// Set by the first failure.
    until: Option<Instant>,
    end_pause: Duration,
}

impl Default for Patience {
    /// No time at all.
    fn default() -> Self {
        Self::new(Duration::ZERO)
    }
}

impl Patience {
    /// Waits for up to this long after the first failure.
    pub(super) const fn new(wait: Duration) -> Self {
        Self { wait, until: None, end_pause: FIRST_END_PAUSE }
    }

    /// Waits after a connection was refused. Returns false if the time is over.
    pub(super) async fn wait_for_listener(&mut self) -> bool {
        self.pause(LISTENER_PAUSE).await
    }

    /// Waits after a connection ended before the request was read. Returns false if the time is over.
    pub(super) async fn wait_after_end(&mut self) -> bool {
        let pause = self.end_pause;
        self.end_pause *= 2;
        self.pause(pause).await
    }

    async fn pause(&mut self, pause: Duration) -> bool {
        let now = Instant::now();
        let until = *self.until.get_or_insert(now + self.wait);
        if until <= now {
            return false;
        }
        sleep_until(until.min(now + pause)).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn a_refused_connection_is_tried_again_until_the_wait_is_over() {
        let (started, mut patience, mut tries) = (Instant::now(), Patience::new(WAIT), 1);
        while patience.wait_for_listener().await {
            tries += 1;
        }
        assert_eq!((tries, started.elapsed()), (41, WAIT));
        assert!(!Patience::default().wait_for_listener().await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_ends_again_and_again_is_tried_less_and_less_often() {
        let (started, mut patience, mut at) = (Instant::now(), Patience::new(WAIT), Vec::new());
        while patience.wait_after_end().await {
            at.push(started.elapsed().as_millis());
        }
        assert_eq!(at, [50, 150, 350, 750, 1550, 2000]);
    }
}
