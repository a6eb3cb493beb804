//! Templates of the additional headers that a provider sends.

use crate::webhook::{
    nearest,
    template::{self, Piece},
};

/// A header's template: literal text, `{event}`, `{timestamp}`, `{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderTemplate(Vec<HeaderPiece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum HeaderPiece {
    Literal(String),
    Event,
    Timestamp,
    Id,
}

impl HeaderTemplate {
    /// Whether it contains the timestamp.
    #[must_use]
    pub fn has_timestamp(&self) -> bool {
        self.0.contains(&HeaderPiece::Timestamp)
    }

    /// Whether it contains the delivery's id.
    #[must_use]
    pub fn has_id(&self) -> bool {
        self.0.contains(&HeaderPiece::Id)
    }

    /// Fills in the values; `timestamp` is in Unix seconds.
    #[must_use]
    pub fn fill(&self, event: &str, timestamp: i64, id: &str) -> String {
        let piece = |piece: &HeaderPiece| match piece {
            HeaderPiece::Literal(text) => text.clone(),
            HeaderPiece::Event => event.to_owned(),
            HeaderPiece::Timestamp => timestamp.to_string(),
            HeaderPiece::Id => id.to_owned(),
        };
        self.0.iter().map(piece).collect()
    }
}

impl TryFrom<String> for HeaderTemplate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let piece = |piece| match piece {
            Piece::Literal(text) => Ok(HeaderPiece::Literal(text.to_owned())),
            Piece::Placeholder("event") => Ok(HeaderPiece::Event),
            Piece::Placeholder("timestamp") => Ok(HeaderPiece::Timestamp),
            Piece::Placeholder("id") => Ok(HeaderPiece::Id),
            Piece::Placeholder(name) => Err(nearest::unknown("placeholder", name, ["event", "timestamp", "id"])),
        };
        template::split(&text)?.into_iter().map(piece).collect::<Result<_, _>>().map(Self)
    }
}
