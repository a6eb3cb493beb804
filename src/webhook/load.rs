//! Load: the rate at which deliveries start, and the summary of a run.

use std::{str::FromStr, time::Duration};

use crate::webhook::record::Outcome;

/// The rate at which deliveries start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    per_second: f64,
}

impl Rate {
    /// Deliveries per second.
    #[must_use]
    pub const fn per_second(self) -> f64 {
        self.per_second
    }

    /// When delivery `number` (from 0) is due, counted from the start of the first.
    #[must_use]
    pub fn start_of(self, number: u64) -> Duration {
        #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53 deliveries")]
        let seconds = number as f64 / self.per_second;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// The number of deliveries due before this time.
    #[must_use]
    pub fn starts_before(self, time: Duration) -> u64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; a cast saturates")]
        let count = (time.as_secs_f64() * self.per_second).ceil() as u64;
        count
    }
}

/// Parses `100`, `0.5`, `100/s`, `600/m`, `5000/h`.
impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let invalid = || InvalidRate(text.to_owned());
        let (number, seconds) = match text.split_once('/') {
            None | Some((_, "s")) => (text.trim_end_matches("/s"), 1.0),
            Some((number, "m")) => (number, 60.0),
            Some((number, "h")) => (number, 3600.0),
            Some(_) => return Err(invalid()),
        };
        let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number = number.parse().ok().filter(|_| plain).map(|number: f64| number / seconds);
        let per_second = number.filter(|number| (1e-6..=1e9).contains(number)).ok_or_else(invalid)?;
        Ok(Self { per_second })
    }
}

/// A text that is not a rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid rate `{0}`: use deliveries per second (`100`, `0.5`), per minute (`600/m`) or per hour (`5000/h`)")]
pub struct InvalidRate(String);

/// The summary of many deliveries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadSummary {
    /// The number of requests, with or without a response.
    pub requests: u64,
    /// From the first start to the last end.
    pub elapsed: Duration,
    /// The number of each outcome, in the order of [`OUTCOMES`].
    pub outcomes: [u64; 4],
    /// The status codes in ascending order, each with its count.
    pub statuses: Vec<(u16, u64)>,
    /// Why deliveries were not accepted, the most common reason first.
    pub reasons: Vec<(String, u64)>,
    /// Responses that violate the provider's rules.
    pub violations: Violations,
    /// Scheduled deliveries that never started because no connection was free.
    pub not_started: u64,
    /// The latencies, from when a delivery started, or was due, until its response or timeout. `None` without any.
    pub latency: Option<Latency>,
}

/// The outcomes, in the order in which a summary counts them.
pub const OUTCOMES: [Outcome; 4] = [Outcome::Accepted, Outcome::Refused, Outcome::TimedOut, Outcome::Unreachable];

impl LoadSummary {
    /// Whether every delivery was made and accepted.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.count(Outcome::Accepted) == self.requests && self.not_started == 0
    }

    /// Requests per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53 requests")]
        let requests = self.requests as f64;
        if self.elapsed.is_zero() { 0.0 } else { requests / self.elapsed.as_secs_f64() }
    }

    /// The number of deliveries with this outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> u64 {
        OUTCOMES.iter().zip(self.outcomes).filter(|(other, _)| **other == outcome).map(|(_, count)| count).sum()
    }
}

/// Responses that violate a provider's rules, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    /// The status does not count as delivered.
    pub status: u64,
    /// The response is a redirect.
    pub redirect: u64,
    /// The response arrived too late, or not at all.
    pub time: u64,
}

impl Violations {
    /// All violations.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.status + self.redirect + self.time
    }
}

/// The distribution of latencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The median.
    pub p50: Duration,
    /// The 90th percentile.
    pub p90: Duration,
    /// The 99th percentile.
    pub p99: Duration,
    /// The 99.9th percentile.
    pub p99_9: Duration,
    /// The maximum.
    pub max: Duration,
    /// The histogram: upper bounds, each with its count.
    pub bars: Vec<(Duration, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_per_second_minute_or_hour() {
        let second = |text: &str| text.parse::<Rate>().map(|rate| rate.start_of(1));
        assert_eq!(second("100"), Ok(Duration::from_millis(10)));
        assert_eq!(second("0.5"), Ok(Duration::from_secs(2)));
        assert_eq!(second("4/s"), Ok(Duration::from_millis(250)));
        assert_eq!(second("600/m"), Ok(Duration::from_millis(100)));
        assert_eq!(second("3600/h"), Ok(Duration::from_secs(1)));
        for wrong in ["", "0", "-1", "1e3", "fast", "5/d", "1/", "/s", "inf", "99999999999"] {
            assert_eq!(second(wrong), Err(InvalidRate(wrong.to_owned())), "{wrong}");
        }
    }

    #[test]
    fn a_schedule_ends_before_the_time_is_up() {
        let ten: Rate = "10".parse().unwrap();
        assert_eq!(ten.starts_before(Duration::from_secs(1)), 10);
        assert_eq!(ten.starts_before(Duration::from_millis(101)), 2);
        assert_eq!(ten.start_of(9), Duration::from_millis(900));
    }
}
