//! The signed content: a template such as `{id}.{timestamp}.{body}` for the exact bytes under the
//! signature.

use std::borrow::Cow;

use http::HeaderName;
use serde::Deserialize;

use crate::webhook::{
    nearest,
    place::{Lookup, Place},
    template::{self, TemplatePiece},
};

/// The template of the signed bytes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SignedContent {
    parts: Vec<ContentPart>,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::webhook) enum ContentPart {
    Literal(String),
    Id,
    Timestamp,
    Secret,
    Key,
    Place(Place),
}

/// The parts of a secret that a template may use.
#[derive(Clone, Copy, Debug, Default)]
pub struct SecretParts<'a> {
    /// The public part of a secret of two parts; empty for all others.
    pub key: &'a [u8],
    /// The secret itself.
    pub secret: &'a [u8],
}

/// The values that a template may use.
#[derive(Clone, Copy, Debug)]
pub struct ContentValues<'a> {
    /// The delivery's id as sent; empty without one.
    pub id: &'a [u8],
    /// The timestamp as sent; empty without one.
    pub timestamp: &'a [u8],
    /// The request's places.
    pub lookup: Lookup<'a>,
}

/// The signed bytes of one request.
#[derive(Debug)]
pub struct ResolvedContent<'a> {
    parts: &'a [ContentPart],
    values: ContentValues<'a>,
    /// The computed values, which are not slices of the request, in order.
    computed: Vec<Cow<'a, [u8]>>,
}

impl SignedContent {
    /// Looks up everything that is signed. A missing value counts as empty.
    pub fn resolve<'a>(&'a self, values: ContentValues<'a>) -> ResolvedContent<'a> {
        let computed = self.parts.iter().filter_map(|part| match part {
            ContentPart::Place(place) if !is_slice(place) => Some(values.lookup.bytes(place).unwrap_or_default()),
            _ => None,
        });
        ResolvedContent { parts: &self.parts, values, computed: computed.collect() }
    }

    /// The body alone.
    #[must_use]
    pub fn body() -> Self {
        Self { parts: vec![ContentPart::Place(Place::RawBody)], text: "{body}".to_owned() }
    }

    /// The template of a JWT's claim, which may also be fixed text.
    ///
    /// # Errors
    ///
    /// A message that suggests the intended placeholder.
    pub fn claim(text: &str) -> Result<Self, String> {
        let parts = template::split(text)?.into_iter().map(part).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { parts, text: text.to_owned() })
    }

    pub(in crate::webhook) fn parts(&self) -> &[ContentPart] {
        &self.parts
    }

    /// Whether it contains the public part of a secret of two parts.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.parts.contains(&ContentPart::Key)
    }

    /// Whether the whole body is signed, or a hash of it.
    #[must_use]
    pub fn signs_body(&self) -> bool {
        self.places().any(Place::covers_body)
    }

    /// Whether the delivery's id is signed.
    #[must_use]
    pub fn signs_id(&self) -> bool {
        self.parts.contains(&ContentPart::Id)
    }

    /// Whether the timestamp is signed. An unsigned one protects nothing.
    #[must_use]
    pub fn signs_timestamp(&self) -> bool {
        self.parts.contains(&ContentPart::Timestamp)
    }

    /// Whether it contains the secret, as the content of a plain hash does.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.parts.contains(&ContentPart::Secret)
    }

    /// Whether it begins with the secret, so that a plain hash of it can be continued without the secret.
    #[must_use]
    pub fn begins_with_secret(&self) -> bool {
        self.parts.first() == Some(&ContentPart::Secret)
    }

    /// Whether the URL is signed, in whole or in part.
    #[must_use]
    pub fn signs_url(&self) -> bool {
        self.places().any(Place::needs_url)
    }

    /// Whether any signed value is in the payload, which then must be parsed before verification.
    #[must_use]
    pub fn needs_payload(&self) -> bool {
        self.places().any(Place::needs_payload)
    }

    /// The headers that the template names.
    pub fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.places().filter_map(Place::header)
    }

    /// The places that the template names.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.parts.iter().filter_map(|part| match part {
            ContentPart::Place(place) => Some(place),
            _ => None,
        })
    }

    /// The template as the manifest writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Whether the value at a place is a slice of the request.
const fn is_slice(place: &Place) -> bool {
    matches!(place, Place::RawBody | Place::Header(_))
}

