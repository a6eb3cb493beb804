//! The index of providers: what listing, completion, the search for secrets and the recognition of requests need to
//! know about a provider, so that a run loads only the manifests that it uses.
//!
//! `fixtures/index.ndjson` has the entries of the built-in providers; a test keeps it up to date.

use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Provider, event::Event};
use crate::webhook::{
    json,
    signature::{MalformedSecret, SecretRule, SigningSecret},
};

/// The entry of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// The provider's name.
    pub name: String,
    /// The name as people write it.
    pub title: String,
    /// What it sends, in one line.
    pub about: String,
    /// How its schemes sign, the one that signs first; empty if it is unsigned by design.
    pub signs: Vec<String>,
    /// The rules for its secrets, its own before those of single schemes; empty if it signs nothing.
    pub secrets: Vec<SecretRule>,
    /// Whether its requests contain the secret itself, or a part of it.
    pub sends_secret: bool,
    /// The headers by which its requests are recognised, in lower case.
    pub headers: Vec<String>,
    /// The form field that holds the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_field: Option<String>,
    /// What its author should know, although the provider is valid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cautions: Vec<String>,
    events: IndexedEvents,
}

/// The events of an entry, parsed when they are first asked for. They are most of an index, and only lists and
/// completion need them: with 64 providers, parsing them takes longer than everything else that `send` does at start.
#[derive(Clone, Debug, Default)]
struct IndexedEvents {
    text: Option<Box<RawValue>>,
    list: OnceLock<Vec<IndexedEvent>>,
}

impl IndexedEvents {
    fn list(&self) -> &[IndexedEvent] {
        let parse = |text: &RawValue| serde_json::from_str(text.get()).ok();
        self.list.get_or_init(|| self.text.as_deref().and_then(parse).unwrap_or_default())
    }
}

impl FromIterator<IndexedEvent> for IndexedEvents {
    fn from_iter<I: IntoIterator<Item = IndexedEvent>>(events: I) -> Self {
        Self { text: None, list: OnceLock::from(events.into_iter().collect::<Vec<_>>()) }
    }
}

impl PartialEq for IndexedEvents {
    fn eq(&self, other: &Self) -> bool {
        self.list() == other.list()
    }
}

impl Eq for IndexedEvents {}

impl Serialize for IndexedEvents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.text {
            Some(text) => text.serialize(serializer),
            None => self.list().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for IndexedEvents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { text: Some(Deserialize::deserialize(deserializer)?), list: OnceLock::new() })
    }
}

/// An event as an index lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedEvent {
    /// The full name, such as `aspect.task.completed`.
    #[serde(rename = "name")]
    pub full_name: String,
    /// What it means, in one line.
    pub about: String,
    /// Whether the provider signs it.
    pub signed: bool,
    /// Whether the payload is undocumented, so that the fixture is only plausible.
    #[serde(default, skip_serializing_if = "is_false")]
    pub illustrative: bool,
    /// The values that make each variant of the payload.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
const fn is_false(value: &bool) -> bool {
    !*value
}

impl IndexEntry {
    /// The entry of a provider about which only the name is known.
    #[must_use]
    pub(super) fn of_name(name: String) -> Self {
        Self { title: name.clone(), name, ..Self::default() }
    }

    /// The entry of a provider.
    #[must_use]
    pub fn of(provider: &Provider) -> Self {
        let signs = provider.schemes.iter().map(|scheme| {
            let content = scheme.algorithm.covers_content().then(|| format!(" of {}", scheme.signed_in_words()));
            format!("{}{} in {}", scheme.algorithm, content.unwrap_or_default(), scheme.signature)
        });
        Self {
            name: provider.name.clone(),
            title: provider.title.clone(),
            about: provider.about.clone(),
            signs: signs.collect(),
            secrets: provider.secret_rules().cloned().collect(),
            sends_secret: provider.sends_secret(),
            headers: provider.recognised_by.iter().map(ToString::to_string).collect(),
            payload_field: provider.payload_field.clone(),
            cautions: provider.cautions().into_iter().map(|caution| caution.message).collect(),
            events: provider.events.iter().map(|event| IndexedEvent::of(provider, event)).collect(),
        }
    }

    /// Its events.
    pub fn events(&self) -> &[IndexedEvent] {
        self.events.list()
    }

    /// The environment variable that may contain its secret.
    #[must_use]
    pub fn secret_env(&self) -> Option<&str> {
        self.secrets.first()?.env.as_deref()
    }

    /// Parses a secret as [`Provider::parse_secret`] does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn parse_secret(&self, text: &str) -> Result<SigningSecret, MalformedSecret> {
        SecretRule::parse(text, &self.secrets)
    }

    /// Parses the secret in an environment variable, for the schemes that read this variable.
    ///
    /// # Errors
    ///
    /// As [`Self::parse_secret`].
    pub fn parse_variable(&self, name: &str, text: &str) -> Result<SigningSecret, MalformedSecret> {
        let mut rules = self.secrets.iter().filter(|rule| rule.env.as_deref() == Some(name));
        match (rules.next(), rules.next()) {
            (Some(rule), None) if rule.scheme.is_some() => rule.read(text),
            (Some(_), None) => self.parse_secret(text).map(SigningSecret::of_provider),
            _ => self.parse_secret(text),
        }
    }

    /// Appends the line of `fixtures/index.ndjson` for a manifest with this hash.
    pub fn push_line(&self, manifest: &str, out: &mut Vec<u8>) {
        #[derive(Serialize)]
        struct IndexLine<'a> {
            manifest: &'a str,
            #[serde(flatten)]
            entry: &'a IndexEntry,
        }
        json::writer::line(&IndexLine { manifest, entry: self }, out);
    }
}

impl IndexedEvent {
    fn of(provider: &Provider, event: &Event) -> Self {
        let values =
            |variant: &Vec<(_, String)>| variant.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ");
        Self {
            full_name: event.full_name.clone(),
            about: event.about.clone(),
            signed: !provider.schemes.is_empty() && !event.unsigned,
            illustrative: event.illustrative,
            variants: event.variants.iter().map(values).collect(),
        }
    }
}
