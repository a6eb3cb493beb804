//! What a walk reports to.

use std::cmp::Reverse;

use crate::webhook::schema::{location::Location, problem::Problem};

/// Receives what a walk finds.
pub(in crate::webhook::schema) trait Sink {
    /// Something that makes the payload invalid.
    fn error(&mut self, at: &Location<'_>, problem: &Problem<'_>);

    /// Something that is valid but not known, or could not be checked.
    fn warning(&mut self, at: &Location<'_>, problem: &Problem<'_>);

    /// Accepts the tally of a branch instead of its problems. Returns false if the sink needs the problems themselves.
    fn take(&mut self, _branch: &Tally) -> bool {
        false
    }
}

/// The sink that only counts.
pub(in crate::webhook::schema) struct Tally {
    pub(super) errors: usize,
    pub(super) warnings: usize,
    /// The depth of the error closest to the root.
    shallowest: usize,
}

impl Tally {
    /// How far a branch is from matching: a deep error is closer than one near the root, then fewer errors are closer
    /// than more.
    pub(super) fn distance(&self) -> (Reverse<usize>, usize) {
        (Reverse(self.shallowest), self.errors)
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self { errors: 0, warnings: 0, shallowest: usize::MAX }
    }
}

impl Sink for Tally {
    fn error(&mut self, at: &Location<'_>, _: &Problem<'_>) {
        self.errors += 1;
        self.shallowest = self.shallowest.min(at.depth);
    }

    fn warning(&mut self, _: &Location<'_>, _: &Problem<'_>) {
        self.warnings += 1;
    }

    fn take(&mut self, branch: &Tally) -> bool {
        self.errors += branch.errors;
        self.warnings += branch.warnings;
        self.shallowest = self.shallowest.min(branch.shallowest);
        true
    }
}
