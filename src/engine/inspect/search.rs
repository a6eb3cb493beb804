//! Finds words in the deliveries of the history: in their headers and decoded bodies, ignoring the case of ASCII
//! letters.

use std::{borrow::Cow, sync::Arc};

use crate::webhook::{
    payload,
    record::Delivery,
    request::{Headers, Request},
};

/// How long the words of one search may be together, in bytes.
pub const MAX_TEXT: usize = 1 << 10;

/// How many bytes of compressed bodies are decoded for one search. Further bodies are searched undecoded.
const DECODED_BUDGET: usize = 64 << 20;

/// For each word, the numbers of the deliveries that contain it, the newest first.
pub fn find(deliveries: &[Arc<Delivery>], words: &[&str]) -> Vec<Vec<u64>> {
    let finders: Vec<_> = words.iter().map(|word| WordFinder { word: word.as_bytes() }).collect();
    let mut found = vec![Vec::new(); words.len()];
    let mut budget = DECODED_BUDGET;
    for delivery in deliveries {
        let (headers, body) = (header_lines(&delivery.request.headers), body(&delivery.request, &mut budget));
        for (finder, seqs) in finders.iter().zip(&mut found) {
            if finder.is_in(&headers) || finder.is_in(&body) {
                seqs.push(delivery.seq);
            }
        }
    }
    found
}

/// The headers as lines, so that `content-type:` is found, too.
fn header_lines(headers: &Headers) -> Vec<u8> {
    headers
        .iter()
        .flat_map(|(name, value)| [name.spelling().as_bytes(), b": ", value.as_bytes(), b"\n"])
        .flatten()
        .copied()
        .collect()
}

/// The body, decoded if the budget suffices.
fn body<'a>(request: &'a Request, budget: &mut usize) -> Cow<'a, [u8]> {
    match payload::decoded(request, *budget) {
        Ok(Cow::Owned(decoded)) => {
            *budget -= decoded.len();
            Cow::Owned(decoded)
        }
        _ => Cow::Borrowed(&request.body),
    }
}

struct WordFinder<'a> {
    word: &'a [u8],
}

impl WordFinder<'_> {
    fn is_in(&self, bytes: &[u8]) -> bool {
        let [first, rest @ ..] = self.word else { return true };
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
        assert_eq!(find(&all, &["nEEdle", "X-ID", "é"]), [vec![3, 2, 0], vec![2], vec![]]);
    }

    #[test]
    fn a_header_is_found_as_it_is_written_in_a_line() {
        let mut delivery = delivery_of(1, "");
        delivery.request.headers.push(HeaderName::from_static("x-github-event"), "push".parse().unwrap());
        let all = [Arc::new(delivery)];
        assert_eq!(find(&all, &["X-GitHub-Event:", "push", "eventpush"]), [vec![1], vec![1], vec![]]);
    }

    #[test]
    fn a_body_that_is_not_compressed_takes_nothing_from_the_budget() {
        let mut plain = delivery_of(1, "needle");
        plain.request.headers.push(HeaderName::from_static("content-encoding"), "identity".parse().unwrap());
        let mut budget = 3;
        assert_eq!(&*body(&plain.request, &mut budget), b"needle");
        assert_eq!(budget, 3);
    }
}
