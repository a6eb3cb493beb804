//! The settings of a receiver that can be replaced while it runs.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::forwards::Forward;
use crate::webhook::{
    assessment::{Assessment, Judge},
    called_url::PublicUrl,
    keyring::{Keyring, SecretSource},
    payload::MAX_DECODED_BYTES,
    provider::{Provider, catalog::Catalog},
    request::Request,
    signature::{Receipt, SigningSecret},
    time::Timestamp,
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
    /// The URL under which providers reach this receiver, if it was given.
    pub public_url: Option<PublicUrl>,
    /// Whether deliveries signed with the public development secret are accepted.
    pub accepts_development: bool,
    /// Where deliveries are forwarded. The first match provides the response.
    pub forwards: Vec<Forward>,
}

impl Settings {
    /// Judges a request that was just received. One that was sent here directly, and not to the public URL, is genuine too.
    #[must_use]
    pub fn assess(&self, request: &Request, received_at: Timestamp) -> Assessment {
        let receipt = Receipt::from(Some(received_at));
        let Some(url) = self.called_url(request) else { return self.judge().assess(request, receipt) };
        let assessment = self.judge().assess(request, Receipt { url: Some(&url), ..receipt });
        let assessment = Assessment { url: Some(url), ..assessment };
        let provider = assessment.provider.as_ref().filter(|_| assessment.verdict.rejection().is_some());
        if !provider.is_some_and(|provider| provider.schemes.iter().any(|scheme| scheme.content.signs_url())) {
            return assessment;
        }
        let direct = self.judge().assess(request, receipt);
        if direct.verdict.rejection().is_some() { assessment } else { direct }
    }

    /// The URL that the provider called, if the request does not name it itself.
    #[must_use]
    pub fn called_url(&self, request: &Request) -> Option<String> {
        self.public_url.as_ref().map(|public| public.of(request))
    }

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
        Arc::clone(&self.settings.read())
    }

    /// Replaces the settings for later requests.
    pub fn replace(&self, mut settings: Settings) {
        let handed_over = self.handed_over.lock();
        for (provider, secret) in handed_over.iter() {
            settings.keyring.add(provider, secret.clone(), SecretSource::Registered);
        }
        let mut current = self.settings.write();
        settings.keyring.remember(&current.keyring);
        *current = Arc::new(settings);
    }

    /// Takes a secret into use that a handshake handed over. Returns whether it is new.
    pub fn hand_over(&self, provider: &str, secret: SigningSecret) -> bool {
        let mut handed_over = self.handed_over.lock();
        if handed_over.len() >= MAX_HANDED_OVER || handed_over.iter().any(|(_, known)| *known == secret) {
            return false;
        }
        let mut current = self.settings.write();
        let mut settings = Settings::clone(&current);
        settings.keyring.add(provider, secret.clone(), SecretSource::Registered);
        *current = Arc::new(settings);
        handed_over.push((provider.to_owned(), secret));
        true
    }
}
