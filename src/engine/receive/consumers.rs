//! Passes every delivery to every consumer, such as the terminal. Each consumer has its own bounded queue, and chooses
//! what happens when it is full.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::{Instant, timeout_at},
};

use crate::{
    net::receiver::BodyPermit,
    webhook::{
        diagnose::Finding,
        record::{Delivery, Forwarded},
        remedy::Warning,
        request::{Headers, Request},
    },
};

/// What happens when a consumer can't keep up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It misses deliveries, and gets their number as [`Update::Missed`]. No response waits for it.
    Skip,
    /// The response waits until the consumer has confirmed the delivery. After this time, the response is 503.
    Wait(Duration),
}

/// The memory limit, in bytes, of the deliveries in the queue of a consumer that skips.
const QUEUE_BYTES: usize = 32 << 20;

/// About how much memory a delivery takes besides its bodies and headers, in bytes.
pub(super) const DELIVERY_BYTES: usize = 1 << 10;

/// The consumers of one receiver.
#[derive(Default)]
pub struct Consumers {
    queues: Vec<Consumer>,
    observers: Vec<DeliveryCallback>,
    response_observers: Vec<DeliveryCallback>,
    on_stall: Option<Box<dyn Fn(Duration) + Send + Sync>>,
    /// Whether the last response that waited for a consumer did so in vain.
    is_stalled: AtomicBool,
}

type DeliveryCallback = Box<dyn Fn(&Delivery) + Send + Sync>;

#[derive(Debug)]
struct Consumer {
    queue: mpsc::Sender<QueuedUpdate>,
    when_full: WhenFull,
    missed: Arc<AtomicU64>,
    bytes: Arc<AtomicUsize>,
}

/// An update in a queue.
#[derive(Debug)]
struct QueuedUpdate {
    update: Update,
    /// The number of deliveries missed before it.
    missed: u64,
}

/// What a consumer gets.
#[derive(Debug)]
pub enum Update {
    Delivery(Published),
    /// The findings on a rejected delivery that was published without any.
    Findings {
        /// The delivery's number.
        seq: u64,
        /// The delivery's [titles](crate::webhook::assessment::Assessment::titles).
        titles: Vec<String>,
        /// At least one.
        findings: Vec<Finding>,
    },
    /// The results of forwards that had not ended when their delivery was published.
    Forwards {
        /// The delivery as it was published.
        delivery: Published,
        results: LateForwards,
    },
    /// The number of deliveries that were missed before this point.
    Missed(u64),
}

/// Results of forwards that had not ended when their delivery was published.
#[derive(Clone, Debug)]
pub struct LateForwards {
    /// At least one.
    pub forwards: Vec<Forwarded>,
    /// Set if a handler and hookdev disagree.
    pub warning: Option<Warning>,
    /// Whether an earlier one of these updates on the delivery had a problem.
    pub is_after_problem: bool,
}

impl LateForwards {
    /// Whether something is wrong: a handler failed, or disagrees with hookdev. The sender gets none of the responses,
    /// so only their statuses count.
    #[must_use]
    pub fn have_problem(&self) -> bool {
        let has_failed =
            |forwarded: &Forwarded| forwarded.outcome.as_ref().map_or(true, |response| response.status >= 300);
        self.warning.is_some() || self.forwards.iter().any(has_failed)
    }
}

impl fmt::Debug for Consumers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumers").field("queues", &self.queues).finish_non_exhaustive()
    }
}

impl Consumers {
    /// Adds a consumer whose queue holds up to `capacity` updates. A consumer that skips may drop its end to get no
    /// more updates; if one that responses wait for does so, no further delivery is confirmed.
    pub fn add(&mut self, capacity: usize, when_full: WhenFull) -> Deliveries {
        let (sender, queue) = mpsc::channel(capacity);
        let missed = Arc::new(AtomicU64::new(0));
        let bytes = Arc::new(AtomicUsize::new(0));
        self.queues.push(Consumer { queue: sender, when_full, missed: Arc::clone(&missed), bytes });
        Deliveries { queue, when_full, missed, next: None }
    }

