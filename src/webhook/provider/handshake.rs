//! Handshakes: requests by which a provider verifies an endpoint, and the response that each prescribes.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use http::{HeaderName, Method, header};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::webhook::{
    encoding,
    fresh::Fresh,
    http_response::Response,
    json,
    place::{Lookup, MacEncoding, Place},
    request::{self, Headers},
    signature::{Algorithm, SigningSecret},
    template::{self, JsonTemplate, TemplatePiece},
};

/// What makes an event a handshake.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// The method of its request.
    pub method: Method,
    /// What `send` adds to the request: headers and parameters of the query, with new values each time.
    pub extras: Vec<(Place, Fresh)>,
    /// Whether its request is signed.
    pub is_signed: bool,
    /// Where it hands over the secret for all later deliveries.
    pub secret: Option<Place>,
    /// The places that a request must have to be this handshake.
    pub present: Vec<Place>,
    /// The places whose values must be tokens: anyone can send an unsigned handshake, so the MACs in its response must
    /// not be valid signatures of a body.
    pub tokens: Vec<Place>,
    /// Whether one of its conditions is on a header, on the query or on the event's own name. If so, it takes
    /// precedence over events.
    pub is_decisive: bool,
    /// The response that the provider requires.
    pub response: PrescribedResponse,
}

/// The response that a handshake prescribes.
#[derive(Clone, Debug)]
pub struct PrescribedResponse {
    pub status: u16,
    pub body: PrescribedBody,
    pub headers: Vec<(HeaderName, ResponseTemplate)>,
}

/// The body of a prescribed response.
#[derive(Clone, Debug)]
pub enum PrescribedBody {
    /// Any body; hookdev sends none. If there is a media type here, the response must have a content type.
    Any(Option<String>),
    /// A text and its media type.
    Text(String, ResponseTemplate),
    Json(JsonTemplate<ResponseTemplate>),
}

/// The template of a text in a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseTemplate(Vec<ResponsePiece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum ResponsePiece {
    Literal(String),
    Value(Place),
}

/// The values that a response is filled with.
#[derive(Clone, Copy)]
struct HandshakeValues<'a> {
    lookup: &'a Lookup<'a>,
    secret: Option<&'a SigningSecret>,
}

impl HandshakeValues<'_> {
    fn of(self, place: &Place) -> Option<String> {
        match place {
            Place::Mac(written, inner) => {
                let value = self.lookup.bytes(inner)?;
                let mac = self.secret?.key(Algorithm::HmacSha256)?.sign([&*value])?;
                Some(match written {
                    MacEncoding::Hex => encoding::hex(&mac),
                    MacEncoding::Base64 => encoding::base64(&mac),
                })
            }
            place => self.lookup.text(place).map(Cow::into_owned),
        }
    }
}

impl ResponseTemplate {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// A message that suggests the intended placeholder.
    pub fn parse(text: &str) -> Result<Self, String> {
        let piece = |piece| match piece {
            TemplatePiece::Literal(text) => Ok(ResponsePiece::Literal(text.to_owned())),
            TemplatePiece::Placeholder(place) => Place::parse(place).map(ResponsePiece::Value),
        };
        template::split(text)?.into_iter().map(piece).collect::<Result<_, _>>().map(Self)
    }

    /// Fills in the values; a missing one is empty.
    fn fill(&self, values: HandshakeValues<'_>) -> String {
        let piece = |piece: &ResponsePiece| match piece {
            ResponsePiece::Literal(text) => text.clone(),
            ResponsePiece::Value(place) => values.of(place).unwrap_or_default(),
        };
        self.0.iter().map(piece).collect()
    }
}

/// The template as a manifest writes it.
impl fmt::Display for ResponseTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            ResponsePiece::Literal(text) => f.write_str(text),
            ResponsePiece::Value(place) => write!(f, "{{{place}}}"),
        })
    }
}

/// What to respond, worded to follow "respond".
impl fmt::Display for PrescribedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        match &self.body {
            PrescribedBody::Any(None) => {}
            PrescribedBody::Any(Some(media)) => write!(f, " with a content-type, such as {media}")?,
            PrescribedBody::Text(_, text) => match &text.0[..] {
                [ResponsePiece::Value(place)] => write!(f, " with the value of {} as text", place.words())?,
                _ => write!(f, " with the text {text}")?,
            },
            PrescribedBody::Json(json) => write!(f, " with the JSON {}", json.fill(&ToString::to_string))?,
        }
        self.headers.iter().try_for_each(|(name, text)| write!(f, " with the header {name}: {text}"))
    }
}

impl PrescribedResponse {
    /// The places of the request whose MAC it contains.
    pub(super) fn macs(&self) -> Vec<Place> {
        let inner = |place: &Place| match place {
            Place::Mac(_, inner) => Some((**inner).clone()),
            _ => None,
        };
        self.values().filter_map(inner).collect()
    }

