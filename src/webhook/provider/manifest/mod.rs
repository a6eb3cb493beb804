//! The manifest `provider.toml`: parsed strictly, so that an invalid template is an error when the directory
//! is loaded, never when a request arrives.

mod delivery;
mod examples;
mod handshake;
pub mod keys;
mod lists;
mod places;
mod register;
mod schemes;
mod secret;
mod signing;
mod values;

use std::{borrow::Cow, collections::BTreeMap, fmt, ops::Range, sync::OnceLock};

use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use toml::Spanned;

use super::{
    Provider, SecretRule,
    event::{Event, Summary},
    files::{self, Files},
};
use crate::webhook::{
    fresh::Fresh,
    json::{self, Path},
    nearest, overrides,
    place::Place,
    signature::{Scheme, asymmetric::Family},
};
use delivery::RawDelivery;
use handshake::RawHandshake;
use register::RawRegister;
use schemes::RawSchemes;
use secret::{Defaults, RawSecret};
use signing::RawScheme;
use values::{Scalar, Texts, Wrong};

/// An error in a provider directory, with its position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ManifestError {
    /// The directory.
    pub origin: String,
    /// The file in the directory.
    pub file: String,
    /// Line and column, from 1.
    pub position: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.origin, self.file)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Provider {
    /// Loads a provider directory.
    ///
    /// # Errors
    ///
    /// If the manifest is missing or invalid, or names a missing file; with file, line, column and a
    /// suggestion.
    pub fn load(files: Files) -> Result<Self, ManifestError> {
        let text = files.get(files::MANIFEST).ok_or_else(|| ManifestError {
            origin: files.origin().to_owned(),
            file: files::MANIFEST.to_owned(),
            position: None,
            message: "missing file: every provider directory needs it".to_owned(),
        })?;
        let at = |wrong: Wrong| ManifestError {
            origin: files.origin().to_owned(),
            file: files::MANIFEST.to_owned(),
            position: wrong.span.map(|span| json::position(text, span.start)),
            message: wrong.message,
        };
        let raw: RawProvider = toml::from_str(text).map_err(|error| at(error.into()))?;
        let name = raw.name.get_ref().clone();
        check_name(&raw.name).map_err(at)?;
        let (raw_schemes, defaults) = match raw.scheme {
            Some(schemes) => RawSchemes::read(schemes).map_err(at)?,
            None => (Vec::new(), Defaults::default()),
        };
        let secret = match &raw.secret {
            Some(secret) if raw_schemes.is_empty() => {
                return Err(at(Wrong::new(secret.span(), "[secret] needs a [[scheme]] that uses it")));
            }
            Some(secret) => {
                let family = family(&raw_schemes).map_err(at)?;
                Some(secret.get_ref().rule(&defaults, family, &secret.span()).map_err(at)?)
            }
            None => None,
        };
        if secret.is_none() && !raw_schemes.is_empty() {
            return Err(at(Wrong::new(raw.name.span(), "[[scheme]] needs a [secret] with the format of its secret")));
        }
        let payload_field = raw.recognise.payload.map(|text| payload_field(&text)).transpose().map_err(at)?;
        let mut schemes: Vec<Scheme> = Vec::new();
        for scheme in raw_schemes {
            let span = scheme.name.span();
            let scheme = scheme.scheme(&defaults, payload_field.as_deref()).map_err(at)?;
            if schemes.iter().any(|other| other.name == scheme.name) {
                return Err(at(Wrong::new(span, format!("duplicate scheme `{}`", scheme.name))));
            }
            schemes.push(scheme);
        }
        if let (Some(raw), Some(rule)) = (&raw.secret, &secret) {
            raw.get_ref().check_sendable(rule, &schemes).map_err(at)?;
        }
        let delivery = raw.delivery.policy(&schemes, payload_field.is_some()).map_err(at)?;
        let event_field =
            raw.recognise.event.map(|text| values::parse(&text, Place::parse_or_path)).transpose().map_err(at)?;
        let list = raw.recognise.list.map(lists::event_list).transpose().map_err(at)?;
        let mut events: Vec<Event> = Vec::new();
        for event in raw.event {
            let span = event.name.span();
            let event = event.event(&name, event_field.as_ref(), &files).map_err(at)?;
            if events.iter().any(|other| other.name == event.name) {
                return Err(at(Wrong::new(span, format!("duplicate event `{}`", event.name))));
            }
            if let Some(other) = events.iter().find(|other| other.conditions == event.conditions) {
                let message =
                    format!("`{}` has the same `match` as `{}`, so it is never recognised", event.name, other.name);
                return Err(at(Wrong::new(span, message)));
            }
            events.push(event);
        }
        for handshake in raw.handshake {
            let span = handshake.name.span();
            let event = handshake.event(&name, !schemes.is_empty(), event_field.as_ref(), &files).map_err(at)?;
            if events.iter().any(|other| other.name == event.name) {
                return Err(at(Wrong::new(span, format!("duplicate event `{}`", event.name))));
            }
            events.push(event);
        }
        let recognised_by = if let Some(names) = raw.recognise.headers {
            names.iter().map(values::header_name).collect::<Result<_, _>>().map_err(at)?
        } else {
            let of_event = event_field.as_ref().and_then(Place::header).cloned();
            signature_headers(&schemes).into_iter().chain(of_event).collect()
        };
        let provider = Self {
            title: raw.title,
            about: raw.about,
            notes: raw.notes,
            secret,
            recognised_by,
            schemes,
            delivery,
            registration: raw.register.map(RawRegister::registration).transpose().map_err(at)?,
            events,
            event_field,
            payload_field,
            list,
            fallback_schema: raw.recognise.schema,
            fresh: paths(raw.fresh).map_err(at)?,
            summary: raw.summary,
            schema: OnceLock::new(),
            name,
            files,
        };
        Ok(provider)
    }
}

