//! The requests of a case, made when the case runs because times and ids must be fresh.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{
    cases::{BURST, Case},
    name::CaseName,
    serialisations::{self, Serialisation},
    tamper::{self, Original, SignedRequest},
};
use crate::webhook::{
    delivery::{Encoding, Media},
    json::{self, Path},
    overrides::{Override, Value},
    provider::{
        Provider,
        compose::{AttemptParams, BodySource, Draft, SendContext},
        event::Event,
    },
    request::{Headers, Request},
    signature::SigningSecret,
    time::Timestamp,
};

/// One request of a case.
#[derive(Clone, Debug)]
pub struct CaseRequest {
    /// The request.
    pub request: Request,
    /// How it differs from the other requests of the case, in words.
    pub variation: Option<String>,
}

/// The context in which the requests of a case are made.
#[derive(Clone, Copy, Debug)]
pub struct CaseContext<'a> {
    /// The provider whose contract is checked.
    pub provider: &'a Provider,
    /// The time of signing.
    pub now: Timestamp,
    /// Randomness for ids and payload values, different for each case.
    pub entropy: [u8; 32],
    /// The path and query of the handler's URL.
    pub target: &'a str,
    /// The secret to sign with.
    pub secret: Option<&'a SigningSecret>,
    /// The user's own headers.
    pub own_headers: &'a Headers,
}

/// What the signature header holds next to the valid signature.
#[derive(Clone, Copy, Debug)]
enum ExtraEntry {
    InvalidSignature,
    UnknownVersion,
}

/// The time between the two requests of a duplicate, because a provider's retry comes later.
const RETRY_SECONDS: i64 = 5;

impl Case<'_> {
    /// The requests in the order in which they are sent.
    ///
    /// # Errors
    ///
    /// If the event can't be sent in this way; the reason in words.
    pub fn requests(&self, context: &CaseContext<'_>) -> Result<Vec<CaseRequest>, String> {
        if let Some(forgery) = self.name.forgery() {
            let draft = context.fixture(self.event, None, 0)?;
            let forged = forgery.requests(&context.original(&draft))?;
            return Ok(forged.into_iter().map(|(request, variation)| CaseRequest::new(request, variation)).collect());
        }
        match self.name {
            CaseName::Encoding(media) => {
                let mut encodings = context.provider.delivery.encodings.iter();
                let encoding = encodings
                    .find(|encoding| encoding.media == media)
                    .ok_or("the provider does not use this encoding")?;
                let draft = context.fixture(self.event, None, 0)?;
                Ok(vec![CaseRequest::new(context.request(&draft, encoding, context.now), None)])
            }
            CaseName::BodyReserialised => context.reserialised(self.event),
            CaseName::SignatureRotated => context.with_extra_entry(self.event, ExtraEntry::InvalidSignature),
            CaseName::VersionUnknown => context.with_extra_entry(self.event, ExtraEntry::UnknownVersion),
            CaseName::DeliveryDuplicated => context.duplicate(self.event),
            CaseName::EventUnknown => context.unknown_event(self.event),
            CaseName::Burst => (0..BURST)
                .map(|number| {
                    let draft = context.fixture(self.event, None, number)?;
                    Ok(CaseRequest::new(context.usual_request(&draft), Some(&format!("delivery {}", number + 1))))
                })
                .collect(),
            _ => {
                let draft = context.fixture(self.event, self.variant, 0)?;
                Ok(vec![CaseRequest::new(context.usual_request(&draft), None)])
            }
        }
    }
}

/// The events that show whether a handler accepts anything at all: at most two, signed and documented ones first.
#[must_use]
pub fn probes(provider: &Provider) -> Vec<&Event> {
    let mut events: Vec<&Event> = provider.events.iter().filter(|event| event.handshake.is_none()).collect();
    events.sort_by_key(|event| (event.unsigned, event.illustrative));
    events.truncate(2);
    events
}

impl CaseRequest {
    fn new(request: Request, variation: Option<&str>) -> Self {
        Self { request, variation: variation.map(str::to_owned) }
    }
}

impl<'a> CaseContext<'a> {
    fn context(&self, number: u8, id: Option<String>) -> SendContext {
        let entropy = Sha256::new_with_prefix(self.entropy).chain_update([number]).finalize().into();
        SendContext { now: self.now, id, entropy }
    }

    fn draft(&self, event: &Event, source: BodySource<'_>, context: &SendContext) -> Result<Draft, String> {
        self.provider.draft(event, source, context).map_err(|error| error.to_string())
    }

    fn fixture(&self, event: &Event, variant: Option<&[(Path, String)]>, number: u8) -> Result<Draft, String> {
        self.draft(event, BodySource::Fixture(variant, &[]), &self.context(number, None))
    }

    fn attempt(&self, encoding: &'a Encoding, now: Timestamp) -> AttemptParams<'a> {
        AttemptParams { encoding, target: self.target, now, secret: self.secret, own_headers: self.own_headers }
    }

    fn request(&self, draft: &Draft, encoding: &'a Encoding, now: Timestamp) -> Request {
        self.provider.request(draft, &self.attempt(encoding, now))
    }

    /// The encoding that the provider tries first.
    fn usual_encoding(&self) -> &'a Encoding {
        &self.provider.delivery.encodings[0]
    }

    fn usual_request(&self, draft: &Draft) -> Request {
        self.request(draft, self.usual_encoding(), self.now)
    }

