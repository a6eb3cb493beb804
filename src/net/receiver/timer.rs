//! The timer of hyper, for a process that is stopped and goes on.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};
use hyper_util::rt::TokioTimer;

/// The last part of each sleep, which starts only when the first part has ended.
const LAST_PART: Duration = Duration::from_millis(100);

/// A timer that leaves the time to read what has arrived.
///
/// A process that was stopped, as by Ctrl-Z, sees that its deadlines have passed before it sees the requests that arrived
/// meanwhile. Without the last part, it would close their connections.
#[derive(Clone, Debug)]
pub struct PatientTimer(TokioTimer);

impl PatientTimer {
    pub fn new() -> Self {
        Self(TokioTimer::new())
    }
}

impl Timer for PatientTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let first = deadline.checked_sub(LAST_PART).unwrap_or(deadline);
        Box::pin(PatientSleep { timer: self.clone(), part: self.0.sleep_until(first), is_last: false })
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}

struct PatientSleep {
    timer: PatientTimer,
    part: Pin<Box<dyn Sleep>>,
    is_last: bool,
}

impl Sleep for PatientSleep {}

impl Future for PatientSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        ready!(self.part.as_mut().poll(context));
        if !self.is_last {
            self.is_last = true;
            self.part = self.timer.0.sleep(LAST_PART);
            ready!(self.part.as_mut().poll(context));
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant as Moment, advance};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_sleep_ends_at_its_deadline() {
        let (timer, begun) = (PatientTimer::new(), Moment::now());
        timer.sleep(Duration::from_secs(30)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_whose_deadline_passed_while_the_process_was_stopped_ends_a_moment_later() {
        let (timer, begun) = (PatientTimer::new(), Moment::now());
        let sleep = timer.sleep(Duration::from_secs(30));
        advance(Duration::from_secs(60)).await;
        sleep.await;
        assert_eq!(begun.elapsed(), Duration::from_millis(60_100));
    }
}
