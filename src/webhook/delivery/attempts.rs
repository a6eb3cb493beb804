//! The attempts of one delivery: which attempt follows a failed one, in which encoding, and after what wait. Encodings
//! and repeats after a timeout are part of every delivery; the provider's retry schedule is optional.

use std::time::Duration;

use super::{Encoding, Policy, StatusPattern};
use crate::webhook::time::Timestamp;

/// When a provider retries a failed delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The waits before each attempt after the first, counted from the end of the previous one.
    pub waits: Vec<Duration>,
    /// Whether the waits are assumed because the provider publishes none.
    pub assumed: bool,
    /// Whether each attempt gets a new timestamp and signature. The id and payload stay the same.
    pub renews_timestamp: bool,
    /// Whether a longer wait requested with `Retry-After` is respected.
    pub retry_after: bool,
    /// The statuses after which there are no more attempts.
    pub stop: Vec<StatusPattern>,
}

impl Retry {
    /// Whether a response with this status ends the delivery.
    #[must_use]
    pub fn stops_at(&self, status: u16) -> bool {
        self.stop.iter().any(|stop| stop.matches(status))
    }

    /// The schedule assumed for a provider that publishes none.
    #[must_use]
    pub fn assumed() -> Self {
        Self {
            waits: [60, 600, 3600].map(Duration::from_secs).into(),
            assumed: true,
            renews_timestamp: false,
            retry_after: false,
            stop: Vec::new(),
        }
    }
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedAttempt {
    /// The response was an error, or incomplete.
    Refused {
        /// The status, if there was one.
        status: Option<u16>,
        /// The wait requested with `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// There was no response in time.
    TimedOut,
    /// The endpoint could not be reached.
    Unreachable,
}

/// The sequence of attempts of one delivery.
#[derive(Clone, Copy, Debug)]
pub struct AttemptSequence<'a> {
    policy: &'a Policy,
    encoding: usize,
    encodings: usize,
    repeats: u32,
    waits: &'a [Duration],
    max_attempts: u32,
}

impl<'a> AttemptSequence<'a> {
    /// The attempts of a delivery in all encodings of the policy, with the provider's schedule if `retry`.
    pub(super) fn new(policy: &'a Policy, retry: bool) -> Self {
        Self::with(policy, policy.encodings.len(), policy.repeat_on_timeout, retry)
    }

    /// The attempts of a request with fixed bytes.
    pub(super) fn fixed(policy: &'a Policy, retry: bool) -> Self {
        Self::with(policy, 1, 0, retry)
    }

    fn with(policy: &'a Policy, encodings: usize, repeats: u32, retry: bool) -> Self {
        let waits = if retry { policy.retry.waits.as_slice() } else { &[] };
        // Each round of the schedule begins with the first encoding again.
        let rounds = waits.len().saturating_add(1);
        let max = encodings.saturating_mul(rounds).saturating_add(usize::try_from(repeats).unwrap_or(usize::MAX));
        Self { policy, encoding: 0, encodings, repeats, waits, max_attempts: u32::try_from(max).unwrap_or(u32::MAX) }
    }

    /// The encoding of the next attempt.
    #[must_use]
    pub fn encoding(&self) -> &'a Encoding {
        &self.policy.encodings[self.encoding]
    }

    /// The maximum number of attempts.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// Moves on to the next attempt and returns the wait before it; `None` if the delivery has failed for
    /// good.
    pub fn after(&mut self, failed: FailedAttempt) -> Option<Duration> {
        let Policy { retry, .. } = self.policy;
        match failed {
            FailedAttempt::Refused { status: Some(status), .. } if retry.stops_at(status) => {
                self.waits = &[];
                return None;
            }
            FailedAttempt::Refused { .. } if self.encoding + 1 < self.encodings => {
                self.encoding += 1;
                return Some(Duration::ZERO);
            }
            FailedAttempt::TimedOut if self.repeats > 0 => {
                self.repeats -= 1;
                return Some(Duration::ZERO);
            }
            _ => {}
        }
        let (wait, rest) = self.waits.split_first()?;
        self.waits = rest;
        self.encoding = 0;
        let asked = match failed {
            FailedAttempt::Refused { retry_after, .. } if retry.retry_after => retry_after,
            _ => None,
        };
        Some(asked.map_or(*wait, |asked| asked.max(*wait)))
    }
}

