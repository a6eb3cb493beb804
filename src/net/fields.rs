//! Header fields in the order and spelling in which they arrive. hyper lowers their names and groups those that repeat.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::webhook::request::{FieldName, Headers};

/// The maximum number of header fields that are read.
pub const MAX_FIELDS: usize = 128;

/// The headers that hyper parsed, in the order and spelling of the raw fields; `None` if they are not the same. hyper
/// drops a `content-length` that repeats another or is overridden by `transfer-encoding`.
pub(super) fn in_raw_order(raw: &[httparse::Header<'_>], parsed: &HeaderMap) -> Option<Headers> {
    let mut left: Vec<(&HeaderName, &HeaderValue)> = parsed.iter().collect();
    // Popped from its end: without repeated names, both are in the same order.
    left.reverse();
    let mut headers = Headers::with_capacity(left.len());
    for field in raw {
        let is_same = |(name, value): &(&HeaderName, &HeaderValue)| {
            name.as_str().eq_ignore_ascii_case(field.name) && value.as_bytes() == field.value
        };
        match left.iter().rposition(is_same) {
            Some(at) => {
                let (name, value) = left.remove(at);
                headers.push(FieldName::spelled(name.clone(), field.name), value.clone());
            }
            None if field.name.eq_ignore_ascii_case("content-length") => {}
            None => return None,
        }
    }
    left.is_empty().then_some(headers)
}
