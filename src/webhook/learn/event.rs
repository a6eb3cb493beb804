//! How events are told apart: by a header or a field that every capture has, and possibly by an action beside it.

use std::{borrow::Cow, collections::BTreeSet};

use http::HeaderName;

use super::{
    ParsedSample,
    places::{own_headers, scalars},
    scheme::FoundScheme,
    value::{signatures, time_unit},
};
use crate::webhook::{
    json::Path,
    place::{Place, ValueSource},
    schema::is_uuid,
};

/// Fields whose value is usually the event's name, best first.
const FIELDS: [&str; 14] = [
    "event",
    "type",
    "event_type",
    "eventtype",
    "event_name",
    "topic",
    "hook",
    "kind",
    "object_kind",
    "triggertype",
    "subscriptiontype",
    "trigger",
    "action",
    "status",
];

/// Words in the names of headers that carry the event's name, best first.
const WORDS: [&str; 6] = ["event", "topic", "hook-type", "type", "kind", "action"];

/// Fields that say what happened to the kind of thing that another value names.
const ACTIONS: [&str; 2] = ["action", "subtype"];

/// How the captures' events are told apart.
pub(super) struct LearnedEvents {
    /// Where the event's name is; `None` if nothing tells events apart.
    pub place: Option<Place>,
    /// The field that refines it.
    pub action: Option<Place>,
    /// The events in the order of their names.
    pub groups: Vec<LearnedEvent>,
}

/// One event.
pub(super) struct LearnedEvent {
    pub name: String,
    /// The values at the place and at the action.
    pub values: Vec<(Place, String)>,
    /// Its captures, by their positions.
    pub samples: Vec<usize>,
}

impl LearnedEvent {
    /// The path of its fixture.
    pub(super) fn fixture(&self) -> String {
        let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
        let name: String = self.name.chars().map(safe).collect();
        format!("events/{}.json", name.trim_start_matches('.'))
    }
}

