//! Makes the requests that a provider would send: turns the draft of a
//! [`PreparedEvent`](super::prepared::PreparedEvent) into the body, headers and signature of each attempt.

use std::{borrow::Cow, io::Write};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderName, HeaderValue, header};

use super::{Provider, event::Event, order};
use crate::webhook::{
    delivery::{Encoding, Media},
    fresh::{Fresh, FreshSource},
    json::{self, Path},
    overrides::{Override, OverrideError},
    payload::{DecodedBody, MAX_DECODED_BYTES, Payload},
    place::{self, Lookup, Place},
    request::{self, Headers, InvalidHeaderValue, Request},
    signature::{Scheme, SigningInput, SigningSecret},
    time::Timestamp,
};

/// One delivery: what stays the same in all its attempts.
#[derive(Clone, Debug)]
pub struct DeliveryDraft {
    /// The delivery's id; empty if the provider has none.
    pub id: String,
    /// The event's name, without the provider's name.
    pub event: String,
    /// Whether the provider sends it without a signature.
    pub unsigned: bool,
    pub(super) content: BodyContent,
    /// Values outside the body.
    pub(in crate::webhook) extras: Vec<(Place, String)>,
    pub(super) seed: [u8; 32],
}

#[derive(Clone, Debug)]
pub(super) enum BodyContent {
    /// JSON text, sent in the attempt's encoding.
    Payload(Bytes),
    /// The user's own bytes, sent unchanged.
    Bytes(Bytes),
}

/// The inputs that differ from send to send: time, id and randomness.
#[derive(Clone, Debug)]
pub struct SendContext {
    /// The time of the send.
    pub now: Timestamp,
    /// The delivery's id, if the user chose one.
    pub id: Option<String>,
    /// Randomness; unused when an id is given.
    pub entropy: [u8; 32],
}

/// Where the body of an event comes from.
#[derive(Clone, Copy, Debug)]
pub enum BodySource<'a> {
    /// The event's fixture, with the changes of a variant if one is given, then fresh values, then
    /// the user's overrides.
    Fixture(Option<&'a [(Path, String)]>, &'a [Override]),
    /// The user's own bytes.
    Bytes(&'a Bytes),
}

/// The parameters of one attempt of a delivery.
#[derive(Clone, Copy, Debug)]
pub struct AttemptParams<'a> {
    /// The encoding of its body.
    pub encoding: &'a Encoding,
    /// The endpoint's URL, or only its path and query; some providers sign all of it.
    pub target: &'a str,
    /// The time of the attempt.
    pub now: Timestamp,
    /// The secret to sign with.
    pub secret: Option<&'a SigningSecret>,
    /// The other secrets, for the signatures that are sent along. A signature without a secret isn't sent.
    pub sent_along: &'a [SigningSecret],
    /// The user's own headers, which override the provider's.
    pub own_headers: &'a Headers,
}

impl Provider {
    /// Drafts one delivery of an event.
    ///
    /// # Errors
    ///
    /// If an override does not fit the payload.
    pub fn draft(
        &self,
        event: &Event,
        source: BodySource<'_>,
        context: &SendContext,
    ) -> Result<DeliveryDraft, OverrideError> {
        Ok(self.prepare(event, source)?.draft(context))
    }

