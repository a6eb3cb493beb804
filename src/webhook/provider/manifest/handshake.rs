//! `[[handshake]]`: how a provider verifies an endpoint.

use std::{collections::BTreeMap, ops::Range};

use http::Method;
use serde::Deserialize;
use toml::Spanned;

use super::{
    event::{self, check_event_name},
    values::{self, Scalar, Wrong},
};
use crate::webhook::{
    delivery::{Encoding, Media},
    fresh::Fresh,
    json,
    overrides::OverrideError,
    place::Place,
    provider::{
        event::Event,
        files::ProviderFiles,
        handshake::{Handshake, PrescribedBody, PrescribedResponse, ResponseTemplate},
    },
    signature::Scheme,
    template::JsonTemplate,
};

/// What a provider signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signing {
    /// Nothing.
    None,
    /// Bodies, all of which are JSON, perhaps with other values.
    JsonBodies,
    /// Other content too.
    Other,
}

impl Signing {
    pub(super) fn of(schemes: &[Scheme], encodings: &[Encoding]) -> Self {
        let signs_body = |scheme: &Scheme| scheme.content.places().any(|place| *place == Place::RawBody);
        let are_json = encodings.iter().all(|encoding| encoding.media == Media::Json);
        match schemes {
            [] => Self::None,
            schemes if are_json && schemes.iter().all(signs_body) => Self::JsonBodies,
            _ => Self::Other,
        }
    }
}

/// A request by which the provider verifies an endpoint, before or while it delivers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHandshake {
    /// The name; the event is `PROVIDER.NAME`.
    pub(super) name: Spanned<String>,
    /// What it is, in one line.
    about: Spanned<String>,
    /// The values by which it is recognised, as for an event. Without any, it is recognised by the places that it
    /// names: its secret, the parameters of its query, its headers.
    #[serde(rename = "match", default)]
    conditions: BTreeMap<Spanned<String>, Scalar>,
    /// The method; POST if there is none.
    method: Option<Spanned<String>>,
    /// What `send` puts into the query; templates of fresh values.
    #[serde(default)]
    query: BTreeMap<Spanned<String>, Fresh>,
    /// The headers that `send` adds; templates of fresh values.
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Fresh>,
    /// The body that `send` sends; without one, it is empty.
    fixture: Option<Spanned<String>>,
    /// Whether the provider signs it; it does if it has a scheme and this is not `false`.
    signed: Option<bool>,
    /// Where it hands over the secret of all later deliveries.
    secret: Option<Spanned<String>>,
    /// The response that the provider wants.
    respond: Spanned<RawResponse>,
}

