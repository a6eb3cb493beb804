//! The settings of a receiver that can be replaced while it runs.

use std::sync::{Arc, PoisonError, RwLock};

use super::forwards::Forward;
use crate::webhook::{
    assessment::{Judge, MAX_DECODED_BYTES},
    keyring::Keyring,
    provider::{Provider, catalog::Catalog},
};

/// How requests are verified, and where they are forwarded.
#[derive(Debug)]
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
pub struct CurrentSettings(RwLock<Arc<Settings>>);

impl CurrentSettings {
    /// The settings to start with.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self(RwLock::new(Arc::new(settings)))
    }

    /// The settings for one request, which keeps them until it is done.
    #[must_use]
    pub fn get(&self) -> Arc<Settings> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the settings for later requests.
    pub fn replace(&self, settings: Settings) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }
}
