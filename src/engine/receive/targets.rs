//! Limits the deliveries in flight to each target. A hanging target uses up only its own places, and the place of a
//! sender that is gone is given to the next one.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// The maximum number of deliveries in flight to one target.
pub const MAX_IN_FLIGHT: usize = 64;

/// How many more may be in flight if the user's own secret verifies them. Anyone can send the others, and so use up all
/// places at a hanging handler.
pub const MAX_VERIFIED_IN_FLIGHT: usize = 16;

/// How many deliveries may be in flight to one target, those that are verified or all others.
pub const fn max_in_flight(is_verified: bool) -> usize {
    if is_verified { MAX_IN_FLIGHT + MAX_VERIFIED_IN_FLIGHT } else { MAX_IN_FLIGHT }
}

/// All targets, by their URL.
#[derive(Debug, Default)]
pub struct ForwardTargets(Mutex<HashMap<String, Arc<ForwardTarget>>>);

/// What a target missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissedDeliveries {
    /// The target's URL.
    pub url: String,
    /// How many deliveries it didn't get, or gave no whole response to.
    pub missed: u64,
    /// How many deliveries were meant for it.
    pub total: u64,
}

#[derive(Debug, Default)]
struct ForwardTarget {
    in_flight: Mutex<InFlight>,
    has_responded: AtomicBool,
    has_refused: AtomicBool,
    deliveries: AtomicU64,
    missed: AtomicU64,
    /// The advice given since the last response; empty if none.
    advice: Mutex<String>,
}

#[derive(Debug, Default)]
struct InFlight {
    count: usize,
    /// The places whose senders have closed their side, in that order.
    abandoned: VecDeque<Offer>,
    next_number: u64,
}

/// The place of a delivery whose sender has closed its side.
#[derive(Clone, Debug)]
struct Offer {
    number: u64,
    is_verified: bool,
    /// Cancelled when another delivery takes the place.
    taken: CancellationToken,
}

/// The place of one delivery. Dropping it frees the place.
#[derive(Debug)]
pub struct InFlightPermit {
    target: Arc<ForwardTarget>,
    is_verified: bool,
    /// Set once the sender has closed its side.
    offer: OnceLock<Offer>,
}

impl ForwardTargets {
    /// Takes a place among the deliveries to a target, if necessary that of a sender that is gone. `None` if all are
    /// taken. There are more for verified deliveries, whose places are given only to other verified ones.
    pub fn take(&self, url: &str, is_verified: bool) -> Option<InFlightPermit> {
        let target = self.target(url);
        {
            let mut in_flight = target.in_flight.lock();
            if in_flight.count < max_in_flight(is_verified) {
                in_flight.count += 1;
            } else {
                let unverified = in_flight.abandoned.iter().position(|offer| !offer.is_verified);
                let index = unverified.or(is_verified.then_some(0))?;
                in_flight.abandoned.remove(index)?.taken.cancel();
            }
        }
        Some(InFlightPermit { target, is_verified, offer: OnceLock::new() })
    }

    /// Records that all places of a target were taken. Returns whether that was so for the first time.
    pub fn is_first_refusal(&self, url: &str) -> bool {
        !self.target(url).has_refused.swap(true, Ordering::Relaxed)
    }

    /// Forgets which advice a target's failures came with, so that the next failure has some again.
    pub fn forget_advice(&self, url: &str) {
        self.target(url).advice.lock().clear();
    }

    /// Counts a delivery to a target, and whether it got a whole response.
    pub fn count(&self, url: &str, has_responded: bool) {
        let target = self.target(url);
        target.deliveries.fetch_add(1, Ordering::Relaxed);
        target.missed.fetch_add(u64::from(!has_responded), Ordering::Relaxed);
    }

    /// The targets that missed deliveries, in the order of their URLs.
    pub fn missed(&self) -> Vec<MissedDeliveries> {
        let of = |(url, target): (&String, &Arc<ForwardTarget>)| {
            let [missed, total] = [&target.missed, &target.deliveries].map(|count| count.load(Ordering::Relaxed));
            (missed > 0).then(|| MissedDeliveries { url: url.clone(), missed, total })
        };
        let mut targets: Vec<MissedDeliveries> = self.0.lock().iter().filter_map(of).collect();
        targets.sort_by(|one, other| one.url.cmp(&other.url));
        targets
    }

    /// How many forwards are in progress.
    pub fn in_flight(&self) -> usize {
        self.0.lock().values().map(|target| target.in_flight.lock().count).sum()
    }

    fn target(&self, url: &str) -> Arc<ForwardTarget> {
        let mut targets = self.0.lock();
        match targets.get(url) {
            Some(target) => Arc::clone(target),
            None => Arc::clone(targets.entry(url.to_owned()).or_default()),
        }
    }
}

impl InFlightPermit {
    /// Whether the user's own secret verifies the delivery.
    pub const fn is_verified(&self) -> bool {
        self.is_verified
    }

    /// Offers the place to others, because the sender has closed its side, and waits until one takes it.
    pub async fn offered(&self) {
        let offer = self.offer.get_or_init(|| {
            let mut in_flight = self.target.in_flight.lock();
            in_flight.next_number += 1;
            let number = in_flight.next_number;
            let offer = Offer { number, is_verified: self.is_verified, taken: CancellationToken::new() };
            in_flight.abandoned.push_back(offer.clone());
            offer
        });
        offer.taken.cancelled().await;
    }

