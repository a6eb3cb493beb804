//! Captured requests with changes: a new timestamp and signature, and the user's changes to the payload.
//! Everything else stays the same, byte for byte.

use http::HeaderName;

use super::{
    Provider,
    compose::{self, SendContext},
};
use crate::webhook::{
    fresh::{self, seed_of},
    json::quote,
    overrides::{self, Override, OverrideError},
    payload::{DecodedBody, Payload, PayloadKind},
    place::{self, Lookup, Place, ValueSource},
    request::{self, Request},
    signature::{Receipt, Scheme, SigningInput, SigningSecret, Verdict},
};

/// The maximum size of a decoded body that holds an id, in bytes.
const LIMIT: usize = 16 << 20;

/// Why a captured payload can't be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// An override does not fit it.
    #[error(transparent)]
    Override(#[from] OverrideError),
    /// The body can't be decompressed.
    #[error("can't change the payload: {0}")]
    Encoding(String),
    /// The body has no fields to set.
    #[error("can't change the payload: the body is neither JSON nor a URL-encoded form")]
    PayloadKind,
}

/// Changes a request's payload. A compressed body, of up to `limit` bytes, is sent uncompressed.
///
/// # Errors
///
/// If the payload has no such field, or no fields.
pub fn changed(request: &Request, overrides: &[Override], limit: usize) -> Result<Request, ChangeError> {
    let body = DecodedBody::of(request, limit).map_err(ChangeError::Encoding)?;
    let parsed = Payload::parse(request, body.bytes());
    let body = match (parsed.kind, std::str::from_utf8(body.bytes())) {
        (PayloadKind::Urlencoded, _) if body.json_in_form().is_some() => {
            let json = overrides::apply(body.json_in_form().unwrap_or_default(), overrides)?;
            let field = |(name, value): (&str, &str)| {
                let holds = Some(value) == body.json_in_form();
                (name.to_owned(), if holds { json.clone() } else { value.to_owned() })
            };
            form_urlencoded::Serializer::new(String::new()).extend_pairs(parsed.fields().map(field)).finish()
        }
        (PayloadKind::Json, Ok(text)) => overrides::apply(text, overrides)?,
        (PayloadKind::Urlencoded, _) => urlencoded(&parsed, overrides)?,
        _ => return Err(ChangeError::PayloadKind),
    };
    let mut changed = Request { body: body.into(), ..request.clone() };
    changed.headers.remove("content-encoding");
    Ok(changed)
}

/// Changes a form. Its fields are treated as a flat JSON object.
fn urlencoded(form: &Payload<'_>, overrides: &[Override]) -> Result<String, OverrideError> {
    let members: Vec<String> = form.fields().map(|(name, value)| format!("{}:{}", quote(name), quote(value))).collect();
    let text = overrides::apply(&format!("{{{}}}", members.join(",")), overrides)?;
    Ok(form_urlencoded::Serializer::new(String::new()).extend_pairs(compose::fields(&text)).finish())
}

/// What re-signing a request changes, in words. The headers are those of [`Provider::resign`].
#[must_use]
pub fn renewal(headers: &[HeaderName]) -> String {
    let names: Vec<&str> = headers.iter().map(HeaderName::as_str).collect();
    match names.as_slice() {
        [] => "signed again, with the same signature".to_owned(),
        names => format!("renewed: {}", names.join(", ")),
    }
}

impl Provider {
    /// Gives a captured request a new timestamp and signature, with the same id and header names; `event` is
    /// the event's name without the provider's, and `url` the endpoint's. Returns the headers that changed: none if the
    /// provider sends it unsigned.
    #[must_use]
    pub fn resign(
        &self,
        request: &mut Request,
        event: &str,
        secret: &SigningSecret,
        context: &SendContext,
        url: Option<&str>,
    ) -> Vec<HeaderName> {
        let listed = self.event(event);
        let verdict = self.verify(std::slice::from_ref(secret), request, listed, Receipt::default());
        // The scheme that came furthest is the one that signed it.
        let name = match &verdict {
            Verdict::Verified(verified) => &verified.scheme,
            Verdict::Rejected(rejection) => &rejection.scheme,
            Verdict::Unsigned | Verdict::Unrecognised => return Vec::new(),
        };
        let Some(scheme) = self.schemes.iter().find(|scheme| scheme.name == *name) else { return Vec::new() };
        let id = self.id_of(scheme, request, context);
        let mut renewed = Vec::new();
        for (name, template) in &self.delivery.headers {
            if template.has_timestamp() && request.headers.contains(name.as_str()) {
                let text = template.fill(event, context.now, &id);
                if let Ok(value) = request::value(&text) {
                    request.headers.set(name, value);
                    renewed.push(name.clone());
                }
            }
        }
        // Remove the old signatures by other keys, which can't be made again.
        let others = self.schemes.iter().filter(|other| other.name != scheme.name);
        for name in others.filter(|other| other.is_sent_along || scheme.is_sent_along).flat_map(Scheme::headers) {
            request.headers.remove(name.as_str());
        }
        scheme.stamp(request, &id, context.now);
        let url = url.map(|url| scheme.url_with_claims(url, request));
        let message = SigningInput { request, id: &id, time: context.now, url: url.as_deref() };
        for (place, value) in scheme.sign(secret, &message).unwrap_or_default() {
            let Place::Header(name) = place else {
                place::write(request, place, &value);
                continue;
            };
            let Ok(value) = request::value(&value) else { continue };
            let names = scheme.names_of(name);
            let present: Vec<&HeaderName> =
                names.iter().filter(|name| request.headers.contains(name.as_str())).collect();
            for name in if present.is_empty() { vec![name] } else { present } {
                if request.headers.get(name.as_str()) != Some(&value) {
                    renewed.push(name.clone());
                }
                request.headers.set(name, value.clone());
            }
        }
        renewed
    }

    /// The id of a captured request: the user's, else its own, else a new one.
    fn id_of(&self, scheme: &Scheme, request: &Request, context: &SendContext) -> String {
        let own = || {
            let body = DecodedBody::of(request, LIMIT).unwrap_or(DecodedBody::empty());
            let payload = body.payload(request);
            let lookup = Lookup::of(request, &payload);
            let mut places = scheme.id.iter().flat_map(ValueSource::places);
            places.find_map(|place| lookup.text(place).map(std::borrow::Cow::into_owned))
        };
        let made = || {
            let seed = context.id.as_deref().map_or(context.entropy, seed_of);
            let source = fresh::FreshSource::new(context.now, &seed);
            self.delivery.id.as_ref().map(|id| id.make(&source, "id"))
        };
        context.id.clone().or_else(own).or_else(made).unwrap_or_default()
    }
}
