//! The forwards that wait for their handlers, for front ends that show them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use reqwest::Url;

/// All forwards in progress.
#[derive(Debug, Default)]
pub struct PendingForwards(Mutex<ForwardEntries>);

#[derive(Debug, Default)]
struct ForwardEntries {
    next: u64,
    /// In the order in which they started.
    by_number: BTreeMap<u64, ForwardEntry>,
}

#[derive(Debug)]
struct ForwardEntry {
    seq: u64,
    title: Box<str>,
    url: Url,
    is_response: bool,
    since: Instant,
}

/// A delivery that waits for a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingForward {
    /// The delivery's number.
    pub seq: u64,
    /// The delivery's [title](crate::webhook::assessment::Assessment::title).
    pub title: String,
    /// The handler's URL.
    pub url: Url,
    /// How long it has waited.
    pub elapsed: Duration,
    /// How many other deliveries have also waited this long.
    pub others: usize,
}

impl PendingForwards {
    /// Adds a forward until the result is dropped. `is_response` says whether the sender waits for it.
    pub(super) fn add(self: &Arc<Self>, seq: u64, title: &str, url: &Url, is_response: bool) -> PendingEntry {
        let entry = ForwardEntry { seq, title: title.into(), url: url.clone(), is_response, since: Instant::now() };
        let mut entries = self.0.lock();
        let number = entries.next;
        entries.next += 1;
        entries.by_number.insert(number, entry);
        PendingEntry { forwards: Arc::clone(self), number }
    }

    /// The forward that has waited longest, if it has waited at least this long. One that a sender waits for comes
    /// before all others.
    pub fn longest(&self, at_least: Duration) -> Option<WaitingForward> {
        let entries = self.0.lock();
        let is_late = |entry: &&ForwardEntry| entry.since.elapsed() >= at_least;
        let late = || entries.by_number.values().take_while(is_late);
        let entry = late().find(|entry| entry.is_response).or_else(|| late().next())?;
        let deliveries: BTreeSet<u64> = late().map(|entry| entry.seq).collect();
        Some(WaitingForward {
            seq: entry.seq,
            title: entry.title.to_string(),
            url: entry.url.clone(),
            elapsed: entry.since.elapsed(),
            others: deliveries.len() - 1,
        })
    }
}

/// One forward in progress.
#[derive(Debug)]
pub(super) struct PendingEntry {
    forwards: Arc<PendingForwards>,
    number: u64,
}

impl Drop for PendingEntry {
    fn drop(&mut self) {
        self.forwards.0.lock().by_number.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_comes_with_the_number_of_other_deliveries() {
        let pending = Arc::new(PendingForwards::default());
        let url = Url::parse("http://localhost:3000/hooks").unwrap();
        assert_eq!(pending.longest(Duration::ZERO), None);
        let first = pending.add(7, "a.b", &url, true);
        let second = pending.add(8, "c.d", &url, true);
        let longest = || {
            let WaitingForward { seq, title, url, others, .. } = pending.longest(Duration::ZERO).unwrap();
            (seq, title, url, others)
        };
        assert_eq!(longest(), (7, "a.b".to_owned(), url.clone(), 1));
        drop(first);
        assert_eq!(longest(), (8, "c.d".to_owned(), url.clone(), 0));
        assert_eq!(pending.longest(Duration::MAX), None);
        drop(second);
        assert_eq!(pending.longest(Duration::ZERO), None);
    }

    #[test]
    fn a_forward_that_a_sender_waits_for_is_shown_before_one_that_has_waited_longer() {
        let pending = Arc::new(PendingForwards::default());
        let [own, other] = ["http://localhost:3000/", "http://localhost:3001/"].map(|url| Url::parse(url).unwrap());
        let longest = || {
            let WaitingForward { seq, url, others, .. } = pending.longest(Duration::ZERO).unwrap();
            (seq, url, others)
        };
        let _responded = pending.add(7, "a.b", &other, false);
        assert_eq!(longest(), (7, other.clone(), 0));
        let _others = pending.add(8, "c.d", &other, false);
        let first = pending.add(8, "c.d", &own, true);
        assert_eq!(longest(), (8, own, 1));
        drop(first);
        assert_eq!(longest(), (7, other.clone(), 1));
    }
}
