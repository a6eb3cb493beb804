//! Recognises deliveries that were received before: by the provider's id or, without one, by the same signed bytes. Two
//! with different ids are different deliveries, even if they are signed alike: not every provider signs the id. Only a
//! limited number of deliveries is remembered, so that memory doesn't grow with the run.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
};

use parking_lot::Mutex;

use crate::webhook::{
    assessment::Assessment,
    record::{Repeat, SameAs},
    request::Request,
    signature::timestamp::TimestampRule,
    time::Timestamp,
};

/// How many deliveries are remembered. They take about 0.5 MiB. With one more, the map would double: it grows if more
/// than half of its capacity is in use when removals have used up the rest.
const REMEMBERED: usize = 7_168;

/// The deliveries received before.
#[derive(Debug, Default)]
pub struct Repeats {
    /// Randomly keyed, so that a sender can't choose values whose hashes collide.
    hasher: RandomState,
    seen: Mutex<SeenDeliveries>,
}

/// What identifies a delivery.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryIdentity {
    hash: u64,
    by: SameAs,
}

#[derive(Debug, Default)]
struct SeenDeliveries {
    firsts: HashMap<u64, First>,
    /// The hashes in `firsts`, oldest first.
    order: VecDeque<u64>,
}

/// The first of several equal deliveries, and their number.
#[derive(Debug)]
struct First {
    seq: u64,
    at: Timestamp,
    count: u64,
}

impl Repeats {
    /// What identifies a request. Without an id, hashes the whole body. A forged request never counts as equal to a
    /// genuine one.
    pub fn identify(&self, request: &Request, assessment: &Assessment) -> DeliveryIdentity {
        let of = (assessment.provider_name(), assessment.trust().is_some());
        if let Some(id) = &assessment.id {
            return DeliveryIdentity { hash: self.hasher.hash_one((of, &assessment.event, id)), by: SameAs::Id };
        }
        let provider = assessment.provider.as_deref();
        let schemes = provider.map(|provider| provider.schemes.as_slice()).unwrap_or_default();
        let signed: Vec<&[u8]> = schemes
            .iter()
            .flat_map(|scheme| {
                let timestamp = scheme.timestamp.as_ref().map(TimestampRule::headers).unwrap_or_default();
                scheme.signature.headers().iter().chain(timestamp)
            })
            .flat_map(|name| request.headers.all(name.as_str()).map(http::HeaderValue::as_bytes))
            .collect();
        let hash = self.hasher.hash_one((of, request.query(), signed, &request.body[..]));
        DeliveryIdentity { hash, by: SameAs::Bytes }
    }

    /// Remembers a delivery. Returns which delivery it repeats, if any.
    pub fn add(&self, DeliveryIdentity { hash, by }: DeliveryIdentity, seq: u64, at: Timestamp) -> Option<Repeat> {
        let mut seen = self.seen.lock();
        if let Some(first) = seen.firsts.get_mut(&hash) {
            first.count += 1;
            let after = at.skew_from(first.at).distance();
            return Some(Repeat { of: first.seq, by, number: first.count, after });
        }
        if seen.order.len() >= REMEMBERED
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.firsts.remove(&oldest);
        }
        seen.order.push_back(hash);
        seen.firsts.insert(hash, First { seq, at, count: 1 });
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn identity(hash: u64, by: SameAs) -> DeliveryIdentity {
        DeliveryIdentity { hash, by }
    }

    fn repeat(of: u64, by: SameAs, number: u64, after: u64) -> Repeat {
        Repeat { of, by, number, after: Duration::from_secs(after) }
    }

    #[test]
    fn a_repeat_names_the_first_delivery_and_counts() {
        let (repeats, id, bytes) = (Repeats::default(), SameAs::Id, SameAs::Bytes);
        assert_eq!(repeats.add(identity(1, id), 1, at(0)), None);
        assert_eq!(repeats.add(identity(2, bytes), 2, at(1)), None);
        assert_eq!(repeats.add(identity(1, id), 3, at(61)), Some(repeat(1, id, 2, 61)));
        assert_eq!(repeats.add(identity(1, id), 4, at(361)), Some(repeat(1, id, 3, 361)));
        assert_eq!(repeats.add(identity(2, bytes), 5, at(400)), Some(repeat(2, bytes, 2, 399)));
    }

    #[test]
    fn a_limited_number_is_remembered() {
        let repeats = Repeats::default();
        let limit = REMEMBERED as u64;
        for hash in 0..=limit {
            assert_eq!(repeats.add(identity(hash, SameAs::Bytes), hash + 1, at(0)), None);
        }
        assert_eq!(repeats.add(identity(1, SameAs::Bytes), 0, at(0)), Some(repeat(2, SameAs::Bytes, 2, 0)));
        assert_eq!(repeats.add(identity(0, SameAs::Bytes), 0, at(0)), None);
        let seen = repeats.seen.lock();
        assert_eq!((seen.firsts.len(), seen.order.len()), (REMEMBERED, REMEMBERED));
    }
}
