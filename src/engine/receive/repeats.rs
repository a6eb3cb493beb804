//! Recognises deliveries that were received before, by the provider's id or by the same signed bytes. Only a limited
//! number of deliveries is remembered, so that memory doesn't grow with the run.

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

/// How many ids, and how many bodies, are remembered. They take about 1 MiB. With one more, the map would double: it
/// grows if more than half of its capacity is in use when removals have used up the rest.
const REMEMBERED: usize = 7_168;

/// The deliveries received before.
#[derive(Debug, Default)]
pub struct Repeats {
    /// Randomly keyed, so that a sender can't choose values whose hashes collide.
    hasher: RandomState,
    seen: Mutex<[SeenDeliveries; 2]>,
}

/// The hashes of what identifies a delivery.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryIdentity {
    id: Option<u64>,
    /// `None` if the id is among the signed bytes, so that they are the same only if the id is.
    bytes: Option<u64>,
}

#[derive(Debug, Default)]
struct SeenDeliveries {
    firsts: HashMap<u64, First>,
    /// The keys of `firsts`, oldest first.
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
    /// What identifies a request. Hashes the whole body, unless the signature covers an id. A forged request never
    /// counts as equal to a genuine one.
    pub fn identify(&self, request: &Request, assessment: &Assessment) -> DeliveryIdentity {
        let of = (assessment.provider_name(), assessment.trust().is_some());
        DeliveryIdentity {
            id: assessment.id.as_ref().map(|id| self.hasher.hash_one((of, &assessment.event, id))),
            bytes: (!assessment.is_id_signed()).then(|| {
                self.hasher.hash_one((of, request.query(), signed_headers(request, assessment), &request.body[..]))
            }),
        }
    }

    /// Remembers a delivery. Returns which delivery it repeats, if any.
    pub fn add(&self, identity: DeliveryIdentity, seq: u64, at: Timestamp) -> Option<Repeat> {
        let mut seen = self.seen.lock();
        let [ids, bodies] = &mut *seen;
        let same_id = identity.id.and_then(|id| ids.add(id, seq, at, SameAs::Id));
        let same_bytes = identity.bytes.and_then(|bytes| bodies.add(bytes, seq, at, SameAs::Bytes));
        same_id.or(same_bytes)
    }
}

/// The values of the headers that carry signatures and their timestamps.
fn signed_headers<'a>(request: &'a Request, assessment: &Assessment) -> Vec<&'a [u8]> {
    let provider = assessment.provider.as_deref();
    let schemes = provider.map(|provider| provider.schemes.as_slice()).unwrap_or_default();
    let names = schemes.iter().flat_map(|scheme| {
        let timestamp = scheme.timestamp.as_ref().map(TimestampRule::headers).unwrap_or_default();
        scheme.signature.headers().iter().chain(timestamp)
    });
    let fields = request.headers.iter();
    names
        .flat_map(|name| fields.clone().filter(move |(own, _)| own == name).map(|(_, value)| value.as_bytes()))
        .collect()
}

impl SeenDeliveries {
    fn add(&mut self, key: u64, seq: u64, at: Timestamp, by: SameAs) -> Option<Repeat> {
        if let Some(first) = self.firsts.get_mut(&key) {
            first.count += 1;
            let after = at.skew_from(first.at).distance();
            return Some(Repeat { of: first.seq, by, number: first.count, after });
        }
        if self.order.len() >= REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.firsts.remove(&oldest);
        }
        self.order.push_back(key);
        self.firsts.insert(key, First { seq, at, count: 1 });
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

    fn identity(id: Option<u64>, bytes: u64) -> DeliveryIdentity {
        DeliveryIdentity { id, bytes: Some(bytes) }
    }

    fn repeat(of: u64, by: SameAs, number: u64, after: u64) -> Repeat {
        Repeat { of, by, number, after: Duration::from_secs(after) }
    }

    #[test]
    fn a_repeat_names_the_first_delivery_and_counts() {
        let repeats = Repeats::default();
        assert_eq!(repeats.add(identity(Some(1), 10), 1, at(0)), None);
        assert_eq!(repeats.add(identity(Some(2), 20), 2, at(1)), None);
        assert_eq!(repeats.add(identity(Some(1), 11), 3, at(61)), Some(repeat(1, SameAs::Id, 2, 61)));
        assert_eq!(repeats.add(identity(Some(1), 12), 4, at(361)), Some(repeat(1, SameAs::Id, 3, 361)));
        assert_eq!(repeats.add(identity(None, 20), 5, at(400)), Some(repeat(2, SameAs::Bytes, 2, 399)));
        // The same in both ways.
        assert_eq!(repeats.add(identity(Some(2), 20), 6, at(500)), Some(repeat(2, SameAs::Id, 2, 499)));
    }

    #[test]
    fn a_limited_number_is_remembered() {
        let repeats = Repeats::default();
        let limit = REMEMBERED as u64;
        for key in 0..=limit {
            assert_eq!(repeats.add(identity(None, key), key + 1, at(0)), None);
        }
        assert_eq!(repeats.add(identity(None, 1), 0, at(0)), Some(repeat(2, SameAs::Bytes, 2, 0)));
        assert_eq!(repeats.add(identity(None, 0), 0, at(0)), None);
        let seen = repeats.seen.lock();
        assert_eq!((seen[1].firsts.len(), seen[1].order.len()), (REMEMBERED, REMEMBERED));
    }
}
