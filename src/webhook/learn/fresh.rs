//! What is new in each delivery: its id, and the payload's fields that repeat the id or contain the time of the
//! delivery.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use super::{ParsedSample, event::unique_headers, places::scalars, value::time_unit};
use crate::webhook::{
    json::{Kind, Path},
    place::{Place, ValueSource},
    schema::is_uuid,
    signature::{Scheme, timestamp::TimeUnit},
    time::Timestamp,
};

/// How far a time in the payload may be from the delivery's own.
const CLOSE: Duration = Duration::from_secs(300);

/// How many captures it takes to show that a field has a new value in each delivery.
const ENOUGH: usize = 3;

/// Fields at the top of a payload that usually have the id of the delivery.
const IDS: [&str; 10] = [
    "id",
    "event_id",
    "eventid",
    "delivery_id",
    "deliveryid",
    "message_id",
    "messageid",
    "notification_id",
    "webhook_id",
    "uuid",
];

/// What is new in each delivery.
#[derive(Default)]
pub(super) struct FreshValues {
    /// The template of the delivery's id.
    pub id: Option<String>,
    /// The fields of the payload that are replaced, with their templates.
    pub fields: Vec<(Path, String)>,
}

impl FreshValues {
    pub(super) fn find(samples: &[ParsedSample<'_>], scheme: Option<&Scheme>) -> Self {
        let unique = unique_headers(samples);
        let signed_id = scheme.and_then(|scheme| scheme.id.as_ref()).and_then(ValueSource::place);
        let of_scheme = unique.iter().find(|(name, _)| signed_id == Some(Place::Header(name.clone())));
        let header = of_scheme.or_else(|| unique.first()).map(|(_, ids)| ids.clone());
        let paths: Vec<Path> = samples
            .first()
            .and_then(|read| read.payload.root())
            .map(|root| scalars(root).into_iter().map(|(path, _)| path).collect())
            .unwrap_or_default();
        let values = |path: &Path| {
            let texts = samples.iter().map(|read| read.payload.text(path).map(Cow::into_owned));
            texts.collect::<Option<Vec<String>>>()
        };
        let fields: Vec<(Path, Vec<String>)> =
            paths.into_iter().filter_map(|path| values(&path).map(|values| (path, values))).collect();
        let is_stamped = |path: &Path| {
            let time = scheme.and_then(|scheme| scheme.timestamp.as_ref()).and_then(|rule| rule.source.as_ref());
            let place = Some(Place::Body(path.clone()));
            time.and_then(ValueSource::place) == place || signed_id == place
        };
        // Without a header that has it, the id may be in the payload.
        let id = header.or_else(|| {
            let signed = fields.iter().find(|(path, _)| signed_id == Some(Place::Body(path.clone())));
            let named = || fields.iter().find(|(path, values)| is_id(samples, path, values));
            signed.or_else(named).map(|(_, values)| values.clone())
        });
        let template = |(_, values): &(Path, Vec<String>)| {
            if id.as_ref() == Some(values) && samples.len() > 1 { Some("{id}") } else { time(samples, scheme, values) }
        };
        let replaced = fields.iter().filter(|(path, _)| !is_stamped(path));
        let fields = replaced.filter_map(|field| Some((field.0.clone(), template(field)?.to_owned()))).collect();
        Self { id: id.map(|ids| id_template(&ids)), fields }
    }
}

/// Whether a field is the delivery's id: it is named like one, is a text, and differs in each of several captures.
fn is_id(samples: &[ParsedSample<'_>], path: &Path, values: &[String]) -> bool {
    let [key] = path.keys() else { return false };
    let is_text = |read: &ParsedSample<'_>| {
        let node = read.payload.root().and_then(|root| root.get(path));
        node.is_some_and(|node| matches!(node.kind, Kind::String(_)))
    };
    IDS.contains(&key.to_ascii_lowercase().as_str())
        && samples.len() >= ENOUGH
        && values.iter().collect::<BTreeSet<_>>().len() == values.len()
        && samples.iter().all(is_text)
}

/// The template of a field that always has the time of the delivery: of its receipt, or the one that is signed.
fn time(samples: &[ParsedSample<'_>], scheme: Option<&Scheme>, values: &[String]) -> Option<&'static str> {
    let unit = time_unit(values.first()?)?;
    let is_close = |(read, text): (&ParsedSample<'_>, &String)| {
        let moment = read.sample.received_at.or_else(|| signed_time(read, scheme))?;
        let distance = moment.unix_seconds().abs_diff(unit.read(text)?.unix_seconds());
        (time_unit(text) == Some(unit) && distance <= CLOSE.as_secs()).then_some(())
    };
    samples.iter().zip(values).try_for_each(|pair| is_close(pair).ok_or(())).ok()?;
    let all_end = |end: &str| values.iter().all(|text| text.ends_with(end));
    let is_millis = values.iter().all(|text| text.len() == "2026-03-02T09:18:45.000Z".len());
    match unit {
        TimeUnit::Seconds => Some("{unix}"),
        TimeUnit::Milliseconds => Some("{unix_ms}"),
        TimeUnit::Rfc3339 if all_end("Z") => Some("{now}"),
        TimeUnit::Rfc3339Millis if all_end("Z") && is_millis => Some("{now_ms}"),
        _ => None,
    }
}

/// The time that a scheme signs.
fn signed_time(read: &ParsedSample<'_>, scheme: Option<&Scheme>) -> Option<Timestamp> {
    let scheme = scheme?;
    let rule = scheme.timestamp.as_ref()?;
    let place = rule.source.as_ref().unwrap_or(&scheme.signature).place()?;
    let lookup = read.lookup();
    let text = lookup.text(&place)?;
    if rule.source.is_some() {
        return rule.unit.read(&text);
    }
    scheme.grammar.read(&text).timestamps.first().and_then(|time| rule.unit.read(time))
}

/// A template of ids like these.
fn id_template(values: &[String]) -> String {
    let Some(first) = values.first() else { return "{uuid}".to_owned() };
    if values.iter().all(|value| is_uuid(value)) {
        return "{uuid}".to_owned();
    }
    let end = first.find(['_', '-']).map_or(0, |at| at + 1);
    let (prefix, rest) = first.split_at(end);
    let rests: Option<Vec<&str>> = values.iter().map(|value| value.strip_prefix(prefix)).collect();
    let Some(rests) = rests.filter(|rests| rests.iter().all(|other| other.len() == rest.len())) else {
        return "{uuid}".to_owned();
    };
    let all = |is_right: fn(&u8) -> bool| rests.iter().all(|rest| rest.as_bytes().iter().all(is_right));
    let alphabet = if all(u8::is_ascii_digit) {
        "digits"
    } else if all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        "hex"
    } else if all(u8::is_ascii_alphanumeric) {
        "base62"
    } else {
        return "{uuid}".to_owned();
    };
    if prefix.contains(['{', '}']) || rest.is_empty() || rest.len() > 256 {
        "{uuid}".to_owned()
    } else {
        format!("{prefix}{{{alphabet}:{}}}", rest.len())
    }
}
