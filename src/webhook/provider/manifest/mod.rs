//! The manifest `provider.toml`: parsed strictly, so that an invalid template is an error when the directory
//! is loaded, never when a request arrives.

mod delivery;
mod event;
mod examples;
mod finder;
mod handshake;
pub mod keys;
mod lists;
mod mistake;
mod places;
mod register;
mod schemes;
mod secret;
mod signing;
mod values;

use std::{collections::BTreeMap, ops::Range, sync::OnceLock};

use http::HeaderName;
use serde::Deserialize;
use toml::Spanned;

use super::{
    Provider, SecretRule,
    event::{Event, SummaryTemplate},
    files::{self, ProviderFiles},
    order,
};
use crate::webhook::{
    fresh::Fresh,
    json::{self, Path, SyntaxError},
    nearest,
    place::Place,
    schema::Schema,
    signature::{Scheme, asymmetric::Family},
};
use delivery::RawDelivery;
use event::RawEvent;
pub use finder::{find, provider_name};
use handshake::{RawHandshake, Signing};
pub use mistake::DirectoryMistake;
use register::RawRegister;
use schemes::RawSchemes;
use secret::{Defaults, RawSecret};
use signing::RawScheme;
use values::{Texts, Wrong};

impl Provider {
    /// Loads a provider directory.
    ///
    /// # Errors
    ///
    /// If the manifest is missing or invalid, or names a missing file; with file, line, column and a
    /// suggestion.
    pub fn load(files: ProviderFiles) -> Result<Self, DirectoryMistake> {
        let text = files.get(files::MANIFEST).ok_or_else(|| {
            let message = "missing file: every provider directory needs it";
            DirectoryMistake::new(&files, files::MANIFEST, None, message)
        })?;
        let at = |Wrong { span, message, fixture }: Wrong| {
            let in_manifest = || (files::MANIFEST.to_owned(), span.map(|span| json::position(text, span.start)));
            let (file, position) = fixture.map_or_else(in_manifest, |(path, position)| (path, Some(position)));
            DirectoryMistake::new(&files, &file, position, message)
        };
        let raw: RawProvider =
            toml::from_str(text).map_err(|error| at(repeated(&error, text).unwrap_or_else(|| error.into())))?;
        let name = raw.name.get_ref().clone();
        check_name(&raw.name).map_err(at)?;
        let (raw_schemes, defaults) = match raw.scheme {
            Some(schemes) => RawSchemes::read(schemes).map_err(at)?,
            None => (Vec::new(), Defaults::default()),
        };
        let secret = secret_rule(raw.secret.as_ref(), &raw.name, &raw_schemes, &defaults).map_err(at)?;
        let payload_field = raw.recognise.payload.map(|text| payload_field(&text)).transpose().map_err(at)?;
        let env = secret.as_ref().and_then(|rule| rule.env.as_deref());
        let schemes = schemes(raw_schemes, &defaults, payload_field.as_deref(), env).map_err(at)?;
        if let (Some(raw), Some(rule)) = (&raw.secret, &secret) {
            raw.get_ref().check_sendable(rule, &schemes).map_err(at)?;
        }
        let fresh = paths(raw.fresh).map_err(at)?;
        let has_id = fresh.iter().any(|(_, fresh)| fresh.has_id()) || raw.handshake.iter().any(RawHandshake::has_id);
        let delivery = raw.delivery.policy(&schemes, payload_field.is_some(), has_id).map_err(at)?;
        let event_field =
            raw.recognise.event.map(|text| values::parse(&text, Place::parse_or_path)).transpose().map_err(at)?;
        let list = raw.recognise.list.map(lists::event_list).transpose().map_err(at)?;
        // The tests check the built-in providers, so this is not repeated at each start.
        if !files.are_built_in() {
            let names = raw.event.iter().filter_map(|event| event.schema.as_ref()).chain(&raw.recognise.schema);
            check_schemas(names, &files).map_err(at)?;
        }
        let signing = Signing::of(&schemes, &delivery.encodings);
        let events = events(raw.event, raw.handshake, &name, signing, event_field.as_ref(), &files).map_err(at)?;
        let provider = Self {
            title: values::text(&raw.title).map_err(at)?,
            about: values::text(&raw.about).map_err(at)?,
            notes: raw.notes,
            secret,
            recognised_by: recognised_by(raw.recognise.headers, &schemes, event_field.as_ref()).map_err(at)?,
            schemes,
            delivery,
            registration: raw.register.map(RawRegister::registration).transpose().map_err(at)?,
            events,
            event_field,
            payload_field,
            list,
            fallback_schema: raw.recognise.schema.map(Spanned::into_inner),
            fresh,
            summary: raw.summary,
            schema: OnceLock::new(),
            name,
            files,
        };
        Ok(provider)
    }
}

