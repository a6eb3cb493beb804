//! The order of requests to an endpoint that accepts no connection: once it does, it gets them in the order in which they
//! were begun.

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
    waiting: Mutex<HashMap<String, BTreeSet<u64>>>,
    changed: Notify,
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
    /// Whether no earlier request to the same endpoint waits.
    pub(super) fn has_come(&self) -> bool {
        let waiting = self.turns.waiting.lock();
        waiting.get(self.origin).and_then(BTreeSet::first).is_none_or(|first| *first >= self.number)
    }

    /// Waits until no earlier request to the same endpoint does, and lets later ones wait for this one. Cancel safe.
    pub(super) async fn come(&mut self) {
        self.wait();
        loop {
            let changed = self.turns.changed.notified();
            if self.has_come() {
                return;
            }
            changed.await;
        }
    }

    /// Lets later requests to the same endpoint wait for this one.
    pub(super) fn wait(&mut self) {
        if !self.is_waiting {
            self.is_waiting = true;
            self.turns.waiting.lock().entry(self.origin.to_owned()).or_default().insert(self.number);
        }
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
        let mut waiting = self.turns.waiting.lock();
        if let Some(numbers) = waiting.get_mut(self.origin) {
            numbers.remove(&self.number);
            if numbers.is_empty() {
                waiting.remove(self.origin);
            }
        }
        drop(waiting);
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
    fn nothing_is_kept_of_requests_that_have_ended() {
        let turns = Turns::default();
        let mut turn = turns.last("a");
        turn.wait();
        drop(turn);
        assert!(turns.waiting.lock().is_empty());
        assert!(turns.last("a").has_come());
    }
}
