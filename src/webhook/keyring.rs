//! The signing secrets of each provider, and the source of each. Shadowed secrets are kept apart: they verify nothing,
//! and only help to explain rejections.

use std::{collections::HashMap, fmt};

use crate::webhook::signature::SigningSecret;

/// Where a secret came from. Output names this, never the secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretSource {
    /// The public development secret, used when no other is set.
    Development,
    /// An environment variable.
    Env(String),
    File(String),
    /// A literal in the config.
    Config,
    /// A literal on the command line.
    Flag,
    /// The provider itself, which handed it over in a handshake.
    Registered,
}

impl SecretSource {
    /// The source in words, after "the secret from".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Config => "the config".to_owned(),
            Self::Flag => "the command line".to_owned(),
            Self::Registered => "the provider".to_owned(),
            other => other.to_string(),
        }
    }

    /// A secret from this source, in words.
    #[must_use]
    pub fn secret_words(&self) -> String {
        match self {
            Self::Development => "the public development secret".to_owned(),
            Self::Registered => "the secret that the provider handed over".to_owned(),
            other => format!("the secret from {}", other.words()),
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Development => f.write_str("development"),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::Config => f.write_str("config"),
            Self::Flag => f.write_str("flag"),
            Self::Registered => f.write_str("registered"),
        }
    }
}

/// Every provider's secrets, in the order in which they are tried. The first one signs.
#[derive(Clone, Debug, Default)]
pub struct Keyring(HashMap<String, ProviderKeys>);

#[derive(Clone, Debug, Default)]
struct ProviderKeys {
    secrets: Vec<SigningSecret>,
    sources: Vec<SecretSource>,
    shadowed: Vec<ShadowedSecret>,
}

/// A secret that is set but not used, because another source takes precedence, or that was in use before.
#[derive(Clone, Debug)]
pub struct ShadowedSecret {
    pub secret: SigningSecret,
    /// Where it is or was set, as messages name it.
    pub origin: String,
    /// Where the secret that takes precedence is set, as messages name it; `None` for a secret that has since been
    /// replaced.
    pub shadowed_by: Option<String>,
}

/// How many replaced secrets of a provider are remembered.
const MAX_REPLACED: usize = 4;

impl Keyring {
    /// Adds a secret after the provider's others.
    pub fn add(&mut self, provider: &str, secret: SigningSecret, source: SecretSource) {
        let keys = self.0.entry(provider.to_owned()).or_default();
        keys.secrets.push(secret);
        keys.sources.push(source);
    }

    /// Removes a secret that the provider itself handed over.
    pub fn remove_registered(&mut self, provider: &str, secret: &SigningSecret) {
        let Some(keys) = self.0.get_mut(provider) else { return };
        let is_it =
            |(own, source): (&SigningSecret, &SecretSource)| own == secret && *source == SecretSource::Registered;
        if let Some(index) = keys.secrets.iter().zip(&keys.sources).position(is_it) {
            keys.secrets.remove(index);
            keys.sources.remove(index);
        }
    }

    /// Adds a shadowed secret.
    pub fn add_shadowed(&mut self, provider: &str, secret: ShadowedSecret) {
        self.0.entry(provider.to_owned()).or_default().shadowed.push(secret);
    }

    /// Remembers the secrets that were in use before and no longer are, because a sender may still sign with them.
    pub fn remember(&mut self, before: &Self) {
        for (provider, old) in &before.0 {
            let Some(keys) = self.0.get_mut(provider) else { continue };
            let own = old.secrets.iter().zip(&old.sources).filter(|(_, source)| **source != SecretSource::Development);
            let own = own.map(|(secret, source)| (secret.clone(), source.words()));
            let earlier = old.shadowed.iter().filter(|shadowed| shadowed.shadowed_by.is_none());
            let earlier = earlier.map(|shadowed| (shadowed.secret.clone(), shadowed.origin.clone()));
            let gone = own.chain(earlier).filter(|(secret, _)| !keys.secrets.contains(secret)).take(MAX_REPLACED);
            let gone: Vec<_> = gone.collect();
            keys.shadowed.extend(gone.into_iter().map(|(secret, origin)| ShadowedSecret {
                secret,
                origin,
                shadowed_by: None,
            }));
        }
    }

    /// Whether the user has set the provider's secret.
    #[must_use]
    pub fn has_own(&self, provider: &str) -> bool {
        let is_own = |source: &SecretSource| !matches!(source, SecretSource::Development | SecretSource::Registered);
        self.0.get(provider).is_some_and(|keys| keys.sources.iter().any(is_own))
    }

    /// A provider's shadowed secrets, by descending precedence.
    #[must_use]
    pub fn shadowed(&self, provider: &str) -> &[ShadowedSecret] {
        self.0.get(provider).map_or(&[], |keys| &keys.shadowed)
    }

    /// A provider's secrets in the order in which they are tried.
    #[must_use]
    pub fn secrets(&self, provider: &str) -> &[SigningSecret] {
        self.0.get(provider).map_or(&[], |keys| &keys.secrets)
    }

    /// Whether a public development secret is among a provider's secrets.
    #[must_use]
    pub fn has_development(&self, provider: &str) -> bool {
        self.0.get(provider).is_some_and(|keys| keys.sources.contains(&SecretSource::Development))
    }

    /// Whether the only secret known for a provider is the public development secret.
    #[must_use]
    pub fn has_only_development(&self, provider: &str) -> bool {
        let is_public = |source: &SecretSource| *source == SecretSource::Development;
        self.has_development(provider) && self.0.get(provider).is_some_and(|keys| keys.sources.iter().all(is_public))
    }

    /// Where the secret at this index of [`Self::secrets`] came from.
    #[must_use]
    pub fn source(&self, provider: &str, index: usize) -> Option<&SecretSource> {
        self.0.get(provider)?.sources.get(index)
    }
}