/// The headers by which the provider is recognised: those that it names, or else those of its signatures and its event.
fn recognised_by(
    names: Option<Vec<Spanned<String>>>,
    schemes: &[Scheme],
    event_field: Option<&Place>,
) -> Result<Vec<HeaderName>, Wrong> {
    if let Some(names) = names {
        return names.iter().map(values::header_name).collect();
    }
    let of_event = event_field.and_then(Place::header).cloned();
    Ok(signature_headers(schemes).into_iter().chain(of_event).collect())
}

/// Checks that the schema file defines these.
fn check_schemas<'a>(names: impl Iterator<Item = &'a Spanned<String>>, files: &ProviderFiles) -> Result<(), Wrong> {
    // An error in the file itself is reported for that file.
    let Ok(schema) = Schema::parse(files.get(files::SCHEMA).unwrap_or("{}")) else { return Ok(()) };
    for name in names {
        if schema.definition(name.get_ref()).is_none() {
            let near = nearest::nearest(name.get_ref(), schema.names()).map(|near| format!("; did you mean `{near}`?"));
            let message = format!("the schema `{}` is not in the $defs of {}", name.get_ref(), files::SCHEMA);
            return Err(Wrong::new(name.span(), format!("{message}{}", near.unwrap_or_default())));
        }
    }
    Ok(())
}

/// The format of the provider's secret. Schemes need one, and it needs schemes.
fn secret_rule(
    secret: Option<&Spanned<RawSecret>>,
    name: &Spanned<String>,
    schemes: &[RawScheme],
    defaults: &Defaults,
) -> Result<Option<SecretRule>, Wrong> {
    match secret {
        Some(secret) if schemes.is_empty() => {
            Err(Wrong::new(secret.span(), "[secret] needs a [[scheme]] that uses it"))
        }
        Some(secret) => {
            let has_two_parts = sharing(schemes).any(RawScheme::has_two_part_secret);
            secret.get_ref().rule(defaults, family(schemes)?, has_two_parts, &secret.span()).map(Some)
        }
        None if schemes.is_empty() => Ok(None),
        None => Err(Wrong::new(name.span(), "[[scheme]] needs a [secret] with the format of its secret")),
    }
}

/// The schemes. The provider's own secret is in the variable `env`.
fn schemes(
    raw: Vec<RawScheme>,
    defaults: &Defaults,
    payload_field: Option<&str>,
    env: Option<&str>,
) -> Result<Vec<Scheme>, Wrong> {
    let mut schemes: Vec<Scheme> = Vec::new();
    let places: Vec<Range<usize>> = raw.iter().map(|scheme| scheme.name.span()).collect();
    for scheme in raw {
        let span = scheme.name.span();
        if let Some(along) = scheme.sent_along.as_ref().filter(|along| *along.get_ref())
            && (schemes.is_empty() || scheme.secret.is_none())
        {
            let message =
                "only a scheme after the first, with a `secret` of its own, can be `sent_along` with the first";
            return Err(Wrong::new(along.span(), message));
        }
        let secret = scheme.secret.as_ref().map(Spanned::span);
        let scheme = Scheme { position: schemes.len(), ..scheme.scheme(defaults, payload_field)? };
        let own = scheme.secret.as_ref().filter(|_| scheme.is_sent_along).and_then(|rule| rule.env.as_deref());
        let mut others = schemes.iter().filter_map(|scheme| scheme.secret.as_ref()?.env.as_deref()).chain(env);
        if let Some(own) = own.filter(|own| others.any(|other| other == *own)) {
            let message = format!("`{own}` is for another secret: a scheme that is `sent_along` needs its own `env`");
            return Err(Wrong::new(secret.unwrap_or(span), message));
        }
        if schemes.iter().any(|other| other.name == scheme.name) {
            return Err(Wrong::new(span, format!("duplicate scheme `{}`", scheme.name)));
        }
        schemes.push(scheme);
    }
    if let Some((scheme, message)) = order::conflict(&schemes) {
        let place = schemes.iter().position(|other| other.name == scheme.name).and_then(|index| places.get(index));
        return Err(Wrong::new(place.cloned().unwrap_or_default(), message));
    }
    Ok(schemes)
}

