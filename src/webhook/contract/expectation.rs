//! What the contract expects of a handler's response.

use crate::webhook::{
    delivery::{Policy, StatusPattern},
    time::words,
};

/// The response that a case expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// A status that the provider counts as success, in time.
    Accepted,
    /// A 4xx.
    Rejected,
    /// Anything but a 5xx, in time.
    Survived,
}

impl Expectation {
    /// Status and time limit in words: `200 within 3 s`, `4xx`.
    #[must_use]
    pub fn words(self, policy: &Policy) -> String {
        let within = policy.timeout.map(|limit| format!(" within {}", words(limit))).unwrap_or_default();
        match self {
            Self::Rejected => self.status_words(policy),
            Self::Accepted | Self::Survived => format!("{}{within}", self.status_words(policy)),
        }
    }

    /// The status alone in words: `200`, `4xx`, `no 5xx`.
    #[must_use]
    pub fn status_words(self, policy: &Policy) -> String {
        match self {
            Self::Accepted => {
                let statuses = policy.success.iter().map(|pattern| match pattern {
                    StatusPattern::Exactly(status) => status.to_string(),
                    StatusPattern::Class(class) => format!("{class}xx"),
                });
                statuses.collect::<Vec<_>>().join(" or ")
            }
            Self::Rejected => "4xx".to_owned(),
            Self::Survived => "no 5xx".to_owned(),
        }
    }
}
