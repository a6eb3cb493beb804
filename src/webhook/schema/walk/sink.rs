//! What a walk reports to.

use std::cmp::Reverse;

use crate::webhook::schema::{location::Location, problem::SchemaProblem};

/// Receives what a walk finds.
pub(in crate::webhook::schema) trait Sink {
    /// Something that makes the payload invalid.
    fn error(&mut self, at: &Location<'_>, problem: &SchemaProblem<'_>);

    /// Something that is valid but not known, or could not be checked.
    fn warning(&mut self, at: &Location<'_>, problem: &SchemaProblem<'_>);

    /// Accepts the tally of a branch instead of its problems. Returns false if the sink needs the problems themselves.
    fn take(&mut self, _branch: &CountingSink) -> bool {
        false
    }
}

/// The sink that only counts.
pub(in crate::webhook::schema) struct CountingSink {
    pub(super) errors: usize,
    pub(super) warnings: usize,
    /// The depth of the error closest to the root.
    shallowest: usize,
}

impl CountingSink {
    /// How far a branch is from matching: a deep error is closer than one near the root, then fewer errors are closer
    /// than more.
    pub(super) fn distance(&self) -> (Reverse<usize>, usize) {
        (Reverse(self.shallowest), self.errors)
    }
}

impl Default for CountingSink {
    fn default() -> Self {
        Self { errors: 0, warnings: 0, shallowest: usize::MAX }
    }
}

impl Sink for CountingSink {
    fn error(&mut self, at: &Location<'_>, _: &SchemaProblem<'_>) {
        self.errors += 1;
        self.shallowest = self.shallowest.min(at.depth);
    }

    fn warning(&mut self, _: &Location<'_>, _: &SchemaProblem<'_>) {
        self.warnings += 1;
    }

    fn take(&mut self, branch: &CountingSink) -> bool {
        self.errors += branch.errors;
        self.warnings += branch.warnings;
        self.shallowest = self.shallowest.min(branch.shallowest);
        true
    }
}
