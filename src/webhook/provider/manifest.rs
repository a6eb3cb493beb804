//! The manifest `provider.toml`: read strictly, and parsed at once into what it describes, so that
//! a wrong template is found when a folder is loaded and never when a request arrives.

use std::{collections::BTreeMap, fmt, ops::Range, str::FromStr, sync::OnceLock, time::Duration};

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
    nearest,
    signature::{
        Algorithm, Scheme, SecretFormat, SigningSecret,
        content::SignedContent,
        grammar::{Grammar, GrammarText},
        scheme::{TimeUnit, TimestampRule},
        secret::KeyEncoding,
    },
    time::{Tolerance, parse_duration},
};

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
        let raw: RawProvider = toml::from_str(text).map_err(|error| at(Wrong::from_toml(&error)))?;
        let name = raw.name.get_ref().clone();
        check_name(&raw.name).map_err(at)?;
        let secret = raw.secret.as_ref().map(|secret| secret.rule(&raw.scheme)).transpose().map_err(at)?;
        if secret.is_none() && !raw.scheme.is_empty() {
            return Err(at(Wrong::new(
                raw.name.span(),
                "there is a [[scheme]], but no [secret] that says how its secret is written",
            )));
        }
        let schemes = raw.scheme.into_iter().map(RawScheme::scheme).collect::<Result<Vec<_>, _>>().map_err(at)?;
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
        let provider = Self {
            title: raw.title,
            about: raw.about,
            notes: raw.notes,
            secret,
            recognised_by: raw
                .recognise
                .headers
                .map_or_else(|| signature_headers(&schemes), |names| names.into_iter().map(|Text(n)| n).collect()),
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

/// What is wrong, at which bytes of the manifest.
#[derive(Debug)]
struct Wrong {
    span: Option<Range<usize>>,
    message: String,
}

impl Wrong {
    fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span: Some(span), message: message.into() }
    }

    fn from_toml(error: &toml::de::Error) -> Self {
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

/// A value that is parsed from a string.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Text<T>(T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Text).map_err(|error| serde::de::Error::custom(format!("`{text}`: {error}")))
    }
}

/// A duration as people write it.
#[derive(Clone, Copy, Debug)]
struct DurationText(Duration);

