//! Templates of the additional headers that a provider sends.

use crate::webhook::{
    nearest,
    signature::timestamp::TimeUnit,
    template::{self, TemplatePiece},
    time::Timestamp,
};

/// A header's template: literal text, `{event}`, `{id}`, and the time as `{timestamp}` (Unix seconds), `{unix_ms}`,
/// `{now}` (RFC 3339) or `{now_ms}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderTemplate(Vec<HeaderPiece>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::webhook) enum HeaderPiece {
    Literal(String),
    Event,
    Time(TimeUnit),
    Id,
}

impl HeaderTemplate {
    /// Whether it has no placeholder.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, HeaderPiece::Literal(_)))
    }

    /// Whether it contains the timestamp.
    #[must_use]
    pub fn has_timestamp(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, HeaderPiece::Time(_)))
    }

    /// Whether it contains the delivery's id.
    #[must_use]
    pub fn has_id(&self) -> bool {
        self.0.contains(&HeaderPiece::Id)
    }

    pub(in crate::webhook) fn pieces(&self) -> &[HeaderPiece] {
        &self.0
    }

    /// Fills in the values.
    #[must_use]
    pub fn fill(&self, event: &str, time: Timestamp, id: &str) -> String {
        let piece = |piece: &HeaderPiece| match piece {
            HeaderPiece::Literal(text) => text.clone(),
            HeaderPiece::Event => event.to_owned(),
            HeaderPiece::Time(unit) => unit.write(time),
            HeaderPiece::Id => id.to_owned(),
        };
        self.0.iter().map(piece).collect()
    }
}

impl TryFrom<String> for HeaderTemplate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let piece = |piece| match piece {
            TemplatePiece::Literal(text) => Ok(HeaderPiece::Literal(text.to_owned())),
            TemplatePiece::Placeholder("event") => Ok(HeaderPiece::Event),
            TemplatePiece::Placeholder("timestamp" | "unix") => Ok(HeaderPiece::Time(TimeUnit::Seconds)),
            TemplatePiece::Placeholder("unix_ms") => Ok(HeaderPiece::Time(TimeUnit::Milliseconds)),
            TemplatePiece::Placeholder("now") => Ok(HeaderPiece::Time(TimeUnit::Rfc3339)),
            TemplatePiece::Placeholder("now_ms") => Ok(HeaderPiece::Time(TimeUnit::Rfc3339Millis)),
            TemplatePiece::Placeholder("id") => Ok(HeaderPiece::Id),
            TemplatePiece::Placeholder(name) => {
                Err(nearest::unknown("placeholder", name, ["event", "timestamp", "unix_ms", "now", "now_ms", "id"]))
            }
        };
        template::split(&text)?.into_iter().map(piece).collect::<Result<_, _>>().map(Self)
    }
}
