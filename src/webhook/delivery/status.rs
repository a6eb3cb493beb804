//! Patterns for status codes: `200`, `2xx`.

use std::fmt;

/// One status code, or a class such as `2xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusPattern {
    /// One status code.
    Exactly(u16),
    /// All status codes that begin with this digit.
    Class(u16),
}

impl StatusPattern {
    /// Whether a status matches.
    #[must_use]
    pub fn matches(self, status: u16) -> bool {
        match self {
            Self::Exactly(exactly) => status == exactly,
            Self::Class(class) => status / 100 == class,
        }
    }

    pub(super) fn first(self) -> u16 {
        match self {
            Self::Exactly(status) => status,
            Self::Class(class) => class * 100,
        }
    }
}

impl TryFrom<String> for StatusPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let invalid = || format!("invalid status `{text}`: use a code such as `200` or a class such as `2xx`");
        let class =
            text.strip_suffix("xx").and_then(|digit| digit.parse().ok()).filter(|class| (1..=5).contains(class));
        let exactly = || text.parse().ok().filter(|status| (100..=599).contains(status));
        class.map(Self::Class).or_else(|| exactly().map(Self::Exactly)).ok_or_else(invalid)
    }
}

/// `200`, `2xx`.
impl fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(status) => write!(f, "{status}"),
            Self::Class(class) => write!(f, "{class}xx"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_status_is_rejected() {
        for wrong in ["2x", "600", "9xx", "", "ok"] {
            let message = format!("invalid status `{wrong}`: use a code such as `200` or a class such as `2xx`");
            assert_eq!(StatusPattern::try_from(wrong.to_owned()), Err(message));
        }
    }
}