impl FromStr for DurationText {
    type Err = crate::webhook::time::InvalidDuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_duration(text).map(Self)
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
    name: String,
    algorithm: Algorithm,
    content: Spanned<SignedContent>,
    signature: Spanned<RawSignature>,
    id: Option<RawId>,
    timestamp: Option<Spanned<RawTimestamp>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignature {
    header: Names,
    value: String,
    separator: Option<char>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawId {
    header: Names,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTimestamp {
    header: Option<Names>,
    #[serde(default)]
    unit: TimeUnit,
    tolerance: RawTolerance,
}

/// One header name, or several of which the first is sent and each is read.
#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "expected a header name or a list of them")]
enum Names {
    One(Text<HeaderName>),
    Several(Vec<Text<HeaderName>>),
}

impl Names {
    fn list(self) -> Vec<HeaderName> {
        match self {
            Self::One(Text(name)) => vec![name],
            Self::Several(names) => names.into_iter().map(|Text(name)| name).collect(),
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "expected a duration such as \"5m\", or { past = \"5m\", future = \"1m\" }")]
enum RawTolerance {
    Both(Text<DurationText>),
    Each { past: Text<DurationText>, future: Text<DurationText> },
}

impl<T: Copy> Copy for Text<T> {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDelivery {
    method: Option<Text<Method>>,
    #[serde(default)]
    encodings: Vec<RawEncoding>,
    #[serde(default)]
    repeat_on_timeout: u32,
    user_agent: Option<String>,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, HeaderTemplate>,
    id: Option<Fresh>,
    success: Spanned<Vec<StatusPattern>>,
    timeout: Option<Text<DurationText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEncoding {
    #[serde(rename = "type")]
    media: Media,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecognise {
    schema: Option<String>,
    headers: Option<Vec<Text<HeaderName>>>,
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
        let span = self.signature.span();
        let signature = self.signature.into_inner();
        let grammar = Grammar::parse(&GrammarText { value: signature.value, separator: signature.separator })
            .map_err(|message| Wrong::new(span.clone(), message))?;
        let content_span = self.content.span();
        let content = self.content.into_inner();
        let missing = |what: &str| {
            Wrong::new(
                content_span.clone(),
                format!("`{}` signs the {what}, and the scheme has none", content.as_str()),
            )
        };
        if content.signs_id() && self.id.is_none() {
            return Err(missing("id"));
        }
        if content.signs_timestamp() && self.timestamp.is_none() {
            return Err(missing("timestamp"));
        }
        let timestamp = self.timestamp.map(|rule| timestamp_rule(rule, &grammar)).transpose()?;
        if grammar.carries_timestamp() && timestamp.is_none() {
            return Err(Wrong::new(span, "the value carries a {timestamp}, and the scheme has no `timestamp`"));
        }
        Ok(Scheme {
            name: self.name.into(),
            algorithm: self.algorithm,
            content,
            header: signature.header.list(),
            grammar,
            id: self.id.map(|id| id.header.list()),
            timestamp,
        })
    }
}

fn timestamp_rule(rule: Spanned<RawTimestamp>, grammar: &Grammar) -> Result<TimestampRule, Wrong> {
    let span = rule.span();
    let rule = rule.into_inner();
    let tolerance = match rule.tolerance {
        RawTolerance::Both(Text(both)) => Tolerance::both(both.0),
        RawTolerance::Each { past: Text(past), future: Text(future) } => Tolerance { past: past.0, future: future.0 },
    };
    if rule.header.is_some() == grammar.carries_timestamp() {
        return Err(Wrong::new(
            span,
            "a timestamp stands either in a `header` of its own or in the signature's value as {timestamp}",
        ));
    }
    Ok(TimestampRule { header: rule.header.map(Names::list), unit: rule.unit, tolerance })
}

impl RawDelivery {
    fn policy(self) -> Result<Policy, Wrong> {
        if self.success.get_ref().is_empty() {
            return Err(Wrong::new(self.success.span(), "at least one status must count as success"));
        }
        let mut encodings = Vec::new();
        for encoding in self.encodings {
            encodings.push(Encoding { media: encoding.media, headers: headers(encoding.headers)? });
        }
        if encodings.is_empty() {
            encodings.push(Encoding { media: Media::Json, headers: Vec::new() });
        }
        Ok(Policy {
            method: self.method.map_or(Method::POST, |Text(method)| method),
            encodings,
            repeat_on_timeout: self.repeat_on_timeout,
            user_agent: self.user_agent,
            headers: headers(self.headers)?,
            id: self.id,
            success: self.success.into_inner(),
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
        let root = json::parse(text).map_err(|error| {
            let (line, column) = json::position(text, error.offset);
            Wrong::new(
                place.clone(),
                format!("the fixture `{fixture}` is no JSON: line {line}, column {column}: {error}"),
            )
        })?;
        let mut variants = Vec::new();
        for variant in self.variants {
            variants.push(paths(variant)?);
        }
        if let Some((path, _)) = variants.iter().flatten().find(|(path, _)| root.get(path).is_none()) {
            return Err(Wrong::new(
                span,
                format!("a variant changes `{path}`, which is not in the fixture `{fixture}`"),
            ));
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
    let parse = |(key, value): (Spanned<String>, T)| match key.get_ref().parse() {
        Ok(path) => Ok((path, value)),
        Err(error) => Err(Wrong::new(key.span(), format!("{error}"))),
    };
    table.into_iter().map(parse).collect()
}

fn headers<T>(table: BTreeMap<Spanned<String>, T>) -> Result<Vec<(HeaderName, T)>, Wrong> {
    let parse = |(key, value): (Spanned<String>, T)| match key.get_ref().parse() {
        Ok(name) => Ok((name, value)),
        Err(_) => Err(Wrong::new(key.span(), format!("`{}` is no header name", key.get_ref()))),
    };
    table.into_iter().map(parse).collect()
}
