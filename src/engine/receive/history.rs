//! The last deliveries, in memory, and later updates on them. They are limited in number and size.
//!
//! Any number of readers may follow it. Only the numbers of deliveries queue up for a slow reader, a few bytes each, so
//! it neither holds anything up nor keeps memory: once it continues, it reads what is still there.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{broadcast, watch},
    time::timeout,
};

use super::consumers::{self, Consumers, Deliveries, LateForwards, Update, WhenFull, response_size};
use crate::webhook::record::{Delivery, Forwarded};

/// The maximum memory for bodies, in bytes. The newest delivery is kept whatever its size.
const HISTORY_BYTES: usize = 32 << 20;

/// How much memory each delivery may take beyond that, in bytes, so that small ones are limited only by number.
const ALLOWANCE: usize = 2 << 10;

/// The capacity of the queue of updates to add.
const QUEUE: usize = 1024;

/// The capacity of a reader's queue of changes.
const CHANGES: usize = 4096;

/// The maximum number of resend results kept for each delivery.
const MAX_RESENDS: usize = 16;

/// How long to wait for deliveries that are about to be added. One that the history has missed never arrives.
const ARRIVAL: Duration = Duration::from_millis(500);

/// The last deliveries of a receiver.
#[derive(Clone, Debug)]
pub struct History {
    kept: Arc<Mutex<Kept>>,
    /// The number of the last delivery received, which may not have been added yet.
    received: Arc<AtomicU64>,
    /// The number of the last delivery added.
    added: watch::Sender<u64>,
    changes: broadcast::Sender<Change>,
}

/// A change in the history. The delivery that it is about may have left the history since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The delivery with this number was added.
    Added(u64),
    /// The delivery with this number was explained.
    Explained(u64),
    /// Forwards of the delivery with this number have ended.
    Forwarded(u64),
    /// A delivery was resent.
    Resent {
        /// The delivery's number.
        seq: u64,
        /// The number of new results, which are the last ones in its list of resends.
        results: usize,
    },
    /// This number of deliveries were never added.
    Missed(u64),
}

/// A delivery in the history.
#[derive(Clone, Debug)]
pub struct HistoryEntry {
    pub delivery: Arc<Delivery>,
    /// The results of resending it, oldest first.
    pub resends: VecDeque<Arc<Forwarded>>,
    size: usize,
}

#[derive(Debug, Default)]
struct Kept {
    /// The oldest first.
    entries: VecDeque<HistoryEntry>,
    /// The position of each delivery number, counted from the first one ever added. They are not quite in order, and
    /// searching thousands of them for each line of a tab would hold up the receiver.
    places: HashMap<u64, usize>,
    /// The number of entries dropped so far.
    dropped: usize,
    bytes: usize,
    limit: usize,
}

impl History {
    /// Keeps the last `limit` deliveries of a receiver from now on. Must be called within a runtime.
    pub fn start(consumers: &mut Consumers, limit: usize) -> Self {
        let deliveries = consumers.add(QUEUE, WhenFull::Skip);
        let history = Self::new(limit);
        let received = Arc::clone(&history.received);
        consumers.observe(move |delivery| {
            received.fetch_max(delivery.seq, Ordering::Relaxed);
        });
        tokio::spawn(history.clone().follow(deliveries));
        history
    }

    fn new(limit: usize) -> Self {
        let kept = Kept { limit, ..Kept::default() };
        Self {
            kept: Arc::new(Mutex::new(kept)),
            received: Arc::default(),
            added: watch::Sender::new(0),
            changes: broadcast::Sender::new(CHANGES),
        }
    }

    async fn follow(self, mut deliveries: Deliveries) {
        while let Some(update) = deliveries.next().await {
            let seq = if let Update::Delivery(published) = &update { published.delivery().seq } else { 0 };
            self.update(update);
            self.added.send_if_modified(|added| {
                let is_new = seq > *added;
                *added = seq.max(*added);
                is_new
            });
        }
    }

    /// Waits, for a limited time, until the deliveries received before this call have been added. Returns the number of
    /// the last one, or 0.
    pub async fn catch_up(&self) -> u64 {
        let received = self.received.load(Ordering::Relaxed);
        // The sender lives as long as `self`.
        let _ = timeout(ARRIVAL, self.added.subscribe().wait_for(|added| *added >= received)).await;
        received
    }

