//! Providers: who sends webhooks, as data.
//!
//! A [`Provider`] is loaded from a directory's [`files`] by its [`manifest`]. The [`catalog`] has all of them and
//! recognises the provider of a request; it loads few of them, because an [`index`] has what most runs need.
//! [`prepared`] and [`compose`] make the requests that a provider would send.

pub mod catalog;
pub mod cautions;
pub mod compose;
pub mod event;
pub mod files;
pub mod handshake;
pub mod index;
mod list;
pub mod live;
pub mod manifest;
mod order;
pub mod prepared;
pub mod registration;
pub mod resign;
pub mod self_test;
mod signers;

pub use crate::webhook::payload;

use std::{borrow::Cow, sync::OnceLock};

use http::HeaderName;

use crate::webhook::{
    delivery::Policy,
    fresh::Fresh,
    http_response::Response,
    json::Path,
    payload::DecodedBody,
    place::{self, Lookup, Place, ValueSource},
    remedy::Remedy,
    request::Request,
    schema::{Schema, SchemaError},
    signature::{Algorithm, MalformedSecret, Reason, Receipt, Rejection, Scheme, SigningSecret, Verdict, Verified},
};
use event::{Event, EventName, SummaryTemplate};
use files::ProviderFiles;
use handshake::Handshake;
pub(in crate::webhook) use list::{EventList, EventPlace};

/// One sender of webhooks, with everything that is specific to it.
#[derive(Clone, Debug)]
pub struct Provider {
    /// The short name, the first part of its events' full names.
    pub name: String,
    /// The name as people write it.
    pub title: String,
    /// What it sends, in one line.
    pub about: String,
    /// Notes about its behaviour, for people.
    pub notes: Vec<String>,
    /// The format of its secrets; `None` if it signs nothing.
    pub secret: Option<SecretRule>,
    /// Its signature schemes: the first signs, any may verify. Empty if it is unsigned by design.
    pub schemes: Vec<Scheme>,
    /// How it delivers, and what counts as success.
    pub delivery: Policy,
    /// How its API sets a webhook endpoint, if that is documented.
    pub registration: Option<registration::Registration>,
    /// Its events, in the order in which they are recognised.
    pub events: Vec<Event>,
    /// The headers by which its requests are recognised.
    recognised_by: Vec<HeaderName>,
    /// Where the event's name is.
    event_field: Option<Place>,
    /// The form field that holds the payload.
    payload_field: Option<String>,
    /// Where a payload has its list of events, if it has several.
    list: Option<EventList>,
    /// The schema definition for payloads of unlisted events.
    fallback_schema: Option<String>,
    /// The fields of the payload with a new value in each send.
    fresh: Vec<(Path, Fresh)>,
    /// The summary of events that have none of their own.
    summary: Option<SummaryTemplate>,
    /// The directory that it was loaded from.
    files: ProviderFiles,
    schema: OnceLock<Result<Schema, SchemaError>>,
}

pub use crate::webhook::signature::SecretRule;

/// The longest body of a handshake, decoded, in bytes.
const MAX_HANDSHAKE_BYTES: usize = 1 << 20;

