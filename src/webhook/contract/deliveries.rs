//! The requests of a case, made when it is tried: times and ids are fresh.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{
    cases::{BURST, Case, CaseName},
    spelling::{self, Spelling},
    tamper::{Original, Signed},
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
pub struct Delivery {
    /// The request.
    pub request: Request,
    /// What it has of its own among the requests of the case.
    pub how: Option<String>,
}

/// What the requests of a case are made with.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// Whose handler is tried.
    pub provider: &'a Provider,
    /// When.
    pub now: Timestamp,
    /// Randomness, other in every case.
    pub entropy: [u8; 32],
    /// The path and query that the requests go to.
    pub target: &'a str,
    /// What signs them.
    pub secret: Option<&'a SigningSecret>,
    /// The user's own headers.
    pub own_headers: &'a Headers,
}

/// What stands beside the right signature.
#[derive(Clone, Copy, Debug)]
enum Beside {
    /// A wrong one.
    Wrong,
    /// One of a version that nobody knows.
    OtherVersion,
}

/// The age of the first of two deliveries that are one and the same, as a provider's retry comes later.
const RETRY_SECONDS: i64 = 5;

impl Case<'_> {
    /// The case's requests, in the order in which they go out.
    ///
    /// # Errors
    ///
    /// In words, when the event has nothing that the case could be made of.
    pub fn deliveries(&self, trial: &Trial<'_>) -> Result<Vec<Delivery>, String> {
        if let Some(forgery) = self.name.forgery() {
            let draft = trial.fixture(self.event, None, 0)?;
            let spoilt = forgery.requests(&trial.original(&draft))?;
            return Ok(spoilt.into_iter().map(|(request, how)| Delivery::new(request, how)).collect());
        }
        match self.name {
            CaseName::Encoding(media) => {
                let encodings = &trial.provider.delivery.encodings;
                let encoding =
                    encodings.iter().find(|encoding| encoding.media == media).ok_or("it is never sent so")?;
                let draft = trial.fixture(self.event, None, 0)?;
                Ok(vec![Delivery::new(trial.request(&draft, encoding, trial.now), None)])
            }
            CaseName::BodyReserialised => trial.respelled(self.event),
            CaseName::SignatureRotated => trial.signed_beside(self.event, Beside::Wrong),
            CaseName::VersionUnknown => trial.signed_beside(self.event, Beside::OtherVersion),
            CaseName::DeliveryDuplicated => trial.twice(self.event),
            CaseName::EventUnknown => trial.unknown(self.event),
            CaseName::Burst => (0..BURST)
                .map(|number| {
                    let draft = trial.fixture(self.event, None, number)?;
                    Ok(Delivery::new(trial.first(&draft), Some(&format!("number {}", number + 1))))
                })
                .collect(),
            _ => {
                let draft = trial.fixture(self.event, self.variant, 0)?;
                Ok(vec![Delivery::new(trial.first(&draft), None)])
            }
        }
    }
}

impl Case<'_> {
    /// How many requests it makes, as far as that can be said without a secret.
    #[must_use]
    pub fn size(&self, trial: &Trial<'_>) -> usize {
        match self.name {
            CaseName::SignatureRotated | CaseName::VersionUnknown => 2,
            _ => self.deliveries(trial).map_or(0, |deliveries| deliveries.len()),
        }
    }
}

/// The events that tell whether a handler takes anything at all: signed and documented ones first, two at most.
#[must_use]
pub fn probes(provider: &Provider) -> Vec<&Event> {
    let mut events: Vec<&Event> = provider.events.iter().collect();
    events.sort_by_key(|event| (event.unsigned, event.illustrative));
    events.truncate(2);
    events
}

impl Delivery {
    fn new(request: Request, how: Option<&str>) -> Self {
        Self { request, how: how.map(str::to_owned) }
    }
}

impl<'a> Trial<'a> {
    fn moment(&self, number: u8, id: Option<String>) -> SendContext {
        let entropy = Sha256::new_with_prefix(self.entropy).chain_update([number]).finalize().into();
        SendContext { now: self.now, id, entropy }
    }

    fn draft(&self, event: &Event, what: BodySource<'_>, moment: &SendContext) -> Result<Draft, String> {
        self.provider.draft(event, what, moment).map_err(|error| error.to_string())
    }

    fn fixture(&self, event: &Event, variant: Option<&[(Path, String)]>, number: u8) -> Result<Draft, String> {
        self.draft(event, BodySource::Fixture(variant, &[]), &self.moment(number, None))
    }

    fn attempt(&self, encoding: &'a Encoding, now: Timestamp) -> AttemptParams<'a> {
        AttemptParams { encoding, target: self.target, now, secret: self.secret, own_headers: self.own_headers }
    }

    fn request(&self, draft: &Draft, encoding: &'a Encoding, now: Timestamp) -> Request {
        self.provider.request(draft, &self.attempt(encoding, now))
    }

    fn usual(&self) -> &'a Encoding {
        &self.provider.delivery.encodings[0]
    }

    /// The request in the form that the provider tries first.
    fn first(&self, draft: &Draft) -> Request {
        self.request(draft, self.usual(), self.now)
    }

