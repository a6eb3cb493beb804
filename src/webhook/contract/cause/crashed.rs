//! Why a handler responds with a 5xx, or closes the connection.

use super::{LOG, Observation, header_of, rejected};
use crate::webhook::{
    contract::{expectation::Expectation, history::EarlierResults, name::CaseName, tamper::NOT_UTF_8},
    remedy::RAW_BODY,
    response::clue::{ENCODINGS, RAISE_LIMIT},
};

/// Why the handler responded with a 5xx or closed the connection.
pub(super) fn crashed(name: CaseName, observation: &Observation<'_>, history: &EarlierResults) -> String {
    let provider = observation.provider;
    if name.expectation() == Expectation::Rejected && history.crashes_on_forgeries() {
        return "respond 401 if verification fails: libraries throw (svix's verify does), and an uncaught exception is a 500"
            .to_owned();
    }
    match name {
        CaseName::SignatureTruncated | CaseName::SignatureEmpty => {
            "the handler threw an exception while it read or compared the signature: respond 401 instead, and compare the lengths before crypto.timingSafeEqual, which throws if they differ; if you split the header, check that each part is there".to_owned()
        }
        CaseName::SignatureGarbage => {
            "respond 401 if the signature can't be read: parts that you split the header into may be missing, crypto.timingSafeEqual throws if the lengths differ, and hmac.compare_digest throws on non-ASCII text (compare bytes: .encode())".to_owned()
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
            format!("the provider's own form passes: the handler verifies or parses only one serialisation of the same JSON; {RAW_BODY}")
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