/// Parses a `Retry-After` header (RFC 9110, section 10.2.3: seconds or a date); `None` if it is neither.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean centuries anyway.
        return Some(Duration::from_secs(value.parse::<u32>().unwrap_or(u32::MAX).into()));
    }
    let date = Timestamp::from_http_date(value)?.to_jiff();
    Some(date.duration_since(now.to_jiff()).try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::delivery::Media;

    const REFUSED: FailedAttempt = FailedAttempt::Refused { status: Some(503), retry_after: None };

    fn policy(media: &[Media], repeat_on_timeout: u32, waits: &[u64]) -> Policy {
        Policy {
            encodings: media.iter().map(|&media| Encoding { media, headers: vec![] }).collect(),
            repeat_on_timeout,
            retry: Retry { waits: waits.iter().copied().map(Duration::from_secs).collect(), ..Retry::assumed() },
            ..Policy::unknown()
        }
    }

    #[test]
    fn an_encoding_is_repeated_after_a_timeout_and_changed_after_an_error() {
        let policy = policy(&[Media::Urlencoded, Media::Multipart], 1, &[60]);
        let mut attempts = policy.attempts(false);
        assert_eq!(attempts.max_attempts(), 3);
        assert_eq!(attempts.after(FailedAttempt::TimedOut), Some(Duration::ZERO));
        assert_eq!(attempts.encoding().media, Media::Urlencoded);
        assert_eq!(attempts.after(FailedAttempt::TimedOut), None);
        assert_eq!(attempts.after(REFUSED), Some(Duration::ZERO));
        assert_eq!(attempts.encoding().media, Media::Multipart);
        assert_eq!(attempts.after(REFUSED), None);
    }

    #[test]
    fn the_schedule_is_followed_only_on_request() {
        let policy = policy(&[Media::Json], 0, &[5, 300]);
        assert_eq!(policy.attempts(false).after(REFUSED), None);
        let mut attempts = policy.attempts(true);
        assert_eq!(attempts.max_attempts(), 3);
        assert_eq!(attempts.after(FailedAttempt::Unreachable), Some(Duration::from_secs(5)));
        assert_eq!(attempts.after(FailedAttempt::TimedOut), Some(Duration::from_secs(300)));
        assert_eq!(attempts.after(REFUSED), None);
    }

    #[test]
    fn each_round_of_the_schedule_has_every_encoding() {
        let policy = policy(&[Media::Urlencoded, Media::Multipart], 1, &[1, 60, 600]);
        let mut attempts = policy.attempts(true);
        assert_eq!(attempts.max_attempts(), 9);
        let mut made = vec![attempts.encoding().media];
        assert_eq!(attempts.after(FailedAttempt::TimedOut), Some(Duration::ZERO));
        made.push(attempts.encoding().media);
        while attempts.after(REFUSED).is_some() {
            made.push(attempts.encoding().media);
        }
        let round = [Media::Urlencoded, Media::Multipart];
        assert_eq!(made, [&[Media::Urlencoded][..], &round, &round, &round, &round].concat());
    }

    #[test]
    fn a_request_with_fixed_bytes_has_one_encoding() {
        let policy = policy(&[Media::Urlencoded, Media::Multipart], 1, &[5]);
        let mut attempts = policy.attempts_of_bytes(true);
        assert_eq!((attempts.max_attempts(), attempts.after(REFUSED)), (2, Some(Duration::from_secs(5))));
        assert_eq!(attempts.after(FailedAttempt::TimedOut), None);
    }

    #[test]
    fn retry_after_only_extends_a_wait_where_the_provider_respects_it() {
        let asked =
            |seconds| FailedAttempt::Refused { status: Some(429), retry_after: Some(Duration::from_secs(seconds)) };
        let mut policy = policy(&[Media::Json], 0, &[5, 5]);
        assert_eq!(policy.attempts(true).after(asked(60)), Some(Duration::from_secs(5)));
        policy.retry.retry_after = true;
        let mut attempts = policy.attempts(true);
        assert_eq!(attempts.after(asked(60)), Some(Duration::from_secs(60)));
        assert_eq!(attempts.after(asked(1)), Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_stop_status_ends_the_delivery() {
        let mut policy = policy(&[Media::Json], 0, &[5]);
        policy.retry.stop = vec![StatusPattern::Exactly(410)];
        let mut attempts = policy.attempts(true);
        assert_eq!(attempts.after(FailedAttempt::Refused { status: Some(410), retry_after: None }), None);
        assert_eq!(policy.attempts(true).after(REFUSED), Some(Duration::from_secs(5)));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        // The date is RFC 9110's own example.
        let date = "Fri, 31 Dec 1999 23:59:59 GMT";
        let before = Timestamp::from_unix_seconds(946_684_799 - 90);
        assert_eq!(retry_after("120", before), Some(Duration::from_secs(120)));
        assert_eq!(retry_after(date, before), Some(Duration::from_secs(90)));
        assert_eq!(retry_after(date, Timestamp::from_unix_seconds(946_684_900)), Some(Duration::ZERO));
        assert_eq!(retry_after("99999999999999999999", before), Some(Duration::from_secs(u32::MAX.into())));
        for wrong in ["", "soon", "-5", "1.5"] {
            assert_eq!(retry_after(wrong, before), None, "{wrong}");
        }
    }
}