    /// Calls a function for each delivery before its response. It must not block.
    pub fn observe(&mut self, observer: impl Fn(&Delivery) + Send + Sync + 'static) {
        self.observers.push(Box::new(observer));
    }

    pub(super) fn notify(&self, delivery: &Delivery) {
        self.observers.iter().for_each(|observer| observer(delivery));
    }

    /// Calls a function for each delivery once its response is certain, that is, once all consumers that responses wait
    /// for have confirmed it. It must not block.
    pub fn observe_responses(&mut self, observer: impl Fn(&Delivery) + Send + Sync + 'static) {
        self.response_observers.push(Box::new(observer));
    }

    pub(super) fn notify_response(&self, delivery: &Delivery) {
        self.response_observers.iter().for_each(|observer| observer(delivery));
    }

    /// Calls a function when a consumer has not confirmed a delivery in the given time, once until one is confirmed
    /// again. It must not block.
    pub fn on_stall(&mut self, callback: impl Fn(Duration) + Send + Sync + 'static) {
        self.on_stall = Some(Box::new(callback));
    }

    /// Calls [`on_stall`](Self::on_stall)'s function if this result of a response's wait is the first of a stall.
    pub(super) fn note_wait(&self, result: Result<(), Unwritten>) {
        match result {
            Ok(()) => self.is_stalled.store(false, Ordering::Relaxed),
            Err(Unwritten::Unread(limit)) => {
                if !self.is_stalled.swap(true, Ordering::Relaxed)
                    && let Some(on_stall) = &self.on_stall
                {
                    on_stall(limit);
                }
            }
            Err(Unwritten::Closed) => {}
        }
    }

    /// Whether responses wait for a consumer.
    pub(super) fn are_waited_for(&self) -> bool {
        self.queues.iter().any(|consumer| consumer.when_full != WhenFull::Skip)
    }

    /// Reserves a place in the queue of every consumer that responses wait for. If that takes too long, the consumer
    /// misses the delivery.
    pub(super) async fn reserve(&self) -> Result<Slots, Unwritten> {
        let mut slots = Vec::new();
        for consumer in &self.queues {
            let WhenFull::Wait(limit) = consumer.when_full else { continue };
            let deadline = Instant::now() + limit;
            match timeout_at(deadline, consumer.queue.clone().reserve_owned()).await {
                Ok(Ok(place)) => slots.push(QueueSlot { place, missed: Arc::clone(&consumer.missed), deadline, limit }),
                Ok(Err(_)) => return Err(Unwritten::Closed),
                Err(_) => {
                    consumer.missed.fetch_add(1, Ordering::Relaxed);
                    return Err(Unwritten::Unread(limit));
                }
            }
        }
        Ok(Slots(slots))
    }

    /// Publishes a delivery. Consumers that responses wait for get it through the slots, and confirm it if that is
    /// `wanted`.
    pub(super) fn publish(
        &self,
        delivery: Arc<Delivery>,
        permit: &BodyPermit,
        slots: Slots,
        is_confirmation_wanted: bool,
    ) -> Confirmations {
        for consumer in self.queues.iter().filter(|consumer| consumer.when_full == WhenFull::Skip) {
            consumer.offer(&delivery);
        }
        let mut confirmations = Vec::new();
        for QueueSlot { place, missed, deadline, limit } in slots.0 {
            let (confirm, confirmed) = oneshot::channel();
            if is_confirmation_wanted {
                confirmations.push((confirmed, deadline, limit));
            }
            let update = Update::Delivery(Published {
                delivery: Arc::clone(&delivery),
                confirm: is_confirmation_wanted.then_some((confirm, limit)),
                _permit: permit.clone(),
                _room: None,
            });
            drop(place.send(QueuedUpdate { update, missed: missed.swap(0, Ordering::Relaxed) }));
        }
        Confirmations { delivery, awaited: confirmations }
    }

