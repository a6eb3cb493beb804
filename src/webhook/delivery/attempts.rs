//! The attempts of one delivery: which attempt is due after one that failed, in which form, and
//! after what wait. Forms and repeats on a time-out are a part of every delivery; the provider's
//! retry schedule is followed where that is asked for.

use std::time::Duration;

use super::{Encoding, Policy, StatusPattern};
use crate::webhook::time::Timestamp;

/// When a provider attempts a failed delivery again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The waits before the second attempt, the third and so on, each from the end of the one
    /// before.
    pub waits: Vec<Duration>,
    /// Whether the waits are an assumption, as the provider publishes none.
    pub assumed: bool,
    /// Whether each attempt is dated and signed anew; the id and the payload stay.
    pub renews_timestamp: bool,
    /// Whether a longer wait that the answer's `Retry-After` asks for is granted.
    pub retry_after: bool,
    /// The answers after which nothing more is attempted.
    pub stop: Vec<StatusPattern>,
}

impl Retry {
    /// Whether nothing more is attempted after an answer with this status.
    #[must_use]
    pub fn stops_at(&self, status: u16) -> bool {
        self.stop.iter().any(|stop| stop.matches(status))
    }

    /// What is assumed of a provider that publishes no schedule.
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

/// What came of an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedAttempt {
    /// It was answered so, or the answer broke off.
    Refused {
        /// The answer's status, if there was one.
        status: Option<u16>,
        /// The wait that the answer asks for.
        retry_after: Option<Duration>,
    },
    /// No answer came in time.
    TimedOut,
    /// The endpoint could not be reached.
    Unreachable,
}

/// How far a delivery has come.
#[derive(Clone, Copy, Debug)]
pub struct AttemptSequence<'a> {
    policy: &'a Policy,
    form: usize,
    forms: usize,
    repeats: u32,
    waits: &'a [Duration],
    of: u32,
}

impl<'a> AttemptSequence<'a> {
    /// The attempts of a delivery that can be written in all forms of the policy, with the
    /// provider's schedule if it is to be followed.
    pub(super) fn new(policy: &'a Policy, retry: bool) -> Self {
        Self::with(policy, policy.encodings.len(), policy.repeat_on_timeout, retry)
    }

    /// The attempts of a request whose bytes are given.
    pub(super) fn fixed(policy: &'a Policy, retry: bool) -> Self {
        Self::with(policy, 1, 0, retry)
    }

    fn with(policy: &'a Policy, forms: usize, repeats: u32, retry: bool) -> Self {
        let waits = if retry { policy.retry.waits.as_slice() } else { &[] };
        let of = forms.saturating_add(repeats as usize).saturating_add(waits.len());
        Self { policy, form: 0, forms, repeats, waits, of: u32::try_from(of).unwrap_or(u32::MAX) }
    }

    /// The form of the attempt that is due.
    #[must_use]
    pub fn encoding(&self) -> &'a Encoding {
        &self.policy.encodings[self.form]
    }

    /// The most attempts that the whole delivery can take.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.of
    }

    /// Goes on to the next attempt, and says how long to wait before it; none when the delivery
    /// has failed for good.
    pub fn after(&mut self, failed: FailedAttempt) -> Option<Duration> {
        let Policy { retry, .. } = self.policy;
        match failed {
            FailedAttempt::Refused { status: Some(status), .. } if retry.stops_at(status) => {
                self.waits = &[];
                return None;
            }
            FailedAttempt::Refused { .. } if self.form + 1 < self.forms => {
                self.form += 1;
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
        self.form = 0;
        let asked = match failed {
            FailedAttempt::Refused { retry_after, .. } if retry.retry_after => retry_after,
            _ => None,
        };
        Some(asked.map_or(*wait, |asked| asked.max(*wait)))
    }
}

/// The wait that a `Retry-After` header asks for (RFC 9110, 10.2.3: seconds, or a date); none when it is neither.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit ask for a wait of centuries all the same.
        return Some(Duration::from_secs(value.parse::<u32>().unwrap_or(u32::MAX).into()));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
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
    fn a_form_is_repeated_on_a_timeout_and_changed_on_an_error() {
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
    fn the_schedule_is_followed_only_when_it_is_asked_for() {
        let policy = policy(&[Media::Json], 0, &[5, 300]);
        assert_eq!(policy.attempts(false).after(REFUSED), None);
        let mut attempts = policy.attempts(true);
        assert_eq!(attempts.max_attempts(), 3);
        assert_eq!(attempts.after(FailedAttempt::Unreachable), Some(Duration::from_secs(5)));
        assert_eq!(attempts.after(FailedAttempt::TimedOut), Some(Duration::from_secs(300)));
        assert_eq!(attempts.after(REFUSED), None);
    }

    #[test]
    fn a_request_of_given_bytes_has_one_form() {
        let policy = policy(&[Media::Urlencoded, Media::Multipart], 1, &[5]);
        let mut attempts = policy.attempts_of_bytes(true);
        assert_eq!((attempts.max_attempts(), attempts.after(REFUSED)), (2, Some(Duration::from_secs(5))));
        assert_eq!(attempts.after(FailedAttempt::TimedOut), None);
    }

    #[test]
    fn a_retry_after_only_makes_a_wait_longer_and_only_where_the_scheme_respects_it() {
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
    fn an_answer_that_says_stop_ends_the_delivery() {
        let mut policy = policy(&[Media::Json], 0, &[5]);
        policy.retry.stop = vec![StatusPattern::Exactly(410)];
        let mut attempts = policy.attempts(true);
        assert_eq!(attempts.after(FailedAttempt::Refused { status: Some(410), retry_after: None }), None);
        assert_eq!(policy.attempts(true).after(REFUSED), Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_retry_after_is_seconds_or_a_date() {
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
