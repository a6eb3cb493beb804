//! A gate that blocks a part of a test until another part has happened.

use std::sync::{Arc, Condvar, Mutex};

use super::PATIENCE;

/// Closed until a test opens it. Clones share the gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Waits until it is open, but no longer than a test may take.
    pub(super) fn pass(&self) {
        let (is_open, opened) = &*self.0;
        drop(opened.wait_timeout_while(is_open.lock().unwrap(), PATIENCE, |is_open| !*is_open).unwrap());
    }
}
