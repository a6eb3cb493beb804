//! Events: what a provider sends, how each is recognised in a payload, and the line that people
//! read about it.

use std::borrow::Cow;

use serde::Deserialize;

use super::payload::Payload;
use crate::webhook::{
    json::Path,
    template::{self, Piece},
};

/// One event of a provider's list.
#[derive(Debug)]
pub struct Event {
    /// Its name without the provider's, `task.completed`.
    pub name: String,
    /// Its whole name, `aspect.task.completed`.
    pub full_name: String,
    /// What it means, in a line.
    pub about: String,
    /// The definition in the schema that its payload satisfies.
    pub schema: Option<String>,
    /// Its payload as JSON text, as it stands in the fixture.
    pub fixture: Cow<'static, str>,
    /// The line for people, if it is not the provider's.
    pub summary: Option<Summary>,
    /// Whether the provider sends it without a signature.
    pub unsigned: bool,
    /// Whether the payload's data is not documented and the fixture only plausible.
    pub illustrative: bool,
    /// Further payloads of the same event, each a set of changes to the fixture.
    pub variants: Vec<Vec<(Path, String)>>,
    /// What must stand in a payload for it to be this event.
    pub(super) conditions: Vec<(Path, String)>,
}

impl Event {
    /// Whether a payload is this event.
    #[must_use]
    pub fn matches(&self, payload: &Payload<'_>) -> bool {
        !self.conditions.is_empty()
            && self
                .conditions
                .iter()
                .all(|(path, expected)| payload.text(path).is_some_and(|text| text == expected.as_str()))
    }

    /// The fields whose values make a payload this event.
    pub fn named_by(&self) -> impl Iterator<Item = &Path> {
        self.conditions.iter().map(|(path, _)| path)
    }
}

/// What event a request is.
#[derive(Clone, Debug)]
pub enum EventName<'a> {
    /// One of the provider's list.
    Listed(&'a Event),
    /// One that the payload names and the list does not have: the whole name.
    Unlisted(String),
}

impl<'a> EventName<'a> {
    /// The longest name that is taken from a payload.
    const LONGEST: usize = 64;

    /// The name of an event outside the list, if what the payload says can be one.
    #[must_use]
    pub(super) fn unlisted(provider: &str, named: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let sound = !named.is_empty() && named.len() <= Self::LONGEST && named.chars().all(plain);
        sound.then(|| Self::Unlisted(format!("{provider}.{named}")))
    }

    /// The whole name, `aspect.task.completed`.
    #[must_use]
    pub fn full_name(&self) -> &str {
        match self {
            Self::Listed(event) => &event.full_name,
            Self::Unlisted(name) => name,
        }
    }

    /// The event of the list.
    #[must_use]
    pub fn listed(&self) -> Option<&'a Event> {
        match self {
            Self::Listed(event) => Some(event),
            Self::Unlisted(_) => None,
        }
    }
}

/// The template of a line about a payload: `{resource.type} {resource.id}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Summary(Vec<SummaryPiece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum SummaryPiece {
    Literal(String),
    Value(Path),
}

impl Summary {
    /// The line; a value that is not there reads `?`. None when none of them is there.
    #[must_use]
    pub fn fill(&self, payload: &Payload<'_>) -> Option<String> {
        let mut found = false;
        let mut line = String::with_capacity(64);
        for piece in &self.0 {
            match piece {
                SummaryPiece::Literal(text) => line.push_str(text),
                SummaryPiece::Value(path) => {
                    let value = payload.text(path);
                    found |= value.is_some();
                    line.push_str(value.as_deref().unwrap_or("?"));
                }
            }
        }
        found.then_some(line)
    }
}

impl TryFrom<String> for Summary {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let piece = |piece| match piece {
            Piece::Literal(text) => Ok(SummaryPiece::Literal(text.to_owned())),
            Piece::Placeholder(path) => path.parse().map(SummaryPiece::Value).map_err(|error| format!("{error}")),
        };
        template::split(&text)?.into_iter().map(piece).collect::<Result<_, _>>().map(Self)
    }
}
