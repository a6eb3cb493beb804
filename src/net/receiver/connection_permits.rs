//! Permits for connections. A connection whose request waits for its handler takes a different kind of permit, so that
//! hanging handlers don't keep new senders from connecting. Nor do silent senders: if no permit is free, the connection
//! that has waited longest for its sender gives up its own, once it has waited for a second. In a burst of new
//! connections, later ones wait for earlier ones instead.

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

/// How long a sender may stay silent while others wait for a permit.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a connection may take to give up its permit before the next one must.
const CLOSING: Duration = Duration::from_millis(50);

/// All permits.
#[derive(Clone, Debug)]
pub struct ConnectionPermits {
    active: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    silent: Arc<Mutex<Silent>>,
}

/// The connections that wait for the rest of a request, in the order in which they began waiting.
#[derive(Debug, Default)]
struct Silent {
    next: u64,
    connections: BTreeMap<u64, (Instant, CancellationToken)>,
}

impl Silent {
    /// Makes the connection that has waited longest give up its permit, if it has waited long enough. Returns how long
    /// to wait before checking again.
    fn end_longest(&mut self) -> Duration {
        let Some(longest) = self.connections.first_entry() else { return PATIENCE };
        let left = PATIENCE.saturating_sub(longest.get().0.elapsed());
        if !left.is_zero() {
            return left;
        }
        let (_, given_up) = longest.remove();
        given_up.cancel();
        CLOSING
    }
}

/// The permit of one connection. Dropping it frees the permit.
#[derive(Debug)]
pub struct ConnectionPermit {
    permits: ConnectionPermits,
    held: Mutex<Held>,
    given_up: CancellationToken,
}

#[derive(Debug)]
struct Held {
    is_waiting: bool,
    /// Its number while it waits for its sender.
    silent: Option<u64>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl ConnectionPermits {
    /// Creates this number of permits of each kind.
    pub fn new(count: usize) -> Self {
        let permits = || Arc::new(Semaphore::new(count));
        Self { active: permits(), waiting: permits(), silent: Arc::default() }
    }

    /// Waits for a permit for a new connection.
    pub async fn take(&self) -> ConnectionPermit {
        let mut permit = Arc::clone(&self.active).try_acquire_owned().ok();
        if permit.is_none() {
            let mut free = pin!(Arc::clone(&self.active).acquire_owned());
            // The semaphore is never closed, so this is never `None`.
            permit = loop {
                let pause = self.silent.lock().end_longest();
                tokio::select! {
                    biased;
                    permit = &mut free => break permit.ok(),
                    () = sleep(pause) => {}
                }
            };
        }
        let held = Mutex::new(Held { is_waiting: false, silent: None, _permit: permit });
        let permit = ConnectionPermit { permits: self.clone(), held, given_up: CancellationToken::new() };
        permit.wait_for_sender();
        permit
    }
}

impl ConnectionPermit {
    /// Marks the connection as waiting for its sender.
    pub fn wait_for_sender(&self) {
        let mut held = self.held.lock();
        if !held.is_waiting && held.silent.is_none() {
            let mut silent = self.permits.silent.lock();
            silent.next += 1;
            let number = silent.next;
            silent.connections.insert(number, (Instant::now(), self.given_up.clone()));
            held.silent = Some(number);
        }
    }

    /// Cancelled when the connection has to give up its permit.
    pub fn given_up(&self) -> CancellationToken {
        self.given_up.clone()
    }

    /// Exchanges the permit for one of those that wait for their handler. If none is free, keeps it.
    pub fn wait_for_handler(&self) {
        let mut held = self.held.lock();
        if let Some(number) = held.silent.take() {
            self.permits.silent.lock().connections.remove(&number);
        }
        if let Ok(permit) = Arc::clone(&self.permits.waiting).try_acquire_owned() {
            *held = Held { is_waiting: true, silent: None, _permit: Some(permit) };
        }
    }

    /// Exchanges the permit back. Returns false if none is free.
    pub fn reacquire(&self) -> bool {
        let mut held = self.held.lock();
        if held.is_waiting {
            let Ok(permit) = Arc::clone(&self.permits.active).try_acquire_owned() else { return false };
            *held = Held { is_waiting: false, silent: None, _permit: Some(permit) };
        }
        true
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        if let Some(number) = self.held.lock().silent {
            self.permits.silent.lock().connections.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_connection_that_waits_leaves_its_permit_to_another() {
        let permits = ConnectionPermits::new(1);
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
        let permits = ConnectionPermits::new(3);
        let [first, second, third] = [permits.take().await, permits.take().await, permits.take().await];
        // The first has a request now, and no permit to wait for its handler.
        let _waiting = [(); 3].map(|()| Arc::clone(&permits.waiting).try_acquire_owned().unwrap());
        first.wait_for_handler();
        let given_up = || [&first, &second, &third].map(|permit| permit.given_up().is_cancelled());
        let newcomer = |patience| timeout(patience, permits.take());
        assert!(newcomer(PATIENCE * 9 / 10).await.is_err());
        assert_eq!(given_up(), [false, false, false]);
        assert!(newcomer(PATIENCE / 10 + CLOSING / 2).await.is_err());
        assert_eq!(given_up(), [false, true, false]);
        first.wait_for_sender();
        assert!(newcomer(CLOSING / 2).await.is_err());
        assert_eq!(given_up(), [false, true, true]);
        assert!(newcomer(PATIENCE * 2).await.is_err());
        assert_eq!(given_up(), [true, true, true]);
        drop(second);
        assert!(permits.take().now_or_never().is_some());
    }
}
