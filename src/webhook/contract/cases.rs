//! Which cases there are, and which of them make sense for a provider.

use super::{
    record::{CaseRecord, Outcome},
    tamper::{self, Forgery, Tamper},
};
use crate::webhook::{
    delivery::{Media, Policy, StatusPattern},
    json::Path,
    provider::{Provider, event::Event},
    signature::grammar::Grammar,
    time::words,
};

/// The name of a case; it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseName {
    /// An event as the provider sends it.
    EventAccepted,
    /// A form of the body, at providers that have several.
    Encoding(Media),
    /// The same payload in other bytes.
    BodyReserialised,
    /// A body that was changed after it was signed.
    BodyTampered,
    /// A signature made with another secret.
    SecretWrong,
    /// No signature at all.
    SignatureMissing,
    /// A signature of another length.
    SignatureTruncated,
    /// A signature header with nothing in it.
    SignatureEmpty,
    /// A signature header with anything in it.
    SignatureGarbage,
    /// A genuine delivery that is too old.
    TimestampStale,
    /// A genuine delivery from too far ahead.
    TimestampFuture,
    /// A right signature beside a wrong one.
    SignatureRotated,
    /// A right signature beside one of another version.
    VersionUnknown,
    /// The same delivery once more.
    DeliveryDuplicated,
    /// An event of a type that is in no list.
    EventUnknown,
    /// Many deliveries at once.
    Burst,
}

