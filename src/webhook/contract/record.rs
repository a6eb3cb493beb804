//! What is told of a case that was tried: the values behind every line of `check`.

use std::time::Duration;

use super::{cases::CaseName, gist::Gist};
use crate::webhook::remedy::Remedy;

/// A case, and how it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRecord {
    /// The provider's name.
    pub provider: String,
    /// The case.
    pub name: CaseName,
    /// The whole name of the event that it sends.
    pub event: String,
    /// What it sends of the event, in words; empty for the event as it is.
    pub sends: String,
    /// What the contract wants, in words: `200 within 3 s`.
    pub expected: String,
    /// The statuses that it wants: `200`.
    pub expected_status: String,
    /// How it came out.
    pub outcome: Outcome,
    /// The status of the answer that decided it.
    pub status: Option<u16>,
    /// The longest that an answer took, or the one that decided it.
    pub elapsed: Option<Duration>,
}

/// How a case came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As the contract wants it.
    Passed,
    /// Not so.
    Failed {
        /// What was seen.
        message: String,
        /// The likely cause in the handler, and how to fix it.
        remedy: Option<Remedy>,
        /// What the handler answered.
        answered: Option<Gist>,
    },
    /// Not tried, and why not.
    Skipped(String),
}

impl Outcome {
    /// Its name in all output.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "failed",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// How many cases came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// As the contract wants it.
    pub passed: usize,
    /// Not so.
    pub failed: usize,
    /// Not tried.
    pub skipped: usize,
}

impl Tally {
    /// Counts one.
    pub const fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed { .. } => self.failed += 1,
            Outcome::Skipped(_) => self.skipped += 1,
        }
    }
}
