//! `[secret]`, and the `secret` of one scheme: how a provider's secrets are written.

use std::{fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use toml::Spanned;

use super::{
    SecretRule,
    values::{self, Wrong},
};
use crate::webhook::signature::{
    KeyEncoding, MalformedSecret, Scheme, SecretFormat, SigningSecret, asymmetric::Family,
};

/// The form of a provider's secrets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSecret {
    /// The environment variable that may hold one.
    env: Option<Spanned<String>>,
    /// How the key is written: `text` (the default), `base64`, `base64url` or `hex`. Public keys may also be SPKI, PEM,
    /// a certificate or a JWK set.
    encoding: Option<KeyEncoding>,
    /// What comes before the key and is not part of it, such as `whsec_`.
    prefix: Option<Spanned<String>>,
    /// How the provider's other keys start, such as `sk_`.
    #[serde(default)]
    other_keys: Vec<Spanned<String>>,
    /// The public development secret. For public keys, a text that begins with `hookdev-` is the seed of a pair.
    development: Option<Spanned<Development>>,
}

/// A development secret: one text, or a pair of keys.
enum Development {
    Text(String),
    Pair(Pair),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    public: String,
    private: String,
}

impl<'de> Deserialize<'de> for Development {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrPair;

        impl<'de> Visitor<'de> for TextOrPair {
            type Value = Development;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, or { public = \"KEY\", private = \"KEY\" }")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Development, E> {
                Ok(Development::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Development, A::Error> {
                Pair::deserialize(MapAccessDeserializer::new(map)).map(Development::Pair)
            }
        }
        deserializer.deserialize_any(TextOrPair)
    }
}

/// The values for what the table of a secret leaves out.
#[derive(Clone, Default)]
pub(super) struct Defaults {
    pub encoding: KeyEncoding,
    pub prefix: Option<String>,
}

impl RawSecret {
    /// The rule, if its development secret has the format that it states. `place` is that of the table.
    pub(super) fn rule(
        &self,
        defaults: &Defaults,
        family: Option<Family>,
        has_two_parts: bool,
        place: &Range<usize>,
    ) -> Result<SecretRule, Wrong> {
        let env = self.env.as_ref().map(values::variable).transpose()?;
        let prefix = self.prefix.as_ref();
        if let Some(empty) = prefix.filter(|prefix| prefix.get_ref().is_empty()) {
            return Err(Wrong::new(empty.span(), "the prefix is empty; leave it out if there is none"));
        }
        if let (Some(prefix), None | Some(KeyEncoding::Text)) = (prefix, self.encoding)
            && prefix.get_ref() == STANDARD_PREFIX
            && defaults.prefix.is_none()
        {
            let message = "`whsec_` comes before base64: add encoding = \"base64\", or leave the prefix out if all of the text is the key";
            return Err(Wrong::new(prefix.span(), message));
        }
        let prefix = prefix.map(|prefix| prefix.get_ref().clone());
        let format = SecretFormat {
            prefix: prefix.or_else(|| defaults.prefix.clone().filter(|_| self.encoding.is_none())),
            encoding: self.encoding.unwrap_or(defaults.encoding),
            family,
            other_keys: self.other_keys.iter().map(|start| start.get_ref().clone()).collect(),
            has_two_parts,
        };
        if let Some(empty) = self.other_keys.iter().find(|start| start.get_ref().is_empty()) {
            return Err(Wrong::new(empty.span(), "`other_keys` has an empty string, which would match every secret"));
        }
        let Some(development) = &self.development else {
            return Err(Wrong::new(place.clone(), "the secret needs a `development` secret"));
        };
        let (text, public) = match development.get_ref() {
            Development::Text(text) => (text, None),
            Development::Pair(Pair { public, private }) => (private, Some(public.clone())),
        };
        let wrong = |error| Wrong::new(development.span(), format!("invalid development secret: {error}"));
        let secret = SigningSecret::parse(text, &format).map_err(wrong)?;
        if let Some(public) = &public {
            SigningSecret::parse(public, &format).map_err(wrong)?;
        }
        if family.is_some() && !secret.can_sign_for(family) {
            return Err(wrong(MalformedSecret::NotPrivate));
        }
        let public = public.or_else(|| secret.public_text(&format));
        Ok(SecretRule { env, format, development: text.clone(), public, scheme: None })
    }

    /// Checks that the schemes can send the development secret, where it is a token.
    pub(super) fn check_sendable(&self, rule: &SecretRule, schemes: &[Scheme]) -> Result<(), Wrong> {
        let secret = SigningSecret::parse(&rule.development, &rule.format).ok();
        if secret.is_some_and(|secret| schemes.iter().all(|scheme| scheme.can_send(&secret))) {
            return Ok(());
        }
        let message = format!("invalid development secret: {}", MalformedSecret::NotSendable);
        let place = self.development.as_ref().map(Spanned::span).unwrap_or_default();
        Err(Wrong::new(place, message))
    }
}

/// The prefix of Standard Webhooks, after which the key is always base64.
const STANDARD_PREFIX: &str = "whsec_";
