//! `[secret]` and `[[scheme]]`: how a provider signs.

use serde::Deserialize;
use toml::Spanned;

use super::{
    SecretRule,
    values::{Names, ToleranceText, Wrong},
};
use crate::webhook::signature::{
    Algorithm, MalformedSecret, Scheme, SecretFormat, SigningSecret,
    content::SignedContent,
    grammar::{Grammar, GrammarText, TextEncoding},
    scheme::{TimeUnit, TimestampRule},
    secret::KeyEncoding,
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
    signature: RawSignature,
    id: Option<RawId>,
    timestamp: Option<Spanned<RawTimestamp>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSignature {
    header: Spanned<Names>,
    value: Spanned<String>,
    separator: Option<char>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawId {
    header: Spanned<Names>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTimestamp {
    header: Option<Spanned<Names>>,
    #[serde(default)]
    unit: TimeUnit,
    tolerance: ToleranceText,
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
        let value = self.signature.value;
        let separator = self.signature.separator;
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
    // These three headers are made by signing.
    let time = scheme.timestamp.as_ref().and_then(|rule| rule.header.as_deref());
    let made = [
        (scheme.id.as_deref(), "the id's header: use {id}"),
        (time, "the timestamp's header: use {timestamp}"),
        (Some(&scheme.header[..]), "the signature's own header"),
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
            format!(
                "the timestamp is given twice: in the header `{}`, and in the signature's value as {{timestamp}}",
                names[0]
            ),
        )),
        (None, false) => Err(Wrong::new(
            span,
            "the timestamp has no source: add a `header`, or {timestamp} in the signature's value",
        )),
        _ => Ok(TimestampRule { header, unit, tolerance }),
    }
}
