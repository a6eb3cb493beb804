//! Failures of one case that have one cause and are told of once: which deliveries they are, in few
//! words.

use std::{collections::HashSet, time::Duration};

use super::columns::{event_words, sent_words};
use crate::webhook::contract::{CaseName, CaseOutcome, CaseRecord};

/// Deliveries of one case that failed alike, in the order in which they were tried.
#[derive(Clone, Debug)]
pub(super) struct Alike {
    first: CaseRecord,
    others: Vec<CaseRecord>,
}

impl Alike {
    /// A failure by itself.
    pub(super) const fn new(first: CaseRecord) -> Self {
        Self { first, others: Vec::new() }
    }

    /// Takes in another failure, if it is alike.
    pub(super) fn takes(&mut self, record: &CaseRecord) -> bool {
        let is_alike = cause(&self.first) == cause(record);
        if is_alike {
            self.others.push(record.clone());
        }
        is_alike
    }

    /// The one that the others are like.
    pub(super) const fn first(&self) -> &CaseRecord {
        &self.first
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// The longest that an answer took.
    pub(super) fn elapsed(&self) -> Option<Duration> {
        self.all().filter_map(|record| record.elapsed).max()
    }

    /// What was seen of all of them.
    pub(super) fn message(&self) -> &str {
        let CaseOutcome::Failed { message, .. } = &self.first.outcome else { return "" };
        if self.others.is_empty() { message } else { common(&self.first, message) }
    }

    /// Which they are, of the cases that were to be tried.
    pub(super) fn names(&self, planned: &[CaseRecord]) -> String {
        let of_case = || planned.iter().filter(|record| record.name == self.first.name);
        if self.count() == of_case().count() && self.first.name == CaseName::EventAccepted {
            return "all events".to_owned();
        }
        let (mut names, mut told) = (Vec::new(), HashSet::new());
        for record in self.all() {
            let count = self.all().filter(|other| other.event == record.event).count();
            let is_whole = count == of_case().filter(|other| other.event == record.event).count();
            if is_whole && count == self.count() {
                return event_words(record).to_owned();
            } else if !is_whole || count == 1 {
                names.push(sent_words(record, true));
            } else if told.insert(&record.event) {
                names.push(format!("{} ×{count}", event_words(record)));
            }
        }
        names.join(", ")
    }

    fn all(&self) -> impl Iterator<Item = &CaseRecord> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// A failure without what the delivery has of its own.
fn cause(record: &CaseRecord) -> (CaseName, Option<u16>, CaseOutcome) {
    let mut outcome = record.outcome.clone();
    if let CaseOutcome::Failed { message, .. } = &mut outcome {
        *message = common(record, message).to_owned();
    }
    (record.name, record.status, outcome)
}

/// What was seen, without what the delivery has of its own.
fn common<'a>(record: &CaseRecord, message: &'a str) -> &'a str {
    message.strip_prefix(&record.sends).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message)
}
