//! What the requests of a series, which are sent one after the other, have in common.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use tokio::{
    task::coop::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

/// What is needed of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    All,
    /// Restoring the order and spelling of headers takes 7% of the instructions of `send --repeat`.
    AllButHeaders,
}

/// Requests that are sent one after the other.
#[derive(Debug)]
pub struct Series {
    pub(super) wanted: Wanted,
    /// Set to the deadline of a request or earlier. It is moved only when it rings, or to an earlier deadline, because
    /// nearly all requests end long before theirs.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Series {
    /// A series without requests yet, and what is needed of the responses.
    #[must_use]
    pub const fn new(wanted: Wanted) -> Self {
        Self { wanted, timer: None }
    }

    /// Waits for a future, but no longer than this.
    pub(super) async fn timeout<F: Future>(&mut self, limit: Duration, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let Some(deadline) = Instant::now().checked_add(limit) else { return Some(future.await) };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            // The timer also counts if the future has used up the budget of its task.
            while pin!(unconstrained(timer.as_mut())).poll(context).is_ready() {
                if Instant::now() >= deadline {
                    return Poll::Ready(None);
                }
                timer.as_mut().reset(deadline);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use tokio::{task::coop::consume_budget, time::sleep};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn each_request_has_its_own_time_limit() {
        let mut series = Series::new(Wanted::All);
        // The timer is set to the end of the first limit, then to an earlier time, then to a later one.
        for (time, limit, expected) in [(1, 9, Some(())), (5, 4, None), (7, 8, Some(())), (8, 7, None), (3, 2, None)] {
            let started = Instant::now();
            assert_eq!(series.timeout(limit * SECOND, sleep(time * SECOND)).await, expected);
            assert_eq!(started.elapsed(), time.min(limit) * SECOND);
        }
        assert_eq!(series.timeout(Duration::MAX, sleep(SECOND)).await, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_future_that_never_waits_is_limited_too() {
        let busy = async {
            loop {
                consume_budget().await;
            }
        };
        assert_eq!(Series::new(Wanted::All).timeout(Duration::ZERO, busy).await, None::<()>);
    }
}
