//! Many deliveries in a short time: how fast they shall start, and what is told of them in the end.

use std::{str::FromStr, time::Duration};

use crate::webhook::record::Outcome;

/// How many deliveries start in a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    per_second: f64,
}

impl Rate {
    /// When the delivery of this number, from 0, is to start, counted from the start of the first.
    #[must_use]
    pub fn start_of(self, number: u64) -> Duration {
        #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53 deliveries")]
        let seconds = number as f64 / self.per_second;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// How many deliveries are to start before this time.
    #[must_use]
    pub fn starts_before(self, time: Duration) -> u64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; a cast saturates")]
        let count = (time.as_secs_f64() * self.per_second).ceil() as u64;
        count
    }
}

/// Reads `100`, `0.5`, `100/s`, `600/m`, `5000/h`.
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

/// A text that is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no rate: write how many start in a second, `100`, `0.5`, or in a minute or hour, `600/m`, `5000/h`")]
pub struct InvalidRate(String);

/// What many deliveries came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// How many requests were answered, or failed.
    pub requests: u64,
    /// From the first start to the last end.
    pub elapsed: Duration,
    /// How many came out so, in the order of [`OUTCOMES`].
    pub outcomes: [u64; 4],
    /// The answers' status codes in ascending order, each with its count.
    pub statuses: Vec<(u16, u64)>,
    /// Why deliveries were not accepted, the commonest reason first.
    pub reasons: Vec<(String, u64)>,
    /// How many the provider would have counted as failed.
    pub broken: Broken,
    /// How many the schedule had, and no connection was free for until the end.
    pub not_started: u64,
    /// The times from a delivery's start, or from when it was to start, to the end of its answer or
    /// of the wait for it; none when nothing was answered or waited for.
    pub latency: Option<Latency>,
}

/// The outcomes in the order in which they are counted.
pub const OUTCOMES: [Outcome; 4] = [Outcome::Accepted, Outcome::Refused, Outcome::TimedOut, Outcome::Unreachable];

impl Summary {
    /// Requests in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53 requests")]
        let requests = self.requests as f64;
        if self.elapsed.is_zero() { 0.0 } else { requests / self.elapsed.as_secs_f64() }
    }

    /// How many came out so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> u64 {
        OUTCOMES.iter().zip(self.outcomes).filter(|(other, _)| **other == outcome).map(|(_, count)| count).sum()
    }
}

/// How answers broke what a provider demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Broken {
    /// By a status that does not count as delivered.
    pub status: u64,
    /// By a redirect.
    pub redirect: u64,
    /// By coming too late, or not while it was waited for.
    pub time: u64,
}

impl Broken {
    /// All of them.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.status + self.redirect + self.time
    }
}

/// How long things took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Half of them took no longer.
    pub p50: Duration,
    /// 90 of 100 took no longer.
    pub p90: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
    /// 999 of 1000 took no longer.
    pub p99_9: Duration,
    /// The longest of all.
    pub max: Duration,
    /// How many took up to a time, and longer than that of the bar before.
    pub bars: Vec<(Duration, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_in_a_second_a_minute_or_an_hour() {
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
    fn a_schedule_ends_before_the_time_is_over() {
        let ten: Rate = "10".parse().unwrap();
        assert_eq!(ten.starts_before(Duration::from_secs(1)), 10);
        assert_eq!(ten.starts_before(Duration::from_millis(101)), 2);
        assert_eq!(ten.start_of(9), Duration::from_millis(900));
    }
}
