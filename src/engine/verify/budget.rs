//! How much work the searches for causes may do, counted in bytes that are hashed or written.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::webhook::diagnose::PER_SEARCH;

/// The part of what is left that one search may take.
const PART: usize = 8;

/// The bytes for each search of a run whose budget is spent: enough for the usual causes with a small body.
const LEAST: usize = 2 << 20;

/// The budget that the searches of one run share, so that its time doesn't grow with the number of rejected requests.
///
/// The first searches may take [`PER_SEARCH`] each. The more is spent, the less each further search gets.
#[derive(Debug)]
pub struct SearchBudget {
    left: AtomicUsize,
}

impl Default for SearchBudget {
    fn default() -> Self {
        Self { left: AtomicUsize::new(PART * PER_SEARCH) }
    }
}

impl SearchBudget {
    /// Begins a new run.
    pub fn renew(&self) {
        self.left.store(PART * PER_SEARCH, Ordering::Relaxed);
    }

    /// The bytes for the next search.
    pub fn share(&self) -> usize {
        (self.left.load(Ordering::Relaxed) / PART).clamp(LEAST, PER_SEARCH)
    }

    /// Takes what a search has used.
    pub fn spend(&self, bytes: usize) {
        // The closure never returns `None`.
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_spends_little_more_than_its_budget_however_many_searches_it_makes() {
        let budget = SearchBudget::default();
        assert_eq!(budget.share(), PER_SEARCH);
        let spent: usize = (0..1000)
            .map(|_| {
                let share = budget.share();
                budget.spend(share);
                share
            })
            .sum();
        assert!(spent <= PART * PER_SEARCH + 1000 * LEAST, "{spent} bytes");
        assert_eq!(budget.share(), LEAST);
        budget.renew();
        assert_eq!(budget.share(), PER_SEARCH);
    }
}
