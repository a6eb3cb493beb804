//! The timestamp of a scheme: where it is sent, how it is written, and how old it may be.

use std::borrow::Cow;

use http::HeaderName;

use super::{
    grammar::Parsed,
    sole::{malformed, single},
    verdict::{Freshness, Reason},
};
use crate::webhook::{
    place::{Lookup, Place, ValueSource},
    time::{Timestamp, Tolerance},
};

/// Where a scheme's timestamp is sent, and how it is checked.
#[derive(Clone, Debug)]
pub struct TimestampRule {
    /// Its place; `None` if it is part of the signature's value.
    pub source: Option<ValueSource>,
    /// Its unit, counted from 1970, or its format.
    pub unit: TimeUnit,
    /// How far it may be from the time of receipt.
    pub tolerance: Tolerance,
}

impl TimestampRule {
    /// The headers that carry it; empty if it is sent elsewhere.
    #[must_use]
    pub fn headers(&self) -> &[HeaderName] {
        self.source.as_ref().map_or(&[], ValueSource::headers)
    }

    /// The text as it was sent, which is what was signed, and the time it gives.
    pub(super) fn find<'a>(
        &self,
        signature_place: &Place,
        parsed: &Parsed<'a>,
        lookup: &Lookup<'a>,
    ) -> Result<(Cow<'a, str>, Timestamp), Reason> {
        let (place, text) = match (&self.source, parsed.timestamps.as_slice()) {
            (Some(source), _) => single(source, lookup)?,
            (None, [one]) => (signature_place, Cow::Borrowed(*one)),
            (None, []) => return Err(malformed(signature_place, "it has no timestamp")),
            (None, _) => return Err(malformed(signature_place, "it has more than one timestamp")),
        };
        let time = self.unit.read(&text).ok_or_else(|| malformed(place, self.unit.unreadable()))?;
        Ok((text, time))
    }
}

/// The unit of a timestamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub enum TimeUnit {
    /// Seconds.
    #[default]
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// RFC 3339, such as `2025-01-01T12:00:00Z`. Any offset and fraction are read, and signed as they were sent.
    #[serde(rename = "rfc3339")]
    Rfc3339,
    /// RFC 3339, written with milliseconds.
    #[serde(rename = "rfc3339-ms")]
    Rfc3339Millis,
    /// RFC 3339, written with nanoseconds.
    #[serde(rename = "rfc3339-ns")]
    Rfc3339Nanos,
    /// A date as HTTP writes it, such as `Sun, 06 Nov 1994 08:49:37 GMT`. RFC 2822 dates are read too.
    #[serde(rename = "http-date")]
    HttpDate,
}

impl TimeUnit {
    /// Writes a time in this unit or format.
    #[must_use]
    pub fn write(self, time: Timestamp) -> String {
        match self {
            Self::Seconds => time.unix_seconds().to_string(),
            Self::Milliseconds => time.unix_millis().to_string(),
            Self::Rfc3339 => time.rfc3339_seconds(),
            Self::Rfc3339Millis => time.to_string(),
            Self::Rfc3339Nanos => format!("{:.9}", time.to_jiff()),
            Self::HttpDate => time.http_date(),
        }
    }

    /// What is wrong with a text that can't be read.
    const fn unreadable(self) -> &'static str {
        match self {
            Self::Seconds | Self::Milliseconds => "the timestamp is not a whole number",
            Self::Rfc3339 | Self::Rfc3339Millis | Self::Rfc3339Nanos => "the timestamp is not RFC 3339",
            Self::HttpDate => "the timestamp is not an HTTP date",
        }
    }

    /// Rounds a clock reading down to whole units, as the providers' libraries do before they compare.
    pub(super) fn floor(self, time: Timestamp) -> Timestamp {
        match self {
            Self::Seconds | Self::HttpDate => Timestamp::from_unix_seconds(time.unix_seconds()),
            Self::Milliseconds | Self::Rfc3339 | Self::Rfc3339Millis | Self::Rfc3339Nanos => time,
        }
    }

    /// Reads a time. An integer must be plain decimal: libraries sign the number that they parsed, so they never
    /// produce another spelling of it (`+1`, `01`).
    #[must_use]
    pub fn read(self, text: &str) -> Option<Timestamp> {
        match self {
            Self::Seconds | Self::Milliseconds => {}
            Self::Rfc3339 | Self::Rfc3339Millis | Self::Rfc3339Nanos => return Timestamp::from_rfc3339(text),
            Self::HttpDate => return Timestamp::from_http_date(text),
        }
        let is_plain =
            text == "0" || text.strip_prefix('-').unwrap_or(text).starts_with(|digit| matches!(digit, '1'..='9'));
        let number = text.parse().ok().filter(|_: &i64| is_plain)?;
        Some(match self {
            Self::Seconds => Timestamp::from_unix_seconds(number),
            _ => Timestamp::from_unix_millis(number),
        })
    }
}
/// Judges a signed time against the time of receipt.
pub(super) fn freshness(tolerance: Tolerance, signed: Timestamp, now: Option<Timestamp>) -> Result<Freshness, Reason> {
    let Some(now) = now else { return Ok(Freshness::NotChecked) };
    let skew = signed.skew_from(now);
    if skew.too_old(tolerance) {
        Err(Reason::TimestampTooOld { skew, tolerance })
    } else if skew.too_new(tolerance) {
        Err(Reason::TimestampTooNew { skew, tolerance })
    } else {
        Ok(Freshness::Fresh(skew))
    }
}