impl Provider {
    /// Verifies a request by any of the schemes with any of the secrets, and checks that it was fresh when
    /// received. The rejection reported is that of the scheme that got furthest.
    #[must_use]
    pub fn verify(
        &self,
        secrets: &[SigningSecret],
        request: &Request,
        event: Option<&Event>,
        receipt: Receipt<'_>,
    ) -> Verdict {
        // A handshake may be signed with the very secret that it hands over. That proves nothing, so such a signature
        // doesn't count.
        let own = event.and_then(|event| event.handshake.as_deref()).filter(|handshake| handshake.is_signed);
        let brought = own.filter(|handshake| handshake.secret.is_some()).and_then(|handshake| {
            let body = self.decode(request, MAX_HANDSHAKE_BYTES).ok()?;
            self.handed_over(handshake, &Lookup::of(request, &body.payload(request)))
        });
        let is_signed_with = |secret| {
            self.schemes.iter().any(|scheme| scheme.verify(std::slice::from_ref(secret), request, receipt).is_ok())
        };
        let mut verified: Option<Verified> = None;
        let mut furthest: Option<Rejection> = None;
        for scheme in &self.schemes {
            // Of two signatures in the same place, one may cover the body only by a claim.
            if verified.is_some() && scheme.place_claims.is_empty() {
                continue;
            }
            match scheme.verify(secrets, request, receipt) {
                Ok(found) => verified = verified.or(Some(found)),
                Err(rejection) if scheme.refutes(&rejection.reason) => return Verdict::Rejected(rejection),
                Err(rejection) => {
                    let further =
                        furthest.as_ref().is_none_or(|so_far| rejection.reason.progress() > so_far.reason.progress());
                    furthest = if further { Some(rejection) } else { furthest };
                }
            }
        }
        if let Some(verified) = verified {
            return Verdict::Verified(verified);
        }
        match furthest {
            None => Verdict::Unsigned,
            Some(Rejection { reason: Reason::MissingHeader { .. } | Reason::MissingValue { .. }, .. })
                if (event.is_some_and(|event| event.unsigned) || brought.is_some()) && !self.has_signature(request) =>
            {
                Verdict::Unsigned
            }
            Some(_) if brought.as_ref().is_some_and(is_signed_with) => Verdict::Unsigned,
            Some(rejection) => Verdict::Rejected(rejection),
        }
    }

    /// Parses a secret in the provider's form or, failing that, in the form of one of its schemes.
    ///
    /// # Errors
    ///
    /// If it has none of these forms. The error refers to the provider's own form.
    pub fn parse_secret(&self, text: &str) -> Result<SigningSecret, MalformedSecret> {
        SecretRule::parse(text, self.secret_rules())
    }

    /// The rules for its secrets: the provider's own, then those of single schemes.
    pub fn secret_rules(&self) -> impl Iterator<Item = &SecretRule> + Clone {
        self.secret.iter().chain(self.schemes.iter().filter_map(|scheme| scheme.secret.as_deref()))
    }