    /// Publishes findings that come after their delivery, as [`publish_late`](Self::publish_late) does.
    pub(super) async fn publish_findings(&self, update: impl Fn() -> Update) {
        self.publish_late(|_| Some(update())).await;
    }

    /// Publishes results of forwards that come after their delivery, as [`publish_late`](Self::publish_late) does.
    pub(super) async fn publish_forwards(&self, delivery: &Arc<Delivery>, permit: &BodyPermit, results: &LateForwards) {
        self.publish_late(|consumer| {
            let delivery = consumer.share(delivery, permit)?;
            Some(Update::Forwards { delivery, results: results.clone() })
        })
        .await;
    }

    /// Publishes an update that no response waits for. A consumer that skips misses it if its queue is full. One that
    /// responses wait for gets it once there is space, and misses it if that takes longer than they would wait.
    async fn publish_late(&self, update: impl Fn(&Consumer) -> Option<Update>) {
        let waiting = self.queues.iter().filter_map(|consumer| {
            let update = QueuedUpdate { update: update(consumer)?, missed: 0 };
            match consumer.when_full {
                WhenFull::Skip => {
                    let _ = consumer.queue.try_send(update);
                    None
                }
                WhenFull::Wait(limit) => Some(consumer.queue.send_timeout(update, limit)),
            }
        });
        join_all(waiting).await;
    }
}

impl Consumer {
    /// Puts a delivery into the queue, or counts it as missed.
    fn offer(&self, delivery: &Arc<Delivery>) {
        let Some(published) = self.share(delivery, &BodyPermit::default()) else {
            self.missed.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let missed = self.missed.swap(0, Ordering::Relaxed);
        let update = Update::Delivery(published);
        if let Err(TrySendError::Full(_)) = self.queue.try_send(QueuedUpdate { update, missed }) {
            self.missed.fetch_add(missed + 1, Ordering::Relaxed);
        }
    }

    /// A delivery for the queue, without a confirmation. A consumer that skips doesn't hold the permit, because its
    /// queue limits its own memory. `None` if that has no room.
    fn share(&self, delivery: &Arc<Delivery>, permit: &BodyPermit) -> Option<Published> {
        let (permit, room) = match self.when_full {
            WhenFull::Skip => (BodyPermit::default(), Some(Room::take(&self.bytes, size(delivery))?)),
            WhenFull::Wait(_) => (permit.clone(), None),
        };
        Some(Published { delivery: Arc::clone(delivery), confirm: None, _permit: permit, _room: room })
    }
}

/// About how much memory a delivery takes, in bytes.
pub(super) fn size(delivery: &Delivery) -> usize {
    let Request { target, headers, body, .. } = &delivery.request;
    let forwards = delivery.forwards.iter().map(response_size).sum::<usize>();
    DELIVERY_BYTES + target.len() + headers_size(headers) + body.len() + forwards
}

/// About how much memory the response to a forward takes, in bytes.
pub(super) fn response_size(forwarded: &Forwarded) -> usize {
    forwarded.outcome.as_ref().map_or(0, |response| response.body.len() + headers_size(&response.headers))
}

fn headers_size(headers: &Headers) -> usize {
    headers.iter().map(|(_, value)| value.len() + 64).sum()
}

/// A share of [`QUEUE_BYTES`], returned when dropped.
#[derive(Debug)]
struct Room {
    bytes: usize,
    taken: Arc<AtomicUsize>,
}

impl Room {
    /// Takes a share; `None` if there is not enough left. A single delivery of any size always has room.
    fn take(taken: &Arc<AtomicUsize>, bytes: usize) -> Option<Self> {
        let before = taken.fetch_add(bytes, Ordering::Relaxed);
        let room = Self { bytes, taken: Arc::clone(taken) };
        (before == 0 || before + bytes <= QUEUE_BYTES).then_some(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A place for one delivery in the queue of every consumer that responses wait for.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<QueueSlot>);

#[derive(Debug)]
struct QueueSlot {
    place: mpsc::OwnedPermit<QueuedUpdate>,
    missed: Arc<AtomicU64>,
    deadline: Instant,
    limit: Duration,
}

/// The confirmations that the response of a delivery waits for.
#[derive(Debug)]
pub(super) struct Confirmations {
    delivery: Arc<Delivery>,
    awaited: Vec<(oneshot::Receiver<()>, Instant, Duration)>,
}

impl Confirmations {
    /// Waits until every consumer that responses wait for has confirmed the delivery.
    pub async fn received(self) -> Result<Arc<Delivery>, Unwritten> {
        for (confirmed, deadline, limit) in self.awaited {
            match timeout_at(deadline, confirmed).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Unwritten::Closed),
                Err(_) => return Err(Unwritten::Unread(limit)),
            }
        }
        Ok(self.delivery)
    }
}

/// Why a delivery was not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unwritten {
    #[error("the output was not read for {} s", .0.as_secs())]
    Unread(Duration),
    #[error("the output is closed")]
    Closed,
}

