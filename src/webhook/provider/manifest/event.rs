//! `[[event]]`: how an event is recognised, and what is sent for it.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use toml::Spanned;

use super::values::{self, Scalar, Wrong};
use crate::webhook::{
    delivery::HeaderTemplate,
    json::{self, Path},
    nearest, overrides,
    place::Place,
    provider::{
        event::{Event, SummaryTemplate},
        files::{self, ProviderFiles},
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEvent {
    pub(super) name: Spanned<String>,
    about: Spanned<String>,
    #[serde(rename = "match", default)]
    conditions: BTreeMap<Spanned<String>, Scalar>,
    /// The places that have a value, whatever it is, in this event.
    #[serde(default)]
    present: Vec<Spanned<String>>,
    /// Headers of this event alone.
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
    pub(super) schema: Option<Spanned<String>>,
    /// The payload; `events/NAME.json` if it isn't given.
    fixture: Option<Spanned<String>>,
    /// Whether the fixture is sent byte for byte, and not as compact JSON with fresh values.
    #[serde(default)]
    raw: bool,
    summary: Option<SummaryTemplate>,
    #[serde(default)]
    unsigned: bool,
    #[serde(default)]
    illustrative: bool,
    #[serde(default)]
    variants: Vec<Spanned<BTreeMap<Spanned<String>, String>>>,
}

impl RawEvent {
    pub(super) fn event(
        self,
        provider: &str,
        event_field: Option<&Place>,
        files: &ProviderFiles,
    ) -> Result<Event, Wrong> {
        let span = self.name.span();
        check_event_name(&self.name)?;
        let name = self.name.into_inner();
        let mut conditions = Vec::new();
        for (key, Scalar(value)) in self.conditions {
            conditions.push((values::parse(&key, Place::parse_condition)?, value));
        }
        let parse = |text: &Spanned<String>| values::parse(text, Place::parse_condition);
        let present = self.present.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let headers = event_headers(&self.headers)?;
        if conditions.is_empty() && present.is_empty() {
            let field = event_field.ok_or_else(|| {
                Wrong::new(
                    span.clone(),
                    format!("no rule recognises `{name}`: add a `match` or `present`, or set `event` in [recognise]"),
                )
            })?;
            conditions.push((field.clone(), name.clone()));
        }
        let (fixture, place) = match self.fixture {
            Some(fixture) => (fixture.get_ref().clone(), fixture.span()),
            None => (format!("events/{name}.json"), span.clone()),
        };
        let raw = self.raw.then(|| raw_fixture(&fixture, place.clone(), files)).transpose()?;
        let text = match &raw {
            Some(bytes) => String::from_utf8_lossy(bytes).into_owned().into(),
            None => self::fixture(&fixture, place, files)?,
        };
        // The tests check the built-in providers, so this is not repeated at each start.
        let checked = (!files.are_built_in()).then_some((&*fixture, &*text));
        let variants = variants(self.variants, checked)?;
        Ok(Event {
            full_name: format!("{provider}.{name}"),
            name,
            about: values::text(&self.about)?,
            schema: self.schema.map(Spanned::into_inner),
            fixture: text,
            fixture_file: Some(fixture),
            raw,
            summary: self.summary,
            unsigned: self.unsigned,
            illustrative: self.illustrative,
            variants,
            headers,
            conditions,
            present,
            handshake: None,
        })
    }
}

/// The variants, each with its own changes.
fn variants(
    raw: Vec<Spanned<BTreeMap<Spanned<String>, String>>>,
    fixture: Option<(&str, &str)>,
) -> Result<Vec<Vec<(Path, String)>>, Wrong> {
    let mut variants = Vec::with_capacity(raw.len());
    for changes in raw {
        let span = changes.span();
        let changes = variant(changes.into_inner(), fixture)?;
        if changes.is_empty() {
            return Err(Wrong::new(span, "the variant changes nothing"));
        }
        if variants.contains(&changes) {
            return Err(Wrong::new(span, "duplicate variant"));
        }
        variants.push(changes);
    }
    Ok(variants)
}

/// The changes of a variant. `fixture` is the name and text of the fixture that they must fit; without it, that isn't
/// checked.
fn variant(
    changes: BTreeMap<Spanned<String>, String>,
    fixture: Option<(&str, &str)>,
) -> Result<Vec<(Path, String)>, Wrong> {
    let change = |(path, value): (Spanned<String>, String)| {
        let span = path.span();
        let path = values::parse(&path, str::parse)?;
        if let Some((name, text)) = fixture {
            overrides::replace(text, &path, &value)
                .map_err(|error| Wrong::new(span, format!("the variant doesn't fit `{name}`: {error}")))?;
        }
        Ok((path, value))
    };
    changes.into_iter().map(change).collect()
}

/// The bytes of a fixture that is sent as it is.
fn raw_fixture(path: &str, place: Range<usize>, files: &ProviderFiles) -> Result<Bytes, Wrong> {
    files.bytes(path).map(Bytes::copy_from_slice).ok_or_else(|| missing(path, place, files))
}

/// The text of a fixture that must be JSON.
pub(super) fn fixture(path: &str, place: Range<usize>, files: &ProviderFiles) -> Result<Cow<'static, str>, Wrong> {
    let hint = if path.rsplit('.').next() == Some("json") { "" } else { "; `raw = true` sends it byte for byte" };
    let Some(text) = files.shared(path) else {
        return Err(match files.bytes(path) {
            Some(_) => Wrong::new(place, format!("the fixture `{path}` is not UTF-8 text{hint}")),
            None => missing(path, place, files),
        });
    };
    if !files.are_built_in() {
        json::parse(text).map_err(|error| {
            let (position, message) = super::syntax_mistake(text, &error);
            Wrong::in_fixture(path, position, format!("{message}{hint}"))
        })?;
    }
    Ok(text.clone())
}

fn missing(path: &str, place: Range<usize>, files: &ProviderFiles) -> Wrong {
    let has_ending = path.rsplit_once('.').is_some_and(|(_, ending)| files::ENDINGS.contains(&ending));
    let hint = match nearest::nearest(path, files.paths()) {
        _ if !has_ending => "; use the extension .json, .form, .xml or .txt, or .bin for anything else".to_owned(),
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    };
    Wrong::new(place, format!("missing fixture `{path}`{hint}"))
}

/// Checks an event's name: shells complete it, and would interpret other characters.
pub(super) fn check_event_name(name: &Spanned<String>) -> Result<(), Wrong> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':');
    if name.get_ref().is_empty() || !name.get_ref().chars().all(plain) {
        return Err(Wrong::new(name.span(), "an event's name may only have letters, digits and `._-/:`"));
    }
    super::check_start(name, "an event's name")
}

/// The headers of one event.
fn event_headers(table: &BTreeMap<Spanned<String>, Spanned<String>>) -> Result<Vec<(HeaderName, HeaderValue)>, Wrong> {
    let fixed = |value: &Spanned<String>| match HeaderTemplate::try_from(value.get_ref().clone()) {
        Ok(template) if !template.is_fixed() => {
            let message = format!(
                "an event's own header can't have placeholders: write `{}` in the `headers` of [delivery]",
                value.get_ref()
            );
            Err(Wrong::new(value.span(), message))
        }
        _ => values::fixed_value(value),
    };
    table.iter().map(|(name, value)| Ok((values::sent_header_name(name)?, fixed(value)?))).collect()
}
