//! The order of requests to an endpoint that accepts no connection: once it does, it gets them in the order in which they
//! were begun. Requests that are begun later don't wait for them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The requests that wait, by the scheme, host and port of their URLs.
#[derive(Debug, Default)]
pub(super) struct Turns {
    next: AtomicU64,
    queues: Mutex<HashMap<String, Queue>>,
    changed: Notify,
}

/// The requests that wait for one endpoint.
#[derive(Debug, Default)]
struct Queue {
    numbers: BTreeSet<u64>,
    /// The first number of a request that was begun after the endpoint accepted a connection again. From this one on, no
    /// request waits for earlier ones: it would hold up those behind it in turn, so that under load the queue never ended.
    unqueued_from: Option<u64>,
}

/// The place of one request. Dropping it lets others go on.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    origin: &'a str,
    number: u64,
    is_waiting: bool,
}

impl Turns {
    /// The place behind all requests that were begun before.
    pub(super) fn last<'a>(&'a self, origin: &'a str) -> Turn<'a> {
        Turn { turns: self, origin, number: self.next.fetch_add(1, Ordering::Relaxed), is_waiting: false }
    }
}

impl Turn<'_> {
    /// Whether it need not wait for an earlier request to the same endpoint.
    pub(super) fn has_come(&self) -> bool {
        self.turns.queues.lock().get(self.origin).is_none_or(|queue| {
            queue.unqueued_from.is_some_and(|first| first <= self.number)
                || queue.numbers.first().is_none_or(|first| *first >= self.number)
        })
    }

    /// Waits until no earlier request to the same endpoint does, and lets later ones wait for this one. Cancel safe.
    pub(super) async fn come(&mut self) {
        self.with_queue(|_| ());
        loop {
            let changed = self.turns.changed.notified();
            if self.has_come() {
                return;
            }
            changed.await;
        }
    }

    /// Lets later requests to the same endpoint wait for this one, whose connection was refused.
    pub(super) fn wait(&mut self) {
        self.with_queue(|queue| queue.unqueued_from = None);
    }

    /// Lets requests to the same endpoint that have yet to begin go on without waiting: it accepted a connection.
    pub(super) fn set_connected(&mut self) {
        let next = self.turns.next.load(Ordering::Relaxed);
        self.with_queue(|queue| queue.unqueued_from = queue.unqueued_from.or(Some(next)));
    }

    fn with_queue(&mut self, change: impl FnOnce(&mut Queue)) {
        self.is_waiting = true;
        let mut queues = self.turns.queues.lock();
        let queue = queues.entry(self.origin.to_owned()).or_default();
        queue.numbers.insert(self.number);
        change(queue);
    }

    /// Whether later requests to the same endpoint wait for this one.
    pub(super) const fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Lets later requests go on.
    pub(super) fn end(&mut self) {
        if !std::mem::take(&mut self.is_waiting) {
            return;
        }
        let mut queues = self.turns.queues.lock();
        if let Some(queue) = queues.get_mut(self.origin) {
            queue.numbers.remove(&self.number);
            if queue.numbers.is_empty() {
                queues.remove(self.origin);
            }
        }
        drop(queues);
        self.turns.changed.notify_waiters();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn requests_to_one_endpoint_go_on_in_the_order_in_which_they_were_begun() {
        let turns = Turns::default();
        let [mut first, mut second, mut third, mut other] = ["a", "a", "a", "b"].map(|origin| turns.last(origin));
        second.wait();
        assert!(first.has_come() && second.has_come() && !third.has_come() && other.has_come());
        let mut waiting = std::pin::pin!(third.come());
        assert_eq!(waiting.as_mut().now_or_never(), None);
        // An earlier one that waits later is still before it.
        first.wait();
        second.end();
        assert_eq!(waiting.as_mut().now_or_never(), None);
        other.wait();
        drop(first);
        assert_eq!(waiting.as_mut().now_or_never(), Some(()));
        assert!(!turns.last("a").has_come());
    }

    #[test]
    fn requests_that_are_begun_once_the_endpoint_accepts_connections_wait_for_no_other() {
        let turns = Turns::default();
        let [mut first, mut second] = ["a", "a"].map(|origin| turns.last(origin));
        first.wait();
        assert!(!turns.last("a").has_come());
        first.set_connected();
        let mut newcomer = turns.last("a");
        assert!(newcomer.has_come() && !second.has_come());
        // It refuses connections again.
        newcomer.wait();
        assert!(!turns.last("a").has_come());
        drop(first);
        second.wait();
        assert!(second.has_come() && !newcomer.has_come());
    }

    #[test]
    fn nothing_is_kept_of_requests_that_have_ended() {
        let turns = Turns::default();
        let mut turn = turns.last("a");
        turn.wait();
        drop(turn);
        assert!(turns.queues.lock().is_empty());
        assert!(turns.last("a").has_come());
    }
}
