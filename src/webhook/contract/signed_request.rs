//! A valid delivery, and its signed request, whose signature can be replaced by another one in the provider's format.

use std::borrow::Cow;

use http::HeaderValue;

use super::body;
use crate::webhook::{
    payload::{DecodedBody, MAX_DECODED_BYTES},
    place::{self, Lookup, Place},
    provider::{
        Provider,
        compose::{AttemptParams, DeliveryDraft},
    },
    request::{self, Request},
    signature::{
        Scheme,
        grammar::{Grammar, ParsedSignature, TextEncoding},
    },
};

/// A valid delivery, to be changed.
#[derive(Clone, Copy, Debug)]
pub struct OriginalDelivery<'a> {
    /// The provider that sends it.
    pub provider: &'a Provider,
    /// The delivery.
    pub draft: &'a DeliveryDraft,
    /// The parameters of its request.
    pub attempt: AttemptParams<'a>,
}

impl<'a> OriginalDelivery<'a> {
    /// Its request.
    pub(super) fn request(&self) -> Request {
        self.provider.request(self.draft, &self.attempt)
    }

    /// The schemes that sign it.
    pub(super) fn schemes(&self) -> impl Iterator<Item = &'a Scheme> {
        self.provider.signers(&self.attempt).into_iter().map(|(scheme, _)| scheme)
    }

    /// Its request, with the signature of the first scheme.
    pub(super) fn signed(&self) -> Result<SignedRequest<'a>, String> {
        SignedRequest::of(self.schemes().next().ok_or("it is not signed")?, self.request())
    }
}

/// A signed request, and the parts of one of its signatures.
pub(super) struct SignedRequest<'a> {
    pub(super) request: Request,
    pub(super) grammar: &'a Grammar,
    place: Place,
    pub(super) value: String,
    pub(super) signature: Vec<u8>,
    timestamp: String,
}

impl<'a> SignedRequest<'a> {
    pub(super) fn of(scheme: &'a Scheme, request: Request) -> Result<Self, String> {
        let place = scheme.signature.place().ok_or("no header carries the signature")?;
        let value = {
            let body = DecodedBody::of(&request, MAX_DECODED_BYTES)?;
            let payload = body.payload(&request);
            let found = Lookup::of(&request, &payload).text(&place).map(Cow::into_owned);
            found.ok_or("it has no signature")?
        };
        let parsed = scheme.grammar.read(&value);
        let timestamp = parsed.timestamps.first().copied().unwrap_or_default().to_owned();
        let Some(ParsedSignature::Decoded(signature)) = parsed.signatures.into_iter().next() else {
            return Err(format!("{} is one that you set", place.words()));
        };
        Ok(Self { request, grammar: &scheme.grammar, place, value, signature, timestamp })
    }

    /// The header's value with a different signature.
    pub(super) fn write(&self, signature: &[u8]) -> String {
        self.grammar.write(signature, &self.timestamp)
    }

    /// The header's value with a signature of the right length that can't be decoded.
    pub(super) fn undecodable(&self) -> String {
        let encoded = self.grammar.encoding().encode(&self.signature);
        self.value.replacen(&encoded, &"?".repeat(encoded.len()), 1)
    }

    pub(super) fn set(&mut self, value: &str) -> Result<(), String> {
        if let Place::Header(name) = &self.place {
            let value: HeaderValue = request::value(value).map_err(|error| error.to_string())?;
            self.request.headers.set(name, value);
        } else {
            place::write(&mut self.request, &self.place, value);
        }
        Ok(())
    }

    /// The header's value with an invalid signature before the valid one, and with one after it.
    pub(super) fn with_invalid_signature(&self) -> Option<[String; 2]> {
        let invalid = self.write(&flipped(&self.signature, self.grammar));
        if let Some(repetition) = self.grammar.repetition() {
            let valid = &self.value;
            return Some([format!("{invalid}{repetition}{valid}"), format!("{valid}{repetition}{invalid}")]);
        }
        let separator = self.grammar.separator()?;
        let (valid, invalid): (Vec<&str>, Vec<&str>) =
            (self.value.split(separator).collect(), invalid.split(separator).collect());
        let position = valid.iter().zip(&invalid).position(|(valid, invalid)| valid != invalid)?;
        let with = |at: usize| {
            let mut entries = valid.clone();
            entries.insert(at, invalid[position]);
            entries.join(separator)
        };
        Some([with(position), with(position + 1)])
    }

    /// The header's value with an entry of an unknown version before the valid one, and with one after it.
    pub(super) fn with_unknown_version(&self) -> Option<[String; 2]> {
        let separator = self.grammar.separator()?;
        let entry = format!("{}{}", self.grammar.unknown_tag()?, self.grammar.encoding().encode(&self.signature));
        Some([format!("{entry}{separator}{}", self.value), format!("{}{separator}{entry}", self.value)])
    }
}

/// The signature with one bit of its first byte flipped, or a token with a different first character.
pub(super) fn flipped(signature: &[u8], grammar: &Grammar) -> Vec<u8> {
    let mut flipped = signature.to_vec();
    // The signature of a JWT comes after its last dot.
    let dot = flipped.iter().rposition(|byte| *byte == b'.').filter(|_| grammar.encoding() == TextEncoding::Jwt);
    if let Some(first) = flipped.get_mut(dot.map_or(0, |dot| dot + 1)) {
        *first = match grammar.encoding() {
            TextEncoding::Plain | TextEncoding::Jwt => body::neighbour(*first).unwrap_or(b'x'),
            TextEncoding::Hex | TextEncoding::UppercaseHex | TextEncoding::Base64 | TextEncoding::Base64Url => {
                *first ^ 1
            }
        };
    }
    flipped
}
