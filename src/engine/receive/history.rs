//! The last deliveries, in memory. They are copied out of the buffers of their connections, which are larger, and limited
//! in number and size.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::HeaderValue;
use tokio::{sync::watch, time::timeout};

use super::consumers::{Consumers, Deliveries, Update, WhenFull};
use crate::webhook::{
    record::{Delivery, Response},
    request::{Headers, Request},
};

/// The most memory that the history takes, in bytes. The newest delivery is kept however large it is.
const HISTORY_BYTES: usize = 32 << 20;

/// About how much memory a delivery takes besides its bodies and headers, in bytes.
const DELIVERY_BYTES: usize = 1 << 10;

/// How many updates may wait to be added.
const QUEUE: usize = 1024;

/// How long to wait for deliveries that are on their way into the history. Those that it misses never arrive.
const ARRIVAL: Duration = Duration::from_millis(500);

/// The last deliveries of a receiver.
#[derive(Clone, Debug)]
pub struct History {
    kept: Arc<Mutex<Kept>>,
    /// The number of the last delivery that was received, which may be on its way.
    received: Arc<AtomicU64>,
    /// The number of the last one that was added.
    added: watch::Sender<u64>,
}

#[derive(Debug)]
struct Kept {
    /// The oldest first.
    deliveries: VecDeque<(Arc<Delivery>, usize)>,
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
        let kept = Kept { deliveries: VecDeque::new(), bytes: 0, limit };
        Self { kept: Arc::new(Mutex::new(kept)), received: Arc::default(), added: watch::Sender::new(0) }
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

    /// Waits for the deliveries that were received before this call. Those that can't be added are not waited for long.
    pub async fn catch_up(&self) {
        let received = self.received.load(Ordering::Relaxed);
        // The sender lives as long as this.
        let _ = timeout(ARRIVAL, self.added.subscribe().wait_for(|added| *added >= received)).await;
    }

    fn update(&self, update: Update) {
        let mut kept = self.lock();
        match update {
            Update::Delivery(published) => kept.add(compact(published.delivery())),
            Update::Findings { seq, findings, .. } => {
                kept.change(seq, |delivery| delivery.assessment.findings = findings);
            }
            Update::Forwards { seq, forwards, .. } => kept.change(seq, |delivery| {
                for forwarded in forwards {
                    match delivery.forwards.iter_mut().find(|other| other.url == forwarded.url) {
                        Some(other) => *other = forwarded,
                        None => delivery.forwards.push(forwarded),
                    }
                }
            }),
            Update::Missed(_) => {}
        }
    }

    /// The newest delivery.
    #[must_use]
    pub fn last(&self) -> Option<Arc<Delivery>> {
        self.lock().deliveries.back().map(|(delivery, _)| Arc::clone(delivery))
    }

    /// A delivery by its number, unless it is too old.
    #[must_use]
    pub fn get(&self, seq: u64) -> Option<Arc<Delivery>> {
        let kept = self.lock();
        // The newest ones are asked for most.
        kept.deliveries.iter().rev().find(|(delivery, _)| delivery.seq == seq).map(|(delivery, _)| Arc::clone(delivery))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn add(&mut self, delivery: Delivery) {
        if self.limit == 0 {
            return;
        }
        let size = size(&delivery);
        self.bytes += size;
        self.deliveries.push_back((Arc::new(delivery), size));
        while self.deliveries.len() > self.limit || self.bytes > HISTORY_BYTES && self.deliveries.len() > 1 {
            let Some((_, size)) = self.deliveries.pop_front() else { return };
            self.bytes -= size;
        }
    }

    fn change(&mut self, seq: u64, change: impl FnOnce(&mut Delivery)) {
        if let Some((delivery, _)) = self.deliveries.iter_mut().rev().find(|(delivery, _)| delivery.seq == seq) {
            change(Arc::make_mut(delivery));
        }
    }
}

/// About how much memory a delivery takes, in bytes.
fn size(delivery: &Delivery) -> usize {
    let headers = |headers: &Headers| headers.iter().map(|(_, value)| value.len() + 64).sum::<usize>();
    let responses = delivery.forwards.iter().filter_map(|forwarded| forwarded.outcome.as_ref().ok());
    DELIVERY_BYTES
        + delivery.request.body.len()
        + delivery.request.target.len()
        + headers(&delivery.request.headers)
        + responses.map(|response| response.body.len() + headers(&response.headers)).sum::<usize>()
}

/// A copy that holds no larger buffers.
fn compact(delivery: &Delivery) -> Delivery {
    let mut delivery = delivery.clone();
    delivery.request =
        Request { body: copy(&delivery.request.body), headers: copies(&delivery.request.headers), ..delivery.request };
    for forwarded in &mut delivery.forwards {
        if let Ok(response) = &mut forwarded.outcome {
            *response = Response { body: copy(&response.body), headers: copies(&response.headers), ..*response };
        }
    }
    delivery
}

fn copy(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn copies(headers: &Headers) -> Headers {
    let copy = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
    headers.iter().map(|(name, value)| (name.clone(), copy(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::receive::tests::{delivery, delivery_of};

    fn kept(history: &History) -> Vec<u64> {
        history.lock().deliveries.iter().map(|(delivery, _)| delivery.seq).collect()
    }

    #[test]
    fn the_last_deliveries_are_kept() {
        let history = History::new(3);
        assert!(history.last().is_none());
        for seq in 1..=5 {
            history.lock().add(delivery(seq));
        }
        assert_eq!(kept(&history), [3, 4, 5]);
        assert_eq!(history.last().map(|delivery| delivery.seq), Some(5));
        assert_eq!(history.get(4).map(|delivery| delivery.seq), Some(4));
        assert!(history.get(2).is_none());
    }

    #[test]
    fn large_bodies_make_room_by_their_size_and_the_newest_stays() {
        let history = History::new(1000);
        let third = HISTORY_BYTES / 3;
        for seq in 1..=4 {
            history.lock().add(delivery_of(seq, vec![b'x'; third]));
        }
        assert_eq!(kept(&history), [3, 4]);
        history.lock().add(delivery_of(5, vec![b'x'; 2 * HISTORY_BYTES]));
        assert_eq!(kept(&history), [5]);
        history.lock().add(delivery(6));
        assert_eq!(kept(&history), [6]);
        let bytes = history.lock().bytes;
        assert_eq!(bytes, size(&delivery(6)));
    }

    #[test]
    fn a_history_of_none_is_empty() {
        let history = History::new(0);
        history.lock().add(delivery(1));
        assert!(history.last().is_none());
    }
}
