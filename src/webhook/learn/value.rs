//! What a text looks like: a time, an id, a signature.

use crate::webhook::{
    encoding::{decode_base64, decode_base64url, decode_hex},
    signature::{grammar::TextEncoding, timestamp::TimeUnit},
    time::Timestamp,
};

/// The times that a signed timestamp may have: from 2001 to 2100, in seconds.
const PLAUSIBLE: std::ops::Range<i64> = 978_307_200..4_102_444_800;

/// The unit of a text that is a time; `None` if it isn't one.
pub(super) fn time_unit(text: &str) -> Option<TimeUnit> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let unit = match text.len() {
            9 | 10 => TimeUnit::Seconds,
            12 | 13 => TimeUnit::Milliseconds,
            _ => return None,
        };
        return PLAUSIBLE.contains(&unit.read(text)?.unix_seconds()).then_some(unit);
    }
    if let Some(date) = Timestamp::from_http_date(text) {
        return PLAUSIBLE.contains(&date.unix_seconds()).then_some(TimeUnit::HttpDate);
    }
    let time = Timestamp::from_rfc3339(text)?;
    let digits = text.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
    PLAUSIBLE.contains(&time.unix_seconds()).then_some(match digits {
        0 => TimeUnit::Rfc3339,
        9 => TimeUnit::Rfc3339Nanos,
        _ => TimeUnit::Rfc3339Millis,
    })
}

/// The readings of a text as a signature that a known algorithm may have made. Most texts have none.
pub(super) fn signatures(text: &str) -> Vec<(TextEncoding, Vec<u8>)> {
    let mut found = Vec::new();
    if let Some(bytes) = decode_hex(text) {
        let has = |is_letter: fn(&u8) -> bool| text.as_bytes().iter().any(is_letter);
        match (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase)) {
            (true, true) => {}
            (false, true) => found.push((TextEncoding::UppercaseHex, bytes)),
            _ => found.push((TextEncoding::Hex, bytes)),
        }
    }
    if let Some(bytes) = decode_base64(text) {
        found.push((TextEncoding::Base64, bytes));
    }
    let is_unpadded = !text.ends_with('=');
    if let Some(bytes) = decode_base64url(text).filter(|_| is_unpadded) {
        found.push((TextEncoding::Base64Url, bytes));
    }
    // The lengths of hashes and of Ed25519, of ECDSA in DER, and of RSA.
    found.retain(|(_, bytes)| matches!(bytes.len(), 16 | 20 | 32 | 48 | 64 | 68..=72 | 256 | 384 | 512));
    found
}
