//! Events: what a provider sends, how each is recognised, and its summary for people.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;

use http::{HeaderName, HeaderValue, Method};

use super::handshake::{self, Handshake};
use crate::webhook::{
    json::Path,
    place::{Lookup, Place},
    template::{self, TemplatePiece},
};

/// One of a provider's listed events.
#[derive(Clone, Debug)]
pub struct Event {
    /// The name without the provider's, such as `task.completed`.
    pub name: String,
    /// The full name, such as `aspect.task.completed`.
    pub full_name: String,
    /// What it means, in one line.
    pub about: String,
    /// The schema definition that its payload matches.
    pub schema: Option<String>,
    /// The fixture: its payload as JSON text, or the text of what is sent as it is.
    pub fixture: Cow<'static, str>,
    /// The fixture's path in the directory; `None` for a handshake without one.
    pub fixture_file: Option<String>,
    /// The bytes of the fixture, if it is sent as it is.
    pub raw: Option<Bytes>,
    /// Its own summary, if it has one.
    pub summary: Option<SummaryTemplate>,
    /// Whether the provider sends it without a signature.
    pub unsigned: bool,
    /// Whether the payload is undocumented, so that the fixture is only plausible.
    pub illustrative: bool,
    /// Variants of the payload, each a set of changes to the fixture.
    pub variants: Vec<Vec<(Path, String)>>,
    /// The headers that it alone is sent with.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The values by which a request is recognised as this event.
    pub(super) conditions: Vec<(Place, String)>,
    /// The places that a request must have, with any value, to be recognised as this event.
    pub(super) present: Vec<Place>,
    /// What makes it a handshake, if it is one.
    pub handshake: Option<Box<Handshake>>,
}

impl Event {
    /// Whether a request is this event.
    #[must_use]
    pub fn matches(&self, lookup: &Lookup<'_>) -> bool {
        let handshake = self.handshake.as_deref();
        let repeated = handshake.map_or(&[][..], |handshake| &handshake.present);
        let mut tokens = handshake.into_iter().flat_map(|handshake| &handshake.tokens);
        (!self.conditions.is_empty() || !self.present.is_empty() || !repeated.is_empty())
            && self.present.iter().all(|place| lookup.has(place))
            && repeated.iter().all(|place| lookup.text(place).is_some())
            && tokens.all(|place| lookup.text(place).is_some_and(|text| handshake::is_token(&text)))
            && self
                .conditions
                .iter()
                .all(|(place, expected)| lookup.text(place).is_some_and(|text| text == expected.as_str()))
    }

    /// What a request lacks to be this handshake, in words; `None` if it lacks nothing, or isn't meant as one: it has
    /// neither the handshake's own method nor all values that recognise it.
    #[must_use]
    pub(in crate::webhook) fn missing_for_handshake(&self, lookup: &Lookup<'_>) -> Option<String> {
        let handshake = self.handshake.as_deref()?;
        let mismatches = self.mismatches(lookup);
        let is_meant = match handshake.method {
            Method::POST => {
                !self.conditions.is_empty() && mismatches.iter().all(|mismatch| mismatch.expected.is_none())
            }
            ref own => lookup.request.method == *own,
        };
        let in_words = |Mismatch { place, expected, found }: Mismatch<'_>| match (expected, found) {
            (_, None) => format!("{} is missing", place.words()),
            (Some(expected), Some(_)) => format!("{} isn't `{expected}`", place.words()),
            (None, Some(_)) => format!("{} isn't a token", place.words()),
        };
        let mut all: Vec<String> = mismatches.into_iter().map(in_words).collect();
        all.dedup();
        (is_meant && !all.is_empty()).then(|| all.join(", "))
    }

    /// Where a request differs from this event.
    pub(super) fn mismatches<'a>(&'a self, lookup: &Lookup<'a>) -> Vec<Mismatch<'a>> {
        let handshake = self.handshake.as_deref();
        let mismatch = |place, expected| Mismatch { place, expected, found: lookup.text(place) };
        let conditions = self.conditions.iter().map(|(place, expected)| mismatch(place, Some(expected.as_str())));
        let conditions = conditions.filter(|it| it.found.as_deref() != it.expected);
        let present = self.present.iter().filter(|place| !lookup.has(place));
        let present = present.map(|place| Mismatch { place, expected: None, found: None });
        let repeated = handshake.map_or(&[][..], |handshake| &handshake.present);
        let repeated = repeated.iter().map(|place| mismatch(place, None)).filter(|it| it.found.is_none());
        let tokens = handshake.map_or(&[][..], |handshake| &handshake.tokens);
        let tokens = tokens.iter().map(|place| mismatch(place, None));
        let tokens = tokens.filter(|it| it.found.as_deref().is_some_and(|text| !handshake::is_token(text)));
        conditions.chain(present).chain(repeated).chain(tokens).collect()
    }

    /// Whether it is recognised by a header, or sent with one of its own.
    pub(super) fn names_header(&self, name: &HeaderName) -> bool {
        self.conditions.iter().any(|(place, _)| place.header() == Some(name))
            || self.headers.iter().any(|(own, _)| own == name)
    }

    /// The fields of the payload by which a request is recognised.
    pub fn named_by(&self) -> impl Iterator<Item = &Path> {
        self.conditions.iter().map(|(place, _)| place).chain(&self.present).filter_map(|place| match place {
            Place::Body(path) => Some(path),
            _ => None,
        })
    }

    /// Whether it is recognised by this field of the payload, whatever its value.
    pub(in crate::webhook) fn is_recognised_by_presence_of(&self, field: &Path) -> bool {
        self.present.iter().any(|place| matches!(place, Place::Body(path) if path == field))
    }

    /// The field of the payload whose value is the event's name.
    #[must_use]
    pub fn name_field(&self) -> Option<&Path> {
        self.conditions.iter().find_map(|(place, value)| match place {
            Place::Body(path) if *value == self.name => Some(path),
            _ => None,
        })
    }

    /// The values outside the payload by which a request is recognised, which are sent with it.
    pub(in crate::webhook) fn marks(&self) -> impl Iterator<Item = (&Place, &str)> {
        let outside = |place: &Place| matches!(place, Place::Header(_) | Place::Query(_));
        self.conditions.iter().filter(move |(place, _)| outside(place)).map(|(place, value)| (place, value.as_str()))
    }
}

