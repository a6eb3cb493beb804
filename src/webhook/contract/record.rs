//! The result of a case: the values that `check` prints, in every format.

use std::time::Duration;

use super::name::CaseName;
use crate::webhook::{remedy::Remedy, response::Excerpt};

/// A case and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRecord {
    /// The provider's name.
    pub provider: String,
    /// The case.
    pub name: CaseName,
    /// The full name of the event that is sent.
    pub event: String,
    /// What is special about the request, in words. Empty for the plain event.
    pub sends: String,
    /// The expected response in words: `200 within 3 s`.
    pub expected: String,
    /// The expected status in words: `200`.
    pub expected_status: String,
    pub outcome: CaseOutcome,
    /// The status of the response that decided the outcome.
    pub status: Option<u16>,
    /// The time of the response that decided a failure, else the longest one.
    pub elapsed: Option<Duration>,
}

/// The outcome of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseOutcome {
    /// The handler responded as the contract expects.
    Passed,
    /// It did not.
    Failed(CaseProblem),
    /// It did not, but only proxies send such deliveries.
    Warned(CaseProblem),
    /// Not tried, for this reason.
    Skipped(String),
}

/// What went wrong in a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseProblem {
    /// What happened.
    pub message: String,
    /// The likely cause in the handler, and how to fix it.
    pub remedy: Option<Remedy>,
    /// The most helpful lines of the response's body.
    pub response: Option<Excerpt>,
}

impl CaseOutcome {
    /// What went wrong, if anything did.
    #[must_use]
    pub const fn problem(&self) -> Option<&CaseProblem> {
        match self {
            Self::Failed(problem) | Self::Warned(problem) => Some(problem),
            Self::Passed | Self::Skipped(_) => None,
        }
    }

    /// The name in all output.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Warned(_) => "warned",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// The number of cases with each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaseTally {
    /// Cases in which the handler responded as expected.
    pub passed: usize,
    /// Cases in which it did not.
    pub failed: usize,
    /// Cases in which it did not, with deliveries that only proxies send.
    pub warned: usize,
    /// Cases that were not tried.
    pub skipped: usize,
}

impl CaseTally {
    /// Whether no case was tried, so that nothing is known about the handler.
    #[must_use]
    pub const fn is_untried(self) -> bool {
        self.passed + self.failed + self.warned == 0
    }

    /// Counts one case.
    pub const fn add(&mut self, outcome: &CaseOutcome) {
        match outcome {
            CaseOutcome::Passed => self.passed += 1,
            CaseOutcome::Failed(_) => self.failed += 1,
            CaseOutcome::Warned(_) => self.warned += 1,
            CaseOutcome::Skipped(_) => self.skipped += 1,
        }
    }
}
