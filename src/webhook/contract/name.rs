//! The names of the cases, which scripts depend on, and what each name implies.

use super::{
    expectation::Expectation,
    tamper::{Forgery, Tamper},
};
use crate::webhook::{delivery::Media, wire_form::WireForm};

/// The name of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseName {
    /// An event as the provider sends it.
    EventAccepted,
    /// A handshake as the provider sends it, which requires a particular response.
    Handshake,
    /// A handshake with another signature.
    HandshakeForged,
    /// One encoding of the body, for providers that use several.
    Encoding(Media),
    /// The same payload, serialised differently.
    BodyReserialised,
    /// Text beyond ASCII and Latin-1.
    BodyUnicode,
    /// A body as large as the provider may send.
    BodyLarge,
    /// Empty texts, lists and objects, and null.
    BodyEmptyValues,
    /// A body that was changed after signing.
    BodyTampered,
    /// A signature made with a different secret.
    SecretWrong,
    /// No signature header.
    SignatureMissing,
    /// No id or timestamp header, if these are signed.
    HeaderMissing,
    /// The first half of the signature.
    SignatureTruncated,
    /// A signature header without a signature.
    SignatureEmpty,
    /// A signature header that can't be decoded.
    SignatureGarbage,
    /// A signed timestamp that is not a time.
    TimestampGarbage,
    /// A signed timestamp that is too old.
    TimestampStale,
    /// A signed timestamp that is too far in the future.
    TimestampFuture,
    /// An unsigned body that can't be parsed.
    BodyMalformed,
    /// A valid signature next to an invalid one, and deliveries signed with each secret.
    SignatureRotated,
    /// A valid signature next to one of an unknown version.
    VersionUnknown,
    /// The same delivery twice.
    DeliveryDuplicated,
    /// An event of an undocumented type.
    EventUnknown,
    /// Many deliveries at once.
    Burst,
    /// A body in chunks, without its length.
    BodyChunked,
    /// Header names in another case.
    HeaderCase,
}

/// What a case is called and what it demands.
struct CaseDefinition {
    name: &'static str,
    expectation: Expectation,
    /// How the deliveries are forged; `None` if they are valid.
    forgery: Option<Forgery>,
    /// How the deliveries are written on the connection.
    form: WireForm,
}

const fn accepted(name: &'static str) -> CaseDefinition {
    CaseDefinition { name, expectation: Expectation::Accepted, forgery: None, form: WireForm::Usual }
}

const fn forged(name: &'static str, forgery: Forgery) -> CaseDefinition {
    CaseDefinition { expectation: Expectation::Rejected, forgery: Some(forgery), ..accepted(name) }
}

const fn written(name: &'static str, form: WireForm) -> CaseDefinition {
    CaseDefinition { form, ..accepted(name) }
}

impl CaseName {
    /// All names, in the order in which the cases run. `definition` says what each is; `cases` when it applies, and
    /// `requests` what it sends.
    pub const ALL: [Self; 28] = [
        Self::EventAccepted,
        Self::Handshake,
        Self::HandshakeForged,
        Self::Encoding(Media::Json),
        Self::Encoding(Media::Urlencoded),
        Self::Encoding(Media::Multipart),
        Self::BodyReserialised,
        Self::BodyUnicode,
        Self::BodyLarge,
        Self::BodyEmptyValues,
        Self::BodyTampered,
        Self::SecretWrong,
        Self::SignatureMissing,
        Self::SignatureTruncated,
        Self::SignatureEmpty,
        Self::SignatureGarbage,
        Self::HeaderMissing,
        Self::TimestampGarbage,
        Self::TimestampStale,
        Self::TimestampFuture,
        Self::BodyMalformed,
        Self::SignatureRotated,
        Self::VersionUnknown,
        Self::DeliveryDuplicated,
        Self::EventUnknown,
        Self::Burst,
        Self::BodyChunked,
        Self::HeaderCase,
    ];

    /// The definition of each case, in one place.
    const fn definition(self) -> CaseDefinition {
        match self {
            Self::EventAccepted => accepted("event-accepted"),
            Self::Handshake => accepted("handshake"),
            Self::HandshakeForged => forged("handshake-forged", Forgery::Tamper(Tamper::Signature)),
            Self::Encoding(Media::Json) => accepted("encoding-json"),
            Self::Encoding(Media::Urlencoded) => accepted("encoding-urlencoded"),
            Self::Encoding(Media::Multipart) => accepted("encoding-multipart"),
            Self::BodyReserialised => accepted("body-reserialised"),
            Self::BodyUnicode => accepted("body-unicode"),
            Self::BodyLarge => accepted("body-large"),
            Self::BodyEmptyValues => accepted("body-empty-values"),
            Self::BodyTampered => forged("body-tampered", Forgery::Tamper(Tamper::Body)),
            Self::SecretWrong => forged("secret-wrong", Forgery::Tamper(Tamper::Secret)),
            Self::SignatureMissing => forged("signature-missing", Forgery::Tamper(Tamper::Missing)),
            Self::SignatureTruncated => forged("signature-truncated", Forgery::Truncated),
            Self::SignatureEmpty => forged("signature-empty", Forgery::Empty),
            Self::SignatureGarbage => forged("signature-garbage", Forgery::Garbage),
            Self::HeaderMissing => forged("header-missing", Forgery::HeaderMissing),
            Self::TimestampGarbage => forged("timestamp-garbage", Forgery::GarbageTimestamp),
            Self::TimestampStale => forged("timestamp-stale", Forgery::Tamper(Tamper::Stale)),
            Self::TimestampFuture => forged("timestamp-future", Forgery::Tamper(Tamper::Future)),
            Self::BodyMalformed => forged("body-malformed", Forgery::Malformed),
            Self::SignatureRotated => accepted("signature-rotated"),
            Self::VersionUnknown => accepted("version-unknown"),
            Self::DeliveryDuplicated => accepted("delivery-duplicated"),
            Self::EventUnknown => CaseDefinition { expectation: Expectation::Survived, ..accepted("event-unknown") },
            Self::Burst => accepted("burst"),
            Self::BodyChunked => written("body-chunked", WireForm::Chunked),
            Self::HeaderCase => written("header-case", WireForm::Capitalised),
        }
    }

    /// The name in all output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.definition().name
    }

    /// What a correct handler does.
    #[must_use]
    pub const fn expectation(self) -> Expectation {
        self.definition().expectation
    }

    /// How the deliveries are forged; `None` if they are valid.
    pub(super) const fn forgery(self) -> Option<Forgery> {
        self.definition().forgery
    }

    /// How the deliveries are written on the connection.
    #[must_use]
    pub const fn form(self) -> WireForm {
        self.definition().form
    }

    /// Whether a failure is only a warning: the provider itself never sends this, but a proxy on the way may.
    #[must_use]
    pub const fn is_advisory(self) -> bool {
        !matches!(self.form(), WireForm::Usual)
    }
}
