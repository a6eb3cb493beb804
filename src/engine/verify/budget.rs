//! Limits the work of the searches for causes, in bytes hashed or written.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::webhook::diagnose::PER_SEARCH;

/// One search may take the remaining budget divided by this.
const PART: usize = 8;

/// The bytes for the first search of a request: enough for the usual causes with a small body.
const FIRST_SEARCH: usize = 2 << 20;

/// The number of requests in a run whose first search may take that much.
const WHOLE_SEARCHES: usize = 512;

/// The minimum for each first search, in bytes: enough to change a small body a hundred times.
const LEAST_SEARCH: usize = 64 << 10;

/// The bytes for the first search of the request with this index in its run. Later ones get less, so that twenty
/// thousand rejected requests take five times as long as the first 512, not forty times.
pub(super) fn first_search(index: usize) -> usize {
    (WHOLE_SEARCHES * FIRST_SEARCH / index.max(WHOLE_SEARCHES)).max(LEAST_SEARCH)
}

/// The budget that the longer searches of one run share, so that its time grows little with the number of rejected
/// requests.
///
/// The first of them may take [`PER_SEARCH`] each. The more is spent, the less each further search gets.
#[derive(Debug)]
pub struct SearchBudget {
    whole: usize,
    left: AtomicUsize,
    /// The number of requests in the run that have been reported.
    reported: AtomicUsize,
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
        Self { whole, left: AtomicUsize::new(whole), reported: AtomicUsize::new(0) }
    }

    /// Begins a new run.
    pub fn renew(&self) {
        self.left.store(self.whole, Ordering::Relaxed);
        self.reported.store(0, Ordering::Relaxed);
    }

    /// Counts requests that are reported.
    pub(super) fn add_reported(&self, requests: usize) {
        self.reported.fetch_add(requests, Ordering::Relaxed);
    }

    /// The number of requests in the run that have been reported.
    pub(super) fn reported(&self) -> usize {
        self.reported.load(Ordering::Relaxed)
    }

    /// The bytes for a longer search, if the first one was not enough. `None` once the budget is spent, for the rest of
    /// the run.
    pub fn longer_search(&self) -> Option<usize> {
        let share = (self.left.load(Ordering::Relaxed) / PART).min(PER_SEARCH);
        (share > FIRST_SEARCH).then_some(share)
    }

    /// Deducts what a longer search has used.
    pub fn spend(&self, bytes: usize) {
        // The closure never returns `None`.
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_searches_take_less_and_less_so_that_forty_times_as_many_take_five_times_as_long() {
        let whole = |requests: usize| (0..requests).map(first_search).sum::<usize>() / FIRST_SEARCH;
        // Python: sum(max(512 * F // max(n, 512), 64 << 10) for n in range(requests)) // F, for F = 2 << 20
        assert_eq!((whole(512), whole(2_000), whole(20_000)), (512, 1_210, 2_399));
    }

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
