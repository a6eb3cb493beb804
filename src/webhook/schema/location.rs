//! The position in a document during a walk. It lives on the stack and is written as text only for a report.

use std::fmt;

use crate::webhook::json::PointerToken;

/// A position in a document, as a chain back to the root. Displayed as an RFC 6901 pointer.
#[derive(Clone, Copy)]
pub(super) struct Location<'a> {
    above: Option<&'a Location<'a>>,
    step: PathStep<'a>,
    /// The number of steps from the root.
    pub(super) depth: usize,
}

#[derive(Clone, Copy)]
enum PathStep<'a> {
    Key(&'a str),
    Index(usize),
}

impl Location<'_> {
    pub(super) const ROOT: Location<'static> = Location { above: None, step: PathStep::Index(0), depth: 0 };

    pub(super) fn key<'a>(&'a self, key: &'a str) -> Location<'a> {
        Location { above: Some(self), step: PathStep::Key(key), depth: self.depth + 1 }
    }

    pub(super) fn index(&self, index: usize) -> Location<'_> {
        Location { above: Some(self), step: PathStep::Index(index), depth: self.depth + 1 }
    }
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(above) = self.above else { return Ok(()) };
        above.fmt(f)?;
        match self.step {
            PathStep::Key(key) => PointerToken(key).fmt(f),
            PathStep::Index(index) => write!(f, "/{index}"),
        }
    }
}
