//! The cases of a provider, and why some of them do not apply to it.

use super::{
    expectation::Expectation,
    name::CaseName,
    record::{CaseOutcome, CaseRecord},
    tamper,
};
use crate::webhook::{
    delivery::Media,
    json::Path,
    provider::{Provider, event::Event},
    signature::{Scheme, grammar::Grammar},
    time::words,
};

/// One test of a handler.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    pub name: CaseName,
    /// The event that is sent.
    pub event: &'a Event,
    /// The event's variant that is sent.
    pub variant: Option<&'a [(Path, String)]>,
    /// What is special about the request, in words. Empty for the plain event.
    pub sends: String,
    /// Why the case does not apply to the provider.
    pub skipped: Option<String>,
}

impl<'a> Case<'a> {
    /// The case that sends an event as the provider does.
    #[must_use]
    pub const fn plain(event: &'a Event) -> Self {
        Self { name: CaseName::EventAccepted, event, variant: None, sends: String::new(), skipped: None }
    }

    /// Whether this is [`Case::plain`] of an event.
    #[must_use]
    pub fn is_plain(&self, event: &Event) -> bool {
        self.name == CaseName::EventAccepted && self.variant.is_none() && self.event.name == event.name
    }

    /// The record of the case before it runs: skipped, or passed until a response says otherwise.
    #[must_use]
    pub fn record(&self, provider: &Provider) -> CaseRecord {
        let (expectation, policy) = (self.name.expectation(), &provider.delivery);
        CaseRecord {
            provider: provider.name.clone(),
            name: self.name,
            event: self.event.full_name.clone(),
            sends: self.sends.clone(),
            expected: expectation.words(policy),
            expected_status: expectation.status_words(policy),
            outcome: self.skipped.clone().map_or(CaseOutcome::Passed, CaseOutcome::Skipped),
            status: None,
            elapsed: None,
        }
    }

    /// Whether the deliveries are valid, so that the handler processes them.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.name.expectation() != Expectation::Rejected
    }

    /// Whether the deliveries are sent at the same time.
    #[must_use]
    pub fn is_concurrent(&self) -> bool {
        self.name == CaseName::Burst
    }
}

/// The number of deliveries in a burst.
pub(super) const BURST: u8 = 20;

/// The sizes of a large body, in bytes, up to the largest that providers send.
pub(super) const LARGE: [usize; 3] = [64 << 10, 256 << 10, 1 << 20];

/// Every case of a provider, in the order in which they run. Cases that are not about a particular event send
/// `exemplar`. `secrets` is the number of the user's secrets: with several, each signs a delivery.
#[must_use]
pub fn cases<'a>(provider: &'a Provider, exemplar: &'a Event, secrets: usize) -> Vec<Case<'a>> {
    let mut cases = Vec::new();
    for event in &provider.events {
        if let Some(handshake) = &event.handshake {
            let case = |name, sends: &str| Case { name, event, variant: None, sends: sends.to_owned(), skipped: None };
            cases.push(case(CaseName::Handshake, ""));
            // A signature made with the secret that it hands over proves nothing.
            if handshake.is_signed && handshake.secret.is_none() {
                cases.push(case(CaseName::HandshakeForged, "a changed signature"));
            }
            continue;
        }
        let variants = event.variants.iter().map(|variant| Some(variant.as_slice()));
        for variant in std::iter::once(None).chain(variants) {
            let sends = variant.map(variant_words).unwrap_or_default();
            cases.push(Case { name: CaseName::EventAccepted, event, variant, sends, skipped: None });
        }
    }
    let has = |media| provider.delivery.encodings.iter().any(|encoding| encoding.media == media);
    for name in CaseName::ALL.into_iter().skip(1) {
        if matches!(name, CaseName::Handshake | CaseName::HandshakeForged) {
            continue;
        }
        if let CaseName::Encoding(media) = name
            && (provider.delivery.encodings.len() < 2 || !has(media))
        {
            continue;
        }
        let skipped = inapplicable(name, provider, exemplar, secrets);
        cases.push(Case { name, event: exemplar, variant: None, sends: sends(name, provider, secrets), skipped });
    }
    cases
}

fn variant_words(variant: &[(Path, String)]) -> String {
    let changes: Vec<String> = variant.iter().map(|(path, value)| format!("{path}={value}")).collect();
    changes.join(", ")
}

