//! Where a value that may have several names is sent.

use std::{fmt, ops::Deref, slice};

use http::HeaderName;

use super::{Lookup, Place};

/// Where a value is sent: under one of several header names, or at one other place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSource {
    /// Header names: the first is sent, the first one present is read.
    Headers(HeaderNames),
    /// Any other place.
    At(Place),
}

/// The names of one header, which are also places. Both are kept, because each request is searched for them: the
/// threads that verify would wait for each other to copy a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderNames {
    names: Vec<HeaderName>,
    places: Vec<Place>,
}

impl From<Vec<HeaderName>> for HeaderNames {
    fn from(names: Vec<HeaderName>) -> Self {
        Self { places: names.iter().cloned().map(Place::Header).collect(), names }
    }
}

impl Deref for HeaderNames {
    type Target = [HeaderName];

    fn deref(&self) -> &[HeaderName] {
        &self.names
    }
}

impl ValueSource {
    /// The header names; empty if the value is sent elsewhere.
    #[must_use]
    pub fn headers(&self) -> &[HeaderName] {
        match self {
            Self::Headers(names) => names,
            Self::At(_) => &[],
        }
    }

    /// The place that is written.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.places().first().cloned()
    }

    /// All places that are read, the preferred one first.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        match self {
            Self::Headers(names) => &names.places,
            Self::At(place) => slice::from_ref(place),
        }
    }

    /// Whether reading it needs the payload.
    #[must_use]
    pub fn needs_payload(&self) -> bool {
        matches!(self, Self::At(place) if place.needs_payload())
    }

    /// Whether a request has a value here.
    #[must_use]
    pub fn is_in(&self, lookup: &Lookup<'_>) -> bool {
        match self {
            Self::Headers(names) => names.iter().any(|name| lookup.request.headers.contains(name.as_str())),
            Self::At(place) => lookup.text(place).is_some(),
        }
    }
}

/// The source as people read it: the header's name, or the place in words.
impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Headers(names) => f.write_str(names.first().map_or("", HeaderName::as_str)),
            Self::At(place) => f.write_str(&place.words()),
        }
    }
}
