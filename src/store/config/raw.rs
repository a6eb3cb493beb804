//! The file as written, and messages about what is wrong with it.

use std::{collections::BTreeMap, fmt, marker::PhantomData, path::PathBuf};

use serde::{
    Deserialize,
    de::{SeqAccess, Visitor},
};
use toml::Spanned;

use super::ForwardConfig;
use crate::{
    store::recipes::Recipe,
    webhook::{provider::manifest::toml_message, signature::SecretText},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    #[serde(default, deserialize_with = "directories")]
    pub(super) providers: Vec<PathBuf>,
    pub(super) env_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) listen: RawListen,
    #[serde(default, deserialize_with = "forwards")]
    pub(super) forward: Vec<ForwardConfig>,
    #[serde(default)]
    pub(super) provider: BTreeMap<Spanned<String>, RawProviderConfig>,
    #[serde(default)]
    pub(super) tunnel: BTreeMap<String, Recipe>,
}

impl RawConfig {
    /// Parses a file. An error consists of an offset, and a message that contains no values.
    pub(super) fn parse(text: &str) -> Result<Self, (usize, String)> {
        toml::from_str(text).map_err(|error| {
            let message = located_key(&without_value(&toml_message(error.message())));
            (error.span().map_or(0, |span| span.start), message)
        })
    }
}

fn forwards<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<ForwardConfig>, D::Error> {
    list(deserializer, "[[forward]] and, below it, to = \"http://localhost:3000/webhooks\"")
}

fn directories<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    list(deserializer, "providers = [\"DIR\"] above all tables")
}

/// Reads a list. If it is something else, the error says how to write it.
fn list<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    form: &'static str,
) -> Result<Vec<T>, D::Error> {
    struct ListVisitor<T>(&'static str, PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(element) = elements.next_element()? {
                list.push(element);
            }
            Ok(list)
        }
    }

    deserializer.deserialize_any(ListVisitor(form, PhantomData))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as { addr = \"127.0.0.1:4400\" }")]
pub(super) struct RawListen {
    pub(super) addr: Option<String>,
    pub(super) capture: Option<PathBuf>,
    pub(super) tunnel: Option<String>,
    pub(super) inspect: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as { secret = \"env:NAME\" }")]
pub(super) struct RawProviderConfig {
    #[serde(default)]
    pub(super) secret: OneOrMore,
    pub(super) endpoint: Option<String>,
    pub(super) signature_header: Option<Spanned<String>>,
    pub(super) api: Option<String>,
}

/// One source or a list of them.
#[derive(Debug, Default)]
pub(super) struct OneOrMore(pub Vec<SecretText>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a source such as \"env:NAME\", or a list of them")]
        enum Raw {
            One(SecretText),
            More(Vec<SecretText>),
        }
        Ok(match Raw::deserialize(deserializer)? {
            Raw::One(one) => Self(vec![one]),
            Raw::More(more) => Self(more),
        })
    }
}

/// Keys that are often written in the wrong table, with the correct lines.
const KEYS: &[(&str, &str)] = &[
    ("forward", "[[forward]] and, below it, to = \"http://localhost:3000/webhooks\""),
    ("forward_to", "[[forward]] and, below it, to = \"http://localhost:3000/webhooks\""),
    ("addr", "[listen] and, below it, addr = \"127.0.0.1:4400\""),
    ("address", "[listen] and, below it, addr = \"127.0.0.1:4400\""),
    ("adress", "[listen] and, below it, addr = \"127.0.0.1:4400\""),
    ("port", "[listen] and, below it, addr = \"127.0.0.1:4400\""),
    ("capture", "[listen] and, below it, capture = \"captures\""),
    ("endpoint", "[provider.NAME] and, below it, endpoint = \"http://localhost:3000/webhooks\""),
    ("secret", "[provider.NAME] and, below it, secret = \"env:NAME\""),
    ("secrets", "[provider.NAME] and, below it, secret = \"env:NAME\""),
    ("env_file", "env_file = \".env\" above all tables"),
    ("providers", "providers = [\"DIR\"] above all tables"),
];

/// A message about an unknown key, extended with where the key belongs.
fn located_key(message: &str) -> String {
    let wrong = message.strip_prefix("unknown key `").and_then(|rest| rest.split('`').next());
    let right = wrong.and_then(|wrong| KEYS.iter().find(|(key, _)| *key == wrong));
    let known = message.split_once(" (known:").map_or("", |(_, known)| known);
    match right {
        // A key of this table was probably meant.
        _ if message.contains("did you mean") => message.to_owned(),
        // The key is in the right place, only its name is wrong.
        Some((_, lines))
            if lines.split(" = ").next().is_some_and(|line| line.ends_with("addr")) && known.contains("`addr`") =>
        {
            message.replacen(" (known:", "; did you mean `addr`? (known:", 1)
        }
        Some((_, lines)) => format!("{message}; write {lines}"),
        None => message.to_owned(),
    }
}

/// A message without the value that has the wrong type, because it may be a secret.
fn without_value(message: &str) -> String {
    let parts = message.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected "));
    let Some((found, expected)) = parts else { return message.to_owned() };
    let kind = found.split(['"', '`']).next().unwrap_or_default().trim_end();
    format!("invalid type: {kind}, expected {expected}")
}