/// The family of the provider's keys: that of the schemes without a secret of their own.
fn family(schemes: &[RawScheme]) -> Result<Option<Family>, Wrong> {
    let mut sharing = schemes.iter().filter(|scheme| scheme.secret.is_none());
    let Some(first) = sharing.next() else { return Ok(None) };
    let family = first.algorithm.family();
    match sharing.find(|scheme| scheme.algorithm.family() != family) {
        Some(other) => Err(Wrong::new(
            other.name.span(),
            format!(
                "`{}` has another kind of key than `{}`: give it a `secret` of its own",
                other.name.get_ref(),
                first.name.get_ref()
            ),
        )),
        None => Ok(family),
    }
}

fn signature_headers(schemes: &[Scheme]) -> Vec<HeaderName> {
    schemes.iter().flat_map(|scheme| scheme.headers().iter().cloned()).collect()
}

/// The form field that holds the payload.
fn payload_field(text: &Spanned<String>) -> Result<String, Wrong> {
    match values::parse(text, Place::parse)? {
        Place::Form(name) => Ok(name),
        _ => Err(Wrong::new(text.span(), "the payload can only be in a form field: write `form:NAME`")),
    }
}

impl From<toml::de::Error> for Wrong {
    fn from(error: toml::de::Error) -> Self {
        let message = error.message();
        let misplaced =
            message.strip_prefix("unknown field `").and_then(|rest| keys::misplaced(rest.split('`').next()?));
        Self { span: error.span(), message: misplaced.unwrap_or_else(|| toml_message(message)) }
    }
}