impl RawHandshake {
    /// Whether a header or a parameter of the query contains the delivery's id.
    pub(super) fn has_id(&self) -> bool {
        self.headers.values().chain(self.query.values()).any(Fresh::has_id)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawResponse {
    /// The status; 200 if there is none.
    status: Option<Spanned<i64>>,
    /// The media type of `text`, or of a response without a body.
    #[serde(rename = "type")]
    media: Option<Spanned<String>>,
    /// The body as text, a template.
    text: Option<Spanned<String>>,
    /// The body as JSON, in which each string is a template.
    json: Option<Spanned<toml::Value>>,
    /// Headers, templates.
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
}

impl RawHandshake {
    pub(super) fn event(
        self,
        provider: &str,
        signing: Signing,
        event_field: Option<&Place>,
        files: &ProviderFiles,
    ) -> Result<Event, Wrong> {
        let span = self.name.span();
        check_event_name(&self.name)?;
        let name = self.name.into_inner();
        let method = self.method.as_ref().map_or(Ok(Method::POST), values::method)?;
        let mut conditions = Vec::new();
        for (key, Scalar(value)) in self.conditions {
            conditions.push((values::parse(&key, Place::parse_condition)?, value));
        }
        let mut extras: Vec<(Place, Fresh)> = Vec::new();
        for (name, value) in self.query {
            extras.push((values::parse(&name, |name| Place::parse(&format!("query:{name}")))?, value));
        }
        for (name, value) in self.headers {
            extras.push((Place::Header(values::sent_header_name(&name)?), value));
        }
        let fixture = match &self.fixture {
            Some(fixture) => event::fixture(fixture.get_ref(), fixture.span(), files)?,
            None => "".into(),
        };
        let sent = || extras.iter().map(|(place, _)| place).chain(conditions.iter().map(|(place, _)| place));
        let is_sent = |place: &Place| sent().any(|sent| sent == place);
        let secret = self.secret.map(|text| secret_place(&text, is_sent, &fixture, files)).transpose()?;
        let is_method_named = conditions.iter().any(|(place, _)| *place == Place::Method);
        let mut present = Vec::new();
        if conditions.is_empty() {
            present.extend(secret.clone());
            present.extend(extras.iter().map(|(place, _)| place.clone()));
            if present.is_empty() && method == Method::POST {
                let message =
                    format!("nothing recognises `{name}`: add a `match`, a `secret`, a `query` or a `method`");
                return Err(Wrong::new(span, message));
            }
        }
        // A field of the body that hands over the secret may be in an event too.
        let is_decisive = present.iter().any(|place| !matches!(place, Place::Body(_)))
            || conditions.iter().any(|(place, _)| !matches!(place, Place::Body(_)) || Some(place) == event_field);
        if method != Method::POST && !is_method_named {
            conditions.push((Place::Method, method.to_string()));
        }
        let is_signed = self.signed.unwrap_or(true) && signing != Signing::None;
        let respond = self.respond.span();
        let response = self.respond.into_inner().response()?;
        let tokens = if is_signed { Vec::new() } else { tokens(&response, signing, respond)? };
        present.extend(response.places());
        let handshake = Handshake { method, extras, is_signed, secret, present, tokens, is_decisive, response };
        Ok(Event {
            full_name: format!("{provider}.{name}"),
            name,
            about: values::text(&self.about)?,
            schema: None,
            fixture,
            fixture_file: self.fixture.map(Spanned::into_inner),
            raw: None,
            summary: None,
            unsigned: !handshake.is_signed,
            illustrative: false,
            variants: Vec::new(),
            headers: Vec::new(),
            conditions,
            present: Vec::new(),
            handshake: Some(Box::new(handshake)),
        })
    }
}

/// The places whose values an unsigned handshake sends back as a MAC. A scheme must not accept that as a signature.
fn tokens(response: &PrescribedResponse, signing: Signing, span: Range<usize>) -> Result<Vec<Place>, Wrong> {
    let tokens = response.macs();
    if !tokens.is_empty() && signing != Signing::JsonBodies {
        let message = "a handshake that isn't signed must not respond with an `hmac-sha256:` of what anyone can send, \
            because it may be a valid signature of a delivery: not all schemes sign the `{body}` as JSON";
        return Err(Wrong::new(span, message));
    }
    Ok(tokens)
}

/// Where a handshake hands over a secret: a single value, which is sent.
fn secret_place(
    text: &Spanned<String>,
    is_sent: impl Fn(&Place) -> bool,
    fixture: &str,
    files: &ProviderFiles,
) -> Result<Place, Wrong> {
    values::parse(text, |text| {
        let place = Place::parse(text)?;
        let missing = match &place {
            Place::Header(name) if !is_sent(&place) => format!("add `{name} = \"{{hex:64}}\"` to `headers`"),
            Place::Query(name) if !is_sent(&place) => format!("add `{name} = \"{{hex:64}}\"` to `query`"),
            Place::Body(path) if !files.are_built_in() => match json::parse(fixture) {
                Ok(root) if root.get(path).is_some() => return Ok(place),
                Ok(root) => OverrideError::missing(&root, path).to_string(),
                Err(_) => "add a `fixture` that has it".to_owned(),
            },
            _ if place.is_writable() => return Ok(place),
            _ => {
                return Err(format!(
                    "`{place}` is not a single value: a secret is in a header, a query parameter or a field of the body"
                ));
            }
        };
        Err(format!("`{place}` is not sent, so no secret is handed over: {missing}"))
    })
}

fn status(status: &Spanned<i64>) -> Result<u16, Wrong> {
    let found = *status.get_ref();
    let valid = u16::try_from(found).ok().filter(|status| (200..600).contains(status));
    valid.ok_or_else(|| Wrong::new(status.span(), format!("invalid status {found}: write 200 to 599")))
}

fn media_type(text: &Spanned<String>) -> Result<String, Wrong> {
    values::header_value(text)?;
    values::parse(text, |text| match text.split_once('/') {
        Some((kind, rest)) if !kind.is_empty() && !rest.is_empty() && !kind.contains(' ') => Ok(text.to_owned()),
        _ => Err(format!("invalid media type `{text}`: write one such as `text/plain`")),
    })
}

impl RawResponse {
    fn response(self) -> Result<PrescribedResponse, Wrong> {
        let media = self.media.as_ref().map(media_type).transpose()?;
        let body = match (self.text, self.json) {
            (Some(text), None) => {
                let media = media.unwrap_or_else(|| "text/plain".to_owned());
                PrescribedBody::Text(media, values::parse(&text, ResponseTemplate::parse)?)
            }
            (None, Some(json)) => {
                let span = json.span();
                let wrong = |message: String| Wrong::new(span.clone(), message);
                let value = serde_json::to_value(json.into_inner()).map_err(|error| wrong(error.to_string()))?;
                PrescribedBody::Json(JsonTemplate::parse(&value, ResponseTemplate::parse).map_err(wrong)?)
            }
            (None, None) => PrescribedBody::Any(media),
            (Some(text), Some(_)) => return Err(Wrong::new(text.span(), "a response has either `text` or `json`")),
        };
        let header = |(name, text): (&Spanned<String>, &Spanned<String>)| {
            Ok((values::sent_header_name(name)?, values::parse(text, ResponseTemplate::parse)?))
        };
        let headers = self.headers.iter().map(header).collect::<Result<_, Wrong>>()?;
        let status = self.status.as_ref().map_or(Ok(200), status)?;
        Ok(PrescribedResponse { status, body, headers })
    }
}