    /// The places of the request that it repeats, or whose MAC it contains.
    pub(super) fn places(&self) -> Vec<Place> {
        let place = |place: &Place| match place {
            Place::Mac(_, inner) => (**inner).clone(),
            place => place.clone(),
        };
        self.values().map(place).collect()
    }

    fn values(&self) -> impl Iterator<Item = &Place> {
        let in_body = match &self.body {
            PrescribedBody::Any(_) => Vec::new(),
            PrescribedBody::Text(_, text) => vec![text],
            PrescribedBody::Json(json) => json.texts(),
        };
        let texts = self.headers.iter().map(|(_, text)| text).chain(in_body);
        texts.flat_map(|text| &text.0).filter_map(|piece| match piece {
            ResponsePiece::Literal(_) => None,
            ResponsePiece::Value(place) => Some(place),
        })
    }

    /// The response to one request. `secret` is the one that the provider signs with.
    #[must_use]
    pub fn make(&self, lookup: &Lookup<'_>, secret: Option<&SigningSecret>) -> Response {
        let values = HandshakeValues { lookup, secret };
        let mut headers = Headers::new();
        let body = match &self.body {
            PrescribedBody::Any(media) => {
                if let Some(media) = media {
                    headers.push(header::CONTENT_TYPE, request::value(media).unwrap_or(TEXT));
                }
                Bytes::new()
            }
            PrescribedBody::Text(media, text) => {
                headers.push(header::CONTENT_TYPE, request::value(media).unwrap_or(TEXT));
                text.fill(values).into()
            }
            PrescribedBody::Json(json) => {
                headers.push(header::CONTENT_TYPE, JSON);
                json.fill(&|text| text.fill(values)).to_string().into()
            }
        };
        for (name, text) in &self.headers {
            if let Ok(value) = request::value(&text.fill(values)) {
                headers.push(name.clone(), value);
            }
        }
        Response { status: self.status, headers, body }
    }

    /// What is wrong with a handler's response; `None` if it is the prescribed one. Any 2xx counts where the provider
    /// wants one, JSON may be written in any way, and a text may also be the only value of a JSON object.
    #[must_use]
    pub fn objection(
        &self,
        response: &Response,
        lookup: &Lookup<'_>,
        secret: Option<&SigningSecret>,
    ) -> Option<String> {
        let wanted = self.make(lookup, secret);
        if response.status != wanted.status {
            return Some(format!("the response is {}; the handshake wants {}", response.status, wanted.status));
        }
        if matches!(&self.body, PrescribedBody::Any(Some(_))) && !response.headers.contains("content-type") {
            return Some("the response lacks the `content-type` header that the handshake wants".to_owned());
        }
        let values = HandshakeValues { lookup, secret };
        for (name, text) in &self.headers {
            if response.headers.text(name.as_str()).as_deref() != Some(text.fill(values).as_str()) {
                return Some(format!("the response lacks the `{name}` header that the handshake wants"));
            }
        }
        let is_same = match &self.body {
            PrescribedBody::Any(_) => true,
            PrescribedBody::Text(..) => {
                let given = response.body.trim_ascii();
                given == wanted.body.trim_ascii() || is_only_value(given, &wanted.body)
            }
            PrescribedBody::Json(json) => {
                let given: Option<Value> = serde_json::from_slice(&response.body).ok();
                given.is_some_and(|given| contains(&given, &json.fill(&|text| text.fill(values))))
            }
        };
        let what = match &self.body {
            PrescribedBody::Json(_) => "the JSON",
            _ => "the text",
        };
        (!is_same).then(|| format!("the response's body isn't {what} that the handshake wants"))
    }
}

/// The longest token, in bytes.
const LONGEST_TOKEN: usize = 256;

/// Whether a text is a token, and thus neither JSON nor a form: letters, digits and the other characters of base64.
pub(super) fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/');
    (1..=LONGEST_TOKEN).contains(&text.len())
        && text.len() - body.len() <= 2
        && body.bytes().all(is_plain)
        && serde_json::from_str::<IgnoredAny>(text).is_err()
}

const TEXT: http::HeaderValue = http::HeaderValue::from_static("text/plain");
const JSON: http::HeaderValue = http::HeaderValue::from_static("application/json");

/// Whether JSON has at least these members.
fn contains(given: &Value, wanted: &Value) -> bool {
    match (given, wanted) {
        (Value::Object(given), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| given.get(key).is_some_and(|given| contains(given, wanted)))
        }
        _ => given == wanted,
    }
}

/// Whether a body is a JSON string, or an object with one member, that holds a text.
fn is_only_value(body: &[u8], text: &[u8]) -> bool {
    let Some(root) = std::str::from_utf8(body).ok().and_then(|body| json::parse(body).ok()) else { return false };
    let value = match &root.kind {
        json::Kind::Object(members) if members.len() == 1 => members[0].value.text(),
        json::Kind::String(_) => root.text(),
        _ => None,
    };
    value.is_some_and(|value| value.as_bytes() == text)
}