    /// Records that the target has responded.
    pub fn set_responded(&self) {
        self.target.has_responded.store(true, Ordering::Relaxed);
        self.target.advice.lock().clear();
    }

    /// Whether this advice is new, that is, different from the last advice given since the target's last response.
    pub fn is_new_advice(&self, advice: &str) -> bool {
        let mut last = self.target.advice.lock();
        let is_new = *last != advice;
        advice.clone_into(&mut last);
        is_new
    }

    /// Whether the target has ever responded.
    pub fn has_responded(&self) -> bool {
        self.target.has_responded.load(Ordering::Relaxed)
    }
}

impl Drop for InFlightPermit {
    fn drop(&mut self) {
        let mut in_flight = self.target.in_flight.lock();
        if let Some(offer) = self.offer.get() {
            if offer.taken.is_cancelled() {
                return;
            }
            in_flight.abandoned.retain(|other| other.number != offer.number);
        }
        in_flight.count -= 1;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn each_target_has_its_own_places() {
        let targets = ForwardTargets::default();
        let mut full: Vec<_> = std::iter::from_fn(|| targets.take("a", false)).collect();
        assert_eq!(full.len(), MAX_IN_FLIGHT);
        assert!(targets.take("b", false).is_some());
        full.pop();
        assert!(targets.take("a", false).is_some());
    }

    #[test]
    fn verified_deliveries_have_places_that_no_others_take() {
        let targets = ForwardTargets::default();
        let _forged: Vec<_> = std::iter::from_fn(|| targets.take("a", false)).collect();
        let verified: Vec<_> = std::iter::from_fn(|| targets.take("a", true)).collect();
        assert_eq!(verified.len(), MAX_VERIFIED_IN_FLIGHT);
        drop(verified);
        assert!(targets.take("a", false).is_none());
    }

    #[test]
    fn the_place_of_a_verified_delivery_is_given_to_verified_ones_only() {
        let targets = ForwardTargets::default();
        let verified: Vec<_> = std::iter::from_fn(|| targets.take("a", true)).collect();
        assert_eq!(verified[0].offered().now_or_never(), None);
        assert!(targets.take("a", false).is_none());
        assert_eq!(verified[0].offered().now_or_never(), None);
        let _next = targets.take("a", true).unwrap();
        assert_eq!(verified[0].offered().now_or_never(), Some(()));
    }

    #[test]
    fn a_verified_delivery_is_given_the_place_of_an_unverified_one_first() {
        let targets = ForwardTargets::default();
        let forged: Vec<_> = std::iter::from_fn(|| targets.take("a", false)).collect();
        let verified: Vec<_> = std::iter::from_fn(|| targets.take("a", true)).collect();
        assert_eq!(verified[0].offered().now_or_never(), None);
        assert_eq!(forged[0].offered().now_or_never(), None);
        let _next = targets.take("a", true).unwrap();
        let taken = [&verified[0], &forged[0]].map(|permit| permit.offered().now_or_never().is_some());
        assert_eq!(taken, [false, true]);
    }

    #[test]
    fn the_forwards_in_progress_to_all_targets_are_counted() {
        let targets = ForwardTargets::default();
        let taken = ["a", "a", "b"].map(|url| targets.take(url, false).unwrap());
        assert_eq!(targets.in_flight(), 3);
        drop(taken);
        assert_eq!(targets.in_flight(), 0);
    }

    #[test]
    fn what_a_target_missed_is_counted() {
        let targets = ForwardTargets::default();
        for (url, has_responded) in [("b", false), ("a", true), ("c", false), ("b", true), ("b", false)] {
            targets.count(url, has_responded);
        }
        let missed = |url: &str, missed, total| MissedDeliveries { url: url.to_owned(), missed, total };
        assert_eq!(targets.missed(), [missed("b", 2, 3), missed("c", 1, 1)]);
    }

    #[test]
    fn advice_is_new_once_until_the_target_responds() {
        let targets = ForwardTargets::default();
        let (one, other) = (targets.take("a", false).unwrap(), targets.take("a", false).unwrap());
        let new = ["x", "x", "y", "x"].map(|advice| one.is_new_advice(advice));
        assert_eq!(new, [true, false, true, true]);
        assert!(!other.is_new_advice("x"));
        other.set_responded();
        assert!(one.is_new_advice("x"));
        assert!(targets.take("b", false).unwrap().is_new_advice("x"));
    }

    #[test]
    fn the_place_of_a_sender_that_has_gone_is_given_to_the_next_one() {
        let targets = ForwardTargets::default();
        let full: Vec<_> = std::iter::from_fn(|| targets.take("a", false)).collect();
        for index in [3, 1, 2] {
            assert_eq!(full[index].offered().now_or_never(), None);
        }
        let next = targets.take("a", false).unwrap();
        let taken = |index: usize| full[index].offered().now_or_never().is_some();
        assert_eq!([taken(1), taken(2), taken(3)], [false, false, true]);
        let last = [targets.take("a", false).unwrap(), targets.take("a", false).unwrap()];
        assert!(targets.take("a", false).is_none());
        // Those whose places were taken free none, and all others do.
        drop(full);
        assert_eq!(next.target.in_flight.lock().count, 3);
        drop(last);
        assert_eq!(next.target.in_flight.lock().count, 1);
        assert_eq!(std::iter::from_fn(|| targets.take("a", false)).collect::<Vec<_>>().len(), MAX_IN_FLIGHT - 1);
    }
}
