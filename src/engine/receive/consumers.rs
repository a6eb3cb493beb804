//! Hands every delivery to every consumer, such as the terminal. Each consumer has its own bounded queue, and chooses
//! what happens when it is full.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::mpsc::{
    self,
    error::{TryRecvError, TrySendError},
};

use super::explainer::Explanation;
use crate::{net::receiver::BodyPermit, webhook::record::Delivery};

/// What happens when a consumer's queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Senders wait for their responses until there is room, and the consumer gets every delivery.
    Wait,
    /// The consumer misses the delivery; [`Deliveries::missed`] counts it.
    Skip,
}

/// The consumers of one receiver.
#[derive(Debug, Default)]
pub struct Consumers(Vec<Consumer>);

#[derive(Clone, Debug)]
struct Consumer {
    queue: mpsc::Sender<Published>,
    when_full: WhenFull,
    missed: Arc<AtomicU64>,
}

impl Consumers {
    /// Adds a consumer whose queue holds up to `capacity` deliveries. A consumer that drops its end gets no more.
    pub fn add(&mut self, capacity: usize, when_full: WhenFull) -> Deliveries {
        let (sender, queue) = mpsc::channel(capacity);
        let missed = Arc::new(AtomicU64::new(0));
        self.0.push(Consumer { queue: sender, when_full, missed: Arc::clone(&missed) });
        Deliveries { queue, pending: None, missed }
    }

    /// Reserves a slot in every queue, and waits for it where the consumer wants every delivery.
    pub(super) async fn reserve(&self) -> Slots {
        let mut slots = Vec::with_capacity(self.0.len());
        for consumer in self.0.iter().filter(|consumer| !consumer.queue.is_closed()) {
            match consumer.when_full {
                WhenFull::Wait => slots.extend(consumer.queue.clone().reserve_owned().await.ok().map(Slot::Reserved)),
                WhenFull::Skip => slots.push(Slot::IfFree(consumer.clone())),
            }
        }
        Slots(slots)
    }
}

/// A place for one delivery in the queue of every consumer.
#[derive(Debug)]
pub(super) struct Slots(Vec<Slot>);

#[derive(Debug)]
enum Slot {
    Reserved(mpsc::OwnedPermit<Published>),
    IfFree(Consumer),
}

