//! The places of connections. A connection that is read from or written to has another kind of place than one whose
//! request waits for its handler, so that handlers that hang don't keep new senders from connecting.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All places.
#[derive(Clone, Debug)]
pub struct Places {
    active: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// The place of one connection, free again when dropped.
#[derive(Debug)]
pub struct Place {
    places: Places,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    is_waiting: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Places {
    /// This number of places of each kind.
    pub fn new(count: usize) -> Self {
        Self { active: Arc::new(Semaphore::new(count)), waiting: Arc::new(Semaphore::new(count)) }
    }

    /// Waits for a place for a new connection.
    pub async fn take(&self) -> Place {
        // The semaphore is never closed, so this is never `None`.
        let permit = Arc::clone(&self.active).acquire_owned().await.ok();
        Place { places: self.clone(), held: Mutex::new(Held { is_waiting: false, _permit: permit }) }
    }
}

impl Place {
    /// Moves to a place among those that wait. If there is none, it keeps its own.
    pub fn leave(&self) {
        if let Ok(permit) = Arc::clone(&self.places.waiting).try_acquire_owned() {
            *self.lock() = Held { is_waiting: true, _permit: Some(permit) };
        }
    }

    /// Moves back. False if there is no place to move to.
    pub fn come_back(&self) -> bool {
        let mut held = self.lock();
        if held.is_waiting {
            let Ok(permit) = Arc::clone(&self.places.active).try_acquire_owned() else { return false };
            *held = Held { is_waiting: false, _permit: Some(permit) };
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_connection_that_waits_leaves_its_place_to_another() {
        let places = Places::new(1);
        let first = places.take().await;
        assert!(places.take().now_or_never().is_none());
        first.leave();
        let second = places.take().await;
        // There is room for one that waits.
        second.leave();
        assert!(places.take().now_or_never().is_none());
        assert!(second.come_back());
        assert!(!first.come_back());
        drop(second);
        assert!(first.come_back());
        assert!(places.take().now_or_never().is_none());
        drop(first);
        assert!(places.take().now_or_never().is_some());
    }
}
