//! Counts deliveries by verdict.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::consumers::Consumers;
use crate::webhook::{assessment::Assessment, signature::Verdict, trust::Trust};

/// How many deliveries got each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerdictCounts {
    /// Verified with the user's own secret.
    pub verified: u64,
    /// Verified with a public development secret.
    pub development: u64,
    pub rejected: u64,
    /// Unsigned by design.
    pub unsigned: u64,
    /// From no known provider.
    pub unrecognised: u64,
}

/// A running count.
#[derive(Clone, Debug, Default)]
pub struct VerdictCounter(Arc<[AtomicU64; 5]>);

impl VerdictCounter {
    /// Counts the deliveries of a receiver from now on. As an observer, it depends on no queue and no reader.
    pub fn observe(consumers: &mut Consumers) -> Self {
        let counter = Self::default();
        let counts = counter.clone();
        consumers.observe(move |delivery| {
            counts.0[index(&delivery.assessment)].fetch_add(1, Ordering::Relaxed);
        });
        counter
    }

    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> VerdictCounts {
        let [verified, development, rejected, unsigned, unrecognised] =
            [0, 1, 2, 3, 4].map(|index: usize| self.0[index].load(Ordering::Relaxed));
        VerdictCounts { verified, development, rejected, unsigned, unrecognised }
    }
}

/// The index of a verdict, in the order of [`VerdictCounts`].
fn index(assessment: &Assessment) -> usize {
    match (assessment.trust(), &assessment.verdict) {
        (Some(Trust::Verified), _) => 0,
        (Some(Trust::Development), _) => 1,
        (Some(Trust::UnsignedByDesign), _) => 3,
        (None, Verdict::Unrecognised) => 4,
        (None, _) => 2,
    }
}

impl VerdictCounts {
    /// All deliveries.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.verified + self.development + self.rejected + self.unsigned + self.unrecognised
    }
}