/// What is special about a case's requests, in words.
fn sends(name: CaseName, provider: &Provider, secrets: usize) -> String {
    match name {
        CaseName::EventAccepted | CaseName::Handshake | CaseName::HandshakeForged => String::new(),
        CaseName::Encoding(Media::Json) => "as JSON".to_owned(),
        CaseName::Encoding(Media::Urlencoded) => "as a urlencoded form".to_owned(),
        CaseName::Encoding(Media::Multipart) => "as a multipart form".to_owned(),
        CaseName::BodyReserialised => "other whitespace, order, escapes".to_owned(),
        CaseName::BodyUnicode => "text beyond Latin-1".to_owned(),
        CaseName::BodyLarge => format!("a body of {}", size_words(large_body(provider))),
        CaseName::BodyEmptyValues => "empty values".to_owned(),
        CaseName::BodyTampered => "body changed after signing".to_owned(),
        CaseName::SecretWrong => "signed with another secret".to_owned(),
        CaseName::SignatureMissing => "no signature".to_owned(),
        CaseName::SignatureTruncated => "half the signature".to_owned(),
        CaseName::SignatureEmpty => "an empty signature".to_owned(),
        CaseName::SignatureGarbage => "a garbage signature".to_owned(),
        CaseName::HeaderMissing => "a signed header missing".to_owned(),
        CaseName::TimestampGarbage => "a garbage timestamp".to_owned(),
        CaseName::BodyMalformed => "unsigned, not JSON".to_owned(),
        CaseName::TimestampStale => match tamper::stale_by(provider) {
            Some(age) => format!("signed {} ago", words(age)),
            None => "signed too long ago".to_owned(),
        },
        CaseName::TimestampFuture => match tamper::future_by(provider) {
            Some(distance) => format!("signed {} in the future", words(distance)),
            None => "signed too far in the future".to_owned(),
        },
        CaseName::SignatureRotated if secrets > 1 => "signed with each secret".to_owned(),
        CaseName::SignatureRotated => "plus an invalid signature".to_owned(),
        CaseName::VersionUnknown => "plus an unknown version".to_owned(),
        CaseName::DeliveryDuplicated => "the same delivery twice".to_owned(),
        CaseName::EventUnknown => "an unknown event type".to_owned(),
        CaseName::Burst => format!("{BURST} deliveries at once"),
        CaseName::BodyChunked => "in chunks, without length".to_owned(),
        CaseName::HeaderCase => "Header-Names capitalised".to_owned(),
    }
}

/// The size of the largest body to send, in bytes.
pub(super) fn large_body(provider: &Provider) -> usize {
    let largest = LARGE[LARGE.len() - 1];
    provider.delivery.max_body.map_or(largest, |limit| limit.min(largest))
}

/// A size such as those in [`LARGE`], in words: `64 KiB`, `1 MiB`.
pub(super) fn size_words(bytes: usize) -> String {
    const KIB: usize = 1 << 10;
    const MIB: usize = 1 << 20;
    match bytes {
        bytes if bytes >= MIB && bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        bytes if bytes >= KIB && bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
        bytes => format!("{bytes} bytes"),
    }
}

/// Why a case does not apply to a provider. Where that means a missing protection, the reason says so.
fn inapplicable(name: CaseName, provider: &Provider, exemplar: &Event, secrets: usize) -> Option<String> {
    let title = &provider.title;
    if let Some(forgery) = name.forgery() {
        return forgery.inapplicable(provider, exemplar.unsigned);
    }
    let unsigned = provider.schemes.is_empty() || exemplar.unsigned;
    let grammar = provider.schemes.first().map(|scheme| &scheme.grammar);
    match name {
        CaseName::BodyReserialised if unsigned => {
            Some(format!("{title} does not sign deliveries: no handler can fail by verifying re-serialised JSON"))
        }
        CaseName::BodyReserialised if !provider.schemes.first().is_some_and(Scheme::signs_body) => {
            Some(format!("{title} does not sign the body"))
        }
        CaseName::SignatureRotated if unsigned => {
            Some(format!("{title} does not sign deliveries: there is no secret to rotate"))
        }
        CaseName::SignatureRotated if provider.schemes.iter().any(|scheme| scheme.is_sent_along) => {
            Some(format!("{title} sends a signature of each secret, and a handler may verify any of them"))
        }
        CaseName::SignatureRotated if secrets < 2 && !grammar.is_some_and(Grammar::is_list) => {
            Some(format!("{title} sends one signature: give both secrets to check that the handler tries both"))
        }
        CaseName::VersionUnknown if unsigned => {
            Some(format!("{title} does not sign deliveries: signatures have no versions"))
        }
        CaseName::VersionUnknown if grammar.and_then(Grammar::unknown_tag).is_none() => {
            Some(format!("{title}'s signatures have no versions"))
        }
        _ => None,
    }
}