/// A delivery as a consumer gets it. It holds the bodies' share of the memory budget: a consumer that keeps the
/// delivery longer than this must limit its own memory.
#[derive(Debug)]
pub struct Published {
    delivery: Arc<Delivery>,
    confirm: Option<(oneshot::Sender<()>, Duration)>,
    _permit: BodyPermit,
    _room: Option<Room>,
}

impl Published {
    /// The delivery.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// The delivery, to keep.
    pub fn shared(&self) -> Arc<Delivery> {
        Arc::clone(&self.delivery)
    }

    /// The confirmation to give once the delivery is written.
    pub fn into_confirmation(self) -> Confirmation {
        Confirmation(self.confirm.map(|(confirm, _)| confirm))
    }

    /// The delivery with its actual response, in case the response no longer waited for its confirmation.
    fn settled(mut self) -> Self {
        if let Some((_, limit)) = self.confirm.take_if(|(confirm, _)| confirm.is_closed()) {
            Arc::make_mut(&mut self.delivery).fail(Unwritten::Unread(limit).to_string());
        }
        self
    }
}

/// Releases the response of a delivery, if it waits. If this is dropped instead, the response is 503.
#[derive(Debug)]
pub struct Confirmation(Option<oneshot::Sender<()>>);

impl Confirmation {
    /// Confirms that the delivery is written.
    pub fn confirm(self) {
        if let Some(confirm) = self.0 {
            // This fails if the response no longer waits.
            let _ = confirm.send(());
        }
    }
}

/// A consumer's end of its queue.
#[derive(Debug)]
pub struct Deliveries {
    queue: mpsc::Receiver<QueuedUpdate>,
    when_full: WhenFull,
    missed: Arc<AtomicU64>,
    /// The update to return after the number of missed deliveries.
    next: Option<Update>,
}

impl Deliveries {
    /// Whether responses wait until their deliveries are confirmed here.
    pub fn are_waited_for(&self) -> bool {
        self.when_full != WhenFull::Skip
    }

    /// The next update, in the order of publication. `None` once the receiver and its forwards have ended. Cancel safe.
    pub async fn next(&mut self) -> Option<Update> {
        if let Some(update) = self.next_queued() {
            return Some(update);
        }
        match self.queue.recv().await {
            Some(queued) => Some(self.unpack(queued)),
            None => self.take_missed(),
        }
    }

    /// The next update, if there is one.
    pub fn next_queued(&mut self) -> Option<Update> {
        if let Some(update) = self.next.take() {
            return Some(update);
        }
        match self.queue.try_recv() {
            Ok(queued) => Some(self.unpack(queued)),
            Err(_) => self.take_missed(),
        }
    }

    fn unpack(&mut self, QueuedUpdate { update, missed }: QueuedUpdate) -> Update {
        let update = match update {
            Update::Delivery(published) => Update::Delivery(published.settled()),
            other => other,
        };
        if missed == 0 {
            return update;
        }
        self.next = Some(update);
        Update::Missed(missed)
    }

