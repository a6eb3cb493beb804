//! The signed content: a template such as `{id}.{timestamp}.{body}` for the exact bytes under the
//! signature.

use http::HeaderName;
use serde::Deserialize;

use crate::webhook::{nearest, request::Headers};

/// The template of the signed bytes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SignedContent {
    parts: Vec<Part>,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Body,
    Id,
    Timestamp,
    Header(HeaderName),
}

/// The values that a template may use.
#[derive(Clone, Copy, Debug)]
pub struct ContentValues<'a> {
    /// The exact body.
    pub body: &'a [u8],
    /// The delivery's id as sent; empty without one.
    pub id: &'a [u8],
    /// The timestamp's digits as sent; empty without one.
    pub timestamp: &'a [u8],
    /// The request's headers.
    pub headers: &'a Headers,
}

impl SignedContent {
    /// The signed bytes, in pieces. A missing header counts as empty.
    pub fn pieces<'a>(&'a self, values: ContentValues<'a>) -> impl Iterator<Item = &'a [u8]> {
        self.parts.iter().map(move |part| match part {
            Part::Literal(text) => text.as_bytes(),
            Part::Body => values.body,
            Part::Id => values.id,
            Part::Timestamp => values.timestamp,
            Part::Header(name) => values.headers.get(name.as_str()).map_or(&b""[..], |value| value.as_bytes()),
        })
    }

    /// Whether the body is signed.
    #[must_use]
    pub fn signs_body(&self) -> bool {
        self.parts.contains(&Part::Body)
    }

    /// Whether the delivery's id is signed.
    #[must_use]
    pub fn signs_id(&self) -> bool {
        self.parts.contains(&Part::Id)
    }

    /// Whether the timestamp is signed. An unsigned one protects nothing.
    #[must_use]
    pub fn signs_timestamp(&self) -> bool {
        self.parts.contains(&Part::Timestamp)
    }

    /// The headers that the template names.
    pub fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.parts.iter().filter_map(|part| match part {
            Part::Header(name) => Some(name),
            _ => None,
        })
    }

    /// The template as the manifest writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Parses a template. The error suggests the placeholder that was meant.
impl TryFrom<String> for SignedContent {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let pieces = crate::webhook::template::split(&text)?;
        let parts = pieces.into_iter().map(part).collect::<Result<Vec<_>, _>>()?;
        if !parts.iter().any(|part| !matches!(part, Part::Literal(_))) {
            return Err(format!(
                "the signed content `{text}` has no placeholder, so every signature would be the same; add `{{body}}`"
            ));
        }
        Ok(Self { parts, text })
    }
}

fn part(piece: crate::webhook::template::Piece<'_>) -> Result<Part, String> {
    use crate::webhook::template::Piece;
    match piece {
        Piece::Literal(text) => Ok(Part::Literal(text.to_owned())),
        Piece::Placeholder("body") => Ok(Part::Body),
        Piece::Placeholder("id") => Ok(Part::Id),
        Piece::Placeholder("timestamp") => Ok(Part::Timestamp),
        Piece::Placeholder(name) => match name.strip_prefix("header:") {
            Some(header) => header.parse().map(Part::Header).map_err(|_| format!("invalid header name `{header}`")),
            None => Err(nearest::unknown("placeholder", name, ["body", "id", "timestamp", "header:NAME"])),
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
            Part::Literal("v0:".into()),
            Part::Timestamp,
            Part::Literal(":".into()),
            Part::Header(HeaderName::from_static("x-extra")),
            Part::Body,
        ];
        assert_eq!(content.parts, expected);
        assert!(content.signs_timestamp() && !content.signs_id());
    }

    #[test]
    fn an_unknown_placeholder_gets_a_suggestion() {
        let message = "unknown placeholder `timstamp`; did you mean `timestamp`? (known: `body`, `id`, `timestamp`, `header:NAME`)";
        assert_eq!(parse("{timstamp}.{body}"), Err(message.into()));
        assert_eq!(parse("{body"), Err("`{` at character 1 is not closed".into()));
        assert_eq!(
            parse("body"),
            Err("the signed content `body` has no placeholder, so every signature would be the same; add `{body}`"
                .into())
        );
    }
}