    /// The request of one attempt. It is signed unless there is no secret, or the secret can't sign.
    #[must_use]
    pub fn request(&self, draft: &DeliveryDraft, attempt: &AttemptParams<'_>) -> Request {
        let AttemptParams { encoding, target, now, secret, sent_along, own_headers } = *attempt;
        let (content_type, body) = draft.encode(encoding.media, self.payload_field.as_deref());
        let mut headers = Headers::with_capacity(8);
        let mut add = |name: &HeaderName, value: Result<HeaderValue, InvalidHeaderValue>| {
            if let Ok(value) = value {
                headers.set(name, value);
            }
        };
        let handshake = self.event(&draft.event).and_then(|event| event.handshake.as_deref());
        if !body.is_empty() || handshake.is_none() {
            add(&header::CONTENT_TYPE, request::owned_value(content_type));
        }
        add(&header::USER_AGENT, Ok(self.delivery.user_agent.as_ref().unwrap_or(&OWN_USER_AGENT).clone()));
        for (name, text) in &encoding.headers {
            add(name, request::value(text));
        }
        for (name, template) in &self.delivery.headers {
            add(name, request::owned_value(template.fill(&draft.event, now, &draft.id).into()));
        }
        let (origin, target) = split_url(target);
        let method = handshake.map_or(&self.delivery.method, |handshake| &handshake.method).clone();
        let mut request = Request { method, target, headers, body };
        self.mark(draft, &mut request);
        let compresses = request.headers.text("content-encoding").is_some_and(|encoding| encoding == "gzip");
        request.headers.set_all(own_headers);
        let scheme = self.schemes.first().filter(|_| !draft.unsigned);
        let is_signed_first = scheme.is_some_and(|scheme| scheme.before_compression);
        if compresses && !is_signed_first {
            request.body = gzip(&request.body);
        }
        let own = handshake.filter(|handshake| handshake.is_signed && handshake.secret.is_some());
        let own = own.and_then(|handshake| {
            let body = self.decode(&request, super::MAX_HANDSHAKE_BYTES).ok()?;
            self.handed_over(handshake, &Lookup::of(&request, &body.payload(&request)))
        });
        // A handshake that hands over the secret is signed with it alone.
        let sent_along = if own.is_some() { &[] } else { sent_along };
        let signing = secret.zip(scheme).and_then(|(secret, _)| {
            let secret = own.as_ref().unwrap_or(secret);
            let mut readers = self.readers(secret);
            if own.is_some() {
                // The user's secrets, of which the first decides the order of the schemes, have no part in it.
                readers.sort_by_key(|scheme| scheme.position);
            }
            Some((covering(&readers, &request)?, secret))
        });
        if let Some((scheme, secret)) = signing {
            let mut signing: Vec<_> =
                std::iter::once((scheme, secret)).chain(self.sent_together(scheme, sent_along)).collect();
            signing.sort_by_key(|(scheme, _)| order::turn(scheme));
            for (scheme, _) in &signing {
                scheme.stamp_body(&mut request, &draft.id, now);
            }
            let (inside, outside) = signing.split_at(signing.partition_point(|(scheme, _)| scheme.signs_inside_body()));
            for group in [inside, outside] {
                for (scheme, _) in group {
                    scheme.write_claims(&mut request);
                }
                for (scheme, secret) in group {
                    let url = origin.map(|origin| format!("{origin}{}", request.target));
                    let message = SigningInput { request: &request, id: &draft.id, time: now, url: url.as_deref() };
                    for (place, value) in scheme.sign(secret, &message).unwrap_or_default() {
                        write_signed(&mut request, place, value, own_headers);
                    }
                }
            }
        }
        if compresses && is_signed_first {
            request.body = gzip(&request.body);
        }
        request
    }

    /// The scheme that signs this request with this secret.
    pub(super) fn signing_scheme(&self, secret: &SigningSecret, request: &Request) -> Option<&Scheme> {
        covering(&self.readers(secret), request)
    }

    /// The schemes that this secret is for.
    fn readers(&self, secret: &SigningSecret) -> Vec<&Scheme> {
        self.schemes.iter().filter(|scheme| scheme.reads(secret)).collect()
    }

    /// The schemes whose signatures are sent together with that of `signing`, each with its secret: one that is for it,
    /// or else the next one that isn't for any scheme in particular.
    pub(super) fn sent_together<'a>(
        &'a self,
        signing: &Scheme,
        secrets: &'a [SigningSecret],
    ) -> impl Iterator<Item = (&'a Scheme, &'a SigningSecret)> {
        let (for_any, own): (Vec<_>, Vec<_>) = secrets.iter().partition(|secret| secret.is_for_any());
        let mut for_any = for_any.into_iter();
        let is_together = |scheme: &Scheme| {
            scheme.is_sent_along || self.schemes.first().is_some_and(|first| first.name == scheme.name)
        };
        let others = self
            .schemes
            .iter()
            .filter(move |scheme| scheme.name != signing.name && is_together(scheme) && is_together(signing));
        others.filter_map(move |scheme| {
            let secret = own.iter().find(|secret| scheme.reads(secret)).copied().or_else(|| for_any.next())?;
            Some((scheme, secret))
        })
    }

    /// Writes the values outside the payload that distinguish an event from others: headers, and query parameters.
    fn mark(&self, draft: &DeliveryDraft, request: &mut Request) {
        for (place, value) in &draft.extras {
            place::write(request, place, value);
        }
        match self.event(&draft.event) {
            Some(event) => {
                for (place, value) in event.marks() {
                    place::write(request, place, value);
                }
                for (name, value) in &event.headers {
                    request.headers.set(name, value.clone());
                }
            }
            None => {
                if let Some(place @ Place::Header(_)) = &self.event_field {
                    place::write(request, place, &draft.event);
                }
            }
        }
    }
}

/// The first of these schemes that covers a request's body; if none does, the first.
fn covering<'a>(schemes: &[&'a Scheme], request: &Request) -> Option<&'a Scheme> {
    let first = *schemes.first()?;
    if !first.needs_payload() || schemes.len() == 1 {
        return Some(first);
    }
    let body = DecodedBody::of(request, MAX_DECODED_BYTES).unwrap_or(DecodedBody::empty());
    let payload = body.payload(request);
    let lookup = Lookup::of(request, &payload);
    schemes.iter().copied().find(|scheme| scheme.covers(&lookup).is_ok()).or(Some(first))
}