    fn original<'d>(&self, draft: &'d Draft) -> Original<'d>
    where
        'a: 'd,
    {
        Original { provider: self.provider, draft, attempt: self.attempt(self.usual_encoding(), self.now) }
    }

    /// A valid delivery of an event in each of the provider's encodings.
    ///
    /// # Errors
    ///
    /// If the event can't be sent; the reason in words.
    pub fn plain(&self, event: &Event) -> Result<Vec<CaseRequest>, String> {
        let draft = self.fixture(event, None, 0)?;
        let encodings = self.provider.delivery.encodings.iter();
        Ok(encodings.map(|encoding| CaseRequest::new(self.request(&draft, encoding, self.now), None)).collect())
    }

    /// A valid delivery of an event with JSON as Python's `json.dumps` writes it; `None` if the body is not signed.
    #[must_use]
    pub fn spaced(&self, event: &Event) -> Option<CaseRequest> {
        let signs = self.provider.schemes.first().is_some_and(tamper::signs_body) && !event.unsigned;
        let draft =
            self.fixture(event, None, 0).ok().filter(|_| signs && self.usual_encoding().media == Media::Json)?;
        let serialisation = serialisations::spaced(draft.payload()?)?;
        self.with_body(event, &draft, serialisation).ok()
    }

    /// The same delivery with a different body.
    fn with_body(&self, event: &Event, draft: &Draft, body: Serialisation) -> Result<CaseRequest, String> {
        let id = Some(draft.id.clone()).filter(|id| !id.is_empty());
        let bytes = Bytes::from(body.text);
        let draft = self.draft(event, BodySource::Bytes(&bytes), &self.context(0, id))?;
        Ok(CaseRequest::new(self.usual_request(&draft), Some(body.variation)))
    }

    /// A delivery for each serialisation, each with its own id because a handler may reject a repeated one.
    fn reserialised(&self, event: &Event) -> Result<Vec<CaseRequest>, String> {
        let count = self.serialisations(event, &self.fixture(event, None, 0)?)?.len();
        let request = |number: usize| {
            let draft = self.fixture(event, None, u8::try_from(number).unwrap_or(u8::MAX))?;
            let mut serialisations = self.serialisations(event, &draft)?.into_iter();
            let serialisation =
                serialisations.nth(number).ok_or("the payload can be serialised in fewer ways than before")?;
            self.with_body(event, &draft, serialisation)
        };
        (0..count).map(request).collect()
    }

    fn serialisations(&self, event: &Event, draft: &Draft) -> Result<Vec<Serialisation>, String> {
        let definition =
            self.provider.schema_of(Some(event)).and_then(|name| self.provider.schema().ok()?.definition(name));
        match self.usual_encoding().media {
            Media::Json => Ok(serialisations::json(draft.payload().unwrap_or_default(), definition)),
            Media::Urlencoded => {
                let body = self.usual_request(draft).body;
                Ok(vec![serialisations::urlencoded(&String::from_utf8_lossy(&body))])
            }
            Media::Multipart => Err("a multipart form can be written in only one way".to_owned()),
        }
    }

    /// Two deliveries whose signature header has two entries: the valid one after the extra one, then before it.
    fn with_extra_entry(&self, event: &Event, extra: ExtraEntry) -> Result<Vec<CaseRequest>, String> {
        let positions = ["the valid signature after", "the valid signature before"];
        let request = |(number, position): (u8, &str)| {
            let draft = self.fixture(event, None, number)?;
            let mut signed = SignedRequest::of(&self.original(&draft))?;
            let (values, words) = match extra {
                ExtraEntry::InvalidSignature => (signed.with_invalid_signature(), "an invalid one"),
                ExtraEntry::UnknownVersion => (signed.with_unknown_version(), "one of an unknown version"),
            };
            let values = values.ok_or("the signature header is not a list")?;
            signed.set(&values[usize::from(number)])?;
            Ok(CaseRequest::new(signed.request, Some(&format!("{position} {words}"))))
        };
        (0..).zip(positions).map(request).collect()
    }

    /// The same delivery twice, with a new timestamp and signature where the provider's retries have them.
    fn duplicate(&self, event: &Event) -> Result<Vec<CaseRequest>, String> {
        let draft = self.fixture(event, None, 0)?;
        let before = if self.provider.delivery.retry.renews_timestamp {
            Timestamp::from_unix_millis(self.now.unix_millis() - RETRY_SECONDS * 1000)
        } else {
            self.now
        };
        let first = CaseRequest::new(self.request(&draft, self.usual_encoding(), before), Some("the first time"));
        let second = CaseRequest::new(self.request(&draft, self.usual_encoding(), self.now), Some("the second time"));
        Ok(vec![first, second])
    }

    /// The event with an undocumented value, in turn in each of the fields that name its type.
    fn unknown_event(&self, event: &Event) -> Result<Vec<CaseRequest>, String> {
        let mut paths: Vec<&Path> = event.named_by().collect();
        paths.extend(event.variants.iter().flatten().map(|(path, _)| path));
        let mut seen: Vec<&Path> = Vec::new();
        paths.retain(|path| {
            let new = !seen.contains(path);
            seen.push(path);
            new
        });
        let request = |(number, path): (usize, &Path)| {
            let number = u8::try_from(number).unwrap_or(u8::MAX);
            let old = json::parse(&event.fixture).ok().and_then(|root| Some(root.get(path)?.text()?.into_owned()));
            let unknown = unknown_value(old.as_deref().unwrap_or_default());
            let edit = [Override::Set { path: path.clone(), value: Value::text(unknown) }];
            let mut draft = self.draft(event, BodySource::Fixture(None, &edit), &self.context(number, None))?;
            draft.event = unknown.into();
            Ok(CaseRequest::new(self.usual_request(&draft), Some(&format!("{path}={unknown}"))))
        };
        paths.into_iter().enumerate().map(request).collect()
    }
}

/// An undocumented value that is a number if the old one is.
fn unknown_value(old: &str) -> &'static str {
    if old.parse::<i64>().is_ok() { "97" } else { "hookdev.unknown" }
}
