//! Timestamps, and the tolerances of signature schemes. Clock readings are passed in.

use std::{fmt, str::FromStr, time::Duration};

/// A point in time, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From whole seconds since 1970, clamped to the range of milliseconds.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// From milliseconds since 1970.
    #[must_use]
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with any offset and fraction; `None` if it is anything else.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|time| Self(time.as_millisecond()))
    }

    /// Reads an HTTP date (RFC 9110), or one of RFC 2822; `None` if it is anything else.
    #[must_use]
    pub fn from_http_date(text: &str) -> Option<Self> {
        jiff::fmt::rfc2822::parse(text).ok().map(|date| Self(date.timestamp().as_millisecond()))
    }

    /// The date as HTTP writes it, without a fraction: `Sun, 06 Nov 1994 08:49:37 GMT`.
    #[must_use]
    pub fn http_date(self) -> String {
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.to_jiff()).unwrap_or_default()
    }

    /// The signed distance from `other` to this time.
    #[must_use]
    pub const fn skew_from(self, other: Self) -> Skew {
        Skew { millis: self.0.saturating_sub(other.0) }
    }

    /// RFC 3339 in UTC without a fraction, as in most payloads: `2025-01-01T12:00:00Z`.
    #[must_use]
    pub fn rfc3339_seconds(self) -> String {
        Self::from_unix_seconds(self.unix_seconds()).to_jiff().to_string()
    }

    /// The same time as a `jiff` timestamp, clamped to the years that it supports.
    #[must_use]
    pub fn to_jiff(self) -> jiff::Timestamp {
        let end = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(end)
    }
}

/// RFC 3339 in UTC with milliseconds, `2025-01-01T12:00:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.to_jiff())
    }
}

/// A text that is neither RFC 3339 nor whole Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid time `{0}`: use RFC 3339 (`2025-01-01T12:00:00Z`) or Unix seconds (`1735732800`)")]
pub struct InvalidTimestamp(String);

/// Parses RFC 3339 with any offset, or whole Unix seconds.
impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        if let Ok(seconds) = text.parse::<i64>() {
            return Ok(Self::from_unix_seconds(seconds));
        }
        let parsed = text.parse::<jiff::Timestamp>().map_err(|_| InvalidTimestamp(text.to_owned()))?;
        Ok(Self(parsed.as_millisecond()))
    }
}

/// How far a signed timestamp may be from the time of receipt, bounds included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// How old a request may be.
    pub past: Duration,
    /// How far in the future its timestamp may be.
    pub future: Duration,
}

impl Tolerance {
    /// No limit on the distance.
    pub const ANY: Duration = Duration::MAX;

    /// The same distance in both directions.
    #[must_use]
    pub const fn both(distance: Duration) -> Self {
        Self { past: distance, future: distance }
    }

    /// How old a request may be; `None` if its age does not matter.
    #[must_use]
    pub fn past_limit(self) -> Option<Duration> {
        Some(self.past).filter(|past| *past < Duration::MAX)
    }

    /// How far in the future its timestamp may be; `None` if that does not matter.
    #[must_use]
    pub fn future_limit(self) -> Option<Duration> {
        Some(self.future).filter(|future| *future < Duration::MAX)
    }
}

/// The signed distance between two times; negative is in the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skew {
    millis: i64,
}

impl Skew {
    /// The distance without its direction.
    #[must_use]
    pub const fn distance(self) -> Duration {
        Duration::from_millis(self.millis.unsigned_abs())
    }

    /// Whether it is in the past.
    #[must_use]
    pub const fn is_past(self) -> bool {
        self.millis < 0
    }

    /// Whether it is further in the past than the tolerance.
    #[must_use]
    pub fn too_old(self, tolerance: Tolerance) -> bool {
        self.is_past() && self.distance() > tolerance.past
    }

    /// Whether it is further in the future than the tolerance.
    #[must_use]
    pub fn too_new(self, tolerance: Tolerance) -> bool {
        !self.is_past() && self.distance() > tolerance.future
    }
}

