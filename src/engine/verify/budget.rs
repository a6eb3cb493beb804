//! How much work the searches for causes may do, counted in bytes that are hashed or written.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::webhook::diagnose::PER_SEARCH;

/// The part of what is left that one search may take.
const PART: usize = 8;

/// The bytes for the first search of each request: enough for the usual causes with a small body.
pub(super) const FIRST_SEARCH: usize = 2 << 20;

/// The budget that the longer searches of one run share, so that its time grows little with the number of rejected requests.
///
/// The first of them may take [`PER_SEARCH`] each. The more is spent, the less each further search gets.
#[derive(Debug)]
pub struct SearchBudget {
    whole: usize,
    left: AtomicUsize,
}

impl Default for SearchBudget {
    fn default() -> Self {
        Self::new(PER_SEARCH)
    }
}

impl SearchBudget {
    /// A budget whose first longer search may take this number of bytes.
    pub(super) const fn new(first: usize) -> Self {
        let whole = PART * first;
        Self { whole, left: AtomicUsize::new(whole) }
    }

    /// Begins a new run.
    pub fn renew(&self) {
        self.left.store(self.whole, Ordering::Relaxed);
    }

    /// The bytes for a longer search after a first one that was not enough; `None` once the budget is spent, for the rest of
    /// the run.
    pub fn longer_search(&self) -> Option<usize> {
        let share = (self.left.load(Ordering::Relaxed) / PART).min(PER_SEARCH);
        (share > FIRST_SEARCH).then_some(share)
    }

    /// Takes what a longer search has used.
    pub fn spend(&self, bytes: usize) {
        // The closure never returns `None`.
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_searches_of_a_run_spend_no_more_than_its_budget() {
        let budget = SearchBudget::default();
        assert_eq!(budget.longer_search(), Some(PER_SEARCH));
        let shares: Vec<usize> =
            std::iter::from_fn(|| budget.longer_search().inspect(|share| budget.spend(*share))).collect();
        assert!(shares.is_sorted_by(|a, b| a >= b), "{shares:?}");
        let spent: usize = shares.iter().sum();
        assert!(spent <= PART * PER_SEARCH, "{spent} bytes");
        assert_eq!(budget.longer_search(), None);
        budget.renew();
        assert_eq!(budget.longer_search(), Some(PER_SEARCH));
    }
}