/// The events, and after them the handshakes.
fn events(
    raw: Vec<RawEvent>,
    handshakes: Vec<RawHandshake>,
    provider: &str,
    signing: Signing,
    event_field: Option<&Place>,
    files: &ProviderFiles,
) -> Result<Vec<Event>, Wrong> {
    let mut events: Vec<Event> = Vec::new();
    for event in raw {
        let span = event.name.span();
        let event = event.event(provider, event_field, files)?;
        let same =
            events.iter().find(|other| other.conditions == event.conditions && other.present == event.present).map(
                |other| format!("`{}` has the same `match` as `{}`, so it is never recognised", event.name, other.name),
            );
        add(event, span.clone(), &mut events)?;
        if let Some(message) = same {
            return Err(Wrong::new(span, message));
        }
    }
    for handshake in handshakes {
        let span = handshake.name.span();
        add(handshake.event(provider, signing, event_field, files)?, span, &mut events)?;
    }
    Ok(events)
}

/// Adds an event, whose name must be unique.
fn add(event: Event, span: Range<usize>, events: &mut Vec<Event>) -> Result<(), Wrong> {
    if events.iter().any(|other| other.name == event.name) {
        return Err(Wrong::new(span, format!("duplicate event `{}`", event.name)));
    }
    events.push(event);
    Ok(())
}

/// The schemes that use the provider's secret.
fn sharing(schemes: &[RawScheme]) -> impl Iterator<Item = &RawScheme> {
    schemes.iter().filter(|scheme| scheme.secret.is_none())
}