/// A duration in its two largest units: `7 min 3 s`, `2 d 4 h`, `250 ms`.
#[must_use]
pub fn words(duration: Duration) -> String {
    let total = duration.as_secs();
    if total < 10 {
        let millis = duration.as_millis();
        return if millis.is_multiple_of(1000) { format!("{total} s") } else { format!("{millis} ms") };
    }
    let units = [(total / 86_400, "d"), (total / 3600 % 24, "h"), (total / 60 % 60, "min"), (total % 60, "s")];
    let mut parts = units.iter().skip_while(|(n, _)| *n == 0).take(2).filter(|(n, _)| *n > 0);
    let first = parts.next().map(|(n, unit)| format!("{n} {unit}")).unwrap_or_default();
    parts.fold(first, |text, (n, unit)| format!("{text} {n} {unit}"))
}

/// A duration that is longer than a limit, in [`words`]; in exact seconds if these are the same for both: `60.1 s`.
#[must_use]
pub fn words_beyond(duration: Duration, limit: Duration) -> String {
    let text = words(duration);
    if text == words(limit) { format!("{} s", duration.as_secs_f64()) } else { text }
}

/// Parses a duration such as `500ms`, `4s`, `5m`, `2h` or `1.5d`.
///
/// # Errors
///
/// If the number or a known unit is missing, or the duration is longer than some 300 years.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    let invalid = || InvalidDuration(text.to_owned());
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
    let (number, unit) = text.split_at(split);
    let scale = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(invalid()),
    };
    let number: f64 = number.parse().map_err(|_| invalid())?;
    Duration::try_from_secs_f64(number * scale).ok().filter(|d| d.as_secs() < 10_000_000_000).ok_or_else(invalid)
}

/// A text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid duration `{0}`: use a number and a unit, such as `500ms`, `4s`, `5m` or `2h`")]
pub struct InvalidDuration(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_unix_seconds_and_any_offset() {
        assert_eq!("1735732800".parse(), Ok(Timestamp::from_unix_seconds(1_735_732_800)));
        assert_eq!("2025-01-01T13:00:00+01:00".parse(), Ok(Timestamp::from_unix_seconds(1_735_732_800)));
        assert_eq!("noon".parse::<Timestamp>(), Err(InvalidTimestamp("noon".into())));
    }

    #[test]
    fn prints_milliseconds_in_utc() {
        assert_eq!(Timestamp::from_unix_millis(1_735_732_800_042).to_string(), "2025-01-01T12:00:00.042Z");
        assert_eq!(Timestamp::from_unix_seconds(1_735_732_800).rfc3339_seconds(), "2025-01-01T12:00:00Z");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_clamped() {
        assert_eq!(Timestamp::from_unix_seconds(i64::MAX).to_string(), "9999-12-30T22:00:00.999Z");
    }

    #[test]
    fn the_bounds_of_the_tolerance_are_included() {
        let tolerance = Tolerance::both(Duration::from_secs(300));
        let skew = |millis| Timestamp::from_unix_millis(millis).skew_from(Timestamp::from_unix_millis(0));
        assert!(!skew(-300_000).too_old(tolerance) && skew(-300_001).too_old(tolerance));
        assert!(!skew(300_000).too_new(tolerance) && skew(300_001).too_new(tolerance));
    }

    #[test]
    fn durations_are_parsed_with_their_units() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(parse_duration("2h"), Ok(Duration::from_secs(7200)));
        for wrong in ["5", "s", "5 s", "-1s", "1e3s", "5x", "99999999999999h"] {
            assert_eq!(parse_duration(wrong), Err(InvalidDuration(wrong.into())), "{wrong}");
        }
    }

    #[test]
    fn a_duration_just_beyond_a_limit_differs_from_it() {
        for (millis, limit, expected) in [
            (60_100, 60, "60.1 s"),
            (300_004, 300, "300.004 s"),
            (61_000, 60, "1 min 1 s"),
            (259_500_000, 259_200, "259500 s"),
            (100_001, 100, "100.001 s"),
        ] {
            assert_eq!(words_beyond(Duration::from_millis(millis), Duration::from_secs(limit)), expected);
        }
    }

    #[test]
    fn durations_are_written_in_two_units() {
        for (millis, expected) in
            [(250, "250 ms"), (4000, "4 s"), (423_000, "7 min 3 s"), (3_600_000, "1 h"), (187_200_000, "2 d 4 h")]
        {
            assert_eq!(words(Duration::from_millis(millis)), expected);
        }
    }
}
