//! Finds a text in the deliveries of the history: in their headers and decoded bodies, ignoring the case of ASCII
//! letters.

use std::sync::Arc;

use crate::webhook::{payload, record::Delivery, request::Request};

/// The longest text to search for, in bytes.
pub const MAX_TEXT: usize = 1 << 10;

/// How many bytes of compressed bodies are decoded for one search. Further bodies are searched undecoded.
const DECODED_BUDGET: usize = 64 << 20;

/// The numbers of the deliveries that contain this text, the newest first.
pub fn find(deliveries: &[Arc<Delivery>], text: &str) -> Vec<u64> {
    let finder = TextFinder::new(text.as_bytes());
    let mut budget = DECODED_BUDGET;
    let contains = |delivery: &Arc<Delivery>| finder.is_in_request(&delivery.request, &mut budget);
    let mut contains = contains;
    deliveries.iter().filter(|delivery| contains(delivery)).map(|delivery| delivery.seq).collect()
}

struct TextFinder<'a> {
    text: &'a [u8],
}

impl<'a> TextFinder<'a> {
    const fn new(text: &'a [u8]) -> Self {
        Self { text }
    }

    fn is_in_request(&self, request: &Request, budget: &mut usize) -> bool {
        let is_in_headers = request
            .headers
            .iter()
            .any(|(name, value)| self.is_in(name.spelling().as_bytes()) || self.is_in(value.as_bytes()));
        if is_in_headers || !request.headers.contains("content-encoding") {
            return is_in_headers || self.is_in(&request.body);
        }
        let Ok(body) = payload::decoded(request, *budget) else { return self.is_in(&request.body) };
        *budget -= body.len();
        self.is_in(&body)
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        let [first, rest @ ..] = self.text else { return true };
        let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
        memchr::memchr2_iter(lower, upper, bytes).any(|at| {
            let end = at + 1 + rest.len();
            bytes.get(at + 1..end).is_some_and(|found| found.eq_ignore_ascii_case(rest))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::{engine::receive::tests::delivery_of, webhook::request::HeaderName};

    #[test]
    fn headers_and_decoded_bodies_are_searched_whatever_the_case() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"{\"track\":\"Needle\"}").unwrap();
        let mut zipped = delivery_of(3, encoder.finish().unwrap());
        zipped.request.headers.push(HeaderName::from_static("content-encoding"), "gzip".parse().unwrap());
        let mut header = delivery_of(2, "hay");
        header.request.headers.push(HeaderName::from_static("x-id"), "a-needLE".parse().unwrap());
        let all: Vec<_> = [zipped, header, delivery_of(1, "needl"), delivery_of(0, "nneedlE")].map(Arc::new).into();
        assert_eq!(find(&all, "nEEdle"), [3, 2, 0]);
        assert_eq!(find(&all, "X-ID"), [2]);
        assert_eq!(find(&all, "é"), [0; 0]);
    }
}