impl Slots {
    /// Whether there are no consumers left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Publishes a delivery.
    pub fn publish(self, delivery: Delivery, explanation: Option<Explanation>, permit: BodyPermit) {
        let mut published = Some(Published { delivery: Arc::new(delivery), explanation, _permit: Arc::new(permit) });
        let mut slots = self.0.into_iter().peekable();
        while let Some(slot) = slots.next() {
            // The last consumer gets the original, so that a single consumer's delivery is never copied.
            let copy = if slots.peek().is_some() { published.clone() } else { published.take() };
            let Some(copy) = copy else { return };
            match slot {
                Slot::Reserved(reserved) => drop(reserved.send(copy)),
                Slot::IfFree(consumer) => {
                    if let Err(TrySendError::Full(_)) = consumer.queue.try_send(copy) {
                        consumer.missed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
    }
}

/// A delivery as consumers get it. It holds the body's share of the memory for all bodies: a consumer that keeps the
/// body longer than this must limit its memory itself.
#[derive(Clone, Debug)]
pub struct Published {
    delivery: Arc<Delivery>,
    /// `None` once the delivery holds its findings.
    explanation: Option<Explanation>,
    _permit: Arc<BodyPermit>,
}

impl Published {
    /// The delivery, with the findings of its rejection.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }
}

/// A consumer's end of its queue.
#[derive(Debug)]
pub struct Deliveries {
    queue: mpsc::Receiver<Published>,
    /// The delivery whose findings are awaited.
    pending: Option<Published>,
    missed: Arc<AtomicU64>,
}

impl Deliveries {
    /// The next delivery, in order of publication. `None` once the receiver and its forwards have ended. Cancel safe.
    pub async fn next(&mut self) -> Option<Published> {
        if self.pending.is_none() {
            self.pending = Some(self.queue.recv().await?);
        }
        self.explained().await
    }

    /// The next delivery, if one is in the queue.
    pub async fn next_queued(&mut self) -> Option<Published> {
        if self.pending.is_none() {
            self.pending = match self.queue.try_recv() {
                Ok(published) => Some(published),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
            };
        }
        self.explained().await
    }

    /// How many deliveries the consumer missed because its queue was full.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// The pending delivery, once it holds its findings. Later ones wait for it, which keeps their order.
    async fn explained(&mut self) -> Option<Published> {
        let pending = self.pending.as_mut()?;
        if let Some(explanation) = &mut pending.explanation {
            // An error leaves the delivery without findings.
            if let Ok(assessment) = explanation.await {
                Arc::make_mut(&mut pending.delivery).assessment = assessment;
            }
            pending.explanation = None;
        }
        self.pending.take()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::{engine::receive::tests::delivery, webhook::assessment::Assessment};

    async fn publish(consumers: &Consumers, seq: u64) {
        consumers.reserve().await.publish(delivery(seq), None, BodyPermit::default());
    }

    #[tokio::test]
    async fn every_consumer_gets_every_delivery_in_order() {
        let mut consumers = Consumers::default();
        let (mut one, mut two) = (consumers.add(2, WhenFull::Wait), consumers.add(2, WhenFull::Skip));
        publish(&consumers, 1).await;
        publish(&consumers, 2).await;
        drop(consumers);
        for deliveries in [&mut one, &mut two] {
            assert_eq!(deliveries.next().await.unwrap().delivery().seq, 1);
            assert_eq!(deliveries.next_queued().await.unwrap().delivery().seq, 2);
            assert!(deliveries.next_queued().await.is_none());
            assert!(deliveries.next().await.is_none());
            assert_eq!(deliveries.missed(), 0);
        }
    }

    #[tokio::test]
    async fn a_full_queue_makes_senders_wait_or_misses_the_delivery() {
        let mut consumers = Consumers::default();
        let mut skips = consumers.add(1, WhenFull::Skip);
        publish(&consumers, 1).await;
        publish(&consumers, 2).await;
        assert_eq!(skips.missed(), 1);

        let mut waits = consumers.add(1, WhenFull::Wait);
        publish(&consumers, 3).await;
        assert_eq!(skips.missed(), 2);
        assert!(consumers.reserve().now_or_never().is_none());
        assert_eq!(waits.next().await.unwrap().delivery().seq, 3);
        publish(&consumers, 4).await;
        assert_eq!(waits.next().await.unwrap().delivery().seq, 4);
        assert_eq!((skips.next().await.unwrap().delivery().seq, skips.missed()), (1, 3));
    }

    #[tokio::test]
    async fn a_consumer_that_has_gone_holds_up_nobody() {
        let mut consumers = Consumers::default();
        let gone = consumers.add(1, WhenFull::Wait);
        publish(&consumers, 1).await;
        drop(gone);
        assert!(consumers.reserve().await.is_empty());
        let mut left = consumers.add(1, WhenFull::Wait);
        publish(&consumers, 2).await;
        assert_eq!(left.next().await.unwrap().delivery().seq, 2);
    }

    #[tokio::test]
    async fn a_delivery_waits_for_its_findings_and_later_ones_wait_too() {
        let mut consumers = Consumers::default();
        let (mut one, mut two) = (consumers.add(2, WhenFull::Wait), consumers.add(2, WhenFull::Wait));
        let (explain, explanation) = tokio::sync::oneshot::channel();
        let first = delivery(1);
        let explained = Assessment { summary: Some("explained".to_owned()), ..first.assessment.clone() };
        consumers.reserve().await.publish(first, Some(explanation.shared()), BodyPermit::default());
        publish(&consumers, 2).await;
        for deliveries in [&mut one, &mut two] {
            assert!(deliveries.next().now_or_never().is_none());
            assert!(deliveries.next_queued().now_or_never().is_none());
        }
        explain.send(explained).unwrap();
        for deliveries in [&mut one, &mut two] {
            let first = deliveries.next().await.unwrap();
            assert_eq!((first.delivery().seq, first.delivery().assessment.summary.as_deref()), (1, Some("explained")));
            assert_eq!(deliveries.next().await.unwrap().delivery().seq, 2);
        }
    }
}
