//! Counts what a run of `verify` saw, and what follows from it.

use super::pipeline::Told;
use crate::{
    commands::exit::Exit,
    webhook::{assessment::PayloadCheck, signature::Verdict},
};

/// How many of each there were.
#[derive(Debug, Default)]
pub struct Tally {
    verified: usize,
    rejected: usize,
    unsigned: usize,
    unrecognised: usize,
    invalid: usize,
    /// Those that make the answer no, for whichever reason.
    failed: usize,
    /// Inputs and entries that could not be read.
    pub broken: usize,
    passed_over: usize,
}

impl Tally {
    /// Counts what is told.
    pub fn count(&mut self, told: &Told) {
        match told {
            Told::Broken(_) => self.broken += 1,
            Told::PassedOver(files) => self.passed_over += files,
            Told::Note(_) => {}
            Told::Good { signed: true } => self.verified += 1,
            Told::Good { signed: false } => self.unsigned += 1,
            Told::Verified { verified, .. } => {
                let counter = match verified.assessment.verdict {
                    Verdict::Verified(_) => &mut self.verified,
                    Verdict::Rejected(_) => &mut self.rejected,
                    Verdict::Unsigned => &mut self.unsigned,
                    Verdict::Unrecognised => &mut self.unrecognised,
                };
                *counter += 1;
                self.invalid += usize::from(matches!(verified.assessment.payload, PayloadCheck::Invalid(_)));
                self.failed += usize::from(!verified.is_good());
            }
        }
    }

    /// How many requests and broken inputs there were.
    pub fn seen(&self) -> usize {
        self.verified + self.rejected + self.unsigned + self.unrecognised + self.broken
    }

    /// What the exit code says of it.
    pub fn exit(&self) -> Exit {
        if self.broken > 0 {
            Exit::UnreadableInput
        } else if self.failed > 0 {
            Exit::Failed
        } else {
            Exit::Success
        }
    }

    /// The counts in one line.
    pub fn summary(&self) -> String {
        let total = self.seen() - self.broken;
        let parts = [
            (self.verified, "verified"),
            (self.unsigned, "unsigned by design"),
            (self.rejected, "rejected"),
            (self.unrecognised, "unrecognised"),
            (self.invalid, "with an invalid payload"),
            (self.broken, "that could not be read"),
        ];
        let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        let plural = if total == 1 { "" } else { "s" };
        let counts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        let passed_over = match self.passed_over {
            0 => String::new(),
            1 => "; 1 file passed over".to_owned(),
            files => format!("; {files} files passed over"),
        };
        format!("{total} request{plural}{counts}{passed_over}\n")
    }
}
