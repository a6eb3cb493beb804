//! Groups the failures of one case that have the same cause, to show them once with a short list of the deliveries.

use std::{collections::HashSet, time::Duration};

use super::columns::{event_label, sent_label};
use crate::webhook::contract::{CaseName, CaseOutcome, CaseProblem, CaseRecord};

/// Deliveries of one case that failed in the same way, in the order they were sent.
#[derive(Clone, Debug)]
pub(super) struct FailureGroup {
    first: CaseRecord,
    others: Vec<CaseRecord>,
}

impl FailureGroup {
    /// A group with one failure.
    pub(super) const fn new(first: CaseRecord) -> Self {
        Self { first, others: Vec::new() }
    }

    /// Adds another failure if it has the same cause. Returns whether it has.
    pub(super) fn add(&mut self, record: &CaseRecord) -> bool {
        let has_same_cause = cause(&self.first) == cause(record);
        if has_same_cause {
            self.others.push(record.clone());
        }
        has_same_cause
    }

    /// The first failure of the group.
    pub(super) const fn first(&self) -> &CaseRecord {
        &self.first
    }

    /// The number of failures.
    pub(super) const fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// The longest response time.
    pub(super) fn elapsed(&self) -> Option<Duration> {
        self.all().filter_map(|record| record.elapsed).max()
    }

    /// The failure message the group shares.
    pub(super) fn message(&self) -> &str {
        let Some(CaseProblem { message, .. }) = self.first.outcome.problem() else { return "" };
        if self.others.is_empty() { message } else { common(&self.first, message) }
    }

    /// The names of the deliveries, shortened; `planned` are all cases of the run.
    pub(super) fn names(&self, planned: &[CaseRecord]) -> String {
        let of_case = || planned.iter().filter(|record| record.name == self.first.name);
        if self.count() == of_case().count() && self.first.name == CaseName::EventAccepted {
            return "all events".to_owned();
        }
        let (mut names, mut listed) = (Vec::new(), HashSet::new());
        for record in self.all() {
            let count = self.all().filter(|other| other.event == record.event).count();
            let is_whole = count == of_case().filter(|other| other.event == record.event).count();
            if is_whole && count == self.count() {
                return event_label(record).to_owned();
            } else if !is_whole || count == 1 {
                names.push(sent_label(record, true));
            } else if listed.insert(&record.event) {
                names.push(format!("{} ×{count}", event_label(record)));
            }
        }
        names.join(", ")
    }

    fn all(&self) -> impl Iterator<Item = &CaseRecord> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// A failure without the details of its delivery.
fn cause(record: &CaseRecord) -> (CaseName, Option<u16>, CaseOutcome) {
    let mut outcome = record.outcome.clone();
    if let CaseOutcome::Failed(problem) | CaseOutcome::Warned(problem) = &mut outcome {
        problem.message = common(record, &problem.message).to_owned();
    }
    (record.name, record.status, outcome)
}

/// The message without the details of its delivery.
fn common<'a>(record: &CaseRecord, message: &'a str) -> &'a str {
    message.strip_prefix(&record.sends).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message)
}
