//! Counts the results of a run.

use super::Progress;
use crate::webhook::{assessment::PayloadCheck, signature::Verdict};

/// The counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests with a valid signature.
    pub verified: usize,
    /// Requests that were rejected.
    pub rejected: usize,
    /// Requests that the provider sends unsigned.
    pub unsigned: usize,
    /// Requests of no known provider.
    pub unrecognised: usize,
    /// Requests, of any verdict, whose payload violates its schema.
    pub invalid: usize,
    /// Requests that fail the run, for whatever reason.
    pub failed: usize,
    /// Inputs, and requests in them, that can't be read.
    pub unreadable: usize,
    /// Files that are not captures.
    pub skipped: usize,
}

impl Tally {
    /// Counts one step.
    pub fn add(&mut self, progress: &Progress) {
        match progress {
            Progress::Unreadable(_) => self.unreadable += 1,
            Progress::Skipped(files) => self.skipped += files,
            Progress::Note(_) => {}
            Progress::Passed { signed: true } => self.verified += 1,
            Progress::Passed { signed: false } => self.unsigned += 1,
            Progress::Verified { verification, .. } => {
                let counter = match verification.assessment.verdict {
                    Verdict::Verified(_) => &mut self.verified,
                    Verdict::Rejected(_) => &mut self.rejected,
                    Verdict::Unsigned => &mut self.unsigned,
                    Verdict::Unrecognised => &mut self.unrecognised,
                };
                *counter += 1;
                self.invalid += usize::from(matches!(verification.assessment.payload, PayloadCheck::Invalid(_)));
                self.failed += usize::from(!verification.passed());
            }
        }
    }

    /// The number of requests that were verified, whatever their verdict.
    #[must_use]
    pub const fn requests(&self) -> usize {
        self.verified + self.rejected + self.unsigned + self.unrecognised
    }

    /// The number of requests and of unreadable inputs.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.requests() + self.unreadable
    }
}