/// The family of the provider's keys: that of the schemes without a secret of their own.
fn family(schemes: &[RawScheme]) -> Result<Option<Family>, Wrong> {
    let mut sharing = sharing(schemes);
    let Some(first) = sharing.next() else { return Ok(None) };
    let family = first.algorithm.family();
    match sharing.find(|scheme| scheme.algorithm.family() != family) {
        Some(other) => Err(Wrong::new(
            other.name.span(),
            format!(
                "`{}` has a different kind of key from `{}`: give it a `secret` of its own",
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
    if let Ok(Place::Form(name)) = Place::parse(text.get_ref()) {
        return Ok(name);
    }
    let name = text.get_ref().rsplit(':').next().filter(|name| !name.is_empty()).unwrap_or("NAME");
    Err(Wrong::new(text.span(), format!("the payload can only be in a form field: write `form:{name}`")))
}

/// A key that is given twice, which the TOML parser doesn't name.
fn repeated(error: &toml::de::Error, text: &str) -> Option<Wrong> {
    let span = error.span().filter(|_| error.message() == "duplicate key")?;
    let key = text.get(span.clone())?;
    let is_list = text[..span.start].ends_with("[[");
    let hint = if is_list { format!(": write [[{key}]] each time, not [{key}]") } else { String::new() };
    Some(Wrong::new(span, format!("duplicate key `{key}`{hint}")))
}

impl From<toml::de::Error> for Wrong {
    fn from(error: toml::de::Error) -> Self {
        let message = error.message();
        let misplaced =
            unknown(message).and_then(|(kind, wrong, _)| keys::misplaced(wrong).filter(|_| kind == "field"));
        let message = misplaced.unwrap_or_else(|| toml_message(message));
        Self { span: error.span(), message, fixture: None }
    }
}

/// The message of a TOML error in TOML's words, with a suggestion for an unknown key or value.
#[must_use]
pub fn toml_message(message: &str) -> String {
    if message.starts_with("invalid type: map, expected a sequence") {
        return "a single table, expected a list of them: write [[NAME]] instead of [NAME], or put it in [ ]"
            .to_owned();
    }
    serde_message(message, "a table")
}

/// What is wrong with a file that isn't JSON, and its line and column.
pub(in crate::webhook::provider) fn syntax_mistake(text: &str, error: &SyntaxError) -> ((usize, usize), String) {
    if text.trim().is_empty() {
        return ((1, 1), "invalid JSON: the file is empty".to_owned());
    }
    ((error.line, error.column), format!("invalid JSON: {}", error.message))
}

/// The message of serde about valid JSON in JSON's words, with a suggestion for an unknown key or value.
pub(in crate::webhook::provider) fn json_message(message: &str) -> String {
    match message {
        // Where one of several texts is expected, and after the last value of a list of two.
        "expected value" => "expected a string".to_owned(),
        "trailing characters" => "too many values in a list".to_owned(),
        message => serde_message(message, "an object"),
    }
}

/// A message of serde without the words of Rust; `table` is what the format calls a table.
fn serde_message(message: &str, table: &str) -> String {
    if let Some((found, expected)) =
        message.strip_prefix("invalid ").and_then(|message| message.rsplit_once(", expected "))
    {
        let is_table = expected.starts_with("struct ");
        let found = match found {
            // A list can stand for a struct in serde.
            found if is_table && found.starts_with("length ") => "type: a list".to_owned(),
            "type: sequence" => "type: a list".to_owned(),
            "type: map" => format!("type: {table}"),
            found => match found.split_once(": floating point ") {
                Some((what @ ("type" | "value"), number)) => format!("{what}: number {number}"),
                _ => found.to_owned(),
            },
        };
        let expected = match expected {
            "a sequence" => "a list in [ ]",
            "a boolean" => "`true` or `false`",
            "i64" => "a whole number",
            "u32" | "usize" => "a whole number, 0 or more",
            "a tuple of size 2" => "a list of two values",
            // The name of a value as a key.
            "unit" => "the name alone, as a string",
            expected if is_table || expected == "a map" => table,
            expected => expected,
        };
        return format!("invalid {found}, expected {expected}");
    }
    match unknown(message) {
        Some(("field", wrong, known)) => nearest::unknown("key", wrong, known),
        Some(("variant", wrong, known)) => nearest::unknown("value", wrong, known),
        _ => message.to_owned(),
    }
}

/// The parts of serde's ``unknown field `a`, expected one of `b`, `c` ``, whose `a` is any text of the user's.
fn unknown(message: &str) -> Option<(&str, &str, Vec<&str>)> {
    let (kind, rest) = message.strip_prefix("unknown ")?.split_once(" `")?;
    let (wrong, known) = rest.rsplit_once("`, expected ").or_else(|| rest.rsplit_once("`, there are no "))?;
    Some((kind, wrong, known.split('`').skip(1).step_by(2).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProvider {
    name: Spanned<String>,
    title: Spanned<String>,
    about: Spanned<String>,
    #[serde(default)]
    notes: Vec<String>,
    summary: Option<SummaryTemplate>,
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
    schema: Option<Spanned<String>>,
    headers: Option<Vec<Spanned<String>>>,
    /// Where the event's name is: a place such as `header:x-github-event`, or a path of the payload.
    event: Option<Spanned<String>>,
    /// The form field that holds the payload as JSON: `form:payload`.
    payload: Option<Spanned<String>>,
    /// Where a payload has its list of events, or its lists: `body`, or `body:PATH`.
    list: Option<Spanned<Texts>>,
}

/// Checks a provider's name: it is a segment of a URL's path, and ends at the first dot of an event's full name.
fn check_name(name: &Spanned<String>) -> Result<(), Wrong> {
    if !is_name(name.get_ref()) {
        return Err(Wrong::new(name.span(), "a provider's name may only have a-z, 0-9, `-` and `_`"));
    }
    check_start(name, "a provider's name")
}

fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    !text.is_empty() && text.chars().all(is_plain)
}

/// Checks that a name doesn't look like a flag.
fn check_start(name: &Spanned<String>, what: &str) -> Result<(), Wrong> {
    if name.get_ref().starts_with('-') {
        return Err(Wrong::new(name.span(), format!("{what} may not begin with `-`")));
    }
    Ok(())
}

fn paths<T>(table: BTreeMap<Spanned<String>, T>) -> Result<Vec<(Path, T)>, Wrong> {
    table.into_iter().map(|(key, value)| Ok((values::parse(&key, str::parse)?, value))).collect()
}
