//! The manifest `provider.toml`: read strictly, and parsed at once into what it describes, so that
//! a wrong template is found when a folder is loaded and never when a request arrives.

mod values;

use std::{collections::BTreeMap, fmt, sync::OnceLock};

use http::{HeaderName, Method};
use serde::Deserialize;
use toml::Spanned;

use super::{
    Provider, SecretRule,
    event::{Event, Summary},
    files::{self, Files},
    fresh::Fresh,
};
use crate::webhook::{
    delivery::{Encoding, HeaderTemplate, Media, Policy, StatusPattern},
    json::{self, Path},
    nearest, overrides,
    signature::{
        Algorithm, Scheme, SecretFormat, SigningSecret,
        content::SignedContent,
        grammar::{Grammar, GrammarText, TextEncoding},
        scheme::{TimeUnit, TimestampRule},
        secret::KeyEncoding,
    },
};
use values::{DurationText, Names, Text, ToleranceText, Wrong};

/// What is wrong with a provider folder, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ManifestError {
    /// The folder.
    pub origin: String,
    /// The file in it.
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
    /// Reads a provider folder.
    ///
    /// # Errors
    ///
    /// When the manifest is missing, says something that it can't say, or names a file that is
    /// not there; with file, line, column and the nearest right word.
    pub fn load(files: Files) -> Result<Self, ManifestError> {
        let text = files.get(files::MANIFEST).ok_or_else(|| ManifestError {
            origin: files.origin().to_owned(),
            file: files::MANIFEST.to_owned(),
            position: None,
            message: "a provider folder needs this file, and it is not there".to_owned(),
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
        let secret = raw.secret.as_ref().map(|secret| secret.rule(&raw.scheme)).transpose().map_err(at)?;
        if secret.is_none() && !raw.scheme.is_empty() {
            return Err(at(Wrong::new(
                raw.name.span(),
                "there is a [[scheme]], but no [secret] that says how its secret is written",
            )));
        }
        let mut schemes: Vec<Scheme> = Vec::new();
        for scheme in raw.scheme {
            let span = scheme.name.span();
            let scheme = scheme.scheme().map_err(at)?;
            if schemes.iter().any(|other| other.name == scheme.name) {
                return Err(at(Wrong::new(span, format!("the scheme `{}` stands here twice", scheme.name))));
            }
            schemes.push(scheme);
        }
        let delivery = raw.delivery.policy().map_err(at)?;
        let event_field = raw.recognise.event.map(|Text(path)| path);
        let mut events: Vec<Event> = Vec::new();
        for event in raw.event {
            let span = event.name.span();
            let event = event.event(&name, event_field.as_ref(), &files).map_err(at)?;
            if events.iter().any(|other| other.name == event.name) {
                return Err(at(Wrong::new(span, format!("the event `{}` stands here twice", event.name))));
            }
            events.push(event);
        }
        let recognised_by = match raw.recognise.headers {
            Some(names) => names.iter().map(values::header_name).collect::<Result<_, _>>().map_err(at)?,
            None => signature_headers(&schemes),
        };
        let provider = Self {
            title: raw.title,
            about: raw.about,
            notes: raw.notes,
            secret,
            recognised_by,
            schemes,
            delivery,
            events,
            event_field,
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

fn signature_headers(schemes: &[Scheme]) -> Vec<HeaderName> {
    schemes.iter().flat_map(|scheme| scheme.header.iter().cloned()).collect()
}

impl From<toml::de::Error> for Wrong {
    fn from(error: toml::de::Error) -> Self {
        Self { span: error.span(), message: toml_message(error.message()) }
    }
}

/// The message of a TOML error, with the nearest right word where a wrong one was met.
#[must_use]
pub fn toml_message(message: &str) -> String {
    // serde words it so: unknown field `a`, expected one of `b`, `c`
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
    secret: Option<RawSecret>,
    #[serde(default)]
    scheme: Vec<RawScheme>,
    delivery: RawDelivery,
    #[serde(default)]
    recognise: RawRecognise,
    #[serde(default)]
    fresh: BTreeMap<Spanned<String>, Fresh>,
    event: Vec<RawEvent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSecret {
    env: Option<String>,
    #[serde(default)]
    encoding: KeyEncoding,
    prefix: Option<String>,
    development: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScheme {
    name: Spanned<String>,
    algorithm: Algorithm,
    content: Spanned<SignedContent>,
    signature: RawSignature,
    id: Option<RawId>,
    timestamp: Option<Spanned<RawTimestamp>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignature {
    header: Spanned<Names>,
    value: Spanned<String>,
    separator: Option<char>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawId {
    header: Spanned<Names>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTimestamp {
    header: Option<Spanned<Names>>,
    #[serde(default)]
    unit: TimeUnit,
    tolerance: ToleranceText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDelivery {
    method: Option<Spanned<String>>,
    #[serde(default)]
    encodings: Vec<RawEncoding>,
    #[serde(default)]
    repeat_on_timeout: u32,
    user_agent: Option<Spanned<String>>,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
    id: Option<Fresh>,
    success: Spanned<Vec<Spanned<String>>>,
    timeout: Option<Text<DurationText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEncoding {
    #[serde(rename = "type")]
    media: Media,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecognise {
    schema: Option<String>,
    headers: Option<Vec<Spanned<String>>>,
    event: Option<Text<Path>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvent {
    name: Spanned<String>,
    about: String,
    #[serde(rename = "match", default)]
    conditions: BTreeMap<Spanned<String>, String>,
    schema: Option<String>,
    fixture: Option<Spanned<String>>,
    summary: Option<Summary>,
    #[serde(default)]
    unsigned: bool,
    #[serde(default)]
    illustrative: bool,
    #[serde(default)]
    variants: Vec<BTreeMap<Spanned<String>, String>>,
}

impl RawSecret {
    /// The rule, once its development secret has proven to be of the form that it states.
    fn rule(&self, schemes: &[RawScheme]) -> Result<SecretRule, Wrong> {
        let development = &self.development;
        if schemes.is_empty() {
            return Err(Wrong::new(development.span(), "there is a [secret], but no [[scheme]] that uses it"));
        }
        let format = SecretFormat { encoding: self.encoding, prefix: self.prefix.clone() };
        SigningSecret::parse(development.get_ref(), &format)
            .map_err(|error| Wrong::new(development.span(), format!("the development secret is malformed: {error}")))?;
        Ok(SecretRule { env: self.env.clone(), format, development: development.get_ref().clone() })
    }
}

impl RawScheme {
    fn scheme(self) -> Result<Scheme, Wrong> {
        let value = self.signature.value;
        let separator = self.signature.separator;
        let grammar = Grammar::parse(&GrammarText { value: value.get_ref().clone(), separator })
            .map_err(|message| Wrong::new(value.span(), message))?;
        if let Some(message) = mismatch(self.algorithm, grammar.encoding()) {
            return Err(Wrong::new(value.span(), message));
        }
        let timestamp = self.timestamp.map(|rule| timestamp_rule(rule, &grammar)).transpose()?;
        if grammar.carries_timestamp() && timestamp.is_none() {
            let message = "the value carries a {timestamp}, and the scheme has no `timestamp`";
            return Err(Wrong::new(value.span(), message));
        }
        let span = self.content.span();
        let scheme = Scheme {
            name: self.name.into_inner().into(),
            algorithm: self.algorithm,
            content: self.content.into_inner(),
            header: Names::list(self.signature.header)?,
            grammar,
            id: self.id.map(|id| Names::list(id.header)).transpose()?,
            timestamp,
        };
        match unsignable(&scheme) {
            Some(message) => Err(Wrong::new(span, message)),
            None => Ok(scheme),
        }
    }
}

/// Why a signature can't be written so; none when it can.
fn mismatch(algorithm: Algorithm, encoding: TextEncoding) -> Option<&'static str> {
    match (algorithm, encoding) {
        (Algorithm::Token, TextEncoding::Plain) => None,
        (Algorithm::Token, _) => Some("a token is sent as it is: write {token}"),
        (_, TextEncoding::Plain) => Some("{token} is the secret itself: write {hex} or {base64} for a MAC"),
        _ => None,
    }
}

/// Why a scheme's content can't be signed; none when it can.
fn unsignable(scheme: &Scheme) -> Option<String> {
    let content = scheme.content.as_str();
    if scheme.content.signs_id() && scheme.id.is_none() {
        return Some(format!("`{content}` signs the id, and the scheme has none"));
    }
    if scheme.content.signs_timestamp() && scheme.timestamp.is_none() {
        return Some(format!("`{content}` signs the timestamp, and the scheme has none"));
    }
    // These three are made when the rest is signed.
    let time = scheme.timestamp.as_ref().and_then(|rule| rule.header.as_deref());
    let made = [
        (scheme.id.as_deref(), "the id's header: write {id}"),
        (time, "the timestamp's header: write {timestamp}"),
        (Some(&scheme.header[..]), "the header of the signature itself"),
    ];
    scheme.content.headers().find_map(|name| {
        let (_, what) = made.iter().find(|(names, _)| names.is_some_and(|names| names.contains(name)))?;
        Some(format!("`{{header:{name}}}` is {what}"))
    })
}

fn timestamp_rule(rule: Spanned<RawTimestamp>, grammar: &Grammar) -> Result<TimestampRule, Wrong> {
    let span = rule.span();
    let RawTimestamp { header, unit, tolerance: ToleranceText(tolerance) } = rule.into_inner();
    let header = header.map(Names::list).transpose()?;
    match (&header, grammar.carries_timestamp()) {
        (Some(names), true) => Err(Wrong::new(
            span,
            format!("the timestamp stands twice: in `{}`, and in the signature's value as {{timestamp}}", names[0]),
        )),
        (None, false) => Err(Wrong::new(
            span,
            "the timestamp stands nowhere: give it a `header`, or put {timestamp} in the signature's value",
        )),
        _ => Ok(TimestampRule { header, unit, tolerance }),
    }
}

impl RawDelivery {
    fn policy(self) -> Result<Policy, Wrong> {
        if self.success.get_ref().is_empty() {
            return Err(Wrong::new(self.success.span(), "at least one status must count as success"));
        }
        let status = |text: &Spanned<String>| values::parse(text, |text| StatusPattern::try_from(text.to_owned()));
        let method = |text: &Spanned<String>| {
            values::parse(text, |text| text.parse().map_err(|_| format!("`{text}` is no method")))
        };
        let mut encodings = Vec::new();
        for encoding in self.encodings {
            encodings.push(Encoding { media: encoding.media, headers: headers(encoding.headers, Ok)? });
        }
        if encodings.is_empty() {
            encodings.push(Encoding { media: Media::Json, headers: Vec::new() });
        }
        Ok(Policy {
            method: self.method.as_ref().map(method).transpose()?.unwrap_or(Method::POST),
            encodings,
            repeat_on_timeout: self.repeat_on_timeout,
            user_agent: self.user_agent.as_ref().map(values::header_value).transpose()?,
            headers: headers(self.headers, HeaderTemplate::try_from)?,
            id: self.id,
            success: self.success.get_ref().iter().map(status).collect::<Result<_, _>>()?,
            timeout: self.timeout.map(|Text(timeout)| timeout.0),
        })
    }
}

impl RawEvent {
    fn event(self, provider: &str, event_field: Option<&Path>, files: &Files) -> Result<Event, Wrong> {
        let span = self.name.span();
        let name = self.name.into_inner();
        let mut conditions = paths(self.conditions)?;
        if conditions.is_empty() {
            let field = event_field.ok_or_else(|| {
                Wrong::new(
                    span.clone(),
                    format!(
                        "nothing says how `{name}` is recognised: give it a `match`, or set `event` in [recognise]"
                    ),
                )
            })?;
            conditions.push((field.clone(), name.clone()));
        }
        let (fixture, place) = match self.fixture {
            Some(fixture) => (fixture.get_ref().clone(), fixture.span()),
            None => (format!("events/{name}.json"), span.clone()),
        };
        let text = files.get(&fixture).ok_or_else(|| {
            let near = nearest::nearest(&fixture, files.paths())
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            Wrong::new(place.clone(), format!("the fixture `{fixture}` is not in the folder{near}"))
        })?;
        json::parse(text)
            .map_err(|error| Wrong::new(place.clone(), format!("the fixture `{fixture}` is no JSON: {error}")))?;
        let mut variants = Vec::new();
        for variant in self.variants {
            let mut changes = Vec::new();
            for (path, value) in variant {
                let span = path.span();
                let path = values::parse(&path, str::parse)?;
                overrides::replace(text, &path, &value)
                    .map_err(|error| Wrong::new(span, format!("the variant does not fit `{fixture}`: {error}")))?;
                changes.push((path, value));
            }
            variants.push(changes);
        }
        Ok(Event {
            full_name: format!("{provider}.{name}"),
            name,
            about: self.about,
            schema: self.schema,
            fixture: text.to_owned(),
            summary: self.summary,
            unsigned: self.unsigned,
            illustrative: self.illustrative,
            variants,
            conditions,
        })
    }
}

fn check_name(name: &Spanned<String>) -> Result<(), Wrong> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.get_ref().is_empty() || !name.get_ref().chars().all(plain) {
        return Err(Wrong::new(name.span(), "a provider's name is made of a-z, 0-9, `-` and `_`"));
    }
    Ok(())
}

fn paths<T>(table: BTreeMap<Spanned<String>, T>) -> Result<Vec<(Path, T)>, Wrong> {
    table.into_iter().map(|(key, value)| Ok((values::parse(&key, str::parse)?, value))).collect()
}

/// Headers by name, each value a text that a header can carry and that `read` takes.
fn headers<T>(
    table: BTreeMap<Spanned<String>, Spanned<String>>,
    read: impl Fn(String) -> Result<T, String>,
) -> Result<Vec<(HeaderName, T)>, Wrong> {
    let header = |(name, text): (Spanned<String>, Spanned<String>)| {
        let (name, value) = (values::header_name(&name)?, values::header_value(&text)?);
        Ok((name, read(value).map_err(|message| Wrong::new(text.span(), message))?))
    };
    table.into_iter().map(header).collect()
}
