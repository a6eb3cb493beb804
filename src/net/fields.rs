//! Header fields in their original order and spelling. hyper lowercases names and groups repeated fields.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::webhook::request::{FieldName, Headers};

/// The maximum number of header fields that are read: hyper's. For any other, it would allocate memory for each head.
pub const MAX_FIELDS: usize = 100;

/// The headers that hyper parsed, in the order and spelling of the raw fields; `None` if the two don't match. hyper
/// drops a `content-length` that repeats another or is overridden by `transfer-encoding`. The values are copied,
/// because hyper's are slices that keep the connection's whole buffer alive.
pub(super) fn in_raw_order(raw: &[httparse::Header<'_>], parsed: &HeaderMap) -> Option<Headers> {
    let mut left: Vec<(&HeaderName, &HeaderValue)> = parsed.iter().collect();
    // Popped from the end: without repeated names, both are in the same order.
    left.reverse();
    let mut headers = Headers::with_capacity(left.len());
    let values = Bytes::from(raw.iter().map(|field| field.value).collect::<Vec<_>>().concat());
    let mut end = 0;
    for field in raw {
        let start = end;
        end += field.value.len();
        let is_same = |(name, value): &(&HeaderName, &HeaderValue)| {
            name.as_str().eq_ignore_ascii_case(field.name) && value.as_bytes() == field.value
        };
        match left.iter().rposition(is_same) {
            Some(at) => {
                let (name, value) = left.remove(at);
                let own = HeaderValue::from_maybe_shared(values.slice(start..end)).unwrap_or_else(|_| value.clone());
                headers.push(FieldName::spelled(name.clone(), field.name), own);
            }
            None if field.name.eq_ignore_ascii_case("content-length") => {}
            None => return None,
        }
    }
    left.is_empty().then_some(headers)
}
