//! Counts the deliveries that a test waits for, by event name or glob, or all of them.

use std::{collections::BTreeMap, iter, sync::Arc};

use glob::Pattern;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::consumers::Consumers;
use crate::webhook::{assessment::Assessment, record::Delivery, trust::Trust};

/// How many kinds of deliveries are counted apart. Senders choose the names.
const MAX_KINDS: usize = 100;

/// A number of deliveries to wait for.
#[derive(Clone, Debug)]
pub struct DeliveryExpectation {
    /// The events that count; `None` counts every delivery.
    pub events: Option<Pattern>,
    /// How many deliveries are expected.
    pub wanted: u64,
}

/// Expectations, each with the deliveries that have arrived. Only verified deliveries count, and those that the
/// provider sends unsigned; those signed with the development secret count if it is accepted.
#[derive(Clone, Debug, Default)]
pub struct DeliveryExpectations {
    expected: Vec<(DeliveryExpectation, Arrived)>,
    /// All deliveries, by event and verdict.
    received: BTreeMap<(String, &'static str), u64>,
}

/// What is missing when `listen` ends, and what it received instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shortfall {
    /// The expectations that are not met, in words.
    pub missing: Vec<String>,
    /// All deliveries, whether or not they count.
    pub received: Vec<ReceivedDeliveries>,
}

/// The deliveries of one event with one verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedDeliveries {
    /// The name of the event, else of the provider.
    pub event: String,
    /// The verdict in words.
    pub verdict: &'static str,
    /// How many there were.
    pub count: u64,
}

/// How many deliveries have arrived.
#[derive(Clone, Copy, Debug, Default)]
struct Arrived {
    received: u64,
    /// Those that could not be saved. They don't count, because their senders are asked to send them again.
    unsaved: u64,
}

impl Arrived {
    /// The deliveries that could not be saved, in words after the number of those received.
    fn unsaved(self) -> String {
        if self.unsaved == 0 { String::new() } else { format!(", {} could not be saved", self.unsaved) }
    }
}

impl FromIterator<DeliveryExpectation> for DeliveryExpectations {
    fn from_iter<I: IntoIterator<Item = DeliveryExpectation>>(expectations: I) -> Self {
        let expected = expectations.into_iter().map(|expectation| (expectation, Arrived::default())).collect();
        Self { expected, received: BTreeMap::new() }
    }
}

impl DeliveryExpectations {
    /// Counts the deliveries of a receiver from now on.
    pub fn count(self, consumers: &mut Consumers) -> ExpectationCounter {
        let counter = ExpectationCounter { expectations: Arc::new(Mutex::new(self)), met: CancellationToken::new() };
        if !counter.expectations.lock().expected.is_empty() {
            let counter = counter.clone();
            consumers.observe_responses(move |delivery| counter.add(delivery));
        }
        counter
    }

    fn add(&mut self, delivery: &Delivery) {
        let assessment = &delivery.assessment;
        for title in iter::once(assessment.title()).chain(assessment.further_events.iter().map(String::as_str)) {
            let kind = (title.to_owned(), verdict(assessment));
            if self.received.len() < MAX_KINDS || self.received.contains_key(&kind) {
                *self.received.entry(kind).or_default() += 1;
            }
        }
        if assessment.trust().is_none() {
            return;
        }
        for (DeliveryExpectation { events, .. }, arrived) in &mut self.expected {
            if events.as_ref().is_none_or(|events| assessment.titles().any(|title| events.matches(&title))) {
                let is_saved = delivery.capture_error.is_none();
                *(if is_saved { &mut arrived.received } else { &mut arrived.unsaved }) += 1;
            }
        }
    }

    fn met(&self) -> bool {
        self.expected.iter().all(|(expectation, arrived)| arrived.received >= expectation.wanted)
    }

    /// The expectations that are not met, in words.
    fn missing(&self) -> Vec<String> {
        let unmet = self.expected.iter().filter(|(expectation, arrived)| arrived.received < expectation.wanted);
        unmet
            .map(|(DeliveryExpectation { events, wanted }, arrived)| {
                let (received, unsaved) = (arrived.received, arrived.unsaved());
                match events {
                    Some(events) => format!("{events} ({received} of {wanted} received{unsaved})"),
                    None if *wanted == 1 => format!("1 delivery (0 received{unsaved})"),
                    None => format!("{wanted} deliveries ({received} received{unsaved})"),
                }
            })
            .collect()
    }
}

fn verdict(assessment: &Assessment) -> &'static str {
    match assessment.trust() {
        Some(Trust::Development) => "verified (development)",
        _ => assessment.verdict.name(),
    }
}

/// A running count.
#[derive(Clone, Debug)]
pub struct ExpectationCounter {
    expectations: Arc<Mutex<DeliveryExpectations>>,
    met: CancellationToken,
}

impl ExpectationCounter {
    /// Waits until every expectation is met; forever if there is none.
    pub async fn met(&self) {
        self.met.cancelled().await;
    }

    /// What is missing so far; `None` once every expectation is met.
    pub fn shortfall(&self) -> Option<Shortfall> {
        let expectations = self.expectations.lock();
        let missing = Some(expectations.missing()).filter(|missing| !missing.is_empty())?;
        let received = expectations.received.iter().map(|((event, verdict), count)| ReceivedDeliveries {
            event: event.clone(),
            verdict,
            count: *count,
        });
        Some(Shortfall { missing, received: received.collect() })
    }

    fn add(&self, delivery: &Delivery) {
        let mut expectations = self.expectations.lock();
        expectations.add(delivery);
        if expectations.met() {
            self.met.cancel();
        }
    }
}