    fn original<'d>(&self, draft: &'d Draft) -> Original<'d>
    where
        'a: 'd,
    {
        Original { provider: self.provider, draft, attempt: self.attempt(self.usual(), self.now) }
    }

    /// A good delivery of an event in each of the provider's forms.
    ///
    /// # Errors
    ///
    /// In words, when the event can't be sent.
    pub fn plain(&self, event: &Event) -> Result<Vec<Delivery>, String> {
        let draft = self.fixture(event, None, 0)?;
        let encodings = self.provider.delivery.encodings.iter();
        Ok(encodings.map(|encoding| Delivery::new(self.request(&draft, encoding, self.now), None)).collect())
    }

    /// A good delivery of an event whose JSON is spelled as Python's `json.dumps` does, where the body is signed.
    #[must_use]
    pub fn spaced(&self, event: &Event) -> Option<Delivery> {
        let signs = self.provider.schemes.first().is_some_and(super::tamper::signs_body) && !event.unsigned;
        let draft = self.fixture(event, None, 0).ok().filter(|_| signs && self.usual().media == Media::Json)?;
        let spelling = spelling::spaced(draft.payload()?)?;
        self.spelled(event, &draft, spelling).ok()
    }

    /// The same delivery with these bytes for its body.
    fn spelled(&self, event: &Event, draft: &Draft, spelling: Spelling) -> Result<Delivery, String> {
        let id = Some(draft.id.clone()).filter(|id| !id.is_empty());
        let bytes = Bytes::from(spelling.text);
        let draft = self.draft(event, BodySource::Bytes(&bytes), &self.moment(0, id))?;
        Ok(Delivery::new(self.first(&draft), Some(spelling.how)))
    }

    /// A delivery for each spelling. Each has an id of its own: one that is had already may well be refused.
    fn respelled(&self, event: &Event) -> Result<Vec<Delivery>, String> {
        let count = self.spellings(event, &self.fixture(event, None, 0)?)?.len();
        let delivery = |number: usize| {
            let draft = self.fixture(event, None, u8::try_from(number).unwrap_or(u8::MAX))?;
            let spelling = self.spellings(event, &draft)?.into_iter().nth(number).ok_or("it is spelled in one way")?;
            self.spelled(event, &draft, spelling)
        };
        (0..count).map(delivery).collect()
    }

    fn spellings(&self, event: &Event, draft: &Draft) -> Result<Vec<Spelling>, String> {
        let definition =
            self.provider.schema_of(Some(event)).and_then(|name| self.provider.schema().ok()?.definition(name));
        match self.usual().media {
            Media::Json => Ok(spelling::json(draft.payload().unwrap_or_default(), definition)),
            Media::Urlencoded => {
                let body = self.first(draft).body;
                Ok(vec![spelling::urlencoded(&String::from_utf8_lossy(&body))])
            }
            Media::Multipart => Err("a multipart form is written in one way".to_owned()),
        }
    }

    /// Two deliveries with two entries in the signature's header: the right one behind the other, and before it.
    fn signed_beside(&self, event: &Event, other: Beside) -> Result<Vec<Delivery>, String> {
        let places = ["the right one behind", "the right one before"];
        let delivery = |(number, place): (u8, &str)| {
            let draft = self.fixture(event, None, number)?;
            let mut signed = Signed::of(&self.original(&draft))?;
            let (values, words) = match other {
                Beside::Wrong => (signed.beside_a_wrong_one(), "a wrong one"),
                Beside::OtherVersion => (signed.beside_another_version(), "one of another version"),
            };
            let values = values.ok_or("its signature is no list")?;
            signed.set(&values[usize::from(number)])?;
            Ok(Delivery::new(signed.request, Some(&format!("{place} {words}"))))
        };
        (0..).zip(places).map(delivery).collect()
    }

    /// The same delivery twice; dated and signed anew where the provider's retry is.
    fn twice(&self, event: &Event) -> Result<Vec<Delivery>, String> {
        let draft = self.fixture(event, None, 0)?;
        let before = if self.provider.delivery.retry.renews_timestamp {
            Timestamp::from_unix_millis(self.now.unix_millis() - RETRY_SECONDS * 1000)
        } else {
            self.now
        };
        let first = Delivery::new(self.request(&draft, self.usual(), before), Some("the first time"));
        let second = Delivery::new(self.request(&draft, self.usual(), self.now), Some("the second time"));
        Ok(vec![first, second])
    }

    /// The event with a value that is in no list in each of the fields that say what it is.
    fn unknown(&self, event: &Event) -> Result<Vec<Delivery>, String> {
        let mut paths: Vec<&Path> = event.named_by().collect();
        paths.extend(event.variants.iter().flatten().map(|(path, _)| path));
        let mut seen: Vec<&Path> = Vec::new();
        paths.retain(|path| {
            let new = !seen.contains(path);
            seen.push(path);
            new
        });
        let delivery = |(number, path): (usize, &Path)| {
            let number = u8::try_from(number).unwrap_or(u8::MAX);
            let old = json::parse(&event.fixture).ok().and_then(|root| Some(root.get(path)?.text()?.into_owned()));
            let unknown = unknown_value(old.as_deref().unwrap_or_default());
            let edit = [Override::Set { path: path.clone(), value: Value::text(unknown) }];
            let mut draft = self.draft(event, BodySource::Fixture(None, &edit), &self.moment(number, None))?;
            draft.event = unknown.into();
            Ok(Delivery::new(self.first(&draft), Some(&format!("{path}={unknown}"))))
        };
        paths.into_iter().enumerate().map(delivery).collect()
    }
}

/// A value of the same kind that no list has.
fn unknown_value(old: &str) -> &'static str {
    if old.parse::<i64>().is_ok() { "97" } else { "hookdev.unknown" }
}
