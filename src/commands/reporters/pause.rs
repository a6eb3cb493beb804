//! Pauses the output of `listen`, and counts the deliveries that wait. Only a key can pause it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{Notify, watch};

/// Whether the output is paused. The default value is never paused.
#[derive(Clone, Debug, Default)]
pub struct Pause(Arc<PauseState>);

#[derive(Debug)]
struct PauseState {
    is_paused: watch::Sender<bool>,
    waiting: AtomicU64,
    /// Notified when another delivery is held back.
    more: Notify,
}

impl Default for PauseState {
    fn default() -> Self {
        Self { is_paused: watch::Sender::new(false), waiting: AtomicU64::new(0), more: Notify::new() }
    }
}

impl Pause {
    /// Pauses or resumes the output.
    #[cfg(unix)]
    pub fn set(&self, is_paused: bool) {
        self.0.waiting.store(0, Ordering::Relaxed);
        self.0.is_paused.send_replace(is_paused);
    }

    /// Whether it is paused.
    pub fn is_set(&self) -> bool {
        *self.0.is_paused.borrow()
    }

    /// Counts a delivery, if the output is paused.
    pub fn count(&self) {
        if self.is_set() {
            self.0.waiting.fetch_add(1, Ordering::Relaxed);
            self.0.more.notify_one();
        }
    }

    /// The number of deliveries that arrived since the output was paused.
    #[cfg(unix)]
    pub fn waiting(&self) -> u64 {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Waits until another delivery is held back. Cancel safe.
    #[cfg(unix)]
    pub async fn more(&self) {
        self.0.more.notified().await;
    }

    /// Waits until the output is not paused.
    pub async fn ended(&self) {
        // The sender lives as long as `self`, so this can't fail.
        let _ = self.0.is_paused.subscribe().wait_for(|is_paused| !is_paused).await;
    }
}
