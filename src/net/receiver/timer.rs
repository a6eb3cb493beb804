//! Timers for a process that may be stopped and resumed: bytes that arrived meanwhile are read before a timer expires.

use std::{
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};
use hyper_util::rt::TokioTimer;
use tokio::time::{self, error::Elapsed};

/// The last part of each sleep, which starts only after the first part.
const LAST_PART: Duration = Duration::from_millis(100);

/// A timer that leaves time to read what has arrived.
///
/// A process that was stopped, as by Ctrl-Z, notices expired deadlines before it notices the requests that arrived
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

/// Waits for a future until its deadline, or until [`LAST_PART`] after the process is resumed, if the deadline passed
/// while it was stopped.
///
/// # Errors
///
/// If the future isn't ready in time.
pub async fn patient_timeout_at<F: Future>(deadline: time::Instant, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let first = deadline.checked_sub(LAST_PART).unwrap_or(deadline);
    match time::timeout_at(first, future.as_mut()).await {
        Ok(output) => Ok(output),
        Err(_) => time::timeout_at(deadline.max(time::Instant::now() + LAST_PART), future).await,
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
    use std::future::pending;

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

    #[tokio::test(start_paused = true)]
    async fn a_future_that_is_ready_just_after_a_stop_is_in_time_even_if_the_deadline_has_passed() {
        let begun = Moment::now();
        let deadline = begun + Duration::from_secs(30);
        let ready = |after| tokio::time::sleep_until(begun + Duration::from_secs(60) + after);
        let arrives = patient_timeout_at(deadline, ready(Duration::from_millis(99)));
        let never = patient_timeout_at(deadline, ready(Duration::from_millis(101)));
        advance(Duration::from_secs(60)).await;
        let (arrives, never) = tokio::join!(arrives, never);
        assert_eq!((arrives.is_ok(), never.is_err()), (true, true));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_stop_a_deadline_is_exact() {
        let begun = Moment::now();
        let deadline = begun + Duration::from_secs(30);
        assert!(patient_timeout_at(deadline, pending::<()>()).await.is_err());
        assert_eq!(begun.elapsed(), Duration::from_secs(30));
    }
}
