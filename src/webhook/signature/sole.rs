//! A value that verification depends on: it must be sent exactly once.

use std::borrow::Cow;

use super::verdict::Reason;
use crate::webhook::{
    place::{Lookup, Place, ValueSource},
    request::Headers,
};

/// The value at a source; it must be the only one there.
pub(super) fn single<'s, 'a>(
    source: &'s ValueSource,
    lookup: &Lookup<'a>,
) -> Result<(&'s Place, Cow<'a, str>), Reason> {
    let place = match source {
        ValueSource::Headers(names) => {
            let headers: &Headers = &lookup.request.headers;
            let missing = || Reason::MissingHeader { names: names.iter().map(ToString::to_string).collect() };
            let present = names.iter().position(|name| headers.contains(name.as_str())).ok_or_else(missing)?;
            &source.places()[present]
        }
        ValueSource::At(place) => place,
    };
    once(place, lookup)?;
    let text = lookup.text(place).ok_or_else(|| Reason::MissingValue { place: place.words() })?;
    Ok((place, text))
}

/// Checks that a value is sent once. With several, a handler might read a different one from hookdev.
pub(super) fn once(place: &Place, lookup: &Lookup<'_>) -> Result<(), Reason> {
    match place {
        Place::Header(_) | Place::Query(_) | Place::Form(_) => match lookup.count(place) {
            0 | 1 => Ok(()),
            times => Err(Reason::AmbiguousHeader { header: place.label(), times }),
        },
        _ => Ok(()),
    }
}

/// Checks that a value is ASCII. Libraries differ on other bytes, so none are accepted.
pub(super) fn ascii(place: &Place, value: &str) -> Result<(), Reason> {
    if value.is_ascii() { Ok(()) } else { Err(malformed(place, "it has a non-ASCII character")) }
}

pub(super) fn malformed(place: &Place, problem: impl Into<Cow<'static, str>>) -> Reason {
    Reason::MalformedHeader { header: place.label(), problem: problem.into() }
}
