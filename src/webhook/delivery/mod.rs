//! A provider's delivery policy: what it sends around the payload, how long it waits, which
//! answers it takes for success, and what it tries next when one is not.

mod attempts;
mod header;
mod status;

use std::{sync::LazyLock, time::Duration};

use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;

pub use self::{
    attempts::{AttemptSequence, FailedAttempt, Retry, retry_after},
    header::HeaderTemplate,
    status::StatusPattern,
};
use crate::webhook::fresh::Fresh;

/// How one provider delivers.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The method, `POST` for every known provider.
    pub method: Method,
    /// The forms of the body in the order in which they are tried: the next one when the one
    /// before is answered with an error.
    pub encodings: Vec<Encoding>,
    /// How often an attempt that timed out is made again in the same form.
    pub repeat_on_timeout: u32,
    /// The provider's `User-Agent`, where it is documented.
    pub user_agent: Option<HeaderValue>,
    /// Further headers.
    pub headers: Vec<(HeaderName, HeaderTemplate)>,
    /// How a delivery's id is made.
    pub id: Option<Fresh>,
    /// The answers that count as delivered.
    pub success: Vec<StatusPattern>,
    /// How long the provider waits for an answer, where it is documented.
    pub timeout: Option<Duration>,
    /// When a failed delivery is attempted again.
    pub retry: Retry,
}

/// One form in which a body is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// The media type.
    pub media: Media,
    /// Headers that go with this form alone.
    pub headers: Vec<(HeaderName, String)>,
}

/// The media types that payloads are sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Media {
    /// A JSON text.
    #[serde(rename = "application/json")]
    Json,
    /// A form in one line.
    #[serde(rename = "application/x-www-form-urlencoded")]
    Urlencoded,
    /// A form in parts.
    #[serde(rename = "multipart/form-data")]
    Multipart,
}

impl Policy {
    /// The wait that is assumed of a provider that documents none.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

    /// How long an attempt waits for its answer.
    #[must_use]
    pub fn timeout_or_default(&self) -> Duration {
        self.timeout.unwrap_or(Self::DEFAULT_TIMEOUT)
    }

    /// Whether the provider counts a status as delivered.
    #[must_use]
    pub fn accepts(&self, status: u16) -> bool {
        self.success.iter().any(|pattern| pattern.matches(status))
    }

    /// The status that a correct handler answers with: the first that counts as success.
    #[must_use]
    pub fn first_success(&self) -> u16 {
        self.success.first().map_or(200, |pattern| pattern.first())
    }

    /// What counts as success, in words: `200`, `any 2xx`.
    #[must_use]
    pub fn success_in_words(&self) -> String {
        let words = self.success.iter().map(|pattern| match pattern {
            StatusPattern::Exactly(status) => format!("exactly {status}"),
            StatusPattern::Class(class) => format!("any {class}xx"),
        });
        words.collect::<Vec<_>>().join(" or ")
    }

    /// Why the provider would count an answer as failed; none when it would not.
    #[must_use]
    pub fn objection(&self, title: &str, status: u16, elapsed: Duration) -> Option<String> {
        if self.timeout.is_some_and(|limit| elapsed > limit) {
            let limit = self.timeout_or_default().as_secs_f64();
            return Some(format!("the answer took {:.1} s; {title} gives up after {limit} s", elapsed.as_secs_f64()));
        }
        if self.accepts(status) {
            None
        } else if (300..400).contains(&status) {
            Some(format!("{status} is a redirect; {title} follows none and counts the delivery as failed"))
        } else {
            Some(format!("{status} counts as failed at {title}, which wants {}", self.success_in_words()))
        }
    }

    /// Where a delivery begins; `retry` says whether the schedule is followed.
    #[must_use]
    pub fn attempts(&self, retry: bool) -> AttemptSequence<'_> {
        AttemptSequence::new(self, retry)
    }

    /// Where the delivery of a request begins whose bytes are given, so that it has one form.
    #[must_use]
    pub fn attempts_of_bytes(&self, retry: bool) -> AttemptSequence<'_> {
        AttemptSequence::fixed(self, retry)
    }

    /// What is assumed of a sender that is not known: a POST of JSON that any 2xx answers.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            method: Method::POST,
            encodings: vec![Encoding { media: Media::Json, headers: Vec::new() }],
            repeat_on_timeout: 0,
            user_agent: None,
            headers: Vec::new(),
            id: None,
            success: vec![StatusPattern::Class(2)],
            timeout: None,
            retry: Retry::assumed(),
        }
    }
}

/// [`Policy::unknown`], for those who borrow it.
pub static UNKNOWN: LazyLock<Policy> = LazyLock::new(Policy::unknown);

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(success: &str, timeout: Option<u64>) -> Policy {
        Policy {
            success: vec![success.to_owned().try_into().unwrap()],
            timeout: timeout.map(Duration::from_secs),
            ..Policy::unknown()
        }
    }

    #[test]
    fn exactly_200_is_no_other_2xx() {
        let strict = policy("200", Some(3));
        assert!(strict.accepts(200) && !strict.accepts(204));
        let objection = |status, millis| strict.objection("Cyanite", status, Duration::from_millis(millis));
        assert_eq!(objection(200, 3000), None);
        assert_eq!(objection(204, 1), Some("204 counts as failed at Cyanite, which wants exactly 200".into()));
        assert_eq!(
            objection(302, 1),
            Some("302 is a redirect; Cyanite follows none and counts the delivery as failed".into())
        );
        assert_eq!(objection(200, 4000), Some("the answer took 4.0 s; Cyanite gives up after 3 s".into()));
    }

    #[test]
    fn a_class_takes_all_of_its_codes() {
        let class = policy("2xx", None);
        assert!(class.accepts(200) && class.accepts(299) && !class.accepts(302) && !class.accepts(199));
        assert_eq!((class.first_success(), class.timeout_or_default()), (200, Duration::from_secs(30)));
    }
}
