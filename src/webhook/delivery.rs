//! A provider's delivery policy: what it sends around the payload, how long it waits, which
//! answers it takes for success, and what it tries next when one is not.

use std::time::Duration;

use http::{HeaderName, Method};
use serde::Deserialize;

use crate::webhook::{
    nearest,
    provider::fresh::Fresh,
    template::{self, Piece},
};

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
    pub user_agent: Option<String>,
    /// Further headers.
    pub headers: Vec<(HeaderName, HeaderTemplate)>,
    /// How a delivery's id is made.
    pub id: Option<Fresh>,
    /// The answers that count as delivered.
    pub success: Vec<StatusPattern>,
    /// How long the provider waits for an answer, where it is documented.
    pub timeout: Option<Duration>,
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
    pub const ASSUMED_TIMEOUT: Duration = Duration::from_secs(30);

    /// How long an attempt waits for its answer.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.timeout.unwrap_or(Self::ASSUMED_TIMEOUT)
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
            let limit = self.patience().as_secs_f64();
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

    /// Where a delivery begins.
    #[must_use]
    pub fn course(&self) -> Course<'_> {
        Course { policy: self, encoding: 0, repeats: 0 }
    }

    /// The most attempts that one delivery can take.
    #[must_use]
    pub fn most_attempts(&self) -> u32 {
        u32::try_from(self.encodings.len()).unwrap_or(u32::MAX).saturating_add(self.repeat_on_timeout)
    }
}

/// How far a delivery has come through the forms and repeats of its policy.
#[derive(Clone, Copy, Debug)]
pub struct Course<'a> {
    policy: &'a Policy,
    encoding: usize,
    repeats: u32,
}

impl Course<'_> {
    /// The form of the attempt that is due.
    #[must_use]
    pub fn encoding(&self) -> &Encoding {
        &self.policy.encodings[self.encoding]
    }

    /// Goes on after an attempt that was answered with an error, in the next form; false when
    /// there is none.
    pub fn after_error(&mut self) -> bool {
        let more = self.encoding + 1 < self.policy.encodings.len();
        self.encoding += usize::from(more);
        more
    }

    /// Goes on after an attempt that timed out, in the same form; false when that was done often
    /// enough.
    pub fn after_timeout(&mut self) -> bool {
        let more = self.repeats < self.policy.repeat_on_timeout;
        self.repeats += u32::from(more);
        more
    }
}

/// Which status codes count: one, or a class such as `2xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusPattern {
    /// This one alone.
    Exactly(u16),
    /// All that begin with this digit.
    Class(u16),
}

impl StatusPattern {
    fn matches(self, status: u16) -> bool {
        match self {
            Self::Exactly(exactly) => status == exactly,
            Self::Class(class) => status / 100 == class,
        }
    }

    fn first(self) -> u16 {
        match self {
            Self::Exactly(status) => status,
            Self::Class(class) => class * 100,
        }
    }
}

impl TryFrom<String> for StatusPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no status: write one such as `200`, or a class such as `2xx`");
        let class =
            text.strip_suffix("xx").and_then(|digit| digit.parse().ok()).filter(|class| (1..=5).contains(class));
        let exactly = || text.parse().ok().filter(|status| (100..=599).contains(status));
        class.map(Self::Class).or_else(|| exactly().map(Self::Exactly)).ok_or_else(wrong)
    }
}

/// The template of a header that is sent along: literal text, `{event}`, `{timestamp}`, `{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderTemplate(Vec<HeaderPiece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum HeaderPiece {
    Literal(String),
    Event,
    Timestamp,
    Id,
}

impl HeaderTemplate {
    /// The header's value; `timestamp` in unix seconds.
    #[must_use]
    pub fn fill(&self, event: &str, timestamp: i64, id: &str) -> String {
        let piece = |piece: &HeaderPiece| match piece {
            HeaderPiece::Literal(text) => text.clone(),
            HeaderPiece::Event => event.to_owned(),
            HeaderPiece::Timestamp => timestamp.to_string(),
            HeaderPiece::Id => id.to_owned(),
        };
        self.0.iter().map(piece).collect()
    }
}

impl TryFrom<String> for HeaderTemplate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let piece = |piece| match piece {
            Piece::Literal(text) => Ok(HeaderPiece::Literal(text.to_owned())),
            Piece::Placeholder("event") => Ok(HeaderPiece::Event),
            Piece::Placeholder("timestamp") => Ok(HeaderPiece::Timestamp),
            Piece::Placeholder("id") => Ok(HeaderPiece::Id),
            Piece::Placeholder(name) => Err(nearest::unknown("placeholder", name, ["event", "timestamp", "id"])),
        };
        template::split(&text)?.into_iter().map(piece).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(success: &str, timeout: Option<u64>) -> Policy {
        Policy {
            method: Method::POST,
            encodings: vec![Encoding { media: Media::Json, headers: vec![] }],
            repeat_on_timeout: 0,
            user_agent: None,
            headers: vec![],
            id: None,
            success: vec![success.to_owned().try_into().unwrap()],
            timeout: timeout.map(Duration::from_secs),
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
        assert_eq!((class.first_success(), class.patience()), (200, Duration::from_secs(30)));
    }

    #[test]
    fn a_form_is_repeated_on_a_timeout_and_changed_on_an_error() {
        let mut policy = policy("2xx", None);
        policy.encodings =
            [Media::Urlencoded, Media::Multipart].map(|media| Encoding { media, headers: vec![] }).into();
        policy.repeat_on_timeout = 1;
        assert_eq!(policy.most_attempts(), 3);
        let mut course = policy.course();
        assert!(course.after_timeout() && course.encoding().media == Media::Urlencoded);
        assert!(!course.after_timeout());
        assert!(course.after_error() && course.encoding().media == Media::Multipart);
        assert!(!course.after_error());
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for wrong in ["2x", "600", "9xx", "", "ok"] {
            let message = format!("`{wrong}` is no status: write one such as `200`, or a class such as `2xx`");
            assert_eq!(StatusPattern::try_from(wrong.to_owned()), Err(message));
        }
    }
}