impl CaseName {
    /// All names, in the order in which the cases are tried.
    pub const ALL: [Self; 18] = [
        Self::EventAccepted,
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

    /// What a correct handler does with it.
    #[must_use]
    pub const fn want(self) -> Want {
        match self.forgery() {
            Some(_) => Want::Refused,
            None if matches!(self, Self::EventUnknown) => Want::Survived,
            None => Want::Accepted,
        }
    }

    /// What is wrong with its deliveries; none when they are genuine.
    pub(super) const fn forgery(self) -> Option<Forgery> {
        match self {
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

/// What the contract wants of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// An answer that the provider counts as success, in time.
    Accepted,
    /// A 4xx.
    Refused,
    /// Any answer but a 5xx, in time.
    Survived,
}

impl Want {
    /// What is wanted, in words: `200 within 3 s`, `4xx`.
    #[must_use]
    pub fn words(self, policy: &Policy) -> String {
        let within = policy.timeout.map(|limit| format!(" within {}", words(limit))).unwrap_or_default();
        match self {
            Self::Refused => self.brief(policy),
            Self::Accepted | Self::Survived => format!("{}{within}", self.brief(policy)),
        }
    }

    /// The statuses that are wanted: `200`, `4xx`, `no 5xx`.
    #[must_use]
    pub fn brief(self, policy: &Policy) -> String {
        match self {
            Self::Accepted => {
                let statuses = policy.success.iter().map(|pattern| match pattern {
                    StatusPattern::Exactly(status) => status.to_string(),
                    StatusPattern::Class(class) => format!("{class}xx"),
                });
                statuses.collect::<Vec<_>>().join(" or ")
            }
            Self::Refused => "4xx".to_owned(),
            Self::Survived => "no 5xx".to_owned(),
        }
    }
}

/// One thing to try on a handler.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// Its name.
    pub name: CaseName,
    /// The event that it sends.
    pub event: &'a Event,
    /// The variant of the event.
    pub variant: Option<&'a [(Path, String)]>,
    /// What it sends of the event, in words; empty for the event as it is.
    pub sends: String,
    /// Why it makes no sense for the provider.
    pub skipped: Option<String>,
}

impl<'a> Case<'a> {
    /// An event as it is.
    #[must_use]
    pub const fn plain(event: &'a Event) -> Self {
        Self { name: CaseName::EventAccepted, event, variant: None, sends: String::new(), skipped: None }
    }

    /// Whether it is this event as it is.
    #[must_use]
    pub fn is_plain(&self, event: &Event) -> bool {
        self.name == CaseName::EventAccepted && self.variant.is_none() && self.event.name == event.name
    }

    /// What is told of it before it is tried.
    #[must_use]
    pub fn record(&self, provider: &Provider) -> CaseRecord {
        let (want, policy) = (self.name.want(), &provider.delivery);
        CaseRecord {
            provider: provider.name.clone(),
            name: self.name,
            event: self.event.full_name.clone(),
            sends: self.sends.clone(),
            expected: want.words(policy),
            expected_status: want.brief(policy),
            outcome: self.skipped.clone().map_or(Outcome::Passed, Outcome::Skipped),
            status: None,
            elapsed: None,
        }
    }

    /// Whether its deliveries are genuine, so that a handler does its work on them.
    #[must_use]
    pub fn is_genuine(&self) -> bool {
        self.name.want() != Want::Refused
    }

    /// Whether its deliveries go out all at once.
    #[must_use]
    pub fn is_at_once(&self) -> bool {
        self.name == CaseName::Burst
    }
}

/// The deliveries of a burst.
pub(super) const BURST: u8 = 20;

/// Every case of a provider, in the order in which they are tried. All that are not about one event send `exemplar`.
#[must_use]
pub fn cases<'a>(provider: &'a Provider, exemplar: &'a Event) -> Vec<Case<'a>> {
    let mut cases = Vec::new();
    for event in &provider.events {
        let variants = event.variants.iter().map(|variant| Some(variant.as_slice()));
        for variant in std::iter::once(None).chain(variants) {
            let sends = variant.map(described).unwrap_or_default();
            cases.push(Case { name: CaseName::EventAccepted, event, variant, sends, skipped: None });
        }
    }
    let has = |media| provider.delivery.encodings.iter().any(|encoding| encoding.media == media);
    for name in CaseName::ALL.into_iter().skip(1) {
        if let CaseName::Encoding(media) = name
            && (provider.delivery.encodings.len() < 2 || !has(media))
        {
            continue;
        }
        let skipped = objection(name, provider, exemplar);
        cases.push(Case { name, event: exemplar, variant: None, sends: sends(name, provider), skipped });
    }
    cases
}

fn described(variant: &[(Path, String)]) -> String {
    let changes: Vec<String> = variant.iter().map(|(path, value)| format!("{path}={value}")).collect();
    changes.join(", ")
}

/// What a case sends, in words.
fn sends(name: CaseName, provider: &Provider) -> String {
    match name {
        CaseName::EventAccepted => String::new(),
        CaseName::Encoding(Media::Json) => "as JSON".to_owned(),
        CaseName::Encoding(Media::Urlencoded) => "as a urlencoded form".to_owned(),
        CaseName::Encoding(Media::Multipart) => "as a multipart form".to_owned(),
        CaseName::BodyReserialised => "other white space, order, escapes".to_owned(),
        CaseName::BodyTampered => "body changed after signing".to_owned(),
        CaseName::SecretWrong => "signed with another secret".to_owned(),
        CaseName::SignatureMissing => "no signature".to_owned(),
        CaseName::SignatureTruncated => "half of the signature".to_owned(),
        CaseName::SignatureEmpty => "an empty signature".to_owned(),
        CaseName::SignatureGarbage => "no signature's form".to_owned(),
        CaseName::TimestampStale => match tamper::stale_by(provider) {
            Some(age) => format!("signed {} ago", words(age)),
            None => "signed too long ago".to_owned(),
        },
        CaseName::TimestampFuture => match tamper::future_by(provider) {
            Some(distance) => format!("signed {} ahead", words(distance)),
            None => "signed too far ahead".to_owned(),
        },
        CaseName::SignatureRotated => "a wrong signature beside it".to_owned(),
        CaseName::VersionUnknown => "an unknown version beside it".to_owned(),
        CaseName::DeliveryDuplicated => "the same delivery twice".to_owned(),
        CaseName::EventUnknown => "a type that is in no list".to_owned(),
        CaseName::Burst => format!("{BURST} deliveries at once"),
    }
}

/// Why a case makes no sense for a provider, said so that a lack of protection is known.
fn objection(name: CaseName, provider: &Provider, exemplar: &Event) -> Option<String> {
    let title = &provider.title;
    if let Some(forgery) = name.forgery() {
        return forgery.objection(provider, exemplar.unsigned);
    }
    let unsigned = provider.schemes.is_empty() || exemplar.unsigned;
    let grammar = provider.schemes.first().map(|scheme| &scheme.grammar);
    match name {
        CaseName::BodyReserialised if unsigned => {
            Some(format!("{title} signs nothing: no handler can fail by verifying other bytes than were sent"))
        }
        CaseName::BodyReserialised if !provider.schemes.first().is_some_and(tamper::signs_body) => {
            Some(format!("{title} does not sign the body"))
        }
        CaseName::SignatureRotated if unsigned => Some(format!("{title} signs nothing: there is no secret to rotate")),
        CaseName::SignatureRotated if !grammar.is_some_and(Grammar::is_list) => {
            Some(format!("{title} sends one signature: while a secret is rotated, the handler must try both secrets"))
        }
        CaseName::VersionUnknown if unsigned => {
            Some(format!("{title} signs nothing: there are no versions of a signature"))
        }
        CaseName::VersionUnknown if grammar.and_then(Grammar::unknown_tag).is_none() => {
            Some(format!("{title}'s signature has no versions"))
        }
        _ => None,
    }
}
