//! Providers: who sends webhooks, as data.
//!
//! A [`Provider`] is read from a folder's [`files`] by its [`manifest`]; the [`catalog`] holds all
//! of them and finds the one behind a request; [`recipe`] and [`compose`] make the requests that it would send.

pub mod catalog;
pub mod compose;
pub mod event;
pub mod files;
pub mod manifest;
pub mod payload;
pub mod recipe;
pub mod resign;
pub mod self_test;

use std::sync::OnceLock;

use http::HeaderName;

use crate::webhook::{
    delivery::Policy,
    fresh::Fresh,
    json::Path,
    request::Request,
    schema::{Schema, SchemaError},
    signature::{Reason, Receipt, Rejection, Scheme, SecretFormat, SigningSecret, Verdict},
};
use event::{Event, EventName, Summary};
use files::Files;
use payload::Payload;

/// One sender of webhooks and all that is true of it.
#[derive(Debug)]
pub struct Provider {
    /// Its short name, the first part of its events' names.
    pub name: String,
    /// Its name as people write it.
    pub title: String,
    /// What it sends, in a line.
    pub about: String,
    /// Caveats in plain words.
    pub notes: Vec<String>,
    /// How its secrets are written; none when it signs nothing.
    pub secret: Option<SecretRule>,
    /// How it signs: the first scheme signs, any verifies. None: unsigned by design.
    pub schemes: Vec<Scheme>,
    /// How it delivers and what it takes for success.
    pub delivery: Policy,
    /// What it sends, in the order in which events are recognised.
    pub events: Vec<Event>,
    /// The headers by which a request is recognised as this provider's.
    recognised_by: Vec<HeaderName>,
    /// The payload's field that names the event.
    event_field: Option<Path>,
    /// The definition that a payload outside the list of events satisfies.
    fallback_schema: Option<String>,
    /// The payload's fields that are new in each send.
    fresh: Vec<(Path, Fresh)>,
    /// The line for people of an event that has none of its own.
    summary: Option<Summary>,
    /// The folder that it was read from.
    files: Files,
    schema: OnceLock<Result<Schema, SchemaError>>,
}

/// How a provider's secrets are written, and where one is looked for.
#[derive(Clone, Debug)]
pub struct SecretRule {
    /// The environment variable that may hold one.
    pub env: Option<String>,
    /// The form of its text.
    pub format: SecretFormat,
    /// The fixed, public secret that is used when none is set.
    pub development: String,
}

impl Provider {
    /// Whether a request is genuine: by any of the schemes and any of the secrets, and fresh
    /// when received. The rejection of the scheme that came furthest is the one that is told.
    #[must_use]
    pub fn verify(
        &self,
        secrets: &[SigningSecret],
        request: &Request,
        event: Option<&Event>,
        receipt: Receipt,
    ) -> Verdict {
        let mut furthest: Option<Rejection> = None;
        for scheme in &self.schemes {
            match scheme.verify(secrets, request, receipt) {
                Ok(verified) => return Verdict::Verified(verified),
                Err(rejection) => {
                    let further =
                        furthest.as_ref().is_none_or(|so_far| rejection.reason.progress() > so_far.reason.progress());
                    furthest = if further { Some(rejection) } else { furthest };
                }
            }
        }
        match furthest {
            None => Verdict::Unsigned,
            Some(Rejection { reason: Reason::MissingHeader { .. }, .. })
                if event.is_some_and(|event| event.unsigned) && !self.has_signature(request) =>
            {
                Verdict::Unsigned
            }
            Some(rejection) => Verdict::Rejected(rejection),
        }
    }

    fn has_signature(&self, request: &Request) -> bool {
        self.schemes.iter().flat_map(|scheme| &scheme.header).any(|name| request.headers.contains(name.as_str()))
    }

    /// Which event a payload is: one of the list, else the name that the payload gives itself.
    #[must_use]
    pub fn event_of(&self, payload: &Payload<'_>) -> Option<EventName<'_>> {
        if let Some(event) = self.events.iter().find(|event| event.matches(payload)) {
            return Some(EventName::Listed(event));
        }
        let named = payload.text(self.event_field.as_ref()?)?;
        EventName::unlisted(&self.name, &named)
    }

    /// The event of this name, without the provider's.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.name == name)
    }

    /// The name of the schema's definition that a payload must satisfy, if any is stated.
    #[must_use]
    pub fn schema_of<'a>(&'a self, event: Option<&'a Event>) -> Option<&'a str> {
        match event {
            Some(event) => event.schema.as_deref(),
            None => self.fallback_schema.as_deref(),
        }
    }

    /// The line for people about a payload.
    #[must_use]
    pub fn summary(&self, event: Option<&Event>, payload: &Payload<'_>) -> Option<String> {
        let template = event.and_then(|event| event.summary.as_ref()).or(self.summary.as_ref())?;
        template.fill(payload)
    }

    /// The schema of its payloads, read at the first call.
    ///
    /// # Errors
    ///
    /// When `schema.json` is no schema that is understood.
    pub fn schema(&self) -> Result<&Schema, &SchemaError> {
        self.schema.get_or_init(|| Schema::parse(self.files.get(files::SCHEMA).unwrap_or("{}"))).as_ref()
    }

    /// Whether an old request can be told from a new one: a signed time stands in what it sends.
    #[must_use]
    pub fn has_replay_protection(&self) -> bool {
        self.schemes.first().is_some_and(Scheme::signs_timestamp)
    }

    /// The payload's field that holds the delivery's id, if one does.
    #[must_use]
    pub fn id_field(&self) -> Option<&Path> {
        self.fresh.iter().find(|(_, fresh)| fresh.is_id()).map(|(path, _)| path)
    }

    /// The files that it was read from.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.files
    }
}
