//! Reports refused requests from web pages: the first with the flag that accepts them, the others with their number. A
//! page can send thousands.

use std::sync::atomic::{AtomicU64, Ordering};

use super::warnings::WarningSink;
use crate::net::receiver::ReceiveError;

/// Counts the requests that were refused.
#[derive(Debug, Default)]
pub struct RefusedPages(AtomicU64);

impl RefusedPages {
    /// Counts a request, and notes the first.
    pub fn add(&self, error: &ReceiveError, warnings: &WarningSink) {
        if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
            warnings.note(format!("{error}; to accept such requests, use --allow-browsers"));
        }
    }

    /// Notes how many there were, if more than the first.
    pub fn conclude(&self, warnings: &WarningSink) {
        let count = self.0.load(Ordering::Relaxed);
        if count > 1 {
            warnings.note(format!("refused {count} requests from web pages"));
        }
    }
}
