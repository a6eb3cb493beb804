//! The order of requests to an endpoint that accepts no connection. Once it does, it gets them in the order in which
//! they were begun. Requests begun after that don't wait.

use std::{
    collections::{BTreeSet, HashMap},
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The requests that wait, by the scheme, host and port of their URLs.
#[derive(Debug, Default)]
pub(super) struct Queues {
    next: AtomicU64,
    by_origin: Mutex<HashMap<String, Queue>>,
    changed: Notify,
}

/// The requests that wait for one endpoint.
#[derive(Debug, Default)]
struct Queue {
    numbers: BTreeSet<u64>,
    /// Set once the endpoint is running again: the number of the first request begun after that. From there on, no
    /// request waits for earlier ones: it would in turn hold up later ones, and under load the queue would never empty.
    unqueued_from: Option<u64>,
}

/// The place of one request in the queue. Dropping it lets later requests proceed.
#[derive(Debug)]
pub(super) struct Ticket<'a> {
    queues: &'a Queues,
    origin: &'a str,
    number: u64,
    is_queued: bool,
}

impl Queues {
    /// A ticket after those of all earlier requests.
    pub(super) fn last<'a>(&'a self, origin: &'a str) -> Ticket<'a> {
        Ticket { queues: self, origin, number: self.next.fetch_add(1, Ordering::Relaxed), is_queued: false }
    }
}

impl Ticket<'_> {
    /// Whether no earlier request to the same endpoint is waiting.
    pub(super) fn is_due(&self) -> bool {
        self.queues.by_origin.lock().get(self.origin).is_none_or(|queue| {
            queue.unqueued_from.is_some_and(|first| first <= self.number)
                || queue.numbers.first().is_none_or(|first| *first >= self.number)
        })
    }

    /// Waits until no earlier request to the same endpoint is waiting, and makes later ones wait for this one. Cancel
    /// safe.
    pub(super) async fn until_due(&mut self) {
        self.with_queue(|_| ());
        loop {
            let changed = self.queues.changed.notified();
            if self.is_due() {
                return;
            }
            changed.await;
        }
    }

    /// Makes later requests to the same endpoint wait for this one, because its connection was refused.
    pub(super) fn enter(&mut self) {
        self.with_queue(|queue| queue.unqueued_from = None);
    }

    /// Whether the endpoint is known to be running again.
    pub(super) fn is_running(&self) -> bool {
        self.queues.by_origin.lock().get(self.origin).is_some_and(|queue| queue.unqueued_from.is_some())
    }

    /// Lets future requests to the same endpoint proceed without waiting, because it is running again.
    pub(super) fn set_running(&mut self) {
        let next = self.queues.next.load(Ordering::Relaxed);
        self.with_queue(|queue| queue.unqueued_from = queue.unqueued_from.or(Some(next)));
    }

    fn with_queue(&mut self, change: impl FnOnce(&mut Queue)) {
        self.is_queued = true;
        let mut queues = self.queues.by_origin.lock();
        let queue = queues.entry(self.origin.to_owned()).or_default();
        queue.numbers.insert(self.number);
        change(queue);
    }

    /// Whether later requests to the same endpoint wait for this one.
    pub(super) const fn is_queued(&self) -> bool {
        self.is_queued
    }

    /// Lets later requests proceed.
    pub(super) fn leave(&mut self) {
        if !std::mem::take(&mut self.is_queued) {
            return;
        }
        let mut queues = self.queues.by_origin.lock();
        if let Some(queue) = queues.get_mut(self.origin) {
            queue.numbers.remove(&self.number);
            if queue.numbers.is_empty() {
                queues.remove(self.origin);
            }
        }
        drop(queues);
        self.queues.changed.notify_waiters();
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn requests_to_one_endpoint_go_on_in_the_order_in_which_they_were_begun() {
        let queues = Queues::default();
        let [mut first, mut second, mut third, mut other] = ["a", "a", "a", "b"].map(|origin| queues.last(origin));
        second.enter();
        assert!(first.is_due() && second.is_due() && !third.is_due() && other.is_due());
        let mut waiting = std::pin::pin!(third.until_due());
        assert_eq!(waiting.as_mut().now_or_never(), None);
        // An earlier one that waits later is still before it.
        first.enter();
        second.leave();
        assert_eq!(waiting.as_mut().now_or_never(), None);
        other.enter();
        drop(first);
        assert_eq!(waiting.as_mut().now_or_never(), Some(()));
        assert!(!queues.last("a").is_due());
    }

    #[test]
    fn requests_that_are_begun_once_the_endpoint_is_running_wait_for_no_other() {
        let queues = Queues::default();
        let [mut first, mut second] = ["a", "a"].map(|origin| queues.last(origin));
        first.enter();
        assert!(!queues.last("a").is_due() && !second.is_running());
        first.set_running();
        let mut newcomer = queues.last("a");
        assert!(newcomer.is_due() && !second.is_due() && second.is_running());
        // It refuses connections again.
        newcomer.enter();
        assert!(!queues.last("a").is_due() && !second.is_running());
        drop(first);
        second.enter();
        assert!(second.is_due() && !newcomer.is_due());
    }

    #[test]
    fn nothing_is_kept_of_requests_that_have_ended() {
        let queues = Queues::default();
        let mut ticket = queues.last("a");
        ticket.enter();
        drop(ticket);
        assert!(queues.by_origin.lock().is_empty());
        assert!(queues.last("a").is_due());
    }
}
