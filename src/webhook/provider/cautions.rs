//! Cautions about a valid provider, for its author.

use http::HeaderName;

use super::{
    Provider,
    compose::{AttemptParams, BodySource, SendContext},
    event::{Event, SummaryTemplate},
};
use crate::webhook::{
    json::Path,
    overrides::{self, OverrideError},
    place::Lookup,
    request::{Headers, Request},
    signature::Reason,
    time::Timestamp,
};

/// The maximum size of a payload that is examined, in bytes.
const LIMIT: usize = 16 << 20;

/// Something about a valid provider that its author should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caution {
    /// What it is.
    pub message: String,
    /// The keys of the manifest that it is about, as [`find`](super::manifest::find) takes them.
    pub keys: Vec<String>,
}

impl Caution {
    fn new<const N: usize>(keys: [&str; N], message: String) -> Self {
        Self { message, keys: keys.map(str::to_owned).to_vec() }
    }

    /// That a provider has the name of a built-in one.
    #[must_use]
    pub fn replaces_built_in() -> Self {
        Self::new(["name"], "it replaces the built-in provider of that name".to_owned())
    }
}

impl Provider {
    /// What its author should know, although the provider is valid: a signature that doesn't cover the body, unless the
    /// manifest says so; requests that lack signed fields or headers; and paths that no payload has.
    #[must_use]
    pub fn cautions(&self) -> Vec<Caution> {
        let unsigned = self.schemes.iter().enumerate().filter(|(_, scheme)| {
            scheme.algorithm.covers_content() && !scheme.signs_body() && !scheme.is_body_unsigned_by_design
        });
        let unsigned = unsigned.map(|(index, scheme)| {
            let message = format!(
                "the scheme `{}` of {} doesn't sign the body, so a changed body still verifies; add `{{body}}` to its content, or `signs_body = false` if that is what the provider does",
                scheme.name, self.title
            );
            Caution::new(["scheme", &index.to_string(), "content"], message)
        });
        let about_payloads = self.lacking_signed().chain(self.unsent_header());
        let about_payloads = about_payloads.chain(self.unused_fresh()).chain(self.unused_lists());
        unsigned.chain(about_payloads).chain(self.unknown_in_summaries()).collect()
    }

    /// Cautions about events whose payloads lack what a scheme signs: as `send` sends them, they are rejected.
    fn lacking_signed(&self) -> impl Iterator<Item = Caution> {
        let signed = self.events.iter().filter(|event| !event.unsigned && event.handshake.is_none());
        signed.filter_map(|event| {
            let request = self.example(event)?;
            let body = self.decode(&request, LIMIT).ok()?;
            let payload = body.payload(&request);
            match self.schemes.first()?.covers(&Lookup::of(&request, &payload)) {
                Err(Reason::NotInBody { place }) => {
                    let message = format!(
                        "the payload of {} lacks what is signed ({place}), so deliveries made from it don't verify; add it to the event's file",
                        event.full_name
                    );
                    Some(Caution::new(["event", &event.name], message))
                }
                _ => None,
            }
        })
    }

    /// A caution about a header that is signed, but that an event is sent without, so that its value counts as empty.
    fn unsent_header(&self) -> Option<Caution> {
        let scheme = self.schemes.first()?;
        // Signing writes these.
        let is_claimed = |name: &&HeaderName| scheme.place_claims.iter().any(|(place, _)| place.header() == Some(name));
        self.events.iter().filter(|event| !event.unsigned).find_map(|event| {
            let request = self.example(event)?;
            let mut signed = scheme.content.headers().filter(|name| !is_claimed(name));
            let name = signed.find(|name| !request.headers.contains(name.as_str()))?;
            let message = format!(
                "the scheme `{}` signs the header `{name}`, but {} is sent without it; add it to the `headers` of [delivery] or of the event",
                scheme.name, event.full_name
            );
            Some(Caution::new(["scheme", &scheme.name, "content"], message))
        })
    }

    /// Cautions about paths in `[fresh]` that no payload has.
    fn unused_fresh(&self) -> impl Iterator<Item = Caution> {
        let events = || self.events.iter().filter(|event| event.raw.is_none());
        let missing = move |path: &Path| {
            let mut errors = events().map(|event| overrides::replace(&event.fixture, path, "").err());
            let first = errors.next()??;
            errors.all(|error| error.is_some()).then(|| {
                let message = format!("[fresh] of {} renews nothing: {first}", self.title);
                Caution::new(["fresh", &path.to_string()], message)
            })
        };
        self.fresh.iter().filter_map(move |(path, _)| missing(path))
    }

    /// Cautions about lists of events that no payload has.
    fn unused_lists(&self) -> impl Iterator<Item = Caution> {
        let events = || self.events.iter().filter(|event| event.raw.is_none() && event.handshake.is_none());
        let missing = move |path: &Path| {
            let errors: Option<Vec<OverrideError>> = events().map(|event| self.unknown_path(event, path)).collect();
            let first = errors?.into_iter().next()?;
            Some(Caution::new(
                ["recognise", "list"],
                format!("no payload of {} has this list of events: {first}", self.title),
            ))
        };
        self.list.iter().flat_map(|list| &list.0).filter_map(missing)
    }

    /// Cautions about paths in an event's summary that its payload doesn't have, and in that of the provider that no
    /// payload has.
    fn unknown_in_summaries(&self) -> Vec<Caution> {
        let payloads = || self.events.iter().filter(|event| event.handshake.is_none());
        let mut all = Vec::new();
        for event in payloads() {
            for path in event.summary.iter().flat_map(SummaryTemplate::paths) {
                let error = self.unknown_path(event, path);
                all.extend(error.map(|error| {
                    let message = format!("the summary of {} lacks a value: {error}", event.full_name);
                    Caution::new(["event", &event.name, "summary"], message)
                }));
            }
        }
        for path in self.summary.iter().flat_map(SummaryTemplate::paths) {
            let errors: Option<Vec<OverrideError>> = payloads().map(|event| self.unknown_path(event, path)).collect();
            let first = errors.and_then(|errors| errors.into_iter().next());
            all.extend(first.map(|error| {
                Caution::new(["summary"], format!("the summary of {} lacks a value: {error}", self.title))
            }));
        }
        all
    }

    /// The error of a path that an event's payload doesn't have.
    fn unknown_path(&self, event: &Event, path: &Path) -> Option<OverrideError> {
        let request = self.example(event)?;
        let body = self.decode(&request, LIMIT).ok()?;
        let payload = body.payload(&request);
        let root = payload.root()?;
        root.get(path).is_none().then(|| OverrideError::missing(root, path))
    }

    /// The request of an event, without a signature.
    fn example(&self, event: &Event) -> Option<Request> {
        let now = Timestamp::from_unix_seconds(0);
        let context = SendContext { now, id: None, entropy: [0; 32] };
        let draft = self.draft(event, BodySource::Fixture(None, &[]), &context).ok()?;
        let encoding = self.delivery.encodings.first()?;
        let attempt =
            AttemptParams { encoding, target: "/", now, secret: None, sent_along: &[], own_headers: &Headers::new() };
        Some(self.request(&draft, &attempt))
    }
}
