//! The answer to "is it genuine?": a verdict, and for a refusal its exact reason with the evidence.
//!
//! A refusal is an answer, not an error. Nothing here ever holds a secret or an expected signature.

use std::{fmt, sync::Arc};

use crate::webhook::time::{Skew, Tolerance, words};

/// Whether a request is genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A signature matches, and the time is right as far as it could be judged.
    Verified(Verified),
    /// It is not, or cannot be shown to be.
    Rejected(Rejection),
    /// The provider sends this without a signature, by design.
    Unsigned,
    /// No provider is recognised in it.
    Unrecognised,
}

impl Verdict {
    /// The verdict's name in all output.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Verified(_) => "verified",
            Self::Rejected(_) => "rejected",
            Self::Unsigned => "unsigned",
            Self::Unrecognised => "unrecognised",
        }
    }

    /// Whether a correct handler takes it: verified, or unsigned by design.
    #[must_use]
    pub const fn is_genuine(&self) -> bool {
        matches!(self, Self::Verified(_) | Self::Unsigned)
    }

    /// The rejection, if it is one.
    #[must_use]
    pub const fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }
}

/// How a request was shown to be genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The name of the scheme that matched.
    pub scheme: Arc<str>,
    /// Which of the secrets matched, by its place in the list given.
    pub secret: usize,
    /// What is known of its age.
    pub freshness: Freshness,
}

/// What is known of a genuine request's age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It lies within the tolerance, so far from the time of receipt.
    Fresh(Skew),
    /// The scheme has a signed time, but nothing says when the request was received.
    NotChecked,
    /// The scheme has no signed time, so that an old request can't be told from a new one.
    NoTimestamp,
}

/// A refusal: by which scheme, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The scheme that the request came closest to.
    pub scheme: Arc<str>,
    /// Why it is refused.
    pub reason: Reason,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A header that the scheme needs is not there, under none of its names.
    MissingHeader {
        /// The names it may have, the usual one first.
        names: Vec<String>,
    },
    /// A header is there and cannot be read.
    MalformedHeader {
        /// Its name.
        header: String,
        /// What is wrong, and what was expected.
        problem: &'static str,
    },
    /// Every signature is of a version that the scheme does not know.
    UnsupportedVersion {
        /// The header.
        header: String,
        /// The versions that stand in it.
        versions: Vec<String>,
    },
    /// A header that may stand once stands several times.
    AmbiguousHeader {
        /// Its name.
        header: String,
        /// How often it was sent.
        times: usize,
    },
    /// No signature matches under any secret.
    NoMatchingSignature {
        /// How many signatures were tried.
        signatures: usize,
        /// How many secrets were tried.
        secrets: usize,
    },
    /// The signature matches, and the request is too old.
    TimestampTooOld {
        /// How old.
        skew: Skew,
        /// How old it may be.
        tolerance: Tolerance,
    },
    /// The signature matches, and the request comes from too far ahead.
    TimestampTooNew {
        /// How far ahead.
        skew: Skew,
        /// How far ahead it may be.
        tolerance: Tolerance,
    },
}

impl Reason {
    /// The reason's code in all output.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingHeader { .. } => "missing-header",
            Self::MalformedHeader { .. } => "malformed-header",
            Self::UnsupportedVersion { .. } => "unsupported-version",
            Self::AmbiguousHeader { .. } => "ambiguous-header",
            Self::NoMatchingSignature { .. } => "no-matching-signature",
            Self::TimestampTooOld { .. } => "timestamp-too-old",
            Self::TimestampTooNew { .. } => "timestamp-too-new",
        }
    }

    /// How far verification came before it stopped; with several schemes the furthest speaks.
    pub(in crate::webhook) const fn progress(&self) -> u8 {
        match self {
            Self::MissingHeader { .. } => 0,
            Self::MalformedHeader { .. } => 1,
            Self::UnsupportedVersion { .. } => 2,
            Self::AmbiguousHeader { .. } => 3,
            Self::NoMatchingSignature { .. } => 4,
            Self::TimestampTooOld { .. } | Self::TimestampTooNew { .. } => 5,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        match self {
            Self::MissingHeader { names } => match names.as_slice() {
                [usual, others @ ..] if !others.is_empty() => {
                    write!(f, "no `{usual}` header (nor `{}`)", others.join("`, `"))
                }
                names => write!(f, "no `{}` header", names.join("`, `")),
            },
            Self::MalformedHeader { header, problem } => write!(f, "the `{header}` header can't be read: {problem}"),
            Self::UnsupportedVersion { header, versions } => {
                write!(f, "the `{header}` header holds only versions that are not known: {}", versions.join(", "))
            }
            Self::AmbiguousHeader { header, times } => {
                write!(f, "the `{header}` header was sent {times} times, so that it is not clear which one counts")
            }
            Self::NoMatchingSignature { secrets: 0, .. } => {
                f.write_str("there is no secret that the signature could be verified with")
            }
            Self::NoMatchingSignature { signatures: 1, secrets } => {
                write!(f, "the signature does not match the body under {} secret{}", count(*secrets), plural(*secrets))
            }
            Self::NoMatchingSignature { signatures, secrets } => {
                write!(
                    f,
                    "none of {signatures} signatures matches the body under {} secret{}",
                    count(*secrets),
                    plural(*secrets)
                )
            }
            Self::TimestampTooOld { skew, tolerance } => {
                write!(
                    f,
                    "genuine, but signed {} before it was received; {} is allowed",
                    words(skew.distance()),
                    words(tolerance.past)
                )
            }
            Self::TimestampTooNew { skew, tolerance } => {
                write!(
                    f,
                    "genuine, but signed {} ahead of its receipt; {} is allowed",
                    words(skew.distance()),
                    words(tolerance.future)
                )
            }
        }
    }
}

fn count(secrets: usize) -> String {
    if secrets == 1 { "the one".to_owned() } else { format!("any of the {secrets}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_that_does_not_match_is_told_with_the_number_of_secrets() {
        let told = |signatures, secrets| Reason::NoMatchingSignature { signatures, secrets }.to_string();
        assert_eq!(told(1, 0), "there is no secret that the signature could be verified with");
        assert_eq!(told(1, 1), "the signature does not match the body under the one secret");
        assert_eq!(told(2, 3), "none of 2 signatures matches the body under any of the 3 secrets");
    }
}
