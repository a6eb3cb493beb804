//! Counts the deliveries that a test waits for: events by name or glob, and a number of deliveries.

use std::panic;

use glob::Pattern;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::consumers::{Consumers, Deliveries, WhenFull};
use crate::webhook::record::Delivery;

/// The number of deliveries that may wait to be counted.
const QUEUE: usize = 128;

/// A number of deliveries to wait for.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The events that count; `None` counts every delivery.
    pub events: Option<Pattern>,
    /// How many deliveries are expected.
    pub wanted: u64,
}

/// Expectations, and how many deliveries have arrived for each. Only verified deliveries, and those that the provider
/// sends unsigned, count; those signed with the development secret count where it is accepted.
#[derive(Clone, Debug, Default)]
pub struct Expectations(Vec<(Expectation, u64)>);

impl FromIterator<Expectation> for Expectations {
    fn from_iter<I: IntoIterator<Item = Expectation>>(expectations: I) -> Self {
        Self(expectations.into_iter().map(|expectation| (expectation, 0)).collect())
    }
}

impl Expectations {
    /// Counts the deliveries of a receiver from now on.
    pub fn count(self, consumers: &mut Consumers) -> Counter {
        let met = CancellationToken::new();
        let counting = (!self.0.is_empty()).then(|| {
            let deliveries = consumers.add(QUEUE, WhenFull::Wait);
            tokio::spawn(self.count_until_met(deliveries, met.clone()))
        });
        Counter { met, counting }
    }

    async fn count_until_met(mut self, mut deliveries: Deliveries, met: CancellationToken) -> Self {
        while !self.met()
            && let Some(published) = deliveries.next().await
        {
            self.add(published.delivery());
        }
        if self.met() {
            met.cancel();
        }
        self
    }

    fn add(&mut self, delivery: &Delivery) {
        if delivery.assessment.trust().is_none() {
            return;
        }
        for (Expectation { events, .. }, seen) in &mut self.0 {
            if events.as_ref().is_none_or(|events| events.matches(delivery.assessment.title())) {
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
            .map(|(Expectation { events, wanted }, seen)| match events {
                Some(events) => format!("{events} ({seen} of {wanted} received)"),
                None => format!("{wanted} deliveries ({seen} received)"),
            })
            .collect()
    }
}

/// A running count.
#[derive(Debug)]
pub struct Counter {
    met: CancellationToken,
    counting: Option<JoinHandle<Expectations>>,
}

impl Counter {
    /// Waits until every expectation is met; forever if there is none.
    pub async fn met(&self) {
        self.met.cancelled().await;
    }

    /// The expectations that are not met, in words, once the receiver has ended.
    pub async fn missing(self) -> Vec<String> {
        let Some(counting) = self.counting else { return Vec::new() };
        match counting.await {
            Ok(expectations) => expectations.missing(),
            Err(error) => panic::resume_unwind(error.into_panic()),
        }
    }
}