/// Writes a value that makes a request genuine, unless the user's own headers have it, or another signature has written
/// it.
fn write_signed(request: &mut Request, place: &Place, value: String, own_headers: &Headers) {
    match place {
        Place::Header(name) if own_headers.contains(name.as_str()) => {}
        Place::Header(name) => {
            if let Ok(value) = request::owned_value(value.into())
                && request.headers.get(name.as_str()) != Some(&value)
            {
                request.headers.push(name.clone(), value);
            }
        }
        place => place::write(request, place, &value),
    }
}

/// A URL's origin, such as `https://example.com`, and its path and query; no origin if the text is only those.
fn split_url(text: &str) -> (Option<&str>, String) {
    let scheme = if text.starts_with('/') { None } else { text.find("://") };
    let origin = scheme.map(|scheme| {
        let rest = &text[scheme + 3..];
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        &text[..scheme + 3 + end]
    });
    match origin {
        Some(origin) => (Some(origin), request::target(text).unwrap_or_else(|| "/".to_owned())),
        None => (None, text.to_owned()),
    }
}

/// A body compressed with gzip, without a timestamp, so that the output is always the same.
fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    match encoder.write_all(body).and_then(|()| encoder.finish()) {
        Ok(compressed) => compressed.into(),
        Err(_) => Bytes::copy_from_slice(body),
    }
}

impl DeliveryDraft {
    /// The payload's JSON text; `None` if the user's own bytes are sent.
    #[must_use]
    pub fn payload(&self) -> Option<&str> {
        match &self.content {
            BodyContent::Payload(bytes) => Some(text(bytes)),
            BodyContent::Bytes(_) => None,
        }
    }

    /// The payload's JSON text, or the user's own bytes.
    #[must_use]
    pub const fn payload_or_bytes(&self) -> &Bytes {
        match &self.content {
            BodyContent::Payload(bytes) | BodyContent::Bytes(bytes) => bytes,
        }
    }

    /// The content type and body in one encoding; a form has the whole payload in `field`, if there is one.
    fn encode(&self, media: Media, field: Option<&str>) -> (Cow<'static, str>, Bytes) {
        let fields = |payload: &Bytes| match field {
            Some(name) => vec![(name.to_owned(), text(payload).to_owned())],
            None => fields(text(payload)),
        };
        match (&self.content, media) {
            (BodyContent::Payload(bytes), Media::Urlencoded) => {
                let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields(bytes)).finish();
                (URLENCODED.into(), body.into())
            }
            (BodyContent::Payload(bytes), Media::Multipart) => {
                let boundary = self.boundary();
                let body = place::multipart(&fields(bytes), &boundary);
                (format!("multipart/form-data; boundary={boundary}").into(), body.into())
            }
            (BodyContent::Payload(bytes), Media::Json) => (JSON.into(), bytes.clone()),
            (BodyContent::Bytes(bytes), media) => (self.own_type(bytes, media), bytes.clone()),
        }
    }

    /// The content type of the user's own bytes; a multipart boundary is read from their start.
    fn own_type(&self, bytes: &[u8], media: Media) -> Cow<'static, str> {
        match media {
            Media::Json => JSON.into(),
            Media::Urlencoded => URLENCODED.into(),
            Media::Multipart => {
                let line = bytes.strip_prefix(b"--").and_then(|rest| rest.split(|&b| b == b'\r' || b == b'\n').next());
                let boundary =
                    line.and_then(|line| std::str::from_utf8(line).ok()).map_or_else(|| self.boundary(), str::to_owned);
                format!("multipart/form-data; boundary={boundary}").into()
            }
        }
    }

    /// A boundary in libcurl's format: 24 dashes and 16 hexadecimal digits.
    fn boundary(&self) -> String {
        let template = format!("{}{{hex:16}}", "-".repeat(24));
        let source = FreshSource::new(Timestamp::from_unix_seconds(0), &self.seed);
        Fresh::try_from(template).map(|template| template.make(&source, "boundary")).unwrap_or_default()
    }
}

/// The `User-Agent` for providers that document none.
static OWN_USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("hookdev/", env!("CARGO_PKG_VERSION")));

const JSON: &str = "application/json";
const URLENCODED: &str = "application/x-www-form-urlencoded";

/// A payload's bytes, which are always text.
fn text(bytes: &Bytes) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The fields of a flat payload, in order.
pub(super) fn fields(text: &str) -> Vec<(String, String)> {
    use crate::webhook::json::Kind;
    let Ok(root) = json::parse(text) else { return Vec::new() };
    let payload = Payload::of(root);
    let Some(Kind::Object(members)) = payload.root().map(|root| &root.kind) else { return Vec::new() };
    let field = |member: &json::Member<'_>| {
        let value = member.value.text().map_or_else(|| text[member.value.span.clone()].to_owned(), Into::into);
        (member.key.to_string(), value)
    };
    members.iter().map(field).collect()
}
