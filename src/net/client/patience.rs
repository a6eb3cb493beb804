//! How long to wait for an endpoint that accepts no connection, for example during a restart.

use std::{pin::Pin, time::Duration};

use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::queue::Ticket;

/// The pause after a refused connection. Trying costs the endpoint nothing.
const LISTENER_PAUSE: Duration = Duration::from_millis(50);

/// The pause after the first connection that ended. It doubles each time, because a running endpoint may see the
/// requests.
const FIRST_END_PAUSE: Duration = Duration::from_millis(50);

/// How long a request that had to wait has the endpoint to itself. A program that has just started doesn't read many
/// simultaneous requests in the order of their connections.
const TIME_ALONE: Duration = Duration::from_millis(200);

/// The time left to wait for an endpoint.
#[derive(Debug)]
pub(super) struct Patience<'a> {
    wait: Duration,
    /// Set at the first wait.
    until: Option<Instant>,
    end_pause: Duration,
    /// `None` if it doesn't wait.
    ticket: Option<Ticket<'a>>,
}

impl Default for Patience<'_> {
    /// No time at all.
    fn default() -> Self {
        Self { wait: Duration::ZERO, until: None, end_pause: FIRST_END_PAUSE, ticket: None }
    }
}

impl<'a> Patience<'a> {
    /// Waits for up to this long, counted from the first wait.
    pub(super) fn new(wait: Duration, ticket: Ticket<'a>) -> Self {
        Self { wait, ticket: Some(ticket).filter(|_| !wait.is_zero()), ..Self::default() }
    }

    /// Waits while earlier requests wait for the same endpoint, but no longer than the time left.
    pub(super) async fn wait_in_queue(&mut self) {
        if let Some(ticket) = self.ticket.as_mut().filter(|ticket| !ticket.is_due()) {
            let until = *self.until.get_or_insert_with(|| Instant::now() + self.wait);
            // After that, the request is tried all the same.
            let _ = timeout_at(until, ticket.until_due()).await;
        }
    }

    /// Waits after a refused connection, and for earlier requests. Returns false if the time is up.
    pub(super) async fn wait_for_listener(&mut self) -> bool {
        if let Some(ticket) = &mut self.ticket {
            ticket.enter();
        }
        let has_time = self.pause(LISTENER_PAUSE).await;
        if has_time {
            self.wait_in_queue().await;
        }
        has_time
    }

    /// Waits for a response. If this request had to wait, the other waiting requests wait for it for a short time.
    pub(super) async fn while_alone<T>(&mut self, mut response: Pin<&mut impl Future<Output = T>>) -> T {
        if let Some(ticket) = self.ticket.as_mut().filter(|ticket| ticket.is_queued()) {
            ticket.set_connected();
            let responded = timeout(TIME_ALONE, &mut response).await;
            ticket.leave();
            if let Ok(response) = responded {
                return response;
            }
        }
        response.await
    }

    /// Waits after a connection that ended before the request was read. Returns false if the time is up.
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
    use std::{
        future::{pending, ready},
        pin::pin,
    };

    use futures_util::{
        FutureExt,
        future::{join, join_all},
    };
    use tokio::time::sleep;

    use super::{super::queue::Queues, *};

    const WAIT: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn a_refused_connection_is_tried_again_until_the_wait_is_over() {
        let queues = Queues::default();
        let (started, mut patience, mut tries) = (Instant::now(), Patience::new(WAIT, queues.last("a")), 1);
        while patience.wait_for_listener().await {
            tries += 1;
        }
        assert_eq!((tries, started.elapsed()), (41, WAIT));
        assert!(!Patience::default().wait_for_listener().await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_ends_again_and_again_is_tried_less_and_less_often() {
        let queues = Queues::default();
        let (started, mut patience, mut at) = (Instant::now(), Patience::new(WAIT, queues.last("a")), Vec::new());
        while patience.wait_after_end().await {
            at.push(started.elapsed().as_millis());
        }
        assert_eq!(at, [50, 150, 350, 750, 1550, 2000]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_request_waits_longer_for_earlier_ones_than_for_the_endpoint() {
        let queues = Queues::default();
        let (mut first, mut second) = (Patience::new(WAIT, queues.last("a")), Patience::new(WAIT, queues.last("a")));
        assert!(first.wait_for_listener().await);
        let started = Instant::now();
        second.wait_in_queue().await;
        assert_eq!(started.elapsed(), WAIT);
        assert!(!second.wait_for_listener().await);
        let mut third = Patience::new(WAIT, queues.last("a"));
        tokio::join!(third.wait_in_queue(), async { (first.while_alone(pin!(ready(()))).await, drop(second)) });
        assert_eq!(started.elapsed(), WAIT);
    }

    /// Ten deliveries a second: more than a queue whose requests are alone for 200 ms can take.
    #[tokio::test(start_paused = true)]
    async fn requests_that_are_begun_after_a_restart_neither_wait_nor_keep_earlier_ones_waiting() {
        const LATENCY: Duration = Duration::from_millis(300);
        let queues = Queues::default();
        let send = async |mut patience: Patience<'_>| {
            patience.wait_in_queue().await;
            let begun = Instant::now();
            patience.while_alone(pin!(sleep(LATENCY))).await;
            begun
        };
        let mut waited = [(); 3].map(|()| Patience::new(WAIT, queues.last("a")));
        for patience in &mut waited {
            assert!(patience.wait_for_listener().now_or_never().is_none());
        }
        let started = Instant::now();
        let waited = join_all(waited.map(&send));
        let newcomers = join_all((0..20).map(async |number| {
            sleep(Duration::from_millis(1) + Duration::from_millis(100) * number).await;
            let begun = Instant::now();
            send(Patience::new(WAIT, queues.last("a"))).await - begun
        }));
        let (waited, newcomers) = join(waited, newcomers).await;
        assert_eq!(
            waited.into_iter().map(|begun| begun - started).collect::<Vec<_>>(),
            [0, 1, 2].map(|n| TIME_ALONE * n)
        );
        assert_eq!(newcomers, [Duration::ZERO; 20]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_a_response_lets_later_ones_go_on() {
        let queues = Queues::default();
        let [mut first, mut second] = ["a", "a"].map(|origin| Patience::new(WAIT, queues.last(origin)));
        assert!(first.wait_for_listener().await);
        let started = Instant::now();
        let response = pin!(pending());
        tokio::select! {
            () = first.while_alone(response) => {}
            () = second.wait_in_queue() => {}
        }
        assert_eq!(started.elapsed(), TIME_ALONE);
    }
}
