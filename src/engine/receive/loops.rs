//! Detects forwarding loops: through another listener, a proxy or a tunnel that sends deliveries back here.
//!
//! A forwarded request keeps its bytes, so one that comes back equals one in flight. But so do the requests of two
//! senders that send the same bytes at the same time. To distinguish these, the second request is forwarded with a
//! `via` header (RFC 9110, 7.6.3) that names this process and the target: only a loop brings that back. A proxy may
//! change headers on each round, so a request also gets the header if many others with its body are in flight. No other
//! request gets it.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use http::{HeaderValue, header::VIA};
use parking_lot::Mutex;

use crate::{
    net::client::end_to_end,
    webhook::request::{FieldName, Request},
};

/// The name of a target in `via`, up to its token.
const PSEUDONYM: &str = "hookdev-";

/// How many requests with the same method and body, but different headers, may be in flight before the next one gets a
/// `via`.
const SAME_BODY: usize = 8;

/// The forwards in flight, and the marks on them.
#[derive(Debug, Default)]
pub struct LoopDetector {
    hasher: RandomState,
    state: Mutex<LoopState>,
}

#[derive(Debug, Default)]
struct LoopState {
    /// How many of each request and of each body are in flight, by their digests.
    in_flight: HashMap<Digest, usize>,
    /// The targets of requests with a `via`, by their pseudonyms in it.
    targets: HashMap<String, String>,
}

/// A hash of what stays the same in a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Digest {
    /// Of everything but the target, hop-by-hop headers and `via`.
    Request(u64),
    /// Of the method and the body.
    Body(u64),
}

/// A delivery whose forwards are in flight until this is dropped.
#[derive(Debug)]
pub struct InFlightDelivery {
    loops: Arc<LoopDetector>,
    digests: [Digest; 2],
    /// Whether it may be a delivery in flight that has come back.
    pub is_repeated: bool,
}

impl LoopDetector {
    /// Registers a delivery that is about to be forwarded.
    pub fn track(self: &Arc<Self>, request: &Request) -> InFlightDelivery {
        let digests = self.digests(request);
        let mut state = self.state.lock();
        let [same, same_body] = digests.map(|digest| {
            let count = state.in_flight.entry(digest).or_default();
            *count += 1;
            *count - 1
        });
        drop(state);
        InFlightDelivery { loops: Arc::clone(self), digests, is_repeated: same > 0 || same_body >= SAME_BODY }
    }

    /// Adds the `via` header by which a request to a target is recognised if it comes back.
    pub fn mark(&self, target: &str, request: &mut Request) {
        let name = format!("{PSEUDONYM}{:016x}", self.hasher.hash_one(target));
        if let Ok(value) = HeaderValue::from_str(&format!("1.1 {name}")) {
            request.headers.push(FieldName::from(VIA), value);
        }
        self.state.lock().targets.entry(name).or_insert_with(|| target.to_owned());
    }

    /// The target through which a request has come back, if it has.
    pub fn returned(&self, request: &Request) -> Option<String> {
        let mut names = request
            .headers
            .all(VIA.as_str())
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|proxy| proxy.split_whitespace().nth(1))
            .filter(|name| name.starts_with(PSEUDONYM))
            .peekable();
        names.peek()?;
        let state = self.state.lock();
        names.find_map(|name| state.targets.get(name).cloned())
    }

    fn digests(&self, request: &Request) -> [Digest; 2] {
        let fields: Vec<(&str, &[u8])> = end_to_end(&request.headers)
            .filter(|(name, _)| *name.name() != VIA)
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let body = self.hasher.hash_one((request.method.as_str(), &request.body[..]));
        [Digest::Request(self.hasher.hash_one((body, fields))), Digest::Body(body)]
    }
}

impl Drop for InFlightDelivery {
    fn drop(&mut self) {
        let mut state = self.loops.state.lock();
        for digest in self.digests {
            if let Some(count) = state.in_flight.get_mut(&digest) {
                *count -= 1;
                if *count == 0 {
                    state.in_flight.remove(&digest);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;
    use crate::webhook::request::{Headers, Method};

    const TARGET: &str = "http://localhost:3000/";

    fn request(target: &str, headers: &[(&'static str, &str)], body: &'static str) -> Request {
        let field = |&(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        let headers: Headers = headers.iter().map(field).collect();
        Request { method: Method::POST, target: target.to_owned(), headers, body: body.into() }
    }

    #[test]
    fn only_a_request_that_equals_one_in_flight_is_repeated() {
        let loops = Arc::new(LoopDetector::default());
        let first = loops.track(&request("/a", &[("host", "a"), ("x-id", "1")], "a"));
        // The host and the path are those of the other listener.
        let second = loops.track(&request("/b", &[("host", "b"), ("x-id", "1"), ("via", "1.1 x")], "a"));
        let other_body = loops.track(&request("/a", &[("host", "a"), ("x-id", "1")], "b"));
        let other_header = loops.track(&request("/a", &[("host", "a"), ("x-id", "2")], "a"));
        assert_eq!([&first, &second, &other_body, &other_header].map(|it| it.is_repeated), [false, true, false, false]);
        drop((first, second));
        assert!(!loops.track(&request("/a", &[("x-id", "1")], "a")).is_repeated);
    }

    #[test]
    fn a_request_whose_headers_a_proxy_changes_is_repeated_after_some_rounds() {
        let loops = Arc::new(LoopDetector::default());
        let rounds = (0..=SAME_BODY).map(|round| {
            let hops = vec!["127.0.0.1"; round].join(", ");
            loops.track(&request("/", &[("x-forwarded-for", &hops)], "a"))
        });
        let rounds: Vec<InFlightDelivery> = rounds.collect();
        let marks: Vec<bool> = rounds.iter().map(|round| round.is_repeated).collect();
        assert_eq!(marks, [&[false; SAME_BODY][..], &[true]].concat());
        drop(rounds);
        assert_eq!(loops.state.lock().in_flight, HashMap::new());
    }

    #[test]
    fn a_marked_request_that_comes_back_names_its_target() {
        let loops = LoopDetector::default();
        let mut sent = request("/", &[("via", "1.0 fred")], "a");
        assert_eq!(loops.returned(&sent), None);
        loops.mark(TARGET, &mut sent);
        let via: Vec<_> = sent.headers.all("via").map(|value| value.to_str().unwrap()).collect();
        assert_eq!((via.len(), via[0], via[1].len()), (2, "1.0 fred", "1.1 hookdev-0123456789abcdef".len()));
        assert_eq!(loops.returned(&sent), Some(TARGET.to_owned()));
        // A proxy adds itself to the list.
        let joined = request("/", &[("via", &format!("{}, {} (Apache), 1.1 p.example", via[0], via[1]))], "a");
        assert_eq!(loops.returned(&joined), Some(TARGET.to_owned()));
        // The name of another process is not ours.
        assert_eq!(LoopDetector::default().returned(&sent), None);
    }
}
