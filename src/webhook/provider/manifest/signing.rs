//! `[secret]` and `[[scheme]]`: how a provider signs.

use serde::Deserialize;
use toml::Spanned;

use super::{
    SecretRule,
    values::{self, Names, ToleranceText, Wrong},
};
use crate::webhook::{
    place::{Place, Source},
    signature::{
        Algorithm, MalformedSecret, Scheme, SecretFormat, SigningSecret,
        content::SignedContent,
        grammar::{Grammar, GrammarText, TextEncoding},
        scheme::{TimeUnit, TimestampRule},
        secret::KeyEncoding,
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSecret {
    env: Option<String>,
    #[serde(default)]
    encoding: KeyEncoding,
    prefix: Option<String>,
    development: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawScheme {
    pub(super) name: Spanned<String>,
    algorithm: Algorithm,
    content: Spanned<SignedContent>,
    signature: Spanned<RawSignature>,
    id: Option<Spanned<RawId>>,
    timestamp: Option<Spanned<RawTimestamp>>,
    encoded: Option<Encoded>,
}

/// Which bytes of a compressed body are signed.
#[derive(Clone, Copy, Deserialize)]
pub(super) enum Encoded {
    #[serde(rename = "before-compression")]
    BeforeCompression,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSignature {
    /// The header, or a list of names: the first is sent, the first one present is read.
    header: Option<Spanned<Names>>,
    /// A parameter of the URL's query, instead of a header.
    query: Option<Spanned<String>>,
    /// A field of the payload by its path.
    body: Option<Spanned<String>>,
    /// A field of a form.
    form: Option<Spanned<String>>,
    /// The value's format: fixed text and one of `{hex}`, `{base64}`, `{base64url}`, `{token}`; in a list, also
    /// `{timestamp}`. Entries without tags are told apart by their order.
    value: Spanned<String>,
    /// The text between the entries of a list.
    separator: Option<String>,
}

/// Where the delivery's id is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawId {
    header: Option<Spanned<Names>>,
    query: Option<Spanned<String>>,
    body: Option<Spanned<String>>,
    form: Option<Spanned<String>>,
}

/// Where the timestamp is sent, and how it is checked. Without a place, it is part of the signature's value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTimestamp {
    header: Option<Spanned<Names>>,
    query: Option<Spanned<String>>,
    body: Option<Spanned<String>>,
    form: Option<Spanned<String>>,
    /// `s` (the default) or `ms` since 1970, or `rfc3339`; `rfc3339-ms` and `rfc3339-ns` are written with a fraction.
    #[serde(default)]
    unit: TimeUnit,
    /// How far it may be from the time of receipt: `"5m"` both ways, `{ past = "5m", future = "any" }`, or `"any"`.
    tolerance: ToleranceText,
}

/// The keys of a table that say where a value is sent. At most one of them may be given.
struct PlaceKeys {
    header: Option<Spanned<Names>>,
    query: Option<Spanned<String>>,
    body: Option<Spanned<String>>,
    form: Option<Spanned<String>>,
}

impl PlaceKeys {
    /// The place; `None` if the table names none.
    fn source(self) -> Result<Option<Source>, Wrong> {
        let mut found: Vec<(std::ops::Range<usize>, Source)> = Vec::new();
        if let Some(names) = self.header {
            found.push((names.span(), Source::Headers(Names::list(names)?)));
        }
        for (key, text) in [("query", self.query), ("body", self.body), ("form", self.form)] {
            if let Some(text) = text {
                let place = values::parse(&text, |text| Place::parse(&format!("{key}:{text}")))?;
                if !place.is_writable() {
                    return Err(Wrong::new(text.span(), format!("`{place}` is not a single value")));
                }
                found.push((text.span(), Source::At(place)));
            }
        }
        match found.len() {
            0 | 1 => Ok(found.pop().map(|(_, source)| source)),
            _ => Err(Wrong::new(found[1].0.clone(), "the value has two places; keep one of them")),
        }
    }
}

impl RawSecret {
    /// The rule, if its development secret has the format that it states.
    pub(super) fn rule(&self, schemes: &[RawScheme]) -> Result<SecretRule, Wrong> {
        let development = &self.development;
        if schemes.is_empty() {
            return Err(Wrong::new(development.span(), "[secret] needs a [[scheme]] that uses it"));
        }
        let format = SecretFormat { encoding: self.encoding, prefix: self.prefix.clone() };
        SigningSecret::parse(development.get_ref(), &format)
            .map_err(|error| Wrong::new(development.span(), format!("invalid development secret: {error}")))?;
        Ok(SecretRule { env: self.env.clone(), format, development: development.get_ref().clone() })
    }
}

impl RawSecret {
    /// Checks that the schemes can send the development secret, where it is a token.
    pub(super) fn check_sendable(&self, rule: &SecretRule, schemes: &[Scheme]) -> Result<(), Wrong> {
        let secret = SigningSecret::parse(&rule.development, &rule.format).ok();
        if secret.is_some_and(|secret| schemes.iter().all(|scheme| scheme.can_send(&secret))) {
            return Ok(());
        }
        let message = format!("invalid development secret: {}", MalformedSecret::NotSendable);
        Err(Wrong::new(self.development.span(), message))
    }
}

impl RawScheme {
    pub(super) fn scheme(self) -> Result<Scheme, Wrong> {
        let place = self.signature.span();
        let RawSignature { header, query, body, form, value, separator } = self.signature.into_inner();
        let signature = PlaceKeys { header, query, body, form }.source()?.ok_or_else(|| {
            Wrong::new(place, "the signature has no place: add a `header`, `query`, `body` or `form`")
        })?;
        let grammar = Grammar::parse(&GrammarText { value: value.get_ref().clone(), separator })
            .map_err(|message| Wrong::new(value.span(), message))?;
        if let Some(message) = mismatch(self.algorithm, grammar.encoding()) {
            return Err(Wrong::new(value.span(), message));
        }
        let timestamp = self.timestamp.map(|rule| timestamp_rule(rule, &grammar)).transpose()?;
        if grammar.carries_timestamp() && timestamp.is_none() {
            let message = "the value has a {timestamp}, but the scheme has no `timestamp`";
            return Err(Wrong::new(value.span(), message));
        }
        let id = match self.id {
            Some(id) => {
                let span = id.span();
                let RawId { header, query, body, form } = id.into_inner();
                let source = PlaceKeys { header, query, body, form }.source()?;
                Some(source.ok_or_else(|| {
                    Wrong::new(span, "the id has no place: add a `header`, `query`, `body` or `form`")
                })?)
            }
            None => None,
        };
        let span = self.content.span();
        let scheme = Scheme {
            name: self.name.into_inner().into(),
            algorithm: self.algorithm,
            content: self.content.into_inner(),
            signature,
            grammar,
            id,
            timestamp,
            before_compression: self.encoded.is_some(),
        };
        match unsignable(&scheme) {
            Some(message) => Err(Wrong::new(span, message)),
            None => Ok(scheme),
        }
    }
}

/// Why an encoding does not fit an algorithm; `None` if it does.
fn mismatch(algorithm: Algorithm, encoding: TextEncoding) -> Option<&'static str> {
    match (algorithm, encoding) {
        (Algorithm::Token, TextEncoding::Plain) => None,
        (Algorithm::Token, _) => Some("a token is sent unencoded: use {token}"),
        (_, TextEncoding::Plain) => Some("{token} sends the secret itself: use {hex} or {base64} for a MAC"),
        _ => None,
    }
}

/// Why a scheme's content can't be signed; `None` if it can.
fn unsignable(scheme: &Scheme) -> Option<String> {
    let content = scheme.content.as_str();
    if scheme.content.signs_id() && scheme.id.is_none() {
        return Some(format!("`{content}` signs the id, but the scheme has no `id`"));
    }
    if scheme.content.signs_timestamp() && scheme.timestamp.is_none() {
        return Some(format!("`{content}` signs the timestamp, but the scheme has no `timestamp`"));
    }
    if contains_signature(scheme) {
        return Some(format!("`{content}` contains {}, where the signature itself is sent", scheme.signature));
    }
    // These three values are made by signing.
    let time = scheme.timestamp.as_ref().and_then(|rule| rule.source.as_ref());
    let made = [
        (scheme.id.as_ref(), "the id's place: use {id}", "the id's header: use {id}"),
        (time, "the timestamp's place: use {timestamp}", "the timestamp's header: use {timestamp}"),
        (Some(&scheme.signature), "the signature's own place", "the signature's own header"),
    ];
    scheme.content.places().find_map(|place| {
        let is_made = |source: &Source| source.places().contains(place);
        let (_, what, header) = made.iter().find(|(source, ..)| source.is_some_and(is_made))?;
        Some(format!("`{{{place}}}` is {}", if place.header().is_some() { header } else { what }))
    })
}

/// Whether the signed content would contain the signature.
fn contains_signature(scheme: &Scheme) -> bool {
    let mut places = scheme.content.places();
    match &scheme.signature {
        Source::At(Place::Body(_) | Place::Form(_)) => places.any(Place::covers_body),
        Source::At(Place::Query(_)) => places.any(|place| matches!(place, Place::Url | Place::QueryString)),
        _ => false,
    }
}

fn timestamp_rule(rule: Spanned<RawTimestamp>, grammar: &Grammar) -> Result<TimestampRule, Wrong> {
    let span = rule.span();
    let RawTimestamp { header, query, body, form, unit, tolerance: ToleranceText(tolerance) } = rule.into_inner();
    let source = PlaceKeys { header, query, body, form }.source()?;
    match (&source, grammar.carries_timestamp()) {
        (Some(Source::Headers(names)), true) => Err(Wrong::new(
            span,
            format!(
                "the timestamp is given twice: in the header `{}`, and in the signature's value as {{timestamp}}",
                names[0]
            ),
        )),
        (Some(Source::At(place)), true) => Err(Wrong::new(
            span,
            format!(
                "the timestamp is given twice: in {}, and in the signature's value as {{timestamp}}",
                place.words()
            ),
        )),
        (None, false) => Err(Wrong::new(
            span,
            "the timestamp has no source: add a `header`, or {timestamp} in the signature's value",
        )),
        _ => Ok(TimestampRule { source, unit, tolerance }),
    }
}
