//! Why a handler responds with a 5xx, or closes the connection.

use super::{LOG, Observation, header_of, rejected};
use crate::webhook::{
    contract::{
        expectation::Expectation,
        history::EarlierResults,
        name::CaseName,
        tamper::{NON_ASCII, NOT_UTF_8},
    },
    remedy::RAW_BODY,
    response::{clue::RAISE_LIMIT, form_clue::ENCODINGS},
};

/// How to compare signatures of different lengths.
const LENGTHS: &str = "In Node.js, crypto.timingSafeEqual throws if the lengths in bytes differ: compare those of the Buffers first, not those of the strings";

/// How to compare signatures that are not ASCII.
const NON_ASCII_TEXT: &str = "In Python, hmac.compare_digest raises an exception for text that is not ASCII: compare bytes, with .encode() on both sides";

/// Why the handler responded with a 5xx or closed the connection.
pub(super) fn crashed(name: CaseName, observation: &Observation<'_>, history: &EarlierResults) -> String {
    let provider = observation.provider;
    if name.expectation() == Expectation::Rejected && history.crashes_on_forgeries() {
        return "respond 401 if verification fails: libraries throw (svix's verify does), and an uncaught exception is a 500"
            .to_owned();
    }
    match name {
        CaseName::SignatureTruncated | CaseName::SignatureEmpty => {
            format!("the handler threw an exception while it read or compared the signature: respond 401 instead. {LENGTHS}. In Ruby, OpenSSL.fixed_length_secure_compare raises an exception: use OpenSSL.secure_compare. If you split the header, check that each part is there")
        }
        CaseName::SignatureGarbage if observation.variation == Some(NON_ASCII) => format!(
            "the handler fails on text that is not ASCII: respond 401 instead. {LENGTHS}. {NON_ASCII_TEXT}"
        ),
        CaseName::SignatureGarbage => {
            format!("respond 401 if the signature can't be read: parts that you split the header into may be missing. {LENGTHS}. {NON_ASCII_TEXT}")
        }
        CaseName::SignatureMissing => {
            format!("check that the {} header exists before you read it, and respond 401 if it does not", header_of(provider))
        }
        CaseName::HeaderMissing => {
            "check that each signed header exists before you read it, and respond 401 if one does not".to_owned()
        }
        CaseName::TimestampGarbage => {
            "respond 401 unless the timestamp is a whole number: int() and datetime.fromtimestamp() raise an exception in Python, BigInt() throws in JavaScript".to_owned()
        }
        CaseName::BodyMalformed if history.crashed_on(CaseName::SignatureMissing) => {
            crashed(CaseName::SignatureMissing, observation, history)
        }
        CaseName::BodyMalformed if observation.variation == Some(NOT_UTF_8) => {
            "verify the bytes of the body before you decode them: body.decode() in Python raises an exception for bytes that are not UTF-8; respond 401 to what does not verify".to_owned()
        }
        CaseName::BodyMalformed => {
            "verify the signature before you parse the body, and respond 400 to a body that can't be parsed: JSON.parse() and json.loads() throw, and an uncaught exception is a 500".to_owned()
        }
        CaseName::BodyUnicode => rejected::unicode(observation),
        CaseName::BodyLarge => format!("{LOG}; {RAISE_LIMIT}"),
        CaseName::BodyEmptyValues => format!(
            "{LOG}; expect null, empty strings and empty lists wherever the schema allows them: check a value before you use it"
        ),
        CaseName::SignatureRotated => rejected::rotated(observation),
        CaseName::BodyChunked => rejected::CHUNKED.to_owned(),
        CaseName::HeaderCase => rejected::HEADER_CASE.to_owned(),
        CaseName::EventUnknown => format!(
            "respond {} to events that you do not handle: new types arrive without notice, and a default branch is enough",
            provider.delivery.first_success()
        ),
        CaseName::DeliveryDuplicated => rejected::duplicated(observation),
        CaseName::BodyReserialised => {
            format!("the provider's own form passes, so the handler verifies or parses only one serialisation of the same JSON; {RAW_BODY}")
        }
        CaseName::Encoding(_) => ENCODINGS.to_owned(),
        name if name.expectation() == Expectation::Rejected => {
            format!("respond 401 if verification fails, for whatever reason; {LOG}")
        }
        CaseName::EventAccepted if history.accepts_some() => format!(
            "{LOG}; other deliveries pass, so look for what this one's payload has and theirs lack, or vice versa. Respond before slow work, so that an error there does not fail the delivery"
        ),
        _ => format!("{LOG}; respond before slow work, so that an error there does not fail the delivery"),
    }
}