/// The message of a TOML error in TOML's words, with a suggestion for an unknown key or value.
#[must_use]
pub fn toml_message(message: &str) -> String {
    if message.starts_with("invalid type: map, expected a sequence") {
        return "a single table, expected a list of them: write [[NAME]] instead of [NAME]".to_owned();
    }
    if message.starts_with("invalid type: ") && message.ends_with(", expected a sequence") {
        return message.replace("expected a sequence", "expected a list in [ ]");
    }
    // serde's wording: unknown field `a`, expected one of `b`, `c`
    let mut quoted = message.split('`').skip(1).step_by(2);
    let (Some(wrong), known) = (quoted.next(), quoted.collect::<Vec<_>>()) else { return message.to_owned() };
    if message.starts_with("unknown field") {
        nearest::unknown("key", wrong, known)
    } else if message.starts_with("unknown variant") {
        nearest::unknown("value", wrong, known)
    } else {
        message.to_owned()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProvider {
    name: Spanned<String>,
    title: String,
    about: String,
    #[serde(default)]
    notes: Vec<String>,
    summary: Option<Summary>,
    /// Where the facts come from: pages of documents, or `github:OWNER/REPO PATH`.
    #[serde(default, rename = "sources")]
    _sources: Vec<String>,
    secret: Option<Spanned<RawSecret>>,
    scheme: Option<Spanned<RawSchemes>>,
    delivery: RawDelivery,
    register: Option<Spanned<RawRegister>>,
    #[serde(default)]
    recognise: RawRecognise,
    #[serde(default)]
    fresh: BTreeMap<Spanned<String>, Fresh>,
    event: Vec<RawEvent>,
    #[serde(default)]
    handshake: Vec<RawHandshake>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecognise {
    schema: Option<String>,
    headers: Option<Vec<Spanned<String>>>,
    /// Where the event's name is: a place such as `header:x-github-event`, or a path of the payload.
    event: Option<Spanned<String>>,
    /// The form field that holds the payload as JSON: `form:payload`.
    payload: Option<Spanned<String>>,
    /// Where a payload has its list of events, or its lists: `body`, or `body:PATH`.
    list: Option<Spanned<Texts>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvent {
    name: Spanned<String>,
    about: String,
    #[serde(rename = "match", default)]
    conditions: BTreeMap<Spanned<String>, Scalar>,
    /// Headers of this event alone.
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
    schema: Option<String>,
    /// The payload; `events/NAME.json` if it isn't given.
    fixture: Option<Spanned<String>>,
    /// Whether the fixture is sent byte for byte, and not as compact JSON with fresh values.
    #[serde(default)]
    raw: bool,
    summary: Option<Summary>,
    #[serde(default)]
    unsigned: bool,
    #[serde(default)]
    illustrative: bool,
    #[serde(default)]
    variants: Vec<BTreeMap<Spanned<String>, String>>,
}

impl RawEvent {
    fn event(self, provider: &str, event_field: Option<&Place>, files: &Files) -> Result<Event, Wrong> {
        let span = self.name.span();
        check_event_name(&self.name)?;
        let name = self.name.into_inner();
        let mut conditions = Vec::new();
        for (key, Scalar(value)) in self.conditions {
            conditions.push((values::parse(&key, Place::parse_condition)?, value));
        }
        let headers = event_headers(&self.headers)?;
        if conditions.is_empty() {
            let field = event_field.ok_or_else(|| {
                Wrong::new(
                    span.clone(),
                    format!("no rule recognises `{name}`: add a `match`, or set `event` in [recognise]"),
                )
            })?;
            conditions.push((field.clone(), name.clone()));
        }
        let (fixture, place) = match self.fixture {
            Some(fixture) => (fixture.get_ref().clone(), fixture.span()),
            None => (format!("events/{name}.json"), span.clone()),
        };
        let text = self::fixture(&fixture, place, files, self.raw)?;
        // The tests check the built-in providers, so this is not repeated at each start.
        let is_new = !files.are_built_in();
        let mut variants = Vec::new();
        for variant in self.variants {
            let mut changes = Vec::new();
            for (path, value) in variant {
                let span = path.span();
                let path = values::parse(&path, str::parse)?;
                if is_new {
                    overrides::replace(&text, &path, &value)
                        .map_err(|error| Wrong::new(span, format!("the variant doesn't fit `{fixture}`: {error}")))?;
                }
                changes.push((path, value));
            }
            variants.push(changes);
        }
        Ok(Event {
            full_name: format!("{provider}.{name}"),
            name,
            about: self.about,
            schema: self.schema,
            fixture: text,
            is_raw: self.raw,
            summary: self.summary,
            unsigned: self.unsigned,
            illustrative: self.illustrative,
            variants,
            headers,
            conditions,
            handshake: None,
        })
    }
}

/// The text of a fixture, which must be JSON unless it is sent as it is.
fn fixture(path: &str, place: Range<usize>, files: &Files, is_raw: bool) -> Result<Cow<'static, str>, Wrong> {
    let Some(text) = files.shared(path) else {
        let near = nearest::nearest(path, files.paths()).map(|near| format!("; did you mean `{near}`?"));
        return Err(Wrong::new(place, format!("missing fixture `{path}`{}", near.unwrap_or_default())));
    };
    if !files.are_built_in() && !is_raw {
        json::parse(text)
            .map_err(|error| Wrong::new(place, format!("the fixture `{path}` is not valid JSON: {error}")))?;
    }
    Ok(text.clone())
}

/// Checks a provider's name: it is a segment of a URL's path, and ends at the first dot of an event's full name.
fn check_name(name: &Spanned<String>) -> Result<(), Wrong> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.get_ref().is_empty() || !name.get_ref().chars().all(plain) {
        return Err(Wrong::new(name.span(), "a provider's name may only have a-z, 0-9, `-` and `_`"));
    }
    check_start(name, "a provider's name")
}

/// Checks an event's name: it is completed in a shell, which would act on other characters.
fn check_event_name(name: &Spanned<String>) -> Result<(), Wrong> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':');
    if name.get_ref().is_empty() || !name.get_ref().chars().all(plain) {
        return Err(Wrong::new(name.span(), "an event's name may only have letters, digits and `._-/:`"));
    }
    check_start(name, "an event's name")
}

/// Checks that a name doesn't look like a flag.
fn check_start(name: &Spanned<String>, what: &str) -> Result<(), Wrong> {
    if name.get_ref().starts_with('-') {
        return Err(Wrong::new(name.span(), format!("{what} may not begin with `-`")));
    }
    Ok(())
}

/// The headers of one event.
fn event_headers(table: &BTreeMap<Spanned<String>, Spanned<String>>) -> Result<Vec<(HeaderName, HeaderValue)>, Wrong> {
    table.iter().map(|(name, value)| Ok((values::header_name(name)?, values::fixed_value(value)?))).collect()
}

fn paths<T>(table: BTreeMap<Spanned<String>, T>) -> Result<Vec<(Path, T)>, Wrong> {
    table.into_iter().map(|(key, value)| Ok((values::parse(&key, str::parse)?, value))).collect()
}
