//! The settings of a receiver that can be replaced while it runs.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::forwards::Forward;
use crate::webhook::{
    assessment::{Judge, MAX_DECODED_BYTES},
    keyring::{Keyring, SecretSource},
    provider::{Provider, catalog::Catalog},
    signature::SigningSecret,
};

/// How many secrets handshakes may hand over in one run: each more is tried for every delivery.
const MAX_HANDED_OVER: usize = 64;

/// How requests are verified, and where they are forwarded.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The known providers.
    pub catalog: Arc<Catalog>,
    /// Their signing secrets.
    pub keyring: Keyring,
    /// The provider of every request, instead of the one that the request looks like.
    pub provider: Option<Arc<Provider>>,
    /// Whether deliveries signed with the public development secret are accepted.
    pub accepts_development: bool,
    /// Where deliveries are forwarded. The first match provides the response.
    pub forwards: Vec<Forward>,
}

impl Settings {
    /// The judge of requests under these settings.
    #[must_use]
    pub fn judge(&self) -> Judge<'_> {
        Judge {
            catalog: &self.catalog,
            keyring: &self.keyring,
            provider: self.provider.as_ref(),
            accepts_development: self.accepts_development,
            decoded_limit: MAX_DECODED_BYTES,
        }
    }
}

/// The current settings, shared by the receiver and the task that reloads them.
#[derive(Debug)]
pub struct CurrentSettings {
    settings: RwLock<Arc<Settings>>,
    /// The secrets that handshakes handed over in this run, each with its provider's name. A reload keeps them.
    handed_over: Mutex<Vec<(String, SigningSecret)>>,
}

impl CurrentSettings {
    /// The settings to start with.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings: RwLock::new(Arc::new(settings)), handed_over: Mutex::default() }
    }

    /// The settings for one request, which keeps them until it is done.
    #[must_use]
    pub fn get(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the settings for later requests.
    pub fn replace(&self, mut settings: Settings) {
        let handed_over = self.handed_over.lock().unwrap_or_else(PoisonError::into_inner);
        for (provider, secret) in handed_over.iter() {
            settings.keyring.add(provider, secret.clone(), SecretSource::Registered);
        }
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// Takes a secret into use that a handshake handed over. Returns whether it is new.
    pub fn hand_over(&self, provider: &str, secret: SigningSecret) -> bool {
        let mut handed_over = self.handed_over.lock().unwrap_or_else(PoisonError::into_inner);
        if handed_over.len() >= MAX_HANDED_OVER || handed_over.iter().any(|(_, known)| *known == secret) {
            return false;
        }
        let mut current = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        let mut settings = Settings::clone(&current);
        settings.keyring.add(provider, secret.clone(), SecretSource::Registered);
        *current = Arc::new(settings);
        handed_over.push((provider.to_owned(), secret));
        true
    }
}
