//! How long to wait for an endpoint that accepts no connection, for example during a restart.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::queue::Ticket;

/// The pause after a refused connection. Trying costs the endpoint nothing.
const LISTENER_PAUSE: Duration = Duration::from_millis(50);

/// The pause after the first connection that ended. It doubles each time, because a running endpoint may see the
/// requests.
const FIRST_END_PAUSE: Duration = Duration::from_millis(50);

/// How long the first request after an outage has the endpoint to itself, unless the response arrives earlier. An
/// endpoint that accepts connections may still end before it responds.
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

    /// Whether later requests wait for this one.
    pub(super) fn is_queued(&self) -> bool {
        self.ticket.as_ref().is_some_and(Ticket::is_queued)
    }

    /// Waits for a response. Later requests that wait go on once this one is written, which keeps their order. The
    /// first after an outage keeps them waiting until its response proves that the endpoint is running, or for a short
    /// time. If it fails, it keeps its place.
    pub(super) async fn while_first<T, E>(
        &mut self,
        response: impl Future<Output = Result<T, E>>,
        is_written: impl Fn() -> bool,
    ) -> Result<T, E> {
        let Some(ticket) = self.ticket.as_mut().filter(|ticket| ticket.is_queued()) else { return response.await };
        let (mut response, is_running) = (pin!(response), ticket.is_running());
        let responded = poll_fn(|context| match response.as_mut().poll(context) {
            Poll::Ready(response) => Poll::Ready(Some(response)),
            Poll::Pending if is_running && is_written() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        let responded = timeout(TIME_ALONE, responded).await.unwrap_or_default();
        if !responded.as_ref().is_some_and(Result::is_err) {
            ticket.set_running();
            ticket.leave();
        }
        match responded {
            Some(response) => response,
            None => response.await,
        }
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
        cell::Cell,
        future::{pending, ready},
    };

    use futures_util::{
        FutureExt,
        future::{join, join_all},
    };
    use tokio::{sync::Notify, time::sleep};

    use super::{super::queue::Queues, *};

    const WAIT: Duration = Duration::from_secs(2);
    const OK: Result<(), ()> = Ok(());

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
        tokio::join!(third.wait_in_queue(), async {
            first.while_first(ready(OK), || true).await.unwrap();
            drop(second);
        });
        assert_eq!(started.elapsed(), WAIT);
    }

    /// Lets requests wait because their connections were refused.
    fn refused<const COUNT: usize>(queues: &Queues) -> [Patience<'_>; COUNT] {
        let mut waiting = [(); COUNT].map(|()| Patience::new(WAIT, queues.last("a")));
        for patience in &mut waiting {
            assert!(patience.wait_for_listener().now_or_never().is_none());
        }
        waiting
    }

    /// The responses take longer than the first request is alone.
    #[tokio::test(start_paused = true)]
    async fn after_an_outage_the_first_request_is_alone_and_no_other_waits_for_a_response() {
        const LATENCY: Duration = Duration::from_secs(1);
        let queues = Queues::default();
        let started = Instant::now();
        let send = async |mut patience: Patience<'_>| {
            patience.wait_in_queue().await;
            let begun = started.elapsed();
            patience.while_first(sleep(LATENCY).map(|()| OK), || true).await.unwrap();
            begun
        };
        let waited = join_all(refused::<20>(&queues).map(&send));
        let newcomers = join_all([100, 200, 300].map(async |millis| {
            sleep(Duration::from_millis(millis)).await;
            send(Patience::new(WAIT, queues.last("a"))).await.as_millis()
        }));
        let (waited, newcomers) = join(waited, newcomers).await;
        assert_eq!((waited[0], &waited[1..]), (Duration::ZERO, &[TIME_ALONE; 19][..]));
        assert_eq!(newcomers, [200, 200, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn once_the_endpoint_is_running_each_request_waits_until_the_one_before_it_is_written() {
        let (queues, is_written, written) = (Queues::default(), Cell::new(false), Notify::new());
        let [mut first, mut second, mut third] = refused(&queues);
        first.while_first(ready(OK), || true).await.unwrap();
        let response = async {
            written.notified().await;
            pending().await
        };
        let mut response = pin!(second.while_first::<(), ()>(response, || is_written.get()));
        assert!(response.as_mut().now_or_never().is_none());
        assert!(third.wait_in_queue().now_or_never().is_none());
        is_written.set(true);
        written.notify_one();
        assert!(response.as_mut().now_or_never().is_none());
        assert!(third.wait_in_queue().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_request_that_fails_keeps_its_place() {
        let queues = Queues::default();
        let [mut first, mut second] = refused(&queues);
        assert_eq!(first.while_first::<(), ()>(ready(Err(())), || true).await, Err(()));
        assert!(second.wait_in_queue().now_or_never().is_none());
        assert!(first.wait_after_end().await);
        first.while_first(ready(OK), || true).await.unwrap();
        assert!(second.wait_in_queue().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_a_response_lets_later_ones_go_on() {
        let queues = Queues::default();
        let [mut first, mut second] = refused(&queues);
        let started = Instant::now();
        tokio::select! {
            _ = first.while_first::<(), ()>(pending(), || false) => {}
            () = second.wait_in_queue() => {}
        }
        assert_eq!(started.elapsed(), TIME_ALONE);
    }
}
