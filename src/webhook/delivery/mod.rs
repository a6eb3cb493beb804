//! A provider's delivery policy: the headers that it sends, how long it waits, which responses count as
//! success, and when it retries.

mod attempts;
mod header;
mod status;

use std::{sync::LazyLock, time::Duration};

use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;

pub(in crate::webhook) use self::header::HeaderPiece;
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
    /// The encodings of the body, in the order in which they are tried. The next one is tried after an error
    /// response.
    pub encodings: Vec<Encoding>,
    /// Whether payloads are sent with the whitespace of their files, or without any.
    pub indented: bool,
    /// How often an attempt that timed out is repeated with the same encoding.
    pub repeat_on_timeout: u32,
    /// The provider's `User-Agent`, if documented.
    pub user_agent: Option<HeaderValue>,
    /// Additional headers.
    pub headers: Vec<(HeaderName, HeaderTemplate)>,
    /// The template of a delivery's id.
    pub id: Option<Fresh>,
    /// The statuses that count as delivered.
    pub success: Vec<StatusPattern>,
    /// How long the provider waits for a response, if documented.
    pub timeout: Option<Duration>,
    /// When a failed delivery is retried.
    pub retry: Retry,
    /// The size of the largest body that it sends, in bytes, if documented.
    pub max_body: Option<usize>,
    /// The calls or commands that show what the provider has sent, if documented.
    pub logs: Vec<String>,
    /// The call or command that makes it send a delivery again, if documented.
    pub redelivery: Option<String>,
}

/// One encoding of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// The media type.
    pub media: Media,
    /// Headers for this encoding only.
    pub headers: Vec<(HeaderName, String)>,
}

/// The media types that payloads are sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Media {
    /// A JSON text.
    #[serde(rename = "application/json")]
    Json,
    /// A form as a query string.
    #[serde(rename = "application/x-www-form-urlencoded")]
    Urlencoded,
    /// A form as parts.
    #[serde(rename = "multipart/form-data")]
    Multipart,
}

impl Media {
    /// The media type with this name in lower case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "application/json" => Some(Self::Json),
            "application/x-www-form-urlencoded" => Some(Self::Urlencoded),
            "multipart/form-data" => Some(Self::Multipart),
            _ => None,
        }
    }
}

impl Policy {
    /// The timeout assumed for a provider that documents none.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

    /// How long an attempt waits for its response.
    #[must_use]
    pub fn timeout_or_default(&self) -> Duration {
        self.timeout.unwrap_or(Self::DEFAULT_TIMEOUT)
    }

    /// Whether the provider counts a status as delivered.
    #[must_use]
    pub fn accepts(&self, status: u16) -> bool {
        self.success.iter().any(|pattern| pattern.matches(status))
    }

    /// The first status that counts as success, which a correct handler responds with.
    #[must_use]
    pub fn first_success(&self) -> u16 {
        self.success.first().map_or(200, |pattern| pattern.first())
    }

    /// What counts as success, in words: `exactly 200`, `any 2xx`.
    #[must_use]
    pub fn success_in_words(&self) -> String {
        let words = self.success.iter().map(|pattern| match pattern {
            StatusPattern::Exactly(status) => format!("exactly {status}"),
            StatusPattern::Class(class) => format!("any {class}xx"),
        });
        words.collect::<Vec<_>>().join(" or ")
    }

    /// Why the provider would count a response as failed; `None` if it would not.
    #[must_use]
    pub fn objection(&self, title: &str, status: u16, elapsed: Duration) -> Option<String> {
        if self.timeout.is_some_and(|limit| elapsed > limit) {
            let limit = self.timeout_or_default().as_secs_f64();
            return Some(format!(
                "the response took {:.1} s; {title} times out after {limit} s",
                elapsed.as_secs_f64()
            ));
        }
        if self.accepts(status) {
            None
        } else if (300..400).contains(&status) {
            Some(format!("{status} is a redirect, which {title} doesn't follow: the delivery counts as failed"))
        } else {
            Some(format!("{title} counts {status} as failed; it expects {}", self.success_in_words()))
        }
    }

    /// The attempts of a delivery; `retry` says whether to follow the provider's schedule.
    #[must_use]
    pub fn attempts(&self, retry: bool) -> AttemptSequence<'_> {
        AttemptSequence::new(self, retry)
    }

    /// The attempts of a request with fixed bytes, which have one encoding.
    #[must_use]
    pub fn attempts_of_bytes(&self, retry: bool) -> AttemptSequence<'_> {
        AttemptSequence::fixed(self, retry)
    }

    /// The policy assumed for an unknown sender: a POST of JSON, with any 2xx as success.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            method: Method::POST,
            encodings: vec![Encoding { media: Media::Json, headers: Vec::new() }],
            indented: false,
            repeat_on_timeout: 0,
            user_agent: None,
            headers: Vec::new(),
            id: None,
            success: vec![StatusPattern::Class(2)],
            timeout: None,
            retry: Retry::assumed(),
            max_body: None,
            logs: Vec::new(),
            redelivery: None,
        }
    }
}

/// [`Policy::unknown`] as a static.
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
    fn exactly_200_excludes_other_2xx() {
        let strict = policy("200", Some(3));
        assert!(strict.accepts(200) && !strict.accepts(204));
        let objection = |status, millis| strict.objection("Cyanite", status, Duration::from_millis(millis));
        assert_eq!(objection(200, 3000), None);
        assert_eq!(objection(204, 1), Some("Cyanite counts 204 as failed; it expects exactly 200".into()));
        assert_eq!(
            objection(302, 1),
            Some("302 is a redirect, which Cyanite doesn't follow: the delivery counts as failed".into())
        );
        assert_eq!(objection(200, 4000), Some("the response took 4.0 s; Cyanite times out after 3 s".into()));
    }

    #[test]
    fn a_class_includes_all_its_codes() {
        let class = policy("2xx", None);
        assert!(class.accepts(200) && class.accepts(299) && !class.accepts(302) && !class.accepts(199));
        assert_eq!((class.first_success(), class.timeout_or_default()), (200, Duration::from_secs(30)));
    }
}
