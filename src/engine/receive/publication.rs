//! Publishes a delivery with its explanation, and with the forwards that its response didn't wait for. It waits for
//! them for a short time; later results follow under the delivery's number.

use std::{borrow::Cow, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{Instant, timeout_at};

use super::{
    consumers::{Confirmations, Consumers, LateForwards, Slots, Update},
    explainer::PendingAssessment,
    forwards::PendingForward,
};
use crate::{
    net::receiver::BodyPermit,
    webhook::record::{Delivery, Forwarded, disagreement},
};

/// The maximum time between a delivery's response and its publication.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// A delivery whose response is known.
pub struct Publication {
    pub consumers: Arc<Consumers>,
    /// Not shared before it is published.
    pub delivery: Arc<Delivery>,
    /// The permit of its body.
    pub permit: BodyPermit,
    pub explanation: Option<PendingAssessment>,
    pub forwards: Vec<PendingForward>,
    /// What is left of the forward that provides the response. Resolves to its result if the rest of its response does
    /// not arrive.
    pub tail: Option<BoxFuture<'static, Option<Forwarded>>>,
}

impl Publication {
    /// Publishes the delivery: at once if nothing is pending, and soon otherwise.
    pub fn start(self, slots: Slots) {
        if self.explanation.is_none() && self.forwards.is_empty() {
            let (_, late) = self.publish(slots, false);
            late.start();
        } else {
            tokio::spawn(async move {
                let deadline = Instant::now() + LONGEST_WAIT;
                let mut publication = self;
                publication.wait_for_explanation(deadline).await;
                publication.wait_for_forwards(deadline).await;
                let (_, late) = publication.publish(slots, false);
                late.run().await;
            });
        }
    }

    /// Publishes the delivery, without waiting for its explanation, because its response waits until consumers have
    /// confirmed it.
    pub async fn start_confirmed(mut self, slots: Slots) -> Confirmations {
        self.wait_for_forwards(Instant::now() + LONGEST_WAIT).await;
        let (confirmations, late) = self.publish(slots, true);
        late.start();
        confirmations
    }

    async fn wait_for_explanation(&mut self, deadline: Instant) {
        let Some(explanation) = &mut self.explanation else { return };
        if let Ok(explained) = timeout_at(deadline, explanation).await {
            // An error leaves the delivery without findings.
            if let Ok(assessment) = explained {
                Arc::make_mut(&mut self.delivery).assessment = assessment;
            }
            self.explanation = None;
        }
    }

    async fn wait_for_forwards(&mut self, deadline: Instant) {
        for mut pending in std::mem::take(&mut self.forwards) {
            let ended = pending.by(deadline).await;
            let is_pending = ended.is_none();
            let forwarded = ended.unwrap_or_else(|| pending.so_far());
            Arc::make_mut(&mut self.delivery).forwards.push(forwarded);
            if is_pending {
                self.forwards.push(pending);
            }
        }
    }

    fn publish(self, slots: Slots, is_confirmation_wanted: bool) -> (Confirmations, Late) {
        let Self { consumers, delivery, permit, explanation, forwards, tail } = self;
        let confirmations = consumers.publish(Arc::clone(&delivery), &permit, slots, is_confirmation_wanted);
        (confirmations, Late { consumers, delivery, permit, explanation, forwards, tail })
    }
}

/// What is still pending when a delivery is published.
struct Late {
    consumers: Arc<Consumers>,
    delivery: Arc<Delivery>,
    permit: BodyPermit,
    explanation: Option<PendingAssessment>,
    forwards: Vec<PendingForward>,
    tail: Option<BoxFuture<'static, Option<Forwarded>>>,
}

impl Late {
    fn start(self) {
        if self.explanation.is_some() || !self.forwards.is_empty() || self.tail.is_some() {
            tokio::spawn(self.run());
        }
    }

    /// Publishes each part as it becomes available.
    async fn run(self) {
        let Self { consumers, delivery, permit, explanation, forwards, tail } = self;
        let mut forwards: FuturesUnordered<BoxFuture<'_, Option<Forwarded>>> = forwards
            .into_iter()
            .map(|mut pending| async move { Some(pending.result().await) }.boxed())
            .chain(tail)
            .collect();
        tokio::join!(
            async {
                if let Some(explanation) = explanation
                    && let Ok(assessment) = explanation.await
                    && !assessment.findings.is_empty()
                {
                    let findings = || Update::Findings {
                        seq: delivery.seq,
                        titles: delivery.assessment.titles().map(Cow::into_owned).collect(),
                        findings: assessment.findings.clone(),
                    };
                    consumers.publish_findings(findings).await;
                }
            },
            async {
                let mut is_after_problem = false;
                while let Some(forwarded) = forwards.next().await {
                    let Some(forwarded) = forwarded else { continue };
                    let forwards = vec![forwarded];
                    let warning = disagreement(&delivery.assessment.verdict, &forwards);
                    let results = LateForwards { forwards, warning, is_after_problem };
                    is_after_problem |= results.have_problem();
                    consumers.publish_forwards(&delivery, &permit, &results).await;
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::{
        engine::receive::{Deliveries, WhenFull, tests::delivery},
        webhook::{
            assessment::Assessment,
            diagnose::{Code, Finding},
            remedy::Remedy,
        },
    };

    fn explained() -> Assessment {
        let finding = Finding {
            code: Code::BodyBom,
            message: "a mark".to_owned(),
            remedy: Remedy::CheckAgeAtReceipt,
            detail: None,
        };
        Assessment { findings: vec![finding], ..delivery(1).assessment }
    }

    /// Publishes a delivery whose explanation is pending.
    fn start() -> (oneshot::Sender<Assessment>, Deliveries) {
        let mut consumers = Consumers::default();
        let deliveries = consumers.add(4, WhenFull::Skip);
        let (explain, explanation) = oneshot::channel();
        let publication = Publication {
            consumers: Arc::new(consumers),
            delivery: delivery(1).into(),
            permit: BodyPermit::default(),
            explanation: Some(explanation),
            forwards: Vec::new(),
            tail: None,
        };
        publication.start(Slots::default());
        (explain, deliveries)
    }

    /// The number and the findings of a delivery.
    fn findings(update: Option<Update>) -> (u64, usize) {
        let Some(Update::Delivery(published)) = update else { panic!("a delivery, not {update:?}") };
        (published.delivery().seq, published.delivery().assessment.findings.len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_delivery_waits_a_short_while_for_its_explanation() {
        let (explain, mut deliveries) = start();
        explain.send(explained()).unwrap();
        assert_eq!(findings(deliveries.next().await), (1, 1));
        assert!(deliveries.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_explanation_that_comes_later_follows_under_the_deliverys_number() {
        let begun = Instant::now();
        let (explain, mut deliveries) = start();
        assert_eq!((findings(deliveries.next().await), begun.elapsed()), ((1, 0), LONGEST_WAIT));
        explain.send(explained()).unwrap();
        let Some(Update::Findings { seq, titles, findings }) = deliveries.next().await else { panic!() };
        assert_eq!((seq, titles, findings), (1, vec!["unrecognised".to_owned()], explained().findings));
        assert!(deliveries.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_explanation_that_fails_is_not_waited_for() {
        let begun = Instant::now();
        let (explain, mut deliveries) = start();
        drop(explain);
        assert_eq!((findings(deliveries.next().await), begun.elapsed()), ((1, 0), Duration::ZERO));
        assert!(deliveries.next().await.is_none());
    }
}