    /// The secrets that replace each other during a rotation: only the first, if signatures are sent along.
    #[must_use]
    pub fn rotation_secrets<'a>(&self, secrets: &'a [SigningSecret]) -> &'a [SigningSecret] {
        let is_sent_along = self.schemes.iter().any(|scheme| scheme.is_sent_along);
        if is_sent_along { &secrets[..secrets.len().min(1)] } else { secrets }
    }

    /// Sets the name of the signature's header to the one that the user chose in the provider's settings. Returns
    /// whether the provider lets the user choose.
    fn rename_signature_header(&mut self, name: &HeaderName) -> bool {
        let mut former = Vec::new();
        for scheme in self.schemes.iter_mut().filter(|scheme| scheme.configurable_header) {
            former.extend_from_slice(scheme.headers());
            scheme.signature = place::ValueSource::Headers(vec![name.clone()].into());
        }
        let known = self.recognised_by.len();
        self.recognised_by.retain(|header| !former.contains(header));
        if self.recognised_by.len() < known {
            self.recognised_by.push(name.clone());
        }
        !former.is_empty()
    }

    /// Whether a header carries a signature of one of the schemes, and not the secret itself.
    pub(in crate::webhook) fn signs_in(&self, name: &HeaderName) -> bool {
        self.schemes.iter().any(|scheme| scheme.algorithm.covers_content() && scheme.headers().contains(name))
    }

    /// Whether a header carries the secret itself: a static token.
    pub(in crate::webhook) fn sends_secret_in(&self, name: &HeaderName) -> bool {
        self.schemes.iter().any(|scheme| !scheme.algorithm.covers_content() && scheme.headers().contains(name))
    }

    /// Whether the manifest names a header: one of an id or timestamp, one that is signed, one by which requests are
    /// recognised, or one that the provider adds.
    pub(in crate::webhook) fn names_header(&self, name: &HeaderName) -> bool {
        let of_scheme = |scheme: &Scheme| {
            !scheme.names_of(name).is_empty() || scheme.content.headers().any(|signed| signed == name)
        };
        self.schemes.iter().any(of_scheme)
            || self.recognised_by.contains(name)
            || self.event_field.as_ref().and_then(Place::header) == Some(name)
            || self.events.iter().any(|event| event.names_header(name))
            || self.delivery.headers.iter().any(|(added, _)| added == name)
            || self.delivery.encodings.iter().flat_map(|encoding| &encoding.headers).any(|(added, _)| added == name)
    }

    fn has_signature(&self, request: &Request) -> bool {
        self.schemes.iter().any(|scheme| scheme.has_signature(request))
    }

    /// Decodes the body of one of this provider's requests, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// A message if the encoding is unknown, the data is invalid or longer than `limit` bytes.
    pub fn decode<'a>(&self, request: &'a Request, limit: usize) -> Result<DecodedBody<'a>, String> {
        Ok(self.find_payload(request, DecodedBody::of(request, limit)?))
    }

    /// The same body, with the payload in the form field that the provider sends it in.
    #[must_use]
    pub fn find_payload<'a>(&self, request: &Request, body: DecodedBody<'a>) -> DecodedBody<'a> {
        match &self.payload_field {
            Some(field) => body.with_field(request, field),
            None => body,
        }
    }

    /// The event of a request: a listed one, or else the name that it gives.
    #[must_use]
    pub fn event_of(&self, lookup: &Lookup<'_>) -> Option<EventName<'_>> {
        let decisive = |event: &&Event| event.handshake.as_ref().is_some_and(|handshake| handshake.is_decisive);
        let mut handshakes = self.events.iter().filter(|event| event.handshake.is_some());
        let mut events = self.events.iter().filter(|event| event.handshake.is_none());
        let first = handshakes.clone().filter(decisive).find(|event| event.matches(lookup));
        if let Some(event) = first.or_else(|| events.find(|event| event.matches(lookup))) {
            return Some(EventName::Listed(event));
        }
        let named = self.event_field.as_ref().and_then(|place| lookup.text(place));
        let own = named.as_deref().and_then(|named| handshakes.clone().find(|event| event.name == named));
        if let Some(handshake) = own.filter(|event| event.matches(lookup)) {
            return Some(EventName::Listed(handshake));
        }
        let unlisted = named.and_then(|named| EventName::unlisted(&self.name, &named));
        unlisted.or_else(|| handshakes.find(|event| event.matches(lookup)).map(EventName::Listed))
    }

    /// Where its payloads have their list of events, if they have several.
    pub(in crate::webhook) const fn list(&self) -> Option<&EventList> {
        self.list.as_ref()
    }

    /// The handshake of this full name, if it is one.
    #[must_use]
    pub fn handshake(&self, full_name: &str) -> Option<&Handshake> {
        self.events.iter().find(|event| event.full_name == full_name)?.handshake.as_deref()
    }

    /// The handshake that a request is, if it is one.
    #[must_use]
    pub fn handshake_of(&self, request: &Request) -> Option<&Handshake> {
        if !self.events.iter().any(|event| event.handshake.is_some()) {
            return None;
        }
        let body = self.decode(request, MAX_HANDSHAKE_BYTES).ok()?;
        let payload = body.payload(request);
        let event = self.event_of(&Lookup::of(request, &payload))?.listed()?;
        event.handshake.as_deref()
    }

    /// What is wrong with a handler's response to a handshake; `None` if it is the prescribed one.
    #[must_use]
    pub fn objection_to_handshake(
        &self,
        handshake: &Handshake,
        request: &Request,
        response: &Response,
        secret: Option<&SigningSecret>,
    ) -> Option<String> {
        let body = self.decode(request, MAX_HANDSHAKE_BYTES).unwrap_or(DecodedBody::empty());
        let payload = body.payload(request);
        let lookup = Lookup::of(request, &payload);
        let own = self.handed_over(handshake, &lookup);
        handshake.response.objection(response, &lookup, own.as_ref().or(secret))
    }

    /// The secret that a handshake hands over, if it does.
    #[must_use]
    pub fn handed_over(&self, handshake: &Handshake, lookup: &Lookup<'_>) -> Option<SigningSecret> {
        self.parse_secret(&lookup.text(handshake.secret.as_ref()?)?).ok()
    }

    /// The event of this name, without the provider's name.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.name == name)
    }

    /// The name of the schema definition for a payload, if there is one.
    #[must_use]
    pub fn schema_of<'a>(&'a self, event: Option<&'a Event>) -> Option<&'a str> {
        match event {
            Some(event) => event.schema.as_deref(),
            None => self.fallback_schema.as_deref(),
        }
    }

    /// A line about a request, for people.
    #[must_use]
    pub fn summary(&self, event: Option<&Event>, lookup: &Lookup<'_>) -> Option<String> {
        let template = event.and_then(|event| event.summary.as_ref()).or(self.summary.as_ref())?;
        template.fill(lookup)
    }

    /// The schema of its payloads, parsed at the first call.
    ///
    /// # Errors
    ///
    /// If `schema.json` is not a supported schema.
    pub fn schema(&self) -> Result<&Schema, &SchemaError> {
        self.schema.get_or_init(|| Schema::parse(self.files.get(files::SCHEMA).unwrap_or("{}"))).as_ref()
    }

    /// The remedy if only public development secrets are known: set the secret of this scheme. If the signature didn't
    /// match, the secret may also be that of a scheme that signs in the same place, or along with it.
    #[must_use]
    pub fn set_secret(&self, scheme: &str, is_match: bool) -> Remedy {
        let named = self.schemes.iter().find(|other| *other.name == *scheme);
        let is_meant = |other: &&Scheme| match named {
            Some(named) if is_match => other.name == named.name,
            Some(named) => other.name == named.name || other.is_sent_along || other.signature == named.signature,
            None => true,
        };
        let rules = self.schemes.iter().filter(is_meant).filter_map(|scheme| self.secret_rule(scheme));
        let mut envs: Vec<String> = rules.filter_map(|rule| rule.env.clone()).collect();
        envs.dedup();
        Remedy::SetSecret { provider: self.name.clone(), title: self.title.clone(), envs }
    }

    /// Whether it signs a timestamp and limits its age, so that old requests are rejected.
    #[must_use]
    pub fn has_replay_protection(&self) -> bool {
        self.schemes.first().is_some_and(Scheme::limits_age)
    }

    /// Whether its requests contain the secret itself, or the first part of one of two parts, and not only a signature.
    #[must_use]
    pub fn sends_secret(&self) -> bool {
        let has_key = |scheme: &Scheme| scheme.claims.iter().any(|(_, claim)| claim.has_key());
        self.schemes.iter().any(|scheme| scheme.algorithm == Algorithm::Token || has_key(scheme))
    }

    /// The field of the payload that has the delivery's id, if one does.
    #[must_use]
    pub fn id_field(&self) -> Option<&Path> {
        self.fresh.iter().find(|(_, fresh)| fresh.is_id()).map(|(path, _)| path)
    }

    /// The delivery's id in a request, which the provider's retries keep: that of the signature, of a header, or of the
    /// payload.
    #[must_use]
    pub fn delivery_id(&self, lookup: &Lookup<'_>) -> Option<String> {
        let signed = self.schemes.iter().filter_map(|scheme| scheme.id.as_ref()).flat_map(ValueSource::places);
        let headers =
            self.delivery.headers.iter().filter(|(_, template)| template.has_id() && !template.has_timestamp());
        let signed = signed.filter_map(|place| lookup.text(place));
        let headers = headers.filter_map(|(name, _)| lookup.request.headers.text(name.as_str()));
        let field = self.id_field().and_then(|path| lookup.payload?.text(path));
        signed.chain(headers).chain(field).find(|id| !id.is_empty()).map(Cow::into_owned)
    }

    /// The files that it was loaded from.
    #[must_use]
    pub fn files(&self) -> &ProviderFiles {
        &self.files
    }
}
