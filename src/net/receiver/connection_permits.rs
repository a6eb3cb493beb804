//! Permits for connections. A connection whose request waits for its handler takes a different kind of permit, so that
//! hanging handlers don't keep new senders from connecting. Nor do silent senders: if no permit is free, the connection
//! that has waited longest for its sender gives up its own, once it has waited for a second. In a burst of new
//! connections, later ones wait for earlier ones instead.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

/// How long a sender may stay silent while others wait for a permit.
const LONGEST_SILENCE: Duration = Duration::from_secs(1);

/// How long a connection may take to give up its permit before the next one must.
const CLOSING: Duration = Duration::from_millis(50);

/// All permits.
#[derive(Clone, Debug)]
pub struct ConnectionPermits {
    active: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    connections: Arc<Mutex<Connections>>,
    /// Makes all connections give up their permits.
    end: CancellationToken,
    /// What times are counted from.
    start: Instant,
}

/// All connections, by a number of their own.
#[derive(Debug, Default)]
struct Connections {
    next: u64,
    senders: HashMap<u64, Arc<Sender>>,
}

/// The sender of one connection. It changes twice with each request, without a lock that connections share.
#[derive(Debug)]
struct Sender {
    /// When the connection began to wait for the rest of a request, in microseconds; [`NOT_AWAITED`] if it doesn't.
    silent_since: AtomicU64,
    given_up: CancellationToken,
}

/// The connection does not wait for its sender, or has been told to give up its permit.
const NOT_AWAITED: u64 = u64::MAX;

/// The permit of one connection. Dropping it frees the permit.
#[derive(Debug)]
pub struct ConnectionPermit {
    permits: ConnectionPermits,
    number: u64,
    sender: Arc<Sender>,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    is_waiting: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl ConnectionPermits {
    /// Creates this number of permits of each kind. All must be given up when `end` is cancelled.
    pub fn new(count: usize, end: CancellationToken) -> Self {
        let permits = || Arc::new(Semaphore::new(count));
        Self { active: permits(), waiting: permits(), connections: Arc::default(), end, start: Instant::now() }
    }

    /// Waits for a permit for a new connection.
    pub async fn take(&self) -> ConnectionPermit {
        let mut permit = Arc::clone(&self.active).try_acquire_owned().ok();
        if permit.is_none() {
            let mut free = pin!(Arc::clone(&self.active).acquire_owned());
            // The semaphore is never closed, so this is never `None`.
            permit = loop {
                let pause = self.end_longest_silence();
                tokio::select! {
                    biased;
                    permit = &mut free => break permit.ok(),
                    () = sleep(pause) => {}
                }
            };
        }
        let silent_since = AtomicU64::new(self.now());
        let sender = Arc::new(Sender { silent_since, given_up: self.end.child_token() });
        let mut connections = self.connections.lock();
        connections.next += 1;
        let number = connections.next;
        connections.senders.insert(number, Arc::clone(&sender));
        drop(connections);
        let held = Mutex::new(Held { is_waiting: false, _permit: permit });
        ConnectionPermit { permits: self.clone(), number, sender, held }
    }

    /// The time since the start, in microseconds.
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(NOT_AWAITED - 1)
    }

    /// Makes the connection that has waited longest give up its permit, if it has waited long enough. Returns how long
    /// to wait before checking again.
    fn end_longest_silence(&self) -> Duration {
        let connections = self.connections.lock();
        let silent = connections.senders.iter().filter_map(|(number, sender)| {
            let since = sender.silent_since.load(Ordering::Relaxed);
            (since != NOT_AWAITED).then_some((since, number, sender))
        });
        let Some((longest, _, sender)) = silent.min_by_key(|(since, number, _)| (*since, **number)) else {
            return LONGEST_SILENCE;
        };
        let left = LONGEST_SILENCE.saturating_sub(Duration::from_micros(self.now().saturating_sub(longest)));
        if !left.is_zero() {
            return left;
        }
        // Fails if a request has just arrived.
        if sender.silent_since.compare_exchange(longest, NOT_AWAITED, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            sender.given_up.cancel();
        }
        CLOSING
    }
}

impl ConnectionPermit {
    /// Marks the connection as waiting for its sender, unless it waits for its handler.
    pub fn wait_for_sender(&self) {
        if !self.held.lock().is_waiting {
            self.sender.silent_since.store(self.permits.now(), Ordering::Relaxed);
        }
    }

    /// Marks the connection as not waiting for its sender.
    pub fn has_request(&self) {
        self.sender.silent_since.store(NOT_AWAITED, Ordering::Relaxed);
    }

    /// Cancelled when the connection has to give up its permit.
    pub fn given_up(&self) -> CancellationToken {
        self.sender.given_up.clone()
    }

    /// Exchanges the permit for one of the kind for connections that wait for their handler. If none is free, keeps it.
    pub fn wait_for_handler(&self) {
        if let Ok(permit) = Arc::clone(&self.permits.waiting).try_acquire_owned() {
            *self.held.lock() = Held { is_waiting: true, _permit: Some(permit) };
        }
    }

    /// Exchanges the permit back. Returns false if none is free.
    pub fn reacquire(&self) -> bool {
        let mut held = self.held.lock();
        if held.is_waiting {
            let Ok(permit) = Arc::clone(&self.permits.active).try_acquire_owned() else { return false };
            *held = Held { is_waiting: false, _permit: Some(permit) };
        }
        true
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.permits.connections.lock().senders.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::{error::Elapsed, timeout};

    use super::*;

    #[tokio::test]
    async fn a_connection_that_waits_leaves_its_permit_to_another() {
        let permits = ConnectionPermits::new(1, CancellationToken::new());
        let first = permits.take().await;
        assert!(permits.take().now_or_never().is_none());
        first.wait_for_handler();
        let second = permits.take().await;
        // There is room for one that waits.
        second.wait_for_handler();
        assert!(permits.take().now_or_never().is_none());
        assert!(second.reacquire());
        assert!(!first.reacquire());
        drop(second);
        assert!(first.reacquire());
        assert!(permits.take().now_or_never().is_none());
        drop(first);
        assert!(permits.take().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_has_waited_longest_for_its_sender_gives_up_its_permit() {
        let permits = ConnectionPermits::new(3, CancellationToken::new());
        let [first, second, third] = [permits.take().await, permits.take().await, permits.take().await];
        // The first has a request now, and no permit to wait for its handler.
        let _waiting = [(); 3].map(|()| Arc::clone(&permits.waiting).try_acquire_owned().unwrap());
        first.has_request();
        first.wait_for_handler();
        let given_up = || [&first, &second, &third].map(|permit| permit.given_up().is_cancelled());
        let waits_in_vain = async |patience| matches!(timeout(patience, permits.take()).await, Err(Elapsed { .. }));
        assert!(waits_in_vain(LONGEST_SILENCE * 9 / 10).await);
        assert_eq!(given_up(), [false, false, false]);
        assert!(waits_in_vain(LONGEST_SILENCE / 10 + CLOSING / 2).await);
        assert_eq!(given_up(), [false, true, false]);
        first.wait_for_sender();
        assert!(waits_in_vain(CLOSING / 2).await);
        assert_eq!(given_up(), [false, true, true]);
        assert!(waits_in_vain(LONGEST_SILENCE * 2).await);
        assert_eq!(given_up(), [true, true, true]);
        drop(second);
        assert!(permits.take().now_or_never().is_some());
    }
}
