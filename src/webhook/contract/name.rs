//! The names of the cases, which scripts depend on, and what each name implies.

use super::{
    expectation::Expectation,
    tamper::{Forgery, Tamper},
};
use crate::webhook::delivery::Media;

/// The name of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseName {
    /// An event as the provider sends it.
    EventAccepted,
    /// A handshake as the provider sends it, which wants its own response.
    Handshake,
    /// A handshake with another signature.
    HandshakeForged,
    /// One encoding of the body, for providers that use several.
    Encoding(Media),
    /// The same payload, serialised differently.
    BodyReserialised,
    /// A body that was changed after signing.
    BodyTampered,
    /// A signature made with a different secret.
    SecretWrong,
    /// No signature header.
    SignatureMissing,
    /// The first half of the signature.
    SignatureTruncated,
    /// A signature header without a signature.
    SignatureEmpty,
    /// A signature header that can't be decoded.
    SignatureGarbage,
    /// A signed timestamp that is too old.
    TimestampStale,
    /// A signed timestamp that is too far in the future.
    TimestampFuture,
    /// A valid signature next to an invalid one.
    SignatureRotated,
    /// A valid signature next to one of an unknown version.
    VersionUnknown,
    /// The same delivery twice.
    DeliveryDuplicated,
    /// An event of an undocumented type.
    EventUnknown,
    /// Many deliveries at once.
    Burst,
}

impl CaseName {
    /// All names, in the order in which the cases run.
    pub const ALL: [Self; 20] = [
        Self::EventAccepted,
        Self::Handshake,
        Self::HandshakeForged,
        Self::Encoding(Media::Json),
        Self::Encoding(Media::Urlencoded),
        Self::Encoding(Media::Multipart),
        Self::BodyReserialised,
        Self::BodyTampered,
        Self::SecretWrong,
        Self::SignatureMissing,
        Self::SignatureTruncated,
        Self::SignatureEmpty,
        Self::SignatureGarbage,
        Self::TimestampStale,
        Self::TimestampFuture,
        Self::SignatureRotated,
        Self::VersionUnknown,
        Self::DeliveryDuplicated,
        Self::EventUnknown,
        Self::Burst,
    ];

    /// The name in all output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventAccepted => "event-accepted",
            Self::Handshake => "handshake",
            Self::HandshakeForged => "handshake-forged",
            Self::Encoding(Media::Json) => "encoding-json",
            Self::Encoding(Media::Urlencoded) => "encoding-urlencoded",
            Self::Encoding(Media::Multipart) => "encoding-multipart",
            Self::BodyReserialised => "body-reserialised",
            Self::BodyTampered => "body-tampered",
            Self::SecretWrong => "secret-wrong",
            Self::SignatureMissing => "signature-missing",
            Self::SignatureTruncated => "signature-truncated",
            Self::SignatureEmpty => "signature-empty",
            Self::SignatureGarbage => "signature-garbage",
            Self::TimestampStale => "timestamp-stale",
            Self::TimestampFuture => "timestamp-future",
            Self::SignatureRotated => "signature-rotated",
            Self::VersionUnknown => "version-unknown",
            Self::DeliveryDuplicated => "delivery-duplicated",
            Self::EventUnknown => "event-unknown",
            Self::Burst => "burst",
        }
    }

    /// What a correct handler does.
    #[must_use]
    pub const fn expectation(self) -> Expectation {
        match self.forgery() {
            Some(_) => Expectation::Rejected,
            None if matches!(self, Self::EventUnknown) => Expectation::Survived,
            None => Expectation::Accepted,
        }
    }

    /// How the deliveries are forged; `None` if they are valid.
    pub(super) const fn forgery(self) -> Option<Forgery> {
        match self {
            Self::HandshakeForged => Some(Forgery::Tamper(Tamper::Signature)),
            Self::BodyTampered => Some(Forgery::Tamper(Tamper::Body)),
            Self::SecretWrong => Some(Forgery::Tamper(Tamper::Secret)),
            Self::SignatureMissing => Some(Forgery::Tamper(Tamper::Missing)),
            Self::SignatureTruncated => Some(Forgery::Truncated),
            Self::SignatureEmpty => Some(Forgery::Empty),
            Self::SignatureGarbage => Some(Forgery::Garbage),
            Self::TimestampStale => Some(Forgery::Tamper(Tamper::Stale)),
            Self::TimestampFuture => Some(Forgery::Tamper(Tamper::Future)),
            _ => None,
        }
    }
}
