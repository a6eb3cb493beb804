//! Verdicts: whether a request is genuine, and if not, the exact reason with its evidence.
//!
//! A rejection is a result, not an error. No type here holds a secret or an expected signature.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use super::grammar::MAX_SIGNATURES;
use crate::webhook::time::{Skew, Tolerance, words, words_beyond};

/// Whether a request is genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A signature matches, and the timestamp is within the tolerance or could not be checked.
    Verified(Verified),
    /// The request is not genuine, or can't be shown to be.
    Rejected(Rejection),
    /// The provider sends this request without a signature by design.
    Unsigned,
    /// No provider was recognised.
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

    /// Whether the age of the request was compared with the tolerance. This needs a matching signature that covers a
    /// timestamp, and a time of receipt.
    #[must_use]
    pub const fn is_age_checked(&self) -> bool {
        match self {
            Self::Verified(verified) => matches!(verified.freshness, Freshness::Fresh(_)),
            Self::Rejected(rejection) => {
                matches!(
                    rejection.reason,
                    Reason::TimestampTooOld { .. } | Reason::Expired { .. } | Reason::TimestampTooNew { .. }
                )
            }
            Self::Unsigned | Self::Unrecognised => false,
        }
    }

    /// The rejection, if this is one.
    #[must_use]
    pub const fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }
}

/// The proof that a request is genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The name of the scheme that matched.
    pub scheme: Arc<str>,
    /// The index of the secret that matched, in the list passed to verify.
    pub secret: usize,
    /// What is known about the request's age.
    pub freshness: Freshness,
    /// Whether the signature covers the body before its `content-encoding`, though the manifest doesn't say so.
    pub before_compression: bool,
}

/// What is known about the age of a genuine request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Within the tolerance, this far from the time of receipt.
    Fresh(Skew),
    /// The scheme signs a timestamp, but the time of receipt is unknown.
    NotChecked,
    /// The scheme signs no timestamp, so an old request looks like a new one.
    NoTimestamp,
}

/// Why a request is not genuine, and by which scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The scheme under which verification came furthest.
    pub scheme: Arc<str>,
    /// Why it was rejected.
    pub reason: Reason,
}

/// Why a request was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A required header is missing under all of its names.
    MissingHeader {
        /// Its names, the usual one first.
        names: Vec<String>,
    },
    /// A required value that is sent in the query or the body is missing.
    MissingValue {
        /// Its place in words.
        place: String,
    },
    /// A header, or a value in the query or the body, is malformed.
    MalformedHeader {
        /// Its name, or its place as a manifest writes it.
        header: String,
        /// What is wrong with it.
        problem: Cow<'static, str>,
    },
    /// A signature header has more signatures than are checked.
    TooManySignatures {
        header: String,
        /// How many it has.
        signatures: usize,
    },
    /// Every signature has a version that the scheme does not know.
    UnsupportedVersion {
        header: String,
        /// The versions found.
        versions: Vec<String>,
    },
    /// A header that must be unique was sent several times.
    AmbiguousHeader {
        /// Its name.
        header: String,
        /// The number of times it was sent.
        times: usize,
    },
    /// No signature matches under any secret.
    NoMatchingSignature {
        /// The number of signatures tried.
        signatures: usize,
        /// The number of secrets tried.
        secrets: usize,
        /// What doesn't match.
        what: Unmatched,
    },
    /// A token names a different algorithm from the provider's.
    OtherAlgorithm {
        /// The algorithm that its header names.
        found: String,
        /// The provider's.
        needed: &'static str,
    },
    /// The signature matches, but the signed values contradict the request.
    ClaimMismatch {
        /// The claim that doesn't hold.
        claim: Claim,
    },
    /// The signature matches, but the body lacks what it covers, and so isn't covered itself.
    NotInBody {
        /// Its place in words.
        place: String,
    },
    /// The hash matches, but it begins with the secret, and the body isn't text: it may have been extended by anyone.
    Extendable,
    /// A signature matches, but only under the public development secret, which is not accepted here.
    DevelopmentSecret,
    /// The signature matches, but the request is too old.
    TimestampTooOld {
        /// How far the timestamp is from the time of receipt.
        skew: Skew,
        /// The tolerance that it exceeds.
        tolerance: Tolerance,
    },
    /// The signature of a token matches, but the token has expired.
    Expired {
        /// How far the token's start is from the time of receipt.
        skew: Skew,
        /// How long ago it expired.
        since: Duration,
    },
    /// The signature matches, but the timestamp is too far in the future.
    TimestampTooNew {
        /// How far the timestamp is from the time of receipt.
        skew: Skew,
        /// The tolerance that it exceeds.
        tolerance: Tolerance,
    },
}

/// What doesn't match any secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// A signature of the request.
    Signature,
    /// A JWT, whose signature covers only its own claims.
    Jwt,
    /// A static token.
    Token,
}

/// What a provider signs about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The claim of a JWT: its name.
    Token(String),
    /// A signed value outside the body: its place in words.
    Place(String),
}