    fn update(&self, update: Update) {
        let mut kept = self.kept.lock();
        let change = match update {
            Update::Delivery(published) => {
                let seq = published.delivery().seq;
                kept.add(published.shared());
                Change::Added(seq)
            }
            Update::Findings { seq, findings, .. } => {
                kept.change(seq, |entry| Arc::make_mut(&mut entry.delivery).assessment.findings = findings);
                Change::Explained(seq)
            }
            Update::Forwards { delivery, results: LateForwards { forwards, .. } } => {
                let seq = delivery.delivery().seq;
                kept.change(seq, |entry| {
                    let known = &mut Arc::make_mut(&mut entry.delivery).forwards;
                    for forwarded in forwards {
                        match known.iter_mut().find(|other| other.url == forwarded.url) {
                            Some(other) => *other = forwarded,
                            None => known.push(forwarded),
                        }
                    }
                });
                Change::Forwarded(seq)
            }
            Update::Missed(count) => Change::Missed(count),
        };
        // Sent under the lock, so that a new follower sees each change once. This fails if there are no followers.
        let _ = self.changes.send(change);
    }

    /// Adds the results of resending a delivery.
    pub fn add_resends(&self, seq: u64, forwards: Vec<Forwarded>) {
        let mut kept = self.kept.lock();
        let results = forwards.len().min(MAX_RESENDS);
        kept.change(seq, |entry| {
            entry.resends.extend(forwards.into_iter().map(Arc::new));
            let surplus = entry.resends.len().saturating_sub(MAX_RESENDS);
            entry.resends.drain(..surplus);
        });
        let _ = self.changes.send(Change::Resent { seq, results });
    }

    /// The numbers of the deliveries that were added after this one, and all changes from now on. A reader that falls
    /// behind by thousands of changes loses the first of them.
    #[must_use]
    pub fn follow_from(&self, after: u64) -> (Vec<u64>, broadcast::Receiver<Change>) {
        let kept = self.kept.lock();
        (kept.after(after).map(|entry| entry.delivery.seq).collect(), self.changes.subscribe())
    }

    /// The newest delivery.
    #[must_use]
    pub fn last(&self) -> Option<Arc<Delivery>> {
        self.kept.lock().entries.back().map(|entry| Arc::clone(&entry.delivery))
    }

    /// All deliveries, newest first.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Delivery>> {
        self.kept.lock().entries.iter().rev().map(|entry| Arc::clone(&entry.delivery)).collect()
    }

    /// The delivery with this number, unless it has been dropped.
    #[must_use]
    pub fn get(&self, seq: u64) -> Option<Arc<Delivery>> {
        self.entry(seq).map(|entry| entry.delivery)
    }

    /// The delivery with this number and the results of resending it, unless it has been dropped.
    #[must_use]
    pub fn entry(&self, seq: u64) -> Option<HistoryEntry> {
        let kept = self.kept.lock();
        kept.index(seq).and_then(|index| kept.entries.get(index)).cloned()
    }

    /// The maximum number of deliveries kept.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.kept.lock().limit
    }
}

impl Kept {
    fn add(&mut self, delivery: Arc<Delivery>) {
        if self.limit == 0 {
            return;
        }
        let mut entry = HistoryEntry { delivery, resends: VecDeque::new(), size: 0 };
        entry.size = size(&entry);
        self.bytes += entry.size;
        self.places.insert(entry.delivery.seq, self.dropped + self.entries.len());
        self.entries.push_back(entry);
        self.shrink();
    }

    fn index(&self, seq: u64) -> Option<usize> {
        self.places.get(&seq).map(|place| place - self.dropped)
    }