impl LearnedEvents {
    pub(super) fn find(samples: &[ParsedSample<'_>], scheme: Option<&FoundScheme>) -> Self {
        let place = places(samples, scheme).into_iter().find(|place| tells_apart(samples, place));
        let action = place.as_ref().and_then(|place| action(samples, place));
        let mut groups: Vec<LearnedEvent> = Vec::new();
        for (index, read) in samples.iter().enumerate() {
            let lookup = read.lookup();
            let places = place.iter().chain(&action);
            let values: Vec<(Place, String)> =
                places.filter_map(|place| Some((place.clone(), lookup.text(place)?.into_owned()))).collect();
            if let Some(group) = groups.iter_mut().find(|group| group.values == values) {
                group.samples.push(index);
                continue;
            }
            let names: Vec<String> = values.iter().map(|(_, value)| name(value)).collect();
            let name = if names.is_empty() { "event".to_owned() } else { names.join(".") };
            // Values that differ only in a space have the same name.
            let is_free = |name: &String| groups.iter().all(|group| group.name != *name);
            let numbered = (2..).map(|number| format!("{name}-{number}"));
            let name = std::iter::once(name.clone()).chain(numbered).find(is_free).unwrap_or(name);
            groups.push(LearnedEvent { name, values, samples: vec![index] });
        }
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        Self { place, action, groups }
    }

    /// The paths of the payload whose values name the event, and so are kept.
    pub(super) fn protected(&self) -> Vec<Path> {
        let places = self.place.iter().chain(&self.action);
        places
            .filter_map(|place| match place {
                Place::Body(path) => Some(path.clone()),
                _ => None,
            })
            .collect()
    }

    /// What is proven about the events.
    pub(super) fn proven(&self) -> Option<String> {
        let place = self.place.as_ref()?;
        let tell = match &self.action {
            Some(action) => format!("{} and {} tell", place.words(), action.words()),
            None => format!("{} tells", place.words()),
        };
        let names: Vec<&str> = self.groups.iter().map(|group| group.name.as_str()).collect();
        Some(format!("{tell} the events apart: {}", names.join(", ")))
    }

    /// Whether the names are the values themselves, so that no `match` is needed.
    pub(super) fn are_named_by_place(&self) -> bool {
        self.action.is_none()
            && self.groups.iter().all(|group| matches!(group.values.as_slice(), [(_, value)] if *value == group.name))
    }
}

/// The places that may have the event's name, best first.
fn places(samples: &[ParsedSample<'_>], scheme: Option<&FoundScheme>) -> Vec<Place> {
    let Some(first) = samples.first() else { return Vec::new() };
    let is_of_scheme = |name: &HeaderName| {
        let scheme = scheme.map(|found| &found.scheme);
        scheme.is_some_and(|scheme| scheme.headers().contains(name) || scheme.id_headers().contains(name))
    };
    let mut ranked: Vec<(usize, Place)> = Vec::new();
    for (name, _) in own_headers(first.request()).filter(|(name, _)| !is_of_scheme(name)) {
        let parts: BTreeSet<&str> = name.as_str().split('-').collect();
        let is_id =
            parts.contains("id") || parts.contains("uuid") || parts.contains("time") || parts.contains("timestamp");
        if let Some(rank) = WORDS.iter().position(|word| name.as_str().contains(word)).filter(|_| !is_id) {
            ranked.push((rank, Place::Header(name.clone())));
        }
    }
    if let Some(root) = first.payload.root() {
        for (path, _) in scalars(root) {
            let key = path.keys().last().map(|key| key.to_ascii_lowercase()).unwrap_or_default();
            if let Some(rank) = FIELDS.iter().position(|field| *field == key) {
                // A header is a better sign than a field, and a field a better one than a nested field.
                ranked.push((WORDS.len() + FIELDS.len() * (path.keys().len() - 1) + rank, Place::Body(path)));
            }
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, place)| place).collect()
}

/// Whether every capture has a possible event name there.
fn tells_apart(samples: &[ParsedSample<'_>], place: &Place) -> bool {
    samples.iter().all(|read| read.lookup().text(place).is_some_and(|value| is_name(&value)))
}

fn is_name(value: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | ' ');
    value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.len() <= 64
        && value.chars().all(is_plain)
        && value.bytes().filter(u8::is_ascii_digit).count() <= 3
        && !is_uuid(value)
        && time_unit(value).is_none()
        && signatures(value).is_empty()
}

/// A value as an event's name.
fn name(value: &str) -> String {
    value.replace(' ', "-")
}

/// The action beside the place, if each capture has one.
fn action(samples: &[ParsedSample<'_>], place: &Place) -> Option<Place> {
    let action = ACTIONS.iter().map(|name| Place::Body(std::iter::once((*name).to_owned()).collect()));
    action.filter(|action| action != place).find(|action| {
        let values = || {
            samples.iter().map(|read| {
                let lookup = read.lookup();
                (lookup.text(place).map(Cow::into_owned), lookup.text(action).map(Cow::into_owned))
            })
        };
        // The place alone may be enough.
        let both: BTreeSet<_> = values().collect();
        let alone: BTreeSet<_> = values().map(|(name, _)| name).collect();
        both.len() > alone.len() && tells_apart(samples, action)
    })
}

/// The headers that have another value in each capture, and so may be the delivery's id.
pub(super) fn unique_headers(samples: &[ParsedSample<'_>]) -> Vec<(HeaderName, Vec<String>)> {
    let Some(first) = samples.first().filter(|_| samples.len() > 1) else { return Vec::new() };
    let mut found = Vec::new();
    for (name, value) in own_headers(first.request()) {
        let values: Vec<String> =
            samples.iter().filter_map(|read| read.request().headers.text(name.as_str()).map(Cow::into_owned)).collect();
        let distinct: BTreeSet<&String> = values.iter().collect();
        let is_id =
            ["id", "delivery", "nonce", "key"].iter().any(|word| name.as_str().split('-').any(|part| part == *word))
                || is_uuid(&value);
        if is_id && distinct.len() == samples.len() && time_unit(&value).is_none() {
            found.push((name.clone(), values));
        }
    }
    found
}

/// The place of a source as a manifest's table writes it: its key and its text.
pub(super) fn table_entry(source: &ValueSource) -> Option<(&'static str, String)> {
    Some(match source.place()? {
        Place::Header(name) => ("header", name.to_string()),
        Place::Query(name) => ("query", name),
        Place::Body(path) => ("body", path.to_string()),
        Place::Form(name) => ("form", name),
        _ => return None,
    })
}