impl Reason {
    /// The reason's code in all output.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingHeader { .. } | Self::MissingValue { .. } => "missing-header",
            Self::MalformedHeader { .. } | Self::TooManySignatures { .. } => "malformed-header",
            Self::UnsupportedVersion { .. } => "unsupported-version",
            Self::AmbiguousHeader { .. } => "ambiguous-header",
            Self::NoMatchingSignature { .. }
            | Self::OtherAlgorithm { .. }
            | Self::ClaimMismatch { .. }
            | Self::NotInBody { .. }
            | Self::Extendable
            | Self::DevelopmentSecret => "no-matching-signature",
            Self::TimestampTooOld { .. } | Self::Expired { .. } => "timestamp-too-old",
            Self::TimestampTooNew { .. } => "timestamp-too-new",
        }
    }

    /// How far verification got. With several schemes, the rejection that got furthest is reported.
    pub(in crate::webhook) const fn progress(&self) -> u8 {
        match self {
            Self::MissingHeader { .. } | Self::MissingValue { .. } => 0,
            Self::MalformedHeader { .. } | Self::TooManySignatures { .. } => 1,
            Self::UnsupportedVersion { .. } => 2,
            Self::AmbiguousHeader { .. } => 3,
            Self::NoMatchingSignature { .. } | Self::OtherAlgorithm { .. } => 4,
            Self::ClaimMismatch { .. }
            | Self::NotInBody { .. }
            | Self::Extendable
            | Self::DevelopmentSecret
            | Self::TimestampTooOld { .. }
            | Self::Expired { .. }
            | Self::TimestampTooNew { .. } => 5,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingHeader { names } => match names.as_slice() {
                [usual, others @ ..] if !others.is_empty() => {
                    write!(f, "missing header `{usual}` (or `{}`)", others.join("`, `"))
                }
                names => write!(f, "missing header `{}`", names.join("`, `")),
            },
            Self::MissingValue { place } => write!(f, "{place} is missing"),
            Self::MalformedHeader { header, problem } => write!(f, "invalid {}: {problem}", named(header)),
            Self::TooManySignatures { header, signatures } => {
                write!(
                    f,
                    "invalid {}: {signatures} signatures in one header; at most {MAX_SIGNATURES} are checked",
                    named(header)
                )
            }
            Self::UnsupportedVersion { header, versions } => {
                write!(f, "the {} has only unknown signature versions: {}", named(header), versions.join(", "))
            }
            Self::AmbiguousHeader { header, times } => {
                write!(f, "the {} was sent {times} times; it must be sent once", named(header))
            }
            Self::NoMatchingSignature { secrets: 0, .. } => {
                f.write_str("no secret is configured to verify the signature with")
            }
            Self::NoMatchingSignature { secrets, what: Unmatched::Jwt, .. } => {
                write!(f, "the token isn't signed with {}", configured(*secrets))
            }
            Self::NoMatchingSignature { secrets: 1, what: Unmatched::Token, .. } => {
                f.write_str("the token is not the configured secret")
            }
            Self::NoMatchingSignature { secrets, what: Unmatched::Token, .. } => {
                write!(f, "the token matches none of the {secrets} configured secrets")
            }
            Self::NoMatchingSignature { signatures: 1, secrets, .. } => {
                write!(f, "the signature doesn't match this body with {}", configured(*secrets))
            }
            Self::NoMatchingSignature { signatures, secrets, .. } => {
                write!(f, "none of the {signatures} signatures matches this body with {}", configured(*secrets))
            }
            Self::OtherAlgorithm { found, needed } => {
                write!(f, "the token's header names the algorithm `{found}`; only {needed} is accepted")
            }
            Self::ClaimMismatch { claim: Claim::Token(name) } => {
                write!(f, "the token's signature matches, but its claim `{name}` doesn't match this request or key")
            }
            Self::ClaimMismatch { claim: Claim::Place(place) } => {
                write!(f, "the signature matches, but {place}, which it covers, doesn't match this body")
            }
            Self::NotInBody { place } => {
                write!(f, "the signature matches, but covers no part of this body, which lacks {place}")
            }
            Self::Extendable => f.write_str(
                "the hash matches, but the body isn't text, and anyone who has seen a hash that begins with the secret can append such bytes",
            ),
            Self::DevelopmentSecret => {
                f.write_str("the signature matches only the public development secret, with which anyone can sign")
            }
            Self::TimestampTooOld { skew, tolerance } => {
                write!(
                    f,
                    "the signature matches, but is {} old; the tolerance is {}",
                    words_beyond(skew.distance(), tolerance.past),
                    words(tolerance.past)
                )
            }
            Self::Expired { since, .. } => {
                write!(f, "the token's signature matches, but the token expired {} ago", words(*since))
            }
            Self::TimestampTooNew { skew, tolerance } => {
                write!(
                    f,
                    "the signature matches, but its timestamp is {} in the future; the tolerance is {}",
                    words_beyond(skew.distance(), tolerance.future),
                    words(tolerance.future)
                )
            }
        }
    }
}

/// A header's name, or a place as a manifest writes it, with what it is.
fn named(label: &str) -> String {
    if label.contains(':') { format!("value `{label}`") } else { format!("`{label}` header") }
}

fn configured(secrets: usize) -> String {
    if secrets == 1 { "the configured secret".to_owned() } else { format!("any of the {secrets} configured secrets") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_says_how_many_signatures_and_secrets_were_tried() {
        let of = |what, signatures, secrets| Reason::NoMatchingSignature { signatures, secrets, what }.to_string();
        let message = |signatures, secrets| of(Unmatched::Signature, signatures, secrets);
        assert_eq!(message(1, 0), "no secret is configured to verify the signature with");
        assert_eq!(message(1, 1), "the signature doesn't match this body with the configured secret");
        assert_eq!(message(2, 3), "none of the 2 signatures matches this body with any of the 3 configured secrets");
        assert_eq!(of(Unmatched::Token, 1, 1), "the token is not the configured secret");
        assert_eq!(of(Unmatched::Token, 1, 2), "the token matches none of the 2 configured secrets");
        assert_eq!(of(Unmatched::Jwt, 1, 1), "the token isn't signed with the configured secret");
    }
}