    fn change(&mut self, seq: u64, change: impl FnOnce(&mut HistoryEntry)) {
        if let Some(entry) = self.index(seq).and_then(|index| self.entries.get_mut(index)) {
            change(entry);
            let size = size(entry);
            self.bytes = self.bytes + size - std::mem::replace(&mut entry.size, size);
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        let budget = self.limit.saturating_mul(ALLOWANCE).saturating_add(HISTORY_BYTES);
        while self.entries.len() > self.limit || self.bytes > budget && self.entries.len() > 1 {
            let Some(entry) = self.entries.pop_front() else { return };
            self.places.remove(&entry.delivery.seq);
            self.dropped += 1;
            self.bytes -= entry.size;
        }
    }

    /// The entries added after the one with this number. They are not quite in the order of their numbers.
    fn after(&self, seq: u64) -> impl Iterator<Item = &HistoryEntry> {
        let place = self.index(seq);
        let is_after = move |(index, entry): &(usize, &HistoryEntry)| match place {
            Some(place) => *index > place,
            None => entry.delivery.seq > seq,
        };
        self.entries.iter().enumerate().filter(is_after).map(|(_, entry)| entry)
    }
}

/// About how much memory an entry takes, in bytes.
fn size(entry: &HistoryEntry) -> usize {
    consumers::size(&entry.delivery) + entry.resends.iter().map(|forwarded| response_size(forwarded)).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast::error::TryRecvError;

    use super::{super::consumers::DELIVERY_BYTES, *};
    use crate::{
        engine::receive::tests::{delivery, delivery_of},
        webhook::{record::Response, request::Headers},
    };

    fn kept(history: &History) -> Vec<u64> {
        history.kept.lock().entries.iter().map(|entry| entry.delivery.seq).collect()
    }

    #[test]
    fn the_last_deliveries_are_kept() {
        let history = History::new(3);
        assert!(history.last().is_none());
        for seq in 1..=5 {
            history.kept.lock().add(delivery(seq).into());
        }
        assert_eq!(kept(&history), [3, 4, 5]);
        assert_eq!(history.last().map(|delivery| delivery.seq), Some(5));
        assert_eq!(history.get(4).map(|delivery| delivery.seq), Some(4));
        assert!(history.get(2).is_none());
    }

    #[test]
    fn large_bodies_make_room_by_their_size_and_the_newest_stays() {
        let history = History::new(3);
        let third = HISTORY_BYTES / 3 + 3 * ALLOWANCE;
        for seq in 1..=4 {
            history.kept.lock().add(delivery_of(seq, vec![b'x'; third]).into());
        }
        assert_eq!(kept(&history), [3, 4]);
        history.kept.lock().add(delivery_of(5, vec![b'x'; 2 * HISTORY_BYTES]).into());
        assert_eq!(kept(&history), [5]);
        history.kept.lock().add(delivery(6).into());
        assert_eq!(kept(&history), [6]);
        assert!(history.get(5).is_none());
        let bytes = history.kept.lock().bytes;
        assert_eq!(bytes, DELIVERY_BYTES + "hello".len() + "/".len());
    }

    #[test]
    fn small_deliveries_are_limited_by_their_number_alone() {
        // Together they take more than large bodies may.
        const LIMIT: usize = 2 * HISTORY_BYTES / ALLOWANCE;
        let history = History::new(LIMIT);
        let small = delivery_of(0, vec![b'x'; 900]);
        let last = LIMIT as u64 + 1;
        for seq in 1..=last {
            history.kept.lock().add(Delivery { seq, ..small.clone() }.into());
        }
        assert_eq!([1, 2, last].map(|seq| history.get(seq).is_some()), [false, true, true]);
        assert_eq!(history.follow_from(last - 2).0, [last - 1, last]);
    }

    #[test]
    fn what_becomes_known_later_counts_too() {
        let history = History::new(3);
        history.kept.lock().add(delivery(1).into());
        history.kept.lock().add(delivery_of(2, vec![b'x'; HISTORY_BYTES / 2]).into());
        let response = Response {
            status: 200,
            headers: Headers::new(),
            body: vec![b'y'; HISTORY_BYTES / 2 + 3 * ALLOWANCE].into(),
        };
        let forwarded = Forwarded { url: "http://a/".to_owned(), outcome: Ok(response), elapsed: Duration::ZERO };
        history.add_resends(2, vec![forwarded]);
        assert_eq!(kept(&history), [2]);
        assert_eq!(history.entry(2).unwrap().resends.len(), 1);
    }

    #[test]
    fn a_delivery_that_was_added_after_one_with_a_higher_number_is_not_lost() {
        let history = History::new(10);
        for seq in [1, 3, 2, 4] {
            history.kept.lock().add(delivery(seq).into());
        }
        let after = |seq| history.follow_from(seq).0;
        assert_eq!([after(0), after(3), after(2), after(9)], [vec![1, 3, 2, 4], vec![2, 4], vec![4], vec![]]);
    }

    #[test]
    fn a_reader_gets_what_is_there_and_then_each_change_once() {
        let history = History::new(2);
        for seq in 1..=3 {
            history.kept.lock().add(delivery(seq).into());
        }
        let (kept, mut changes) = history.follow_from(2);
        history.add_resends(3, Vec::new());
        assert_eq!(kept, [3]);
        assert_eq!(changes.try_recv(), Ok(Change::Resent { seq: 3, results: 0 }));
        assert_eq!(changes.try_recv(), Err(TryRecvError::Empty));
    }

    #[test]
    fn a_history_of_none_is_empty() {
        let history = History::new(0);
        history.kept.lock().add(delivery(1).into());
        assert!(history.last().is_none());
    }
}
