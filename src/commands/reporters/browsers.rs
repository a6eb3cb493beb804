//! Reports refused requests from web pages: the first one with the flag that accepts them, and at the end how many
//! there were, because a page can send thousands.

use std::sync::atomic::{AtomicU64, Ordering};

use super::warnings::WarningSink;
use crate::net::receiver::ReceiveError;

/// Counts refused requests.
#[derive(Debug, Default)]
pub struct RefusedPages(AtomicU64);

impl RefusedPages {
    /// Counts a request. Prints a note about the first.
    pub fn add(&self, error: &ReceiveError, warnings: &WarningSink) {
        if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
            warnings.note(format!("{error}; to accept such requests, use --allow-browsers"));
        }
    }

    /// Prints a note with the number of refused requests, if there was more than one.
    pub fn report_total(&self, warnings: &WarningSink) {
        let count = self.0.load(Ordering::Relaxed);
        if count > 1 {
            warnings.note(format!("refused {count} requests from web pages"));
        }
    }
}