    fn take_missed(&self) -> Option<Update> {
        Some(self.missed.swap(0, Ordering::Relaxed)).filter(|missed| *missed > 0).map(Update::Missed)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::engine::receive::tests::{delivery, delivery_of};

    const LIMIT: Duration = Duration::from_secs(10);

    /// Publishes a delivery, and waits for the confirmations as its response does.
    async fn publish(consumers: &Consumers, seq: u64) -> Result<(), Unwritten> {
        let slots = consumers.reserve().await?;
        consumers.publish(delivery(seq).into(), &BodyPermit::default(), slots, true).received().await.map(drop)
    }

    /// The next update in short, confirmed.
    fn next(deliveries: &mut Deliveries) -> Option<String> {
        Some(match deliveries.next_queued()? {
            Update::Delivery(published) => {
                let Delivery { seq, status, .. } = *published.delivery();
                published.into_confirmation().confirm();
                format!("delivery {seq} {status}")
            }
            Update::Missed(count) => format!("missed {count}"),
            other => format!("{other:?}"),
        })
    }

    fn all(deliveries: &mut Deliveries) -> Vec<String> {
        std::iter::from_fn(|| next(deliveries)).collect()
    }

    #[tokio::test]
    async fn every_consumer_gets_every_delivery_in_order() {
        let mut consumers = Consumers::default();
        let (mut one, mut two) = (consumers.add(2, WhenFull::Skip), consumers.add(2, WhenFull::Skip));
        publish(&consumers, 1).await.unwrap();
        publish(&consumers, 2).await.unwrap();
        drop(consumers);
        for deliveries in [&mut one, &mut two] {
            assert_eq!(all(deliveries), ["delivery 1 200", "delivery 2 200"]);
            assert!(deliveries.next().await.is_none());
        }
    }

    #[tokio::test]
    async fn a_consumer_that_skips_learns_how_many_deliveries_it_missed_and_where() {
        let mut consumers = Consumers::default();
        let mut deliveries = consumers.add(2, WhenFull::Skip);
        for seq in 1..=5 {
            publish(&consumers, seq).await.unwrap();
        }
        assert_eq!(next(&mut deliveries).unwrap(), "delivery 1 200");
        publish(&consumers, 6).await.unwrap();
        publish(&consumers, 7).await.unwrap();
        assert_eq!(all(&mut deliveries), ["delivery 2 200", "missed 3", "delivery 6 200", "missed 1"]);
        publish(&consumers, 8).await.unwrap();
        publish(&consumers, 9).await.unwrap();
        publish(&consumers, 10).await.unwrap();
        drop(consumers);
        assert_eq!(all(&mut deliveries), ["delivery 8 200", "delivery 9 200", "missed 1"]);
        assert!(deliveries.next().await.is_none());
    }

    #[tokio::test]
    async fn the_bodies_in_a_queue_are_bounded() {
        let mut consumers = Consumers::default();
        let mut deliveries = consumers.add(100, WhenFull::Skip);
        let publish = |seq, bytes| {
            consumers.publish(
                delivery_of(seq, vec![b'x'; bytes]).into(),
                &BodyPermit::default(),
                Slots::default(),
                true,
            );
        };
        // A single one always has room, whatever its size; three of these don't.
        publish(1, 2 * QUEUE_BYTES);
        publish(2, 1);
        assert_eq!(all(&mut deliveries), ["delivery 1 200", "missed 1"]);
        for seq in 3..=5 {
            publish(seq, QUEUE_BYTES / 2 - 2 * DELIVERY_BYTES);
        }
        assert_eq!(all(&mut deliveries), ["delivery 3 200", "delivery 4 200", "missed 1"]);
    }

    #[tokio::test]
    async fn a_response_waits_until_its_own_delivery_is_confirmed() {
        let mut consumers = Consumers::default();
        let mut deliveries = consumers.add(2, WhenFull::Wait(LIMIT));
        let (mut first, mut second) = (Box::pin(publish(&consumers, 1)), Box::pin(publish(&consumers, 2)));
        assert!((first.as_mut().now_or_never().is_none()) && second.as_mut().now_or_never().is_none());
        assert_eq!(next(&mut deliveries).unwrap(), "delivery 1 200");
        assert_eq!((first.now_or_never(), second.as_mut().now_or_never()), (Some(Ok(())), None));
        assert_eq!(next(&mut deliveries).unwrap(), "delivery 2 200");
        assert_eq!(second.now_or_never(), Some(Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn while_nothing_is_confirmed_responses_fail_after_the_limit_and_later_lines_say_so() {
        let mut consumers = Consumers::default();
        let mut deliveries = consumers.add(1, WhenFull::Wait(LIMIT));
        let begun = Instant::now();
        let failed = Err(Unwritten::Unread(LIMIT));
        // The first is in the queue, and the second finds no place in it.
        let results = tokio::join!(publish(&consumers, 1), publish(&consumers, 2));
        assert_eq!((results, begun.elapsed()), ((failed, failed), LIMIT));
        let Some(Update::Delivery(first)) = deliveries.next_queued() else { panic!() };
        let error = "the output was not read for 10 s";
        assert_eq!((first.delivery().status, first.delivery().capture_error.as_deref()), (503, Some(error)));
        assert_eq!(all(&mut deliveries), ["missed 1"]);
        drop(deliveries);
        assert_eq!(publish(&consumers, 3).await, Err(Unwritten::Closed));
    }

    #[test]
    fn a_stall_is_reported_once_until_something_is_confirmed_again() {
        let mut consumers = Consumers::default();
        let (report, reports) = std::sync::mpsc::channel();
        consumers.on_stall(move |limit| report.send(limit).unwrap());
        let unread = Err(Unwritten::Unread(LIMIT));
        for (result, expected) in
            [(Ok(()), 0), (unread, 1), (unread, 0), (Err(Unwritten::Closed), 0), (unread, 0), (Ok(()), 0), (unread, 1)]
        {
            consumers.note_wait(result);
            assert_eq!(reports.try_iter().collect::<Vec<_>>(), vec![LIMIT; expected], "after {result:?}");
        }
    }

    #[tokio::test]
    async fn a_consumer_that_skips_and_has_gone_holds_up_nobody() {
        let mut consumers = Consumers::default();
        drop(consumers.add(1, WhenFull::Skip));
        let mut left = consumers.add(1, WhenFull::Skip);
        publish(&consumers, 1).await.unwrap();
        assert_eq!(all(&mut left), ["delivery 1 200"]);
    }

    fn findings() -> Update {
        Update::Findings { seq: 1, titles: vec!["x".to_owned()], findings: Vec::new() }
    }

    const FINDINGS: &str = r#"Findings { seq: 1, titles: ["x"], findings: [] }"#;

    #[tokio::test]
    async fn what_becomes_known_later_follows_its_delivery() {
        let mut consumers = Consumers::default();
        let mut deliveries = consumers.add(2, WhenFull::Skip);
        publish(&consumers, 1).await.unwrap();
        // There is no space for the second.
        consumers.publish_findings(findings).await;
        consumers.publish_findings(findings).await;
        assert_eq!(all(&mut deliveries), ["delivery 1 200", FINDINGS]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_becomes_known_later_waits_for_space_as_long_as_a_response_would() {
        let mut consumers = Consumers::default();
        let mut deliveries = consumers.add(1, WhenFull::Wait(LIMIT));
        let slots = consumers.reserve().await.unwrap();
        consumers.publish(delivery(1).into(), &BodyPermit::default(), slots, false);
        let mut late = Box::pin(consumers.publish_findings(findings));
        assert_eq!(late.as_mut().now_or_never(), None);
        assert_eq!(next(&mut deliveries).unwrap(), "delivery 1 200");
        late.await;
        let begun = Instant::now();
        // The queue is full again, and nothing reads it.
        consumers.publish_findings(findings).await;
        assert_eq!((begun.elapsed(), all(&mut deliveries)), (LIMIT, vec![FINDINGS.to_owned()]));
    }
}