/// Where a request differs from an event.
#[derive(Clone, Debug)]
pub(super) struct Mismatch<'a> {
    pub place: &'a Place,
    /// The value that recognises the event; `None` if any value does, or any token.
    pub expected: Option<&'a str>,
    /// The request's value, if it is a single one.
    pub found: Option<Cow<'a, str>>,
}

/// The event of a request.
#[derive(Clone, Debug)]
pub enum EventName<'a> {
    /// A listed event.
    Listed(&'a Event),
    /// An event that the payload names, but that is not listed; its full name.
    Unlisted(String),
}

impl<'a> EventName<'a> {
    /// The maximum length of a name read from a payload.
    const LONGEST: usize = 64;

    /// The name of an unlisted event, if the text in the payload is a plausible name.
    #[must_use]
    pub(super) fn unlisted(provider: &str, named: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':');
        let sound = !named.is_empty() && named.len() <= Self::LONGEST && named.chars().all(plain);
        sound.then(|| Self::Unlisted(format!("{provider}.{named}")))
    }

    /// The full name, such as `aspect.task.completed`.
    #[must_use]
    pub fn full_name(&self) -> &str {
        match self {
            Self::Listed(event) => &event.full_name,
            Self::Unlisted(name) => name,
        }
    }

    /// The event, if it is listed.
    #[must_use]
    pub fn listed(&self) -> Option<&'a Event> {
        match self {
            Self::Listed(event) => Some(event),
            Self::Unlisted(_) => None,
        }
    }
}

/// The template of a line about a payload, such as `{resource.type} {resource.id}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SummaryTemplate(Vec<SummaryPiece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum SummaryPiece {
    Literal(String),
    Value(Place),
}

impl SummaryTemplate {
    /// The paths of the payload whose values it has.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().filter_map(|piece| match piece {
            SummaryPiece::Value(Place::Body(path)) => Some(path),
            _ => None,
        })
    }

    /// Fills in the values, `?` for missing ones. `None` if all are missing.
    #[must_use]
    pub fn fill(&self, lookup: &Lookup<'_>) -> Option<String> {
        let mut found = false;
        let mut line = String::with_capacity(64);
        for piece in &self.0 {
            match piece {
                SummaryPiece::Literal(text) => line.push_str(text),
                SummaryPiece::Value(place) => {
                    let value = lookup.text(place);
                    found |= value.is_some();
                    line.push_str(value.as_deref().unwrap_or("?"));
                }
            }
        }
        found.then_some(line)
    }
}

impl TryFrom<String> for SummaryTemplate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let piece = |piece| match piece {
            TemplatePiece::Literal(text) => Ok(SummaryPiece::Literal(text.to_owned())),
            TemplatePiece::Placeholder(place) => Place::parse_or_path(place).map(SummaryPiece::Value),
        };
        template::split(&text)?.into_iter().map(piece).collect::<Result<_, _>>().map(Self)
    }
}