impl ResolvedContent<'_> {
    /// The signed bytes, in pieces. The secret is that of a plain hash.
    pub fn pieces<'b>(&'b self, secret: SecretParts<'b>) -> impl Iterator<Item = &'b [u8]> {
        let mut computed = self.computed.iter();
        self.parts.iter().map(move |part| match part {
            ContentPart::Literal(text) => text.as_bytes(),
            ContentPart::Id => self.values.id,
            ContentPart::Timestamp => self.values.timestamp,
            ContentPart::Secret => secret.secret,
            ContentPart::Key => secret.key,
            ContentPart::Place(Place::RawBody) => self.values.lookup.body,
            ContentPart::Place(Place::Header(name)) => {
                self.values.lookup.request.headers.get(name.as_str()).map_or(&b""[..], |value| value.as_bytes())
            }
            ContentPart::Place(_) => computed.next().map_or(&b""[..], |value| value),
        })
    }
}

impl ResolvedContent<'_> {
    /// The bytes as text, for a claim.
    #[must_use]
    pub fn text(&self, secret: SecretParts<'_>) -> String {
        let bytes: Vec<u8> = self.pieces(secret).flatten().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Parses a template. The error suggests the placeholder that was meant.
impl TryFrom<String> for SignedContent {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let pieces = template::split(&text)?;
        let parts = pieces.into_iter().map(part).collect::<Result<Vec<_>, _>>()?;
        if !parts.iter().any(|part| !matches!(part, ContentPart::Literal(_))) {
            return Err(format!(
                "the signed content `{text}` has no placeholder, so every signature would be the same; add `{{body}}`"
            ));
        }
        Ok(Self { parts, text })
    }
}

/// The placeholders of a template.
const PLACEHOLDERS: [&str; 12] = [
    "body",
    "id",
    "timestamp",
    "secret",
    "url",
    "method",
    "path",
    "form:sorted",
    "header:NAME",
    "query:NAME",
    "body:PATH",
    "sha256:PLACE",
];

fn part(piece: TemplatePiece<'_>) -> Result<ContentPart, String> {
    match piece {
        TemplatePiece::Literal(text) => Ok(ContentPart::Literal(text.to_owned())),
        TemplatePiece::Placeholder("id") => Ok(ContentPart::Id),
        TemplatePiece::Placeholder("timestamp") => Ok(ContentPart::Timestamp),
        TemplatePiece::Placeholder("secret") => Ok(ContentPart::Secret),
        TemplatePiece::Placeholder("key") => Ok(ContentPart::Key),
        TemplatePiece::Placeholder(name) => match Place::parse(name) {
            Ok(Place::Mac(..)) => Err(format!("`{{{name}}}` belongs in the response of a handshake")),
            Ok(place) => Ok(ContentPart::Place(place)),
            Err(_) if !name.contains(':') => Err(nearest::unknown("placeholder", name, PLACEHOLDERS)),
            Err(message) => Err(message),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SignedContent, String> {
        SignedContent::try_from(text.to_owned())
    }

    #[test]
    fn a_template_is_parsed_into_literals_and_values_in_order() {
        let content = parse("v0:{timestamp}:{header:X-Extra}{body}").unwrap();
        let expected = [
            ContentPart::Literal("v0:".into()),
            ContentPart::Timestamp,
            ContentPart::Literal(":".into()),
            ContentPart::Place(Place::Header(HeaderName::from_static("x-extra"))),
            ContentPart::Place(Place::RawBody),
        ];
        assert_eq!(content.parts, expected);
        assert!(content.signs_timestamp() && !content.signs_id());
    }

    #[test]
    fn an_unknown_placeholder_gets_a_suggestion() {
        let message = "unknown placeholder `timstamp`; did you mean `timestamp`? (known: `body`, `id`, `timestamp`, `secret`, `url`, `method`, `path`, `form:sorted`, `header:NAME`, `query:NAME`, `body:PATH`, `sha256:PLACE`)";
        assert_eq!(parse("{timstamp}.{body}"), Err(message.into()));
        assert_eq!(parse("{body"), Err("`{` at character 1 is not closed".into()));
        assert_eq!(
            parse("body"),
            Err("the signed content `body` has no placeholder, so every signature would be the same; add `{body}`"
                .into())
        );
    }
}
