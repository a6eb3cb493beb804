//! Counts the deliveries that a test waits for, by event name or glob, or all of them.

use std::sync::Arc;

use glob::Pattern;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::consumers::Consumers;
use crate::webhook::record::Delivery;

/// A number of deliveries to wait for.
#[derive(Clone, Debug)]
pub struct DeliveryExpectation {
    /// The events that count; `None` counts every delivery.
    pub events: Option<Pattern>,
    /// How many deliveries are expected.
    pub wanted: u64,
}

/// Expectations, each with the number of deliveries that have arrived. Only verified deliveries count, and those that
/// the provider sends unsigned; those signed with the development secret count if it is accepted.
#[derive(Clone, Debug, Default)]
pub struct DeliveryExpectations(Vec<(DeliveryExpectation, u64)>);

impl FromIterator<DeliveryExpectation> for DeliveryExpectations {
    fn from_iter<I: IntoIterator<Item = DeliveryExpectation>>(expectations: I) -> Self {
        Self(expectations.into_iter().map(|expectation| (expectation, 0)).collect())
    }
}

impl DeliveryExpectations {
    /// Counts the deliveries of a receiver from now on.
    pub fn count(self, consumers: &mut Consumers) -> ExpectationCounter {
        let counter = ExpectationCounter { expectations: Arc::new(Mutex::new(self)), met: CancellationToken::new() };
        if !counter.expectations.lock().0.is_empty() {
            let counter = counter.clone();
            consumers.observe_responses(move |delivery| counter.add(delivery));
        }
        counter
    }

    fn add(&mut self, delivery: &Delivery) {
        // A delivery that could not be saved doesn't count, because its sender is asked to send it again.
        if delivery.assessment.trust().is_none() || delivery.capture_error.is_some() {
            return;
        }
        for (DeliveryExpectation { events, .. }, seen) in &mut self.0 {
            if events.as_ref().is_none_or(|events| delivery.assessment.titles().any(|title| events.matches(&title))) {
                *seen += 1;
            }
        }
    }

    fn met(&self) -> bool {
        self.0.iter().all(|(expectation, seen)| *seen >= expectation.wanted)
    }

    /// The expectations that are not met, in words.
    fn missing(&self) -> Vec<String> {
        let unmet = self.0.iter().filter(|(expectation, seen)| *seen < expectation.wanted);
        unmet
            .map(|(DeliveryExpectation { events, wanted }, seen)| match events {
                Some(events) => format!("{events} ({seen} of {wanted} received)"),
                None if *wanted == 1 => "1 delivery (0 received)".to_owned(),
                None => format!("{wanted} deliveries ({seen} received)"),
            })
            .collect()
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

    /// The expectations that are not met, in words.
    pub fn missing(&self) -> Vec<String> {
        self.expectations.lock().missing()
    }

    fn add(&self, delivery: &Delivery) {
        let mut expectations = self.expectations.lock();
        expectations.add(delivery);
        if expectations.met() {
            self.met.cancel();
        }
    }
}
