//! The signing secrets in force, for each provider, and where each came from; and those that are
//! known and passed over, which no request is verified with and which only explain a refusal.

use std::{collections::HashMap, fmt};

use crate::webhook::signature::SigningSecret;

/// Where a secret came from. It is told in all output; the secret itself never is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretSource {
    /// The fixed, public secret that hookdev uses when none is set.
    Development,
    /// An environment variable.
    Env(String),
    /// A file.
    File(String),
    /// A literal in the config.
    Config,
    /// A literal on the command line.
    Flag,
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Development => f.write_str("development"),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::Config => f.write_str("config"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// Every provider's secrets, in the order in which they are tried; the first one signs.
#[derive(Debug, Default)]
pub struct Keyring(HashMap<String, Keys>);

#[derive(Debug, Default)]
struct Keys {
    secrets: Vec<SigningSecret>,
    sources: Vec<SecretSource>,
    passed_over: Vec<PassedOver>,
}

/// A secret that is set and not in force, since another one stands above it.
#[derive(Debug)]
pub struct PassedOver {
    /// The secret.
    pub secret: SigningSecret,
    /// Where it is set, in words.
    pub origin: String,
    /// Where the secret that stands above it is set, in words.
    pub above: String,
}

impl Keyring {
    /// Adds a secret behind those that the provider has.
    pub fn add(&mut self, provider: &str, secret: SigningSecret, source: SecretSource) {
        let keys = self.0.entry(provider.to_owned()).or_default();
        keys.secrets.push(secret);
        keys.sources.push(source);
    }

    /// Adds a secret that is not in force.
    pub fn pass_over(&mut self, provider: &str, secret: PassedOver) {
        self.0.entry(provider.to_owned()).or_default().passed_over.push(secret);
    }

    /// A provider's secrets that are not in force, those that stand higher first.
    #[must_use]
    pub fn passed_over(&self, provider: &str) -> &[PassedOver] {
        self.0.get(provider).map_or(&[], |keys| &keys.passed_over)
    }

    /// A provider's secrets.
    #[must_use]
    pub fn secrets(&self, provider: &str) -> &[SigningSecret] {
        self.0.get(provider).map_or(&[], |keys| &keys.secrets)
    }

    /// Where the secret at this place of [`Self::secrets`] came from.
    #[must_use]
    pub fn source(&self, provider: &str, place: usize) -> Option<&SecretSource> {
        self.0.get(provider)?.sources.get(place)
    }
}
